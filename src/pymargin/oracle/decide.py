"""Actions from levels: the threshold lines of the rules, evaluated as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from pymargin.errors import AccountsError, Problem, RulesError
from pymargin.modes import Action
from pymargin.oracle.schedule import exact_decimal
from pymargin.oracle.terms import Level

if TYPE_CHECKING:
    from pymargin.rules import MarginRules
    from pymargin.rules.thresholds import Limit, Line

__all__ = ["Check", "actions_named", "decide", "first_line", "line_limit", "methodology_of"]


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold held against its level.

    Parameters
    ----------
    level
        Name of the level.
    found
        The account's level.
    relation
        ``<=`` for a line, ``>`` for a grant.
    limit
        The threshold that applies to this account.
    actions
        What the line or grant stands for.
    holds
        Whether the relation is true.
    fired
        Whether it took part in the decision: the first line that holds; a grant that holds
        where no line does.
    """

    level: str
    found: Level
    relation: str
    limit: Fraction
    actions: Action
    holds: bool
    fired: bool


def decide(
    rules: MarginRules,
    mode: str,
    levels: Mapping[str, Level],
    *,
    leverage: int | None,
    own_ratio: Fraction | None,
) -> tuple[Action, tuple[Check, ...]]:
    """Return the actions that the rules' lines give, and every line and grant with its outcome.

    The first line whose level is at or below its limit decides; where none is, the mode's
    actions hold, with every grant whose level is above its limit. A NaN level meets neither.
    Thresholds: "How to Trade with Cross Margin Pro", "Cross Margin Classic" (FAQ); inclusive as
    the line says.
    """
    lines = list(_line_checks(rules, mode, levels, leverage, own_ratio))
    deciding = next((i for i, check in enumerate(lines) if check.holds), None)
    grants = list(_grant_checks(rules, mode, levels, leverage))
    if deciding is not None:
        lines[deciding] = replace(lines[deciding], fired=True)
        return lines[deciding].actions, (*lines, *grants)
    grants = [replace(check, fired=check.holds) for check in grants]
    granted = actions_named(rules.thresholds[mode].actions)
    for check in grants:
        granted |= check.actions if check.fired else Action(0)
    return granted, (*lines, *grants)


def first_line(
    rules: MarginRules,
    mode: str,
    levels: Mapping[str, Level],
    *,
    leverage: int | None,
    own_ratio: Fraction | None,
) -> Action | None:
    """Return the actions of the first line that matches, None where none does."""
    lines = _line_checks(rules, mode, levels, leverage, own_ratio)
    return next((check.actions for check in lines if check.holds), None)


def _line_checks(
    rules: MarginRules,
    mode: str,
    levels: Mapping[str, Level],
    leverage: int | None,
    own_ratio: Fraction | None,
) -> Iterator[Check]:
    for line in rules.thresholds[mode].lines:
        limit = line_limit(line, mode, leverage, own_ratio)
        found = levels[line.level]
        actions = actions_named(line.actions)
        yield Check(line.level, found, "<=", limit, actions, found <= limit, fired=False)


def _grant_checks(
    rules: MarginRules, mode: str, levels: Mapping[str, Level], leverage: int | None
) -> Iterator[Check]:
    for grant in rules.thresholds[mode].grants:
        limit = _limit(grant.above, leverage, f"rules.thresholds[{mode}].{grant.level}")
        found = levels[grant.level]
        yield Check(
            grant.level, found, ">", limit, Action[grant.action], found > limit, fired=False
        )


def line_limit(line: Line, mode: str, leverage: int | None, own_ratio: Fraction | None) -> Fraction:
    """Return the limit of a line for one account: its own margin-call ratio where that counts."""
    limit = _limit(line.at_most, leverage, f"rules.thresholds[{mode}].{line.level}")
    return own_ratio if line.own_ratio and own_ratio is not None else limit


def methodology_of(rules: MarginRules, product: str, known: tuple[str, ...]) -> str:
    """Return the methodology of a product, or say that the rules name none that is known."""
    name = rules.methodology.get(product)
    if name not in known:
        expected = "one of " + ", ".join(known)
        raise RulesError([Problem(f"methodology.{product}", "methodology", name, expected)])
    return name


def _limit(limit: Limit, leverage: int | None, path: str) -> Fraction:
    if isinstance(limit, Decimal):
        return exact_decimal(limit)
    if leverage is None or leverage not in limit:
        expected = "one of " + ", ".join(str(key) for key in limit)
        raise AccountsError([Problem("leverage", f"leverage of {path}", leverage, expected)])
    return exact_decimal(limit[leverage])


def actions_named(names: tuple[str, ...]) -> Action:
    """Return the actions of these names together."""
    actions = Action(0)
    for name in names:
        actions |= Action[name]
    return actions

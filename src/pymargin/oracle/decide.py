"""Actions from levels: the threshold lines of the rules, evaluated as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pymargin.errors import AccountsError, Problem, RulesError
from pymargin.modes import Action
from pymargin.oracle.schedule import exact, exact_decimal
from pymargin.oracle.terms import Level

if TYPE_CHECKING:
    from pymargin.rules import MarginRules
    from pymargin.rules.thresholds import Limit

__all__ = ["Check", "decide", "methodology_of", "own_margin_call_ratio"]


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
    thresholds = rules.thresholds[mode]
    checks: list[Check] = []
    decided: Action | None = None
    for line in thresholds.lines:
        limit = _limit(line.at_most, leverage, f"rules.thresholds[{mode}].{line.level}")
        if line.own_ratio and own_ratio is not None:
            limit = own_ratio
        found = levels[line.level]
        holds = found <= limit
        fired = holds and decided is None
        actions = _actions(line.actions)
        checks.append(Check(line.level, found, "<=", limit, actions, holds, fired))
        decided = actions if fired else decided
    granted = _actions(thresholds.actions)
    for grant in thresholds.grants:
        limit = _limit(grant.above, leverage, f"rules.thresholds[{mode}].{grant.level}")
        found = levels[grant.level]
        holds = found > limit
        fired = holds and decided is None
        actions = Action[grant.action]
        checks.append(Check(grant.level, found, ">", limit, actions, holds, fired))
        granted |= actions if fired else Action(0)
    return (granted if decided is None else decided), tuple(checks)


def methodology_of(rules: MarginRules, product: str, known: tuple[str, ...]) -> str:
    """Return the methodology of a product, or say that the rules name none that is known."""
    name = rules.methodology.get(product)
    if name not in known:
        expected = "one of " + ", ".join(known)
        raise RulesError([Problem(f"methodology.{product}", "methodology", name, expected)])
    return name


def own_margin_call_ratio(row: Mapping[str, Any]) -> Fraction | None:
    """Return the row's own margin-call ratio, None where it has none."""
    number = row.get("margin_call_ratio")
    if number is None or math.isnan(number):
        return None
    return exact(number)


def _limit(limit: Limit, leverage: int | None, path: str) -> Fraction:
    if isinstance(limit, Decimal):
        return exact_decimal(limit)
    if leverage is None or leverage not in limit:
        expected = "one of " + ", ".join(str(key) for key in limit)
        raise AccountsError([Problem("leverage", f"leverage of {path}", leverage, expected)])
    return exact_decimal(limit[leverage])


def _actions(names: tuple[str, ...]) -> Action:
    actions = Action(0)
    for name in names:
        actions |= Action[name]
    return actions

"""Compares two rules: where they differ, and what became of announced changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from pymargin.errors import RulesError
from pymargin.rules.announced import change_name, check_changes, stated_text
from pymargin.rules.document import document
from pymargin.rules.kinds import TABLES
from pymargin.rules.model import MarginRules
from pymargin.rules.schedules import Tier
from pymargin.rules.standing import Standing, Stated, agree, agree_but_for_rounding

if TYPE_CHECKING:
    from pymargin.notices.change import Change

__all__ = ["Announced", "Difference", "RulesDiff", "compare_rules"]

Status: TypeAlias = Literal[
    "in_force", "rounded", "not_in_force", "differs", "not_yet", "superseded", "unknown"
]

# Whole parts of the rules that are compared by what the rules file writes of them.
_PARTS = ("max_leverage", "stable", "thresholds", "loan_margin", "loan_leverage", "contracts")
_RANKS = ("ranks", "portfolio_pro_ranks")


@dataclass(frozen=True, slots=True)
class Difference:
    """Say where two rules differ.

    Parameters
    ----------
    part
        A table of the rules, ``ranks``, ``methodology`` or another part of the rules file.
    name
        The asset, symbol or product; empty where a whole part is meant.
    ours, theirs
        What each side holds; None where it holds nothing. A schedule, a rank, or a text.
    """

    part: str
    name: str
    ours: tuple[Tier, ...] | int | str | None
    theirs: tuple[Tier, ...] | int | str | None

    def __str__(self) -> str:
        where = f"{self.part} {self.name}".rstrip()
        ours, theirs = (
            side if isinstance(side, str) else stated_text(side)
            for side in (self.ours, self.theirs)
        )
        return f"{where}: {ours}; theirs: {theirs}"


@dataclass(frozen=True, slots=True)
class Announced:
    """Say what became of an announced change in the rules that were found.

    Parameters
    ----------
    change
        What was announced.
    status
        ``in_force`` as announced; ``rounded``: in force, and the notice printed a rate to fewer
        digits; ``not_in_force``: what the notice calls "before" still holds; ``differs``: neither
        holds; ``not_yet``: it takes effect after the moment of the rules; ``superseded``: a later
        change of the same key is announced, and has taken effect; ``unknown``: the rules found
        hold nothing of it.
    found
        What they hold.
    """

    change: Change
    status: Status
    found: Stated

    def __str__(self) -> str:
        told = f"{change_name(self.change)}: {self.status.replace('_', ' ')}"
        if self.status in ("differs", "rounded"):
            announced = stated_text(self.change.after)
            return f"{told}: announced {announced}, found {stated_text(self.found)}"
        return told


@dataclass(frozen=True, slots=True)
class RulesDiff:
    """Hold all differences of two rules; false where there are none.

    Parameters
    ----------
    differences
        Table by table, in each by name.
    same
        Table to how many names have the same schedule on both sides.
    announced
        What became of each announced change, in order of time; empty where none was given.
    """

    differences: tuple[Difference, ...]
    same: Mapping[str, int]
    announced: tuple[Announced, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.differences)

    def of(self, part: str) -> tuple[Difference, ...]:
        """Return the differences of one table or part."""
        return tuple(one for one in self.differences if one.part == part)


def compare_rules(
    ours: MarginRules,
    theirs: MarginRules,
    *,
    announced: Iterable[Change] = (),
    names: Iterable[str] | None = None,
) -> RulesDiff:
    """Compare two rules by what they make of each name; how they are grouped does not matter.

    A table, or ranks, that one side does not hold at all is one difference, not one for each
    name. Labels, sources and moments are not compared.

    Parameters
    ----------
    ours, theirs
        The rules: ours as announced, say, and theirs as the exchange's own answers give them.
    announced
        Changes of notices: each is looked up in ``theirs``.
    names
        Compare only these assets and symbols.

    Raises
    ------
    RulesError
        The announced changes have faults; the message has all of them.

    Examples
    --------
    >>> from pymargin.rules import builtin_rules
    >>> diff = compare_rules(builtin_rules(at="2025-11-07T05:59Z"),
    ...                      builtin_rules(at="2025-11-07T06:00Z"), names=["WIF", "BTC"])
    >>> [str(one) for one in diff.of("ranks")]
    ['ranks WIF: rank 5; theirs: rank 6']
    """
    for name, rules in (("ours", ours), ("theirs", theirs)):
        if not isinstance(rules, MarginRules):
            raise RulesError(f"{name} must be a MarginRules, not {type(rules).__name__}")
    only = None if names is None else frozenset(names)
    differences: list[Difference] = []
    same: dict[str, int] = {}
    for table in TABLES:
        found, alike = _of_table(ours, theirs, table, only)
        differences += found
        if alike:
            same[table] = alike
    for part in _RANKS:
        differences += _of_mapping(part, getattr(ours, part), getattr(theirs, part), only)
    differences += _of_mapping("methodology", ours.methodology, theirs.methodology, None)
    if only is None:
        differences += _of_parts(ours, theirs)
    checked = check_changes(announced)
    return RulesDiff(tuple(differences), same, _became(checked, theirs))


def _of_table(
    ours: MarginRules, theirs: MarginRules, table: str, only: frozenset[str] | None
) -> tuple[list[Difference], int]:
    """Return the differences of a table, and how many names are the same in both."""
    held = ours.has_table(table), theirs.has_table(table)
    if not all(held) and only is None:
        if any(held):
            texts = [_counted(rules, table) for rules in (ours, theirs)]
            return [Difference(table, "", *texts)], 0
        return [], 0
    found, alike = [], 0
    for name in sorted({*ours.names(table), *theirs.names(table)}):
        if only is not None and name not in only:
            continue
        one, other = ours.find(table, name), theirs.find(table, name)
        if one is not None and agree(one, other):
            alike += 1
        elif one != other:
            found.append(Difference(table, name, one, other))
    return found, alike


def _counted(rules: MarginRules, table: str) -> str | None:
    return f"{len(rules.names(table)):,} names" if rules.has_table(table) else None


def _of_mapping(
    part: str,
    ours: Mapping[str, int] | Mapping[str, str],
    theirs: Mapping[str, int] | Mapping[str, str],
    only: frozenset[str] | None,
) -> Iterable[Difference]:
    if bool(ours) != bool(theirs) and only is None:
        texts = [f"{len(side):,} names" if side else None for side in (ours, theirs)]
        return [Difference(part, "", *texts)]
    return [
        Difference(part, name, ours.get(name), theirs.get(name))
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name) and (only is None or name in only)
    ]


def _of_parts(ours: MarginRules, theirs: MarginRules) -> Iterable[Difference]:
    """Compare the parts that are neither schedules nor ranks, product by product."""
    one, other = document(ours), document(theirs)
    for part in _PARTS:
        left, right = one.get(part), other.get(part)
        if left == right:
            continue
        if isinstance(left, dict) and isinstance(right, dict):
            for name in sorted({*left, *right}):
                if left.get(name) != right.get(name):
                    yield Difference(part, name, *map(_written, (left.get(name), right.get(name))))
        else:
            yield Difference(part, "", _written(left), _written(right))


def _written(part: object) -> str | None:
    return None if part is None else str(part)


def _became(changes: Iterable[Change], theirs: MarginRules) -> tuple[Announced, ...]:
    """Look every announced change up in the rules that were found."""
    standing, moment = Standing(theirs), theirs.moment
    ordered = sorted(changes, key=lambda change: change.effective)
    latest: dict[tuple[str, str, str | int], Change] = {}
    for change in ordered:
        if not _is_ahead(change, moment):
            latest[change.product, change.table, change.key] = change
        if change.table == "tiers" and isinstance(change.key, int):
            standing.learn(change)
    became = []
    # A change without an "after" announces nothing: it prints what an asset leaves.
    for change in (change for change in ordered if change.after is not None):
        found = standing.found(change)
        if found is None and isinstance(change.key, int) and standing.has_schedule(change):
            # The exchange's answers name assets and no ranks: an asset of the rank has it.
            found = change.after
        last = latest.get((change.product, change.table, change.key))
        became.append(Announced(change, _status(change, found, last, moment), found))
    return tuple(became)


def _is_ahead(change: Change, moment: datetime | None) -> bool:
    return moment is not None and change.effective > moment


def _status(change: Change, found: Stated, last: Change | None, moment: datetime | None) -> Status:
    if _is_ahead(change, moment):
        return "not_yet"
    if found is None:
        return "unknown"
    if agree(found, change.after):
        return "in_force"
    if last is not None and last is not change:
        return "superseded"
    if agree_but_for_rounding(found, change.after):
        return "rounded"
    before = change.before
    still = before is not None and agree_but_for_rounding(found, before)
    return "not_in_force" if still else "differs"

"""Timeline: rules, and the changes that a notice announces, each in force at its moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from pymargin.errors import RulesError
from pymargin.rules.announced import change_name, check_changes, two_sides_text
from pymargin.rules.frozen import FrozenMapping
from pymargin.rules.methodology import (
    METHODOLOGIES,
    Methodology,
    methodology_at,
    moment_text,
    parse_moment,
)
from pymargin.rules.model import MarginRules
from pymargin.rules.standing import Standing, Stated, agree, agree_but_for_rounding

if TYPE_CHECKING:
    from pymargin.notices.change import Change

__all__ = ["Conflict", "Timeline", "Window"]

Window: TypeAlias = Literal["before", "after"]

# At one moment a rank's tiers come before the assets that move to it.
_ORDER = {"tiers": 0, "rate": 0, "borrow_rate": 0, "transfer_out_rate": 0, "brackets": 0, "rank": 1}
_RATIO_SPLIT = ("borrow_rate", "transfer_out_rate")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Say where a change and the rules contradict each other.

    Parameters
    ----------
    kind
        ``before``: the rules in force held neither what the change calls "before" nor its
        "after". ``applied``: the change took effect before the rules were taken, and they do not
        hold it. ``same_moment``: another change gives the same key something else at the same
        moment. ``no_schedule``: an asset moved to a rank without a schedule.
    change
        The change.
    found
        What the rules hold (``same_moment``: what the other change gives).
    text
        The sentence for people, with both.
    """

    kind: Literal["before", "applied", "same_moment", "no_schedule"]
    change: Change
    found: Stated
    text: str

    def __str__(self) -> str:
        return self.text


class Timeline:
    """Rules as they stand at any moment, given changes announced for them.

    A change is in force at its very moment. Its "after" states a whole table, rank or rate, so it
    is applied even where its "before" contradicts the rules; the contradiction is one of
    ``conflicts``. A change from before the rules' own moment is part of them already: it is not
    made again, and where they do not hold it that is a conflict. So the same notice applied twice
    changes nothing. The formula of each product (its methodology) switches on its own date.

    Parameters
    ----------
    rules
        What the changes are made to, from their own moment on; rules without a moment count as
        older than every change.
    changes
        The changes of one notice or several, in any order; a repeated one counts once. Where two
        give the same key something else at the same moment, the later of the sequence holds.

    Raises
    ------
    RulesError
        With every fault of the changes, each under its position.

    Examples
    --------
    >>> import pymargin as pm
    >>> rules = pm.builtin_rules(at="2026-01-21T12:00Z")
    >>> timeline = Timeline(rules, ())
    >>> [moment.isoformat() for moment in timeline.moments]
    ['2026-01-21T13:00:00+00:00', '2026-06-15T08:00:00+00:00']
    >>> timeline.at("2026-01-21T13:00Z").methodology["cross_classic"]
    'classic_2026_01'
    """

    def __init__(self, rules: MarginRules, changes: Iterable[Change]) -> None:
        if not isinstance(rules, MarginRules):
            raise RulesError(f"rules must be a MarginRules, not {type(rules).__name__}")
        self._rules = rules
        self._changes = _in_order(check_changes(changes))
        self._pending = tuple(self._is_pending(change) for change in self._changes)
        self._known: dict[tuple[datetime, tuple[bool, ...]], MarginRules] = {}
        self._conflicts = tuple(self._find_conflicts())

    @property
    def rules(self) -> MarginRules:
        """The rules that the timeline starts from."""
        return self._rules

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every distinct change, in order of time."""
        return self._changes

    @property
    def moments(self) -> tuple[datetime, ...]:
        """Every moment after the rules' own at which something changes, aware UTC, in order."""
        start, stated = self._rules.moment, self._rules.methodology
        if start is None:
            own = [entry.since for entry in METHODOLOGIES if entry.product in stated]
            # Before the first formula there are no rules at all.
            switches = {since for since in own if since > min(own)}
        else:
            switches = {entry.since for entry in METHODOLOGIES if entry.since > start}
        changed = (
            change.effective
            for change in self._changes
            if start is None or change.effective > start
        )
        return tuple(sorted({*changed, *switches}))

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Every contradiction between the changes and the rules, in order of time."""
        return self._conflicts

    def between(self, a: str | datetime, b: str | datetime) -> tuple[Change, ...]:
        """Return the changes that take effect after ``a`` and no later than ``b``.

        They are what ``at(b)`` has and ``at(a)`` has not.
        """
        begin, end = _aware("a", a), _aware("b", b)
        return tuple(change for change in self._changes if begin < change.effective <= end)

    def at(self, moment: str | datetime, window: Window = "after") -> MarginRules:
        """Return the rules as they stand at a moment.

        Parameters
        ----------
        moment
            ISO 8601 text with a zone, or an aware datetime; not before the rules' own moment.
        window
            A notice says that a change is completed within a time after its moment, in which an
            account may be under either table. ``"before"`` takes such a change as not made yet,
            ``"after"`` as made.

        Raises
        ------
        RulesError
            The moment has no zone, lies before the rules' own, or before the first methodology.
        """
        if window not in ("after", "before"):
            raise ValueError(f"window must be 'after' or 'before', not {window!r}")
        when = _aware("moment", moment)
        start = self._rules.moment
        if start is not None and when < start:
            raise RulesError(
                f"moment must be no earlier than that of the rules ({moment_text(start)}), "
                f"not {moment_text(when)}"
            )
        in_force = tuple(
            is_pending and _holds(change, when, window)
            for change, is_pending in zip(self._changes, self._pending, strict=True)
        )
        methodology = self._methodology(when, window)
        key = (when, (*in_force, window == "before"))
        if key not in self._known:
            self._known[key] = self._made(when, in_force, methodology)
        return self._known[key]

    def _made(
        self, when: datetime, in_force: Sequence[bool], methodology: FrozenMapping[str, str]
    ) -> MarginRules:
        """Make the changes that are in force, each moment named among the sources."""
        made = [change for change, holds in zip(self._changes, in_force, strict=True) if holds]
        if not made:
            return self._rules.replace(moment=when, methodology=methodology)
        standing = Standing(self._rules)
        effective = False
        for change in made:
            effective |= not agree(standing.found(change), change.after)
            standing.apply(change)
        sources = self._rules.sources
        if effective:
            sources = tuple(dict.fromkeys((*sources, *_told(made))))
        return self._rules.replace(
            **standing.parts(), moment=when, methodology=methodology, sources=sources
        )

    def _is_pending(self, change: Change) -> bool:
        """Say whether the rules may not hold a change yet: one in whose window they were taken too.

        A later change of the same key that had taken effect by then has replaced it.
        """
        start = self._rules.moment
        if start is None or change.effective > start:
            return True
        return change.effective + change.window > start and not any(
            _key(other) == _key(change) and change.effective < other.effective <= start
            for other in self._changes
        )

    def _methodology(self, when: datetime, window: Window) -> FrozenMapping[str, str]:
        """Return each product's formula, which switches on its own date.

        Rules without a moment have the formulas of the moment, for the products that they name.
        """
        start, stated = self._rules.moment, self._rules.methodology
        formulas = {} if start is None else dict(stated)
        for entry in METHODOLOGIES:
            is_ahead = entry.product in stated if start is None else entry.since > start
            if is_ahead and entry.since + self._switch_window(entry, window) <= when:
                formulas[entry.product] = entry.name
        return FrozenMapping(formulas) if formulas else FrozenMapping(methodology_at(when))

    def _switch_window(self, entry: Methodology, window: Window) -> timedelta:
        """A formula of cross margin waits for the ratios that begin with it."""
        if window == "after" or not entry.product.startswith("cross"):
            return timedelta(0)
        windows = (
            change.window
            for change in self._changes
            if change.effective == entry.since and change.table in _RATIO_SPLIT
        )
        return max(windows, default=timedelta(0))

    def _find_conflicts(self) -> Iterable[Conflict]:
        yield from _same_moment(self._changes)
        start = self._rules.moment
        taken = Standing(self._rules)
        stages = tuple(zip(self._changes, self._pending, strict=True))
        taken_effect = [
            stage for stage in stages if start is not None and stage[0].effective <= start
        ]
        # Of several changes of a key the last holds; within its window either side may.
        latest = {_key(stage[0]): stage for stage in taken_effect}
        for change, _ in taken_effect:
            taken.learn(change)
        for change, is_pending in latest.values():
            found = taken.found(change)
            is_stated = change.after is not None and found is not None and not is_pending
            if is_stated and not agree_but_for_rounding(found, change.after):
                told = f"the rules, taken later ({moment_text(start)})" if start else "the rules"
                yield _conflict("applied", change, found, f"{told}, hold")
        standing = Standing(self._rules)
        for change, is_pending in stages:
            if not is_pending:
                continue
            found = standing.found(change)
            if _contradicts(change, found):
                yield _conflict("before", change, found, "the rules hold")
            lack = standing.apply(change)
            if lack is not None:
                yield Conflict("no_schedule", change, found, f"{change_name(change)}: {lack}")


def _aware(path: str, moment: str | datetime) -> datetime:
    parsed = parse_moment(moment, path=path)
    if parsed is None:
        raise RulesError(f"{path} must be a moment, not None")
    return parsed


def _holds(change: Change, when: datetime, window: Window) -> bool:
    if window == "before":
        return change.effective + change.window <= when
    return change.effective <= when


def _key(change: Change) -> tuple[str, str, str | int]:
    return change.product, change.table, change.key


def _in_order(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Sort by time, and take a repeated change once, whatever text it was read from."""
    distinct = {
        (*_key(change), change.effective, change.window, change.before, change.after): change
        for change in reversed(changes)
    }
    kept = list(reversed(distinct.values()))
    return tuple(sorted(kept, key=lambda c: (c.effective.astimezone(UTC), _ORDER[c.table])))


def _contradicts(change: Change, found: Stated) -> bool:
    """Say whether what stands is neither side of a change; unknown or unstated is neither."""
    if found is None or change.before is None:
        return False
    return not any(agree_but_for_rounding(found, side) for side in (change.before, change.after))


def _same_moment(changes: Sequence[Change]) -> Iterable[Conflict]:
    """Two changes of one key at one moment that differ: the later of the sequence holds."""
    seen: dict[tuple[object, ...], Change] = {}
    for change in changes:
        at = (*_key(change), change.effective)
        other = seen.setdefault(at, change)
        if other is not change and not agree(other.after, change.after):
            yield _conflict("same_moment", change, other.after, "another change gives")


def _conflict(
    kind: Literal["before", "applied", "same_moment"], change: Change, found: Stated, who: str
) -> Conflict:
    what = "from" if kind == "before" else "to"
    sides = two_sides_text(change.before if kind == "before" else change.after, found)
    text = (
        f"{change_name(change)}: the change of {moment_text(change.effective)} goes {what} "
        f"{sides[0]}, and {who} {sides[1]}"
    )
    return Conflict(kind, change, found, text)


def _told(changes: Sequence[Change]) -> Iterable[str]:
    moments: dict[datetime, int] = {}
    for change in changes:
        moments[change.effective] = moments.get(change.effective, 0) + 1
    for moment, count in moments.items():
        yield f"{count} announced change{'' if count == 1 else 's'} of {moment_text(moment)}"

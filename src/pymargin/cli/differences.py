"""Shows differences of rules, what became of announced changes, and the history of a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pymargin.cli.figures import counted
from pymargin.cli.screen import Column, Screen
from pymargin.rules.announced import change_name, stated_text
from pymargin.rules.findings import plain
from pymargin.rules.history import history
from pymargin.rules.schedules import Tier

if TYPE_CHECKING:
    from pymargin.rules import MarginRules, RulesDiff
    from pymargin.rules.compare import Announced, Difference

__all__ = ["show_announced", "show_differences", "show_history"]

Side = tuple[Tier, ...] | int | str | None

_STATUS = {
    "in_force": "in force as announced",
    "rounded": "in force, a rate printed to fewer digits",
    "not_yet": "not yet due",
    "superseded": "superseded by a later change",
    "not_in_force": "NOT in force: the old table still holds",
    "differs": "DIFFERS from what was announced",
    "unknown": "not to be found there",
}
# Those that somebody should look at come with what was found.
_DOUBTFUL = ("not_in_force", "differs", "rounded", "unknown")


def show_differences(screen: Screen, found: RulesDiff, a: str, b: str, *, brief: bool) -> None:
    """Print what differs between two rules, names with the same difference together."""
    if not found:
        screen.line(f"{a} and {b} hold the same rules.")
        return
    screen.line(f"A: {a}")
    screen.line(f"B: {b}")
    parts = dict.fromkeys(one.part for one in found.differences)
    for part in parts:
        of_part = found.of(part)
        alike = found.same.get(part)
        also = "" if alike is None else f", {alike:,} the same"
        screen.heading(f"{part}: {counted(len(of_part), 'difference')}{also}")
        rows, schedules = _grouped(of_part, brief=brief)
        if rows:
            screen.table([Column("A"), Column("B"), Column("of")], rows)
        for (ours, theirs), names in schedules.items():
            screen.line()
            screen.line(", ".join(names) + (f" ({len(names):,})" if len(names) > 1 else ""))
            if not brief:
                _show_schedules(screen, ours, theirs)


def _grouped(
    differences: Iterable[Difference], *, brief: bool
) -> tuple[list[tuple[str, ...]], dict[tuple[tuple[Tier, ...], tuple[Tier, ...]], list[str]]]:
    """Put names of the same difference together: plain rows, and pairs of schedules."""
    rows: dict[tuple[str, ...], list[str]] = {}
    schedules: dict[tuple[tuple[Tier, ...], tuple[Tier, ...]], list[str]] = {}
    for one in differences:
        if isinstance(one.ours, tuple) and isinstance(one.theirs, tuple):
            schedules.setdefault((one.ours, one.theirs), []).append(one.name)
        else:
            sides = tuple(_text(side, brief=brief) for side in (one.ours, one.theirs))
            rows.setdefault(sides, []).append(one.name)
    plain_rows = [(*sides, ", ".join(filter(None, names))) for sides, names in rows.items()]
    return plain_rows, schedules


def _show_schedules(screen: Screen, ours: Sequence[Tier], theirs: Sequence[Tier]) -> None:
    """Print two schedules slice by slice, cut at the caps of both."""
    ends = sorted({tier.cap for tier in (*ours, *theirs) if tier.cap is not None})
    is_open = any(tiers[-1].cap is None for tiers in (ours, theirs))
    rows, floor = [], Decimal(0)
    for cap in [*ends, None] if is_open else ends:
        sides = [_rate(tiers, floor) for tiers in (ours, theirs)]
        mark = "" if sides[0] == sides[1] else "*"
        rows.append((_figure(floor), "no end" if cap is None else _figure(cap), *sides, mark))
        floor = cap if cap is not None else floor
    columns = [Column(title, True) for title in ("above", "up to", "A", "B")]
    screen.table([*columns, Column("")], rows)


def _rate(tiers: Sequence[Tier], floor: Decimal) -> str:
    for tier in tiers:
        if tier.cap is None or floor < tier.cap:
            leverage = "" if tier.leverage is None else f" {plain(tier.leverage)}x"
            return f"{plain(tier.rate * 100)} %{leverage}"
    return "-"


def _figure(number: Decimal) -> str:
    return f"{Decimal(plain(number)):,f}"


def _text(side: Side, *, brief: bool = False) -> str:
    if side is None:
        return "-"
    if brief and isinstance(side, tuple) and len(side) > 1:
        return counted(len(side), "tier")
    return side if isinstance(side, str) else stated_text(side)


def show_announced(screen: Screen, announced: Sequence[Announced], where: str) -> None:
    """Print what became of announced changes, those in doubt one by one."""
    screen.heading(f"{counted(len(announced), 'announced change')}, looked up in {where}")
    counts = Counter(one.status for one in announced)
    rows = [(told, f"{counts[status]:,}") for status, told in _STATUS.items() if counts[status]]  # type: ignore[index]
    screen.table([Column("what became of it"), Column("changes", True)], rows)
    doubtful = [one for one in announced if one.status in _DOUBTFUL]
    for one in doubtful:
        screen.line()
        moment = f"{one.change.effective:%Y-%m-%d %H:%M} UTC"
        screen.line(f"{change_name(one.change)}, {moment}: {_STATUS[one.status]}", style="bold")
        after = one.change.after
        if isinstance(after, tuple) and isinstance(one.found, tuple):
            screen.line("A: as announced, B: as found")
            _show_schedules(screen, after, one.found)
        else:
            screen.line(f"announced {stated_text(after)}, found {stated_text(one.found)}")


def show_history(screen: Screen, snapshots: Sequence[MarginRules], name: str) -> None:
    """Print what a name had at first, and what changed when."""
    first = snapshots[0]
    screen.line(f"{name}, {first.label or 'unlabelled rules'}")
    started = "" if first.moment is None else f", {first.moment:%Y-%m-%d %H:%M} UTC"
    screen.heading(f"At first{started}")
    rank = first.rank(name)
    rows = [] if rank is None else [("rank", _alone(rank))]
    rows += [
        (table, stated_text(first.tiers(table, name)))
        for table in first.tables
        if first.find(table, name) is not None
    ]
    if rows:
        screen.table([Column("what"), Column("is")], rows)
    else:
        screen.line(f"These rules do not know {name} then.")
    told = False
    for rules, differences in history(snapshots, name):
        moment = "" if rules.moment is None else f"{rules.moment:%Y-%m-%d %H:%M} UTC"
        screen.heading(moment)
        columns = [Column("what"), Column("before"), Column("after")]
        changes = [(_part(one), _alone(one.ours), _alone(one.theirs)) for one in differences]
        screen.table(columns, changes)
        told = True
    if not told:
        screen.line()
        screen.line("Nothing changes.")


def _part(one: Difference) -> str:
    """Name what a name has of its own: its rank, its tiers; of formulas, the mode's."""
    if one.part == "methodology":
        return f"{one.part} {one.name}"
    return one.part.removesuffix("s") if isinstance(one.ours or one.theirs, int) else one.part


def _alone(side: Side) -> str:
    """Write a side next to its name: a rank is called one there."""
    return str(side) if isinstance(side, int) else _text(side)

"""The worse of two rules, asset by asset: what may hold while a change is being made."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from pymargin.rules.kinds import TABLES, TableKind
from pymargin.rules.model import Group, MarginRules
from pymargin.rules.schedules import Tier, offsets

__all__ = ["worst_rules", "worst_schedule"]

# Rules take 18 digits.
_ROUNDED = Context(prec=17, rounding=ROUND_FLOOR)


def worst_rules(before: MarginRules, after: MarginRules) -> MarginRules:
    """Return ``after`` with every schedule replaced by the worse of the two at each value.

    Of two collateral schedules (concave) the lower one at each value is again such a schedule,
    and of two margin schedules (convex) the higher one: no holding counts for more, and no debt
    asks for less, than under either rules. A name that only one of the two knows keeps its
    schedule.
    """
    tables: dict[str, list[Group]] = {}
    known: dict[tuple[tuple[Tier, ...], tuple[Tier, ...]], tuple[Tier, ...]] = {}
    for table, kind in TABLES.items():
        if not before.has_table(table) and not after.has_table(table):
            continue
        named: dict[tuple[Tier, ...], list[str]] = {}
        for name in {*before.names(table), *after.names(table)}:
            one, other = before.find(table, name), after.find(table, name)
            if one is None or other is None or one == other:
                worst = one or other or ()
            else:
                key = (one, other)
                worst = known.get(key) or worst_schedule(one, other, kind)
                known[key] = worst
            named.setdefault(worst, []).append(name)
        tables[table] = [Group(tiers, assets=tuple(names)) for tiers, names in named.items()]
    return after.replace(tables=tables, label=f"{after.label} (worse of two, asset by asset)")


def worst_schedule(
    one: tuple[Tier, ...], other: tuple[Tier, ...], kind: TableKind
) -> tuple[Tier, ...]:
    """Return the lower envelope of two ratio schedules, the upper one of two margin schedules.

    An edge where they cross is exact where it has 17 digits or fewer; else it is put aside by
    less than one unit of the 17th, so that the schedule is never better than either of the two.
    Where both name a leverage the smaller one holds.
    """
    pair = _Lines(one, kind), _Lines(other, kind)
    edges = sorted({tier.cap for tier in (*one, *other) if tier.cap is not None})
    tiers: list[Tier] = []
    floor = Decimal(0)
    for end in [*edges, None]:
        crossing = _crossing(pair, floor, end)
        for cap in [end] if crossing is None else [crossing, end]:
            rate = _worse_rate(pair, floor, cap, kind)
            tier = Tier(floor, cap, rate, _least_leverage(pair, floor))
            if tiers and (tiers[-1].rate, tiers[-1].leverage) == (rate, tier.leverage):
                tier = Tier(tiers.pop().floor, cap, rate, tier.leverage)
            tiers.append(tier)
            floor = cap if cap is not None else floor
    if one[-1].cap is None or other[-1].cap is None:
        return tuple(tiers)
    return _closed(tiers, edges[-1])


class _Lines:
    """A schedule as straight lines: beyond a closed last cap it goes on as its kind says."""

    def __init__(self, tiers: tuple[Tier, ...], kind: TableKind) -> None:
        self._tiers = tiers
        self._pieces = [
            (tier.cap, Fraction(tier.rate), Fraction(offset))
            for tier, offset in zip(tiers, offsets(tiers), strict=True)
        ]
        cap, rate, offset = self._pieces[-1]
        if cap is not None:
            top = Fraction(cap) * rate + offset
            beyond = (Fraction(0), top) if kind.excess == "zero" else (rate, offset)
            self._pieces.append((None, *beyond))

    def above(self, floor: Decimal) -> tuple[Fraction, Fraction]:
        """Return rate and offset of the line that goes on above a value."""
        return next((r, o) for cap, r, o in self._pieces if cap is None or floor < cap)

    def leverage_above(self, floor: Decimal) -> Decimal | None:
        """Return the leverage of the tier above a value; of the last one beyond it."""
        found = (tier for tier in self._tiers if tier.cap is None or floor < tier.cap)
        return next(found, self._tiers[-1]).leverage


def _crossing(pair: tuple[_Lines, _Lines], floor: Decimal, cap: Decimal | None) -> Decimal | None:
    """Return where two lines cross strictly between two edges, None where they do not.

    Rounded down: collateral rates then fall, and margin rates rise, a little early, which is the
    worse of the two ways.
    """
    (rate, offset), (other_rate, other_offset) = (line.above(floor) for line in pair)
    if rate == other_rate:
        return None
    exact = (other_offset - offset) / (rate - other_rate)
    if exact <= floor:
        return None
    crossing = _ROUNDED.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return crossing if crossing > floor and (cap is None or crossing < cap) else None


def _worse_rate(
    pair: tuple[_Lines, _Lines], floor: Decimal, cap: Decimal | None, kind: TableKind
) -> Decimal:
    """Return the rate of the line that is worse between two edges without a crossing."""
    lines = [line.above(floor) for line in pair]
    if cap is None and lines[0][0] != lines[1][0]:
        # Past every crossing the flatter line is the lower one.
        rates = [rate for rate, _ in lines]
        return _decimal(min(rates) if kind.is_ratio else max(rates))
    middle = Fraction(floor) + 1 if cap is None else (Fraction(floor) + Fraction(cap)) / 2
    values = [(rate * middle + offset, rate) for rate, offset in lines]
    return _decimal((min(values) if kind.is_ratio else max(values))[1])


def _least_leverage(pair: tuple[_Lines, _Lines], floor: Decimal) -> Decimal | None:
    named = [leverage for line in pair if (leverage := line.leverage_above(floor)) is not None]
    return min(named, default=None)


def _closed(tiers: list[Tier], end: Decimal) -> tuple[Tier, ...]:
    """Close a schedule at the end of the longer of two closed ones, where nothing changes past."""
    last = tiers[-1]
    if last.floor < end:
        return (*tiers[:-1], Tier(last.floor, end, last.rate, last.leverage))
    return tuple(tiers[:-1]) if last.floor == end and last.rate == 0 else tuple(tiers)


def _decimal(rate: Fraction) -> Decimal:
    return Decimal(rate.numerator) / Decimal(rate.denominator)

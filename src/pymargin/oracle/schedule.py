"""A progressive schedule, summed slice by slice, in exact numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymargin.rules import Tier

__all__ = ["ScheduleValue", "Slice", "exact", "exact_decimal", "schedule_value", "tier_at"]

# An excess over a closed last cap of these still counts, at the last rate (see schedule_value).
_LAST_RATE_GOES_ON = frozenset({"liability_maintenance", "liability_initial", "usdm", "coinm"})


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of a progressive schedule, as far as a value reaches into it.

    Parameters
    ----------
    floor, cap
        The tier's bounds in USDT; `cap` None when open.
    rate
        The tier's rate.
    part
        The USDT of the value that lie in this tier.
    contribution
        ``rate * part``, USDT.
    """

    floor: Fraction
    cap: Fraction | None
    rate: Fraction
    part: Fraction
    contribution: Fraction


@dataclass(frozen=True, slots=True)
class ScheduleValue:
    """A schedule taken at a value: the slices reached, their sum, and the excess over the last cap.

    Parameters
    ----------
    table
        Name of the rules' table.
    value
        The USDT value that the schedule is taken at.
    slices
        The tiers that the value reaches, lowest first.
    total
        Sum of the contributions, USDT.
    beyond
        USDT above a closed last cap; 0 where the last cap is open or not exceeded.
    """

    table: str
    value: Fraction
    slices: tuple[Slice, ...]
    total: Fraction
    beyond: Fraction


def exact(number: float | Decimal) -> Fraction:
    """Return the shortest decimal that reads back as this float64, as a fraction.

    Our reading of an input: the decimal that Python's ``repr`` prints, so that 1.1 is 11/10. A
    decimal, which the exchange's answers hold, is taken as it stands.

    >>> exact(1.1)
    Fraction(11, 10)
    """
    if isinstance(number, Decimal):
        return Fraction(number)
    return Fraction(Decimal(repr(float(number))))


@lru_cache(maxsize=65_536)
def exact_decimal(number: Decimal) -> Fraction:
    """Return a rate, cap or threshold of the rules as a fraction: these are decimals already."""
    return Fraction(number)


def schedule_value(table: str, tiers: Sequence[Tier], value: Fraction) -> ScheduleValue:
    """Take a progressive schedule at a USDT value.

    ``sum of rate_k * max(0, min(value, cap_k) - floor_k)``: each slice of the value at its own
    rate, as "Binance Cross Margin Collateral Haircuts" (FAQ) works out for 6,000 BTC and the
    margin-data page "Cross Margin Pro Position Tiers" for liabilities.

    The brackets of futures are the same: ``notional * rate - cum`` ("Leverage and Margin of
    USDⓈ-M Futures", FAQ b3c689c1f50a44cabb3a84e663b81d93) is this sum, cum derived.

    Above an open last cap the last rate goes on. Above a closed one, our reading: an excess of
    collateral counts nothing; an excess of liabilities and positions goes on at the last rate.
    """
    slices: list[Slice] = []
    total = Fraction(0)
    for tier in tiers:
        floor = exact_decimal(tier.floor)
        if value <= floor and slices:
            break
        cap = None if tier.cap is None else exact_decimal(tier.cap)
        goes_on = tier is tiers[-1] and table in _LAST_RATE_GOES_ON
        top = value if cap is None or goes_on else min(value, cap)
        rate = exact_decimal(tier.rate)
        part = max(Fraction(0), top - floor)
        contribution = rate * part
        slices.append(Slice(floor, cap, rate, part, contribution))
        total += contribution
    last_cap = tiers[-1].cap
    beyond = Fraction(0) if last_cap is None else max(Fraction(0), value - exact_decimal(last_cap))
    return ScheduleValue(table, value, tuple(slices), total, beyond)


def tier_at(tiers: Sequence[Tier], value: Fraction) -> Tier:
    """Return the tier that a value falls in; an upper edge belongs to its tier.

    "0 < Position <= 5,000" (Binance Futures Will Update the Leverage & Margin Tiers of Multiple
    USDⓈ-M Perpetual Contracts, 2026-02-03). Above a closed last cap it is the last.
    """
    for tier in tiers[:-1]:
        if tier.cap is None or value <= exact_decimal(tier.cap):
            return tier
    return tiers[-1]

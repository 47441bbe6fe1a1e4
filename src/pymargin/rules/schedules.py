"""A schedule: a progressive, piecewise-linear function of a USDT value, in exact arithmetic.

Each tier rates only the slice of the value that lies inside it. The upper edge of a tier belongs
to it. Everything is computed in rationals and handed back as the exact decimal: the decimal
context of the caller plays no part, and a float is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, Overflow, localcontext
from fractions import Fraction
from typing import Literal, TypeAlias

__all__ = [
    "OPEN_CAP",
    "Excess",
    "Tier",
    "inverse",
    "is_beyond",
    "marginal_rate",
    "offsets",
    "value",
]

OPEN_CAP = Decimal(99_999_999_999)
"""A cap from here on is the exchange's way of writing "no cap"."""

Excess: TypeAlias = Literal["zero", "last"]
"""What the part above a closed last cap counts: nothing, or at the last rate."""

Exact: TypeAlias = Decimal | int | Fraction

# Wide enough for any sum of products of shortest decimals of float64; a result that does not fit
# raises instead of being rounded.
_EXACT = Context(prec=5000, traps=[Inexact, Overflow])


@dataclass(frozen=True, slots=True)
class Tier:
    """Rate the slice of a value between two edges.

    Parameters
    ----------
    floor, cap
        The edges in USDT; ``cap`` is None where the tier is open, and a cap of 99,999,999,999
        or more becomes None. Int or Decimal; a float raises TypeError.
    rate
        What one USDT inside the slice counts.
    leverage
        The largest leverage the exchange gives in this tier, where it names one.

    Examples
    --------
    >>> Tier(Decimal(0), Decimal("100000000000"), Decimal("0.95")).cap is None
    True
    """

    floor: Decimal
    cap: Decimal | None
    rate: Decimal
    leverage: Decimal | None = None

    def __post_init__(self) -> None:
        for name in ("floor", "cap", "rate", "leverage"):
            given = getattr(self, name)
            if given is None and name in ("cap", "leverage"):
                continue
            if isinstance(given, bool) or not isinstance(given, int | Decimal):
                raise TypeError(f"Tier {name} must be a Decimal, not {given!r}")
            if not isinstance(given, Decimal):
                object.__setattr__(self, name, Decimal(given))
        if self.cap is not None and self.cap >= OPEN_CAP:
            object.__setattr__(self, "cap", None)


def _fraction(number: Exact, name: str) -> Fraction:
    if isinstance(number, bool) or not isinstance(number, Decimal | int | Fraction):
        raise TypeError(f"{name} must be a Decimal, int or Fraction, not {number!r}")
    if isinstance(number, Decimal) and not number.is_finite():
        raise ValueError(f"{name} must be finite, not {number}")
    exact = Fraction(number)
    if exact < 0:
        raise ValueError(f"{name} must not be negative, not {number}")
    return exact


def _decimal(number: Fraction) -> Decimal:
    with localcontext(_EXACT):
        return Decimal(number.numerator) / Decimal(number.denominator)


def _rated(tiers: Sequence[Tier], v: Fraction, excess: Excess) -> Fraction:
    total = Fraction(0)
    for tier in tiers:
        floor = Fraction(tier.floor)
        if v <= floor:
            return total
        top = v if tier.cap is None else min(v, Fraction(tier.cap))
        total += Fraction(tier.rate) * (top - floor)
    last = tiers[-1]
    if excess == "last" and last.cap is not None and v > last.cap:
        total += Fraction(last.rate) * (v - Fraction(last.cap))
    return total


def value(tiers: Sequence[Tier], v: Decimal | int, *, excess: Excess) -> Decimal:
    """Rate a value slice by slice, exactly.

    Parameters
    ----------
    tiers
        A valid schedule: the first floor 0, each floor the cap before.
    v
        The value in USDT, not negative.
    excess
        ``zero``: what lies above a closed last cap counts nothing (collateral). ``last``: the
        last rate goes on (margins on a debt).

    Raises
    ------
    TypeError, ValueError
        ``v`` is a float, negative or not finite.

    Examples
    --------
    >>> tiers = (Tier(Decimal(0), Decimal(100), Decimal(1)),
    ...          Tier(Decimal(100), None, Decimal("0.5")))
    >>> value(tiers, Decimal(300), excess="zero")
    Decimal('200')
    """
    return _decimal(_rated(tiers, _fraction(v, "value"), excess))


def marginal_rate(tiers: Sequence[Tier], v: Exact, *, excess: Excess) -> Decimal:
    """Return the rate of the tier that a value falls in; an upper edge belongs to its tier.

    Examples
    --------
    >>> tiers = (Tier(Decimal(0), Decimal(100), Decimal(1)),
    ...          Tier(Decimal(100), None, Decimal("0.5")))
    >>> marginal_rate(tiers, 100, excess="zero"), marginal_rate(tiers, 101, excess="zero")
    (Decimal('1'), Decimal('0.5'))
    """
    exact = _fraction(v, "value")
    for tier in tiers:
        if tier.cap is None or exact <= tier.cap:
            return tier.rate
    return Decimal(0) if excess == "zero" else tiers[-1].rate


def is_beyond(tiers: Sequence[Tier], v: Exact) -> bool:
    """Say whether a value lies above a closed last cap; exactly at the cap it does not."""
    last = tiers[-1].cap
    return last is not None and _fraction(v, "value") > last


def inverse(tiers: Sequence[Tier], y: Exact, *, excess: Excess) -> Fraction | None:
    """Find the smallest value whose rated value is at least ``y``; None where none is.

    The answer is a Fraction, since a rate such as 0.7 has no finite decimal inverse.

    Examples
    --------
    >>> tiers = (Tier(Decimal(0), Decimal(100), Decimal(1)),
    ...          Tier(Decimal(100), None, Decimal("0.7")))
    >>> inverse(tiers, 101, excess="zero")
    Fraction(710, 7)
    """
    target = _fraction(y, "y")
    if target == 0:
        return Fraction(0)
    reached = Fraction(0)
    for tier in tiers:
        floor, rate = Fraction(tier.floor), Fraction(tier.rate)
        full = None if tier.cap is None else reached + rate * (Fraction(tier.cap) - floor)
        if rate > 0 and (full is None or full >= target):
            return floor + (target - reached) / rate
        if full is None:
            return None
        reached = full
    last = tiers[-1]
    if excess == "zero" or last.rate == 0 or last.cap is None:
        return None
    return Fraction(last.cap) + (target - reached) / Fraction(last.rate)


def offsets(tiers: Sequence[Tier]) -> tuple[Decimal, ...]:
    """Derive each tier's offset: inside tier k the rated value is ``rate_k * v + offset_k``.

    The exchange publishes the same figure with the other sign for margins: the quick deduction
    (``cum``, ``fastNum``) is ``-offset``.

    Examples
    --------
    >>> tiers = (Tier(Decimal(0), Decimal(250000), Decimal("0.005")),
    ...          Tier(Decimal(250000), None, Decimal("0.01")))
    >>> offsets(tiers)
    (Decimal('0'), Decimal('-1250'))
    """
    derived: list[Decimal] = []
    running = previous_rate = Fraction(0)
    for tier in tiers:
        rate = Fraction(tier.rate)
        running += Fraction(tier.floor) * (previous_rate - rate)
        previous_rate = rate
        derived.append(_decimal(running))
    return tuple(derived)

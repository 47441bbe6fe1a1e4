"""What is doubtful about tiers that keep every law: the reader keeps them, and says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from pymargin.notices.blocks import Chain
from pymargin.notices.figures import Rate
from pymargin.rules.schedules import OPEN_CAP

__all__ = ["findings_of_falling", "findings_of_rising", "is_round_ratio", "percent"]

_AS_PRINTED = "read as printed"
# A ratio below this goes in steps of 2.5 % in every table seen; above, 97.5 and 99.99 occur.
_FINE_RATIOS = Decimal("0.9")
_STEP = Decimal("0.025")
# Rates that no decimal holds: half the inverse of 3x and 15x, and the like.
_REPEATING = (Fraction(1, 3), Fraction(1, 6), Fraction(1, 15), Fraction(1, 30), Fraction(1, 60))
_USUAL_PLACES = 2
_STEEPEST = Decimal("0.85")


def percent(rate: Decimal) -> str:
    """Write a rate as a percentage.

    Examples
    --------
    >>> percent(Decimal("0.125")), percent(Decimal(1))
    ('12.5 %', '100 %')
    """
    text = f"{rate.scaleb(2):f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def is_round_ratio(rate: Decimal) -> bool:
    """Tell whether a collateral ratio is one that tables use: steps of 2.5 %, or above 90 %."""
    return rate >= _FINE_RATIOS or rate % _STEP == 0


def findings_of_falling(chain: Chain) -> Iterator[tuple[int, str, str]]:
    """Find what is doubtful about collateral tiers, as (offset, what, how)."""
    if not chain:
        return
    if chain[0].tier_rate.value < _FINE_RATIOS:
        first = percent(chain[0].tier_rate.value)
        yield chain[0].start, f"a first ratio of {first} is unusual", _AS_PRINTED
    for cell in chain:
        if not is_round_ratio(cell.tier_rate.value):
            shown = percent(cell.tier_rate.value)
            yield cell.start, f"a ratio of {shown} is unusual", _AS_PRINTED
    last = chain[-1]
    if last.tier_band.cap is not None and last.tier_band.cap < OPEN_CAP:
        yield (
            last.start,
            f"the last tier ends at {last.tier_band.cap:,}, where tables go on without end",
            _AS_PRINTED,
        )


def findings_of_rising(chains: Sequence[Chain]) -> Iterator[tuple[int, str, str]]:
    """Find what is doubtful about leverage and margin tiers, as (offset, what, how)."""
    for chain in chains:
        for cell in chain:
            yield from _of_rate(cell.start, cell.tier_rate)
            high = cell.high or 1
            if cell.tier_rate.value * high > _STEEPEST:
                shown = percent(cell.tier_rate.value)
                yield cell.start, f"{shown} is much for a leverage of {high}", _AS_PRINTED
        if chain and chain[-1].high is not None and (chain[-1].low or chain[-1].high) != 1:
            yield chain[-1].start, "the last tier is not that of leverage 1", _AS_PRINTED
    yield from _between_sides(chains)


def _between_sides(chains: Sequence[Chain]) -> Iterator[tuple[int, str, str]]:
    if len(chains) < 2:
        return
    before = {(cell.low, cell.high): cell for cell in chains[0]}
    for cell in chains[1]:
        other = before.get((cell.low, cell.high))
        if other is not None and other.tier_rate.value != cell.tier_rate.value:
            rates = f"{percent(other.tier_rate.value)} before and {percent(cell.tier_rate.value)}"
            yield cell.start, f"the rate at leverage {cell.high} is {rates} after", _AS_PRINTED


def _of_rate(at: int, rate: Rate) -> Iterator[tuple[int, str, str]]:
    is_odd = rate.places not in (0, _USUAL_PLACES)
    if not is_odd and not _is_coarse(rate.value):
        return
    shown = f"{rate.value.scaleb(2):.{rate.places}f} %"
    yield (
        at,
        f"the rate {shown} is printed to fewer or more digits than usual",
        "read as printed: the deduction (cum) derived from it rests on a rounded rate",
    )


@lru_cache(maxsize=1024)
def _is_coarse(rate: Decimal) -> bool:
    """Tell whether a rate is a rounding of a repeating fraction other than the usual one."""
    exact = Fraction(rate)
    for fraction in _REPEATING:
        usual = [Fraction(round(fraction * scale), scale) for scale in (10_000, 100_000)]
        if exact not in usual and abs(exact - fraction) < fraction / 100:
            return True
    return False

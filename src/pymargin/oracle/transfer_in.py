"""The definition of the largest transfer-in, band by band as the exchange's table has them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

__all__ = ["max_transfer_in"]


def max_transfer_in(
    total: float | Decimal,
    upper_limit: float | Decimal,
    price: float | Decimal,
    *,
    amount: float | Decimal = 50_000,
    rank: int | None = None,
    mode: str | None = None,
) -> Fraction | float:
    """Return units of the asset, exact; ``inf`` where the rule does not hold.

    "Margin Asset Max Collateral Rule" (2025-03-27): its table of four bands, for ranks 7 to 10
    and Cross Margin Classic, Cross Margin Pro and Portfolio Margin. Exactly 80 % is in the second
    band (Example 1); exactly 90 % is in both of its neighbours, which agree there.
    """
    if rank is not None and rank not in (7, 8, 9, 10):
        return math.inf
    if mode is not None and mode not in ("cross_classic", "cross_pro", "portfolio"):
        return math.inf
    held, limit, worth = (_decimal(number) for number in (total, upper_limit, price))
    if limit == 0 or held / limit > 1:
        return Fraction(0)
    usage = held / limit
    if usage < Fraction(80, 100):
        return limit * Fraction(80, 100) - held
    fixed = _decimal(amount) / worth
    headroom = limit - held
    return fixed if fixed < headroom else headroom


def _decimal(number: float | Decimal) -> Fraction:
    return Fraction(number if isinstance(number, Decimal) else Decimal(repr(number)))

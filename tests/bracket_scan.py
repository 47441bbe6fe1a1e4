"""The liquidation price of one isolated position, by trying every bracket: in closed form.

Knows nothing of the oracle: in a bracket of rate r and deduction c the margin is ``n r - c``, so
each bracket has one candidate, which counts where its notional lies in the bracket.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from pymargin.rules import Tier


def decimal_of(number: float) -> Fraction:
    """Return the shortest decimal that reads back as a float64."""
    return Fraction(Decimal(repr(number)))


@dataclass(frozen=True)
class Leg:
    """One position on an isolated wallet; `size` is that of a COIN-M contract, None of USDⓈ-M."""

    tiers: Sequence[Tier]
    quantity: float
    entry: float
    wallet: float
    size: Decimal | None = None

    @cached_property
    def pieces(self) -> list[tuple[Fraction, Fraction | None, Fraction, Fraction]]:
        """Return floor, cap (None of the last), rate and deduction of each bracket."""
        found, deduction, before = [], Fraction(0), Fraction(0)
        for tier in self.tiers:
            floor, rate = Fraction(tier.floor), Fraction(tier.rate)
            deduction += floor * (rate - before)
            before = rate
            cap = None if tier is self.tiers[-1] else Fraction(tier.cap or 0)
            found.append((floor, cap, rate, deduction))
        return found

    @cached_property
    def line(self) -> tuple[Fraction, Fraction, Fraction]:
        """Return (a, b, k): balance = a + b u and notional = k u, u being x, or 1/x in COIN-M."""
        quantity, entry = decimal_of(self.quantity), decimal_of(self.entry)
        if self.size is None:
            return decimal_of(self.wallet) - quantity * entry, quantity, abs(quantity)
        signed = quantity * Fraction(self.size)
        return decimal_of(self.wallet) + signed / entry, -signed, abs(signed)

    def roots(self) -> list[Fraction]:
        """Return every price above 0 at which balance and margin are equal."""
        a, b, k = self.line
        found = set()
        for floor, cap, rate, deduction in self.pieces:
            slope = b - rate * k
            if not slope:
                continue
            u = -(a + deduction) / slope
            if u > 0 and floor <= k * u and (cap is None or k * u <= cap):
                found.add(u if self.size is None else 1 / u)
        return sorted(found)

    def fires(self, price: float) -> bool:
        """Return whether the position is due at a price."""
        a, b, k = self.line
        u = decimal_of(price) if self.size is None else 1 / decimal_of(price)
        margin = next(
            k * u * rate - deduction
            for floor, cap, rate, deduction in self.pieces
            if cap is None or k * u <= cap
        )
        balance = a + b * u
        return balance <= margin if margin else balance < 0

    def boundary(self, root: Fraction) -> float:
        """Return the float64 beside a root that fires while its neighbour does not.

        Steps from eight floats below the root to eight above.
        """
        x = float(root)
        for _ in range(8):
            x = math.nextafter(x, 0)
        for _ in range(16):
            following = math.nextafter(x, math.inf)
            here, there = self.fires(x), self.fires(following)
            if here is not there:
                return x if here else following
            x = following
        return math.nan

"""The definition of the largest position at a leverage, and of the largest leverage of a size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from pymargin.oracle.schedule import exact, exact_decimal

if TYPE_CHECKING:
    from pymargin.rules import MarginRules, Tier

__all__ = ["max_leverage", "max_position"]


def max_position(symbol: str, leverage: float, rules: MarginRules) -> Fraction | float:
    """Return the largest notional in a bracket that allows the leverage; ``inf`` where it is open.

    "Leverage and Margin of USDⓈ-M Futures Contracts" (FAQ 360033162192): each bracket has a largest
    leverage and a cap, which belongs to it. 0 where no bracket allows the leverage.
    """
    reached: Fraction | float = Fraction(0)
    for tier in _brackets(symbol, rules):
        assert tier.leverage is not None
        if exact_decimal(tier.leverage) < exact(leverage):
            break
        reached = math.inf if tier.cap is None else exact_decimal(tier.cap)
    return reached


def max_leverage(symbol: str, notional: float, rules: MarginRules) -> Fraction:
    """Return the largest of all leverages in the brackets that allow the notional; 0 for none."""
    allowed = [Fraction(0)]
    for tier in _brackets(symbol, rules):
        assert tier.leverage is not None
        leverage = exact_decimal(tier.leverage)
        if exact(notional) <= max_position(symbol, float(leverage), rules):
            allowed.append(leverage)
    return max(allowed)


def _brackets(symbol: str, rules: MarginRules) -> Sequence[Tier]:
    table = "usdm" if rules.find("usdm", symbol) is not None else "coinm"
    return rules.tiers(table, symbol)

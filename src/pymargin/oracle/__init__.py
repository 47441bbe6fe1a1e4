"""The definition: exact, slow, and free of the core; everything else is judged by it.

Every number that goes in is read as the shortest decimal of its float64 (what ``repr`` prints),
every step is a `fractions.Fraction`, and a schedule is summed slice by slice. Nothing here
imports the core, numpy or the accounts; it reads the schedules of the rules and one row.
"""

from __future__ import annotations

from pymargin.oracle.classic import ClassicLevels, cross_classic
from pymargin.oracle.decide import Check
from pymargin.oracle.futures import FuturesLevels, MarginPool, PositionLevels, coinm, usdm
from pymargin.oracle.orders import OrderTerm
from pymargin.oracle.portfolio import EquityTerm, PortfolioLevels, portfolio, portfolio_pro
from pymargin.oracle.positions import PositionTerm
from pymargin.oracle.pro import ProLevels, cross_pro
from pymargin.oracle.schedule import ScheduleValue, Slice
from pymargin.oracle.terms import AssetTerm

__all__ = [
    "AssetTerm",
    "Check",
    "ClassicLevels",
    "EquityTerm",
    "FuturesLevels",
    "MarginPool",
    "OrderTerm",
    "PortfolioLevels",
    "PositionLevels",
    "PositionTerm",
    "ProLevels",
    "ScheduleValue",
    "Slice",
    "coinm",
    "cross_classic",
    "cross_pro",
    "portfolio",
    "portfolio_pro",
    "usdm",
]

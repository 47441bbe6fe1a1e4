"""The definition: exact, slow, and free of the core; everything else is judged by it.

Every number that goes in is read as the shortest decimal of its float64 (what ``repr`` prints),
every step is a `fractions.Fraction`, and a schedule is summed slice by slice. Nothing here
imports the core, numpy or the accounts; it reads the schedules of the rules and one row.
"""

from __future__ import annotations

from pymargin.oracle.classic import ClassicLevels, cross_classic
from pymargin.oracle.decide import Check
from pymargin.oracle.equity import EquityTerm
from pymargin.oracle.futures import FuturesLevels, MarginPool, PositionLevels, coinm, usdm
from pymargin.oracle.limits import max_leverage, max_position, max_transfer_in
from pymargin.oracle.orders import OrderTerm
from pymargin.oracle.portfolio import PortfolioLevels, portfolio, portfolio_pro
from pymargin.oracle.positions import PositionTerm
from pymargin.oracle.pro import ProLevels, cross_pro
from pymargin.oracle.questions import Switch, max_borrow, max_transfer_out, shortfall, switch
from pymargin.oracle.roots import Root, boundary_float, liquidation_factor, liquidation_price
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
    "Root",
    "ScheduleValue",
    "Slice",
    "Switch",
    "boundary_float",
    "coinm",
    "cross_classic",
    "cross_pro",
    "liquidation_factor",
    "liquidation_price",
    "max_borrow",
    "max_leverage",
    "max_position",
    "max_transfer_in",
    "max_transfer_out",
    "portfolio",
    "portfolio_pro",
    "shortfall",
    "switch",
    "usdm",
]

"""The definition: exact, slow, and free of the core; everything else is judged by it.

Every number that goes in is read as the shortest decimal of its float64 (what ``repr`` prints),
every step is a `fractions.Fraction`, and a schedule is summed slice by slice. Nothing here
imports the core, numpy or the accounts; it reads the schedules of the rules and one row.
"""

from __future__ import annotations

from pymargin.oracle.classic import ClassicLevels, cross_classic
from pymargin.oracle.decide import Check
from pymargin.oracle.orders import OrderTerm
from pymargin.oracle.pro import ProLevels, cross_pro
from pymargin.oracle.schedule import ScheduleValue, Slice
from pymargin.oracle.terms import AssetTerm

__all__ = [
    "AssetTerm",
    "Check",
    "ClassicLevels",
    "OrderTerm",
    "ProLevels",
    "ScheduleValue",
    "Slice",
    "cross_classic",
    "cross_pro",
]

"""Rules: dated schedules in exact decimals, read, checked and written."""

from __future__ import annotations

from pymargin.rules.announced import names_by_product
from pymargin.rules.binance import rules_from_binance
from pymargin.rules.builtin import builtin_rules
from pymargin.rules.compare import Announced, Difference, RulesDiff, compare_rules
from pymargin.rules.example import example_rules
from pymargin.rules.file import load_rules
from pymargin.rules.model import Contract, Group, LeverageLimits, LoanMargin, MarginRules
from pymargin.rules.recognise import check_rules
from pymargin.rules.schedules import Tier
from pymargin.rules.thresholds import Grant, Line, ModeThresholds
from pymargin.rules.timeline import Conflict, Timeline

__all__ = [
    "Announced",
    "Conflict",
    "Contract",
    "Difference",
    "Grant",
    "Group",
    "LeverageLimits",
    "Line",
    "LoanMargin",
    "MarginRules",
    "ModeThresholds",
    "RulesDiff",
    "Tier",
    "Timeline",
    "builtin_rules",
    "check_rules",
    "compare_rules",
    "example_rules",
    "load_rules",
    "names_by_product",
    "rules_from_binance",
]

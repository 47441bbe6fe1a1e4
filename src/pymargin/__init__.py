"""Exchange margin for millions of accounts at once."""

from __future__ import annotations

from pymargin.errors import (
    AccountsError,
    MarginError,
    PricesError,
    Problem,
    RulesError,
    UnpricedError,
)
from pymargin.modes import Action, Mode

__all__ = [
    "AccountsError",
    "Action",
    "MarginError",
    "Mode",
    "PricesError",
    "Problem",
    "RulesError",
    "UnpricedError",
]

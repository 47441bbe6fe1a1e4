"""Exchange margin for millions of accounts at once."""

from __future__ import annotations

from pymargin._version import __version__
from pymargin.accounts import Accounts
from pymargin.after import after
from pymargin.errors import (
    AccountsError,
    MarginError,
    PricesError,
    Problem,
    RulesError,
    UnpricedError,
)
from pymargin.explain import Explanation, explain
from pymargin.exposure import AssetExposure, Exposure, SymbolExposure, exposure
from pymargin.futures import coinm, usdm
from pymargin.impact import impact, impacts
from pymargin.impact_results import Impact, ImpactSummary
from pymargin.levels import cross_classic, cross_pro, evaluate
from pymargin.modes import Action, Mode, RootReason
from pymargin.notices import Change, Notice, NoticeProblem, read_notice
from pymargin.portfolio import portfolio, portfolio_pro
from pymargin.position_limits import max_leverage, max_leverage_for_stake, max_position
from pymargin.prices import Prices, prices_from_binance
from pymargin.provenance import Provenance
from pymargin.results import (
    BookLevels,
    ClassicLevels,
    FuturesLevels,
    Levels,
    PortfolioLevels,
    PositionLevels,
    ProLevels,
)
from pymargin.room import max_borrow, max_transfer_out
from pymargin.root_results import PositionRoots, Roots
from pymargin.roots import liquidation_factor, liquidation_price
from pymargin.rules import (
    Contract,
    MarginRules,
    Tier,
    Timeline,
    builtin_rules,
    check_rules,
    compare_rules,
    example_rules,
    load_rules,
    rules_from_binance,
)
from pymargin.shortfall import Shortfall, shortfall
from pymargin.stress import Stress, stress
from pymargin.switch import Switch, switch
from pymargin.transfer_in import max_transfer_in
from pymargin.verify import Figure, Verdict, VerifyReport, verify

__all__ = [
    "Accounts",
    "AccountsError",
    "Action",
    "AssetExposure",
    "BookLevels",
    "Change",
    "ClassicLevels",
    "Contract",
    "Explanation",
    "Exposure",
    "Figure",
    "FuturesLevels",
    "Impact",
    "ImpactSummary",
    "Levels",
    "MarginError",
    "MarginRules",
    "Mode",
    "Notice",
    "NoticeProblem",
    "PortfolioLevels",
    "PositionLevels",
    "PositionRoots",
    "Prices",
    "PricesError",
    "ProLevels",
    "Problem",
    "Provenance",
    "RootReason",
    "Roots",
    "RulesError",
    "Shortfall",
    "Stress",
    "Switch",
    "SymbolExposure",
    "Tier",
    "Timeline",
    "UnpricedError",
    "Verdict",
    "VerifyReport",
    "__version__",
    "after",
    "builtin_rules",
    "check_rules",
    "coinm",
    "compare_rules",
    "cross_classic",
    "cross_pro",
    "evaluate",
    "example_rules",
    "explain",
    "exposure",
    "impact",
    "impacts",
    "liquidation_factor",
    "liquidation_price",
    "load_rules",
    "max_borrow",
    "max_leverage",
    "max_leverage_for_stake",
    "max_position",
    "max_transfer_in",
    "max_transfer_out",
    "portfolio",
    "portfolio_pro",
    "prices_from_binance",
    "read_notice",
    "rules_from_binance",
    "shortfall",
    "stress",
    "switch",
    "usdm",
    "verify",
]

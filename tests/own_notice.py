"""A notice of our own, and rules and accounts that it hits, for the tests of dated rules."""

from __future__ import annotations

from typing import Any

NOTICE = """\
# Update of collateral ratios, our own (2025-11-01)

The following assets under Cross Margin will be adjusted on 2025-11-07 06:00 (UTC). The update \
will be completed within approximately 30 minutes.

| Asset No. Before Adjustment | Asset No. After Adjustment | Assets |
|---|---|---|
| 6 | 7 | AAA |

The following assets under Cross Margin will be adjusted on 2025-11-14 06:00 (UTC):

| Asset No. Before Adjustment | Asset No. After Adjustment | Assets |
|---|---|---|
| 7 | 8 | AAA, BBB |

| Asset No. | Tiers (USD) | Collateral Ratio |
|---|---|---|
| 6 | 0 - 500 | 100.00% |
| | 500 - 100,000,000,000 | 80.00% |
| 7 | 0 - 500 | 100.00% |
| | 500 - 100,000,000,000 | 60.00% |
| 8 | 0 - 200 | 100.00% |
| | 200 - 100,000,000,000 | 0.00% |
"""


def _tiers(cap: str, above: str) -> list[dict[str, str]]:
    return [{"cap": cap, "rate": "1"}, {"rate": above}]


RULES: dict[str, Any] = {
    "format": "pymargin-rules",
    "version": 1,
    "label": "rules of our own",
    "moment": "2025-11-01T00:00:00Z",
    "methodology": {"cross_classic": "classic_2023", "cross_pro": "pro_2025"},
    "ranks": [
        {"rank": 1, "assets": ["USDT"]},
        {"rank": 6, "assets": ["AAA"]},
        {"rank": 7, "assets": ["BBB"]},
    ],
    "tables": {
        "collateral": [
            {"rank": 1, "tiers": [{"rate": "1"}]},
            {"rank": 6, "tiers": _tiers("500", "0.8")},
            {"rank": 7, "tiers": _tiers("500", "0.6")},
            {"rank": 8, "tiers": _tiers("200", "0")},
        ],
        "liability_maintenance": [{"assets": ["USDT"], "tiers": [{"rate": "0.05"}]}],
        "liability_initial": [{"assets": ["USDT"], "tiers": [{"rate": "0.1"}]}],
    },
}

PRICES = {"AAA": 1.0, "BBB": 1.0}
# A thousand AAA or BBB count for 900 under rank 6, 800 under rank 7 and 200 under rank 8.
ACCOUNTS = [
    {"account": "holder", "mode": "cross_pro", "balances": [{"asset": "AAA", "free": 1000}]},
    {"account": "debtor", "mode": "cross_pro", "balances": [
        {"asset": "AAA", "free": 1000}, {"asset": "USDT", "borrowed": 780}]},
    {"account": "second", "mode": "cross_pro", "balances": [
        {"asset": "BBB", "free": 1000}, {"asset": "USDT", "borrowed": 500}]},
    {"account": "aloof", "mode": "cross_pro", "balances": [{"asset": "USDT", "free": 5}]},
]  # fmt: skip

"""Small rules for the oracle's tests, built from (cap, rate, leverage) steps by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pymargin.rules import Group, MarginRules, Tier

ALL = ((None, "1"),)
BTCUSDT = ((50_000, "0.004", 125), (250_000, "0.005", 100), (None, "0.01", 50))
BTCUSD = ((5, "0.004", 125), (10, "0.005", 100), (None, "0.01", 50))
METHODOLOGY = {mode: mode for mode in ("portfolio", "portfolio_pro", "usdm", "coinm")} | {
    "cross_classic": "classic_2026_06",
    "cross_pro": "pro_2025",
}


def tiers_of(steps: Sequence[Sequence[Any]]) -> tuple[Tier, ...]:
    tiers, floor = [], Decimal(0)
    for cap, rate, *leverage in steps:
        upper = None if cap is None else Decimal(str(cap))
        largest = Decimal(str(leverage[0])) if leverage else None
        tiers.append(Tier(floor, upper, Decimal(str(rate)), largest))
        floor = floor if upper is None else upper
    return tuple(tiers)


def rules_of(
    classic: str = "classic_2026_06",
    parts: Mapping[str, Any] | None = None,
    **tables: Mapping[str, Sequence[Sequence[Any]]],
) -> MarginRules:
    """Build rules from steps by table and name."""
    groups = {
        table: [Group(tiers_of(steps), assets=(name,)) for name, steps in by_name.items()]
        for table, by_name in tables.items()
    }
    methodology = METHODOLOGY | {"cross_classic": classic}
    return MarginRules(groups, methodology=methodology, label="test", **(parts or {}))


def position(symbol: str, quantity: float, entry: float, **fields: Any) -> dict[str, Any]:
    return {"symbol": symbol, "quantity": quantity, "entry_price": entry, **fields}


def wallets(**balances: float) -> list[dict[str, Any]]:
    return [{"asset": asset, "balance": balance} for asset, balance in balances.items()]

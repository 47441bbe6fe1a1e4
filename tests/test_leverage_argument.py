"""What ``leverage=`` takes: 3 or 5 where it is of accounts, whole numbers where of positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pymargin as pm

RULES = pm.example_rules()
PRICES = {"BTC": 60_000, "BTCUSDT": 60_000, "BTCUSD_PERP": 60_000}
POSITION = {"symbol": "BTCUSDT", "quantity": 1, "entry_price": 60_000}
ROW = {"account": 1, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 10_000}],
       "positions": [POSITION]}  # fmt: skip
BOOK = pm.Accounts.from_rows([ROW])

OF_POSITIONS: dict[str, Callable[[Any], Any]] = {
    name: lambda leverage, name=name: getattr(pm, name)(BOOK, PRICES, RULES, leverage=leverage)
    for name in ("usdm", "portfolio", "portfolio_pro")
} | {
    "coinm": lambda leverage: pm.coinm(
        pm.Accounts.from_rows([{"account": 1, "wallets": [{"asset": "BTC", "balance": 1}]}]),
        PRICES, RULES, leverage=leverage,
    ),
    "from_binance": lambda leverage: pm.Accounts.from_binance(
        "usdm", {"assets": [], "positions": []}, account=1, leverage=leverage
    ),
}  # fmt: skip
OF_ACCOUNTS: dict[str, Callable[[Any], Any]] = {
    "evaluate": lambda leverage: pm.evaluate(BOOK, PRICES, RULES, leverage=leverage),
    "liquidation_price": lambda leverage: pm.liquidation_price(
        BOOK, PRICES, RULES, "BTC", leverage=leverage
    ),
    "liquidation_factor": lambda leverage: pm.liquidation_factor(
        BOOK, PRICES, RULES, leverage=leverage
    ),
    "shortfall": lambda leverage: pm.shortfall(BOOK, PRICES, RULES, leverage=leverage),
    "stress": lambda leverage: pm.stress(BOOK, PRICES, RULES, [0.9], leverage=leverage),
    "impact": lambda leverage: pm.impact(BOOK, PRICES, RULES, RULES, leverage=leverage),
    "max_transfer_out": lambda leverage: pm.max_transfer_out(
        BOOK, PRICES, RULES, "USDT", leverage=leverage
    ),
    "max_borrow": lambda leverage: pm.max_borrow(
        BOOK, PRICES, RULES, "USDT", mode="cross_pro", leverage=leverage
    ),
    "switch": lambda leverage: pm.switch(BOOK, PRICES, RULES, "cross_pro", leverage=leverage),
    "cross_classic": lambda leverage: pm.cross_classic(BOOK, PRICES, RULES, leverage=leverage),
    "explain": lambda leverage: pm.explain(BOOK, PRICES, RULES, 1, leverage=leverage),
}


@pytest.mark.parametrize("leverage", [-1, 0, 2.5, float("nan"), float("inf"), "x", "20", True])
@pytest.mark.parametrize("name", OF_POSITIONS)
def test_a_leverage_of_positions_is_whole_and_at_least_1(name: str, leverage: Any) -> None:
    with pytest.raises(
        pm.MarginError, match=r"^leverage must be a whole number of at least 1, not"
    ):
        OF_POSITIONS[name](leverage)


@pytest.mark.parametrize("leverage", [-1, 0, 4, 20, float("nan"), "x", "3", True])
@pytest.mark.parametrize("name", OF_ACCOUNTS)
def test_a_leverage_of_accounts_is_3_or_5_in_every_book(name: str, leverage: Any) -> None:
    with pytest.raises(pm.MarginError, match=r"^leverage must be 3 or 5, of Cross Margin Classic"):
        OF_ACCOUNTS[name](leverage)


@pytest.mark.parametrize("leverage", [20, 20.0, np.int64(20), np.float64(20)])
def test_a_whole_number_of_any_type_is_a_leverage(leverage: Any) -> None:
    assert pm.usdm(BOOK, PRICES, RULES, leverage=leverage).initial_margin.tolist() == [3000]

"""A misspelt name is refused where it would do nothing; one that has a price is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pymargin as pm

RULES = pm.example_rules()
ROWS = [
    {"account": 1, "mode": "cross_classic", "leverage": 3, "balances": [
        {"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 1000}]},
    {"account": 2, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 1e4}],
     "positions": [{"symbol": "BTCUSDT", "quantity": 1, "entry_price": 60_000}]},
]  # fmt: skip
BOOK = pm.Accounts.from_rows(ROWS)
PRICES = {"BTC": 60_000, "ETH": 3000, "BTCUSDT": 60_000}
RULE = "must be an asset or symbol of the book or the prices"


def test_shocks_name_what_there_is_all_faults_at_once() -> None:
    shocks = [{"BTC": 0.9, "BTCC": 0.8}, {"btcusdt": 0.9, "": 1}]
    with pytest.raises(pm.PricesError) as caught:
        pm.stress(BOOK, PRICES, RULES, shocks)
    assert str(caught.value).splitlines() == [
        f"shocks[0] {RULE} (perhaps BTC), not 'BTCC'",
        f"shocks[1] {RULE} (perhaps BTCUSDT), not 'btcusdt'",
        f"shocks[1] {RULE}, not ''",
    ]


@pytest.mark.parametrize("prices", [PRICES, pm.Prices(PRICES, PRICES)])
def test_shocks_may_name_what_is_priced_or_stable(prices: Any) -> None:
    shocks = [{"ETH": 0.9, "USDT": 0.99, "USDC": 0.98}]
    assert pm.stress(BOOK, prices, RULES, shocks).level[0, 0] == pytest.approx(60_000 / 990)  # type: ignore[index]


def test_aligned_prices_know_the_names_of_the_book_only() -> None:
    book = pm.Accounts.from_rows(ROWS[:1])
    prices = np.array([60_000.0, 1.0])
    assert len(pm.stress(book, prices, RULES, [{"BTC": 0.9}])) == 1
    with pytest.raises(pm.PricesError, match=r"shocks\[0\] must be an asset"):
        pm.stress(book, prices, RULES, [{"ETH": 0.9}])


@pytest.mark.parametrize("name", ["BTCUSD", {"BTC": 1, "BTCUSD": 1}])
def test_what_moves_is_in_the_book_or_has_a_price(name: Any) -> None:
    with pytest.raises(pm.MarginError, match=rf"^name {RULE} \(perhaps BTCUSDT\), not 'BTCUSD'$"):
        pm.liquidation_price(BOOK, PRICES, RULES, name)


def test_what_nobody_has_but_is_priced_moves_nobody() -> None:
    reason = pm.liquidation_price(BOOK, PRICES, RULES, "ETH").reason
    assert reason.tolist() == [pm.RootReason.NO_EXPOSURE] * 2


@pytest.mark.parametrize("missing", ["raise", "flag"])
def test_an_asset_to_take_out_is_in_the_book_or_has_a_price(missing: Any) -> None:
    with pytest.raises(pm.MarginError, match=rf"^asset {RULE} \(perhaps BTC\), not 'btc'$"):
        pm.max_transfer_out(BOOK, PRICES, RULES, "btc", missing=missing)
    assert pm.max_transfer_out(BOOK, PRICES, RULES, "ETH").tolist() == [0, 0]

"""What a futures wallet pays by a transfer or into an isolated position must be in it."""

from __future__ import annotations

from typing import Any

import pytest

import pymargin as pm

BOOK = pm.Accounts.from_rows(
    [{"account": 1, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 5}]}]
)
OPEN = {"account": 1, "symbol": "BTCUSDT", "quantity": 0.1, "price": 60_000}


def wallets(*trades: dict[str, Any], book: pm.Accounts = BOOK) -> dict[str, float]:
    row = pm.after(book, [{"account": 1, **trade} for trade in trades]).row(0)
    return {one["asset"]: one["balance"] for one in row.get("wallets", ())}


@pytest.mark.parametrize(
    ("trade", "message"),
    [
        ({"asset": "USDT", "wallet": -50}, "wallet must be at most the 5.0 USDT in the wallet"),
        ({"asset": "BTC", "wallet": -50}, "wallet must be at most the 0.0 BTC in the wallet"),
        (OPEN | {"isolated_margin": 600}, "isolated_margin must be at most the 5.0 USDT in the"),
        (OPEN | {"isolated_margin": 0, "leverage": 10, "fee": 0}, None),
    ],
)
def test_no_more_is_taken_out_than_there_is(trade: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert wallets(trade) == {"USDT": 5}
        return
    with pytest.raises(pm.AccountsError, match=rf"^trades\[0\]\.{message}"):
        wallets(trade)


def test_the_margin_at_the_leverage_must_be_there_too() -> None:
    first = OPEN | {"isolated_margin": 5, "leverage": 10}
    with pytest.raises(pm.AccountsError, match=r"trades\[1\]\.isolated_margin must be at most"):
        wallets(first, OPEN)


def test_all_of_a_wallet_may_be_taken_out() -> None:
    assert wallets({"asset": "USDT", "wallet": -5}) == {}


def test_a_loss_or_a_fee_may_take_a_wallet_below_nothing() -> None:
    losing = OPEN | {"quantity": -0.1, "price": 50_000}
    assert wallets(OPEN, losing) == {"USDT": -995}
    assert wallets(OPEN | {"fee": 6}) == {"USDT": -1}


def test_a_wallet_that_owes_may_be_paid_into() -> None:
    owing = pm.Accounts.from_rows([{"account": 1, "wallets": [{"asset": "USDT", "balance": -20}]}])
    assert wallets({"asset": "USDT", "wallet": 5}, book=owing) == {"USDT": -15}
    with pytest.raises(pm.AccountsError, match=r"at most the 0\.0 USDT in the wallet"):
        wallets({"asset": "USDT", "wallet": -1}, book=owing)

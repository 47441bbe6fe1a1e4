"""What some modes of a mixed book do not know is said with the accounts concerned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pymargin as pm

RULES = pm.example_rules()
PRICES = {"BTC": 60_000, "BTCUSDT": 60_000}
BOOK = pm.Accounts.from_rows([
    {"account": "c", "mode": "cross_classic", "leverage": 3, "balances": [
        {"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 1000}]},
    {"account": "f", "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 1e4}]},
    {"account": "g", "mode": "usdm"},
])  # fmt: skip
ASKED: dict[str, tuple[Callable[[], Any], str]] = {
    "shortfall": (lambda: pm.shortfall(BOOK, PRICES, RULES, "margin_call"), "to"),
    "price": (
        lambda: pm.liquidation_price(BOOK, PRICES, RULES, "BTC", at="margin_call"),
        "at",
    ),
    "factor": (lambda: pm.liquidation_factor(BOOK, PRICES, RULES, at="margin_call"), "at"),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_decision_that_a_mode_has_not_names_its_accounts(name: str) -> None:
    question, argument = ASKED[name]
    with pytest.raises(pm.MarginError) as caught:
        question()
    assert str(caught.value) == (
        f"{argument} must be a decision of usdm (2 accounts, the first 'f'), or a level, "
        "not 'margin_call'"
    )


def test_a_book_without_accounts_is_told_too() -> None:
    nobody = BOOK.select([])
    with pytest.raises(pm.MarginError, match=r"a decision of usdm \(0 accounts\)"):
        pm.shortfall(nobody, PRICES, RULES, "margin_call", mode="usdm")

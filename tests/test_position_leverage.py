"""A position's leverage is no larger than its symbol's brackets allow."""

from __future__ import annotations

from typing import Any

import pytest

import pymargin as pm
from pymargin import oracle

RULES = pm.example_rules()
PRICES = {"BTC": 60_000, "BTCUSDT": 60_000}
LARGEST = 125


def row(leverage: float | None) -> dict[str, Any]:
    position = {"symbol": "BTCUSDT", "quantity": 1, "entry_price": 60_000, "leverage": leverage}
    return {
        "account": 1,
        "mode": "usdm",
        "wallets": [{"asset": "USDT", "balance": 10_000}],
        "positions": [position],
    }


def test_the_example_is_as_it_is_read_here() -> None:
    assert RULES.tiers("usdm", "BTCUSDT")[0].leverage == LARGEST


@pytest.mark.parametrize("mode", ["usdm", "portfolio", "portfolio_pro"])
@pytest.mark.parametrize("leverage", [LARGEST, 200, 1000, 10**6, None])
def test_a_larger_one_counts_as_the_largest(mode: str, leverage: float | None) -> None:
    levels = getattr(pm, mode)(pm.Accounts.from_rows([row(leverage)]), PRICES, RULES)
    assert levels.initial_margin.tolist() == [60_000 / LARGEST]
    assert getattr(oracle, mode)(row(leverage), PRICES, RULES).initial_margin == 60_000 / LARGEST


def test_so_does_one_that_is_given_for_those_without() -> None:
    book = pm.Accounts.from_rows([row(None)])
    for leverage, margin in ((1000, 480), (100, 600), (1, 60_000)):
        found = pm.usdm(book, PRICES, RULES, leverage=leverage)
        assert found.initial_margin.tolist() == [margin]
        assert found.positions.initial_margin.tolist() == [margin]


def test_a_bracket_of_less_leverage_asks_for_no_more_margin() -> None:
    """The size is the exchange's to refuse when a position is opened; it moves with the price."""
    large = row(100)
    large["positions"][0] |= {"quantity": 10_000}
    found = pm.usdm(pm.Accounts.from_rows([large]), PRICES, RULES)
    assert found.initial_margin.tolist() == [6e8 / 100]


def test_an_explanation_shows_what_counts() -> None:
    found = pm.explain(pm.Accounts.from_rows([row(1000)]), PRICES, RULES, 1)
    assert [level.term.leverage for level in found.positions] == [LARGEST]

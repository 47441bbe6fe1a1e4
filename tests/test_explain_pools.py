"""explain of futures and portfolio accounts: the oracle's terms, as text and on the screen."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import pytest
from pool_books import evaluate_oracle, pool_book

import pymargin as pm
from pymargin.cli import explanation
from pymargin.cli.screen import Screen

MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")
RULES = pm.example_rules()
PRICES = pm.Prices(
    index={"BTC": 50_000.0, "BNB": 500.0},
    mark={"BTCUSDT": 50_100.0, "BTCUSD_PERP": 50_100.0},
)
FUTURES: dict[str, Any] = {
    "account": "f",
    "mode": "usdm",
    "wallets": [{"asset": "USDT", "balance": 2_000.0}],
    "positions": [
        {"symbol": "BTCUSDT", "quantity": 2.0, "entry_price": 50_000.0, "leverage": 20,
         "side": "LONG"},
        {"symbol": "BTCUSDT", "quantity": -0.5, "entry_price": 50_000.0, "side": "SHORT",
         "isolated_margin": 60.0},
    ],
}  # fmt: skip
PORTFOLIO: dict[str, Any] = {
    "account": "p",
    "mode": "portfolio_pro",
    "balances": [{"asset": "BTC", "free": 1.0},
                 {"asset": "BNB", "borrowed": 10.0, "loan_leverage": 5}],
    "wallets": [{"asset": "USDT", "balance": -100.0}],
    "positions": [{"symbol": "BTCUSD_PERP", "quantity": 100.0, "entry_price": 40_000.0,
                   "leverage": 10}],
    "open_order_loss": 7.0,
}  # fmt: skip


def explained(row: dict[str, Any], prices: Any = PRICES, **options: Any) -> pm.Explanation:
    accounts = pm.Accounts.from_rows([row])
    return pm.explain(accounts, prices, RULES, row["account"], **options)


def shown(found: pm.Explanation, capsys: pytest.CaptureFixture[str]) -> str:
    explanation.show(Screen(), found)
    return capsys.readouterr().out


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("mode", MODES)
def test_figures_checks_and_actions_are_the_oracles(mode: str) -> None:
    book, prices = pool_book(6, mode, 40)
    accounts = pm.Accounts.from_rows(book.rows)
    for row in random.Random(mode).sample(book.rows, 12):
        exact = evaluate_oracle(mode, row, prices, book.rules)
        found = pm.explain(accounts, prices, book.rules, row["account"])
        assert found.actions == exact.actions
        assert found.checks == exact.checks
        for name, value in {**found.sums, **found.levels}.items():
            assert value == getattr(exact, name), name
        assert len(found.positions) == len(row["positions"])
        assert found.methodology == mode
        assert not found.missing
        assert str(found)


def test_a_position_is_shown_with_its_bracket_margins_and_profit() -> None:
    found = explained(FUTURES)
    cross, isolated = found.positions
    assert (cross.notional, cross.unrealized_pnl) == (100_200, 200)
    assert cross.initial_margin == Fraction(100_200, 20)
    term = cross.term
    assert term.notional * term.rate - term.deduction == cross.maintenance_margin
    assert isolated.margin_balance == 60 - 50
    text = cells(str(found))
    assert ["BTCUSDT", "LONG", "2", "50,000", "50,100", "100,200", "200", "USDT"] in text
    assert ["wallet", "balance"] in text
    assert ["USDT", "2,000"] in text
    assert any(line[:4] == ["BTCUSDT", "SHORT", "60", "10"] for line in text)


def test_pools_and_isolated_positions_are_on_the_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(explained(FUTURES), capsys)
    assert "Isolated positions, each on its own margin" in text
    assert "Cross pools, in units of the asset" in text
    assert "liquidate isolated" in text.splitlines()[-1]
    assert ["margin_level", "at", "most", "1", "no", "liquidate"] in cells(text)


def test_every_term_of_equity_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(PORTFOLIO)
    bitcoin, bnb, usdt = found.equities
    # 100 contracts of 100 USD: 0.25 - 10,000 / 50,100 BTC of profit.
    profit = Fraction(10_000, 40_000) - Fraction(10_000, 50_100)
    assert bitcoin.equity == 1 + profit
    assert bitcoin.counted == bitcoin.value == 50_000 * (1 + profit)
    assert (bnb.value, usdt.value) == (-5_000, -100)
    assert bnb.loan_maintenance > 0
    assert sum(term.counted for term in found.equities) == found.sums["account_equity"]
    assert found.sums["open_order_loss"] == 7
    for text in (str(found), shown(found, capsys)):
        assert any({"portfolio_pro", "BTC"} == set(line[:2]) for line in cells(text))
        assert ["open_order_loss", "7"] in cells(text)
        assert "uni_mmr" in text


def test_the_withdrawal_may_leave_the_initial_margin() -> None:
    by_maintenance = explained(PORTFOLIO).sums["max_withdrawal"]
    by_initial = explained(PORTFOLIO, withdrawal="initial").sums["max_withdrawal"]
    assert by_maintenance != by_initial


def test_one_pool_in_multi_assets_mode() -> None:
    prices = pm.Prices(PRICES.index, PRICES.mark, {"BTC": 47_500.0}, {"BTC": 52_500.0})
    row = {**FUTURES, "multi_assets": True, "wallets": [{"asset": "BTC", "balance": 1.0}]}
    found = explained(row, prices)
    assert [pool.asset for pool in found.pools] == ["USD"]
    assert found.sums["margin_balance"] == 47_500 + 200


@pytest.mark.parametrize("mode", MODES)
def test_an_account_may_be_explained_under_another_mode(mode: str) -> None:
    row = {"account": 1, "mode": "cross_pro", "balances": [{"asset": "BTC", "free": 1.0}]}
    assert explained(row, mode=mode).mode == mode


def test_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    row = {**FUTURES, "wallets": [{"asset": "BNB", "balance": 1.0}]}
    row["positions"] = [*FUTURES["positions"],
                        {"symbol": "NOTHING", "quantity": 1.0, "entry_price": 1.0}]  # fmt: skip
    found = explained(row, {"USDT": 1.0})
    assert found.missing == (
        "BTCUSDT has no mark price",
        "BTCUSDT has no mark price",
        "NOTHING is not known as a contract",
        "BNB has no price",
    )
    assert math.isnan(found.levels["margin_level"])
    assert found.actions & pm.Action.UNPRICED_DEBT
    for text in (str(found), shown(found, capsys)):
        assert "NOTHING is not known as a contract" in text


def test_a_loan_without_leverage_is_named() -> None:
    row = {**PORTFOLIO, "balances": [{"asset": "QQQ", "borrowed": 10.0}]}
    found = explained(row, pm.Prices({**PRICES.index, "QQQ": 1.0}, PRICES.mark))
    assert found.missing == ("QQQ has no loan leverage",)


def test_an_account_without_anything_has_no_level_to_lose() -> None:
    row = {"account": 1, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 5.0}]}
    found = explained(row)
    assert found.levels["margin_level"] == math.inf
    assert found.actions == pm.Action.TRADE | pm.Action.TRANSFER_OUT


def test_modes_that_there_are_not_are_refused() -> None:
    with pytest.raises(pm.AccountsError, match=r"one of cross_classic, .*, usdm, coinm"):
        explained(FUTURES, mode="isolated")

"""The oracle's portfolio margin levels, held against figures worked out by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from oracle_rules import ALL, BTCUSD, position, rules_of, wallets

from pymargin import AccountsError, Action, MarginError, oracle

FLAT = {"USDT": ALL, "BTC": ((None, "0.95"),), "ETH": ((None, "0.9"),), "BNB": ((None, "0"),)}
TIERED = {"USDT": ALL, "BTC": ((100_000, "1"), (None, "0.5")), "ETH": ALL, "BNB": ALL}
RULES = rules_of(
    portfolio=FLAT,
    portfolio_pro=TIERED,
    usdm={"BTCUSDT": ((None, "0.005", 100),)},
    coinm={"BTCUSD_PERP": ((None, "0.005", 100),)},
)
PRICES = {"BTC": 40_000.0, "ETH": 2_000.0, "BTCUSDT": 40_000.0, "BTCUSD_PERP": 40_000.0}


def balance(asset, free=0, borrowed=0, interest=0, **fields):
    return {"asset": asset, "free": free, "borrowed": borrowed, "interest": interest, **fields}


def row(*balances, **fields):
    return {"balances": list(balances), **fields}


def test_collateral_rate_is_taken_on_the_net_equity_of_an_asset():
    account = row(balance("BTC", 2, 1, loan_leverage=3))
    found = oracle.portfolio(account, PRICES, RULES)
    assert found.account_equity == 40_000 * Fraction("0.95")
    assert found.actual_equity == 40_000


def test_negative_equity_counts_in_full():
    account = row(balance("BTC", 0, 1, loan_leverage=3), balance("USDT", 100_000))
    found = oracle.portfolio(account, PRICES, RULES)
    assert found.account_equity == 60_000
    assert found.account_equity == found.actual_equity


def test_interest_is_owed_and_asks_for_margin():
    account = row(balance("BTC", 0, 1, 0.5, loan_leverage=5), balance("USDT", 100_000))
    found = oracle.portfolio(account, PRICES, RULES)
    assert found.account_equity == 40_000
    assert found.maintenance_margin == 60_000 * Fraction("0.08")
    assert found.initial_margin == 60_000 * Fraction(1, 4)


@pytest.mark.parametrize(("leverage", "rate"), [(3, "0.1"), (5, "0.08"), (10, "0.05")])
def test_loan_asks_for_margin_by_its_leverage(leverage, rate):
    account = row(balance("ETH", 1, 1, loan_leverage=leverage))
    found = oracle.portfolio(account, PRICES, RULES)
    assert found.maintenance_margin == 2_000 * Fraction(rate)
    assert found.initial_margin == Fraction(2_000, leverage - 1)


def test_loan_leverage_of_the_asset_serves_where_the_balance_has_none():
    rules = RULES.replace(loan_leverage={"ETH": 10})
    found = oracle.portfolio(row(balance("ETH", 1, 1)), PRICES, rules)
    assert found.maintenance_margin == 100


def test_tiers_of_pro_are_progressive():
    found = oracle.portfolio_pro(row(balance("BTC", 5)), PRICES, RULES)
    assert found.account_equity == 100_000 + 100_000 * Fraction(1, 2)


def test_worked_example_of_portfolio_margin_pro():
    """ "Portfolio Margin Pro", FAQ 5e33af8e6ac04d57a1d0a3398e0a0752: inputs and derived sums."""
    usdm = [position("BTCUSDT", -0.05, 52_000), position("BTCUSDT_260327", 0.04, 52_350)]
    account = row(
        balance("USDT", 1_000), balance("BTC", 0.1, 0.04), balance("ETH", 20, 15),
        wallets=wallets(USDT=5_000, BTC=0.1),
        positions=[*usdm, position("BTCUSD_PERP", 100, 50_000)],
    )  # fmt: skip
    rules = rules_of(
        portfolio_pro=TIERED,
        usdm=dict.fromkeys(("BTCUSDT", "BTCUSDT_260327"), ((None, "0.005", 20),)),
        coinm={"BTCUSD_PERP": ((None, "0.005", 20),)},
        parts={"loan_leverage": {"BTC": 3, "ETH": 3}},
    )
    prices = PRICES | {"BTCUSDT_260327": 42_000.0}
    found = oracle.portfolio_pro(account, prices, rules)
    assert [leg.unrealized_pnl for leg in found.positions] == [600, -414, Fraction("-0.05")]
    assert [term.equity for term in found.terms] == [6_186, Fraction("0.11"), 5]
    futures, loans = Fraction("18.4"), Fraction("0.004")
    coin = Fraction("0.00125") + loans
    assert found.maintenance_margin == futures + coin * 40_000 + Fraction("1.5") * 2_000
    equity = 6_186 + Fraction("0.11") * 40_000 + 10_000
    assert found.uni_mmr == equity / found.maintenance_margin


@pytest.mark.parametrize(
    ("usdt", "portfolio", "pro"),
    [
        (2_100, "LIQUIDATE", "LIQUIDATE|BANKRUPT"),
        (2_200, "LIQUIDATE", "LIQUIDATE"),
        (2_500, "REDUCE_ONLY|MARGIN_CALL", "REDUCE_ONLY|MARGIN_CALL"),
        (3_100, "TRADE|BORROW|TRANSFER_OUT", "TRADE|BORROW|TRANSFER_OUT|MARGIN_CALL"),
        (3_101, "TRADE|BORROW|TRANSFER_OUT", "TRADE|BORROW|TRANSFER_OUT"),
    ],
)
def test_lines_of_uni_mmr(usdt, portfolio, pro):
    def named(text):
        actions = Action(0)
        for name in text.split("|"):
            actions |= Action[name]
        return actions

    account = row(balance("USDT", usdt), balance("ETH", 10, 10, loan_leverage=3))
    # Against a margin of 2,000: exactly at each line, and above the last.
    account["open_order_loss"] = 100
    assert oracle.portfolio(account, PRICES, RULES).actions == named(portfolio)
    assert oracle.portfolio_pro(account, PRICES, RULES).actions == named(pro)


def test_available_balance_and_withdrawal():
    account = row(
        balance("USDT", 5_000), balance("ETH", 2, 2, loan_leverage=3), open_order_loss=100
    )
    found = oracle.portfolio(account, PRICES, RULES)
    assert found.available_balance == 5_000 - 100 - 2_000
    assert found.max_withdrawal == 5_000 - 100 - Fraction("1.2") * 400
    other = oracle.portfolio(account, PRICES, RULES, withdrawal="initial")
    assert other.max_withdrawal == 2_900


def test_withdrawal_is_never_negative():
    account = row(balance("USDT", 100), balance("ETH", 2, 2, loan_leverage=3))
    assert oracle.portfolio(account, PRICES, RULES).max_withdrawal == 0


def test_orders_lose_what_their_fill_takes_from_counted_equity():
    order = {
        "give_asset": "USDT", "give_quantity": 40_000, "get_asset": "BTC", "get_quantity": 1,
    }  # fmt: skip
    account = row(balance("USDT", 50_000), orders=[order])
    found = oracle.portfolio(account, PRICES, RULES)
    assert found.open_order_loss == 2_000
    assert found.account_equity == 50_000


def test_order_that_pays_a_debt_back_loses_nothing():
    order = {
        "give_asset": "USDT", "give_quantity": 40_000, "get_asset": "BTC", "get_quantity": 1,
    }  # fmt: skip
    account = row(balance("USDT", 50_000), balance("BTC", 0, 1, loan_leverage=3), orders=[order])
    assert oracle.portfolio(account, PRICES, RULES).open_order_loss == 0


def test_no_margin_asked_for_is_infinite():
    found = oracle.portfolio(row(balance("USDT", 1)), PRICES, RULES)
    assert (found.uni_mmr, found.max_withdrawal) == (math.inf, 1)


@pytest.mark.parametrize(
    ("account", "flags"),
    [
        (row(balance("DOGE", 1)), Action.UNPRICED_ASSET),
        (row(balance("XRP", 1)), Action.UNPRICED_ASSET),
        (row(balance("ETH", 0, 1)), Action.UNPRICED_DEBT),
        (row(balance("ETH", 0, 1, loan_leverage=4)), Action.UNPRICED_DEBT),
        (row(balance("XRP", 0, 1, loan_leverage=3)), Action(16)),
        (row(positions=[position("ETHUSDT", 1, 1)]), Action.UNPRICED_DEBT),
        (row(wallets=wallets(XRP=-1)), Action.UNPRICED_ASSET),
    ],
)
def test_what_is_missing_is_flagged_and_stands_alone(account, flags):
    found = oracle.portfolio(account, PRICES | {"XRP": 1.0}, RULES)
    assert found.actions == flags


def test_isolated_positions_do_not_exist_here():
    account = row(positions=[position("BTCUSDT", 1, 1, isolated_margin=5)])
    with pytest.raises(AccountsError, match=r"positions\[0\].isolated_margin must be absent"):
        oracle.portfolio(account, PRICES, RULES)


def test_unknown_reading_is_refused():
    with pytest.raises(MarginError, match="withdrawal must be 'maintenance' or 'initial'"):
        oracle.portfolio(row(), PRICES, RULES, withdrawal="all")


def test_coin_brackets_count_in_coin():
    rules = rules_of(portfolio={"BTC": ALL}, coinm={"BTCUSD_PERP": BTCUSD})
    account = row(wallets=wallets(BTC=1), positions=[position("BTCUSD_PERP", 4_000, 40_000)])
    found = oracle.portfolio(account, PRICES, rules)
    # 10 coins: 5 at 0.4 % and 5 at 0.5 %.
    assert found.maintenance_margin == Fraction("0.045") * 40_000

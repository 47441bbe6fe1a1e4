"""The oracle's USDⓈ-M and COIN-M levels, held against figures worked out by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from oracle_rules import ALL, BTCUSD, BTCUSDT, position, rules_of, wallets

from pymargin import AccountsError, Action, Prices, RulesError, oracle
from pymargin.oracle import coinm, usdm

ETHUSDT = ((10_000, "0.005", 100), (None, "0.01", 50))
RULES = rules_of(
    usdm={
        "BTCUSDT": BTCUSDT,
        "ETHUSDT": ETHUSDT,
        "BTCUSDC": BTCUSDT,
        "ETHBTC": ((None, "0.01", 20),),
    },
    coinm={"BTCUSD_PERP": BTCUSD, "ETHUSD_PERP": ((None, "0.01", 20),)},
)
MARKS = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0, "BTCUSDC": 60_000.0, "ETHBTC": 0.05}
PRICES = MARKS | {"BTC": 60_000.0, "USDC": 0.5, "BTCUSD_PERP": 50_000.0, "ETHUSD_PERP": 2_500.0}


def row(*positions, **fields):
    return {"positions": list(positions), **fields}


def test_maintenance_margin_is_notional_times_rate_less_the_deduction():
    (found,) = usdm(row(position("BTCUSDT", 2, 60_000)), PRICES, RULES).positions
    assert found.notional == 120_000
    assert (found.term.rate, found.term.deduction) == (Fraction("0.005"), 50)
    assert found.maintenance_margin == 120_000 * Fraction("0.005") - 50


def test_upper_edge_of_a_bracket_belongs_to_it():
    (found,) = usdm(row(position("BTCUSDT", 1, 50_000)), {"BTCUSDT": 50_000.0}, RULES).positions
    assert (found.term.rate, found.max_leverage) == (Fraction("0.004"), 125)


def test_margin_above_a_closed_last_cap_goes_on_and_is_flagged():
    rules = rules_of(usdm={"BTCUSDT": ((100, "0.1"), (200, "0.2"))})
    found = usdm(row(position("BTCUSDT", 1, 300, leverage=1)), {"BTCUSDT": 300.0}, rules)
    assert found.positions[0].maintenance_margin == 10 + 20 + 20
    assert found.actions & Action.BEYOND_TIERS


def test_profit_of_long_and_short():
    account = row(position("BTCUSDT", 1, 50_000), position("ETHUSDT", -2, 4_000))
    long, short = usdm(account, PRICES, RULES).positions
    assert (long.unrealized_pnl, short.unrealized_pnl) == (10_000, 2_000)


def test_hedged_legs_have_a_bracket_each():
    account = row(
        position("BTCUSDT", 1, 60_000, side="LONG"), position("BTCUSDT", -1, 60_000, side="SHORT")
    )
    found = usdm(account, PRICES, RULES)
    assert [leg.maintenance_margin for leg in found.positions] == [250, 250]
    assert found.maintenance_margin == 500


@pytest.mark.parametrize(("wallet", "liquidated"), [(250, True), (250.0000001, False)])
def test_balance_equal_to_the_margin_liquidates(wallet, liquidated):
    account = row(position("BTCUSDT", 1, 60_000), wallets=wallets(USDT=wallet))
    actions = usdm(account, PRICES, RULES).actions
    assert bool(actions & Action.LIQUIDATE) is liquidated


def test_initial_margin_is_notional_over_leverage():
    account = row(position("BTCUSDT", 1, 60_000, leverage=10), wallets=wallets(USDT=10_000))
    found = usdm(account, PRICES, RULES)
    assert (found.initial_margin, found.available_balance) == (6_000, 4_000)
    assert found.actions == Action.TRADE | Action.TRANSFER_OUT


def test_position_without_leverage_takes_the_largest_of_its_symbol():
    largest = RULES.tiers("usdm", "BTCUSDT")[0].leverage
    found = usdm(row(position("BTCUSDT", 1, 60_000)), PRICES, RULES)
    assert found.initial_margin == Fraction(60_000) / Fraction(largest)


def test_no_free_balance_no_transfer():
    account = row(position("BTCUSDT", 1, 60_000, leverage=10), wallets=wallets(USDT=6_000))
    assert usdm(account, PRICES, RULES).actions == Action.TRADE


def test_each_settlement_asset_is_a_pool_of_its_own():
    account = row(
        position("BTCUSDT", 1, 60_000), position("BTCUSDC", 1, 60_000),
        wallets=wallets(USDT=1_000, USDC=200),
    )  # fmt: skip
    found = usdm(account, PRICES, RULES)
    assert [pool.margin_balance for pool in found.pools] == [1_000, 200]
    assert found.margin_level == Fraction(200, 250)
    assert found.margin_ratio == Fraction(250, 200)
    assert found.margin_balance == 1_000 + 200 * Fraction(1, 2)
    assert found.actions == Action.LIQUIDATE


def test_contract_settled_in_btc_is_counted_in_btc():
    account = row(position("ETHBTC", 10, 0.04), wallets=wallets(BTC=1))
    (pool,) = usdm(account, PRICES, RULES).pools
    assert (pool.asset, pool.margin_balance) == ("BTC", Fraction("1.1"))
    assert pool.maintenance_margin == Fraction("0.005")


def test_multi_assets_count_at_bid_and_ask():
    quotes = Prices(
        index={"USDC": 1.0}, mark=MARKS, bid={"USDT": 0.99, "USDC": 0.98},
        ask={"USDT": 1.01, "USDC": 1.02},
    )  # fmt: skip
    account = row(
        position("BTCUSDT", 1, 61_000, leverage=100),
        wallets=wallets(USDT=500, USDC=2_000),
        multi_assets=True,
    )
    found = usdm(account, quotes, RULES)
    assert found.unrealized_pnl == Fraction("-1010")
    assert found.margin_balance == -500 * Fraction("1.01") + 2_000 * Fraction("0.98")
    assert found.maintenance_margin == 250 * Fraction("1.01")
    assert found.initial_margin == 600 * Fraction("1.01")


def test_multi_assets_without_bid_and_ask_take_the_index_price():
    account = row(wallets=wallets(USDC=2_000), multi_assets=True)
    assert usdm(account, PRICES, RULES).margin_balance == 1_000


def test_isolated_position_stands_alone():
    account = row(
        position("BTCUSDT", 1, 60_250, isolated_margin=500),
        position("ETHUSDT", 1, 3_000),
        wallets=wallets(USDT=100),
    )
    found = usdm(account, PRICES, RULES)
    isolated = found.positions[0]
    assert (isolated.margin_balance, isolated.margin_ratio) == (250, 1)
    assert isolated.actions == Action.LIQUIDATE
    assert found.margin_balance == 100
    assert found.actions == Action.TRADE | Action.TRANSFER_OUT | Action.ISOLATED_LIQUIDATE


def test_coinm_is_counted_in_coin():
    account = row(position("BTCUSD_PERP", 1_000, 40_000, leverage=20), wallets=wallets(BTC=0.1))
    found = coinm(account, PRICES, RULES)
    (leg,) = found.positions
    assert (leg.notional, leg.unrealized_pnl) == (2, Fraction("0.5"))
    assert leg.maintenance_margin == Fraction("0.008")
    assert found.margin_balance == Fraction("0.6") * 60_000
    assert found.margin_level == Fraction("0.6") / Fraction("0.008")


def test_coinm_brackets_are_in_coin():
    (leg,) = coinm(row(position("BTCUSD_PERP", -3_000, 50_000)), PRICES, RULES).positions
    assert leg.maintenance_margin == 6 * Fraction("0.005") - Fraction("0.005")


def test_nothing_asked_for_nothing_fires():
    found = usdm(row(wallets=wallets(USDT=5)), PRICES, RULES)
    assert (found.margin_level, found.margin_ratio) == (math.inf, 0)
    assert found.actions == Action.TRADE | Action.TRANSFER_OUT


def test_negative_wallet_alone_is_liquidated():
    found = usdm(row(wallets=wallets(USDT=-5)), PRICES, RULES)
    assert (found.margin_level, found.margin_ratio) == (-math.inf, math.inf)
    assert found.actions == Action.LIQUIDATE


def test_empty_account_may_trade():
    found = usdm(row(), PRICES, RULES)
    assert (found.margin_level, found.actions) == (math.inf, Action.TRADE)


@pytest.mark.parametrize(
    ("account", "flags"),
    [
        (row(position("XUSDT", 1, 1)), Action.UNPRICED_DEBT),
        (row(position("BTCUSDT", 1, 1)), Action.UNPRICED_DEBT),
        (row(wallets=wallets(DOGE=1)), Action.UNPRICED_ASSET),
        (row(position("NOBODY", 1, 1), wallets=wallets(DOGE=1)), Action.UNPRICED),
    ],
)
def test_what_is_missing_is_flagged_and_stands_alone(account, flags):
    found = usdm(account, {"XUSDT": 1.0, "NOBODY": 1.0}, RULES)
    assert found.actions == flags
    assert math.isnan(found.margin_level)


def test_coin_contract_in_a_usdm_account_has_no_brackets():
    account = row(position("BTCUSD_PERP", 1, 50_000), wallets=wallets(BTC=1))
    assert usdm(account, PRICES, RULES).actions == Action.UNPRICED_DEBT


def test_price_of_0_is_none_for_coinm():
    account = row(position("BTCUSD_PERP", 1, 50_000), wallets=wallets(BTC=1))
    assert coinm(account, PRICES | {"BTCUSD_PERP": 0.0}, RULES).actions == Action.UNPRICED_DEBT


def test_position_of_0_is_dropped():
    account = row(position("NOBODY", 0, 0), wallets=wallets(USDT=1))
    assert usdm(account, {}, RULES).positions == ()


def test_every_fault_of_a_row_is_said_at_once():
    account = row(
        position("BTCUSDT", -1, 60_000, side="LONG"),
        position("ETHUSDT", 1, 0),
        position("ETHUSDT", 1, 10, leverage=0.5),
        wallets=[{"asset": "USDT", "balance": math.nan}],
    )
    with pytest.raises(AccountsError) as caught:
        usdm(account, PRICES, RULES)
    assert [problem.path for problem in caught.value.problems] == [
        "wallets[0].balance",
        "positions[0].quantity",
        "positions[1].entry_price",
        "positions[2].symbol",
        "positions[2].leverage",
    ]


def test_rules_without_the_methodology_are_refused():
    bare = RULES.replace(methodology={"cross_pro": "pro_2025"})
    with pytest.raises(RulesError, match=r"methodology\.usdm must be one of usdm"):
        oracle.usdm(row(), PRICES, bare)


def test_all_is_a_flat_table():
    assert rules_of(portfolio={"USDT": ALL}).tiers("portfolio", "USDT")[0].rate == 1

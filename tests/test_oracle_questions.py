"""The oracle's questions of quantity, held against the exchange's worked figures and by hand."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle_rows import MODES, random_prices, random_row, random_rules
from oracle_rules import ALL, BTCUSDT, position, rules_of, wallets

from pymargin import AccountsError, Action, MarginError, oracle
from pymargin.oracle.schedule import exact

DRAWN = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def balance(asset, free=0, borrowed=0, interest=0, **fields):
    return {"asset": asset, "free": free, "borrowed": borrowed, "interest": interest, **fields}


def row(*balances, mode="cross_classic", leverage=5, **fields):
    return {"mode": mode, "leverage": leverage, "balances": list(balances), **fields}


def classic_rules(rates, classic):
    table = {asset: ((None, rate),) for asset, rate in rates.items()}
    return rules_of(classic, collateral=table, borrow=table, transfer_out=table)


# Maximum borrow.


@pytest.mark.parametrize(
    ("classic", "rate", "expected"),
    [
        ("classic_2026_06", "0.9999", "40000000"),
        ("classic_2026_01", "1", "40000000"),
        ("classic_2026_01", "0.9999", "39984006.3974"),
        ("classic_2026_01", "0.95", "33333333.3333"),
    ],
)
def test_classic_borrows_until_the_borrow_level_reaches_its_bar(classic, rate, expected):
    """C 35,000,000 and L 20,000,000 at 5x: (C - 1.25 L) / (1.25 - h), h the coin's own ratio."""
    rules = classic_rules({"BNB": "0.7", "USDT": "1", "X": rate}, classic)
    account = row(balance("BNB", 100_000), balance("USDT", 0, 20_000_000))
    found = oracle.max_borrow(account, {"BNB": 500, "X": 1}, rules, "X")
    assert abs(found - Fraction(expected)) < Fraction("0.0001")


def test_classic_borrow_level_at_the_maximum_is_exactly_the_bar():
    rules = classic_rules({"BNB": "0.7", "USDT": "1"}, "classic_2026_01")
    account = row(balance("BNB", 100_000), balance("USDT", 0, 20_000_000))
    prices = {"BNB": 500}
    found = oracle.max_borrow(account, prices, rules, "USDT")
    after = row(balance("BNB", 100_000), balance("USDT", float(found), 20_000_000 + float(found)))
    assert oracle.cross_classic(after, prices, rules).borrow_margin_level == Fraction(5, 4)


PRO = rules_of(
    collateral={"BTC": ALL, "USDC": ALL},
    liability_maintenance={"BTC": ((None, "0.02"),), "USDC": ((None, "0.03"),)},
    liability_initial={"BTC": ((None, "0.1112"),), "USDC": ((100_000, "0.1112"), (None, "0.2"))},
)
PRO_PRICES = {"BTC": 10_000, "USDC": 1}
PRO_ROW = row(balance("BTC", 2, 1), mode="cross_pro")


def test_pro_borrows_its_available_margin_over_the_rate():
    """ "How to Calculate Max Borrow Amount", FAQ 84aac4a694f54c55a95f721b33cfd174: 79,928."""
    found = oracle.max_borrow(PRO_ROW, PRO_PRICES, PRO, "USDC")
    assert found == Fraction(8_888) / Fraction("0.1112")
    assert int(found) == 79_928


def test_pro_borrow_goes_on_in_the_next_bracket():
    richer = row(balance("BTC", 3, 1), mode="cross_pro")
    found = oracle.max_borrow(richer, PRO_PRICES, PRO, "USDC")
    assert found == 100_000 + (18_888 - 11_120) / Fraction("0.2")


def test_pro_borrow_of_a_coin_with_a_haircut_costs_the_haircut_too():
    rules = rules_of(
        collateral={"BTC": ALL, "USDC": ((None, "0.9"),)},
        liability_maintenance=dict.fromkeys(("BTC", "USDC"), ((None, "0.02"),)),
        liability_initial=dict.fromkeys(("BTC", "USDC"), ((None, "0.1"),)),
    )
    found = oracle.max_borrow(PRO_ROW, PRO_PRICES, rules, "USDC")
    assert found == 9_000 / (Fraction("0.1") + 1 - Fraction("0.9"))


def test_a_limit_caps_the_borrow():
    assert oracle.max_borrow(PRO_ROW, PRO_PRICES, PRO, "USDC", limit=1_000) == 1_000
    assert oracle.max_borrow(PRO_ROW, PRO_PRICES, PRO, "USDC", limit=1e9) < 80_000


def test_nothing_to_borrow_at_the_bar():
    rules = classic_rules({"USDT": "1", "X": "1"}, "classic_2026_06")
    account = row(balance("X", 125), balance("USDT", 0, 100))
    assert oracle.max_borrow(account, {"X": 1}, rules, "USDT") == 0


def test_portfolio_loan_is_what_its_leverage_makes_of_the_withdrawal():
    """Portfolio Margin, FAQ 446ce2c3357a449599c82436078b0e3b."""
    rules = rules_of(portfolio={"USDT": ALL, "ETH": ALL}, parts={"loan_leverage": {"USDT": 10}})
    account = row(balance("USDT", 10_000), balance("ETH", 1, 1, loan_leverage=3), mode="portfolio")
    left = 10_000 - Fraction("1.2") * 200
    found = oracle.max_borrow(account, {"ETH": 2_000}, rules, "USDT")
    assert found == 9 * (left - 1_000)
    assert oracle.max_borrow(account, {"ETH": 2_000}, rules, "ETH") == (left - 1_000) * 2 / 2_000


def test_unpriced_borrow_is_nan():
    assert math.isnan(oracle.max_borrow(PRO_ROW, PRO_PRICES, PRO, "DOGE"))


def test_futures_do_not_borrow():
    with pytest.raises(MarginError, match="mode must be one that borrows"):
        oracle.max_borrow({"mode": "usdm"}, {}, rules_of(), "USDT")


# Maximum transfer-out.


@pytest.mark.parametrize(("usdt", "expected"), [(8_000, 0), (20_000, 9_700)])
def test_classic_transfers_out_down_to_a_level_of_2(usdt, expected):
    """ "How to Transfer Out", FAQ d9e94f23ea6d44008a4d52ac813e7410: debts of 5,150 in all."""
    account = row(balance("USDT", usdt), balance("X", 0, 1_000, 150), balance("ETH", 0, 2))
    rules = classic_rules(dict.fromkeys(("USDT", "ETH", "X"), "1"), "classic_2023")
    assert oracle.max_transfer_out(account, {"X": 1, "ETH": 2_000}, rules, "USDT") == expected


def test_transfer_out_frees_collateral_at_the_marginal_ratio():
    rules = rules_of(
        "classic_2026_01",
        collateral={"USDT": ALL, "X": ALL},
        borrow={"USDT": ALL, "X": ALL},
        transfer_out={"USDT": ALL, "X": ((100, "1"), (None, "0.5"))},
    )
    account = row(balance("X", 300), balance("USDT", 0, 90))
    # 200 counted: 20 over twice the debt, which is 40 at a half.
    assert oracle.max_transfer_out(account, {"X": 1}, rules, "X") == 40


def test_no_debt_lets_all_that_is_free_go():
    account = row({"asset": "BTC", "free": 2, "locked": 1}, mode="cross_pro")
    assert oracle.max_transfer_out(account, PRO_PRICES, PRO, "BTC") == 2


def test_pro_transfers_out_down_to_a_level_of_2():
    # Half a coin's value over the debt: 10,000 against a margin of 200; 9,600 may go.
    assert oracle.max_transfer_out(PRO_ROW, PRO_PRICES, PRO, "BTC") == Fraction("0.96")


def test_portfolio_keeps_a_fifth_more_than_the_maintenance_margin():
    rules = rules_of(portfolio={"USDT": ALL, "ETH": ALL})
    account = row(balance("USDT", 10_000), balance("ETH", 1, 1, loan_leverage=3), mode="portfolio")
    prices = {"ETH": 2_000}
    assert oracle.max_transfer_out(account, prices, rules, "USDT") == 10_000 - 240
    initial = oracle.max_transfer_out(account, prices, rules, "USDT", withdrawal="initial")
    assert initial == 9_000


def test_portfolio_asset_that_counts_nothing_may_go_in_full():
    rules = rules_of(portfolio={"USDT": ALL, "ETH": ALL, "BNB": ((None, "0"),)})
    debts = balance("USDT", 300), balance("ETH", 1, 1, loan_leverage=3)
    account = row(*debts, balance("BNB", 7), mode="portfolio")
    assert oracle.max_transfer_out(account, {"ETH": 2_000, "BNB": 600}, rules, "BNB") == 7


USDM = rules_of(usdm={"BTCUSDT": BTCUSDT, "BTCUSDC": BTCUSDT})
MARKS = {"BTCUSDT": 60_000, "BTCUSDC": 60_000, "USDC": 1}


def test_futures_transfer_out_the_available_balance_of_the_pool():
    account = {
        "mode": "usdm",
        "positions": [position("BTCUSDT", 1, 60_500, leverage=10)],
        "wallets": wallets(USDT=10_000, USDC=50),
    }
    assert oracle.max_transfer_out(account, MARKS, USDM, "USDT") == 10_000 - 500 - 6_000
    assert oracle.max_transfer_out(account, MARKS, USDM, "USDC") == 50


def test_profit_is_not_transferred_out():
    account = {
        "mode": "usdm",
        "positions": [position("BTCUSDT", 1, 50_000, leverage=10)],
        "wallets": wallets(USDT=1_000),
    }
    assert oracle.max_transfer_out(account, MARKS, USDM, "USDT") == 1_000


def test_a_pool_that_is_due_locks_the_others():
    account = {
        "mode": "usdm",
        "positions": [position("BTCUSDT", 1, 61_000)],
        "wallets": wallets(USDT=1_000, USDC=50),
    }
    assert oracle.max_transfer_out(account, MARKS, USDM, "USDC") == 0


# Shortfall and switch.


def test_shortfall_is_what_the_numerator_lacks():
    rules = classic_rules({"USDT": "1", "X": "1"}, "classic_2026_06")
    account = row(balance("X", 105), balance("USDT", 0, 100))
    found = {to: oracle.shortfall(account, {"X": 1}, rules, to)
             for to in ("liquidation", "margin_call", "bankruptcy", 2)}  # fmt: skip
    assert found == {"liquidation": 5, "margin_call": 11, "bankruptcy": 0, 2: 95}


def test_shortfall_of_futures_sums_the_pools_in_usdt():
    account = {
        "mode": "usdm",
        "positions": [position("BTCUSDT", 1, 60_000), position("BTCUSDC", 1, 60_000)],
        "wallets": wallets(USDT=50, USDC=1_000),
    }
    assert oracle.shortfall(account, MARKS | {"USDC": 0.5}, USDM) == 200


def test_shortfall_of_an_isolated_position():
    account = {
        "mode": "usdm",
        "positions": [position("BTCUSDT", 1, 60_000, isolated_margin=100)],
    }
    assert oracle.shortfall(account, MARKS, USDM, position=0) == 150
    assert oracle.shortfall(account, MARKS, USDM) == 0


def test_futures_have_no_margin_call():
    with pytest.raises(MarginError, match="at must be a decision of usdm"):
        oracle.shortfall({"mode": "usdm"}, {}, USDM, "margin_call")


def test_switch_to_pro_asks_for_more_than_2():
    assert oracle.switch(PRO_ROW, PRO_PRICES, PRO, "cross_pro").allowed
    at_2 = row(balance("USDC", 1_060), balance("BTC", 0, 0.1), mode="cross_classic")
    found = oracle.switch(at_2, PRO_PRICES, PRO, "cross_pro")
    assert (found.level, found.allowed) == (3, True)
    at_2 = row(balance("USDC", 1_040), balance("BTC", 0, 0.1))
    found = oracle.switch(at_2, PRO_PRICES, PRO, "cross_pro")
    assert (found.level, found.allowed) == (2, False)


@pytest.mark.parametrize(
    ("leverage", "usdc", "allowed"),
    [(5, 1_250, False), (5, 1_251, True), (3, 1_500, False), (3, 1_501, True)],
)
def test_switch_to_classic_asks_for_more_than_the_initial_risk_ratio(leverage, usdc, allowed):
    account = row(balance("USDC", usdc), balance("BTC", 0, 0.1), mode="cross_pro")
    account["leverage"] = leverage
    found = oracle.switch(account, PRO_PRICES, PRO, "cross_classic")
    assert found.allowed is allowed


def test_switch_to_classic_needs_a_leverage():
    with pytest.raises(AccountsError, match="leverage must be 3 or 5"):
        oracle.switch({"balances": []}, {}, PRO, "cross_classic")


def test_nobody_switches_to_futures():
    with pytest.raises(MarginError, match="to must be cross_classic or cross_pro"):
        oracle.switch(PRO_ROW, PRO_PRICES, PRO, "usdm")


# Limits that need no account.


@pytest.mark.parametrize(
    ("total", "limit", "price", "expected"),
    [
        (500_000, 1_000_000, 1, 300_000),
        (800_000, 1_000_000, 1, 50_000),
        (1_700_000, 2_000_000, 1, 50_000),
        (2_990_000, 3_000_000, 1, 10_000),
        (3_000_000, 3_000_000, 1, 0),
        (3_100_000, 3_000_000, 1, 0),
        (1_700_000, 2_000_000, 0.5, 100_000),
        (799_999, 1_000_000, 1, 1),
    ],
)
def test_bands_of_the_max_collateral_rule(total, limit, price, expected):
    """ "Margin Asset Max Collateral Rule" (2025-03-27)."""
    assert oracle.max_transfer_in(total, limit, price) == expected


@pytest.mark.parametrize("where", [{"rank": 6}, {"mode": "usdm"}])
def test_rule_does_not_apply_elsewhere(where):
    assert oracle.max_transfer_in(1, 1, 1, **where) == math.inf


def test_every_number_of_a_transfer_is_checked():
    with pytest.raises(MarginError) as caught:
        oracle.max_transfer_in(-1, math.nan, 0)
    assert [problem.path for problem in caught.value.problems] == ["total", "upper_limit", "price"]


@pytest.mark.parametrize(
    ("leverage", "expected"),
    [(126, 0), (125, 50_000), (101, 50_000), (100, 250_000), (1, math.inf)],
)
def test_largest_position_at_a_leverage(leverage, expected):
    assert oracle.max_position("BTCUSDT", leverage, USDM) == expected


# Whatever the account: at the answer the decision changes.


def case_and_asset(mode, seed):
    rng = random.Random(seed)
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    part = "wallets" if mode in ("usdm", "coinm") else "balances"
    for entry in row[part]:
        for name in ("free", "balance"):
            if name in entry:
                entry[name] = abs(entry[name]) * 3
    return row, prices, rules, rng.choice(row[part])["asset"]


def shifted(row, asset, amount, *names):
    """Return the row with so much more of an asset."""
    entries = row.get("balances" if "free" in names else "wallets")
    changed = [
        {**entry, **{name: entry.get(name, 0) + amount for name in names}}
        if entry["asset"] == asset
        else entry
        for entry in entries
    ]
    return {**row, ("balances" if "free" in names else "wallets"): changed}


def actions(row, prices, rules):
    return getattr(oracle, row["mode"])(row, prices, rules).actions


@pytest.mark.parametrize("mode", ["cross_classic", "cross_pro"])
@DRAWN
@given(seed=st.integers(0, 2**32 - 1))
def test_borrow_is_granted_up_to_the_maximum_and_not_above(mode, seed):
    row, prices, rules, asset = case_and_asset(mode, seed)
    most = oracle.max_borrow(row, prices, rules, asset)
    granted = bool(actions(row, prices, rules) & Action.BORROW)
    assert granted is (most > 0)
    if 0 < most < math.inf:
        for share, expected in ((0.999, True), (1.001, False)):
            after = shifted(row, asset, float(most) * share, "free", "borrowed")
            assert bool(actions(after, prices, rules) & Action.BORROW) is expected


@pytest.mark.parametrize("mode", ["cross_classic", "cross_pro", "portfolio", "portfolio_pro"])
@DRAWN
@given(seed=st.integers(0, 2**32 - 1))
def test_transfer_is_granted_up_to_the_maximum_and_not_above(mode, seed):
    row, prices, rules, asset = case_and_asset(mode, seed)
    free = next(entry.get("free", 0) for entry in row["balances"] if entry["asset"] == asset)
    most = oracle.max_transfer_out(row, prices, rules, asset)
    assert 0 <= most <= exact(free)
    if not most:
        return
    left = shifted(row, asset, -float(most) * 0.999, "free")
    assert actions(left, prices, rules) & Action.TRANSFER_OUT
    beyond = float(most) * 1.001
    if beyond < free:
        left = shifted(row, asset, -beyond, "free")
        assert not actions(left, prices, rules) & Action.TRANSFER_OUT


@pytest.mark.parametrize("mode", ["usdm", "coinm"])
@DRAWN
@given(seed=st.integers(0, 2**32 - 1))
def test_futures_keep_an_available_balance(mode, seed):
    row, prices, rules, asset = case_and_asset(mode, seed)
    wallet = next(e["balance"] for e in row["wallets"] if e["asset"] == asset)
    most = oracle.max_transfer_out(row, prices, rules, asset)
    assert 0 <= most <= exact(wallet)
    if not most:
        return
    assert actions(shifted(row, asset, -float(most) * 0.999, "balance"), prices, rules) & 4
    beyond = float(most) * 1.001
    if beyond < wallet:
        levels = getattr(oracle, mode)(shifted(row, asset, -beyond, "balance"), prices, rules)
        own = next(pool for pool in levels.pools if pool.asset in (asset, "USD"))
        assert own.available_balance < 0 or levels.actions & Action.LIQUIDATE


@pytest.mark.parametrize("mode", MODES)
@DRAWN
@given(seed=st.integers(0, 2**32 - 1))
def test_shortfall_is_there_exactly_where_the_account_is_due(mode, seed):
    rng = random.Random(seed)
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    lacking = oracle.shortfall(row, prices, rules)
    levels = getattr(oracle, mode)(row, prices, rules)
    if lacking > 0:
        assert levels.actions & Action.LIQUIDATE
    elif levels.actions & Action.LIQUIDATE:
        level = getattr(levels, "uni_mmr", None) or levels.margin_level
        assert level in (Fraction("1.1"), 1, Fraction("1.05"))

"""The oracle's own definition, held against figures worked out by hand."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from strategies import make_rules, make_tiers

from pymargin import AccountsError, Action, MarginError, PricesError, RulesError, oracle
from pymargin.oracle.schedule import exact, schedule_value

OPEN = ((100, "1"), (200, "0.5"), (None, "0.25"))
CLOSED = ((100, "1"), (200, "0.5"))
FLAT = ((None, "0.9"),)
RISING = ((100, "0.1"), (200, "0.2"))
TABLES = {
    "collateral": {"BTC": OPEN, "ETH": CLOSED, "USDT": ((None, "1"),)},
    "borrow": {"BTC": FLAT, "ETH": FLAT, "USDT": FLAT},
    "transfer_out": {"BTC": ((None, "0.8"),), "ETH": FLAT, "USDT": FLAT},
    "liability_maintenance": {"BTC": RISING, "USDT": ((None, "0.1"),)},
    "liability_initial": {"BTC": ((None, "0.5"),), "USDT": ((None, "0.2"),)},
}
PRICES = {"BTC": 10.0, "ETH": 2.0}


def rules(methodology="classic_2026_06", **changes):
    return make_rules({**TABLES, **changes}, classic=methodology)


def row(*balances, **fields):
    names = ("asset", "free", "locked", "borrowed", "interest")
    named = [dict(zip(names, balance, strict=False)) for balance in balances]
    return {"account": "a", "leverage": 3, "balances": named, **fields}


def value(steps, at, table="collateral"):
    return schedule_value(table, make_tiers(steps), Fraction(at))


# Schedules.


def test_each_slice_counts_at_its_own_rate():
    assert value(OPEN, 300).total == 100 + 50 + 25


def test_upper_edge_belongs_to_its_tier():
    assert [piece.part for piece in value(OPEN, 200).slices] == [100, 100]


def test_a_hair_above_an_edge_reaches_the_next_tier():
    assert value(OPEN, Fraction("200.0000000001")).slices[-1].part == Fraction("0.0000000001")


def test_an_open_last_tier_goes_on():
    assert value(OPEN, 10**15).total == 150 + Fraction(10**15 - 200) / 4


def test_collateral_above_a_closed_last_cap_counts_nothing():
    assert value(CLOSED, 1000).total == value(CLOSED, 200).total == 150


@pytest.mark.parametrize("table", ["liability_maintenance", "liability_initial"])
def test_liabilities_above_a_closed_last_cap_go_on_at_the_last_rate(table):
    assert value(RISING, 300, table).total == 10 + 20 + 20


def test_exactly_at_a_closed_cap_is_not_beyond():
    assert (value(CLOSED, 200).beyond, value(CLOSED, 201).beyond) == (0, 1)


def test_nothing_is_worth_nothing():
    assert value(OPEN, 0).total == 0


def test_a_float_is_its_shortest_decimal():
    assert exact(1.1) == Fraction(11, 10)


def test_free_and_locked_are_decimals_each_by_itself():
    found = oracle.cross_classic(row(("USDT", 0.1, 0.2), ("ETH", 0, 0, 1)), PRICES, rules())
    assert found.total_asset == Fraction(3, 10)


# Cross Margin Classic.

HOLDINGS = (("BTC", 30, 0, 10, 1), ("USDT", 0, 0, 90))


def test_classic_2023_margin_level_is_gross_and_without_haircut():
    found = oracle.cross_classic(row(*HOLDINGS), PRICES, rules("classic_2023"))
    assert found.margin_level == Fraction(300, 200)


def test_classic_2023_collateral_level_takes_tiers_on_the_whole_holding():
    found = oracle.cross_classic(row(*HOLDINGS), PRICES, rules("classic_2023"))
    assert found.collateral_margin_level == Fraction(175, 200)


def test_classic_2023_borrow_and_transfer_out_levels_are_the_collateral_level():
    found = oracle.cross_classic(row(*HOLDINGS), PRICES, rules("classic_2023"))
    levels = {found.borrow_margin_level, found.transfer_out_margin_level}
    assert levels == {found.collateral_margin_level}


def test_classic_2026_01_has_a_table_for_each_level():
    found = oracle.cross_classic(row(*HOLDINGS), PRICES, rules("classic_2026_01"))
    assert found.margin_level == Fraction(300, 200)
    assert found.collateral_margin_level == Fraction(175, 200)
    assert found.borrow_margin_level == Fraction(270, 200)
    assert found.transfer_out_margin_level == Fraction(240, 200)


def test_classic_2026_06_sets_a_debt_off_against_its_holding_in_full():
    found = oracle.cross_classic(row(*HOLDINGS), PRICES, rules())
    assert found.margin_level == found.collateral_margin_level
    assert found.margin_level == Fraction(110 + 100 + 45, 200)
    assert found.borrow_margin_level == (110 + Fraction(190 * 9, 10)) / 200
    assert found.transfer_out_margin_level == (110 + Fraction(190 * 8, 10)) / 200


def test_classic_2026_06_counts_a_smaller_holding_in_full():
    found = oracle.cross_classic(row(("BTC", 5, 0, 10)), PRICES, rules())
    assert found.margin_level == Fraction(1, 2)


@pytest.mark.parametrize("methodology", ["classic_2026_01", "classic_2026_06"])
def test_an_absent_ratio_table_gives_nan_and_grants_nothing(methodology):
    tables = {name: TABLES[name] for name in ("collateral", "borrow")}
    found = oracle.cross_classic(
        row(("BTC", 100), ("USDT", 0, 0, 1)), PRICES, make_rules(tables, classic=methodology)
    )
    assert math.isnan(found.transfer_out_margin_level)
    assert found.actions == Action.TRADE | Action.BORROW


def test_an_absent_ratio_table_stays_nan_without_a_debt():
    bare = make_rules({"collateral": TABLES["collateral"]})
    found = oracle.cross_classic(row(("BTC", 1)), PRICES, bare)
    assert math.isnan(found.borrow_margin_level)
    assert found.actions == Action.TRADE


def test_classic_2023_reads_no_ratio_table():
    bare = make_rules({"collateral": TABLES["collateral"]}, classic="classic_2023")
    found = oracle.cross_classic(row(("BTC", 1)), PRICES, bare)
    assert found.actions == Action.TRADE | Action.BORROW | Action.TRANSFER_OUT


def test_classic_ignores_orders_and_their_loss():
    order = {"give_asset": "XXX", "give_quantity": 1, "get_asset": "YYY", "get_quantity": 1}
    plain = oracle.cross_classic(row(*HOLDINGS), PRICES, rules())
    assert oracle.cross_classic(row(*HOLDINGS, orders=[order]), PRICES, rules()) == plain
    assert oracle.cross_classic(row(*HOLDINGS, open_order_loss=50), PRICES, rules()) == plain


def test_a_classic_debt_needs_no_brackets():
    found = oracle.cross_classic(row(("USDT", 10), ("DOGE", 0, 0, 5)), {"DOGE": 1}, rules())
    assert found.margin_level == 2


@pytest.mark.parametrize("methodology", ["classic_2023", "classic_2026_01", "classic_2026_06"])
@pytest.mark.parametrize(
    ("owned", "actions"),
    [
        (1.1, Action.LIQUIDATE),
        (1.1000000000000003, Action.TRADE | Action.MARGIN_CALL),
        (1.3, Action.TRADE | Action.MARGIN_CALL),
        (1.3000000000000003, Action.TRADE),
        (1.5, Action.TRADE),
        (1.5000000000000002, Action.TRADE | Action.BORROW),
        (2.0, Action.TRADE | Action.BORROW),
        (2.0000000000000004, Action.TRADE | Action.BORROW | Action.TRANSFER_OUT),
    ],
)
def test_thresholds_are_inclusive_as_their_lines_say(methodology, owned, actions):
    full = {"USDT": ((None, "1"),)}
    same = make_rules(dict.fromkeys(("collateral", "borrow", "transfer_out"), full),
                      classic=methodology)  # fmt: skip
    debt = {"asset": "ETH", "borrowed": 0.5}
    account = {"leverage": 3, "balances": [{"asset": "USDT", "free": owned}, debt]}
    assert oracle.cross_classic(account, PRICES, same).actions == actions


def test_leverage_of_the_row_wins_over_the_argument():
    account = row(("USDT", 1.2, 0, 0), ("ETH", 0, 0, 0.5))
    assert Action.MARGIN_CALL in oracle.cross_classic(account, PRICES, rules(), leverage=5).actions
    del account["leverage"]
    found = oracle.cross_classic(account, PRICES, rules(), leverage=5)
    assert found.actions == Action.TRADE


@pytest.mark.parametrize("leverage", [None, 0, 10])
def test_classic_needs_a_leverage_of_3_or_5(leverage):
    with pytest.raises(AccountsError, match="leverage must be 3 or 5"):
        oracle.cross_classic(row(*HOLDINGS, leverage=None), PRICES, rules(), leverage=leverage)


def test_own_margin_call_ratio_replaces_the_line():
    account = row(("USDT", 1.7), ("ETH", 0, 0, 0.5), margin_call_ratio=1.7)
    assert oracle.cross_classic(account, PRICES, rules()).actions == 9


# Cross Margin Pro.


def test_pro_takes_collateral_on_gross_holdings():
    found = oracle.cross_pro(row(*HOLDINGS), PRICES, rules())
    assert found.collateral_value == 175
    assert found.net_collateral == 175 - 200


def test_pro_net_reading_sets_debts_off_first():
    found = oracle.cross_pro(row(*HOLDINGS), PRICES, rules(), collateral="net")
    assert found.net_collateral == 255 - 200


def test_pro_margins_are_progressive_over_each_debt_with_interest():
    found = oracle.cross_pro(row(("BTC", 0, 0, 15, 10), ("USDT", 0, 0, 10)), PRICES, rules())
    assert found.maintenance_margin == (10 + 20 + 10) + 1
    assert found.initial_margin == 125 + 2


def test_pro_level_takes_the_order_loss_off():
    account = row(("USDT", 100), ("BTC", 0, 0, 5), open_order_loss=20)
    found = oracle.cross_pro(account, PRICES, rules())
    assert found.open_order_loss == 20
    assert found.margin_level == Fraction(100 - 50 - 20, 5)
    assert found.available_margin == 100 - 50 - 20 - 25


def test_available_margin_is_never_negative():
    found = oracle.cross_pro(row(("USDT", 51), ("BTC", 0, 0, 5)), PRICES, rules())
    assert found.available_margin == 0
    assert Action.BORROW not in found.actions


@pytest.mark.parametrize(
    ("owned", "actions"),
    [(55, 16), (55.00000000000001, 9), (57.5, 9), (57.50000000000001, 1), (60, 1), (60.1, 5),
     (75, 5), (75.00000000000001, 7)],
)  # fmt: skip
def test_pro_thresholds_are_inclusive_as_their_lines_say(owned, actions):
    found = oracle.cross_pro(row(("USDT", owned), ("BTC", 0, 0, 5)), PRICES, rules())
    assert found.actions == actions


def test_pro_without_a_debt_is_infinitely_safe():
    found = oracle.cross_pro(row(("USDT", 1)), PRICES, rules())
    assert found.margin_level == math.inf
    assert found.actions == Action.TRADE | Action.BORROW | Action.TRANSFER_OUT


def test_nothing_at_all_fires_nothing_and_may_not_borrow():
    found = oracle.cross_pro(row(), PRICES, rules())
    assert found.margin_level == math.inf
    assert found.actions == Action.TRADE | Action.TRANSFER_OUT


def test_order_loss_above_collateral_without_a_debt_liquidates():
    found = oracle.cross_pro(row(("USDT", 1), open_order_loss=2), PRICES, rules())
    assert found.margin_level == -math.inf
    assert found.actions == Action.LIQUIDATE


def test_a_debt_at_rate_zero_has_no_margin_and_no_finite_level():
    free = rules(liability_maintenance={"BTC": ((100, 0), (None, "0.1"))})
    found = oracle.cross_pro(row(("USDT", 200), ("BTC", 0, 0, 10)), PRICES, free)
    assert found.margin_level == math.inf
    found = oracle.cross_pro(row(("USDT", 99), ("BTC", 0, 0, 10)), PRICES, free)
    assert found.margin_level == -math.inf


# Open-order loss: BTC at 10 counts 100 %, then 50 % above 100 USDT; USDT counts in full.


def order(give, x, get, y):
    return {"give_asset": give, "give_quantity": x, "get_asset": get, "get_quantity": y}


@pytest.mark.parametrize(
    ("balances", "orders", "marginal", "standalone"),
    [
        # Buying into a haircut loses half of what is paid.
        ([("USDT", 100), ("BTC", 10)], [order("USDT", 50, "BTC", 5)], 25, 0),
        # Selling out of a haircut gains; a gain is not a loss.
        ([("BTC", 20)], [order("BTC", 5, "USDT", 50)], 0, 0),
        # What is sold without being held gives nothing away.
        ([("BTC", 1)], [order("USDT", 50, "BTC", 5)], 0, 0),
        # A gain does not make good another order's loss.
        (
            [("USDT", 100), ("BTC", 10)],
            [order("USDT", 50, "BTC", 5), order("BTC", 1, "USDT", 90)],
            25,
            0,
        ),
        # Alone, 15 BTC count 125 and ETH has no discount below 100.
        ([("BTC", 100)], [order("BTC", 15, "ETH", 50)], 0, 25),
    ],
)
def test_order_loss_readings(balances, orders, marginal, standalone):
    account = row(*balances, orders=orders)
    assert oracle.cross_pro(account, PRICES, rules()).open_order_loss == marginal
    found = oracle.cross_pro(account, PRICES, rules(), order_loss="standalone")
    assert found.open_order_loss == standalone


def test_marginal_order_loss_uses_net_holdings_in_the_net_reading():
    account = row(("USDT", 100), ("BTC", 10, 0, 5), orders=[order("USDT", 50, "BTC", 5)])
    assert oracle.cross_pro(account, PRICES, rules()).open_order_loss == 25
    assert oracle.cross_pro(account, PRICES, rules(), collateral="net").open_order_loss == 0


@pytest.mark.parametrize("argument", ["collateral", "order_loss"])
def test_an_unknown_reading_is_refused(argument):
    with pytest.raises(MarginError, match=f"{argument} must be"):
        oracle.cross_pro(row(), PRICES, rules(), **{argument: "both"})


# What cannot be priced.


@pytest.mark.parametrize(
    ("balances", "flags"),
    [
        ([("LTC", 1)], Action.UNPRICED_ASSET),
        ([("DOGE", 1)], Action.UNPRICED_ASSET),
        ([("LTC", 0, 0, 1)], Action.UNPRICED_DEBT),
        ([("LTC", 1, 0, 1)], Action.UNPRICED),
    ],
)
def test_classic_flags_a_missing_price_or_schedule(balances, flags):
    found = oracle.cross_classic(row(("USDT", 5), *balances), {"DOGE": 1.0}, rules())
    assert found.actions == flags
    assert math.isnan(found.margin_level)
    assert math.isnan(found.total_asset)


@pytest.mark.parametrize("table", ["liability_maintenance", "liability_initial"])
def test_a_pro_debt_needs_both_brackets(table):
    lacking = rules(**{table: {"USDT": ((None, "0.1"),)}})
    found = oracle.cross_pro(row(("USDT", 5), ("BTC", 0, 0, 0, 1)), PRICES, lacking)
    assert found.actions == Action.UNPRICED_DEBT


def test_a_holding_needs_every_ratio_table_that_exists():
    lacking = rules(borrow={"USDT": FLAT})
    assert oracle.cross_classic(row(("BTC", 1)), PRICES, lacking).actions == 256


def test_an_order_needs_prices_and_schedules():
    account = row(("USDT", 5), orders=[order("USDT", 1, "LTC", 1)])
    assert oracle.cross_pro(account, PRICES, rules()).actions == Action.UNPRICED_ASSET


@pytest.mark.parametrize("price", [math.nan, math.inf, None])
def test_a_price_that_is_not_finite_is_missing(price):
    assert oracle.cross_classic(row(("BTC", 1)), {"BTC": price}, rules()).actions == 256


def test_a_negative_price_is_refused():
    with pytest.raises(PricesError, match="BTC must be 0 or more"):
        oracle.cross_classic(row(("BTC", 1)), {"BTC": -1}, rules())


def test_empty_entries_need_nothing():
    assert oracle.cross_classic(row(("LTC", 0), ("USDT", 1)), {}, rules()).terms[0].asset == "USDT"


def test_usdt_is_1_unless_given():
    assert oracle.cross_classic(row(("USDT", 3)), {}, rules()).total_asset == 3
    assert oracle.cross_classic(row(("USDT", 3)), {"USDT": 0.5}, rules()).total_asset == 1.5


def test_beyond_tiers_stands_beside_the_others():
    found = oracle.cross_classic(row(("ETH", 100.5), ("BTC", 0, 0, 1)), PRICES, rules())
    assert found.margin_level == 15
    assert found.actions == Action.TRADE | 6 | Action.BEYOND_TIERS


def test_at_the_last_cap_is_within_the_tiers():
    found = oracle.cross_classic(row(("ETH", 100)), PRICES, rules())
    assert Action.BEYOND_TIERS not in found.actions


def test_a_net_position_within_the_tiers_is_not_beyond():
    account = row(("ETH", 101, 0, 1))
    assert Action.BEYOND_TIERS not in oracle.cross_classic(account, PRICES, rules()).actions
    gross = oracle.cross_classic(account, PRICES, rules("classic_2026_01"))
    assert Action.BEYOND_TIERS in gross.actions


def test_a_debt_beyond_its_brackets_is_flagged():
    found = oracle.cross_pro(row(("USDT", 10**6), ("BTC", 0, 0, 21)), PRICES, rules())
    assert found.actions == Action.TRADE | 6 | Action.BEYOND_TIERS


@pytest.mark.parametrize("number", [-1.0, math.nan, math.inf])
def test_a_bad_quantity_is_refused(number):
    with pytest.raises(AccountsError, match=r"balances\[0\]\.free must be finite and 0 or more"):
        oracle.cross_classic(row(("BTC", number)), PRICES, rules())


def test_a_repeated_asset_is_refused():
    with pytest.raises(AccountsError, match=r"balances\[1\]\.asset must be named once"):
        oracle.cross_classic(row(("BTC", 1), ("BTC", 1)), PRICES, rules())


def test_rules_without_a_methodology_are_refused():
    bare = rules().replace(methodology={"cross_pro": "pro_2025"})
    with pytest.raises(RulesError, match=r"methodology\.cross_classic must be one of"):
        oracle.cross_classic(row(), PRICES, bare)


def test_every_line_is_reported_with_whether_it_fired():
    account = row(("USDT", 1.2), ("ETH", 0, 0, 0.5))
    checks = oracle.cross_classic(account, PRICES, rules()).checks
    assert [check.holds for check in checks] == [False, True, False, False]
    assert [check.fired for check in checks] == [False, True, False, False]
    assert checks[1].limit == exact(1.3) == Fraction(Decimal("1.3"))

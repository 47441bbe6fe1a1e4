"""Roots: the decision fires at each and not just before, and brute force finds the same."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from edge_scan import scan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle_rows import MODES, random_prices, random_row, random_rules
from oracle_rules import ALL, BTCUSD, BTCUSDT, position, rules_of, wallets

from pymargin import MarginError, oracle
from pymargin.modes import RootReason
from pymargin.oracle.decisions import case_of
from pymargin.oracle.schedule import exact
from pymargin.oracle.standing import Reading

DRAWN = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
RULES = rules_of(
    collateral={"USDT": ALL, "BTC": ((100_000, "1"), (None, "0.5"))},
    portfolio={"USDT": ALL, "BTC": ((None, "0.95"),)},
    usdm={"BTCUSDT": BTCUSDT, "ETHUSDT": ((None, "0.01", 20),)},
    coinm={"BTCUSD_PERP": BTCUSD},
)
PRICES = {"BTC": 60_000, "BTCUSDT": 60_000, "ETHUSDT": 3_000, "BTCUSD_PERP": 60_000}


def names_of(row):
    assets = [entry["asset"] for part in ("balances", "wallets") for entry in row.get(part, ())]
    symbols = [leg["symbol"] for leg in row.get("positions", ())]
    return sorted({*assets, *symbols} - {"USDT"})


def decision(row, prices, rules, movers, at="liquidation", place=None):
    case = case_of(row, prices, rules, mode=None, reading=Reading(), position=place)
    return lambda x: case.with_quotes(case.quotes.moved(movers(x))).is_due(at)


def assert_boundaries(root, fires):
    """Check both floats: the decision fires there, and not at the neighbour on the safe side."""
    is_due = root.reason is RootReason.ALREADY
    for found, safe in (
        (root.below_float, 0.0 if is_due else math.inf),
        (root.above_float, math.inf if is_due else 0.0),
    ):
        if not math.isnan(found):
            assert fires(exact(found))
            if found:
                assert not fires(exact(math.nextafter(found, safe)))


def single(name, start):
    return lambda x: {name: lambda p: x if p == start else p * (x / start)}


def asked(rng, row):
    """Return the name that moves and what is asked about: the cross part, or one position."""
    legs = row.get("positions", ())
    isolated = [i for i, leg in enumerate(legs) if "isolated_margin" in leg]
    place = rng.choice([None, None, *isolated])
    if place is not None:
        return legs[place]["symbol"], place
    cross = [leg["symbol"] for leg in legs if "isolated_margin" not in leg]
    if cross and rng.random() < 0.6:
        return rng.choice(cross), None
    return rng.choice(names_of(row) or ["USDC"]), None


@pytest.mark.parametrize("mode", MODES)
@DRAWN
@given(seed=st.integers(0, 2**32 - 1))
def test_walk_finds_what_scanning_every_edge_finds(mode, seed):
    rng = random.Random(seed)
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    name, place = asked(rng, row)
    at = rng.choice(("liquidation", "liquidation", 1.5))
    root = oracle.liquidation_price(row, prices, rules, name, at=at, position=place)
    case = case_of(row, prices, rules, mode=None, reading=Reading(), position=place)
    if root.reason is RootReason.NO_EXPOSURE:
        assert scan(case, at, name) == (None, None)
        return
    assert (root.below, root.above) == scan(case, at, name)
    assert_boundaries(root, decision(row, prices, rules, single(name, root.start), at, place))


@pytest.mark.parametrize("mode", MODES)
@DRAWN
@given(seed=st.integers(0, 2**32 - 1))
def test_factor_is_the_first_at_which_the_decision_changes(mode, seed):
    rng = random.Random(seed)
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    root = oracle.liquidation_factor(row, prices, rules)
    if root.reason is RootReason.NO_EXPOSURE:
        return

    def movers(t):
        return {name: (lambda p: p * t) for name in names_of(row)} | _settled(rules, row, t)

    fires = decision(row, prices, rules, movers)
    assert_boundaries(root, fires)
    for end, found in ((Fraction(0), root.below), (Fraction(20), root.above)):
        limit = end if found is None else found
        share = Fraction(rng.randrange(1, 1000), 1000)
        assert fires(1 + (limit - 1) * share) is (root.reason is RootReason.ALREADY)


def _settled(rules, row, t):
    """Move settlement assets that the account has no balance in."""
    assets = [rules.contract(leg["symbol"]).settlement_asset for leg in row.get("positions", ())]
    return {asset: (lambda p: p * t) for asset in assets if asset != "USDT"}


# Figures worked out by hand.


def usdm(*legs, **fields):
    return {"mode": "usdm", "positions": list(legs), **fields}


def classic(*balances):
    names = ("asset", "free", "borrowed")
    entries = [dict(zip(names, entry, strict=True)) for entry in balances]
    return {"mode": "cross_classic", "leverage": 3, "balances": entries}


def test_bracket_is_that_of_the_price_itself():
    # Into the second bracket on the way: 2 (x - 40,000) - 5,000 = -(0.005 * 2x - 50).
    account = usdm(position("BTCUSDT", -2, 20_000), wallets=wallets(USDT=45_000))
    found = oracle.liquidation_price(account, {"BTCUSDT": 20_000}, RULES, "BTCUSDT")
    assert found.above == (45_000 + 40_000 + 50) / (2 + 2 * Fraction("0.005"))
    assert (found.below, found.reason) == (None, RootReason.OK)


def test_other_legs_stand_still():
    legs = position("BTCUSDT", 1, 60_000), position("ETHUSDT", -10, 3_100)
    account = usdm(*legs, wallets=wallets(USDT=1_000))
    found = oracle.liquidation_price(account, PRICES, RULES, "BTCUSDT")
    # 1,000 + 1,000 profit - 300 margin of the other; the margin above 50,000 is 0.005 x - 50.
    assert found.below == (60_000 - 1_000 - 1_000 + 300 - 50) / (1 - Fraction("0.005"))


def test_hedged_legs_move_together():
    legs = (
        position("BTCUSDT", 2, 60_000, side="LONG"),
        position("BTCUSDT", -1, 60_000, side="SHORT"),
    )
    found = oracle.liquidation_price(
        usdm(*legs, wallets=wallets(USDT=5_000)), PRICES, RULES, "BTCUSDT"
    )
    margin = 3 * Fraction("0.005")
    assert found.below == (60_000 - 5_000 - 50 - 50) / (1 - margin)


def test_coinm_moves_by_one_over_the_price():
    account = {
        "mode": "coinm",
        "positions": [position("BTCUSD_PERP", -100, 60_000)],
        "wallets": wallets(BTC=0.1),
    }
    found = oracle.liquidation_price(account, PRICES, RULES, "BTCUSD_PERP")
    # 0.1 - 10,000/60,000 + 10,000/x = 0.004 * 10,000/x.
    assert found.above == (10_000 - 40) / (Fraction(1, 6) - Fraction(1, 10))


def test_index_price_of_the_coin_leaves_coinm_alone():
    account = {
        "mode": "coinm",
        "positions": [position("BTCUSD_PERP", -100, 60_000)],
        "wallets": wallets(BTC=0.1),
    }
    found = oracle.liquidation_price(account, PRICES, RULES, "BTC")
    assert found.reason is RootReason.NO_EXPOSURE


def test_collateral_and_debt_in_one_asset_have_a_root_on_either_side():
    # Owed 1 and held 4 in coins, and owed 50,000 in USDT: haircut tiers turn the gain around.
    account = classic(("BTC", 4, 1), ("USDT", 0, 50_000))
    rules = rules_of(collateral={"USDT": ALL, "BTC": ((100_000, "1"), (None, "0"))})
    found = oracle.liquidation_price(account, {"BTC": 30_000}, rules, "BTC")
    assert found.below == 55_000 / (4 - Fraction("1.1"))
    assert found.above == (100_000 - 55_000) / Fraction("0.1")


def test_an_account_that_is_due_gets_the_price_that_would_save_it():
    found = oracle.liquidation_price(
        classic(("BTC", 1, 0), ("USDT", 0, 58_000)), PRICES, RULES, "BTC"
    )
    assert found.reason is RootReason.ALREADY
    assert (found.below, found.above) == (None, 63_800)
    assert found.above_float == 63_800


def test_at_the_threshold_the_root_is_the_current_price():
    found = oracle.liquidation_price(
        classic(("BTC", 1.1, 0), ("USDT", 0, 60_000)), PRICES, RULES, "BTC"
    )
    assert (found.reason, found.above) == (RootReason.ALREADY, 60_000)


def test_no_price_is_never():
    # At a price of 0 the position asks for nothing, and nothing is owed.
    account = usdm(position("BTCUSDT", 1, 60_000), wallets=wallets(USDT=60_000))
    found = oracle.liquidation_price(account, PRICES, RULES, "BTCUSDT")
    assert (found.below, found.above, found.reason) == (None, None, RootReason.NEVER)


def test_a_price_of_0_may_be_the_root():
    loan = classic(("BTC", 1, 0), ("USDT", 110, 100))
    rules = rules_of("classic_2023", collateral={"USDT": ALL, "BTC": ALL})
    found = oracle.liquidation_price(loan, PRICES, rules, "BTC")
    assert (found.below, found.below_float, found.reason) == (0, 0.0, RootReason.OK)


def test_a_name_that_the_account_has_not_is_no_exposure():
    account = usdm(position("BTCUSDT", 1, 60_000), wallets=wallets(USDT=5_000))
    for name in ("ETHUSDT", "NOBODY"):
        found = oracle.liquidation_price(account, PRICES, RULES, name)
        assert found.reason is RootReason.NO_EXPOSURE


def test_unpriced_is_its_own_reason():
    account = usdm(position("BTCUSDT", 1, 60_000))
    found = oracle.liquidation_price(account, {}, RULES, "BTCUSDT")
    assert found.reason is RootReason.UNPRICED
    assert math.isnan(found.nearest_float)


def test_isolated_position_has_a_price_of_its_own():
    legs = (
        position("BTCUSDT", 1, 60_000, isolated_margin=1_000),
        position("BTCUSDT", -1, 60_000, side="SHORT"),
    )
    account = usdm(*legs, wallets=wallets(USDT=9_000))
    own = oracle.liquidation_price(account, PRICES, RULES, "BTCUSDT", position=0)
    assert own.below == (60_000 - 1_000 - 50) / (1 - Fraction("0.005"))
    cross = oracle.liquidation_price(account, PRICES, RULES, "BTCUSDT")
    assert (cross.below, cross.above) == (None, (60_000 + 9_000 + 50) / (1 + Fraction("0.005")))


def test_bankruptcy_is_where_nothing_is_left():
    account = usdm(position("BTCUSDT", 1, 60_000), wallets=wallets(USDT=5_000))
    found = oracle.liquidation_price(account, PRICES, RULES, "BTCUSDT", at="bankruptcy")
    assert found.below == 55_000
    loan = classic(("BTC", 1, 0), ("USDT", 0, 40_000))
    found = oracle.liquidation_price(loan, PRICES, RULES, "BTC", at="bankruptcy")
    assert found.below == 40_000


def test_margin_call_comes_before_liquidation():
    loan = classic(("BTC", 1, 0), ("USDT", 0, 40_000))
    found = oracle.liquidation_price(loan, PRICES, RULES, "BTC", at="margin_call")
    assert found.below == Fraction("1.3") * 40_000


def test_a_level_may_be_asked_for():
    loan = classic(("BTC", 1, 0), ("USDT", 0, 40_000))
    assert oracle.liquidation_price(loan, PRICES, RULES, "BTC", at=1.25).below == 50_000


def test_several_names_move_in_proportion():
    account = usdm(
        position("BTCUSDT", 1, 60_000), position("ETHUSDT", 10, 3_000),
        wallets=wallets(USDT=10_000),
    )  # fmt: skip
    found = oracle.liquidation_price(account, PRICES, RULES, {"BTCUSDT": 1, "ETHUSDT": 2})
    # BTC by a share s, ETH by 2s: 10,000 + 60,000 s + 60,000 s = 0.01 * 30,000 (1 + 2s) + ...
    s = found.below / 60_000 - 1
    eth = 30_000 * (1 + 2 * s)
    margin = Fraction("0.005") * found.below - 50
    assert 10_000 + 60_000 * s + 60_000 * s == margin + Fraction("0.01") * eth


def test_profit_and_the_rate_of_its_asset_may_move_together():
    account = usdm(
        position("ETHBTC", 10, 0.05), wallets=wallets(BTC=0.01, USDT=-100), multi_assets=True
    )
    rules = rules_of(usdm={"ETHBTC": ((None, "0.01", 20),)})
    prices = {"BTC": 60_000, "ETHBTC": 0.05}
    found = oracle.liquidation_price(account, prices, rules, {"ETHBTC": 1, "BTC": 1})
    t = found.below / Fraction("0.05")
    equity = (Fraction("0.01") + (t - 1) / 2) * 60_000 * t
    off = equity - 100 - Fraction("0.005") * t * 60_000 * t
    assert abs(off) < Fraction(1, 10**60)
    assert found.below_float == float(found.below)


def test_factor_leaves_usdt_and_stable_assets_alone():
    rules = RULES.replace(stable=frozenset({"BTC"}))
    loan = classic(("BTC", 1, 0), ("USDT", 0, 40_000))
    assert oracle.liquidation_factor(loan, PRICES, RULES).below == Fraction(44, 60)
    assert oracle.liquidation_factor(loan, PRICES, rules).reason is RootReason.NO_EXPOSURE


def test_factor_goes_by_beta():
    loan = classic(("BTC", 1, 0), ("USDT", 0, 40_000))
    for beta in (2, {"BTC": 2}):
        found = oracle.liquidation_factor(loan, PRICES, RULES, beta=beta)
        assert found.below == 1 - Fraction(16, 60) / 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "BTC", "at": "soon"},
            "at must be liquidation, margin_call, bankruptcy or",
        ),
        ({"name": "BTC", "at": math.nan}, "at must be a finite level"),
        ({"name": {}}, "name must be of a weight above 0"),
        ({"name": {"BTC": math.inf}}, r"name\['BTC'\] must be a finite number"),
        ({"name": "BTC", "position": 0}, "position must be the number of an isolated position"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments, message):
    with pytest.raises(MarginError, match=message):
        oracle.liquidation_price(classic(("BTC", 1, 0)), PRICES, RULES, **arguments)


def test_open_order_loss_stays_as_it_is():
    rules = rules_of(
        collateral={"USDT": ALL, "BTC": ((None, "0.5"),)},
        liability_maintenance={"USDT": ((None, "0.1"),)},
        liability_initial={"USDT": ((None, "0.2"),)},
    )
    order = {"give_asset": "USDT", "give_quantity": 60, "get_asset": "BTC", "get_quantity": 0.001}
    account = {
        "mode": "cross_pro",
        "balances": [{"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 1_000, "free": 60}],
        "orders": [order],
    }
    found = oracle.liquidation_price(account, PRICES, rules, "BTC")
    # 0.5 x + 60 - 1,000 - 30 = 100, the order losing 30 at today's prices.
    assert found.below == 2 * (100 + 1_000 - 60 + 30)

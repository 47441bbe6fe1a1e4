"""Figures that the exchange's documents work out, through the core and through the oracle."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from strategies import make_rules

import pymargin as pm
from pymargin import Action, oracle

CASES = Path(__file__).parents[1].parent / "shared" / "facts" / "worked_cases.json"
HAIRCUT_FAQ = (
    (100_000_000, "1"),
    (120_000_000, "0.975"),
    (150_000_000, "0.95"),
    (180_000_000, "0.9"),
    (200_000_000, "0.85"),
)
ALL = ((None, "1"),)


def rules_for(collateral, *, maintenance=None, initial=None, classic="classic_2023"):
    tables = {"collateral": collateral}
    if maintenance:
        tables |= {"liability_maintenance": maintenance, "liability_initial": initial}
    return make_rules(tables, classic=classic)


def both_classic(row, prices, rules):
    """Return core and exact levels of one account, after checking that the actions agree."""
    core = pm.cross_classic(pm.Accounts.from_rows([{"account": "a", **row}]), prices, rules)
    exact = oracle.cross_classic(row, prices, rules)
    assert core.actions[0] == exact.actions
    return core, exact


def both_pro(row, prices, rules):
    core = pm.cross_pro(pm.Accounts.from_rows([{"account": "a", **row}]), prices, rules)
    exact = oracle.cross_pro(row, prices, rules)
    assert core.actions[0] == exact.actions
    return core, exact


def balances(held=None, owed=None):
    named = {**(held or {}), **(owed or {})}
    return [
        {"asset": asset, "free": (held or {}).get(asset, 0), "borrowed": (owed or {}).get(asset, 0)}
        for asset in named
    ]


def test_haircut_faq_6000_btc_at_20000():
    """ "Binance Cross Margin Collateral Haircuts" (FAQ)."""
    row = {"leverage": 5, "balances": balances({"BTC": 6_000})}
    core, exact = both_classic(row, {"BTC": 20_000}, rules_for({"BTC": HAIRCUT_FAQ}))
    assert exact.collateral_value == 119_500_000
    assert core.collateral_value[0] == 119_500_000


@pytest.mark.parametrize(("asset", "collateral"), [("WIF", 1_435_000), ("ZIL", 100_000)])
def test_holdings_worth_1_500_000_after_2025_11_07(asset, collateral):
    """The collateral-ratio notice of 2025-11-07: WIF is rank 6 and ZIL rank 10 from then on."""
    rules = pm.builtin_rules(at="2025-11-07T12:00Z")
    row = {"leverage": 5, "balances": balances({asset: 1_500_000})}
    core, exact = both_classic(row, {asset: 1}, rules)
    assert exact.collateral_value == collateral
    assert core.collateral_value[0] == collateral
    assert rules.collateral_value(asset, 1_500_000) == collateral


def test_classic_2023_bnb_example():
    """ "Binance Margin Level and Margin Call", FAQ 360030493931 before 2026-06-15."""
    rules = rules_for({"BNB": ((None, "0.7"),), "USDT": ALL})
    row = {"leverage": 5, "balances": balances({"BNB": 100_000}, {"USDT": 20_000_000})}
    core, exact = both_classic(row, {"BNB": 500}, rules)
    assert (exact.margin_level, exact.collateral_margin_level) == (Fraction(5, 2), Fraction(7, 4))
    assert (core.margin_level[0], core.collateral_margin_level[0]) == (2.5, 1.75)
    assert exact.actions == Action.TRADE | Action.BORROW


BTC_BRACKETS = ((50_000, "0.05", "0.1112"), (100_000, "0.07", "0.1429"), (None, "0.08", "0.2"))
ETH_BRACKETS = ((30_000, "0.05", "0.1112"), (None, "0.07", "0.1429"))


def test_pro_13_btc_and_13_eth_owed():
    """ "Cross Margin Pro Position Tiers" (margin-data page)."""
    brackets = {"BTC": BTC_BRACKETS, "ETH": ETH_BRACKETS}
    rules = rules_for(
        {"USDT": ALL},
        maintenance={name: [(c, m) for c, m, _ in steps] for name, steps in brackets.items()},
        initial={name: [(c, i) for c, _, i in steps] for name, steps in brackets.items()},
    )
    row = {"balances": balances({"USDT": 1_000_000}, {"BTC": 13, "ETH": 13})}
    core, exact = both_pro(row, {"BTC": 30_000, "ETH": 3_000}, rules)
    assert exact.maintenance_margin == 31_330
    assert exact.initial_margin == Fraction("75327.1")
    assert core.maintenance_margin[0] == 31_330
    assert core.initial_margin[0] == pytest.approx(75_327.1, rel=1e-15)


# Figures shared by those who work on this, where they are at hand.


@pytest.fixture(scope="module")
def cases():
    if not CASES.exists():
        pytest.skip("the shared worked cases are not beside the project")
    return {case["id"]: case for case in json.loads(CASES.read_text())["cases"]}


def split(brackets):
    """Return (cap, rate) steps of one or more rates from [floor, cap, rate, ...] lists."""
    n_rates = len(brackets[0]) - 2
    return [[(cap, str(rates[k])) for _, cap, *rates in brackets] for k in range(n_rates)]


@pytest.mark.parametrize("name", ["faq-pro-maxborrow-before", "faq-pro-after-borrow"])
def test_shared_pro_levels(cases, name):
    case = cases[name]
    inputs, expected = case["inputs"], case["expected"]
    rules = rules_for(
        dict.fromkeys(inputs["assets"], ALL),
        maintenance={asset: [(None, str(rate))] for asset, rate in inputs["mmr"].items()},
        initial={asset: [(None, str(rate))] for asset, rate in inputs["imr"].items()},
    )
    held = {asset: quantity for asset, (quantity, _) in inputs["assets"].items()}
    owed = {asset: quantity for asset, (quantity, _) in inputs["liabilities"].items()}
    prices = {asset: price for asset, (_, price) in inputs["assets"].items()}
    core, exact = both_pro({"balances": balances(held, owed)}, prices, rules)
    for levels in (core, exact):
        level = float(levels.margin_level if levels is exact else levels.margin_level[0])
        assert level == pytest.approx(expected["margin_level"], abs=case["tolerance"])
    assert float(exact.maintenance_margin) == pytest.approx(expected["maint_margin"], abs=1e-9)
    assert float(exact.initial_margin) == pytest.approx(expected["initial_margin"], abs=1e-3)


def test_shared_pro_required_margin(cases):
    inputs, expected = (cases["faq-pro-mm-im"][part] for part in ("inputs", "expected"))
    owed = inputs["liabilities_usdt"]
    steps = {asset: split(inputs[f"tiers_{asset}"]) for asset in owed}
    rules = rules_for(
        {"USDT": ALL},
        maintenance={asset: both[0] for asset, both in steps.items()},
        initial={asset: both[1] for asset, both in steps.items()},
    )
    core, exact = both_pro({"balances": balances({}, owed)}, dict.fromkeys(owed, 1), rules)
    assert exact.maintenance_margin == core.maintenance_margin[0] == expected["maint_margin"]
    assert exact.initial_margin == Fraction(str(expected["initial_margin"]))


def test_shared_progressive_margin_of_another_exchange(cases):
    inputs, expected = (cases["gate-tiered-mm"][part] for part in ("inputs", "expected"))
    (steps,) = split(inputs["tiers"])
    rules = rules_for({"USDT": ALL}, maintenance={"X": steps}, initial={"X": steps})
    row = {"balances": balances({}, {"X": inputs["liability_usd"]})}
    core, exact = both_pro(row, {"X": 1}, rules)
    assert exact.maintenance_margin == core.maintenance_margin[0] == expected["maint_margin"]


def test_shared_tiered_collateral_of_another_exchange(cases):
    inputs, expected = (cases["mexc-tiered"][part] for part in ("inputs", "expected"))
    (steps,) = split(inputs["tiers_qty"])
    row = {"leverage": 3, "balances": balances({"X": inputs["qty"]})}
    core, exact = both_classic(row, {"X": 1}, rules_for({"X": steps}))
    assert float(exact.collateral_value) == expected["collateral_qty"]
    assert core.collateral_value[0] == pytest.approx(expected["collateral_qty"], rel=1e-15)


def test_shared_flat_discounts_add_up(cases):
    inputs, expected = (cases["bitget-union"][part] for part in ("inputs", "expected"))
    rates = {asset: [(None, str(rate))] for asset, (_, _, rate) in inputs["assets"].items()}
    held = {asset: quantity for asset, (quantity, _, _) in inputs["assets"].items()}
    prices = {asset: price for asset, (_, price, _) in inputs["assets"].items()}
    row = {"leverage": 3, "balances": balances(held)}
    core, exact = both_classic(row, prices, rules_for(rates))
    assert exact.collateral_value == core.collateral_value[0] == expected["collateral_value"]


def test_shared_classic_level_of_the_exchanges_sample(cases):
    """The server divides unrounded totals, so the sample's own figures agree to 8 digits."""
    case = cases["doc-margin-account"]
    held, owed = case["inputs"]["total_asset_btc"], case["inputs"]["total_liability_btc"]
    row = {"leverage": 3, "balances": balances({"BTC": held}, {"ETH": owed})}
    rules = rules_for({"BTC": ALL, "ETH": ALL})
    core, exact = both_classic(row, {"BTC": 1, "ETH": 1}, rules)
    assert exact.margin_level == Fraction(str(held)) / Fraction(str(owed))
    expected = case["expected"]["margin_level"]
    assert core.margin_level[0] == pytest.approx(expected, abs=case["tolerance"])


def test_shared_no_debt_is_infinite(cases):
    assert cases["sentinel-zero-debt"]["inputs"]["total_liability_btc"] == 0
    row = {"leverage": 3, "balances": balances({"BTC": 1})}
    core, exact = both_classic(row, {"BTC": 1}, rules_for({"BTC": ALL}))
    assert core.margin_level[0] == exact.margin_level == float("inf")

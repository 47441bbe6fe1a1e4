"""The core's roots are the oracle's, float for float: every mode, both sides, every question."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from oracle_rows import COINM, MODES, USDM, random_prices, random_row, random_rules

import pymargin as pm
from pymargin import oracle

# Mode, seed of the book.
BOOKS = [(mode, seed) for mode in MODES for seed in range(4)]
ROWS = 8


def book_of(mode, seed, n=ROWS):
    """Draw rules, prices and n rows of a mode."""
    rng = random.Random(f"{mode}/{seed}")
    rules, prices = random_rules(rng), random_prices(rng)
    rows = [random_row(rng, mode, prices) | {"account": k} for k in range(n)]
    return rng, rules, prices, rows


def isolated_of(rows):
    """Return (row, number) of every isolated position, in the order of the book."""
    return [
        (k, number)
        for k, row in enumerate(rows)
        for number, leg in enumerate(row.get("positions", ()))
        if "isolated_margin" in leg
    ]


def assert_equal(solved, k, root, exact):
    """Hold one answer of the core against the oracle's."""
    assert solved.reason[k] == root.reason
    for side in ("below", "above"):
        found, wanted = float(getattr(solved, side)[k]), getattr(root, f"{side}_float")
        if not exact:
            fraction = getattr(root, side)
            wanted = math.nan if fraction is None else float(fraction)
        assert found == wanted or (math.isnan(found) and math.isnan(wanted)), (side, root)
    if root.start is not None and root.nearest is not None and exact:
        nearest = float(solved.nearest[k])
        assert nearest == root.nearest_float or math.isnan(root.nearest_float)


def check(function, rows, prices, rules, *arguments, exact=True, **options):
    """Solve a book in the core and row by row in the oracle; every answer is the same."""
    solve, define = getattr(pm, function), getattr(oracle, function)
    accounts = pm.Accounts.from_rows(rows)
    solved = solve(accounts, prices, rules, *arguments, exact=exact, **options)
    for k, row in enumerate(rows):
        assert_equal(solved, k, define(row, prices, rules, *arguments, **options), exact)
    isolated = isolated_of(rows)
    assert list(zip(solved.positions.account, solved.positions.position, strict=True)) == isolated
    for k, (owner, number) in enumerate(isolated):
        root = define(rows[owner], prices, rules, *arguments, position=number, **options)
        assert_equal(solved.positions, k, root, exact)
    return solved


def names_of(rows):
    """Name everything that the rows hold, owe or trade."""
    names = []
    for row in rows:
        for part in ("balances", "wallets"):
            names += [entry["asset"] for entry in row.get(part, ())]
        names += [leg["symbol"] for leg in row.get("positions", ())]
    return sorted({*names, "AAA"})


def at_of(rng, mode):
    bankrupt = () if mode == "x" else ("bankruptcy",)
    margin_call = ("margin_call",) if mode not in ("usdm", "coinm") else ()
    return rng.choice(("liquidation", "liquidation", 1.5, *bankrupt, *margin_call))


@pytest.mark.parametrize(("mode", "seed"), BOOKS)
@pytest.mark.parametrize("exact", [True, False])
def test_prices_are_the_oracles(mode, seed, exact):
    rng, rules, prices, rows = book_of(mode, seed)
    for name in rng.sample(names_of(rows), 2):
        check("liquidation_price", rows, prices, rules, name, at=at_of(rng, mode), exact=exact)


@pytest.mark.parametrize(("mode", "seed"), BOOKS)
@pytest.mark.parametrize("exact", [True, False])
def test_factors_are_the_oracles(mode, seed, exact):
    rng, rules, prices, rows = book_of(mode, seed)
    beta = rng.choice((None, None, 0.5, 1.3, {"AAA": 0.7}))
    if isinstance(beta, dict):
        # A coin and its contracts in proportion: degrees above 2 are refused.
        beta |= dict.fromkeys([*USDM, *COINM, "BBB"], 0.7)
    check("liquidation_factor", rows, prices, rules, beta=beta, at=at_of(rng, mode), exact=exact)


@pytest.mark.parametrize("mode", MODES)
def test_several_names_move_in_proportion(mode):
    _, rules, prices, rows = book_of(mode, "several")
    names = {"AAA": 1.0, "AAAUSDT": 1.0, "AAAUSD_PERP": 1.0, "AAAUSD_260327": 1.0}
    check("liquidation_price", rows, prices, rules, names)
    check("liquidation_price", rows, prices, rules, {"AAA": 2, "BBB": -0.5, "AAAUSDT": 2})


@pytest.mark.parametrize("collateral", ["gross", "net"])
@pytest.mark.parametrize("order_loss", ["marginal", "standalone"])
def test_readings_of_pro(collateral, order_loss):
    rng, rules, prices, rows = book_of("cross_pro", "readings")
    orders = [
        {"give_asset": "AAA", "give_quantity": 3.0, "get_asset": "USDT", "get_quantity": 20.0}
    ]
    rows = [row | ({"orders": orders} if rng.random() < 0.5 else {}) for row in rows]
    readings = {"collateral": collateral, "order_loss": order_loss}
    check("liquidation_price", rows, prices, rules, "AAA", **readings)
    check("liquidation_factor", rows, prices, rules, **readings)


@pytest.mark.parametrize("mode", ["usdm", "coinm", "portfolio", "portfolio_pro"])
@pytest.mark.parametrize("quantity", [40, -40])
@pytest.mark.parametrize("cash", [0, 7])
def test_equity_of_exactly_nothing_has_its_slope(mode, quantity, cash):
    _, rules, prices, _ = book_of(mode, "entered at mark")
    row = {"account": 0, "mode": mode}
    for symbol in COINM if mode == "coinm" else USDM:
        leg = {"symbol": symbol, "quantity": quantity, "entry_price": prices.mark[symbol]}
        legs = [leg | {"leverage": 2}]
        if cash:
            row["wallets"] = [{"asset": "BBB", "balance": cash}]
        check("liquidation_price", [row | {"positions": legs}], prices, rules, symbol)
        check("liquidation_factor", [row | {"positions": legs}], prices, rules)


def test_threads_change_nothing():
    _, rules, prices, rows = book_of("usdm", "threads", 600)
    accounts = pm.Accounts.from_rows(rows)
    one = pm.liquidation_factor(accounts, prices, rules)
    two = pm.liquidation_factor(accounts, prices, rules, threads=2)
    for side in ("below", "above", "reason"):
        np.testing.assert_array_equal(getattr(one, side), getattr(two, side))


def test_mixed_modes_are_solved_each_under_its_own():
    rng, rules, prices, _ = book_of("usdm", "mixed")
    rows = [random_row(rng, mode, prices) | {"account": k} for k, mode in enumerate(MODES * 3)]
    rng.shuffle(rows)
    check("liquidation_price", rows, prices, rules, "AAAUSDT")
    check("liquidation_price", rows, prices, rules, "AAA")


def test_roots_of_nobody_have_a_repr_too():
    nobody = pm.Accounts.from_rows([])
    assert repr(pm.liquidation_factor(nobody, {}, pm.example_rules())) == "<Roots of 0 accounts>"

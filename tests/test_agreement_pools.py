"""The core against the oracle on wallets and positions: decisions always, values to a bound.

The bound: with S what `settled_size` gives, every leg is within 6 roundings of its decimals, its
products with a price and a rate, its sums and a weight round once each (see ErrorBound in the
core); together below (n + 64) * 2^-52 of 2 S for every total, n the number of legs, as all rates
of these rules are at most 1. A quotient adds (|error of N| + level * |error of D|) / D.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pool_books import evaluate_oracle, pool_book, settled_size

import pymargin as pm
from pymargin import _core

MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")
N_ACCOUNTS = 120
SEEDS = range(5)
TOTALS = {
    "futures": (
        "margin_balance",
        "maintenance_margin",
        "unrealized_pnl",
        "initial_margin",
        "available_balance",
    ),
    "portfolio": (
        "account_equity",
        "actual_equity",
        "open_order_loss",
        "initial_margin",
        "maintenance_margin",
        "available_balance",
        "max_withdrawal",
    ),
}


def family(mode: str) -> str:
    return "portfolio" if mode.startswith("portfolio") else "futures"


def error_bound(row: Mapping[str, Any], prices: pm.Prices, rules: pm.MarginRules) -> Fraction:
    legs = sum(len(row.get(key, ())) for key in ("balances", "wallets", "positions"))
    return (2 * legs + 64) * Fraction(1, 2**52) * 2 * settled_size(row, prices, rules)


def is_close(found: float, exact: Any, error: Fraction) -> bool:
    if isinstance(exact, float):
        return bool(found == exact) or (math.isnan(found) and math.isnan(exact))
    return abs(Fraction(found) - exact) <= error + abs(exact) * Fraction(1, 2**52)


@pytest.fixture(params=["rows", "slots"])
def layout(request: pytest.FixtureRequest) -> Any:
    before = _core.implementation()
    if request.param == "rows":
        _core.force_implementation("generic")
    yield request.param
    _core.force_implementation(before)


def evaluated(mode: str, book: Any, prices: pm.Prices, layout: str, missing: str) -> Any:
    accounts = pm.Accounts.from_rows(book.rows)
    evaluate = getattr(pm, mode)
    # The third evaluation reads the book from its slots.
    for _ in range(1 if layout == "rows" else 4):
        levels = evaluate(accounts, prices, book.rules, missing=missing)
    return levels


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", MODES)
def test_every_decision_is_the_oracles(mode: str, seed: int, layout: str) -> None:
    book, prices = pool_book(seed, mode, N_ACCOUNTS)
    levels = evaluated(mode, book, prices, layout, "raise")
    expected = [evaluate_oracle(mode, row, prices, book.rules).actions for row in book.rows]
    assert levels.actions.tolist() == [int(actions) for actions in expected]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", MODES)
def test_every_decision_is_the_oracles_where_things_are_missing(
    mode: str, seed: int, layout: str
) -> None:
    book, prices = pool_book(seed, mode, N_ACCOUNTS, gaps=True)
    levels = evaluated(mode, book, prices, layout, "flag")
    found = [pm.Action(int(actions)) for actions in levels.actions]
    expected = [evaluate_oracle(mode, row, prices, book.rules).actions for row in book.rows]
    assert found == expected


def test_the_books_with_gaps_have_accounts_of_every_kind() -> None:
    found = pm.Action(0)
    for mode in MODES:
        for seed in SEEDS:
            book, prices = pool_book(seed, mode, 40, gaps=True)
            for row in book.rows:
                found |= evaluate_oracle(mode, row, prices, book.rules).actions
    assert found == ~pm.Action(0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", MODES)
def test_totals_are_the_oracles_within_the_bound(mode: str, seed: int) -> None:
    book, prices = pool_book(seed, mode, N_ACCOUNTS)
    levels = evaluated(mode, book, prices, "rows", "raise")
    for number, row in enumerate(book.rows):
        exact = evaluate_oracle(mode, row, prices, book.rules)
        error = error_bound(row, prices, book.rules)
        for name in TOTALS[family(mode)]:
            found = float(getattr(levels, name)[number])
            assert is_close(found, getattr(exact, name), error), (name, row)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", MODES)
def test_levels_are_the_oracles_within_the_bound(mode: str, seed: int) -> None:
    book, prices = pool_book(seed, mode, N_ACCOUNTS)
    levels = evaluated(mode, book, prices, "rows", "raise")
    name = "uni_mmr" if family(mode) == "portfolio" else "margin_level"
    for number, row in enumerate(book.rows):
        exact = evaluate_oracle(mode, row, prices, book.rules)
        level = getattr(exact, name)
        if isinstance(level, float) or family(mode) == "futures":
            # A futures account's pools are in units of their own: compare to 1e-9.
            assert getattr(levels, name)[number] == pytest.approx(float(level), rel=1e-9, abs=1e-9)
            continue
        error = error_bound(row, prices, book.rules)
        spread = error * (1 + abs(level)) / exact.maintenance_margin * 2
        assert is_close(float(getattr(levels, name)[number]), level, spread), row


@pytest.mark.parametrize("mode", ["usdm", "coinm"])
def test_positions_are_the_oracles(mode: str) -> None:
    book, prices = pool_book(1, mode, N_ACCOUNTS)
    found = evaluated(mode, book, prices, "rows", "raise").positions
    exact = [
        (number, position)
        for number, row in enumerate(book.rows)
        for position in evaluate_oracle(mode, row, prices, book.rules).positions
    ]
    assert found.account.tolist() == [number for number, _ in exact]
    assert found.symbols.tolist() == [position.symbol for _, position in exact]
    assert found.actions.tolist() == [int(position.actions) for _, position in exact]
    for name in ("notional", "maintenance_margin", "unrealized_pnl", "initial_margin"):
        expected = [float(getattr(position, name)) for _, position in exact]
        assert getattr(found, name) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    for name in ("margin_balance", "margin_level", "margin_ratio"):
        expected = [float(getattr(position, name)) for _, position in exact]
        assert getattr(found, name) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


def test_multi_assets_mode_is_of_usdm_alone() -> None:
    rules, prices = pm.example_rules(), {"BTC": 60000.0, "ETH": 3000.0, "BTCUSD_PERP": 60000.0}
    position = {"symbol": "BTCUSD_PERP", "quantity": 100.0, "entry_price": 60000.0}
    wallets = [{"asset": "BTC", "balance": 0.0001}, {"asset": "ETH", "balance": 9.0}]
    row = {"account": 1, "multi_assets": True, "wallets": wallets, "positions": [position]}
    found = pm.coinm(pm.Accounts.from_rows([row]), prices, rules)
    assert found.actions[0] == pm.Action.LIQUIDATE
    assert found.margin_level[0] < 1


def planted(mode: str, number: int, place: int, rules: pm.MarginRules) -> dict[str, Any]:
    """Return an account whose level is exactly 1, or a unit of the last place to either side."""
    rng = random.Random(f"{mode}/{number}")
    mark, entry = rng.randrange(100, 9000), rng.randrange(100, 9000)
    quantity = rng.choice((-1, 1)) * rng.randrange(1, 4000) / 8
    symbol = "BTCUSDT" if mode == "usdm" else "BTCUSD_PERP"
    row: dict[str, Any] = {
        "account": number,
        "mode": mode,
        "positions": [{"symbol": symbol, "quantity": quantity, "entry_price": float(entry)}],
    }
    if mode == "coinm":
        # Sizes of one hundredth make profit and margin finite decimals.
        row["positions"][0] |= {"entry_price": 2.0 ** (entry % 8), "quantity": float(number + 1)}
        mark = 2 ** (mark % 8)
    prices = {symbol: float(mark), "BTC": 1.0}
    exact = evaluate_oracle(mode, {**row, "wallets": []}, prices, rules)
    needed = exact.maintenance_margin - exact.unrealized_pnl
    wallet = float(needed)
    assert Fraction(Decimal(repr(wallet))) == needed, "no tie: too many digits"
    asset = "USDT" if mode == "usdm" else "BTC"
    wallet = math.nextafter(wallet, place * math.inf) if place else wallet
    return {"row": {**row, "wallets": [{"asset": asset, "balance": wallet}]}, "prices": prices}


@pytest.mark.parametrize("place", [-1, 0, 1])
@pytest.mark.parametrize("mode", ["usdm", "coinm"])
def test_exactly_the_maintenance_margin_liquidates_and_one_unit_more_does_not(
    mode: str, place: int
) -> None:
    rules = pm.example_rules()
    ties = [planted(mode, number, place, rules) for number in range(300)]
    for tie in ties:
        accounts = pm.Accounts.from_rows([tie["row"]])
        levels = getattr(pm, mode)(accounts, tie["prices"], rules, fields=["actions"])
        is_due = bool(levels.actions[0] & pm.Action.LIQUIDATE)
        assert is_due == (place <= 0), tie


@pytest.mark.parametrize("mode", MODES)
def test_bits_are_the_same_on_rows_and_slots_and_for_any_threads(mode: str) -> None:
    book, prices = pool_book(3, mode, 3000)
    accounts = pm.Accounts.from_rows(book.rows)
    evaluate = getattr(pm, mode)
    results = [evaluate(accounts, prices, book.rules, threads=t) for t in (1, 2, 1, 2, 1)]
    for name in results[0].names:
        expected = getattr(results[0], name)
        for other in results[1:]:
            assert np.array_equal(getattr(other, name), expected, equal_nan=True), name


def test_a_mixed_book_has_the_levels_of_its_modes() -> None:
    rows, rules, prices = [], None, None
    for k, mode in enumerate(MODES):
        book, prices = pool_book(7, mode, 40)
        rules = book.rules
        rows += [{**row, "account": 1000 * k + row["account"]} for row in book.rows]
    rows = rows[::3] + rows[1::3] + rows[2::3]
    assert rules is not None
    assert prices is not None
    levels = pm.evaluate(pm.Accounts.from_rows(rows), prices, rules)
    exact = [evaluate_oracle(row["mode"], row, prices, rules) for row in rows]
    assert levels.actions.tolist() == [int(one.actions) for one in exact]
    expected = [float(getattr(one, "uni_mmr", getattr(one, "margin_level", 0))) for one in exact]
    assert levels.level == pytest.approx(expected, rel=1e-9)

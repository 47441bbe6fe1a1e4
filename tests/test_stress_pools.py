"""Stress grids of wallets and positions: single evaluations bit by bit, the oracle, totals."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pool_books import COINM, USDM, evaluate_oracle, pool_book, pool_row

import pymargin as pm
from pymargin import _core, oracle

MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")
FACTORS = (1.0, 0.5, 0.9, 1.1, 2.0, 0.97, 0.05, 3.0, 1.03)
BEST = _core.implementation()
IMPLEMENTATIONS = ("generic",) if BEST == "generic" else ("generic", BEST)
NAMES = (*USDM, *COINM, "BTC", "ETH", "USDC", "USDT")


@contextmanager
def forced(implementation: str) -> Iterator[None]:
    before = _core.implementation()
    _core.force_implementation(implementation)
    try:
        yield
    finally:
        _core.force_implementation(before)


def mixed_book(seed: int, n: int, *, gaps: bool = False) -> tuple[Any, pm.Prices, list[dict]]:
    """Draw accounts of all modes, with positions and with debts, in turn."""
    book, prices = pool_book(seed, "usdm", 0, gaps=gaps)
    rng = random.Random(f"{seed}/rows")
    modes = (*MODES, "portfolio")
    rows = [pool_row(rng, modes[k % 5], k, prices, book.rules) for k in range(n)]
    return book.rules, prices, rows


def shocks_of(kind: str, seed: int, accounts: pm.Accounts, prices: pm.Prices) -> Any:
    rng = random.Random(f"{seed}/{kind}")
    if kind == "factors":
        return list(FACTORS)
    if kind == "mappings":
        return [{name: rng.uniform(0.5, 1.5) for name in rng.sample(NAMES, 6)} for _ in range(18)]
    base = [prices.index.get(name, 1.0) for name in accounts.assets]
    base += [prices.mark[name] for name in accounts.symbols]
    return np.array([[p * rng.uniform(0.4, 1.8) for p in base] for _ in range(17)])


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("kind", ["factors", "mappings", "matrix"])
@pytest.mark.parametrize("mode", [*MODES, None])
def test_every_scenario_has_the_bits_of_its_single_evaluation(mode, kind, gaps):
    rules, prices, rows = mixed_book(7, 150, gaps=gaps)
    if mode is not None:
        book, prices = pool_book(11, mode, 120, gaps=gaps)
        rules, rows = book.rules, book.rows
    accounts = pm.Accounts.from_rows(rows)
    shocks = shocks_of(kind, 3, accounts, prices)
    for implementation in IMPLEMENTATIONS:
        with forced(implementation):
            found = pm.stress(accounts, prices, rules, shocks, missing="flag")
        for k in range(len(found)):
            single = pm.evaluate(accounts, found.prices_at(k), rules, missing="flag")
            assert found.level[:, k].tobytes() == single.level.tobytes()
            assert found.actions[:, k].tolist() == single.actions.tolist()


@pytest.mark.parametrize("mode", [*MODES, None])
def test_bits_are_the_same_for_instruction_sets_and_threads(mode):
    rules, prices, rows = mixed_book(5, 1500)
    if mode is not None:
        book, prices = pool_book(5, mode, 1100)
        rules, rows = book.rules, book.rows
    accounts = pm.Accounts.from_rows(rows)
    digests = set()
    for implementation, threads in itertools.product(IMPLEMENTATIONS, (1, 3)):
        with forced(implementation):
            found = pm.stress(accounts, prices, rules, FACTORS, threads=threads)
        parts = [found.level, found.actions, found.worst_level, found.worst_shock, found.shortfall]
        parts += list(found.action_counts.values())
        digests.add(b"".join(part.tobytes() for part in parts))
    assert len(digests) == 1


@pytest.mark.parametrize("mode", MODES)
def test_every_decision_is_the_oracles(mode):
    book, prices = pool_book(2, mode, 60)
    accounts = pm.Accounts.from_rows(book.rows)
    found = pm.stress(
        accounts, prices, book.rules, [{}, *shocks_of("mappings", 8, accounts, prices)]
    )
    for k in range(0, len(found), 3):
        at = found.prices_at(k)
        expected = [evaluate_oracle(mode, row, at, book.rules) for row in book.rows]
        assert found.actions[:, k].tolist() == [int(one.actions) for one in expected]
        levels = [getattr(one, "uni_mmr", getattr(one, "margin_level", None)) for one in expected]
        assert found.level[:, k] == pytest.approx([float(level) for level in levels], rel=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_totals_are_those_of_the_grid(mode):
    book, prices = pool_book(4, mode, 200)
    accounts = pm.Accounts.from_rows(book.rows)
    found = pm.stress(accounts, prices, book.rules, FACTORS)
    assert found.worst_level.tolist() == found.level.min(axis=1).tolist()
    assert found.worst_shock.tolist() == found.level.argmin(axis=1).tolist()
    for action in pm.Action:
        expected = (found.actions & action.value != 0).sum(axis=0)
        assert found.action_counts[action].tolist() == expected.tolist(), action
    assert found.action_counts[pm.Action.LIQUIDATE].any()
    worst = pm.stress(accounts, prices, book.rules, FACTORS, worst=True)
    assert worst.level is None
    assert worst.actions is None
    for name in ("worst_level", "worst_shock", "shortfall", "prices"):
        assert getattr(worst, name).tobytes() == getattr(found, name).tobytes(), name


def lacking(
    mode: str, row: Mapping[str, Any], prices: pm.Prices, rules: pm.MarginRules, actions: int
) -> Fraction:
    """Return the USDT that an account's pools lack of liquidation, by the oracle."""
    total = Fraction(0)
    if actions & pm.Action.LIQUIDATE:
        total += oracle.shortfall(row, prices, rules, mode=mode)
    for number, one in enumerate(row["positions"]):
        if one.get("isolated_margin") is not None:
            total += oracle.shortfall(row, prices, rules, mode=mode, position=number)
    return total


@pytest.mark.parametrize("mode", MODES)
def test_shortfall_is_what_the_oracle_says_is_lacking(mode):
    book, prices = pool_book(9, mode, 80)
    accounts = pm.Accounts.from_rows(book.rows)
    found = pm.stress(accounts, prices, book.rules, [1.0, 0.6, 1.5])
    for k in range(3):
        at = found.prices_at(k)
        due = found.actions[:, k].tolist()
        total = sum(
            lacking(mode, row, at, book.rules, actions)
            for row, actions in zip(book.rows, due, strict=True)
        )
        assert math.isclose(found.shortfall[k], total, rel_tol=1e-9)
        assert found.shortfall[k] > 0


@pytest.mark.parametrize("mode", MODES)
def test_available_balance_has_the_bits_of_single_evaluations(mode):
    book, prices = pool_book(13, mode, 150, gaps=True)
    accounts = pm.Accounts.from_rows(book.rows)
    fields = ("available_balance", "level")
    found = pm.stress(
        accounts, prices, book.rules, FACTORS, mode=mode, missing="flag", fields=fields
    )
    for k in range(len(found)):
        single = getattr(pm, mode)(accounts, found.prices_at(k), book.rules, missing="flag")
        column = np.ascontiguousarray(found.further_levels["available_balance"][:, k])
        # Adding up pools makes 0 of -0, which is all that may differ.
        assert np.array_equal(column, single.available_balance, equal_nan=True)


def test_an_earlier_result_is_filled_again():
    rules, prices, rows = mixed_book(3, 60)
    accounts = pm.Accounts.from_rows(rows)
    out = pm.stress(accounts, prices, rules, [1.0, 0.9])
    level = out.level
    again = pm.stress(accounts, prices, rules, [0.8, 1.2], out=out)
    fresh = pm.stress(accounts, prices, rules, [0.8, 1.2])
    assert again is out
    assert out.level is level
    assert out.level.tobytes() == fresh.level.tobytes()
    assert out.shortfall.tolist() == fresh.shortfall.tolist()


# How a symbol's mark price moves.

ROW = {
    "account": "a",
    "mode": "usdm",
    "multi_assets": True,
    "wallets": [{"asset": "BTC", "balance": 0.1}, {"asset": "USDC", "balance": 10}],
    "positions": [{"symbol": "BTCUSDT", "quantity": 1.0, "entry_price": 50_000, "leverage": 20}],
}
QUOTES = pm.Prices(
    index={"BTC": 50_000.0, "USDC": 1.001},
    mark={"BTCUSDT": 50_100.0},
    bid={"BTC": 47_500.0},
    ask={"BTC": 52_500.0},
)


def quotes_at(shocks: Any, rules: pm.MarginRules | None = None, k: int = 0) -> pm.Prices:
    accounts = pm.Accounts.from_rows([ROW])
    found = pm.stress(accounts, QUOTES, rules or pm.example_rules(), shocks)
    at = found.prices_at(k)
    known = {**at.index, **at.mark}
    assert found.names == (*accounts.assets, *accounts.symbols)
    assert found.prices[k].tolist() == [known[name] for name in found.names]
    return at


def test_a_factor_moves_index_mark_and_rates_but_not_stable_assets():
    rules = pm.example_rules().replace(stable=frozenset({"USDC"}))
    at = quotes_at([0.9], rules)
    assert at.index == {"USDT": 1.0, "BTC": 0.9 * 50_000, "USDC": 1.001}
    assert at.mark == {"BTCUSDT": 0.9 * 50_100}
    assert (at.bid, at.ask) == ({"BTC": 0.9 * 47_500}, {"BTC": 0.9 * 52_500})


def test_a_named_asset_moves_its_rates_and_no_symbol():
    at = quotes_at([{}, {"BTC": 0.9}], k=1)
    assert at.index["BTC"] == 0.9 * 50_000
    assert at.mark == QUOTES.mark
    assert at.bid == {"BTC": 0.9 * 47_500}


def test_a_named_symbol_moves_itself_alone():
    at = quotes_at([{"BTCUSDT": 0.9}])
    assert at.mark == {"BTCUSDT": 0.9 * 50_100}
    assert at.index == {"USDT": 1.0, **QUOTES.index}
    assert (at.bid, at.ask) == (QUOTES.bid, QUOTES.ask)


def test_a_matrix_gives_assets_then_symbols_and_rates_go_with_their_asset():
    accounts = pm.Accounts.from_rows([ROW])
    wanted = {"BTC": 40_000.0, "USDC": 1.0, "USDT": 1.0, "BTCUSDT": 41_000.0}
    matrix = np.array([[wanted[name] for name in (*accounts.assets, *accounts.symbols)]])
    at = quotes_at(matrix)
    assert at.index["BTC"] == 40_000.0
    assert at.mark == {"BTCUSDT": 41_000.0}
    assert at.bid == {"BTC": 40_000 / 50_000 * 47_500}


def test_a_matrix_must_have_a_column_for_every_asset_and_symbol():
    accounts = pm.Accounts.from_rows([ROW])
    n = len(accounts.assets)
    with pytest.raises(pm.PricesError, match=rf"{n + 1}\), {n} assets and 1 symbol, not \(1, "):
        pm.stress(accounts, QUOTES, pm.example_rules(), np.ones((1, n)))


def test_a_mark_price_of_0_is_refused_where_one_is_divided_by_it():
    row = {
        "account": 1,
        "mode": "coinm",
        "wallets": [{"asset": "BTC", "balance": 1}],
        "positions": [{"symbol": "BTCUSD_PERP", "quantity": 10, "entry_price": 50_000.0}],
    }
    prices = {"BTC": 50_000.0, "BTCUSD_PERP": 50_000.0}
    accounts = pm.Accounts.from_rows([row])
    with pytest.raises(pm.PricesError, match="BTCUSD_PERP under shock 1 must be above 0"):
        pm.stress(accounts, prices, pm.example_rules(), [1.0, 0.0])


def test_unpriced_accounts_are_so_under_every_shock():
    accounts = pm.Accounts.from_rows([ROW, {**ROW, "account": "b", "positions": []}])
    prices = pm.Prices(index={"BTC": 50_000.0, "USDC": 1.0})
    with pytest.raises(pm.UnpricedError, match="BTCUSDT has no finite mark price"):
        pm.stress(accounts, prices, pm.example_rules(), [1.0])
    found = pm.stress(accounts, prices, pm.example_rules(), [1.0, 0.5], missing="flag")
    assert np.isnan(found.level[0]).all()
    assert found.worst_shock.tolist() == [-1, 0]
    assert (found.actions[0] == pm.Action.UNPRICED_DEBT).all()
    assert found.action_counts[pm.Action.UNPRICED_DEBT].tolist() == [1, 1]


def test_an_account_exactly_on_its_maintenance_margin_is_liquidated_and_lacks_nothing():
    rules = pm.example_rules()
    row = {
        "account": 1,
        "mode": "usdm",
        "positions": [{"symbol": "BTCUSDT", "quantity": 0.7, "entry_price": 60_000.0}],
    }
    prices = {"BTC": 1.0, "BTCUSDT": 0.5 * 59_999.9}
    exact = oracle.usdm(row, prices, rules)
    wallet = float(exact.maintenance_margin - exact.unrealized_pnl)
    row["wallets"] = [{"asset": "USDT", "balance": wallet}]
    assert oracle.usdm(row, prices, rules).margin_level == 1
    found = pm.stress(
        pm.Accounts.from_rows([row]), {"BTC": 1.0, "BTCUSDT": 59_999.9}, rules, [1.0, 0.5]
    )
    assert found.action_counts[pm.Action.LIQUIDATE][1] == 1
    assert found.shortfall[1] == pytest.approx(0, abs=1e-9)


def test_prices_of_a_shock_that_is_not_there_are_refused():
    accounts = pm.Accounts.from_rows([ROW])
    found = pm.stress(accounts, QUOTES, pm.example_rules(), [1.0])
    assert found.prices_at(-1) == found.prices_at(0)
    with pytest.raises(IndexError, match="shock must be one of 1, not 1"):
        found.prices_at(1)

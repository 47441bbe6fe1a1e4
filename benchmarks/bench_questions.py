"""Time the questions to a book on one core: a million accounts of cross margin, and pools.

``pytest benchmarks --benchmark-only`` times them; ``--quick`` takes 5,000 accounts. Every answer is
held against the oracle before it is timed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin import oracle
from pymargin.example import example_accounts, example_prices

Benchmark = Callable[..., Any]
_CHECKED = 100


def sampled(book: pm.Accounts) -> list[int]:
    return np.linspace(0, len(book) - 1, min(_CHECKED, len(book)), dtype=int).tolist()


def named(book: pm.Accounts, prices: np.ndarray) -> dict[str, float]:
    return dict(zip(book.assets, prices.tolist(), strict=True))


@pytest.mark.parametrize("to", ["cross_classic", "cross_pro"])
def test_switch(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules, to: str
) -> None:
    found = pm.switch(book, prices, rules, to)
    by_name = named(book, prices)
    for position in sampled(book):
        expected = oracle.switch(book.row(position), by_name, rules, to)
        assert found.allowed[position] == expected.allowed
    benchmark(pm.switch, book, prices, rules, to)


@pytest.mark.parametrize("mode", ["cross_classic", "cross_pro"])
def test_shortfall(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules, mode: str
) -> None:
    found = pm.shortfall(book, prices, rules, "margin_call", mode=mode)
    by_name = named(book, prices)
    for position in sampled(book):
        expected = oracle.shortfall(book.row(position), by_name, rules, "margin_call", mode=mode)
        assert (found.usdt[position] > 0) == (expected > 0)
        assert math.isclose(found.usdt[position], float(expected), rel_tol=1e-9, abs_tol=1e-6)
    benchmark(pm.shortfall, book, prices, rules, "margin_call", mode=mode)


@pytest.mark.parametrize("mode", ["usdm", "coinm", "portfolio"])
def test_shortfall_of_pools(
    benchmark: Benchmark, n_accounts: int, rules: pm.MarginRules, mode: str
) -> None:
    """A fifth as many accounts, with 3 positions each."""
    book, prices = example_accounts(n_accounts // 5, modes=(mode,)), example_prices(marks=True)
    found = pm.shortfall(book, prices, rules, 2.5)
    for position in sampled(book):
        expected = oracle.shortfall(book.row(position), prices, rules, 2.5)
        assert (found.usdt[position] > 0) == (expected > 0)
        assert math.isclose(found.usdt[position], float(expected), rel_tol=1e-9, abs_tol=1e-6)
    benchmark(pm.shortfall, book, prices, rules, 2.5)


@pytest.mark.parametrize("mode", ["cross_classic", "cross_pro"])
@pytest.mark.parametrize("question", ["max_borrow", "max_transfer_out"])
def test_room(
    benchmark: Benchmark,
    book: pm.Accounts,
    prices: np.ndarray,
    rules: pm.MarginRules,
    question: str,
    mode: str,
) -> None:
    ask = getattr(pm, question)
    found = ask(book, prices, rules, "USDT", mode=mode)
    by_name = named(book, prices)
    for position in sampled(book):
        expected = getattr(oracle, question)(book.row(position), by_name, rules, "USDT", mode=mode)
        assert math.isclose(found[position], float(expected), rel_tol=1e-12, abs_tol=1e-9)
    benchmark(ask, book, prices, rules, "USDT", mode=mode)


def test_exposure(benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray) -> None:
    found = pm.exposure(book, prices).by_asset
    held = np.bincount(book._asset_ids, weights=book._free + book._locked)
    assert np.allclose(found.held_value, held * prices, rtol=1e-9)
    benchmark(pm.exposure, book, prices)


def test_a_thousand_trades(benchmark: Benchmark, book: pm.Accounts) -> None:
    trades = [
        {"account": book._ids[position], "asset": "USDT", "quantity": 100.0}
        for position in np.linspace(0, len(book) - 1, 1000, dtype=int).tolist()
    ]
    later = pm.after(book, trades)
    gained = later._free.sum() - book._free.sum()
    assert math.isclose(gained, 100.0 * len(trades), rel_tol=1e-3)
    benchmark(pm.after, book, trades)

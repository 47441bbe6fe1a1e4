"""Time futures and portfolio margin on one core: a million accounts of 3.2 positions each.

``pytest benchmarks --benchmark-only`` times it; ``--quick`` takes 5,000 accounts. Every answer is
held against the oracle before it is timed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin import oracle
from pymargin.example import example_accounts, example_prices

Benchmark = Callable[..., Any]
MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")
LEVEL = {"usdm": "margin_ratio", "coinm": "margin_ratio"}
_CHECKED = 100

each_mode = pytest.mark.parametrize("mode", MODES)


@cache
def drawn(mode: str, n: int) -> pm.Accounts:
    return example_accounts(n, seed=0, modes=[mode])


@pytest.fixture(scope="module")
def marks() -> dict[str, float]:
    """Return index prices of the assets and mark prices of the contracts, as a user has them."""
    return example_prices(marks=True)


def level_name(mode: str) -> str:
    return LEVEL.get(mode, "uni_mmr")


def check_against_oracle(
    mode: str, found: Any, book: pm.Accounts, prices: dict[str, float], rules: pm.MarginRules
) -> None:
    """Assert levels and actions of accounts spread over the book."""
    name = level_name(mode)
    for position in np.linspace(0, len(book) - 1, _CHECKED, dtype=int).tolist():
        expected = getattr(oracle, mode)(book.row(position), prices, rules)
        assert pm.Action(int(found.actions[position])) == expected.actions
        level = float(getattr(expected, name))
        assert math.isclose(getattr(found, name)[position], level, rel_tol=1e-9)


@each_mode
@pytest.mark.parametrize("extent", ["all", "decision"])
def test_levels(
    benchmark: Benchmark,
    mode: str,
    extent: str,
    n_accounts: int,
    marks: dict[str, float],
    rules: pm.MarginRules,
) -> None:
    """Evaluate again and again, as a price feed would."""
    book, evaluate = drawn(mode, n_accounts).prepare(), getattr(pm, mode)
    fields = None if extent == "all" else (level_name(mode), "actions")
    found = evaluate(book, marks, rules, fields=fields)
    check_against_oracle(mode, found, book, marks, rules)
    benchmark(evaluate, book, marks, rules, fields=fields, out=found)


@each_mode
def test_first_evaluation(
    benchmark: Any, mode: str, n_accounts: int, marks: dict[str, float], rules: pm.MarginRules
) -> None:
    """Evaluate a book that was never evaluated, its pools made on the way."""
    book, evaluate = drawn(mode, n_accounts), getattr(pm, mode)
    expected = evaluate(book, marks, rules)

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (pm.Accounts.concat([book]), marks, rules), {}

    found = benchmark.pedantic(evaluate, setup=setup, rounds=3, warmup_rounds=1)
    assert np.array_equal(found.actions, expected.actions)


@each_mode
def test_build(benchmark: Any, mode: str, n_accounts: int) -> None:
    """Build and check a book from arrays."""
    book = drawn(mode, n_accounts)
    arrays = {
        "offsets": book._offsets,
        "asset_ids": book._asset_ids,
        "free": book._free,
        "locked": book._locked,
        "borrowed": book._borrowed,
        "interest": book._interest,
        "loan_leverage": book.loan_leverage,
        "multi_assets": book.multi_assets,
        "open_order_loss": book._open_order_loss,
        "wallets": book.wallets,
        "positions": book.positions,
        "assets": book.assets,
        "symbols": book.symbols,
    }
    made = benchmark.pedantic(
        pm.Accounts.from_arrays,
        kwargs={"ids": np.arange(len(book)), **arrays},
        rounds=5,
        warmup_rounds=1,
    )
    assert len(made) == n_accounts
    assert np.array_equal(made.positions.quantity, book.positions.quantity)


@each_mode
def test_one_account(
    benchmark: Benchmark,
    mode: str,
    n_accounts: int,
    marks: dict[str, float],
    rules: pm.MarginRules,
) -> None:
    book, evaluate = drawn(mode, n_accounts), getattr(pm, mode)
    whole = evaluate(book, marks, rules, fields=("actions",))
    one = pm.Accounts.from_rows([book.row(0)])
    prices = {name: marks[name] for name in (*one.assets, *one.symbols)}
    if mode.startswith("portfolio") or mode == "coinm":
        prices |= {rules.contract(s).settlement_asset: 0.0 for s in one.symbols}
        prices |= {name: marks[name] for name in prices}
    found = benchmark(evaluate, one, prices, rules)
    assert found.actions[0] == whole.actions[0]

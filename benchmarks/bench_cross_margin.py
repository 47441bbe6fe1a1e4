"""Time cross margin on one core: a million accounts, 5.2 balances each, 400 assets.

``pytest benchmarks --benchmark-only`` times it; ``--quick`` takes 5,000 accounts. Every answer is
held against the oracle before it is timed.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin import oracle

Benchmark = Callable[..., Any]
_CHECKED = 200


def fresh(book: pm.Accounts) -> pm.Accounts:
    """Return the same book as one that was never evaluated; nothing large is copied."""
    return pm.Accounts.concat([book])


def check_against_oracle(
    found: pm.ClassicLevels | pm.ProLevels,
    book: pm.Accounts,
    prices: np.ndarray,
    evaluated: Callable[..., Any],
) -> None:
    """Assert levels and actions of accounts spread over the book."""
    by_name = dict(zip(book.assets, prices.tolist(), strict=True))
    for position in np.linspace(0, len(book) - 1, _CHECKED, dtype=int).tolist():
        expected = evaluated(book.row(position), by_name)
        assert pm.Action(int(found.actions[position])) == expected.actions
        level = float(expected.margin_level)
        assert math.isclose(found.margin_level[position], level, rel_tol=1e-9)


@pytest.mark.parametrize("fields", [None, ("margin_level", "actions")], ids=["all", "decision"])
def test_classic(
    benchmark: Benchmark,
    book: pm.Accounts,
    prices: np.ndarray,
    rules: pm.MarginRules,
    fields: tuple[str, ...] | None,
) -> None:
    """Evaluate again and again, as a price feed would."""
    found = pm.cross_classic(book, prices, rules, fields=fields)
    check_against_oracle(
        found, book, prices, lambda row, price: oracle.cross_classic(row, price, rules)
    )
    benchmark(pm.cross_classic, book, prices, rules, fields=fields)


@pytest.mark.parametrize(
    "fields", [None, ("margin_level", "available_margin", "actions")], ids=["all", "decision"]
)
def test_pro(
    benchmark: Benchmark,
    book: pm.Accounts,
    prices: np.ndarray,
    rules: pm.MarginRules,
    fields: tuple[str, ...] | None,
) -> None:
    found = pm.cross_pro(book, prices, rules, fields=fields)
    check_against_oracle(
        found, book, prices, lambda row, price: oracle.cross_pro(row, price, rules)
    )
    benchmark(pm.cross_pro, book, prices, rules, fields=fields)


@pytest.mark.parametrize("mode", ["classic", "pro"])
def test_first_evaluation(
    benchmark: Any, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules, mode: str
) -> None:
    """Evaluate a book that was never evaluated, with nothing prepared."""
    function = pm.cross_classic if mode == "classic" else pm.cross_pro
    expected = function(book, prices, rules)

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (fresh(book), prices, rules), {}

    found = benchmark.pedantic(function, setup=setup, rounds=7, warmup_rounds=1)
    assert np.array_equal(found.margin_level, expected.margin_level)
    assert np.array_equal(found.actions, expected.actions)


def test_evaluate_each_by_its_mode(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules
) -> None:
    found = pm.evaluate(book, prices, rules)
    classic, pro = pm.cross_classic(book, prices, rules), pm.cross_pro(book, prices, rules)
    is_pro = book._mode == 2
    assert is_pro.any()
    assert np.array_equal(found.actions, np.where(is_pro, pro.actions, classic.actions))
    benchmark(pm.evaluate, book, prices, rules)


def test_book_from_arrow(benchmark: Any, table: Any, book: pm.Accounts) -> None:
    made = benchmark.pedantic(pm.Accounts.from_arrow, (table,), rounds=5, warmup_rounds=1)
    assert np.array_equal(made._offsets, book._offsets)


def test_book_from_parquet(benchmark: Any, files: Path, book: pm.Accounts) -> None:
    path = files / "accounts.parquet"
    made = benchmark.pedantic(pm.Accounts.from_parquet, (path,), rounds=5, warmup_rounds=1)
    assert np.array_equal(made._free, book._free)


def test_levels_from_parquet_to_parquet(
    benchmark: Any, files: Path, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules
) -> None:
    """Run the command as a user does: a new process, from the start of Python to its end."""
    pytest.importorskip("click")
    import pyarrow.parquet as pq

    out = files / "levels.parquet"
    command = [sys.executable, "-m", "pymargin.cli", "levels", files / "accounts.parquet"]
    command += ["--prices", files / "prices.json", "--rules", files / "rules.json", "--out", out]
    run = {"args": command, "check": False, "capture_output": True}
    done = benchmark.pedantic(subprocess.run, kwargs=run, rounds=3)
    # 1: some accounts of the example hold more than the last tier covers.
    assert done.returncode in (0, 1), done.stderr
    written = pq.read_table(out, columns=["actions"])["actions"].to_numpy()
    assert np.array_equal(written, pm.evaluate(book, prices, rules).actions)


def test_one_account(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules
) -> None:
    whole = pm.cross_classic(book, prices, rules)
    one = pm.Accounts.from_rows([book.row(0)])
    price = {asset: prices[book.assets.index(asset)] for asset in one.assets}
    found = benchmark(pm.cross_classic, one, price, rules)
    assert found.actions[0] == whole.actions[0]


def test_worst_twenty(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules
) -> None:
    found = pm.evaluate(book, prices, rules)
    worst = benchmark(found.worst, 20)
    keys = found.level / found.threshold
    assert np.isclose(keys[worst.book_rows], np.sort(keys)[:20]).all()


def test_load_rules(benchmark: Benchmark, files: Path, rules: pm.MarginRules) -> None:
    assert benchmark(pm.load_rules, files / "rules.json") == rules

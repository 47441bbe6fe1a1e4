"""Time every methodology in every layout, the build of the layout, and a stress grid.

Two levels and the actions are asked for, on one thread; answers as in `bench_cross_margin`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from bench_cross_margin import check_against_oracle, fresh

import pymargin as pm
from pymargin import _core, oracle

Benchmark = Callable[..., Any]
CLASSIC = ("classic_2023", "classic_2026_01", "classic_2026_06")
FIELDS = {
    pm.cross_classic: ("margin_level", "collateral_margin_level", "actions"),
    pm.cross_pro: ("margin_level", "available_margin", "actions"),
}


@pytest.fixture(params=[*CLASSIC, "pro_2025"])
def evaluated(request: pytest.FixtureRequest, rules: pm.MarginRules) -> tuple[Any, Any, Any]:
    """Return what evaluates, the oracle of it, and the rules."""
    if request.param == "pro_2025":
        return pm.cross_pro, oracle.cross_pro, rules
    methodology = {**rules.methodology, "cross_classic": request.param}
    return pm.cross_classic, oracle.cross_classic, rules.replace(methodology=methodology)


@pytest.fixture(params=["rows", "prepared", "slot-order"])
def layout(request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a pass take a layout: the baseline implementation is the one over plain rows."""
    before = _core.implementation()
    if request.param == "rows":
        _core.force_implementation("generic")
    yield request.param
    _core.force_implementation(before)


@pytest.fixture(scope="session")
def prepared(book: pm.Accounts) -> pm.Accounts:
    return fresh(book).prepare()


def test_pass(
    benchmark: Benchmark,
    prepared: pm.Accounts,
    prices: np.ndarray,
    evaluated: tuple[Any, Any, Any],
    layout: str,
) -> None:
    function, exact, rules = evaluated
    order = "slot" if layout == "slot-order" else "user"
    found = function(prepared, prices, rules, fields=FIELDS[function], order=order)
    by_user = function(prepared, prices, rules)
    check_against_oracle(by_user, prepared, prices, lambda row, price: exact(row, price, rules))
    for name, values in found.arrays().items():
        assert values.tobytes() == getattr(by_user, name)[found.book_rows].tobytes()
    benchmark(function, prepared, prices, rules, out=found, order=order)


def test_prepare(
    benchmark: Any, book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules
) -> None:
    """Lay a book out for the vector pass."""
    expected = pm.cross_classic(book, prices, rules).margin_level

    def setup() -> tuple[tuple[pm.Accounts], dict[str, Any]]:
        return (fresh(book),), {}

    made = benchmark.pedantic(pm.Accounts.prepare, setup=setup, rounds=5, warmup_rounds=1)
    found = pm.cross_classic(made, prices, rules, order="slot")
    assert found.margin_level.tobytes() == expected[found.book_rows].tobytes()


@pytest.mark.parametrize("worst", [False, True], ids=["grid", "worst"])
@pytest.mark.parametrize("mode", ["cross_classic", "cross_pro"])
def test_stress(
    benchmark: Any,
    book: pm.Accounts,
    prices: np.ndarray,
    rules: pm.MarginRules,
    mode: str,
    worst: bool,
) -> None:
    """Evaluate a tenth of the book under 200 shocks."""
    some = book.select(np.arange(len(book) // 10))
    shocks = np.linspace(0.5, 1.5, 200)
    function = pm.cross_classic if mode == "cross_classic" else pm.cross_pro
    whole = pm.stress(some, prices, rules, shocks, mode=mode)
    for k in (0, 77, 199):
        single = function(some, whole.prices[k], rules)
        assert whole.level[:, k].tobytes() == single.margin_level.tobytes()
        assert whole.actions[:, k].tobytes() == single.actions.tobytes()
    found = benchmark.pedantic(
        pm.stress,
        (some, prices, rules, shocks),
        {"mode": mode, "worst": worst},
        rounds=5,
        warmup_rounds=1,
    )
    assert found.worst_level.tobytes() == whole.level.min(axis=1).tobytes()

"""Time stress grids of futures and portfolio accounts, and a bracket notice over a futures book.

A fiftieth of the accounts of the other benchmarks for the grids, a fifth for the notice; one
thread. Columns of a grid have the bits of single evaluations; both sides of an impact too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin.example import example_accounts, example_prices
from pymargin.notices import Change

Benchmark = Callable[..., Any]
_MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")
_MOMENT = datetime(2027, 2, 3, 9, tzinfo=UTC)
_N_SYMBOLS = 20


@cache
def pools(n: int, modes: tuple[str, ...]) -> pm.Accounts:
    return example_accounts(n, seed=0, modes=modes)


@cache
def quotes() -> dict[str, float]:
    return example_prices(marks=True)


@pytest.mark.parametrize("worst", [False, True], ids=["grid", "worst"])
@pytest.mark.parametrize("mode", [*_MODES, "mixed"])
def test_stress(
    benchmark: Any, n_accounts: int, rules: pm.MarginRules, mode: str, worst: bool
) -> None:
    """Evaluate accounts under 200 shocks of all prices."""
    book = pools(n_accounts // 50, _MODES if mode == "mixed" else (mode,))
    shocks = np.linspace(0.5, 1.5, 200)
    whole = pm.stress(book, quotes(), rules, shocks)
    for k in (0, 77, 199):
        single = pm.evaluate(book, whole.prices_at(k), rules)
        assert whole.level[:, k].tobytes() == single.level.tobytes()
        assert whole.actions[:, k].tolist() == single.actions.tolist()
    found = benchmark.pedantic(
        pm.stress,
        (book, quotes(), rules, shocks),
        {"worst": worst},
        rounds=5,
        warmup_rounds=1,
    )
    assert found.worst_level.tobytes() == whole.level.min(axis=1).tobytes()


def notice(rules: pm.MarginRules) -> pm.Timeline:
    """Announce brackets of twice the rate and half the leverage for some symbols."""
    changes = []
    for symbol in sorted(rules.names("usdm"))[:_N_SYMBOLS]:
        after = tuple(
            replace(
                tier,
                rate=min(2 * tier.rate, Decimal(1)),
                leverage=max(Decimal(int(tier.leverage or 1) // 2), Decimal(1)),
            )
            for tier in rules.tiers("usdm", symbol)
        )
        hour = timedelta(hours=1)
        changes.append(Change("usdm", "brackets", symbol, _MOMENT, hour, None, after))
    return pm.Timeline(rules, changes)


@pytest.mark.parametrize("modes", [("usdm",), ("usdm", "portfolio")], ids=["usdm", "mixed"])
def test_impact_of_a_bracket_notice(
    benchmark: Benchmark, n_accounts: int, rules: pm.MarginRules, modes: tuple[str, ...]
) -> None:
    """Levels on both sides, margin added, drivers, top-ups, sums and the order."""
    book, timeline = pools(n_accounts // 5, modes), notice(rules)

    def compared() -> pm.Impact:
        (found,) = pm.impacts(book, quotes(), timeline)
        assert found.summary.changed == len(found.worst())
        return found

    found = compared()
    for side in ("before", "after"):
        levels = pm.evaluate(book, quotes(), getattr(found, f"rules_{side}"))
        np.testing.assert_array_equal(getattr(found, f"level_{side}"), levels.level)
        np.testing.assert_array_equal(getattr(found, f"actions_{side}"), levels.actions)
    assert found.summary.asked_more > 0
    added = sum(found.lost_by_asset.values())
    assert np.isclose(added, found.collateral_lost.sum(), rtol=1e-9)
    benchmark(compared)

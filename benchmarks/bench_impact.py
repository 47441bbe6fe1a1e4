"""Time what a real notice does to a million accounts: the moves of 2025-11-07 and 2025-11-14.

The five tier tables and 83 moves of "Binance Margin Will Update the Collateral Ratio of Multiple
Cross Margin Assets" (2025-10-31), over the example rules and book.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin.adapters.report import impact_page
from pymargin.notices import Change
from pymargin.rules.builtin_tables import MOVES, TIERS

Benchmark = Callable[..., Any]
_FIRST, _LAST = "2025-11-07T06:00Z", "2025-11-14T06:00Z"
_WINDOW = timedelta(minutes=30)


@pytest.fixture(scope="session")
def timeline(rules: pm.MarginRules) -> pm.Timeline:
    first, last = (datetime.fromisoformat(text) for text in (_FIRST, _LAST))
    moves = [move for move in MOVES if first <= move.effective <= last]
    changes = [
        Change("cross_margin", "tiers", rank, first, _WINDOW, None, tiers)
        for rank, tiers in TIERS.items()
    ]
    changes += [
        Change("cross_margin", "rank", asset, move.effective, _WINDOW, move.before, move.after)
        for move in moves
        for asset in move.assets
    ]
    assert len(changes) == 83 + 5
    return pm.Timeline(rules, changes)


def compared(
    book: pm.Accounts, prices: np.ndarray, timeline: pm.Timeline, **options: Any
) -> list[pm.Impact]:
    """Compare all moments of a book that was never evaluated; sums and order are had too."""
    found = list(pm.impacts(pm.Accounts.concat([book]), prices, timeline, **options))
    for one in found:
        assert one.summary.changed == len(one.worst())
    return found


def check(found: Sequence[pm.Impact], book: pm.Accounts, prices: np.ndarray) -> None:
    """Hold both sides against single evaluations, and the assets' losses against the accounts'."""
    for one in found:
        for side in ("before", "after"):
            levels = pm.evaluate(book, prices, getattr(one, f"rules_{side}"))
            np.testing.assert_array_equal(getattr(one, f"level_{side}"), levels.level)
            np.testing.assert_array_equal(getattr(one, f"actions_{side}"), levels.actions)
        total = sum(one.lost_by_asset.values())
        assert np.isclose(total, one.collateral_lost.sum(), rtol=1e-9)


def test_impact(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, timeline: pm.Timeline
) -> None:
    """Both moments, from a new book on: evaluations, drivers, top-ups, sums and the order."""
    check(compared(book, prices, timeline), book, prices)
    benchmark(compared, book, prices, timeline)


def test_impact_during_the_window(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, timeline: pm.Timeline
) -> None:
    for during, after in zip(
        compared(book, prices, timeline, within="during"),
        compared(book, prices, timeline),
        strict=True,
    ):
        assert (during.level_after <= np.fmin(after.level_before, after.level_after)).all()
    benchmark(compared, book, prices, timeline, within="during")


def test_page(
    benchmark: Benchmark, book: pm.Accounts, prices: np.ndarray, timeline: pm.Timeline
) -> None:
    """The report page of both moments, impact included."""

    def page() -> str:
        return impact_page(
            compared(book, prices, timeline), title="A notice", changes=timeline.changes
        )

    assert page().count("data:image/svg+xml") == 6
    benchmark(page)

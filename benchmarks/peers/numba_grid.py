"""numba on a grid of price vectors: scenarios innermost, so that LLVM vectorises over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange, set_num_threads

from benchmarks.book import Book
from benchmarks.peers import Floats

NAME = "numba, grid"
NEEDS = ("numba",)


@njit(error_model="numpy", nogil=True)
def _range(
    begin: Any, end: Any, offsets: Any, ids: Any, owned: Any, owed: Any, prices: Any, highest: Any,
    caps: Any, rates: Any, steps: Any, of_asset: Any, levels: Any,
) -> None:  # fmt: skip
    n_scenarios = prices.shape[1]
    collateral = np.empty(n_scenarios)
    liability = np.empty(n_scenarios)
    for account in range(begin, end):
        collateral[:] = 0.0
        liability[:] = 0.0
        for k in range(offsets[account], offsets[account + 1]):
            asset = ids[k]
            schedule = of_asset[asset]
            price = prices[asset]
            quantity, debt = owned[k], owed[k]
            if quantity > 0:
                # One test for all scenarios: nearly always the first tier holds in each.
                if quantity * highest[asset] <= caps[schedule, 0]:
                    weight = quantity * rates[schedule, 0]
                    for s in range(n_scenarios):
                        collateral[s] += weight * price[s]
                else:
                    for s in range(n_scenarios):
                        value = quantity * price[s]
                        step = 0
                        while value > caps[schedule, step]:
                            step += 1
                        collateral[s] += rates[schedule, step] * value + steps[schedule, step]
            if debt > 0:
                for s in range(n_scenarios):
                    liability[s] += debt * price[s]
        for s in range(n_scenarios):
            levels[account, s] = collateral[s] / liability[s] if liability[s] > 0 else np.inf


@njit(parallel=True, error_model="numpy")
def _together(
    parts: Any, offsets: Any, ids: Any, owned: Any, owed: Any, prices: Any, highest: Any,
    caps: Any, rates: Any, steps: Any, of_asset: Any, levels: Any,
) -> None:  # fmt: skip
    n = len(offsets) - 1
    for part in prange(parts):
        _range(
            n * part // parts, n * (part + 1) // parts, offsets, ids, owned, owed, prices, highest,
            caps, rates, steps, of_asset, levels,
        )  # fmt: skip


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Floats]:
    """Return run(prices float64[scenarios, assets]) -> float64[accounts, scenarios]."""
    n, steps = len(book), book.collateral
    owned, owed = book.owned, book.owed
    levels = np.empty((0, 0))

    def run(prices: Floats) -> Floats:
        nonlocal levels
        if levels.shape != (n, len(prices)):
            levels = np.empty((n, len(prices)))
        by_asset = np.ascontiguousarray(prices.T)
        rest = (
            book.offsets, book.asset_ids, owned, owed, by_asset, by_asset.max(axis=1), steps.caps,
            steps.rates, steps.offsets, steps.of_asset, levels,
        )  # fmt: skip
        if threads == 1:
            _range(0, n, *rest)
        else:
            set_num_threads(threads)
            _together(threads, *rest)
        return levels

    return run

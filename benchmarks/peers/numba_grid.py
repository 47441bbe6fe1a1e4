"""numba on a grid of price vectors: scenarios innermost, so that LLVM vectorises over them.

Whether a position stays in its first tier is tested once for all scenarios, at the highest price;
accounts without debt are at infinity under every one.
``prepare`` answers margin level and actions, ``prepare_levels`` collateral margin levels alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, prange, set_num_threads

from benchmarks.book import Book
from benchmarks.peers import Floats

NAME = "numba, grid, scenarios innermost"
NEEDS = ("numba",)


@njit(inline="always", error_model="numpy")
def _add_collateral(
    quantity: Any, schedule: Any, price: Any, highest: Any, caps: Any, rates: Any, steps: Any,
    collateral: Any,
) -> None:  # fmt: skip
    if quantity * highest <= caps[schedule, 0]:
        weight = quantity * rates[schedule, 0]
        for s in range(len(price)):
            collateral[s] += weight * price[s]
        return
    for s in range(len(price)):
        value = quantity * price[s]
        step = 0
        while value > caps[schedule, step]:
            step += 1
        collateral[s] += rates[schedule, step] * value + steps[schedule, step]


@njit(inline="always")
def _is_in_debt(begin: Any, end: Any, owed: Any) -> Any:
    debts = 0
    for k in range(begin, end):
        debts += owed[k] > 0
    return debts > 0


@njit(error_model="numpy", nogil=True)
def _levels(
    begin: Any, end: Any, offsets: Any, ids: Any, owned: Any, owed: Any, prices: Any, highest: Any,
    caps: Any, rates: Any, steps: Any, of_asset: Any, levels: Any,
) -> None:  # fmt: skip
    n_scenarios = prices.shape[1]
    collateral = np.empty(n_scenarios)
    liability = np.empty(n_scenarios)
    for account in range(begin, end):
        if not _is_in_debt(offsets[account], offsets[account + 1], owed):
            levels[account, :] = np.inf
            continue
        collateral[:] = 0.0
        liability[:] = 0.0
        for k in range(offsets[account], offsets[account + 1]):
            asset = ids[k]
            price = prices[asset]
            if owned[k] > 0:
                _add_collateral(
                    owned[k], of_asset[asset], price, highest[asset], caps, rates, steps,
                    collateral,
                )  # fmt: skip
            if owed[k] > 0:
                debt = owed[k]
                for s in range(n_scenarios):
                    liability[s] += debt * price[s]
        for s in range(n_scenarios):
            levels[account, s] = collateral[s] / liability[s] if liability[s] > 0 else np.inf


@njit(error_model="numpy", nogil=True)
def _decided(
    begin: Any, end: Any, offsets: Any, ids: Any, owned: Any, owed: Any, prices: Any, highest: Any,
    caps: Any, rates: Any, steps: Any, of_asset: Any, limits: Any, class_of: Any, levels: Any,
    actions: Any,
) -> None:  # fmt: skip
    n_scenarios = prices.shape[1]
    total = np.empty(n_scenarios)
    collateral = np.empty(n_scenarios)
    liability = np.empty(n_scenarios)
    for account in range(begin, end):
        if not _is_in_debt(offsets[account], offsets[account + 1], owed):
            levels[account, :] = np.inf
            actions[account, :] = 7
            continue
        total[:] = 0.0
        collateral[:] = 0.0
        liability[:] = 0.0
        for k in range(offsets[account], offsets[account + 1]):
            asset = ids[k]
            price = prices[asset]
            if owned[k] > 0:
                quantity = owned[k]
                for s in range(n_scenarios):
                    total[s] += quantity * price[s]
                _add_collateral(
                    quantity, of_asset[asset], price, highest[asset], caps, rates, steps,
                    collateral,
                )  # fmt: skip
            if owed[k] > 0:
                debt = owed[k]
                for s in range(n_scenarios):
                    liability[s] += debt * price[s]
        limit = limits[class_of[account]]
        liquidation, call, borrow, transfer = limit[0], limit[1], limit[2], limit[3]
        for s in range(n_scenarios):
            level = total[s] / liability[s] if liability[s] > 0 else np.inf
            second = collateral[s] / liability[s] if liability[s] > 0 else np.inf
            levels[account, s] = level
            granted = 1 + 2 * (second > borrow) + 4 * (second > transfer)
            held = 16 if level <= liquidation else 9
            actions[account, s] = held if level <= call else granted


@njit(parallel=True, error_model="numpy")
def _decided_together(
    parts: Any, offsets: Any, ids: Any, owned: Any, owed: Any, prices: Any, highest: Any,
    caps: Any, rates: Any, steps: Any, of_asset: Any, limits: Any, class_of: Any, levels: Any,
    actions: Any,
) -> None:  # fmt: skip
    n = len(offsets) - 1
    for part in prange(parts):
        _decided(
            n * part // parts, n * (part + 1) // parts, offsets, ids, owned, owed, prices, highest,
            caps, rates, steps, of_asset, limits, class_of, levels, actions,
        )  # fmt: skip


def _common(book: Book, prices: Floats) -> tuple[Any, ...]:
    by_asset, steps = np.ascontiguousarray(prices.T), book.collateral
    return by_asset, by_asset.max(axis=1), steps.caps, steps.rates, steps.offsets, steps.of_asset


def prepare(
    book: Book, n_scenarios: int, threads: int = 1
) -> Callable[[Floats], tuple[Floats, npt.NDArray[np.uint16]]]:
    """Return run(prices float64[scenarios, assets]) -> levels and actions [accounts, scenarios]."""
    n, owned, owed = len(book), book.owned, book.owed
    levels, actions = np.empty((n, n_scenarios)), np.empty((n, n_scenarios), np.uint16)
    limits = np.ascontiguousarray(book.classic_thresholds)
    class_of = book.leverage_class

    def run(prices: Floats) -> tuple[Floats, npt.NDArray[np.uint16]]:
        rest = (
            book.offsets, book.asset_ids, owned, owed, *_common(book, prices), limits,
            class_of, levels, actions,
        )  # fmt: skip
        if threads == 1:
            _decided(0, n, *rest)
        else:
            set_num_threads(threads)
            _decided_together(threads, *rest)
        return levels, actions

    return run


def prepare_levels(book: Book, n_scenarios: int) -> Callable[[Floats], Floats]:
    n, owned, owed = len(book), book.owned, book.owed
    levels = np.empty((n, n_scenarios))

    def run(prices: Floats) -> Floats:
        _levels(
            0, n, book.offsets, book.asset_ids, owned, owed, *_common(book, prices), levels
        )  # fmt: skip
        return levels

    return run

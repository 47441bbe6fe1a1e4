"""numba by an expert: one row of figures an asset, the first tier inline, the search apart.

``prepare`` merges free + locked and borrowed + interest beforehand (18 bytes a position);
``prepare_unmerged`` reads the user's own arrays, as a single evaluation would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange, set_num_threads

from benchmarks.book import Book
from benchmarks.peers import Answer, Floats

NAME = "numba, expert"
NEEDS = ("numba",)


@njit(inline="never")
def _beyond(value: Any, schedule: Any, caps: Any, rates: Any, steps: Any) -> Any:
    step = 1
    while value > caps[schedule, step]:
        step += 1
    return rates[schedule, step] * value + steps[schedule, step]


@njit(inline="always", error_model="numpy")
def _decide(
    total: Any, collateral: Any, liability: Any, limit: Any, account: Any,
    levels: Any, seconds: Any, actions: Any,
) -> None:  # fmt: skip
    level = total / liability if liability > 0 else np.inf
    second = collateral / liability if liability > 0 else np.inf
    levels[account] = level
    seconds[account] = second
    if level <= limit[1]:
        actions[account] = 16 if level <= limit[0] else 9
    else:
        actions[account] = 1 + 2 * (second > limit[2]) + 4 * (second > limit[3])


@njit(error_model="numpy", nogil=True)
def _merged(
    begin: Any, end: Any, offsets: Any, ids: Any, owned: Any, owed: Any, figures: Any, caps: Any,
    rates: Any, steps: Any, of_asset: Any, limits: Any, class_of: Any, levels: Any, seconds: Any,
    actions: Any,
) -> None:  # fmt: skip
    k = offsets[begin]
    for account in range(begin, end):
        last = offsets[account + 1]
        total = 0.0
        liability = 0.0
        collateral = 0.0
        while k < last:
            asset = ids[k]
            row = figures[asset]
            quantity = owned[k]
            total += quantity * row[0]
            liability += owed[k] * row[0]
            if quantity <= row[1]:
                collateral += quantity * row[2]
            else:
                collateral += _beyond(quantity * row[0], of_asset[asset], caps, rates, steps)
            k += 1
        limit = limits[class_of[account]]
        _decide(total, collateral, liability, limit, account, levels, seconds, actions)


@njit(error_model="numpy", nogil=True)
def _unmerged(
    begin: Any, end: Any, offsets: Any, ids: Any, free: Any, locked: Any, borrowed: Any,
    interest: Any, figures: Any, caps: Any, rates: Any, steps: Any, of_asset: Any, limits: Any,
    class_of: Any, levels: Any, seconds: Any, actions: Any,
) -> None:  # fmt: skip
    k = offsets[begin]
    for account in range(begin, end):
        last = offsets[account + 1]
        total = 0.0
        liability = 0.0
        collateral = 0.0
        while k < last:
            asset = ids[k]
            row = figures[asset]
            quantity = free[k] + locked[k]
            total += quantity * row[0]
            liability += (borrowed[k] + interest[k]) * row[0]
            if quantity <= row[1]:
                collateral += quantity * row[2]
            else:
                collateral += _beyond(quantity * row[0], of_asset[asset], caps, rates, steps)
            k += 1
        limit = limits[class_of[account]]
        _decide(total, collateral, liability, limit, account, levels, seconds, actions)


# A parallel loop takes no tuple from outside, so the arguments are written out.
@njit(parallel=True, error_model="numpy")
def _merged_together(
    parts: Any, offsets: Any, ids: Any, owned: Any, owed: Any, figures: Any, caps: Any, rates: Any,
    steps: Any, of_asset: Any, limits: Any, class_of: Any, levels: Any, seconds: Any, actions: Any,
) -> None:  # fmt: skip
    n = len(offsets) - 1
    for part in prange(parts):
        _merged(
            n * part // parts, n * (part + 1) // parts, offsets, ids, owned, owed, figures, caps,
            rates, steps, of_asset, limits, class_of, levels, seconds, actions,
        )  # fmt: skip


@njit(parallel=True, error_model="numpy")
def _unmerged_together(
    parts: Any, offsets: Any, ids: Any, free: Any, locked: Any, borrowed: Any, interest: Any,
    figures: Any, caps: Any, rates: Any, steps: Any, of_asset: Any, limits: Any, class_of: Any,
    levels: Any, seconds: Any, actions: Any,
) -> None:  # fmt: skip
    n = len(offsets) - 1
    for part in prange(parts):
        _unmerged(
            n * part // parts, n * (part + 1) // parts, offsets, ids, free, locked, borrowed,
            interest, figures, caps, rates, steps, of_asset, limits, class_of, levels, seconds,
            actions,
        )  # fmt: skip


def _prepare(
    book: Book, threads: int, alone: Any, together: Any, quantities: tuple[Floats, ...]
) -> Callable[[Floats], Answer]:
    n, steps = len(book), book.collateral
    answer = Answer(np.empty(n), np.empty(n), np.empty(n, np.uint16))
    class_of = book.leverage_class.astype(np.uint8)
    first_cap, first_rate = (part[steps.of_asset, 0] for part in (steps.caps, steps.rates))
    # Price, units up to the first cap, USDT of collateral a unit: 32 bytes, one cache line.
    figures = np.zeros((len(book.assets), 4))

    def run(price: Floats) -> Answer:
        figures[:, 0] = price
        figures[:, 1] = first_cap / price
        figures[:, 2] = first_rate * price
        rest = (
            book.offsets, book.asset_ids, *quantities, figures, steps.caps, steps.rates,
            steps.offsets, steps.of_asset, book.classic_thresholds, class_of, *answer,
        )  # fmt: skip
        if threads == 1:
            alone(0, n, *rest)
        else:
            set_num_threads(threads)
            together(threads, *rest)
        return answer

    return run


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    return _prepare(book, threads, _merged, _merged_together, (book.owned, book.owed))


def prepare_unmerged(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    quantities = (book.free, book.locked, book.borrowed, book.interest)
    return _prepare(book, threads, _unmerged, _unmerged_together, quantities)

"""numba as one writes it first: the accounts' rows, a linear search for the tier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange, set_num_threads

from benchmarks.book import Book
from benchmarks.peers import Answer, Floats

NAME = "numba, plain"
NEEDS = ("numba",)


def _pass(
    offsets: Any, ids: Any, free: Any, locked: Any, borrowed: Any, interest: Any, price: Any,
    caps: Any, rates: Any, steps: Any, of_asset: Any, limits: Any, class_of: Any,
    levels: Any, seconds: Any, actions: Any,
) -> None:  # fmt: skip
    for account in prange(len(offsets) - 1):
        total = 0.0
        liability = 0.0
        collateral = 0.0
        for k in range(offsets[account], offsets[account + 1]):
            asset = ids[k]
            value = (free[k] + locked[k]) * price[asset]
            total += value
            liability += (borrowed[k] + interest[k]) * price[asset]
            schedule = of_asset[asset]
            step = 0
            while value > caps[schedule, step]:
                step += 1
            collateral += rates[schedule, step] * value + steps[schedule, step]
        if liability > 0:
            level = total / liability
            second = collateral / liability
        else:
            level = np.inf
            second = np.inf
        levels[account] = level
        seconds[account] = second
        limit = limits[class_of[account]]
        if level <= limit[0]:
            actions[account] = 16
        elif level <= limit[1]:
            actions[account] = 9
        else:
            granted = 1
            if second > limit[2]:
                granted += 2
            if second > limit[3]:
                granted += 4
            actions[account] = granted


_alone = njit(_pass)
_together = njit(parallel=True)(_pass)


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    n, steps = len(book), book.collateral
    answer = Answer(np.empty(n), np.empty(n), np.empty(n, np.uint16))
    compiled = _alone if threads == 1 else _together
    class_of = book.leverage_class

    def run(price: Floats) -> Answer:
        if threads > 1:
            set_num_threads(threads)
        compiled(
            book.offsets, book.asset_ids, book.free, book.locked, book.borrowed, book.interest,
            price, steps.caps, steps.rates, steps.offsets, steps.of_asset, book.classic_thresholds,
            class_of, *answer,
        )  # fmt: skip
        return answer

    return run

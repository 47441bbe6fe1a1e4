"""numpy as one writes it first: clip each value into each tier, sum by account."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.book import Book
from benchmarks.peers import BORROW, LIQUIDATE, MARGIN_CALL, TRADE, TRANSFER_OUT, Answer, Floats

NAME = "numpy, plain"
NEEDS = ()


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    assert threads == 1
    steps = book.collateral
    floors = np.concatenate([np.zeros((len(steps.caps), 1)), steps.caps[:, :-1]], axis=1)
    # A padded step has no width.
    floors[np.isinf(floors)] = np.inf
    limits = book.classic_thresholds[book.leverage_class].T

    def run(price: Floats) -> Answer:
        ids, starts = book.asset_ids, book.offsets[:-1]
        value = (book.free + book.locked) * price[ids]
        debt = (book.borrowed + book.interest) * price[ids]
        schedule = steps.of_asset[ids]
        collateral = np.zeros_like(value)
        for k in range(steps.caps.shape[1]):
            floor, cap = floors[schedule, k], steps.caps[schedule, k]
            within = np.clip(value, floor, cap) - floor
            collateral += np.where(value > floor, within, 0.0) * steps.rates[schedule, k]
        total, liability, collateral = (
            np.add.reduceat(terms, starts) for terms in (value, debt, collateral)
        )
        level = total / liability
        collateral_level = collateral / liability
        granted = TRADE + BORROW * (collateral_level > limits[2])
        granted += TRANSFER_OUT * (collateral_level > limits[3])
        actions = np.select(
            [level <= limits[0], level <= limits[1]], [LIQUIDATE, TRADE | MARGIN_CALL], granted
        )
        return Answer(level, collateral_level, actions.astype(np.uint16))

    def quietly(price: Floats) -> Answer:
        with np.errstate(divide="ignore", invalid="ignore"):
            return run(price)

    return quietly

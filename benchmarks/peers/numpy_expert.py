"""numpy by an expert: holdings and debts apart, the first tier for all, a patch for the few.

Accounts are taken in blocks whose arrays stay in cache; every array is written in place.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from benchmarks.book import Book
from benchmarks.peers import Answer, Floats, classic_actions

NAME = "numpy, expert"
NEEDS = ()

_ACCOUNTS_PER_BLOCK = 8192
Indices = npt.NDArray[np.int64]


class _Side:
    """Holdings or debts alone, in compressed rows of the accounts that have any."""

    def __init__(self, book: Book, quantity: Floats) -> None:
        wanted = quantity != 0
        counts = np.add.reduceat(wanted, book.offsets[:-1], dtype=np.int64)
        bounds = np.append(np.arange(0, len(book), _ACCOUNTS_PER_BLOCK), len(book))
        entries = np.concatenate([[0], np.cumsum(counts)])
        ids, quantity = book.asset_ids[wanted].astype(np.intp), quantity[wanted]
        self.blocks: list[tuple[Indices, Floats, Indices, Indices]] = []
        for first, last in pairwise(bounds):
            begin, end = entries[first], entries[last]
            rows = np.flatnonzero(counts[first:last])
            starts = entries[first:last][rows] - begin
            self.blocks.append((ids[begin:end], quantity[begin:end], starts, rows))
        self.most = max(len(block[0]) for block in self.blocks)


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    assert threads == 1
    held, owed = _Side(book, book.owned), _Side(book, book.owed)
    n, steps, actions_of = len(book), book.collateral, classic_actions()
    limits = np.ascontiguousarray(book.classic_thresholds[book.leverage_class].T)
    first_cap = steps.caps[steps.of_asset, 0]
    first_rate = steps.rates[steps.of_asset, 0]
    gathered, terms = np.empty((2, max(held.most, owed.most)))
    is_beyond = np.empty(held.most, np.bool_)
    answer = Answer(np.empty(n), np.empty(n), np.empty(n, np.uint16))

    def sums(ids: Indices, quantity: Floats, starts: Indices, weights: Floats) -> Floats:
        product = terms[: len(ids)]
        np.take(weights, ids, out=product, mode="clip")
        np.multiply(product, quantity, out=product)
        found: Floats = np.add.reduceat(product, starts)
        return found

    def by_account(size: int, rows: Indices, values: Floats) -> Floats:
        if len(rows) == size:
            return values
        spread = np.zeros(size)
        spread[rows] = values
        return spread

    def collateral_of(
        ids: Indices, quantity: Floats, starts: Indices, price: Floats, units: Floats
    ) -> Floats:
        """Sum the first tier's value of every holding, then mend those beyond it."""
        size = len(ids)
        np.take(units, ids, out=gathered[:size], mode="clip")
        np.greater(quantity, gathered[:size], out=is_beyond[:size])
        beyond = np.flatnonzero(is_beyond[:size])
        found = sums(ids, quantity, starts, price * first_rate)
        if len(beyond):
            value = quantity[beyond] * price[ids[beyond]]
            schedule = steps.of_asset[ids[beyond]]
            step = (value[:, np.newaxis] > steps.caps[schedule]).sum(axis=1)
            change = steps.rates[schedule, step] * value + steps.offsets[schedule, step]
            change -= steps.rates[schedule, 0] * value
            rows = np.searchsorted(starts, beyond, side="right") - 1
            found += np.bincount(rows, weights=change, minlength=len(found))
        return found

    def run(price: Floats) -> Answer:
        units = first_cap / price
        for block, (held_block, owed_block) in enumerate(
            zip(held.blocks, owed.blocks, strict=True)
        ):
            begin = block * _ACCOUNTS_PER_BLOCK
            end = min(begin + _ACCOUNTS_PER_BLOCK, n)
            ids, quantity, starts, rows = held_block
            total = by_account(end - begin, rows, sums(ids, quantity, starts, price))
            collateral = by_account(
                end - begin, rows, collateral_of(ids, quantity, starts, price, units)
            )
            ids, quantity, starts, rows = owed_block
            liability = by_account(end - begin, rows, sums(ids, quantity, starts, price))
            level = np.divide(total, liability, out=answer.margin_level[begin:end])
            second = np.divide(collateral, liability, out=answer.second_level[begin:end])
            limit = limits[:, begin:end]
            bits = (level <= limit[0]).view(np.uint8)
            bits |= (level <= limit[1]).view(np.uint8) << 1
            bits |= (second <= limit[2]).view(np.uint8) << 2
            bits |= (second <= limit[3]).view(np.uint8) << 3
            np.take(actions_of, bits, out=answer.actions[begin:end], mode="clip")
        return answer

    def quietly(price: Floats) -> Answer:
        with np.errstate(divide="ignore", invalid="ignore"):
            return run(price)

    return quietly

"""Pure Python: a loop over tuples, the first tier tried first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import inf

import numpy as np

from benchmarks.book import Book
from benchmarks.peers import BORROW, LIQUIDATE, MARGIN_CALL, TRADE, TRANSFER_OUT, Answer, Floats

NAME = "pure Python"
NEEDS = ()
# Its time is taken on these and scaled.
MAX_ACCOUNTS = 20_000


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    assert threads == 1
    columns = (book.asset_ids, book.free, book.locked, book.borrowed, book.interest)
    entries = list(zip(*(column.tolist() for column in columns), strict=True))
    offsets = book.offsets.tolist()
    accounts = [entries[a:b] for a, b in pairwise(offsets)]
    thresholds = [tuple(book.classic_thresholds[k].tolist()) for k in book.leverage_class]
    steps = book.collateral
    tiers_of = [
        list(zip(*(part[s].tolist() for part in (steps.caps, steps.rates, steps.offsets)),
                 strict=True))
        for s in steps.of_asset
    ]  # fmt: skip

    def run(price: Floats) -> Answer:
        assets = [
            (p, tiers[0][0], tiers[0][1], tiers)
            for p, tiers in zip(price.tolist(), tiers_of, strict=True)
        ]
        levels, collateral_levels, actions = [], [], []
        for positions, (liquidation, call, borrow, transfer) in zip(
            accounts, thresholds, strict=True
        ):
            total = liability = collateral = 0.0
            for asset, free, locked, borrowed, interest in positions:
                p, cap, rate, tiers = assets[asset]
                value = (free + locked) * p
                total += value
                liability += (borrowed + interest) * p
                if value <= cap:
                    collateral += rate * value
                else:
                    for tier_cap, tier_rate, offset in tiers:
                        if value <= tier_cap:
                            collateral += tier_rate * value + offset
                            break
            if liability:
                level, collateral_level = total / liability, collateral / liability
            else:
                level = collateral_level = inf
            levels.append(level)
            collateral_levels.append(collateral_level)
            if level <= liquidation:
                actions.append(LIQUIDATE)
            elif level <= call:
                actions.append(TRADE | MARGIN_CALL)
            else:
                granted = TRADE
                if collateral_level > borrow:
                    granted |= BORROW
                if collateral_level > transfer:
                    granted |= TRANSFER_OUT
                actions.append(granted)
        return Answer(np.array(levels), np.array(collateral_levels), np.array(actions, np.uint16))

    return run

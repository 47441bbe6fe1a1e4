"""Other ways to the same answer, each written as its expert would; none is needed by pymargin.

A peer is a module with ``NAME``, ``NEEDS`` (what must be importable) and
``prepare(book, threads) -> run``, where ``run(price)`` returns an `Answer` in account order. What
does not depend on prices is prepared beforehand, as pymargin prepares its book.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TRADE, BORROW, TRANSFER_OUT, MARGIN_CALL, LIQUIDATE, BEYOND_TIERS = 1, 2, 4, 8, 16, 1024


class Answer(NamedTuple):
    """Margin level, collateral margin level (Pro: available margin) and actions of each account."""

    margin_level: Floats
    second_level: Floats
    actions: npt.NDArray[np.uint16]


def classic_actions() -> npt.NDArray[np.uint16]:
    """Return uint16[16]: actions by the bits "at or below threshold k" (as numpy peers sum them).

    Bit 0 liquidation, 1 margin call, 2 borrow, 3 transfer-out.
    """
    actions = np.empty(16, np.uint16)
    for bits in range(16):
        if bits & 1:
            actions[bits] = LIQUIDATE
        elif bits & 2:
            actions[bits] = TRADE | MARGIN_CALL
        else:
            actions[bits] = TRADE | (0 if bits & 4 else BORROW) | (0 if bits & 8 else TRANSFER_OUT)
    return actions

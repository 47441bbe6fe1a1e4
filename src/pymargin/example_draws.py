"""Random draws of realistic shape, for the example book."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pymargin.columns import Floats, Integers

__all__ = ["MAX_ENTRIES", "counts", "decimals", "distinct_names", "normalised", "pick"]

MAX_ENTRIES = 40
_BLOCK = 1 << 15


def counts(rng: np.random.Generator, least: Integers, *, stop: float) -> Integers:
    """Draw how many entries each account has: geometric, from ``least`` to MAX_ENTRIES."""
    tail = np.cumprod(np.full(MAX_ENTRIES - 1, 1 - stop))
    drawn = 1 + np.searchsorted(1 - tail, rng.random(len(least)), side="right")
    return np.maximum(drawn, least, dtype=np.int64)


def distinct_names(
    rng: np.random.Generator, counts: Integers, n_names: int
) -> npt.NDArray[np.uint16]:
    """Draw distinct names for each account, the k-th with a probability of 1/k."""
    weights = np.cumsum(1 / np.arange(1, n_names + 1))
    weights /= weights[-1]
    parts = [np.empty(0, dtype=np.uint16)]
    for begin in range(0, len(counts), _BLOCK):
        block = counts[begin : begin + _BLOCK]
        held = np.zeros((len(block), n_names), dtype=np.bool_)
        drawn = np.zeros((len(block), MAX_ENTRIES), dtype=np.uint16)
        for slot in range(int(block.max())):
            rows = np.flatnonzero(block > slot)
            names = np.searchsorted(weights, rng.random(len(rows)), side="right")
            clash = np.flatnonzero(held[rows, names])
            while len(clash):
                names[clash] = (names[clash] + 1) % n_names
                clash = clash[held[rows[clash], names[clash]]]
            held[rows, names] = True
            drawn[rows, slot] = names
        parts.append(drawn[np.arange(MAX_ENTRIES) < block[:, np.newaxis]])
    return np.concatenate(parts)


def normalised(weights: Floats, wanted: npt.NDArray[np.bool_], offsets: Integers) -> Floats:
    """Return the weights of the wanted balances, of sum 1 in each account; others 0."""
    weights = np.where(wanted, weights, 0.0)
    totals = np.add.reduceat(weights, offsets[:-1]) if len(weights) else weights
    shares: Floats = weights / np.repeat(np.where(totals == 0, 1.0, totals), np.diff(offsets))
    return shares


def pick(rng: np.random.Generator, n: int, ranges: list[tuple[float, float, float]]) -> Floats:
    """Draw n numbers from ranges of (share, low, high), evenly within each."""
    shares, low, high = np.array(ranges).T
    kind = np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right")
    drawn: Floats = low[kind] + rng.random(n) * (high - low)[kind]
    return drawn


def decimals(values: Floats, places: Integers) -> Floats:
    """Round each value to its number of decimal places; the result is the nearest float64."""
    power = 10.0 ** np.asarray(places)
    rounded: Floats = np.rint(values * power) / power
    return rounded

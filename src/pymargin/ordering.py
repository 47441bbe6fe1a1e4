"""By what `worst` orders results: functions to bind, not closures, so that results pickle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pymargin.evaluation import BoundMode

__all__ = ["exact_key", "given_keys", "mode_keys", "order_keys", "some_keys"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def order_keys(levels: Floats, thresholds: Floats) -> Floats:
    """Return float64[n]: levels over their liquidation thresholds, by which `worst` orders."""
    return levels / np.where(thresholds > 0, thresholds, 1.0)


def mode_keys(bound: BoundMode, threads: int, level: Floats | None, rows: Rows | None) -> Floats:
    """Return the keys of a result of one mode.

    ``level`` is that of the rows, None where it was not asked for and is computed again; ``rows``
    are their accounts, None where they are the same.
    """
    chosen = slice(None) if rows is None else rows
    if level is None:
        found = np.empty(len(bound.accounts))
        bound.run({bound.level_name: found}, threads)
        level = found[chosen]
    return order_keys(level, bound.liquidation_thresholds()[chosen])


def given_keys(keys: Floats) -> Floats:
    """Return keys that are known."""
    return keys


def some_keys(keys: Callable[[], Floats], rows: Rows) -> Floats:
    """Return the keys of some rows of a result."""
    return keys()[rows]


def exact_key(
    parts: Sequence[tuple[Rows | None, BoundMode]], n_accounts: int, account: int
) -> Fraction | float:
    """Return the exact key of an account of a book of mixed modes, whose parts are given."""
    for positions, bound in parts:
        if positions is None:
            return bound.exact_order_key(account)
        found = int(np.searchsorted(positions, account))
        if found < len(positions) and positions[found] == account:
            return bound.exact_order_key(found)
    raise IndexError(f"account {account} is not among {n_accounts}")

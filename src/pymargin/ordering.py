"""By what `worst` orders results: objects, not closures, so that results can be pickled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pymargin.evaluation import BoundMode

__all__ = ["ExactKeys", "GivenKeys", "ModeKeys", "SomeKeys", "order_keys"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def order_keys(levels: Floats, thresholds: Floats) -> Floats:
    """Return float64[n]: levels over their liquidation thresholds, by which `worst` orders."""
    return levels / np.where(thresholds > 0, thresholds, 1.0)


class ModeKeys:
    """Make the keys of a result of one mode.

    Parameters
    ----------
    bound, threads
        What was evaluated, and how it is where the level must be computed again.
    level
        float64[n] of the rows; None where it was not asked for.
    rows
        int64[n]: the account of each row; None where they are the same.
    """

    __slots__ = ("bound", "level", "rows", "threads")

    def __init__(
        self, bound: BoundMode, threads: int, level: Floats | None, rows: Rows | None = None
    ) -> None:
        self.bound = bound
        self.threads = threads
        self.level = level
        self.rows = rows

    def __call__(self) -> Floats:
        """Return float64[n]."""
        rows = slice(None) if self.rows is None else self.rows
        level = self.level
        if level is None:
            found = np.empty(len(self.bound.accounts))
            self.bound.run({self.bound.level_name: found}, self.threads)
            level = found[rows]
        return order_keys(level, self.bound.liquidation_thresholds()[rows])


class GivenKeys:
    """Return keys that are known."""

    __slots__ = ("keys",)

    def __init__(self, keys: Floats) -> None:
        self.keys = keys

    def __call__(self) -> Floats:
        """Return them."""
        return self.keys


class SomeKeys:
    """Make the keys of some rows of a result."""

    __slots__ = ("keys", "rows")

    def __init__(self, keys: Callable[[], Floats], rows: Rows) -> None:
        self.keys = keys
        self.rows = rows

    def __call__(self) -> Floats:
        """Return float64 of these rows."""
        return self.keys()[self.rows]


class ExactKeys:
    """Give the exact key of an account of a book of mixed modes, whose parts are given."""

    __slots__ = ("n_accounts", "parts")

    def __init__(self, parts: Sequence[tuple[Rows | None, BoundMode]], n_accounts: int) -> None:
        self.parts = tuple(parts)
        self.n_accounts = n_accounts

    def __call__(self, account: int) -> Fraction | float:
        """Return level over threshold of the account at a position of the book."""
        for positions, bound in self.parts:
            if positions is None:
                return bound.exact_order_key(account)
            found = int(np.searchsorted(positions, account))
            if found < len(positions) and positions[found] == account:
                return bound.exact_order_key(found)
        raise IndexError(f"account {account} is not among {self.n_accounts}")

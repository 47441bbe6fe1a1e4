"""What an evaluation returns: arrays by name, in account order, with their provenance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.ids import Ids
from pymargin.ordering import some_keys
from pymargin.provenance import Provenance
from pymargin.tabular import Tabular
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.rules import MarginRules

__all__ = [
    "BookLevels",
    "ClassicLevels",
    "FuturesLevels",
    "Levels",
    "PortfolioLevels",
    "PositionLevels",
    "ProLevels",
]

# Two float64 order keys this close (relative to 1 + |key|) are compared exactly; the error of a
# level stays orders of magnitude below it unless maintenance margin is a 1e-6th of the collateral.
_CLOSE = 1e-8

_OF_POSITION = (
    "notional",
    "unrealized_pnl",
    "maintenance_margin",
    "initial_margin",
    "margin_balance",
    "margin_level",
    "margin_ratio",
    "actions",
)

OrderKey: TypeAlias = Callable[[int], Fraction | float]


class Levels(Tabular):
    """Results of one evaluation; every array is in account order.

    Arrays that ``fields`` left out are not there: asking for one says so.

    Parameters
    ----------
    accounts
        The book that was evaluated.
    rules
        The rules that held.
    methodology
        The formula's name.
    arrays
        Field name to float64[n], ``actions`` uint16[n] of `Action` bits.
    order
        float64[n] of level over liquidation threshold, made when first needed; and the exact
        figure of one account of the book.
    positions
        int64[n]: the account of the book that each row is of; None where they are the same.
    """

    fields: tuple[str, ...] = ()
    actions: npt.NDArray[np.uint16]

    def __init__(
        self,
        accounts: Accounts,
        rules: MarginRules,
        methodology: str,
        arrays: Mapping[str, npt.NDArray[Any]],
        order: tuple[Callable[[], npt.NDArray[np.float64]], OrderKey],
        positions: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._accounts = accounts
        self._names = tuple(name for name in self.fields if name in arrays)
        self._positions = positions
        self._order = order
        self.provenance = Provenance.of(rules, methodology)
        for name in self._names:
            setattr(self, name, arrays[name])

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in type(self).fields:
                raise AttributeError(f"{name} was not computed: it is not among fields=")
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The account ids: int64[n] or object[n] of str."""
        ids = self._accounts.ids
        return ids if self._positions is None else ids[self._positions]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that were computed, in their standard order."""
        return self._names

    @property
    def book_rows(self) -> npt.NDArray[np.int64]:
        """Where each row stands in the evaluated book: int64[n]."""
        if self._positions is None:
            return np.arange(len(self), dtype=np.int64)
        return self._positions

    def __len__(self) -> int:
        return len(self._accounts if self._positions is None else self._positions)

    def __repr__(self) -> str:
        fields = ", ".join(self._names)
        accounts = counted(len(self), "account")
        return f"<{type(self).__name__} of {accounts}, {self.methodology}: {fields}>"

    def worst(self, count: int = 20) -> Self:
        """Return the accounts nearest to liquidation, worst first.

        The order is that of N / (theta * D), exact: figures within 1e-8 of each other are compared
        as fractions, which is wider than float64 can err unless the denominator is less than a
        millionth of the account's gross value. Equal ones stay in account order; UNPRICED accounts
        come last.

        Parameters
        ----------
        count
            How many accounts at most.
        """
        if isinstance(count, bool) or not isinstance(count, Integral) or count < 0:
            raise ValueError(f"count must be a whole number of at least 0, not {count!r}")
        keys, exact_key = self._order[0](), self._order[1]
        is_unpriced = np.isnan(keys)
        keys = np.where(is_unpriced, inf, keys)
        positions = self.book_rows
        rows = _worst_rows(keys, is_unpriced, positions, exact_key, count)
        return self._taken(rows)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the computed arrays by name."""
        return {name: getattr(self, name) for name in self._names}

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        return self.arrays()

    def _column_of_ids(self) -> Ids:
        ids = self._accounts._ids
        return ids if self._positions is None else ids.take(self._positions)

    def _taken(self, rows: npt.NDArray[np.int64]) -> Self:
        """Return some rows, as a result of the same kind."""
        keys, exact_key = self._order
        arrays = {name: getattr(self, name)[rows] for name in self._names}
        taken = copy(self)
        taken._positions = self.book_rows[rows]
        taken._order = (partial(some_keys, keys, rows), exact_key)
        for name, values in arrays.items():
            setattr(taken, name, values)
        return taken


class ClassicLevels(Levels):
    """Levels of Cross Margin Classic; float64[n], values in USDT."""

    fields = (
        "margin_level",
        "collateral_margin_level",
        "borrow_margin_level",
        "transfer_out_margin_level",
        "total_asset",
        "total_liability",
        "collateral_value",
        "actions",
    )
    margin_level: npt.NDArray[np.float64]
    collateral_margin_level: npt.NDArray[np.float64]
    borrow_margin_level: npt.NDArray[np.float64]
    transfer_out_margin_level: npt.NDArray[np.float64]
    total_asset: npt.NDArray[np.float64]
    total_liability: npt.NDArray[np.float64]
    collateral_value: npt.NDArray[np.float64]


class ProLevels(Levels):
    """Levels of Cross Margin Pro; float64[n], values in USDT."""

    fields = (
        "margin_level",
        "net_collateral",
        "open_order_loss",
        "maintenance_margin",
        "initial_margin",
        "available_margin",
        "actions",
    )
    margin_level: npt.NDArray[np.float64]
    net_collateral: npt.NDArray[np.float64]
    open_order_loss: npt.NDArray[np.float64]
    maintenance_margin: npt.NDArray[np.float64]
    initial_margin: npt.NDArray[np.float64]
    available_margin: npt.NDArray[np.float64]


class PortfolioLevels(Levels):
    """Levels of Portfolio Margin and Portfolio Margin Pro; float64[n], values in USDT."""

    fields = (
        "uni_mmr",
        "account_equity",
        "actual_equity",
        "unrealized_pnl",
        "open_order_loss",
        "initial_margin",
        "maintenance_margin",
        "available_balance",
        "max_withdrawal",
        "actions",
    )
    uni_mmr: npt.NDArray[np.float64]
    account_equity: npt.NDArray[np.float64]
    actual_equity: npt.NDArray[np.float64]
    unrealized_pnl: npt.NDArray[np.float64]
    open_order_loss: npt.NDArray[np.float64]
    initial_margin: npt.NDArray[np.float64]
    maintenance_margin: npt.NDArray[np.float64]
    available_balance: npt.NDArray[np.float64]
    max_withdrawal: npt.NDArray[np.float64]


class FuturesLevels(Levels):
    """Levels of USDⓈ-M or COIN-M accounts: their cross part; float64[n], totals in USDT.

    ``positions`` holds the figures of every position, isolated ones with a level of their own.
    """

    fields = (
        "margin_level",
        "margin_ratio",
        "margin_balance",
        "maintenance_margin",
        "unrealized_pnl",
        "initial_margin",
        "available_balance",
        "actions",
    )
    margin_level: npt.NDArray[np.float64]
    margin_ratio: npt.NDArray[np.float64]
    margin_balance: npt.NDArray[np.float64]
    maintenance_margin: npt.NDArray[np.float64]
    unrealized_pnl: npt.NDArray[np.float64]
    initial_margin: npt.NDArray[np.float64]
    available_balance: npt.NDArray[np.float64]
    # Of the evaluation that filled this result: what makes the positions, then they themselves.
    _positions_of: Callable[[], PositionLevels]
    _position_levels: PositionLevels | None = None

    @property
    def positions(self) -> PositionLevels:
        """The figures of every position of the book; made when first asked for."""
        if self._position_levels is None:
            self._position_levels = self._positions_of()
        return self._position_levels


@dataclass(frozen=True, slots=True, eq=False)
class PositionLevels(Tabular):
    """Figures of the m positions of a book, in its order; amounts in the settlement asset.

    Parameters
    ----------
    account
        int64[m]: where the account stands in the book.
    symbols
        object[m] of str.
    notional, unrealized_pnl, maintenance_margin, initial_margin
        float64[m]; NaN where the position cannot be valued.
    margin_balance, margin_level, margin_ratio
        float64[m] of isolated positions: isolated wallet and profit; NaN for cross ones.
    actions
        uint16[m] of `Action` bits, of isolated positions; 0 for cross ones.
    provenance
        As of the accounts' levels.
    accounts
        The book.
    """

    account: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.object_]
    notional: npt.NDArray[np.float64]
    unrealized_pnl: npt.NDArray[np.float64]
    maintenance_margin: npt.NDArray[np.float64]
    initial_margin: npt.NDArray[np.float64]
    margin_balance: npt.NDArray[np.float64]
    margin_level: npt.NDArray[np.float64]
    margin_ratio: npt.NDArray[np.float64]
    actions: npt.NDArray[np.uint16]
    provenance: Provenance
    accounts: Accounts

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The id of each position's account: int64[m] or object[m] of str."""
        ids: npt.NDArray[Any] = self.accounts.ids[self.account]
        return ids

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        figures = {name: getattr(self, name) for name in _OF_POSITION}
        return {"symbol": self.symbols, **figures}

    def _column_of_ids(self) -> Ids:
        return self.accounts._ids.take(self.account)

    def __len__(self) -> int:
        return len(self.account)


class BookLevels(Levels):
    """Levels of a book of mixed modes; float64[n]. Lower is worse in every mode."""

    fields = ("level", "threshold", "actions")
    level: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]


def _worst_rows(
    keys: npt.NDArray[np.float64],
    is_unpriced: npt.NDArray[np.bool_],
    positions: npt.NDArray[np.int64],
    exact_key: OrderKey,
    count: int,
) -> npt.NDArray[np.int64]:
    """Return the rows of the `count` least keys in exact order, ties by position in the book."""
    count = min(count, len(keys))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    cutoff = np.partition(keys, count - 1)[count - 1]
    reach = cutoff + _CLOSE * (1 + abs(cutoff)) if np.isfinite(cutoff) else cutoff
    rows = np.flatnonzero(keys <= reach)
    # The unpriced follow every other infinity.
    rows = rows[np.lexsort((positions[rows], is_unpriced[rows], keys[rows]))]
    ordered: list[int] = []
    for cluster in _clusters(keys, rows):
        if len(ordered) >= count:
            break
        if len(cluster) > 1 and np.isfinite(keys[cluster[0]]):
            exact = {row: (exact_key(int(positions[row])), positions[row]) for row in cluster}
            cluster = sorted(cluster, key=exact.__getitem__)
        ordered += cluster
    return np.array(ordered[:count], dtype=np.int64)


def _clusters(keys: npt.NDArray[np.float64], rows: npt.NDArray[np.int64]) -> Iterator[list[int]]:
    """Cut sorted rows where two neighbours are too far apart to be confused."""
    values = keys[rows]
    with np.errstate(invalid="ignore"):
        # The distance of two equal infinities is NaN: they stay together, already in order.
        apart = np.diff(values) > _CLOSE * (1 + np.abs(values[1:]))
    apart |= np.isinf(values[1:]) & ~np.isinf(values[:-1])
    for part in np.split(rows, np.flatnonzero(apart) + 1):
        yield part.tolist()

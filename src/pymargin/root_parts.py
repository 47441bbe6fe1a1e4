"""Roots of the accounts of one mode: what a question moves, laid out for the core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.asked import At
from pymargin.book import book_of
from pymargin.due import compile_due
from pymargin.errors import MarginError
from pymargin.evaluation import BoundMode, Evaluation, thresholds_of
from pymargin.futures import FuturesEvaluation
from pymargin.modes import Action, RootReason
from pymargin.pools import BoundPools
from pymargin.portfolio import PortfolioEvaluation

__all__ = ["Movement", "RootFigures", "solve_part"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_POOL_LEVELS = {
    "futures": ("margin_level", "available_balance"),
    "portfolio": ("uni_mmr", "available_balance"),
}


@dataclass(frozen=True, slots=True)
class Movement:
    """What a question moves: price p of a name becomes ``p * (1 + weight * (x/base - 1) / scale)``.

    Parameters
    ----------
    base, scale
        With the price and the weight of a name, x is that price; with 1 and 1, a factor.
    weight_of
        The weight of a name; 0 where it stands.
    reach
        The least and the greatest weight, 0 among them: prices go no lower than 0. None: of what
        each account has.
    """

    base: float
    scale: float
    weight_of: Callable[[str], float]
    reach: tuple[float, float] | None

    def weights(self, names: tuple[str, ...]) -> Floats:
        """Return float64 weights of names."""
        return np.array([self.weight_of(name) for name in names], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class RootFigures:
    """Roots by row: float64 below and above, uint8 reasons of `RootReason`, uint16 `Action` bits of
    what is unpriced; rows that nothing was put in are not solved.
    """

    below: Floats
    above: Floats
    reason: npt.NDArray[np.uint8]
    unpriced: npt.NDArray[np.uint16]
    is_solved: npt.NDArray[np.bool_]
    passes: int = 0
    walks: int = 0

    @classmethod
    def empty(cls, n: int) -> Self:
        """Return n rows, none of them solved."""
        below, above = np.full((2, n), np.nan)
        return cls(
            below, above, np.zeros(n, np.uint8), np.zeros(n, np.uint16), np.zeros(n, np.bool_)
        )

    def put(self, rows: Ints, figures: RootFigures) -> None:
        """Put the figures of some rows where they stand."""
        for name in ("below", "above", "reason", "unpriced"):
            getattr(self, name)[rows] = getattr(figures, name)
        self.is_solved[rows] = True

    def flag(self, rows: npt.NDArray[Any]) -> None:
        """Make some rows UNPRICED."""
        self.below[rows] = self.above[rows] = np.nan
        self.reason[rows] = RootReason.UNPRICED
        self.unpriced[rows] |= np.uint16(Action.UNPRICED_ASSET)


def solve_part(
    bound: BoundMode, movement: Movement, at: At, *, exact: bool, threads: int
) -> tuple[RootFigures, RootFigures, Ints]:
    """Return the roots of accounts, those of isolated positions, and which positions these are.

    Raises
    ------
    MarginError
        `at` is no decision of the mode; a root would be one of a polynomial of degree above 2.
    """
    none = np.empty(0, dtype=np.int64)
    if isinstance(bound, Evaluation):
        return _of_accounts(bound, movement, at, exact, threads), RootFigures.empty(0), none
    if isinstance(bound, PortfolioEvaluation):
        pools = bound.bound
        due = compile_due(
            bound.accounts,
            at,
            pools.mode,
            bound.thresholds,
            _POOL_LEVELS["portfolio"],
            bound.classes,
        )
        each = np.arange(len(bound.accounts))
        ranges = (each, each + 1, each + 1)
        own = _of_pools(
            "portfolio", pools, due, bound.class_of, ranges, movement, exact, threads, each
        )
        return own, RootFigures.empty(0), none
    assert isinstance(bound, FuturesEvaluation)
    return _of_futures(bound, movement, at, exact, threads)


def _of_accounts(
    bound: Evaluation, movement: Movement, at: At, exact: bool, threads: int
) -> RootFigures:
    mode, accounts = bound.spec.mode, bound.accounts
    due = compile_due(
        accounts, at, mode, thresholds_of(bound.rules, mode), bound.spec.levels, bound.classes,
        absent=bound.absent,
    )  # fmt: skip
    figures = RootFigures.empty(len(accounts))
    unsolvable, passes, walks = _core.roots(
        bound.kernel,
        book_of(accounts),
        bound.schedules,
        bound.price,
        bound.schedule_ids,
        bound.gaps,
        due,
        bound.class_of,
        movement.weights(accounts.assets),
        movement.base,
        movement.scale,
        movement.reach,
        exact,
        figures.below,
        figures.above,
        figures.reason,
        figures.unpriced,
        threads,
    )
    _check_solved(unsolvable, bound.accounts.ids)
    return replace(figures, passes=passes, walks=walks)


def _of_futures(
    bound: FuturesEvaluation, movement: Movement, at: At, exact: bool, threads: int
) -> tuple[RootFigures, RootFigures, Ints]:
    pools, n = bound.bound, len(bound.accounts)
    due = compile_due(
        bound.accounts, at, pools.mode, bound.thresholds, _POOL_LEVELS["futures"], [(0, np.nan)]
    )
    # Pools stand account by account, the cross ones first.
    n_pools = np.bincount(pools.account, minlength=n)
    last = np.cumsum(n_pools)
    first = last - n_pools
    n_cross = np.bincount(pools.account[pools.is_cross], minlength=n)
    ranges = (first, first + n_cross, last)
    each = np.arange(n)
    cross = _of_pools("futures", pools, due, None, ranges, movement, exact, threads, each)
    # An account needs the prices of its cross pools' assets, though their levels do not.
    cross.flag(np.unique(pools.account[pools.is_cross & np.isnan(pools.unit)]))
    own = np.flatnonzero(~pools.is_cross)
    ranges = (own, own + 1, own + 1)
    owners = pools.account[own]
    isolated = _of_pools("futures", pools, due, None, ranges, movement, exact, threads, owners)
    return cross, isolated, pools.isolated[own]


def _of_pools(
    kernel: str,
    pools: BoundPools,
    due: _core.Decisions,
    class_of: npt.NDArray[np.uint32] | None,
    ranges: tuple[Ints, Ints, Ints],
    movement: Movement,
    exact: bool,
    threads: int,
    owners: Ints,
) -> RootFigures:
    figures = RootFigures.empty(len(owners))
    unsolvable, passes, walks = _core.pool_roots(
        kernel,
        pools.pools,
        pools.market,
        due,
        class_of,
        *ranges,
        _row_weights(kernel, pools, movement),
        movement.base,
        movement.scale,
        movement.reach,
        exact,
        figures.below,
        figures.above,
        figures.reason,
        figures.unpriced,
        threads,
    )
    if unsolvable >= 0:
        _check_solved(int(owners[unsolvable]), pools.accounts.ids)
    return replace(figures, passes=passes, walks=walks)


def _row_weights(kernel: str, pools: BoundPools, movement: Movement) -> Floats:
    """Return float64[rows]: assets by themselves, in multi-assets mode, symbols.

    A pool of one asset is in units of it: the asset's price does not move it.
    """
    symbols = pools.accounts.symbols
    weights = np.zeros(pools.pools.n_rows)
    n = (len(weights) - len(symbols)) // 2
    first = 0 if kernel == "portfolio" else n
    weights[first : first + len(pools.assets)] = movement.weights(pools.assets)
    weights[2 * n :] = movement.weights(symbols)
    return weights


def _check_solved(number: int, ids: npt.NDArray[Any]) -> None:
    if number >= 0:
        raise MarginError(
            "the moved names must act on one another in a way that can be solved: an account of "
            "several COIN-M coins needs each contract to move in proportion with its coin "
            f"(account {ids[number:].tolist()[0]!r})"
        )

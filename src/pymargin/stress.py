"""Stress grids: every account under many price vectors at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin.account_modes import may_be_cross_margin
from pymargin.book import check_book
from pymargin.errors import PricesError
from pymargin.evaluation import BoundMode, Missing, check_rules_given
from pymargin.filling import check_threads
from pymargin.grids import GridArrays
from pymargin.known_names import unknown_names
from pymargin.levels import bind_modes, joint_methodology
from pymargin.modes import Action, Mode
from pymargin.prices import Prices, PriceSource, resolve, resolve_marks
from pymargin.provenance import Provenance
from pymargin.rules import MarginRules
from pymargin.shocks import Scenarios, Shocks, read_shocks
from pymargin.tabular import Tabular
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["Shocks", "Stress", "stress"]

_N_FLAGS = 16
_CROSS = (Mode.CROSS_CLASSIC, Mode.CROSS_PRO)
_CACHE_LINE = 64
_OF_GRID = ("level", "actions")
_OF_BOOK = ("worst_level", "worst_shock", "action_counts", "shortfall")


@dataclass(frozen=True, slots=True, eq=False)
class Stress(Tabular):
    """Levels and actions of n accounts under m shocks; None where ``fields`` left a result out.

    As a table: the worst level of each account; the n x m grids are arrays.

    Parameters
    ----------
    level
        float64[n, m]: the margin level of each account's mode; None with ``worst=True``.
    actions
        uint16[n, m] of `Action` bits; None with ``worst=True``.
    worst_level
        float64[n]: the least level over the shocks; NaN where UNPRICED.
    worst_shock
        int32[n]: the first shock that gives it; -1 where UNPRICED.
    action_counts
        Action to int64[m]: how many accounts have it under each shock.
    shortfall
        float64[m], USDT: what the accounts due for liquidation lack of their liquidation
        threshold, summed: theta * D - N; of futures pool by pool, isolated positions that are due
        among them (one whose settlement asset has no price is left out).
    prices
        float64[m, n_names]: what the shocks made of the prices: index prices of assets in USDT,
        then, where positions count, mark prices of symbols.
    names
        The columns of ``prices``: the book's assets, then its symbols.
    provenance
        The rules' digest and moment, the formula, the version.
    further_levels
        Name to float64[n, m]: the levels beside ``level`` that ``fields`` asked for by name.
    """

    ids: npt.NDArray[Any]
    level: npt.NDArray[np.float64] | None
    actions: npt.NDArray[np.uint16] | None
    worst_level: npt.NDArray[np.float64] | None
    worst_shock: npt.NDArray[np.int32] | None
    action_counts: Mapping[Action, npt.NDArray[np.int64]] | None
    shortfall: npt.NDArray[np.float64] | None
    prices: npt.NDArray[np.float64]
    provenance: Provenance
    further_levels: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    _prices_of: Callable[[int], Prices] | None = None

    def prices_at(self, shock: int) -> Prices:
        """Return the prices of one shock: a single evaluation at them has the grid's bits."""
        if self._prices_of is None or not -len(self) <= shock < len(self):
            raise IndexError(f"shock must be one of {len(self):,}, not {shock}")
        return self._prices_of(shock % len(self))

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return what there is one figure an account of; the grids are left to their arrays."""
        found = {"worst_level": self.worst_level, "worst_shock": self.worst_shock}
        return {name: values for name, values in found.items() if values is not None}

    def __len__(self) -> int:
        return len(self.prices)

    @property
    def fields(self) -> tuple[str, ...]:
        """The results that were asked for."""
        own = (name for name in (*_OF_GRID, *_OF_BOOK) if getattr(self, name) is not None)
        return (*own, *self.further_levels)


def stress(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    shocks: Shocks,
    *,
    worst: bool = False,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: Stress | None = None,
    threads: int = 1,
) -> Stress:
    """Evaluate every account under every shock.

    A shocked price is the float64 product of price and factor, taken as its shortest decimal;
    every level has the bits, and every decision the exactness, of a single evaluation there
    (at `Stress.prices_at`). Under futures and portfolio margin the names are assets and symbols:
    each moves itself, an asset's bid and ask rates go with its index price.

    Parameters
    ----------
    accounts, prices, rules, leverage, missing, threads
        As in `pymargin.cross_classic`.
    shocks
        float64[m]: factors on every price, index and mark, but that of USDT and of
        ``rules.stable``; or m mappings of name, an asset or a symbol, to factor, of the book or
        the prices; or
        float64[m, n_names]: whole price vectors, in the order of ``accounts.assets``, then (where
        positions count) of ``accounts.symbols``. An asset that only contracts are settled in, and
        nobody holds, keeps its price in the last of these.
    worst
        Keep only each account's worst level: no n x m array is made.
    mode
        Evaluate every account under this mode; each under its own where absent.
    fields
        Which results to compute, where not all: of ``level, actions, worst_level, worst_shock,
        action_counts, shortfall``, and by name whatever further level all modes concerned have,
        such as ``collateral_margin_level`` with ``mode="cross_classic"`` or ``available_balance``
        with ``mode="usdm"``. What is not asked for takes neither time nor memory.
    out
        An earlier result for as many accounts and shocks, whose arrays are filled again and which
        is returned.

    Returns
    -------
    Stress

    Raises
    ------
    PricesError
        A factor or shocked price is negative, not finite or out of range (in COIN-M a mark price
        of 0 too), a name is neither of the book nor of the prices, or the shapes differ.
    ValueError
        A field is unknown, or ``out`` is of another size or has other fields.
    UnpricedError, AccountsError, RulesError
        As in `pymargin.evaluate`.
    """
    check_threads(threads)
    check_book(accounts)
    check_rules_given(rules)
    known = tuple(Mode)
    if mode is not None and mode not in known:
        raise ValueError(f"mode must be one of {[one.value for one in known]}, not {mode!r}")
    price, names = resolve(prices, accounts.assets), accounts.assets
    if _reads_positions(accounts, mode):
        price = np.concatenate([price, resolve_marks(prices, accounts.symbols)])
        names += accounts.symbols
    scenarios = read_shocks(rules, shocks, names, len(accounts.assets))
    _check_names(scenarios, accounts, prices, rules)
    parts = bind_modes(accounts, prices, rules, leverage=leverage, missing=missing, mode=mode)
    shape = (len(accounts), len(scenarios))
    if out is None:
        arrays = _empty(_wanted(fields, [bound for _, bound in parts], worst=worst), *shape)
    else:
        _check_out(out, fields, *shape, worst=worst)
        arrays = {name: getattr(out, name) for name in (*_OF_GRID, *_OF_BOOK, "further_levels")}
    result = Stress(
        ids=accounts.ids,
        prices=scenarios.of(names, price),
        names=names,
        provenance=Provenance.of(rules, joint_methodology(parts)),
        **arrays,
        _prices_of=partial(scenarios.prices_at, base=prices, assets=accounts.assets),
    )
    for totals in (result.shortfall, *(result.action_counts or {}).values()):
        if totals is not None:
            totals.fill(0)
    for positions, bound in parts:
        _fill(result, positions, bound, scenarios, threads)
    if out is None:
        return result
    for name in Stress.__slots__:
        object.__setattr__(out, name, getattr(result, name))
    return out


def _wanted(
    fields: Collection[str] | None, parts: Sequence[BoundMode], *, worst: bool
) -> tuple[str, ...]:
    """Return the names of the results to compute."""
    if fields is None:
        return _OF_BOOK if worst else (*_OF_GRID, *_OF_BOOK)
    known = [*_OF_GRID, *_OF_BOOK]
    if parts:
        shared = set.intersection(*(set(bound.grid_levels[1:]) for bound in parts))
        known += [name for name in parts[0].grid_levels if name in shared]
    if isinstance(fields, str) or not set(fields) <= set(known):
        raise ValueError(f"fields must be among {known}, not {fields!r}")
    if worst and not set(fields) <= set(_OF_BOOK):
        raise ValueError(f"fields must be among {list(_OF_BOOK)} with worst=True, not {fields!r}")
    return tuple(name for name in known if name in fields)


def _empty(names: Collection[str], n: int, m: int) -> dict[str, Any]:
    """Return new arrays for the results named, None for the others."""
    counts = {action: np.empty(m, np.int64) for action in Action}
    further = [name for name in names if name not in (*_OF_GRID, *_OF_BOOK)]
    return {
        "level": _lines(n, m, np.float64) if "level" in names else None,
        "actions": _lines(n, m, np.uint16) if "actions" in names else None,
        "worst_level": np.empty(n) if "worst_level" in names else None,
        "worst_shock": np.empty(n, np.int32) if "worst_shock" in names else None,
        "action_counts": counts if "action_counts" in names else None,
        "shortfall": np.empty(m) if "shortfall" in names else None,
        "further_levels": {name: _lines(n, m, np.float64) for name in further},
    }


def _lines(n: int, m: int, kind: type[np.generic]) -> npt.NDArray[Any]:
    """Return an n x m array that begins at a cache line: writing it takes fewer of them."""
    size = n * m * np.dtype(kind).itemsize
    raw = np.empty(size + _CACHE_LINE, np.uint8)
    first = -raw.ctypes.data % _CACHE_LINE
    return raw[first : first + size].view(kind).reshape(n, m)


def _check_out(out: Stress, fields: Collection[str] | None, n: int, m: int, *, worst: bool) -> None:
    if not isinstance(out, Stress):
        raise ValueError(f"out must be a Stress, not {type(out).__name__}")
    if (len(out.ids), len(out)) != (n, m):
        raise ValueError(
            f"out must be of {counted(n, 'account')} and {counted(m, 'shock')}, not of "
            f"{len(out.ids):,} and {len(out):,}"
        )
    wanted = set(_OF_BOOK if worst else out.fields) if fields is None else set(fields)
    if wanted != set(out.fields):
        raise ValueError(f"fields must be those of out, {list(out.fields)}, not {sorted(wanted)}")


def _fill(
    result: Stress,
    positions: npt.NDArray[np.int64] | None,
    bound: BoundMode,
    scenarios: Scenarios,
    threads: int,
) -> None:
    """Evaluate the accounts of one mode and add them to the result."""
    n, m = len(bound.accounts), len(scenarios)
    named: dict[str, npt.NDArray[Any] | None] = {
        bound.level_name: result.level,
        **result.further_levels,
        "actions": result.actions,
        "worst_level": result.worst_level,
        "worst_shock": result.worst_shock,
    }
    wholes = {name: values for name, values in named.items() if values is not None}
    arrays = wholes
    if positions is not None:
        arrays = {name: np.empty((n, *x.shape[1:]), x.dtype) for name, x in wholes.items()}
    counts = None if result.action_counts is None else np.empty((m, _N_FLAGS), np.int64)
    shortfall = None if result.shortfall is None else np.empty(m)
    grid = GridArrays.of(arrays, bound.grid_levels, counts, shortfall, n)
    bound.run_grid(scenarios, grid, threads)
    if result.shortfall is not None and shortfall is not None:
        result.shortfall[:] += shortfall
    if result.action_counts is not None and counts is not None:
        for action, total in result.action_counts.items():
            total += counts[:, action.value.bit_length() - 1]
    if positions is not None:
        for name, values in arrays.items():
            wholes[name][positions] = values


def _check_names(
    scenarios: Scenarios, accounts: Accounts, prices: PriceSource, rules: MarginRules
) -> None:
    places = (
        (f"shocks[{k}]", name)
        for k, row in enumerate(scenarios.rows)
        if isinstance(row, Mapping)
        for name in row
    )
    if problems := unknown_names(places, accounts, prices, rules):
        raise PricesError(problems)


def _reads_positions(accounts: Accounts, mode: Mode | str | None) -> bool:
    """Say whether some account is evaluated under a mode of positions."""
    if mode is not None:
        return mode not in _CROSS
    return not bool(may_be_cross_margin(accounts).all())

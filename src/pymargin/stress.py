"""Stress grids: every account under many price vectors at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.book import book_of
from pymargin.errors import PricesError, Problem
from pymargin.evaluation import Evaluation, Missing
from pymargin.levels import bind_modes, check_threads, joint_methodology
from pymargin.modes import Action, Mode
from pymargin.prices import LARGEST, SMALLEST, PriceSource, resolve
from pymargin.rules import MarginRules

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["Shocks", "Stress", "stress"]

Shocks: TypeAlias = Sequence[float] | Sequence[Mapping[str, float]] | npt.NDArray[Any]

_N_FLAGS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Stress:
    """Levels and actions of n accounts under m shocks.

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
        threshold, summed: theta * D - N.
    prices
        float64[m, n_assets], USDT: what the shocks made of the prices.
    """

    ids: npt.NDArray[Any]
    level: npt.NDArray[np.float64] | None
    actions: npt.NDArray[np.uint16] | None
    worst_level: npt.NDArray[np.float64]
    worst_shock: npt.NDArray[np.int32]
    action_counts: Mapping[Action, npt.NDArray[np.int64]]
    shortfall: npt.NDArray[np.float64]
    prices: npt.NDArray[np.float64]
    rules_digest: str
    methodology: str

    def __len__(self) -> int:
        return len(self.shortfall)


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
    threads: int = 1,
) -> Stress:
    """Evaluate every account under every shock.

    A shocked price is the float64 product of price and factor, taken as its shortest decimal;
    every level has the bits, and every decision the exactness, of a single evaluation there.

    Parameters
    ----------
    accounts, prices, rules, leverage, missing, threads
        As in `pymargin.cross_classic`.
    shocks
        float64[m]: factors on every price but that of USDT and of ``rules.stable``; or m mappings
        of name to factor; or float64[m, n_assets]: whole price vectors in the order of
        ``accounts.assets``.
    worst
        Keep only each account's worst level: no n x m array is made.
    mode
        Evaluate every account under this mode; each under its own where absent.

    Returns
    -------
    Stress

    Raises
    ------
    PricesError
        A factor or shocked price is negative, not finite or out of range, or the shapes differ.
    UnpricedError, AccountsError, RulesError
        As in `pymargin.evaluate`.
    """
    check_threads(threads)
    price = resolve(prices, accounts.assets)
    scenarios = _scenarios(price, accounts.assets, rules, shocks)
    parts = bind_modes(accounts, price, rules, leverage=leverage, missing=missing, mode=mode)
    n, m = len(accounts), len(scenarios)
    result = Stress(
        ids=accounts.ids,
        level=None if worst else np.empty((n, m)),
        actions=None if worst else np.empty((n, m), np.uint16),
        worst_level=np.empty(n),
        worst_shock=np.empty(n, np.int32),
        action_counts={action: np.zeros(m, np.int64) for action in Action},
        shortfall=np.zeros(m),
        prices=scenarios,
        rules_digest=rules.digest,
        methodology=joint_methodology(parts),
    )
    for positions, bound in parts:
        _fill(result, positions, bound, scenarios, threads)
    return result


def _fill(
    result: Stress,
    positions: npt.NDArray[np.int64] | None,
    bound: Evaluation,
    scenarios: npt.NDArray[np.float64],
    threads: int,
) -> None:
    """Evaluate the accounts of one mode and add them to the result."""
    n, m = len(bound.accounts), len(scenarios)
    whole = positions is None
    level = result.level if whole or result.level is None else np.empty((n, m))
    actions = result.actions if whole or result.actions is None else np.empty((n, m), np.uint16)
    worst_level = result.worst_level if whole else np.empty(n)
    worst_shock = result.worst_shock if whole else np.empty(n, np.int32)
    counts = np.zeros((m, _N_FLAGS), np.int64)
    shortfall = np.zeros(m)
    _core.evaluate_grid(
        bound.kernel,
        book_of(bound.accounts),
        bound.schedules,
        bound.price,
        bound.schedule_ids,
        bound.gaps,
        bound.decisions,
        bound.class_of,
        scenarios,
        bound.liquidation_test,
        level,
        actions,
        worst_level,
        worst_shock,
        counts,
        shortfall,
        threads,
    )
    result.shortfall[:] += shortfall
    for action, total in result.action_counts.items():
        total += counts[:, action.value.bit_length() - 1]
    if positions is not None:
        result.worst_level[positions] = worst_level
        result.worst_shock[positions] = worst_shock
        for whole_grid, part in ((result.level, level), (result.actions, actions)):
            if whole_grid is not None and part is not None:
                whole_grid[positions] = part


def _scenarios(
    price: npt.NDArray[np.float64], names: Sequence[str], rules: MarginRules, shocks: Shocks
) -> npt.NDArray[np.float64]:
    """Return float64[m, n_assets] of shocked prices; NaN where the price is missing."""
    if isinstance(shocks, np.ndarray) and (shocks.dtype == bool or shocks.ndim not in (1, 2)):
        found = f"{shocks.dtype} of shape {shocks.shape}"
        raise PricesError([Problem("shocks", "shape", found, "numbers in one or two dimensions")])
    if isinstance(shocks, np.ndarray) and shocks.ndim == 2:
        if shocks.shape[1] != len(names):
            raise PricesError(
                [Problem("shocks", "shape", shocks.shape, f"of shape (n_shocks, {len(names)})")]
            )
        scenarios = np.array(shocks, dtype=np.float64, order="C")
        # A price that is missing today cannot be evaluated under any shock.
        scenarios[:, np.isnan(price)] = np.nan
    else:
        scenarios = np.multiply(_factors(names, rules, shocks), price)
    if not len(scenarios):
        raise PricesError("shocks must hold at least one shock")
    wanted = scenarios[:, ~np.isnan(price)]
    bad = ~((wanted == 0) | ((wanted >= SMALLEST) & (wanted <= LARGEST)))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        name = np.asarray(names, dtype=object)[~np.isnan(price)][column]
        rule = f"0 or from {SMALLEST:g} to {LARGEST:g}"
        raise PricesError(
            [Problem(f"the price of {name} under shock {row}", "range", wanted[row, column], rule)]
        )
    return scenarios


def _factors(names: Sequence[str], rules: MarginRules, shocks: Shocks) -> npt.NDArray[np.float64]:
    """Return float64[m, n_assets] of factors."""
    if isinstance(shocks, str) or not isinstance(shocks, Sequence | np.ndarray):
        raise PricesError(
            "shocks must be a sequence of factors, a list of mappings of name to factor, or an "
            f"array of prices of shape (n_shocks, n_names), not {shocks!r:.80}"
        )
    rows = list(shocks)
    if len({isinstance(row, Mapping) for row in rows}) > 1:
        raise PricesError("shocks must be all factors or all mappings, not both")
    number = {name: k for k, name in enumerate(names)}
    is_fixed = np.array([name == "USDT" or name in rules.stable for name in names], dtype=bool)
    factors = np.ones((len(rows), len(names)))
    for k, row in enumerate(rows):
        if isinstance(row, Mapping):
            for name, factor in row.items():
                checked = _factor(f"shocks[{k}][{name!r}]", factor)
                if name in number:
                    factors[k, number[name]] = checked
        else:
            factors[k, ~is_fixed] = _factor(f"shocks[{k}]", row)
    return factors


def _factor(place: str, factor: object) -> float:
    if isinstance(factor, bool | np.bool_) or not isinstance(factor, Real):
        raise PricesError([Problem(place, "factor", factor, "a factor such as 0.9")])
    return float(factor)

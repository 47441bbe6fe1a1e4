"""Levels of USDⓈ-M and COIN-M futures accounts: `usdm` and `coinm`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.errors import RulesError
from pymargin.evaluation import Missing, methodology_of, thresholds_of
from pymargin.filling import arrays_for, check_threads, into
from pymargin.grids import GridArrays
from pymargin.modes import Action, Mode
from pymargin.ordering import mode_keys
from pymargin.pools import BoundPools, bind_pools
from pymargin.prices import PriceSource
from pymargin.provenance import Provenance
from pymargin.results import FuturesLevels, PositionLevels
from pymargin.rules import MarginRules, ModeThresholds
from pymargin.shocks import Scenarios
from pymargin.tables import PoolActions, compile_decisions

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["FuturesEvaluation", "bind_futures", "coinm", "usdm"]

Floats = npt.NDArray[np.float64]

_LEVELS = ("margin_level", "available_balance")
_TOTALS = ("margin_balance", "unrealized_pnl", "maintenance_margin", "initial_margin")
_AMOUNTS = ("available_balance", *_TOTALS)
_UNPRICED = np.uint16(Action.UNPRICED)


@dataclass(frozen=True, eq=False)
class FuturesEvaluation:
    """A book's futures pools, prices and thresholds, ready to run.

    Parameters
    ----------
    bound
        The pools.
    thresholds
        Lines on the margin level of a pool, grants by its available balance.
    """

    bound: BoundPools
    rules: MarginRules
    thresholds: ModeThresholds
    methodology: str

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it was bound from: the core's own tables are made again."""
        return _bound_again, self.bound.origin()

    @property
    def accounts(self) -> Accounts:
        """The book."""
        return self.bound.accounts

    @property
    def level_name(self) -> str:
        """The level that lines decide on."""
        return "margin_level"

    @cached_property
    def _actions(self) -> PoolActions:
        return PoolActions(self.thresholds)

    @cached_property
    def _decisions(self) -> _core.Decisions:
        return compile_decisions(self.thresholds, _LEVELS, [(0, nan)], as_codes=True)

    @property
    def grid_levels(self) -> tuple[str, ...]:
        """What a stress grid can hold: the level, and amounts in USDT."""
        return _LEVELS

    def run_grid(self, scenarios: Scenarios, grid: GridArrays, threads: int) -> None:
        """Evaluate every account under scenarios."""
        decisions = compile_decisions(self.thresholds, _LEVELS, [(0, nan)])
        self.bound.run_grid("futures", decisions, self.thresholds, None, scenarios, grid, threads)

    def run(self, arrays: Mapping[str, npt.NDArray[Any]], threads: int) -> None:
        """Fill the arrays of an account's fields."""
        if self.bound.pools.is_prepared and _core.implementation() != "generic":
            self._run_prepared(arrays, threads)
            return
        amounts = [name for name in arrays if name in _AMOUNTS]
        pooled = self.bound.pooled
        spare = pooled.take_arrays()
        pools = self._run_pools(amounts, threads, spare)
        _core.combine_pools(
            pooled.pools,
            pooled.is_isolated,
            self._unit,
            pools["margin_level"],
            [pools[name] for name in amounts],
            pools["codes"],
            *self._actions.arrays,
            arrays.get("margin_level"),
            arrays.get("margin_ratio"),
            [arrays[name] for name in amounts],
            arrays.get("actions"),
            threads,
        )
        pooled.give_back(spare)

    def _run_prepared(self, arrays: Mapping[str, npt.NDArray[Any]], threads: int) -> None:
        _core.evaluate_futures(
            self.bound.pools,
            self.bound.market,
            self._decisions,
            self._unit,
            *self._actions.arrays,
            [arrays.get(name) for name in _LEVELS],
            [arrays.get(name) for name in _TOTALS],
            arrays.get("margin_ratio"),
            arrays.get("actions"),
            threads,
        )

    @property
    def _unit(self) -> Floats:
        """float64[assets + 1]: USDT of one unit of each asset of the core's, and of USD."""
        unit = np.ones((self.bound.pools.n_rows - len(self.accounts.symbols)) // 2 + 1)
        unit[: len(self.bound.index)] = self.bound.index
        return unit

    def _run_pools(
        self,
        amounts: Collection[str],
        threads: int,
        spare: tuple[Floats, npt.NDArray[np.uint16]],
    ) -> dict[str, Any]:
        """Return float64[p] of the margin level and amounts, and uint16[p] codes of the lines."""
        pools: dict[str, Any] = {name: np.empty(self.bound.pools.n_pools) for name in amounts}
        pools["margin_level"], pools["codes"] = spare
        _core.evaluate_pools(
            "futures",
            self.bound.pools,
            self.bound.market,
            self._decisions,
            None,
            None,
            [pools.get(name) for name in _LEVELS],
            [pools.get(name) for name in _TOTALS],
            pools["codes"],
            threads,
        )
        return pools

    def of_pools(self, amounts: Collection[str], threads: int) -> Mapping[str, Floats]:
        """Return float64[p]: amounts of every pool, in units of its asset."""
        spare = self.bound.pooled.take_arrays()
        pools = self._run_pools(amounts, threads, spare)
        self.bound.pooled.give_back(spare)
        return {name: pools[name] for name in amounts}

    def over_pools(self, values: Floats) -> Floats:
        """Return float64[n], USDT: what an amount of each pool, isolated ones too, comes to."""
        amounts = values * self.bound.unit
        total = np.bincount(self.bound.account, weights=amounts, minlength=len(self.accounts))
        return total.astype(np.float64, copy=False)

    def positions(self) -> PositionLevels:
        """Return the figures of every position."""
        positions = self.accounts._positions
        m = 0 if positions is None else len(positions)
        names = ("notional", "unrealized_pnl", "maintenance_margin", "initial_margin")
        arrays: dict[str, npt.NDArray[Any]] = {name: np.empty(m) for name in names}
        _core.evaluate_positions(self.bound.pools, self.bound.market, *arrays.values())
        symbols = np.array(self.accounts.symbols, dtype=object)
        account = np.empty(0, dtype=np.int64)
        if positions is not None:
            account = np.repeat(np.arange(len(self.accounts)), np.diff(positions.offsets))
            symbols = symbols[positions.symbol_ids]
        return PositionLevels(
            account=account,
            symbols=symbols,
            **arrays,
            **self._isolated(account),
            provenance=Provenance.of(self.rules, self.methodology),
            accounts=self.accounts,
        )

    def _isolated(self, account: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """Return levels and actions of isolated positions, by position."""
        pools = self._run_pools(["margin_balance"], 1, self.bound.pooled.take_arrays())
        pool = np.flatnonzero(~self.bound.is_cross)
        position = self.bound.isolated[pool]
        balance, level = np.full((2, len(account)), nan)
        balance[position] = pools["margin_balance"][pool]
        level[position] = pools["margin_level"][pool]
        actions = np.zeros(len(account), dtype=np.uint16)
        codes = pools["codes"][pool]
        decided = self._actions.of_pools(codes & np.uint16(255))
        flags = codes & np.uint16(Action.UNPRICED | Action.BEYOND_TIERS)
        # What a pool grants is its account's to have: an isolated position is traded or liquidated.
        decided &= ~np.uint16(Action.TRANSFER_OUT)
        actions[position] = np.where(codes & _UNPRICED, codes & _UNPRICED, decided | flags)
        return {
            "margin_balance": balance,
            "margin_level": level,
            "margin_ratio": _margin_ratio(level),
            "actions": actions,
        }

    def liquidation_thresholds(self) -> Floats:
        """Return float64[n]: the level at or below which an account is liquidated."""
        return np.full(len(self.accounts), float(self._liquidation_limit))

    @property
    def _liquidation_limit(self) -> Fraction:
        for line in self.thresholds.lines:
            if "LIQUIDATE" in line.actions and line.level == "margin_level":
                return Fraction(line.at_most)  # type: ignore[arg-type]
        return Fraction(1)

    def exact_order_key(self, account: int) -> Fraction | float:
        """Return the account's margin level over its liquidation threshold, exactly."""
        mine = (self.bound.account == account) & self.bound.is_cross
        levels = [
            self.bound.exact_level("futures", pool, 0) for pool in np.flatnonzero(mine).tolist()
        ]
        return min(levels, default=inf) / (self._liquidation_limit or Fraction(1))


def _margin_ratio(level: Floats) -> Floats:
    """Return maintenance margin over margin balance: inf where that is 0 or less."""
    with np.errstate(divide="ignore"):
        return np.where(level <= 0, inf, 1 / level)


def usdm(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None = None,
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: FuturesLevels | None = None,
    threads: int = 1,
) -> FuturesLevels:
    """Evaluate every account under USDⓈ-M futures, whatever its own mode.

    margin level = margin balance / maintenance margin, the inverse of the exchange's margin ratio;
    margin balance = wallet balance + unrealised PnL at mark prices; maintenance margin =
    notional * rate - cum by the bracket of the notional, summed over the positions. Source: Binance
    FAQ "Leverage and Margin of USDⓈ-M Futures" (b3c689c1f50a44cabb3a84e663b81d93).

    An account has a pool for each settlement asset, or one in all in multi-assets mode, and one
    for each isolated position. Levels are those of its worst cross pool; totals are over its cross
    pools. Our readings: in multi-assets mode an asset whose wallet and profit together are negative
    counts at its ask rate; available balance = margin balance - initial margin (open orders are
    not known); the margin ratio is inf where the margin balance is 0 or less.

    Parameters
    ----------
    accounts
        n accounts; their wallets and positions are read, balances are not.
    prices
        A mapping of asset to index price and symbol to mark price, or a `Prices` (with bid and ask
        rates for multi-assets mode, the index price where absent).
    rules
        Brackets, contracts, thresholds.
    leverage
        For positions that state none; else the largest of the symbol's brackets, as which a larger
        one counts too (our readings: the exchange grants no more).
    missing
        ``"raise"``, or ``"flag"``: accounts with an asset without price are UNPRICED_ASSET, with a
        position without mark price, contract or brackets UNPRICED_DEBT, their figures NaN.
    fields, out, threads
        As in `cross_classic`.

    Returns
    -------
    FuturesLevels
        ``margin_level, margin_ratio`` float64[n]; ``margin_balance, maintenance_margin,
        unrealized_pnl, initial_margin, available_balance`` float64[n] in USDT; ``actions``
        uint16[n]; ``positions``, a `PositionLevels`.

    Raises
    ------
    PricesError
        A price is negative or not a number.
    UnpricedError
        What cannot be valued, each with how many hold it.
    RulesError
        The rules state no methodology or thresholds for the mode.

    Examples
    --------
    >>> import pymargin as pm
    >>> row = {"account": "a", "wallets": [{"asset": "USDT", "balance": 1000}], "positions": [
    ...     {"symbol": "BTCUSDT", "quantity": 0.1, "entry_price": 60000, "leverage": 10}]}
    >>> accounts = pm.Accounts.from_rows([row])
    >>> levels = pm.usdm(accounts, {"BTCUSDT": 55000}, pm.example_rules())
    >>> levels.margin_balance, levels.unrealized_pnl
    (array([500.]), array([-500.]))
    """
    return _futures(Mode.USDM, accounts, prices, rules, leverage, missing, fields, out, threads)


def coinm(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None = None,
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: FuturesLevels | None = None,
    threads: int = 1,
) -> FuturesLevels:
    """Evaluate every account under COIN-M futures, whatever its own mode.

    As `usdm`, in coin: a pool for each coin; notional = contracts * contract size / mark price,
    unrealised PnL = contracts * contract size * (1 / entry price - 1 / mark price), brackets in
    units of the coin. Source: Binance FAQ "Leverage and Margin of COIN-M Futures"
    (ceccfcfb4e3a45e3b48b0b1bb1a8ae46).

    Parameters
    ----------
    accounts, prices, rules, leverage, missing, fields, out, threads
        As in `usdm`.

    Returns
    -------
    FuturesLevels
        As of `usdm`: totals in USDT at the coins' index prices, positions in coin.

    Raises
    ------
    PricesError, UnpricedError, RulesError
        As in `usdm`.
    """
    return _futures(Mode.COINM, accounts, prices, rules, leverage, missing, fields, out, threads)


def bind_futures(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None,
    missing: Missing,
    threads: int,
) -> FuturesEvaluation:
    """Bind a book, prices and rules under USDⓈ-M or COIN-M futures."""
    methodology = methodology_of(rules, mode)
    thresholds = thresholds_of(rules, mode)
    if any(limit.level == "available_balance" for limit in thresholds.lines) or any(
        grant.level == "available_balance" and grant.above for grant in thresholds.grants
    ):
        # Pools are in units of their assets: only the sign of an amount is the same in USDT.
        raise RulesError(f"thresholds.{mode}: available_balance must only be granted above 0")
    bound = bind_pools(
        mode, accounts, prices, rules, leverage=leverage, missing=missing, threads=threads
    )
    return FuturesEvaluation(bound, rules, thresholds, methodology)


def _bound_again(*origin: Any) -> FuturesEvaluation:
    mode, accounts, prices, rules, leverage = origin
    return bind_futures(mode, accounts, prices, rules, leverage=leverage, missing="flag", threads=1)


def _futures(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    leverage: int | None,
    missing: Missing,
    fields: Collection[str] | None,
    out: FuturesLevels | None,
    threads: int,
) -> FuturesLevels:
    check_threads(threads)
    evaluation = bind_futures(
        mode, accounts, prices, rules, leverage=leverage, missing=missing, threads=threads
    )
    arrays = arrays_for(FuturesLevels, len(accounts), fields, out)
    evaluation.run(arrays, threads)

    keys = partial(mode_keys, evaluation, threads, arrays.get("margin_level"), None)
    worst = (keys, evaluation.exact_order_key)
    result = FuturesLevels(accounts, rules, evaluation.methodology, arrays, worst)
    result._positions_of = evaluation.positions
    result._position_levels = None
    return into(out, result)

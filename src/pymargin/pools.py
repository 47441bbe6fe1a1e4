"""Wallets and positions of a book bound to rules and prices: pools, ready for the core."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.book import cached, check_book, prepare_if_regular
from pymargin.errors import AccountsError, Problem
from pymargin.grids import GridArrays
from pymargin.instruments import (
    NO_ASSET,
    InstrumentRows,
    Instruments,
    instruments_of,
    lacks_leverage,
    multi_assets_of,
)
from pymargin.leverages import check_position_leverage
from pymargin.modes import Mode
from pymargin.pool_gaps import loan_leverages, refuse_gaps
from pymargin.prices import Prices, PriceSource
from pymargin.rules import Contract, MarginRules, ModeThresholds
from pymargin.sections import no_positions, no_wallets
from pymargin.shocks import Scenarios
from pymargin.tables import decimal_pair

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["BoundPools", "bind_pools"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pooled:
    """The pools of a book under a mode's contracts, whatever the prices.

    Parameters
    ----------
    pools
        The core's.
    account, asset, isolated
        int64[p] of each pool: its account; its asset, the number of assets where its figures are
        in USD; the position that it is of, -1 where it is cross.
    is_isolated
        uint8[p]: whether a pool is of an isolated position.
    lacks_leverage
        bool[s]: symbols with a position whose leverage nobody states.
    """

    pools: _core.Pools
    account: npt.NDArray[np.int64]
    asset: npt.NDArray[np.int64]
    isolated: npt.NDArray[np.int64]
    is_isolated: npt.NDArray[np.uint8]
    lacks_leverage: npt.NDArray[np.bool_]
    _spare: list[tuple[Floats, npt.NDArray[np.uint16]]] = field(default_factory=list)

    def take_arrays(self) -> tuple[Floats, npt.NDArray[np.uint16]]:
        """Return float64[p] and uint16[p] to work in: fresh pages would cost as much as the work.

        Whoever takes them is alone with them until `give_back`.
        """
        try:
            return self._spare.pop()
        except IndexError:
            n_pools = len(self.account)
            return np.empty(n_pools), np.empty(n_pools, dtype=np.uint16)

    def give_back(self, arrays: tuple[Floats, npt.NDArray[np.uint16]]) -> None:
        """Keep arrays for the next to take; one pair is enough."""
        if not self._spare:
            self._spare.append(arrays)


@dataclass(frozen=True, eq=False)
class BoundPools:
    """The pools of a book under a mode, with prices: what the core evaluates.

    Parameters
    ----------
    pooled
        The pools.
    market
        The core's.
    rows
        The instruments that the pools' legs refer to.
    assets, index
        Assets that pools are in, and their index prices: USDT, NaN where missing.
    leverage
        That of positions which state none, where one was given.
    """

    mode: Mode
    accounts: Accounts
    pooled: Pooled
    market: _core.PoolMarket
    rows: InstrumentRows
    assets: tuple[str, ...]
    index: Floats
    leverage: int | None

    def origin(self) -> tuple[Mode, Accounts, Prices, MarginRules, int | None]:
        """Return what they were bound from."""
        return self.mode, self.accounts, self.rows.prices(), self.rows.rules, self.leverage

    @property
    def pools(self) -> _core.Pools:
        """The core's pools."""
        return self.pooled.pools

    @property
    def account(self) -> npt.NDArray[np.int64]:
        """int64[p]: the account of each pool."""
        return self.pooled.account

    @property
    def asset(self) -> npt.NDArray[np.int64]:
        """int64[p]: the asset of each pool."""
        return self.pooled.asset

    @property
    def isolated(self) -> npt.NDArray[np.int64]:
        """int64[p]: the position that each pool is of, -1 where it is cross."""
        return self.pooled.isolated

    @cached_property
    def unit(self) -> Floats:
        """float64[p]: USDT of one unit of each pool's figures."""
        return np.append(self.index, 1.0)[np.minimum(self.asset, len(self.index))]

    @cached_property
    def is_cross(self) -> npt.NDArray[np.bool_]:
        """bool[p]: the pools that are not of an isolated position."""
        return self.isolated < 0

    def run_grid(
        self,
        kernel: str,
        decisions: _core.Decisions,
        thresholds: ModeThresholds,
        class_of: npt.NDArray[np.uint32] | None,
        scenarios: Scenarios,
        grid: GridArrays,
        threads: int,
    ) -> None:
        """Evaluate every account under scenarios; thresholds are by account."""
        _core.evaluate_pool_grid(
            kernel,
            self.pools,
            self.market,
            decisions,
            len(thresholds.lines),
            class_of,
            *self.rows.scenarios(scenarios),
            _liquidation_test(thresholds),
            **grid.for_core(),
            threads=threads,
        )

    def exact_level(self, kernel: str, pool: int, level: int) -> Fraction | float:
        """Return a level of a pool exactly: an infinity where its denominator is 0."""
        above, below = _core.exact_pool_level(kernel, self.pools, self.market, pool, level)
        numerator, denominator = _fraction(*above), _fraction(*below)
        if denominator == 0:
            return inf if numerator >= 0 else -inf
        return numerator / denominator


def _liquidation_test(thresholds: ModeThresholds) -> int:
    """Return the number of the line that liquidates first as levels fall, -1 if there is none."""
    lines = [(x.at_most, -k) for k, x in enumerate(thresholds.lines) if "LIQUIDATE" in x.actions]
    return -max(lines)[1] if lines else -1


def _fraction(numerator: int, denominator: int, exponent: int) -> Fraction:
    return Fraction(numerator, denominator) * Fraction(10) ** exponent


def bind_pools(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None,
    missing: str,
    threads: int,
) -> BoundPools:
    """Bind what accounts hold under a mode of positions to rules and prices.

    Raises
    ------
    AccountsError
        An isolated position under a portfolio mode.
    PricesError, UnpricedError
        As in `pymargin.usdm`.
    """
    if missing not in ("raise", "flag"):
        raise ValueError(f"missing must be 'raise' or 'flag', not {missing!r}")
    check_position_leverage(leverage)
    check_book(accounts)
    is_portfolio = mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO)
    if is_portfolio:
        _refuse_isolated(mode, accounts)
    products = ("usdm", "coinm") if is_portfolio else (str(mode),)
    instruments = cached(
        accounts, f"instruments/{mode}", rules, lambda: instruments_of(accounts, rules, products)
    )
    key = (instruments, leverage, rules.loan_margin, rules.loan_leverage)
    pooled = cached(
        accounts,
        f"pools/{mode}",
        key,
        lambda: _pooled(mode, accounts, rules, instruments, leverage),
    )
    rows = InstrumentRows(mode, accounts, prices, rules, instruments, pooled.pools)
    gaps = rows.gaps(pooled.lacks_leverage)
    if missing == "raise":
        refuse_gaps(rows, gaps)
    market = rows.market(gaps)
    prepare_if_regular(
        accounts, f"pools/{mode}", pooled.pools, lambda: pooled.pools.prepare(market, threads)
    )
    return BoundPools(
        mode=mode,
        accounts=accounts,
        pooled=pooled,
        market=market,
        rows=rows,
        assets=instruments.assets,
        index=rows.index,
        leverage=leverage,
    )


def _refuse_isolated(mode: Mode, accounts: Accounts) -> None:
    problems = []
    positions = accounts._positions
    if positions is not None:
        for entry in np.flatnonzero(~np.isnan(positions.isolated_margin))[:1000].tolist():
            owner = int(np.searchsorted(positions.offsets, entry, side="right")) - 1
            where = f"positions[{entry - int(positions.offsets[owner])}].isolated_margin"
            margin = float(positions.isolated_margin[entry])
            expected = f"absent in {mode} (account {accounts._ids[owner]!r})"
            problems.append(Problem(where, "isolated", margin, expected))
    if problems:
        raise AccountsError(problems)


def _pooled(
    mode: Mode,
    accounts: Accounts,
    rules: MarginRules,
    instruments: Instruments,
    leverage: int | None,
) -> Pooled:
    n, in_one = len(accounts), mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO)
    wallets = accounts._wallets or no_wallets(n)
    positions = accounts._positions or no_positions(n)
    number = {asset: k for k, asset in enumerate(instruments.assets)}
    contracts = [one or Contract("usdm", NO_ASSET, NO_ASSET) for one in instruments.contracts]
    n_assets = len(instruments.assets) + (0 if instruments.assets else 1)
    multi = multi_assets_of(mode, accounts)
    pools = _core.Pools(
        _balances(accounts, in_one=in_one),
        loan_leverages(accounts, rules, in_one=in_one),
        [wallets.offsets, _ids(wallets.asset_ids), wallets.balance],
        [
            positions.offsets,
            _ids(positions.symbol_ids),
            positions.quantity,
            positions.entry_price,
            _position_leverages(positions.leverage, positions.symbol_ids, instruments, leverage),
            positions.isolated_margin,
        ],
        None if multi is None else multi.view(np.uint8),
        [
            np.array([number[one.settlement_asset] for one in contracts], dtype=np.uint32),
            np.array([float(one.contract_size) for one in contracts]),
            np.array([one.product == "coinm" for one in contracts], dtype=np.uint8),
        ],
        [
            (one, *decimal_pair(margin.maintenance_rate))
            for one, margin in rules.loan_margin.items()
        ],
        np.ascontiguousarray(accounts._open_order_loss),
        _orders(accounts) if in_one else [],
        n_assets,
        in_one,
    )
    account, asset, isolated = pools.keys()
    is_isolated = (isolated >= 0).view(np.uint8)
    lacks = lacks_leverage(accounts, instruments, leverage)
    return Pooled(pools, account, asset, isolated, is_isolated, lacks)


def _ids(ids: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(ids, dtype=np.uint32)


def _balances(accounts: Accounts, *, in_one: bool) -> list[npt.NDArray[Any]]:
    """Return the balances, which futures accounts are not asked for."""
    if not in_one:
        none = np.empty(0)
        offsets = np.zeros(len(accounts) + 1, dtype=np.int64)
        return [offsets, np.empty(0, dtype=np.uint32), none, none, none, none]
    return [
        accounts._offsets,
        _ids(accounts._asset_ids),
        accounts._free,
        accounts._locked,
        accounts._borrowed,
        accounts._interest,
    ]


def _orders(accounts: Accounts) -> list[npt.NDArray[Any]]:
    return [
        accounts._order_offsets,
        _ids(accounts._order_give_ids),
        _ids(accounts._order_get_ids),
        np.ascontiguousarray(accounts._order_give_quantity),
        np.ascontiguousarray(accounts._order_get_quantity),
    ]


def _position_leverages(
    own: Floats, symbol_ids: npt.NDArray[Any], instruments: Instruments, leverage: int | None
) -> Floats:
    """Return each position's own leverage, else the one given, and no more than its symbol's."""
    largest = np.array([inf if one is None else float(one) for one in instruments.leverages])
    stated = own if leverage is None else np.where(own > 0, own, float(leverage))
    found: Floats = np.minimum(np.where(stated > 0, stated, inf), largest[symbol_ids])
    # A leverage that nobody states is a gap: any stands in for it.
    found[np.isinf(found)] = 1
    return found

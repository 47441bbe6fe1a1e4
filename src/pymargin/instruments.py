"""The instruments of a book under rules and prices: the rows that pools' legs refer to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import nan
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.errors import PricesError, Problem, RulesError
from pymargin.modes import Action, Mode
from pymargin.prices import Prices, PriceSource, resolve, resolve_marks, resolve_rates
from pymargin.rules import Contract, MarginRules
from pymargin.shocks import Scenarios
from pymargin.tables import compile_tables

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = [
    "NO_ASSET",
    "InstrumentRows",
    "Instruments",
    "instruments_of",
    "lacks_leverage",
    "multi_assets_of",
]

NO_ASSET = "\0"
"""What a symbol without a contract is settled in: it is a gap, its settlement is none."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the positions and wallets of a book stand on under some rules.

    Parameters
    ----------
    assets
        The book's assets, then those that only its contracts are settled in.
    contracts
        Per symbol; None where neither the rules nor the name tell it, or the mode has no such
        product.
    leverages
        Per symbol: the largest of its brackets; None where they state none.
    """

    assets: tuple[str, ...]
    contracts: tuple[Contract | None, ...]
    leverages: tuple[Decimal | None, ...]


def instruments_of(
    accounts: Accounts, rules: MarginRules, products: tuple[str, ...]
) -> Instruments:
    """Return what a book's wallets and positions stand on; contracts of the products only."""
    contracts, leverages = [], []
    for symbol in accounts.symbols:
        contract = _contract(rules, symbol, products)
        tiers = rules.find(contract.product, symbol) if contract else None
        contracts.append(contract)
        leverages.append(tiers[0].leverage if tiers else None)
    settled = (contract.settlement_asset if contract else NO_ASSET for contract in contracts)
    assets = tuple(dict.fromkeys((*accounts.assets, *settled)))
    return Instruments(assets, tuple(contracts), tuple(leverages))


def _contract(rules: MarginRules, symbol: str, products: tuple[str, ...]) -> Contract | None:
    try:
        contract = rules.contract(symbol)
    except RulesError:
        return None
    return contract if contract.product in products else None


def lacks_leverage(
    accounts: Accounts, instruments: Instruments, leverage: int | None
) -> npt.NDArray[np.bool_]:
    """bool[s]: some position states no leverage, and the symbol's brackets none either."""
    lacks = np.zeros(len(accounts.symbols), dtype=bool)
    positions = accounts._positions
    if positions is not None and leverage is None:
        lacks[positions.symbol_ids[positions.leverage == 0]] = True
        lacks &= np.array([one is None for one in instruments.leverages])
    return lacks


def multi_assets_of(mode: Mode, accounts: Accounts) -> npt.NDArray[np.bool_] | None:
    """Return bool[n], None where no account is in multi-assets mode: a mode of USDⓈ-M alone."""
    return accounts._multi_assets if mode is Mode.USDM else None


class InstrumentRows:
    """The table of instruments: assets by themselves, assets in multi-assets mode, symbols."""

    def __init__(
        self,
        mode: Mode,
        accounts: Accounts,
        prices: PriceSource,
        rules: MarginRules,
        instruments: Instruments,
        pools: _core.Pools,
    ) -> None:
        self.mode = mode
        self.accounts = accounts
        self.rules = rules
        self.instruments = instruments
        self.pools = pools
        self.is_portfolio = mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO)
        self.compiled = compile_tables(rules)
        assets = instruments.assets
        self.index = _index_prices(prices, assets, len(accounts.assets))
        self.bid, self.ask = self.index, self.index
        if multi_assets_of(mode, accounts) is not None:
            self.bid, self.ask = _rates(prices, assets, self.index)
        self.mark = resolve_marks(prices, accounts.symbols)
        self.size = np.array(
            [float(c.contract_size) if c and c.product == "coinm" else 0.0 for c in self.contracts]
        )
        # One over a price of 0 is no number.
        self.mark = np.where((self.size > 0) & (self.mark == 0), nan, self.mark)

    @property
    def contracts(self) -> tuple[Contract | None, ...]:
        """Per symbol; None where it is not known."""
        return self.instruments.contracts

    def prices(self) -> Prices:
        """Return the prices that the rows have, by name."""
        assets = self.instruments.assets
        index, bid, ask = (
            dict(zip(assets, one.tolist(), strict=True)) for one in (self.index, self.bid, self.ask)
        )
        mark = dict(zip(self.accounts.symbols, self.mark.tolist(), strict=True))
        return Prices(index=index, mark=mark, bid=bid, ask=ask)

    def asset_schedules(self) -> npt.NDArray[np.int32]:
        """int32[a]: the collateral schedules of portfolio margin; 1 throughout in futures."""
        if self.is_portfolio:
            table = (str(self.mode),)
            return self.compiled.schedule_ids(table, self.instruments.assets).reshape(-1)
        return np.full(len(self.instruments.assets), self.compiled.whole, dtype=np.int32)

    def symbol_schedules(self) -> npt.NDArray[np.int32]:
        """int32[s]: the brackets of each symbol, -1 where there are none."""
        numbers = self.compiled.numbers
        found = [
            numbers[contract.product].get(symbol, -1) if contract else -1
            for symbol, contract in zip(self.accounts.symbols, self.contracts, strict=True)
        ]
        return np.array(found, dtype=np.int32)

    def gaps(self, lacks_leverage: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
        """Return uint16[rows] of `Action` bits where a leg cannot be valued."""
        debt, asset = np.uint16(Action.UNPRICED_DEBT), np.uint16(Action.UNPRICED_ASSET)
        n = self.n_assets
        gaps = np.zeros(2 * n + len(self.accounts.symbols), dtype=np.uint16)
        assets = len(self.instruments.assets)
        unpriced = np.isnan(self.index)
        if self.is_portfolio:
            gaps[:assets][unpriced | (self.asset_schedules() < 0)] |= asset
            gaps[:assets][unpriced] |= debt
        # A pool of one asset is valued without the asset's price; only its account's totals are
        # not, see FuturesEvaluation.
        gaps[n : n + assets][np.isnan(self.bid) | np.isnan(self.ask)] |= asset
        gaps[2 * n :][np.isnan(self.mark) | (self.symbol_schedules() < 0)] |= debt
        gaps[2 * n :][lacks_leverage] |= debt
        return gaps

    @property
    def n_assets(self) -> int:
        """How many asset rows the core has; one at least."""
        return (self.pools.n_rows - len(self.accounts.symbols)) // 2

    def market(self, gaps: npt.NDArray[np.uint16]) -> _core.PoolMarket:
        """Lay the rows out for the core."""
        has_gaps = gaps.any() or self.pools.has_gaps
        n, assets = self.n_assets, len(self.instruments.assets)
        given, weight = self._laid_out(self.index, self.bid, self.ask, self.mark)
        price = given.copy()
        size = np.zeros(self.pools.n_rows)
        schedules = np.full(self.pools.n_rows, -1, dtype=np.int32)
        schedules[:assets] = schedules[n : n + assets] = self.asset_schedules()
        inverse = self.size > 0
        price[2 * n :][inverse] = self.size[inverse] / self.mark[inverse]
        given[2 * n :] = np.where(np.isnan(self.mark), 0, self.mark)
        size[2 * n :] = self.size
        schedules[2 * n :] = self.symbol_schedules()
        return _core.PoolMarket(
            self.pools,
            self.compiled.schedules,
            price,
            weight,
            given,
            size,
            schedules,
            gaps if has_gaps else None,
        )

    def _laid_out(
        self, index: Floats, bid: Floats, ask: Floats, mark: Floats
    ) -> tuple[Floats, Floats]:
        """Return prices as given, and weights, of all rows; each [..., rows]."""
        n, assets = self.n_assets, len(self.instruments.assets)
        given, weight = np.zeros((2, *index.shape[:-1], self.pools.n_rows))
        single = index if self.is_portfolio else 1.0
        given[..., :assets] = weight[..., :assets] = single
        given[..., n : n + assets] = bid
        weight[..., n : n + assets] = ask
        given[..., 2 * n :] = mark
        weight[..., 2 * n :] = -1
        return given, weight

    def scenarios(self, scenarios: Scenarios) -> tuple[Floats, Floats, Floats]:
        """Return what the core takes of m scenarios.

        Returns
        -------
        tuple
            Of float64[m, rows], prices as given; float64[m, 2 n_assets], weights of assets;
            float64[m, n_assets + 1], USDT of a unit of each asset and of one USD.

        Raises
        ------
        PricesError
            A shocked price is out of range, or 0 where one is divided by it.
        """
        assets, symbols = self.instruments.assets, self.accounts.symbols
        index = scenarios.of(assets, self.index)
        mark = scenarios.of(symbols, self.mark)
        _refuse_zero_marks(symbols, mark[:, self.size > 0], self.size > 0)
        given, weight = self._laid_out(
            index,
            scenarios.of_rates(assets, self.bid, self.index),
            scenarios.of_rates(assets, self.ask, self.index),
            mark,
        )
        units = np.ones((len(scenarios), self.n_assets + 1))
        units[:, : len(assets)] = index
        return given, np.ascontiguousarray(weight[:, : 2 * self.n_assets]), units


def _refuse_zero_marks(
    symbols: tuple[str, ...], marks: Floats, is_inverse: npt.NDArray[np.bool_]
) -> None:
    zeros = np.argwhere(marks == 0)
    if len(zeros):
        shock, column = zeros[0].tolist()
        symbol = symbols[int(np.flatnonzero(is_inverse)[column])]
        where = f"the price of {symbol} under shock {shock}"
        raise PricesError(
            [Problem(where, "range", 0.0, "above 0: its contracts go with 1 / price")]
        )


def _index_prices(prices: PriceSource, assets: tuple[str, ...], n_of_book: int) -> Floats:
    """Return index prices; an array holds those of the book's own assets only."""
    if isinstance(prices, np.ndarray):
        own = resolve(prices, assets[:n_of_book])
        index = np.concatenate([own, resolve({}, assets[n_of_book:])])
    else:
        index = resolve(prices, assets)
    index[[asset == NO_ASSET for asset in assets]] = 1
    return index


def _rates(prices: PriceSource, assets: tuple[str, ...], index: Floats) -> tuple[Floats, Floats]:
    return (index, index) if isinstance(prices, np.ndarray) else resolve_rates(prices, assets)

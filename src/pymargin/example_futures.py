"""Invented futures positions and the wallets that carry them, for the example book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin import example_draws as draws
from pymargin.columns import Floats, Integers
from pymargin.rules import MarginRules
from pymargin.rules.example import example_names

__all__ = ["Futures", "draw_futures", "example_marks"]

# Mean 3 positions.
_STOP = 1 / 3
_HEDGED, _BOTH_SIDES, _ISOLATED, _NO_LEVERAGE = 0.25, 0.3, 0.25, 0.1
_LEVERAGES = (1, 2, 3, 5, 10, 20, 25, 50, 75, 100, 125)
# Margin balance over maintenance margin: share of the accounts, from, to.
_COVER = [(0.02, 0.6, 1.0), (0.06, 1.0, 1.5), (0.22, 1.5, 5.0), (0.7, 5.0, 60.0)]
_BASIS = {"": 1.0003, "_PERP": 0.9998, "_270326": 1.004, "_270625": 1.009}
_DIGITS = 7


def example_marks(prices: Mapping[str, float], rules: MarginRules) -> dict[str, float]:
    """Return an invented mark price for every contract of the example rules, in its quote."""
    marks = {}
    for symbol, contract in rules.contracts.items():
        quote = prices[contract.settlement_asset] if contract.product == "usdm" else 1.0
        _, bar, ending = symbol.partition("_")
        mark = prices[contract.base_asset] / quote * _BASIS[bar + ending]
        # Read as a decimal, so that the float is the same on every platform.
        marks[symbol] = float(f"{mark:.{_DIGITS}g}")
    return marks


@dataclass(frozen=True, slots=True)
class Futures:
    """Positions and wallets of n accounts, as `Accounts.from_arrays` takes them.

    Parameters
    ----------
    symbols
        That the positions count.
    positions, wallets
        Arrays by name.
    """

    symbols: tuple[str, ...]
    positions: dict[str, npt.NDArray[Any]]
    wallets: dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Market:
    """Contracts, the most popular first, as arrays."""

    symbols: tuple[str, ...]
    settlement: Integers
    is_coinm: npt.NDArray[np.bool_]
    size: Floats
    mark: Floats
    quantity_decimals: Integers
    price_decimals: Integers


def draw_futures(
    rng: np.random.Generator,
    equity: Floats,
    products: tuple[str, ...],
    prices: Mapping[str, float],
    rules: MarginRules,
    *,
    may_isolate: bool = True,
) -> Futures:
    """Draw positions of about the accounts' equity, and wallets of a realistic margin ratio.

    Parameters
    ----------
    rng
        Where the numbers come from.
    equity
        float64[n], USDT: what the positions of an account are in proportion to.
    products
        ``usdm``, ``coinm`` or both.
    prices
        Of assets and symbols.
    rules
        The example rules.
    may_isolate
        Whether a quarter of the positions are isolated.
    """
    market = _market(products, prices, rules)
    owner, entry = _entries(rng, len(equity), market)
    price = np.array([prices[name] for name in example_names()])
    quantity = _quantities(rng, equity[owner], market, entry["symbol_ids"], price) * entry["sign"]
    symbols = entry["symbol_ids"]
    drift = 1 + 0.3 * (rng.random(len(owner)) - 0.5) ** 3 * 4
    entry_price = draws.decimals(market.mark[symbols] * drift, market.price_decimals[symbols])
    maintenance, highest = _maintenance(market, symbols, np.abs(quantity), rules)
    pnl = _pnl(market, symbols, quantity, entry_price)
    is_isolated = may_isolate & (rng.random(len(owner)) < _ISOLATED)
    own = draws.pick(rng, len(owner), _COVER) * maintenance - pnl
    positions = {
        "offsets": _offsets(owner, len(equity)),
        "symbol_ids": symbols,
        "quantity": quantity,
        "entry_price": entry_price,
        "leverage": _leverages(rng, highest),
        "side": entry["side"],
        "isolated_margin": np.where(is_isolated, np.round(own, 8), nan),
    }
    cover = draws.pick(rng, len(equity), _COVER)
    needed = np.where(is_isolated, 0.0, maintenance * cover[owner] - pnl)
    wallets = _wallets(owner, market.settlement[symbols], needed, len(equity))
    return Futures(market.symbols, positions, wallets)


def _market(products: tuple[str, ...], prices: Mapping[str, float], rules: MarginRules) -> _Market:
    place = {name: number for number, name in enumerate(example_names())}
    contracts = {
        symbol: contract
        for symbol, contract in rules.contracts.items()
        if contract.product in products
    }
    # Perpetuals of an asset come before its deliveries.
    symbols = sorted(contracts, key=lambda s: (place[contracts[s].base_asset], len(s), s))
    chosen = [contracts[symbol] for symbol in symbols]
    mark = np.array([prices[symbol] for symbol in symbols])
    magnitude = np.ceil(np.log10(mark)).astype(np.int64)
    is_coinm = np.array([contract.product == "coinm" for contract in chosen])
    return _Market(
        symbols=tuple(symbols),
        settlement=np.array([place[contract.settlement_asset] for contract in chosen]),
        is_coinm=is_coinm,
        size=np.array([float(contract.contract_size) for contract in chosen]),
        mark=mark,
        # A step is about a dollar, and a contract is one.
        quantity_decimals=np.where(is_coinm, 0, np.clip(magnitude, 0, 6)),
        price_decimals=_DIGITS - magnitude,
    )


def _entries(
    rng: np.random.Generator, n: int, market: _Market
) -> tuple[Integers, dict[str, npt.NDArray[Any]]]:
    """Draw the account of each position, its symbol, its side and its sign."""
    counts = draws.counts(rng, np.ones(n, dtype=np.int64), stop=_STOP)
    # Nobody has more distinct symbols than there are.
    counts = np.minimum(counts, len(market.symbols))
    symbols = draws.distinct_names(rng, counts, len(market.symbols))
    is_hedged = np.repeat(rng.random(n) < _HEDGED, counts)
    copies = 1 + (is_hedged & (rng.random(len(symbols)) < _BOTH_SIDES))
    is_short = np.repeat(rng.random(len(symbols)) < 0.45, copies)
    owner = np.repeat(np.repeat(np.arange(n), counts), copies)
    is_second = np.zeros(len(owner), dtype=np.bool_)
    is_second[np.cumsum(copies)[copies == 2] - 1] = True
    is_short ^= is_second
    side = np.where(np.repeat(is_hedged, copies), np.where(is_short, 2, 1), 0)
    return owner, {
        "symbol_ids": np.repeat(symbols, copies),
        "side": side.astype(np.int8),
        "sign": np.where(is_short, -1.0, 1.0),
    }


def _quantities(
    rng: np.random.Generator, equity: Floats, market: _Market, symbols: Any, price: Floats
) -> Floats:
    """Draw sizes from a twentieth of the equity to six times it, at least one step."""
    usdt = equity * draws.pick(rng, len(symbols), [(0.6, 0.05, 0.8), (0.4, 0.8, 6.0)])
    units = usdt / price[market.settlement[symbols]] / market.mark[symbols]
    size = np.where(market.is_coinm[symbols], usdt / market.size[symbols], units)
    places = market.quantity_decimals[symbols]
    return np.maximum(draws.decimals(size, places), draws.decimals(10.0**-places, places))


def _notional(market: _Market, symbols: Any, size: Floats) -> Floats:
    """Return notionals in the settlement asset."""
    mark = market.mark[symbols]
    is_coinm = market.is_coinm[symbols]
    notional: Floats = np.where(is_coinm, size * market.size[symbols] / mark, size * mark)
    return notional


def _pnl(market: _Market, symbols: Any, quantity: Floats, entry_price: Floats) -> Floats:
    mark = market.mark[symbols]
    coinm = quantity * market.size[symbols] * (1 / entry_price - 1 / mark)
    pnl: Floats = np.where(market.is_coinm[symbols], coinm, quantity * (mark - entry_price))
    return pnl


def _maintenance(
    market: _Market, symbols: Any, size: Floats, rules: MarginRules
) -> tuple[Floats, Floats]:
    """Return maintenance margins, and the highest leverage that each notional allows."""
    notional = _notional(market, symbols, size)
    margin, leverage = np.zeros(len(symbols)), np.ones(len(symbols))
    for number in np.unique(symbols).tolist():
        is_coinm = bool(market.is_coinm[number])
        tiers = rules.tiers("coinm" if is_coinm else "usdm", market.symbols[number])
        edges = np.array([float(tier.floor) for tier in tiers] + [1e15])
        rates = np.array([float(tier.rate) for tier in tiers])
        steps = np.concatenate([[0.0], np.cumsum(np.diff(edges) * rates)])
        at = np.flatnonzero(symbols == number)
        margin[at] = np.interp(notional[at], edges, steps)
        bracket = np.clip(np.searchsorted(edges, notional[at], side="left") - 1, 0, None)
        leverage[at] = np.array([float(tier.leverage or 1) for tier in tiers])[bracket]
    return margin, leverage


def _leverages(rng: np.random.Generator, highest: Floats) -> Floats:
    drawn = np.array(_LEVERAGES, dtype=np.float64)[rng.integers(0, len(_LEVERAGES), len(highest))]
    return np.where(rng.random(len(highest)) < _NO_LEVERAGE, 0.0, np.minimum(drawn, highest))


def _wallets(
    owner: Integers, settlement: Integers, needed: Floats, n: int
) -> dict[str, npt.NDArray[Any]]:
    """Sum what is needed per account and settlement asset, to 8 decimals."""
    n_assets = len(example_names())
    keys, where = np.unique(owner * n_assets + settlement, return_inverse=True)
    balance = np.round(np.bincount(where, weights=needed, minlength=len(keys)), 8)
    return {
        "offsets": _offsets(keys // n_assets, n),
        "asset_ids": (keys % n_assets).astype(np.uint16),
        "balance": balance,
    }


def _offsets(owner: Integers, n: int) -> Integers:
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=n), out=offsets[1:])
    return offsets

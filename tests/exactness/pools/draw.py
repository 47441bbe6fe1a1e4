"""Random accounts of wallets and positions: long, short, hedged, isolated, overdrawn, many legs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from exactness.draw import draw_digits, rounded, set_at_edges
from exactness.pools.book import Book
from exactness.pools.integers import LEVERAGES
from exactness.pools.market import N_ASSETS, N_SYMBOLS, Market

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_BOTH, _LONG, _SHORT = range(3)


def draw_book(rng: np.random.Generator, market: Market, n: int) -> Book:
    """Draw n accounts of 0 to 10 positions, a few of up to 48, and 0 to 4 wallets."""
    digits = draw_digits(rng, n)
    scale = 10 ** rng.uniform(-2, 9, n)
    positions = _positions(rng, market, n, digits, scale)
    wallets = _wallets(rng, market, n, digits, scale)
    balances = _balances(rng, market, n if market.is_portfolio else 0, n, digits, scale)
    lossy = market.is_portfolio & (rng.random(n) < 0.25)
    ordering = market.is_portfolio & ~lossy & (rng.random(n) < 0.15)
    return Book(
        multi_assets=rng.random(n) < 0.25,
        loss=np.where(lossy, rounded(scale * 10 ** rng.uniform(-6, 0, n), digits[:, 0]), 0.0),
        **wallets,
        **positions,
        **balances,
        **_orders(rng, market, ordering, digits, scale),
        wanted=np.full(n, "", dtype="U24"),
    )


def _counts(rng: np.random.Generator, n: int, often: float, most: int, many: int) -> Ints:
    counts = np.minimum(rng.geometric(often, n) - 1, most)
    chosen = rng.random(n) < 0.01
    counts[chosen] = rng.integers(most, many + 1, int(chosen.sum()))
    return np.asarray(counts, np.int64)


def _chosen(rng: np.random.Generator, counts: Ints, of: int, first: float = 1.0) -> Ints:
    """Return so many different numbers below `of` for each account; 0 is `first` times likelier."""
    keys = rng.random((len(counts), of))
    keys[:, 0] /= first
    order = keys.argsort(axis=1)
    return np.asarray(order[np.arange(of) < counts[:, None]], np.int64)


def _offsets(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)])


def _some_digits(rng: np.random.Generator, most: Ints) -> Ints:
    """Return how many digits each number has: at most so many, or all of them."""
    drawn = 1 + rng.integers(0, 15, len(most)) % np.minimum(most, 15)
    return np.asarray(np.where(most < 16, drawn, 17), np.int64)


def _positions(
    rng: np.random.Generator, market: Market, n: int, digits: Ints, scale: Floats
) -> dict[str, Any]:
    counts = _counts(rng, n, 0.3, 10, N_SYMBOLS)
    symbols = _chosen(rng, counts, N_SYMBOLS)
    owner = np.repeat(np.arange(n), counts)
    # A symbol in one-way mode, hedged, or with one side of hedge mode.
    kind = rng.choice(4, len(symbols), p=[0.66, 0.18, 0.08, 0.08])
    repeat = np.where(kind == 1, 2, 1)
    symbol, owner, kind = (np.repeat(values, repeat) for values in (symbols, owner, kind))
    second = np.concatenate([[False], (symbol[1:] == symbol[:-1]) & (owner[1:] == owner[:-1])])
    side = np.select([kind == 0, kind == 2, kind == 3], [_BOTH, _LONG, _SHORT], _LONG + second)
    m = len(symbol)
    mark = np.where(market.mark[symbol] > 0, market.mark[symbol], 1.0)
    inverse, size = market.inverse[symbol], market.size[symbol]
    most = digits[owner, 0]
    value = scale[owner] * 10 ** rng.uniform(-2.5, 0.5, m)
    by_value = rng.random(n)[owner] < 0.8
    per_unit = np.where(inverse, size, mark)
    anything = 10 ** rng.uniform(-6, 12, m)
    quantity = rounded(np.where(by_value, value / per_unit, anything), _some_digits(rng, most))
    _move_to_caps(rng, market, symbol, quantity)
    short = np.where(side == _BOTH, rng.random(m) < 0.5, side == _SHORT)
    entry = rounded(mark * 10 ** rng.uniform(-0.15, 0.15, m), _some_digits(rng, most))
    entry = np.where(rng.random(m) < 0.03, mark, entry)
    leverage = rng.choice(np.array(LEVERAGES, float), m)
    stated = np.array([one is None for one in market.largest])[symbol] | (rng.random(m) < 0.7)
    isolated = np.full(m, np.nan)
    if not market.is_portfolio:
        alone = rng.random(m) < 0.2
        notional = quantity * np.where(inverse, size / mark, mark)
        margin = rounded(notional * 10 ** rng.uniform(-3, 0, m), _some_digits(rng, most))
        isolated[alone] = margin[alone]
    return {
        "position_offsets": _offsets(np.bincount(owner, minlength=n)),
        "symbol": symbol.astype(np.uint16),
        "quantity": np.where(short, -quantity, quantity),
        "entry": entry,
        "leverage": np.where(stated, leverage, 0.0),
        "side": side.astype(np.int8),
        "isolated": isolated,
    }


def _move_to_caps(rng: np.random.Generator, market: Market, symbol: Ints, quantity: Floats) -> None:
    """Give some positions a notional of a bracket's cap, or one place of a digit beside it."""
    caps = _table(market.brackets)
    where = np.flatnonzero(rng.random(len(symbol)) < 0.12)
    cap = caps[symbol[where], rng.integers(0, caps.shape[1], len(where))]
    mark, size = market.mark[symbol[where]], market.size[symbol[where]]
    safe = np.where(mark > 0, mark, 1.0)
    edge = np.where(market.inverse[symbol[where]], cap * safe / size, cap / safe)
    set_at_edges(rng, quantity, where, np.where(mark > 0, edge, 0.0))


def _table(schedules: Any) -> Floats:
    """Return float64[schedules, k]: caps, repeated to fill the row; NaN where there is none."""
    caps = [[float(cap) for cap, _ in steps if cap is not None] or [np.nan] for steps in schedules]
    return np.array([[row[k % len(row)] for k in range(12)] for row in caps])


def _wallets(
    rng: np.random.Generator, market: Market, n: int, digits: Ints, scale: Floats
) -> dict[str, Any]:
    counts = _counts(rng, n, 0.4, 4, N_ASSETS)
    counts[rng.random(n) < 0.6] += 1
    counts = np.minimum(counts, N_ASSETS)
    first = 1.0 if market.mode == "coinm" else 8.0
    asset = _chosen(rng, counts, N_ASSETS, first)
    owner = np.repeat(np.arange(n), counts)
    size = scale[owner] * 10 ** rng.uniform(-2, 1, len(asset))
    balance = rounded(size / _price_of(market, asset), _some_digits(rng, digits[owner, 0]))
    return {
        "wallet_offsets": _offsets(counts),
        "wallet_asset": asset.astype(np.uint16),
        "wallet": np.where(rng.random(len(asset)) < 0.15, -balance, balance),
    }


def _price_of(market: Market, asset: Ints) -> Floats:
    price = market.index[asset]
    return np.where(price > 0, price, 1.0)


def _balances(
    rng: np.random.Generator, market: Market, some: int, n: int, digits: Ints, scale: Floats
) -> dict[str, Any]:
    counts = _counts(rng, n, 0.3, 6, N_ASSETS) * (some > 0)
    asset = _chosen(rng, counts, N_ASSETS, 3.0)
    owner = np.repeat(np.arange(n), counts)
    m = len(asset)
    price = _price_of(market, asset)

    def amount(factor: Floats) -> Floats:
        size = scale[owner] * 10 ** rng.uniform(-2.5, 0.5, m)
        return rounded(size * factor / price, _some_digits(rng, digits[owner, 0]))

    kind = rng.random(m)
    owes, holds = kind > 0.6, kind < 0.85
    free = np.where(holds, amount(np.full(m, 2.0)), 0.0)
    caps = _table(market.collateral)
    where = np.flatnonzero(holds & ~owes & (rng.random(m) < 0.2))
    edge = caps[asset[where], rng.integers(0, caps.shape[1], len(where))] / price[where]
    set_at_edges(rng, free, where, edge)
    part = rng.random((2, m))
    none = np.zeros(m)
    borrowed = np.where(owes, amount(np.ones(m)), none)
    interest = np.where(owes & (part[1] < 0.3), amount(10 ** rng.uniform(-6, -2, m)), none)
    return {
        "balance_offsets": _offsets(counts),
        "balance_asset": asset.astype(np.uint16),
        "free": free,
        "locked": np.where(holds & (part[0] < 0.15), amount(np.ones(m)), none),
        "borrowed": borrowed,
        "interest": interest,
        "loan_leverage": np.where(
            rng.random(m) < 0.7, rng.choice(np.array([3, 5, 10]), m), 0
        ).astype(np.uint8),
    }


def _orders(
    rng: np.random.Generator,
    market: Market,
    ordering: npt.NDArray[np.bool_],
    digits: Ints,
    scale: Floats,
) -> dict[str, Any]:
    counts = np.where(ordering, rng.integers(1, 4, len(ordering)), 0)
    owner = np.repeat(np.arange(len(ordering)), counts)
    k = len(owner)
    give = rng.integers(0, N_ASSETS, k)
    get = (give + rng.integers(1, N_ASSETS, k)) % N_ASSETS
    size = scale[owner] * 10 ** rng.uniform(-3, 0, k)
    factor = rng.choice([1.0, 1.0, 1.05, 0.9, 0.1], k)
    most = digits[owner, 0]
    return {
        "order_offsets": _offsets(counts),
        "order_give": give.astype(np.uint16),
        "order_give_quantity": rounded(size / _price_of(market, give), _some_digits(rng, most)),
        "order_get": get.astype(np.uint16),
        "order_get_quantity": rounded(
            size * factor / _price_of(market, get), _some_digits(rng, most)
        ),
    }

"""Random accounts moved beside a threshold: the level within 1e-16 to 1e-12 of it, some on it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from exactness.draw import rounded
from exactness.pools import integers
from exactness.pools.book import Book
from exactness.pools.estimate import (
    Sums,
    in_usd,
    multi_of,
    portfolio_sums,
    schedules_of,
    sums_of,
)
from exactness.pools.market import Market

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LARGEST = 1e17


def threshold_names(mode: str) -> tuple[str, ...]:
    """Return what an account of a mode can stand near: the lines, and what is granted above."""
    if mode.startswith("portfolio"):
        return tuple(f"uniMMR {a / b:g}" for (a, b), _ in integers.LINES[mode])
    united = ("multi-assets level 1",) if mode == "usdm" else ()
    return ("level 1", "available balance 0", *united, "isolated level 1")


def move_near(book: Book, market: Market, rng: np.random.Generator, share: float) -> None:
    """Set a wallet, an isolated margin or an order loss of a share of the accounts."""
    sums, chosen = sums_of(book, market), rng.random(len(book)) < share
    if market.is_portfolio:
        _portfolio(book, market, sums, rng, chosen)
        return
    alone = chosen & (rng.random(len(book)) < 0.25)
    _isolated(book, sums, rng, alone)
    _cross(book, market, sums, rng, chosen & ~alone)


def _one_of_each(rng: np.random.Generator, offsets: Ints, chosen: npt.NDArray[np.bool_]) -> Ints:
    """Return one entry, drawn, of every account that is chosen and has any."""
    counts = np.diff(offsets)
    accounts = np.flatnonzero(chosen & (counts > 0))
    return np.asarray(
        offsets[accounts] + rng.integers(0, 1 << 30, len(accounts)) % counts[accounts], np.int64
    )


def _isolated(
    book: Book, sums: Sums, rng: np.random.Generator, chosen: npt.NDArray[np.bool_]
) -> None:
    k = _one_of_each(rng, book.position_offsets, chosen)
    k = k[~np.isnan(book.isolated[k])]
    wanted = _beside(rng, sums.maintenance[k] - sums.profit[k])
    fits = (wanted > 1e-12) & (wanted < LARGEST)
    book.isolated[k[fits]] = wanted[fits]
    book.wanted[book.owner("position")[k[fits]]] = "isolated level 1"


def _cross(
    book: Book, market: Market, sums: Sums, rng: np.random.Generator, chosen: npt.NDArray[np.bool_]
) -> None:
    k = _one_of_each(rng, book.wallet_offsets, chosen)
    account, asset = book.owner("wallet")[k], book.wallet_asset[k].astype(np.int64)
    of_level = rng.random(len(k)) < 0.6
    names = np.where(of_level, "level 1", "available balance 0")
    own = (account, asset)
    target = np.where(of_level, sums.pool_maintenance[own], sums.pool_initial[own])
    equity = target  # of the asset itself
    multi = multi_of(book, market)[account]
    total, _, maintenance, initial = (values[account] for values in in_usd(book, market, sums))
    before = sums.equity[own]
    counted = before * np.where(before >= 0, market.bid[asset], market.ask[asset])
    rest = np.where(of_level, maintenance, initial) - (total - counted)
    rate = np.where(rest >= 0, market.bid[asset], market.ask[asset])
    united = np.divide(rest, rate, out=np.zeros(len(k)), where=rate > 0)
    equity = np.where(multi, united, equity)
    names = np.where(multi & of_level, "multi-assets level 1", names)
    _set_wallets(book, rng, k, book.wallet[k] + (equity - before), names)


def _set_wallets(
    book: Book, rng: np.random.Generator, k: Ints, wallet: Floats, names: npt.NDArray[np.str_]
) -> None:
    wallet = _beside(rng, wallet)
    fits = (np.abs(wallet) > 1e-12) & (np.abs(wallet) < LARGEST)
    book.wallet[k[fits]] = wallet[fits]
    book.wanted[book.owner("wallet")[k[fits]]] = names[fits]


def _portfolio(
    book: Book, market: Market, sums: Sums, rng: np.random.Generator, chosen: npt.NDArray[np.bool_]
) -> None:
    limits = np.array([a / b for (a, b), _ in integers.LINES[market.mode]])
    names = np.array(threshold_names(market.mode))
    number = rng.integers(0, len(limits), len(book))
    equity, _, maintenance = portfolio_sums(book, market, sums)
    excess = equity - limits[number] * maintenance
    chosen = chosen & (maintenance > 0)
    by_loss = chosen & (excess + book.loss > 0) & (rng.random(len(book)) < 0.3)
    loss = _beside(rng, book.loss + excess)
    by_loss &= (loss > 1e-12) & (loss < LARGEST) & (np.diff(book.order_offsets) == 0)
    book.loss[by_loss] = loss[by_loss]
    book.wanted[by_loss] = names[number[by_loss]]
    k = _one_of_each(rng, book.wallet_offsets, chosen & ~by_loss)
    account, asset = book.owner("wallet")[k], book.wallet_asset[k].astype(np.int64)
    value = sums.equity[account, asset] * market.index[asset]
    schedules = schedules_of(list(market.collateral), goes_on=False)
    counted = np.where(value < 0, value, schedules.at(asset, np.maximum(value, 0)))
    needed = counted - excess[account]
    wanted, reachable = _value_that_counts(schedules.caps, schedules.rates, asset, needed)
    reachable &= market.index[asset] > 0
    k, account, asset = k[reachable], account[reachable], asset[reachable]
    change = wanted[reachable] / market.index[asset] - sums.equity[account, asset]
    _set_wallets(book, rng, k, book.wallet[k] + change, names[number[account]])


def _value_that_counts(
    caps: Floats, rates: Floats, asset: Ints, needed: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the value that a schedule makes so much of, and where there is one."""
    value, rest = np.where(needed < 0, needed, 0.0), np.maximum(needed, 0)
    floor = np.zeros(len(asset))
    for k in range(caps.shape[1]):
        cap, rate = caps[asset, k], rates[asset, k]
        width = np.where(np.isfinite(cap), cap, np.inf) - np.where(np.isfinite(floor), floor, 0)
        full = np.multiply(rate, width, out=np.zeros(len(asset)), where=rate > 0)
        taken = np.minimum(rest, full)
        step = np.divide(taken, rate, out=np.zeros(len(asset)), where=rate > 0)
        value += np.where(rest > full, np.where(np.isfinite(width), width, 0.0), step)
        rest = rest - taken
        floor = cap
    return value, (rest <= 0) & np.isfinite(value)


def _beside(rng: np.random.Generator, numbers: Floats) -> Floats:
    """Return a float64 at or beside each number: it, a decimal of 15 digits, or some off."""
    n = len(numbers)
    kind = rng.random(n)
    sign, size = np.sign(numbers), np.abs(numbers)
    short = sign * rounded(np.clip(size, 1e-8, 1e15), np.full(n, 15))
    near = np.nextafter(numbers, rng.choice([-np.inf, np.inf], n))
    off = numbers * (1 + rng.choice([-1.0, 1.0], n) * 10 ** rng.uniform(-16, -12, n))
    return np.where(
        kind < 0.35, numbers, np.where(kind < 0.55, short, np.where(kind < 0.7, near, off))
    )

"""Where integers may be spared: decisions in float64 that no rounding could turn.

A second independent reading of the documents, over all accounts at once and in another order than
any code of the package. Every amount is kept with the sum of the sizes of what it was summed from.
With u = 2^-53: an input is within u of its decimal; a notional, a profit or a slice takes at most
six more roundings, and the slice of a tier is a difference of two numbers of at most the value's
size, so that at most ten tiers are within 60 u of it; at most 100 terms are summed, which rounds
by at most 100 u of the sum of sizes; rates are at most 1, so that an error in a value passes on as
it is. Together less than 400 u < 2^-44 of the size. A decision counts as settled where the two
sides lie further apart than 2^-42 of their size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from exactness.integers import OPEN_FROM, Steps
from exactness.pools import integers
from exactness.pools.book import Book
from exactness.pools.market import N_ASSETS, Market

BOUND = 2.0**-42
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Schedules:
    """Schedules as arrays: float64[schedules, steps] caps (inf: none), floors and rates."""

    caps: Floats
    floors: Floats
    rates: Floats
    last: Floats

    def at(self, numbers: npt.NDArray[np.integer], values: Floats) -> Floats:
        """Return each value by the schedule of that number, slice by slice."""
        slices = np.minimum(values[..., None], self.caps[numbers]) - self.floors[numbers]
        total: Floats = (np.maximum(slices, 0) * self.rates[numbers]).sum(axis=-1)
        return total


def schedules_of(steps: list[Steps], *, goes_on: bool) -> Schedules:
    n = max(len(one) for one in steps) + 1
    caps, floors, rates = np.full((3, len(steps), n), np.inf)
    rates[:] = 0.0
    last = np.full(len(steps), np.inf)
    for k, one in enumerate(steps):
        floor = 0.0
        for j, (cap, rate) in enumerate(one):
            is_last = j == len(one) - 1
            is_open = cap is None or cap >= OPEN_FROM
            floors[k, j], rates[k, j] = floor, float(rate)
            floor = np.inf if cap is None or is_open else float(cap)
            caps[k, j] = np.inf if is_last and goes_on else floor
            last[k] = floor
    return Schedules(caps, np.where(np.isfinite(floors), floors, np.finfo(float).max), rates, last)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of positions float64[m], of cross pools float64[n, assets]; sizes bound what was summed."""

    profit: Floats
    profit_size: Floats
    notional: Floats
    maintenance: Floats
    initial: Floats
    exists: Bools
    equity: Floats
    size: Floats
    pool_maintenance: Floats
    pool_initial: Floats


def sums_of(book: Book, market: Market) -> Sums:
    symbol = book.symbol.astype(np.int64)
    inverse, mark = market.inverse[symbol], market.mark[symbol]
    worth = book.quantity * market.size[symbol]
    entry_rate = np.where(inverse, 1 / book.entry, book.entry)
    mark_rate = np.where(inverse, 1 / np.where(mark > 0, mark, 1.0), mark)
    notional = np.abs(worth) * mark_rate
    sign = np.where(inverse, -1.0, 1.0)
    profit = sign * worth * (mark_rate - entry_rate)
    profit_size = np.abs(worth) * (mark_rate + entry_rate)
    brackets = schedules_of(list(market.brackets), goes_on=True)
    maintenance = brackets.at(symbol, notional)
    largest = np.array([float(one or np.inf) for one in market.largest])[symbol]
    initial = notional / np.minimum(np.where(book.leverage > 0, book.leverage, np.inf), largest)
    cross = np.isnan(book.isolated)
    n = len(book)

    def by_pool(of: str, assets: npt.NDArray[np.integer], amounts: Floats) -> Floats:
        keys = book.owner(of) * N_ASSETS + assets
        total = np.bincount(keys, amounts, minlength=n * N_ASSETS)
        return np.asarray(total, np.float64).reshape(n, N_ASSETS)

    settled = market.settlement[symbol]

    def settle(amounts: Floats) -> Floats:
        return by_pool("position", settled, np.where(cross, amounts, 0.0))

    wallets = book.wallet_asset.astype(np.int64)
    equity = by_pool("wallet", wallets, book.wallet) + settle(profit)
    size = by_pool("wallet", wallets, np.abs(book.wallet)) + settle(profit_size)
    exists = by_pool("wallet", wallets, np.ones(len(wallets))) + settle(np.ones(len(symbol))) > 0
    pool_maintenance, pool_initial = settle(maintenance), settle(initial)
    if market.is_portfolio:
        assets = book.balance_asset.astype(np.int64)
        held, owed = book.free + book.locked, book.borrowed + book.interest
        equity += by_pool("balance", assets, held - owed)
        size += by_pool("balance", assets, held + owed)
        leverage = np.where(
            book.loan_leverage > 0, book.loan_leverage, np.array(market.loan_leverage)[assets]
        )
        rate = np.zeros(256)
        for one, at in market.loan_rates.items():
            rate[one] = float(at)
        pool_maintenance += by_pool("balance", assets, owed * rate[leverage])
    return Sums(
        profit, profit_size, notional, maintenance, initial,
        exists, equity, size, pool_maintenance, pool_initial,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """Actions of accounts and positions; `settled` bool[n] where they are beyond doubt."""

    actions: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    settled: Bools


def estimate(book: Book, market: Market, sums: Sums) -> Estimate:
    n, owner = len(book), book.owner("position")
    last = schedules_of(list(market.brackets), goes_on=True).last[book.symbol.astype(np.int64)]
    beyond = sums.notional > last
    doubt = np.abs(sums.notional - last) <= BOUND * sums.notional
    far = _any(owner, beyond, n)
    unsettled = _any(owner, doubt, n)
    of_mode = _portfolio if market.is_portfolio else _futures
    actions, positions, doubtful, more_far = of_mode(book, market, sums)
    positions |= np.where(positions > 0, integers.BEYOND_TIERS * beyond, 0)
    actions |= integers.BEYOND_TIERS * (far | more_far)
    return Estimate(actions, positions, ~(unsettled | doubtful))


def _any(owner: npt.NDArray[np.integer], marked: Bools, n: int) -> Bools:
    return np.bincount(owner[marked], minlength=n) > 0


def _due(equity: Floats, margin: Floats, limit: float, size: Floats) -> tuple[Bools, Bools]:
    """Return whether equity / margin <= limit, and where that is in doubt."""
    due = np.where(margin > 0, equity <= limit * margin, equity < 0)
    return due, np.abs(equity - limit * margin) <= BOUND * (size + limit * margin)


Decided = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Bools, Bools]


def multi_of(book: Book, market: Market) -> Bools:
    """Return which accounts have one pool in USD."""
    return book.multi_assets & (market.mode == "usdm")


def in_usd(book: Book, market: Market, sums: Sums) -> tuple[Floats, Floats, Floats, Floats]:
    """Return equity, its size, maintenance and initial margin of multi-assets mode."""
    rate = np.where(sums.equity >= 0, market.bid, market.ask)
    size = sums.size * np.maximum(market.bid, market.ask)
    return (
        (sums.equity * rate).sum(axis=1),
        # An equity in doubt may count at either rate.
        size.sum(axis=1),
        (sums.pool_maintenance * market.ask).sum(axis=1),
        (sums.pool_initial * market.ask).sum(axis=1),
    )


def _futures(book: Book, market: Market, sums: Sums) -> Decided:
    multi = multi_of(book, market)
    equity, size, maintenance, initial = in_usd(book, market, sums)
    united_due, united_doubt = _due(equity, maintenance, 1.0, size)
    united_free = equity > initial
    united_doubt |= np.abs(equity - initial) <= BOUND * (size + initial)
    due, doubt = _due(sums.equity, sums.pool_maintenance, 1.0, sums.size)
    free = sums.equity > sums.pool_initial
    doubt |= np.abs(sums.equity - sums.pool_initial) <= BOUND * (sums.size + sums.pool_initial)
    is_due = np.where(multi, united_due, (due & sums.exists).any(axis=1))
    is_free = np.where(multi, united_free, (free & sums.exists).any(axis=1))
    doubtful = np.where(multi, united_doubt, (doubt & sums.exists).any(axis=1))
    actions = np.where(
        is_due, integers.LIQUIDATE, integers.TRADE | (integers.TRANSFER_OUT * is_free)
    )
    isolated = ~np.isnan(book.isolated)
    own = np.where(isolated, book.isolated, 0.0) + sums.profit
    own_size = np.where(isolated, book.isolated, 0.0) + sums.profit_size
    own_due, own_doubt = _due(own, sums.maintenance, 1.0, own_size)
    owner, n = book.owner("position"), len(book)
    actions |= integers.ISOLATED_LIQUIDATE * _any(owner, isolated & own_due, n)
    positions = np.where(isolated, np.where(own_due, integers.LIQUIDATE, integers.TRADE), 0)
    doubtful = doubtful | _any(owner, isolated & own_doubt, n)
    return actions, positions, doubtful, np.zeros(n, bool)


def portfolio_sums(book: Book, market: Market, sums: Sums) -> tuple[Floats, Floats, Floats]:
    """Return counted equity less the order loss, its size, and the maintenance margin, in USD."""
    value = sums.equity * market.index
    rated = schedules_of(list(market.collateral), goes_on=False)
    counted = np.where(value < 0, value, rated.at(np.arange(N_ASSETS), np.maximum(value, 0)))
    size = (sums.size * market.index).sum(axis=1) + book.loss
    return counted.sum(axis=1) - book.loss, size, (sums.pool_maintenance * market.index).sum(axis=1)


def _portfolio(book: Book, market: Market, sums: Sums) -> Decided:
    equity, size, maintenance = portfolio_sums(book, market, sums)
    actions = np.full(len(book), integers.TRADE | integers.BORROW | integers.TRANSFER_OUT)
    doubtful = np.diff(book.order_offsets) > 0  # the loss of orders is left to integers
    for (a, b), line in reversed(integers.LINES[market.mode]):
        due, doubt = _due(equity, maintenance, a / b, size)
        actions = np.where(due, line, actions)
        doubtful |= doubt
    value = sums.equity * market.index
    last = schedules_of(list(market.collateral), goes_on=False).last
    capped = (value > last).any(axis=1)
    doubtful |= (np.abs(value - last) <= BOUND * sums.size * market.index).any(axis=1)
    return actions, np.zeros(len(book.symbol), np.int64), doubtful, capped

"""Random accounts: quantities 1e-8 to 1e15 of 1 to 17 digits, at tier edges and beside them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from exactness.book import Book, Floats
from exactness.integers import HELD_TABLES, OWED_TABLES
from exactness.market import N_ASSETS, Market

SMALLEST, LARGEST = 1e-8, 1e15
Ints = npt.NDArray[np.int64]


def draw_book(rng: np.random.Generator, market: Market, n: int) -> Book:
    """Draw n accounts of 1 to 12 positions, a few of up to 40."""
    counts = np.minimum(rng.geometric(0.28, n), 12)
    many = rng.random(n) < 0.015
    counts[many] = rng.integers(13, N_ASSETS + 1, int(many.sum()))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    assets = rng.random((n, N_ASSETS)).argsort(axis=1)
    chosen = np.arange(N_ASSETS) < counts[:, None]
    ids = assets[chosen]
    owner = np.repeat(np.arange(n), counts)
    digits = draw_digits(rng, n)
    book = Book(
        offsets=offsets,
        asset_ids=ids.astype(np.uint16),
        **_balances(rng, market, ids, owner, digits),
        leverage=rng.choice(np.array([3, 5], np.uint8), n),
        margin_call_ratio=_ratios(rng, n),
        open_order_loss=np.zeros(n),
        **_orders(rng, market, offsets, ids, digits),
        wanted=np.full(n, -1),
    )
    lossy = (np.diff(book.order_offsets) == 0) & (rng.random(n) < 0.2)
    size = 10 ** rng.uniform(-8, 12, n)
    book.open_order_loss = np.where(lossy, rounded(size, digits[:, 0]), 0.0)
    return book


def draw_digits(rng: np.random.Generator, n: int) -> Ints:
    """Return how many digits each account's quantities have at most: a few, 15, or all of them."""
    drawn = rng.choice([1, 2, 4, 8, 15, 17], (n, 1), p=[0.05, 0.1, 0.2, 0.1, 0.35, 0.2])
    return np.asarray(drawn, np.int64)


def _balances(
    rng: np.random.Generator, market: Market, ids: Ints, owner: Ints, digits: Ints
) -> dict[str, Floats]:
    m, n = len(ids), len(digits)
    kind = rng.random(m)
    kind_of = rng.random(n)[owner]
    owed = ((kind > 0.55) & (kind_of > 0.06)) | (kind_of > 0.96)
    held = ((kind < 0.55) | (kind > 0.82) | (kind_of < 0.06)) & (kind_of <= 0.96)
    same = (kind > 0.95) & held & owed
    price = market.prices[ids]
    by_value = rng.random(n)[owner] < 0.7
    size = 10 ** (rng.uniform(-4, 11, n)[owner] + rng.uniform(-2.5, 0.5, m))
    value = size / np.where(price > 0, price, 1.0)

    def quantity(factor: Floats) -> Floats:
        anything = 10 ** rng.uniform(-8, 15, m)
        wanted = np.where(by_value, value * factor, anything)
        most = digits[owner, 0]
        count = np.where(most < 16, 1 + rng.integers(0, 15, m) % np.minimum(most, 15), 17)
        return rounded(wanted, count)

    safety = 10 ** rng.uniform(0, 1.2, n)[owner]
    free = np.where(held, quantity(safety), 0.0)
    borrowed = np.where(owed, quantity(np.ones(m)), 0.0)
    _move_to_edges(rng, market, ids, free, HELD_TABLES)
    _move_to_edges(rng, market, ids, borrowed, OWED_TABLES)
    toward = rng.choice([0.0, np.inf], m)
    beside = np.where(rng.random(m) < 0.5, free, np.nextafter(free, toward))
    borrowed[same] = beside[same]
    part = rng.random((2, m))
    locked = quantity(safety * 10 ** rng.uniform(-6, 1, m))
    interest = np.maximum(rounded(borrowed * 10 ** rng.uniform(-6, -2, m), digits[owner, 0]), 1e-12)
    return {
        "free": free,
        "locked": np.where(held & (part[0] < 0.15), locked, 0.0),
        "borrowed": borrowed,
        "interest": np.where(owed & (part[1] < 0.2), interest, 0.0),
    }


def _move_to_edges(
    rng: np.random.Generator,
    market: Market,
    ids: Ints,
    quantities: Floats,
    tables: tuple[str, ...],
) -> None:
    """Set some quantities to be worth a cap, exactly where decimals allow, or one unit beside."""
    caps = _caps(market, tables)
    where = np.flatnonzero((quantities > 0) & (rng.random(len(ids)) < 0.15))
    drawn = caps[ids[where]]
    cap = drawn[np.arange(len(where)), rng.integers(0, caps.shape[1], len(where))]
    price = market.prices[ids[where]]
    edge = np.divide(cap, price, out=np.zeros(len(where)), where=price > 0)
    set_at_edges(rng, quantities, where, edge)


def set_at_edges(rng: np.random.Generator, quantities: Floats, where: Ints, edge: Floats) -> None:
    """Set quantities to what is worth a cap: a decimal or any float64, there or just beside."""
    valid = (edge >= SMALLEST) & (edge <= LARGEST)
    where, edge = where[valid], edge[valid]
    # Of 15 digits, and one unit of the 15th; or any float64, and its neighbour.
    exact = rounded(edge, np.full(len(edge), 15))
    place = 10.0 ** (np.floor(np.log10(exact)) - 14)
    step = rng.choice([-1.0, 0.0, 0.0, 1.0], len(edge))
    decimal = rounded(exact + step * place, np.full(len(edge), 15))
    beside = np.where(step == 0, edge, np.nextafter(edge, np.where(step < 0, 0.0, np.inf)))
    quantities[where] = np.where(rng.random(len(edge)) < 0.6, decimal, beside)


def _caps(market: Market, tables: tuple[str, ...]) -> Floats:
    """Return float64[assets, k]: caps, repeated to fill the row; NaN where there is none."""
    rows = []
    for a in range(N_ASSETS):
        steps = [step for table in tables for step in market.tables[table][a]]
        caps = [float(cap) for cap, _ in steps if cap is not None] or [np.nan]
        rows.append([caps[k % len(caps)] for k in range(12)])
    return np.array(rows)


def _ratios(rng: np.random.Generator, n: int) -> Floats:
    """Return own margin-call ratios of 1 to 17 digits for two accounts in five, of half the books.

    Those without have so few classes of thresholds that all of them fit a vector.
    """
    # Both modes are asked of the same book, and Pro takes no others.
    pool = rounded(rng.uniform(1.3, 2, 16), rng.choice([2, 3, 4, 8, 15, 17], 16))
    share = rng.choice((0.0, 0.4))
    return np.where(rng.random(n) < share, rng.choice(pool, n), np.nan)


def _orders(
    rng: np.random.Generator, market: Market, offsets: Ints, ids: Ints, digits: Ints
) -> dict[str, npt.NDArray[np.generic]]:
    n = len(offsets) - 1
    counts = np.where(rng.random(n) < 0.25, rng.integers(1, 4, n), 0)
    owner = np.repeat(np.arange(n), counts)
    k = len(owner)
    own = ids[offsets[owner] + rng.integers(0, 1 << 30, k) % np.diff(offsets)[owner]]
    give = np.where(rng.random(k) < 0.8, own, rng.integers(0, N_ASSETS, k))
    get = (give + rng.integers(1, N_ASSETS, k)) % N_ASSETS
    size = 10 ** rng.uniform(-6, 12, k)
    priced = np.where(market.prices > 0, market.prices, 1.0)
    factor = rng.choice([1.0, 1.0, 1.05, 0.9, 0.1], k)
    return {
        "order_offsets": np.concatenate([[0], np.cumsum(counts)]),
        "order_give_ids": give.astype(np.uint16),
        "order_give_quantity": rounded(size / priced[give], digits[owner, 0]),
        "order_get_ids": get.astype(np.uint16),
        "order_get_quantity": rounded(size * factor / priced[get], digits[owner, 0]),
    }


def rounded(numbers: Floats, digits: npt.NDArray[np.integer]) -> Floats:
    """Return the float64 of a decimal of so many digits near each number; 16 and more: as it is."""
    numbers = np.clip(numbers, SMALLEST, LARGEST)
    log = np.floor(np.log10(numbers))
    places = np.clip(digits - 1 - log, -22, 22).astype(np.int64)
    power = 10.0 ** np.abs(places)
    m = np.maximum(np.rint(np.where(places < 0, numbers / power, numbers * power)), 1.0)
    return np.where(digits > 15, numbers, np.where(places < 0, m * power, m / power))

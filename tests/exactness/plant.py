"""Accounts moved beside a threshold, and accounts planted exactly on one, by exact integers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from exactness.book import Book, as_float, last_place, units
from exactness.integers import (
    READINGS,
    Account,
    Checker,
    Limit,
    Reading,
    at,
    decimal_limit,
    table_of,
)
from exactness.market import N_ASSETS, PLACES, Market

UNIT = 10**PLACES
DIGITS = 15
Root = tuple[int, int]
"""Units as a fraction of integers."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold of a reading; with `own` the account's own margin-call ratio."""

    name: str
    level: str
    limit: Limit
    leverage: int | None = None
    own: bool = False


_CLASSIC = (
    Threshold("liquidation 1.1", "margin", (11, 10)),
    Threshold("margin call 1.16 (5x)", "margin", (116, 100), 5),
    Threshold("margin call 1.3 (3x)", "margin", (13, 10), 3),
    Threshold("own margin call", "margin", (0, 1), own=True),
    Threshold("borrow 1.25 (5x)", "borrow", (125, 100), 5),
    Threshold("borrow 1.5 (3x)", "borrow", (15, 10), 3),
    Threshold("transfer out 2", "transfer", (2, 1)),
)
_PRO = (
    Threshold("liquidation 1.0", "margin", (1, 1)),
    Threshold("margin call 1.5", "margin", (15, 10)),
    Threshold("own margin call", "margin", (0, 1), own=True),
    Threshold("transfer out 2", "margin", (2, 1)),
    Threshold("available margin 0", "available", (0, 1)),
)


def thresholds_of(reading: Reading) -> tuple[Threshold, ...]:
    return _PRO if reading.is_pro else _CLASSIC


def root(
    checker: Checker,
    account: Account,
    reading: Reading,
    level: str,
    limit: Limit,
    entry: int,
    side: int,
) -> Root | None:
    """Return the units held (side 1) or owed (side 2) of an entry that put a level on a limit.

    The account holds none of them yet, and where units owed are sought, none of the asset either.
    The level's N - limit * D is piecewise linear and monotone in them: the step in which it
    changes sign is found, then the line is solved.
    """
    asset, _, owed = account.entries[entry]
    price, (a, b) = checker.price[asset], limit
    if price == 0:
        return None
    n, d = checker.level(account, reading, level)
    bracket = checker.owed[asset][1 if level == "available" else 0]
    table = table_of(reading, level)
    debt = owed * price

    def held(value: int) -> int:
        return b * (n + checker.value_term(reading.net, table, asset, value, debt)) - a * d

    def owes(value: int) -> int:
        margin = at(bracket, value)
        if level == "available":
            return n - value * checker.rate_unit - margin
        if reading.is_pro:
            return b * (n - value * checker.rate_unit) - a * (d + margin)
        return b * n - a * (d + value * checker.rate_unit)

    if side == 1:
        off = debt if reading.net else 0
        caps = [] if table is None else checker.held[asset][table][0]
        solved = _crossing(held, [off, *(off + cap for cap in caps)])
    else:
        solved = _crossing(owes, bracket[0] if reading.is_pro else [])
    return None if solved is None else (solved[0], solved[1] * price)


def _crossing(line: Callable[[int], int], corners: list[int]) -> Root | None:
    """Return where a monotone piecewise linear function crosses 0, above 0."""
    low, at_low = 0, line(0)
    if at_low == 0:
        return None
    for corner in [*corners, None]:
        high = 2 * low + UNIT if corner is None else corner
        at_high = line(high)
        if corner is None or (at_low < 0) != (at_high < 0) or at_high == 0:
            rise = at_high - at_low
            if rise == 0 or (rise > 0) != (at_low < 0):
                return None
            numerator, sign = low * rise - at_low * (high - low), 1 if rise > 0 else -1
            return sign * numerator, sign * rise
        low, at_low = high, at_high
    return None


# Near: any decimals, the level within 1e-16 to 1e-12 of a threshold.


def move_near(book: Book, checker: Checker, rng: random.Random, share: float) -> None:
    """Set one quantity of a share of the accounts so that a level stands beside a threshold."""
    accounts, bounds = book.integers(), book.offsets.tolist()
    locked, interest = units(book.locked), units(book.interest)
    for i, account in enumerate(accounts):
        if rng.random() > share:
            continue
        number = rng.randrange(len(READINGS))
        reading = READINGS[number]
        level, limit = _target(rng, reading, account)
        k = rng.randrange(len(account.entries))
        if any(account.entries[k][0] in (order[0], order[2]) for order in account.orders):
            continue
        found = _solve_either(checker, account, reading, level, limit, k)
        if found is None:
            continue
        side, (numerator, denominator) = found
        place = bounds[i] + k
        small = (locked if side == 1 else interest)[place]
        if numerator <= small * denominator or rng.random() < 0.3:
            small = 0
        quantity = _beside(rng, numerator - small * denominator, denominator * UNIT)
        if not 1e-12 <= quantity <= 1e17:
            continue
        book.wanted[i] = number
        first, second = ("free", "locked") if side == 1 else ("borrowed", "interest")
        getattr(book, first)[place] = quantity
        getattr(book, second)[place] = as_float(small)
        if side == 2:
            book.free[place] = book.locked[place] = 0.0


def _target(rng: random.Random, reading: Reading, account: Account) -> tuple[str, Limit]:
    fitting = [
        threshold
        for threshold in thresholds_of(reading)
        if threshold.leverage in (None, account.leverage) and (account.own or not threshold.own)
    ]
    chosen = rng.choice(fitting)
    return chosen.level, account.own if chosen.own and account.own else chosen.limit


def _solve_either(
    checker: Checker, account: Account, reading: Reading, level: str, limit: Limit, k: int
) -> tuple[int, Root] | None:
    """Return the side to solve for and its root: a holding where the level is low, or a debt."""
    asset, _, owed = account.entries[k]
    without = replace(account, entries=list(account.entries))
    without.entries[k] = (asset, 0, owed)
    n, d = checker.level(without, reading, level)
    side = 1
    if limit[1] * n > limit[0] * d:
        without.entries[k] = (asset, 0, 0)
        n, d = checker.level(without, reading, level)
        if limit[1] * n <= limit[0] * d:
            return None
        side = 2
    found = root(checker, without, reading, level, limit, k, side)
    return None if found is None else (side, found)


def _beside(rng: random.Random, numerator: int, denominator: int) -> float:
    """Return a float64 at or beside a positive fraction: the nearest, a decimal, or some off."""
    if numerator.bit_length() - denominator.bit_length() > 1000:
        return 0.0
    quantity = numerator / denominator
    kind = rng.random()
    if kind < 0.35:
        return quantity
    if kind < 0.55:
        return float(f"{quantity:.14e}")
    if kind < 0.7:
        return float(np.nextafter(quantity, rng.choice((0.0, np.inf))))
    return quantity * (1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-16, -12))


# Exactly: short decimals, the level on a threshold, and one unit of a decimal to either side.


@dataclass(frozen=True, slots=True)
class Tie:
    """An account on a threshold and its two neighbours; the ratio is the accounts' own, or NaN."""

    accounts: tuple[Account, Account, Account]
    ratio: float


class Planter:
    """Plants ties of one reading at one market of short decimals."""

    def __init__(self, rng: random.Random, market: Market, reading: Reading) -> None:
        self.rng = rng
        self.checker = market.checker()
        self.reading = reading
        self.index = READINGS.index(reading)
        self.prices = market.prices.tolist()
        self.caps = [
            [int(cap * UNIT) for cap, _ in steps if cap is not None]
            for steps in market.tables["collateral"]
        ]

    def plant(self, threshold: Threshold, n: int) -> Iterator[Tie]:
        """Return n ties whose actions differ from those above the threshold."""
        while n:
            tie = self._try(threshold)
            if tie is not None:
                n -= 1
                yield tie

    def _try(self, threshold: Threshold) -> Tie | None:
        rng, ratio, limit, own = self.rng, float("nan"), threshold.limit, None
        if threshold.own:
            ratio = round(rng.uniform(1.3, 2), rng.choice((1, 2, 2, 3, 4)))
            limit = own = decimal_limit(ratio)
        account = Account([], threshold.leverage or rng.choice((3, 5)), own, 0, [])
        account, scale = self._debts(account)
        account = self._holdings(account, threshold, limit, scale)
        n, d = self.checker.level(account, self.reading, threshold.level)
        if limit[1] * n >= limit[0] * d:
            return None
        for _ in range(4):
            solved = self._solved(account, threshold.level, limit)
            if solved is not None:
                return self._with_sides(solved, ratio, threshold.level, limit)
        return None

    def _debts(self, account: Account) -> tuple[Account, float]:
        rng = self.rng
        scale = 10 ** rng.uniform(0, 8)
        assets = rng.sample(range(N_ASSETS), rng.choice((1, 1, 2, 3)))
        entries = []
        for asset in assets:
            value = scale * 10 ** rng.uniform(-1.5, 0)
            entries.append((asset, 0, self._short(asset, value)))
        return replace(account, entries=entries), scale

    def _holdings(
        self, account: Account, threshold: Threshold, limit: Limit, scale: float
    ) -> Account:
        rng, checker = self.rng, self.checker
        n, d = checker.level(account, self.reading, threshold.level)
        room = (limit[0] * d - limit[1] * n) / (checker.value_unit * checker.rate_unit * limit[1])
        entries = {asset: (asset, held, owed) for asset, held, owed in account.entries}
        for asset in rng.sample(range(N_ASSETS), rng.choice((0, 1, 1, 2, 3, 6))):
            value = room * rng.uniform(0.02, 0.45)
            held = self._edge(asset, value) or self._short(asset, value)
            entries[asset] = (asset, held, entries.get(asset, (0, 0, 0))[2])
        loss, orders = 0, []
        draw = rng.random() if self.reading.is_pro else 1.0
        if draw < 0.2:
            loss = self._short(None, room * rng.uniform(0.001, 0.2))
        elif draw < 0.5:
            for _ in range(rng.choice((1, 1, 2))):
                give, get = rng.sample(range(N_ASSETS), 2)
                value = room * rng.uniform(0.01, 0.3)
                orders.append((give, self._short(give, value), get, self._short(get, value)))
        shuffled = list(entries.values())
        rng.shuffle(shuffled)
        return replace(account, entries=shuffled, loss=loss, orders=orders)

    def _short(self, asset: int | None, value: float) -> int:
        """Return units worth about so many USDT: one to four digits, now and then 12."""
        price = 1.0 if asset is None else self.prices[asset]
        digits = self.rng.choice((1, 2, 2, 3, 4, 4, 12))
        number = int(float(f"{max(value / price, 1e-8):.{digits - 1}e}") * 1e12) * (UNIT // 10**12)
        keep = 10 ** max(0, len(str(number)) - digits)
        return max(number // keep, 1) * keep

    def _edge(self, asset: int, value: float) -> int | None:
        """Return the units that stand exactly on a cap below a value, now and then."""
        caps = [cap for cap in self.caps[asset] if cap < value * UNIT]
        if not caps or self.rng.random() < 0.3:
            return None
        cap, price = self.rng.choice(caps), self.checker.price[asset]
        held, rest = divmod(cap * (self.checker.value_unit // UNIT), price)
        return held if not rest and _is_short(held) else None

    def _solved(self, account: Account, level: str, limit: Limit) -> tuple[Account, int] | None:
        rng = self.rng
        asset = rng.randrange(N_ASSETS)
        if any(asset in (order[0], order[2]) for order in account.orders):
            return None
        entries = list(account.entries)
        k = next((k for k, entry in enumerate(entries) if entry[0] == asset), len(entries))
        if k == len(entries):
            entries.append((asset, 0, 0))
        if entries[k][1]:
            return None
        based = replace(account, entries=entries)
        found = root(self.checker, based, self.reading, level, limit, k, 1)
        if found is None or found[0] % found[1]:
            return None
        held = found[0] // found[1]
        if not 0 < held < 10 ** (PLACES + 15) or not _is_short(held):
            return None
        entries[k] = (asset, held, entries[k][2])
        return based, k

    def _with_sides(
        self, solved: tuple[Account, int], ratio: float, level: str, limit: Limit
    ) -> Tie | None:
        """Move one quantity by one unit of its last digit, or of its 15th, down and up."""
        rng, (account, k) = self.rng, solved
        side = 1
        if rng.random() < 0.3:
            k = rng.randrange(len(account.entries))
            side = 1 if account.entries[k][1] else 2
        number = account.entries[k][side]
        finest = 10 ** max(0, len(str(number)) - DIGITS)
        step = last_place(number) if rng.random() < 0.5 else finest
        sides = []
        for change in (-step, step):
            entries = list(account.entries)
            moved = list(entries[k])
            moved[side] += change
            entries[k] = (moved[0], moved[1], moved[2])
            sides.append(replace(account, entries=entries))
        found = [self.checker.actions(one)[self.index] for one in (account, *sides)]
        if found[0] == found[1] == found[2]:
            return None
        n, d = self.checker.level(account, self.reading, level)
        if limit[1] * n != limit[0] * d:
            raise AssertionError(f"not on the threshold: {account}")
        return Tie((account, sides[0], sides[1]), ratio)


def _is_short(number: int) -> bool:
    """Tell whether a decimal has at most 15 digits."""
    return number % 10 ** max(0, len(str(number)) - DIGITS) == 0

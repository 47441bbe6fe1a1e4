"""Accounts planted exactly on a threshold in decimals, and one unit of a decimal to either side.

Everything is integers: quantities in 1e-10 units, prices in 1e-6 USDT, rates in 1e-4, so that a
value has the unit 1e-16 USDT and a haircut value 1e-20. What is expected of each account is told
by comparing such integers, with the tables of thresholds written out here: neither the core, nor
the oracle, nor the rules package takes part. Every decimal has at most 15 significant digits, so
each float64 reads back (``repr``) as exactly that decimal.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

UNIT = 10**10  # quantities
PRICE_UNIT = 10**6
RATE_UNIT = 10**4
VALUE_UNIT = UNIT * PRICE_UNIT
DIGITS = 15
QUANTITIES = ("free", "locked", "borrowed", "interest")

ASSETS = ("USDT", "TALL", "FIVE", "HALF", "FLAT", "FULL")
Steps = tuple[tuple[int | None, int], ...]

# (cap in USDT or None, rate in 1e-4): falling for holdings, rising for liabilities.
TABLES: dict[str, dict[str, Steps]] = {
    "collateral": {
        "USDT": ((None, 10_000),),
        "TALL": (
            (100_000, 10_000), (120_000, 9_750), (150_000, 9_500), (180_000, 9_000),
            (200_000, 8_500),
        ),
        "FIVE": ((5_000, 10_000), (20_000, 8_000), (None, 5_000)),
        "HALF": ((None, 5_000),),
        "FLAT": ((None, 7_000),),
        "FULL": ((10_000, 10_000), (40_000, 8_000), (100_000, 2_500), (None, 0)),
    },
    "borrow": {
        "USDT": ((None, 10_000),),
        "TALL": ((None, 9_999),),
        "FIVE": ((None, 8_000),),
        "HALF": ((None, 4_000),),
        "FLAT": ((1_000_000, 9_500),),
        "FULL": ((None, 5_000),),
    },
    "transfer_out": {
        "USDT": ((None, 10_000),),
        "TALL": ((None, 9_000),),
        "FIVE": ((None, 8_000),),
        "HALF": ((None, 4_000),),
        "FLAT": ((1_000_000, 6_000),),
        "FULL": ((None, 2_000),),
    },
    "liability_maintenance": {
        "USDT": ((30_000, 500), (90_000, 700), (None, 900)),
        "TALL": ((50_000, 500), (100_000, 700), (None, 800)),
        "FIVE": ((1_000, 200), (30_000, 500), (60_000, 1_000)),
        "HALF": ((None, 1_000),),
        "FLAT": ((20_000, 333), (None, 1_667)),
        "FULL": ((5_000, 250), (None, 2_500)),
    },
    "liability_initial": {
        "USDT": ((30_000, 1_112), (90_000, 1_429), (None, 2_000)),
        "TALL": ((50_000, 1_112), (100_000, 1_429), (None, 2_000)),
        "FIVE": ((1_000, 500), (30_000, 1_112), (60_000, 2_500)),
        "HALF": ((None, 2_000),),
        "FLAT": ((20_000, 1_112), (None, 3_333)),
        "FULL": ((5_000, 500), (None, 5_000)),
    },
}  # fmt: skip
_LAST_RATE_GOES_ON = ("liability_maintenance", "liability_initial")

# Prices in 1e-6 USDT. Those with no prime factor but 2 and 5 can be divided by.
PRICES: tuple[dict[str, int], ...] = (
    {"USDT": 1_000_000, "TALL": 29_741_370_000, "FIVE": 80_000, "HALF": 2_500_000,
     "FLAT": 37_300_000, "FULL": 500_000},
    {"USDT": 1_000_000, "TALL": 12_500_000, "FIVE": 3_170_000, "HALF": 64_000,
     "FLAT": 999_990, "FULL": 1_600_000},
    {"USDT": 999_700, "TALL": 64_000_000_000, "FIVE": 125_000, "HALF": 20_000,
     "FLAT": 7, "FULL": 102_400_000},
)  # fmt: skip

TRADE, BORROW, TRANSFER_OUT, MARGIN_CALL, LIQUIDATE, BEYOND_TIERS = 1, 2, 4, 8, 16, 1024


@dataclass(slots=True)
class Account:
    """One account in integers; `balances` maps an asset to [free, locked, borrowed, interest]."""

    balances: dict[str, list[int]]
    leverage: int = 3
    ratio: int | None = None  # own margin-call ratio, in 1e-2
    loss: int = 0  # open-order loss in 1e-10 USDT
    orders: list[tuple[str, int, str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mode:
    """What is evaluated: a methodology, and for Pro its two readings."""

    methodology: str
    net: bool = False
    standalone: bool = False

    @property
    def is_pro(self) -> bool:
        return self.methodology == "pro_2025"


@dataclass(frozen=True, slots=True)
class Ties:
    """A book at one price set: for each account its sign of N - theta*D and its actions."""

    mode: Mode
    prices: dict[str, float]
    accounts: list[Account]
    signs: list[int]
    actions: list[int]

    def rows(self) -> Iterator[dict[str, Any]]:
        for i, account in enumerate(self.accounts):
            yield row_of(account, i)

    def arrays(self) -> dict[str, Any]:
        """Return the arguments of `Accounts.from_arrays`."""
        counts = [len(account.balances) for account in self.accounts]
        names = {asset: i for i, asset in enumerate(ASSETS)}
        ids = [names[asset] for account in self.accounts for asset in account.balances]
        entries = [entry for account in self.accounts for entry in account.balances.values()]
        columns = [[number / UNIT for number in column] for column in zip(*entries, strict=True)]
        ratios = [np.nan if a.ratio is None else a.ratio / 100 for a in self.accounts]
        return {
            "ids": [str(i) for i in range(len(self.accounts))],
            "offsets": np.array([0, *itertools.accumulate(counts)], dtype=np.int64),
            "assets": ASSETS,
            "asset_ids": np.array(ids, dtype=np.uint16),
            **dict(zip(QUANTITIES, map(np.array, columns), strict=True)),
            **self._orders(names),
            "leverage": np.array([a.leverage for a in self.accounts], dtype=np.uint8),
            "margin_call_ratio": np.array(ratios),
            "open_order_loss": np.array([a.loss / UNIT for a in self.accounts]),
        }

    def _orders(self, names: dict[str, int]) -> dict[str, Any]:
        orders = [order for account in self.accounts for order in account.orders]
        counts = (len(account.orders) for account in self.accounts)
        return {
            "order_offsets": np.array([0, *itertools.accumulate(counts)], dtype=np.int64),
            "order_give_ids": np.array([names[order[0]] for order in orders], dtype=np.uint16),
            "order_give_quantity": np.array([order[1] / UNIT for order in orders]),
            "order_get_ids": np.array([names[order[2]] for order in orders], dtype=np.uint16),
            "order_get_quantity": np.array([order[3] / UNIT for order in orders]),
        }


def row_of(account: Account, name: int) -> dict[str, Any]:
    """Return the account as a row of floats."""
    row: dict[str, Any] = {
        "account": str(name),
        "leverage": account.leverage,
        "balances": [
            {"asset": asset, **{q: n / UNIT for q, n in zip(QUANTITIES, entry, strict=True)}}
            for asset, entry in account.balances.items()
        ],
    }
    if account.ratio is not None:
        row["margin_call_ratio"] = account.ratio / 100
    if account.loss:
        row["open_order_loss"] = account.loss / UNIT
    if account.orders:
        row["orders"] = [
            {
                "give_asset": give,
                "give_quantity": x / UNIT,
                "get_asset": get,
                "get_quantity": y / UNIT,
            }
            for give, x, get, y in account.orders
        ]
    return row


def tables_as_decimals() -> dict[str, dict[str, list[tuple[Decimal | None, Decimal]]]]:
    """Return `TABLES` with caps and rates as Decimals, to build rules from."""
    return {
        table: {
            asset: [
                (None if cap is None else Decimal(cap), Decimal(rate) / RATE_UNIT)
                for cap, rate in steps
            ]
            for asset, steps in schedules.items()
        }
        for table, schedules in TABLES.items()
    }


# What is true, in integers.


def taken(table: str, asset: str, value: int) -> int:
    """Return a schedule at a value, in 1e-20 USDT."""
    total = floor = 0
    for cap, rate in TABLES[table][asset]:
        top = value if cap is None else min(value, cap * VALUE_UNIT)
        if top > floor:
            total += (top - floor) * rate
        floor = top
        if cap is None or value <= cap * VALUE_UNIT:
            return total
    if table in _LAST_RATE_GOES_ON:
        total += (value - floor) * rate
    return total


def beyond(table: str, asset: str, value: int) -> bool:
    last = TABLES[table][asset][-1][0]
    return last is not None and value > last * VALUE_UNIT


def held_term(table: str | None, asset: str, held: int, owed: int, price: int) -> int:
    """Return what a holding counts, in 1e-20 USDT; `owed` is 0 where holdings are gross."""
    if table is None:
        return held * price * RATE_UNIT
    off = min(held, owed)
    return off * price * RATE_UNIT + taken(table, asset, (held - off) * price)


def holdings(account: Account, prices: dict[str, int], table: str | None, net: bool) -> int:
    return sum(
        held_term(table, asset, free + locked, borrowed + interest if net else 0, prices[asset])
        for asset, (free, locked, borrowed, interest) in account.balances.items()
    )


def liability(account: Account, prices: dict[str, int]) -> int:
    return RATE_UNIT * sum(
        (borrowed + interest) * prices[asset]
        for asset, (_, _, borrowed, interest) in account.balances.items()
    )


def margin(account: Account, prices: dict[str, int], table: str) -> int:
    return sum(
        taken(table, asset, (borrowed + interest) * prices[asset])
        for asset, (_, _, borrowed, interest) in account.balances.items()
    )


def order_loss(account: Account, prices: dict[str, int], mode: Mode) -> int:
    total = account.loss * PRICE_UNIT * RATE_UNIT
    for give, x, get, y in account.orders:
        if mode.standalone:
            loses = taken("collateral", give, x * prices[give])
            gains = taken("collateral", get, y * prices[get])
        else:
            loses = _moved(account, prices, mode, give, -x)
            gains = _moved(account, prices, mode, get, y)
        total += max(0, loses - gains)
    return total


def _moved(account: Account, prices: dict[str, int], mode: Mode, asset: str, change: int) -> int:
    free, locked, borrowed, interest = account.balances.get(asset, (0, 0, 0, 0))
    owed = borrowed + interest if mode.net else 0
    held = free + locked
    before = held_term("collateral", asset, held, owed, prices[asset])
    after = held_term("collateral", asset, max(held + change, 0), owed, prices[asset])
    return abs(after - before)


def level(account: Account, prices: dict[str, int], mode: Mode, name: str) -> tuple[int, int]:
    """Return N and D of a level, in 1e-20 USDT."""
    if mode.is_pro:
        equity = holdings(account, prices, "collateral", mode.net)
        equity -= liability(account, prices) + order_loss(account, prices, mode)
        if name == "available":
            return equity - margin(account, prices, "liability_initial"), 0
        return equity, margin(account, prices, "liability_maintenance")
    net = mode.methodology == "classic_2026_06"
    if name == "margin" and not net:
        table = None
    elif name == "margin" or mode.methodology == "classic_2023":
        table = "collateral"
    else:
        table = {"borrow": "borrow", "transfer": "transfer_out"}[name]
    return holdings(account, prices, table, net), liability(account, prices)


def sign_at(account: Account, prices: dict[str, int], mode: Mode, name: str, limit: int) -> int:
    """Return the sign of N - limit*D, the limit in 1e-2."""
    numerator, denominator = level(account, prices, mode, name)
    difference = 100 * numerator - limit * denominator
    return (difference > 0) - (difference < 0)


def expected_actions(account: Account, prices: dict[str, int], mode: Mode) -> int:
    """Return the actions that the exchange's table gives, by integers alone."""

    known: dict[str, tuple[int, int]] = {}

    def above(name: str, limit: int) -> bool:
        if name not in known:
            known[name] = level(account, prices, mode, name)
        numerator, denominator = known[name]
        return 100 * numerator > limit * denominator

    far = BEYOND_TIERS if _is_beyond(account, prices, mode) else 0
    five = account.leverage == 5
    if not above("margin", 100 if mode.is_pro else 110):
        return LIQUIDATE | far
    call = account.ratio or (150 if mode.is_pro else 116 if five else 130)
    if not above("margin", call):
        return TRADE | MARGIN_CALL | far
    if mode.is_pro:
        may_borrow, may_transfer = above("available", 0), above("margin", 200)
    else:
        may_borrow, may_transfer = above("borrow", 125 if five else 150), above("transfer", 200)
    return TRADE | (BORROW if may_borrow else 0) | (TRANSFER_OUT if may_transfer else 0) | far


def _is_beyond(account: Account, prices: dict[str, int], mode: Mode) -> bool:
    net = mode.net or mode.methodology == "classic_2026_06"
    rated = () if mode.is_pro or mode.methodology == "classic_2023" else ("borrow", "transfer_out")
    for asset, (free, locked, borrowed, interest) in account.balances.items():
        held, owed, price = free + locked, borrowed + interest, prices[asset]
        value = (max(held - owed, 0) if net else held) * price
        if any(beyond(table, asset, value) for table in ("collateral", *rated)):
            return True
        if mode.is_pro and any(beyond(t, asset, owed * price) for t in _LAST_RATE_GOES_ON):
            return True
    return False


# Planting.


def planted(
    mode: Mode, name: str, limit: int, n: int, *, seed: int, own: bool = False
) -> list[Ties]:
    """Return `n` accounts exactly on a threshold and each one unit to either side, as 3n accounts.

    One book for each price set. `limit` is in 1e-2; `own` plants the account's own margin-call
    ratio at `limit`.
    """
    books = []
    for k, prices in enumerate(PRICES):
        rng = random.Random(f"{seed} {k} {mode} {name} {limit}")
        accounts: list[Account] = []
        for _ in range(n * (k + 1) // len(PRICES) - n * k // len(PRICES)):
            accounts += _triple(rng, prices, mode, name, limit, own)
        books.append(
            Ties(
                mode,
                {asset: price / PRICE_UNIT for asset, price in prices.items()},
                accounts,
                [sign_at(account, prices, mode, name, limit) for account in accounts],
                [expected_actions(account, prices, mode) for account in accounts],
            )
        )
    return books


def _triple(
    rng: random.Random, prices: dict[str, int], mode: Mode, name: str, limit: int, own: bool
) -> list[Account]:
    while True:
        account = _near(rng, prices, mode, name, limit)
        if account is None:
            continue
        account.ratio = limit if own else None
        solved = _solve(rng, account, prices, mode, name, limit)
        if solved is None:
            continue
        account, asset = solved
        sides = _sides(rng, account, asset)
        signs = {sign_at(side, prices, mode, name, limit) for side in sides}
        if signs == {-1, 1}:  # what counts nothing does not move the level
            return [account, *sides]


def _near(
    rng: random.Random, prices: dict[str, int], mode: Mode, name: str, limit: int
) -> Account | None:
    """Draw debts, orders and holdings that stay under the threshold."""
    leverage = {125: 5, 116: 5}.get(limit, rng.choice((3, 5)))
    if limit in (130, 150) and not mode.is_pro:
        leverage = 3
    account = Account({}, leverage)
    for asset in rng.sample(ASSETS, rng.choice((1, 1, 2, 3))):
        borrowed = _short(rng, prices[asset], 10 ** rng.uniform(0.5, 5.2))
        interest = _short(rng, prices[asset], 1) if rng.random() < 0.3 else 0
        account.balances[asset] = [0, 0, borrowed, interest]
    numerator, denominator = level(account, prices, mode, name)
    room = (limit * denominator // 100 - numerator) / (VALUE_UNIT * RATE_UNIT)
    for asset in rng.sample(ASSETS, rng.choice((0, 1, 1, 2, 3))):
        value = room * rng.uniform(0.05, 0.45)
        held = _edge(rng, asset, prices[asset], value) or _short(rng, prices[asset], value)
        account.balances.setdefault(asset, [0, 0, 0, 0])[0] = held
    if mode.is_pro and rng.random() < 0.6:
        _add_orders(rng, account, prices, room)
    items = list(account.balances.items())
    rng.shuffle(items)
    account.balances = dict(items)
    return account if sign_at(account, prices, mode, name, limit) < 0 else None


def _add_orders(rng: random.Random, account: Account, prices: dict[str, int], room: float) -> None:
    if rng.random() < 0.4:
        account.loss = _short(rng, PRICE_UNIT, room * rng.uniform(0.001, 0.2))
        return
    for _ in range(rng.choice((1, 2))):
        give, get = rng.sample(ASSETS, 2)
        value = room * rng.uniform(0.01, 0.3)
        x, y = _short(rng, prices[give], value), _short(rng, prices[get], value)
        account.orders.append((give, x, get, y))


def _solve(
    rng: random.Random, account: Account, prices: dict[str, int], mode: Mode, name: str, limit: int
) -> tuple[Account, str] | None:
    """Add the one holding that makes N equal to limit*D, where it is a short decimal."""
    numerator, denominator = level(account, prices, mode, name)
    short_of, rest = divmod(limit * denominator - 100 * numerator, 100)
    if rest:
        return None
    table: str | None = "collateral"
    if not mode.is_pro and mode.methodology != "classic_2026_06" and name == "margin":
        table = None
    elif mode.methodology.startswith("classic_2026") and name != "margin":
        table = {"borrow": "borrow", "transfer": "transfer_out"}[name]
    net = mode.net or mode.methodology == "classic_2026_06"
    in_orders = {asset for order in account.orders for asset in (order[0], order[2])}
    for asset in rng.sample(ASSETS, 3):
        entry = account.balances.get(asset, [0, 0, 0, 0])
        if entry[0] or asset in in_orders:
            continue
        owed = entry[2] + entry[3] if net else 0
        held = _held_for(table, asset, short_of, owed, prices[asset])
        if held is None or not _is_short(held):
            continue
        locked = _short(rng, UNIT, 1) if rng.random() < 0.3 else 0
        if locked >= held or not _is_short(held - locked):
            locked = 0
        account.balances[asset] = [held - locked, locked, entry[2], entry[3]]
        return account, asset
    return None


def _held_for(table: str | None, asset: str, need: int, owed: int, price: int) -> int | None:
    """Return the units whose term is `need`, or None where that is no whole number of units."""
    if table is None:
        return _divided(need, price * RATE_UNIT)
    if need <= owed * price * RATE_UNIT:
        return _divided(need, price * RATE_UNIT)
    need -= owed * price * RATE_UNIT
    floor = 0
    for cap, rate in TABLES[table][asset]:
        if rate == 0:
            return None
        if cap is None or need <= (cap * VALUE_UNIT - floor) * rate:
            value = _divided(need, rate)
            above = None if value is None else _divided(floor + value, price)
            return None if above is None else owed + above
        need -= (cap * VALUE_UNIT - floor) * rate
        floor = cap * VALUE_UNIT
    return None


def _sides(rng: random.Random, account: Account, asset: str) -> list[Account]:
    """Move one quantity by one unit of its last decimal place, down and up."""
    debts = [name for name, entry in account.balances.items() if entry[2]]
    moved, field_of = (asset, 0) if rng.random() < 0.7 else (rng.choice(debts), 2)
    number = account.balances[moved][field_of]
    unit = _last_place(number) if rng.random() < 0.5 else _finest_place(number)
    sides = []
    for step in (-unit, unit):
        balances = {name: list(entry) for name, entry in account.balances.items()}
        balances[moved][field_of] += step
        sides.append(
            Account(balances, account.leverage, account.ratio, account.loss, account.orders)
        )
    return sides


def _divided(number: int, by: int) -> int | None:
    quotient, rest = divmod(number, by)
    return None if rest else quotient


def _is_short(number: int) -> bool:
    return number < 10**DIGITS or number % 10 ** (len(str(number)) - DIGITS) == 0


def _last_place(number: int) -> int:
    text = str(number)
    return 10 ** (len(text) - len(text.rstrip("0")))


def _finest_place(number: int) -> int:
    return 10 ** max(0, len(str(number)) - DIGITS)


def _short(rng: random.Random, price: int, value: float) -> int:
    """Return units worth about `value` USDT with one to four digits."""
    number = max(int(value * VALUE_UNIT / price), 10**4)
    place = 10 ** max(len(str(number)) - rng.choice((1, 2, 2, 3, 4)), 4)
    return max(number // place, 1) * place


def _edge(rng: random.Random, asset: str, price: int, value: float) -> int | None:
    """Return the units that stand exactly on a cap of the collateral table, if one is near."""
    caps = [cap for cap, _ in TABLES["collateral"][asset] if cap is not None and cap < value]
    if not caps or rng.random() < 0.3:
        return None
    return _divided(rng.choice(caps) * VALUE_UNIT, price)

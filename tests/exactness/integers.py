"""The independent check: actions from Python integers alone.

Neither the core nor the oracle nor anything else of the package takes part. Each float64 is taken
as its shortest decimal; quantities, prices, rates and caps are put on a common power of ten each,
so that a value, a haircut value and a margin are whole numbers; a decision is the sign of
``b * N - a * D`` for the threshold ``a / b``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

TRADE, BORROW, TRANSFER_OUT, MARGIN_CALL, LIQUIDATE, BEYOND_TIERS = 1, 2, 4, 8, 16, 1024
HELD_TABLES = ("collateral", "borrow", "transfer_out")
OWED_TABLES = ("liability_maintenance", "liability_initial")

Steps = Sequence[tuple[Decimal | None, Decimal]]
"""A schedule: caps in USDT (the last may be None, open) and rates."""
Schedule = tuple[list[int], list[int], list[int], list[int], int]
"""Inner caps, floors, sums below each floor and rates of the steps; the closed last cap."""
Limit = tuple[int, int]
"""A threshold as a fraction of integers."""
Entry = tuple[int, int, int]
"""Asset, units held and units owed, as integers."""
Order = tuple[int, int, int, int]
"""Asset and units given, asset and units got, as integers."""

OPEN_FROM = 99_999_999_999
"""A cap from here on means none, as the exchange writes it."""
_OPEN = 10**400  # above any value of float64 inputs in any unit taken here
_DIGITS = 15  # decimals of so many digits are told apart by float64


@dataclass(frozen=True, slots=True)
class Reading:
    """What is evaluated: a methodology, and for Pro its two readings."""

    name: str
    methodology: str
    net: bool = False
    standalone: bool = False

    @property
    def is_pro(self) -> bool:
        return self.methodology == "pro_2025"


READINGS = (
    Reading("classic_2023", "classic_2023"),
    Reading("classic_2026_01", "classic_2026_01"),
    Reading("classic_2026_06", "classic_2026_06", net=True),
    Reading("pro gross marginal", "pro_2025"),
    Reading("pro gross standalone", "pro_2025", standalone=True),
    Reading("pro net marginal", "pro_2025", net=True),
    Reading("pro net standalone", "pro_2025", net=True, standalone=True),
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account in the units of its `Checker`; `loss` counts like a quantity of USDT."""

    entries: list[Entry]
    leverage: int
    own: Limit | None
    loss: int
    orders: list[Order]


def shortest_decimals(
    numbers: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return m and e so that m * 10**e is the shortest decimal that reads back as each number.

    A power of ten up to 10**22 and an m up to 10**15 are float64 themselves, so that one division
    or multiplication of them is the correctly rounded m * 10**e. Where that is the number, the
    decimal reads back as it, and no other of up to 15 digits does. `repr` tells the rest.
    """
    magnitudes = np.abs(numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.floor(np.log10(np.where(magnitudes > 0, magnitudes, 1.0)))
    places = (_DIGITS - 1 - log).astype(np.int64)
    in_range = np.abs(places) <= 22
    power = 10.0 ** np.where(in_range, np.abs(places), 0)
    down = places < 0
    m = np.rint(np.where(down, magnitudes / power, magnitudes * power))
    found = in_range & (m <= 10.0**_DIGITS)
    found &= np.where(down, m * power, m / power) == magnitudes
    mantissas = np.where(found, m * np.sign(numbers), 0).astype(np.int64)
    exponents = np.where(found, -places, 0)
    for i in np.flatnonzero(~found).tolist():
        mantissas[i], exponents[i] = printed_decimal(float(numbers[i]))
    return mantissas, exponents


def printed_decimal(number: float) -> tuple[int, int]:
    """Return m and e of the decimal that `repr` prints."""
    text, _, exponent = repr(number).partition("e")
    whole, _, fraction = text.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)


def decimal_limit(number: float) -> Limit:
    """Return the shortest decimal of a ratio as a fraction of integers."""
    m, e = printed_decimal(number)
    return (m, 10**-e) if e <= 0 else (m * 10**e, 1)


class Checker:
    """Rules and prices as integers, and what they make of an account.

    Parameters
    ----------
    tables
        Table to a schedule for each asset.
    prices
        float64, one for each asset.
    places
        Quantities are counted in units of 10**-places.
    """

    def __init__(
        self,
        tables: Mapping[str, Sequence[Steps]],
        prices: npt.NDArray[np.float64],
        *,
        places: int,
    ) -> None:
        decimals = [printed_decimal(price) for price in prices.tolist()]
        price_places = max(0, *(-e for _, e in decimals))
        self.places = places
        self.price = [m * 10 ** (e + price_places) for m, e in decimals]
        self.value_unit = 10 ** (places + price_places)
        rates = [rate for table in tables.values() for steps in table for _, rate in steps]
        self.rate_unit = 10 ** max(_places_of(rate) for rate in rates)
        self.loss_unit = 10**price_places * self.rate_unit
        self.held = list(zip(*(self._schedules(tables, t) for t in HELD_TABLES), strict=True))
        self.owed = list(zip(*(self._schedules(tables, t) for t in OWED_TABLES), strict=True))

    def _schedules(self, tables: Mapping[str, Sequence[Steps]], table: str) -> list[Schedule]:
        return [self._schedule(steps, table in OWED_TABLES) for steps in tables[table]]

    def _schedule(self, steps: Steps, goes_on: bool) -> Schedule:
        caps = [
            None if cap is None or cap >= OPEN_FROM else _times(cap, self.value_unit)
            for cap, _ in steps
        ]
        rates = [_times(rate, self.rate_unit) for _, rate in steps]
        last = caps[-1]
        if last is None or goes_on:
            caps.pop()
        else:
            rates.append(0)  # an excess of collateral counts nothing
        inner = [cap for cap in caps if cap is not None]
        floors, below = [0, *inner], [0]
        for k, cap in enumerate(inner):
            below.append(below[k] + rates[k] * (cap - floors[k]))
        return inner, floors, below, rates, _OPEN if last is None else last

    # Every reading at once: what the campaign runs on each account.

    def actions(self, account: Account) -> tuple[int, ...]:
        """Return the actions in the order of `READINGS`."""
        unit = self.rate_unit
        assets = debts = c = b = t = net_c = net_b = net_t = mm = im = 0
        far_c = far_bt = net_far_c = net_far_bt = far_owed = False
        for asset, held, owed in account.entries:
            price = self.price[asset]
            value, debt = held * price, owed * price
            if owed:
                maintenance, initial = self.owed[asset]
                debts += debt
                mm += at(maintenance, debt)
                im += at(initial, debt)
                far_owed |= debt > maintenance[4] or debt > initial[4]
            if held:
                collateral, borrow, transfer = self.held[asset]
                assets += value
                x, y, z = at(collateral, value), at(borrow, value), at(transfer, value)
                far, far_2 = value > collateral[4], value > borrow[4] or value > transfer[4]
                c, b, t = c + x, b + y, t + z
                far_c |= far
                far_bt |= far_2
                if owed:
                    rest = max(value - debt, 0)
                    full = (value - rest) * unit
                    x, y, z = (full + at(table, rest) for table in self.held[asset])
                    far, far_2 = rest > collateral[4], rest > borrow[4] or rest > transfer[4]
                net_c, net_b, net_t = net_c + x, net_b + y, net_t + z
                net_far_c |= far
                net_far_bt |= far_2
        owed_value = debts * unit
        classic = (
            (assets * unit, c, c, far_c),
            (assets * unit, b, t, far_c or far_bt),
            (net_c, net_b, net_t, net_far_c or net_far_bt),
        )
        found = [
            _classic(account, margin, borrow, transfer, owed_value) | (BEYOND_TIERS * far)
            for margin, borrow, transfer, far in classic
        ]
        given = account.loss * self.loss_unit
        for reading in READINGS[3:]:
            loss = given
            if account.orders:
                loss += self.order_loss(account, reading)
            equity = (net_c if reading.net else c) - owed_value - loss
            far = far_owed or (net_far_c if reading.net else far_c)
            found.append(_pro(account, equity, mm, im) | (BEYOND_TIERS * far))
        return tuple(found)

    def order_loss(self, account: Account, reading: Reading) -> int:
        total = 0
        units = {asset: (held, owed) for asset, held, owed in account.entries}
        for give, x, get, y in account.orders:
            if reading.standalone:
                loses = at(self.held[give][0], x * self.price[give])
                gains = at(self.held[get][0], y * self.price[get])
            else:
                held, owed = units.get(give, (0, 0))
                loses = self._collateral(reading, give, held, owed)
                loses -= self._collateral(reading, give, max(held - x, 0), owed)
                held, owed = units.get(get, (0, 0))
                gains = self._collateral(reading, get, held + y, owed)
                gains -= self._collateral(reading, get, held, owed)
            total += max(0, loses - gains)
        return total

    def _collateral(self, reading: Reading, asset: int, held: int, owed: int) -> int:
        return self.held_term(reading.net, 0, asset, held, owed * self.price[asset])

    # One level at a time: what plants accounts, and checks the sums above in a second way.

    def held_term(self, net: bool, table: int | None, asset: int, held: int, debt: int) -> int:
        """Return what a holding counts; `table` is None where there is no haircut."""
        return self.value_term(net, table, asset, held * self.price[asset], debt)

    def value_term(self, net: bool, table: int | None, asset: int, value: int, debt: int) -> int:
        if table is None:
            return value * self.rate_unit
        off = min(value, debt) if net else 0
        return off * self.rate_unit + at(self.held[asset][table], value - off)

    def level(self, account: Account, reading: Reading, name: str) -> tuple[int, int]:
        """Return N and D of the level ``margin``, ``borrow``, ``transfer`` or ``available``."""
        table = table_of(reading, name)
        total = debts = margin = 0
        bracket = 1 if name == "available" else 0
        for asset, held, owed in account.entries:
            debt = owed * self.price[asset]
            debts += debt
            total += self.held_term(reading.net, table, asset, held, debt)
            margin += at(self.owed[asset][bracket], debt)
        if not reading.is_pro:
            return total, debts * self.rate_unit
        total -= debts * self.rate_unit + account.loss * self.loss_unit
        total -= self.order_loss(account, reading)
        return (total - margin, 0) if name == "available" else (total, margin)


def at(schedule: Schedule, value: int) -> int:
    """Return a progressive schedule at a value: each slice at its own rate."""
    caps, floors, below, rates, _ = schedule
    k = bisect_left(caps, value)
    return below[k] + rates[k] * (value - floors[k])


def table_of(reading: Reading, name: str) -> int | None:
    """Return which holdings table a level takes, None where it takes none."""
    if reading.is_pro:
        return 0
    if name == "margin":
        return 0 if reading.net else None
    return 0 if reading.methodology == "classic_2023" else {"borrow": 1, "transfer": 2}[name]


def _classic(account: Account, margin: int, borrow: int, transfer: int, debts: int) -> int:
    if debts == 0:
        return TRADE | BORROW | TRANSFER_OUT  # nothing is owed: every level is infinite
    if 10 * margin <= 11 * debts:
        return LIQUIDATE
    five = account.leverage == 5
    a, b = account.own or ((116, 100) if five else (130, 100))
    if b * margin <= a * debts:
        return TRADE | MARGIN_CALL
    may_borrow = 100 * borrow > (125 if five else 150) * debts
    return TRADE | (BORROW * may_borrow) | (TRANSFER_OUT * (transfer > 2 * debts))


def _pro(account: Account, equity: int, maintenance: int, initial: int) -> int:
    may_borrow = BORROW * (equity - initial > 0)
    if maintenance == 0:
        return LIQUIDATE if equity < 0 else TRADE | may_borrow | TRANSFER_OUT
    if equity <= maintenance:
        return LIQUIDATE
    a, b = account.own or (150, 100)
    if b * equity <= a * maintenance:
        return TRADE | MARGIN_CALL
    return TRADE | may_borrow | (TRANSFER_OUT * (equity > 2 * maintenance))


def _places_of(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def _times(number: Decimal, unit: int) -> int:
    numerator, denominator = number.as_integer_ratio()
    product, rest = divmod(numerator * unit, denominator)
    if rest:
        raise ValueError(f"{number} must be a whole number of 1/{unit}")
    return product

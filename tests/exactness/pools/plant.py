"""Accounts planted exactly on a threshold from short decimals, each with two neighbours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from exactness.book import last_place
from exactness.integers import Limit, printed_decimal
from exactness.pools import integers
from exactness.pools.integers import (
    LEVERAGES,
    SQUARE,
    UNIT,
    Account,
    Amount,
    Balance,
    Checker,
    Found,
    Pool,
    Position,
    is_decimal,
)
from exactness.pools.market import N_ASSETS, N_SYMBOLS, Market
from exactness.pools.near import threshold_names

DIGITS = 15
_MOST_FAILURES = 100_000
_ENOUGH_TRIES = 3_000
_BOTH, _LONG, _SHORT = range(3)


def tie_names(mode: str) -> tuple[str, ...]:
    """Return what ties of a mode stand on: its thresholds, and the end of a closed last cap."""
    last = ("last bracket", "last collateral tier")
    return (*threshold_names(mode), *last[: 2 if mode == "portfolio_pro" else 1])


@dataclass(frozen=True, slots=True)
class Tie:
    """An account on a threshold and its neighbours; sides of the positions of one of the three.

    `is_rational`: some amount of it is no decimal.
    """

    accounts: tuple[Account, Account, Account]
    sides: tuple[int, ...]
    is_rational: bool


class Planter:
    """Plants ties of one mode at one market of short decimals."""

    def __init__(self, rng: random.Random, market: Market) -> None:
        self.rng, self.market, self.mode = rng, market, market.mode
        self.checker: Checker = market.checker()
        self.index = market.index.tolist()
        self.marks = market.mark.tolist()
        self.sizes = market.size.tolist()
        closed = [s for s in range(N_SYMBOLS) if market.brackets[s][-1][0] is not None]
        self.closed_symbols = [s for s in closed if self.marks[s] > 0]
        self.closed_assets = [a for a in range(N_ASSETS) if market.collateral[a][-1][0] is not None]

    def can_plant(self, name: str) -> bool:
        """Tell whether the market has what a threshold needs, by trying."""
        return any(self._try(name) is not None for _ in range(_ENOUGH_TRIES))

    def plant(self, name: str, n: int) -> Iterator[Tie]:
        """Return n ties whose actions differ from those on one side of the threshold at least."""
        failed = 0
        while n:
            tie = self._try(name)
            failed = 0 if tie else failed + 1
            if failed > _MOST_FAILURES:
                raise RuntimeError(f"no tie of {self.mode} on {name} in {failed} tries")
            if tie is not None:
                n -= 1
                yield tie

    def _try(self, name: str) -> Tie | None:
        scale = 10 ** self.rng.uniform(0, 7)
        account, sides = self._drawn(scale, alone=name == "isolated level 1")
        if name == "isolated level 1":
            solved = self._on_isolated(account)
        elif name == "last bracket":
            solved = self._on_last_bracket(account)
        elif name == "last collateral tier":
            solved = self._on_last_tier(account)
        elif self.market.is_portfolio:
            lines = dict(zip(threshold_names(self.mode), integers.LINES[self.mode], strict=True))
            solved = self._on_uni_mmr(account, lines[name][0])
        else:
            united = name == "multi-assets level 1"
            united |= (
                name == "available balance 0" and self.mode == "usdm" and (self.rng.random() < 0.3)
            )
            solved = self._on_cross(replace(account, multi_assets=united), name)
        if solved is None:
            return None
        if len(solved.positions) > len(sides):
            raise AssertionError("no position is added after the sides are drawn")
        return self._with_sides(name, solved, tuple(sides))

    # Drawing.

    def _drawn(self, scale: float, *, alone: bool) -> tuple[Account, list[int]]:
        """Return an account without the quantity that is solved for, and its positions' sides."""
        rng = self.rng
        count = rng.choice(
            (1, 1, 1, 2, 2, 3, 5) if not self.market.is_portfolio else (0, 1, 1, 2, 3)
        )
        positions: list[Position] = []
        sides: list[int] = []
        for symbol in rng.sample(range(N_SYMBOLS), count):
            hedged = rng.random() < 0.25
            for side in (_LONG, _SHORT) if hedged else (_BOTH,):
                sign = -1 if side == _SHORT else 1 if side == _LONG else rng.choice((-1, 1))
                positions.append(self._position(symbol, scale * 10 ** rng.uniform(-1.5, 0), sign))
                sides.append(side)
            if hedged and rng.random() < 0.4:
                positions[-1] = replace(positions[-1], entry=positions[-2].entry)
        if not self.market.is_portfolio:
            share = 0.15 if not alone else 0.5
            for k, one in enumerate(positions):
                if rng.random() < share and (alone or len(positions) > 1):
                    margin = self._short(10 ** rng.uniform(-2, 3))
                    positions[k] = replace(one, isolated=margin)
        wallets = [
            (
                asset,
                rng.choice((1, 1, 1, -1)) * self._worth(asset, scale * 10 ** rng.uniform(-2, 0)),
            )
            for asset in rng.sample(range(N_ASSETS), rng.choice((0, 0, 1, 1, 2)))
        ]
        balances, loss = [], 0
        if self.market.is_portfolio:
            balances = [
                self._balance(asset, scale)
                for asset in rng.sample(range(N_ASSETS), rng.choice((0, 1, 1, 2, 3)))
            ]
            loss = self._short(scale * 10 ** rng.uniform(-3, -1)) if rng.random() < 0.2 else 0
        orders = []
        if self.market.is_portfolio and not loss and rng.random() < 0.25:
            for _ in range(rng.choice((1, 1, 2))):
                give, get = rng.sample(range(N_ASSETS), 2)
                value = scale * 10 ** rng.uniform(-2, -0.5)
                orders.append((give, self._worth(give, value), get, self._worth(get, value)))
        account = Account(
            tuple(wallets), tuple(positions), tuple(balances), loss, orders=tuple(orders)
        )
        return account, sides

    def _position(self, symbol: int, value: float, sign: int) -> Position:
        rng, market = self.rng, self.market
        inverse = bool(market.inverse[symbol])
        mark = self.marks[symbol] or 1.0
        entry = mark if rng.random() < 0.2 else float(f"{mark * rng.uniform(0.7, 1.4):.1e}")
        m, e = _pair(entry)
        quantity = self._capped(symbol) or self._short(
            value / (self.sizes[symbol] if inverse else mark)
        )
        if inverse and rng.random() < 0.7:
            # Divisible by the prices, so that amounts are decimals.
            odd = _odd(m) * _odd(_pair(mark)[0])
            digits = rng.choice((1, 2, 3))
            quantity = self._short(value / self.sizes[symbol] / odd, digits) * odd
        stated = market.largest[symbol] is None or rng.random() < 0.7
        leverage = rng.choice(LEVERAGES) if stated else 0
        return Position(symbol, sign * max(quantity, 1), (m, e), leverage)

    def _capped(self, symbol: int) -> int:
        """Return the quantity whose notional is exactly a bracket's cap, now and then."""
        if self.rng.random() < 0.7:
            return 0
        caps = [cap for cap, _ in self.market.brackets[symbol] if cap is not None]
        return self._at_cap(symbol, self.rng.choice(caps)) if caps else 0

    def _at_cap(self, symbol: int, cap: object) -> int:
        mark = Fraction(*_fraction(self.marks[symbol]))
        if mark == 0:
            return 0
        units = Fraction(str(cap)) * UNIT
        if self.market.inverse[symbol]:
            units *= mark / Fraction(str(self.market.sizes[symbol]))
        else:
            units /= mark
        return units.numerator if units.denominator == 1 and _is_short(units.numerator) else 0

    def _balance(self, asset: int, scale: float) -> Balance:
        rng = self.rng
        held = owed = 0
        kind = rng.random()
        if kind < 0.75:
            held = self._tier_edge(asset) or self._worth(asset, scale * 10 ** rng.uniform(-2, 0.3))
        if kind > 0.55:
            owed = self._worth(asset, scale * 10 ** rng.uniform(-1.5, 0))
        return Balance(asset, held, owed, rng.choice((0, 3, 5, 10)))

    def _tier_edge(self, asset: int) -> int:
        caps = [cap for cap, _ in self.market.collateral[asset] if cap is not None]
        if not caps or self.index[asset] == 0 or self.rng.random() < 0.6:
            return 0
        price = Fraction(*_fraction(self.index[asset]))
        units = Fraction(str(self.rng.choice(caps))) * UNIT / price
        return units.numerator if units.denominator == 1 and _is_short(units.numerator) else 0

    def _worth(self, asset: int, value: float) -> int:
        return self._short(value / (self.index[asset] or 1.0))

    def _short(self, amount: float, digits: int = 0) -> int:
        """Return units of about an amount: one to four digits, now and then ten."""
        digits = digits or self.rng.choice((1, 2, 2, 3, 4, 4, 10))
        text = f"{max(amount, 1e-9):.{digits - 1}e}"
        mantissa, exponent = text.split("e")
        whole = int(mantissa.replace(".", ""))
        return int(whole * 10 ** (int(exponent) - (digits - 1) + integers.PLACES))

    # Solving: the quantity that is left over is a fraction, and must be a short decimal.

    def _on_isolated(self, account: Account) -> Account | None:
        own = [k for k, one in enumerate(account.positions) if one.isolated is not None]
        if not own:
            return None
        k = self.rng.choice(own)
        position = account.positions[k]
        pool = self.checker.isolated(replace(position, isolated=0))
        margin = _whole((self._level_excess(pool, (1, 1)) * -1) / UNIT)
        if margin is None or margin <= 0:
            return None
        positions = list(account.positions)
        positions[k] = replace(position, isolated=margin)
        return replace(account, positions=tuple(positions))

    def _level_excess(self, pool: Pool, limit: Limit) -> Fraction:
        """Return equity - limit * maintenance of a futures pool."""
        needed = Fraction(*pool.maintenance) / self.checker.rate_unit
        return Fraction(*pool.equity) - Fraction(*limit) * needed

    def _on_cross(self, account: Account, name: str) -> Account | None:
        rng, checker = self.rng, self.checker
        pools = checker.pools(account)
        united = checker.is_united(account)
        settled = [asset for asset, pool in pools.items() if pool.maintenance[0]]
        if not settled:
            return None
        asset = rng.randrange(N_ASSETS) if united and rng.random() < 0.5 else rng.choice(settled)
        account = _without_wallet(account, asset)
        pool = checker.united(account) if united else checker.pools(account).get(asset, Pool())
        if name == "available balance 0":
            excess = Fraction(*pool.equity) - Fraction(*pool.initial) / integers._MULTIPLE
        else:
            excess = self._level_excess(pool, (1, 1))
        if united:
            own = checker.pools(account).get(asset, Pool()).equity
            counted = Fraction(*checker.counted(asset, own))
            needed = counted - excess
            rate = checker.bid[asset] if needed >= 0 else checker.ask[asset]
            if rate == 0:
                return None
            wallet = _whole((needed / rate - Fraction(*own)) / UNIT)
        else:
            wallet = _whole(-excess / UNIT)
        if not wallet:
            return None
        return replace(account, wallets=(*account.wallets, (asset, wallet)))

    def _on_uni_mmr(self, account: Account, limit: Limit) -> Account | None:
        rng, checker = self.rng, self.checker
        asset = rng.randrange(N_ASSETS)
        if any(asset in (order[0], order[2]) for order in account.orders):
            return None
        account = _without_wallet(account, asset)
        pool = checker.united(account)
        if pool.maintenance[0] == 0:
            return None
        excess = Fraction(*pool.equity) - Fraction(*limit) * Fraction(*pool.maintenance)
        if excess > 0 and not account.orders and rng.random() < 0.3:
            added = _whole(excess / (SQUARE * checker.rate_unit))
            return None if added is None else replace(account, loss=account.loss + added)
        own = checker.pools(account).get(asset, Pool()).equity
        value = self._value_that_counts(asset, Fraction(*checker.counted(asset, own)) - excess)
        if value is None or not checker.index[asset]:
            return None
        wallet = _whole((value / checker.index[asset] - Fraction(*own)) / UNIT)
        if not wallet:
            return None
        return replace(account, wallets=(*account.wallets, (asset, wallet)))

    def _value_that_counts(self, asset: int, needed: Fraction) -> Fraction | None:
        """Return the value (1e-90 USD) that collateral makes so much of."""
        if needed < 0:
            return needed / self.checker.rate_unit
        caps, floors, below, rates, _ = self.checker.collateral[asset]
        k = 0
        while k < len(caps) and below[k + 1] < needed:
            k += 1
        if rates[k] == 0:
            return None
        return floors[k] + (needed - below[k]) / rates[k]

    def _on_last_bracket(self, account: Account) -> Account | None:
        """Give a position the notional of its closed last cap."""
        fitting = [k for k, p in enumerate(account.positions) if p.symbol in self.closed_symbols]
        if not fitting:
            return None
        k = self.rng.choice(fitting)
        position = account.positions[k]
        quantity = self._at_cap(position.symbol, self.market.brackets[position.symbol][-1][0])
        if not quantity:
            return None
        sign = 1 if position.quantity > 0 else -1
        positions = list(account.positions)
        positions[k] = replace(position, quantity=sign * quantity)
        return replace(account, positions=tuple(positions))

    def _on_last_tier(self, account: Account) -> Account | None:
        """Give an asset equity worth its closed last cap."""
        if not self.closed_assets:
            return None
        asset = self.rng.choice(self.closed_assets)
        if self.index[asset] == 0:
            return None
        account = _without_wallet(account, asset)
        own = self.checker.pools(account).get(asset, Pool()).equity
        value = Fraction(self.checker.collateral[asset][4])
        wallet = _whole((value / self.checker.index[asset] - Fraction(*own)) / UNIT)
        if not wallet:
            return None
        return replace(account, wallets=(*account.wallets, (asset, wallet)))

    # Neighbours.

    def _with_sides(self, name: str, account: Account, sides: tuple[int, ...]) -> Tie | None:
        """Move one quantity by one unit of its last digit, or of its 15th, down and up."""
        found = self._neighbours(name, account)
        if found is None:
            return None
        three = (account, *found)
        actions = [self._watched(name, self.checker.actions(one)) for one in three]
        if actions[0] == actions[1] == actions[2]:
            return None
        return Tie(three, sides, not self._is_decimal(account))

    @staticmethod
    def _watched(name: str, found: Found) -> object:
        return found if name == "isolated level 1" else found.actions

    def _neighbours(self, name: str, account: Account) -> tuple[Account, Account] | None:
        rng = self.rng
        moved: list[Account] = []
        positions = list(account.positions)
        isolated = [k for k, one in enumerate(positions) if one.isolated is not None]
        kind = "wallet"
        if name == "last bracket" or (positions and rng.random() < 0.25):
            kind = "position"
        elif name == "isolated level 1":
            kind = "isolated"
        elif not account.wallets:
            kind = "loss"
        if kind == "position":
            k = rng.randrange(len(positions))
            number = positions[k].quantity
        elif kind == "isolated":
            k = rng.choice(isolated)
            number = positions[k].isolated or 0
        else:
            k = len(account.wallets) - 1
            number = account.wallets[k][1] if kind == "wallet" else account.loss
        if number == 0:
            return None
        finest = 10 ** max(0, len(str(abs(number))) - DIGITS)
        step = last_place(abs(number)) if rng.random() < 0.5 else finest
        for change in (-step, step):
            value = number + change
            if value == 0 or (kind == "position" and (value > 0) != (number > 0)):
                return None
            if kind == "loss":
                moved.append(replace(account, loss=value))
            elif kind == "wallet":
                wallets = (*account.wallets[:k], (account.wallets[k][0], value))
                moved.append(replace(account, wallets=wallets))
            else:
                changed = list(positions)
                field = "quantity" if kind == "position" else "isolated"
                changed[k] = replace(positions[k], **{field: value})
                moved.append(replace(account, positions=tuple(changed)))
        return moved[0], moved[1]

    def _is_decimal(self, account: Account) -> bool:
        amounts: list[Amount] = []
        for one in account.positions:
            amounts += [self.checker.profit(one), self.checker.notional(one)]
        return is_decimal(amounts)


def _without_wallet(account: Account, asset: int) -> Account:
    return replace(account, wallets=tuple(one for one in account.wallets if one[0] != asset))


def _whole(number: Fraction) -> int | None:
    """Return a fraction of 1e-30 as units, where it is a decimal of at most 15 digits."""
    if number.denominator != 1 or not _is_short(abs(number.numerator)):
        return None
    return number.numerator if abs(number.numerator) < 10 ** (integers.PLACES + 15) else None


def _is_short(number: int) -> bool:
    return number % 10 ** max(0, len(str(number)) - DIGITS) == 0


def _odd(number: int) -> int:
    """Return a number without its factors 2 and 5."""
    for prime in (2, 5):
        while number % prime == 0:
            number //= prime
    return number


def _pair(number: float) -> tuple[int, int]:
    m, e = printed_decimal(number)
    while m % 10 == 0:
        m, e = m // 10, e + 1
    return m, e


def _fraction(number: float) -> tuple[int, int]:
    m, e = printed_decimal(number)
    return (m * 10**e, 1) if e >= 0 else (m, 10**-e)

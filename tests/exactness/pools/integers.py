"""The independent check of futures and portfolio margin: actions from Python integers alone.

Written from the exchange's documents; neither the core nor the oracle takes part. Quantities,
wallets and prices count in 1e-30, so that an amount of an asset counts in 1e-60. One over a price
is no decimal: amounts are pairs of integers, and a decision compares their products.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from exactness.integers import OPEN_FROM, Limit, Schedule, Steps

TRADE, BORROW, TRANSFER_OUT, MARGIN_CALL, LIQUIDATE, REDUCE_ONLY, BANKRUPT = (
    1 << bit for bit in range(7)
)
ISOLATED_LIQUIDATE, BEYOND_TIERS = 128, 1024
MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")
PLACES = 30
UNIT = 10**PLACES
SQUARE = UNIT**2
LEVERAGES = (1, 2, 3, 4, 5, 7, 8, 10, 15, 20, 25, 50, 75, 100, 125)
_MULTIPLE = 21_000  # of every leverage
_SIZE_UNIT = 10**6  # see one_over

Amount = tuple[int, int]
"""A numerator in 1 / SQUARE of an asset, and a positive denominator."""
Order = tuple[int, int, int, int]
"""Asset and units given, asset and units got, in 1e-30."""
DecimalPair = tuple[int, int]
"""m and e of m * 10**e."""

# The first line at or below which a pool lies decides.
LINES: dict[str, tuple[tuple[Limit, int], ...]] = {
    "usdm": (((1, 1), LIQUIDATE),),
    "coinm": (((1, 1), LIQUIDATE),),
    "portfolio": (((105, 100), LIQUIDATE), ((120, 100), REDUCE_ONLY | MARGIN_CALL)),
    "portfolio_pro": (
        ((1, 1), LIQUIDATE | BANKRUPT),
        ((105, 100), LIQUIDATE),
        ((120, 100), REDUCE_ONLY | MARGIN_CALL),
        ((150, 100), TRADE | BORROW | TRANSFER_OUT | MARGIN_CALL),
    ),
}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A contract, its brackets and its mark price; `largest` is the first bracket's leverage."""

    inverse: bool
    asset: int
    size: Decimal
    brackets: Steps
    largest: int | None
    mark: DecimalPair


@dataclass(frozen=True, slots=True)
class Asset:
    """Prices of an asset, its collateral schedule, and the leverage of loans that state none."""

    index: DecimalPair
    bid: DecimalPair
    ask: DecimalPair
    collateral: Steps
    loan_leverage: int


@dataclass(frozen=True, slots=True)
class Position:
    """Quantity and isolated wallet (None: cross) in 1e-30; leverage 0 where none is stated."""

    symbol: int
    quantity: int
    entry: DecimalPair
    leverage: int = 0
    isolated: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """Units held and owed, in 1e-30."""

    asset: int
    held: int
    owed: int = 0
    loan_leverage: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """One account; wallets are (asset, units in 1e-30), `loss` counts in 1e-30 USDT."""

    wallets: tuple[tuple[int, int], ...] = ()
    positions: tuple[Position, ...] = ()
    balances: tuple[Balance, ...] = ()
    loss: int = 0
    multi_assets: bool = False
    orders: tuple[Order, ...] = ()


@dataclass(slots=True)
class Pool:
    """Equity, maintenance margin times the unit of rates, initial margin times `_MULTIPLE`."""

    equity: Amount = (0, 1)
    maintenance: Amount = (0, 1)
    initial: Amount = (0, 1)


@dataclass(frozen=True, slots=True)
class Found:
    """Actions of an account; of each position those of an isolated one, else 0."""

    actions: int
    positions: tuple[int, ...] = field(default=())


class Checker:
    """Rules and prices as integers, and what they make of an account under a mode."""

    def __init__(
        self,
        mode: str,
        assets: Sequence[Asset],
        symbols: Sequence[Symbol],
        loan_rates: dict[int, Decimal],
    ) -> None:
        self.mode = mode
        self.is_portfolio = mode.startswith("portfolio")
        self.symbols = symbols
        steps = [*(a.collateral for a in assets), *(s.brackets for s in symbols)]
        rates = [rate for schedule in steps for _, rate in schedule] + list(loan_rates.values())
        self.rate_unit = 10 ** max(-int(rate.as_tuple().exponent) for rate in (*rates, Decimal(1)))
        self.loan_rates = {one: times(rate, self.rate_unit) for one, rate in loan_rates.items()}
        self.loan_leverage = [one.loan_leverage for one in assets]
        self.index, self.bid, self.ask = (
            [units_of(getattr(one, name)) for one in assets] for name in ("index", "bid", "ask")
        )
        self.collateral = [
            self._schedule(one.collateral, SQUARE * UNIT, goes_on=False) for one in assets
        ]
        self.brackets = [self._schedule(one.brackets, SQUARE, goes_on=True) for one in symbols]
        self.mark = [units_of(one.mark) for one in symbols]
        self.per_mark = [one_over(one.mark) if one.inverse else (0, 1) for one in symbols]
        self.size = [times(one.size, _SIZE_UNIT) for one in symbols]

    def _schedule(self, steps: Steps, unit: int, *, goes_on: bool) -> Schedule:
        """Return a schedule in units; above a closed last cap its rate goes on, or nothing does."""
        is_open = steps[-1][0] is None or steps[-1][0] >= OPEN_FROM
        caps = [times(cap, unit) for cap, _ in steps if cap is not None]
        rates = [times(rate, self.rate_unit) for _, rate in steps]
        last = 10**400 if is_open else caps[-1]
        if is_open or goes_on:
            caps = caps[: len(steps) - 1]
        else:
            rates.append(0)
        floors, below = [0, *caps], [0]
        for k, cap in enumerate(caps):
            below.append(below[k] + rates[k] * (cap - floors[k]))
        return caps, floors, below, rates, last

    def actions(self, account: Account) -> Found:
        return self._of_portfolio(account) if self.is_portfolio else self._of_futures(account)

    # Positions.

    def profit(self, position: Position) -> Amount:
        """Return quantity * (mark - entry); inverse: worth * (1 / entry - 1 / mark)."""
        number = position.symbol
        if not self.symbols[number].inverse:
            return position.quantity * (self.mark[number] - units_of(position.entry)), 1
        worth = position.quantity * self.size[number]
        at_entry, at_mark = one_over(position.entry), self.per_mark[number]
        return plus((worth * at_entry[0], at_entry[1]), (-worth * at_mark[0], at_mark[1]))

    def notional(self, position: Position) -> Amount:
        number = position.symbol
        if not self.symbols[number].inverse:
            return abs(position.quantity) * self.mark[number], 1
        above, below = self.per_mark[number]
        return abs(position.quantity) * self.size[number] * above, below

    def maintenance(self, position: Position) -> Amount:
        return rated(self.brackets[position.symbol], self.notional(position))

    def initial(self, position: Position) -> Amount:
        leverages = (position.leverage, self.symbols[position.symbol].largest)
        leverage = min(filter(None, leverages), default=None)
        if leverage is None or _MULTIPLE % leverage:
            raise ValueError(f"leverage must be one of {LEVERAGES}, not {leverage}")
        n, d = self.notional(position)
        return n * (_MULTIPLE // leverage), d

    def is_beyond(self, position: Position) -> bool:
        n, d = self.notional(position)
        return n > self.brackets[position.symbol][4] * d

    # Pools.

    def pools(self, account: Account) -> dict[int, Pool]:
        """Return the cross pool of every asset that an account holds, owes or settles in."""
        pools: dict[int, Pool] = {}
        for asset, units in account.wallets:
            pool = pools.setdefault(asset, Pool())
            pool.equity = plus(pool.equity, (units * UNIT, 1))
        for balance in account.balances:
            pool = pools.setdefault(balance.asset, Pool())
            pool.equity = plus(pool.equity, ((balance.held - balance.owed) * UNIT, 1))
            if balance.owed:
                leverage = balance.loan_leverage or self.loan_leverage[balance.asset]
                loan = balance.owed * UNIT * self.loan_rates[leverage]
                pool.maintenance = plus(pool.maintenance, (loan, 1))
        for position in account.positions:
            if position.isolated is None:
                pool = pools.setdefault(self.symbols[position.symbol].asset, Pool())
                pool.equity = plus(pool.equity, self.profit(position))
                pool.maintenance = plus(pool.maintenance, self.maintenance(position))
                if not self.is_portfolio:
                    pool.initial = plus(pool.initial, self.initial(position))
        return pools

    def united(self, account: Account) -> Pool:
        """Return the one pool of multi-assets mode or of portfolio margin, in 1e-90 USD.

        Its equity is times the unit of rates too, in portfolio margin.
        """
        united = Pool()
        for asset, pool in self.pools(account).items():
            united.equity = plus(united.equity, self.counted(asset, pool.equity))
            weight = self.index[asset] if self.is_portfolio else self.ask[asset]
            for name in ("maintenance", "initial"):
                n, d = getattr(pool, name)
                setattr(united, name, plus(getattr(united, name), (n * weight, d)))
        if self.is_portfolio:
            lost = (-account.loss * SQUARE * self.rate_unit, 1)
            united.equity = plus(united.equity, lost)
            for order in account.orders:
                n, d = self.order_loss(account, order)
                united.equity = plus(united.equity, (-n, d))
        return united

    def order_loss(self, account: Account, order: Order) -> Amount:
        """Return what filling an order takes from counted equity, each order by itself."""
        pools = self.pools(account)
        change: Amount = (0, 1)
        for asset, units in ((order[0], -order[1]), (order[2], order[3])):
            before = pools.get(asset, Pool()).equity
            n, d = self.counted(asset, before)
            change = plus(change, self.counted(asset, plus(before, (units * UNIT, 1))))
            change = plus(change, (-n, d))
        return (max(0, -change[0]), change[1])

    def counted(self, asset: int, equity: Amount) -> Amount:
        """Return what equity in an asset counts in USD: negative equity in full."""
        n, d = equity
        if not self.is_portfolio:
            return n * (self.bid[asset] if n >= 0 else self.ask[asset]), d
        value = n * self.index[asset], d
        if n < 0:
            return value[0] * self.rate_unit, d
        return rated(self.collateral[asset], value)

    def isolated(self, position: Position) -> Pool:
        equity = plus(((position.isolated or 0) * UNIT, 1), self.profit(position))
        return Pool(equity, self.maintenance(position))

    def is_united(self, account: Account) -> bool:
        return self.is_portfolio or (self.mode == "usdm" and account.multi_assets)

    # Decisions.

    def _of_futures(self, account: Account) -> Found:
        if self.is_united(account):
            pools = [self.united(account)]
        else:
            pools = list(self.pools(account).values())
        found = TRADE
        if any(is_at_most(self.scaled(pool), pool.maintenance, (1, 1)) for pool in pools):
            found = LIQUIDATE
        elif any(exceeds(pool.equity, pool.initial, _MULTIPLE) for pool in pools):
            found |= TRANSFER_OUT
        own = tuple(map(self._of_isolated, account.positions))
        if any(actions & LIQUIDATE for actions in own):
            found |= ISOLATED_LIQUIDATE
        if any(map(self.is_beyond, account.positions)):
            found |= BEYOND_TIERS
        return Found(found, own)

    def scaled(self, pool: Pool) -> Amount:
        """Return a futures pool's equity times the unit of rates."""
        return pool.equity[0] * self.rate_unit, pool.equity[1]

    def _of_isolated(self, position: Position) -> int:
        if position.isolated is None:
            return 0
        pool = self.isolated(position)
        is_due = is_at_most(self.scaled(pool), pool.maintenance, (1, 1))
        return (LIQUIDATE if is_due else TRADE) | (BEYOND_TIERS * self.is_beyond(position))

    def _of_portfolio(self, account: Account) -> Found:
        pool = self.united(account)
        far = any(map(self.is_beyond, account.positions)) or any(
            self._is_capped(asset, one.equity) for asset, one in self.pools(account).items()
        )
        found = TRADE | BORROW | TRANSFER_OUT
        for limit, actions in LINES[self.mode]:
            if is_at_most(pool.equity, pool.maintenance, limit):
                found = actions
                break
        return Found(found | (BEYOND_TIERS * far), (0,) * len(account.positions))

    def _is_capped(self, asset: int, equity: Amount) -> bool:
        n, d = equity
        return n * self.index[asset] > self.collateral[asset][4] * d


def is_at_most(equity: Amount, maintenance: Amount, limit: Limit) -> bool:
    """Tell whether equity / maintenance <= limit; with nothing to maintain, whether equity < 0."""
    if maintenance[0] == 0:
        return equity[0] < 0
    a, b = limit
    return b * equity[0] * maintenance[1] <= a * maintenance[0] * equity[1]


def exceeds(equity: Amount, initial: Amount, multiple: int) -> bool:
    """Tell whether equity > initial / multiple."""
    return multiple * equity[0] * initial[1] > initial[0] * equity[1]


def rated(schedule: Schedule, value: Amount) -> Amount:
    """Return a progressive schedule at a value: each slice at its own rate."""
    caps, floors, below, rates, _ = schedule
    n, d = value
    k = 0
    while k < len(caps) and n > caps[k] * d:
        k += 1
    return below[k] * d + rates[k] * (n - floors[k] * d), d


def plus(a: Amount, b: Amount) -> Amount:
    if a[1] == b[1]:
        return a[0] + b[0], a[1]
    return a[0] * b[1] + b[0] * a[1], a[1] * b[1]


def units_of(number: DecimalPair) -> int:
    """Return a decimal in units of 1e-30."""
    m, e = number
    if e < -PLACES:
        raise ValueError(f"{m}e{e} must have at most {PLACES} decimal places")
    return int(m * 10 ** (e + PLACES))


def one_over(number: DecimalPair) -> Amount:
    """Return the inverse of a decimal, in 1e-30 for a contract size in 1e-6, as a pair."""
    m, e = number
    shift = PLACES - 6 - e
    return (10**shift, m) if shift >= 0 else (1, m * 10**-shift)


def times(number: Decimal, unit: int) -> int:
    numerator, denominator = number.as_integer_ratio()
    product, rest = divmod(numerator * unit, denominator)
    if rest:
        raise ValueError(f"{number} must be a whole number of 1/{unit}")
    return product


def is_decimal(amounts: Iterable[Amount]) -> bool:
    """Tell whether amounts are decimals: no prime but 2 and 5 divides the denominators."""
    for n, d in amounts:
        rest = d
        for prime in (2, 5):
            while rest % prime == 0:
                rest //= prime
        if n % rest:
            return False
    return True

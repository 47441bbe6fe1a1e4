"""Rules and prices of wallets and positions, drawn: as decimals, made into rules and integers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt

import pymargin as pm
from exactness.integers import OPEN_FROM, Steps, printed_decimal
from exactness.market import _between, _price, _short_price, _tiers
from exactness.pools import integers
from exactness.pools.integers import LEVERAGES, Checker
from pymargin.rules.checks import Group
from pymargin.rules.contracts import Contract
from pymargin.rules.loans import LoanMargin
from pymargin.rules.schedules import Tier

N_ASSETS = 12
N_SYMBOLS = 24
ASSETS = ("USDT", *(f"A{i:02d}" for i in range(1, N_ASSETS)))
SYMBOLS = tuple(f"S{i:02d}" for i in range(N_SYMBOLS))
Floats = npt.NDArray[np.float64]

_SHORT_COLLATERAL = ("1", "0.95", "0.9", "0.85", "0.8", "0.75", "0.64", "0.625", "0.5", "0.4")
_SHORT_MARGINS = ("0", "0.004", "0.005", "0.01", "0.02", "0.025", "0.05", "0.1", "0.125", "0.25")
_SIZES = ("100", "10", "10", "10", "1", "5", "0.5", "1000")
_ODD = (3, 6, 7, 9, 11, 12, 13, 15, 21, 24, 30, 75)


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """What a mode's accounts are evaluated with: schedules, contracts, prices.

    `inverse` bool[s], `settlement` int64[s], `size` and `mark` float64[s] of symbols; `largest`
    the leverage of a symbol's first bracket, None where brackets state none; `index`, `bid` and
    `ask` float64[a] of assets.
    """

    mode: str
    collateral: Sequence[Steps]
    brackets: Sequence[Steps]
    leverages: Sequence[Sequence[int] | None]
    inverse: npt.NDArray[np.bool_]
    settlement: npt.NDArray[np.int64]
    sizes: Sequence[Decimal]
    loan_rates: dict[int, Decimal]
    loan_leverage: Sequence[int]
    index: Floats
    bid: Floats
    ask: Floats
    mark: Floats

    @property
    def is_portfolio(self) -> bool:
        return self.mode.startswith("portfolio")

    @property
    def largest(self) -> list[int | None]:
        return [None if one is None else one[0] for one in self.leverages]

    @property
    def size(self) -> Floats:
        return np.array([float(size) for size in self.sizes])

    def checker(self) -> Checker:
        decimals = {
            name: [printed_decimal(price) for price in getattr(self, name).tolist()]
            for name in ("index", "bid", "ask", "mark")
        }
        assets = [
            integers.Asset(
                decimals["index"][a],
                decimals["bid"][a],
                decimals["ask"][a],
                self.collateral[a],
                self.loan_leverage[a],
            )
            for a in range(N_ASSETS)
        ]
        symbols = [
            integers.Symbol(
                bool(self.inverse[s]),
                int(self.settlement[s]),
                self.sizes[s],
                self.brackets[s],
                self.largest[s],
                decimals["mark"][s],
            )
            for s in range(N_SYMBOLS)
        ]
        return Checker(self.mode, assets, symbols, self.loan_rates)

    def rules(self) -> pm.MarginRules:
        tables: dict[str, list[Group]] = {"usdm": [], "coinm": []}
        contracts = {}
        for s, symbol in enumerate(SYMBOLS):
            product = "coinm" if self.inverse[s] else "usdm"
            settled = ASSETS[self.settlement[s]]
            base = settled if self.inverse[s] else "X"
            contracts[symbol] = Contract(product, base, settled, self.sizes[s])
            tables[product].append(Group(self._brackets(s), assets=(symbol,)))
        if self.is_portfolio:
            tables[self.mode] = [
                Group(_tiers(steps), assets=(asset,))
                for asset, steps in zip(ASSETS, self.collateral, strict=True)
            ]
        return pm.MarginRules(
            {table: groups for table, groups in tables.items() if groups},
            contracts=contracts,
            loan_margin={one: LoanMargin(one, rate) for one, rate in self.loan_rates.items()},
            loan_leverage=dict(zip(ASSETS, self.loan_leverage, strict=True)),
            label="exactness campaign",
        )

    def _brackets(self, symbol: int) -> tuple[Tier, ...]:
        tiers, leverages = _tiers(self.brackets[symbol]), self.leverages[symbol]
        if leverages is None:
            return tiers
        return tuple(
            Tier(one.floor, one.cap, one.rate, leverage)
            for one, leverage in zip(tiers, leverages, strict=True)
        )

    def prices(self) -> pm.Prices:
        index, bid, ask = (
            dict(zip(ASSETS, of.tolist(), strict=True)) for of in (self.index, self.bid, self.ask)
        )
        mark = dict(zip(SYMBOLS, self.mark.tolist(), strict=True))
        return pm.Prices(index=index, mark=mark, bid=bid, ask=ask)


def draw_market(rng: random.Random, mode: str, *, short: bool) -> Market:
    """Draw rules and prices of a mode; `short` decimals let a level stand on a threshold."""
    inverse = np.array([mode == "coinm"] * N_SYMBOLS)
    if mode.startswith("portfolio"):
        inverse = np.array([rng.random() < 0.35 for _ in SYMBOLS])
    brackets = [_margins(rng, bool(one), short) for one in inverse]
    leverages = [_falling(rng, len(steps)) for steps in brackets]
    settlement = [rng.choice((0, 0, 0, 1, 2, rng.randrange(N_ASSETS))) for _ in SYMBOLS]
    for s in np.flatnonzero(inverse).tolist():
        settlement[s] = rng.randrange(1, N_ASSETS)
    draw_price = _short_price if short else _price
    index = np.array([draw_price(rng) for _ in ASSETS])
    index[0] = rng.choice((1.0, 1.0, 1.0, 0.9997))
    loan_rates = {3: Decimal("0.1"), 5: Decimal("0.08"), 10: Decimal("0.05")}
    if not short and rng.random() < 0.5:
        loan_rates = {
            one: _between(rng, Decimal("0.01"), rate, 17) for one, rate in loan_rates.items()
        }
    return Market(
        mode=mode,
        collateral=[_collateral(rng, mode, short) for _ in ASSETS],
        brackets=brackets,
        leverages=leverages,
        inverse=inverse,
        settlement=np.array(settlement),
        sizes=[Decimal(rng.choice(_SIZES)) if one else Decimal(1) for one in inverse],
        loan_rates=loan_rates,
        loan_leverage=[rng.choice((3, 5, 10)) for _ in ASSETS],
        index=index,
        bid=np.array([_rate(rng, price, "0.97", short) for price in index.tolist()]),
        ask=np.array([_rate(rng, price, "1.03", short) for price in index.tolist()]),
        mark=np.array([_mark(rng, bool(one), short) for one in inverse]),
    )


def _collateral(rng: random.Random, mode: str, short: bool) -> Steps:
    """Draw one open rate for portfolio margin, falling tiers for Pro."""
    n_tiers = 1 if mode != "portfolio_pro" else rng.choice((1, 2, 3, 4, 5))
    if short:
        rates = {Decimal(rate) for rate in rng.sample(_SHORT_COLLATERAL, n_tiers)}
    else:
        digits = rng.choice((1, 2, 4, 17, 18))
        rates = {_between(rng, Decimal("0.3"), Decimal(1), digits) for _ in range(n_tiers)}
    if mode == "portfolio":
        return [(None, rng.choice((min(rates), Decimal(rng.choice((0, 1))))))]
    return _capped(rng, sorted(rates, reverse=True), 0, short)


def _margins(rng: random.Random, inverse: bool, short: bool) -> Steps:
    """Draw rising brackets; those of COIN-M are in coin."""
    n_tiers = rng.choice((1, 2, 3, 4, 6, 8))
    if short:
        rates = {Decimal(rate) for rate in rng.sample(_SHORT_MARGINS, min(n_tiers, 8))}
    else:
        digits = rng.choice((1, 2, 4, 17, 18))
        rates = {_between(rng, Decimal("0.002"), Decimal("0.5"), digits) for _ in range(n_tiers)}
        if rng.random() < 0.05:
            rates.add(Decimal(0))
    return _capped(rng, sorted(rates), -3 if inverse else 0, short)


def _capped(rng: random.Random, rates: Sequence[Decimal], start: int, short: bool) -> Steps:
    digits = rng.choice((1, 1, 2, 3) if short else (1, 2, 3, 17))
    caps: list[Decimal | None] = []
    cap, start = Decimal(0), start + rng.randrange(0, 8)
    for _ in rates:
        step = Decimal(10) ** min(start + rng.randrange(0, 3), 9)
        drawn = cap + step * rng.randrange(10, 99) / 10
        cap = Context(prec=digits, rounding="ROUND_UP").plus(drawn)
        caps.append(cap)
        if cap >= OPEN_FROM:
            break
    if rng.random() < 0.6:
        caps[-1] = None
    return list(zip(caps, rates, strict=False))


def _falling(rng: random.Random, n: int) -> list[int] | None:
    """Draw the largest leverage of each bracket; now and then brackets state none."""
    if rng.random() < 0.1:
        return None
    return sorted(rng.sample(LEVERAGES, n), reverse=True)


def _mark(rng: random.Random, inverse: bool, short: bool) -> float:
    """Return a mark price: no decimal has an inverse that is one, unless by chance or short."""
    if not inverse:
        return _short_price(rng) if short else _price(rng)
    if short and rng.random() < 0.4:
        return float(f"{rng.choice(_ODD)}e{rng.randrange(-3, 4)}")
    price = _short_price(rng) if short else _price(rng)
    return price if price > 0 else 1.0


def _rate(rng: random.Random, index: float, factor: str, short: bool) -> float:
    """Return a bid or ask rate beside an index price: the price itself now and then."""
    if rng.random() < 0.3:
        return index
    return float(f"{index * float(factor):.{1 if short else rng.randrange(15)}e}")

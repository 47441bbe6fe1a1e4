"""Rules and prices, drawn: the schedules as decimals, from which rules and integers are made."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
import numpy.typing as npt

import pymargin as pm
from exactness.integers import HELD_TABLES, OPEN_FROM, OWED_TABLES, Checker, Steps
from pymargin.rules.checks import Group
from pymargin.rules.schedules import Tier

N_ASSETS = 40
ASSETS = ("USDT", *(f"A{i:02d}" for i in range(1, N_ASSETS)))
PLACES = 30
"""Quantities are whole numbers of 10**-PLACES: 17 digits from 1e-13 on."""

_CLASSIC = ("classic_2023", "classic_2026_01", "classic_2026_06")
_SHORT_RATES = {
    "collateral": ("1", "0.95", "0.9", "0.85", "0.8", "0.75", "0.64", "0.625", "0.5", "0.4"),
    "borrow": ("0.95", "0.8", "0.75", "0.64", "0.5", "0.4", "0.32", "0.25", "0.2", "0.1", "0"),
    "transfer_out": ("1", "0.8", "0.75", "0.64", "0.5", "0.4", "0.25", "0.2", "0.1", "0"),
    "liability_maintenance": ("0", "0.01", "0.02", "0.025", "0.05", "0.07", "0.1", "0.1667"),
    "liability_initial": ("0.05", "0.1", "0.1112", "0.1429", "0.2", "0.25", "0.3333", "0.5"),
}
_RANGES = {
    "collateral": ("0.3", "1"),
    "borrow": ("0", "0.9"),
    "transfer_out": ("0", "1"),
    "liability_maintenance": ("0.001", "0.2"),
    "liability_initial": ("0.02", "0.5"),
}


@dataclass(frozen=True, slots=True)
class Market:
    """Schedules and a price for each of `ASSETS`."""

    tables: Mapping[str, Sequence[Steps]]
    prices: npt.NDArray[np.float64]

    def checker(self) -> Checker:
        return Checker(self.tables, self.prices, places=PLACES)

    def rules(self) -> dict[str, pm.MarginRules]:
        """Return the rules under each classic methodology; all of them state Pro."""
        groups = {table: _groups(schedules) for table, schedules in self.tables.items()}
        return {
            classic: pm.MarginRules(
                groups,
                methodology={"cross_classic": classic, "cross_pro": "pro_2025"},
                label="exactness campaign",
            )
            for classic in _CLASSIC
        }

    def price_of(self) -> dict[str, float]:
        return dict(zip(ASSETS, self.prices.tolist(), strict=True))


def draw_market(rng: random.Random, *, short: bool) -> Market:
    """Draw rules and prices; `short` decimals let a level stand exactly on a threshold."""
    tables = {}
    for table in (*HELD_TABLES, *OWED_TABLES):
        pool = [_steps(rng, table, short) for _ in range(10)]
        tables[table] = [rng.choice(pool) for _ in ASSETS]
    prices = np.array([_short_price(rng) if short else _price(rng) for _ in ASSETS])
    prices[0] = rng.choice((1.0, 1.0, 1.0, 0.9997, prices[0]))
    return Market(tables, prices)


def _steps(rng: random.Random, table: str, short: bool) -> Steps:
    rising = table in OWED_TABLES
    n_tiers = rng.choice((1, 1, 2, 3, 4, 6, 9))
    if short:
        drawn = rng.sample(_SHORT_RATES[table], min(n_tiers, 7))
        rates = {Decimal(rate) for rate in drawn}
    else:
        low, high = map(Decimal, _RANGES[table])
        digits = rng.choice((1, 2, 4, 4, 17, 18))
        rates = {_between(rng, low, high, digits) for _ in range(n_tiers)}
        if rng.random() < 0.2:
            rates.add(Decimal(0))
        if rng.random() < 0.3 and not rising:
            rates.add(Decimal(1))
    ordered = sorted(rates, reverse=not rising)
    digits = rng.choice((1, 1, 2, 3) if short else (1, 2, 3, 17))
    caps: list[Decimal | None] = []
    cap = Decimal(0)
    start = rng.randrange(0, 8)
    for _ in ordered:
        step = Decimal(10) ** min(start + rng.randrange(0, 3), 9)
        drawn_cap = cap + step * rng.randrange(10, 99) / 10
        cap = Context(prec=digits, rounding="ROUND_UP").plus(drawn_cap)
        caps.append(cap)
        if cap >= OPEN_FROM:
            break  # which opens the last tier as well as no cap does
    if rng.random() < 0.6:
        caps[-1] = None
    return list(zip(caps, ordered, strict=False))


def _groups(schedules: Sequence[Steps]) -> list[Group]:
    """Return each schedule once, with the assets that have it."""
    assets: dict[Steps, list[str]] = {}
    for asset, steps in zip(ASSETS, schedules, strict=True):
        assets.setdefault(tuple(steps), []).append(asset)
    return [Group(_tiers(steps), assets=tuple(names)) for steps, names in assets.items()]


def _tiers(steps: Steps) -> tuple[Tier, ...]:
    tiers, floor = [], Decimal(0)
    for cap, rate in steps:
        tiers.append(Tier(floor, cap, rate))
        floor = floor if cap is None else cap
    return tuple(tiers)


def _between(rng: random.Random, low: Decimal, high: Decimal, digits: int) -> Decimal:
    drawn = low + (high - low) * Decimal(rng.randrange(10**9)) / (10**9 - 1)
    rounded = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(drawn)
    return min(max(round(rounded, 18), low), high)


def _price(rng: random.Random) -> float:
    """Return 1e-8 to 1e6: powers of 2 and 5, up to 15 digits, all 17 digits; rarely 0."""
    kind = rng.random()
    if kind < 0.01:
        return 0.0
    if kind < 0.3:
        return _smooth_price(rng)
    price = 10 ** rng.uniform(-8, 6)
    return price if kind < 0.5 else float(f"{price:.{rng.randrange(15)}e}")


def _short_price(rng: random.Random) -> float:
    if rng.random() < 0.6:
        return _smooth_price(rng)
    return float(f"{rng.randrange(1, 10 ** rng.randrange(1, 5))}e{rng.randrange(-6, 3)}")


def _smooth_price(rng: random.Random) -> float:
    """Return a short decimal that any decimal can be divided by."""
    by = rng.choice((1, 2, 4, 5, 8, 16, 25, 32, 64, 125, 128, 625))
    return float(f"{by}e{rng.randrange(-7, 4)}")

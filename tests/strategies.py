"""Random rules, prices and books, drawn with an eye for what breaks an engine.

The generators take a `random.Random`. Under hypothesis it comes from ``st.randoms`` (small books,
which shrink) or from a drawn seed (books of hundreds of accounts, which a byte-wise search could
not fill); the code that draws is the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from hypothesis import strategies as st

from pymargin.rules.checks import Group
from pymargin.rules.model import MarginRules
from pymargin.rules.schedules import Tier
from pymargin.rules.thresholds import DEFAULT_THRESHOLDS, Grant, Line, ModeThresholds

ASSETS = ("USDT", *(f"A{i:02d}" for i in range(47)))
CLASSIC = ("classic_2023", "classic_2026_01", "classic_2026_06")
LEVELS = (1.0, 1.1, 1.16, 1.25, 1.3, 1.5, 2.0)
Steps = Sequence[tuple[Decimal | int | str | None, Decimal | int | str]]


class Book:
    """Rules, prices and rows that belong together; the numbers are floats.

    Not a dataclass: hypothesis would print every field of it.
    """

    def __init__(
        self, rules: MarginRules, prices: dict[str, float], rows: list[dict[str, Any]]
    ) -> None:
        self.rules = rules
        self.prices = prices
        self.rows = rows

    def __repr__(self) -> str:
        return f"<book of {len(self.rows)} accounts under {self.rules.digest[:12]}>"


def make_rules(
    tables: Mapping[str, Mapping[str, Steps]],
    *,
    classic: str = "classic_2026_06",
    thresholds: Mapping[str, ModeThresholds] = DEFAULT_THRESHOLDS,
) -> MarginRules:
    """Build rules from (cap, rate) steps by table and asset; a cap of None is open."""
    groups = {
        table: [Group(make_tiers(steps), assets=(asset,)) for asset, steps in schedules.items()]
        for table, schedules in tables.items()
    }
    methodology = {"cross_classic": classic, "cross_pro": "pro_2025"}
    return MarginRules(groups, methodology=methodology, thresholds=thresholds, label="test")


def make_tiers(steps: Steps) -> tuple[Tier, ...]:
    tiers = []
    floor = Decimal(0)
    for cap, rate in steps:
        upper = None if cap is None else Decimal(cap)
        tiers.append(Tier(floor, upper, Decimal(rate)))
        floor = floor if upper is None else upper
    return tuple(tiers)


# Schedules.


def _digits(rng: random.Random, low: Decimal, high: Decimal, digits: int) -> Decimal:
    """Return a decimal in [low, high] with at most so many significant digits."""
    drawn = low + (high - low) * Decimal(rng.randrange(10**9)) / (10**9 - 1)
    rounded = Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(drawn)
    return min(max(rounded, low), high)


def random_steps(rng: random.Random, *, rising: bool, flat: bool = False) -> Steps:
    """Draw a valid schedule: caps rise, rates fall (holdings) or rise (liabilities)."""
    n_tiers = 1 if flat else rng.choice((1, 2, 3, 3, 5, 8))
    rate_digits = rng.choice((1, 2, 4, 4, 17))
    cap_digits = rng.choice((1, 2, 3, 3, 17))
    rates = {_digits(rng, Decimal(0), Decimal(1), rate_digits) for _ in range(n_tiers)}
    rates.add(Decimal(rng.choice((0, 1))))
    ordered = sorted(rates, reverse=not rising)
    caps: list[Decimal | None] = []
    cap = Decimal(0)
    for _ in ordered:
        step = Decimal(10) ** rng.randrange(0, 7)
        cap = Context(prec=cap_digits, rounding="ROUND_UP").plus(cap + step * rng.randrange(1, 99))
        caps.append(cap)
    if rng.random() < 0.6:
        caps[-1] = None
    return list(zip(caps, ordered, strict=True))


def random_rules(
    rng: random.Random,
    *,
    classic: str = "classic_2026_06",
    gaps: bool = False,
    assets: Sequence[str] = ASSETS,
) -> MarginRules:
    """Draw rules over the assets; with `gaps` some assets lack a schedule, some a whole table."""
    tables: dict[str, dict[str, Steps]] = {}
    for table in ("collateral", "borrow", "transfer_out"):
        flat = table != "collateral" and rng.random() < 0.7
        tables[table] = _by_asset(rng, assets, rising=False, flat=flat, gaps=gaps)
    for table in ("liability_maintenance", "liability_initial"):
        tables[table] = _by_asset(rng, assets, rising=True, flat=False, gaps=gaps)
    if gaps and rng.random() < 0.4:
        del tables[rng.choice(("borrow", "transfer_out"))]
    thresholds = DEFAULT_THRESHOLDS if rng.random() < 0.5 else random_thresholds(rng)
    return make_rules(tables, classic=classic, thresholds=thresholds)


def _by_asset(
    rng: random.Random, assets: Sequence[str], *, rising: bool, flat: bool, gaps: bool
) -> dict[str, Steps]:
    pool = [random_steps(rng, rising=rising, flat=flat) for _ in range(6)]
    named = [asset for asset in assets if not gaps or rng.random() > 0.03]
    return {asset: rng.choice(pool) for asset in named}


def random_thresholds(rng: random.Random) -> dict[str, ModeThresholds]:
    """Draw a prime broker's own thresholds: more lines, other levels, long decimals."""

    def limit(low: str, high: str) -> Decimal:
        return _digits(rng, Decimal(low), Decimal(high), rng.choice((2, 3, 17)))

    def by_leverage(low: str, high: str) -> dict[int, Decimal]:
        return {3: limit(low, high), 5: limit(low, high)}

    classic = ModeThresholds(
        lines=(
            Line("margin_level", limit("0.9", "1.05"), ("LIQUIDATE", "BANKRUPT")),
            Line("collateral_margin_level", limit("0.9", "1.1"), ("REDUCE_ONLY",)),
            Line("margin_level", by_leverage("1.1", "1.4"), ("TRADE", "MARGIN_CALL"), True),
        ),
        actions=("TRADE",),
        grants=(
            Grant("BORROW", "borrow_margin_level", by_leverage("1.2", "1.6")),
            Grant("TRANSFER_OUT", "transfer_out_margin_level", limit("1.5", "2.5")),
        ),
    )
    pro = ModeThresholds(
        lines=(
            Line("margin_level", limit("0.8", "1.2"), ("LIQUIDATE",)),
            Line("available_margin", limit("0", "10"), ("REDUCE_ONLY", "MARGIN_CALL")),
            Line("margin_level", limit("1.3", "1.7"), ("TRADE", "MARGIN_CALL"), True),
        ),
        actions=("TRADE",),
        grants=(
            Grant("BORROW", "available_margin", limit("0", "100")),
            Grant("TRANSFER_OUT", "margin_level", limit("1.5", "2.5")),
        ),
    )
    return {"cross_classic": classic, "cross_pro": pro}


# Prices and rows.


def random_prices(
    rng: random.Random, *, gaps: bool = False, assets: Sequence[str] = ASSETS
) -> dict[str, float]:
    """Draw a price for every asset: powers of 2 and 5, short decimals, or all 17 digits."""
    prices = {asset: _price(rng) for asset in assets}
    if rng.random() < 0.7:
        prices["USDT"] = 1.0
    for asset in assets[1:] if gaps else ():
        draw = rng.random()
        if draw < 0.02:
            del prices[asset]
        elif draw < 0.04:
            prices[asset] = rng.choice((math.nan, math.inf))
    return prices


def _price(rng: random.Random) -> float:
    kind = rng.random()
    if kind < 0.01:
        return 0.0
    if kind < 0.4:
        return float(Decimal(2) ** rng.randrange(-6, 7) * Decimal(5) ** rng.randrange(-4, 5))
    if kind < 0.7:
        return rng.randrange(1, 10**4) / 10 ** rng.randrange(0, 7)
    return 10 ** rng.uniform(-8, 5)


def _quantity(rng: random.Random) -> float:
    kind = rng.random()
    if kind < 0.4:
        return rng.randrange(1, 10**6) / 10 ** rng.randrange(0, 9)
    if kind < 0.9:
        return 10 ** rng.uniform(-2, 6)
    return 10 ** rng.uniform(-8, 15)


def _at_edge(rng: random.Random, rules: MarginRules, table: str, asset: str, price: float) -> float:
    """Return units whose value is a cap of the table, or a float beside it."""
    tiers = rules.find(table, asset) or ()
    caps = [tier.cap for tier in tiers if tier.cap is not None]
    if not caps or not 0 < price < math.inf:
        return _quantity(rng)
    units = float(Context(prec=40).divide(rng.choice(caps), Decimal(repr(price))))
    return rng.choice((units, units, math.nextafter(units, 0), math.nextafter(units, math.inf)))


def _balance(
    rng: random.Random, rules: MarginRules, prices: Mapping[str, float], asset: str
) -> dict[str, Any]:
    price = prices.get(asset, math.nan)
    kind = rng.choice(("held", "held", "held", "owed", "both", "same"))
    entry: dict[str, Any] = {"asset": asset}
    edge = rng.random() < 0.35
    if kind != "owed":
        table = rng.choice(("collateral", "collateral", "borrow", "transfer_out"))
        entry["free"] = _at_edge(rng, rules, table, asset, price) if edge else _quantity(rng)
        if rng.random() < 0.2:
            entry["locked"] = _quantity(rng)
    if kind in ("owed", "both"):
        table = rng.choice(("liability_maintenance", "liability_initial"))
        entry["borrowed"] = _at_edge(rng, rules, table, asset, price) if edge else _quantity(rng)
    if kind == "same":
        # Held and owed alike, or one float apart: the net position is 0 or a hair.
        toward = rng.choice((entry["free"], 0.0, math.inf))
        entry["borrowed"] = math.nextafter(entry["free"], toward)
    if kind != "held" and rng.random() < 0.3:
        entry["interest"] = rng.choice((1e-8, rng.random(), entry["borrowed"] * 1e-4))
    return entry


def random_row(
    rng: random.Random,
    rules: MarginRules,
    prices: Mapping[str, float],
    name: int,
    assets: Sequence[str] = ASSETS,
) -> dict[str, Any]:
    """Draw one account of 1 to 40 balances whose level is often near a threshold."""
    n_balances = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8, rng.randrange(1, 41)))
    chosen = rng.sample(assets, min(n_balances, len(assets)))
    row: dict[str, Any] = {
        "account": name,
        "leverage": rng.choice((3, 5)),
        "balances": [_balance(rng, rules, prices, asset) for asset in chosen],
    }
    if rng.random() < 0.8:
        _bring_near(rng, row["balances"], prices)
    if rng.random() < 0.25:
        row["margin_call_ratio"] = rng.choice((1.3, 2.0, 1.37, rng.uniform(1.3, 2)))
    draw = rng.random()
    if draw < 0.2:
        row["open_order_loss"] = rng.choice((0.01, _quantity(rng)))
    elif draw < 0.5:
        row["orders"] = [
            _order(rng, row["balances"], prices, assets) for _ in range(rng.randrange(1, 4))
        ]
    return row


def _value(balances: Sequence[Mapping[str, Any]], prices: Mapping[str, float], *of: str) -> float:
    values = (
        balance.get(name, 0.0) * prices.get(balance["asset"], math.nan)
        for balance in balances
        for name in of
    )
    return sum(value for value in values if math.isfinite(value))


def _bring_near(
    rng: random.Random, balances: list[dict[str, Any]], prices: Mapping[str, float]
) -> None:
    """Set one debt so that gross holdings over debts stand near a threshold."""
    target = rng.choice(LEVELS) * (1 + rng.choice((0, 1e-15, 1e-3, 0.1)) * rng.gauss(0, 1))
    entry = rng.choice(balances)
    price = prices.get(entry["asset"], math.nan)
    others = [balance for balance in balances if balance is not entry]
    room = _value(balances, prices, "free", "locked") / abs(target)
    room -= _value(others, prices, "borrowed", "interest")
    if room > 0 and 0 < price < math.inf:
        entry["borrowed"] = room / price


def _order(
    rng: random.Random,
    balances: Sequence[Mapping[str, Any]],
    prices: Mapping[str, float],
    assets: Sequence[str],
) -> dict[str, Any]:
    give, get = rng.sample(assets, 2)
    if rng.random() < 0.6:
        give = rng.choice(balances)["asset"]
    held = next((b.get("free", 0.0) for b in balances if b["asset"] == give), 0.0)
    given = rng.choice((held, held / 2, _quantity(rng))) or 1.0
    ratio = prices.get(give, math.nan) / (prices.get(get) or math.nan)
    got = given * ratio * rng.choice((1, 1, 1.05, 0.9))
    return {
        "give_asset": give,
        "give_quantity": given,
        "get_asset": get,
        "get_quantity": got if 0 < got < 1e20 else _quantity(rng),
    }


def random_book(
    rng: random.Random,
    n_accounts: int,
    *,
    classic: str = "classic_2026_06",
    gaps: bool = False,
    assets: Sequence[str] = ASSETS,
) -> Book:
    rules = random_rules(rng, classic=classic, gaps=gaps, assets=assets)
    prices = random_prices(rng, gaps=gaps, assets=assets)
    rows = [random_row(rng, rules, prices, name, assets) for name in range(n_accounts)]
    return Book(rules, prices, rows)


@st.composite
def books(
    draw: st.DrawFn,
    n_accounts: int,
    *,
    classic: Sequence[str] = CLASSIC,
    gaps: bool = False,
) -> Book:
    """A book of so many accounts under one of the methodologies."""
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))
    methodology = draw(st.sampled_from(classic))
    return random_book(rng, n_accounts, classic=methodology, gaps=gaps)


@st.composite
def small_books(draw: st.DrawFn, *, classic: Sequence[str] = CLASSIC, gaps: bool = False) -> Book:
    """A book of one to three accounts over four assets, which hypothesis can shrink."""
    rng = draw(st.randoms(use_true_random=False))
    methodology = draw(st.sampled_from(classic))
    n_accounts = draw(st.integers(1, 3))
    return random_book(rng, n_accounts, classic=methodology, gaps=gaps, assets=ASSETS[:4])

"""Invented rules of realistic shape and size: for demonstrations, documents and benchmarks."""

from __future__ import annotations

from decimal import Decimal

from pymargin.rules.example_futures import example_brackets, example_contracts
from pymargin.rules.methodology import methodology_at
from pymargin.rules.model import Group, MarginRules
from pymargin.rules.schedules import Tier

__all__ = ["example_names", "example_rules"]

_N_ASSETS = 400
_N_RANKS = 11
_N_CLASSES = 8

_TICKERS = """
    USDT USDC BTC ETH FDUSD BNB SOL XRP DOGE ADA TRX LINK AVAX SUI XLM BCH HBAR LTC TON SHIB DOT UNI
    AAVE PEPE NEAR APT ICP ETC ATOM ARB OP FIL INJ TIA SEI WIF BONK FLOKI LDO CRV ENA JUP PYTH STX
    RUNE GALA SAND MANA AXS DYDX ALGO VET GRT CHZ ZEC NEO QTUM ZIL BAT ENJ
"""

# How many assets each rank has, from the most to the least liquid: 400 in all.
_RANK_SIZES = (5, 5, 10, 15, 20, 25, 30, 40, 60, 80, 110)
_CLASS_SIZES = (5, 10, 20, 35, 50, 70, 90, 120)

_FIRST_CAP = (
    100_000_000,
    30_000_000,
    10_000_000,
    5_000_000,
    2_000_000,
    1_000_000,
    500_000,
    250_000,
    100_000,
    50_000,
    20_000,
)
_GROWTH = ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8", "10", "12", "15", "20", "30")
_STABLE = ("USDT", "USDC", "FDUSD")

# By rank, as all that follows: the flat rate of portfolio margin and the leverage of its loans.
_PORTFOLIO = ("1", "0.98", "0.95", "0.9", "0.85", "0.75", "0.6", "0.5", "0.35", "0.2", "0.1")
_LOAN_LEVERAGE = (10, 10, 10, 10, 5, 5, 5, 5, 3, 3, 3)
_PORTFOLIO_PRO = "1:100 3:95 6:90 10:75 20:60 40:40 100:20"
_FLAT = ("0.9999", "0.95", "0.9", "0.9", "0.8", "0.6", "0.5", "0.4", "0.2", "0.1", "0.05")

_LEVERAGES = (20, 16, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2)
_DEBT_CAPS = (50, 100, 200, 400, 800, 1_500, 3_000, 6_000, 12_000, 25_000, 50_000, 100_000)
_DEBT_UNIT = (20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100)


def example_names() -> tuple[str, ...]:
    """Return the assets of the example rules, from the most to the least liquid.

    The first sixty are real tickers; ``EX061`` and after are not.
    """
    tickers = _TICKERS.split()
    generated = (f"EX{number:03d}" for number in range(len(tickers) + 1, _N_ASSETS + 1))
    return (*tickers, *generated)


def example_rules() -> MarginRules:
    """Build complete rules for 400 assets; every figure is invented.

    Eleven ranks of collateral tiers (up to 16 each), flat borrow and transfer-out ratios, and
    eight classes of liability brackets (up to 12 each); flat and tiered rates of portfolio margin
    and the leverage of its loans; USDⓈ-M contracts of every asset but the stable ones (some in
    USDC, some that deliver), COIN-M contracts of twenty, and their brackets (up to 13 each); all
    under the newest methodologies. The same on every call.

    Examples
    --------
    >>> rules = example_rules()
    >>> len(rules.names("collateral")), rules.problems()
    (400, ())
    """
    names = example_names()
    ranks = dict(zip(names, _numbered(_RANK_SIZES), strict=True))
    members: dict[int, list[str]] = {}
    for name, number in zip(names, _numbered(_CLASS_SIZES), strict=True):
        members.setdefault(number, []).append(name)
    flat = [
        Group((Tier(Decimal(0), None, Decimal(ratio)),), rank=rank)
        for rank, ratio in enumerate(_FLAT, start=1)
    ]
    collateral = [Group(_collateral_tiers(rank), rank=rank) for rank in range(1, _N_RANKS + 1)]
    bases = [name for name in names if name not in _STABLE]
    contracts = example_contracts(bases)
    return MarginRules(
        tables={
            "collateral": collateral,
            "borrow": flat,
            "transfer_out": flat,
            "liability_maintenance": [
                Group(_brackets(number, share=60), assets=tuple(members[number]))
                for number in range(1, _N_CLASSES + 1)
            ],
            "liability_initial": [
                Group(_brackets(number, share=100), assets=tuple(members[number]))
                for number in range(1, _N_CLASSES + 1)
            ],
            "portfolio": _portfolio(ranks),
            "portfolio_pro": [
                Group(_portfolio_pro_tiers(rank), rank=rank) for rank in range(1, _N_RANKS + 1)
            ],
            "usdm": example_brackets("usdm", contracts, bases),
            "coinm": example_brackets("coinm", contracts, bases),
        },
        ranks=ranks,
        portfolio_pro_ranks=ranks,
        contracts=contracts,
        loan_leverage={name: _LOAN_LEVERAGE[rank - 1] for name, rank in ranks.items()},
        methodology=methodology_at(None),
        stable=frozenset(_STABLE),
        label="EXAMPLE: every figure is invented, for demonstration and benchmarks only",
        sources=("none: invented figures",),
    )


def _numbered(sizes: tuple[int, ...]) -> list[int]:
    return [number for number, size in enumerate(sizes, start=1) for _ in range(size)]


def _collateral_tiers(rank: int) -> tuple[Tier, ...]:
    """Rank r has r + 5 tiers, their rates falling evenly from 1 to 0 above the last cap."""
    n_tiers = rank + 5
    caps = [Decimal(_FIRST_CAP[rank - 1]) * Decimal(_GROWTH[k]) for k in range(n_tiers - 1)]
    floors = [Decimal(0), *caps]
    step = Decimal(100 // (n_tiers - 1)) / 100
    rates = [1 - k * step for k in range(n_tiers - 1)] + [Decimal(0)]
    return tuple(
        Tier(floor, cap, rate)
        for floor, cap, rate in zip(floors, [*caps, None], rates, strict=True)
    )


def _brackets(number: int, *, share: int) -> tuple[Tier, ...]:
    """Class c has 13 - c brackets; initial margin is 1/(leverage - 1), rounded up to 4 places.

    ``share`` per cent of it is asked, rounded up again: 100 for the initial margin.
    """
    leverages = _LEVERAGES[number - 1 :]
    tiers: list[Tier] = []
    floor = Decimal(0)
    for leverage, units in zip(leverages, _DEBT_CAPS, strict=False):
        initial = -(-10_000 // (leverage - 1))
        rate = Decimal(-(-initial * share // 100)) / 10_000
        cap = Decimal(units * _DEBT_UNIT[number - 1])
        tiers.append(Tier(floor, cap, rate, Decimal(leverage)))
        floor = cap
    return tuple(tiers)


def _portfolio(ranks: dict[str, int]) -> list[Group]:
    """Give all assets of a rank the same flat rate."""
    members: dict[int, list[str]] = {}
    for name, rank in ranks.items():
        members.setdefault(rank, []).append(name)
    return [
        Group((Tier(Decimal(0), None, Decimal(_PORTFOLIO[rank - 1])),), assets=tuple(names))
        for rank, names in members.items()
    ]


def _portfolio_pro_tiers(rank: int) -> tuple[Tier, ...]:
    """Every rank has the same rates, over caps that shrink with the first cap of collateral."""
    tiers: list[Tier] = []
    floor = Decimal(0)
    for entry in _PORTFOLIO_PRO.split():
        units, percent = (Decimal(part) for part in entry.split(":"))
        cap = units * _FIRST_CAP[rank - 1] / 10
        tiers.append(Tier(floor, cap, percent / 100))
        floor = cap
    return (*tiers, Tier(floor, None, Decimal("0.1")))

"""Invented futures: contracts and brackets of realistic shape, for the example rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pymargin.rules.contracts import Contract, Product
from pymargin.rules.model import Group
from pymargin.rules.schedules import Tier

__all__ = ["example_brackets", "example_contracts"]

_N_USDC, _N_COINM = 20, 20
_DELIVERIES = ("_270326", "_270625")
_BTC_SIZE, _SIZE = Decimal(100), Decimal(10)

_LEVERAGES = (125, 100, 75, 50, 40, 25, 20, 10, 5, 4, 3, 2, 1)
_CAPS = (60, 120, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 30_000, 40_000, 60_000, 100_000)
# How many contracts each class of brackets serves (the last one all that are left), and what its
# caps are in: USDT for usdm, units of the coin for coinm.
_CLASSES: dict[Product, tuple[tuple[int, int], ...]] = {
    "usdm": ((4, 5_000), (12, 2_000), (30, 1_000), (60, 400), (120, 150), (0, 40)),
    "coinm": ((4, 1), (8, 20), (0, 500)),
}


def example_contracts(assets: Sequence[str]) -> dict[str, Contract]:
    """Make perpetuals of every asset in USDT, of the first in USDC and in coin, and deliveries."""
    contracts: dict[str, Contract] = {}
    for asset in assets:
        contracts[f"{asset}USDT"] = Contract("usdm", asset, "USDT")
    for asset in assets[:_N_USDC]:
        contracts[f"{asset}USDC"] = Contract("usdm", asset, "USDC")
    for asset in assets[:2]:
        for delivery in _DELIVERIES:
            contracts[f"{asset}USDT{delivery}"] = Contract("usdm", asset, "USDT")
    for number, asset in enumerate(assets[:_N_COINM]):
        endings = ("_PERP", *_DELIVERIES) if number < 2 else ("_PERP",)
        size = _BTC_SIZE if asset == "BTC" else _SIZE
        for ending in endings:
            contracts[f"{asset}USD{ending}"] = Contract("coinm", asset, asset, size)
    return contracts


def example_brackets(
    product: Product, contracts: dict[str, Contract], assets: Sequence[str]
) -> list[Group]:
    """Give each contract brackets by how liquid its base asset is."""
    place = {asset: number for number, asset in enumerate(assets)}
    symbols = sorted(
        (symbol for symbol, contract in contracts.items() if contract.product == product),
        key=lambda symbol: (place[contracts[symbol].base_asset], symbol),
    )
    return list(_groups(symbols, _CLASSES[product]))


def _groups(symbols: Sequence[str], classes: Sequence[tuple[int, int]]) -> Iterator[Group]:
    begin = 0
    for number, (size, unit) in enumerate(classes):
        end = begin + size if size else len(symbols)
        yield Group(_tiers(number, unit), assets=tuple(symbols[begin:end]))
        begin = end


def _tiers(number: int, unit: int) -> tuple[Tier, ...]:
    """Class n begins n leverages lower; half of the initial margin is maintained, rounded up."""
    tiers: list[Tier] = []
    floor = Decimal(0)
    for leverage, units in zip(_LEVERAGES[number:], _CAPS, strict=False):
        rate = Decimal(-(-10_000 // (2 * leverage))) / 10_000
        cap = Decimal(units * unit)
        tiers.append(Tier(floor, cap, rate, Decimal(leverage)))
        floor = cap
    return tuple(tiers)

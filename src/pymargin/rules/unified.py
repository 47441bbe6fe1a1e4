"""ccxt's unified symbols of futures, and what the exchange calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pymargin.rules.contracts import Product

__all__ = ["UnifiedSymbol", "is_unified", "read_unified"]

_UNIFIED = re.compile(
    r"(?P<base>[^/:\s]+)/(?P<quote>[^/:\s]+):(?P<settlement>[^/:\s-]+)(?:-(?P<delivery>[0-9]{6}))?"
)


@dataclass(frozen=True, slots=True)
class UnifiedSymbol:
    """Say what a unified symbol stands for.

    Parameters
    ----------
    product
        ``usdm`` where it is settled in the quote asset, ``coinm`` where in the base asset.
    symbol
        The exchange's name.
    base, settlement
        The base and the settlement asset.
    """

    product: Product
    symbol: str
    base: str
    settlement: str


def is_unified(name: str) -> bool:
    """Say whether a name has the form of a unified symbol of futures."""
    return _UNIFIED.fullmatch(name) is not None


def read_unified(name: str) -> UnifiedSymbol | None:
    """Read a unified symbol; None where it is none, or is settled in neither of its assets.

    Examples
    --------
    >>> read_unified("BTC/USDT:USDT-260327").symbol
    'BTCUSDT_260327'
    >>> read_unified("ETH/USD:ETH").symbol
    'ETHUSD_PERP'
    """
    match = _UNIFIED.fullmatch(name)
    if match is None:
        return None
    base, quote, settlement, delivery = match.group("base", "quote", "settlement", "delivery")
    if settlement == quote:
        symbol = f"{base}{quote}" + (f"_{delivery}" if delivery else "")
        return UnifiedSymbol("usdm", symbol, base, settlement)
    if settlement == base:
        return UnifiedSymbol("coinm", f"{base}{quote}_{delivery or 'PERP'}", base, settlement)
    return None

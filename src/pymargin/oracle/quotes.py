"""Prices as the oracle reads them: index, mark, bid and ask, exact; some may be moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Protocol, TypeAlias

from pymargin.errors import PricesError, Problem
from pymargin.oracle.schedule import exact

__all__ = ["Mover", "PriceSource", "Quotes"]


class HasIndex(Protocol):
    """Anything with index prices by name, such as `pymargin.Prices`.

    ``mark`` (by symbol), ``bid`` and ``ask`` (by asset) are read too where it has them.
    """

    @property
    def index(self) -> Mapping[str, float]:
        """Index price of each asset, USDT."""


PriceSource: TypeAlias = Mapping[str, float] | HasIndex
Mover: TypeAlias = Callable[[Fraction], Fraction]
"""From a price as it is to the price that takes its place."""

_NONE: Mapping[str, float] = MappingProxyType({})
_NOT_MOVED: Mapping[str, Mover] = MappingProxyType({})


class Quotes:
    """Every price that a formula asks for, exact; None where it is missing or not finite.

    A mapping gives index prices by asset and mark prices by symbol. Bid and ask fall back on
    the index price. USDT is 1 unless it is given.

    Parameters
    ----------
    prices
        Prices by name, or an object with ``index`` and perhaps ``mark``, ``bid`` and ``ask``.
    moved
        Name to what takes the place of its prices: of an asset's index, bid and ask alike, of a
        symbol's mark.
    """

    def __init__(self, prices: PriceSource, moved: Mapping[str, Mover] = _NOT_MOVED) -> None:
        if isinstance(prices, Mapping):
            self._index = self._mark = prices
            self._bid = self._ask = _NONE
        else:
            self._index = prices.index
            self._mark = getattr(prices, "mark", _NONE)
            self._bid, self._ask = getattr(prices, "bid", _NONE), getattr(prices, "ask", _NONE)
        self._prices = prices
        self._moved = moved

    def moved(self, movers: Mapping[str, Mover]) -> Quotes:
        """Return the same prices with some names moved."""
        return Quotes(self._prices, movers)

    def index(self, asset: str) -> Fraction | None:
        """Return the index price of an asset, USDT."""
        return self._quote(self._index, asset)

    def mark(self, symbol: str) -> Fraction | None:
        """Return the mark price of a symbol, in its quote."""
        return self._quote(self._mark, symbol)

    def bid(self, asset: str) -> Fraction | None:
        """Return the rate at which balances of an asset count."""
        return self._quote(self._bid if asset in self._bid else self._index, asset)

    def ask(self, asset: str) -> Fraction | None:
        """Return the rate at which requirements in an asset count."""
        return self._quote(self._ask if asset in self._ask else self._index, asset)

    def _quote(self, by_name: Mapping[str, float], name: str) -> Fraction | None:
        found = by_name.get(name, 1.0 if name == "USDT" else None)
        number = math.nan if found is None else found
        number = number if isinstance(number, Decimal) else float(number)
        if not math.isfinite(number):
            return None
        if number < 0:
            raise PricesError([Problem(name, "price", number, "0 or more")])
        price, mover = exact(number), self._moved.get(name)
        return price if mover is None else mover(price)

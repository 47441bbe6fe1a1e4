"""Prices in USDT: what the evaluation reads, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite, nan
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.errors import PricesError, Problem

__all__ = [
    "PriceSource",
    "Prices",
    "prices_from_binance",
    "read_prices",
    "resolve",
    "resolve_marks",
    "resolve_rates",
]

SMALLEST, LARGEST = 1e-100, 1e100
PRICE_RULE = f"0 or from {SMALLEST:g} to {LARGEST:g}"


@dataclass(frozen=True, slots=True)
class Prices:
    """Hold prices by name; absent names are missing.

    Parameters
    ----------
    index
        Asset to index price, USDT.
    mark
        Symbol to mark price, in the symbol's quote.
    bid, ask
        Asset to the rate at which the exchange takes it (positive balances) or
        counts it owed (negative ones), USD.
    """

    index: Mapping[str, float] = field(default_factory=dict)
    mark: Mapping[str, float] = field(default_factory=dict)
    bid: Mapping[str, float] = field(default_factory=dict)
    ask: Mapping[str, float] = field(default_factory=dict)


PriceSource: TypeAlias = Mapping[str, Any] | Prices | npt.NDArray[Any]


def resolve(prices: PriceSource, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the price of each name.

    Parameters
    ----------
    prices
        Mapping of asset to price in USDT (int, float, Decimal or numeric str;
        None is missing), a `Prices` (its ``index``), or an array of one price
        per name. USDT is 1 unless a mapping gives it. Other names are ignored.
    names
        Assets, for an array in the array's order.

    Returns
    -------
    numpy.ndarray
        float64[len(names)], USDT; NaN where a price is missing or not finite.

    Raises
    ------
    PricesError
        Names every price that is negative, out of range or not a number.

    Example
    -------
    >>> resolve({"BTC": "20000", "DOGE": 0.1}, ("USDT", "BTC", "ETH")).tolist()
    [1.0, 20000.0, nan]
    """
    problems: list[Problem] = []
    if isinstance(prices, np.ndarray):
        values = _from_array(prices, len(names))
    elif isinstance(prices, Prices | Mapping):
        given = prices.index if isinstance(prices, Prices) else prices
        values = _from_mapping(given, names, {"USDT": 1.0}, problems)
    else:
        raise _no_source(prices)
    return _in_range(values, names, problems)


def resolve_marks(prices: PriceSource, symbols: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the mark price of each symbol.

    Parameters
    ----------
    prices
        Mapping of symbol to mark price in the symbol's quote (assets may stand beside
        them), or a `Prices` (its ``mark``). An array of index prices has none.
    symbols
        `Accounts.symbols`.

    Returns
    -------
    numpy.ndarray
        float64[len(symbols)]; NaN where a price is missing or not finite.

    Raises
    ------
    PricesError
        Names every price that is negative, out of range or not a number; or there are
        symbols and the prices are an array.

    Example
    -------
    >>> resolve_marks({"BTC": 64000, "BTCUSDT": 64010.5}, ("BTCUSDT", "ETHUSDT")).tolist()
    [64010.5, nan]
    """
    problems: list[Problem] = []
    if isinstance(prices, Prices):
        values = _from_mapping(prices.mark, symbols, {}, problems)
    elif isinstance(prices, Mapping):
        values = _from_mapping(prices, symbols, {}, problems)
    elif isinstance(prices, np.ndarray):
        if symbols:
            raise PricesError(
                "prices must be a mapping or a Prices where accounts have positions, whose mark "
                "prices an array aligned with accounts.assets does not hold"
            )
        values = np.empty(0)
    else:
        raise _no_source(prices)
    return _in_range(values, symbols, problems)


def resolve_rates(
    prices: PriceSource, assets: Sequence[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the bid and the ask rate of each asset, as multi-assets mode counts them.

    Parameters
    ----------
    prices
        As in `resolve`. Only a `Prices` has rates; the index price stands in for one
        that it lacks.
    assets
        Names, for an array in the array's order.

    Returns
    -------
    tuple
        Of float64[len(assets)] each; NaN where index price and rate are missing.

    Raises
    ------
    PricesError
        As `resolve`, of rates too.

    Example
    -------
    >>> known = Prices(index={"BTC": 64000, "BNB": 600}, bid={"BTC": 60800}, ask={"BTC": 67200})
    >>> [rates.tolist() for rates in resolve_rates(known, ("BTC", "BNB"))]
    [[60800.0, 600.0], [67200.0, 600.0]]
    """
    index = resolve(prices, assets)
    if not isinstance(prices, Prices):
        return index, index
    problems: list[Problem] = []
    rates = []
    for name, given in (("bid", prices.bid), ("ask", prices.ask)):
        found: list[Problem] = []
        values = _from_mapping(given, assets, {}, found, f"prices.{name}")
        problems += found
        problems += _range_problems(values, assets, f"prices.{name}")
        rates.append(np.where(np.isfinite(values), values, index))
    if problems:
        raise PricesError(problems)
    bid, ask = rates
    return bid, ask


def _no_source(prices: object) -> PricesError:
    return PricesError(
        "prices must be a mapping of name to USDT price, a Prices, or a float64 array "
        f"aligned with accounts.assets, not {type(prices).__name__}"
    )


def _in_range(
    values: npt.NDArray[np.float64], names: Sequence[str], problems: list[Problem]
) -> npt.NDArray[np.float64]:
    """Return prices with NaN for those that are not finite; refuse those out of range."""
    problems += _range_problems(values, names, "prices")
    if problems:
        raise PricesError(problems)
    values[~np.isfinite(values)] = nan
    return values


def _range_problems(
    values: npt.NDArray[np.float64], names: Sequence[str], path: str
) -> list[Problem]:
    finite = np.isfinite(values)
    bad = (values < 0) | (values > LARGEST) | ((values > 0) & (values < SMALLEST))
    return [
        Problem(f"{path}[{names[i]!r}]", "range", float(values[i]), PRICE_RULE)
        for i in np.flatnonzero(finite & bad).tolist()
    ]


def to_price(value: object) -> float | None:
    """Return a number as float64 (NaN for None), or None for what is not a number."""
    if value is None:
        return nan
    if isinstance(value, bool | np.bool_) or not isinstance(value, str | Real | Decimal):
        return None
    if isinstance(value, str) and "_" in value:
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _from_array(prices: npt.NDArray[Any], length: int) -> npt.NDArray[np.float64]:
    if prices.dtype.kind not in "fiu":
        raise PricesError(f"prices must be a float64 array, not one of {prices.dtype}")
    if prices.shape != (length,):
        raise PricesError(
            f"prices must be of shape ({length},), one for each of accounts.assets, "
            f"not {prices.shape}"
        )
    return np.array(prices, dtype=np.float64)


def _from_mapping(
    prices: Mapping[str, Any],
    names: Sequence[str],
    absent: Mapping[str, float],
    problems: list[Problem],
    path: str = "prices",
) -> npt.NDArray[np.float64]:
    """Return the price of each name, else the one that holds where it is absent, else NaN."""
    values = np.full(len(names), nan)
    for position, name in enumerate(names):
        given = prices.get(name)
        if given is None:
            values[position] = absent.get(name, nan)
            continue
        price = to_price(given)
        if price is None:
            problems.append(Problem(f"{path}[{name!r}]", "type", repr(given), "a number"))
        else:
            values[position] = price
    return values


def usable_price(value: object) -> float | None:
    """Return a price that is finite, not negative and in range, or None."""
    price = to_price(value)
    if price is None or not isfinite(price):
        return None
    return price if price == 0 or SMALLEST <= price <= LARGEST else None


def prices_from_binance(
    *, price_index: Any = None, premium_index: Any = None, asset_index: Any = None
) -> Prices:
    """Return prices from the exchange's own answers.

    Parameters
    ----------
    price_index
        ``GET /sapi/v1/portfolio/asset-index-price``: the index price of each asset in
        USDT; or ``GET /sapi/v1/margin/priceIndex``: that of pairs of assets. A pair in
        USDT gives it; else USDT quoted in the asset, inverted; else the first pair
        in FDUSD, USDC, TUSD, BUSD, USD1, USDP, DAI, BTC, ETH, BNB, EUR, TRY, BRL or
        JPY, times the price of that quote in USDT.
    premium_index
        ``GET /fapi/v1/premiumIndex``, ``GET /dapi/v1/premiumIndex`` or the items of
        both: ``mark`` by symbol; the index price of a perpetual quoted in USDT is its
        asset's where ``price_index`` gives none.
    asset_index
        ``GET /fapi/v1/assetIndex``: ``bid`` and ``ask`` by asset, in USD.

    Each is a decoded answer (an object or a list of them), a path to a JSON file,
    or None.

    Raises
    ------
    PricesError
        Lists every item that is not of the answer's shape and every symbol whose
        price cannot be had in USDT.

    Example
    -------
    >>> prices_from_binance(
    ...     price_index=[
    ...         {"symbol": "BTCUSDT", "price": "20000"},
    ...         {"symbol": "BNBBTC", "price": "0.01"},
    ...     ]
    ... ).index
    {'BTC': 20000.0, 'BNB': 200.0}
    """
    from pymargin.adapters.binance_prices import binance_prices

    return binance_prices(
        price_index=price_index, premium_index=premium_index, asset_index=asset_index
    )


def read_prices(path: str | PathLike[str]) -> Prices:
    """Read prices from a file.

    Parameters
    ----------
    path
        CSV (``name,price``, with or without that header), or JSON: an object of
        name to price (of assets the index price, of symbols the mark price), or one of
        the exchange's answers (margin priceIndex, futures premiumIndex, assetIndex or
        positionRisk, portfolio asset-index-price), told by its fields.

    Raises
    ------
    PricesError
        Lists every line or item that holds no price.
    OSError
        The file cannot be read.
    """
    from pymargin.adapters.price_files import prices_from_file

    return prices_from_file(Path(path))

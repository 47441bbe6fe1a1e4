"""The exchange's price answers to prices in USDT."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from pymargin.errors import PricesError, Problem
from pymargin.prices import PRICE_RULE, Prices, usable_price

__all__ = ["binance_prices", "decoded", "direct_prices"]

# Quote assets, the ones nearest to USDT first: an asset with several pairs and none in
# USDT takes the first.
_QUOTES = (
    *("FDUSD", "USDC", "TUSD", "BUSD", "USD1", "USDP", "DAI"),
    *("BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY"),
)
_DOLLAR = "USD"
_NO_PRICES: Mapping[str, float] = {}


def binance_prices(
    *,
    price_index: Any = None,
    premium_index: Any = None,
    asset_index: Any = None,
    quotes: Mapping[str, float] = _NO_PRICES,
) -> Prices:
    """Return prices from decoded answers or paths; see `pymargin.prices`.

    `quotes` are further prices in USDT, of what the pairs may be quoted in.
    """
    problems: list[Problem] = []
    answer = decoded(price_index)
    is_by_asset = _is_by_asset(answer)
    key, field = ("asset", "assetIndexPrice") if is_by_asset else ("symbol", "price")
    found = _items("price_index", answer, (field,), problems, key=key)
    index = {name: price for name, (price,) in found}
    marks = dict(_items("premium_index", premium_index, ("markPrice", "indexPrice"), problems))
    of_marks = {
        symbol.removesuffix("USDT"): price
        for symbol, (_, price) in marks.items()
        if symbol.endswith("USDT") and symbol != "USDT"
    }
    if not is_by_asset:
        index = _index(index, {**quotes, **of_marks}, problems)
    rates = dict(_items("asset_index", asset_index, ("bidRate", "askRate"), problems))
    problems += (
        Problem("asset_index", "symbol", repr(symbol), "of symbols of an asset and USD")
        for symbol in rates
        if not symbol.endswith(_DOLLAR) or symbol == _DOLLAR
    )
    if problems:
        raise PricesError(problems)
    return Prices(
        index=index | {asset: x for asset, x in of_marks.items() if asset not in index},
        mark={symbol: mark for symbol, (mark, _) in marks.items()},
        bid={symbol.removesuffix(_DOLLAR): bid for symbol, (bid, _) in rates.items()},
        ask={symbol.removesuffix(_DOLLAR): ask for symbol, (_, ask) in rates.items()},
    )


def direct_prices(price_index: Any) -> dict[str, float]:
    """Return the prices that a decoded answer has in USDT, faults left out."""
    if _is_by_asset(price_index):
        found = _items("price_index", price_index, ("assetIndexPrice",), [], key="asset")
        return {asset: price for asset, (price,) in found}
    found = _items("price_index", price_index, ("price",), [])
    return _split({symbol: price for symbol, (price,) in found}, [])[0]


def decoded(source: Any) -> Any:
    """Return decoded JSON as it is, and that of a path.

    Raises
    ------
    PricesError
        The file holds no JSON.
    """
    if not isinstance(source, str | PathLike):
        return source
    try:
        return json.loads(Path(source).read_bytes())
    except ValueError as err:
        raise PricesError(f"{source} must be a JSON file: {err}") from err


def _is_by_asset(answer: Any) -> bool:
    """Return whether an answer is one of portfolio margin's asset-index-price."""
    items = answer if isinstance(answer, list | tuple) else [answer]
    return any(isinstance(item, Mapping) and "assetIndexPrice" in item for item in items)


def _items(
    name: str,
    source: Any,
    fields: tuple[str, ...],
    problems: list[Problem],
    *,
    key: str = "symbol",
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield the symbol, or what the key says, and the numbers of each item."""
    answer = decoded(source)
    if answer is None:
        return
    if not isinstance(answer, Mapping | list | tuple):
        rule = "an answer of the exchange (an object or a list of them) or a path to one"
        problems.append(Problem(name, "shape", type(answer).__name__, rule))
        return
    seen: set[str] = set()
    for place, item in enumerate([answer] if isinstance(answer, Mapping) else answer):
        path = f"{name}[{place}]"
        symbol = item.get(key) if isinstance(item, Mapping) else None
        if not isinstance(symbol, str) or not symbol:
            rule = f"an object with {key}, {', '.join(fields)}"
            problems.append(Problem(path, "shape", repr(item)[:60], rule))
            continue
        if symbol in seen:
            problems.append(Problem(f"{path}.{key}", "duplicate", f"{symbol} again", "unique"))
        seen.add(symbol)
        prices = [usable_price(item.get(field)) for field in fields]
        for field, price in zip(fields, prices, strict=True):
            if price is None:
                found = f"{item.get(field)!r} ({symbol})"
                problems.append(Problem(f"{path}.{field}", "price", found, PRICE_RULE))
        yield symbol, tuple(0.0 if price is None else price for price in prices)


def _index(
    pairs: Mapping[str, float], further: Mapping[str, float], problems: list[Problem]
) -> dict[str, float]:
    """Return each asset's price in USDT from the prices of pairs.

    What an asset is quoted in may have its price in USDT from another answer (`further`).
    """
    index, crosses = _split(pairs, problems)
    # Quotes come from pairs in USDT only, not from what is converted here.
    quoted = {**further, **index}
    for asset, prices in crosses.items():
        if asset in index:
            continue
        quote = next((q for q in _QUOTES if q in prices and q in quoted), None)
        if quote is None:
            missing = " and ".join(prices)
            problems.append(
                _unresolvable(asset + missing, f"there is no price of {missing} in USDT")
            )
        else:
            index[asset] = prices[quote] * quoted[quote]
    return index


def _split(
    pairs: Mapping[str, float], problems: list[Problem]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return what is priced in USDT, either way round, and of other assets price by quote."""
    index: dict[str, float] = {}
    inverse: dict[str, float] = {}
    crosses: dict[str, dict[str, float]] = {}
    for symbol, price in pairs.items():
        if symbol.endswith("USDT") and symbol != "USDT":
            index[symbol.removesuffix("USDT")] = price
        elif symbol.startswith("USDT") and symbol != "USDT":
            inverse[symbol.removeprefix("USDT")] = price
        else:
            quote = next((q for q in _QUOTES if symbol.endswith(q) and symbol != q), None)
            if quote is None:
                problems.append(_unresolvable(symbol, "its quote asset is not known"))
            else:
                crosses.setdefault(symbol.removesuffix(quote), {})[quote] = price
    for asset, price in inverse.items():
        if price > 0:
            index.setdefault(asset, 1.0 / price)
    return index, crosses


def _unresolvable(symbol: str, why: str) -> Problem:
    return Problem("price_index", f"{symbol} cannot be priced in USDT: {why}")

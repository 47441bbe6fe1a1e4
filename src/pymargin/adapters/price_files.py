"""Price files, told apart by their shape."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pymargin.adapters.binance_prices import binance_prices, direct_prices
from pymargin.errors import PricesError, Problem
from pymargin.prices import PRICE_RULE, Prices, usable_price

__all__ = ["PriceFile", "prices_from_file"]


@dataclass(frozen=True, slots=True)
class PriceFile:
    """What a file holds: an answer of the exchange of some kind, or prices as they are.

    Parameters
    ----------
    kind
        ``price_index``, ``premium_index`` or ``asset_index``, an argument of
        `pymargin.prices_from_binance`; None for prices as they are.
    content
        The decoded answer, or the `Prices`.
    """

    kind: Literal["price_index", "premium_index", "asset_index"] | None
    content: Any

    @classmethod
    def read(cls, path: Path) -> PriceFile:
        """Read a file, CSV or JSON, and say what it holds."""
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv" or not text.lstrip().startswith(("{", "[")):
            return cls(None, _by_name(_from_csv(text, path)))
        try:
            answer = json.loads(text, object_pairs_hook=_unique)
        except PricesError as err:
            raise PricesError(f"{path}: {err}") from err
        except ValueError as err:
            raise PricesError(f"{path} must be JSON: {err}") from err
        return _from_answer(answer, path)

    @property
    def direct(self) -> dict[str, float]:
        """The index prices that stand in the file itself: those of a premium index are beside."""
        if self.kind is None:
            return dict(self.content.index)
        return direct_prices(self.content) if self.kind == "price_index" else {}

    def prices(self, quotes: Mapping[str, float] | None = None) -> Prices:
        """Return the prices; of pairs in another asset by what that has in `quotes`."""
        if self.kind is None:
            known: Prices = self.content
            return known
        return binance_prices(**{self.kind: self.content}, quotes=quotes or {})


def prices_from_file(path: Path) -> Prices:
    """Return the prices in a CSV or JSON file."""
    return PriceFile.read(path).prices()


def _from_answer(answer: Any, path: Path) -> PriceFile:
    items = [answer] if isinstance(answer, Mapping) else answer
    first = items[0] if items and isinstance(items[0], Mapping) else {}
    if "code" in first and "msg" in first:
        raise PricesError(f"{path} is an error of the exchange, {first['code']}: {first['msg']}")
    if "positionAmt" in first and "markPrice" in first:
        return PriceFile(None, _of_positions(items, path))
    if "markPrice" in first:
        return PriceFile("premium_index", answer)
    if "bidRate" in first:
        return PriceFile("asset_index", answer)
    if ("symbol" in first and "price" in first) or "assetIndexPrice" in first:
        return PriceFile("price_index", answer)
    strange = [name for name, value in first.items() if _is_no_price(value)]
    if isinstance(answer, Mapping) and not strange:
        by_name = _priced([(n, p, f"{path}[{n!r}]") for n, p in answer.items()])
        return PriceFile(None, _by_name(by_name))
    raise PricesError(
        f"{path} must be an object of name to price or an answer of the exchange "
        "(priceIndex, premiumIndex, assetIndex, asset-index-price, positionRisk)"
        + (f"; {strange[0]!r} is no price" if strange else "")
    )


def _is_no_price(value: object) -> bool:
    """Return whether a value shows that an object is not one of prices by name."""
    return isinstance(value, Mapping | list | bool)


def _of_positions(items: list[Any], path: Path) -> Prices:
    """Return the mark prices of positions; of a symbol that the exchange has no price of, none."""
    marks: dict[str, float] = {}
    problems: list[Problem] = []
    for place, item in enumerate(items):
        where = f"{path}[{place}]"
        symbol = item.get("symbol") if isinstance(item, Mapping) else None
        price = usable_price(item.get("markPrice")) if isinstance(symbol, str) else None
        if not isinstance(symbol, str) or price is None:
            found = repr(item)[:60]
            problems.append(Problem(where, "price", found, "a position with its markPrice"))
        elif price and marks.setdefault(symbol, price) != price:
            rule = f"{marks[symbol]} as before ({symbol})"
            problems.append(Problem(f"{where}.markPrice", "differs", price, rule))
    if problems:
        raise PricesError(problems)
    return Prices(mark=marks)


def _by_name(prices: dict[str, float]) -> Prices:
    """Return prices by name as a mapping of them is read: a name is an asset or a symbol."""
    return Prices(index=prices, mark=prices)


def _from_csv(text: str, path: Path) -> dict[str, float]:
    lines = list(csv.reader(text.splitlines()))
    if lines and [cell.strip().lower() for cell in lines[0]] == ["name", "price"]:
        lines[0] = []
    pairs, problems = [], []
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != 2:
            found = f"{len(cells)} cells"
            problems.append(Problem(f"{path} line {number}", "shape", found, "name,price"))
            continue
        pairs.append((cells[0].strip(), cells[1].strip(), f"{path} line {number}"))
    return _priced(pairs, problems)


def _priced(
    pairs: list[tuple[str, Any, str]], problems: list[Problem] | None = None
) -> dict[str, float]:
    """Return the prices of (name, price, place); every fault is raised at once."""
    problems = [] if problems is None else problems
    prices: dict[str, float] = {}
    for name, given, place in pairs:
        price = usable_price(given)
        if not name:
            problems.append(Problem(place, "name", "''", "a name and a price"))
        elif name in prices:
            problems.append(Problem(place, "duplicate", f"{name} again", "of another name"))
        elif price is None:
            problems.append(Problem(place, "price", repr(given), PRICE_RULE))
        else:
            prices[name] = price
    if problems:
        raise PricesError(problems)
    return prices


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise PricesError(f"{name} must be there once, not twice")
        found[name] = value
    return found

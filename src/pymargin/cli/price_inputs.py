"""Reads the prices that a command is given, in one file or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pymargin.cli.faults import InputError, blamed_on

if TYPE_CHECKING:
    from pymargin.adapters.price_files import PriceFile
    from pymargin.prices import Prices

__all__ = ["read_price_files"]


def read_price_files(paths: Sequence[Path]) -> Prices:
    """Read prices of several files together, whatever their order.

    A pair such as BNBBTC may take the price of BTC from any of the files. An asset's index price is
    the one given; else what its pairs come to; else the index price beside its mark price.

    Raises
    ------
    InputError
        A file holds no prices, or two give the same one differently.
    """
    from pymargin.adapters.price_files import PriceFile
    from pymargin.prices import Prices

    files: dict[Path, PriceFile] = {}
    for path in paths:
        with blamed_on(path):
            files[path] = PriceFile.read(path)
    direct = _merged((path, file.direct) for path, file in files.items())
    beside_marks = _merged(
        (path, _prices(path, file).index)
        for path, file in files.items()
        if file.kind == "premium_index"
    )
    quotes = {**beside_marks, **direct}
    found = [(path, file.kind, _prices(path, file, quotes)) for path, file in files.items()]
    of_pairs = _merged(
        (path, {name: price for name, price in one.index.items() if name not in direct})
        for path, kind, one in found
        if kind == "price_index"
    )
    return Prices(
        index={**beside_marks, **of_pairs, **direct},
        mark=_merged((path, one.mark) for path, _, one in found),
        bid=_merged((path, one.bid) for path, _, one in found),
        ask=_merged((path, one.ask) for path, _, one in found),
    )


def _prices(path: Path, file: PriceFile, quotes: Mapping[str, float] | None = None) -> Prices:
    with blamed_on(path):
        return file.prices(quotes)


def _merged(parts: Iterable[tuple[Path, Mapping[str, float]]]) -> dict[str, float]:
    """Join prices of several files; a name that two give differently is refused."""
    prices: dict[str, float] = {}
    source: dict[str, Path] = {}
    for path, given in parts:
        for name, price in given.items():
            if prices.setdefault(name, price) != price:
                raise InputError(f"{path} gives another price of {name} than {source[name]}")
            source.setdefault(name, path)
    return prices

"""Whether a name that a question moves is one at all: misspelt it would do nothing, unsaid."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from pymargin.errors import Problem
from pymargin.prices import Prices, PriceSource
from pymargin.rules import MarginRules

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["unknown_names"]

_FEW_HINTS = 20


def unknown_names(
    places: Iterable[tuple[str, str]], accounts: Accounts, prices: PriceSource, rules: MarginRules
) -> list[Problem]:
    """Return the problem of each name that is none of the book, of the prices or stable.

    `places` are where each was given, and the name. Prices may name more than a book holds, so
    that one list of names does for several books.
    """
    known = {"USDT", *accounts.assets, *accounts.symbols, *rules.stable}
    if isinstance(prices, Prices):
        known = known.union(prices.index, prices.mark, prices.bid, prices.ask)
    elif not isinstance(prices, np.ndarray):
        known = known.union(prices)
    unknown = [(place, name) for place, name in places if name not in known]
    rule = "an asset or symbol of the book or the prices"
    return [
        Problem(place, "name", repr(name), rule + (_hint(name, known) if k < _FEW_HINTS else ""))
        for k, (place, name) in enumerate(unknown)
    ]


def _hint(name: str, known: set[str]) -> str:
    near = get_close_matches(name.upper(), sorted(map(str, known)), 1)
    return f" (perhaps {near[0]})" if near else ""

"""Names of assets and symbols, where they run into figures.

A name of letters alone is taken as it is. A name with a digit is certain only where it is known, or
is a known name behind a multiplier (1000CHEEMS); any other makes its reading doubtful.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pymargin.notices.known_names import KNOWN

__all__ = [
    "QUOTES",
    "is_certain",
    "is_name",
    "is_whole",
    "product_of",
    "symbols_in",
    "torn_apart",
]

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD1", "TUSD", "BTC", "USD")
_MULTIPLIERS = ("1000000", "10000", "1000", "1M")
_NAME = re.compile(r"[A-Z0-9\u00c0-\uffdc][A-Za-z0-9\u00c0-\uffdc.]{0,29}")
_SYMBOL = re.compile(
    r"(?<![A-Za-z0-9])[A-Z0-9\u00c0-\uffdc]{1,40}?(?:USDT|USDC|FDUSD|BUSD|USD1|TUSD|USD)"
    r"(?:_(?:PERP|[0-9]{6}))?(?![A-Za-z0-9_\u00c0-\uffdc])"
)
_QUOTED = re.compile(r"(.+?)(?:USDT|USDC|FDUSD|BUSD|USD1|TUSD|USD)(?:_(?:PERP|[0-9]{6}))?")
_LEAST_PART = 2


def is_name(text: str) -> bool:
    """Tell whether this can be the name of an asset at all."""
    if not _NAME.fullmatch(text):
        return False
    return any(letter.isalpha() for letter in text) or text in KNOWN


@lru_cache(maxsize=1024)
def is_certain(name: str) -> bool:
    """Tell whether a name's digits and letters are surely its own.

    Examples
    --------
    >>> [is_certain(name) for name in ("LTC", "C98", "1000CHEEMS", "JUV9", "LTCRank")]
    [True, True, True, False, False]
    """
    if name.isdigit() or (name not in KNOWN and any(letter.islower() for letter in name)):
        return False
    if name in KNOWN or not any(letter.isdigit() for letter in name):
        return True
    for multiplier in _MULTIPLIERS:
        rest = name.removeprefix(multiplier)
        if rest != name and rest and (rest.isalpha() or rest in KNOWN):
            return True
    return False


@lru_cache(maxsize=1024)
def torn_apart(name: str) -> tuple[str, ...] | None:
    """Split an unknown name that is known ones written together: a comma may be missing.

    Examples
    --------
    >>> torn_apart("XRPDOGE"), torn_apart("DOGE"), torn_apart("JTOXRPBAR")
    (('XRP', 'DOGE'), None, ('JTO', 'XRP', 'BAR'))
    """
    if name in KNOWN:
        return None
    for at in range(_LEAST_PART, len(name) - _LEAST_PART + 1):
        if name[:at] in KNOWN:
            rest = (name[at:],) if name[at:] in KNOWN else torn_apart(name[at:])
            if rest:
                return (name[:at], *rest)
    return None


def is_whole(symbol: str) -> bool:
    """Tell whether a symbol is surely one: an asset whose digits are its own, then its quote.

    Examples
    --------
    >>> [is_whole(symbol) for symbol in ("LTCUSDT", "LTCUSDTBTCUSDT", "USDT", "100SATSUSDT")]
    [True, False, False, False]
    """
    found = _QUOTED.fullmatch(symbol)
    if found is None or any(quote in found.group(1) for quote in ("USDT", "USDC")):
        return False
    name = found.group(1)
    return (is_certain(name) or name in KNOWN) and torn_apart(name) is None


def product_of(symbol: str) -> Literal["usdm", "coinm"]:
    """Say whose contract a symbol is: those quoted in USD itself are margined in their coin.

    Examples
    --------
    >>> [product_of(symbol) for symbol in ("LTCUSDT", "BNBUSD", "LTCUSD_PERP", "LTCBUSD")]
    ['usdm', 'coinm', 'coinm', 'usdm']
    """
    pair = symbol.partition("_")[0]
    if not pair.endswith("USD"):
        return "usdm"
    is_stable = pair.endswith(("FDUSD", "BUSD", "TUSD")) and pair.removesuffix("USD") not in KNOWN
    return "usdm" if is_stable else "coinm"


def symbols_in(text: str) -> list[tuple[str, int, int]]:
    """Find the symbols of contracts in a text, as (symbol, start, end)."""
    return [(found.group(), found.start(), found.end()) for found in _SYMBOL.finditer(text)]

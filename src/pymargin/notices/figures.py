"""Figures in text whose cells run together: every way in which a number may end here.

``5,0005.00%`` holds the number 5,000 and the rate 5 %: a group after a comma has three digits.
Where a comma was dropped (``400000800,000``) the digits alone leave several readings, and all of
them are offered; the laws of the table choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

__all__ = [
    "BEST_RANK",
    "WORST_RANK",
    "Figure",
    "Rate",
    "absent_end",
    "numbers",
    "ranks",
    "rate_at",
    "skip",
]

BEST_RANK, WORST_RANK = 1, 16
_RUN = re.compile(r"[0-9][0-9,]{0,39}")
_REGULAR = re.compile(r"[0-9]{1,3}(,[0-9]{3})*|[0-9]+")
_CENTS = re.compile(r"\.[0-9]{2}(?![0-9]*[,])")
_RATE = re.compile(r"((?:0|[1-9][0-9]{0,2})(?:\.([0-9]{1,8}))?)\s?%")
_RANK_NAME = re.compile(r"(?:Rank|No\.?)\s*(?=[0-9])", re.IGNORECASE)
_ABSENT = re.compile(r"N\s?/?\s?A(?![a-z])|-{1,4}")
_BLANK = re.compile(r"[\s|]*")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that may end at ``end``; ``is_regular`` where its commas stand as they should."""

    value: Decimal
    end: int
    is_regular: bool = True


@dataclass(frozen=True, slots=True)
class Rate:
    """A percentage as a fraction of 1, the number of decimals printed, and where it ends."""

    value: Decimal
    places: int
    end: int


def skip(text: str, at: int) -> int:
    """Go past blanks and bars between cells."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def absent_end(text: str, at: int) -> int | None:
    """Return the end of a sign that a cell is absent, such as NA; None where there is none."""
    sign = _ABSENT.match(text, at)
    return sign.end() if sign else None


def numbers(text: str, at: int) -> Iterator[Figure]:
    """Offer the numbers that start here, the longest first.

    Examples
    --------
    >>> [str(figure.value) for figure in numbers("5,0005.00%", 0)]
    ['5000']
    >>> [str(figure.value) for figure in numbers("4000800,000", 0)][-3:]
    ['400', '40', '4']
    """
    found = _RUN.match(text, at)
    if found is None:
        return
    # What is longer is no number; its beginning may be one still, where a table has lost a comma.
    run = found.group().rstrip(",")
    for length in range(len(run), 0, -1):
        piece, rest = run[:length], run[length : length + 1]
        if piece[-1] == "," or rest == "," or not _is_number(piece):
            continue
        value, end = Decimal(piece.replace(",", "")), at + length
        is_regular = _REGULAR.fullmatch(piece) is not None
        cents = _CENTS.match(text, end) if not rest else None
        if cents is not None:
            yield Figure(value + Decimal(f"0{cents.group()}"), cents.end(), is_regular)
        yield Figure(value, end, is_regular)


def _is_number(piece: str) -> bool:
    """Tell whether every comma has whole groups of three digits behind it."""
    if piece[0] == "0" and len(piece) > 1:
        return False
    return all(len(group) % 3 == 0 and group for group in piece.split(",")[1:])


def ranks(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Offer the ranks that start here, two digits first, as (rank, end)."""
    named = _RANK_NAME.match(text, at)
    at = named.end() if named else at
    for length in (2, 1):
        piece = text[at : at + length]
        if len(piece) == length and piece.isascii() and piece.isdigit() and piece[0] != "0":
            rank = int(piece)
            if BEST_RANK <= rank <= WORST_RANK:
                yield rank, at + length


def rate_at(text: str, at: int) -> Rate | None:
    """Read the percentage that starts here; it must reach its sign.

    Examples
    --------
    >>> rate_at("12.50%NA", 0)
    Rate(value=Decimal('0.125'), places=2, end=6)
    """
    found = _RATE.match(text, at)
    if found is None:
        return None
    value = Decimal(found.group(1)).scaleb(-2)
    if value > 1:
        return None
    value = value.normalize()
    if value.as_tuple().exponent > 0:  # type: ignore[operator]  # 1E+1 would read back as 10
        value = value.quantize(Decimal(1))
    return Rate(value, len(found.group(2) or ""), found.end())

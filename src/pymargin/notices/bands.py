"""Bands of a value, in every form that notices print: ``0 < Position ≤ 5,000``, ``0 - 5,000`` ...

The upper edge belongs to a band, and a band without one is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pymargin.notices.figures import Figure, numbers, skip

__all__ = ["Band", "bands", "edges"]

_NAMED = r"(?:[A-Za-z][A-Za-z ().]{0,40}?)?"
_BETWEEN = re.compile(rf"\s*[<≤]\s*{_NAMED}\s*[<≤]\s*")
_TO = re.compile(r"\s*(?:-|~|to\b|-\s*<|≤?\s*-)\s*")
_UP_TO = re.compile(rf"\s*(?:{_NAMED}\s*[≤<]|[Uu]p to|[Bb]elow|[Ww]ithin)\s*")
_ABOVE = re.compile(rf"\s*(?:{_NAMED}\s*[>≥]|[Aa]bove|[Oo]ver|[Mm]ore than)\s*")
_AND_ABOVE = re.compile(rf"\s*(?:(?:and|or) (?:above|more|over)|\+|[<≤]\s*{_NAMED}(?=[\s|0-9]))\s*")
_CURRENCY = re.compile(r"\s*(?:USDT|USDC|USD)(?![A-Za-z])")
_MALFORMED_CAP = re.compile(r"[0-9]{1,12}(?:,[0-9]{1,6}){1,6}")
_MALFORMED = re.compile(r"[0-9][0-9,.]{0,39}")


@dataclass(frozen=True, slots=True)
class Band:
    """A band that may end at ``end``.

    Parameters
    ----------
    floor
        None where the floor is printed but is no number.
    cap
        None where the band is open.
    end
        Where it ends.
    is_regular
        Whether the commas of the cap stand as they should.
    is_cap_lost
        Whether a cap is printed that is no number; ``cap`` is None then.
    """

    floor: Decimal | None
    cap: Decimal | None
    end: int
    is_regular: bool = True
    is_cap_lost: bool = False


def bands(text: str, at: int) -> Iterator[Band]:
    """Offer the bands that start here."""
    for floor in numbers(text, at):
        yield from _above_floor(text, floor)
    yield from _malformed_floor(text, at)
    up_to = _UP_TO.match(text, at)
    if up_to:
        yield from (_capped(text, Decimal(0), cap) for cap in numbers(text, up_to.end()))
    above = _ABOVE.match(text, at)
    if above:
        for floor in numbers(text, above.end()):
            yield Band(floor.value, None, _past_currency(text, floor.end))


def edges(text: str, at: int) -> Iterator[Band]:
    """Offer the bands printed as two cells, floor and cap."""
    for floor in numbers(text, at):
        for cap in numbers(text, skip(text, floor.end)):
            yield _capped(text, floor.value, cap)


def _above_floor(text: str, floor: Figure) -> Iterator[Band]:
    after = _past_currency(text, floor.end)
    middle = _BETWEEN.match(text, after) or _TO.match(text, after)
    if middle:
        for cap in numbers(text, middle.end()):
            yield _capped(text, floor.value, cap)
        yield from _malformed_cap(text, floor.value, middle.end())
        return
    open_end = _AND_ABOVE.match(text, after)
    if open_end:
        yield Band(floor.value, None, open_end.end())


def _malformed_floor(text: str, at: int) -> Iterator[Band]:
    """Read past a floor such as 1,00,000, which says nothing, to a cap that does."""
    found = _MALFORMED.match(text, at)
    if found is None or any(figure.end == found.end() for figure in numbers(text, at)):
        return
    middle = _BETWEEN.match(text, found.end())
    if middle:
        for cap in numbers(text, middle.end()):
            yield _capped(text, None, cap)


def _malformed_cap(text: str, floor: Decimal, at: int) -> Iterator[Band]:
    """Read past a cap such as 1,00,000, which says nothing, in every way in which it may end."""
    found = _MALFORMED_CAP.match(text, at)
    if found is None or any(True for _ in numbers(text, at)):
        return
    for end in range(found.end(), at + 1, -1):
        if text[end - 1].isdigit():
            yield Band(floor, None, end, is_regular=False, is_cap_lost=True)


def _capped(text: str, floor: Decimal | None, cap: Figure) -> Band:
    return Band(floor, cap.value, _past_currency(text, cap.end), cap.is_regular)


def _past_currency(text: str, at: int) -> int:
    found = _CURRENCY.match(text, at)
    return found.end() if found else at

"""Heads of tables: their cells, what each column means, and which kind of table it is.

A head is at least two neighbouring cells of known words, in any order. What a column holds is said
by its words (role) and by "before" or "after" in them (side); where a role comes twice without a
side, the first is before and the second after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Column", "Header", "Role", "Side", "are_cells", "headers_in"]

Role: TypeAlias = Literal[
    "asset", "symbol", "rank", "band", "floor", "cap", "ratio", "borrow", "transfer_out",
    "liquidation", "leverage", "margin_rate", "title",
]  # fmt: skip
Side: TypeAlias = Literal["before", "after"]

_WHEN = r"(?:Before|After|Previous|New|Current|Old|Updated|Existing|Original|Adjusted)"
_OF_WHEN = r"(?:\s?(?:the\s)?(?:[Cc]hange|[Aa]djustment|[Uu]pdate)s?)?"
# A note may stand on a line of its own, which a bar sets apart.
_NOTE = r"(?:(?:\s?|\s\|\s)\([^()|]{0,48}\))?"
# The first that fits is taken, so longer wordings stand before shorter ones.
_CORES: tuple[tuple[Role, str], ...] = (
    ("title", r"Leverage\s?(?:and|&)\s?Margin Tiers?"),
    ("margin_rate", r"Maintenance Margin (?:Rate|Ratio)|MMR|Maintenance Margin"),
    ("leverage", r"(?:Max(?:imum|\.)?\s?)?Leverage(?: Range| Level| Multiple)?"),
    ("band", r"Position (?:Bracket|Tier|Size|Value|Range|Notional)s?|Position|Notional Value"
             r"|Notional"),
    ("rank", r"(?:Asset|Token|Collateral|Coin)s?\s(?:No\.?|Number|Rank(?:ing)?|Tier No\.?)"
             r"|Rank(?:ing)?"),
    ("borrow", r"Borrow(?:ing)?(?: Collateral)?(?: (?:Ratio|Rate))?"),
    ("transfer_out", r"Transfer[- ][Oo]ut(?: Collateral)?(?: (?:Ratio|Rate))?"),
    ("liquidation", r"Liquidation(?: Collateral)?(?: (?:Ratio|Rate))?"),
    ("ratio", r"(?:Tiered )?Collateral (?:Value )?(?:Ratio|Rate|Haircut)s?"),
    ("floor", r"(?:Tier )?Floor|Lower (?:Limit|Bound)"),
    ("cap", r"(?:Tier )?Cap|Upper (?:Limit|Bound)"),
    ("band", r"Tiers?(?: Range)?|Value(?: Range)?|Range"),
    ("symbol", r"Symbols?|Contracts?|Trading [Pp]airs?|Perpetual Contracts?"),
    ("asset", r"(?:Collateral )?(?:Assets?|Tokens?|Coins?)(?:\(s\))?"),
)  # fmt: skip
_PHRASES = tuple(
    (role, re.compile(rf"(?P<early>{_WHEN}\s)?(?:{core}){_NOTE}(?:\s(?P<late>{_WHEN}{_OF_WHEN})"
                      rf"{_NOTE})?"))
    for role, core in _CORES
)  # fmt: skip
_SIDE_TITLE = re.compile(rf"(?P<late>{_WHEN}{_OF_WHEN}){_NOTE}(?![ ]?[a-z])")
_GAP = re.compile(r"[\s|:]*")
# The first words of all cells: a place that begins otherwise is not looked at twice.
_START = re.compile(
    rf"(?:(?<![A-Za-z])|(?<=[a-z)]))(?={_WHEN}|Asset|Token|Coin|Collateral|Tier|Borrow|Transfer"
    r"|Liquidation|Leverage|Max|Maintenance|MMR|Position|Notional|Rank|Floor|Cap|Lower|Upper|Value"
    r"|Range|Symbol|Contract|Trading|Perpetual)"
)
_RANK_NOTE = re.compile(r"\(\s*(?:Rank|No\.?|Asset No\.?)\s*([0-9]{1,2})\s*\)", re.IGNORECASE)
_AFTER = ("After", "New", "Updated", "Adjusted")


@dataclass(frozen=True, slots=True)
class Column:
    """A cell of a head: its role, its side if it says one, and a rank that it names."""

    role: Role
    side: Side | None
    rank: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a table: its columns, and where it lies in its passage."""

    columns: tuple[Column, ...]
    start: int
    end: int

    def roles(self) -> tuple[Role, ...]:
        """Return the roles of the columns that hold cells, in their order."""
        return tuple(column.role for column in self.columns if column.role != "title")

    def says(self, pattern: str) -> bool:
        """Tell whether a cell of the head has these words."""
        return any(re.search(pattern, column.text) for column in self.columns)

    def title_rank(self, side: Side) -> int | None:
        """Return the rank that the title of a side names, as in "Before (Rank 5)"."""
        for column in self.columns:
            if column.role == "title" and column.side == side and column.rank is not None:
                return column.rank
        return None


def headers_in(text: str) -> Iterator[Header]:
    """Find the heads of tables in a passage."""
    at = 0
    while True:
        begin = _START.search(text, at)
        if begin is None:
            return
        header = _header_at(text, begin.start())
        if header is None:
            at = begin.start() + 1
        else:
            yield header
            at = header.end


def are_cells(text: str) -> bool:
    """Tell whether a text is cells of a head, one at least, and nothing else.

    Examples
    --------
    >>> [are_cells(text) for text in ("Asset | (PM Pro) | Before", "Asset | LTC", "After that")]
    [True, False, False]
    """
    columns, end = _columns_at(text, 0)
    return bool(columns) and not text[end:].strip(" |")


def _header_at(text: str, start: int) -> Header | None:
    columns, end = _columns_at(text, start)
    cells = [column for column in columns if column.role != "title"]
    return Header(tuple(columns), start, end) if len(cells) > 1 else None


def _columns_at(text: str, at: int) -> tuple[list[Column], int]:
    """Read neighbouring cells, and say where the last of them ends."""
    columns: list[Column] = []
    end = at
    while True:
        found = _column_at(text, at)
        if found is None:
            return columns, end
        column, end = found
        columns.append(column)
        gap = _GAP.match(text, end)
        at = gap.end() if gap else end


def _column_at(text: str, at: int) -> tuple[Column, int] | None:
    for role, phrase in _PHRASES:
        found = phrase.match(text, at)
        if found and _ends_well(text, found.end()):
            # "Rank 7 - ..." is no head, and a lone "Value" in prose goes on with small letters.
            return _column(role, found), found.end()
    found = _SIDE_TITLE.match(text, at)
    return (_column("title", found), found.end()) if found else None


def _ends_well(text: str, at: int) -> bool:
    """Tell whether a cell may end here: prose would go on with a small letter."""
    rest = text[at : at + 2].lstrip()
    return not rest[:1].islower()


def _column(role: Role, found: re.Match[str]) -> Column:
    groups = found.groupdict()
    word = groups.get("late") or groups.get("early") or _noted_side(found.group())
    side: Side | None = None
    if word and role not in ("asset", "symbol"):
        side = "after" if word.strip().startswith(_AFTER) else "before"
    rank = _RANK_NOTE.search(found.group())
    return Column(role, side, int(rank.group(1)) if rank else None, found.group().strip())


def _noted_side(text: str) -> str | None:
    """Find a side in brackets, as in "Collateral Ratio (Before)"."""
    found = re.search(rf"\(\s*({_WHEN})\b[^()]*\)", text)
    return found.group(1) if found else None

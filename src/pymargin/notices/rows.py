"""Tables of flat rows, such as an asset with its rank before and after.

A body is read as the sequence of rows with the least doubt in it: rows cost nothing, a name whose
digits may not be its own or a move that is unlikely costs a little, and a stretch that is no row
costs much and is reported. Two different sequences of the same cost leave what they differ in
unread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal, TypeAlias

from pymargin.notices.bands import bands
from pymargin.notices.figures import WORST_RANK, Rate, absent_end, ranks, rate_at, skip
from pymargin.notices.name_lists import NameLists
from pymargin.notices.text import is_prose

__all__ = ["Doubt", "Row", "RowRole", "Rows", "read_rows"]

RowRole: TypeAlias = Literal["names", "rank", "rate", "band", "symbol"]

LONGEST_MOVE = 4
"""Ranks that an asset moves at once: more is unlikely, and reported."""

_SKIPPING = 1000


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something unlikely about a row, and how much it counts against it."""

    what: str
    weight: int = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its names, and its other cells in order, None where one says that it is absent."""

    names: tuple[str, ...]
    cells: tuple[int | Rate | Decimal | None, ...]
    start: int
    end: int
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a body, the stretches that are none, and where it ends.

    ``is_certain`` is False where another sequence of rows is as good; ``rows`` are then those that
    both have.
    """

    rows: tuple[Row, ...]
    skipped: tuple[tuple[int, int], ...]
    end: int
    is_certain: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class _Sequence:
    """A sequence of rows: its first part, a row or a stretch that is none, and the rest of it."""

    first: Row | tuple[int, int] | None
    rest: _Sequence | None
    end: int


@dataclass(frozen=True, slots=True)
class _Best:
    """The best sequences from an offset on: their cost, and up to two of them."""

    cost: int
    found: tuple[_Sequence, ...]


def read_rows(text: str, at: int, end: int, roles: tuple[RowRole, ...]) -> Rows:
    """Read ``text[at:end]`` as rows of these cells."""
    body = text[:end]
    for may_skip in (False, True):
        best = _Sequences(body, roles, may_skip=may_skip).best(at)
        if best.found:
            break
    if not best.found:
        return Rows((), ((at, end),), end)
    first, *others = (_rows_of(sequence) for sequence in best.found)
    if not others:
        return first
    known = {row for other in others for row in other.rows}
    shared = tuple(row for row in first.rows if row in known)
    skipped = {*first.skipped, *((row.start, row.end) for row in first.rows if row not in known)}
    return Rows(shared, tuple(sorted(skipped)), first.end, is_certain=False)


def _rows_of(sequence: _Sequence) -> Rows:
    rows: list[Row] = []
    skipped: list[tuple[int, int]] = []
    at: _Sequence | None = sequence
    while at is not None:
        if isinstance(at.first, Row):
            rows.append(at.first)
        elif at.first is not None:
            skipped.append(at.first)
        at = at.rest
    return Rows(tuple(rows), tuple(skipped), sequence.end)


class _Sequences:
    """Finds the best sequences of rows from the end back."""

    def __init__(self, text: str, roles: tuple[RowRole, ...], *, may_skip: bool) -> None:
        self.text = text
        self.roles = roles
        self.may_skip = may_skip
        self.has_bars = "|" in text
        self.names = NameLists(text)
        self.rows_at = cache(lambda at: tuple(dict.fromkeys(self._rows(at))))
        self.known: dict[int, _Best] = {}

    def best(self, at: int) -> _Best:
        """Return the best sequences from an offset on; each offset is settled once."""
        starts, stack = [], [skip(self.text, at)]
        seen = set()
        while stack:
            start = stack.pop()
            if start in seen:
                continue
            seen.add(start)
            starts.append(start)
            stack.extend(skip(self.text, row.end) for row in self.rows_at(start))
            if self.may_skip:
                stack.extend(self._restarts(start))
        for start in sorted(starts, reverse=True):
            self.known[start] = self._settle(start)
        return self.known[skip(self.text, at)]

    def _settle(self, at: int) -> _Best:
        """Find the best that goes on from an offset, given what goes on from all later ones.

        No two sequences that begin with another part, or go on with another, are the same.
        """
        offers: list[tuple[int, _Sequence]] = []
        if at >= len(self.text) or is_prose(self.text, at):
            offers.append((0, _Sequence(None, None, at)))
        elif self.may_skip:
            cost = _SKIPPING + len(self.text) - at
            offers.append((cost, _Sequence((at, len(self.text)), None, at)))
        for row in self.rows_at(at):
            rest = self.known[skip(self.text, row.end)]
            cost = rest.cost + sum(doubt.weight for doubt in row.doubts)
            offers.extend((cost, _Sequence(row, rows, rows.end)) for rows in rest.found)
        if self.may_skip:
            for start in self._restarts(at):
                rest = self.known[start]
                cost = _SKIPPING + start - at + rest.cost
                skipped = (at, start)
                offers.extend((cost, _Sequence(skipped, rows, rows.end)) for rows in rest.found)
        if not offers:
            return _Best(0, ())
        least = min(cost for cost, _ in offers)
        best = [sequence for cost, sequence in offers if cost == least]
        return _Best(least, tuple(best[:2]))

    def _restarts(self, at: int) -> Iterator[int]:
        """Say where a row may start again after a stretch that is none."""
        for start in range(at + 1, len(self.text)):
            letter, before = self.text[start], self.text[start - 1]
            is_edge = letter.isalnum() and (
                before in "%|, " or before.isdigit() != letter.isdigit()
            )
            if is_edge and self.rows_at(start):
                yield start
                return

    def _rows(self, at: int) -> Iterator[Row]:
        for names, cells, end, doubts in self._cells(at, self.roles, (), ()):
            found = (*doubts, *_doubts(cells), *self._torn_rank(cells))
            if not _contradicts(cells):
                yield Row(names, cells, at, end, found)

    def _torn_rank(self, cells: tuple[int | Rate | Decimal | None, ...]) -> Iterator[Doubt]:
        """Doubt that 12 is a move from 1 to 2: it may be a rank whose other side is lost."""
        if not self.has_bars and len(cells) == 2 and all(isinstance(c, int) for c in cells):
            number = int(f"{cells[0]}{cells[1]}")
            if 10 <= number <= WORST_RANK:
                yield Doubt(f"{number} may be one rank, and the other missing", weight=1)

    def _cells(
        self,
        at: int,
        roles: tuple[RowRole, ...],
        names: tuple[str, ...],
        cells: tuple[int | Rate | Decimal | None, ...],
        doubts: tuple[Doubt, ...] = (),
    ) -> Iterator[tuple[tuple[str, ...], tuple[int | Rate | Decimal | None, ...], int,
                        tuple[Doubt, ...]]]:  # fmt: skip
        if not roles:
            yield names, cells, at, doubts
            return
        at, rest = skip(self.text, at), roles[1:]
        if roles[0] == "names":
            for found in self.names.at(at):
                more = tuple(
                    Doubt(f"what is read as {name} may be cut in the wrong place")
                    for name in found.doubtful
                )
                yield from self._cells(found.end, rest, found.names, cells, doubts + more)
            return
        for cell, end in self._cell(at, roles[0]):
            yield from self._cells(end, rest, names, (*cells, cell), doubts)

    def _cell(self, at: int, role: RowRole) -> Iterator[tuple[int | Rate | Decimal | None, int]]:
        end = absent_end(self.text, at)
        if end is not None:
            yield None, end
        if role == "rank":
            yield from ranks(self.text, at)
        elif role == "rate":
            rate = rate_at(self.text, at)
            if rate is not None:
                yield rate, rate.end
        else:
            for band in bands(self.text, at):
                if band.floor == 0 and band.is_regular:
                    yield band.cap, band.end


def _contradicts(cells: tuple[int | Rate | Decimal | None, ...]) -> bool:
    """Tell whether cells are no change at all: nothing on both sides, or the same rank."""
    values = [cell for cell in cells if not isinstance(cell, Decimal)]
    if all(cell is None for cell in values):
        return True
    moved = [cell for cell in values if isinstance(cell, int)]
    return len(moved) == 2 and moved[0] == moved[1]


def _doubts(cells: tuple[int | Rate | Decimal | None, ...]) -> Iterator[Doubt]:
    moved = [cell for cell in cells if isinstance(cell, int)]
    if len(moved) == 2 and abs(moved[0] - moved[1]) > LONGEST_MOVE:
        yield Doubt(f"a move from rank {moved[0]} to {moved[1]} at once is unlikely")
    first = cells[0] if cells else None
    if isinstance(first, Rate) and not first.value:
        yield Doubt("a rate of 0 % before is unlikely")

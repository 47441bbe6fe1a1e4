"""Tables of tiers as chains: a search for the readings that keep the laws of every real table.

A table has one or two sides (before, after), each a chain of tiers. Cells run together and a cell
"NA" may stand for several rows, so neither the figures nor the places of the cells are certain by
themselves. They are found by search under the laws: each floor is the cap before, caps rise,
leverage falls, rates fall (collateral) or rise (margins), a chain starts at 0. Where no reading
keeps them all, readings with the fewest faults are looked for; a fault is always reported. Two
different readings with equally few faults are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from pymargin.notices.bands import Band, bands, edges
from pymargin.notices.blocks import Block, Cell, CellRole, Chain, Fault, Layout, Reading
from pymargin.notices.figures import absent_end, ranks, rate_at, skip
from pymargin.notices.name_lists import NameList, name_lists
from pymargin.notices.text import ROW_END, is_prose

__all__ = ["readings"]

_Item = TypeVar("_Item")

_MOST_FAULTS = 8
_MOST_STEPS = 40_000
_LEVERAGE = re.compile(
    r"(?:[Uu]p to\s*)?(?:([0-9]{1,3})\s*[xX]?\s*(?:[-~]|to)\s*)?([1-9][0-9]{0,2})\s*[xX]"
)
_REPEATED = re.compile(r"(?:N/?A){3}")


@dataclass(frozen=True, slots=True)
class _State:
    at: int
    side: int
    block: Block | None
    absent: tuple[bool, ...]
    row: int
    lengths: tuple[tuple[int, ...], ...] = ()
    has_cell: bool = False
    blocks: tuple[Block, ...] = ()
    faults: tuple[Fault, ...] = ()


def readings(text: str, at: int, end: int, layout: Layout) -> tuple[list[Reading], bool]:
    """Find the readings of ``text[at:end]`` with the fewest faults, no more than two.

    Returns
    -------
    readings
        Empty where there is none; two where they say different things.
    is_complete
        Whether the search came to its end; if not, one reading may not be the only one.
    """
    tries = [(layout, most) for most in range(_MOST_FAULTS + 1)]
    if any("leverage" in side for side in layout.sides) and len(layout.sides) > 1:
        tries.insert(1, (replace(layout, may_be_blank=True), 0))
    for given, most in tries:
        search = _Search(text[:end], given, most)
        found = search.run(at)
        if found or not search.is_complete:
            return found, search.is_complete
    return [], True


class _Search:
    """A depth-first search with at most so many faults."""

    def __init__(self, text: str, layout: Layout, most_faults: int) -> None:
        self.text = text
        self.layout = layout
        self.most_faults = most_faults
        self.is_complete = True
        self.has_bars = "|" in text
        self.has_rows = ROW_END in text
        self.has_repeats = _REPEATED.search(text) is not None

    def run(self, at: int) -> list[Reading]:
        found: dict[object, Reading] = {}
        n_sides = len(self.layout.sides)
        stack = [_State(at, -1, None, (False,) * n_sides, at)]
        for _ in range(_MOST_STEPS):
            if not stack or len(found) > 1:
                return list(found.values())
            state = stack.pop()
            if len(state.faults) > self.most_faults:
                continue
            if state.side == n_sides:
                stack.extend(self._after_row(state, found))
            elif state.side < 0:
                stack.extend(self._block_starts(state))
            else:
                stack.extend(self._sides(state))
        self.is_complete = False
        return list(found.values())

    def _block_starts(self, state: _State) -> Iterator[_State]:
        at = skip(self.text, state.at)
        n_sides = len(self.layout.sides)
        chains: tuple[Chain, ...] = ((),) * n_sides
        lists = (
            name_lists(self.text, at, len(self.text))
            if self.layout.names
            else iter([NameList((), at, ())])
        )
        for names in lists:
            faults = state.faults + tuple(
                Fault("name", at, 0, f"what is read as {name} may be cut in the wrong place")
                for name in names.doubtful
            )
            block = Block(names.names, chains, at, names.end)
            yield replace(
                state,
                at=names.end,
                row=at,
                side=0,
                block=block,
                absent=(False,) * n_sides,
                faults=faults,
            )

    def _after_row(self, state: _State, found: dict[object, Reading]) -> Iterator[_State]:
        if not state.has_cell or state.block is None or not self._is_row(state):
            return
        if self.layout.may_be_blank and not _are_apart(state.block, state.lengths):
            return
        block = replace(state.block, end=state.at)
        for start in self._row_starts(state, block):
            lengths = (*state.lengths, tuple(map(len, block.chains)))
            yield replace(
                state, side=0, has_cell=False, block=block, at=start, row=start, lengths=lengths
            )
        rest = skip(self.text, state.at)
        while (end := absent_end(self.text, rest)) is not None:
            rest = skip(self.text, end)
        blocks = (*state.blocks, block)
        if self._may_end(rest):
            reading = Reading(blocks, state.faults, rest)
            found.setdefault(reading.values(), reading)
        elif self.layout.is_repeated:
            yield replace(
                state, at=rest, side=-1, block=None, blocks=blocks, has_cell=False, lengths=()
            )

    def _is_row(self, state: _State) -> bool:
        """Tell whether a row is one of the rows that the table has, where it has them apart."""
        if not self.has_rows:
            return True
        rest = skip(self.text, state.at)
        ends = rest == len(self.text) or ROW_END in self.text[state.at : rest]
        return ends and ROW_END not in self.text[state.row : state.at]

    def _row_starts(self, state: _State, block: Block) -> Iterator[int]:
        """Offer where the cells of a next row start.

        A table that has its cells set apart may repeat the name in each row, or leave it empty.
        """
        at = skip(self.text, state.at)
        yield at
        if self.layout.names and self.has_bars:
            name = ", ".join(block.names)
            if self.text.startswith(f"{name} |", at):
                yield at + len(name)
            if self.text.startswith("NA |", at):
                yield at + len("NA")

    def _may_end(self, at: int) -> bool:
        """Tell whether a table may end here: nothing follows, or a sentence does."""
        return at >= len(self.text) or is_prose(self.text[at:])

    def _sides(self, state: _State) -> Iterator[_State]:
        side, at = state.side, skip(self.text, state.at)
        if state.absent[side] or self.layout.may_be_blank:
            yield replace(state, side=side + 1)
        for end in self._absent(at, self.layout.sides[side]):
            yield replace(state, at=end, side=side + 1, absent=_with(state.absent, side, True))
        yield from self._cells_of_side(state, at)

    def _absent(self, at: int, roles: tuple[CellRole, ...]) -> Iterator[int]:
        """Offer the ends of a sign that a side is absent: one, or one for each of its cells."""
        n_cells = len(roles) + roles.count("edges")
        for _ in range(n_cells if self.has_bars or self.has_repeats else 1):
            end = absent_end(self.text, at)
            if end is None:
                return
            yield end
            at = skip(self.text, end)

    def _cells_of_side(self, state: _State, at: int) -> Iterator[_State]:
        assert state.block is not None
        chains, side = state.block.chains, state.side
        for cell, end in self._cells(at, self.layout.sides[side], chains[side], Cell(start=at)):
            broken = self._faults(chains[side], cell, side)
            if broken is None:
                continue
            block = replace(state.block, chains=_with(chains, side, (*chains[side], cell)), end=end)
            yield replace(
                state,
                at=end,
                side=side + 1,
                block=block,
                absent=_with(state.absent, side, False),
                has_cell=True,
                faults=state.faults + broken,
            )

    def _cells(
        self, at: int, roles: tuple[CellRole, ...], chain: Chain, cell: Cell
    ) -> Iterator[tuple[Cell, int]]:
        """Read the cells of a side one after another, in every way."""
        if not roles:
            yield cell, at
            return
        at = skip(self.text, at)
        for read, end in self._role(at, roles[0], chain, cell):
            yield from self._cells(end, roles[1:], chain, read)

    def _role(
        self, at: int, role: CellRole, chain: Chain, cell: Cell
    ) -> Iterator[tuple[Cell, int]]:
        if role == "rank":
            yield from self._rank(at, chain, cell)
        elif role == "leverage":
            found = _LEVERAGE.match(self.text, at)
            if found:
                high = int(found.group(2))
                low = int(found.group(1)) if found.group(1) else None
                yield replace(cell, low=low, high=high), found.end()
        elif role == "rate":
            rate = rate_at(self.text, at)
            if rate:
                yield replace(cell, rate=rate), rate.end
        else:
            offered = bands if role == "band" else edges
            for band in offered(self.text, at):
                if self._may_follow(chain, band):
                    yield replace(cell, band=band), band.end

    def _rank(self, at: int, chain: Chain, cell: Cell) -> Iterator[tuple[Cell, int]]:
        if chain:
            yield cell, at
            if not self.has_bars:
                return
            absent = absent_end(self.text, at)
            if absent is not None:
                yield cell, absent
        for rank, end in ranks(self.text, at):
            if not chain or rank == chain[0].rank:
                yield replace(cell, rank=rank), end

    def _may_follow(self, chain: Chain, band: Band) -> bool:
        """Tell whether a band may follow, so that hopeless ones are dropped at once."""
        if not chain:
            return band.floor == 0 and band.cap != 0
        last = chain[-1].tier_band
        if last.cap is None or (band.cap is not None and band.cap <= last.cap):
            return False
        return band.floor == last.cap or self.most_faults > 0

    def _faults(self, chain: Chain, cell: Cell, side: int) -> tuple[Fault, ...] | None:
        """Return the laws that a cell breaks as the next of its chain; None if it cannot be it."""
        rate = cell.tier_rate
        if self.layout.law.rates == "rising" and not rate.value:
            return None
        if cell.high is not None and rate.value * cell.high > 1:
            return None
        if cell.low is not None and cell.low >= (cell.high or 0):
            return None
        found = []
        band = cell.tier_band
        if chain:
            last = chain[-1]
            if not self.layout.law.allows(last.tier_rate, rate):
                return None
            if cell.high is not None and cell.high >= (last.high or 0):
                return None
            if band.floor != last.tier_band.cap:
                printed = "no number" if band.floor is None else f"{band.floor:,}"
                found.append(
                    Fault("floor", cell.start, side, f"the floor {printed} is not the cap before, "
                          f"{last.tier_band.cap:,}")
                )  # fmt: skip
            if _has_gap(last, cell):
                found.append(
                    Fault("leverage", cell.start, side,
                          f"leverage goes from {_span(last)} to {_span(cell)}")
                )  # fmt: skip
        if not band.is_regular:
            found.append(
                Fault("comma", cell.start, side, f"the commas of {band.cap:,} stand elsewhere")
            )
        return tuple(found)


def _has_gap(last: Cell, cell: Cell) -> bool:
    """Tell whether printed ranges of leverage leave one out or have one twice."""
    if cell.high is None or (last.low is None and cell.low is None):
        return False
    return cell.high != (last.low or last.high or 0) - 1


def _are_apart(block: Block, lengths: tuple[tuple[int, ...], ...]) -> bool:
    """Tell whether the last row, and the one before it, could not be arranged otherwise.

    ``lengths`` are those of the chains at the end of each earlier row. Cells of one row share a
    leverage; lone cells of two rows, on either side, do not.
    """
    now = tuple(map(len, block.chains))
    last = lengths[-1] if lengths else (0, 0)
    ahead = lengths[-2] if len(lengths) > 1 else (0, 0)
    new = [chain[-1] if now[side] > last[side] else None for side, chain in enumerate(block.chains)]
    old = [
        chain[last[side] - 1] if last[side] > ahead[side] else None
        for side, chain in enumerate(block.chains)
    ]
    if new[0] and new[1]:
        return _overlap(new[0], new[1])
    pairs = ((old[0], new[1]), (old[1], new[0])) if not (old[0] and old[1]) else ()
    return not any(one and two and _overlap(one, two) for one, two in pairs)


def _overlap(one: Cell, two: Cell) -> bool:
    low = max(one.low or one.high or 0, two.low or two.high or 0)
    return low <= min(one.high or 0, two.high or 0)


def _span(cell: Cell) -> str:
    return f"{cell.low} - {cell.high}x" if cell.low is not None else f"{cell.high}x"


def _with(items: tuple[_Item, ...], place: int, item: _Item) -> tuple[_Item, ...]:
    return (*items[:place], item, *items[place + 1 :])

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
from decimal import Decimal
from typing import TypeVar

from pymargin.notices.bands import Band, bands, edges
from pymargin.notices.blocks import Block, Cell, CellRole, Chain, Fault, Layout, Reading
from pymargin.notices.chain_laws import (
    are_apart,
    broken_laws,
    has_lost_cap,
    is_under,
    is_whole,
    with_cap,
)
from pymargin.notices.figures import absent_end, ranks, rate_at, skip
from pymargin.notices.name_lists import NameList, NameLists
from pymargin.notices.text import ROW_END, is_prose

__all__ = ["readings"]

_Item = TypeVar("_Item")

_MOST_FAULTS, _MOST_FAULTS_BLANK = 8, 4
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
    plain = _Search(text[:end], at, layout)
    tries = [(plain, most) for most in range(_MOST_FAULTS + 1)]
    has_leverage = any("leverage" in side for side in layout.sides)
    if has_leverage and len(layout.sides) > 1 and layout.lenient is None:
        blank = _Search(text[:end], at, replace(layout, may_be_blank=True))
        tries.insert(1, (blank, 0))
        tries += [(blank, most) for most in range(1, _MOST_FAULTS_BLANK + 1)]
    for search, most in tries:
        found = search.run(most)
        if found or not search.is_complete:
            return found, search.is_complete
    return [], True


class _Search:
    """A depth-first search of what has the fewest faults, which goes on where it stopped."""

    def __init__(self, text: str, at: int, layout: Layout) -> None:
        self.text = text
        self.layout = layout
        self.is_complete = True
        self.n_steps = 0
        start = _State(at, -1, None, (False,) * len(layout.sides), at)
        # The states that are left to look at, by the number of their faults.
        self.left: list[list[_State]] = [[] for _ in range(_MOST_FAULTS + 1)]
        self.left[0].append(start)
        self.has_bars = "|" in text
        self.names = NameLists(text)
        self.has_rows = ROW_END in text
        self.has_repeats = _REPEATED.search(text) is not None

    def run(self, most_faults: int) -> list[Reading]:
        """Return the readings with so many faults, no more than two; there are none with fewer."""
        found: dict[object, Reading] = {}
        stack = self.left[most_faults]
        while stack and len(found) < 2:
            self.n_steps += 1
            if self.n_steps > _MOST_STEPS:
                self.is_complete = False
                break
            for state in self._after(stack.pop(), found):
                if len(state.faults) <= _MOST_FAULTS:
                    self.left[len(state.faults)].append(state)
        return list(found.values())

    def _after(self, state: _State, found: dict[object, Reading]) -> Iterator[_State]:
        if state.side == len(self.layout.sides):
            return self._after_row(state, found)
        return self._block_starts(state) if state.side < 0 else self._sides(state)

    def _block_starts(self, state: _State) -> Iterator[_State]:
        at = skip(self.text, state.at)
        n_sides = len(self.layout.sides)
        chains: tuple[Chain, ...] = ((),) * n_sides
        lists = self.names.at(at) if self.layout.names else iter([NameList((), at, ())])
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
        if self.layout.may_be_blank and not are_apart(state.block, state.lengths):
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
        if self.layout.lenient is not None and not is_whole(block, self.layout.lenient):
            return
        if self._may_end(rest) and not has_lost_cap(block):
            reading = Reading(blocks, state.faults, rest)
            found.setdefault(reading.values(), reading)
        elif self.layout.is_repeated and not has_lost_cap(block):
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
        return at >= len(self.text) or is_prose(self.text, at)

    def _sides(self, state: _State) -> Iterator[_State]:
        side, at = state.side, skip(self.text, state.at)
        if state.absent[side] or self.layout.may_be_blank:
            yield replace(state, side=side + 1)
        for end in self._absent(at, self.layout.sides[side]):
            yield replace(state, at=end, side=side + 1, absent=_with(state.absent, side, True))
        if side == self.layout.lenient:
            yield from self._any_cells(state, at)
        else:
            yield from self._cells_of_side(state, at)

    def _any_cells(self, state: _State, at: int) -> Iterator[_State]:
        """Go past the cells of the side that is not read, whatever they say."""
        roles = self.layout.sides[state.side]
        for end in dict.fromkeys(
            end for _, end in self._cells(state, at, roles, (), Cell(start=at))
        ):
            yield replace(
                state,
                at=end,
                side=state.side + 1,
                absent=_with(state.absent, state.side, False),
                has_cell=True,
            )

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
        roles = self.layout.sides[side]
        for cell, end in self._cells(state, at, roles, chains[side], Cell(start=at)):
            broken = broken_laws(self.layout.law, chains[side], cell, side)
            if broken is None or (self.layout.may_be_blank and not _are_rates(broken)):
                continue
            chain = (*with_cap(chains[side], cell), cell)
            block = replace(state.block, chains=_with(chains, side, chain), end=end)
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
        self, state: _State, at: int, roles: tuple[CellRole, ...], chain: Chain, cell: Cell
    ) -> Iterator[tuple[Cell, int]]:
        """Read the cells of a side one after another, in every way."""
        if not roles:
            yield cell, at
            return
        at = skip(self.text, at)
        for read, end in self._role(state, at, roles[0], chain, cell):
            yield from self._cells(state, end, roles[1:], chain, read)

    def _role(
        self, state: _State, at: int, role: CellRole, chain: Chain, cell: Cell
    ) -> Iterator[tuple[Cell, int]]:
        if role == "rank":
            yield from self._rank(at, chain, cell, is_lenient=state.side == self.layout.lenient)
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
                if self._may_follow(state, chain, band):
                    yield replace(cell, band=band), band.end

    def _rank(
        self, at: int, chain: Chain, cell: Cell, *, is_lenient: bool
    ) -> Iterator[tuple[Cell, int]]:
        if chain or is_lenient:
            yield cell, at
            if not self.has_bars and not is_lenient:
                return
            absent = absent_end(self.text, at)
            if absent is not None:
                yield cell, absent
        for rank, end in ranks(self.text, at):
            if not chain or rank == chain[0].rank:
                yield replace(cell, rank=rank), end

    def _may_follow(self, state: _State, chain: Chain, band: Band) -> bool:
        """Tell whether a band may follow, so that hopeless ones are dropped at once."""
        if state.side == self.layout.lenient:
            return True
        if not chain:
            return band.floor == 0 and band.cap != 0
        last = chain[-1].tier_band
        if last.is_cap_lost:
            # The next floor says what the cap is.
            floor = last.floor or Decimal(0)
            return band.floor is not None and band.floor > floor and not is_under(band, band.floor)
        return last.cap is not None and not is_under(band, last.cap)


def _are_rates(faults: tuple[Fault, ...]) -> bool:
    """Tell whether nothing is wrong but rates that stay: where cells lack, no more is certain."""
    return all(fault.kind == "rate" for fault in faults)


def _with(items: tuple[_Item, ...], place: int, item: _Item) -> tuple[_Item, ...]:
    return (*items[:place], item, *items[place + 1 :])

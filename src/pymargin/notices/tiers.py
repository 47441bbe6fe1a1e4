"""What tables of tiers have in common: reading a body, and reporting what is doubtful about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pymargin.notices.blocks import Block, Cell, CellRole, Chain, Fault, Layout, Reading
from pymargin.notices.chains import readings
from pymargin.notices.findings import findings_of_falling, findings_of_rising
from pymargin.notices.headers import Role
from pymargin.notices.notes import Notes, Table

__all__ = ["collateral_cells", "read_tiers"]


def read_tiers(table: Table, layout: Layout, notes: Notes, *, whose: str = "") -> Reading | None:
    """Read the body of a table of tiers; None, and a problem, where it cannot be read.

    Every fault and every doubt of the reading is noted.
    """
    text, start = table.passage.text, table.header.end
    span = (table.header.start, table.end)
    found, is_complete = readings(text, start, table.end, layout)
    if len(found) == 1 and is_complete:
        (reading,) = found
    else:
        what = "no reading of this table keeps the laws of its kind" if not found else (
            "this table can be read in more than one way"
        )  # fmt: skip
        half = None if found else _without_before(table, layout)
        how = "no change is made of it"
        if half is not None:
            what = "the side before keeps the laws of its kind in no reading"
            how = "the side after is read alone: the change says nothing of what was before"
        named = f"{whose}: {what}" if whose else what
        notes.problem(table.passage, span, named, "left_out", how)
        if half is None:
            return None
        reading = half
    notes.account(table.passage, table.header.start, reading.end)
    for fault in reading.faults:
        _note_fault(table, fault, notes, whose or _names(reading, fault.at))
    for block in reading.blocks:
        named = whose or ", ".join(block.names) or f"rank {block.rank(len(block.chains) - 1)}"
        for at, what, how in _doubts(block, layout):
            span = (at, _row_end(block, at))
            notes.problem(table.passage, span, f"{named}: {what}", "warned", how)
    return reading


def _without_before(table: Table, layout: Layout) -> Reading | None:
    """Read the side after alone, where it keeps every law and can be read in one way."""
    if len(layout.sides) < 2:
        return None
    alone = replace(layout, lenient=0, may_be_blank=False)
    found, is_complete = readings(table.passage.text, table.header.end, table.end, alone)
    return found[0] if len(found) == 1 and is_complete and not found[0].faults else None


def _note_fault(table: Table, fault: Fault, notes: Notes, whose: str) -> None:
    span = (fault.at, min(fault.at + 60, table.end))
    what = f"{whose}: {fault.what}" if whose else fault.what
    if fault.kind == "floor":
        notes.problem(table.passage, span, what, "mended", "each floor is read as the cap before")
    elif fault.kind == "cap":
        notes.problem(table.passage, span, what, "mended", "the cap is read as the floor after it")
    else:
        notes.problem(table.passage, span, what, "warned", "read as printed")


def _names(reading: Reading, at: int) -> str:
    for block in reading.blocks:
        if block.start <= at <= block.end:
            return ", ".join(block.names)
    return ""


def _doubts(block: Block, layout: Layout) -> Iterator[tuple[int, str, str]]:
    chains: Sequence[Chain] = block.chains
    if layout.law.rates == "rising":
        yield from findings_of_rising(chains)
    else:
        for chain in chains:
            yield from findings_of_falling(chain)


def _row_end(block: Block, at: int) -> int:
    cells: list[Cell] = [cell for chain in block.chains for cell in chain if cell.start == at]
    return cells[0].tier_rate.end if cells else block.end


def collateral_cells(roles: tuple[Role, ...], n_sides: int) -> tuple[tuple[CellRole, ...], ...]:
    """Return the cells of each side of a table of collateral tiers.

    Floor and cap are two cells where the head names them; a "Tier" above them is their title.
    """
    band: CellRole = "edges" if "floor" in roles else "band"
    ranked: tuple[CellRole, ...] = ("rank",) if "rank" in roles else ()
    return ((*ranked, band, "rate"),) * n_sides

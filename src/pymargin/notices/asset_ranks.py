"""Tables of assets that move from one rank to another (cross margin: "Asset No.")."""

from __future__ import annotations

from pymargin.notices.flat import columns_of, note_names, read_flat
from pymargin.notices.headers import Header
from pymargin.notices.notes import Notes, Table
from pymargin.notices.sections import Sections

__all__ = ["matches", "read"]


def matches(header: Header) -> bool:
    """Tell whether a head is that of such a table."""
    roles = sorted(header.roles())
    return roles in (["asset", "rank"], ["asset", "rank", "rank"])


def read(table: Table, sections: Sections, notes: Notes) -> int:
    """Read the table into changes of ``rank``; return where it ends."""
    effect, product = sections.effect(table), sections.product(table)
    if effect is None or product is None:
        return table.end
    before, after = columns_of(table.header, "rank")
    rows, end = read_flat(table, notes)
    for row in rows:
        span = (row.start, row.end)
        note_names(table, row, notes)
        ranks = tuple(cell if isinstance(cell, int) else None for cell in row.cells)
        old = None if before is None else ranks[before]
        new = None if after is None else ranks[after]
        for name in row.names:
            notes.change(table.passage, span, effect, product, "rank", name, old, new)
    return end

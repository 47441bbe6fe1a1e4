"""Tables of flat collateral ratios by asset (portfolio margin), before and after."""

from __future__ import annotations

from decimal import Decimal

from pymargin.notices.figures import Rate
from pymargin.notices.findings import is_round_ratio, percent
from pymargin.notices.flat import columns_of, note_names, read_flat
from pymargin.notices.headers import Header
from pymargin.notices.notes import Notes, Table
from pymargin.notices.rows import Row
from pymargin.notices.sections import Sections

__all__ = ["matches", "read"]


def matches(header: Header) -> bool:
    """Tell whether a head is that of such a table."""
    return sorted(header.roles()) in (["asset", "ratio"], ["asset", "ratio", "ratio"])


def read(table: Table, sections: Sections, notes: Notes) -> int:
    """Read the table into changes of ``rate``; return where it ends."""
    effect, product = sections.effect(table), sections.product(table)
    if effect is None or product is None:
        return table.end
    before, after = columns_of(table.header, "ratio")
    rows, end = read_flat(table, notes)
    for row in rows:
        span = (row.start, row.end)
        note_names(table, row, notes)
        old, new = _rate(row, before), _rate(row, after)
        _check(table, row, (old, new), notes)
        for name in row.names:
            notes.change(table.passage, span, effect, product, "rate", name, old, new)
    return end


def _rate(row: Row, place: int | None) -> Decimal | None:
    cell = None if place is None else row.cells[place]
    return cell.value if isinstance(cell, Rate) else None


def _check(table: Table, row: Row, rates: tuple[Decimal | None, ...], notes: Notes) -> None:
    """Report ratios that no table has, and a row that changes nothing."""
    names, span = ", ".join(row.names), (row.start, row.end)
    for rate in rates:
        if rate is not None and not is_round_ratio(rate):
            what = f"{names}: a ratio of {percent(rate)} is unusual"
            notes.problem(table.passage, span, what, "warned", "read as printed")
    if rates[0] == rates[1]:
        what = f"{names}: the ratio is the same before and after"
        notes.problem(table.passage, span, what, "warned", "read as printed")

"""Tables of the flat borrow and transfer-out ratios by rank."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from pymargin.notices.change import NoticeProduct, NoticeTable
from pymargin.notices.figures import Rate
from pymargin.notices.findings import is_round_ratio, percent
from pymargin.notices.flat import columns_of, read_flat
from pymargin.notices.headers import Header, Role
from pymargin.notices.notes import Effect, Notes, Table
from pymargin.notices.rows import Row
from pymargin.notices.sections import Sections
from pymargin.rules.schedules import OPEN_CAP

__all__ = ["matches", "read"]

_TABLES: tuple[tuple[Role, NoticeTable], ...] = (
    ("borrow", "borrow_rate"),
    ("transfer_out", "transfer_out_rate"),
)


def matches(header: Header) -> bool:
    """Tell whether a head is that of such a table."""
    roles = set(header.roles())
    keyed = len(roles & {"rank", "asset"}) == 1
    return keyed and bool(roles & {"borrow", "transfer_out"}) and roles <= {
        "rank", "asset", "band", "borrow", "transfer_out",
    }  # fmt: skip


def read(table: Table, sections: Sections, notes: Notes) -> int:
    """Read the table into changes of the two rates; return where it ends."""
    effect, product = sections.effect(table), sections.product(table)
    if effect is None or product is None:
        return table.end
    rows, end = read_flat(table, notes)
    for row in rows:
        for role, name in _TABLES:
            if role in table.header.roles():
                _note(table, row, role, name, effect, product, notes)
    _check(table, rows, notes)
    return end


def _note(
    table: Table,
    row: Row,
    role: Role,
    name: NoticeTable,
    effect: Effect,
    product: NoticeProduct,
    notes: Notes,
) -> None:
    before, after = (
        None if place is None else row.cells[place] for place in columns_of(table.header, role)
    )
    old = before.value if isinstance(before, Rate) else None
    new = after.value if isinstance(after, Rate) else None
    rank = row.cells[_place(table.header, "rank")] if not row.names else None
    keys: tuple[str | int, ...] = row.names or ((rank,) if isinstance(rank, int) else ())
    for key in keys:
        span = (row.start, row.end)
        notes.change(table.passage, span, effect, product, name, key, old, new)


def _place(header: Header, role: Role) -> int:
    cells: list[Role] = [one for one in header.roles() if one != "asset"]
    return cells.index(role)


def _check(table: Table, rows: Sequence[Row], notes: Notes) -> None:
    """Report what breaks the pattern of the whole table: order, ends, columns that agree."""
    for last, row in pairwise(rows):
        for worse, better in zip(_rates(row), _rates(last), strict=False):
            if worse > better:
                _warn(table, row, f"{percent(worse)} is more than the better rank has", notes)
        old, new = last.cells[0], row.cells[0]
        if isinstance(old, int) and isinstance(new, int) and new != old + 1:
            _warn(table, row, f"rank {new} follows rank {old}", notes)
    if rows and rows[0].cells[0] != 1 and not rows[0].names:
        _warn(table, rows[0], "ranks begin at 1", notes)
    for row in rows:
        if any(not is_round_ratio(rate) for rate in _rates(row)):
            _warn(table, row, "the ratio is unusual", notes)
        if any(isinstance(cell, Decimal) and cell < OPEN_CAP for cell in row.cells):
            _warn(table, row, "the value range ends, where such ranges go on without end", notes)
    uneven = [row for row in rows if len(set(_rates(row))) > 1]
    if len(uneven) * 2 < len(rows):
        for row in uneven:
            _warn(table, row, "the ratios differ here, and are the same in most rows", notes)


def _rates(row: Row) -> list[Decimal]:
    return [cell.value for cell in row.cells if isinstance(cell, Rate)]


def _warn(table: Table, row: Row, what: str, notes: Notes) -> None:
    named = ", ".join(row.names) or f"rank {row.cells[0]}"
    span = (row.start, row.end)
    notes.problem(table.passage, span, f"{named}: {what}", "warned", "read as printed")

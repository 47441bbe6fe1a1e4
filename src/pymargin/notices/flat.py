"""What tables of flat rows have in common."""

from __future__ import annotations

from pymargin.notices.headers import Header, Role
from pymargin.notices.names import torn_apart
from pymargin.notices.notes import Notes, Table
from pymargin.notices.rows import Row, RowRole, read_rows

__all__ = ["columns_of", "note_names", "read_flat"]

_ROW_ROLES: dict[Role, RowRole] = {
    "asset": "names",
    "rank": "rank",
    "ratio": "rate",
    "borrow": "rate",
    "transfer_out": "rate",
    "band": "band",
}


def columns_of(header: Header, role: Role) -> tuple[int | None, int | None]:
    """Return the places of a role's cells before and after, among the cells that are no names.

    A single column without a side is "after"; of two without sides, the first is "before".
    """
    cells = [column for column in header.columns if column.role not in ("title", "asset")]
    places = [place for place, column in enumerate(cells) if column.role == role]
    sides = [cells[place].side for place in places]
    if len(places) == 1:
        return (places[0], None) if sides == ["before"] else (None, places[0])
    if sides == ["after", "before"]:
        return places[1], places[0]
    return places[0], places[1]


def read_flat(table: Table, notes: Notes) -> tuple[tuple[Row, ...], int]:
    """Read the rows of a table, and where it ends; what is no row is noted as a problem."""
    roles = tuple(_ROW_ROLES[role] for role in table.header.roles())
    found = read_rows(table.passage.text, table.header.end, table.end, roles)
    notes.account(table.passage, table.header.start, table.header.end)
    for span in found.skipped:
        what = (
            "this is no row of its table"
            if found.is_certain
            else "these rows can be read in more than one way"
        )
        notes.problem(table.passage, span, what, "left_out", "no change is made of it")
    if not found.rows and not found.skipped:
        span = (table.header.start, table.end)
        notes.problem(table.passage, span, "this table has no rows", "left_out", "nothing to read")
    for row in found.rows:
        for doubt in row.doubts:
            named = ", ".join(row.names) or f"rank {row.cells[0]}"
            notes.problem(
                table.passage, (row.start, row.end), f"{named}: {doubt.what}", "warned",
                "read as printed",
            )  # fmt: skip
    end = max([found.end, *(stop for _, stop in found.skipped)])
    return found.rows, end


def note_names(table: Table, row: Row, notes: Notes) -> None:
    """Report a name that may be two."""
    warn_torn(table, row.names, (row.start, row.end), notes)


def warn_torn(table: Table, names: tuple[str, ...], span: tuple[int, int], notes: Notes) -> None:
    """Report names that are two known ones written together."""
    for name in names:
        parts = torn_apart(name)
        if parts:
            what = f"{name}: a comma between {' and '.join(parts)} may be missing"
            notes.problem(table.passage, span, what, "warned", "read as one name")

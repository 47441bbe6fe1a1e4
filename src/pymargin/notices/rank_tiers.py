"""Tables of collateral tiers by rank (cross margin), one side or before and after."""

from __future__ import annotations

from collections.abc import Sequence

from pymargin.notices.blocks import Block, Law, Layout
from pymargin.notices.headers import Header
from pymargin.notices.notes import Notes, Table
from pymargin.notices.sections import Sections
from pymargin.notices.tiers import collateral_cells, read_tiers

__all__ = ["matches", "read"]


def matches(header: Header) -> bool:
    """Tell whether a head is that of such a table."""
    roles = header.roles()
    has_bands = "band" in roles or {"floor", "cap"} <= set(roles)
    known = set(roles) <= {"rank", "band", "floor", "cap", "ratio"}
    return known and has_bands and roles.count("rank") in (1, 2) and roles.count("ratio") in (1, 2)


def read(table: Table, sections: Sections, notes: Notes) -> int:
    """Read the table into changes of ``tiers``; return where it ends.

    Such a table says what the ranks of the assets above it hold, so it goes with the earliest
    moment of its section.
    """
    effect, product = sections.earliest(table), sections.product(table)
    if effect is None or product is None:
        return table.end
    roles = table.header.roles()
    n_sides = roles.count("ratio")
    sides = collateral_cells(roles, n_sides)
    if roles.count("rank") < n_sides:
        # One column of ranks for both sides: it stands in the first.
        sides = (sides[0], tuple(role for role in sides[1] if role != "rank"))
    reading = read_tiers(table, Layout(sides, Law("falling")), notes)
    if reading is None:
        return table.end
    for block in reading.blocks:
        tiers = [block.tiers(side) for side in range(n_sides)]
        before, after = (tiers[0], tiers[1]) if n_sides > 1 else (None, tiers[0])
        rank = block.rank(0) if block.rank(0) is not None else block.rank(n_sides - 1)
        if rank is not None:
            span = (block.start, block.end)
            notes.change(table.passage, span, effect, product, "tiers", rank, before, after)
    _check_ranks(table, reading.blocks, sections, notes)
    return reading.end


def _check_ranks(table: Table, blocks: Sequence[Block], sections: Sections, notes: Notes) -> None:
    """Compare the ranks of the table with those that the prose names and with their own order."""
    ranks = [rank for block in blocks if (rank := block.rank(0)) is not None]
    span = (table.header.start, table.header.end)
    if sections.ranks_named and set(ranks) != sections.ranks_named:
        named = ", ".join(map(str, sorted(sections.ranks_named)))
        what = f"the text names the ranks {named}, the table has {', '.join(map(str, ranks))}"
        notes.problem(table.passage, span, what, "warned", "read as the table has it")
    if ranks != sorted(set(ranks)):
        what = f"the ranks {', '.join(map(str, ranks))} do not rise"
        notes.problem(table.passage, span, what, "warned", "read as printed")

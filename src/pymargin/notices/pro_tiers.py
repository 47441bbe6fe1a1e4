"""Tables of assets with the tiers of their ranks (portfolio margin pro), before and after.

Every rank has one table, so an asset that moves is printed with the table of the rank that it
leaves and of the rank that it comes to.
"""

from __future__ import annotations

from pymargin.notices.blocks import Block, Law, Layout
from pymargin.notices.flat import warn_torn
from pymargin.notices.headers import Header, Side
from pymargin.notices.notes import Effect, Notes, Table
from pymargin.notices.rows import LONGEST_MOVE
from pymargin.notices.sections import Sections
from pymargin.notices.tiers import collateral_cells, read_tiers
from pymargin.rules.schedules import Tier

__all__ = ["matches", "read"]


def matches(header: Header) -> bool:
    """Tell whether a head is that of such a table."""
    roles = header.roles()
    has_bands = "band" in roles or {"floor", "cap"} <= set(roles)
    known = set(roles) <= {"asset", "rank", "band", "floor", "cap", "ratio"}
    return known and has_bands and roles.count("asset") == 1 and roles.count("ratio") in (1, 2)


def read(table: Table, sections: Sections, notes: Notes) -> int:
    """Read the table into changes of ``rank`` and ``tiers``; return where it ends."""
    effect = sections.effect(table)
    if effect is None:
        return table.end
    roles = table.header.roles()
    n_sides = roles.count("ratio")
    layout = Layout(collateral_cells(roles, n_sides), Law("falling"), names=True)
    reading = read_tiers(table, layout, notes)
    if reading is None:
        return table.end
    for block in reading.blocks:
        warn_torn(table, block.names, (block.start, block.end), notes)
        _note(table, block, n_sides, effect, notes)
    return reading.end


def _note(table: Table, block: Block, n_sides: int, effect: Effect, notes: Notes) -> None:
    sides: tuple[Side, ...] = ("before", "after") if n_sides > 1 else ("after",)
    ranks: dict[Side, int | None] = {"before": None, "after": None}
    tiers: dict[Side, tuple[Tier, ...] | None] = {"before": None, "after": None}
    for place, side in enumerate(sides):
        printed = block.rank(place)
        ranks[side] = printed if printed is not None else table.header.title_rank(side)
        tiers[side] = block.tiers(place)
    before, after = ranks["before"], ranks["after"]
    span = (block.start, block.end)
    for name in block.names:
        if before is None and after is None:
            notes.change(
                table.passage, span, effect, "portfolio_pro", "tiers", name,
                tiers["before"], tiers["after"],
            )  # fmt: skip
        else:
            notes.change(table.passage, span, effect, "portfolio_pro", "rank", name, before, after)
    if before is not None:
        notes.change(
            table.passage, span, effect, "portfolio_pro", "tiers", before, tiers["before"], None
        )
    if after is not None:
        notes.change(
            table.passage, span, effect, "portfolio_pro", "tiers", after, None, tiers["after"]
        )
    _check_move(table, block, (before, after), n_sides, notes)


def _check_move(
    table: Table, block: Block, ranks: tuple[int | None, int | None], n_sides: int, notes: Notes
) -> None:
    before, after = ranks
    what = None
    if n_sides > 1 and (before is None) != (after is None):
        what = "only one side says its rank"
    elif before is not None and after is not None:
        if before == after:
            what = f"rank {before} stands on both sides"
        elif abs(before - after) > LONGEST_MOVE:
            what = f"a move from rank {before} to {after} at once is unlikely"
    if what:
        names = ", ".join(block.names)
        span = (block.start, block.end)
        notes.problem(table.passage, span, f"{names}: {what}", "warned", "read as printed")

"""Tables of leverage and margin tiers (USDS-M and COIN-M futures), before and after."""

from __future__ import annotations

from pymargin.notices.blocks import CellRole, Law, Layout
from pymargin.notices.flat import warn_torn
from pymargin.notices.headers import Header
from pymargin.notices.names import product_of
from pymargin.notices.notes import Effect, Notes, Table
from pymargin.notices.sections import Sections
from pymargin.notices.tiers import read_tiers

__all__ = ["matches", "read"]

_CELLS: dict[str, CellRole] = {"leverage": "leverage", "band": "band", "margin_rate": "rate"}


def matches(header: Header) -> bool:
    """Tell whether a head is that of such a table."""
    return "margin_rate" in header.roles()


def read(table: Table, sections: Sections, notes: Notes) -> int:
    """Read the table into changes of ``brackets``; return where it ends."""
    layout = _layout(table.header)
    if layout is None:
        span = (table.header.start, table.end)
        what = "the columns of this table are in an order that the reader does not know"
        notes.problem(table.passage, span, what, "left_out", "no change is made of it")
        return table.end
    symbols: tuple[str, ...] = ()
    if layout.names:
        effect = sections.effect(table)
    else:
        effect = sections.headed(table)
        symbols = sections.symbols(table)
    if effect is None or not (symbols or layout.names):
        return table.end
    return _read(table, layout, symbols, effect, sections, notes)


def _read(
    table: Table,
    layout: Layout,
    symbols: tuple[str, ...],
    effect: Effect,
    sections: Sections,
    notes: Notes,
) -> int:
    whose = ", ".join(symbols)
    reading = read_tiers(table, layout, notes, whose=whose)
    if reading is None:
        return table.end
    for block in reading.blocks:
        before = block.tiers(0) if len(block.chains) > 1 else None
        after = block.tiers(len(block.chains) - 1)
        span = (block.start, block.end)
        for symbol in symbols or block.names:
            product = product_of(symbol)
            stated = sections.futures_product
            if stated is not None and product != stated:
                what = f"{symbol} is no contract of {stated}, which the text names"
                how = f"read as one of {product}, which its quote is of"
                notes.problem(table.passage, span, what, "warned", how)
            notes.change(table.passage, span, effect, product, "brackets", symbol, before, after)
        warn_torn(table, block.names, span, notes)
    return reading.end


def _layout(header: Header) -> Layout | None:
    roles = list(header.roles())
    has_symbols = bool(roles) and roles[0] in ("symbol", "asset")
    cells = roles[1:] if has_symbols else roles
    n_sides = cells.count("margin_rate")
    if n_sides not in (1, 2) or len(cells) % n_sides:
        return None
    size = len(cells) // n_sides
    halves = [tuple(cells[start : start + size]) for start in range(0, len(cells), size)]
    if any(sorted(half) != ["band", "leverage", "margin_rate"] for half in halves):
        return None
    sides = tuple(tuple(_CELLS[role] for role in half) for half in halves)
    return Layout(sides, Law("rising"), names=has_symbols)

"""Shows the terms of portfolio margin and futures accounts: assets, positions, pools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pymargin.cli.figures import action_words
from pymargin.cli.screen import Column, Screen
from pymargin.explain import number_text
from pymargin.explain_text import bracket_texts, equity_schedules, position_name

if TYPE_CHECKING:
    from pymargin.explain import Explanation
    from pymargin.oracle import EquityTerm, MarginPool, PositionLevels, ScheduleValue

__all__ = ["show_positions", "slice_columns", "slices_of"]


def show_positions(screen: Screen, found: Explanation) -> None:
    """Print assets, slices, positions and pools, whatever the account has of them."""
    if found.equities:
        _show_equities(screen, found.equities)
    if found.wallets:
        screen.heading("Cross wallets, in units of the asset")
        rows = [(asset, number_text(balance)) for asset, balance in found.wallets.items()]
        screen.table([Column("asset"), Column("balance", True)], rows)
    if found.positions:
        _show_terms(screen, found.positions)
        _show_margins(screen, found.positions)
        if not found.missing:
            _show_isolated(screen, [one for one in found.positions if one.term.is_isolated])
    if found.pools and not found.missing:
        _show_pools(screen, found.pools)


def slice_columns() -> list[Column]:
    """Return the columns of `slices_of`."""
    return [
        Column("asset"), Column("table"), Column("above", True), Column("up to", True),
        Column("rate", True), Column("of this", True), Column("counts", True),
    ]  # fmt: skip


def slices_of(asset: str, taken: ScheduleValue) -> Iterator[tuple[str, ...]]:
    """Return a line a tier that a value reaches, and one for what is beyond the last."""
    for piece in taken.slices:
        bounds = (
            number_text(piece.floor),
            "no end" if piece.cap is None else number_text(piece.cap),
        )
        rate = f"{number_text(piece.rate * 100)} %"
        figures = (number_text(piece.part), number_text(piece.contribution))
        yield (asset, taken.table, *bounds, rate, *figures)
    if taken.beyond:
        last_cap, excess = number_text(taken.slices[-1].cap), number_text(taken.beyond)
        yield (asset, f"{taken.table}, beyond its last tier", last_cap, "", "", excess, "")


def _show_equities(screen: Screen, equities: tuple[EquityTerm, ...]) -> None:
    """Print units, then values; a kind of quantity that no asset has is left out."""
    kinds = [
        kind
        for kind in ("free", "locked", "borrowed", "interest")
        if any(getattr(term.balance, kind) for term in equities)
    ]
    screen.heading("Equity, in units of the asset")
    titles = [*kinds, "wallet", "profit", "equity"]
    rows = []
    for term in equities:
        figures = [getattr(term.balance, kind) for kind in kinds]
        figures += [term.wallet, term.unrealized_pnl, term.equity]
        rows.append((term.asset, *map(number_text, figures)))
    screen.table([Column("asset"), *(Column(title, True) for title in titles)], rows)
    screen.heading("Values and margins, USDT")
    titles = ["price", "value", "counts", "maintenance of positions", "maintenance of loans",
              "initial of positions", "initial of loans"]  # fmt: skip
    rows = []
    for term in equities:
        figures = [term.value, term.counted, term.futures_maintenance, term.loan_maintenance,
                   term.futures_initial, term.loan_initial]  # fmt: skip
        shown = figures if term.price is not None else [None] * len(figures)
        rows.append((term.asset, *map(number_text, (term.price, *shown))))
    screen.table([Column("asset"), *(Column(title, True) for title in titles)], rows)
    rated = list(equity_schedules(equities))
    if rated:
        screen.heading("What counts of each equity, tier by tier")
        screen.table(slice_columns(), [line for one in rated for line in slices_of(*one)])


def _show_terms(screen: Screen, positions: Iterable[PositionLevels]) -> None:
    screen.heading("Positions; notional and profit in what they are settled in")
    columns = [Column("position"), Column("side")]
    columns += [
        Column(title, True) for title in ("quantity", "entry", "mark", "notional", "profit")
    ]
    rows = []
    for term in (one.term for one in positions):
        figures = (None, None) if term.missing else (term.notional, term.unrealized_pnl)
        numbers = (term.position.quantity, term.position.entry_price, term.mark, *figures)
        settled = term.settlement_asset or "-"
        rows.append((term.symbol, term.position.side, *map(number_text, numbers), settled))
    screen.table([*columns, Column("settled in")], rows)


def _show_margins(screen: Screen, positions: Iterable[PositionLevels]) -> None:
    screen.heading("Margins: maintenance = notional * rate - cum, initial = notional / leverage")
    titles = ("above", "up to", "rate, %", "cum", "maintenance", "leverage", "initial")
    rows = []
    for term in (one.term for one in positions):
        figures = (term.maintenance_margin, term.leverage, term.initial_margin)
        known = (None,) * 3 if term.missing else figures
        rows.append((position_name(term), *bracket_texts(term), *map(number_text, known)))
    screen.table([Column("position"), *(Column(title, True) for title in titles)], rows)


def _show_isolated(screen: Screen, positions: list[PositionLevels]) -> None:
    if not positions:
        return
    screen.heading("Isolated positions, each on its own margin")
    titles = ("wallet", "balance", "maintenance", "margin level")
    rows = []
    for one in positions:
        wallet = one.term.position.isolated_margin
        numbers = (wallet, one.margin_balance, one.maintenance_margin, one.margin_level)
        actions = action_words(int(one.actions))
        rows.append((position_name(one.term), *map(number_text, numbers), actions))
    columns = [Column("position"), *(Column(title, True) for title in titles), Column("actions")]
    screen.table(columns, rows)


def _show_pools(screen: Screen, pools: Iterable[MarginPool]) -> None:
    screen.heading("Cross pools, in units of the asset; the worst one is the account's level")
    titles = ("USDT of a unit", "wallet", "profit", "balance", "maintenance", "initial",
              "available", "margin level")  # fmt: skip
    rows = []
    for pool in pools:
        ratio = pool.ratios["margin_level"]
        level = None if ratio is None else ratio.level
        margins = (pool.maintenance_margin, pool.initial_margin, pool.available_balance)
        held = (pool.price, pool.wallet, pool.unrealized_pnl, pool.margin_balance)
        rows.append((pool.asset, *map(number_text, (*held, *margins, level))))
    screen.table([Column("pool"), *(Column(title, True) for title in titles)], rows)

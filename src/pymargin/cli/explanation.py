"""Shows an explanation as tables; the figures are those of `pymargin.explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pymargin.cli.evaluation import formula_text, origin
from pymargin.cli.explanation_positions import show_positions, slice_columns, slices_of
from pymargin.cli.figures import action_words
from pymargin.cli.screen import Column, Screen
from pymargin.explain import number_text
from pymargin.modes import Action, Mode

if TYPE_CHECKING:
    from pymargin.explain import Explanation
    from pymargin.oracle import AssetTerm, Check

__all__ = ["show"]


def show(screen: Screen, found: Explanation) -> None:
    """Print the terms from the quantities to the actions."""
    leverage = "" if found.leverage is None else f", {found.leverage}x"
    moment = f", as of {found.rules_moment}" if found.rules_moment else ""
    formula = formula_text(found.mode, found.methodology)
    screen.line(f"Account {found.account}: {formula}{leverage}")
    screen.line(f"Rules: {found.rules_label or 'unlabelled'}{moment}; {origin(found.provenance)}")
    if found.mode in (Mode.CROSS_CLASSIC, Mode.CROSS_PRO):
        _show_balances(screen, found.assets)
        _show_slices(screen, found)
    else:
        show_positions(screen, found)
    _show_orders(screen, found)
    if found.missing:
        screen.heading("This account cannot be priced")
        for sentence in found.missing:
            screen.line(sentence)
    else:
        _show_sums(screen, found)
        _show_checks(screen, found)
    screen.line()
    screen.line(f"Actions: {action_words(int(found.actions))}", style="bold")


def _show_balances(screen: Screen, assets: Iterable[AssetTerm]) -> None:
    """Print quantities and values; a kind of quantity that no asset has is left out."""
    terms = list(assets)
    kinds = [
        kind
        for kind in ("free", "locked", "borrowed", "interest")
        if any(getattr(term, kind) for term in terms)
    ]
    screen.heading("Balances, in units of the asset; prices and values in USDT")
    rows = []
    for term in terms:
        known = term.price is not None
        values = (
            term.price,
            term.value if known else None,
            term.debt_value if known else None,
        )
        figures = [getattr(term, kind) for kind in kinds]
        rows.append((term.asset, *map(number_text, (*figures, *values))))
    titles = [*kinds, "price", "held value", "owed value"]
    screen.table([Column("asset"), *(Column(title, True) for title in titles)], rows)


def _show_slices(screen: Screen, found: Explanation) -> None:
    screen.heading("What counts of each value, tier by tier")
    screen.table(slice_columns(), [line for term in found.assets for line in _slices(term)])


def _slices(term: AssetTerm) -> Iterator[tuple[str, ...]]:
    if term.price is None:
        return
    if term.offset_value:
        figure = number_text(term.offset_value)
        yield (term.asset, "set off against own debt", "", "", "100 %", figure, figure)
    for taken in (*term.collateral.values(), *term.margin.values()):
        yield from slices_of(term.asset, taken)


def _show_orders(screen: Screen, found: Explanation) -> None:
    if not found.orders:
        return
    screen.heading("Open orders; collateral lost and gained in USDT")
    columns = [Column("gives"), Column("units", True), Column("gets"), Column("units", True)]
    columns += [Column(title, True) for title in ("lost", "gained", "loss")]
    rows = []
    for order in found.orders:
        figures = (order.collateral_given, order.collateral_got, order.loss)
        rows.append((
            order.give_asset, number_text(order.give_quantity),
            order.get_asset, number_text(order.get_quantity),
            *(number_text(None if order.missing else figure) for figure in figures),
        ))  # fmt: skip
    screen.table(columns, rows)


def _show_sums(screen: Screen, found: Explanation) -> None:
    screen.heading("Sums, USDT")
    screen.table(
        [Column("sum"), Column("value", True)],
        [(name, number_text(value)) for name, value in found.sums.items()],
    )
    screen.heading("Levels")
    screen.table(
        [Column("level"), Column("value", True)],
        [(name, number_text(value)) for name, value in found.levels.items()],
    )


def _show_checks(screen: Screen, found: Explanation) -> None:
    lines = [check for check in found.checks if check.relation == "<="]
    grants = [check for check in found.checks if check.relation != "<="]
    rows = [_check_row(check) for check in lines]
    if not any(check.fired for check in lines):
        base = found.actions & ~Action.BEYOND_TIERS
        for check in grants:
            base &= ~check.actions
        rows.append(("otherwise", "decides", action_words(int(base))))
    rows += map(_check_row, grants)
    screen.heading("Thresholds: the first line that holds decides; otherwise each grant by itself")
    screen.table([Column("if"), Column("holds"), Column("then")], rows)


def _check_row(check: Check) -> tuple[str, str, str]:
    relation = "at most" if check.relation == "<=" else "above"
    verdict = "decides" if check.fired else "too late" if check.holds else "no"
    if check.fired and check.relation != "<=":
        verdict = "yes"
    what = f"{check.level} {relation} {number_text(check.limit)}"
    return what, verdict, action_words(int(check.actions))

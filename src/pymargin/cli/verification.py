"""Shows a verification: a line for each figure, what became of them, and the remarks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pymargin.cli.figures import counted
from pymargin.cli.screen import Column, Screen

if TYPE_CHECKING:
    from pymargin.verify import Figure, VerifyReport

__all__ = ["show"]

_SHOWN = Decimal(1).scaleb(-12)


def show(screen: Screen, report: VerifyReport, *, show_all: bool) -> None:
    """Print the figures; zeros that agree are only counted unless all are asked for."""
    shown = [figure for figure in report if show_all or not _is_agreed_zero(figure)]
    if shown:
        screen.heading("Figures")
        columns = [
            Column("figure"), Column("of"), Column("from"), Column("theirs", True),
            Column("ours", True), Column("difference", True), Column("allowed", True),
            Column("verdict"), Column("why"),
        ]  # fmt: skip
        screen.table(columns, [_row(figure) for figure in shown])
    screen.line()
    if len(shown) < len(report):
        hidden = counted(len(report) - len(shown), "figure")
        screen.line(f"{hidden} of 0 on either side: not shown (--all shows them).")
    for remark in report.remarks:
        screen.line(remark)
    verdicts = ("agrees", "differs", "missing")
    parts = ", ".join(f"{report.count(verdict):,} {verdict}" for verdict in verdicts)
    screen.line(f"{counted(len(report), 'figure')}: {parts}", style="bold")


def _is_agreed_zero(figure: Figure) -> bool:
    return figure.verdict == "agrees" and not figure.theirs and not figure.ours


def _row(figure: Figure) -> tuple[str, ...]:
    why = figure.reason
    if figure.missing:
        why = ", ".join(figure.missing)
    return (
        figure.name,
        figure.of,
        figure.basis,
        f"{figure.theirs:f}",
        _plain(figure.ours),
        "-" if figure.difference is None else f"{figure.difference:.3g}",
        "-" if figure.missing else f"{figure.tolerance:.3g}",
        figure.verdict,
        why,
    )


def _plain(number: Decimal | None) -> str:
    """Return a number with at most 12 decimals."""
    if number is None:
        return "-"
    if not number.is_finite():
        return "inf" if number > 0 else "-inf"
    exponent = number.as_tuple().exponent
    long = isinstance(exponent, int) and exponent < -12
    return f"{number.quantize(_SHOWN).normalize() if long else number:f}"

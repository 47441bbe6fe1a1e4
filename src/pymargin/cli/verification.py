"""Shows a verification: a line for each figure, the reasons below, what became of them."""

from __future__ import annotations

from decimal import Decimal
from string import ascii_lowercase
from typing import TYPE_CHECKING

from pymargin.cli.figures import counted
from pymargin.cli.screen import Column, Screen
from pymargin.cli.wording import in_options

if TYPE_CHECKING:
    from pymargin.verify import Figure, VerifyReport

__all__ = ["show"]

# As one figure has it, and several.
_VERDICTS = (
    ("agrees", "agrees", "agree"),
    ("differs", "differs", "differ"),
    ("missing", "lacks an input", "lack an input"),
)
_SHOWN = Decimal(1).scaleb(-10)


def show(screen: Screen, report: VerifyReport, *, show_all: bool) -> None:
    """Print the figures; zeros that agree are only counted unless all are asked for."""
    shown = [figure for figure in report if show_all or not _is_agreed_zero(figure)]
    whys = {why: _letter(place) for place, why in enumerate(dict.fromkeys(map(_why, shown)))}
    if shown:
        screen.heading("Figures")
        columns = [
            Column("figure"), Column("of"), Column("from"), Column("theirs", True),
            Column("ours", True), Column("difference", True), Column("allowed", True),
            Column("why"), Column("verdict"),
        ]  # fmt: skip
        screen.table(columns, [_row(figure, whys[_why(figure)]) for figure in shown], keys=2)
        screen.line()
        for why, letter in whys.items():
            screen.line(f"{letter}: {why}")
    screen.line()
    if len(shown) < len(report):
        hidden = counted(len(report) - len(shown), "figure")
        screen.line(f"{hidden} of 0 on either side: not shown (--all shows them).")
    for remark in report.remarks:
        screen.line(in_options(remark))
    parts = ", ".join(
        f"{report.count(verdict):,} {one if report.count(verdict) == 1 else several}"
        for verdict, one, several in _VERDICTS
    )
    screen.line(f"{counted(len(report), 'figure')}: {parts}", style="bold")


def _letter(place: int) -> str:
    """Return a, b, ... z, aa, ab, ..."""
    rest, last = divmod(place, 26)
    return (_letter(rest - 1) if rest else "") + ascii_lowercase[last]


def _why(figure: Figure) -> str:
    """Return why a difference is allowed, or what is missing."""
    return f"missing {', '.join(figure.missing)}" if figure.missing else figure.reason


def _is_agreed_zero(figure: Figure) -> bool:
    return figure.verdict == "agrees" and not figure.theirs and not figure.ours


def _row(figure: Figure, letter: str) -> tuple[str, ...]:
    return (
        figure.name,
        figure.of,
        figure.basis,
        f"{figure.theirs:f}",
        _plain(figure.ours),
        "-" if figure.difference is None else f"{figure.difference:.3g}",
        "-" if figure.missing else f"{figure.tolerance:.3g}",
        letter,
        figure.verdict,
    )


def _plain(number: Decimal | None) -> str:
    """Return a number with at most 10 decimals."""
    if number is None:
        return "-"
    if not number.is_finite():
        return "inf" if number > 0 else "-inf"
    exponent = number.as_tuple().exponent
    long = isinstance(exponent, int) and exponent < -10
    return f"{number.quantize(_SHOWN).normalize() if long else number:f}"

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pymargin.cli.figures import action_words, level_figure, share
from pymargin.cli.screen import Column, Screen
from pymargin.modes import Action

COLUMNS = [Column("account"), Column("value", is_number=True), Column("what it may do")]
ROWS = [("a[bold]b", "1,234,567.25", "borrow, trade"), ("c", "1", "none")]


def shown(*, width: int | None) -> str:
    file = StringIO()
    Screen(
        Console(
            file=file,
            width=width,
            force_terminal=width is not None,
            color_system=None,
            markup=False,
            highlight=False,
        )
    ).table(COLUMNS, ROWS)
    return file.getvalue()


def test_a_pipe_gets_aligned_columns_without_trailing_blanks() -> None:
    assert shown(width=None).splitlines() == [
        "account          value  what it may do",
        "a[bold]b  1,234,567.25  borrow, trade",
        "c                    1  none",
    ]


@pytest.mark.parametrize("width", [120, 40, 34])
def test_a_terminal_never_breaks_a_figure_that_fits(width: int) -> None:
    assert "1,234,567.25" in shown(width=width)


@pytest.mark.parametrize("width", [120, 40, 34, 20])
def test_a_terminal_never_gets_longer_lines_than_it_is_wide(width: int) -> None:
    assert max(map(len, shown(width=width).splitlines())) <= width


def test_a_narrow_terminal_loses_no_digit() -> None:
    digits = [letter for letter in shown(width=20) if letter.isdigit()]
    assert digits == list("1234567251")


def test_brackets_in_data_are_data() -> None:
    assert "a[bold]b" in shown(width=120)


@pytest.mark.parametrize(
    ("level", "figure"),
    [(1.1, "1.100000"), (float("inf"), "no debt"), (float("nan"), "-"), (1234.5, "1,234.50")],
)
def test_levels_are_rounded_and_infinity_is_named(level: float, figure: str) -> None:
    assert level_figure(level) == figure


def test_the_weightiest_action_is_first() -> None:
    assert action_words(Action.TRADE | Action.MARGIN_CALL) == "margin call, trade"


def test_a_few_among_many_do_not_read_as_none() -> None:
    assert share(1, 1_000_000) == "< 0.01 %"

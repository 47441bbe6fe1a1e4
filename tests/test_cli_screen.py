from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pymargin.cli.figures import action_words, level_figure, share
from pymargin.cli.screen import Column, Screen
from pymargin.modes import Action

COLUMNS = [Column("account"), Column("value", is_number=True), Column("what it may do")]
ROWS = [("a[bold]b", "1,234,567.25", "borrow, trade"), ("c", "1", "none")]


def shown(
    *,
    width: int | None,
    columns: list[Column] = COLUMNS,
    rows: list[tuple[str, ...]] = ROWS,
    keys: int = 1,
) -> str:
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
    ).table(columns, rows, keys=keys)
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


NUMBERS = [Column("of"), Column("in"), *(Column(f"one long {k} figure", True) for k in "abcdef")]
LINES = [("one", "USDT", *[f"{k}234567.8901" for k in range(6)])]


@pytest.mark.parametrize("keys", [1, 2])
def test_columns_without_room_follow_below_with_their_keys(keys: int) -> None:
    printed = shown(width=60, columns=NUMBERS, rows=LINES, keys=keys)
    lines = [line.split() for line in printed.splitlines() if line.startswith("one")]
    assert len(lines) == 2
    assert all(line[:keys] == ["one", "USDT"][:keys] for line in lines)
    assert [*lines[0][keys:], *lines[1][keys:]] == [*LINES[0][keys:]]


def test_titles_of_figures_fold_between_words_before_columns_go_below() -> None:
    printed = shown(width=80, columns=NUMBERS[:6], rows=[LINES[0][:6]]).splitlines()
    assert printed[0].split() == ["one", "long", *"a", "one", "long", *"b", "one", "long", *"c",
                                  "one", "long", *"d"]  # fmt: skip
    assert printed[1].split() == ["of", "in", *["figure"] * 4]
    assert printed[3].split() == list(LINES[0][:6])


def test_words_fold_before_figures_do_and_are_not_broken() -> None:
    columns = [Column("asset"), Column("worth", True), Column("told")]
    rows = [("BTC", "1,234,567.25", "transfer out, borrow, trade")]
    printed = shown(width=33, columns=columns, rows=rows)
    assert "transfer" in printed
    assert "1,234,567.25" in printed
    assert len(printed.splitlines()) == 5


def test_brackets_in_data_are_data() -> None:
    assert "a[bold]b" in shown(width=120)


@pytest.mark.parametrize(
    ("level", "figure"),
    [(1.1, "1.100000"), (float("inf"), "no debt"), (float("nan"), "-"), (1234.5, "1,234.500000")],
)
def test_levels_are_rounded_and_infinity_is_named(level: float, figure: str) -> None:
    assert level_figure(level) == figure


def test_the_weightiest_action_is_first() -> None:
    assert action_words(Action.TRADE | Action.MARGIN_CALL) == "margin call, trade"


def test_a_few_among_many_do_not_read_as_none() -> None:
    assert share(1, 1_000_000) == "< 0.01 %"

"""Prints text and tables: framed on a terminal, plain columns into a pipe or a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pymargin.cli.layout import fitted, groups

__all__ = ["Column", "Screen"]

# What is longer, such as an address, may be broken anywhere.
_LONGEST_WORD = 32


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    title
        Its heading.
    is_number
        Set to the right, never folded.
    """

    title: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """Standard output; what is printed is data, so no markup is read in it."""

    console: Console = field(
        default_factory=lambda: Console(
            file=sys.stdout, markup=False, highlight=False, emoji=False, soft_wrap=False
        )
    )

    def line(self, text: str = "", *, style: str | None = None) -> None:
        """Print a line; a terminal folds it between words."""
        if self.console.is_terminal:
            self.console.print(Text(_printable(text), style=style or ""))
        else:
            self.console.file.write(f"{_printable(text)}\n")

    def heading(self, text: str) -> None:
        """Print a heading after an empty line."""
        self.line()
        self.line(text, style="bold")

    def table(
        self, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, keys: int = 1
    ) -> None:
        """Print a table; its cells are shown as they are.

        Columns for which a terminal has no room follow below, after the first `keys` again, which
        say what a row is of.
        """
        cells = [[_printable(cell) for cell in row] for row in rows]
        if not self.console.is_terminal:
            self.console.file.writelines(f"{line}\n" for line in _aligned(columns, cells))
            return
        width = self.console.width
        least = [_least_width(*one) for one in _by_column(columns, cells)]
        for place, group in enumerate(groups(least, keys, width)):
            if place:
                self.line()
            self.console.print(_framed(columns, cells, group, width))


def _framed(
    columns: Sequence[Column], rows: list[list[str]], group: list[int], width: int
) -> Table:
    """Return a table of some of the columns; words fold before figures do."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    taken = [columns[k] for k in group]
    cells = [[row[k] for k in group] for row in rows]
    by_column = list(_by_column(taken, cells))
    least = [_least_width(*one) for one in by_column]
    natural = [max(map(cell_len, (column.title, *of_it))) for column, of_it in by_column]
    for column, size in zip(taken, fitted(least, natural, width), strict=True):
        # A figure folds rather than lose a digit.
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        table.add_column(Text(column.title), justify=justify, overflow="fold", width=size)
    for row in cells:
        table.add_row(*map(Text, row))
    return table


def _by_column(
    columns: Sequence[Column], rows: list[list[str]]
) -> Iterator[tuple[Column, list[str]]]:
    for place, column in enumerate(columns):
        yield column, [row[place] for row in rows]


def _least_width(column: Column, cells: Sequence[str]) -> int:
    """Return the width that whole figures and the words of the title, or whole words, take."""
    words = [word for line in (column.title, *cells) for word in line.split()]
    least = min(max(map(cell_len, words), default=0), _LONGEST_WORD)
    if column.is_number:
        least = max(least, *map(cell_len, cells), 0)
    return least


def _aligned(columns: Sequence[Column], rows: list[list[str]]) -> Iterable[str]:
    lines = [[column.title for column in columns], *rows]
    widths = [max(map(len, cells)) for cells in zip_longest(*lines, fillvalue="")]
    for line in lines:
        cells = (
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _printable(text: str) -> str:
    """Escape control characters: an id must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )

"""Prints text and tables: framed on a terminal, plain columns into a pipe or a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Column", "Screen"]


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

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; its cells are shown as they are."""
        cells = [[_printable(cell) for cell in row] for row in rows]
        if self.console.is_terminal:
            self.console.print(_framed(columns, cells, self.console.width))
        else:
            self.console.file.writelines(f"{line}\n" for line in _aligned(columns, cells))


def _framed(columns: Sequence[Column], rows: list[list[str]], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    # Words fold before figures do; but a figure folds rather than lose a digit.
    needed = sum(map(_least_width, columns, zip(*rows, strict=True))) + 2 * (len(columns) - 1)
    keeps_figures = bool(rows) and needed <= width
    for column in columns:
        table.add_column(
            Text(column.title),
            justify="right" if column.is_number else "left",
            overflow="fold",
            no_wrap=column.is_number and keeps_figures,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _least_width(column: Column, cells: Sequence[str]) -> int:
    """Return the width that whole figures, or whole words, take."""
    lines = (column.title, *cells)
    parts = lines if column.is_number else (word for line in lines for word in line.split())
    return max(map(len, parts), default=0)


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

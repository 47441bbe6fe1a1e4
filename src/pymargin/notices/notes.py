"""What is noted while a notice is read: changes, problems, and which text they account for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymargin.notices.change import (
    Change,
    ChangeValue,
    NoticeProblem,
    NoticeProduct,
    NoticeTable,
    ProblemAction,
)
from pymargin.notices.headers import Header
from pymargin.notices.text import Passage

__all__ = ["Effect", "Notes", "Table"]

_FIGURE = re.compile(r"[0-9]+")
_LONGEST_TEXT = 400


@dataclass(frozen=True, slots=True)
class Effect:
    """From when a table is in force, and how long the exchange may be at it."""

    at: datetime
    window: timedelta


@dataclass(frozen=True, slots=True)
class Table:
    """A head and the stretch of its passage that its body lies in."""

    passage: Passage
    header: Header
    end: int

    def body(self) -> str:
        """Return the text from the head's end."""
        return self.passage.text[self.header.end : self.end]


class Notes:
    """Collects changes and problems, and keeps account of every figure of a table."""

    def __init__(self) -> None:
        self.changes: list[tuple[int, Change]] = []
        self.problems: list[NoticeProblem] = []
        self._said: set[NoticeProblem] = set()
        self._accounted: dict[int, list[tuple[int, int]]] = {}

    def change(
        self,
        passage: Passage,
        span: tuple[int, int],
        effect: Effect,
        product: NoticeProduct,
        table: NoticeTable,
        key: str | int,
        before: ChangeValue | None,
        after: ChangeValue | None,
    ) -> None:
        """Note a change, read from a span of a passage, which it accounts for."""
        text = " ".join(passage.text[slice(*span)].split())
        change = Change(product, table, key, effect.at, effect.window, before, after, text)
        self.changes.append((passage.line_at(span[0]), change))
        self.account(passage, *span)

    def problem(
        self,
        passage: Passage,
        span: tuple[int, int],
        what: str,
        action: ProblemAction,
        how: str,
    ) -> None:
        """Note a problem about a span of a passage; the span is accounted for."""
        text = " ".join(passage.text[slice(*span)].split())
        if len(text) > _LONGEST_TEXT:
            text = f"{text[: _LONGEST_TEXT - 3]}..."
        self.say(NoticeProblem(passage.line_at(span[0]), what, action, how, text))
        self.account(passage, *span)

    def say(self, problem: NoticeProblem) -> None:
        """Note a problem as it is, once."""
        if problem not in self._said:
            self._said.add(problem)
            self.problems.append(problem)

    def account(self, passage: Passage, start: int, end: int) -> None:
        """Say that the figures of a span are in a change or a problem, or are no table's."""
        self._accounted.setdefault(id(passage), []).append((start, end))

    def unaccounted(self, table: Table, end: int) -> Iterator[tuple[int, int]]:
        """Find the figures of a table, up to an end, that nothing accounts for."""
        spans: Sequence[tuple[int, int]] = self._accounted.get(id(table.passage), ())
        left = bytearray(end)
        for figure in _FIGURE.finditer(table.passage.text, table.header.start, end):
            left[figure.start() : figure.end()] = b"1" * (figure.end() - figure.start())
        for start, stop in spans:
            left[start:stop] = bytes(max(min(stop, end) - start, 0))
        for found in re.finditer(b"1+", left):
            yield found.span()

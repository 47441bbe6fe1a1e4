"""Tables whose cells or rows stand on lines of their own, gathered into one passage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pymargin.notices.headers import are_cells, headers_in
from pymargin.notices.moments import moments_in
from pymargin.notices.names import symbols_in
from pymargin.notices.text import Passage

__all__ = ["gathered"]

# What stands in cells: figures, signs, short names in capitals. Each letter can be matched in one
# way only, so that no text takes long.
_CELLS = re.compile(r"(?:[A-Z0-9.,%/<≤>≥~+|\s-]|(?<=[0-9\s])x|(?<=P)osition)+")
_RULE = re.compile(r"[-*_]{3,}")
_LONG_WORD = re.compile("[A-Z]{17}")

_LONGEST_CELL, _MOST_HEAD_LINES = 60, 24
_HEAD_AND_BODY = 2


def gathered(passages: Sequence[Passage]) -> list[Passage]:
    """Put a head, and the cells on the lines under it, into one passage; loose cells into one."""
    found: list[Passage] = []
    place = 0
    while place < len(passages):
        group = _group_at(passages, place)
        found.append(_joined(group))
        place += len(group)
    return found


def _group_at(passages: Sequence[Passage], place: int) -> Sequence[Passage]:
    """Return the passages from a place on that are one."""
    first = passages[place]
    if first.is_title:
        return [first]
    if _ends_in_head([first]):
        return [first, *_cells_from(passages, place + 1)]
    if len(first.text) < _LONGEST_CELL:
        head = _head_in_lines(passages, place)
        if head:
            return [*head, *_cells_from(passages, place + len(head))]
        loose = _cells_from(passages, place)
        if len(loose) > 1:
            return loose
    return [first]


def _cells_from(passages: Sequence[Passage], place: int) -> list[Passage]:
    """Return the lines of cells from a place on; a rule under them is none of them."""
    group: list[Passage] = []
    while place + len(group) < len(passages) and _is_cells(passages[place + len(group)]):
        group.append(passages[place + len(group)])
    while group and _RULE.fullmatch(group[-1].text.strip()):
        group.pop()
    return group


def _head_in_lines(passages: Sequence[Passage], place: int) -> list[Passage]:
    """Return the lines of a head whose cells each have their own; none where there is no head."""
    group: list[Passage] = []
    for passage in passages[place : place + _MOST_HEAD_LINES]:
        # "Ratios after the update:" announces a table, and is no cell of its head.
        if len(passage.text) >= _LONGEST_CELL or passage.text.rstrip().endswith(":"):
            break
        if not are_cells(_joined([*group, passage]).text):
            break
        group.append(passage)
    return group if len(group) > 1 and _ends_in_head(group) else []


def _ends_in_head(group: Sequence[Passage]) -> bool:
    text = _joined(group).text
    headers = list(headers_in(text))
    return bool(headers) and not text[headers[-1].end :].strip(" |")


def _is_cells(passage: Passage) -> bool:
    if passage.is_title or _CELLS.fullmatch(passage.text) is None:
        return False
    if _LONG_WORD.search(passage.text):
        return False
    return not moments_in(passage.text) and not symbols_in(passage.text)


def _joined(group: Sequence[Passage]) -> Passage:
    """Join passages; more than a head and its body are cells, which are set apart by bars."""
    if len(group) == 1:
        return group[0]
    text = ""
    starts: list[int] = []
    numbers: list[int] = []
    gap = " " if len(group) == _HEAD_AND_BODY and len(group[-1].text) > _LONGEST_CELL else " | "
    for passage in group:
        text += gap if text else ""
        starts += [len(text) + start for start in passage.starts]
        numbers += passage.numbers
        text += passage.text
    return Passage(text, tuple(starts), tuple(numbers))

"""Tables whose cells or rows stand on lines of their own, gathered into one passage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pymargin.notices.headers import headers_in
from pymargin.notices.moments import moments_in
from pymargin.notices.names import symbols_in
from pymargin.notices.text import Passage

__all__ = ["gathered"]

# What stands in cells: figures, signs, short names in capitals.
_CELLS = re.compile(
    r"(?:[0-9][0-9,.]*\s?[%xX]?|N\s?/?\s?A|[<≤>≥~+|,-]|Position|[A-Z0-9]{1,16}|\s)+"
)

_LONGEST_CELL = 60
_HEAD_AND_BODY = 2


def gathered(passages: Sequence[Passage]) -> list[Passage]:
    """Put a head, and the cells on the lines under it, into one passage."""
    found: list[Passage] = []
    place = 0
    while place < len(passages):
        group = [passages[place]]
        if not group[0].is_title and _ends_in_head(group):
            while place + len(group) < len(passages) and _is_cells(passages[place + len(group)]):
                group.append(passages[place + len(group)])
        elif not group[0].is_title and len(group[0].text) < _LONGEST_CELL:
            group = _head_in_lines(passages, place)
        found.append(_joined(group))
        place += len(group)
    return found


def _head_in_lines(passages: Sequence[Passage], place: int) -> list[Passage]:
    """Return the lines of a head whose cells each have their own, and of its body; or one line."""
    first = passages[place]
    group = [first]
    size = 1
    while place + size < len(passages) and len(passages[place + size].text) < _LONGEST_CELL:
        group.append(passages[place + size])
        size += 1
        if not _is_head_so_far(group):
            group.pop()
            break
    if len(group) == 1 or not _ends_in_head(group):
        return [first]
    while place + len(group) < len(passages) and _is_cells(passages[place + len(group)]):
        group.append(passages[place + len(group)])
    return group


def _is_head_so_far(group: Sequence[Passage]) -> bool:
    """Tell whether lines are cells of a head and nothing else."""
    text = _joined(group).text
    headers = list(headers_in(text))
    return len(headers) == 1 and not (text[: headers[0].start] + text[headers[0].end :]).strip()


def _ends_in_head(group: Sequence[Passage]) -> bool:
    text = _joined(group).text
    headers = list(headers_in(text))
    return bool(headers) and not text[headers[-1].end :].strip(" |")


def _is_cells(passage: Passage) -> bool:
    if passage.is_title or _CELLS.fullmatch(passage.text) is None:
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

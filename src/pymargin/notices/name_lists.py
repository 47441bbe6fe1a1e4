"""Lists of names that figures may run into: ``XRP,DOGE01,000,000`` or ``LDO79A, DYDX``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pymargin.notices.figures import skip
from pymargin.notices.known_names import KNOWN
from pymargin.notices.names import is_certain, is_name

__all__ = ["NameList", "name_lists"]

_RUN = re.compile(r"[A-Z0-9\u00c0-\uffdc][A-Za-z0-9.\u00c0-\uffdc]*")
_SEPARATOR = re.compile(r"\s*(?:[,;/&]|\band\b)(?:\s*(?:and\b|&))?\s*")
# In ENA60% the sign may be a name's own letters.
_ABSENT = re.compile(r"N/?A(?=[0-9-]|N/?A)")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class NameList:
    """Names that may end at ``end``; those whose digits may not be their own are ``doubtful``."""

    names: tuple[str, ...]
    end: int
    doubtful: tuple[str, ...]


def name_lists(text: str, at: int, end: int) -> Iterator[NameList]:
    """Offer the lists of names that start here: a list may end before any digit.

    Where the text has its cells set apart, no name ends within a word.

    Examples
    --------
    >>> [found.names for found in name_lists("A, C910", 0, 7)]
    [('A',), ('A', 'C'), ('A', 'C9'), ('A', 'C91'), ('A', 'C910')]
    """
    names: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    at = skip(text, at)
    while True:
        run = _RUN.match(text, at, end)
        if run is None:
            return
        for cut in range(run.start() + 1, run.end() + 1):
            if cut - run.start() > _LONGEST:
                break
            name = text[run.start() : cut]
            is_absent = _ABSENT.match(text, cut) is not None and "|" not in text
            is_cut = cut == run.end() or (text[cut].isdigit() and "|" not in text)
            if (is_cut or is_absent) and is_name(name):
                is_sure = _is_sure(text, at, name) and not is_absent
                doubt = () if is_sure and not _is_cut_short(run.group(), name) else (name,)
                yield NameList((*names, name), cut, doubtful + doubt)
        whole = run.group()
        separator = _SEPARATOR.match(text, run.end(), end)
        if separator is None or not is_name(whole):
            return
        doubtful += () if _is_sure(text, at, whole) else (whole,)
        names += (whole,)
        at = separator.end()


def _is_sure(text: str, start: int, name: str) -> bool:
    """Tell whether the digits in and before a name are surely shared out rightly."""
    if _is_cell(text, start, start + len(name)):
        return True
    before = text[start - 1 : start]
    is_cut_off = before.isdigit() and before + name in KNOWN and name not in KNOWN
    return is_certain(name) and not is_cut_off


def _is_cut_short(run: str, name: str) -> bool:
    """Tell whether a known name with more digits begins a run: C98 in C98, read as C and 98."""
    more = re.match("[0-9]*", run[len(name) :])
    digits = more.group() if more else ""
    return any(name + digits[:size] in KNOWN for size in range(1, len(digits) + 1))


def _is_cell(text: str, start: int, end: int) -> bool:
    """Tell whether a name is a cell, or part of one, in a table that has its cells set apart."""
    if "|" not in text:
        return False
    before = text[:start].rstrip(" ")[-1:]
    after = text[end:].lstrip(" ")[:1]
    return before in ("|", ",") and after in ("|", ",")

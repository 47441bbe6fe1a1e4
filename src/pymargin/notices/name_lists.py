"""Lists of names that figures may run into: ``XRP,DOGE01,000,000`` or ``LDO79A, DYDX``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pymargin.notices.figures import skip
from pymargin.notices.known_names import KNOWN
from pymargin.notices.names import is_certain, is_name

__all__ = ["NameList", "NameLists"]

_RUN = re.compile(r"[A-Z0-9\u00c0-\uffdc][A-Za-z0-9.\u00c0-\uffdc]{0,63}")
_SEPARATOR = re.compile(r"\s*(?:[,;/&]|\band\b)(?:\s*(?:and\b|&))?\s*")
# In ENA60% the sign may be a name's own letters.
_ABSENT = re.compile(r"N/?A(?=[0-9-]|N/?A)")
_LONGEST = 40
_MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class NameList:
    """Names that may end at ``end``; those whose digits may not be their own are ``doubtful``."""

    names: tuple[str, ...]
    end: int
    doubtful: tuple[str, ...]


class NameLists:
    """Finds the lists of names in a text, each place once.

    Where the text has its cells set apart, no name ends within a word.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.has_bars = "|" in text
        self._known: dict[int, tuple[NameList, ...]] = {}

    def at(self, at: int) -> tuple[NameList, ...]:
        """Return the lists that start here: they end before a digit, or where nothing joins.

        Examples
        --------
        >>> [found.names for found in NameLists("A, C910").at(0)]
        [('A', 'C'), ('A', 'C9'), ('A', 'C91'), ('A', 'C910')]
        """
        runs: list[re.Match[str]] = []
        after: tuple[NameList, ...] = ()
        place: int | None = skip(self.text, at)
        while place is not None and len(runs) < _MOST_NAMES:
            if place in self._known:
                after = self._known[place]
                break
            run = _RUN.match(self.text, place)
            if run is None:
                break
            runs.append(run)
            place = self._next(run)
        for run in reversed(runs):
            after = (*self._ends(run), *self._joined(run, after))
            self._known[run.start()] = after
        return after

    def _next(self, run: re.Match[str]) -> int | None:
        """Say where the next name starts; None where none joins."""
        separator = _SEPARATOR.match(self.text, run.end())
        is_sign = self.text.startswith("N/A", run.end() - 1) and run.group() not in KNOWN
        return separator.end() if separator and is_name(run.group()) and not is_sign else None

    def _joined(self, run: re.Match[str], after: tuple[NameList, ...]) -> Iterator[NameList]:
        """Put a whole name before the lists that start after it."""
        if not after or self._next(run) is None:
            return
        name = run.group()
        doubt = () if self._is_sure(run.start(), name) else (name,)
        for found in after:
            yield NameList((name, *found.names), found.end, doubt + found.doubtful)

    def _ends(self, run: re.Match[str]) -> Iterator[NameList]:
        """Offer the names that a list may end with here."""
        for cut in range(run.start() + 1, min(run.end(), run.start() + _LONGEST) + 1):
            follows = self.text[cut : cut + 1]
            is_absent = not self.has_bars and _ABSENT.match(self.text, cut) is not None
            # A list that goes on does not end.
            is_end = cut == run.end() and _SEPARATOR.match(self.text, cut) is None
            is_cut = is_end or (cut < run.end() and follows.isdigit() and not self.has_bars)
            if not (is_cut or is_absent):
                continue
            name = self.text[run.start() : cut]
            if is_name(name):
                is_sure = self._is_sure(run.start(), name) and not (
                    is_absent and self._may_be_letters(name, cut)
                )
                doubt = () if is_sure and not _is_cut_short(run.group(), name) else (name,)
                yield NameList((name,), cut, doubt)

    def _is_sure(self, start: int, name: str) -> bool:
        """Tell whether the digits in and before a name are surely shared out rightly."""
        if self._is_cell(start, start + len(name)):
            return True
        before = self.text[start - 1 : start]
        is_cut_off = before.isdigit() and before + name in KNOWN and name not in KNOWN
        has_sign = name not in KNOWN and name.endswith("NA") and name[:-2] in KNOWN
        return is_certain(name) and not is_cut_off and not has_sign

    def _may_be_letters(self, name: str, at: int) -> bool:
        """Tell whether the sign NA behind a name may be its own last letters."""
        is_sign = self.text.startswith("N/A", at) or (name in KNOWN and f"{name}NA" not in KNOWN)
        return not is_sign

    def _is_cell(self, start: int, end: int) -> bool:
        """Tell whether a name is a cell, or part of one, where cells are set apart."""
        if not self.has_bars:
            return False
        before = self.text[max(start - 8, 0) : start].rstrip(" ")[-1:]
        after = self.text[end : end + 8].lstrip(" ")[:1]
        return before in ("|", ",") and after in ("|", ",")


def _is_cut_short(run: str, name: str) -> bool:
    """Tell whether a known name with more digits begins a run: C98 in C98, read as C and 98."""
    more = re.match("[0-9]*", run[len(name) :])
    digits = more.group() if more else ""
    return any(name + digits[:size] in KNOWN for size in range(1, len(digits) + 1))

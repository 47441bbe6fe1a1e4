"""Names of a notice that those who know the names do not know: a digit or a letter may be lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from pymargin.notices.change import Change, NoticeProblem

__all__ = ["Known", "unknown_names"]

Known: TypeAlias = Mapping[str, Collection[str]] | Iterable[str]
"""Names of assets and symbols, or products to the names that they have."""


def unknown_names(changes: Sequence[tuple[int, Change]], known: Known) -> Iterator[NoticeProblem]:
    """Find the names that are not known; a product without names is not looked at.

    ``changes`` are those of a notice, each with its line.
    """
    if isinstance(known, str):
        raise TypeError(f"known must be several names, not the text {known!r}")
    every = None if isinstance(known, Mapping) else frozenset(known)
    for line, change in changes:
        own = every if not isinstance(known, Mapping) else known.get(change.product)
        if isinstance(change.key, str) and own and change.key not in own:
            what = f"{change.key} ({change.product}) is no known name"
            how = "read as printed: it is new, or a digit or a letter is missing"
            yield NoticeProblem(line, what, "warned", how, change.text)

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
    # The names of one line are one problem: a table may be of a product whose names are not kept.
    found: dict[tuple[int, str], dict[str, str]] = {}
    for line, change in changes:
        own = every if not isinstance(known, Mapping) else known.get(change.product)
        if isinstance(change.key, str) and own and change.key not in own:
            found.setdefault((line, change.product), {}).setdefault(change.key, change.text)
    for (line, product), names in found.items():
        told = "is no known name" if len(names) == 1 else "are no known names"
        what = f"{', '.join(names)} ({product}) {told}"
        how = "read as printed: new, or a digit or a letter is missing"
        yield NoticeProblem(line, what, "warned", how, next(iter(names.values())))

"""Fits the columns of a table into the width of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["fitted", "groups"]

# Between two columns.
_GAP = 2


def groups(least: Sequence[int], keys: int, width: int) -> list[list[int]]:
    """Share out columns among tables that fit, each with the first `keys` columns in front.

    Parameters
    ----------
    least
        The width below which a column would be broken in a figure or a word.
    keys
        How many columns at the start every table has.
    width
        What a table may take; one column beside the keys it has in any case.
    """
    shared = list(range(min(keys, len(least))))
    found = [shared.copy()]
    for column in range(len(shared), len(least)):
        last = found[-1]
        if len(last) > len(shared) and _total([least[k] for k in (*last, column)]) > width:
            found.append(last := shared.copy())
        last.append(column)
    return found


def fitted(least: Sequence[int], natural: Sequence[int], width: int) -> list[int]:
    """Return the widths of columns that fit: the widest ones give way first, down to their least.

    Where not even those fit, the widest are cut below them.
    """
    for low in (least, [1] * len(least)):
        for cap in range(max(natural, default=0), 0, -1):
            widths = [min(n, max(x, cap)) for n, x in zip(natural, low, strict=True)]
            if _total(widths) <= width:
                return widths
    return [1] * len(least)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)

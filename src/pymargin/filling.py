"""The arrays that an evaluation fills: new ones, or those of an earlier result."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pymargin.results import Levels
from pymargin.words import counted

__all__ = ["arrays_for", "check_threads", "empty", "into"]

Result = TypeVar("Result", bound=Levels)


def check_threads(threads: int) -> None:
    """Refuse a negative number of threads; 0 stands for all processors."""
    if isinstance(threads, bool) or not isinstance(threads, Integral) or threads < 0:
        raise ValueError(f"threads must be at least 0, not {threads!r}")


def arrays_for(
    kind: type[Levels], n: int, fields: Collection[str] | None, out: Levels | None
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays to fill: those of `out`, or new ones for the fields asked for."""
    if out is not None:
        if type(out) is not kind or len(out) != n:
            found = type(out).__name__
            found += f" of {len(out):,}" if isinstance(out, Levels) else ""
            raise ValueError(f"out must be {kind.__name__} of {counted(n, 'account')}, not {found}")
        if fields is None or set(fields) == set(out.names):
            return out.arrays()
        raise ValueError(f"fields must be those of out, {list(out.names)}, not {list(fields)}")
    if fields is None:
        return empty(kind.fields, n)
    unknown = [name for name in fields if name not in kind.fields]
    if isinstance(fields, str) or unknown:
        raise ValueError(f"fields must be among {list(kind.fields)}, not {fields!r}")
    return empty(tuple(name for name in kind.fields if name in fields), n)


def empty(names: Sequence[str], n: int) -> dict[str, npt.NDArray[Any]]:
    """Return new arrays by name: float64[n], ``actions`` uint16[n]."""
    return {name: np.empty(n, np.uint16 if name == "actions" else np.float64) for name in names}


def into(out: Result | None, result: Result) -> Result:
    """Make an earlier result carry the new one: its arrays hold the new figures already."""
    if out is None:
        return result
    out.__dict__.update(result.__dict__)
    return out

"""Numbers of a question as exact fractions, and an exact answer as the float below it."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.errors import MarginError, Problem

__all__ = ["Number", "answer", "exact_numbers", "not_above", "shown"]

Number: TypeAlias = float | Decimal | Fraction | npt.ArrayLike
"""A number, or an array of numbers; a float counts as its shortest decimal."""


def exact_numbers(
    problems: list[Problem], name: str, given: Number, *, least: int, inclusive: bool
) -> npt.NDArray[np.object_]:
    """Read a number or an array of numbers as Fractions, noting every one that is out of range.

    Parameters
    ----------
    problems
        Extended by what is wrong.
    name
        The argument.
    given
        Ints, floats (each counts as the shortest decimal that reads back as it), Decimals or
        Fractions. What cannot be read stands as None in the result.
    least, inclusive
        The lower end of the range, and whether it belongs to it.
    """
    expected = f"a number {'of at least' if inclusive else 'above'} {least}"
    values = np.asarray(given, dtype=object)
    read = np.empty(values.shape, dtype=object)
    for place, value in np.ndenumerate(values):
        number = _exact(value)
        if number is None or number < least or (number == least and not inclusive):
            where = f"{name}[{', '.join(map(str, place))}]" if place else name
            problems.append(Problem(where, "out of range", shown(value), expected))
        else:
            read[place] = number
    return read


def shown(value: object) -> object:
    """Return a value as a message shows it: a text in its quotes, so that it reads as one."""
    return repr(value) if isinstance(value, str | bytes) else value


def _exact(value: object) -> Fraction | None:
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, Fraction | Integral):
        return Fraction(value)
    if isinstance(value, float | np.floating):
        value = Decimal(float.__repr__(float(value)))
    return Fraction(value) if isinstance(value, Decimal) and value.is_finite() else None


def not_above(number: Fraction) -> float:
    """Return the largest float whose shortest decimal is not above a number of at least 0.

    An answer that says "at most" must not let through, by rounding, what the exact one does not.

    Examples
    --------
    >>> not_above(Fraction(1, 10)), not_above(Fraction(50_000, 3))
    (0.1, 16666.666666666664)
    """
    try:
        found = float(number)
    except OverflowError:
        return math.nextafter(math.inf, 0.0)
    while Fraction(Decimal(repr(found))) > number:
        found = math.nextafter(found, 0.0)
    return found


def answer(question: Callable[..., float], *numbers: npt.NDArray[np.object_]) -> Any:
    """Ask a question for each element of the arrays together: float64, or a float for scalars.

    Raises
    ------
    MarginError
        The shapes do not go together.
    """
    try:
        together = np.broadcast(*numbers)
    except ValueError:
        shapes = ", ".join(str(one.shape) for one in numbers)
        raise MarginError(f"arrays must have shapes that go together, not {shapes}") from None
    found = np.fromiter((question(*one) for one in together), np.float64, together.size)
    return found.reshape(together.shape) if together.shape else float(found[0])

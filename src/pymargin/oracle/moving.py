"""A number that moves: what a formula gives when one of its inputs is a variable.

A formula of the oracle takes fractions and gives a fraction. Given a `Moving` in place of one of
them it gives the same formula as a function of the variable, by the arithmetic below: a quotient
of two polynomials, which near a point is the whole truth. Where the formula compares (a tier's
cap, a sign, a threshold), the comparison is decided as it stands right after that point in the
direction of the walk, and the path notes how far the outcome holds. From there the next step
starts: the walk goes from edge to edge, and no edge has to be known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from pymargin.oracle.polynomial import (
    Polynomial,
    common_divisor,
    divided,
    minus,
    plus,
    seen_from,
    sign_beyond,
    times,
    zero_beyond,
)

__all__ = ["Moving", "Path", "first_change"]

_ONE: Polynomial = (Fraction(1),)


@dataclass(slots=True)
class Path:
    """One step of a walk: where it starts, which way it goes, and how far its outcomes hold.

    Parameters
    ----------
    at
        Where the step starts.
    up
        Whether the variable grows.
    reach
        How far every comparison made so far keeps its outcome; None without end.
    is_met
        Whether a comparison met the variable at all.
    """

    at: Fraction
    up: bool
    reach: Fraction | None = None
    is_met: bool = False

    def variable(self) -> Fraction:
        """Return the variable itself; it stands in for a Fraction in every formula."""
        return cast("Fraction", Moving((Fraction(0), Fraction(1)), _ONE, self))

    def note(self, distance: Fraction | None) -> None:
        """Note that an outcome may change so far from the start of the step."""
        if distance is None:
            return
        zero = self.at + distance if self.up else self.at - distance
        if self.reach is None or (zero < self.reach if self.up else zero > self.reach):
            self.reach = zero


class Moving:
    """A quotient of polynomials in the variable of a path, in lowest terms.

    It does what the formulas do with a Fraction: arithmetic, comparisons and truth. A result
    that no longer moves is a Fraction again.
    """

    __slots__ = ("_bottom", "_path", "_top")

    def __init__(self, top: Polynomial, bottom: Polynomial, path: Path) -> None:
        self._top = top
        self._bottom = bottom
        self._path = path

    def __repr__(self) -> str:
        return f"Moving({self._top}, {self._bottom})"

    def _parts(self, other: object) -> tuple[Polynomial, Polynomial] | None:
        if isinstance(other, Moving):
            return other._top, other._bottom
        if isinstance(other, int | Fraction):
            return ((Fraction(other),) if other else ()), _ONE
        return None

    def _of(self, top: Polynomial, bottom: Polynomial) -> Moving | Fraction:
        if len(bottom) > 1 and top:
            common = common_divisor(top, bottom)
            top, bottom = divided(top, common)[0], divided(bottom, common)[0]
        if len(bottom) == 1 and bottom is not _ONE:
            top, bottom = tuple(c / bottom[0] for c in top), _ONE
        if not top:
            return Fraction(0)
        if len(top) == len(bottom) == 1:
            return top[0]
        return Moving(top, bottom, self._path)

    def __add__(self, other: object) -> Moving | Fraction:
        parts = self._parts(other)
        if parts is None:
            return NotImplemented
        top, bottom = parts
        if bottom == self._bottom:
            return self._of(plus(self._top, top), bottom)
        crossed = plus(times(self._top, bottom), times(top, self._bottom))
        return self._of(crossed, times(self._bottom, bottom))

    __radd__ = __add__

    def __neg__(self) -> Moving:
        return Moving(minus((), self._top), self._bottom, self._path)

    def __sub__(self, other: object) -> Moving | Fraction:
        parts = self._parts(other)
        if parts is None:
            return NotImplemented
        top, bottom = parts
        if bottom == self._bottom:
            return self._of(minus(self._top, top), bottom)
        crossed = minus(times(self._top, bottom), times(top, self._bottom))
        return self._of(crossed, times(self._bottom, bottom))

    def __rsub__(self, other: object) -> Moving | Fraction:
        return -self + other

    def __mul__(self, other: object) -> Moving | Fraction:
        parts = self._parts(other)
        if parts is None:
            return NotImplemented
        bottom = _ONE if self._bottom is parts[1] is _ONE else times(self._bottom, parts[1])
        return self._of(times(self._top, parts[0]), bottom)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Moving | Fraction:
        parts = self._parts(other)
        if parts is None:
            return NotImplemented
        return self._of(times(self._top, parts[1]), times(self._bottom, parts[0]))

    def __rtruediv__(self, other: object) -> Moving | Fraction:
        parts = self._parts(other)
        if parts is None:
            return NotImplemented
        return self._of(times(parts[0], self._bottom), times(parts[1], self._top))

    def _sign(self) -> int:
        path, signs = self._path, 1
        path.is_met = True
        for part in (self._top, self._bottom):
            seen = seen_from(part, path.at, up=path.up)
            path.note(zero_beyond(seen))
            signs *= sign_beyond(seen)
        return signs

    def __bool__(self) -> bool:
        return self._sign() != 0

    def _compared(self, other: object) -> int:
        difference = self - other
        if isinstance(difference, Moving):
            return difference._sign()
        self._path.is_met = True
        return (difference > 0) - (difference < 0)

    def __lt__(self, other: object) -> bool:
        return self._compared(other) < 0

    def __le__(self, other: object) -> bool:
        return self._compared(other) <= 0

    def __gt__(self, other: object) -> bool:
        return self._compared(other) > 0

    def __ge__(self, other: object) -> bool:
        return self._compared(other) >= 0

    def __eq__(self, other: object) -> bool:
        return self._compared(other) == 0

    __hash__ = None  # type: ignore[assignment]


def first_change(
    holds: Callable[[Fraction], bool],
    start: Fraction,
    *,
    up: bool,
    end: Fraction | None,
    end_counts: bool = True,
) -> Fraction | None:
    """Walk from a point to the first one at which a decision changes; None where none is.

    A decision that changes for a single point only, to be what it was right after, has not
    changed. At the very end of the way one that comes to hold counts.

    Parameters
    ----------
    holds
        The decision as a function of the variable, by formulas that take a Moving.
    start
        Where the walk starts.
    up
        Whether the variable grows.
    end
        How far the walk goes; None without end.
    end_counts
        Whether the decision can be taken at the end itself.
    """
    before, at = holds(start), start
    while at != end:
        path = Path(at, up, reach=end)
        if holds(path.variable()) is not before:
            return at
        if path.reach is None:
            return None
        at = path.reach
    return at if end is not None and end_counts and not before and holds(end) else None

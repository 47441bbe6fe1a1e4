"""Holds a figure of the exchange against ours: by how much may they differ, and why."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from pymargin.adapters.binance_answers import Item, number
from pymargin.errors import Problem
from pymargin.verify import Figure, Verdict, decimal_of

__all__ = ["Judge", "Level", "Sentinel", "Tolerance", "cut", "exactly", "level_tolerance"]

Level: TypeAlias = Fraction | float

UNIT = Fraction(1, 10**8)
"""One unit of the 8 decimals that the exchange prints."""

_QUANTITIES, _PRINTED = "quantities", "printed"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two figures may lie apart and still agree, and why."""

    size: Fraction
    why: str


@dataclass(frozen=True, slots=True)
class Sentinel:
    """A number that the exchange prints where there is none, and what it stands for."""

    value: Fraction
    stands_for: str


def exactly(why: str = "a sum of printed numbers") -> Tolerance:
    """Allow nothing."""
    return Tolerance(Fraction(0), why)


def cut(parts: Collection[Fraction] = (), what: str = "parts") -> Tolerance:
    """Allow for a figure cut or rounded to 8 decimals, as may be what it is summed from.

    Parameters
    ----------
    parts
        For each summand that is cut by itself the factor that it is multiplied by.
    what
        The summands, in the plural.
    """
    size = UNIT * (1 + sum((abs(factor) for factor in parts), Fraction(0)))
    several = f"each of {len(parts)} {what}" if len(parts) > 1 else f"its {what.removesuffix('s')}"
    summed = f", as is {several}" if parts else ""
    return Tolerance(size, f"cut to 8 decimals{summed}")


def level_tolerance(level: Level) -> Tolerance:
    """Allow 1e-8 of a level, and its last decimal: the exchange divides unrounded values."""
    size = UNIT if isinstance(level, float) else UNIT * (1 + abs(level))
    return Tolerance(size, "1e-8 of the level and its 8th decimal")


def quotient_tolerance(numerator: Fraction, denominator: Fraction) -> Tolerance:
    """Allow what the last decimals of two printed numbers leave open in their quotient."""
    if not denominator:
        return Tolerance(UNIT, "cut to 8 decimals")
    level = abs(numerator / denominator)
    size = UNIT * (1 + level + (1 + level) / abs(denominator))
    return Tolerance(size, "1e-8 of the level, and both parts are cut to 8 decimals")


@dataclass(slots=True)
class Judge:
    """Collects figures, remarks and what is no number.

    Attributes
    ----------
    figures, remarks, problems
        What has been found so far.
    """

    figures: list[Figure] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Note a sentence once."""
        self.remarks.setdefault(sentence)

    def number(self, item: Item, name: str) -> Fraction | None:
        """Return a number of an answer, exactly; None where it is absent or empty."""
        found = number(item, name, self.problems)
        return None if found is None else Fraction(found)

    def stated(self, item: Item, name: str) -> Decimal | None:
        """Return a figure of an answer; one that the answer leaves empty is remarked on."""
        if item.values.get(name) == "":
            self.remark(f"{name} is empty in the answer.")
        return number(item, name, self.problems)

    def missing(
        self,
        item: Item,
        name: str,
        missing: Collection[str],
        *,
        of: str = "",
        printed: bool = False,
    ) -> None:
        """Say what a figure would need, where the answer has it."""
        theirs = self.stated(item, name)
        if theirs is not None:
            self._add(item, name, of, printed, theirs, None, cut(), Verdict.MISSING, tuple(missing))

    def compare(
        self,
        item: Item,
        name: str,
        ours: Level | None,
        tolerance: Tolerance,
        *,
        of: str = "",
        printed: bool = False,
        missing: Collection[str] = (),
        sentinel: Sentinel | None = None,
        unsigned: bool = False,
    ) -> None:
        """Hold a figure against ours, where the answer has it.

        Parameters
        ----------
        item, name
            Where theirs stands.
        ours
            Our value; None, or an infinity, where only a sentinel can agree.
        tolerance
            How far they may lie apart.
        of
            The asset or position.
        printed
            Whether ours is of other figures of the answers only.
        missing
            What ours would need; where there is any, ours is not looked at.
        sentinel
            What the exchange prints where ours is none.
        unsigned
            Whether a size may be printed without its sign.
        """
        if missing:
            self.missing(item, name, missing, of=of, printed=printed)
            return
        theirs = self.stated(item, name)
        if theirs is None:
            return
        if ours is None or (isinstance(ours, float) and not math.isfinite(ours)):
            self._compare_sentinel(item, name, of, printed, theirs, ours, sentinel)
            return
        value = Fraction(ours)
        if unsigned and theirs > 0:
            value = abs(value)
        agrees = abs(Fraction(theirs) - value) <= tolerance.size
        verdict = Verdict.AGREES if agrees else Verdict.DIFFERS
        self._add(item, name, of, printed, theirs, value, tolerance, verdict)

    def _compare_sentinel(
        self,
        item: Item,
        name: str,
        of: str,
        printed: bool,
        theirs: Decimal,
        ours: Level | None,
        sentinel: Sentinel | None,
    ) -> None:
        agrees = sentinel is not None and Fraction(theirs) == sentinel.value
        why = "ours is no finite number"
        if sentinel is not None:
            why = f"{decimal_of(sentinel.value):f} stands for {sentinel.stands_for}"
        verdict = Verdict.AGREES if agrees else Verdict.DIFFERS
        self._add(item, name, of, printed, theirs, ours, Tolerance(Fraction(0), why), verdict)

    def _add(
        self,
        item: Item,
        name: str,
        of: str,
        printed: bool,
        theirs: Decimal,
        ours: Level | None,
        tolerance: Tolerance,
        verdict: Verdict,
        missing: tuple[str, ...] = (),
    ) -> None:
        difference = Fraction(theirs) - ours if isinstance(ours, Fraction) else None
        self.figures.append(
            Figure(
                name=name,
                of=of,
                path=f"{item.path}.{name}",
                basis=_PRINTED if printed else _QUANTITIES,
                theirs=theirs,
                ours=None if ours is None else decimal_of(ours),
                difference=None if difference is None else decimal_of(difference),
                tolerance=decimal_of(tolerance.size),
                reason=tolerance.why,
                verdict=verdict,
                missing=tuple(dict.fromkeys(missing)),
            )
        )

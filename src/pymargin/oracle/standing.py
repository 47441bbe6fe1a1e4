"""What decides over an account: the ratios of its pools, as every mode hands them on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from pymargin.modes import Action
from pymargin.oracle.terms import Level, level_of

__all__ = ["Pool", "Ratio", "Reading", "Standing", "levels_of"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A level as numerator and denominator; an amount has the denominator 1."""

    numerator: Fraction
    denominator: Fraction = Fraction(1)

    @property
    def level(self) -> Level:
        """N/D, with the float infinities where D is 0."""
        return level_of(self.numerator, self.denominator)


Pool: TypeAlias = Mapping[str, Ratio | None]
"""The ratios of one pool by the name of their level; None where a level cannot be told."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The pools that an account is decided on, or the flags of what it lacks to be priced."""

    flags: Action
    pools: tuple[Pool, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The arguments that say how a mode is read; each mode takes those that concern it."""

    leverage: int | None = None
    collateral: Literal["gross", "net"] = "gross"
    order_loss: Literal["marginal", "standalone"] = "marginal"
    withdrawal: Literal["maintenance", "initial"] = "maintenance"


def levels_of(pool: Pool) -> dict[str, Level]:
    """Return the levels of a pool by name; NaN where one cannot be told."""
    return {name: math.nan if ratio is None else ratio.level for name, ratio in pool.items()}

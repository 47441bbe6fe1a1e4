"""What a table of tiers is made of: cells, chains of them, blocks, and the laws that they keep."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from pymargin.notices.bands import Band
from pymargin.notices.figures import Rate
from pymargin.rules.schedules import Tier

__all__ = ["Block", "Cell", "CellRole", "Chain", "Fault", "Law", "Layout", "Reading"]

CellRole: TypeAlias = Literal["rank", "leverage", "band", "edges", "rate"]


@dataclass(frozen=True, slots=True)
class Law:
    """How the rates of a table go."""

    rates: Literal["falling", "rising"]

    def allows(self, before: Rate, after: Rate) -> bool:
        """Tell whether a rate may follow another; margins may stay, which is unusual."""
        if self.rates == "falling":
            return after.value < before.value
        return after.value >= before.value


@dataclass(frozen=True, slots=True)
class Layout:
    """What the head says about the body.

    Parameters
    ----------
    sides
        The cells of each side's rows, in their order; one or two sides.
    law
        How rates go.
    names
        Whether a block begins with the names of assets or symbols.
    may_be_blank
        Whether a missing cell may be missing without a sign. Then tiers that share a leverage
        stand in one row.
    lenient
        A side whose cells need not keep the laws; nothing is read from it. The other side must be
        whole then.
    """

    sides: tuple[tuple[CellRole, ...], ...]
    law: Law
    names: bool = False
    may_be_blank: bool = False
    lenient: int | None = None

    @property
    def is_repeated(self) -> bool:
        """Whether a table of this layout may hold several blocks."""
        return self.names or any("rank" in side for side in self.sides)


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of one side."""

    rank: int | None = None
    low: int | None = None
    high: int | None = None
    band: Band | None = None
    rate: Rate | None = None
    start: int = 0

    @property
    def tier_band(self) -> Band:
        """The band, which every whole cell has."""
        assert self.band is not None
        return self.band

    @property
    def tier_rate(self) -> Rate:
        """The rate, which every whole cell has."""
        assert self.rate is not None
        return self.rate


Chain: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A law that a reading breaks, at an offset."""

    kind: Literal["floor", "cap", "leverage", "rate", "comma", "name"]
    at: int
    side: int
    what: str


@dataclass(frozen=True, slots=True)
class Block:
    """The names and chains of one block, and where it lies."""

    names: tuple[str, ...]
    chains: tuple[Chain, ...]
    start: int
    end: int

    def tiers(self, side: int) -> tuple[Tier, ...] | None:
        """Return the tiers of a side with floors that are the caps before; None if it has none."""
        floor, found = Decimal(0), []
        for cell in self.chains[side]:
            cap, leverage = cell.tier_band.cap, cell.high
            rate = cell.tier_rate.value
            found.append(Tier(floor, cap, rate, None if leverage is None else Decimal(leverage)))
            floor = cap if cap is not None else floor
        return tuple(found) or None

    def rank(self, side: int) -> int | None:
        """Return the rank in the first row of a side."""
        return self.chains[side][0].rank if self.chains[side] else None


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of a body: its blocks, the laws that it breaks, and where it ends."""

    blocks: tuple[Block, ...]
    faults: tuple[Fault, ...]
    end: int

    def values(self) -> tuple[object, ...]:
        """Return what the reading says, to tell readings that differ from those that do not."""
        return tuple(
            (block.names, *((block.rank(side), block.tiers(side)) for side in range(len(chains))))
            for block in self.blocks
            for chains in [block.chains]
        )

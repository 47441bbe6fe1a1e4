"""The laws that neighbouring cells of a chain keep, and the faults where they do not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pymargin.notices.bands import Band
from pymargin.notices.blocks import Block, Cell, Chain, Fault, Law
from pymargin.rules.schedules import OPEN_CAP

__all__ = ["are_apart", "broken_laws", "has_lost_cap", "is_under", "is_whole", "with_cap"]


def broken_laws(law: Law, chain: Chain, cell: Cell, side: int) -> tuple[Fault, ...] | None:
    """Return the laws that a cell breaks as the next of its chain; None if it cannot be it."""
    rate = cell.tier_rate
    if law.rates == "rising" and not rate.value:
        return None
    if cell.high is not None and rate.value * cell.high > 1:
        return None
    if cell.low is not None and cell.low >= (cell.high or 0):
        return None
    found = []
    band = cell.tier_band
    if chain:
        last = chain[-1]
        if not law.allows(last.tier_rate, rate):
            return None
        is_repeated = rate.value == last.tier_rate.value
        if cell.high is not None and cell.high >= (last.high or 0) + (not is_repeated):
            return None
        if is_repeated:
            found.append(Fault("rate", cell.start, side, "the rate is that of the tier before"))
        if last.tier_band.is_cap_lost:
            found.append(
                Fault("cap", last.start, side, "a cap is no number, and the floor after it is "
                      f"{band.floor:,}")
            )  # fmt: skip
        elif band.floor != last.tier_band.cap:
            printed = "no number" if band.floor is None else f"{band.floor:,}"
            found.append(
                Fault("floor", cell.start, side, f"the floor {printed} is not the cap before, "
                      f"{last.tier_band.cap:,}")
            )  # fmt: skip
        if _has_gap(last, cell):
            found.append(
                Fault("leverage", cell.start, side,
                      f"leverage goes from {_span(last)} to {_span(cell)}")
            )  # fmt: skip
    if not band.is_regular and not band.is_cap_lost:
        found.append(
            Fault("comma", cell.start, side, f"the commas of {band.cap:,} stand elsewhere")
        )
    return tuple(found)


def _has_gap(last: Cell, cell: Cell) -> bool:
    """Tell whether printed ranges of leverage leave one out or have one twice."""
    if cell.high is None:
        return False
    if last.low is None and cell.low is None:
        return cell.high == last.high
    return cell.high != (last.low or last.high or 0) - 1


def is_under(band: Band, floor: Decimal) -> bool:
    """Tell whether a band ends before a floor; one whose cap is open or lost does not."""
    return band.cap is not None and band.cap <= floor


def with_cap(chain: Chain, cell: Cell) -> Chain:
    """Return a chain whose last cap, where it is lost, is the floor that follows."""
    if not chain or not chain[-1].tier_band.is_cap_lost:
        return chain
    band = replace(chain[-1].tier_band, cap=cell.tier_band.floor, is_cap_lost=False)
    return (*chain[:-1], replace(chain[-1], band=band))


def has_lost_cap(block: Block) -> bool:
    """Tell whether a chain ends with a cap that no floor follows to say what it is."""
    return any(chain and chain[-1].tier_band.is_cap_lost for chain in block.chains)


def is_whole(block: Block, lenient: int) -> bool:
    """Tell whether the sides that are read go to their end: leverage 1, or no cap."""
    for side, chain in enumerate(block.chains):
        if side == lenient:
            continue
        if not chain:
            return False
        last = chain[-1]
        is_last = last.high == 1 or (last.high is not None and last.low == 1)
        if last.high is None:
            is_last = last.tier_band.cap is None or last.tier_band.cap >= OPEN_CAP
        if not is_last:
            return False
    return True


def are_apart(block: Block, lengths: tuple[tuple[int, ...], ...]) -> bool:
    """Tell whether the last row, and the one before it, could not be arranged otherwise.

    ``lengths`` are those of the chains at the end of each earlier row. Cells of one row share a
    leverage; lone cells of two rows, on either side, do not.
    """
    now = tuple(map(len, block.chains))
    last = lengths[-1] if lengths else (0, 0)
    ahead = lengths[-2] if len(lengths) > 1 else (0, 0)
    new = [chain[-1] if now[side] > last[side] else None for side, chain in enumerate(block.chains)]
    old = [
        chain[last[side] - 1] if last[side] > ahead[side] else None
        for side, chain in enumerate(block.chains)
    ]
    if new[0] and new[1] and not _overlap(new[0], new[1]):
        return False
    pairs = ((old[0], new[1]), (old[1], new[0])) if not (old[0] and old[1]) else ()
    return not any(one and two and _overlap(one, two) for one, two in pairs)


def _overlap(one: Cell, two: Cell) -> bool:
    low = max(one.low or one.high or 0, two.low or two.high or 0)
    return low <= min(one.high or 0, two.high or 0)


def _span(cell: Cell) -> str:
    return f"{cell.low} - {cell.high}x" if cell.low is not None else f"{cell.high}x"

"""The figures of the exchange's cross-margin documents, each under the document that states it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from pymargin.rules.schedules import Tier

__all__ = [
    "FLAT_RATIOS",
    "FLAT_RATIOS_SINCE",
    "FLAT_RATIOS_SOURCE",
    "MOVES",
    "TIERS",
    "TIERS_PRINTED_SINCE",
    "TIERS_SOURCE",
    "Move",
    "standing",
]

T = TypeVar("T")

_AUGUST_2025 = (
    "Binance Margin Will Update the Collateral Ratio of Multiple Cross Margin Assets (2025-08-08)"
)
_OCTOBER_2025 = (
    "Binance Margin Will Update the Collateral Ratio of Multiple Cross Margin Assets (2025-10-31)"
)
_DECEMBER_2025 = "Binance Margin, update of cross-margin collateral ratios (2025-12-08)"
_JANUARY_2026 = "Binance Margin, update of cross-margin collateral ratios (2026-01-12)"

# Caps and rates in per cent, as printed; above the last cap the ratio is 0 up to 100,000,000,000,
# which is the exchange's way of writing an open tier.
_PRINTED: dict[int, str] = {
    6: "800000:100 1200000:95 2000000:85 2500000:50 4000000:20 6000000:10",
    7: "200000:100 400000:80 800000:70 1000000:50 3000000:20 4000000:10",
    8: "100000:100 250000:80 500000:60 700000:30 1000000:10",
    9: "100000:100 150000:80 200000:60 400000:30 600000:10",
    10: "100000:100",
}


def _tiers(printed: str) -> tuple[Tier, ...]:
    tiers: list[Tier] = []
    floor = Decimal(0)
    for entry in printed.split():
        cap, rate = (Decimal(part) for part in entry.split(":"))
        tiers.append(Tier(floor, cap, rate / 100))
        floor = cap
    return (*tiers, Tier(floor, None, Decimal(0)))


TIERS: dict[int, tuple[Tier, ...]] = {rank: _tiers(text) for rank, text in _PRINTED.items()}
"""Collateral (since 2026-01-21: liquidation) tiers by rank; those of ranks 1-5 are not stated."""

TIERS_SOURCE = f"{_OCTOBER_2025}: tiers of ranks 6 to 10, the same in {_AUGUST_2025}"

TIERS_PRINTED_SINCE = datetime(2025, 8, 8, tzinfo=UTC)
"""The first document that prints the tiers; for an earlier moment they are taken as they are."""

FLAT_RATIOS: dict[int, Decimal] = {
    rank: Decimal(percent) / 100
    for rank, percent in {
        1: "99.99",
        2: "95",
        3: "90",
        4: "90",
        5: "80",
        6: "60",
        7: "50",
        8: "40",
        9: "20",
        10: "10",
    }.items()
}
"""Borrow and transfer-out ratio by rank: the same figure for both."""

FLAT_RATIOS_SINCE = datetime(2026, 1, 21, 13, tzinfo=UTC)

FLAT_RATIOS_SOURCE = (
    "Binance Margin Will Update the Collateral Ratio of Multiple Parameters for Cross Margin Mode"
    " (2026-01-21): borrow and transfer-out ratios of ranks 1 to 10"
)


@dataclass(frozen=True, slots=True)
class Move(Generic[T]):
    """Say that something of each asset (or symbol) changes at a moment, and holds from it on.

    Parameters
    ----------
    effective
        Aware UTC.
    before, after
        The rank, the rate or the tiers; ``before`` is None where the document gives only what
        holds after.
    assets
        The assets, or the symbols.
    source
        The document.
    """

    effective: datetime
    before: T | None
    after: T
    assets: tuple[str, ...]
    source: str


def standing(moves: Iterable[Move[T]], moment: datetime | None) -> dict[str, T]:
    """Return what each asset has at a moment; before the first move of it, what that one states.

    ``moves`` come in order of time; a moment of None is after all of them.
    """
    found: dict[str, T] = {}
    moved: set[str] = set()
    for move in moves:
        in_force = moment is None or moment >= move.effective
        for asset in move.assets:
            if in_force:
                found[asset] = move.after
            elif asset not in moved and move.before is not None:
                found[asset] = move.before
        moved.update(move.assets)
    return found


def _moves(effective: datetime, source: str, printed: str) -> list[Move[int]]:
    """Read one line per move: before, after, assets; a dash where before is not stated."""
    moves = []
    for line in printed.strip().splitlines():
        before, after, *assets = line.split()
        known = None if before == "-" else int(before)
        moves.append(Move(effective, known, int(after), tuple(assets), source))
    return moves


# The hour of 2025-12-08 is not stated in what we have; 06:00 UTC, the hour of every other such
# change, is our reading.
MOVES: tuple[Move[int], ...] = (
    *_moves(
        datetime(2025, 11, 7, 6, tzinfo=UTC),
        _OCTOBER_2025,
        """
        5 6 WIF
        6 8 JTO OP NEO
        7 8 CFX RAY ALGO TIA POL W LDO
        7 9 A DYDX RUNE ORDI STX
        9 10 1000CHEEMS ACE ACX CHR CTK DGB DUSK ENJ FIO FLUX FORTH GLMR GUN HEI HOT ILV LRC ME MOVR OGN ONG POLYX QTUM RAD RDNT RLC RPL RVN SXP ZIL
        """,  # noqa: E501 - one line per move
    ),
    *_moves(
        datetime(2025, 11, 14, 6, tzinfo=UTC),
        _OCTOBER_2025,
        """
        7 9 VET NEIRO
        8 9 LUNC GMT GRT C98 PEOPLE MEME IO BOME ARKM ZEN STRK
        8 10 FLOW CKB WIN G LQTY TNSR MASK
        9 10 ACA AMP AUCTION BAND BAT BICO DEGO NEWT NEXO NIL PARTI PYR SCR TLM TOWNS YFI ZRX
        """,
    ),
    *_moves(
        datetime(2025, 12, 8, 6, tzinfo=UTC),
        _DECEMBER_2025,
        """
        - 8 ZEC ASTER BONK SEI
        - 9 ETHFI ETC GALA ATOM FLOKI W ALGO JUP RAY
        - 10 BTTC PYTH APE JTO NEO
        """,
    ),
    *_moves(
        datetime(2026, 1, 12, 6, tzinfo=UTC),
        _JANUARY_2026,
        """
        6 7 ARB
        4 5 ADA
        8 9 CFX
        7 6 TRX
        8 7 ASTER ZEC
        9 8 XPL
        """,
    ),
)
"""Every move of an asset from rank to rank that the documents state, in order of time."""

"""The figures of the exchange's documents on portfolio margin, each under its document."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from pymargin.rules.builtin_tables import Move
from pymargin.rules.schedules import Tier

__all__ = [
    "PRO_MOVES",
    "PRO_TIERS",
    "PRO_TIERS_SINCE",
    "PRO_TIERS_SOURCE",
    "RATES",
    "RATES_SOURCE",
]

_FEBRUARY_2026 = (
    "Update on the Collateral Ratio Under Portfolio Margin and the Leverage & Margin Tiers of"
    " USDⓈ-M Perpetual Contracts (2026-02-03)"
)
_EFFECTIVE = datetime(2026, 2, 6, 6, tzinfo=UTC)

PRO_TIERS_SINCE = datetime(2024, 9, 11, tzinfo=UTC)
"""When Portfolio Margin Pro began to rate collateral by tiers; before, it had flat rates."""

PRO_TIERS_SOURCE = (
    "Tiered collateral ratio of Portfolio Margin Pro, FAQ 146ac090710a49f99c4732b00f8c09df"
    " (2024-09-11); its ranks as printed by the updates on the collateral ratio under portfolio"
    " margin of 2025 and 2026"
)

# Caps and rates in per cent, as printed; the last rate has no cap. The notice prints rank and
# floor of ranks 13 and 16 run together: that they are these is our reading.
_PRINTED: dict[int, tuple[str, str]] = {
    3: ("10000000:100 30000000:97.5", "95"),
    4: ("3000000:100 6000000:95", "90"),
    5: ("1000000:100 2000000:95 5000000:75", "60"),
    6: ("800000:100 1200000:95 4000000:75", "50"),
    7: ("800000:100 1200000:95 2000000:75", "50"),
    8: ("200000:100 400000:80 800000:70 1000000:40", "20"),
    9: ("100000:100 250000:80 500000:50", "10"),
    10: ("50000:100 100000:80 200000:50 400000:20", "10"),
    11: ("50000:100", "10"),
    13: ("8000000:99.9 12000000:97.5", "0"),
    16: ("1200000:100 2000000:97.5", "0"),
}


def _tiers(closed: str, last: str) -> tuple[Tier, ...]:
    tiers: list[Tier] = []
    floor = Decimal(0)
    for entry in closed.split():
        cap, percent = (Decimal(part) for part in entry.split(":"))
        tiers.append(Tier(floor, cap, percent / 100))
        floor = cap
    return (*tiers, Tier(floor, None, Decimal(last) / 100))


PRO_TIERS: dict[int, tuple[Tier, ...]] = {
    rank: _tiers(closed, last) for rank, (closed, last) in _PRINTED.items()
}
"""Collateral tiers by rank of Portfolio Margin Pro; ranks 1, 2, 12, 14 and 15 are not stated."""

PRO_MOVES: tuple[Move[int], ...] = (
    Move(_EFFECTIVE, 7, 8, ("FET", "STRK"), f"{_FEBRUARY_2026}: ranks of Portfolio Margin Pro"),
)
"""Every move from rank to rank of Portfolio Margin Pro."""

RATES_SOURCE = f"{_FEBRUARY_2026}: collateral ratios of portfolio margin"


def _rates(printed: str) -> tuple[Move[Decimal], ...]:
    """Read one line per change: before and after in per cent, assets."""
    moves = []
    for line in printed.strip().splitlines():
        before, after, *assets = line.split()
        sides = (Decimal(before) / 100, Decimal(after) / 100)
        moves.append(Move(_EFFECTIVE, *sides, tuple(assets), RATES_SOURCE))
    return tuple(moves)


RATES: tuple[Move[Decimal], ...] = _rates(
    """
    85 80 LTC
    75 70 DOT
    65 60 TON ENA
    65 50 ATOM
    55 50 OP FET
    50 40 ZRO
    45 30 STRK
    35 30 DYM
    20 10 WAXP VANA IO ANIME
    15 10 MOVR ALPINE STORJ BAND COS LQTY TLM FUN
    """
)
"""Every change of a flat collateral rate of portfolio margin that the documents state."""

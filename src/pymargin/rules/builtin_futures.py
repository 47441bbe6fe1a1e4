"""The brackets that the exchange's documents on futures state, each under its document."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from pymargin.rules.builtin_tables import Move
from pymargin.rules.schedules import Tier

__all__ = ["BRACKETS", "BRACKETS_SOURCE"]

BRACKETS_SOURCE = (
    "Update on the Collateral Ratio Under Portfolio Margin and the Leverage & Margin Tiers of"
    " USDⓈ-M Perpetual Contracts (2026-02-03): brackets of ten contracts"
)

_TESLA = datetime(2026, 2, 3, 9, tzinfo=UTC)
_OTHERS = datetime(2026, 2, 6, 6, 30, tzinfo=UTC)


def _tiers(printed: str) -> tuple[Tier, ...]:
    """Read brackets as leverage, cap and rate in per cent, from the smallest position on."""
    tiers: list[Tier] = []
    floor = Decimal(0)
    for entry in printed.split():
        leverage, cap, percent = (Decimal(part) for part in entry.split(":"))
        tiers.append(Tier(floor, cap, percent / 100, leverage))
        floor = cap
    return tuple(tiers)


def _move(effective: datetime, before: str, after: str, *symbols: str) -> Move[tuple[Tier, ...]]:
    return Move(effective, _tiers(before), _tiers(after), symbols, BRACKETS_SOURCE)


# The notice prints floors that contradict the caps in the new brackets of MAVIAUSDT, ACTUSDT and
# ALPINEUSDT; the caps are right, as the exchange's API showed on the day.
_SIX = "10:10000:5 5:60000:10 4:70000:12.5 3:250000:16.67 2:500000:25 1:800000:50"
_EIGHT = (
    "25:5000:2 20:10000:2.5 10:20000:5 5:50000:10 4:100000:12.5 3:250000:16.67 2:2500000:25"
    " 1:5000000:50"
)

# TSLAUSDT's 16.67 % is printed as 16.70 %, and applied as 16.67 %.
BRACKETS: tuple[Move[tuple[Tier, ...]], ...] = (
    _move(
        _TESLA,
        "5:10000:10 4:100000:12.5 3:500000:16.67 2:8000000:25 1:15000000:50",
        "10:5000:5 5:10000:10 4:100000:12.5 3:500000:16.67 2:8000000:25 1:15000000:50",
        "TSLAUSDT",
    ),
    _move(
        _OTHERS,
        "75:7500:1 50:15000:1.5 25:75000:2 20:200000:2.5 15:350000:3.33 10:750000:5 5:3000000:10"
        " 4:4500000:12.5 3:7500000:16.67 2:12000000:25 1:15000000:50",
        "75:5000:1 50:10000:1.5 25:50000:2 20:100000:2.5 15:175000:3.33 10:250000:5 5:750000:10"
        " 4:1500000:12.5 3:4500000:16.67 2:7500000:25 1:12500000:50",
        "IPUSDT",
    ),
    _move(
        _OTHERS,
        "20:5000:3 10:10000:5 5:50000:10 4:150000:12.5 3:250000:16.67 2:800000:25 1:1000000:50",
        _SIX,
        "MAVIAUSDT",
    ),
    _move(
        _OTHERS,
        "20:5000:3 10:15000:5 5:50000:10 4:100000:12.5 3:250000:16.67 2:2500000:25 1:5000000:50",
        _SIX,
        "ACTUSDT",
    ),
    _move(
        _OTHERS,
        "20:5000:2.5 10:10000:5 5:60000:10 4:70000:12.5 3:700000:16.67 2:2500000:25 1:5000000:50",
        _SIX,
        "ALPINEUSDT",
    ),
    _move(
        _OTHERS,
        "20:2000:2.5 10:10000:5 5:60000:10 4:100000:12.5 3:500000:16.67 2:2500000:25 1:5000000:50",
        _EIGHT,
        "PIPPINUSDT",
    ),
    _move(
        _OTHERS,
        "20:1000:3.5 10:10000:5 5:50000:10 4:100000:12.5 3:1000000:16.67 2:2500000:25 1:5000000:50",
        _EIGHT,
        "JELLYJELLYUSDT",
    ),
    _move(
        _OTHERS,
        "20:10000:2.5 10:20000:5 5:50000:10 4:250000:12.5 3:500000:16.67 2:7500000:25"
        " 1:12500000:50",
        _EIGHT,
        "LIGHTUSDT",
    ),
    _move(
        _OTHERS,
        "20:5000:2.5 10:10000:5 5:50000:10 4:100000:12.5 3:250000:16.67 2:500000:25 1:800000:50",
        _EIGHT,
        "GUAUSDT",
        "我踏马来了USDT",
    ),
)
"""Every change of brackets that the documents state, in order of time."""

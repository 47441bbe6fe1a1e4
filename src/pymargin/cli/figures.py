"""Figures as people read them: rounded, with thousands separated."""

from __future__ import annotations

import math

from pymargin.modes import Action

__all__ = ["action_words", "amount", "counted", "level_figure", "share"]

_WORDS = {
    Action.TRADE: "trade",
    Action.BORROW: "borrow",
    Action.TRANSFER_OUT: "transfer out",
    Action.MARGIN_CALL: "margin call",
    Action.LIQUIDATE: "liquidate",
    Action.UNPRICED_ASSET: "unpriced asset",
    Action.UNPRICED_DEBT: "unpriced debt",
    Action.BEYOND_TIERS: "beyond tiers",
}


def amount(value: float) -> str:
    """Return USDT without cents."""
    return "-" if math.isnan(value) else f"{value:,.0f}"


def level_figure(level: float) -> str:
    """Return a level: six decimals where it is small, ``no debt`` for infinity."""
    if math.isnan(level):
        return "-"
    if math.isinf(level):
        return "no debt" if level > 0 else "-inf"
    return f"{level:,.6f}" if abs(level) < 100 else f"{level:,.2f}"


def share(part: float, whole: float) -> str:
    """Return a part as a percentage; what is there never reads as nothing."""
    if not whole:
        return "-"
    percentage = 100 * part / whole
    return "< 0.01 %" if 0 < percentage < 0.01 else f"{percentage:.2f} %"


def action_words(bits: int) -> str:
    """Return actions in words, the weightiest first; a flag without a word by its name."""
    flags = sorted(Action(bits), key=lambda flag: -flag.value)
    return ", ".join(_WORDS.get(flag, str(flag.name)) for flag in flags) or "none"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun in the right number."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

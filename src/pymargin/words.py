"""Figures and actions as people read them: rounded, with thousands separated, in words."""

from __future__ import annotations

import math
from datetime import timedelta

from pymargin.modes import Action, Mode

__all__ = ["action_words", "amount", "counted", "duration", "level_figure", "price_fall", "share"]

# Further digits of such a level tell nothing.
_LARGE = 1e9
_WORDS = {
    Action.TRADE: "trade",
    Action.BORROW: "borrow",
    Action.TRANSFER_OUT: "transfer out",
    Action.MARGIN_CALL: "margin call",
    Action.LIQUIDATE: "liquidate",
    Action.REDUCE_ONLY: "reduce only",
    Action.BANKRUPT: "bankrupt",
    Action.ISOLATED_LIQUIDATE: "liquidate isolated",
    Action.UNPRICED_ASSET: "unpriced asset",
    Action.UNPRICED_DEBT: "unpriced debt",
    Action.BEYOND_TIERS: "beyond tiers",
}


def amount(value: float) -> str:
    """Return USDT without cents."""
    return "-" if math.isnan(value) else f"{value:,.0f}"


def level_figure(level: float, mode: str = Mode.CROSS_CLASSIC) -> str:
    """Return a level with six decimals, so that those of a column align.

    Infinity is ``no debt`` in cross margin, else ``none``: no maintenance margin is asked for.

    >>> level_figure(1.1), level_figure(1234.5), level_figure(4.2e12)
    ('1.100000', '1,234.500000', '4.2e+12')
    >>> level_figure(math.inf), level_figure(math.inf, "usdm")
    ('no debt', 'none')
    """
    if math.isnan(level):
        return "-"
    if math.isinf(level):
        unlimited = "no debt" if mode in (Mode.CROSS_CLASSIC, Mode.CROSS_PRO) else "none"
        return unlimited if level > 0 else "-inf"
    return f"{level:,.6f}" if abs(level) < _LARGE else f"{level:.6g}"


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


def duration(window: timedelta) -> str:
    """Return a time in words.

    >>> duration(timedelta(minutes=30)), duration(timedelta(hours=1))
    ('30 minutes', '1 hour')
    """
    minutes = round(window.total_seconds() / 60)
    return counted(minutes, "minute") if minutes % 60 else counted(minutes // 60, "hour")


def price_fall(factor: float) -> str:
    """Return by how much prices fall on the way to a factor; a rise has a plus sign.

    >>> price_fall(0.75), price_fall(1.1), price_fall(float("nan"))
    ('-25.00 %', '+10.00 %', '-')
    """
    return "-" if math.isnan(factor) else f"{100 * (factor - 1):+.2f} %"

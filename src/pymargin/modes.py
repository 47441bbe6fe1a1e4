"""Margin modes and the actions an account may take; thresholds are rules."""

from __future__ import annotations

from enum import IntEnum, IntFlag, StrEnum

__all__ = ["Action", "Mode", "RootReason"]


class Mode(StrEnum):
    """The margin systems of the exchange."""

    CROSS_CLASSIC = "cross_classic"
    CROSS_PRO = "cross_pro"
    PORTFOLIO = "portfolio"
    PORTFOLIO_PRO = "portfolio_pro"
    USDM = "usdm"
    COINM = "coinm"


class Action(IntFlag):
    """What an account may still do, and what is done to it; stored as uint16."""

    TRADE = 1
    BORROW = 2
    TRANSFER_OUT = 4
    MARGIN_CALL = 8
    LIQUIDATE = 16
    REDUCE_ONLY = 32
    BANKRUPT = 64
    ISOLATED_LIQUIDATE = 128
    UNPRICED_ASSET = 256
    UNPRICED_DEBT = 512
    UNPRICED = UNPRICED_ASSET | UNPRICED_DEBT
    BEYOND_TIERS = 1024


class RootReason(IntEnum):
    """What became of the search for a price; stored as uint8.

    OK: there is a price. NEVER: no price does it. NO_EXPOSURE: the level does not depend on
    what is moved. ALREADY: the account is there at the current price; the last price at which
    it still is, on the way to where it leaves, is given where there is one. UNPRICED: the level
    cannot be told.
    """

    OK = 0
    NEVER = 1
    NO_EXPOSURE = 2
    ALREADY = 3
    UNPRICED = 4

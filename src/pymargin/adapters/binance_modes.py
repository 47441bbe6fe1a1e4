"""Which mode the exchange's answers are of: as they say, or as their shape tells."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from pymargin.adapters.binance_answers import Answers, Item
from pymargin.modes import Mode

__all__ = ["ACCOUNT_TYPES", "is_span", "possible_modes", "stated_mode"]

ACCOUNT_TYPES = MappingProxyType(
    {
        "MARGIN_1": Mode.CROSS_CLASSIC,
        "MARGIN_2": Mode.CROSS_PRO,
        "PM_1": Mode.PORTFOLIO_PRO,
        "PM_2": Mode.PORTFOLIO,
    }
)
_SPAN = "PM_3"
_CROSS = (Mode.CROSS_CLASSIC, Mode.CROSS_PRO)
_PORTFOLIO = (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO)
_FUTURES = (Mode.USDM, Mode.COINM)
# What an account's answer has in USDⓈ-M only.
_USDM_ONLY = {"totalWalletBalance", "multiAssetsMargin"}


def possible_modes(answers: Answers, products: Collection[str]) -> tuple[Mode, ...]:
    """Return the modes that the shape of the answers allows, the likeliest first.

    Parameters
    ----------
    answers
        About one account.
    products
        ``usdm`` and ``coinm``, as far as its positions are of them.
    """
    if answers.crosses:
        return _CROSS
    if answers.summaries or answers.balances or any(map(_is_unified, answers.wallets)):
        return _PORTFOLIO
    if any(_USDM_ONLY & item.values.keys() for item in answers.accounts):
        return (Mode.USDM,)
    known = set(products) - {""}
    return (Mode(known.pop()),) if len(known) == 1 else _FUTURES


def stated_mode(answers: Answers) -> Mode | None:
    """Return the mode that an answer states, SPAN being a kind of Portfolio Margin Pro."""
    for item in (*answers.crosses, *answers.summaries):
        said = ACCOUNT_TYPES.get(str(item.values.get("accountType")))
        if said is not None:
            return said
        if is_span(item):
            return Mode.PORTFOLIO_PRO
    return None


def is_span(item: Item) -> bool:
    """Return whether a summary is of Portfolio Margin Pro SPAN."""
    return "riskUnitMMList" in item.values or item.values.get("accountType") == _SPAN


def _is_unified(wallet: Item) -> bool:
    """Return whether a wallet is of papi, whose accounts have no wallet balances of their own."""
    return "walletBalance" not in wallet.values

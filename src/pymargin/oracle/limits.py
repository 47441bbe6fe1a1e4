"""Limits that need no account: what may be transferred in, how large a position may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from pymargin.errors import MarginError, Problem
from pymargin.modes import Mode
from pymargin.oracle.schedule import exact, exact_decimal
from pymargin.oracle.terms import Level

if TYPE_CHECKING:
    from pymargin.rules import MarginRules, Tier

__all__ = ["max_leverage", "max_position", "max_transfer_in"]

_RANKS = (7, 8, 9, 10)
# Portfolio Margin Pro is not named by the rule: that it is exempt is our reading.
_MODES = (Mode.CROSS_CLASSIC, Mode.CROSS_PRO, Mode.PORTFOLIO)
_FREE_SHARE = Fraction(4, 5)


def max_transfer_in(
    total: float,
    upper_limit: float,
    price: float,
    *,
    amount: float = 50_000,
    rank: int | None = None,
    mode: Mode | str | None = None,
) -> Level:
    """Return how much of an asset may be transferred in as collateral, in units of the asset.

    "Margin Asset Max Collateral Rule" (2025-03-27), u being total / upper limit: below 80 %, up
    to 80 % of the limit; from exactly 80 % on, 50,000 USDT a transfer, and never more than is
    left of the limit; above it nothing. Only ranks 7 to 10, and only Cross Margin Classic, Cross
    Margin Pro and Portfolio Margin: elsewhere ``inf``. That the 50,000 are for each transfer is
    our reading.

    Parameters
    ----------
    total, upper_limit
        Of the asset in all margin accounts but isolated ones, in units of the asset.
    price
        USDT of one unit, above 0.
    amount
        USDT of one transfer from 80 % on.
    rank, mode
        Of the asset and of the account; None where the rule is known to apply.
    """
    numbers = {"total": total, "upper_limit": upper_limit, "price": price, "amount": amount}
    problems = [
        Problem(name, "number", number, "finite and 0 or more")
        for name, number in numbers.items()
        if not 0 <= number < math.inf
    ]
    if price == 0:
        problems.append(Problem("price", "number", price, "above 0"))
    if problems:
        raise MarginError(problems)
    if (rank is not None and rank not in _RANKS) or (mode is not None and mode not in _MODES):
        return math.inf
    held, limit = exact(total), exact(upper_limit)
    free = _FREE_SHARE * limit
    if held < free:
        return free - held
    return max(Fraction(0), min(exact(amount) / exact(price), limit - held))


def max_position(symbol: str, leverage: float, rules: MarginRules) -> Level:
    """Return the largest notional that the brackets of a symbol allow at a leverage.

    The cap of the last bracket whose leverage is at least that: in the settlement asset (COIN-M:
    in coin). 0 where no bracket allows it, ``inf`` where the last one is open.

    Raises
    ------
    RulesError
        The symbol has no brackets or its contract is not known.
    MarginError
        `leverage` is below 1, or the brackets name no leverage.
    """
    if not 1 <= leverage < math.inf:
        raise MarginError([Problem("leverage", "leverage", leverage, "1 or more")])
    tiers = rules.tiers(rules.contract(symbol).product, symbol)
    allowed = [tier for tier in tiers if _leverage(symbol, tier) >= exact(leverage)]
    if not allowed:
        return Fraction(0)
    cap = allowed[-1].cap
    return math.inf if cap is None else exact_decimal(cap)


def max_leverage(tiers: Sequence[Tier], stake: float) -> Fraction:
    """Return the largest leverage at which a stake's position stays in a bracket that allows it.

    The largest L with ``stake * L`` at or below the cap of a bracket whose leverage is at least
    L; at least 1, the leverage of no debt. Above the last cap the last bracket goes on, for a
    stake that is within it; 0 for one that is not.
    """
    last_cap = tiers[-1].cap
    if last_cap is not None and exact(stake) > exact_decimal(last_cap):
        return Fraction(0)
    best = Fraction(1)
    for tier in tiers:
        largest = _leverage("tiers", tier)
        is_last = tier is tiers[-1]
        has_end = tier.cap is not None and not is_last and stake > 0
        within = exact_decimal(tier.cap) / exact(stake) if has_end else largest
        best = max(best, min(largest, within))
    return best


def _leverage(place: str, tier: Tier) -> Fraction:
    if tier.leverage is None:
        raise MarginError([Problem(place, "leverage", None, "of brackets that name a leverage")])
    return exact_decimal(tier.leverage)

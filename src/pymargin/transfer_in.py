"""How much of an asset may still be brought in as collateral: the exchange's limit per asset."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from pymargin.errors import MarginError, Problem
from pymargin.exact_numbers import Number, answer, exact_numbers, not_above
from pymargin.modes import Mode

__all__ = ["max_transfer_in"]

_RANKS = range(7, 11)
_MODES = (Mode.CROSS_CLASSIC, Mode.CROSS_PRO, Mode.PORTFOLIO)
# Spot isolated margin is no mode here, but the rule names it: it is exempt.
_KNOWN_MODES = (*map(str, Mode), "isolated")
_FREE_SHARE = Fraction(4, 5)


def max_transfer_in(
    total: Number,
    upper_limit: Number,
    price: Number,
    *,
    amount: float | Decimal = 50_000,
    rank: Any = None,
    mode: str | None = None,
) -> Any:
    """Return the largest quantity of an asset that one transfer may bring in as collateral.

    "Margin Asset Max Collateral Rule" (2025-03-27). With the usage ``total / upper_limit``:

    - below 80 %: up to 80 % of the limit;
    - from 80 % (which is in this band: Example 1) to 100 %: ``amount`` USDT, and never past the
      limit; a further transfer may follow (FAQ 2);
    - above 100 %: nothing.

    Our readings: the figures are quantities of the asset, as in Example 3; below 80 % no transfer
    goes beyond 80 %, even where ``amount`` would reach further; no total per user is applied; and
    Portfolio Margin Pro, which the rule does not name, is exempt.

    Parameters
    ----------
    total
        Quantity of the asset in all margin accounts of the exchange but isolated ones, at least
        0. Like the next two a number or an array (they broadcast); a float counts as its shortest
        decimal, so that the band is decided exactly.
    upper_limit
        The limit of the asset, in units of the asset, at least 0.
    price
        Index price in USDT, above 0.
    amount
        USDT that one transfer may bring in from 80 % on; the exchange may change it.
    rank
        The asset's rank in cross margin, a whole number of at least 1 or an array of them: the
        rule holds for ranks 7 to 10 only. None: it holds.
    mode
        The account's mode: the rule holds for ``cross_classic``, ``cross_pro`` and ``portfolio``
        only. None: it holds.

    Returns
    -------
    float or float64 array
        Units of the asset, rounded down where float64 cannot hold the quantity; ``inf`` where the
        rule does not hold.

    Raises
    ------
    MarginError
        With every number that is out of its range, and an unknown mode.

    Examples
    --------
    >>> max_transfer_in(500_000, 1_000_000, 1), max_transfer_in(2_990_000, 3_000_000, 1)
    (300000.0, 10000.0)
    """
    problems: list[Problem] = []
    totals = exact_numbers(problems, "total", total, least=0, inclusive=True)
    limits = exact_numbers(problems, "upper_limit", upper_limit, least=0, inclusive=True)
    prices = exact_numbers(problems, "price", price, least=0, inclusive=False)
    amounts = exact_numbers(problems, "amount", amount, least=0, inclusive=True)
    ranks = np.asarray(None, dtype=object)
    if rank is not None:
        ranks = exact_numbers(problems, "rank", rank, least=1, inclusive=True)
        problems += _broken_ranks(ranks)
    if mode is not None and mode not in _KNOWN_MODES:
        expected = f"one of {', '.join(_KNOWN_MODES)}"
        problems.append(Problem("mode", "unknown mode", mode, expected))
    if problems:
        raise MarginError(problems)
    is_exempt = mode is not None and mode not in _MODES
    return answer(
        lambda *one: math.inf if is_exempt else _transfer(*one),
        totals,
        limits,
        prices,
        amounts,
        ranks,
    )


def _broken_ranks(ranks: Any) -> list[Problem]:
    return [
        Problem("rank", "rank", float(rank), "a whole number")
        for rank in ranks.flat
        if rank is not None and rank.denominator != 1
    ]


def _transfer(
    total: Fraction, limit: Fraction, price: Fraction, amount: Fraction, rank: Fraction | None
) -> float:
    if rank is not None and rank not in _RANKS:
        return math.inf
    free = _FREE_SHARE * limit - total
    if free > 0:
        return not_above(free)
    return not_above(max(Fraction(0), min(amount / price, limit - total)))

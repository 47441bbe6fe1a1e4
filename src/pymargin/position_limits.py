"""How large a futures position may be at a leverage, and at what leverage a size may be held."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from pymargin.errors import MarginError, Problem, RulesError
from pymargin.evaluation import check_rules_given
from pymargin.exact_numbers import Number, answer, exact_numbers, not_above
from pymargin.rules import MarginRules
from pymargin.rules.contracts import FUTURES

__all__ = ["max_leverage", "max_leverage_for_stake", "max_position"]


def max_position(symbol: str, leverage: Number, rules: MarginRules) -> Any:
    """Return the largest notional that the brackets of a symbol allow at a leverage.

    It is the cap of the last bracket whose leverage is not below the one asked for
    ("Leverage and Margin of USDⓈ-M Futures Contracts", FAQ 360033162192); a bracket's cap belongs
    to it.

    Parameters
    ----------
    symbol
        A symbol with brackets in table ``usdm`` or ``coinm``.
    leverage
        At least 1; a number or an array.
    rules
        The rules.

    Returns
    -------
    float or float64 array
        Notional at mark in the settlement asset (usdm) or in the base coin (coinm), rounded down
        where float64 cannot hold the cap; 0 above the largest leverage of the symbol, and ``inf``
        where the last bracket is open.

    Raises
    ------
    MarginError
        A leverage below 1 or no number.
    RulesError
        The symbol has no brackets, or one of them names no leverage.

    Examples
    --------
    >>> from pymargin.rules import example_rules
    >>> max_position("BTCUSDT", 20, example_rules())
    25000000.0
    """
    brackets = _brackets(symbol, rules)
    problems: list[Problem] = []
    asked = exact_numbers(problems, "leverage", leverage, least=1, inclusive=True)
    if problems:
        raise MarginError(problems)

    def largest(one: Fraction) -> float:
        caps = [cap for cap, allowed in brackets if allowed >= one]
        if not caps:
            return 0.0
        return math.inf if caps[-1] is None else not_above(caps[-1])

    return answer(largest, asked)


def max_leverage(symbol: str, notional: Number, rules: MarginRules) -> Any:
    """Return the largest leverage at which the brackets of a symbol allow a notional.

    The inverse of ``max_position``: a notional is allowed at a leverage exactly where it is at
    most ``max_position`` of it.

    Parameters
    ----------
    symbol
        A symbol with brackets in table ``usdm`` or ``coinm``.
    notional
        Notional at mark in the settlement asset (usdm) or in the base coin (coinm), at least 0;
        a number or an array.
    rules
        The rules.

    Returns
    -------
    float or float64 array
        The leverage of the bracket; 0 above a closed last cap, where no leverage is allowed.

    Raises
    ------
    MarginError
        A notional below 0 or no number.
    RulesError
        The symbol has no brackets, or one of them names no leverage.

    Examples
    --------
    >>> from pymargin.rules import example_rules
    >>> max_leverage("BTCUSDT", 25_000_000, example_rules())
    20.0
    """
    brackets = _brackets(symbol, rules)
    problems: list[Problem] = []
    sizes = exact_numbers(problems, "notional", notional, least=0, inclusive=True)
    if problems:
        raise MarginError(problems)

    def largest(one: Fraction) -> float:
        for cap, allowed in brackets:
            if cap is None or one <= cap:
                return not_above(allowed)
        return 0.0

    return answer(largest, sizes)


def max_leverage_for_stake(symbol: str, stake: Number, rules: MarginRules) -> Any:
    """Return the largest leverage at which the brackets of a symbol allow a stake's position.

    A position of ``stake * leverage`` must lie within the cap of a bracket whose leverage is not
    below that one ("Leverage and Margin of USDⓈ-M Futures Contracts", FAQ 360033162192). At least
    1, the leverage of no debt, where the stake itself may be held at all; the last bracket goes on
    above a closed cap for what its leverage makes of the stake (our reading).

    Parameters
    ----------
    symbol
        A symbol with brackets in table ``usdm`` or ``coinm``.
    stake
        Initial margin in the settlement asset (usdm) or in the base coin (coinm), at least 0; a
        number or an array.
    rules
        The rules.

    Returns
    -------
    float or float64 array
        The leverage, which need not be whole, rounded down where float64 cannot hold it; 0 for a
        stake above a closed last cap, as of `max_leverage`.

    Raises
    ------
    MarginError
        A stake below 0 or no number.
    RulesError
        The symbol has no brackets, or one of them names no leverage.

    Examples
    --------
    >>> from pymargin.rules import example_rules
    >>> max_leverage_for_stake("BTCUSDT", [100, 2_000_000], example_rules())
    array([125. ,  12.5])
    """
    brackets = _brackets(symbol, rules)
    problems: list[Problem] = []
    stakes = exact_numbers(problems, "stake", stake, least=0, inclusive=True)
    if problems:
        raise MarginError(problems)

    def largest(one: Fraction) -> float:
        last_cap = brackets[-1][0]
        if last_cap is not None and one > last_cap:
            return 0.0
        best = Fraction(1)
        for number, (cap, allowed) in enumerate(brackets):
            is_last = number == len(brackets) - 1
            has_no_end = is_last or one == 0
            best = max(best, allowed if cap is None or has_no_end else min(allowed, cap / one))
        return not_above(best)

    return answer(largest, stakes)


def _brackets(symbol: str, rules: MarginRules) -> list[tuple[Fraction | None, Fraction]]:
    """Return cap and leverage of each bracket of a symbol."""
    check_rules_given(rules)
    found = [tiers for table in FUTURES if (tiers := rules.find(table, symbol)) is not None]
    if not found:
        raise RulesError(f"{symbol} has no schedule in table {' or '.join(FUTURES)}")
    brackets: list[tuple[Fraction | None, Fraction]] = []
    for position, tier in enumerate(found[0]):
        if tier.leverage is None:
            raise RulesError(f"bracket {position} of {symbol} names no leverage")
        cap = None if tier.cap is None else Fraction(tier.cap)
        brackets.append((cap, Fraction(tier.leverage)))
    return brackets

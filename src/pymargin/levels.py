"""Levels and actions of every account of a book: `cross_classic`, `cross_pro`, `evaluate`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from pymargin.book import cached, check_book, slot_accounts
from pymargin.errors import AccountsError, Problem, UnpricedError
from pymargin.evaluation import (
    CLASSIC,
    PRO,
    BoundMode,
    Evaluation,
    Missing,
    Order,
    check_rules_given,
    evaluation,
)
from pymargin.filling import arrays_for, check_threads, empty, into
from pymargin.futures import bind_futures
from pymargin.leverages import check_classic_leverage
from pymargin.modes import Mode
from pymargin.ordering import exact_key, given_keys, mode_keys, order_keys
from pymargin.portfolio import bind_portfolio
from pymargin.prices import PriceSource
from pymargin.results import BookLevels, ClassicLevels, Levels, ProLevels
from pymargin.rules import MarginRules
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = [
    "bind_cross",
    "bind_modes",
    "cross_classic",
    "cross_parts",
    "cross_pro",
    "evaluate",
    "joint_methodology",
]

Result = TypeVar("Result", bound=Levels)
_MODES = tuple(Mode)
# Of Cross Margin Pro: collateral on gross holdings, each order marginal on the whole holding.
_READINGS = ("gross", "marginal")


def cross_classic(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None = None,
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: ClassicLevels | None = None,
    order: Order = "user",
    threads: int = 1,
) -> ClassicLevels:
    """Evaluate every account under Cross Margin Classic, whatever its own mode.

    margin level = total asset / (total liability + interest); from 2026-06-15 collateral value
    over the same. Collateral, borrow and transfer-out margin level = sum of the tiered (from
    2026-01-21 for the latter two: flat) ratio of each value, over the same. Sources: Binance FAQ
    "Binance Margin Level and Margin Call" (360030493931); notice of 2026-01-21 "Binance Margin
    Will Update the Collateral Ratio of Multiple Parameters for Cross Margin Mode". Open orders are
    not counted.

    Parameters
    ----------
    accounts
        n accounts.
    prices
        Index prices in USDT: a mapping of asset to price, a `Prices`, or float64 aligned with
        ``accounts.assets``. USDT is 1 unless given.
    rules
        Schedules, methodology and thresholds.
    leverage
        3 or 5 for the accounts that state none.
    missing
        ``"raise"``, or ``"flag"``: accounts that hold or owe what cannot be valued are
        UNPRICED_ASSET or UNPRICED_DEBT, their levels NaN.
    fields
        Which results to compute; all where absent.
    out
        An earlier result for as many accounts, whose arrays are filled again and which is
        returned.
    order
        ``"user"``: results in account order; ``"slot"``: in the order of the prepared book, which
        spares the way back; ``.book_rows`` and ``.ids`` then name the account of each row.
    threads
        How many threads; 0 takes all processors. The result is the same for any.

    Returns
    -------
    ClassicLevels
        ``margin_level, collateral_margin_level, borrow_margin_level, transfer_out_margin_level``
        float64[n]; ``total_asset, total_liability, collateral_value`` float64[n] in USDT;
        ``actions`` uint16[n] of `Action` bits.

    Raises
    ------
    PricesError
        A price is negative or not a number.
    UnpricedError
        A held asset has no price or no schedule, a debt no price; each with how many accounts.
    AccountsError
        An account has no leverage and none is given.
    RulesError
        The rules state no methodology or thresholds for the mode.

    Examples
    --------
    >>> import pymargin as pm
    >>> rules = pm.builtin_rules(at="2025-11-14T06:00Z")
    >>> row = {"account": "a", "leverage": 5, "balances": [
    ...     {"asset": "WIF", "free": 1000}, {"asset": "USDT", "borrowed": 500}]}
    >>> levels = pm.cross_classic(pm.Accounts.from_rows([row]), {"WIF": 1.25}, rules)
    >>> levels.margin_level, pm.Action(int(levels.actions[0]))
    (array([2.5]), <Action.TRADE|BORROW|TRANSFER_OUT: 7>)
    """
    bound = evaluation(CLASSIC, accounts, prices, rules, leverage=leverage, missing=missing)
    return _run(bound, ClassicLevels, fields, out, order, threads)


def cross_pro(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: ProLevels | None = None,
    order: Order = "user",
    threads: int = 1,
) -> ProLevels:
    """Evaluate every account under Cross Margin Pro, whatever its own mode.

    margin level = (net collateral - open order loss) / maintenance margin. Net collateral =
    collateral value - (liability + interest); maintenance and initial margin are progressive over
    each liability's value. Source: Binance FAQ "How to Calculate the Margin Level on Cross Margin
    Pro" (12a78d8a), rules since 2025-01-21. Our reading: available margin = max(0, net
    collateral - open order loss - initial margin); margins on principal and interest.

    Parameters
    ----------
    accounts, prices, rules, missing, fields, out, order, threads
        As in `cross_classic`; debts need liability brackets, orders prices of both assets.
    collateral
        ``"gross"``: collateral on whole holdings, as published; ``"net"``: on what remains after
        the account's own debt in the asset, the debt-matched part counting in full.
    order_loss
        Open-order loss from orders, never netted (our reading): ``"marginal"`` values each order
        on top of the whole holding, ``"standalone"`` as if it were the only one.

    Returns
    -------
    ProLevels
        ``margin_level`` float64[n]; ``net_collateral, open_order_loss, maintenance_margin,
        initial_margin, available_margin`` float64[n] in USDT; ``actions`` uint16[n].

    Raises
    ------
    PricesError, UnpricedError, RulesError
        As in `cross_classic`.
    """
    bound = bind_cross(
        Mode.CROSS_PRO,
        accounts,
        prices,
        rules,
        leverage=None,
        missing=missing,
        readings=(collateral, order_loss),
    )
    return _run(bound, ProLevels, fields, out, order, threads)


def evaluate(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None = None,
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: BookLevels | None = None,
    threads: int = 1,
) -> BookLevels:
    """Evaluate every account under its own mode.

    Parameters
    ----------
    accounts, prices, rules, leverage, missing, fields, out, threads
        As in `cross_classic`; every account states a mode.

    Returns
    -------
    BookLevels
        ``level`` float64[n]: the mode's margin level, lower is worse; ``threshold`` float64[n]:
        at or below it an account is liquidated; ``actions`` uint16[n].

    Raises
    ------
    AccountsError
        An account has no mode.
    PricesError, UnpricedError, RulesError
        As in `cross_classic`; the faults of all modes at once.
    """
    check_threads(threads)
    check_book(accounts)
    arrays = arrays_for(BookLevels, len(accounts), fields, out)
    keys = np.empty(len(accounts))
    parts = bind_modes(accounts, prices, rules, leverage=leverage, missing=missing, threads=threads)
    for positions, bound in parts:
        _scatter(bound, positions, arrays, keys, threads)
    worst = (partial(given_keys, keys), partial(exact_key, parts, len(accounts)))
    result = BookLevels(accounts, rules, joint_methodology(parts), arrays, worst)
    return into(out, result)


def bind_modes(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None,
    missing: Missing,
    mode: Mode | str | None = None,
    readings: tuple[str, str] = _READINGS,
    threads: int = 1,
) -> list[tuple[npt.NDArray[np.int64] | None, BoundMode]]:
    """Bind each account under its own mode, or all under one; `readings` are those of Pro.

    Returns
    -------
    list
        Of (positions int64[k] in the book, or None where it is all of it; what is bound there).

    Raises
    ------
    UnpricedError
        What no mode could value, of all modes at once.
    """
    check_book(accounts)
    check_rules_given(rules)
    check_classic_leverage(leverage)
    parts: list[tuple[npt.NDArray[np.int64] | None, BoundMode]] = []
    problems: list[Problem] = []
    whole = None if mode is None else [(_known_mode(mode), None, accounts)]
    for one, positions, book in whole or _by_mode(accounts):
        try:
            bound = _bind(one, book, prices, rules, leverage, missing, readings, threads)
            parts.append((positions, bound))
        except UnpricedError as err:
            problems += (problem for problem in err.problems if problem not in problems)
    if problems:
        raise UnpricedError(problems)
    return parts


def bind_cross(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None,
    missing: Missing,
    readings: tuple[str, str] = _READINGS,
) -> Evaluation:
    """Bind all accounts under Cross Margin Classic, or under Pro as it is read."""
    for name, value, known in (
        ("collateral", readings[0], ("gross", "net")),
        ("order_loss", readings[1], ("marginal", "standalone")),
    ):
        if value not in known:
            raise ValueError(f"{name} must be {known[0]!r} or {known[1]!r}, not {value!r}")
    is_classic = mode is Mode.CROSS_CLASSIC
    return evaluation(
        CLASSIC if is_classic else PRO,
        accounts,
        prices,
        rules,
        readings=() if is_classic else readings,
        leverage=leverage if is_classic else None,
        missing=missing,
    )


def _bind(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    leverage: int | None,
    missing: Missing,
    readings: tuple[str, str],
    threads: int,
) -> BoundMode:
    if mode in (Mode.CROSS_CLASSIC, Mode.CROSS_PRO):
        return bind_cross(
            mode, accounts, prices, rules, leverage=leverage, missing=missing, readings=readings
        )
    bind = bind_futures if mode in (Mode.USDM, Mode.COINM) else bind_portfolio
    # `leverage` is of Cross Margin Classic: 3 or 5.
    return bind(mode, accounts, prices, rules, leverage=None, missing=missing, threads=threads)


def cross_parts(
    parts: Sequence[tuple[npt.NDArray[np.int64] | None, BoundMode]],
) -> list[tuple[npt.NDArray[np.int64] | None, Evaluation]]:
    """Return the parts where all are of cross margin; an AccountsError names the others' modes."""
    others = sorted({p.methodology for _, p in parts if not isinstance(p, Evaluation)})
    if others:
        raise AccountsError(
            f"mode must be {Mode.CROSS_CLASSIC} or {Mode.CROSS_PRO} here, not {', '.join(others)}"
        )
    return [(where, part) for where, part in parts if isinstance(part, Evaluation)]


def joint_methodology(parts: Sequence[tuple[object, BoundMode]]) -> str:
    """Name the formulas of a mixed book, joined by plus signs."""
    return "+".join(sorted({bound.methodology for _, bound in parts}))


def _known_mode(mode: Mode | str) -> Mode:
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {[one.value for one in _MODES]}, not {mode!r}")
    return Mode(mode)


def _by_mode(
    accounts: Accounts,
) -> Sequence[tuple[Mode, npt.NDArray[np.int64] | None, Accounts]]:
    """Return each mode that occurs with its accounts; positions None where it is all of them."""
    lacking = accounts._mode == 0
    if lacking.any():
        first = accounts._ids[int(np.argmax(lacking))]
        raise AccountsError(
            f"every account must state a mode to be evaluated under it: "
            f"{counted(int(lacking.sum()), 'account')} without one (the first is {first!r}); or use"
            " the function of one mode, such as cross_classic"
        )

    def parts() -> list[tuple[Mode, npt.NDArray[np.int64] | None, Accounts]]:
        found = np.flatnonzero(np.bincount(accounts._mode, minlength=1)).tolist()
        if len(found) == 1:
            return [(_MODES[found[0] - 1], None, accounts)]
        positions = [np.flatnonzero(accounts._mode == number) for number in found]
        return [
            (_MODES[number - 1], where, accounts.select(where))
            for number, where in zip(found, positions, strict=True)
        ]

    return cached(accounts, "by_mode", (), parts)


def _scatter(
    bound: BoundMode,
    positions: npt.NDArray[np.int64] | None,
    arrays: dict[str, npt.NDArray[Any]],
    keys: npt.NDArray[np.float64],
    threads: int,
) -> None:
    """Evaluate one mode and put its results where its accounts stand in the book."""
    where = slice(None) if positions is None else positions
    level_name = bound.level_name
    part = empty((level_name, "actions"), len(bound.accounts))
    bound.run(part, threads)
    threshold = bound.liquidation_thresholds()
    keys[where] = order_keys(part[level_name], threshold)
    for name, values in (
        ("level", part[level_name]),
        ("threshold", threshold),
        ("actions", part["actions"]),
    ):
        if name in arrays:
            arrays[name][where] = values


def _run(
    bound: Evaluation,
    kind: type[Result],
    fields: Collection[str] | None,
    out: Result | None,
    order: Order,
    threads: int,
) -> Result:
    check_threads(threads)
    if order not in ("user", "slot"):
        raise ValueError(f"order must be 'user' or 'slot', not {order!r}")
    n = len(bound.accounts)
    arrays = arrays_for(kind, n, fields, out)
    bound.run(arrays, threads, order)

    positions = slot_accounts(bound.accounts) if order == "slot" else None
    keys = partial(mode_keys, bound, threads, arrays.get("margin_level"), positions)
    worst = (keys, bound.exact_order_key)
    result = kind(bound.accounts, bound.rules, bound.methodology, arrays, worst, positions)
    return into(out, result)

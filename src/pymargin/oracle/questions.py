"""How much may an account borrow, take out, bring in, and may it switch: exact inverses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pymargin.errors import MarginError, Problem
from pymargin.modes import Action, Mode
from pymargin.oracle.account import Account, Balance, read_account
from pymargin.oracle.classic import classic_leverage, cross_classic
from pymargin.oracle.decisions import At, Case, case_of
from pymargin.oracle.equity import loan_margin
from pymargin.oracle.futures import MarginPool, cross_pools
from pymargin.oracle.moving import first_change
from pymargin.oracle.pro import cross_pro
from pymargin.oracle.quotes import PriceSource
from pymargin.oracle.schedule import exact
from pymargin.oracle.standing import Reading
from pymargin.oracle.terms import Level

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["Switch", "max_borrow", "max_transfer_out", "shortfall", "switch"]

_NOTHING = Fraction(0)
_FUTURES = (Mode.USDM, Mode.COINM)
# Introduction to Binance Cross Margin Pro (FAQ, updated 2024-12-19): the initial risk ratios.
_SWITCHES = (Mode.CROSS_CLASSIC, Mode.CROSS_PRO)
_PRO_ABOVE = Fraction(2)
_CLASSIC_ABOVE = {3: Fraction(3, 2), 5: Fraction(5, 4)}


def max_borrow(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    asset: str,
    *,
    limit: float | None = None,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    withdrawal: Literal["maintenance", "initial"] = "maintenance",
) -> Level:
    """Return how much of an asset the account may still borrow, in units of the asset.

    - Classic and Pro: what is borrowed is held; as much as leaves BORROW, up to the amount at
      which it ends. Classic: the borrow level reaches its bar ("How to Trade with Cross Margin
      Pro", FAQ: borrow until 1.5 at 3x, 1.25 at 5x). Pro: the available margin reaches 0, which
      is available margin / IMR in one bracket of full collateral ("How to Calculate Max Borrow
      Amount", FAQ 84aac4a694f54c55a95f721b33cfd174). Marginal rates where tiers change are our
      reading.
    - Portfolio: ``(leverage - 1) * max(maximum withdrawal - initial margin of the loans, 0)`` at
      the index price, leverage being that of the asset's loan (FAQ
      446ce2c3357a449599c82436078b0e3b).

    0 where the account has no BORROW; ``inf`` where nothing ends it; ``nan`` where it, with this
    asset, is UNPRICED.

    Parameters
    ----------
    row, prices, rules
        As for the mode.
    asset
        What is borrowed.
    limit
        The most that may be borrowed besides, in units: the token's limit, or inventory.
    mode, leverage, collateral, order_loss, withdrawal
        As in the mode's function.

    Raises
    ------
    MarginError
        The mode is one of futures, where nothing is borrowed; `limit` is negative.
    """
    reading = Reading(
        leverage=leverage, collateral=collateral, order_loss=order_loss, withdrawal=withdrawal
    )
    case = case_of(row, prices, rules, mode=mode, reading=reading)
    if case.mode in _FUTURES:
        raise MarginError([Problem("mode", "mode", case.mode.value, "one that borrows")])
    if limit is not None and not limit >= 0:
        raise MarginError([Problem("limit", "limit", limit, "0 or more")])
    end = None if limit is None or limit == math.inf else exact(limit)
    if case.with_account(_borrowed(case.account, asset, Fraction(1))).standing.flags:
        return math.nan
    if not _has(case, Action.BORROW):
        return _NOTHING
    if case.mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO):
        lent = _portfolio_loan(case, asset)
        return lent if end is None else min(lent, end)

    def may_borrow(x: Fraction) -> bool:
        return _has(case.with_account(_borrowed(case.account, asset, x)), Action.BORROW)

    found = first_change(may_borrow, _NOTHING, up=True, end=end)
    return found if found is not None else math.inf if end is None else end


def max_transfer_out(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    asset: str,
    *,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    withdrawal: Literal["maintenance", "initial"] = "maintenance",
) -> Level:
    """Return how much of an asset the account may take out, in units of the asset.

    - Cross margin and portfolio: as much of ``free`` as leaves TRANSFER_OUT, up to the amount at
      which it ends: Classic's transfer-out level at exactly 2 ("How to Transfer Out", FAQ
      d9e94f23ea6d44008a4d52ac813e7410), each unit at its marginal ratio (our reading); Pro at
      exactly 2 (our reading).
    - Portfolio: no more than leaves a maximum withdrawal of 0, either.
    - Futures: as much of the asset's cross wallet as leaves its pool an available balance.

    0 where the account has no TRANSFER_OUT, ``nan`` where it is UNPRICED.

    Parameters
    ----------
    row, prices, rules
        As for the mode.
    asset
        What is taken out.
    mode, leverage, collateral, order_loss, withdrawal
        As in the mode's function.
    """
    reading = Reading(
        leverage=leverage, collateral=collateral, order_loss=order_loss, withdrawal=withdrawal
    )
    case = case_of(row, prices, rules, mode=mode, reading=reading)
    if case.standing.flags:
        return math.nan
    is_futures = case.mode in _FUTURES
    most = _wallet(case.account, asset) if is_futures else _balance(case.account, asset).free

    def may_leave(x: Fraction) -> bool:
        if is_futures:
            return _is_available(case.with_account(_withdrawn(case.account, asset, x)), asset)
        left = case.with_account(_taken_out(case.account, asset, x))
        return _has(left, Action.TRANSFER_OUT) and _is_withdrawable(left)

    if most <= 0 or not may_leave(_NOTHING):
        return _NOTHING
    found = first_change(may_leave, _NOTHING, up=True, end=most)
    return most if found is None else found


def shortfall(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    to: At = "liquidation",
    *,
    position: int | None = None,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
) -> Level:
    """Return the USDT that bring an account back to a threshold.

    The sum over its pools of ``max(0, theta * D - N)``, N and D being the level's numerator and
    denominator: with that much more in N the level is exactly the threshold, and with any more
    above it. It counts in full: as USDT at a collateral rate of 100 %. 0 where nothing is
    lacking, ``nan`` where the account is UNPRICED.

    Parameters
    ----------
    row, prices, rules
        As for the mode.
    to
        ``liquidation``, ``margin_call``, ``bankruptcy`` or a level, as ``at`` of
        `liquidation_price`.
    position
        The number of an isolated position; None: the cross part. In the settlement asset's
        USDT at its index price.
    mode, leverage, collateral, order_loss
        As in the mode's function.
    """
    reading = Reading(leverage=leverage, collateral=collateral, order_loss=order_loss)
    case = case_of(row, prices, rules, mode=mode, reading=reading, position=position)
    standing, limits = case.standing, case.limits(to)
    rates = _rates(case)
    if standing.flags or None in rates:
        return math.nan
    total = _NOTHING
    for pool, rate in zip(standing.pools, rates, strict=True):
        lacking = _NOTHING
        for level, limit in limits:
            ratio = pool[level]
            if ratio is not None:
                lacking = max(lacking, limit * ratio.denominator - ratio.numerator)
        total += lacking * (rate or _NOTHING)
    return total


@dataclass(frozen=True, slots=True)
class Switch:
    """What a switch between Classic and Pro would lead to.

    Parameters
    ----------
    level
        The level that decides: of Pro the margin level, of Classic the collateral margin level;
        ``nan`` where the account is UNPRICED or is none of cross margin.
    limit
        What it must lie above; ``nan`` where the account is none of cross margin.
    allowed
        Whether it does.
    """

    level: Level
    limit: Level
    allowed: bool


def switch(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    to: Mode | str,
    *,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
) -> Switch:
    """Return whether the account may switch to Classic or to Pro.

    To Pro: the resulting Pro margin level above 2. To Classic: the resulting collateral margin
    level above the initial risk ratio, 1.25 at 5x and 1.5 at 3x ("Introduction to Binance Cross
    Margin Pro", FAQ, updated 2024-12-19). What else the exchange asks (a quiz, a region) is not
    looked at. An account of portfolio margin or futures has no such switch.

    Raises
    ------
    MarginError
        `to` is neither of the two.
    AccountsError
        As the mode; to Classic, without a leverage.
    """
    own = row.get("mode")
    if to in _SWITCHES and own is not None and own not in _SWITCHES:
        return Switch(math.nan, math.nan, False)
    if to == Mode.CROSS_PRO:
        pro = cross_pro(row, prices, rules, collateral=collateral, order_loss=order_loss)
        return Switch(pro.margin_level, _PRO_ABOVE, pro.margin_level > _PRO_ABOVE)
    if to != Mode.CROSS_CLASSIC:
        expected = "cross_classic or cross_pro"
        raise MarginError([Problem("to", "mode", repr(to), expected)])
    limit = _CLASSIC_ABOVE[classic_leverage(read_account(row), leverage)]
    level = cross_classic(row, prices, rules, leverage=leverage).collateral_margin_level
    return Switch(level, limit, level > limit)


# Accounts with something moved.


def _balance(account: Account, asset: str) -> Balance:
    return account.balances.get(asset, Balance(asset))


def _wallet(account: Account, asset: str) -> Fraction:
    return account.wallets.get(asset, _NOTHING)


def _with_balance(account: Account, balance: Balance) -> Account:
    return replace(account, balances={**account.balances, balance.asset: balance})


def _borrowed(account: Account, asset: str, x: Fraction) -> Account:
    balance = _balance(account, asset)
    return _with_balance(
        account, replace(balance, free=balance.free + x, borrowed=balance.borrowed + x)
    )


def _taken_out(account: Account, asset: str, x: Fraction) -> Account:
    balance = _balance(account, asset)
    return _with_balance(account, replace(balance, free=balance.free - x))


def _withdrawn(account: Account, asset: str, x: Fraction) -> Account:
    return replace(account, wallets={**account.wallets, asset: _wallet(account, asset) - x})


# Decisions over them.


def _has(case: Case, action: Action) -> bool:
    """Return whether the account's one pool is given an action."""
    return any(bool(case.actions(pool) & action) for pool in case.standing.pools)


def _is_withdrawable(case: Case) -> bool:
    """Return whether a portfolio account keeps its maximum withdrawal at 0 or more."""
    ratios = (pool.get("withdrawable") for pool in case.standing.pools)
    return all(ratio is None or ratio.numerator >= 0 for ratio in ratios)


def _pools(case: Case) -> tuple[MarginPool, ...]:
    return cross_pools(case.mode.value, case.account, case.quotes, case.rules)


def _is_available(case: Case, asset: str) -> bool:
    """Return whether no cross pool is due and the asset's own has an available balance."""
    pools = _pools(case)
    if any(case.line(pool.ratios) is not None for pool in pools):
        return False
    own = [pool.ratios for pool in pools if pool.asset in (asset, "USD")]
    return any(bool(case.actions(pool) & Action.TRANSFER_OUT) for pool in own)


def _portfolio_loan(case: Case, asset: str) -> Fraction:
    """Return the virtual maximum loan of a portfolio account, in units of an asset."""
    (pool,) = case.standing.pools
    left, lent = pool["withdrawable"], pool["loan_initial"]
    assert left is not None
    assert lent is not None
    loan, price = loan_margin(_balance(case.account, asset), case.rules), case.quotes.index(asset)
    assert loan is not None
    assert price is not None
    room = max(max(left.numerator, _NOTHING) - lent.numerator, _NOTHING)
    return room / loan.initial_rate / price


def _rates(case: Case) -> tuple[Fraction | None, ...]:
    """Return the USDT of one unit of each pool of the standing."""
    if case.mode not in _FUTURES:
        return tuple(Fraction(1) for _ in case.standing.pools)
    if case.position is None:
        return tuple(pool.price for pool in _pools(case))
    chosen = [p for p in case.account.positions if p.number == case.position]
    contracts = [case.rules.contract(position.symbol) for position in chosen]
    return tuple(case.quotes.index(contract.settlement_asset) for contract in contracts)

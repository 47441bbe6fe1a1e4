"""USDⓈ-M and COIN-M futures, in exact numbers: cross pools and isolated positions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pymargin.modes import Action
from pymargin.oracle.account import Account, read_account
from pymargin.oracle.decide import Check, decide, first_line, methodology_of
from pymargin.oracle.positions import PositionTerm, position_terms, unpriced_positions
from pymargin.oracle.quotes import PriceSource, Quotes
from pymargin.oracle.standing import Pool as Ratios
from pymargin.oracle.standing import Ratio, Standing, levels_of
from pymargin.oracle.terms import Level

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = [
    "FuturesLevels",
    "MarginPool",
    "PositionLevels",
    "coinm",
    "cross_pools",
    "futures_standing",
    "isolated_standing",
    "united_pool",
    "usdm",
]

_NOTHING = Fraction(0)
_NO_ACTION = Action(0)
_USDT = "USDT"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPool:
    """What one level is computed on; amounts in units of `asset`.

    Parameters
    ----------
    asset
        The settlement asset; ``USD`` for the one pool of multi-assets mode.
    price
        USDT of one unit; None where it is missing.
    wallet, unrealized_pnl, margin_balance
        The wallet, the profit of the positions, and both together. In multi-assets mode each is
        summed over the assets at the rate of its own sign.
    maintenance_margin, initial_margin
        Sums over the positions.
    """

    asset: str
    price: Fraction | None
    wallet: Fraction = _NOTHING
    unrealized_pnl: Fraction = _NOTHING
    margin_balance: Fraction = _NOTHING
    maintenance_margin: Fraction = _NOTHING
    initial_margin: Fraction = _NOTHING

    @property
    def available_balance(self) -> Fraction:
        """Margin balance less initial margin."""
        return self.margin_balance - self.initial_margin

    @property
    def ratios(self) -> dict[str, Ratio | None]:
        """Margin level and available balance (units of `asset`), as the thresholds name them."""
        return {
            "margin_level": Ratio(self.margin_balance, self.maintenance_margin),
            "available_balance": Ratio(self.available_balance),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLevels:
    """One position: its term, and its own level and actions where it is isolated.

    Parameters
    ----------
    term
        Notional, maintenance margin, profit, initial margin and bracket.
    margin_balance, margin_level, margin_ratio
        Of an isolated position, in its settlement asset; ``nan`` for a cross one.
    actions
        Of an isolated position; none for a cross one.
    """

    term: PositionTerm
    margin_balance: Level = math.nan
    margin_level: Level = math.nan
    margin_ratio: Level = math.nan
    actions: Action = _NO_ACTION

    @property
    def symbol(self) -> str:
        """Name of the contract."""
        return self.term.symbol

    @property
    def notional(self) -> Fraction:
        """Size in the settlement asset."""
        return self.term.notional

    @property
    def maintenance_margin(self) -> Fraction:
        """Maintenance margin in the settlement asset."""
        return self.term.maintenance_margin

    @property
    def unrealized_pnl(self) -> Fraction:
        """Profit in the settlement asset."""
        return self.term.unrealized_pnl

    @property
    def initial_margin(self) -> Fraction:
        """Initial margin in the settlement asset."""
        return self.term.initial_margin

    @property
    def max_leverage(self) -> Fraction | None:
        """Largest leverage of the bracket."""
        return self.term.max_leverage


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesLevels:
    """The levels of one futures account: its cross part, and every position.

    `margin_level` and `margin_ratio` are those of the worst cross pool; a ratio is ``inf``
    where the margin balance is 0 or less and anything asks for margin. Amounts are totals over
    the cross pools in USDT. An UNPRICED account has every number ``nan``.
    """

    margin_level: Level = math.nan
    margin_ratio: Level = math.nan
    margin_balance: Level = math.nan
    maintenance_margin: Level = math.nan
    unrealized_pnl: Level = math.nan
    initial_margin: Level = math.nan
    available_balance: Level = math.nan
    actions: Action
    positions: tuple[PositionLevels, ...] = ()
    pools: tuple[MarginPool, ...] = ()
    checks: tuple[Check, ...] = ()


def usdm(row: Mapping[str, Any], prices: PriceSource, rules: MarginRules) -> FuturesLevels:
    """Return the exact levels and actions of one USDⓈ-M account.

    "Leverage and Margin of USDⓈ-M Futures" (FAQ b3c689c1f50a44cabb3a84e663b81d93): maintenance
    margin = notional * rate - cum by the bracket of the notional at mark price; liquidation where
    the margin balance (wallet and unrealised profit) is at most the maintenance margin.

    - Single-asset mode: one cross pool for each settlement asset.
    - ``multi_assets``: one pool in USD; an asset's wallet and profit count at its bid rate where
      their sum is 0 or more, else at its ask rate (our reading); margins count at the ask rate.
    - An isolated position stands alone: its ``isolated_margin`` and its profit.
    - Hedge mode: LONG and SHORT are two positions, each with a bracket of its own.

    Initial margin is notional / leverage at mark; the largest leverage of the symbol where the
    position gives none, or a larger one (our readings).

    Parameters
    ----------
    row
        One account (``wallets``, ``positions``, ``multi_assets``).
    prices
        Index prices in USDT by asset and mark prices by symbol; bid and ask where given.
    rules
        Brackets, contracts and thresholds.

    Raises
    ------
    AccountsError
        For a wallet or position that cannot be.
    RulesError
        For rules without a methodology for USDⓈ-M futures.
    """
    return _futures("usdm", row, prices, rules)


def coinm(row: Mapping[str, Any], prices: PriceSource, rules: MarginRules) -> FuturesLevels:
    """Return the exact levels and actions of one COIN-M account.

    As `usdm`, in coin: one cross pool for each coin; notional = contracts * contract size / mark,
    profit = contracts * contract size * (1/entry - 1/mark), brackets in units of the base coin
    ("Leverage and Margin of COIN-M Futures", FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46).
    """
    return _futures("coinm", row, prices, rules)


def _futures(
    mode: str, row: Mapping[str, Any], prices: PriceSource, rules: MarginRules
) -> FuturesLevels:
    account, quotes = read_account(row), Quotes(prices)
    terms, pools, flags = _measured(mode, account, quotes, rules)
    if flags:
        positions = tuple(PositionLevels(term=term) for term in terms)
        return FuturesLevels(actions=flags, positions=positions, pools=pools)
    positions = tuple(_position_levels(mode, term, rules) for term in terms)
    actions, checks = _account_actions(mode, pools, rules)
    if any(p.term.is_isolated and p.actions & Action.LIQUIDATE for p in positions):
        actions |= Action.ISOLATED_LIQUIDATE
    if any(term.margin is not None and term.margin.beyond for term in terms):
        actions |= Action.BEYOND_TIERS
    worst = min(levels_of(pool.ratios)["margin_level"] for pool in pools)
    return FuturesLevels(
        margin_level=worst,
        margin_ratio=_inverse(worst),
        margin_balance=_in_usdt((pool, pool.margin_balance) for pool in pools),
        maintenance_margin=_in_usdt((pool, pool.maintenance_margin) for pool in pools),
        unrealized_pnl=_in_usdt((pool, pool.unrealized_pnl) for pool in pools),
        initial_margin=_in_usdt((pool, pool.initial_margin) for pool in pools),
        available_balance=_in_usdt((pool, pool.available_balance) for pool in pools),
        actions=actions,
        positions=positions,
        pools=pools,
        checks=checks,
    )


def futures_standing(mode: str, account: Account, quotes: Quotes, rules: MarginRules) -> Standing:
    """Return what decides over the cross part of a futures account."""
    _, pools, flags = _measured(mode, account, quotes, rules)
    return Standing(flags, () if flags else tuple(pool.ratios for pool in pools))


def isolated_standing(
    mode: str, account: Account, quotes: Quotes, rules: MarginRules, number: int
) -> Standing:
    """Return what decides over one isolated position: the row's position of that number."""
    own = tuple(position for position in account.positions if position.number == number)
    terms = position_terms(replace(account, positions=own), quotes, rules, products=(mode,))
    flags = unpriced_positions(terms)
    return Standing(flags, () if flags else tuple(_isolated_ratios(term) for term in terms))


def cross_pools(
    mode: str, account: Account, quotes: Quotes, rules: MarginRules
) -> tuple[MarginPool, ...]:
    """Return the cross pools of a futures account."""
    return _measured(mode, account, quotes, rules)[1]


def _measured(
    mode: str, account: Account, quotes: Quotes, rules: MarginRules
) -> tuple[tuple[PositionTerm, ...], tuple[MarginPool, ...], Action]:
    methodology_of(rules, mode, (mode,))
    terms = position_terms(account, quotes, rules, products=(mode,))
    cross = [term for term in terms if not term.is_isolated and term.settlement_asset]
    assets = dict.fromkeys([*account.wallets, *(term.settlement_asset for term in cross)])
    pools = tuple(_pool(asset, account, quotes, cross) for asset in assets)
    flags = unpriced_positions(terms)
    if mode == "usdm" and account.multi_assets:
        if any(quotes.bid(a) is None or quotes.ask(a) is None for a in assets):
            flags |= Action.UNPRICED_ASSET
        pools = (united_pool(pools, quotes),)
    elif any(pool.price is None for pool in pools):
        flags |= Action.UNPRICED_ASSET
    return terms, pools or (MarginPool(asset=_USDT, price=quotes.index(_USDT)),), flags


def _pool(
    asset: str, account: Account, quotes: Quotes, cross: Iterable[PositionTerm]
) -> MarginPool:
    """Sum the wallet and the cross positions of one settlement asset."""
    own = [term for term in cross if term.settlement_asset == asset]
    wallet = account.wallets.get(asset, _NOTHING)
    profit = sum((term.unrealized_pnl for term in own), _NOTHING)
    return MarginPool(
        asset=asset,
        price=quotes.index(asset),
        wallet=wallet,
        unrealized_pnl=profit,
        margin_balance=wallet + profit,
        maintenance_margin=sum((term.maintenance_margin for term in own), _NOTHING),
        initial_margin=sum((term.initial_margin for term in own), _NOTHING),
    )


def united_pool(pools: Iterable[MarginPool], quotes: Quotes) -> MarginPool:
    """Put the pools together in USD: what there is at the bid rate, what is owed at the ask."""
    wallet = profit = balance = maintenance = initial = _NOTHING
    for pool in pools:
        bid, ask = quotes.bid(pool.asset) or _NOTHING, quotes.ask(pool.asset) or _NOTHING
        wallet += pool.wallet * (bid if pool.wallet >= 0 else ask)
        profit += pool.unrealized_pnl * (bid if pool.unrealized_pnl >= 0 else ask)
        balance += pool.margin_balance * (bid if pool.margin_balance >= 0 else ask)
        maintenance += pool.maintenance_margin * ask
        initial += pool.initial_margin * ask
    return MarginPool(
        asset="USD",
        price=Fraction(1),
        wallet=wallet,
        unrealized_pnl=profit,
        margin_balance=balance,
        maintenance_margin=maintenance,
        initial_margin=initial,
    )


def _isolated_ratios(term: PositionTerm) -> Ratios:
    balance = (term.position.isolated_margin or _NOTHING) + term.unrealized_pnl
    return {
        "margin_level": Ratio(balance, term.maintenance_margin),
        "available_balance": Ratio(balance - term.initial_margin),
    }


def _position_levels(mode: str, term: PositionTerm, rules: MarginRules) -> PositionLevels:
    """Decide over an isolated position by the lines of its mode; grants are not for it."""
    if not term.is_isolated:
        return PositionLevels(term=term)
    ratios = _isolated_ratios(term)
    levels = levels_of(ratios)
    line = first_line(rules, mode, levels, leverage=None, own_ratio=None)
    level = levels["margin_level"]
    balance = (term.position.isolated_margin or _NOTHING) + term.unrealized_pnl
    is_beyond = term.margin is not None and term.margin.beyond
    beyond = Action.BEYOND_TIERS if is_beyond else _NO_ACTION
    return PositionLevels(
        term=term,
        margin_balance=balance,
        margin_level=level,
        margin_ratio=_inverse(level),
        actions=(Action.TRADE if line is None else line) | beyond,
    )


def _account_actions(
    mode: str, pools: tuple[MarginPool, ...], rules: MarginRules
) -> tuple[Action, tuple[Check, ...]]:
    """Let the pool decide whose line comes first; where no line does, grants add up."""
    decided = [
        decide(rules, mode, levels_of(pool.ratios), leverage=None, own_ratio=None) for pool in pools
    ]
    fired = [(_line_fired(checks), actions, checks) for actions, checks in decided]
    first = min(line for line, _, _ in fired)
    if first < math.inf:
        return next((actions, checks) for line, actions, checks in fired if line == first)
    granted = Action(0)
    for actions, _ in decided:
        granted |= actions
    return granted, decided[0][1]


def _line_fired(checks: tuple[Check, ...]) -> float:
    lines = (i for i, check in enumerate(checks) if check.fired and check.relation == "<=")
    return next(lines, math.inf)


def _in_usdt(amounts: Iterable[tuple[MarginPool, Fraction]]) -> Fraction:
    """Sum amounts of the pools at the index price of each pool's asset."""
    return sum((amount * (pool.price or _NOTHING) for pool, amount in amounts), _NOTHING)


def _inverse(level: Level) -> Level:
    """Return the margin ratio of a level: ``inf`` where the balance is 0 or less (our reading)."""
    if level <= 0:
        return math.inf
    return _NOTHING if level == math.inf else 1 / level

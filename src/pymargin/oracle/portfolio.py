"""Portfolio Margin and Portfolio Margin Pro, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pymargin.errors import AccountsError, MarginError, Problem
from pymargin.modes import Action
from pymargin.oracle.account import Account, Balance, read_account
from pymargin.oracle.decide import Check, decide, methodology_of
from pymargin.oracle.positions import PositionTerm, position_terms, unpriced_positions
from pymargin.oracle.quotes import PriceSource, Quotes
from pymargin.oracle.schedule import ScheduleValue, exact, exact_decimal, schedule_value
from pymargin.oracle.standing import Ratio, Reading, Standing, levels_of
from pymargin.oracle.terms import Level

if TYPE_CHECKING:
    from pymargin.rules import LoanMargin, MarginRules

__all__ = [
    "EquityTerm",
    "PortfolioLevels",
    "loan_margin",
    "portfolio",
    "portfolio_order_loss",
    "portfolio_pro",
    "portfolio_standing",
]

_NOTHING = Fraction(0)
# "Withdrawal and borrowing under Portfolio Margin", FAQ 446ce2c3357a449599c82436078b0e3b.
_WITHDRAWAL_MULTIPLE = Fraction(6, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityTerm:
    """What one asset of a portfolio account contributes.

    Parameters
    ----------
    asset
        Name of the asset.
    balance
        Its margin balance, in units.
    wallet, unrealized_pnl
        Of futures settled in the asset, in units.
    price
        Index price in USDT; None where there is none, and then the values are 0.
    value
        Equity in USDT without a collateral rate, negative where it is owed.
    collateral
        The collateral schedule at `value`; None where the value is negative or unrated.
    futures_maintenance, futures_initial
        Margins of the positions settled in the asset, USDT.
    loan_maintenance, loan_initial
        Margins of the debt in the asset, interest included, USDT.
    missing, flags
        What is lacking, and UNPRICED_ASSET and UNPRICED_DEBT as that demands.
    """

    asset: str
    balance: Balance
    wallet: Fraction
    unrealized_pnl: Fraction
    price: Fraction | None
    value: Fraction
    collateral: ScheduleValue | None
    futures_maintenance: Fraction
    futures_initial: Fraction
    loan_maintenance: Fraction
    loan_initial: Fraction
    missing: tuple[str, ...]
    flags: Action

    @property
    def equity(self) -> Fraction:
        """Units: ``free + locked - borrowed - interest + wallet + unrealised profit``."""
        return self.balance.held - self.balance.owed + self.wallet + self.unrealized_pnl

    @property
    def counted(self) -> Fraction:
        """USDT at the collateral rate; negative equity counts in full."""
        return self.value if self.collateral is None else self.collateral.total


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioLevels:
    """The levels of one portfolio account: fractions, USDT for amounts.

    `uni_mmr` is the float ``inf`` or ``-inf`` where the maintenance margin is 0; an UNPRICED
    account has every number ``nan``.
    """

    uni_mmr: Level = math.nan
    account_equity: Level = math.nan
    actual_equity: Level = math.nan
    open_order_loss: Level = math.nan
    initial_margin: Level = math.nan
    maintenance_margin: Level = math.nan
    available_balance: Level = math.nan
    max_withdrawal: Level = math.nan
    actions: Action
    terms: tuple[EquityTerm, ...]
    positions: tuple[PositionTerm, ...]
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sums:
    """The amounts that every figure of the account is made of, USDT."""

    equity: Fraction
    actual: Fraction
    maintenance: Fraction
    initial: Fraction
    loss: Fraction

    @property
    def ratios(self) -> dict[str, Ratio | None]:
        adjusted = self.equity - self.loss
        return {
            "uni_mmr": Ratio(adjusted, self.maintenance),
            "available_balance": Ratio(adjusted - self.initial),
        }

    def withdrawable(self, withdrawal: str) -> Fraction:
        held_back = self.initial
        if withdrawal == "maintenance":
            held_back = _WITHDRAWAL_MULTIPLE * self.maintenance
        return self.equity - self.loss - held_back


def portfolio(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    *,
    withdrawal: Literal["maintenance", "initial"] = "maintenance",
) -> PortfolioLevels:
    """Return the exact levels and actions of one account under Portfolio Margin.

    "Portfolio Margin" (FAQ 4868b2f1aa6c4d08af973328462bb0bd, 2025-02-06) and "Portfolio Margin
    Pro" (FAQ 5e33af8e6ac04d57a1d0a3398e0a0752), per asset with index price P:

    - equity E = free + locked - borrowed - interest + wallet + unrealised profit, and counts
      ``min(rated E*P, E*P)``: a collateral rate for E of 0 or more, negative equity in full;
    - uniMMR = (sum of counted equity - open-order loss) / maintenance margin;
    - maintenance margin = that of the futures, as `usdm` and `coinm` have it, and the debt with
      interest at the rate of its loan leverage; initial margin = notional / leverage, and the
      debt over (loan leverage - 1);
    - account equity is the sum of counted equity, actual equity that of E*P;
    - available balance = account equity - open-order loss - initial margin;
    - maximum withdrawal = max(0, account equity - open-order loss - 1.2 * maintenance margin)
      (FAQ 446ce2c3357a449599c82436078b0e3b); with ``withdrawal="initial"`` the initial margin
      takes the place of the last term (the other reading).

    Our reading: the loss of ``orders``, per order, is what the fill takes from counted equity at
    index prices, not netted. A position with a margin of its own does not exist here.

    Parameters
    ----------
    row
        One account (``balances``, ``wallets``, ``positions``, ``orders`` or
        ``open_order_loss``).
    prices
        Index prices in USDT by asset and mark prices by symbol.
    rules
        Collateral ratios, brackets, contracts, loan margins and thresholds.
    withdrawal
        What the maximum withdrawal leaves: 1.2 times the ``maintenance`` margin, or the
        ``initial`` margin.

    Raises
    ------
    AccountsError
        For a balance, wallet or position that cannot be.
    MarginError
        For a `withdrawal` that is neither of the two.
    RulesError
        For rules without a methodology for the mode.
    """
    return _portfolio("portfolio", row, prices, rules, withdrawal)


def portfolio_pro(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    *,
    withdrawal: Literal["maintenance", "initial"] = "maintenance",
) -> PortfolioLevels:
    """Return the exact levels and actions of one account under Portfolio Margin Pro.

    As `portfolio`, with collateral rates by tier ("Tiered collateral ratio of Portfolio Margin
    Pro", FAQ 146ac090710a49f99c4732b00f8c09df, 2024-09-11) and the levels of uniMMR of its own.
    """
    return _portfolio("portfolio_pro", row, prices, rules, withdrawal)


def _portfolio(
    mode: str, row: Mapping[str, Any], prices: PriceSource, rules: MarginRules, withdrawal: str
) -> PortfolioLevels:
    if withdrawal not in ("maintenance", "initial"):
        expected = "'maintenance' or 'initial'"
        raise MarginError([Problem("withdrawal", "reading", repr(withdrawal), expected)])
    account, quotes = read_account(row), Quotes(prices)
    positions, terms = _terms(mode, account, quotes, rules)
    losses, lacks = _order_losses(mode, account, quotes, rules, terms)
    if flags := _flags(terms, positions) | lacks:
        return PortfolioLevels(actions=flags, terms=terms, positions=positions)
    sums = _sums(terms, account.open_order_loss + losses)
    levels = levels_of(sums.ratios)
    actions, checks = decide(rules, mode, levels, leverage=None, own_ratio=account.own_ratio)
    return PortfolioLevels(
        uni_mmr=levels["uni_mmr"],
        account_equity=sums.equity,
        actual_equity=sums.actual,
        open_order_loss=sums.loss,
        initial_margin=sums.initial,
        maintenance_margin=sums.maintenance,
        available_balance=levels["available_balance"],
        max_withdrawal=max(sums.withdrawable(withdrawal), _NOTHING),
        actions=actions | _beyond(terms, positions),
        terms=terms,
        positions=positions,
        checks=checks,
    )


def portfolio_standing(
    mode: str, account: Account, quotes: Quotes, rules: MarginRules, reading: Reading
) -> Standing:
    """Return what decides over a portfolio account; beside it what may go, and is lent."""
    positions, terms = _terms(mode, account, quotes, rules)
    losses, lacks = _order_losses(mode, account, quotes, rules, terms)
    if flags := _flags(terms, positions) | lacks:
        return Standing(flags)
    sums = _sums(terms, account.open_order_loss + losses)
    lent = sum((term.loan_initial for term in terms), _NOTHING)
    beside = {
        "withdrawable": Ratio(sums.withdrawable(reading.withdrawal)),
        "loan_initial": Ratio(lent),
    }
    return Standing(Action(0), (sums.ratios | beside,))


def portfolio_order_loss(
    mode: str, account: Account, quotes: Quotes, rules: MarginRules
) -> Fraction:
    """Return the loss of the account's orders at these prices, without the loss it states."""
    _, terms = _terms(mode, account, quotes, rules)
    return _order_losses(mode, account, quotes, rules, terms)[0]


def _terms(
    mode: str, account: Account, quotes: Quotes, rules: MarginRules
) -> tuple[tuple[PositionTerm, ...], tuple[EquityTerm, ...]]:
    methodology_of(rules, mode, (mode,))
    isolated = [p for p in account.positions if p.isolated_margin is not None]
    if isolated:
        raise AccountsError(
            Problem(
                f"positions[{position.number}].isolated_margin",
                "isolated",
                position.isolated_margin,
                f"absent in {mode}",
            )
            for position in isolated
        )
    positions = position_terms(account, quotes, rules, products=("usdm", "coinm"))
    settled = [term.settlement_asset for term in positions if term.settlement_asset]
    assets = dict.fromkeys([*account.balances, *account.wallets, *settled])
    terms = [_equity_term(mode, asset, account, quotes, rules, positions) for asset in assets]
    return positions, tuple(terms)


def _equity_term(
    mode: str,
    asset: str,
    account: Account,
    quotes: Quotes,
    rules: MarginRules,
    positions: Sequence[PositionTerm],
) -> EquityTerm:
    own = [term for term in positions if term.settlement_asset == asset]
    balance = account.balances.get(asset, Balance(asset))
    wallet = account.wallets.get(asset, _NOTHING)
    pnl = sum((term.unrealized_pnl for term in own), _NOTHING)
    price = quotes.index(asset)
    counted = _NOTHING if price is None else price
    equity = balance.held - balance.owed + wallet + pnl
    loan = loan_margin(balance, rules)
    debt = balance.owed * counted
    missing, flags = _lacks(mode, balance, bool(wallet or own), price, loan, rules)
    return EquityTerm(
        asset=asset,
        balance=balance,
        wallet=wallet,
        unrealized_pnl=pnl,
        price=price,
        value=equity * counted,
        collateral=_collateral(mode, asset, equity, equity * counted, rules),
        futures_maintenance=counted * sum((t.maintenance_margin for t in own), _NOTHING),
        futures_initial=counted * sum((t.initial_margin for t in own), _NOTHING),
        loan_maintenance=_NOTHING if loan is None else debt * exact_decimal(loan.maintenance_rate),
        loan_initial=_NOTHING if loan is None else debt * loan.initial_rate,
        missing=missing,
        flags=flags,
    )


def _collateral(
    mode: str, asset: str, equity: Fraction, value: Fraction, rules: MarginRules
) -> ScheduleValue | None:
    """Rate equity of 0 or more; None where it is negative, or the asset has no schedule."""
    tiers = rules.find(mode, asset)
    return None if tiers is None or equity < 0 else schedule_value(mode, tiers, value)


def loan_margin(balance: Balance, rules: MarginRules) -> LoanMargin | None:
    """Return what a debt asks for: by the loan's own leverage, else that of its asset."""
    leverage = balance.loan_leverage or rules.loan_leverage.get(balance.asset)
    return None if leverage is None else rules.loan_margin.get(int(leverage))


def _lacks(
    mode: str,
    balance: Balance,
    has_futures: bool,
    price: Fraction | None,
    loan: LoanMargin | None,
    rules: MarginRules,
) -> tuple[tuple[str, ...], Action]:
    """Say what is missing; an asset that is only owed needs no collateral schedule."""
    is_held, is_owed = bool(balance.held) or has_futures, bool(balance.owed)
    lacks_asset = [name for name, there in (
        ("price", price is not None),
        (mode, rules.find(mode, balance.asset) is not None),
    ) if is_held and not there]  # fmt: skip
    lacks_debt = [name for name, there in (
        ("price", price is not None),
        ("loan_leverage", loan is not None),
    ) if is_owed and not there]  # fmt: skip
    flags = Action.UNPRICED_ASSET if lacks_asset else Action(0)
    flags |= Action.UNPRICED_DEBT if lacks_debt else Action(0)
    return tuple(dict.fromkeys(lacks_asset + lacks_debt)), flags


def _sums(terms: Iterable[EquityTerm], loss: Fraction) -> _Sums:
    equity = actual = maintenance = initial = _NOTHING
    for term in terms:
        equity += term.counted
        actual += term.value
        maintenance += term.futures_maintenance + term.loan_maintenance
        initial += term.futures_initial + term.loan_initial
    return _Sums(equity, actual, maintenance, initial, loss)


def _order_losses(
    mode: str,
    account: Account,
    quotes: Quotes,
    rules: MarginRules,
    terms: Iterable[EquityTerm],
) -> tuple[Fraction, Action]:
    """Sum over the orders what each alone would take from counted equity."""
    units = {term.asset: term.equity for term in terms}

    def counted(asset: str, equity: Fraction, price: Fraction) -> Fraction:
        rated = _collateral(mode, asset, equity, equity * price, rules)
        return equity * price if rated is None else rated.total

    total = _NOTHING
    for order in account.orders:
        change = _NOTHING
        for name, sign in (("give", -1), ("get", 1)):
            asset = order[f"{name}_asset"]
            price = quotes.index(asset)
            if price is None or rules.find(mode, asset) is None:
                return _NOTHING, Action.UNPRICED_ASSET
            before = units.get(asset, _NOTHING)
            after = before + sign * exact(order.get(f"{name}_quantity") or 0)
            change += counted(asset, after, price) - counted(asset, before, price)
        total += max(_NOTHING, -change)
    return total, Action(0)


def _flags(terms: Iterable[EquityTerm], positions: Iterable[PositionTerm]) -> Action:
    flags = unpriced_positions(positions)
    for term in terms:
        flags |= term.flags
    return flags


def _beyond(terms: Iterable[EquityTerm], positions: Iterable[PositionTerm]) -> Action:
    taken = [term.collateral for term in terms] + [term.margin for term in positions]
    exceeds = any(one is not None and one.beyond for one in taken)
    return Action.BEYOND_TIERS if exceeds else Action(0)

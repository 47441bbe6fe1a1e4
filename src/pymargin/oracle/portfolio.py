"""Portfolio Margin and Portfolio Margin Pro, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pymargin.errors import MarginError, Problem
from pymargin.modes import Action
from pymargin.oracle.account import Account, read_account
from pymargin.oracle.decide import Check, decide
from pymargin.oracle.equity import EquityTerm, equity_terms, rated_equity
from pymargin.oracle.positions import PositionTerm, unpriced_positions
from pymargin.oracle.quotes import PriceSource, Quotes
from pymargin.oracle.schedule import exact
from pymargin.oracle.standing import Ratio, Reading, Standing, levels_of
from pymargin.oracle.terms import Level

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = [
    "PortfolioLevels",
    "PortfolioSums",
    "portfolio",
    "portfolio_order_loss",
    "portfolio_pro",
    "portfolio_standing",
    "portfolio_sums",
]

_NOTHING = Fraction(0)
# "Withdrawal and borrowing under Portfolio Margin", FAQ 446ce2c3357a449599c82436078b0e3b.
_WITHDRAWAL_MULTIPLE = Fraction(6, 5)


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
class PortfolioSums:
    """The amounts that every figure of the account is made of, USDT."""

    equity: Fraction
    actual: Fraction
    maintenance: Fraction
    initial: Fraction
    loss: Fraction

    @property
    def ratios(self) -> dict[str, Ratio | None]:
        """The uniMMR and the available balance, as the thresholds name them."""
        adjusted = self.equity - self.loss
        return {
            "uni_mmr": Ratio(adjusted, self.maintenance),
            "available_balance": Ratio(adjusted - self.initial),
        }

    def withdrawable(self, withdrawal: str) -> Fraction:
        """Return what is left above what a withdrawal must leave; below 0 where nothing is."""
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
    positions, terms = equity_terms(mode, account, quotes, rules)
    losses, lacks = _order_losses(mode, account, quotes, rules, terms)
    if flags := _flags(terms, positions) | lacks:
        return PortfolioLevels(actions=flags, terms=terms, positions=positions)
    sums = portfolio_sums(terms, account.open_order_loss + losses)
    levels = levels_of(sums.ratios)
    actions, checks = decide(rules, mode, levels, leverage=None, own_ratio=account.ratio_in(mode))
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
    positions, terms = equity_terms(mode, account, quotes, rules)
    losses, lacks = _order_losses(mode, account, quotes, rules, terms)
    if flags := _flags(terms, positions) | lacks:
        return Standing(flags)
    sums = portfolio_sums(terms, account.open_order_loss + losses)
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
    _, terms = equity_terms(mode, account, quotes, rules)
    return _order_losses(mode, account, quotes, rules, terms)[0]


def portfolio_sums(terms: Iterable[EquityTerm], loss: Fraction) -> PortfolioSums:
    """Sum what the assets of an account contribute."""
    equity = actual = maintenance = initial = _NOTHING
    for term in terms:
        equity += term.counted
        actual += term.value
        maintenance += term.futures_maintenance + term.loan_maintenance
        initial += term.futures_initial + term.loan_initial
    return PortfolioSums(equity, actual, maintenance, initial, loss)


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
        rated = rated_equity(mode, asset, equity, equity * price, rules)
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

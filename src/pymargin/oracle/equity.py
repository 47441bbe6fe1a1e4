"""What one asset of a portfolio margin account contributes, in exact numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pymargin.errors import AccountsError, Problem
from pymargin.modes import Action
from pymargin.oracle.account import Account, Balance
from pymargin.oracle.decide import methodology_of
from pymargin.oracle.positions import PositionTerm, position_terms
from pymargin.oracle.quotes import Quotes
from pymargin.oracle.schedule import ScheduleValue, exact_decimal, schedule_value

if TYPE_CHECKING:
    from pymargin.rules import LoanMargin, MarginRules

__all__ = ["EquityTerm", "equity_terms", "loan_margin", "rated_equity"]

_NOTHING = Fraction(0)


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


def equity_terms(
    mode: str, account: Account, quotes: Quotes, rules: MarginRules
) -> tuple[tuple[PositionTerm, ...], tuple[EquityTerm, ...]]:
    """Return the term of every position, and of every asset that is held, owed or settled in.

    Raises
    ------
    AccountsError
        Names every position with a margin of its own.
    RulesError
        For rules without a methodology for the mode.
    """
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
        collateral=rated_equity(mode, asset, equity, equity * counted, rules),
        futures_maintenance=counted * sum((t.maintenance_margin for t in own), _NOTHING),
        futures_initial=counted * sum((t.initial_margin for t in own), _NOTHING),
        loan_maintenance=_NOTHING if loan is None else debt * exact_decimal(loan.maintenance_rate),
        loan_initial=_NOTHING if loan is None else debt * loan.initial_rate,
        missing=missing,
        flags=flags,
    )


def rated_equity(
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

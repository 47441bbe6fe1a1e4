"""What one futures position asks for and brings, in exact numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pymargin.errors import RulesError
from pymargin.modes import Action
from pymargin.oracle.account import Account, Position
from pymargin.oracle.quotes import Quotes
from pymargin.oracle.schedule import ScheduleValue, exact_decimal, schedule_value, tier_at

if TYPE_CHECKING:
    from pymargin.rules import Contract, MarginRules, Tier

__all__ = [
    "PositionTerm",
    "initial_margin",
    "notional",
    "position_terms",
    "unpriced_positions",
    "unrealized_pnl",
]

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionTerm:
    """One position at its mark price; amounts in units of the settlement asset.

    Parameters
    ----------
    position
        The position as the row gives it.
    settlement_asset
        What the amounts are in; empty where the contract is not known.
    mark
        Mark price in the symbol's quote, None where there is none.
    notional, unrealized_pnl, initial_margin
        Amounts; 0 where something is missing.
    margin
        The brackets taken at the notional: ``margin.total`` is the maintenance margin.
    rate, deduction
        Of the bracket that the notional falls in: ``notional * rate - deduction`` is the
        maintenance margin (the exchange's ``cum``).
    leverage
        That of the position; where it has none, or more, the largest that the symbol allows.
    max_leverage
        The largest leverage of the bracket, None where the brackets name none.
    missing
        What the position lacks to be priced.
    """

    position: Position
    settlement_asset: str = ""
    mark: Fraction | None = None
    notional: Fraction = _NOTHING
    unrealized_pnl: Fraction = _NOTHING
    margin: ScheduleValue | None = None
    rate: Fraction = _NOTHING
    leverage: Fraction | None = None
    max_leverage: Fraction | None = None
    initial_margin: Fraction = _NOTHING
    missing: tuple[str, ...] = ()

    @property
    def symbol(self) -> str:
        """Name of the contract."""
        return self.position.symbol

    @property
    def is_isolated(self) -> bool:
        """Whether the position stands on a margin of its own."""
        return self.position.isolated_margin is not None

    @property
    def maintenance_margin(self) -> Fraction:
        """Maintenance margin in the settlement asset."""
        return _NOTHING if self.margin is None else self.margin.total

    @property
    def deduction(self) -> Fraction:
        """The quick deduction (``cum``) of the bracket, derived."""
        return self.rate * self.notional - self.maintenance_margin


def notional(contract: Contract, quantity: Fraction, mark: Fraction) -> Fraction:
    """Return the size of a position in the settlement asset.

    USDⓈ-M: ``|quantity| * mark``. COIN-M: ``|contracts| * contract size / mark`` ("Leverage and
    Margin of COIN-M Futures", FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46).
    """
    size = abs(quantity) * exact_decimal(contract.contract_size)
    return size * mark if contract.product == "usdm" else size / mark


def unrealized_pnl(
    contract: Contract, quantity: Fraction, entry_price: Fraction, mark: Fraction
) -> Fraction:
    """Return the profit of a position in the settlement asset.

    USDⓈ-M: ``quantity * (mark - entry)``. COIN-M: ``contracts * size * (1/entry - 1/mark)``.
    """
    signed = quantity * exact_decimal(contract.contract_size)
    if contract.product == "usdm":
        return signed * (mark - entry_price)
    return signed * (1 / entry_price - 1 / mark)


def initial_margin(notional: Fraction, leverage: Fraction) -> Fraction:
    """Return ``notional / leverage``, at the mark price."""
    return notional / leverage


def position_terms(
    account: Account, quotes: Quotes, rules: MarginRules, *, products: tuple[str, ...]
) -> tuple[PositionTerm, ...]:
    """Return the term of every position; those of other products lack brackets."""
    return tuple(
        _position_term(position, quotes, rules, products) for position in account.positions
    )


def _position_term(
    position: Position, quotes: Quotes, rules: MarginRules, products: tuple[str, ...]
) -> PositionTerm:
    try:
        contract = rules.contract(position.symbol)
    except RulesError:
        return PositionTerm(position=position, missing=("contract",))
    asset, mark = contract.settlement_asset, quotes.mark(position.symbol)
    tiers = None
    if contract.product in products:
        tiers = rules.find(contract.product, position.symbol)
    lacks = _lacks(contract, mark, tiers)
    if mark is None or tiers is None or lacks:
        return PositionTerm(position=position, settlement_asset=asset, mark=mark, missing=lacks)
    size = notional(contract, position.quantity, mark)
    tier = tier_at(tiers, size)
    largest = None if tier.leverage is None else exact_decimal(tier.leverage)
    # Of the symbol, not of the bracket: the leverage of a position does not move with its price.
    first = tiers[0].leverage
    leverage = _leverage(position, None if first is None else exact_decimal(first))
    if leverage is None:
        return PositionTerm(
            position=position, settlement_asset=asset, mark=mark, missing=("leverage",)
        )
    return PositionTerm(
        position=position,
        settlement_asset=asset,
        mark=mark,
        notional=size,
        unrealized_pnl=unrealized_pnl(contract, position.quantity, position.entry_price, mark),
        margin=schedule_value(contract.product, tiers, size),
        rate=exact_decimal(tier.rate),
        leverage=leverage,
        max_leverage=largest,
        initial_margin=initial_margin(size, leverage),
    )


def _leverage(position: Position, largest: Fraction | None) -> Fraction | None:
    """Return the leverage of a position: no more than the largest of its symbol's brackets.

    The exchange grants no more (our reading for a position that is older than its brackets).
    """
    if position.leverage is None or largest is None or position.is_granted:
        return position.leverage or largest
    return min(position.leverage, largest)


def _lacks(
    contract: Contract, mark: Fraction | None, tiers: tuple[Tier, ...] | None
) -> tuple[str, ...]:
    # One over a price of 0 is no number: for COIN-M such a price is none.
    priced = mark is not None and (contract.product == "usdm" or bool(mark))
    lacks = (("price", not priced), (contract.product, tiers is None))
    return tuple(name for name, is_missing in lacks if is_missing)


def unpriced_positions(terms: Iterable[PositionTerm]) -> Action:
    """Return UNPRICED_DEBT where a position lacks a price, its contract or its brackets."""
    return Action.UNPRICED_DEBT if any(term.missing for term in terms) else Action(0)

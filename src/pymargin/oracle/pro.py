"""Cross Margin Pro, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pymargin.errors import MarginError, Problem
from pymargin.modes import Action
from pymargin.oracle.account import Account, read_account
from pymargin.oracle.decide import Check, decide, methodology_of
from pymargin.oracle.orders import OrderTerm, order_terms, unpriced_orders
from pymargin.oracle.quotes import PriceSource, Quotes
from pymargin.oracle.standing import Ratio, Reading, Standing, levels_of
from pymargin.oracle.terms import (
    AssetTerm,
    Level,
    asset_terms,
    beyond_tiers,
    debt_value,
    table_total,
    unpriced,
)

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["ProLevels", "cross_pro", "pro_order_loss", "pro_standing"]

_BRACKETS = ("liability_maintenance", "liability_initial")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProLevels:
    """The levels of one Cross Margin Pro account: fractions, USDT for sums.

    The margin level is the float ``inf`` or ``-inf`` where the maintenance margin is 0; an
    UNPRICED account has every number ``nan``.
    """

    collateral_value: Level = math.nan
    total_liability: Level = math.nan
    net_collateral: Level = math.nan
    open_order_loss: Level = math.nan
    maintenance_margin: Level = math.nan
    initial_margin: Level = math.nan
    available_margin: Level = math.nan
    margin_level: Level = math.nan
    actions: Action
    terms: tuple[AssetTerm, ...]
    orders: tuple[OrderTerm, ...] = ()
    checks: tuple[Check, ...] = ()


def cross_pro(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    *,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
) -> ProLevels:
    """Return the exact levels and actions of one account under Cross Margin Pro.

    ``pro_2025`` ("Cross Margin Pro", FAQ 12a78d8aa813470f96be283b45f75410, 2025-01-21):

    - net collateral = collateral value - liabilities with interest;
    - margin level = (net collateral - open-order loss) / maintenance margin;
    - maintenance and initial margin: each debt's USDT value through its brackets, progressive
      (margin-data page, "Cross Margin Pro Position Tiers"); interest included is our reading;
    - available margin = max(0, net collateral - open-order loss - initial margin) (our reading);
    - collateral on gross holdings, as the FAQ's wording; ``net`` sets each asset's debt off
      against its holding first, as Classic does since 2026-06-15 (the other reading).

    Our reading: a maintenance margin of 0 gives ``inf`` for N of 0 or more, and nothing fires;
    ``-inf`` below, which liquidates. Order assets need a price and a collateral schedule.

    Parameters
    ----------
    row
        One account (``balances``, ``orders`` or ``open_order_loss``, ``margin_call_ratio``).
    prices
        Index price in USDT by asset.
    rules
        Schedules, methodology and thresholds.
    collateral
        ``gross`` or ``net`` holdings.
    order_loss
        ``marginal`` on the whole holding, or each order ``standalone``.

    Raises
    ------
    AccountsError
        For a negative, non-finite or repeated balance.
    MarginError
        For a `collateral` or `order_loss` that is neither of the two.
    RulesError
        For rules without a methodology for Cross Margin Pro.
    """
    reading = Reading(collateral=collateral, order_loss=order_loss)
    account, quotes = read_account(row), Quotes(prices)
    terms = _terms(account, quotes, rules, reading)
    orders = _orders(account, quotes, rules, reading, terms)
    if flags := unpriced(terms) | unpriced_orders(orders):
        return ProLevels(actions=flags, terms=terms, orders=orders)

    loss = account.open_order_loss + sum((order.loss for order in orders), Fraction(0))
    levels = levels_of(_ratios(terms, loss))
    # As it is published, available margin never falls below 0; what is lacking to it may be more.
    levels["available_margin"] = max(Fraction(0), levels["available_margin"])
    actions, checks = decide(
        rules, "cross_pro", levels, leverage=None, own_ratio=account.ratio_in("cross_pro")
    )
    value, liability = table_total(terms, "collateral"), debt_value(terms)
    return ProLevels(
        collateral_value=value,
        total_liability=liability,
        net_collateral=value - liability,
        open_order_loss=loss,
        maintenance_margin=table_total(terms, "liability_maintenance"),
        initial_margin=table_total(terms, "liability_initial"),
        available_margin=levels["available_margin"],
        margin_level=levels["margin_level"],
        actions=actions | beyond_tiers(terms),
        terms=terms,
        orders=orders,
        checks=checks,
    )


def pro_standing(
    account: Account, quotes: Quotes, rules: MarginRules, reading: Reading
) -> Standing:
    """Return what decides over a Pro account."""
    terms = _terms(account, quotes, rules, reading)
    orders = _orders(account, quotes, rules, reading, terms)
    if flags := unpriced(terms) | unpriced_orders(orders):
        return Standing(flags)
    loss = account.open_order_loss + sum((order.loss for order in orders), Fraction(0))
    return Standing(Action(0), (_ratios(terms, loss),))


def pro_order_loss(
    account: Account, quotes: Quotes, rules: MarginRules, reading: Reading
) -> Fraction:
    """Return the loss of the account's orders at these prices, without the loss it states."""
    terms = _terms(account, quotes, rules, reading)
    orders = _orders(account, quotes, rules, reading, terms)
    return sum((order.loss for order in orders), Fraction(0))


def _terms(
    account: Account, quotes: Quotes, rules: MarginRules, reading: Reading
) -> tuple[AssetTerm, ...]:
    methodology_of(rules, "cross_pro", ("pro_2025",))
    _known("collateral", reading.collateral, ("gross", "net"))
    _known("order_loss", reading.order_loss, ("marginal", "standalone"))
    net = reading.collateral == "net"
    return asset_terms(
        account, quotes, rules, holdings=("collateral",), liabilities=_BRACKETS, net=net
    )


def _orders(
    account: Account,
    quotes: Quotes,
    rules: MarginRules,
    reading: Reading,
    terms: tuple[AssetTerm, ...],
) -> tuple[OrderTerm, ...]:
    net, standalone = reading.collateral == "net", reading.order_loss == "standalone"
    return order_terms(account, quotes, rules, terms, net=net, standalone=standalone)


def _ratios(terms: tuple[AssetTerm, ...], loss: Fraction) -> dict[str, Ratio | None]:
    maintenance, initial = (table_total(terms, table) for table in _BRACKETS)
    equity = table_total(terms, "collateral") - debt_value(terms) - loss
    return {
        "margin_level": Ratio(equity, maintenance),
        "available_margin": Ratio(equity - initial),
    }


def _known(argument: str, found: str, readings: tuple[str, str]) -> None:
    if found not in readings:
        expected = " or ".join(repr(reading) for reading in readings)
        raise MarginError([Problem(argument, "reading", repr(found), expected)])

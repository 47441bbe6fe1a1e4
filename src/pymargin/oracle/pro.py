"""Cross Margin Pro, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pymargin.errors import MarginError, Problem
from pymargin.modes import Action
from pymargin.oracle.decide import Check, decide, methodology_of, own_margin_call_ratio
from pymargin.oracle.orders import OrderTerm, order_terms, unpriced_orders
from pymargin.oracle.schedule import exact
from pymargin.oracle.terms import (
    AssetTerm,
    Level,
    PriceSource,
    asset_terms,
    beyond_tiers,
    debt_value,
    level_of,
    table_total,
    unpriced,
)

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["ProLevels", "cross_pro"]


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
    methodology_of(rules, "cross_pro", ("pro_2025",))
    _known("collateral", collateral, ("gross", "net"))
    _known("order_loss", order_loss, ("marginal", "standalone"))
    net = collateral == "net"
    brackets = ("liability_maintenance", "liability_initial")
    terms = asset_terms(row, prices, rules, holdings=("collateral",), liabilities=brackets, net=net)
    orders = order_terms(row, prices, rules, terms, net=net, standalone=order_loss == "standalone")
    if flags := unpriced(terms) | unpriced_orders(orders):
        return ProLevels(actions=flags, terms=terms, orders=orders)

    value, liability = table_total(terms, "collateral"), debt_value(terms)
    loss = exact(row.get("open_order_loss") or 0)
    loss += sum((order.loss for order in orders), Fraction(0))
    maintenance, initial = (table_total(terms, table) for table in brackets)
    equity = value - liability - loss
    available = max(Fraction(0), equity - initial)
    level = level_of(equity, maintenance)
    actions, checks = decide(
        rules,
        "cross_pro",
        {"margin_level": level, "available_margin": available},
        leverage=None,
        own_ratio=own_margin_call_ratio(row),
    )
    return ProLevels(
        collateral_value=value,
        total_liability=liability,
        net_collateral=value - liability,
        open_order_loss=loss,
        maintenance_margin=maintenance,
        initial_margin=initial,
        available_margin=available,
        margin_level=level,
        actions=actions | beyond_tiers(terms),
        terms=terms,
        orders=orders,
        checks=checks,
    )


def _known(argument: str, found: str, readings: tuple[str, str]) -> None:
    if found not in readings:
        expected = " or ".join(repr(reading) for reading in readings)
        raise MarginError([Problem(argument, "reading", repr(found), expected)])

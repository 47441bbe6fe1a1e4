"""Open-order loss of Cross Margin Pro, in exact numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pymargin.modes import Action
from pymargin.oracle.account import Account
from pymargin.oracle.quotes import Quotes
from pymargin.oracle.schedule import exact
from pymargin.oracle.terms import AssetTerm, collateral_value

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["OrderTerm", "order_terms", "unpriced_orders"]

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One open order: what filling it would cost in collateral.

    Parameters
    ----------
    give_asset, give_quantity, get_asset, get_quantity
        The order, in units of each asset.
    collateral_given, collateral_got
        USDT of collateral that the fill takes away and adds.
    loss
        ``max(0, given - got)``, USDT.
    missing
        What the order lacks to be priced, such as ``price of BTC``.
    """

    give_asset: str
    give_quantity: Fraction
    get_asset: str
    get_quantity: Fraction
    collateral_given: Fraction
    collateral_got: Fraction
    loss: Fraction
    missing: tuple[str, ...]


def order_terms(
    account: Account,
    quotes: Quotes,
    rules: MarginRules,
    terms: Sequence[AssetTerm],
    *,
    net: bool,
    standalone: bool,
) -> tuple[OrderTerm, ...]:
    """Return the loss of every open order.

    "Cross Margin Pro" (FAQ, 2025-01-21) begins: the sum of ``Max(0, Collateral Value of assets``
    to be sold, less that of the assets to be bought, per order. Our reading of the rest: at index
    prices, one order at a time, not netted. Marginal: on the account's whole holding,
    ``max(0, [c(A_give) - c(max(A_give - x, 0))] - [c(A_get + y) - c(A_get)])`` where c is the
    collateral of the asset as the mode takes it. Standalone:
    ``max(0, H(x * p_give) - H(y * p_get))``.
    """
    units = {term.asset: (term.held, term.owed) for term in terms}

    def collateral(asset: str, price: Fraction, held: Fraction) -> Fraction:
        owed = units.get(asset, (_NOTHING, _NOTHING))[1] if net and not standalone else _NOTHING
        taken = collateral_value("collateral", rules, asset, price, (held, owed))
        return _NOTHING if taken is None else min(held, owed) * price + taken.total

    found = []
    for order in account.orders:
        give, get = order["give_asset"], order["get_asset"]
        given, got = exact(order.get("give_quantity") or 0), exact(order.get("get_quantity") or 0)
        give_price, get_price = quotes.index(give), quotes.index(get)
        missing = _missing(rules, {give: give_price, get: get_price})
        loses = gains = _NOTHING
        if give_price is not None and get_price is not None and not missing:
            if standalone:
                loses, gains = collateral(give, give_price, given), collateral(get, get_price, got)
            else:
                held = units.get(give, (_NOTHING, _NOTHING))[0]
                left = max(held - given, _NOTHING)
                loses = collateral(give, give_price, held) - collateral(give, give_price, left)
                held = units.get(get, (_NOTHING, _NOTHING))[0]
                gains = collateral(get, get_price, held + got) - collateral(get, get_price, held)
        loss = max(_NOTHING, loses - gains)
        found.append(OrderTerm(give, given, get, got, loses, gains, loss, missing))
    return tuple(found)


def unpriced_orders(orders: Sequence[OrderTerm]) -> Action:
    """Return UNPRICED_ASSET where an order's asset lacks a price or a collateral schedule."""
    return Action.UNPRICED_ASSET if any(order.missing for order in orders) else Action(0)


def _missing(rules: MarginRules, prices: Mapping[str, Fraction | None]) -> tuple[str, ...]:
    lacks = []
    for asset, price in prices.items():
        if price is None:
            lacks.append(f"price of {asset}")
        if rules.find("collateral", asset) is None:
            lacks.append(f"collateral of {asset}")
    return tuple(lacks)

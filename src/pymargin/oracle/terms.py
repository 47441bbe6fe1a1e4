"""What one asset of an account contributes, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from pymargin.modes import Action
from pymargin.oracle.account import Account, Balance
from pymargin.oracle.quotes import Quotes
from pymargin.oracle.schedule import ScheduleValue, schedule_value

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = [
    "AssetTerm",
    "Level",
    "asset_terms",
    "beyond_tiers",
    "collateral_value",
    "debt_value",
    "held_value",
    "level_of",
    "table_total",
    "unpriced",
]

Level: TypeAlias = Fraction | float
"""A fraction, or the float ``inf``, ``-inf`` or ``nan``."""


@dataclass(frozen=True, slots=True)
class AssetTerm:
    """One asset of an account: quantities, price, values, and each schedule taken at its value.

    Parameters
    ----------
    asset
        Name of the asset.
    free, locked, borrowed, interest
        Quantities in units of the asset.
    price
        Index price in USDT; None where there is none, and then the values are 0.
    value
        Holding in USDT: ``(free + locked) * price``.
    debt_value
        Liability in USDT, interest included: ``(borrowed + interest) * price``.
    offset_value
        USDT of the holding that stand against a debt in the same asset and count in full;
        0 where holdings are taken gross.
    collateral
        Each holdings table (collateral, borrow, transfer_out), taken at the rest of the holding.
    margin
        Each liability table (maintenance, initial), taken at the debt.
    missing
        What the account lacks to be priced: ``price`` or the name of a table.
    flags
        `Action.UNPRICED_ASSET` and `Action.UNPRICED_DEBT` as `missing` demands.
    """

    asset: str
    free: Fraction
    locked: Fraction
    borrowed: Fraction
    interest: Fraction
    price: Fraction | None
    value: Fraction
    debt_value: Fraction
    offset_value: Fraction
    collateral: Mapping[str, ScheduleValue]
    margin: Mapping[str, ScheduleValue]
    missing: tuple[str, ...]
    flags: Action

    @property
    def held(self) -> Fraction:
        """Units held: free and locked."""
        return self.free + self.locked

    @property
    def owed(self) -> Fraction:
        """Units owed: borrowed and interest."""
        return self.borrowed + self.interest


def collateral_value(
    table: str, rules: MarginRules, asset: str, price: Fraction, units: tuple[Fraction, Fraction]
) -> ScheduleValue | None:
    """Take a holdings table at the units of an asset that are held over those that are set off.

    ``H(max(held - set off, 0) * price)``; the units set off are 0 where holdings are gross.
    None where the asset has no schedule.
    """
    tiers = rules.find(table, asset)
    if tiers is None:
        return None
    held, set_off = units
    return schedule_value(table, tiers, max(held - set_off, Fraction(0)) * price)


def asset_terms(
    account: Account,
    quotes: Quotes,
    rules: MarginRules,
    *,
    holdings: tuple[str, ...],
    liabilities: tuple[str, ...],
    net: bool,
) -> tuple[AssetTerm, ...]:
    """Return the terms of every asset of an account, in input order."""
    return tuple(
        _asset_term(balance, quotes, rules, holdings, liabilities, net)
        for balance in account.balances.values()
    )


def _asset_term(
    balance: Balance,
    quotes: Quotes,
    rules: MarginRules,
    holdings: tuple[str, ...],
    liabilities: tuple[str, ...],
    net: bool,
) -> AssetTerm:
    asset, held, owed = balance.asset, balance.held, balance.owed
    price = quotes.index(asset)
    lacks_price: tuple[str, ...] = ("price",) if price is None else ()
    counted = Fraction(0) if price is None else price
    offset = min(held, owed) if net else Fraction(0)

    collateral: dict[str, ScheduleValue] = {}
    lacks_asset = lacks_price if held else ()
    for table in holdings if held else ():
        taken = collateral_value(table, rules, asset, counted, (held, offset))
        if taken is None:
            lacks_asset += (table,)
        else:
            collateral[table] = taken
    margin: dict[str, ScheduleValue] = {}
    lacks_debt = lacks_price if owed else ()
    for table in liabilities if owed else ():
        tiers = rules.find(table, asset)
        if tiers is None:
            lacks_debt += (table,)
        else:
            margin[table] = schedule_value(table, tiers, owed * counted)

    flags = Action.UNPRICED_ASSET if lacks_asset else Action(0)
    flags |= Action.UNPRICED_DEBT if lacks_debt else Action(0)
    return AssetTerm(
        asset, balance.free, balance.locked, balance.borrowed, balance.interest, price,
        held * counted, owed * counted, offset * counted, collateral, margin,
        tuple(dict.fromkeys(lacks_asset + lacks_debt)), flags,
    )  # fmt: skip


def held_value(terms: Iterable[AssetTerm]) -> Fraction:
    """Sum the holdings, USDT."""
    return sum((term.value for term in terms), Fraction(0))


def debt_value(terms: Iterable[AssetTerm]) -> Fraction:
    """Sum the liabilities, interest included, USDT."""
    return sum((term.debt_value for term in terms), Fraction(0))


def table_total(terms: Iterable[AssetTerm], table: str) -> Fraction:
    """Sum one table over the assets, with what counts in full in a holdings table, USDT."""
    total = Fraction(0)
    for term in terms:
        if table in term.collateral:
            total += term.offset_value + term.collateral[table].total
        if table in term.margin:
            total += term.margin[table].total
    return total


def level_of(numerator: Fraction, denominator: Fraction) -> Level:
    """Return N/D; where D is 0, ``inf`` for N of 0 or more and ``-inf`` below (our reading)."""
    if denominator:
        return numerator / denominator
    return math.inf if numerator >= 0 else -math.inf


def unpriced(terms: Iterable[AssetTerm]) -> Action:
    """Return the flags of everything that lacks a price or a schedule."""
    flags = Action(0)
    for term in terms:
        flags |= term.flags
    return flags


def beyond_tiers(terms: Iterable[AssetTerm]) -> Action:
    """Return BEYOND_TIERS where a value exceeds a closed last cap; at the cap is not beyond."""
    exceeds = any(
        taken.beyond
        for term in terms
        for taken in (*term.collateral.values(), *term.margin.values())
    )
    return Action.BEYOND_TIERS if exceeds else Action(0)

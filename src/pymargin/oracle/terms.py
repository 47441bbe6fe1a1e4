"""What one asset of an account contributes, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

from pymargin.errors import AccountsError, PricesError, Problem
from pymargin.modes import Action
from pymargin.oracle.schedule import ScheduleValue, exact, schedule_value

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = [
    "AssetTerm",
    "Level",
    "PriceSource",
    "asset_terms",
    "beyond_tiers",
    "collateral_value",
    "debt_value",
    "held_value",
    "level_of",
    "price_of",
    "table_total",
    "unpriced",
]

Level = Fraction | float
"""A fraction, or the float ``inf``, ``-inf`` or ``nan``."""

_QUANTITIES = ("free", "locked", "borrowed", "interest")


class HasIndex(Protocol):
    """Anything with index prices by name, such as `pymargin.Prices`."""

    @property
    def index(self) -> Mapping[str, float]:
        """Index price of each asset, USDT."""


PriceSource = Mapping[str, float] | HasIndex


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


def price_of(prices: PriceSource, asset: str) -> Fraction | None:
    """Return the index price of an asset, or None where it is missing or not finite.

    USDT is 1 unless it is given.
    """
    by_name = prices if isinstance(prices, Mapping) else prices.index
    found = by_name.get(asset, 1.0 if asset == "USDT" else None)
    number = math.nan if found is None else float(found)
    if not math.isfinite(number):
        return None
    if number < 0:
        raise PricesError([Problem(asset, "price", number, "0 or more")])
    return exact(number)


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
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    *,
    holdings: tuple[str, ...],
    liabilities: tuple[str, ...],
    net: bool,
) -> tuple[AssetTerm, ...]:
    """Return the terms of every asset of a row, in input order; entries of zeros are left out."""
    balances = _quantities(row)
    return tuple(
        _asset_term(asset, quantities, prices, rules, holdings, liabilities, net)
        for asset, quantities in balances.items()
        if any(quantities)
    )


def _asset_term(
    asset: str,
    quantities: tuple[Fraction, ...],
    prices: PriceSource,
    rules: MarginRules,
    holdings: tuple[str, ...],
    liabilities: tuple[str, ...],
    net: bool,
) -> AssetTerm:
    free, locked, borrowed, interest = quantities
    held, owed = free + locked, borrowed + interest
    price = price_of(prices, asset)
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
        asset, free, locked, borrowed, interest, price,
        held * counted, owed * counted, offset * counted, collateral, margin,
        tuple(dict.fromkeys(lacks_asset + lacks_debt)), flags,
    )  # fmt: skip


def _quantities(row: Mapping[str, Any]) -> dict[str, tuple[Fraction, ...]]:
    found: dict[str, tuple[Fraction, ...]] = {}
    problems = []
    for i, entry in enumerate(row.get("balances") or ()):
        asset = entry["asset"]
        numbers = [float(entry.get(name) or 0) for name in _QUANTITIES]
        problems += [
            Problem(f"balances[{i}].{name}", "quantity", number, "finite and 0 or more")
            for name, number in zip(_QUANTITIES, numbers, strict=True)
            if not 0 <= number < math.inf
        ]
        if asset in found:
            problems.append(Problem(f"balances[{i}].asset", "duplicate", asset, "named once"))
        if not problems:
            found[asset] = tuple(exact(number) for number in numbers)
    if problems:
        raise AccountsError(problems)
    return found


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

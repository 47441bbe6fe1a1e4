"""Cross Margin Classic under its three dated methodologies, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pymargin.errors import AccountsError, Problem
from pymargin.modes import Action
from pymargin.oracle.decide import Check, decide, methodology_of, own_margin_call_ratio
from pymargin.oracle.terms import (
    AssetTerm,
    Level,
    PriceSource,
    asset_terms,
    beyond_tiers,
    debt_value,
    held_value,
    level_of,
    table_total,
    unpriced,
)

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["ClassicLevels", "cross_classic"]

_LEVERAGES = (3, 5)
_METHODOLOGIES = ("classic_2023", "classic_2026_01", "classic_2026_06")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicLevels:
    """The levels of one Cross Margin Classic account: fractions, USDT for sums.

    A level is the float ``inf`` where nothing is owed, ``nan`` where it cannot be told; an
    UNPRICED account has every number ``nan``.
    """

    total_asset: Level = math.nan
    total_liability: Level = math.nan
    collateral_value: Level = math.nan
    margin_level: Level = math.nan
    collateral_margin_level: Level = math.nan
    borrow_margin_level: Level = math.nan
    transfer_out_margin_level: Level = math.nan
    actions: Action
    terms: tuple[AssetTerm, ...]
    checks: tuple[Check, ...] = ()


def cross_classic(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None = None,
) -> ClassicLevels:
    """Return the exact levels and actions of one account under Cross Margin Classic.

    With A = free + locked, D = borrowed + interest, p = index price, H a table's schedule:

    - ``classic_2023`` and ``classic_2026_01``: margin level = sum of A*p / sum of D*p, gross and
      without haircut ("Binance Margin Level and Margin Call", FAQ 360030493931, before
      2026-06-15); collateral margin level = sum of H(A*p) / sum of D*p ("Binance Cross Margin
      Collateral Haircuts", FAQ).
    - ``classic_2023``: the borrow and transfer-out levels are the collateral margin level.
    - ``classic_2026_01``: borrow and transfer-out levels as the collateral margin level, each on
      its own table ("Binance Margin Will Update the Collateral Ratio of Multiple Parameters for
      Cross Margin Mode", 2026-01-21).
    - ``classic_2026_06``: every level, the margin level included, is
      sum of [min(A, D)*p + H(max(A - D, 0)*p)] / sum of D*p, on the liquidation, borrow and
      transfer-out tables (FAQ 360030493931, updated 2026-06-18; for the latter two our reading).

    Our reading: a whole borrow or transfer-out table that is absent makes its level NaN; an
    asset held without a schedule in a table that exists makes the account UNPRICED_ASSET; a debt
    needs a price only. Open orders are ignored.

    Parameters
    ----------
    row
        One account (``balances``, ``leverage``, ``margin_call_ratio``).
    prices
        Index price in USDT by asset.
    rules
        Schedules, methodology and thresholds.
    leverage
        3 or 5, for a row without one.

    Raises
    ------
    AccountsError
        For a negative, non-finite or repeated balance, or no leverage.
    RulesError
        For rules without a methodology for Cross Margin Classic.
    """
    methodology = methodology_of(rules, "cross_classic", _METHODOLOGIES)
    leverage = _leverage(row, leverage)
    net = methodology == "classic_2026_06"
    split = methodology != "classic_2023"
    rated = ("borrow", "transfer_out") if split else ()
    holdings = ("collateral", *(table for table in rated if rules.has_table(table)))
    terms = asset_terms(row, prices, rules, holdings=holdings, liabilities=(), net=net)
    if flags := unpriced(terms):
        return ClassicLevels(actions=flags, terms=terms)

    assets, liability = held_value(terms), debt_value(terms)
    collateral = table_total(terms, "collateral")
    collateral_level = level_of(collateral, liability)
    levels: dict[str, Level] = {
        "margin_level": collateral_level if net else level_of(assets, liability),
        "collateral_margin_level": collateral_level,
    }
    for table in ("borrow", "transfer_out"):
        level = _rated_level(terms, table, liability, holdings) if split else collateral_level
        levels[f"{table}_margin_level"] = level
    actions, checks = decide(
        rules, "cross_classic", levels, leverage=leverage, own_ratio=own_margin_call_ratio(row)
    )
    return ClassicLevels(
        total_asset=assets,
        total_liability=liability,
        collateral_value=collateral,
        margin_level=levels["margin_level"],
        collateral_margin_level=collateral_level,
        borrow_margin_level=levels["borrow_margin_level"],
        transfer_out_margin_level=levels["transfer_out_margin_level"],
        actions=actions | beyond_tiers(terms),
        terms=terms,
        checks=checks,
    )


def _rated_level(
    terms: tuple[AssetTerm, ...], table: str, liability: Fraction, holdings: tuple[str, ...]
) -> Level:
    if table not in holdings:
        return math.nan
    return level_of(table_total(terms, table), liability)


def _leverage(row: Mapping[str, Any], leverage: int | None) -> int:
    own = row.get("leverage") or leverage
    if own not in _LEVERAGES:
        raise AccountsError([Problem("leverage", "leverage", own, "3 or 5")])
    return int(own)

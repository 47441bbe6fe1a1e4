"""Cross Margin Classic under its three dated methodologies, in exact numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymargin.errors import AccountsError, Problem
from pymargin.modes import Action
from pymargin.oracle.account import Account, read_account
from pymargin.oracle.decide import Check, decide, methodology_of
from pymargin.oracle.quotes import PriceSource, Quotes
from pymargin.oracle.standing import Ratio, Reading, Standing, levels_of
from pymargin.oracle.terms import (
    AssetTerm,
    Level,
    asset_terms,
    beyond_tiers,
    debt_value,
    held_value,
    table_total,
    unpriced,
)

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = [
    "ClassicLevels",
    "classic_leverage",
    "classic_ratios",
    "classic_standing",
    "classic_terms",
    "cross_classic",
]

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
    account = read_account(row)
    leverage = classic_leverage(account, leverage)
    terms = classic_terms(account, Quotes(prices), rules)
    if flags := unpriced(terms):
        return ClassicLevels(actions=flags, terms=terms)
    levels = levels_of(classic_ratios(terms, rules))
    actions, checks = decide(
        rules,
        "cross_classic",
        levels,
        leverage=leverage,
        own_ratio=account.ratio_in("cross_classic"),
    )
    return ClassicLevels(
        total_asset=held_value(terms),
        total_liability=debt_value(terms),
        collateral_value=table_total(terms, "collateral"),
        margin_level=levels["margin_level"],
        collateral_margin_level=levels["collateral_margin_level"],
        borrow_margin_level=levels["borrow_margin_level"],
        transfer_out_margin_level=levels["transfer_out_margin_level"],
        actions=actions | beyond_tiers(terms),
        terms=terms,
        checks=checks,
    )


def classic_standing(account: Account, quotes: Quotes, rules: MarginRules, _: Reading) -> Standing:
    """Return what decides over a Classic account."""
    terms = classic_terms(account, quotes, rules)
    if flags := unpriced(terms):
        return Standing(flags)
    return Standing(Action(0), (classic_ratios(terms, rules),))


def classic_leverage(account: Account, leverage: int | None) -> int:
    """Return the account's leverage, else the one given."""
    own = account.leverage or leverage
    if own not in _LEVERAGES:
        raise AccountsError([Problem("leverage", "leverage", own, "3 or 5")])
    return int(own)


def classic_terms(account: Account, quotes: Quotes, rules: MarginRules) -> tuple[AssetTerm, ...]:
    """Return the term of every asset, with the tables that the methodology reads."""
    net = methodology_of(rules, "cross_classic", _METHODOLOGIES) == "classic_2026_06"
    holdings = ("collateral", *_rated_tables(rules))
    return asset_terms(account, quotes, rules, holdings=holdings, liabilities=(), net=net)


def classic_ratios(terms: tuple[AssetTerm, ...], rules: MarginRules) -> dict[str, Ratio | None]:
    """Return the levels of an account by name, None where their table is absent."""
    methodology = rules.methodology["cross_classic"]
    liability = debt_value(terms)
    collateral = Ratio(table_total(terms, "collateral"), liability)
    is_net = methodology == "classic_2026_06"
    ratios: dict[str, Ratio | None] = {
        "margin_level": collateral if is_net else Ratio(held_value(terms), liability),
        "collateral_margin_level": collateral,
    }
    for table in ("borrow", "transfer_out"):
        rated = collateral if methodology == "classic_2023" else None
        if table in _rated_tables(rules):
            rated = Ratio(table_total(terms, table), liability)
        ratios[f"{table}_margin_level"] = rated
    return ratios


def _rated_tables(rules: MarginRules) -> tuple[str, ...]:
    """Name the tables that the borrow and transfer-out levels have of their own."""
    if rules.methodology["cross_classic"] == "classic_2023":
        return ()
    return tuple(table for table in ("borrow", "transfer_out") if rules.has_table(table))

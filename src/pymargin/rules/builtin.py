"""Builds the rules that the exchange's documents state, as of a moment."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pymargin.errors import Problem
from pymargin.rules.builtin_futures import BRACKETS, BRACKETS_SOURCE
from pymargin.rules.builtin_portfolio import (
    PRO_MOVES,
    PRO_TIERS,
    PRO_TIERS_SINCE,
    PRO_TIERS_SOURCE,
    RATES,
    RATES_SOURCE,
)
from pymargin.rules.builtin_tables import (
    FLAT_RATIOS,
    FLAT_RATIOS_SINCE,
    FLAT_RATIOS_SOURCE,
    MOVES,
    TIERS,
    TIERS_PRINTED_SINCE,
    TIERS_SOURCE,
    standing,
)
from pymargin.rules.loans import LOAN_MARGIN_SOURCE
from pymargin.rules.methodology import METHODOLOGIES, methodology_at, parse_moment
from pymargin.rules.model import Group, MarginRules
from pymargin.rules.schedules import Tier
from pymargin.rules.thresholds import THRESHOLD_SOURCES

__all__ = ["builtin_rules"]


def builtin_rules(at: str | datetime | None = None) -> MarginRules:
    """Build the rules that the exchange's documents state, as of a moment.

    They hold what is published and nothing else. Cross margin: collateral tiers of ranks 6 to 10,
    the flat borrow and transfer-out ratios of ranks 1 to 10 (from 2026-01-21 13:00 UTC), the rank
    of each asset that a notice names, thresholds, margin-call ratios and the countries without
    20x; no tiers for ranks 1 to 5 and no liability brackets. Portfolio margin: the rates of the
    assets that a notice names, maintenance rates of loans, and for Portfolio Margin Pro the tiers
    of eleven ranks (from 2024-09-11) with the ranks of the assets that a notice names. Futures:
    the brackets of ten USDⓈ-M contracts, and none of COIN-M. Asking for what is not stated is an
    error that says so. ``rules.sources`` names the documents.

    Parameters
    ----------
    at
        ISO 8601 text with a zone, or an aware datetime; absent, the newest. A change is in force
        at its very moment. Before the first notice that names an asset or symbol, it has the
        rank, rate or brackets that the notice gives as "before"; where it gives none, it has
        none. Our readings: a move of 2025-12-08 takes effect at 06:00 UTC, and the tiers, printed
        since 2025-08-08, held before it too (``problems()`` then says so).

    Raises
    ------
    RulesError
        The moment has no zone, or lies before the first methodology (2023-01-12).

    Examples
    --------
    >>> builtin_rules(at="2025-11-07T05:59Z").rank("WIF")
    5
    >>> builtin_rules(at="2025-11-07T06:00Z").rank("WIF")
    6
    """
    moment = parse_moment(at)
    methodology = methodology_at(moment)
    tables = _cross_tables(moment) | _portfolio_tables(moment) | _futures_tables(moment)
    notes: tuple[Problem, ...] = ()
    if moment is not None and moment < TIERS_PRINTED_SINCE:
        told = "the collateral tiers are first printed on 2025-08-08; taken to hold earlier too"
        notes = (Problem("$.tables.collateral", told, severity="warning"),)
    return MarginRules(
        tables=tables,
        ranks=standing(MOVES, moment),
        portfolio_pro_ranks=standing(PRO_MOVES, moment) if "portfolio_pro" in tables else {},
        methodology=methodology,
        moment=moment,
        label="Binance margin, as its documents state it",
        sources=_sources(tables=set(tables), used=set(methodology.values())),
        notes=notes,
    )


def _flat(rate: Decimal) -> tuple[Tier, ...]:
    return (Tier(Decimal(0), None, rate),)


def _cross_tables(moment: datetime | None) -> dict[str, list[Group]]:
    tables = {"collateral": [Group(tiers, rank=rank) for rank, tiers in TIERS.items()]}
    if moment is None or moment >= FLAT_RATIOS_SINCE:
        flat = [Group(_flat(ratio), rank=rank) for rank, ratio in FLAT_RATIOS.items()]
        tables |= {"borrow": flat, "transfer_out": flat}
    return tables


def _portfolio_tables(moment: datetime | None) -> dict[str, list[Group]]:
    rates = standing(RATES, moment)
    tables = {"portfolio": [Group(_flat(rate), assets=(asset,)) for asset, rate in rates.items()]}
    if moment is None or moment >= PRO_TIERS_SINCE:
        tables["portfolio_pro"] = [Group(tiers, rank=rank) for rank, tiers in PRO_TIERS.items()]
    return tables


def _futures_tables(moment: datetime | None) -> dict[str, list[Group]]:
    brackets = standing(BRACKETS, moment)
    return {"usdm": [Group(tiers, assets=(symbol,)) for symbol, tiers in brackets.items()]}


def _sources(*, tables: set[str], used: set[str]) -> tuple[str, ...]:
    moves = {move.source: f"{move.source}: assets that change rank" for move in MOVES}
    formulas = [f"{entry.source}: {entry.name}" for entry in METHODOLOGIES if entry.name in used]
    ratios = [FLAT_RATIOS_SOURCE] if "borrow" in tables else []
    pro_moves = {move.source: None for move in PRO_MOVES}
    pro = [PRO_TIERS_SOURCE, *pro_moves] if "portfolio_pro" in tables else []
    portfolio = [RATES_SOURCE, *pro, LOAN_MARGIN_SOURCE]
    cross = [TIERS_SOURCE, *moves.values(), *ratios]
    return (*cross, *portfolio, BRACKETS_SOURCE, *THRESHOLD_SOURCES, *formulas)

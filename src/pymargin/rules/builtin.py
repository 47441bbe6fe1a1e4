"""Builds the cross-margin rules that the exchange's documents state, as of a moment."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pymargin.errors import Problem
from pymargin.rules.builtin_tables import (
    FLAT_RATIOS,
    FLAT_RATIOS_SINCE,
    FLAT_RATIOS_SOURCE,
    MOVES,
    TIERS,
    TIERS_PRINTED_SINCE,
    TIERS_SOURCE,
)
from pymargin.rules.methodology import METHODOLOGIES, methodology_at, parse_moment
from pymargin.rules.model import Group, MarginRules
from pymargin.rules.schedules import Tier
from pymargin.rules.thresholds import THRESHOLD_SOURCES

__all__ = ["builtin_rules"]


def builtin_rules(at: str | datetime | None = None) -> MarginRules:
    """Build the cross-margin rules that the exchange's documents state, as of a moment.

    They hold what is published and nothing else: collateral tiers of ranks 6 to 10, the flat
    borrow and transfer-out ratios of ranks 1 to 10 (from 2026-01-21 13:00 UTC), the rank of each
    asset that a notice names, thresholds, margin-call ratios and the countries without 20x. There
    are no tiers for ranks 1 to 5 and no liability brackets: asking for one is an error that says
    so. ``rules.sources`` names the documents.

    Parameters
    ----------
    at
        ISO 8601 text with a zone, or an aware datetime; absent, the newest. A change is in force
        at its very moment. Before the first notice that names an asset, the asset has the rank
        that the notice gives as "before"; where it gives none, no rank. Our readings: a move of
        2025-12-08 takes effect at 06:00 UTC, and the tiers, printed since 2025-08-08, held before
        it too (``problems()`` then says so).

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
    ratios_apply = moment is None or moment >= FLAT_RATIOS_SINCE
    tables = {"collateral": [Group(tiers, rank=rank) for rank, tiers in TIERS.items()]}
    if ratios_apply:
        flat = [
            Group((Tier(Decimal(0), None, ratio),), rank=rank)
            for rank, ratio in FLAT_RATIOS.items()
        ]
        tables |= {"borrow": flat, "transfer_out": flat}
    notes: tuple[Problem, ...] = ()
    if moment is not None and moment < TIERS_PRINTED_SINCE:
        told = "the collateral tiers are first printed on 2025-08-08; taken to hold earlier too"
        notes = (Problem("$.tables.collateral", told, severity="warning"),)
    return MarginRules(
        tables=tables,
        ranks=_ranks(moment),
        methodology=methodology,
        moment=moment,
        label="Binance cross margin, as its documents state it",
        sources=_sources(ratios_apply=ratios_apply, used=set(methodology.values())),
        notes=notes,
    )


def _ranks(moment: datetime | None) -> dict[str, int]:
    ranks: dict[str, int] = {}
    moved: set[str] = set()
    for move in MOVES:
        in_force = moment is None or moment >= move.effective
        for asset in move.assets:
            if in_force:
                ranks[asset] = move.after
            elif asset not in moved and move.before is not None:
                ranks[asset] = move.before
        moved.update(move.assets)
    return ranks


def _sources(*, ratios_apply: bool, used: set[str]) -> tuple[str, ...]:
    moves = {move.source: f"{move.source}: assets that change rank" for move in MOVES}
    formulas = [f"{entry.source}: {entry.name}" for entry in METHODOLOGIES if entry.name in used]
    ratios = [FLAT_RATIOS_SOURCE] if ratios_apply else []
    return (TIERS_SOURCE, *moves.values(), *ratios, *THRESHOLD_SOURCES, *formulas)

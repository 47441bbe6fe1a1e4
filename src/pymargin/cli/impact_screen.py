"""Shows an impact on the terminal: the sums, the assets and the worst accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pymargin.account_modes import account_modes
from pymargin.cli.figures import (
    action_words,
    amount,
    counted,
    duration,
    level_figure,
    price_fall,
    share,
)
from pymargin.cli.screen import Column, Screen

if TYPE_CHECKING:
    from pymargin.impact_results import Impact
    from pymargin.notices import Change

__all__ = ["show_impact"]

_ASSETS = 10


def show_impact(screen: Screen, impact: Impact, changes: Sequence[Change], *, worst: int) -> None:
    """Print what takes effect at a moment, and what it does to the book."""
    due = [change for change in changes if change.effective == impact.moment]
    moment = "" if impact.moment is None else f"{impact.moment:%Y-%m-%d %H:%M} UTC"
    window = max((change.window for change in due), default=None)
    told = f", completed within {duration(window)}" if window else ""
    screen.heading(f"{moment}: {counted(len(due), 'announced change')}{told}")
    if impact.within == "during":
        screen.line("The worst within that time: every asset under the worse of its two tables.")
    _show_summary(screen, impact)
    _show_assets(screen, impact)
    if worst:
        _show_worst(screen, impact, worst)


def _show_summary(screen: Screen, impact: Impact) -> None:
    s = impact.summary
    rows = [
        ("change", s.changed, ""),
        ("lose collateral", s.losing, f"{amount(s.collateral_lost)} USDT lost"),
        ("are asked for more margin", s.asked_more, f"{amount(s.margin_added)} USDT more"),
        ("change an action", s.action_changed, _actions(impact)),
        ("newly called", s.newly_called, f"{amount(s.top_up_call)} USDT restore the call level"),
        ("newly liquidated", s.newly_liquidated,
         f"{amount(s.top_up_liquidation)} USDT restore the liquidation level"),
    ]  # fmt: skip
    screen.table(
        [Column("accounts that"), Column("count", True), Column("share", True), Column("")],
        [
            (name, f"{count:,}", share(count, s.accounts), told if count else "")
            for name, count, told in rows
        ],
    )


def _actions(impact: Impact) -> str:
    """Say which actions how many accounts lose and gain."""
    s = impact.summary
    return ", ".join(
        f"{count:,} {verb}{'s' if count == 1 else ''} {action_words(action.value)}"
        for verb, counts in (("lose", s.lost), ("gain", s.gained))
        for action, count in counts.items()
    )


def _show_assets(screen: Screen, impact: Impact) -> None:
    lost = sorted(impact.lost_by_asset.items(), key=lambda item: -abs(item[1]))
    moved = [(asset, amounts) for asset, amounts in lost if amounts]
    if not moved:
        return
    symbols = set(impact.accounts.symbols)
    has_symbols = any(name in symbols for name, _ in moved)
    what = "asset, margin added by symbol" if has_symbols else "asset"
    screen.heading(f"Collateral lost by {what} ({len(moved):,} in all; a minus is a gain)")
    screen.table(
        [Column("asset or symbol" if has_symbols else "asset"), Column("USDT", True)],
        [(asset, amount(amounts)) for asset, amounts in moved[:_ASSETS]],
    )


def _show_worst(screen: Screen, impact: Impact, count: int) -> None:
    positions = impact.worst(count)
    if not len(positions):
        return
    screen.heading(f"The worst accounts: {len(positions):,} of {impact.summary.changed:,}")
    factors = impact.price_factors(positions)
    has_price = any(bool(np.isfinite(side).any()) for side in factors)
    has_margin = bool(np.nan_to_num(impact.margin_added[positions]).any())
    columns = [
        Column("account"), Column("level before", True), Column("level after", True),
        Column("collateral lost", True), *[Column("margin added", True)] * has_margin,
        Column("driven by"), Column("top-up, call", True), Column("top-up, liquidation", True),
    ]  # fmt: skip
    modes = account_modes(impact.accounts, impact._mode)[positions].tolist()
    cells = [
        map(str, impact.ids[positions].tolist()),
        map(level_figure, impact.level_before[positions].tolist(), modes),
        map(level_figure, impact.level_after[positions].tolist(), modes),
        map(amount, impact.collateral_lost[positions].tolist()),
        *[map(amount, impact.margin_added[positions].tolist())] * has_margin,
        (str(driver or "-") for driver in impact.driver_of(positions).tolist()),
        map(amount, impact.top_up_call[positions].tolist()),
        map(amount, impact.top_up_liquidation[positions].tolist()),
    ]
    if has_price:
        columns += [Column(f"prices to liquidation, {side}", True) for side in ("before", "after")]
        cells += [map(price_fall, side.tolist()) for side in factors]
    columns.append(Column("actions after"))
    cells.append(map(action_words, impact.actions_after[positions].tolist()))
    screen.table(columns, list(zip(*cells, strict=True)))

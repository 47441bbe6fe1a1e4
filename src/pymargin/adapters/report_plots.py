"""The pictures of the impact report, as SVG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin._extras import require
from pymargin.modes import Action

if TYPE_CHECKING:
    from pymargin.impact_results import Impact

__all__ = ["TOP_ASSETS", "assets_plot", "cumulative_plot", "levels_plot"]

Floats = npt.NDArray[np.float64]

_INK, _MUTED, _GRID = "#1c2530", "#5b6675", "#e3e7ec"
_BEFORE, _AFTER, _BLUE = "#7a8ba0", "#b3261e", "#2f6fb3"

TOP_ASSETS = 15
"""How many assets the picture of lost collateral names."""

_STYLE: dict[str, Any] = {
    # The browser sets the text: it can be read aloud and searched, and needs no font inside.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "legend.frameon": False,
}
# What became of an account, the most serious last, on top.
_FATES = (
    ("other level", "#9aa7b5", 4, 0.35),
    ("may do less", _BLUE, 6, 0.55),
    ("newly called", "#e08a00", 12, 0.9),
    ("newly liquidated", _AFTER, 12, 0.9),
)
# More points than these say nothing more, and make the page heavy.
_POINTS = 20_000
_LOWEST, _HIGHEST = 0.5, 5.0
_SIZE = (4.5, 4.0)


@contextmanager
def _figure(salt: str, size: tuple[float, float], save: Callable[[bytes], None]) -> Iterator[Any]:
    """Give the axes of a figure, and save it as SVG; the same figure has the same bytes."""
    matplotlib = require("matplotlib", extra="report", purpose="drawing the report")
    figures = require("matplotlib.figure", extra="report", purpose="drawing the report")
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}), warnings.catch_warnings():
        # The browser has a font for whatever an asset is called.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = figures.Figure(figsize=size, layout="constrained")
        yield figure.add_subplot()
        file = io.BytesIO()
        figure.savefig(file, format="svg", dpi=160, transparent=True, metadata={"Date": None})
    save(file.getvalue())


def levels_plot(impact: Impact) -> bytes:
    """Draw the level of each account that changes, before against after."""
    drawn: list[bytes] = []
    positions = impact.worst()
    with _figure("levels", _SIZE, drawn.append) as axes:
        before, after = (
            np.clip(_relative(impact, levels)[positions], _LOWEST, _HIGHEST)
            for levels in (impact.level_before, impact.level_after)
        )
        fate = _fates(impact, positions)
        for number, (name, color, size, alpha) in enumerate(_FATES):
            chosen = np.flatnonzero((fate == number) & ~np.isnan(before) & ~np.isnan(after))
            if not len(chosen):
                continue
            shown = chosen[:: -(-len(chosen) // _POINTS)]
            axes.scatter(
                before[shown], after[shown], s=size, c=color, alpha=alpha, linewidths=0,
                rasterized=True, label=f"{name} ({len(chosen):,})",
            )  # fmt: skip
        axes.plot([_LOWEST, _HIGHEST], [_LOWEST, _HIGHEST], color=_MUTED, lw=0.8, zorder=1)
        axes.axhline(1, color=_AFTER, lw=0.9, ls="--")
        axes.axvline(1, color=_BEFORE, lw=0.9, ls="--")
        for scale, limits in ((axes.set_xscale, axes.set_xlim), (axes.set_yscale, axes.set_ylim)):
            scale("log")
            limits(_LOWEST * 0.97, _HIGHEST * 1.03)
        _level_ticks(axes.xaxis)
        _level_ticks(axes.yaxis)
        axes.set_xlabel("before: margin level / liquidation level")
        axes.set_ylabel("after: margin level / liquidation level")
        if len(positions):
            axes.legend(loc="upper left", markerscale=2, fontsize=8)
    return drawn[0]


def assets_plot(impact: Impact) -> bytes:
    """Draw the collateral lost by asset, the most first."""
    drawn: list[bytes] = []
    moved = {asset: lost for asset, lost in impact.lost_by_asset.items() if lost > 0}
    ordered = sorted(moved.items(), key=lambda item: -item[1])
    shown = ordered[:TOP_ASSETS]
    with _figure("assets", _SIZE, drawn.append) as axes:
        lost = np.array([amount for _, amount in shown])
        unit, name = _unit(float(lost.max(initial=0)))
        rows = np.arange(len(shown))[::-1]
        bars = axes.barh(rows, lost / unit, color=_BLUE, height=0.72)
        axes.bar_label(bars, fmt="{:,.1f}", padding=3, fontsize=8, color=_MUTED)
        axes.set_yticks(rows, [asset for asset, _ in shown], parse_math=False)
        axes.tick_params(axis="y", length=0, labelcolor=_INK)
        axes.grid(False, axis="y")
        axes.margins(x=0.12)
        symbols = set(impact.accounts.symbols)
        added = ", margin added" if any(label in symbols for label, _ in shown) else ""
        axes.set_xlabel(f"collateral lost{added}, {name}")
        if not shown:
            axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color=_MUTED)
            axes.set_xticks([])
    return drawn[0]


def cumulative_plot(impact: Impact) -> bytes:
    """Draw how many accounts stand at or below each level, before and after."""
    drawn: list[bytes] = []
    with _figure("cumulative", _SIZE, drawn.append) as axes:
        grid = np.geomspace(_LOWEST, _HIGHEST, 400)
        curves = []
        sides = (("before", impact.level_before, _BEFORE), ("after", impact.level_after, _AFTER))
        for name, levels, color in sides:
            relative = _relative(impact, levels)
            ordered = np.sort(relative[relative <= _HIGHEST])
            counts = np.searchsorted(ordered, grid, side="right")
            due = int(np.searchsorted(ordered, 1.0, side="right"))
            style = "--" if name == "before" else "-"
            curves.append(np.where(counts > 0, counts, np.nan))
            label = f"{name}: {due:,} at or below 1"
            axes.plot(grid, curves[-1], color=color, lw=1.8, ls=style, label=label)
        axes.fill_between(grid, *curves, color=_AFTER, alpha=0.12, linewidth=0)
        axes.axvline(1, color=_MUTED, lw=0.9, ls=":")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(_LOWEST, _HIGHEST)
        _level_ticks(axes.xaxis)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("margin level / liquidation level")
        axes.set_ylabel("accounts at or below")
        axes.legend(loc="lower right", fontsize=8)
    return drawn[0]


def _relative(impact: Impact, levels: Floats) -> Floats:
    """Return levels over their liquidation level, so that all modes share a scale."""
    relative: Floats = levels / np.where(impact.threshold > 0, impact.threshold, 1.0)
    return relative


def _fates(impact: Impact, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return int64[k]: the number in `_FATES` of each account."""
    before, after = impact.actions_before[positions], impact.actions_after[positions]
    gains, loses = after & ~before, before & ~after
    fate = np.where(loses != 0, 1, 0)
    fate[(gains & Action.MARGIN_CALL.value) != 0] = 2
    fate[(gains & Action.LIQUIDATE.value) != 0] = 3
    return fate


def _level_ticks(axis: Any) -> None:
    axis.set_major_locator(_ticker().FixedLocator([0.5, 0.7, 1, 1.5, 2, 3, 5]))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(_ticker().NullLocator())


def _ticker() -> Any:
    return require("matplotlib.ticker", extra="report", purpose="drawing the report")


def _unit(largest: float) -> tuple[float, str]:
    for unit, name in ((1e10, "billion USDT"), (1e6, "million USDT"), (1e3, "thousand USDT")):
        if largest >= unit:
            return min(unit, 1e9), name
    return 1.0, "USDT"

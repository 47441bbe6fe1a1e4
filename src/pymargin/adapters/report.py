"""The impact report: one HTML page that needs nothing besides itself."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pymargin._extras import require
from pymargin._version import __version__
from pymargin.account_modes import account_modes
from pymargin.adapters.report_plots import TOP_ASSETS, assets_plot, cumulative_plot, levels_plot
from pymargin.modes import Action
from pymargin.words import action_words, amount, duration, level_figure, price_fall

if TYPE_CHECKING:
    from pymargin.impact_results import Impact
    from pymargin.notices import Change

__all__ = ["impact_page"]

_TEMPLATE = "report.html"
_HEADINGS = {
    Action.LIQUIDATE: "liquidated",
    Action.MARGIN_CALL: "margin call",
    Action.REDUCE_ONLY: "reduce only",
    Action.TRADE: "may trade",
    Action.BORROW: "may borrow",
    Action.TRANSFER_OUT: "may transfer out",
}


@dataclass(frozen=True, slots=True)
class _Picture:
    title: str
    alt: str
    source: str


@dataclass(frozen=True, slots=True)
class _Section:
    moment: str
    what: str
    tiles: tuple[tuple[str, str, str], ...]
    actions: tuple[tuple[str, str, str], ...]
    pictures: tuple[_Picture, ...]
    accounts: tuple[tuple[str, ...], ...]
    n_changed: str
    has_price: bool
    provenance: tuple[tuple[str, str], ...]


def impact_page(
    impacts: Iterable[Impact],
    *,
    title: str,
    changes: Sequence[Change] = (),
    remarks: Sequence[str] = (),
    worst: int = 50,
) -> str:
    """Return an HTML page about what changes do to a book, with pictures.

    It holds its pictures and its style, no script and no address: it reads the same without a
    network.

    Parameters
    ----------
    impacts
        One for each moment, as `pymargin.impacts` gives them.
    title
        What the page is about, such as the title of a notice.
    changes
        The announced changes, to say how many take effect at each moment and within what time.
    remarks
        What the reader should know: problems of the notice, conflicts with the rules.
    worst
        How many accounts to list for each moment.

    Raises
    ------
    ImportError
        jinja2 or matplotlib (extra ``report``) is not installed.
    """
    jinja2 = require("jinja2", extra="report", purpose="the report")
    sections = [_section(one, changes, worst) for one in impacts]
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    text = Path(__file__).with_name(_TEMPLATE).read_text(encoding="utf-8")
    page: str = environment.from_string(text).render(
        title=title, sections=sections, remarks=list(remarks), version=__version__
    )
    return page


def _section(impact: Impact, changes: Sequence[Change], worst: int) -> _Section:
    moment = impact.moment
    return _Section(
        moment="now" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC",
        what=_announced(impact, changes),
        tiles=_tiles(impact),
        actions=_actions(impact),
        pictures=_pictures(impact),
        accounts=tuple(_accounts(impact, worst)),
        n_changed=f"{impact.summary.changed:,}",
        has_price=_has_price(impact, worst),
        provenance=_provenance(impact),
    )


def _announced(impact: Impact, changes: Sequence[Change]) -> str:
    """Say how many changes take effect, within what time, and how the window is taken."""
    due = [change for change in changes if change.effective == impact.moment]
    if not due:
        return "The rules before and after are compared."
    said = f"{len(due):,} announced change{'' if len(due) == 1 else 's'} take effect"
    window = max(change.window for change in due)
    if window:
        said += f"; the exchange completes them within {duration(window)}"
    if impact.within == "during":
        said += (
            ". Shown is the worst that may hold within that time: "
            "every asset under the worse of its two tables"
        )
    return f"{said}."


def _tiles(impact: Impact) -> tuple[tuple[str, str, str], ...]:
    """Return the figures on top: name, figure and class."""
    s = impact.summary
    return (
        ("accounts", f"{s.accounts:,}", ""),
        ("change", f"{s.changed:,}", ""),
        ("lose collateral", f"{s.losing:,}", ""),
        ("collateral lost, USDT", amount(s.collateral_lost), ""),
        ("margin added, USDT", amount(s.margin_added), ""),
        ("change an action", f"{s.action_changed:,}", ""),
        ("newly called", f"{s.newly_called:,}", "called" if s.newly_called else ""),
        ("newly liquidated", f"{s.newly_liquidated:,}", "liquidated" if s.newly_liquidated else ""),
        ("top-up of those, USDT", amount(s.top_up_liquidation), ""),
    )


def _actions(impact: Impact) -> tuple[tuple[str, str, str], ...]:
    s = impact.summary
    return tuple(
        (name, f"{s.gained.get(action, 0):,}", f"{s.lost.get(action, 0):,}")
        for action, name in _HEADINGS.items()
        if action in s.gained or action in s.lost
    )


def _pictures(impact: Impact) -> tuple[_Picture, ...]:
    s = impact.summary
    described = (
        (
            "Level before against after",
            f"Accounts that change: {s.changed:,}. Below the diagonal the level falls; at or "
            "below 1 the account is liquidated. What lies outside is drawn on the frame.",
            levels_plot,
        ),
        (
            _lost_title(impact),
            _lost_text(impact),
            assets_plot,
        ),
        (
            "Accounts by level, cumulative",
            "How many accounts stand at or below each level, before and after; shaded: those who "
            "get there by the change.",
            cumulative_plot,
        ),
    )
    return tuple(
        _Picture(
            title,
            alt,
            "data:image/svg+xml;base64," + base64.b64encode(draw(impact)).decode("ascii"),
        )
        for title, alt, draw in described
    )


def _lost_title(impact: Impact) -> str:
    symbols = set(impact.accounts.symbols)
    has_symbols = any(lost and name in symbols for name, lost in impact.lost_by_asset.items())
    return "Collateral lost by asset" + (", margin added by symbol" if has_symbols else "")


def _lost_text(impact: Impact) -> str:
    """Say how much is lost in the assets of the picture, and in the others."""
    lost = sorted((one for one in impact.lost_by_asset.values() if one > 0), reverse=True)
    if not lost:
        return "No asset counts for less than before."
    shown, rest = lost[:TOP_ASSETS], lost[TOP_ASSETS:]
    told = f"Net of what is gained elsewhere in the same asset: {amount(sum(shown))} USDT"
    also = f"; in {len(rest)} other assets {amount(sum(rest))} USDT" if rest else ""
    return f"{told}{also}."


def _has_price(impact: Impact, worst: int) -> bool:
    factors = impact.price_factors(impact.worst(worst))
    return any(bool(np.isfinite(side).any()) for side in factors)


def _accounts(impact: Impact, worst: int) -> Iterable[tuple[str, ...]]:
    """Return the cells of the worst accounts."""
    positions = impact.worst(worst)
    falls = [[price_fall(t) for t in side.tolist()] for side in impact.price_factors(positions)]
    modes = account_modes(impact.accounts, impact._mode)[positions].tolist()
    columns: list[Any] = [
        map(str, impact.ids[positions].tolist()),
        map(level_figure, impact.level_before[positions].tolist(), modes),
        map(level_figure, impact.level_after[positions].tolist(), modes),
        map(action_words, impact.actions_before[positions].tolist()),
        map(action_words, impact.actions_after[positions].tolist()),
        map(amount, impact.collateral_lost[positions].tolist()),
        map(amount, impact.margin_added[positions].tolist()),
        (str(driver or "-") for driver in impact.driver_of(positions).tolist()),
        map(amount, impact.top_up_call[positions].tolist()),
        map(amount, impact.top_up_liquidation[positions].tolist()),
        *falls,
    ]
    return zip(*columns, strict=True)


def _provenance(impact: Impact) -> tuple[tuple[str, str], ...]:
    before, after = impact.rules_before, impact.rules_after
    return (
        ("rules", after.label or "unlabelled"),
        ("rules before, SHA-256", before.digest),
        ("rules after, SHA-256", after.digest),
        ("formulas", impact.methodology.replace("+", ", ")),
        ("within", "the change completed" if impact.within == "after" else "the window"),
    )

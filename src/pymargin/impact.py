"""What a change of rules does to a book: who is called or liquidated by it, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.book import check_book
from pymargin.evaluation import BoundMode, Missing
from pymargin.filling import check_threads
from pymargin.impact_results import Impact, Within, unlike
from pymargin.impact_sides import BoundSide, bound_side
from pymargin.levels import bind_modes, joint_methodology
from pymargin.modes import Mode
from pymargin.prices import PriceSource
from pymargin.provenance import Provenance
from pymargin.rules import Timeline
from pymargin.rules.worst import worst_rules

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.rules import MarginRules

__all__ = ["impact", "impacts"]

Floats: TypeAlias = npt.NDArray[np.float64]
Part: TypeAlias = tuple[npt.NDArray[np.int64] | None, BoundSide]

_INSTANT = timedelta(microseconds=1)
_ARRAYS = ("level", "collateral", "margin", "threshold", "top_up_call", "top_up_liquidation")
# What rules say of themselves.
_ABOUT = ("moment", "label", "sources", "notes")


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A book evaluated under one set of rules."""

    rules: MarginRules
    parts: list[Part]
    arrays: Mapping[str, npt.NDArray[Any]]

    @property
    def bound(self) -> list[tuple[None, BoundMode]]:
        """What was bound, mode by mode."""
        return [(None, part.bound) for _, part in self.parts]


def impact(
    accounts: Accounts,
    prices: PriceSource,
    before: MarginRules,
    after: MarginRules,
    *,
    within: Within = "after",
    mode: Mode | str | None = None,
    leverage: int | None = None,
    missing: Missing = "raise",
    threads: int = 1,
) -> Impact:
    """Compare every account under two rules, at the same prices.

    Parameters
    ----------
    accounts, prices, leverage, missing, threads
        As in `pymargin.evaluate`.
    before, after
        The rules on either side of a change, such as two moments of a `Timeline`.
    within
        ``"after"`` the change is completed; or ``"during"`` its window, in which each asset may
        be under either schedule: every account then has the worst of before, after and each
        asset under the worse of its two schedules.
    mode
        Evaluate every account under this mode; each under its own where absent.

    Returns
    -------
    Impact

    Raises
    ------
    PricesError, UnpricedError, AccountsError, RulesError
        As in `pymargin.evaluate`.

    Examples
    --------
    >>> import pymargin as pm
    >>> row = {"account": "u1", "mode": "cross_classic", "leverage": 3, "balances": [
    ...     {"asset": "WIF", "free": 1e6}, {"asset": "USDT", "borrowed": 5e5}]}
    >>> book = pm.Accounts.from_rows([row])
    >>> rules = pm.builtin_rules(at="2025-11-07T06:00Z")
    >>> found = pm.impact(book, {"WIF": 2.0}, rules, rules.replace(ranks={"WIF": 7}))
    >>> found.collateral_lost.tolist(), found.driver.tolist()
    ([920000.0], ['WIF'])
    """
    check_book(accounts)
    run = _Run(accounts, prices, mode, leverage, missing, threads)
    return run.compare(run.side(before), run.side(after), within)


def impacts(
    accounts: Accounts,
    prices: PriceSource,
    timeline: Timeline,
    *,
    within: Within = "after",
    mode: Mode | str | None = None,
    leverage: int | None = None,
    missing: Missing = "raise",
    threads: int = 1,
) -> Iterator[Impact]:
    """Compare every account just before and at each moment of a timeline's changes.

    Yields one `Impact` for each moment from the first announced change to the last, switches of
    formula between them included; parameters as in `impact`. With ``within="during"`` a change
    whose window is still open counts as not completed.
    """
    if not isinstance(timeline, Timeline):
        raise TypeError(f"timeline must be a Timeline, not {type(timeline).__name__}")
    check_book(accounts)
    run = _Run(accounts, prices, mode, leverage, missing, threads)
    last: _Side | None = None
    for moment in announced_moments(timeline):
        before = timeline.at(moment, window="before")
        if within == "after":
            before = timeline.at(moment - _INSTANT)
        if last is None or not _alike(last.rules, before):
            last = run.side(before)
        side = run.side(timeline.at(moment))
        yield run.compare(_Side(before, last.parts, last.arrays), side, within)
        last = side


def announced_moments(timeline: Timeline) -> tuple[datetime, ...]:
    """Return the moments of a timeline from its first announced change to its last."""
    announced = [change.effective for change in timeline.changes]
    start = timeline.rules.moment
    ahead = [moment for moment in announced if start is None or moment > start]
    return tuple(m for m in timeline.moments if ahead and min(ahead) <= m <= max(ahead))


@dataclass(frozen=True, slots=True)
class _Run:
    """One book at one set of prices, evaluated under several rules."""

    accounts: Accounts
    prices: PriceSource
    mode: Mode | str | None
    leverage: int | None
    missing: Missing
    threads: int

    def side(self, rules: MarginRules) -> _Side:
        """Evaluate the book under rules."""
        check_threads(self.threads)
        n = len(self.accounts)
        arrays: dict[str, npt.NDArray[Any]] = {name: np.empty(n) for name in _ARRAYS}
        arrays["actions"] = np.empty(n, np.uint16)
        parts: list[Part] = []
        for positions, bound in bind_modes(
            self.accounts,
            self.prices,
            rules,
            leverage=self.leverage,
            missing=self.missing,
            mode=self.mode,
            threads=self.threads,
        ):
            side = bound_side(bound, self.threads)
            parts.append((positions, side))
            for name, values in side.arrays.items():
                arrays[name][slice(None) if positions is None else positions] = values
        return _Side(rules, parts, arrays)

    def compare(self, before: _Side, after: _Side, within: Within) -> Impact:
        """Put two sides together."""
        if within not in ("after", "during"):
            raise ValueError(f"within must be 'after' or 'during', not {within!r}")
        if within == "during":
            after = self._worst(before, after)
        a, b = before.arrays, after.arrays
        driver, by_asset = self._attributed(before, after)
        with np.errstate(invalid="ignore"):
            lost = a["collateral"] - b["collateral"]
            added = b["margin"] - a["margin"]
        return Impact(
            accounts=self.accounts,
            prices=self.prices,
            level_before=a["level"],
            level_after=b["level"],
            actions_before=a["actions"],
            actions_after=b["actions"],
            collateral_lost=lost,
            margin_added=added,
            top_up_call=b["top_up_call"],
            top_up_liquidation=b["top_up_liquidation"],
            threshold=b["threshold"],
            lost_by_asset=by_asset,
            rules_before=before.rules,
            rules_after=after.rules,
            within=within,
            provenance=Provenance.of(after.rules, joint_methodology(after.bound)),
            provenance_before=Provenance.of(before.rules, joint_methodology(before.bound)),
            _driver=driver,
            _mode=self.mode,
            _leverage=self.leverage,
        )

    def _worst(self, before: _Side, after: _Side) -> _Side:
        """Return each account under whichever is worst: before, after or the worse by asset."""
        mixed = self.side(worst_rules(before.rules, after.rules))
        worst = {name: values.copy() for name, values in mixed.arrays.items()}
        for side in (after, before):
            worse = side.arrays["level"] < worst["level"]
            for name, values in side.arrays.items():
                worst[name][worse] = values[worse]
        return _Side(after.rules, mixed.parts, worst)

    def _attributed(
        self, before: _Side, after: _Side
    ) -> tuple[npt.NDArray[np.int64], dict[str, float]]:
        """Return each account's driver, and what is lost by asset or symbol."""
        names = (*self.accounts.assets, *self.accounts.symbols)
        driver = np.full(len(self.accounts), -1, dtype=np.int64)
        total = np.zeros(len(names))
        touched = np.zeros(len(names), dtype=bool)
        changed = _differs(before.arrays, after.arrays)
        is_priced = ~(np.isnan(before.arrays["level"]) | np.isnan(after.arrays["level"]))
        for (positions, old), (_, new) in zip(before.parts, after.parts, strict=True):
            where = slice(None) if positions is None else positions
            found = new.attribute(old, is_priced[where], changed[where])
            driver[where] = found.driver
            total += found.by_name
            touched |= found.touched
        by_name = {names[k]: float(total[k]) for k in np.flatnonzero(touched).tolist()}
        return driver, by_name


def _differs(
    before: Mapping[str, npt.NDArray[Any]], after: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.bool_]:
    differs = unlike(before["level"], after["level"])
    differs |= before["actions"] != after["actions"]
    return differs


def _alike(one: MarginRules, other: MarginRules) -> bool:
    """Say whether two rules differ in nothing that can change an answer but their moment."""
    parts = (part.name for part in fields(one) if part.init and part.name not in _ABOUT)
    return all(getattr(one, part) == getattr(other, part) for part in parts)

"""What a change of rules does to a book: who is called or liquidated by it, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.book import check_book
from pymargin.evaluation import BoundMode, Missing
from pymargin.filling import check_threads
from pymargin.impact_sides import BoundSide, bound_side
from pymargin.levels import bind_modes, joint_methodology
from pymargin.modes import Action, Mode
from pymargin.prices import PriceSource
from pymargin.provenance import Audited, Provenance
from pymargin.roots import liquidation_factor
from pymargin.rules import Timeline
from pymargin.rules.worst import worst_rules

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.rules import MarginRules

__all__ = ["Impact", "ImpactSummary", "impact", "impacts"]

Floats: TypeAlias = npt.NDArray[np.float64]
Within: TypeAlias = Literal["after", "during"]
Part: TypeAlias = tuple[npt.NDArray[np.int64] | None, BoundSide]

_INSTANT = timedelta(microseconds=1)
_LIQUIDATED = Action.LIQUIDATE | Action.ISOLATED_LIQUIDATE
_ARRAYS = ("level", "collateral", "margin", "threshold", "top_up_call", "top_up_liquidation")
# What rules say of themselves.
_ABOUT = ("moment", "label", "sources", "notes")


@dataclass(frozen=True, slots=True)
class ImpactSummary:
    """What a change comes to over a whole book.

    Parameters
    ----------
    accounts
        How many there are.
    changed
        How many have another level, collateral, maintenance margin or other actions than before.
    losing
        How many lose collateral (futures accounts: are asked for more maintenance margin).
    collateral_lost
        What those lose, USDT, summed.
    asked_more, margin_added
        How many are asked for more maintenance margin, and what more, USDT, summed.
    action_changed
        How many may do something else, or have something else done to them.
    newly_called, newly_liquidated
        How many are called or liquidated that were not; liquidated also where an isolated position
        is.
    top_up_call, top_up_liquidation
        What the newly called, and the newly liquidated, lack of the threshold, USDT, summed.
    gained, lost
        Action to how many accounts have it now and had it not, and the other way round.
    """

    accounts: int
    changed: int
    losing: int
    collateral_lost: float
    asked_more: int
    margin_added: float
    action_changed: int
    newly_called: int
    newly_liquidated: int
    top_up_call: float
    top_up_liquidation: float
    gained: Mapping[Action, int]
    lost: Mapping[Action, int]


@dataclass(frozen=True, eq=False)
class Impact(Audited):
    """Levels and actions of n accounts before and after a change of rules, in account order.

    Parameters
    ----------
    prices
        What was compared at, as it was given.
    level_before, level_after
        float64[n]: the margin level of each account's mode; lower is worse.
    actions_before, actions_after
        uint16[n] of `Action` bits.
    collateral_lost
        float64[n], USDT: what the collateral counts for less (Pro: net collateral; portfolio
        margin: account equity); of futures accounts, whose balance no rule changes, what the
        maintenance margin ties up more, isolated positions included. Negative where it is better.
    margin_added
        float64[n], USDT: what more maintenance margin is asked for, in all modes that have one;
        0 in Classic.
    top_up_call, top_up_liquidation
        float64[n], USDT: what, added at a ratio of 1, lifts the level after the change to the
        margin-call and to the liquidation threshold; 0 where it is above. At the threshold itself
        the account is still called or liquidated: a cent more is due. Of futures accounts the sum
        over their pools, isolated positions included; NaN where the mode has no such threshold.
    threshold
        float64[n]: the level at or below which an account is liquidated, after the change.
    lost_by_asset
        Asset to what the collateral in it counts for less over the book, USDT; assets whose
        collateral schedule changed. Symbol to what the futures accounts' positions in it ask for
        more maintenance margin; symbols whose brackets changed.
    rules_before, rules_after
        What was compared.
    within
        ``after`` the change is completed, or ``during`` its window.
    provenance, provenance_before
        The rules' digest and moment, the formula, the version: after and before the change.
    """

    accounts: Accounts
    prices: Any
    level_before: Floats
    level_after: Floats
    actions_before: npt.NDArray[np.uint16]
    actions_after: npt.NDArray[np.uint16]
    collateral_lost: Floats
    margin_added: Floats
    top_up_call: Floats
    top_up_liquidation: Floats
    threshold: Floats
    lost_by_asset: Mapping[str, float]
    rules_before: MarginRules
    rules_after: MarginRules
    within: Within
    provenance: Provenance
    provenance_before: Provenance
    _driver: npt.NDArray[np.int64]
    _mode: Mode | str | None = None
    _leverage: int | None = None
    # Mark prices too, where they were given; `prices` has those of assets.

    def __len__(self) -> int:
        return len(self.level_after)

    def __repr__(self) -> str:
        s = self.summary
        return (
            f"<Impact on {s.accounts:,} accounts: {s.changed:,} change, {s.newly_called:,} newly "
            f"called, {s.newly_liquidated:,} newly liquidated, {s.collateral_lost:,.0f} USDT lost>"
        )

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The account ids: int64[n] or object[n] of str."""
        return self.accounts.ids

    @property
    def driver(self) -> npt.NDArray[Any]:
        """The asset, or symbol, that moves an account most: object[n] of str; None: none does."""
        return self.driver_of(np.arange(len(self)))

    def driver_of(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the drivers of some accounts."""
        names = np.array([*self.accounts.assets, *self.accounts.symbols, None], dtype=object)
        return names[self._driver[positions]]

    @cached_property
    def price_before(self) -> Floats:
        """The factor on all prices at which each account would have been liquidated: float64[n]."""
        return self.price_factors(np.arange(len(self)))[0]

    @cached_property
    def price_after(self) -> Floats:
        """The factor on all prices at which each account is liquidated after the change."""
        return self.price_factors(np.arange(len(self)))[1]

    def price_factors(self, positions: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return both price factors of some accounts; NaN where no price does it."""
        book = self.accounts if len(positions) == len(self) else self.accounts.select(positions)
        return (
            _factors(book, self.prices, self.rules_before, self._mode, self._leverage),
            _factors(book, self.prices, self.rules_after, self._mode, self._leverage),
        )

    @cached_property
    def is_changed(self) -> npt.NDArray[np.bool_]:
        """bool[n]: where the level, the collateral or the actions are not what they were."""
        differs = _unlike(self.level_before, self.level_after)
        differs |= np.nan_to_num(self.collateral_lost) != 0
        differs |= np.nan_to_num(self.margin_added) != 0
        differs |= self.actions_before != self.actions_after
        return differs

    @cached_property
    def summary(self) -> ImpactSummary:
        """What the change comes to over the book."""
        gains = ~self.actions_before & self.actions_after
        losses_ = self.actions_before & ~self.actions_after
        called = (gains & Action.MARGIN_CALL.value) != 0
        liquidated = (gains & _LIQUIDATED.value) != 0
        lost, added = np.nan_to_num(self.collateral_lost), np.nan_to_num(self.margin_added)
        counts = [
            {action: int(np.count_nonzero(bits & action.value)) for action in Action}
            for bits in (gains, losses_)
        ]
        return ImpactSummary(
            accounts=len(self),
            changed=int(np.count_nonzero(self.is_changed)),
            losing=int(np.count_nonzero(lost > 0)),
            collateral_lost=float(np.sum(lost, where=lost > 0)),
            asked_more=int(np.count_nonzero(added > 0)),
            margin_added=float(np.sum(added, where=added > 0)),
            action_changed=int(np.count_nonzero(self.actions_before != self.actions_after)),
            newly_called=int(np.count_nonzero(called)),
            newly_liquidated=int(np.count_nonzero(liquidated)),
            top_up_call=float(np.nansum(self.top_up_call, where=called)),
            top_up_liquidation=float(np.nansum(self.top_up_liquidation, where=liquidated)),
            gained={action: count for action, count in counts[0].items() if count},
            lost={action: count for action, count in counts[1].items() if count},
        )

    def worst(self, count: int | None = None) -> npt.NDArray[np.int64]:
        """Return the positions of the accounts that change, worst first: int64[k].

        First those newly liquidated, then those newly called, then those that may do less than
        before, then the others; in each by the level over the liquidation threshold, after the
        change. Equal ones stay in account order.

        Parameters
        ----------
        count
            How many accounts at most; all that change where absent.
        """
        changed = np.flatnonzero(self.is_changed)
        gains = ~self.actions_before[changed] & self.actions_after[changed]
        fewer = self.actions_before[changed] & ~self.actions_after[changed]
        kind = np.where(fewer != 0, 2, 3)
        kind[(gains & Action.MARGIN_CALL.value) != 0] = 1
        kind[(gains & _LIQUIDATED.value) != 0] = 0
        threshold = self.threshold[changed]
        relative = self.level_after[changed] / np.where(threshold > 0, threshold, 1.0)
        order = changed[np.lexsort((relative, kind))]
        return order if count is None else order[:count]

    def to_arrow(self, positions: npt.NDArray[np.int64] | None = None) -> Any:
        """Return a ``pyarrow.Table`` of the accounts that change, worst first, or of some accounts.

        Raises
        ------
        ImportError
            pyarrow is not installed (extra ``arrow``).
        """
        from pymargin.adapters.impacts import to_arrow

        return to_arrow(self, self.worst() if positions is None else positions)

    def to_frame(self, positions: npt.NDArray[np.int64] | None = None) -> Any:
        """Return the same as a ``pandas.DataFrame`` indexed by account.

        Raises
        ------
        ImportError
            pandas or pyarrow is not installed (extra ``frames``).
        """
        from pymargin.adapters.impacts import to_frame

        return to_frame(self, self.worst() if positions is None else positions)


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


def _unlike(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Return where two levels differ; NaN is like NaN."""
    unlike: npt.NDArray[np.bool_] = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return unlike


def _differs(
    before: Mapping[str, npt.NDArray[Any]], after: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.bool_]:
    differs = _unlike(before["level"], after["level"])
    differs |= before["actions"] != after["actions"]
    return differs


def _alike(one: MarginRules, other: MarginRules) -> bool:
    """Say whether two rules differ in nothing that can change an answer but their moment."""
    parts = (part.name for part in fields(one) if part.init and part.name not in _ABOUT)
    return all(getattr(one, part) == getattr(other, part) for part in parts)


def _factors(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    mode: Mode | str | None,
    leverage: int | None,
) -> Floats:
    """Return float64[n]: the factor on all prices that liquidates; NaN where none does."""
    roots = liquidation_factor(
        accounts, prices, rules, mode=mode, leverage=leverage, missing="flag"
    )
    return np.asarray(roots)

"""What a comparison of two rules over a book returns: `Impact` and its summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.modes import Action, Mode
from pymargin.prices import PriceSource
from pymargin.provenance import Audited, Provenance
from pymargin.roots import liquidation_factor
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.rules import MarginRules

__all__ = ["Impact", "ImpactSummary", "Within", "unlike"]

Floats: TypeAlias = npt.NDArray[np.float64]
Within: TypeAlias = Literal["after", "during"]

_LIQUIDATED = Action.LIQUIDATE | Action.ISOLATED_LIQUIDATE


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
            f"<Impact on {counted(s.accounts, 'account')}: {s.changed:,} changed, "
            f"{s.newly_called:,} newly called, {s.newly_liquidated:,} newly liquidated, "
            f"{s.collateral_lost:,.0f} USDT lost>"
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
        differs = unlike(self.level_before, self.level_after)
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
        if count is not None and (not isinstance(count, Integral) or count < 0):
            raise ValueError(f"count must be a whole number of at least 0, not {count!r}")
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


def unlike(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Return where two levels differ; NaN is like NaN."""
    unlike: npt.NDArray[np.bool_] = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return unlike


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

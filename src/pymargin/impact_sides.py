"""One mode of a book on one side of a change of rules: its figures, and what moved them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.attribution import Loss, losses
from pymargin.evaluation import BoundMode, Evaluation
from pymargin.futures import FuturesEvaluation
from pymargin.modes import Mode
from pymargin.pool_attribution import equity_losses, margin_losses
from pymargin.pools import BoundPools
from pymargin.portfolio import PortfolioEvaluation
from pymargin.tables import limit_for

__all__ = ["Attribution", "BoundSide", "bound_side"]

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

# By mode: what counts as collateral, and what the level is measured against.
_COLLATERAL = {Mode.CROSS_CLASSIC: "collateral_value", Mode.CROSS_PRO: "net_collateral"}
_MEASURE = {Mode.CROSS_CLASSIC: "total_liability", Mode.CROSS_PRO: "maintenance_margin"}
_RATIOS = ("borrow", "transfer_out")


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Which names move n accounts.

    Parameters
    ----------
    driver
        int64[n]: the asset, or the symbol counted on from the assets, that moves an account most;
        -1: none.
    by_name
        float64[names]: what is lost by it over the book, USDT.
    touched
        bool[names]: whether a schedule of it changed that some entry rests on.
    """

    driver: npt.NDArray[np.int64]
    by_name: Floats
    touched: Bools


class BoundSide(Protocol):
    """A book under one mode and one set of rules, evaluated."""

    @property
    def bound(self) -> BoundMode:
        """What was evaluated."""

    @property
    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Results float64[n], USDT but for the first two.

        ``level``; ``threshold`` at or below which accounts are liquidated; ``collateral``;
        ``margin``; ``top_up_call``, ``top_up_liquidation``; ``actions`` uint16[n].
        """

    def attribute(self, before: Any, is_priced: Bools, changed: Bools) -> Attribution:
        """Say what moved the accounts since an earlier side; NaN levels are left out."""


def bound_side(bound: BoundMode, threads: int) -> BoundSide:
    """Evaluate a bound book for an impact."""
    if isinstance(bound, FuturesEvaluation):
        return FuturesSide.of(bound, threads)
    if isinstance(bound, PortfolioEvaluation):
        return PortfolioSide.of(bound, threads)
    assert isinstance(bound, Evaluation)
    return CrossSide.of(bound, threads)


@dataclass(frozen=True, slots=True, eq=False)
class CrossSide:
    """Cross Margin Classic or Pro."""

    bound: Evaluation
    arrays: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def of(cls, bound: Evaluation, threads: int) -> CrossSide:
        """Run the mode."""
        n, mode = len(bound.accounts), bound.spec.mode
        level, collateral, measure = bound.spec.levels[0], _COLLATERAL[mode], _MEASURE[mode]
        names = [level, collateral, measure]
        if mode is Mode.CROSS_PRO:
            names.append("open_order_loss")
        found: dict[str, npt.NDArray[Any]] = {name: np.empty(n) for name in names}
        found["actions"] = np.empty(n, np.uint16)
        bound.run(found, threads)
        # Without a denominator a level is infinite; what is missing is then the numerator itself.
        numerator = found[collateral] - found.get("open_order_loss", 0.0)
        top_up = _TopUp(found[level], numerator, found[measure])
        threshold = bound.liquidation_thresholds()
        arrays = {
            "level": found[level],
            "threshold": threshold,
            "collateral": found[collateral],
            "margin": np.zeros(n) if mode is Mode.CROSS_CLASSIC else found[measure],
            "top_up_call": top_up.to(_limits(bound, "MARGIN_CALL")),
            "top_up_liquidation": top_up.to(threshold),
            "actions": found["actions"],
        }
        return cls(bound, arrays)

    def attribute(self, before: CrossSide, is_priced: Bools, changed: Bools) -> Attribution:
        """Say what moved the accounts."""
        old, new = before.bound, self.bound
        assets, n = len(new.accounts.assets), len(new.accounts)
        lost = losses(old, new, "collateral", of=None if is_priced.all() else is_priced)
        drives = lost.driver(n)
        # What moves the level itself comes before what only moves a permission.
        for table in (*new.spec.owed_tables[:1], *_RATIOS):
            open_ = (drives < 0) & changed & is_priced
            if open_.any():
                is_margin = table in new.spec.owed_tables
                other = losses(old, new, table, rising=is_margin, of=open_)
                drives = np.where(open_, other.driver(n), drives)
        return _attribution(drives, lost, assets + len(new.accounts.symbols))


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioSide:
    """Portfolio Margin or Portfolio Margin Pro."""

    bound: PortfolioEvaluation
    arrays: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def of(cls, bound: PortfolioEvaluation, threads: int) -> PortfolioSide:
        """Run the mode."""
        n = len(bound.accounts)
        names = ("uni_mmr", "account_equity", "open_order_loss", "maintenance_margin")
        found: dict[str, npt.NDArray[Any]] = {name: np.empty(n) for name in names}
        found["actions"] = np.empty(n, np.uint16)
        bound.run(found, threads)
        numerator = found["account_equity"] - found["open_order_loss"]
        top_up = _TopUp(found["uni_mmr"], numerator, found["maintenance_margin"])
        threshold = bound.liquidation_thresholds()
        arrays = {
            "level": found["uni_mmr"],
            "threshold": threshold,
            "collateral": found["account_equity"],
            "margin": found["maintenance_margin"],
            "top_up_call": top_up.to(_limits(bound, "MARGIN_CALL")),
            "top_up_liquidation": top_up.to(threshold),
            "actions": found["actions"],
        }
        return cls(bound, arrays)

    def attribute(self, before: PortfolioSide, is_priced: Bools, changed: Bools) -> Attribution:
        """Say what moved the accounts: equity by asset first, then maintenance margin by symbol."""
        old, new = before.bound.bound, self.bound.bound
        accounts = new.accounts
        assets, n = len(accounts.assets), len(accounts)
        lost = equity_losses(old, new, is_priced)
        drives = _or_margins(lost.driver(n), old, new, changed & is_priced)
        return _attribution(drives, lost, assets + len(accounts.symbols))


@dataclass(frozen=True, slots=True, eq=False)
class FuturesSide:
    """USDⓈ-M or COIN-M futures."""

    bound: FuturesEvaluation
    arrays: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def of(cls, bound: FuturesEvaluation, threads: int) -> FuturesSide:
        """Run the mode."""
        n = len(bound.accounts)
        found: dict[str, npt.NDArray[Any]] = {"margin_level": np.empty(n)}
        found["actions"] = np.empty(n, np.uint16)
        bound.run(found, threads)
        pools = bound.of_pools(("maintenance_margin", "margin_balance"), threads)
        margin = bound.over_pools(pools["maintenance_margin"])
        threshold = bound.liquidation_thresholds()

        def top_up(limit: float | None) -> Floats:
            if limit is None:
                return np.full(n, np.nan)
            lacking = limit * pools["maintenance_margin"] - pools["margin_balance"]
            return bound.over_pools(np.maximum(lacking, 0.0))

        arrays = {
            "level": found["margin_level"],
            "threshold": threshold,
            # No rule changes a balance: what is lost is what margin ties up.
            "collateral": -margin,
            "margin": margin,
            "top_up_call": top_up(_line_limit(bound, "MARGIN_CALL")),
            "top_up_liquidation": top_up(_line_limit(bound, "LIQUIDATE")),
            "actions": found["actions"],
        }
        is_unpriced = np.isnan(found["margin_level"])
        for name in ("collateral", "margin", "top_up_call", "top_up_liquidation"):
            arrays[name][is_unpriced] = np.nan
        return cls(bound, arrays)

    def attribute(self, before: FuturesSide, is_priced: Bools, changed: Bools) -> Attribution:
        """Say what moved the accounts: maintenance margin by symbol, then initial margin."""
        old, new = before.bound.bound, self.bound.bound
        accounts = new.accounts
        lost = margin_losses(old, new, is_priced)
        assets, n = len(accounts.assets), len(accounts)
        counted_on = Loss(lost.account, lost.asset + assets, lost.amount)
        drives = _or_margins(counted_on.driver(n), old, new, changed & is_priced)
        return _attribution(drives, counted_on, assets + len(accounts.symbols))


def _or_margins(
    driver: npt.NDArray[np.int64], old: BoundPools, new: BoundPools, of: Bools
) -> npt.NDArray[np.int64]:
    """Let symbols drive accounts that change and that nothing drives yet."""
    for initial in (False, True):
        open_ = (driver < 0) & of
        if open_.any():
            by_symbol = margin_losses(old, new, open_, initial=initial).driver(len(driver))
            counted_on = by_symbol + len(new.accounts.assets)
            driver = np.where(by_symbol >= 0, counted_on, driver)
    return driver


def _attribution(driver: npt.NDArray[np.int64], lost: Loss, n_names: int) -> Attribution:
    touched = np.zeros(n_names, dtype=bool)
    touched[lost.asset] = True
    return Attribution(driver, lost.by_asset(n_names), touched)


@dataclass(frozen=True, slots=True, eq=False)
class _TopUp:
    """Levels N / D with both parts: what lifts them to a limit."""

    level: Floats
    numerator: Floats
    measure: Floats

    def to(self, limit: Floats) -> Floats:
        """Return theta * D - N, at least 0: the level is N / D, so it is (theta - level) * D."""
        with np.errstate(invalid="ignore", over="ignore"):
            lacking = (limit - self.level) * self.measure
            lacking = np.where(np.isneginf(self.level), -self.numerator, lacking)
            lacking = np.where(np.isposinf(self.level), 0.0, lacking)
            return np.maximum(lacking, 0.0)


def _limits(bound: Evaluation | PortfolioEvaluation, action: str) -> Floats:
    """Return float64[n]: the level at or below which accounts have an action, NaN where none."""
    mode = bound.spec.mode if isinstance(bound, Evaluation) else bound.bound.mode
    lines = [
        x
        for x in bound.rules.thresholds[mode].lines
        if action in x.actions and x.level == bound.level_name
    ]
    if not lines:
        return np.full(len(bound.accounts), np.nan)
    # Of several the one that is reached first as the level falls.
    figures = np.array(
        [
            max(float(limit_for(x.at_most, one, own_ratio=x.own_ratio)) for x in lines)
            for one in bound.classes
        ]
    )
    if bound.class_of is None:
        return np.full(len(bound.accounts), figures[0])
    limits: Floats = figures[bound.class_of]
    return limits


def _line_limit(bound: FuturesEvaluation, action: str) -> float | None:
    """Return the margin level at or below which a pool has an action, None where none has."""
    lines = (x for x in bound.thresholds.lines if action in x.actions)
    limits = [float(x.at_most) for x in lines if x.level == "margin_level"]  # type: ignore[arg-type]
    return max(limits, default=None)

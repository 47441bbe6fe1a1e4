"""Levels of Portfolio Margin and Portfolio Margin Pro: `portfolio` and `portfolio_pro`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.book import cached
from pymargin.evaluation import (
    Missing,
    account_classes,
    methodology_of,
    thresholds_of,
)
from pymargin.filling import arrays_for, check_threads, into
from pymargin.grids import GridArrays
from pymargin.modes import Mode
from pymargin.ordering import mode_keys
from pymargin.pools import BoundPools, bind_pools
from pymargin.prices import PriceSource
from pymargin.results import PortfolioLevels
from pymargin.rules import MarginRules, ModeThresholds
from pymargin.shocks import Scenarios
from pymargin.tables import AccountClass, compile_decisions, limit_for

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = [
    "PortfolioEvaluation",
    "Withdrawal",
    "bind_portfolio",
    "check_withdrawal",
    "portfolio",
    "portfolio_pro",
]

Floats = npt.NDArray[np.float64]
Withdrawal = Literal["maintenance", "initial"]

_LEVELS = ("uni_mmr", "available_balance")
_TOTALS = (
    "account_equity",
    "actual_equity",
    "unrealized_pnl",
    "open_order_loss",
    "maintenance_margin",
    "initial_margin",
)
# The core's readings of the largest withdrawal, after its totals.
_WITHDRAWALS = ("maintenance", "initial")


@dataclass(frozen=True, eq=False)
class PortfolioEvaluation:
    """A book's portfolio accounts, a pool each, with prices and thresholds, ready to run."""

    bound: BoundPools
    rules: MarginRules
    thresholds: ModeThresholds
    methodology: str
    class_of: npt.NDArray[np.uint32] | None
    classes: tuple[AccountClass, ...]
    decisions: _core.Decisions

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it was bound from: the core's own tables are made again."""
        return _bound_again, self.bound.origin()

    @property
    def accounts(self) -> Accounts:
        """The book."""
        return self.bound.accounts

    @property
    def level_name(self) -> str:
        """The level that lines decide on."""
        return "uni_mmr"

    @property
    def grid_levels(self) -> tuple[str, ...]:
        """What a stress grid can hold: the level, and an amount in USDT."""
        return _LEVELS

    def run_grid(self, scenarios: Scenarios, grid: GridArrays, threads: int) -> None:
        """Evaluate every account under scenarios."""
        self.bound.run_grid(
            "portfolio", self.decisions, self.thresholds, self.class_of, scenarios, grid, threads
        )

    def run(
        self,
        arrays: Mapping[str, npt.NDArray[Any]],
        threads: int,
        withdrawal: Withdrawal = "maintenance",
    ) -> None:
        """Fill the arrays: float64[n], ``actions`` uint16[n]."""
        withdrawals = [
            arrays.get("max_withdrawal") if x == withdrawal else None for x in _WITHDRAWALS
        ]
        _core.evaluate_pools(
            "portfolio",
            self.bound.pools,
            self.bound.market,
            self.decisions,
            self.class_of,
            self._slot_class_of(),
            [arrays.get(name) for name in _LEVELS],
            [*(arrays.get(name) for name in _TOTALS), *withdrawals],
            arrays.get("actions"),
            threads,
        )

    def _slot_class_of(self) -> npt.NDArray[np.uint32] | None:
        class_of, pools = self.class_of, self.bound.pools
        if class_of is None or not pools.is_prepared:
            return None
        name = f"slot_class_of/{self.bound.mode}"
        key = (pools, self.thresholds)
        return cached(self.accounts, name, key, lambda: class_of[pools.slot_accounts()])

    def liquidation_thresholds(self) -> Floats:
        """Return float64[n]: the level at or below which an account is liquidated."""
        figures = np.array([float(self._liquidation_limit(one)) for one in self.classes])
        if self.class_of is None:
            return np.full(len(self.accounts), figures[0])
        return figures[self.class_of]

    def _liquidation_limit(self, one: AccountClass) -> Fraction:
        limits = [
            limit_for(line.at_most, one, own_ratio=line.own_ratio)
            for line in self.thresholds.lines
            if "LIQUIDATE" in line.actions and line.level == "uni_mmr"
        ]
        return Fraction(max(limits, default=1))

    def exact_order_key(self, account: int) -> Fraction | float:
        """Return the account's uniMMR over its liquidation threshold, exactly."""
        level = self.bound.exact_level("portfolio", account, 0)
        one = self.classes[0 if self.class_of is None else int(self.class_of[account])]
        limit = self._liquidation_limit(one)
        return level / limit if limit and abs(level) != inf else level


def portfolio(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    withdrawal: Withdrawal = "maintenance",
    leverage: int | None = None,
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: PortfolioLevels | None = None,
    threads: int = 1,
) -> PortfolioLevels:
    """Evaluate every account under Portfolio Margin, whatever its own mode.

    Per asset, E = free + locked - borrowed - interest + wallet + unrealised PnL of the positions
    settled in it; account equity counts E at the asset's collateral rate where it is 0 or more, in
    full where it is negative; actual equity counts every E in full. uniMMR = (account equity -
    open-order loss) / maintenance margin: that of the positions, as in `usdm` and `coinm`, and of
    the margin loans, by their leverage. Source: Binance FAQ "Portfolio Margin"
    (4868b2f1aa6c4d08af973328462bb0bd, 2025-02-06).

    Parameters
    ----------
    accounts
        n accounts: balances, wallets, positions and orders or open-order loss are read. A debt
        needs the leverage of its loan, of the balance or in ``rules.loan_leverage``. The loss of
        an order is what its fill takes from account equity at index prices, one order at a time,
        not netted (our reading).
    prices
        A mapping of asset to index price and symbol to mark price, or a `Prices`.
    rules
        Collateral rates, brackets, contracts, loan margins, thresholds.
    withdrawal
        What the largest withdrawal leaves: ``"maintenance"``, 1.2 times the maintenance margin
        (FAQ 446ce2c3357a449599c82436078b0e3b); ``"initial"``, the initial margin, the other
        reading.
    leverage
        For positions that state none; else the largest of the symbol's brackets, as which a larger
        one counts too (our readings: the exchange grants no more).
    missing, fields, out, threads
        As in `usdm`.

    Returns
    -------
    PortfolioLevels
        ``uni_mmr`` float64[n]; ``account_equity, actual_equity, unrealized_pnl, open_order_loss,
        initial_margin, maintenance_margin, available_balance, max_withdrawal`` float64[n] in USDT;
        ``actions`` uint16[n]. Available balance = account equity - open-order loss - initial
        margin.

    Raises
    ------
    AccountsError
        An isolated position, which portfolio margin does not have.
    PricesError, UnpricedError, RulesError
        As in `usdm`; a debt without a loan leverage is UNPRICED_DEBT.
    """
    return _portfolio(
        Mode.PORTFOLIO,
        accounts,
        prices,
        rules,
        withdrawal,
        leverage,
        missing,
        fields,
        out,
        threads,
    )


def portfolio_pro(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    withdrawal: Withdrawal = "maintenance",
    leverage: int | None = None,
    missing: Missing = "raise",
    fields: Collection[str] | None = None,
    out: PortfolioLevels | None = None,
    threads: int = 1,
) -> PortfolioLevels:
    """Evaluate every account under Portfolio Margin Pro, whatever its own mode.

    As `portfolio`, with collateral rates by tier (Binance FAQ "Tiered Collateral Ratio of Portfolio
    Margin Pro", 146ac090710a49f99c4732b00f8c09df, 2024-09-11) and lines of its own (Binance FAQ
    "Portfolio Margin Pro", 5e33af8e6ac04d57a1d0a3398e0a0752).

    Parameters
    ----------
    accounts, prices, rules, withdrawal, leverage, missing, fields, out, threads
        As in `portfolio`.

    Returns
    -------
    PortfolioLevels
        As of `portfolio`.

    Raises
    ------
    AccountsError, PricesError, UnpricedError, RulesError
        As in `portfolio`.
    """
    return _portfolio(
        Mode.PORTFOLIO_PRO,
        accounts,
        prices,
        rules,
        withdrawal,
        leverage,
        missing,
        fields,
        out,
        threads,
    )


def check_withdrawal(withdrawal: object) -> None:
    """Refuse another reading of the largest withdrawal than the two."""
    if withdrawal not in _WITHDRAWALS:
        raise ValueError(f"withdrawal must be 'maintenance' or 'initial', not {withdrawal!r}")


def bind_portfolio(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    leverage: int | None,
    missing: Missing,
    threads: int,
) -> PortfolioEvaluation:
    """Bind a book, prices and rules under Portfolio Margin or Portfolio Margin Pro."""
    methodology = methodology_of(rules, mode)
    thresholds = thresholds_of(rules, mode)
    class_of, classes = cached(
        accounts,
        f"classes/{mode}",
        thresholds,
        lambda: account_classes(mode, accounts, thresholds, None),
    )
    bound = bind_pools(
        mode, accounts, prices, rules, leverage=leverage, missing=missing, threads=threads
    )
    decisions = compile_decisions(thresholds, _LEVELS, classes)
    return PortfolioEvaluation(bound, rules, thresholds, methodology, class_of, classes, decisions)


def _bound_again(*origin: Any) -> PortfolioEvaluation:
    mode, accounts, prices, rules, leverage = origin
    return bind_portfolio(
        mode, accounts, prices, rules, leverage=leverage, missing="flag", threads=1
    )


def _portfolio(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    withdrawal: Withdrawal,
    leverage: int | None,
    missing: Missing,
    fields: Collection[str] | None,
    out: PortfolioLevels | None,
    threads: int,
) -> PortfolioLevels:
    check_threads(threads)
    check_withdrawal(withdrawal)
    evaluation = bind_portfolio(
        mode, accounts, prices, rules, leverage=leverage, missing=missing, threads=threads
    )
    arrays = arrays_for(PortfolioLevels, len(accounts), fields, out)
    evaluation.run(arrays, threads, withdrawal)

    keys = partial(mode_keys, evaluation, threads, arrays.get("uni_mmr"), None)
    worst = (keys, evaluation.exact_order_key)
    result = PortfolioLevels(accounts, rules, evaluation.methodology, arrays, worst)
    return into(out, result)

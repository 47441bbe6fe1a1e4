"""One evaluation of a book under one mode: bind rules and prices to it and run the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.asset_gaps import gaps_of, refuse_gaps
from pymargin.book import book_of, cached, check_book, prepare_if_regular, slot_accounts
from pymargin.errors import AccountsError, RulesError
from pymargin.grids import GridArrays
from pymargin.leverages import check_classic_leverage
from pymargin.margin_call_ratios import own_ratios
from pymargin.modes import Mode
from pymargin.prices import PriceSource, resolve
from pymargin.rules import MarginRules, ModeThresholds
from pymargin.shocks import Scenarios
from pymargin.tables import AccountClass, compile_decisions, compile_tables, limit_for

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = [
    "CLASSIC",
    "PRO",
    "BoundMode",
    "Evaluation",
    "Missing",
    "ModeSpec",
    "Order",
    "account_classes",
    "check_rules_given",
    "evaluation",
    "methodology_of",
    "thresholds_of",
]

Missing: TypeAlias = Literal["raise", "flag"]
Order: TypeAlias = Literal["user", "slot"]


class BoundMode(Protocol):
    """A book, prices and rules bound under one mode, ready to run."""

    @property
    def accounts(self) -> Accounts:
        """The book."""

    @property
    def methodology(self) -> str:
        """The formula's name."""

    @property
    def level_name(self) -> str:
        """The level that lines decide on: lower is worse."""

    @property
    def grid_levels(self) -> tuple[str, ...]:
        """The levels that a stress grid can hold, first the one that lines decide on."""

    def run(self, arrays: Mapping[str, npt.NDArray[Any]], threads: int) -> object:
        """Fill arrays of the mode's fields: float64[n], ``actions`` uint16[n]."""

    def run_grid(self, scenarios: Scenarios, grid: GridArrays, threads: int) -> None:
        """Evaluate every account under scenarios."""

    def liquidation_thresholds(self) -> npt.NDArray[np.float64]:
        """Return float64[n]: the level at or below which an account is liquidated."""

    def exact_order_key(self, account: int) -> Fraction | float:
        """Return the level over its liquidation threshold, exactly."""


@dataclass(frozen=True, slots=True)
class ModeSpec:
    """Name what the core's kernels of a mode read and write, in their order.

    Parameters
    ----------
    mode
        The margin mode.
    levels, totals
        The float64 results.
    held_tables, owed_tables
        Which tables a held asset and a debt need.
    level_tables
        Levels that exist only where the rules hold a table.
    """

    mode: Mode
    levels: tuple[str, ...]
    totals: tuple[str, ...]
    held_tables: tuple[str, ...]
    owed_tables: tuple[str, ...]
    level_tables: Mapping[str, str]
    counts_orders: bool

    @property
    def fields(self) -> tuple[str, ...]:
        """Every result that can be asked for."""
        return (*self.levels, *self.totals, "actions")


CLASSIC = ModeSpec(
    mode=Mode.CROSS_CLASSIC,
    levels=(
        "margin_level",
        "collateral_margin_level",
        "borrow_margin_level",
        "transfer_out_margin_level",
    ),
    totals=("total_asset", "total_liability", "collateral_value"),
    held_tables=("collateral", "borrow", "transfer_out"),
    owed_tables=(),
    level_tables={"borrow_margin_level": "borrow", "transfer_out_margin_level": "transfer_out"},
    counts_orders=False,
)

PRO = ModeSpec(
    mode=Mode.CROSS_PRO,
    levels=("margin_level", "available_margin"),
    totals=("net_collateral", "open_order_loss", "maintenance_margin", "initial_margin"),
    held_tables=("collateral",),
    owed_tables=("liability_maintenance", "liability_initial"),
    level_tables={},
    counts_orders=True,
)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A book, prices and rules bound together, ready to run.

    Parameters
    ----------
    price
        float64[n_assets], USDT; NaN where missing.
    schedule_ids
        int32[n_tables, n_assets].
    gaps
        uint16[n_assets] of `Action` bits where an asset cannot be valued, or None.
    class_of, classes, class_key
        uint32[n_accounts] into the classes, or None where all are alike; what they depend on.
    absent
        Levels whose ratio table the rules do not hold.
    """

    spec: ModeSpec
    kernel: str
    methodology: str
    accounts: Accounts
    rules: MarginRules
    schedules: _core.Schedules
    price: npt.NDArray[np.float64]
    schedule_ids: npt.NDArray[np.int32]
    gaps: npt.NDArray[np.uint16] | None
    class_of: npt.NDArray[np.uint32] | None
    classes: tuple[AccountClass, ...]
    class_key: tuple[Any, ...]
    absent: frozenset[str]
    decisions: _core.Decisions

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it was bound from: the core's own tables are made again."""
        readings, leverage = self.kernel.split("/")[1:], self.class_key[1]
        return _bound_again, (
            self.spec, self.accounts, self.price, self.rules, readings, leverage,
        )  # fmt: skip

    def run(
        self, arrays: Mapping[str, npt.NDArray[Any]], threads: int, order: Order = "user"
    ) -> None:
        """Fill the arrays: float64[n_accounts], ``actions`` uint16[n_accounts]."""
        for level in self.absent & arrays.keys():
            arrays[level].fill(np.nan)
        book = book_of(self.accounts)
        prepare_if_regular(
            self.accounts, "book", book, lambda: book.prepare(threads), at_once=order == "slot"
        )
        _core.evaluate(
            self.kernel,
            book,
            self.schedules,
            self.price,
            self.schedule_ids,
            self.gaps,
            self.decisions,
            self.class_of,
            self._slot_class_of(book),
            [None if name in self.absent else arrays.get(name) for name in self.spec.levels],
            [arrays.get(name) for name in self.spec.totals],
            arrays.get("actions"),
            order == "slot",
            threads,
        )

    @property
    def grid_levels(self) -> tuple[str, ...]:
        """The levels that a stress grid can hold, first the one that lines decide on."""
        return self.spec.levels

    def run_grid(self, scenarios: Scenarios, grid: GridArrays, threads: int) -> None:
        """Evaluate every account under scenarios."""
        levels = list(grid.levels)
        for k, name in enumerate(self.spec.levels):
            values = levels[k]
            if name in self.absent and values is not None:
                values.fill(np.nan)
                levels[k] = None
        _core.evaluate_grid(
            self.kernel,
            book_of(self.accounts),
            self.schedules,
            self.price,
            self.schedule_ids,
            self.gaps,
            self.decisions,
            self.class_of,
            scenarios.of(self.accounts.assets, self.price),
            self.liquidation_test,
            **{**grid.for_core(), "levels": levels},
            threads=threads,
        )

    def _slot_class_of(self, book: _core.Book) -> npt.NDArray[np.uint32] | None:
        class_of = self.class_of
        if class_of is None or not book.is_prepared:
            return None
        return cached(
            self.accounts,
            f"slot_class_of/{self.spec.mode}",
            self.class_key,
            lambda: class_of[slot_accounts(self.accounts)],
        )

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the kernel reads, in its order."""
        return _kernel_tables(self.spec, self.methodology, self.rules)

    def schedule_ids_of(self, asset: str) -> npt.NDArray[np.int32]:
        """Return int32[n_tables]: the schedule numbers of an asset, of the book or not."""
        found = compile_tables(self.rules).schedule_ids(self.tables, (asset,))
        return np.ascontiguousarray(found[:, 0])

    @property
    def level_name(self) -> str:
        """The level that lines decide on: lower is worse."""
        return self.spec.levels[0]

    def liquidation_thresholds(self) -> npt.NDArray[np.float64]:
        """Return float64[n_accounts]: the level at or below which an account is liquidated."""
        figures = np.array([float(self._liquidation_limit(one)) for one in self.classes])
        if self.class_of is None:
            return np.full(len(self.accounts), figures[0])
        return figures[self.class_of]

    @property
    def liquidation_test(self) -> int:
        """The number of the compiled test that liquidates, -1 if there is none."""
        lines = [
            x for x in thresholds_of(self.rules, self.spec.mode).lines if x.level not in self.absent
        ]
        return next((k for k, line in enumerate(lines) if "LIQUIDATE" in line.actions), -1)

    def exact_order_key(self, account: int) -> Fraction | float:
        """Return the account's margin level over its liquidation threshold, exactly.

        N / (theta * D) as a Fraction, or an infinity where D is 0.
        """
        n, i, d, j = _core.exact_level(
            self.kernel,
            book_of(self.accounts),
            self.schedules,
            self.price,
            self.schedule_ids,
            self.decisions,
            account,
            0,
        )
        if d == 0:
            return inf if n >= 0 else -inf
        one = self.classes[0 if self.class_of is None else int(self.class_of[account])]
        level = Fraction(n, d) * Fraction(10) ** (i - j)
        limit = Fraction(self._liquidation_limit(one))
        return level / limit if limit else level

    def _liquidation_limit(self, one: AccountClass) -> Any:
        for line in thresholds_of(self.rules, self.spec.mode).lines:
            if "LIQUIDATE" in line.actions and line.level == self.spec.levels[0]:
                return limit_for(line.at_most, one, own_ratio=line.own_ratio)
        return 1


def evaluation(
    spec: ModeSpec,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    readings: Sequence[str] = (),
    leverage: int | None,
    missing: Missing,
) -> Evaluation:
    """Bind a book, prices and rules under a mode.

    Raises
    ------
    RulesError
        The rules hold no methodology or no thresholds for the mode.
    UnpricedError
        With ``missing="raise"``: what cannot be valued, and how many accounts are concerned.
    AccountsError
        An account has no leverage where the thresholds depend on it.
    """
    if missing not in ("raise", "flag"):
        raise ValueError(f"missing must be 'raise' or 'flag', not {missing!r}")
    check_book(accounts)
    methodology = methodology_of(rules, spec.mode)
    absent = frozenset(
        level
        for level, table in spec.level_tables.items()
        if not rules.has_table(table) and methodology != "classic_2023"
    )
    tables = _kernel_tables(spec, methodology, rules)
    compiled = compile_tables(rules)
    schedule_ids = cached(
        accounts,
        f"schedule_ids/{spec.mode}",
        (rules, tables),
        lambda: compiled.schedule_ids(tables, accounts.assets),
    )
    price = resolve(prices, accounts.assets)
    n_held = len(tables) - len(spec.owed_tables)
    gaps = gaps_of(price, schedule_ids[:n_held], schedule_ids[n_held:])
    if missing == "raise" and gaps.any():
        refuse_gaps(
            accounts, price, gaps, rules, tables, schedule_ids, n_held,
            counts_orders=spec.counts_orders,
        )  # fmt: skip
    thresholds = thresholds_of(rules, spec.mode)
    class_key = (thresholds, leverage)
    class_of, classes = cached(
        accounts,
        f"classes/{spec.mode}",
        class_key,
        lambda: account_classes(spec.mode, accounts, thresholds, leverage),
    )
    decisions = cached(
        accounts,
        f"decisions/{spec.mode}",
        (thresholds, leverage, absent),
        lambda: compile_decisions(thresholds, spec.levels, classes, absent=absent),
    )
    return Evaluation(
        spec=spec,
        kernel="/".join((methodology, *readings)),
        methodology=methodology,
        accounts=accounts,
        rules=rules,
        schedules=compiled.schedules,
        price=price,
        schedule_ids=schedule_ids,
        gaps=gaps if gaps.any() else None,
        class_of=class_of,
        classes=classes,
        class_key=class_key,
        absent=absent,
        decisions=decisions,
    )


def _bound_again(
    spec: ModeSpec,
    accounts: Accounts,
    prices: npt.NDArray[np.float64],
    rules: MarginRules,
    readings: Sequence[str],
    leverage: int | None,
) -> Evaluation:
    return evaluation(
        spec, accounts, prices, rules, readings=readings, leverage=leverage, missing="flag"
    )


def account_classes(
    mode: Mode, accounts: Accounts, thresholds: ModeThresholds, leverage: int | None
) -> tuple[npt.NDArray[np.uint32] | None, tuple[AccountClass, ...]]:
    """Group accounts that share a row of thresholds.

    Raises
    ------
    AccountsError
        An account has no leverage, neither has the argument, and a threshold depends on it; or a
        margin-call ratio that the mode does not take.
    """
    limits = [line.at_most for line in thresholds.lines]
    limits += [grant.above for grant in thresholds.grants]
    leverages = np.zeros(len(accounts), dtype=np.uint8)
    if any(isinstance(limit, Mapping) for limit in limits):
        leverages = _leverages(accounts, leverage)
    # An empty book has one class too; which one does not matter.
    present = [one for one in (0, 3, 5) if (leverages == one).any()] or [3]
    class_of = np.zeros(len(accounts), dtype=np.uint32)
    for number, one in enumerate(present[1:], start=1):
        # Added, not written where a mask holds: whose it is can't be foreseen.
        class_of += (leverages == one) * np.uint32(number)
    ratios: list[float] = [np.nan]
    if any(line.own_ratio for line in thresholds.lines):
        has_own = own_ratios(mode, accounts)
        if has_own.any():
            own, inverse = np.unique(accounts._margin_call_ratio[has_own], return_inverse=True)
            ratios += own.tolist()
            class_of = class_of * np.uint32(len(ratios))
            class_of[has_own] += inverse.astype(np.uint32) + np.uint32(1)
    classes = tuple((one, ratio) for one in present for ratio in ratios)
    return (class_of if len(classes) > 1 else None), classes


def _leverages(accounts: Accounts, leverage: int | None) -> npt.NDArray[np.uint8]:
    check_classic_leverage(leverage)
    lacking = accounts._leverage == 0
    if not lacking.any():
        return accounts._leverage
    if leverage is None:
        first = int(np.argmax(lacking))
        raise AccountsError(
            f"leverage must be given for every account or as leverage=3 or 5, not absent "
            f"(account {accounts._ids[first]!r}; {int(lacking.sum()):,} in all)"
        )
    return np.where(lacking, np.uint8(leverage), accounts._leverage)


def check_rules_given(rules: object) -> None:
    """Refuse what is no `MarginRules`.

    Raises
    ------
    RulesError
        It is something else, such as the path of a rules file.
    """
    if not isinstance(rules, MarginRules):
        raise RulesError(
            "rules must be a MarginRules (load_rules, rules_from_binance or builtin_rules), not "
            f"{type(rules).__name__}"
        )


def methodology_of(rules: MarginRules, mode: Mode) -> str:
    """Return the formula that holds for a mode; a RulesError where the rules state none."""
    check_rules_given(rules)
    methodology = rules.methodology.get(mode)
    if methodology is None:
        raise RulesError(f"the rules state no methodology for {mode} at {rules.moment}")
    return methodology


def thresholds_of(rules: MarginRules, mode: Mode) -> ModeThresholds:
    """Return the thresholds of a mode; a RulesError where the rules state none."""
    try:
        return rules.thresholds[mode]
    except KeyError:
        raise RulesError(f"the rules state no thresholds for {mode}") from None


def _kernel_tables(spec: ModeSpec, methodology: str, rules: MarginRules) -> tuple[str, ...]:
    """Name the tables in the kernel's order; an absent ratio table is stood in for, unread."""
    if methodology == "classic_2023":
        return ("collateral",)
    held = (
        table if table not in spec.level_tables.values() or rules.has_table(table) else "collateral"
        for table in spec.held_tables
    )
    return (*held, *spec.owed_tables)

"""The arrays of a book before it is one: what every constructor fills and checks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import inf
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.errors import AccountsError, Problem
from pymargin.ids import Ids
from pymargin.modes import Mode
from pymargin.sections import Positions, Wallets, kept

__all__ = ["AccountProblem", "Columns", "Faults"]

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

QUANTITIES = ("free", "locked", "borrowed", "interest")
ACCOUNT_NUMBERS = ("leverage", "margin_call_ratio", "open_order_loss")
ORDER_ARRAYS = ("order_give_ids", "order_get_ids", "order_give_quantity", "order_get_quantity")
ASSET_ID_ARRAYS = ("asset_ids", "order_give_ids", "order_get_ids")
ENTRY_NUMBERS = (*QUANTITIES, "order_give_quantity", "order_get_quantity")
POSITION_NUMBERS = ("quantity", "entry_price", "leverage", "isolated_margin")
ORDER_FIELDS = ("give_asset", "give_quantity", "get_asset", "get_quantity")
MODE_CODES = {str(mode): code for code, mode in enumerate(Mode, start=1)}
MODE_RULE = f"{', '.join([*MODE_CODES][:-1])} or {[*MODE_CODES][-1]}"
# The exchange lends at 3, 5 and 10; which there are is for the rules to say.
MAX_LOAN_LEVERAGE = 125
MAX_PROBLEMS = 1000
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class AccountProblem(Problem):
    """Say what is wrong with one account.

    Parameters
    ----------
    account
        Its id; or ``row <n>`` where it has none.
    """

    account: object = None

    def __str__(self) -> str:
        return f"{Problem.__str__(self)} (account {self.account!r})"


class Faults:
    """Collect the problems of one input, up to a limit.

    ``entry_name`` is what the input calls its balances, ``n_before`` how many
    accounts came before those at hand, where the input is read in parts.
    """

    def __init__(self) -> None:
        self._found: list[tuple[float, Problem]] = []
        self._said: set[str] = set()
        self._unlisted = 0
        self.entry_name = "balances"
        self.n_before = 0

    def __len__(self) -> int:
        return len(self._found)

    def add(self, problem: Problem, position: float = -1) -> None:
        """Keep a problem of the account at the position (-1: of the whole input)."""
        if len(self._found) < MAX_PROBLEMS:
            self._found.append((position if position < 0 else position + self.n_before, problem))
        else:
            self._unlisted += 1

    def add_once(self, problem: Problem, position: float = -1) -> None:
        """Keep a problem unless one with its path and rule is kept already."""
        key = f"{problem.path}\0{problem.expected or problem.what}"
        if key not in self._said:
            self._said.add(key)
            self.add(problem, position)

    def raise_if_any(self) -> None:
        """Raise what was found, in the order of the accounts.

        Raises
        ------
        AccountsError
            There is a problem.
        """
        if not self._found:
            return
        problems = [problem for _, problem in sorted(self._found, key=lambda pair: pair[0])]
        if self.entry_name != "balances":
            problems = [
                replace(problem, path=problem.path.replace("balances[", f"{self.entry_name}["))
                for problem in problems
            ]
        if self._unlisted:
            problems.append(Problem("", f"{self._unlisted:,} more problems are not listed"))
        raise AccountsError(problems)


def no_numbers() -> Floats:
    """Return float64[0]."""
    return np.empty(0, dtype=np.float64)


@dataclass(slots=True, eq=False)
class Columns:
    """Arrays of n accounts, m balance entries and k orders; NaN means not given.

    Attributes carry the names and dtypes of `Accounts`, but for ``leverage``,
    ``loan_leverage``, ``positions.leverage`` (float64) and ``open_order_loss``, NaN where
    not given. A section is None where no account has one.
    """

    ids: Ids
    offsets: Integers
    assets: tuple[str, ...]
    asset_ids: npt.NDArray[Any]
    free: Floats
    locked: Floats
    borrowed: Floats
    interest: Floats
    leverage: Floats
    margin_call_ratio: Floats
    open_order_loss: Floats
    mode: npt.NDArray[np.uint8]
    country: npt.NDArray[np.uint16]
    order_offsets: Integers
    order_give_ids: npt.NDArray[Any] = field(default_factory=lambda: np.empty(0, np.uint16))
    order_get_ids: npt.NDArray[Any] = field(default_factory=lambda: np.empty(0, np.uint16))
    order_give_quantity: Floats = field(default_factory=no_numbers)
    order_get_quantity: Floats = field(default_factory=no_numbers)
    loan_leverage: Floats | None = None
    multi_assets: npt.NDArray[np.bool_] | None = None
    wallets: Wallets | None = None
    positions: Positions | None = None
    symbols: tuple[str, ...] = ()


def id_type(n_names: int) -> type[np.uint16] | type[np.uint32]:
    """Return the dtype of ids in a book of so many assets, or symbols."""
    return np.uint16 if n_names <= 65_535 else np.uint32


def to_number(value: object) -> float | None:
    """Return the nearest float64 of a number or numeric string, None of anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, str | Real | Decimal):
        return None
    if isinstance(value, str) and "_" in value:
        return None
    try:
        return float(value)
    except OverflowError:
        return inf
    except ValueError:
        return None


def mode_code(name: str) -> tuple[int, str | None]:
    """Return the code of a mode, and the rule that the name breaks if it does."""
    if name in MODE_CODES:
        return MODE_CODES[name], None
    remark = " (spot isolated margin is out of scope for now)" if name == "isolated" else ""
    return 0, f"{MODE_RULE}{remark}"


def country_code(name: str) -> int:
    """Return two ISO letters as one number, 0 where they are not two letters."""
    if len(name) == 2 and name.isascii() and name.isalpha():
        first, second = name.upper().encode()
        return first << 8 | second
    return 0


PRO_RATIO_RULE = "from 1.3 to 2 in cross_pro"


def in_pro_range(ratio: Floats) -> npt.NDArray[np.bool_]:
    """Return where a margin-call ratio is one that Cross Margin Pro takes."""
    # "Must fall between" (Binance FAQ "Introduction to Binance Cross Margin Pro"): the ends too.
    found: npt.NDArray[np.bool_] = (ratio >= 1.3) & (ratio <= 2)
    return found


def check(columns: Columns, faults: Faults) -> None:
    """Add every fault of the values to the faults; shapes must be right."""
    _check_ids(columns, faults)
    _check_balances(columns, faults)
    _check_loan_leverage(columns, faults)
    _check_account_numbers(columns, faults)
    _check_orders(columns, faults)


def _check_ids(columns: Columns, faults: Faults) -> None:
    for first, again in columns.ids.repeats():
        account = columns.ids[again]
        faults.add(
            AccountProblem(
                "account", f"must be unique; it is in row {first} and row {again}", account=account
            ),
            again,
        )


_RULES = {code: (name, "finite and >= 0") for code, name in enumerate(QUANTITIES, start=1)}


def _check_balances(columns: Columns, faults: Faults) -> None:
    from pymargin import _core

    found = _core.check_balances(
        columns.offsets,
        columns.asset_ids,
        columns.free,
        columns.locked,
        columns.borrowed,
        columns.interest,
        len(columns.assets),
        MAX_PROBLEMS,
    )
    for code, account, entry in found:
        faults.add(_balance_problem(columns, code, account, entry), account)


def _balance_problem(columns: Columns, code: int, account: int, entry: int) -> Problem:
    who = columns.ids[account]
    path = f"balances[{entry - int(columns.offsets[account])}]"
    if code == 5:
        asset = columns.assets[columns.asset_ids[entry]]
        return AccountProblem(
            f"{path}.asset", "duplicate", f"{asset!r} again", "unique in the account", account=who
        )
    if code == 7:
        return AccountProblem(
            f"{path}.asset_id",
            "range",
            int(columns.asset_ids[entry]),
            f"less than {len(columns.assets)}, the number of assets",
            account=who,
        )
    name = QUANTITIES[code - 1]
    return quantity_problem(f"{path}.{name}", float(getattr(columns, name)[entry]), who)


def quantity_problem(path: str, value: float, account: object) -> AccountProblem:
    """Return the problem of a quantity that is negative or not finite."""
    rule = ">= 0" if value < 0 and value != -inf else "finite"
    return AccountProblem(path, "range", value, rule, account=account)


def _check_loan_leverage(columns: Columns, faults: Faults) -> None:
    leverage = columns.loan_leverage
    if leverage is None:
        return
    given = ~np.isnan(leverage)
    sound = (leverage >= 2) & (leverage <= MAX_LOAN_LEVERAGE) & (leverage == np.floor(leverage))
    for entry in np.flatnonzero(given & ~sound).tolist():
        position = int(np.searchsorted(columns.offsets, entry, side="right")) - 1
        path = f"balances[{entry - int(columns.offsets[position])}].loan_leverage"
        rule = f"an integer from 2 to {MAX_LOAN_LEVERAGE}"
        value, who = float(leverage[entry]), columns.ids[position]
        faults.add(AccountProblem(path, "range", value, rule, account=who), position)


def _check_account_numbers(columns: Columns, faults: Faults) -> None:
    given = ~np.isnan(columns.leverage)
    leverage = columns.leverage
    bad = given & (leverage != 3) & (leverage != 5)
    has_positions = columns.mode > MODE_CODES["cross_pro"]
    _flag(columns, faults, "leverage", bad & ~has_positions, "3 or 5")
    rule = "absent: it belongs to each of positions (an account's own is 3 or 5, in cross_classic)"
    _flag(columns, faults, "leverage", bad & has_positions, rule)

    ratio = columns.margin_call_ratio
    given = ~np.isnan(ratio)
    bad = given & ~((ratio > 0) & (ratio < inf))
    _flag(columns, faults, "margin_call_ratio", bad, "finite and > 0")
    pro = columns.mode == MODE_CODES["cross_pro"]
    narrow = given & ~bad & pro & ~in_pro_range(ratio)
    _flag(columns, faults, "margin_call_ratio", narrow, PRO_RATIO_RULE)

    loss = columns.open_order_loss
    given = ~np.isnan(loss)
    _flag(
        columns, faults, "open_order_loss", given & ~((loss >= 0) & (loss < inf)), "finite and >= 0"
    )
    both = given & (np.diff(columns.order_offsets) > 0)
    _flag(columns, faults, "open_order_loss", both, "absent where orders are given")


def _flag(
    columns: Columns, faults: Faults, name: str, bad: npt.NDArray[np.bool_], rule: str
) -> None:
    values = getattr(columns, name)
    for position in np.flatnonzero(bad).tolist():
        value = float(values[position])
        who = columns.ids[position]
        faults.add(AccountProblem(name, "range", value, rule, account=who), position)


def _check_orders(columns: Columns, faults: Faults) -> None:
    for name in ("give", "get"):
        quantity = getattr(columns, f"order_{name}_quantity")
        for order in np.flatnonzero(~((quantity >= 0) & (quantity < inf))).tolist():
            position = int(np.searchsorted(columns.order_offsets, order, side="right")) - 1
            path = f"orders[{order - int(columns.order_offsets[position])}].{name}_quantity"
            who = columns.ids[position]
            faults.add(quantity_problem(path, float(quantity[order]), who), position)


def drop_empty(columns: Columns) -> Columns:
    """Return the columns without the entries whose quantities are all 0."""
    wallets, positions = columns.wallets, columns.positions
    if wallets is not None:
        columns = replace(columns, wallets=kept(wallets, wallets.balance != 0))
    if positions is not None:
        columns = replace(columns, positions=kept(positions, positions.quantity != 0))
    keep = _kept_entries(columns)
    if keep is None:
        return columns
    counted = np.zeros(len(keep) + 1, dtype=np.int64)
    np.cumsum(keep, out=counted[1:])
    loans = columns.loan_leverage
    return replace(
        columns,
        offsets=counted[columns.offsets],
        asset_ids=columns.asset_ids[keep],
        loan_leverage=None if loans is None else loans[keep],
        **{name: getattr(columns, name)[keep] for name in QUANTITIES},
    )


def _kept_entries(columns: Columns) -> npt.NDArray[np.bool_] | None:
    """Return the mask of entries with a quantity, None where all have one."""
    length = len(columns.asset_ids)
    keep = np.empty(length, dtype=np.bool_)
    for begin in range(0, length, _BLOCK):
        block = keep[begin : begin + _BLOCK]
        np.not_equal(columns.free[begin : begin + _BLOCK], 0, out=block)
        for name in QUANTITIES[1:]:
            block |= getattr(columns, name)[begin : begin + _BLOCK] != 0
    return None if keep.all() else keep

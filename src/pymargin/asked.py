"""The threshold that a question asks about, compiled for the accounts that it is asked of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.book import cached
from pymargin.errors import MarginError, Problem
from pymargin.evaluation import account_classes
from pymargin.modes import Action, Mode
from pymargin.rules.thresholds import Line, ModeThresholds
from pymargin.tables import AccountClass, compile_decisions, decimal_pair, limit_for
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["Asked", "At", "ask", "compile_refusals", "few", "lines_at"]

At: TypeAlias = str | float | Decimal
"""``liquidation``, ``margin_call``, ``bankruptcy`` or a level."""

# What some line must give at all, and what counts: who is liquidated was called before.
_ACTIONS = {
    "liquidation": ("LIQUIDATE", ("LIQUIDATE",)),
    "margin_call": ("MARGIN_CALL", ("MARGIN_CALL", "LIQUIDATE")),
    "bankruptcy": ("BANKRUPT", ("BANKRUPT",)),
}
_MOST_DIGITS, _LARGEST = 18, Decimal(10) ** 9


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Thresholds compiled for a book.

    Parameters
    ----------
    class_of, classes
        uint32[n] into the classes, or None where all accounts are alike.
    decisions
        The core's tests: a line each, then a grant each.
    limits
        float64[c, tests], the thresholds of each class.
    """

    class_of: npt.NDArray[np.uint32] | None
    classes: tuple[AccountClass, ...]
    decisions: _core.Decisions
    limits: npt.NDArray[np.float64]

    def limit(self, test: int, n: int) -> npt.NDArray[np.float64]:
        """Return float64[n]: the threshold of a test by account."""
        if self.class_of is None:
            return np.full(n, self.limits[0, test])
        of_account: npt.NDArray[np.float64] = self.limits[self.class_of, test]
        return of_account


def lines_at(
    thresholds: ModeThresholds, mode: Mode, at: At, *, name: str, accounts: Accounts
) -> tuple[Line, ...]:
    """Return the lines at or below which an account of a mode is where the question asks.

    ``liquidation`` and ``margin_call`` are the lines of these actions, a margin call where the
    account is liquidated too; ``bankruptcy`` those of BANKRUPT where the rules give it, else where
    nothing is left (our reading): a margin level of 1 in Classic, of 0 elsewhere. A level is one
    of the mode's margin level.

    Raises
    ------
    MarginError
        `at`, which the argument `name` gave, is none of these, or none of these accounts.
    """
    given = {action for line in thresholds.lines for action in line.actions}
    if at == "bankruptcy" and "BANKRUPT" not in given:
        return (_line(mode, Decimal(1 if mode is Mode.CROSS_CLASSIC else 0)),)
    if not isinstance(at, str):
        return (_line(mode, _level(at, name)),)
    if at not in _ACTIONS:
        expected = ", ".join(_ACTIONS) + " or a level"
        raise MarginError([Problem(name, "decision", repr(at), expected)])
    asked, counting = _ACTIONS[at]
    if asked not in given:
        expected = f"a decision of {mode} ({few(accounts)}), or a level"
        raise MarginError([Problem(name, "decision", repr(at), expected)])
    return tuple(line for line in thresholds.lines if not set(counting).isdisjoint(line.actions))


def few(accounts: Accounts) -> str:
    """Say which accounts a message is about."""
    first = f", the first {accounts._ids[0]!r}" if len(accounts) else ""
    return counted(len(accounts), "account") + first


def _line(mode: Mode, at_most: Decimal) -> Line:
    is_portfolio = mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO)
    return Line("uni_mmr" if is_portfolio else "margin_level", at_most, ())


def _level(at: float | Decimal, name: str) -> Decimal:
    """Return a level as the decimal that it reads as: a float is its shortest."""
    rule = f"finite, of at most {_MOST_DIGITS} digits and between 1e-9 and 1e9 in size, or 0"
    refused = MarginError([Problem(name, "level", repr(at), f"a level: {rule}")])
    if isinstance(at, bool | np.bool_):
        raise refused
    try:
        level = at if isinstance(at, Decimal) else Decimal(repr(float(at)))
    except (InvalidOperation, TypeError, ValueError, OverflowError):
        raise refused from None
    if not level.is_finite() or (level and not 1 / _LARGEST <= abs(level) <= _LARGEST):
        raise refused
    if len(level.normalize().as_tuple().digits) > _MOST_DIGITS:
        raise refused
    return level


def ask(
    mode: Mode,
    accounts: Accounts,
    thresholds: ModeThresholds,
    levels: tuple[str, ...],
    leverage: int | None,
    *,
    name: str,
    absent: frozenset[str] = frozenset(),
) -> Asked:
    """Compile thresholds for a book, or take those last compiled under the name.

    Raises
    ------
    AccountsError
        An account has no leverage where the thresholds depend on it.
    """

    def make() -> Asked:
        class_of, classes = account_classes(mode, accounts, thresholds, leverage)
        tested = [(line.at_most, line.own_ratio) for line in thresholds.lines]
        tested += [(grant.above, False) for grant in thresholds.grants]
        limits = [
            [float(limit_for(limit, one, own_ratio=own)) for limit, own in tested]
            for one in classes
        ]
        decisions = compile_decisions(thresholds, levels, classes, absent=absent)
        return Asked(class_of, classes, decisions, np.array(limits))

    return cached(accounts, f"asked/{name}", (mode, thresholds, levels, leverage, absent), make)


def compile_refusals(
    thresholds: ModeThresholds,
    levels: Sequence[str],
    classes: Sequence[AccountClass],
    action: Action,
    *,
    absent: frozenset[str] = frozenset(),
    lines_refuse: bool = False,
) -> _core.Decisions:
    """Compile whether an action is refused: 1 for the combinations of tests that do not give it.

    Parameters
    ----------
    thresholds
        The lines and grants of the mode.
    levels, classes, absent
        As in `compile_decisions`.
    action
        What is refused, one of those that lines and grants give.
    lines_refuse
        Every line that matches refuses, whatever it gives.
    """
    lines = [line for line in thresholds.lines if line.level not in absent]
    grants = [grant for grant in thresholds.grants if grant.level not in absent]
    # What does not bear on the action is not tested: a walk would stop at its edges.
    grants = [grant for grant in grants if grant.action == action.name]
    tests = [(line.level, line.at_most, line.own_ratio) for line in lines]
    tests += [(grant.level, grant.above, False) for grant in grants]
    refused = np.empty(1 << len(tests), dtype=np.uint16)
    for bits in range(len(refused)):
        matched = next((line for k, line in enumerate(lines) if bits >> k & 1), None)
        if matched is not None:
            given = action.name in matched.actions and not lines_refuse
        else:
            given = action.name in thresholds.actions or any(
                not bits >> (len(lines) + k) & 1 for k in range(len(grants))
            )
        refused[bits] = not given
    limits = [[limit_for(limit, one, own_ratio=own) for _, limit, own in tests] for one in classes]
    shape = (len(classes), len(tests))
    return _core.Decisions(
        np.array([levels.index(level) for level, _, _ in tests], dtype=np.int32),
        np.array([[float(x) for x in row] for row in limits], dtype=np.float64).reshape(shape),
        np.array([[decimal_pair(x) for x in row] for row in limits], dtype=np.int64).reshape(
            *shape, 2
        ),
        refused,
    )

"""Which decision a question asks about, as a test of an account's standing in any mode."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from pymargin.errors import AccountsError, MarginError, Problem
from pymargin.modes import Action, Mode
from pymargin.oracle.account import Account, read_account
from pymargin.oracle.classic import classic_leverage, classic_standing
from pymargin.oracle.decide import actions_named, decide, first_line, line_limit
from pymargin.oracle.futures import futures_standing, isolated_standing
from pymargin.oracle.portfolio import portfolio_order_loss, portfolio_standing
from pymargin.oracle.pro import pro_order_loss, pro_standing
from pymargin.oracle.quotes import PriceSource, Quotes
from pymargin.oracle.schedule import exact
from pymargin.oracle.standing import Pool, Reading, Standing, levels_of

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["At", "Case", "case_of"]

At: TypeAlias = str | float | Fraction
"""``liquidation``, ``margin_call``, ``bankruptcy`` or a level."""

Decision: TypeAlias = Callable[[Fraction], bool]
"""Whether something holds, as a function of the variable that a question moves."""

# What the rules must give at all, and what is due then: who is liquidated was called before.
_ACTIONS = {
    "liquidation": (Action.LIQUIDATE, Action.LIQUIDATE),
    "margin_call": (Action.MARGIN_CALL, Action.MARGIN_CALL | Action.LIQUIDATE),
    "bankruptcy": (Action.BANKRUPT, Action.BANKRUPT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One account in a mode, its orders' loss frozen at the current prices.

    Parameters
    ----------
    mode, account, quotes, rules, reading
        What is evaluated.
    position
        The number of the isolated position that is asked about; None for the cross part.
    """

    mode: Mode
    account: Account
    quotes: Quotes
    rules: MarginRules
    reading: Reading
    position: int | None = None

    def with_account(self, account: Account) -> Case:
        """Return the case of another account."""
        return replace(self, account=account)

    def with_quotes(self, quotes: Quotes) -> Case:
        """Return the case at other prices."""
        return replace(self, quotes=quotes)

    @property
    def standing(self) -> Standing:
        """What decides: the pools of the cross part, or that of the position."""
        mode, rest = self.mode.value, (self.account, self.quotes, self.rules)
        if self.position is not None:
            return isolated_standing(mode, *rest, self.position)
        if self.mode is Mode.CROSS_CLASSIC:
            return classic_standing(*rest, self.reading)
        if self.mode is Mode.CROSS_PRO:
            return pro_standing(*rest, self.reading)
        if self.mode in (Mode.USDM, Mode.COINM):
            return futures_standing(mode, *rest)
        return portfolio_standing(mode, *rest, self.reading)

    @property
    def main_level(self) -> str:
        """Name of the level that a bare number stands for."""
        return "uni_mmr" if self.mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO) else "margin_level"

    @property
    def leverage(self) -> int | None:
        """The leverage that thresholds go by, of Classic only."""
        if self.mode is not Mode.CROSS_CLASSIC:
            return None
        return classic_leverage(self.account, self.reading.leverage)

    def actions(self, pool: Pool) -> Action:
        """Return what the rules' lines and grants give one pool."""
        own_ratio = self.account.ratio_in(self.mode.value)
        levels, leverage = levels_of(pool), self.leverage
        return decide(self.rules, self.mode.value, levels, leverage=leverage, own_ratio=own_ratio)[
            0
        ]

    def line(self, pool: Pool) -> Action | None:
        """Return the actions of the first line that matches one pool."""
        own_ratio = self.account.ratio_in(self.mode.value)
        levels, leverage = levels_of(pool), self.leverage
        return first_line(
            self.rules, self.mode.value, levels, leverage=leverage, own_ratio=own_ratio
        )

    def is_due(self, at: At) -> bool:
        """Return whether the decision fires: in a cross part, for any of its pools.

        ``liquidation`` and ``margin_call`` fire with their actions, a margin call where the
        account is liquidated too. ``bankruptcy`` fires with BANKRUPT where the rules give it,
        else where nothing is left (our reading): total assets at or below the debts in Classic,
        a level of 0 or less elsewhere.
        """
        tested = self._tested(at)
        if isinstance(tested, Action):
            lines = (self.line(pool) for pool in self.standing.pools)
            return any(line is not None and bool(line & tested) for line in lines)
        levels = (levels_of(pool)[self.main_level] for pool in self.standing.pools)
        return any(level <= tested for level in levels)

    def limits(self, at: At) -> tuple[tuple[str, Fraction], ...]:
        """Return the levels and limits at or below which the decision fires."""
        tested = self._tested(at)
        if not isinstance(tested, Action):
            return ((self.main_level, tested),)
        lines = self.rules.thresholds[self.mode.value].lines
        return tuple(
            (
                line.level,
                line_limit(
                    line, self.mode.value, self.leverage, self.account.ratio_in(self.mode.value)
                ),
            )
            for line in lines
            if actions_named(line.actions) & tested
        )

    def _tested(self, at: At) -> Action | Fraction:
        """Turn what is asked into actions, or into a limit of the main level."""
        lines = self.rules.thresholds[self.mode.value].lines
        given = Action(0)
        for line in lines:
            given |= actions_named(line.actions)
        if at == "bankruptcy" and not given & Action.BANKRUPT:
            return Fraction(1 if self.mode is Mode.CROSS_CLASSIC else 0)
        if isinstance(at, str):
            if at not in _ACTIONS:
                expected = ", ".join(_ACTIONS) + " or a level"
                raise MarginError([Problem("at", "decision", repr(at), expected)])
            asked, due = _ACTIONS[at]
            if not given & asked:
                expected = f"a decision of {self.mode.value}"
                raise MarginError([Problem("at", "decision", repr(at), expected)])
            return due
        if not math.isfinite(at):
            raise MarginError([Problem("at", "decision", at, "a finite level")])
        return at if isinstance(at, Fraction) else exact(at)


def case_of(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    *,
    mode: Mode | str | None,
    reading: Reading,
    position: int | None = None,
) -> Case:
    """Read a row, and freeze the loss of its orders at the current prices.

    Raises
    ------
    AccountsError
        Neither the row nor the argument gives a mode, or there is no such isolated position.
    """
    asked = mode if mode is not None else row.get("mode")
    if asked not in list(Mode):
        expected = "one of " + ", ".join(Mode)
        raise AccountsError([Problem("mode", "mode", asked, expected)])
    account = read_account(row)
    if position is not None:
        _check_isolated(Mode(asked), account, position)
    case = Case(
        mode=Mode(asked), account=account, quotes=Quotes(prices), rules=rules, reading=reading,
        position=position,
    )  # fmt: skip
    return case.with_account(_frozen(case))


def _frozen(case: Case) -> Account:
    """Return the account with its orders' loss, at the current prices, in place of the orders."""
    account = case.account
    if not account.orders or case.standing.flags:
        return account
    rest = (account, case.quotes, case.rules)
    if case.mode is Mode.CROSS_PRO:
        loss = pro_order_loss(*rest, case.reading)
    elif case.mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO):
        loss = portfolio_order_loss(case.mode.value, *rest)
    else:
        loss = Fraction(0)
    return replace(account, orders=(), open_order_loss=account.open_order_loss + loss)


def _check_isolated(mode: Mode, account: Account, position: int) -> None:
    isolated = [p.number for p in account.positions if p.isolated_margin is not None]
    if mode not in (Mode.USDM, Mode.COINM) or position not in isolated:
        expected = "the number of an isolated position of a futures account"
        raise AccountsError([Problem("position", "position", position, expected)])

"""Which asset loses an account how much, when schedules change: read off the schedules alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.book import cached
from pymargin.tables import compile_tables

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.evaluation import Evaluation
    from pymargin.rules import MarginRules

__all__ = ["Loss", "losses"]

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

# Under these formulas a holding and a debt in the same asset are set off before the schedule.
_NET = ("classic_2026_06",)


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """What entries of a book lose by a change of schedules.

    Parameters
    ----------
    account, asset
        int64[k]: the account and the asset of each entry that a changed schedule rates; accounts
        in rising order.
    amount
        float64[k], USDT: what the entry counts for less (a margin: is asked for more) than
        before; negative where it counts for more.
    """

    account: Integers
    asset: Integers
    amount: Floats

    def by_asset(self, n_assets: int) -> Floats:
        """Return float64[n_assets]: the sum over the book."""
        totals = np.bincount(self.asset, weights=self.amount, minlength=n_assets)
        return totals.astype(np.float64, copy=False)

    def driver(self, n_accounts: int) -> Integers:
        """Return int64[n_accounts]: the asset that moves an account most, -1 where none does."""
        driver = np.full(n_accounts, -1, dtype=np.int64)
        moved = np.flatnonzero(self.amount)
        if not len(moved):
            return driver
        account, size = self.account[moved], np.abs(self.amount[moved])
        starts = np.flatnonzero(np.diff(account, prepend=-1))
        largest = np.repeat(np.maximum.reduceat(size, starts), np.diff(starts, append=len(account)))
        # Backwards, so that of equal ones the first is written last.
        top = np.flatnonzero(size == largest)[::-1]
        driver[account[top]] = self.asset[moved[top]]
        return driver


def losses(
    before: Evaluation,
    after: Evaluation,
    table: str,
    *,
    rising: bool = False,
    of: npt.NDArray[np.bool_] | None = None,
) -> Loss:
    """Return what the change of a table costs every entry of a book.

    Parameters
    ----------
    before, after
        The same book bound to both rules.
    table
        Its name; an asset that either side has no schedule for is left out.
    rising
        The table is of margins on debts, where more is worse; not of ratios.
    of
        bool[n_accounts]: only these accounts.
    """
    accounts, price = after.accounts, after.price
    changed = _changed(accounts, before.rules, after.rules, table) & ~np.isnan(price)
    if not changed.any():
        return Loss(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    entries = np.flatnonzero(changed[accounts._asset_ids])
    account = _account_of_entry(accounts)[entries]
    if of is not None:
        entries, account = entries[of[account]], account[of[account]]
    asset = accounts._asset_ids[entries]
    # By asset, so that each schedule is asked once; the results go back to the entries' order.
    order = np.argsort(asset, kind="stable")
    values = _values(after, table, entries)[order]
    new = _rated(after, table, values, asset[order])
    if _is_net(before) != _is_net(after):
        values = _values(before, table, entries)[order]
    new -= _rated(before, table, values, asset[order])
    amount = np.empty(len(entries))
    amount[order] = new if rising else -new
    return Loss(account, asset.astype(np.int64), amount)


def _account_of_entry(accounts: Accounts) -> Integers:
    return cached(
        accounts,
        "account_of_entry",
        (),
        lambda: np.repeat(np.arange(len(accounts)), np.diff(accounts._offsets)),
    )


def _changed(
    accounts: Accounts, before: MarginRules, after: MarginRules, table: str
) -> npt.NDArray[np.bool_]:
    """Return bool[n_assets]: where both rules hold a schedule, and not the same."""
    changed = np.zeros(len(accounts.assets), dtype=bool)
    for number, asset in enumerate(accounts.assets):
        old, new = before.find(table, asset), after.find(table, asset)
        changed[number] = old is not None and new is not None and old != new
    return changed


def _rated(
    bound: Evaluation, table: str, values: Floats, asset: npt.NDArray[np.unsignedinteger]
) -> Floats:
    """Return float64[k]: what the rules make of values that are sorted by asset."""
    compiled = compile_tables(bound.rules)
    numbers, names = compiled.numbers[table], bound.accounts.assets
    rated = np.empty(len(values))
    ends = np.flatnonzero(np.diff(asset.astype(np.int64), append=-1)) + 1
    start = 0
    for end in ends.tolist():
        number = numbers[names[int(asset[start])]]
        rated[start:end] = compiled.schedules.value(number, values[start:end])
        start = end
    return rated


def _values(bound: Evaluation, table: str, entries: Integers) -> Floats:
    """Return float64[k], USDT: what a table rates of each entry."""
    accounts = bound.accounts
    price = bound.price[accounts._asset_ids[entries]]

    def units(one: Floats, other: Floats) -> Floats:
        total: Floats = one[entries] + other[entries]
        return total

    rated = units(accounts._free, accounts._locked)
    if table.startswith("liability"):
        rated = units(accounts._borrowed, accounts._interest)
    elif _is_net(bound):
        rated = np.maximum(rated - units(accounts._borrowed, accounts._interest), 0)
    value: Floats = price * rated
    return value


def _is_net(bound: Evaluation) -> bool:
    return bound.methodology in _NET

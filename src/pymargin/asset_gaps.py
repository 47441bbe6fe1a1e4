"""Assets of a book of balances that cannot be valued: found, named and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pymargin.book import book_of, cached
from pymargin.errors import Problem, RulesError, UnpricedError
from pymargin.modes import Action
from pymargin.rules import MarginRules

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["gaps_of", "refuse_gaps"]


def gaps_of(
    price: npt.NDArray[np.float64],
    held_ids: npt.NDArray[np.int32],
    owed_ids: npt.NDArray[np.int32],
) -> npt.NDArray[np.uint16]:
    """Return uint16[n_assets]: which of the UNPRICED actions holding or owing an asset sets."""
    unpriced = np.isnan(price)
    gaps = np.zeros(len(price), dtype=np.uint16)
    gaps[unpriced | (held_ids < 0).any(axis=0)] |= Action.UNPRICED_ASSET.value
    gaps[unpriced | (owed_ids < 0).any(axis=0)] |= Action.UNPRICED_DEBT.value
    return gaps


def refuse_gaps(
    accounts: Accounts,
    price: npt.NDArray[np.float64],
    gaps: npt.NDArray[np.uint16],
    rules: MarginRules,
    tables: Sequence[str],
    schedule_ids: npt.NDArray[np.int32],
    n_held: int,
    *,
    counts_orders: bool,
) -> None:
    """Raise where an asset that somebody holds or owes cannot be valued.

    Raises
    ------
    UnpricedError
        With each such asset and how many accounts hold it, owe it or have orders in it.
    """
    holders, owers = cached(
        accounts, "holders", (), lambda: book_of(accounts).holders(len(accounts.assets))
    )
    orders = np.zeros(len(price), dtype=np.int64)
    if counts_orders:
        for ids in (accounts._order_give_ids, accounts._order_get_ids):
            orders += np.bincount(ids, minlength=len(price))
    is_used = (holders > 0) | (owers > 0) | (orders > 0)
    problems: list[Problem] = []
    for asset in np.flatnonzero(is_used & (gaps != 0)).tolist():
        name = accounts.assets[asset]
        use = (int(holders[asset]), int(owers[asset]), int(orders[asset]))
        if np.isnan(price[asset]):
            problems.append(Problem("", f"{name} has no finite price: {_users(*use)}"))
            continue
        for row, table in enumerate(tables):
            if table in tables[:row]:
                continue
            wanted = (use[0], 0, use[2]) if row < n_held else (0, use[1], 0)
            if schedule_ids[row, asset] < 0 and any(wanted):
                problems.append(Problem("", f"{_why_none(rules, table, name)}: {_users(*wanted)}"))
    if problems:
        raise UnpricedError(problems)


def _users(holders: int, owers: int, orders: int) -> str:
    parts = (
        (holders, "holds it", "hold it", "account"),
        (owers, "owes it", "owe it", "account"),
        (orders, "names it", "name it", "open order"),
    )
    return ", ".join(
        f"{count:,} {noun}{'' if count == 1 else 's'} {one if count == 1 else many}"
        for count, one, many, noun in parts
        if count
    )


def _why_none(rules: MarginRules, table: str, asset: str) -> str:
    try:
        rules.tiers(table, asset)
    except RulesError as err:
        return str(err)
    raise AssertionError(f"{asset} has a schedule in {table}")

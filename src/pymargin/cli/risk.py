"""Where the risk of a book sits: what the accounts in trouble hold and owe."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pymargin.cli.figures import amount, counted, share
from pymargin.cli.screen import Column, Screen
from pymargin.modes import Action
from pymargin.prices import resolve

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.prices import PriceSource

__all__ = ["show_risk"]

_IN_TROUBLE = Action.LIQUIDATE | Action.MARGIN_CALL
_SHOWN = 5


def show_risk(
    screen: Screen, accounts: Accounts, prices: PriceSource, actions: npt.NDArray[np.uint16]
) -> None:
    """Print which assets the accounts in liquidation or margin call owe and hold most."""
    in_trouble = (actions & _IN_TROUBLE.value) != 0
    count = int(np.count_nonzero(in_trouble))
    screen.heading(
        f"Where the risk sits: {counted(count, 'account')} in liquidation or margin call"
    )
    if not count:
        screen.line("None is.")
        return
    entries = np.repeat(in_trouble, np.diff(accounts._offsets))
    assets = accounts._asset_ids[entries]
    price = resolve(prices, accounts.assets)[assets]
    sides: list[npt.NDArray[np.float64]] = []
    for one, other in (("borrowed", "interest"), ("free", "locked")):
        units = getattr(accounts, f"_{one}")[entries] + getattr(accounts, f"_{other}")[entries]
        worth = np.nan_to_num(units * price)
        total = np.bincount(assets, weights=worth, minlength=len(accounts.assets))
        sides.append(total.astype(np.float64, copy=False))
    owed, held = sides
    screen.table(
        [
            Column("owed most"), Column("USDT", True), Column("share", True),
            Column("held most"), Column("USDT", True), Column("share", True),
        ],
        [(*left, *right) for left, right in zip_longest(
            _most(accounts.assets, owed), _most(accounts.assets, held), fillvalue=("", "", "")
        )],
    )  # fmt: skip
    screen.line(f"In all they owe {amount(owed.sum())} USDT and hold {amount(held.sum())} USDT.")


def _most(assets: tuple[str, ...], values: npt.NDArray[np.float64]) -> list[tuple[str, str, str]]:
    """Return the assets of most value: name, USDT and share of the whole."""
    first = np.argsort(-values, kind="stable")[:_SHOWN]
    return [
        (assets[i], amount(values[i]), share(values[i], values.sum()))
        for i in first.tolist()
        if values[i] > 0
    ]

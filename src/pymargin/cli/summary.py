"""What a whole book comes to: accounts per action, levels, and the worst accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pymargin.account_modes import account_modes, modes_of
from pymargin.cli.faults import INCOMPLETE
from pymargin.cli.figures import action_words, amount, level_figure, share
from pymargin.cli.screen import Column, Screen
from pymargin.modes import Action
from pymargin.prices import resolve

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.prices import PriceSource
    from pymargin.results import Levels

__all__ = [
    "exit_code",
    "exit_code_of",
    "levels_of",
    "show_actions",
    "show_quantiles",
    "show_worst",
]

_ACTIONS = (
    (Action.TRADE, "may trade"),
    (Action.BORROW, "may borrow"),
    (Action.TRANSFER_OUT, "may transfer out"),
    (Action.MARGIN_CALL, "margin call"),
    (Action.LIQUIDATE, "liquidated"),
    (Action.REDUCE_ONLY, "may only reduce positions"),
    (Action.BANKRUPT, "is bankrupt"),
    (Action.ISOLATED_LIQUIDATE, "has an isolated position liquidated"),
    (Action.UNPRICED_ASSET, "holds what has no price or schedule"),
    (Action.UNPRICED_DEBT, "owes what has no price or brackets"),
    (Action.BEYOND_TIERS, "holds or owes more than the last tier covers"),
)
# Of portfolio margin and futures: shown where they occur.
_OF_SOME_MODES = Action.REDUCE_ONLY | Action.BANKRUPT | Action.ISOLATED_LIQUIDATE
_QUANTILES = (0.0, 0.01, 0.1, 0.5, 0.9)


def levels_of(found: Levels) -> npt.NDArray[np.float64]:
    """Return float64[n]: the level that decides."""
    arrays = found.arrays()
    name = next(name for name in ("level", "margin_level", "uni_mmr") if name in arrays)
    level: npt.NDArray[np.float64] = arrays[name]
    return level


def show_actions(screen: Screen, actions: npt.NDArray[np.uint16]) -> None:
    """Print how many accounts have each action."""
    screen.heading(f"Accounts by action ({len(actions):,} in all; one may stand in several rows)")
    counts = [(flag, what, int(np.count_nonzero(actions & flag.value))) for flag, what in _ACTIONS]
    screen.table(
        [Column("action"), Column("accounts", True), Column("share", True), Column("the account")],
        [
            (str(flag.name), f"{count:,}", share(count, len(actions)), what)
            for flag, what, count in counts
            if count or not flag & _OF_SOME_MODES
        ],
    )


def exit_code(actions: npt.NDArray[np.uint16]) -> int:
    """Return 1 where some account is unpriced or beyond its tiers, else 0."""
    return exit_code_of(Action(int(np.bitwise_or.reduce(actions))))


def exit_code_of(actions: Action) -> int:
    """Return the exit code for actions of one account, or of several at once."""
    return INCOMPLETE if actions & (Action.UNPRICED | Action.BEYOND_TIERS) else 0


def show_quantiles(screen: Screen, accounts: Accounts, levels: npt.NDArray[np.float64]) -> None:
    """Print how the levels of accounts in debt are spread, mode by mode."""
    screen.heading("Margin levels of the accounts in debt (lower is worse)")
    mode_of = account_modes(accounts, None)
    rows = []
    for mode in modes_of(accounts, None):
        of_mode = levels[mode_of == mode]
        in_debt = of_mode[np.isfinite(of_mode)]
        figures = ["-"] * len(_QUANTILES)
        if len(in_debt):
            figures = [f"{level:,.3f}" for level in np.quantile(in_debt, _QUANTILES).tolist()]
        rows.append((mode, f"{len(of_mode):,}", f"{len(in_debt):,}", *figures))
    titles = ["accounts", "in debt", "worst", "1 %", "10 %", "median", "90 %"]
    screen.table([Column("mode"), *(Column(title, True) for title in titles)], rows)


def show_worst(
    screen: Screen,
    found: Levels,
    accounts: Accounts,
    prices: PriceSource,
    *,
    count: int,
    mode: str | None,
) -> None:
    """Print the accounts nearest to liquidation, which is due at the limit and below it.

    One of whose isolated positions is due goes before those that nothing is due of.
    """
    worst = _worst(found, count)
    screen.heading(f"The worst accounts: {len(worst):,} (liquidation is due at the limit or below)")
    columns = [Column("account"), Column("level", True)]
    thresholds = worst.arrays().get("threshold")
    if thresholds is not None:
        columns += [Column("limit", True)]
    columns += [Column("held, USDT", True), Column("owed, USDT", True), Column("actions")]
    modes = account_modes(accounts, mode)
    several = len(modes_of(accounts, mode)) > 1
    if several:
        columns.insert(1, Column("mode"))
    price = resolve(prices, accounts.assets)
    rows = []
    levels, ids = levels_of(worst).tolist(), worst.ids.tolist()
    for row, position in enumerate(worst.book_rows.tolist()):
        cells = [str(ids[row])]
        cells += [modes[position]] if several else []
        cells += [level_figure(levels[row], modes[position])]
        cells += [] if thresholds is None else [f"{thresholds[row]:.12g}"]
        cells += map(amount, _held_and_owed(accounts, price, position))
        rows.append((*cells, action_words(int(worst.actions[row]))))
    screen.table(columns, rows)


def _worst(found: Levels, count: int) -> Levels:
    """Return the worst accounts, isolated positions counted, which a level is not of."""
    worst = found.worst(count)
    isolated = np.flatnonzero((found.actions & Action.ISOLATED_LIQUIDATE.value) != 0)
    if not len(isolated):
        return worst
    rows = np.concatenate([worst.book_rows, found._taken(isolated).worst(count).book_rows])
    _, first = np.unique(rows, return_index=True)
    rows = rows[np.sort(first)]
    actions = found.actions[rows]
    kind = np.select(
        [(actions & flag.value) != 0 for flag in (Action.LIQUIDATE, Action.ISOLATED_LIQUIDATE)],
        [0, 1],
        2,
    )
    return found._taken(rows[np.argsort(kind, kind="stable")][:count])


def _held_and_owed(
    accounts: Accounts, price: npt.NDArray[np.float64], position: int
) -> Iterator[float]:
    """Return the USDT value of an account's balances and wallets, and of its debts.

    NaN where unpriced; a negative wallet is a debt.
    """
    entries = slice(*accounts._offsets[position : position + 2].tolist())
    prices = price[accounts._asset_ids[entries]]
    wallets = accounts.wallets
    settled = slice(*wallets.offsets[position : position + 2].tolist())
    balance, rates = wallets.balance[settled], price[wallets.asset_ids[settled]]
    for one, other, sign in (("free", "locked", 1), ("borrowed", "interest", -1)):
        units = getattr(accounts, f"_{one}")[entries] + getattr(accounts, f"_{other}")[entries]
        yield _worth(units, prices) + _worth(np.maximum(sign * balance, 0.0), rates)


def _worth(units: npt.NDArray[np.float64], prices: npt.NDArray[np.float64]) -> float:
    # Not 0 * NaN: what is not held needs no price.
    return float(np.sum(np.multiply(units, prices, where=units > 0, out=np.zeros(len(units)))))

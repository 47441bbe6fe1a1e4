"""What of a book's wallets, positions and loans cannot be valued, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pymargin.errors import Problem, UnpricedError
from pymargin.instruments import InstrumentRows, multi_assets_of
from pymargin.rules import MarginRules
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["loan_leverages", "refuse_gaps"]


def refuse_gaps(rows: InstrumentRows, gaps: npt.NDArray[np.uint16]) -> None:
    """Raise where something that somebody holds or owes cannot be valued."""
    problems = [*_asset_problems(rows, gaps), *_position_problems(rows, gaps)]
    problems += _loan_problems(rows)
    if problems:
        raise UnpricedError(problems)


def _asset_problems(rows: InstrumentRows, gaps: npt.NDArray[np.uint16]) -> Iterator[Problem]:
    accounts, assets = rows.accounts, rows.instruments.assets
    lacking = np.flatnonzero(_lacks(rows, gaps)).tolist()
    if not lacking:
        return
    users, orders = np.zeros((2, len(assets)), dtype=np.int64)
    if accounts._wallets is not None:
        users += np.bincount(accounts._wallets.asset_ids, minlength=len(assets))
    if rows.is_portfolio:
        users += np.bincount(accounts._asset_ids, minlength=len(assets))
        for ids in (accounts._order_give_ids, accounts._order_get_ids):
            orders += np.bincount(ids, minlength=len(assets))
    for number in lacking:
        asset = assets[number]
        settled = _positions_settled_in(rows, asset)
        if not (users[number] or orders[number] or settled):
            continue
        uses = (
            (int(users[number]), "balance", "of it"),
            (settled, "position", "settled in it"),
            (int(orders[number]), "open order", "of it"),
        )
        use = ", ".join(f"{counted(n, noun)} {what}" for n, noun, what in uses if n)
        if np.isnan(rows.index[number]):
            yield Problem("", f"{asset} has no finite price: {use}")
        else:
            yield Problem("", f"{asset} has no schedule in {rows.mode}: {use}")


def _lacks(rows: InstrumentRows, gaps: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """bool[a]: the asset cannot be valued by itself or in multi-assets mode."""
    n, assets = rows.n_assets, len(rows.instruments.assets)
    multi = multi_assets_of(rows.mode, rows.accounts)
    all_multi = multi is not None and bool(multi.all())
    lacks: npt.NDArray[np.bool_] = (gaps[:assets] != 0) | (gaps[n : n + assets] != 0)
    return lacks if all_multi else lacks | np.isnan(rows.index)


def _positions_settled_in(rows: InstrumentRows, asset: str) -> int:
    positions = rows.accounts._positions
    if positions is None:
        return 0
    settles = np.array(
        [one is not None and one.settlement_asset == asset for one in rows.contracts]
    )
    return int(settles[positions.symbol_ids].sum())


def _position_problems(rows: InstrumentRows, gaps: npt.NDArray[np.uint16]) -> Iterator[Problem]:
    positions = rows.accounts._positions
    of_symbol = gaps[2 * rows.n_assets :]
    if positions is None or not of_symbol.any():
        return
    counts = np.bincount(positions.symbol_ids, minlength=len(of_symbol))
    for number in np.flatnonzero(of_symbol).tolist():
        if counts[number]:
            symbol = rows.accounts.symbols[number]
            why = _why_no_position(rows, number, symbol)
            plural = "" if counts[number] == 1 else "s"
            yield Problem("", f"{symbol} {why}: {counts[number]:,} position{plural} in it")


def _why_no_position(rows: InstrumentRows, number: int, symbol: str) -> str:
    contract = rows.contracts[number]
    if contract is None:
        kind = "portfolio margin" if rows.is_portfolio else str(rows.mode)
        return f"is not known as a contract of {kind}"
    if np.isnan(rows.mark[number]):
        return "has no finite mark price"
    if rows.rules.find(contract.product, symbol) is None:
        return f"has no brackets in {contract.product}"
    return "has brackets without leverage and positions that state none"


def _loan_problems(rows: InstrumentRows) -> Iterator[Problem]:
    """A debt whose loan leverage nobody states, or at which there is no loan."""
    if not rows.pools.has_gaps:
        return
    accounts = rows.accounts
    leverages = loan_leverages(accounts, rows.rules, in_one=True)
    owes = (accounts._borrowed > 0) | (accounts._interest > 0)
    lacks = owes & ~np.isin(leverages, list(rows.rules.loan_margin))
    for number in np.flatnonzero(np.bincount(accounts._asset_ids[lacks], minlength=1)).tolist():
        of_asset = lacks & (accounts._asset_ids == number)
        known = ", ".join(map(str, rows.rules.loan_margin))
        yield Problem(
            "",
            f"{accounts.assets[number]} is owed without a loan_leverage of {known}: "
            f"{counted(int(of_asset.sum()), 'loan')}",
        )


def loan_leverages(
    accounts: Accounts, rules: MarginRules, *, in_one: bool
) -> npt.NDArray[np.uint8]:
    """Return uint8 per balance: the loan's own leverage, else its asset's, else 0."""
    if not in_one:
        return np.empty(0, dtype=np.uint8)
    chosen = [rules.loan_leverage.get(asset, 0) for asset in accounts.assets]
    of_asset = np.array(chosen, dtype=np.uint8)
    own = accounts._loan_leverage
    if not len(accounts._asset_ids):
        return np.empty(0, dtype=np.uint8)
    leverages = of_asset[accounts._asset_ids]
    return leverages if own is None else np.where(own > 0, own, leverages)

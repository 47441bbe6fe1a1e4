"""One account of a book, the way `Accounts.from_rows` takes it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from pymargin.columns import ORDER_FIELDS, QUANTITIES
from pymargin.modes import Mode
from pymargin.sections import SIDES, Positions, Wallets

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["row_of"]

Record = dict[str, Any]


def row_of(accounts: Accounts, position: int) -> Record:
    """Return one account as a row; what it lacks is left out, but for its balances."""
    optional = {
        "mode": [None, *(mode.value for mode in Mode)][accounts._mode[position]],
        "country": accounts.country[position],
        "leverage": int(accounts._leverage[position]),
        "margin_call_ratio": _given(float(accounts._margin_call_ratio[position])),
        "open_order_loss": float(accounts._open_order_loss[position]),
        "orders": _orders(accounts, position),
        "multi_assets": accounts.multi_assets is not None and bool(accounts.multi_assets[position]),
        "wallets": _wallets(accounts.wallets, accounts.assets, position),
        "positions": _positions(accounts.positions, accounts.symbols, position),
    }
    row = {"account": accounts._ids[position], "balances": _balances(accounts, position)}
    return row | {name: value for name, value in optional.items() if value}


def _balances(accounts: Accounts, position: int) -> list[Record]:
    where = slice(*accounts._offsets[position : position + 2].tolist())
    columns = {name: getattr(accounts, f"_{name}")[where].tolist() for name in QUANTITIES}
    columns = {"asset": _named(accounts._asset_ids[where], accounts.assets), **columns}
    records = _records(columns)
    if accounts.loan_leverage is not None:
        for record, leverage in zip(records, accounts.loan_leverage[where].tolist(), strict=True):
            record |= {"loan_leverage": leverage} if leverage else {}
    return records


def _orders(accounts: Accounts, position: int) -> list[Record]:
    where = slice(*accounts._order_offsets[position : position + 2].tolist())
    columns = {
        "give_asset": _named(accounts._order_give_ids[where], accounts.assets),
        "give_quantity": accounts._order_give_quantity[where].tolist(),
        "get_asset": _named(accounts._order_get_ids[where], accounts.assets),
        "get_quantity": accounts._order_get_quantity[where].tolist(),
    }
    return _records({name: columns[name] for name in ORDER_FIELDS})


def _wallets(wallets: Wallets, assets: Sequence[str], position: int) -> list[Record]:
    where = slice(*wallets.offsets[position : position + 2].tolist())
    return _records(
        {
            "asset": _named(wallets.asset_ids[where], assets),
            "balance": wallets.balance[where].tolist(),
        }
    )


def _positions(positions: Positions, symbols: Sequence[str], position: int) -> list[Record]:
    where = slice(*positions.offsets[position : position + 2].tolist())
    records = _records(
        {
            "symbol": _named(positions.symbol_ids[where], symbols),
            "quantity": positions.quantity[where].tolist(),
            "entry_price": positions.entry_price[where].tolist(),
            "side": [SIDES[side] for side in positions.side[where].tolist()],
        }
    )
    leverages = positions.leverage[where].tolist()
    margins = positions.isolated_margin[where].tolist()
    for record, leverage, margin in zip(records, leverages, margins, strict=True):
        record |= {"leverage": leverage} if leverage else {}
        record |= {} if isnan(margin) else {"isolated_margin": margin}
    return records


def _named(ids: Any, names: Sequence[str]) -> list[str]:
    return [names[number] for number in ids.tolist()]


def _records(columns: dict[str, list[Any]]) -> list[Record]:
    return [dict(zip(columns, entry, strict=True)) for entry in zip(*columns.values(), strict=True)]


def _given(number: float) -> float | None:
    return None if isnan(number) else number

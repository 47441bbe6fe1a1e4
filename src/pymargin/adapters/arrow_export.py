"""A book to an Arrow table, in the layout that `Accounts.from_arrow` reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.accounts import Accounts
from pymargin.adapters.arrow_values import pyarrow
from pymargin.columns import QUANTITIES
from pymargin.modes import Mode
from pymargin.sections import SIDES, Positions

__all__ = ["accounts_table"]


def accounts_table(accounts: Accounts) -> Any:
    """Return a pyarrow table, one row per account; quantities are not copied."""
    pa = pyarrow("writing Arrow data")
    names = pa.array(accounts.assets, type=pa.string())

    def lists(offsets: npt.NDArray[Any], fields: dict[str, Any]) -> Any:
        struct = pa.StructArray.from_arrays(list(fields.values()), list(fields))
        return pa.LargeListArray.from_arrays(pa.array(offsets), struct)

    def coded(ids: npt.NDArray[Any]) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(ids), names)

    balances = {
        "asset": coded(accounts._asset_ids),
        **{name: pa.array(getattr(accounts, f"_{name}")) for name in QUANTITIES},
    }
    loans = accounts.loan_leverage
    if loans is not None:
        balances["loan_leverage"] = pa.array(loans, mask=loans == 0)
    orders = {
        "give_asset": coded(accounts._order_give_ids),
        "give_quantity": pa.array(accounts._order_give_quantity),
        "get_asset": coded(accounts._order_get_ids),
        "get_quantity": pa.array(accounts._order_get_quantity),
    }
    leverage, ratio = accounts._leverage, accounts._margin_call_ratio
    loss, mode = accounts._open_order_loss, accounts._mode
    columns = {
        "account": pa.array(accounts.ids),
        "mode": pa.DictionaryArray.from_arrays(
            pa.array(np.where(mode == 0, 0, mode - 1).astype(np.int8), mask=mode == 0),
            pa.array([str(each) for each in Mode]),
        ),
        "balances": lists(accounts._offsets, balances),
        "leverage": pa.array(leverage, mask=leverage == 0),
        "margin_call_ratio": pa.array(ratio, mask=np.isnan(ratio)),
        "open_order_loss": pa.array(loss, mask=loss == 0),
    }
    if len(accounts._order_give_ids):
        columns["orders"] = lists(accounts._order_offsets, orders)
    wallets, positions = accounts.wallets, accounts.positions
    if len(wallets):
        fields = {"asset": coded(wallets.asset_ids), "balance": pa.array(wallets.balance)}
        columns["wallets"] = lists(wallets.offsets, fields)
    if len(positions):
        columns["positions"] = lists(positions.offsets, _position_fields(positions, accounts))
    if accounts.multi_assets is not None:
        columns["multi_assets"] = pa.array(accounts.multi_assets)
    if accounts._country.any():
        columns["country"] = pa.array(accounts.country, type=pa.string())
    return pa.table(columns)


def _position_fields(positions: Positions, accounts: Accounts) -> dict[str, Any]:
    pa = pyarrow("writing Arrow data")
    symbols = pa.array(accounts.symbols, type=pa.string())
    leverage, margin = positions.leverage, positions.isolated_margin
    return {
        "symbol": pa.DictionaryArray.from_arrays(pa.array(positions.symbol_ids), symbols),
        "quantity": pa.array(positions.quantity),
        "entry_price": pa.array(positions.entry_price),
        "leverage": pa.array(leverage, mask=leverage == 0),
        "side": pa.DictionaryArray.from_arrays(pa.array(positions.side), pa.array(SIDES)),
        "isolated_margin": pa.array(margin, mask=np.isnan(margin)),
    }

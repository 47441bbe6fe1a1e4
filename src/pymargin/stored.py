"""The arrays of a book as it keeps them: compact, read-only, 0 where nothing is given."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.columns import ASSET_ID_ARRAYS, Columns, id_type
from pymargin.sections import Positions, Wallets, entry_arrays

__all__ = [
    "nan_for_zero",
    "read_only",
    "stored_array",
    "stored_flags",
    "stored_loans",
    "stored_positions",
    "stored_wallets",
]


def stored_array(name: str, columns: Columns) -> npt.NDArray[Any]:
    """Return an array as `Accounts` keeps it: 0 for no leverage and no order loss."""
    values: npt.NDArray[Any] = getattr(columns, name)
    if name == "leverage":
        values = np.where(np.isnan(values), 0, values).astype(np.uint8)
    elif name == "open_order_loss":
        values = np.where(np.isnan(values), 0.0, values)
    elif name in ASSET_ID_ARRAYS:
        values = np.ascontiguousarray(values, dtype=id_type(len(columns.assets)))
    return read_only(values)


def stored_loans(columns: Columns) -> npt.NDArray[np.uint8] | None:
    """Return the leverage of each balance's loan, None where none has one."""
    loans = columns.loan_leverage
    if loans is None or np.isnan(loans).all():
        return None
    return read_only(np.where(np.isnan(loans), 0, loans).astype(np.uint8))


def stored_flags(columns: Columns) -> npt.NDArray[np.bool_] | None:
    """Return which accounts are in multi-assets mode, None where none is."""
    flags = columns.multi_assets
    return None if flags is None or not flags.any() else read_only(np.ascontiguousarray(flags))


def stored_wallets(columns: Columns) -> Wallets | None:
    """Return the wallets, None where there are none."""
    wallets = columns.wallets
    if wallets is None or not len(wallets):
        return None
    ids = np.ascontiguousarray(wallets.asset_ids, dtype=id_type(len(columns.assets)))
    return Wallets(read_only(wallets.offsets), read_only(ids), read_only(wallets.balance))


def stored_positions(columns: Columns) -> Positions | None:
    """Return the positions, None where there are none."""
    positions = columns.positions
    if positions is None or not len(positions):
        return None
    leverage = positions.leverage
    if np.isnan(leverage).any():
        leverage = np.where(np.isnan(leverage), 0.0, leverage)
    ids = np.ascontiguousarray(positions.symbol_ids, dtype=id_type(len(columns.symbols)))
    final = replace(positions, leverage=leverage, symbol_ids=ids)
    arrays = {name: read_only(values) for name, values in entry_arrays(final).items()}
    return replace(final, offsets=read_only(final.offsets), **arrays)


def nan_for_zero(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return float64 with NaN where 0 says that nothing is given."""
    return np.where(values == 0, nan, values)


def read_only(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view that cannot be written through."""
    view = values.view()
    view.flags.writeable = False
    return view

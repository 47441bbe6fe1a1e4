"""Arrow tables, one row per account, to the columns of a book."""

from __future__ import annotations

import sys
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.adapters.arrow_lists import Entries, read_list
from pymargin.adapters.arrow_types import ACCOUNT_TYPES, LIST_TYPES, check_types
from pymargin.adapters.arrow_values import (
    FLAG_IS_SET,
    IdLookup,
    Names,
    country_codes,
    flag_codes,
    ids_of,
    is_id,
    mode_codes,
    optional_numbers,
    pyarrow,
)
from pymargin.columns import ACCOUNT_NUMBERS, Columns, Faults, id_type
from pymargin.errors import AccountsError
from pymargin.ids import Ids
from pymargin.sections import Positions, Wallets

__all__ = ["columns_from_arrow", "read_table", "to_table"]


def to_table(data: Any) -> Any:
    """Return a pyarrow table of anything that exports Arrow data, or of a pandas frame.

    Raises
    ------
    AccountsError
        It exports none, or holds values that Arrow has no type for.
    """
    pa = pyarrow()
    pandas = sys.modules.get("pandas")
    try:
        if pandas is not None and isinstance(data, pandas.DataFrame):
            table = pa.Table.from_pandas(data)
            unnamed = [n for n in table.column_names if n.startswith("__index_level_")]
            return table.drop_columns(unnamed).replace_schema_metadata(None)
        if isinstance(data, pa.Table):
            return data
        if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
            return pa.table(data)
    except (pa.ArrowException, TypeError, ValueError) as err:
        raise AccountsError(f"the data could not be read as an Arrow table: {err}") from err
    raise AccountsError(
        "the data must export Arrow (__arrow_c_stream__ or __arrow_c_array__) or be a pandas "
        f"frame, not {type(data).__name__}"
    )


def columns_from_arrow(data: Any) -> tuple[Columns, Faults]:
    """Return the columns of a table of accounts, and the faults met on the way."""
    faults = Faults()
    return read_table(to_table(data), faults), faults


def read_table(table: Any, faults: Faults) -> Columns:
    """Return the columns of a pyarrow table; what is wrong goes to the faults.

    Raises
    ------
    AccountsError
        Columns that cannot be read at all.
    """
    check_types(table, {"account": is_id, **ACCOUNT_TYPES}, tuple(LIST_TYPES))
    ids = ids_of(table.column("account").combine_chunks(), faults)
    entries = {name: read_list(table, name) for name in LIST_TYPES}
    return assemble(ids, faults, entries, account_values(table, ids, faults))


def account_values(table: Any, ids: IdLookup, faults: Faults) -> dict[str, Any]:
    """Return the account columns of a table, as `Columns` has them, but for flags as codes."""
    values = absent_values(table.num_rows)
    for name in values.keys() & set(table.column_names):
        column = table.column(name)
        if name == "mode":
            values[name] = mode_codes(column, ids, faults)
        elif name == "country":
            values[name] = country_codes(column, ids, faults)
        elif name == "multi_assets":
            values[name] = flag_codes(column)
        else:
            values[name] = optional_numbers(column, name, ids, faults)
    return values


def absent_values(n: int) -> dict[str, Any]:
    """Return the account columns of n accounts that give none."""
    return {
        **{name: np.full(n, nan) for name in ACCOUNT_NUMBERS},
        "mode": np.zeros(n, dtype=np.uint8),
        "country": np.zeros(n, dtype=np.uint16),
        "multi_assets": np.zeros(n, dtype=np.uint8),
    }


def assemble(
    ids: Ids, faults: Faults, entries: dict[str, Entries], values: dict[str, Any]
) -> Columns:
    """Return the columns of a book; assets get one numbering, symbols another."""
    balances, orders = entries["balances"], entries["orders"]
    held = _stand_ins(balances.checked_names("asset", ids, faults))
    numbers = {name: number for number, name in enumerate(held.names)}
    sides = {}
    for side in ("give", "get"):
        found = orders.checked_names(f"{side}_asset", ids, faults)
        sides[side] = _numbered(found, numbers)
    wallets = _wallets(entries["wallets"], numbers, ids, faults)
    positions, symbols = _positions(entries["positions"], ids, faults)
    dtype = id_type(len(numbers))
    flags = values.pop("multi_assets")
    has_loans = "loan_leverage" in balances.fields
    return Columns(
        ids=ids,
        offsets=balances.offsets,
        assets=tuple(numbers),
        asset_ids=held.codes.astype(dtype, copy=False),
        free=balances.numbers("free"),
        locked=balances.numbers("locked"),
        borrowed=balances.numbers("borrowed"),
        interest=balances.numbers("interest"),
        loan_leverage=balances.optional_numbers("loan_leverage", ids, faults)
        if has_loans
        else None,
        **values,
        multi_assets=flags == FLAG_IS_SET if flags.any() else None,
        order_offsets=orders.offsets,
        order_give_ids=sides["give"].astype(dtype, copy=False),
        order_get_ids=sides["get"].astype(dtype, copy=False),
        order_give_quantity=orders.numbers("give_quantity"),
        order_get_quantity=orders.numbers("get_quantity"),
        wallets=wallets,
        positions=positions,
        symbols=symbols,
    )


def _wallets(entries: Entries, numbers: dict[str, int], ids: Ids, faults: Faults) -> Wallets | None:
    """Return the wallets, whose assets go on with the numbering; None where there are none."""
    if not entries.length:
        return None
    found = _stand_ins(entries.checked_names("asset", ids, faults))
    asset_ids = _numbered(found, numbers)
    return Wallets(
        offsets=entries.offsets,
        asset_ids=asset_ids.astype(id_type(len(numbers))),
        balance=entries.numbers("balance"),
    )


def _positions(
    entries: Entries, ids: Ids, faults: Faults
) -> tuple[Positions | None, tuple[str, ...]]:
    """Return the positions and their symbols; None where there are none."""
    if not entries.length:
        return None, ()
    found = _stand_ins(entries.checked_names("symbol", ids, faults))
    return Positions(
        offsets=entries.offsets,
        symbol_ids=found.codes.astype(id_type(len(found.names)), copy=False),
        quantity=entries.numbers("quantity"),
        # One that is null is a fault where there is a position, and found with the others.
        entry_price=entries.numbers("entry_price", absent=nan),
        leverage=entries.optional_numbers("leverage", ids, faults),
        side=entries.sides(ids, faults),
        isolated_margin=entries.optional_numbers("isolated_margin", ids, faults),
    ), found.names


def _numbered(found: Names, numbers: dict[str, int]) -> npt.NDArray[Any]:
    """Return the numbers of names; those that have none yet get the next."""
    moved = [numbers.setdefault(name, len(numbers)) for name in found.names]
    codes: npt.NDArray[Any] = np.array(moved or [0])[found.codes]
    return codes


def _stand_ins(found: Names) -> Names:
    """Return the names with one of its own for each null, so that none is a duplicate."""
    if found.nulls is None:
        return found
    nulls = np.flatnonzero(found.nulls)
    codes = found.codes.astype(np.uint32)
    codes[nulls] = len(found.names) + np.arange(len(nulls))
    return Names(codes, (*found.names, *(f"\0{entry}" for entry in nulls.tolist())), None)

"""Arrow tables, one row per account, to the columns of a book."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.adapters.arrow_values import (
    IdLookup,
    Names,
    country_codes,
    floats,
    ids_of,
    is_id,
    is_name,
    is_number,
    mode_codes,
    names_of,
    optional_numbers,
    pyarrow,
    type_problem,
)
from pymargin.columns import (
    ACCOUNT_NUMBERS,
    ORDER_FIELDS,
    QUANTITIES,
    AccountProblem,
    Columns,
    Faults,
    Integers,
    id_type,
)
from pymargin.errors import AccountsError, Problem
from pymargin.ids import Ids

__all__ = ["columns_from_arrow", "read_table", "to_table"]

ACCOUNT_TYPES = {
    **dict.fromkeys(ACCOUNT_NUMBERS, is_number),
    "mode": is_name,
    "country": is_name,
}
_BALANCE_TYPES = {"asset": is_name, **dict.fromkeys(QUANTITIES, is_number)}
_ORDER_TYPES = {name: is_name if name.endswith("asset") else is_number for name in ORDER_FIELDS}


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
    check_types(table, {"account": is_id, **ACCOUNT_TYPES}, ("balances", "orders"))
    ids = ids_of(table.column("account").combine_chunks(), faults)
    balances = read_list(table, "balances")
    orders = read_list(table, "orders")
    return assemble(ids, faults, balances, orders, account_values(table, ids, faults))


def check_types(table: Any, types: dict[str, Any], lists: tuple[str, ...] = ()) -> None:
    """Refuse columns that are missing, unknown, repeated or of another type.

    Raises
    ------
    AccountsError
        Names every such column.
    """
    faults = Faults()
    known = ", ".join(sorted((*types, *lists)))
    names = table.column_names
    if "account" not in names:
        faults.add(Problem("account", "is a column that must be there"))
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            faults.add(Problem(name, "is a column that must be there once"))
        elif name in types:
            _add(faults, type_problem(name, table.schema.field(name).type, types[name]))
        elif name in lists:
            inner = _BALANCE_TYPES if name == "balances" else _ORDER_TYPES
            _check_list_type(name, table.schema.field(name).type, inner, faults)
        else:
            faults.add(Problem(str(name), f"is not a known column: {known}"))
    faults.raise_if_any()


def _add(faults: Faults, problem: Problem | None) -> None:
    if problem is not None:
        faults.add(problem)


def _check_list_type(name: str, kind: Any, inner: dict[str, Any], faults: Faults) -> None:
    types = pyarrow().types
    if types.is_null(kind):
        return
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not is_list or not (types.is_struct(kind.value_type) or types.is_null(kind.value_type)):
        rule = f"a column of lists of structs of {', '.join(inner)}"
        faults.add(Problem(name, "type", str(kind), rule))
        return
    if types.is_null(kind.value_type):
        return
    fields = list(kind.value_type)
    names = [field.name for field in fields]
    for required in inner:
        if required.endswith("asset") and required not in names:
            faults.add(Problem(f"{name}.{required}", "is a field that must be there"))
    for field in fields:
        path = f"{name}.{field.name}"
        if field.name not in inner:
            faults.add(Problem(path, f"is not a known field: {', '.join(sorted(inner))}"))
        elif names.count(field.name) > 1:
            faults.add(Problem(path, "is a field that must be there once"))
        else:
            _add(faults, type_problem(path, field.type, inner[field.name]))


@dataclass(frozen=True, slots=True)
class Entries:
    """What the lists of one column hold, laid end to end.

    Parameters
    ----------
    offsets
        int64[n + 1].
    fields
        Chunked Arrow columns by name; absent ones are missing.
    length
        Number of entries.
    order
        Where in the fields each entry is, int64[length]; None: in this order.
    """

    offsets: Integers
    fields: dict[str, Any]
    length: int
    order: Integers | None = None

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a field of numbers, 0 where absent or null."""
        if name not in self.fields:
            # Pages of zeros are not touched until read.
            return np.zeros(self.length)
        values = floats(self.fields[name])
        return values if self.order is None else values[self.order]

    def names(self, name: str) -> Names:
        """Return a field of names."""
        if name not in self.fields:
            return Names(np.zeros(self.length, np.uint16), (), None)
        found = names_of(self.fields[name])
        if self.order is None:
            return found
        nulls = None if found.nulls is None else found.nulls[self.order]
        return Names(found.codes[self.order], found.names, nulls)


def read_list(table: Any, name: str) -> Entries:
    """Return the entries of a list column; none where it is absent."""
    pa = pyarrow()
    n = table.num_rows
    column = table.column(name) if name in table.column_names else None
    if column is None or pa.types.is_null(column.type) or pa.types.is_null(column.type.value_type):
        return Entries(np.zeros(n + 1, dtype=np.int64), {}, 0)
    offsets = np.zeros(n + 1, dtype=np.int64)
    structs, row, length = [], 0, 0
    for chunk in column.chunks:
        lengths, values = _list_parts(chunk)
        here = offsets[row + 1 : row + 1 + len(chunk)]
        np.cumsum(lengths, out=here)
        here += length
        row, length = row + len(chunk), length + len(values)
        structs.append(values)
    fields = list(column.type.value_type)
    children = [struct.flatten() for struct in structs]
    return Entries(
        offsets,
        {
            field.name: pa.chunked_array([c[i] for c in children], type=field.type)
            for i, field in enumerate(fields)
        },
        length,
    )


def _list_parts(chunk: Any) -> tuple[npt.NDArray[Any], Any]:
    """Return the length of each list and their values, without a copy where possible."""
    types = pyarrow().types
    n = len(chunk)
    valid = chunk.is_valid().to_numpy(zero_copy_only=False) if chunk.null_count else None
    if types.is_fixed_size_list(chunk.type):
        lengths = np.full(n, chunk.type.list_size)
        if valid is not None:
            lengths[~valid] = 0
        return lengths, chunk.flatten()
    if n == 0:
        return np.zeros(0, dtype=np.int64), chunk.values.slice(0, 0)
    width = np.int64 if types.is_large_list(chunk.type) else np.int32
    bounds = np.frombuffer(chunk.buffers()[1], dtype=width)[chunk.offset : chunk.offset + n + 1]
    lengths = np.diff(bounds)
    if valid is not None and lengths[~valid].any():
        lengths[~valid] = 0
        return lengths, chunk.flatten()
    return lengths, chunk.values.slice(int(bounds[0]), int(bounds[-1] - bounds[0]))


def account_values(table: Any, ids: IdLookup, faults: Faults) -> dict[str, Any]:
    """Return the account columns of a table, as `Columns` has them."""
    n = table.num_rows
    values: dict[str, Any] = {
        **{name: np.full(n, nan) for name in ACCOUNT_NUMBERS},
        "mode": np.zeros(n, dtype=np.uint8),
        "country": np.zeros(n, dtype=np.uint16),
    }
    for name in values.keys() & set(table.column_names):
        column = table.column(name)
        if name == "mode":
            values[name] = mode_codes(column, ids, faults)
        elif name == "country":
            values[name] = country_codes(column, ids, faults)
        else:
            values[name] = optional_numbers(column, name, ids, faults)
    return values


def assemble(
    ids: Ids,
    faults: Faults,
    balances: Entries,
    orders: Entries,
    values: dict[str, Any],
) -> Columns:
    """Return the columns of a book; the assets of balances and orders get one numbering."""
    held = balances.names("asset")
    check_names(held, balances.offsets, "balances", "asset", ids, faults)
    held = _stand_ins(held)
    numbers = {name: number for number, name in enumerate(held.names)}
    sides = {}
    for side in ("give", "get"):
        found = orders.names(f"{side}_asset")
        check_names(found, orders.offsets, "orders", f"{side}_asset", ids, faults)
        moved = [numbers.setdefault(name, len(numbers)) for name in found.names]
        sides[side] = np.array(moved or [0])[found.codes]
    dtype = id_type(len(numbers))
    return Columns(
        ids=ids,
        offsets=balances.offsets,
        assets=tuple(numbers),
        asset_ids=held.codes.astype(dtype, copy=False),
        free=balances.numbers("free"),
        locked=balances.numbers("locked"),
        borrowed=balances.numbers("borrowed"),
        interest=balances.numbers("interest"),
        **values,
        order_offsets=orders.offsets,
        order_give_ids=sides["give"].astype(dtype, copy=False),
        order_get_ids=sides["get"].astype(dtype, copy=False),
        order_give_quantity=orders.numbers("give_quantity"),
        order_get_quantity=orders.numbers("get_quantity"),
    )


def _stand_ins(found: Names) -> Names:
    """Return the names with one of its own for each null, so that none is a duplicate."""
    if found.nulls is None:
        return found
    nulls = np.flatnonzero(found.nulls)
    codes = found.codes.astype(np.uint32)
    codes[nulls] = len(found.names) + np.arange(len(nulls))
    return Names(codes, (*found.names, *(f"\0{entry}" for entry in nulls.tolist())), None)


def check_names(
    found: Names, offsets: Integers, block: str, name: str, ids: Ids, faults: Faults
) -> None:
    """Add a fault for each asset that is null or empty."""
    bad = np.zeros(0, dtype=np.int64) if found.nulls is None else np.flatnonzero(found.nulls)
    if "" in found.names:
        empty = found.codes == found.names.index("")
        if found.nulls is not None:
            empty &= ~found.nulls
        bad = np.union1d(bad, np.flatnonzero(empty))
    for entry in bad.tolist():
        position = int(np.searchsorted(offsets, entry, side="right")) - 1
        path = f"{block}[{entry - int(offsets[position])}].{name}"
        faults.add(
            AccountProblem(
                path, "name", "null or empty", "the name of an asset", account=ids[position]
            ),
            position,
        )

"""Tidy frames, one row per account and asset, to the columns of a book."""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np

from pymargin.adapters.arrow import absent_values, account_values, assemble, to_table
from pymargin.adapters.arrow_lists import Entries, no_entries, read_list
from pymargin.adapters.arrow_types import ACCOUNT_TYPES, LIST_TYPES, check_types
from pymargin.adapters.arrow_values import ids_of, is_id, pyarrow
from pymargin.columns import AccountProblem, Columns, Faults, Integers
from pymargin.errors import AccountsError, Problem
from pymargin.ids import Ids
from pymargin.sections import gather

__all__ = ["columns_from_frame"]

# What names the entry in a row of a tidy frame.
_KEYS = {"balances": "asset", "wallets": "asset", "positions": "symbol"}


def columns_from_frame(
    df: Any, accounts: Any, positions: Any, wallets: Any
) -> tuple[Columns, Faults]:
    """Return the columns of tidy frames and a frame of accounts, and the faults met.

    Raises
    ------
    AccountsError
        Frames that cannot be read at all.
    """
    given = {"balances": df, "accounts": accounts, "positions": positions, "wallets": wallets}
    tables = {name: to_table(frame) for name, frame in given.items() if frame is not None}
    if not tables:
        raise AccountsError("a frame of balances, accounts, positions or wallets must be given")
    _check_tables(tables)
    faults = Faults()
    columns = [table.column("account") for table in tables.values()]
    ids, found = _encode_accounts(columns, faults)
    codes = dict(zip(tables, found, strict=True))
    entries = {name: no_entries(name, len(ids)) for name in LIST_TYPES}
    for block in tables.keys() & _KEYS.keys():
        entries[block] = _group(block, tables[block], codes[block], len(ids))
    if "accounts" in tables:
        _refuse_repeated(codes["accounts"], ids, faults)
        orders = read_list(tables["accounts"], "orders")
        entries["orders"] = _group_lists(orders, codes["accounts"], len(ids))
    return assemble(ids, faults, entries, _account_values(tables, codes, ids, faults)), faults


def _check_tables(tables: dict[str, Any]) -> None:
    for block, key in _KEYS.items():
        if block not in tables:
            continue
        # Account columns may stand beside balances, where no name means two things.
        more = ACCOUNT_TYPES if block == "balances" else {}
        check_types(tables[block], {"account": is_id, **LIST_TYPES[block], **more})
        if key not in tables[block].column_names:
            raise AccountsError([Problem(key, "is a column that must be there")])
    if "accounts" in tables:
        check_types(tables["accounts"], {"account": is_id, **ACCOUNT_TYPES}, ("orders",))
    if "accounts" in tables and "balances" in tables:
        _refuse_shared(tables["balances"], tables["accounts"])


def _account_values(
    tables: dict[str, Any], codes: dict[str, Integers], ids: Ids, faults: Faults
) -> dict[str, Any]:
    """Return the account columns of the frames that may have them, per account."""
    values = absent_values(len(ids))
    for name in ("balances", "accounts"):
        if name in tables:
            spread = _spread(tables[name], codes[name], ids, faults)
            there = spread.keys() & set(tables[name].column_names)
            values |= {column: spread[column] for column in there}
    return values


def _refuse_shared(tidy: Any, second: Any) -> None:
    shared = (set(tidy.column_names) & set(second.column_names)) - {"account"}
    if shared:
        raise AccountsError(
            Problem(name, "is a column that must be in one of the two frames, not in both")
            for name in sorted(shared)
        )


def _encode_accounts(columns: list[Any], faults: Faults) -> tuple[Ids, list[Integers]]:
    """Return the ids in order of first appearance, and the account of each row."""
    pa = pyarrow()
    plain = []
    for column in columns:
        kind = column.type
        value = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_null(value) and len(column) == 0:
            continue
        whole = pa.int64() if pa.types.is_integer(value) else pa.large_string()
        if pa.types.is_uint64(value):
            whole = pa.uint64()
        plain.append(column.cast(value).cast(whole))
    if len({column.type for column in plain}) > 1:
        kinds = " and ".join(str(column.type) for column in plain)
        raise AccountsError([Problem("account", "mixed", kinds, "all str or all int")])
    chunks = [chunk for column in plain for chunk in column.chunks]
    kind = plain[0].type if plain else pa.int64()
    joined = pa.chunked_array(chunks, type=kind)
    encoded = joined.dictionary_encode(null_encoding="encode")
    if not len(joined):
        return ids_of(pa.array([], type=kind), faults), [np.empty(0, np.int64) for _ in columns]
    ids = ids_of(encoded.chunk(0).dictionary, faults)
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])
    ends = np.cumsum([len(column) for column in columns])
    return ids, np.split(codes.astype(np.int64, copy=False), ends[:-1])


def _group(block: str, tidy: Any, codes: Integers, n: int) -> Entries:
    """Return the entries of a tidy frame with the rows of each account side by side."""
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(codes, minlength=n), out=offsets[1:])
    order = None if (codes[1:] >= codes[:-1]).all() else np.argsort(codes, kind="stable")
    names = [name for name in tidy.column_names if name in LIST_TYPES[block]]
    fields = {name: tidy.column(name) for name in names}
    return Entries(block, offsets, fields, len(codes), order)


def _group_lists(lists: Entries, codes: Integers, n: int) -> Entries:
    """Return lists given per row of the second frame in the order of the accounts."""
    lengths = np.zeros(n, dtype=np.int64)
    lengths[codes] = np.diff(lists.offsets)
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    _, entries = gather(lists.offsets, np.argsort(codes, kind="stable"))
    return Entries(lists.block, offsets, lists.fields, len(entries), entries)


def _refuse_repeated(codes: Integers, ids: Ids, faults: Faults) -> None:
    distinct, counts = np.unique(codes, return_counts=True)
    for position, times in zip(distinct[counts > 1], counts[counts > 1], strict=True):
        who = ids[int(position)]
        found = f"in {times} rows of the second frame"
        faults.add(AccountProblem("account", "duplicate", found, "unique", account=who), position)


class _RowIds:
    """Ids of accounts by the row of a frame."""

    def __init__(self, ids: Ids, codes: Integers) -> None:
        self._ids, self._codes = ids, codes

    def __getitem__(self, row: int) -> int | str:
        return self._ids[int(self._codes[row])]


def _spread(table: Any, codes: Integers, ids: Ids, faults: Faults) -> dict[str, Any]:
    """Return account columns per account, from rows that must agree where they are given."""
    by_row = account_values(table, _RowIds(ids, codes), faults)
    spread = {}
    for name, values in by_row.items():
        absent = nan if values.dtype.kind == "f" else 0
        result = np.full(len(ids), absent, dtype=values.dtype)
        given = np.flatnonzero(~np.isnan(values) if values.dtype.kind == "f" else values)
        if len(given):
            result[codes[given]] = values[given]
            for row in given[result[codes[given]] != values[given]].tolist():
                position = int(codes[row])
                problem = AccountProblem(
                    name, "must be the same in all rows of an account", account=ids[position]
                )
                faults.add_once(problem, position)
        spread[name] = result
    return spread

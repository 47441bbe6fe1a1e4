"""Parquet files, one row per account, to the columns of a book, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin._extras import require
from pymargin.adapters.arrow import read_table
from pymargin.adapters.arrow_values import pyarrow
from pymargin.columns import POSITION_NUMBERS, QUANTITIES, Columns, Faults, id_type, no_numbers
from pymargin.errors import AccountsError
from pymargin.ids import concat_ids
from pymargin.joining import joined_columns
from pymargin.sections import entry_arrays, no_positions, no_wallets

__all__ = ["columns_from_parquet"]

_BATCH_ROWS = 1 << 16
_BUFFER = 1 << 20


def columns_from_parquet(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
) -> tuple[Columns, Faults]:
    """Return the columns of Parquet files, and the faults met on the way.

    Raises
    ------
    AccountsError
        A file is no Parquet file.
    OSError
        A file cannot be read.
    """
    pa = pyarrow("reading Parquet")
    parquet = require("pyarrow.parquet", extra="arrow", purpose="reading Parquet")
    paths = [path] if isinstance(path, str | PathLike) else list(path)
    files = [file for each in paths for file in _files(Path(each))]
    if not files:
        raise AccountsError("path must name at least one Parquet file, not an empty list")
    faults, parts = Faults(), []
    entries = _EntryStores(_entry_bounds(parquet, files))
    for file in files:
        try:
            for batch in _batches(parquet, file):
                part = read_table(pa.Table.from_batches([batch]), faults)
                faults.n_before += len(part.ids)
                parts.append(entries.take_from(part))
        except pa.ArrowInvalid as err:
            raise AccountsError(f"{file} must be a Parquet file of accounts: {err}") from err
    faults.n_before = 0
    try:
        return entries.give_to(joined_columns(parts)), faults
    except TypeError as err:
        faults.raise_if_any()
        raise AccountsError(f"the files must agree: {err}") from err


class _EntryStore:
    """Collect the entries of one block in arrays made once, so that none is held twice."""

    def __init__(self, bound: int, types: Mapping[str, Any]) -> None:
        self._length = 0
        # Pages beyond the entries that there are stay untouched.
        self._ids: npt.NDArray[Any] = np.empty(bound, dtype=id_type(0))
        self._values = {name: np.empty(bound, dtype=kind) for name, kind in types.items()}

    def add(self, ids: npt.NDArray[Any], values: Mapping[str, npt.NDArray[Any]]) -> None:
        """Append entries; ids may widen on the way."""
        self._ids = self._ids.astype(ids.dtype, copy=False)
        place = slice(self._length, self._length + len(ids))
        self._ids[place] = ids
        for name, stored in self._values.items():
            stored[place] = values[name]
        self._length = place.stop

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The ids of all entries."""
        return self._ids[: self._length]

    @property
    def values(self) -> dict[str, npt.NDArray[Any]]:
        """The other arrays by name."""
        return {name: stored[: self._length] for name, stored in self._values.items()}


class _EntryStores:
    """Take the entries of all parts, and give them to the columns that join the parts."""

    def __init__(self, bounds: Mapping[str, int]) -> None:
        # Names count in the order of the parts, as where parts are joined.
        self._assets: dict[str, int] = {}
        self._symbols: dict[str, int] = {}
        self._balances = _EntryStore(bounds["balances"], dict.fromkeys(QUANTITIES, np.float64))
        self._wallets = _EntryStore(bounds["wallets"], {"balance": np.float64})
        numbers = dict.fromkeys(POSITION_NUMBERS, np.float64)
        self._positions = _EntryStore(bounds["positions"], numbers | {"side": np.int8})

    def take_from(self, part: Columns) -> Columns:
        """Return the part without its entries and without memory of Arrow's."""
        quantities = {name: getattr(part, name) for name in QUANTITIES}
        asset, symbol = _numbers(self._assets, part.assets), _numbers(self._symbols, part.symbols)
        self._balances.add(asset[part.asset_ids], quantities)
        part.asset_ids = part.asset_ids[:0].copy()
        for name in QUANTITIES:
            setattr(part, name, no_numbers())
        if part.wallets is not None:
            held = entry_arrays(part.wallets)
            self._wallets.add(asset[held["asset_ids"]], held)
            part.wallets = replace(no_wallets(0), offsets=part.wallets.offsets)
        if part.positions is not None:
            held = entry_arrays(part.positions)
            self._positions.add(symbol[held["symbol_ids"]], held)
            part.positions = replace(no_positions(0), offsets=part.positions.offsets)
        part.ids = concat_ids([part.ids])
        return part

    def give_to(self, columns: Columns) -> Columns:
        """Return the columns with the entries."""
        columns.asset_ids = self._balances.ids
        for name, values in self._balances.values.items():
            setattr(columns, name, values)
        wallets, positions = self._wallets, self._positions
        if columns.wallets is not None:
            columns.wallets = replace(columns.wallets, asset_ids=wallets.ids, **wallets.values)
        if columns.positions is not None:
            columns.positions = replace(
                columns.positions, symbol_ids=positions.ids, **positions.values
            )
        return columns


def _numbers(known: dict[str, int], names: tuple[str, ...]) -> npt.NDArray[Any]:
    """Return the number of each name among all known ones, which may grow by them."""
    numbers = [known.setdefault(name, len(known)) for name in names]
    return np.array(numbers or [0], dtype=id_type(len(known)))


def _entry_bounds(parquet: Any, files: list[Path]) -> dict[str, int]:
    """Return at least the number of entries of each block in the files."""
    bounds = dict.fromkeys(("balances", "wallets", "positions"), 0)
    for path in files:
        try:
            metadata = parquet.read_metadata(path)
        except pyarrow().ArrowInvalid as err:
            raise AccountsError(f"{path} must be a Parquet file of accounts: {err}") from err
        leaves = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
        for block in bounds:
            # A leaf counts its nulls and a value for each empty list.
            first = [i for i, leaf in enumerate(leaves) if leaf.startswith(f"{block}.")][:1]
            bounds[block] += sum(
                metadata.row_group(group).column(i).num_values
                for group in range(metadata.num_row_groups)
                for i in first
            )
    return bounds


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.rglob("*.parquet"))
    if not files:
        raise AccountsError(f"{path} must hold Parquet files, not none")
    return files


def _batches(parquet: Any, path: Path) -> Iterator[Any]:
    """Yield the rows of a file, a part at a time, so that it is never held twice over."""
    with parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        if file.metadata.num_rows == 0:
            yield from file.read().to_batches() or [_no_rows(file.schema_arrow)]
        # One row group at a time: pyarrow cannot join nested dictionaries across them.
        for group in range(file.num_row_groups):
            yield from file.iter_batches(_BATCH_ROWS, row_groups=[group])


def _no_rows(schema: Any) -> Any:
    return pyarrow().RecordBatch.from_pylist([], schema=schema)

"""Parquet files, one row per account, to the columns of a book, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin._extras import require
from pymargin.adapters.arrow import read_table
from pymargin.adapters.arrow_values import pyarrow
from pymargin.columns import QUANTITIES, Columns, Faults, id_type, no_numbers
from pymargin.errors import AccountsError
from pymargin.ids import concat_ids
from pymargin.joining import joined_columns

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
    entries = _EntryStore(_entry_bound(parquet, files))
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
    """Collect the entries of parts in arrays made once, so that none is held twice."""

    def __init__(self, bound: int) -> None:
        self._numbers: dict[str, int] = {}
        self._length = 0
        # Pages beyond the entries that there are stay untouched.
        self._asset_ids: npt.NDArray[Any] = np.empty(bound, dtype=id_type(0))
        self._quantities = {name: np.empty(bound) for name in QUANTITIES}

    def take_from(self, part: Columns) -> Columns:
        """Return the part without its entries and without memory of Arrow's."""
        numbers = self._numbers
        number = np.array([numbers.setdefault(name, len(numbers)) for name in part.assets] or [0])
        self._asset_ids = self._asset_ids.astype(id_type(len(numbers)), copy=False)
        place = slice(self._length, self._length + len(part.asset_ids))
        self._asset_ids[place] = number.astype(self._asset_ids.dtype)[part.asset_ids]
        part.asset_ids = part.asset_ids[:0].copy()
        for name, values in self._quantities.items():
            values[place] = getattr(part, name)
            setattr(part, name, no_numbers())
        part.ids = concat_ids([part.ids])
        self._length = place.stop
        return part

    def give_to(self, columns: Columns) -> Columns:
        """Return the columns with the entries."""
        columns.asset_ids = self._asset_ids[: self._length]
        for name, values in self._quantities.items():
            setattr(columns, name, values[: self._length])
        return columns


def _entry_bound(parquet: Any, files: list[Path]) -> int:
    """Return at least the number of balances in the files."""
    bound = 0
    for path in files:
        try:
            metadata = parquet.read_metadata(path)
        except pyarrow().ArrowInvalid as err:
            raise AccountsError(f"{path} must be a Parquet file of accounts: {err}") from err
        leaves = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
        # A leaf counts its nulls and a value for each empty list.
        asset = [i for i, leaf in enumerate(leaves) if leaf.startswith("balances.")][:1]
        bound += sum(
            metadata.row_group(group).column(i).num_values
            for group in range(metadata.num_row_groups)
            for i in asset
        )
    return bound


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

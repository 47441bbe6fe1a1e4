"""Lists of structs in an Arrow column, laid end to end: balances, orders, wallets, positions."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.adapters.arrow_values import Names, floats, names_of, pyarrow
from pymargin.columns import AccountProblem, Faults, Floats, Integers
from pymargin.ids import Ids
from pymargin.section_checks import SIDE_RULE
from pymargin.sections import SIDES

__all__ = ["Entries", "no_entries", "read_list"]


@dataclass(frozen=True, slots=True)
class Entries:
    """What the lists of one column hold, laid end to end.

    Parameters
    ----------
    block
        What the entries are called.
    offsets
        int64[n + 1].
    fields
        Chunked Arrow columns by name; absent ones are missing.
    length
        Number of entries.
    order
        Where in the fields each entry is, int64[length]; None: in this order.
    """

    block: str
    offsets: Integers
    fields: dict[str, Any]
    length: int
    order: Integers | None = None

    def numbers(self, name: str, *, absent: float = 0.0) -> Floats:
        """Return a field of numbers, ``absent`` where it is absent or null."""
        if name not in self.fields:
            # Pages of zeros are not touched until read.
            return np.zeros(self.length) if absent == 0 else np.full(self.length, absent)
        values = floats(self.fields[name], absent=absent)
        return values if self.order is None else values[self.order]

    def optional_numbers(self, name: str, ids: Ids, faults: Faults) -> Floats:
        """Return a field of numbers, NaN where absent or null; a given NaN is a fault."""
        if name not in self.fields:
            return np.full(self.length, nan)
        column = self.fields[name]
        values = floats(column, absent=nan)
        given = np.isnan(values)
        if pyarrow().types.is_null(column.type):
            given[:] = False
        elif column.null_count:
            given &= column.is_valid().to_numpy()
        if self.order is not None:
            values, given = values[self.order], given[self.order]
        for entry in np.flatnonzero(given).tolist():
            self._add_fault(entry, name, "nan", "finite", ids, faults)
        return values

    def sides(self, ids: Ids, faults: Faults) -> npt.NDArray[np.int8]:
        """Return the side of each position, BOTH where absent or null."""
        found = self.names("side") if "side" in self.fields else None
        if found is None:
            return np.zeros(self.length, dtype=np.int8)
        is_known = [name in SIDES for name in found.names]
        table = [SIDES.index(name) if name in SIDES else 0 for name in found.names]
        sides: npt.NDArray[np.int8] = np.array(table or [0], dtype=np.int8)[found.codes]
        unknown = ~np.array(is_known or [True])[found.codes]
        if found.nulls is not None:
            sides[found.nulls] = 0
            unknown &= ~found.nulls
        for entry in np.flatnonzero(unknown).tolist():
            side = repr(found.names[found.codes[entry]])
            self._add_fault(entry, "side", side, SIDE_RULE, ids, faults)
        return sides

    def checked_names(self, name: str, ids: Ids, faults: Faults) -> Names:
        """Return a field of names; each that is null or empty is a fault."""
        found = self.names(name)
        bad = np.zeros(0, dtype=np.int64) if found.nulls is None else np.flatnonzero(found.nulls)
        if "" in found.names:
            empty = found.codes == found.names.index("")
            if found.nulls is not None:
                empty &= ~found.nulls
            bad = np.union1d(bad, np.flatnonzero(empty))
        rule = "the name of a symbol" if name == "symbol" else "the name of an asset"
        for entry in bad.tolist():
            self._add_fault(entry, name, "null or empty", rule, ids, faults)
        return found

    def _add_fault(
        self, entry: int, name: str, found: str, rule: str, ids: Ids, faults: Faults
    ) -> None:
        position = int(np.searchsorted(self.offsets, entry, side="right")) - 1
        path = f"{self.block}[{entry - int(self.offsets[position])}].{name}"
        problem = AccountProblem(path, "value", found, rule, account=ids[position])
        faults.add(problem, position)

    def names(self, name: str) -> Names:
        """Return a field of names."""
        if name not in self.fields:
            return Names(np.zeros(self.length, np.uint16), (), None)
        found = names_of(self.fields[name])
        if self.order is None:
            return found
        nulls = None if found.nulls is None else found.nulls[self.order]
        return Names(found.codes[self.order], found.names, nulls)


def no_entries(block: str, n: int) -> Entries:
    """Return the entries of n accounts that have none."""
    return Entries(block, np.zeros(n + 1, dtype=np.int64), {}, 0)


def read_list(table: Any, name: str) -> Entries:
    """Return the entries of a list column; none where it is absent."""
    pa = pyarrow()
    n = table.num_rows
    column = table.column(name) if name in table.column_names else None
    if column is None or pa.types.is_null(column.type) or pa.types.is_null(column.type.value_type):
        return no_entries(name, n)
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
        name,
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

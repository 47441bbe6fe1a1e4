"""Arrow columns to numpy arrays: numbers, names and ids, each with its type checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, nan
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from pymargin._extras import require
from pymargin.columns import (
    AccountProblem,
    Faults,
    Floats,
    country_code,
    mode_code,
)
from pymargin.errors import Problem
from pymargin.ids import Ids, IntIds, StrIds, ids_from_values

__all__ = ["Names", "country_codes", "floats", "ids_of", "mode_codes", "names_of"]

Bools: TypeAlias = npt.NDArray[np.bool_]
CodeT = TypeVar("CodeT", np.uint8, np.uint16)

FLAG_IS_SET = 2
_EXACT_INTEGER = 2**53
_EXACT_POWER = 22


class IdLookup(Protocol):
    """Give the id of an account by the row of a column."""

    def __getitem__(self, position: int, /) -> int | str: ...


def pyarrow(purpose: str = "reading Arrow data") -> Any:
    """Import pyarrow, or say which extra brings it."""
    return require("pyarrow", extra="arrow", purpose=purpose)


def is_number(kind: Any) -> bool:
    """Return whether an Arrow type is one of numbers (a null column counts)."""
    types = pyarrow().types
    return bool(
        types.is_floating(kind)
        or types.is_integer(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
    )


def is_name(kind: Any) -> bool:
    """Return whether an Arrow type is one of strings (a null column counts)."""
    types = pyarrow().types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_null(kind)
    )


def is_id(kind: Any) -> bool:
    """Return whether an Arrow type can hold account ids."""
    types = pyarrow().types
    value = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_integer(value) or is_name(kind))


def is_flag(kind: Any) -> bool:
    """Return whether an Arrow type is bool (a null column counts)."""
    types = pyarrow().types
    return bool(types.is_boolean(kind) or types.is_null(kind))


_TYPE_RULES: dict[Callable[[Any], bool], str] = {
    is_number: "a column of numbers (float, int or decimal)",
    is_name: "a column of strings (string, large_string, string_view or dictionary of them)",
    is_id: "a column of integers or strings",
    is_flag: "a column of bool",
}


def type_problem(path: str, kind: Any, accepts: Callable[[Any], bool]) -> Problem | None:
    """Return the problem of a column whose type is not accepted."""
    if accepts(kind):
        return None
    return Problem(path, "type", str(kind), _TYPE_RULES[accepts])


def floats(column: Any, *, absent: float = 0.0) -> Floats:
    """Return a chunked column of numbers as float64; nulls become ``absent``.

    A single chunk of float64 without nulls is not copied.
    """
    parts = [_floats(chunk, absent) for chunk in column.chunks]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([np.empty(0, dtype=np.float64), *parts])


def _floats(array: Any, absent: float) -> Floats:
    pa = pyarrow()
    kind = array.type
    if pa.types.is_null(kind):
        return np.full(len(array), absent)
    if pa.types.is_decimal(kind):
        values = _decimals(array)
    elif array.null_count:
        values = array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    else:
        values = array.to_numpy().astype(np.float64, copy=False)
    if array.null_count and absent != 0:
        if not values.flags.writeable:
            values = values.copy()
        values[array.is_null().to_numpy(zero_copy_only=False)] = absent
    return values


def _decimals(array: Any) -> Floats:
    """Return the nearest float64 of each decimal, 0 for null.

    Arrow's own cast may miss the nearest. An integer up to 2**53 over a power of
    ten up to 10**22 is two exact floats and one rounding; others go through text.
    """
    pa = pyarrow()
    kind = array.type
    if array.null_count:
        array = array.fill_null(pa.scalar(Decimal(0), type=kind))
    if kind.bit_width < 128:
        kind = pa.decimal128(kind.precision, kind.scale)
        array = array.cast(kind)
    length = len(array)
    values = np.empty(length)
    exact = np.zeros(length, dtype=np.bool_)
    if kind.bit_width == 128 and abs(kind.scale) <= _EXACT_POWER and length:
        words = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, 2)
        low, high = words[array.offset : array.offset + length].T
        exact = (high == low >> 63) & (low >= -_EXACT_INTEGER) & (low <= _EXACT_INTEGER)
        power = float(10 ** abs(kind.scale))
        np.divide(low, power, out=values, where=exact)
        if kind.scale < 0:
            np.multiply(low, power, out=values, where=exact)
    if not exact.all():
        rest = array.filter(pa.array(~exact))
        values[~exact] = rest.cast(pa.string()).cast(pa.float64()).to_numpy()
    return values


def optional_numbers(column: Any, name: str, ids: IdLookup, faults: Faults) -> Floats:
    """Return numbers of accounts, NaN where null; a given NaN or infinity is a fault."""
    values = floats(column, absent=nan)
    given = ~np.isfinite(values)
    if column.null_count:
        given &= column.is_valid().to_numpy()
    if pyarrow().types.is_null(column.type):
        given[:] = False
    for position in np.flatnonzero(given).tolist():
        found, who = float(values[position]), ids[position]
        if not isfinite(found):
            faults.add(AccountProblem(name, "range", found, "finite", account=who), position)
    if given.any():
        values = np.where(given, nan, values)
    return values


@dataclass(frozen=True, slots=True)
class Names:
    """A column of names: codes into distinct names.

    Parameters
    ----------
    codes
        Integers[n]; 0 at nulls.
    names
        Distinct, none null.
    nulls
        bool[n], or None where nothing is null.
    """

    codes: npt.NDArray[Any]
    names: tuple[str, ...]
    nulls: Bools | None


def names_of(column: Any) -> Names:
    """Return a chunked column of strings as codes into its distinct names."""
    pa = pyarrow()
    if pa.types.is_null(column.type):
        return Names(np.zeros(len(column), np.uint16), (), np.ones(len(column), np.bool_))
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    else:
        if pa.types.is_string_view(column.type):
            column = column.cast(pa.large_string())
        column = column.dictionary_encode()
    if not column.num_chunks:
        return Names(np.zeros(0, np.uint16), (), None)
    words = column.chunk(0).dictionary.to_pylist()
    numbers: dict[str, int] = {}
    # A dictionary may hold a name twice, and null.
    number = np.array(
        [len(words) if word is None else numbers.setdefault(word, len(numbers)) for word in words]
        or [0]
    )
    if len(words) <= 65_535:
        number = number.astype(np.uint16)
    codes = np.concatenate([_codes(chunk.indices, number, len(words)) for chunk in column.chunks])
    nulls = codes == len(words)
    if not nulls.any():
        return Names(codes, tuple(numbers), None)
    codes[nulls] = 0
    return Names(codes, tuple(numbers), nulls)


def _codes(indices: Any, number: npt.NDArray[Any], null: int) -> npt.NDArray[Any]:
    if not indices.null_count:
        whole: npt.NDArray[Any] = number[indices.to_numpy()]
        return whole
    codes: npt.NDArray[Any] = number[indices.fill_null(0).to_numpy(zero_copy_only=False)]
    codes[indices.is_null().to_numpy(zero_copy_only=False)] = null
    return codes


def mode_codes(column: Any, ids: IdLookup, faults: Faults) -> npt.NDArray[np.uint8]:
    """Return the modes of accounts, 0 where null."""
    found = names_of(column)
    table = np.zeros(len(found.names) + 1, dtype=np.uint8)
    for number, name in enumerate(found.names):
        table[number], rule = mode_code(name)
        if rule is None:
            continue
        at = _where(found, number)
        for position in at[:1].tolist():
            problem = AccountProblem("mode", "mode", repr(name), rule, account=ids[position])
            faults.add_once(problem, position)
    return _spread_codes(table, found)


def country_codes(column: Any, ids: IdLookup, faults: Faults) -> npt.NDArray[np.uint16]:
    """Return the countries of accounts, 0 where null."""
    found = names_of(column)
    table = np.zeros(len(found.names) + 1, dtype=np.uint16)
    for number, name in enumerate(found.names):
        table[number] = country_code(name)
        for position in _where(found, number).tolist() if not table[number] else ():
            who = ids[position]
            problem = AccountProblem(
                "country", "country", repr(name), "two ISO letters", account=who
            )
            faults.add(problem, position)
    return _spread_codes(table, found)


def flag_codes(column: Any) -> npt.NDArray[np.uint8]:
    """Return the flags of accounts: 0 where null, 1 where false, `FLAG_IS_SET` where true."""
    pa = pyarrow()
    if pa.types.is_null(column.type):
        return np.zeros(len(column), dtype=np.uint8)
    flags = column.cast(pa.uint8())
    codes: npt.NDArray[np.uint8] = flags.fill_null(0).to_numpy() + np.uint8(1)
    if column.null_count:
        codes[column.is_null().to_numpy()] = 0
    return codes


def _spread_codes(table: npt.NDArray[CodeT], found: Names) -> npt.NDArray[CodeT]:
    codes: npt.NDArray[CodeT] = table[found.codes]
    if found.nulls is not None:
        codes[found.nulls] = 0
    return codes


def _where(found: Names, number: int) -> npt.NDArray[np.int64]:
    hits = found.codes == number
    if found.nulls is not None:
        hits &= ~found.nulls
    return np.flatnonzero(hits).astype(np.int64)


def ids_of(array: Any, faults: Faults) -> Ids:
    """Return the ids in an Arrow array; null and empty ones are faults."""
    pa = pyarrow()
    if not len(array):
        return ids_from_values([])
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if array.null_count:
        return _named_ids(array.to_pylist(), faults)
    if pa.types.is_integer(array.type):
        if pa.types.is_uint64(array.type):
            values = array.to_numpy()
            if values.max() > np.uint64(2**63 - 1):
                return _named_ids([int(v) if v < 2**63 else None for v in values.tolist()], faults)
        return IntIds(array.to_numpy().astype(np.int64, copy=False))
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, ends, block = array.buffers()
    offsets = np.frombuffer(ends, dtype=width)[array.offset : array.offset + len(array) + 1]
    data = np.empty(0, np.uint8) if block is None else np.frombuffer(block, dtype=np.uint8)
    if (offsets[1:] == offsets[:-1]).any():
        return _named_ids([name or None for name in array.to_pylist()], faults)
    return StrIds(data, offsets)


def _named_ids(values: list[Any], faults: Faults) -> Ids:
    """Return stand-ins for the ids, of which some are no ids; those become faults."""
    for row, value in enumerate(values):
        if value is None:
            problem = AccountProblem(
                "account",
                "id",
                "null or empty",
                "a str or an int64",
                account=f"row {row + faults.n_before}",
            )
            faults.add(problem, row)
    return ids_from_values(
        [f"row {i + faults.n_before}" if v is None else str(v) for i, v in enumerate(values)]
    )

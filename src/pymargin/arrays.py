"""Books from arrays, and from other books: checking of shapes, joining, selecting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.columns import (
    ACCOUNT_NUMBERS,
    ASSET_ID_ARRAYS,
    ENTRY_NUMBERS,
    MODE_CODES,
    ORDER_ARRAYS,
    QUANTITIES,
    AccountProblem,
    Columns,
    Faults,
    Integers,
    country_code,
    id_type,
    mode_code,
)
from pymargin.errors import AccountsError, Problem
from pymargin.ids import Ids, concat_ids, ids_from_values

__all__ = [
    "columns_from_arrays",
    "distinct_positions",
    "gather",
    "joined_columns",
    "selected_columns",
]

_ORDER_PARTS = ("offsets", "give_ids", "get_ids", "give_quantity", "get_quantity")


def columns_from_arrays(
    *,
    ids: Any,
    offsets: Any,
    assets: Sequence[str],
    asset_ids: Any,
    quantities: Mapping[str, Any],
    leverage: Any,
    margin_call_ratio: Any,
    open_order_loss: Any,
    mode: Any,
    country: Sequence[str | None] | None,
    orders: Mapping[str, Any],
) -> tuple[Columns, Faults]:
    """Return the columns of the arrays; shapes and dtypes are checked here.

    Raises
    ------
    AccountsError
        A shape, dtype or offset that leaves nothing to check further.
    """
    faults = Faults()
    names = _asset_names(assets, faults)
    compact = _ids(ids, faults)
    n, dtype = len(compact), id_type(len(names))
    asset_numbers = _asset_numbers("asset_ids", asset_ids, dtype, len(names), faults)
    m = len(asset_numbers)
    bounds = _offsets("offsets", offsets, n, m, faults)
    entries = {name: _floats(name, quantities[name], m, 0.0, faults) for name in QUANTITIES}
    order_arrays = _orders(orders, n, dtype, len(names), faults)
    factor = _floats("leverage", leverage, n, nan, faults)
    loss = _floats("open_order_loss", open_order_loss, n, nan, faults)
    ratio = _floats("margin_call_ratio", margin_call_ratio, n, nan, faults)
    faults.raise_if_any()
    _refuse_nan("open_order_loss", open_order_loss, compact, faults)
    return Columns(
        ids=compact,
        offsets=bounds,
        assets=names,
        asset_ids=asset_numbers,
        **entries,
        leverage=np.where(factor == 0, nan, factor),
        margin_call_ratio=ratio,
        open_order_loss=np.where(loss == 0, nan, loss),
        mode=_modes(mode, compact, faults),
        country=_countries(country, compact, faults),
        **order_arrays,
    ), faults


def joined_columns(parts: Sequence[Columns]) -> Columns:
    """Return the accounts of the parts one after the other.

    The parts are used up: each gives its arrays away as they are joined, so that
    no more than one array is held twice.

    Raises
    ------
    TypeError
        Ids of both kinds.
    """
    numbers: dict[str, int] = {}
    maps = [
        np.array([numbers.setdefault(name, len(numbers)) for name in part.assets], dtype=np.int64)
        for part in parts
    ]
    dtype = id_type(len(numbers))

    def join(name: str, kind: Any) -> npt.NDArray[Any]:
        given = [getattr(part, name) for part in parts]
        for part in parts:
            setattr(part, name, np.empty(0, kind))
        return np.concatenate([np.empty(0, kind), *given], dtype=kind)

    def join_ids(name: str) -> npt.NDArray[Any]:
        for part, to in zip(parts, maps, strict=True):
            setattr(part, name, to.astype(dtype)[getattr(part, name)])
        return join(name, dtype)

    return Columns(
        ids=concat_ids([part.ids for part in parts]),
        offsets=_joined_offsets([part.offsets for part in parts]),
        assets=tuple(numbers),
        **{name: join_ids(name) for name in ASSET_ID_ARRAYS},
        **{name: join(name, np.float64) for name in (*ENTRY_NUMBERS, *ACCOUNT_NUMBERS)},
        mode=join("mode", np.uint8),
        country=join("country", np.uint16),
        order_offsets=_joined_offsets([part.order_offsets for part in parts]),
    )


def selected_columns(columns: Columns, chosen: Integers) -> Columns:
    """Return the accounts at the positions, in their order; assets keep their numbers."""
    offsets, entries = gather(columns.offsets, chosen)
    order_offsets, orders = gather(columns.order_offsets, chosen)
    rows: dict[str, Any] = dict.fromkeys((*ACCOUNT_NUMBERS, "mode", "country"), chosen)
    rows |= dict.fromkeys(("asset_ids", *QUANTITIES), entries)
    rows |= dict.fromkeys(ORDER_ARRAYS, orders)
    return replace(
        columns,
        ids=columns.ids.take(chosen),
        offsets=offsets,
        order_offsets=order_offsets,
        **{name: getattr(columns, name)[at] for name, at in rows.items()},
    )


def distinct_positions(indices: Any, length: int) -> Integers:
    """Return indices or a mask as positions.

    Raises
    ------
    IndexError
        An index is out of range, or the mask has another length.
    ValueError
        An index occurs twice.
    """
    chosen = np.asarray(indices)
    if chosen.dtype == np.bool_:
        if chosen.shape != (length,):
            raise IndexError(f"a mask must be of shape ({length},), not {chosen.shape}")
        return np.flatnonzero(chosen).astype(np.int64)
    if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
        raise IndexError("indices must be a one-dimensional array of int or bool")
    chosen = chosen.astype(np.int64)
    if len(chosen) and not (chosen.min() >= 0 and chosen.max() < length):
        raise IndexError(f"indices must be from 0 to {length - 1}")
    if len(np.unique(chosen)) != len(chosen):
        raise ValueError("indices must be distinct")
    return chosen


def gather(offsets: Integers, chosen: Integers) -> tuple[Integers, Integers]:
    """Return the offsets of the chosen rows, and which entries they take."""
    lengths = np.diff(offsets)[chosen]
    bounds = np.zeros(len(chosen) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds, np.repeat(offsets[chosen] - bounds[:-1], lengths) + np.arange(bounds[-1])


def _joined_offsets(parts: Sequence[Integers]) -> Integers:
    joined, length = [np.zeros(1, dtype=np.int64)], 0
    for offsets in parts:
        joined.append(offsets[1:] + length)
        length += int(offsets[-1])
    return np.concatenate(joined)


def _asset_names(assets: Sequence[str], faults: Faults) -> tuple[str, ...]:
    names = tuple(assets)
    seen: set[str] = set()
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name:
            faults.add(Problem(f"assets[{place}]", "name", repr(name), "the name of an asset"))
        elif name in seen:
            faults.add(Problem(f"assets[{place}]", "duplicate", f"{name!r} again", "unique"))
        seen.add(name)
    return names


def _ids(ids: Any, faults: Faults) -> Ids:
    values = ids if isinstance(ids, np.ndarray) else list(ids)
    if isinstance(values, np.ndarray) and values.dtype.kind in "OU":
        values = values.tolist()
    try:
        compact = ids_from_values(values)
    except (TypeError, ValueError, OverflowError) as err:
        raise AccountsError(f"ids: {err}") from err
    if "" in (() if compact.kind == "int" else values):
        faults.add(Problem("ids", "value", "''", "non-empty"))
    return compact


def _array(name: str, values: Any, kinds: str, length: int | None, faults: Faults) -> Any:
    array = np.asarray(values)
    if array.ndim != 1 or (array.dtype.kind not in kinds and array.size):
        rule = f"a one-dimensional array of {'integers' if kinds == 'iu' else 'numbers'}"
        faults.add(Problem(name, "type", f"{array.ndim} dimensions of {array.dtype}", rule))
        return np.zeros(length or 0)
    if length is not None and len(array) != length:
        faults.add(Problem(name, "length", len(array), f"of length {length}"))
        return np.zeros(length)
    return array


def _floats(name: str, values: Any, length: int, absent: float, faults: Faults) -> Any:
    if values is None:
        # Pages of zeros are not touched until read.
        return np.zeros(length) if absent == 0 else np.full(length, absent)
    return np.ascontiguousarray(_array(name, values, "fiu", length, faults), dtype=np.float64)


def _offsets(name: str, values: Any, n: int, m: int, faults: Faults) -> Integers:
    offsets = np.ascontiguousarray(_array(name, values, "iu", n + 1, faults), dtype=np.int64)
    if offsets[0] != 0:
        faults.add(Problem(f"{name}[0]", "start", int(offsets[0]), "0"))
    for place in np.flatnonzero(offsets[1:] < offsets[:-1]).tolist():
        found = f"{offsets[place + 1]} < {offsets[place]}"
        rule = f"at least {name}[{place}]"
        faults.add(Problem(f"{name}[{place + 1}]", "order", found, rule), place)
    if offsets[-1] != m:
        rule = f"{m}, the number of entries"
        faults.add(Problem(f"{name}[{n}]", "end", int(offsets[-1]), rule), n)
    return offsets


def _asset_numbers(name: str, values: Any, dtype: Any, n_assets: int, faults: Faults) -> Any:
    numbers = _array(name, values, "iu", None, faults)
    if numbers.dtype != dtype or name != "asset_ids":
        # A narrower type must not turn a number out of range into another asset.
        for place in np.flatnonzero((numbers < 0) | (numbers >= n_assets)).tolist():
            rule = f"from 0 to {n_assets - 1}"
            faults.add(Problem(f"{name}[{place}]", "range", int(numbers[place]), rule))
    return np.ascontiguousarray(numbers).astype(dtype, copy=False)


def _orders(
    orders: Mapping[str, Any], n: int, dtype: Any, n_assets: int, faults: Faults
) -> dict[str, Any]:
    absent = [name for name in _ORDER_PARTS if orders[name] is None]
    if len(absent) == len(_ORDER_PARTS):
        return {"order_offsets": np.zeros(n + 1, dtype=np.int64)}
    if absent:
        names = ", ".join(f"order_{name}" for name in absent)
        raise AccountsError(f"orders need all their arrays; {names} not given")
    give = _asset_numbers("order_give_ids", orders["give_ids"], dtype, n_assets, faults)
    get = _asset_numbers("order_get_ids", orders["get_ids"], dtype, n_assets, faults)
    k = len(give)
    if len(get) != k:
        faults.add(Problem("order_get_ids", "length", len(get), f"of length {k}"))
    return {
        "order_offsets": _offsets("order_offsets", orders["offsets"], n, k, faults),
        "order_give_ids": give,
        "order_get_ids": get,
        "order_give_quantity": _floats(
            "order_give_quantity", orders["give_quantity"], k, 0.0, faults
        ),
        "order_get_quantity": _floats("order_get_quantity", orders["get_quantity"], k, 0.0, faults),
    }


def _refuse_nan(name: str, values: Any, ids: Ids, faults: Faults) -> None:
    if values is None:
        return
    for position in np.flatnonzero(np.isnan(np.asarray(values, dtype=np.float64))).tolist():
        who = ids[position]
        faults.add(AccountProblem(name, "range", nan, "finite and >= 0", account=who), position)


def _modes(mode: Any, ids: Ids, faults: Faults) -> npt.NDArray[np.uint8]:
    n = len(ids)
    if mode is None:
        return np.zeros(n, dtype=np.uint8)
    if isinstance(mode, str):
        code, rule = mode_code(mode)
        if rule is not None:
            raise AccountsError([Problem("mode", "mode", repr(mode), rule)])
        return np.full(n, code, dtype=np.uint8)
    names = list(mode)
    if len(names) != n:
        raise AccountsError([Problem("mode", "length", len(names), f"of length {n}")])
    for position, name in enumerate(names):
        known = isinstance(name, str) and mode_code(name)[1] is None
        if name is not None and not known:
            rule = mode_code(str(name))[1]
            problem = AccountProblem("mode", "mode", repr(name), rule, account=ids[position])
            faults.add_once(problem, position)
    return np.array([MODE_CODES.get(name, 0) for name in names], dtype=np.uint8)


def _countries(
    country: Sequence[str | None] | None, ids: Ids, faults: Faults
) -> npt.NDArray[np.uint16]:
    if country is None:
        return np.zeros(len(ids), dtype=np.uint16)
    if len(country) != len(ids):
        raise AccountsError([Problem("country", "length", len(country), f"of length {len(ids)}")])
    codes = np.zeros(len(ids), dtype=np.uint16)
    for position, name in enumerate(country):
        codes[position] = country_code(name) if isinstance(name, str) else 0
        if name is not None and not codes[position]:
            who = ids[position]
            problem = AccountProblem(
                "country", "country", repr(name), "two ISO letters", account=who
            )
            faults.add(problem, position)
    return codes

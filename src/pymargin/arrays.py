"""Books from arrays: checking of their shapes, dtypes and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.columns import (
    MODE_CODES,
    QUANTITIES,
    AccountProblem,
    Columns,
    Faults,
    Floats,
    Integers,
    country_code,
    id_type,
    mode_code,
)
from pymargin.errors import AccountsError, Problem
from pymargin.ids import Ids, ids_from_values
from pymargin.sections import Positions, Wallets

__all__ = ["columns_from_arrays"]

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
    loan_leverage: Any,
    multi_assets: Any,
    wallets: Mapping[str, Any] | None,
    symbols: Sequence[str],
    positions: Mapping[str, Any] | None,
) -> tuple[Columns, Faults]:
    """Return the columns of the arrays; shapes and dtypes are checked here.

    Raises
    ------
    AccountsError
        A shape, dtype or offset that leaves nothing to check further.
    """
    faults = Faults()
    names = _names("assets", assets, "the name of an asset", faults)
    symbol_names = _names("symbols", symbols, "the name of a symbol", faults)
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
    sections: dict[str, Any] = {
        "loan_leverage": _leverages("loan_leverage", loan_leverage, m, faults),
        "multi_assets": _flags("multi_assets", multi_assets, n, faults),
        "wallets": None if wallets is None else _wallets(wallets, n, len(names), faults),
        "positions": None
        if positions is None
        else _positions(positions, n, len(symbol_names), faults),
    }
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
        **sections,
        symbols=symbol_names,
    ), faults


def _names(argument: str, given: Sequence[str], rule: str, faults: Faults) -> tuple[str, ...]:
    names = tuple(given)
    seen: set[str] = set()
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name:
            faults.add(Problem(f"{argument}[{place}]", "name", repr(name), rule))
        elif name in seen:
            faults.add(Problem(f"{argument}[{place}]", "duplicate", f"{name!r} again", "unique"))
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


def _leverages(name: str, values: Any, length: int, faults: Faults) -> Floats | None:
    """Return leverages, NaN where 0 says that there is none."""
    if values is None:
        return None
    given = _floats(name, values, length, nan, faults)
    return np.where(given == 0, nan, given)


def _flags(name: str, values: Any, length: int, faults: Faults) -> npt.NDArray[np.bool_] | None:
    if values is None:
        return None
    flags = np.asarray(values)
    if flags.shape != (length,) or flags.dtype != np.bool_:
        found = f"one of {flags.dtype} and shape {flags.shape}"
        faults.add(Problem(name, "type", found, f"a bool array of shape ({length},)"))
        return None
    return flags


def _wallets(given: Mapping[str, Any], n: int, n_assets: int, faults: Faults) -> Wallets:
    _check_keys("wallets", given, ("offsets", "asset_ids", "balance"), (), faults)
    ids = _asset_numbers(
        "wallets.asset_ids", given["asset_ids"], id_type(n_assets), n_assets, faults
    )
    m = len(ids)
    return Wallets(
        offsets=_offsets("wallets.offsets", given["offsets"], n, m, faults),
        asset_ids=ids,
        balance=_floats("wallets.balance", given["balance"], m, 0.0, faults),
    )


def _positions(given: Mapping[str, Any], n: int, n_symbols: int, faults: Faults) -> Positions:
    needed = ("offsets", "symbol_ids", "quantity", "entry_price")
    _check_keys("positions", given, needed, ("leverage", "side", "isolated_margin"), faults)
    ids = _asset_numbers(
        "positions.symbol_ids", given["symbol_ids"], id_type(n_symbols), n_symbols, faults
    )
    m = len(ids)
    leverage = _leverages("positions.leverage", given.get("leverage"), m, faults)
    return Positions(
        offsets=_offsets("positions.offsets", given["offsets"], n, m, faults),
        symbol_ids=ids,
        quantity=_floats("positions.quantity", given["quantity"], m, 0.0, faults),
        entry_price=_floats("positions.entry_price", given["entry_price"], m, nan, faults),
        leverage=np.full(m, nan) if leverage is None else leverage,
        side=_sides(given.get("side"), m, faults),
        isolated_margin=_floats(
            "positions.isolated_margin", given.get("isolated_margin"), m, nan, faults
        ),
    )


def _sides(values: Any, length: int, faults: Faults) -> npt.NDArray[np.int8]:
    if values is None:
        return np.zeros(length, dtype=np.int8)
    sides = _array("positions.side", values, "iu", length, faults)
    # Beyond int8 there is no side either, and no number may come back as another.
    return np.ascontiguousarray(np.clip(sides, -1, 3), dtype=np.int8)


def _check_keys(
    block: str,
    given: Mapping[str, Any],
    needed: tuple[str, ...],
    optional: tuple[str, ...],
    faults: Faults,
) -> None:
    for name in needed:
        if given.get(name) is None:
            faults.add(Problem(f"{block}.{name}", "is an array that must be there"))
    for name in given:
        if name not in (*needed, *optional):
            known = ", ".join((*needed, *optional))
            faults.add(Problem(f"{block}.{name}", f"is not a known array: {known}"))
    faults.raise_if_any()


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

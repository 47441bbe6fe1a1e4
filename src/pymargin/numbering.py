"""Numbers for the assets and symbols of a book, by first appearance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.columns import Columns, Integers, id_type

__all__ = ["renumber"]

_BLOCK = 1 << 16


def renumber(columns: Columns) -> Columns:
    """Number the assets and the symbols by first appearance.

    Assets count in the balances, then in the orders, then in the wallets.
    """
    return _renumber_symbols(_renumber_assets(columns))


def _renumber_assets(columns: Columns) -> Columns:
    orders = np.stack([columns.order_give_ids, columns.order_get_ids], axis=1).ravel()
    wallets = columns.wallets
    parts = [columns.asset_ids, orders]
    if wallets is not None:
        parts.append(wallets.asset_ids)
    names, number = _by_first_appearance(columns.assets, parts)
    if number is None:
        return columns
    if wallets is not None:
        wallets = replace(wallets, asset_ids=number[wallets.asset_ids])
    return replace(
        columns,
        assets=names,
        asset_ids=number[columns.asset_ids],
        order_give_ids=number[columns.order_give_ids],
        order_get_ids=number[columns.order_get_ids],
        wallets=wallets,
    )


def _renumber_symbols(columns: Columns) -> Columns:
    positions = columns.positions
    if positions is None:
        return replace(columns, symbols=())
    names, number = _by_first_appearance(columns.symbols, [positions.symbol_ids])
    if number is None:
        return columns
    positions = replace(positions, symbol_ids=number[positions.symbol_ids])
    return replace(columns, symbols=names, positions=positions)


def _by_first_appearance(
    names: tuple[str, ...], parts: list[npt.NDArray[Any]]
) -> tuple[tuple[str, ...], npt.NDArray[Any] | None]:
    """Return the names that occur, in order, and the new number of each old one.

    The numbers are None where every name keeps its own.
    """
    order = _order_of_appearance(len(names), parts)
    if np.array_equal(order, np.arange(len(names))):
        return names, None
    number = np.zeros(len(names), dtype=id_type(len(order)))
    number[order] = np.arange(len(order))
    return tuple(names[old] for old in order.tolist()), number


def _order_of_appearance(n_names: int, parts: list[npt.NDArray[Any]]) -> Integers:
    """Return the ids that occur in the parts, in the order in which they first do."""
    seen = np.zeros(n_names, dtype=np.bool_)
    order: list[Integers] = []
    n_seen = 0
    for part in parts:
        for begin in range(0, len(part), _BLOCK):
            if n_seen == n_names:
                break
            block = part[begin : begin + _BLOCK]
            fresh = block[~seen[block]]
            if not len(fresh):
                continue
            new, first = np.unique(fresh, return_index=True)
            seen[new] = True
            order.append(new[np.argsort(first)].astype(np.int64))
            n_seen += len(new)
    return np.concatenate([np.empty(0, dtype=np.int64), *order])

"""Books from other books: joining and selecting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.columns import (
    ACCOUNT_NUMBERS,
    ASSET_ID_ARRAYS,
    ENTRY_NUMBERS,
    ORDER_ARRAYS,
    QUANTITIES,
    Columns,
    Integers,
    id_type,
)
from pymargin.ids import concat_ids
from pymargin.sections import (
    Positions,
    Wallets,
    gather,
    joined,
    joined_offsets,
    no_positions,
    no_wallets,
    selected,
)

__all__ = ["distinct_positions", "joined_columns", "selected_columns"]


def joined_columns(parts: Sequence[Columns]) -> Columns:
    """Return the accounts of the parts one after the other.

    The parts are used up: each gives its arrays away as they are joined, so that
    no more than one array is held twice.

    Raises
    ------
    TypeError
        Ids of both kinds.
    """
    assets, asset_maps = _one_numbering([part.assets for part in parts])
    symbols, symbol_maps = _one_numbering([part.symbols for part in parts])

    def join(name: str, kind: Any) -> npt.NDArray[Any]:
        given = [getattr(part, name) for part in parts]
        for part in parts:
            setattr(part, name, np.empty(0, kind))
        return np.concatenate([np.empty(0, kind), *given], dtype=kind)

    def join_ids(name: str) -> npt.NDArray[Any]:
        for part, to in zip(parts, asset_maps, strict=True):
            setattr(part, name, to[getattr(part, name)])
        return join(name, id_type(len(assets)))

    return Columns(
        ids=concat_ids([part.ids for part in parts]),
        loan_leverage=_joined_optional(
            [part.loan_leverage for part in parts], [int(part.offsets[-1]) for part in parts], nan
        ),
        multi_assets=_joined_optional(
            [part.multi_assets for part in parts], [len(part.ids) for part in parts], False
        ),
        wallets=_joined_wallets(parts, asset_maps),
        positions=_joined_positions(parts, symbol_maps),
        offsets=joined_offsets([part.offsets for part in parts]),
        assets=assets,
        symbols=symbols,
        **{name: join_ids(name) for name in ASSET_ID_ARRAYS},
        **{name: join(name, np.float64) for name in (*ENTRY_NUMBERS, *ACCOUNT_NUMBERS)},
        mode=join("mode", np.uint8),
        country=join("country", np.uint16),
        order_offsets=joined_offsets([part.order_offsets for part in parts]),
    )


def _one_numbering(
    parts: Sequence[tuple[str, ...]],
) -> tuple[tuple[str, ...], list[npt.NDArray[Any]]]:
    """Return the names of all parts, and for each part the new number of each old one."""
    numbers: dict[str, int] = {}
    maps = [[numbers.setdefault(name, len(numbers)) for name in names] for names in parts]
    return tuple(numbers), [np.array(to, dtype=id_type(len(numbers))) for to in maps]


def _joined_optional(
    parts: Sequence[npt.NDArray[Any] | None], lengths: Sequence[int], absent: object
) -> npt.NDArray[Any] | None:
    """Return arrays one after the other, None where no part has one."""
    if all(part is None for part in parts):
        return None
    return np.concatenate(
        [
            np.full(length, absent) if part is None else part
            for part, length in zip(parts, lengths, strict=True)
        ]
    )


def _joined_wallets(
    parts: Sequence[Columns], asset_maps: Sequence[npt.NDArray[Any]]
) -> Wallets | None:
    if all(part.wallets is None for part in parts):
        return None
    sections = []
    for part, to in zip(parts, asset_maps, strict=True):
        wallets = no_wallets(len(part.ids)) if part.wallets is None else part.wallets
        sections.append(replace(wallets, asset_ids=to[wallets.asset_ids]))
        part.wallets = None
    return joined(sections)


def _joined_positions(
    parts: Sequence[Columns], symbol_maps: Sequence[npt.NDArray[Any]]
) -> Positions | None:
    if all(part.positions is None for part in parts):
        return None
    sections = []
    for part, to in zip(parts, symbol_maps, strict=True):
        positions = no_positions(len(part.ids)) if part.positions is None else part.positions
        sections.append(replace(positions, symbol_ids=to[positions.symbol_ids]))
        part.positions = None
    return joined(sections)


def selected_columns(columns: Columns, chosen: Integers) -> Columns:
    """Return the accounts at the positions, in their order; names keep their numbers."""
    offsets, entries = gather(columns.offsets, chosen)
    order_offsets, orders = gather(columns.order_offsets, chosen)
    rows: dict[str, Any] = dict.fromkeys((*ACCOUNT_NUMBERS, "mode", "country"), chosen)
    rows |= dict.fromkeys(("asset_ids", *QUANTITIES), entries)
    rows |= dict.fromkeys(ORDER_ARRAYS, orders)
    rows |= {"multi_assets": chosen} if columns.multi_assets is not None else {}
    rows |= {"loan_leverage": entries} if columns.loan_leverage is not None else {}
    wallets, positions = columns.wallets, columns.positions
    return replace(
        columns,
        ids=columns.ids.take(chosen),
        offsets=offsets,
        order_offsets=order_offsets,
        wallets=None if wallets is None else selected(wallets, chosen),
        positions=None if positions is None else selected(positions, chosen),
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
    is_chosen = np.zeros(length, dtype=bool)
    is_chosen[chosen] = True
    if np.count_nonzero(is_chosen) != len(chosen):
        raise ValueError("indices must be distinct")
    return chosen

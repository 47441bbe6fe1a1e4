"""The plain C++ loops of ``cpp_pools.cpp``, compiled on the spot with the local compiler."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.book import Steps
from benchmarks.peers.cpp_loop import compiled, pointer
from benchmarks.pool_books import PoolBook

NAME = "plain C++ loop"

_ROWS = (
    "wallet_offsets", "wallet_asset", "wallet", "position_offsets", "symbol", "quantity",
    "entry_price", "leverage", "isolated_margin", "multi_assets", "balance_offsets",
    "balance_asset", "free", "locked", "borrowed", "interest", "loan_leverage", "open_order_loss",
)  # fmt: skip


class _Rows(ctypes.Structure):
    _fields_ = [("n_accounts", ctypes.c_int64), *((name, ctypes.c_void_p) for name in _ROWS)]


class _Prices(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p) for name in ("settlement", "size", "mark", "price", "loan_rate")
    ]


class _Results(ctypes.Structure):
    _fields_ = [("level", ctypes.c_void_p), ("actions", ctypes.c_void_p)]


@cache
def _library() -> Any:
    library = compiled(Path(__file__).with_suffix(".cpp"))
    library.make_table.restype = ctypes.c_void_p
    library.make_table.argtypes = [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 5
    library.usdm.argtypes = [ctypes.c_void_p] * 4
    library.usdm.restype = None
    library.portfolio.argtypes = [ctypes.c_void_p] * 5
    library.portfolio.restype = None
    return library


def _table(steps: Steps) -> int:
    """Return a table that lives as long as the process."""
    n_schedules, width = steps.caps.shape
    arrays = (steps.counts, steps.caps, steps.rates, steps.last_cap, steps.of_asset)
    made: int = _library().make_table(n_schedules, width, *map(pointer, arrays))
    return made


def prepare(book: PoolBook) -> Callable[[], tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Return what fills and returns level (usdm: margin ratio) and actions of every account."""
    n, arrays, positions = len(book), book.arrays, book.positions
    multi = arrays["multi_assets"]
    columns = {
        "wallet_offsets": book.wallets["offsets"],
        "wallet_asset": book.wallets["asset_ids"],
        "wallet": book.wallets["balance"],
        "position_offsets": positions["offsets"],
        "symbol": positions["symbol_ids"],
        **{name: positions[name] for name in ("quantity", "entry_price", "isolated_margin")},
        "leverage": book.leverage(),
        "multi_assets": np.zeros(n, np.uint8) if multi is None else multi.astype(np.uint8),
        "balance_offsets": arrays["offsets"],
        "balance_asset": arrays["asset_ids"],
        **{name: arrays[name] for name in ("free", "locked", "borrowed", "interest")},
        "loan_leverage": arrays["loan_leverage"],
        "open_order_loss": arrays["open_order_loss"],
    }
    kept = [np.ascontiguousarray(columns[name]) for name in _ROWS]
    rows = _Rows(n, *map(pointer, kept))
    known = [book.settlement, book.size, book.mark, book.price, book.loan_rate]
    prices = _Prices(*map(pointer, known))
    level, actions = np.empty(n), np.empty(n, np.uint16)
    results = _Results(pointer(level), pointer(actions))
    tables = [_table(book.brackets)]
    if book.collateral is not None:
        tables.append(_table(book.collateral))
    loop = getattr(_library(), book.mode)

    def run() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        assert kept
        assert known
        loop(ctypes.byref(rows), *tables, ctypes.byref(prices), ctypes.byref(results))
        return level, actions

    return run

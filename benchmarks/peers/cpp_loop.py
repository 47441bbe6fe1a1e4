"""The plain C++ loop of ``cpp_loop.cpp``, compiled on the spot with the local compiler."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.book import Book, Steps
from benchmarks.peers import Answer, Floats

NAME = "plain C++ loop"
NEEDS = ()
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared")


class _Rows(ctypes.Structure):
    _fields_ = [("n_accounts", ctypes.c_int64)] + [
        (name, ctypes.c_void_p)
        for name in (
            "offsets", "asset", "free", "locked", "borrowed", "interest", "leverage_class",
        )
    ]  # fmt: skip


class _Results(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in Answer._fields]


def compiler() -> str | None:
    """Return the local C++ compiler, None where there is none."""
    return shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")


def compiler_version() -> str:
    command = compiler()
    if command is None:
        return "no C++ compiler"
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.splitlines()[0]


def compiled(source: Path) -> Any:
    """Return a C++ source as a loaded library."""
    command = compiler()
    if command is None:
        raise ImportError("there is no C++ compiler (c++, g++ or $CXX)")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{source.stem}.so"
        subprocess.run([command, *FLAGS, str(source), "-o", str(target)], check=True)
        # Once loaded, the file may go.
        return ctypes.CDLL(str(target))


@cache
def _library() -> Any:
    library = compiled(Path(__file__).with_suffix(".cpp"))
    library.make_table.restype = ctypes.c_void_p
    library.make_table.argtypes = [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 5
    library.classic.argtypes = [ctypes.c_void_p] * 5
    library.classic.restype = None
    library.pro.argtypes = [ctypes.c_void_p] * 8
    library.pro.restype = None
    return library


def pointer(array: np.ndarray[Any, Any]) -> int:
    assert array.flags.c_contiguous
    return array.ctypes.data


def _table(steps: Steps) -> int:
    """Return a table that lives as long as the process."""
    n_schedules, width = steps.caps.shape
    arrays = (steps.counts, steps.caps, steps.rates, steps.last_cap, steps.of_asset)
    made: int = _library().make_table(n_schedules, width, *map(pointer, arrays))
    return made


def _prepared(book: Book) -> tuple[_Rows, Answer, _Results, list[Any]]:
    n = len(book)
    columns = [
        book.offsets, book.asset_ids, book.free, book.locked, book.borrowed, book.interest,
        book.leverage_class.astype(np.int64),
    ]  # fmt: skip
    answer = Answer(np.empty(n), np.empty(n), np.empty(n, np.uint16))
    results = _Results(*map(pointer, answer))
    return _Rows(n, *map(pointer, columns)), answer, results, columns


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    assert threads == 1
    rows, answer, results, kept = _prepared(book)
    library, collateral = _library(), _table(book.collateral)
    thresholds = np.ascontiguousarray(book.classic_thresholds)

    def run(price: Floats) -> Answer:
        assert kept
        library.classic(
            ctypes.byref(rows), collateral, pointer(price), pointer(thresholds),
            ctypes.byref(results),
        )  # fmt: skip
        return answer

    return run


def prepare_pro(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    """Return the same for Cross Margin Pro: margin level, available margin and actions."""
    assert threads == 1
    rows, answer, results, kept = _prepared(book)
    library = _library()
    tables = [_table(steps) for steps in (book.collateral, book.maintenance, book.initial)]
    open_order_loss = np.zeros(len(book))

    def run(price: Floats) -> Answer:
        assert kept
        library.pro(
            ctypes.byref(rows), *tables, pointer(price), pointer(book.pro_thresholds),
            pointer(open_order_loss), ctypes.byref(results),
        )  # fmt: skip
        return answer

    return run

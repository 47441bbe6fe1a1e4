"""Measure peak memory of each step over what was there before it, in arrays of the book.

``python benchmarks/memory.py [N]``: a million accounts where N is absent. Linux only.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import pymargin as pm
from pymargin.example import example_prices, example_table

STEPS = ("from_arrow", "from_parquet", "cross_classic", "cross_pro", "evaluate")


def status_kib(name: str) -> int:
    """Return a figure of this process in KiB: VmRSS now, VmHWM at its peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


def peak_bytes(action: Callable[[], Any]) -> tuple[int, Any]:
    """Return how far memory rose above where it stood, at the most, and the action's result."""
    gc.collect()
    # 5 sets the peak back to what is in use now (proc(5)).
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = status_kib("VmRSS")
    result = action()
    return (status_kib("VmHWM") - before) * 1024, result


def book_bytes(book: pm.Accounts) -> int:
    """Return the bytes of the book's balances: offsets, asset ids and quantities."""
    arrays = (book._offsets, book._asset_ids, book._free, book._locked, book._borrowed)
    return sum(array.nbytes for array in (*arrays, book._interest))


def measure(step: str, path: Path) -> tuple[int, int]:
    """Return the peak of a step and the bytes of the book, in this process."""
    import pyarrow.parquet as pq

    rules, prices = pm.example_rules(), example_prices()
    if step == "from_parquet":
        peak, book = peak_bytes(lambda: pm.Accounts.from_parquet(path))
        return peak, book_bytes(book)
    table = pq.read_table(path)
    if step == "from_arrow":
        peak, book = peak_bytes(lambda: pm.Accounts.from_arrow(table))
        return peak, book_bytes(book)
    book = pm.Accounts.from_arrow(table)
    price = np.array([prices[asset] for asset in book.assets])
    function = getattr(pm, step)

    def evaluate_often() -> None:
        # A book is prepared for speed only once it is evaluated again and again.
        found = function(book, price, rules)
        for _ in range(4):
            function(book, price, rules, out=found)

    return peak_bytes(evaluate_often)[0], book_bytes(book)


def main() -> None:
    """Print a line for each step, each measured in a process of its own."""
    if len(sys.argv) == 4:
        print(*measure(sys.argv[2], Path(sys.argv[3])))
        return
    import pyarrow.parquet as pq

    n_accounts = int(sys.argv[1]) if len(sys.argv) == 2 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.parquet"
        pq.write_table(example_table(n_accounts), path)
        for step in STEPS:
            command = [sys.executable, __file__, "--step", step, str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peak, size = map(int, done.stdout.split())
            print(f"{step:14} peak {peak / 1e6:7.1f} MB, book {size / 1e6:7.1f} MB, "
                  f"{peak / size:.2f} x")  # fmt: skip


if __name__ == "__main__":
    main()

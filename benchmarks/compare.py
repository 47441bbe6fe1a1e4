"""Hold pymargin against its peers and against the memory's own speed, in one process.

``python benchmarks/compare.py [--json PATH] [--accounts N] [--rounds N] [--quick]``

Every answer is compared with ours to 1e-9 before any time is taken. Contenders run in interleaved
rounds (A B C, A B C, ...); a ratio is the median of the ratios within each round. Peers that are
not installed are skipped with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

# Before any peer is imported: its idle threads sleep, and it takes the threads it is given.
_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("POLARS_MAX_THREADS", str(_THREADS))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pymargin as pm  # noqa: E402
from benchmarks.book import make_book  # noqa: E402
from benchmarks.contenders import PEERS, Ours, Peers  # noqa: E402
from benchmarks.grid import Grid, compare_grid  # noqa: E402
from benchmarks.pool_contenders import MODES, pool_contenders  # noqa: E402
from benchmarks.rounds import (  # noqa: E402
    Contender,
    WrongAnswerError,
    cpu_ratio,
    environment,
    interleave,
    paired_ratio,
)
from pymargin import _core  # noqa: E402

_FASTER_LOOP = (
    "numba takes what it took there; the plain loop, which stops at the first tier that a value "
    "does not reach, takes two thirds"
)
# Ratios to the plain C++ loop that a prototype of the peers gave on one machine; one that differs
# by more than a fifth is explained.
EXPECTED = {
    "pure_python/1": (43.0, "depends on the interpreter and the processor"),
    "numpy_plain/1": (29.0, "its many passes over whole arrays depend on memory and page faults"),
    "numpy_expert/1": (
        3.2,
        "here in blocks that stay in cache, holdings and debts apart: about twice as fast",
    ),
    "numba_plain/1": (0.76, _FASTER_LOOP),
    "numba_expert/unmerged/1": (0.57, _FASTER_LOOP),
    "duckdb_case/2": (8.7, "another version of DuckDB; results are fetched and put in order"),
    "polars_expert/2": (9.8, "another version of polars"),
}


SMALL_BOOK = 200_000


@dataclass
class Row:
    """A line of the table: how many times `over` takes the time of `under`, or milliseconds."""

    what: str
    figure: float | None
    unit: str = "x"
    at_most: float | None = None
    at_least: float | None = None
    stretch: float | None = None
    skipped: str = ""
    of_minimums: float | None = None
    of_cpu: float | None = None
    is_small: bool = False  # targets are for books of some size

    @property
    def verdict(self) -> str:
        if self.figure is None:
            return f"skipped: {self.skipped}"
        if self.is_small or (self.at_most is None and self.at_least is None):
            return ""
        is_met = self._reaches(self.at_most if self.at_most is not None else self.at_least)
        if is_met and self._reaches(self.stretch):
            return "stretch"
        return "met" if is_met else "NOT MET"

    def _reaches(self, goal: float | None) -> bool:
        if goal is None or self.figure is None:
            return False
        return self.figure <= goal if self.at_most is not None else self.figure >= goal


class Comparison:
    """Everything measured on one book."""

    def __init__(
        self, n: int, rounds: int, peers: Sequence[str | ModuleType], *, quick: bool
    ) -> None:
        self.book = make_book(n)
        self.rounds, self.quick = rounds, quick
        self.ours = Ours(self.book)
        self.peers = Peers(self.book, peers)
        self.load = os.getloadavg()[0]
        self.measured: dict[str, Contender] = {}
        self.rows: list[Row] = []

    def run(self) -> None:
        """Check every answer, then time."""
        fast, slow = self._fast(), self._slow()
        size = (2_000, 20) if self.quick else (100_000, 200)
        self.grid = grid = compare_grid(self.book, *size, _THREADS)
        self.pool_sizes: dict[str, Any] = {}
        pools = pool_contenders(len(self.book), _THREADS, self.peers.skipped, self.pool_sizes)
        slow_rounds = max(2, self.rounds // 3)
        for contenders, rounds in (
            (fast, self.rounds),
            (slow, slow_rounds),
            ([self.ours.build(warm=False)], slow_rounds),
            ([self.ours.build(warm=True)], slow_rounds),
            (grid.contenders, slow_rounds),
            (pools, self.rounds),
        ):
            interleave(contenders, rounds)
            self.measured |= {contender.key: contender for contender in contenders}
        self._fill_rows()
        self._fill_grid_rows(grid)
        self._fill_pool_rows()
        for row in self.rows:
            row.is_small = len(self.book) < SMALL_BOOK

    def _fast(self) -> list[Contender]:
        ours, many = self.ours, _THREADS
        answer, pro_answer = ours.answer(), ours.pro_answer()
        each = dict.fromkeys((1, many))
        found: list[Contender | None] = []
        for threads in each:
            found += [
                ours.limit(threads, writes=False),
                ours.limit(threads, writes=True),
                ours.classic("classic_2023", "slot", threads),
                ours.classic("classic_2023", "user", threads),
                ours.pro("slot", threads),
                ours.pro("user", threads),
            ]
        found += [ours.classic(f"classic_2026_{month}", "slot", 1) for month in ("01", "06")]
        found += [
            ours.classic(name, "slot", 1, fields=None)
            for name in ("classic_2023", "classic_2026_01", "classic_2026_06")
        ]
        found += [ours.first(1, counts_checks=False), ours.first(1, counts_checks=True)]
        found += [
            self.peers.contender("cpp_loop", 1, answer),
            self.peers.contender(
                "cpp_loop", 1, pro_answer, prepare="prepare_pro",
                thresholds=self.book.pro_thresholds[None],
            ),
        ]  # fmt: skip
        for threads in each:
            found += [
                self.peers.contender("numba_plain", threads, answer),
                self.peers.contender("numba_expert", threads, answer),
                self.peers.contender(
                    "numba_expert", threads, answer, prepare="prepare_unmerged"
                ),
            ]  # fmt: skip
        return [contender for contender in found if contender is not None]

    def _slow(self) -> list[Contender]:
        answer = self.ours.answer()
        first = self.ours.classic("classic_2023", "user", 1)
        first.key += "/slow"
        plain = self.peers.contender("cpp_loop", 1, answer)
        if plain is not None:
            plain.key += "/slow"
        known = {"cpp_loop", "numba_plain", "numba_expert"}
        others = [name for name in self.peers.modules if name not in known]
        found = [
            self.peers.contender(name, _threads_of(name), answer) for name in others
        ]  # fmt: skip
        return [one for one in (first, plain, *found) if one is not None]

    def _ratio(
        self,
        what: str,
        over: str,
        under: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        stretch: float | None = None,
        lacks: str = "",
    ) -> None:
        pair = [self.measured.get(key) for key in (over, under)]
        if pair[0] is not None and pair[1] is not None:
            figure = paired_ratio(pair[0], pair[1])
            least = min(pair[0].seconds) / min(pair[1].seconds)
            cpu = cpu_ratio(pair[0], pair[1])
            self.rows.append(
                Row(what, figure, "x", at_most, at_least, stretch, of_minimums=least, of_cpu=cpu)
            )
            return
        peer = (over if pair[0] is None else under).partition("/")[0]
        why = self.peers.skipped.get(peer, lacks or "not measured here")
        self.rows.append(Row(what, None, "x", at_most, at_least, stretch, why))

    def _fill_rows(self) -> None:
        slot, user = "pymargin/classic_2023/slot", "pymargin/classic_2023/user"
        many = _THREADS
        ratio = self._ratio
        ratio("classic pass, slot order, 1 thread, over the read + write limit",
              f"{slot}/1", "limit/read+write/1", at_most=1.7, stretch=1.35)  # fmt: skip
        if many > 1:
            ratio(f"the same, {many} threads", f"{slot}/{many}", f"limit/read+write/{many}",
                  at_most=1.5, stretch=1.2)  # fmt: skip
        for month in ("01", "06"):
            ratio(f"classic_2026_{month} over classic_2023, the same three fields, slot order",
                  f"pymargin/classic_2026_{month}/slot/1", f"{slot}/1",
                  at_most=1.5, stretch=1.3)  # fmt: skip
        for name in ("2023", "2026_01", "2026_06"):
            ratio(f"classic_{name}, all 8 fields, over classic_2023 with three",
                  f"pymargin/classic_{name}/slot/1/all", f"{slot}/1")  # fmt: skip
        for threads in dict.fromkeys((1, many)):
            of = f"{threads} thread{'s' if threads > 1 else ''}"
            best = self._best_numba(threads)
            ratio(f"expert numba over ours, user order, {of} each", best, f"{user}/{threads}",
                  at_least=2, stretch=3)  # fmt: skip
        for what, over, at_least, stretch in (
            ("expert numpy", "numpy_expert/1", 10, 15),
            (f"DuckDB on {many}", f"duckdb_case/{many}", 30, 50),
            (f"polars on {many}", f"polars_expert/{many}", 35, 60),
            ("pure Python", "pure_python/1", 150, 250),
            ("plain numpy", "numpy_plain/1", None, None),
        ):
            ratio(f"{what} over ours on 1 thread, user order", over, f"{user}/1/slow",
                  at_least=at_least, stretch=stretch)  # fmt: skip
        ratio("plain C++ loop over ours, user order", "cpp_loop/1", f"{user}/1",
              at_least=3.8, stretch=5)  # fmt: skip
        ratio("plain C++ loop over ours, slot order", "cpp_loop/1", f"{slot}/1")
        ratio("pro: its plain C++ loop over ours, slot order", "cpp_loop/pro/1",
              "pymargin/pro/slot/1", at_least=4.5, stretch=5.5)  # fmt: skip
        ratio("pro: its plain C++ loop over ours, user order", "cpp_loop/pro/1",
              "pymargin/pro/user/1")  # fmt: skip
        ratio("one-shot: expert numba over ours, both on the user's arrays",
              "numba_expert/unmerged/1", "pymargin/first/1", at_least=1.2, stretch=1.5)  # fmt: skip
        ratio("one-shot with the book made and checked: expert numba over ours",
              "numba_expert/unmerged/1", "pymargin/first/1/checked")  # fmt: skip
        # Needs a core built for it, which no installed package has.
        ratio("exact decisions: the pass over the pass that takes float64's signs", f"{slot}/1",
              f"{slot}/1/float", at_most=1.1, stretch=1.05,
              lacks="python benchmarks/decisions.py builds both and compares")  # fmt: skip
        for kind, at_most, stretch in (("warm", 60, 40), ("fresh", 110, 80)):
            seconds = median(self.measured[f"pymargin/build/{kind}"].seconds)
            per_million = seconds * 1e9 / len(self.book)
            self.rows.append(
                Row(f"layout of the book, per 1M accounts, {kind} pages", per_million, "ms",
                    at_most=at_most, stretch=stretch)
            )  # fmt: skip

    def _fill_grid_rows(self, grid: Grid) -> None:
        why = "; ".join(grid.skipped.values())
        goal: dict[str, Any] = {"at_least": 3, "stretch": 4}
        for threads in dict.fromkeys((1, _THREADS)):
            self._ratio(
                f"grid {grid.shape}, levels and actions, threads {threads}: numba over ours",
                f"numba_grid/{threads}", f"pymargin/stress/both/{threads}", lacks=why,
                **(goal if threads == 1 else {}),
            )  # fmt: skip
        self._ratio(
            f"grid {grid.shape}, collateral margin levels alone, 1 thread: numba over ours",
            "numba_grid/levels/1", "pymargin/stress/levels/1", lacks=why, **goal,
        )  # fmt: skip
        for what, key in (("levels and actions", "both"), ("collateral levels", "levels")):
            ours = self.measured.get(f"pymargin/stress/{key}/1")
            rate = None if ours is None else grid.n_levels / 1e6 / median(ours.seconds)
            name = f"grid {grid.shape}, {what}, ours, 1 thread"
            self.rows.append(
                Row(name, rate, "M/s", at_least=300, stretch=450, skipped="" if rate else why)
            )

    def _fill_pool_rows(self) -> None:
        for mode in MODES:
            for what, key, goal in (
                ("prices bound, user order", "user", {"at_least": 4}),
                ("the call with a mapping of prices", "call", {}),
            ):
                self._ratio(
                    f"{mode}: its plain C++ loop over ours, {what}",
                    f"cpp_pools/{mode}/1", f"pymargin/{mode}/{key}/1", **goal,
                )  # fmt: skip

    def _best_numba(self, threads: int) -> str:
        """Return the faster of the expert's two: on merged quantities or on the user's own."""
        keys = (f"numba_expert/{threads}", f"numba_expert/unmerged/{threads}")
        known = [key for key in keys if key in self.measured]
        return min(known, key=lambda key: median(self.measured[key].seconds), default=keys[0])

    def peer_ratios(self) -> list[dict[str, Any]]:
        """Return the peers' ratios to the plain C++ loop beside those that are expected."""
        found = []
        for key, (expected, reason) in EXPECTED.items():
            peer = self.measured.get(key)
            is_slow = key.partition("/")[0] not in ("numba_plain", "numba_expert")
            plain = self.measured.get("cpp_loop/1/slow" if is_slow else "cpp_loop/1")
            if peer is None or plain is None:
                continue
            ratio = paired_ratio(peer, plain)
            is_near = abs(ratio / expected - 1) <= 0.2
            found.append(
                {"peer": key, "over_plain_cpp": ratio, "expected": expected, "within_20_%": is_near,
                 "why": "" if is_near else reason}
            )  # fmt: skip
        return found

    def record(self, arguments: Sequence[str]) -> dict[str, Any]:
        from benchmarks.peers import cpp_loop

        packages = ("numpy", "numba", "llvmlite", "polars", "duckdb")
        return {
            "command": ["compare.py", *arguments],
            "environment": environment(packages)
            | {
                "pymargin": pm.__version__,
                "implementation": _core.implementation(),
                "threads": _THREADS,
                "load_average_at_start": self.load,
                "compiler_of_plain_loop": cpp_loop.compiler_version(),
                "flags_of_plain_loop": " ".join(cpp_loop.FLAGS),
                "numba_threading_layer": _threading_layer(),
            },
            "book": {
                "accounts": len(self.book),
                "positions": self.book.n_positions,
                "share_beyond_first_tier": self.book.share_beyond(),
                "bytes_read": 18 * self.book.n_positions,
                "bytes_written": 18 * len(self.book),
            },
            "books_with_positions": self.pool_sizes,
            "rounds": self.rounds,
            "answers": f"{len(self.peers.modules)} peers agree with ours to 1e-9, actions too",
            "contenders": [contender.record() for contender in self.measured.values()],
            "rows": [asdict(row) | {"verdict": row.verdict} for row in self.rows],
            "peer_ratios": self.peer_ratios(),
            "skipped": self.peers.skipped | self.grid.skipped,
        }


def _threads_of(name: str) -> int:
    return _THREADS if name.startswith(("polars", "duckdb")) else 1


def _threading_layer() -> str | None:
    if "numba" not in sys.modules:
        return None
    import numba

    try:
        return numba.threading_layer()
    except ValueError:
        return None


def main(arguments: Sequence[str], peers: Sequence[str | ModuleType] = PEERS) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--accounts", type=int, metavar="N", help="1,000,000 where absent")
    parser.add_argument("--rounds", type=int, metavar="N", help="15 where absent")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all figures there too")
    parser.add_argument("--quick", action="store_true", help="a small book: that everything runs")
    given = parser.parse_args(list(arguments))
    n = given.accounts or (4_000 if given.quick else 1_000_000)
    comparison = Comparison(n, given.rounds or (2 if given.quick else 15), peers, quick=given.quick)
    try:
        comparison.run()
    except WrongAnswerError as err:
        print(f"wrong answer, nothing is timed: {err}", file=sys.stderr)
        return 1
    record = comparison.record(arguments)
    from benchmarks.report import show

    show(record)
    if given.json is not None:
        given.json.write_text(json.dumps(record, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

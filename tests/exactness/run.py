"""Check decisions against integers and the oracle; a run that was killed goes on where it stopped.

    python tests/exactness/run.py --random 10000000 --ties 1000000 --oracle 200000 --state DIR
    python tests/exactness/run.py --family pools --random 5000000 --ties 500000 --oracle 200000 \\
        --state DIR

Cross margin under its seven readings, or (pools) portfolio margin and futures, four modes: every
account row by row and in slots, by every instruction set of this processor. Exit code 0: no
difference; 1: some, each written out in the state directory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exactness import chunk, report
from exactness.integers import READINGS
from exactness.job import Job
from exactness.pools import chunk as pools_chunk
from exactness.pools import report as pools_report
from exactness.pools.integers import MODES
from exactness.state import Plan, State

Run = Callable[[Job], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Family:
    """Modes that are checked alike: how many take turns, what runs a chunk, what tells of it."""

    parts: int
    run: Run
    tables: Callable[[Iterable[Mapping[str, Any]]], str]


FAMILIES = {
    "cross": Family(len(READINGS), chunk.run, report.tables),
    "pools": Family(len(MODES), pools_chunk.run, pools_report.tables),
}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    family = FAMILIES[options.family]
    plan = Plan(options.random, options.ties, options.oracle, options.seed, family.parts)
    try:
        state = State(options.state, plan)
    except ValueError as err:
        sys.exit(str(err))
    jobs = [] if options.show else state.remaining()
    progress = _Progress(len(jobs), len(state.records))
    for record in _records(family.run, jobs, options.processes):
        state.add(record)
        progress.show(state)
    print(f"\n{family.tables(state.records.values())}")
    return 1 if state.differences else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--family", choices=tuple(FAMILIES), default="cross", help="which modes (%(default)s)")
    add("--random", type=int, default=10_000_000, help="random accounts (%(default)s)")
    add("--ties", type=int, default=1_000_000, help="accounts on a threshold (%(default)s)")
    add("--oracle", type=int, default=200_000, help="random accounts to ask about (%(default)s)")
    add("--seed", type=int, default=1)
    add("--processes", type=int, default=1)
    add("--show", action="store_true", help="only print what is done so far")
    add("--state", type=Path, required=True, help="directory that remembers what is done")
    return parser


def _records(run: Run, jobs: Iterable[Job], processes: int) -> Iterator[dict[str, Any]]:
    if processes == 1:
        yield from map(run, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(run, jobs)


class _Progress:
    """One line: rewritten on a terminal, printed twice a minute elsewhere."""

    def __init__(self, remaining: int, done: int) -> None:
        self.remaining, self.done, self.new = remaining, done, 0
        self.begin, self.shown = time.monotonic(), 0.0

    def show(self, state: State) -> None:
        self.new += 1
        now = time.monotonic()
        terminal = sys.stdout.isatty()
        if not terminal and now - self.shown < 30 and self.new < self.remaining:
            return
        self.shown = now
        left = (now - self.begin) / self.new * (self.remaining - self.new)
        total = self.done + self.remaining
        text = (
            f"{self.done + self.new:,} of {total:,} chunks, {state.differences:,} differences, "
            f"{left / 60:.0f} min left"
        )
        print(f"\r{text:<70}" if terminal else text, end="" if terminal else "\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())

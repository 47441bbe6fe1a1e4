"""What is compared over positions: pymargin's passes and calls, and their own plain C++ loops.

``python benchmarks/pool_contenders.py [ACCOUNTS [ROUNDS]]`` compares these alone, on one thread.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pymargin as pm
from benchmarks.peers import cpp_pools
from benchmarks.peers.cpp_loop import compiler
from benchmarks.pool_books import PoolBook, make_pool_book
from benchmarks.rounds import (
    TOLERANCE,
    Contender,
    WrongAnswerError,
    cpu_ratio,
    interleave,
)
from pymargin.futures import FuturesEvaluation, bind_futures
from pymargin.portfolio import PortfolioEvaluation, bind_portfolio

FIELDS = {"usdm": ("margin_ratio", "actions"), "portfolio": ("uni_mmr", "actions")}
MODES = tuple(FIELDS)


class OurPools:
    """One mode's call, with prices and rules as a user gives them, and the pass within it."""

    def __init__(self, book: PoolBook) -> None:
        self.book, self.fields = book, FIELDS[book.mode]
        self.accounts = book.accounts().prepare()
        self.out = self._call(None, 1)

    def _call(self, out: Any, threads: int) -> Any:
        evaluate = getattr(pm, self.book.mode)
        rules, prices = self.book.rules, self.book.prices
        return evaluate(self.accounts, prices, rules, fields=self.fields, out=out, threads=threads)

    def answer(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return level and actions."""
        found = self._call(None, 1)
        level, actions = (getattr(found, name) for name in self.fields)
        return level, actions

    def call(self, threads: int) -> Contender:
        return Contender(
            f"pymargin/{self.book.mode}/call/{threads}",
            f"pymargin {self.book.mode}, the call with a mapping of prices, user order",
            lambda: self._call(self.out, threads),
            threads=threads,
        )

    def run(self, threads: int) -> Contender:
        """The evaluation with prices and rules bound: what is left of the call is work."""
        evaluation, arrays = self._bound(), self.out.arrays()
        return Contender(
            f"pymargin/{self.book.mode}/user/{threads}",
            f"pymargin {self.book.mode}, prices bound, user order",
            lambda: evaluation.run(arrays, threads),
            threads=threads,
        )

    def _bound(self) -> Any:
        options: Any = {"leverage": None, "missing": "raise", "threads": 1}
        mode = pm.Mode(self.book.mode)
        bind: Any = bind_futures if mode is pm.Mode.USDM else bind_portfolio
        found: FuturesEvaluation | PortfolioEvaluation = bind(
            mode, self.accounts, self.book.prices, self.book.rules, **options
        )
        return found


def pool_contenders(
    n: int, threads: int, skipped: dict[str, str], sizes: dict[str, Any]
) -> list[Contender]:
    """Return the contenders of both modes, answers checked; say in `skipped` what cannot run."""
    if compiler() is None:
        skipped["cpp_pools"] = "there is no C++ compiler (c++, g++ or $CXX)"
    return [one for mode in MODES for one in _of_mode(mode, n, threads, sizes)]


def _of_mode(mode: str, n: int, threads: int, sizes: dict[str, Any]) -> Iterator[Contender]:
    book = make_pool_book(mode, n)
    ours = OurPools(book)
    sizes[mode] = {
        "positions": book.n_positions,
        "wallets": len(book.wallets["balance"]),
        "balances": len(book.arrays["free"]),
        "share_beyond_first_bracket": round(book.share_beyond(), 4),
    }
    if compiler() is not None:
        plain = cpp_pools.prepare(book)
        check(mode, plain(), ours.answer())
        yield Contender(f"cpp_pools/{mode}/1", f"{cpp_pools.NAME}, {mode}", plain)
    for one in dict.fromkeys((1, threads)):
        yield ours.run(one)
        yield ours.call(one)


def check(mode: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Refuse levels that differ by more than 1e-9, and actions that differ but for a float tie."""
    level, actions = expected
    is_wrong = ~np.isclose(found[0], level, rtol=TOLERANCE, atol=0)
    limits = np.array([1.0]) if mode == "usdm" else np.array([1.05, 1.2])
    is_tie = (np.abs(level[:, np.newaxis] - limits) <= TOLERANCE * limits).any(axis=1)
    is_wrong |= (found[1] != actions) & ~is_tie
    if is_wrong.any():
        at = int(np.argmax(is_wrong))
        raise WrongAnswerError(
            f"plain C++ loop, {mode}: {int(is_wrong.sum()):,} accounts differ; account {at}: "
            f"{found[0][at]!r} and {int(found[1][at])}, not {level[at]!r} and {int(actions[at])}"
        )


def main(n: int = 1_000_000, rounds: int = 11) -> None:
    """Print processor times, and ratios of the plain loop's to each of ours in the same round."""
    contenders = pool_contenders(n, 1, {}, {})
    interleave(contenders, rounds)
    plain: Contender | None = None
    for one in contenders:
        plain = one if one.key.startswith("cpp_pools") else plain
        ratio = None if plain is None else cpu_ratio(plain, one)
        shown = "" if ratio is None else f"{ratio:6.2f} x"
        print(f"{one.label:70} {median(one.cpu_seconds) * 1e9 / n:8.1f} ns an account {shown}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

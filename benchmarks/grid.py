"""The grid of scenarios: levels and actions of many accounts at many price vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import pymargin as pm
from benchmarks.book import Book
from benchmarks.peers import Answer, Floats
from benchmarks.rounds import Contender, check_answer


@dataclass
class Grid:
    """What is timed, and what it lacks that cannot be."""

    n_levels: int
    shape: str
    contenders: list[Contender] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def compare_grid(whole: Book, n_accounts: int, n_scenarios: int, threads: int) -> Grid:
    """Prepare the contenders on the first accounts of a book; check the answers."""
    book = whole.head(min(n_accounts, len(whole)))
    rng = np.random.Generator(np.random.PCG64(7))
    market = rng.normal(0, 0.1, (n_scenarios, 1))
    prices = book.price * np.exp(market + rng.normal(0, 0.05, (n_scenarios, len(book.price))))
    grid = Grid(len(book) * n_scenarios, f"{len(book):,} x {n_scenarios}")
    if find_spec("numba") is None:
        grid.skipped["numba_grid"] = "numba is not installed"
    else:
        _add_numba(grid, book, prices, threads)
    if hasattr(pm, "stress"):
        _add_ours(grid, book, prices, threads)
    else:
        grid.skipped["pymargin"] = "pymargin has no stress grid here"
    return grid


def _add_numba(grid: Grid, book: Book, prices: Floats, threads: int) -> None:
    peer: Any = import_module("benchmarks.peers.numba_grid")
    for count in dict.fromkeys((1, threads)):
        run = peer.prepare(book, len(prices), count)
        levels, actions = run(prices)
        for scenario in range(0, len(prices), max(1, len(prices) // 5)):
            _check(book, prices, scenario, levels[:, scenario], actions[:, scenario])
        label = f"{peer.NAME}, {grid.shape}, levels and actions"
        grid.contenders.append(
            Contender(f"numba_grid/{count}", label, lambda run=run: run(prices), threads=count)
        )
    levels_alone = peer.prepare_levels(book, len(prices))
    grid.contenders.append(
        Contender(
            "numba_grid/levels/1",
            f"{peer.NAME}, {grid.shape}, collateral margin levels alone",
            lambda: levels_alone(prices),
        )
    )


def _check(
    book: Book, prices: Floats, scenario: int, levels: Floats, actions: np.ndarray[Any, Any]
) -> None:
    """Hold a column of a grid against a single evaluation."""
    single = pm.cross_classic(
        book.accounts(), np.ascontiguousarray(prices[scenario]), book.rules_under("classic_2023")
    )
    second = single.collateral_margin_level
    check_answer(
        f"grid, scenario {scenario}",
        Answer(levels, second, actions),
        Answer(single.margin_level, second, single.actions),
        book.classic_thresholds[book.leverage_class],
    )


def _add_ours(grid: Grid, book: Book, prices: Floats, threads: int) -> None:
    accounts, rules = book.accounts(), book.rules_under("classic_2023")

    def run(count: int, *, worst: bool) -> Any:
        return pm.stress(
            accounts, book.price, rules, prices, worst=worst, mode="cross_classic", threads=count
        )

    found = run(1, worst=False)
    for scenario in range(0, len(prices), max(1, len(prices) // 5)):
        _check(book, prices, scenario, found.level[:, scenario], found.actions[:, scenario])
    for worst in (False, True):
        what = "the worst level of each account" if worst else "levels and actions"
        for count in dict.fromkeys((1, threads)):
            grid.contenders.append(
                Contender(
                    f"pymargin/stress/{'worst' if worst else 'all'}/{count}",
                    f"pymargin.stress, {grid.shape}, {what}",
                    lambda count=count, worst=worst: run(count, worst=worst),
                    threads=count,
                )
            )

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
from benchmarks.rounds import TOLERANCE, Contender, WrongAnswerError, check_answer


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
        for scenario in _some(prices):
            _check(book, prices, scenario, levels[:, scenario], actions[:, scenario])
        label = f"{peer.NAME}, {grid.shape}, levels and actions"
        grid.contenders.append(
            Contender(f"numba_grid/{count}", label, lambda run=run: run(prices), threads=count)
        )
    levels_alone = peer.prepare_levels(book, len(prices))
    _check_levels(book, prices, levels_alone(prices))
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


def _check_levels(book: Book, prices: Floats, levels: Floats) -> None:
    """Hold collateral margin levels against single evaluations."""
    for scenario in _some(prices):
        single = pm.cross_classic(
            book.accounts(),
            np.ascontiguousarray(prices[scenario]),
            book.rules_under("classic_2023"),
            fields=["collateral_margin_level"],
        )
        expected = single.collateral_margin_level
        if not np.allclose(levels[:, scenario], expected, rtol=TOLERANCE, atol=0):
            raise WrongAnswerError(f"grid: collateral margin levels differ in scenario {scenario}")


def _some(prices: Floats) -> range:
    return range(0, len(prices), max(1, len(prices) // 5))


def _add_ours(grid: Grid, book: Book, prices: Floats, threads: int) -> None:
    """Add the results that numba gives, into arrays given as it has them; then our other forms."""
    accounts, rules = book.accounts(), book.rules_under("classic_2023")

    def contender(name: str, what: str, count: int, *, reuses: bool, **options: Any) -> Contender:
        def run(out: pm.Stress | None = None) -> pm.Stress:
            return pm.stress(
                accounts,
                book.price,
                rules,
                prices,
                mode="cross_classic",
                threads=count,
                out=out,
                **({} if out is not None else options),
            )

        kept = run() if reuses else None
        label = f"pymargin.stress, {grid.shape}, {what}"
        key = f"pymargin/stress/{name}/{count}"
        return Contender(key, label, lambda: run(kept), threads=count)

    both, alone = ("level", "actions"), ("collateral_margin_level",)
    found = pm.stress(
        accounts, book.price, rules, prices, mode="cross_classic", fields=both + alone
    )
    for scenario in _some(prices):
        _check(book, prices, scenario, found.level[:, scenario], found.actions[:, scenario])
    _check_levels(book, prices, found.further_levels[alone[0]])
    del found
    for count in dict.fromkeys((1, threads)):
        grid.contenders += [
            contender("both", "levels and actions, out=", count, reuses=True, fields=both),
            contender(
                "levels", "collateral margin levels alone, out=", count, reuses=True, fields=alone
            ),
            contender("all", "all results, new arrays", count, reuses=False),
            contender("worst", "the worst level of each account", count, reuses=False, worst=True),
        ]

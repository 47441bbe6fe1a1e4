"""One share of the work: accounts from its own seed, evaluated in every way, held against integers.

Actions of accounts and of isolated positions, row by row and in slots, by every instruction set
that this processor can run.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import pymargin as pm
from exactness.job import Job
from exactness.pools.book import Book, book_of
from exactness.pools.draw import draw_book
from exactness.pools.estimate import estimate, sums_of
from exactness.pools.integers import BEYOND_TIERS, MODES
from exactness.pools.market import ASSETS, SYMBOLS, Market, draw_market
from exactness.pools.near import move_near
from exactness.pools.plant import Planter, tie_names
from pymargin import _core, oracle

NEAR = 0.6
"""The share of the random accounts that is to be moved beside a threshold."""
_MOST_REPORTED = 20
Actions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A book of one mode, which of its accounts stand on which threshold exactly, and rules."""

    mode: str
    market: Market
    rules: pm.MarginRules
    prices: pm.Prices
    book: Book
    ties: dict[int, str]
    n_rational: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """Actions by the independent check; `n_exact` accounts took integers."""

    actions: Actions
    positions: Actions
    n_exact: int


def run(job: Job) -> dict[str, Any]:
    """Return the record of a chunk: what was compared, and every difference."""
    begin = time.perf_counter()
    rng = random.Random(f"pools {job.seed} {job.kind} {job.index}")
    mode = MODES[job.index % len(MODES)]
    drawn = draw_random(rng, mode, job.size) if job.kind == "random" else draw_ties(rng, mode, job)
    expected = expect(drawn)
    ways, wrong, reported = [], 0, []
    for way, actions, positions in evaluated(drawn):
        ways.append(way)
        differs = actions != expected.actions
        differs[drawn.book.owner("position")[positions != expected.positions]] = True
        found = np.flatnonzero(differs).tolist()
        wrong += len(found)
        reported += [
            difference(drawn, way, i, int(actions[i]), int(expected.actions[i]))
            for i in found[:_MOST_REPORTED]
        ]
    asked = sorted(drawn.ties) if job.kind == "tie" else rng.sample(range(job.size), job.oracle)
    for i in asked:
        answer, of_positions = ask_oracle(drawn, i)
        begin_at, end_at = drawn.book.position_offsets[i : i + 2].tolist()
        if answer != expected.actions[i] or of_positions != (
            expected.positions[begin_at:end_at].tolist()
        ):
            wrong += 1
            reported.append(difference(drawn, "oracle", i, answer, int(expected.actions[i])))
    return {
        "key": job.key,
        "kind": job.kind,
        "mode": mode,
        "accounts": len(drawn.book),
        "exact": expected.n_exact,
        "near": _named(drawn.book.wanted) if job.kind == "random" else {},
        "ties": dict(Counter(drawn.ties.values())),
        "oracle": len(asked),
        "shapes": _shapes(drawn, expected),
        "ways": sorted(ways),
        "differences": {mode: wrong} if wrong else {},
        "reported": reported[:_MOST_REPORTED],
        "seconds": round(time.perf_counter() - begin, 3),
    }


def _drawn(mode: str, market: Market, book: Book, ties: dict[int, str], rational: int = 0) -> Drawn:
    return Drawn(mode, market, market.rules(), market.prices(), book, ties, rational)


def draw_random(rng: random.Random, mode: str, n: int) -> Drawn:
    market = draw_market(rng, mode, short=False)
    generator = np.random.default_rng(rng.getrandbits(64))
    book = draw_book(generator, market, n)
    move_near(book, market, generator, NEAR)
    return _drawn(mode, market, book, {})


def draw_ties(rng: random.Random, mode: str, job: Job) -> Drawn:
    """Draw ties in equal shares for the mode's thresholds, each with its neighbours."""
    market = draw_market(rng, mode, short=True)
    planter = Planter(rng, market)
    names = [name for name in tie_names(mode) if planter.can_plant(name)]
    accounts, sides, wanted, ties, rational = [], [], [], {}, 0
    for k, name in enumerate(names):
        share = job.size * (k + 1) // len(names) - job.size * k // len(names)
        for tie in planter.plant(name, share):
            ties[len(accounts)] = name
            accounts += tie.accounts
            sides += tie.sides * 3
            wanted += [name] * 3
            rational += tie.is_rational
    return _drawn(mode, market, book_of(accounts, sides, wanted), ties, rational)


def expect(drawn: Drawn, *, spare: bool = True) -> Expected:
    """Return actions from integers; with `spare` only where float64 leaves a doubt."""
    book = drawn.book
    settled = np.zeros(len(book), bool)
    actions, positions = np.zeros(len(book), np.int64), np.zeros(len(book.symbol), np.int64)
    if spare:
        estimated = estimate(book, drawn.market, sums_of(book, drawn.market))
        settled, actions, positions = (
            estimated.settled, estimated.actions, estimated.positions,
        )  # fmt: skip
    left = np.flatnonzero(~settled)
    checker = drawn.market.checker()
    for i, account in zip(left.tolist(), book.integers(left), strict=True):
        found = checker.actions(account)
        actions[i] = found.actions
        begin, end = book.position_offsets[i], book.position_offsets[i + 1]
        positions[begin:end] = found.positions
    return Expected(actions, positions, len(left))


def evaluated(drawn: Drawn) -> Iterator[tuple[str, Actions, Actions]]:
    """Evaluate a book in every way: yield actions of accounts and of positions."""
    usual, evaluate = _core.implementation(), getattr(pm, drawn.mode)
    try:
        accounts = drawn.book.accounts()
        # The first evaluations go row by row; the third with vectors lays the pools out in slots.
        for way in ("rows generic", "rows avx2", "slots avx2", "slots generic"):
            try:
                _core.force_implementation(way.partition(" ")[2])
            except ValueError:
                continue
            levels = evaluate(accounts, drawn.prices, drawn.rules, fields=("actions",))
            positions = np.zeros(len(drawn.book.symbol), np.int64)
            if not drawn.market.is_portfolio:
                positions = levels.positions.actions.astype(np.int64)
            yield way, levels.actions.astype(np.int64), positions
    finally:
        _core.force_implementation(usual)


def ask_oracle(drawn: Drawn, account: int) -> tuple[int, list[int]]:
    row = drawn.book.row(account)
    found = getattr(oracle, drawn.mode)(row, drawn.prices, drawn.rules)
    if drawn.market.is_portfolio:
        return int(found.actions), [0] * len(row["positions"])
    return int(found.actions), [int(one.actions) for one in found.positions]


def difference(drawn: Drawn, way: str, account: int, found: int, expected: int) -> dict[str, Any]:
    """Return all that one account's difference takes to be seen again."""
    row, market = drawn.book.row(account), drawn.market
    symbols = sorted({SYMBOLS.index(one["symbol"]) for one in row["positions"]})
    return {
        "mode": drawn.mode,
        "way": way,
        "wanted": str(drawn.book.wanted[account]),
        "found": str(pm.Action(found)),
        "expected": str(pm.Action(expected)),
        "row": row,
        "prices": {
            name: dict(zip(ASSETS, getattr(market, name).tolist(), strict=True))
            for name in ("index", "bid", "ask")
        },
        "symbols": {
            SYMBOLS[s]: {
                "inverse": bool(market.inverse[s]),
                "size": str(market.sizes[s]),
                "settlement": ASSETS[market.settlement[s]],
                "mark": float(market.mark[s]),
                "largest": market.largest[s],
                "brackets": _steps(market.brackets[s]),
            }
            for s in symbols
        },
        "collateral": {a: _steps(s) for a, s in zip(ASSETS, market.collateral, strict=True)},
        "loan_rates": {one: str(rate) for one, rate in market.loan_rates.items()},
        "loan_leverage": list(market.loan_leverage),
    }


def _steps(steps: Any) -> list[list[str | None]]:
    return [[None if cap is None else str(cap), str(rate)] for cap, rate in steps]


def _shapes(drawn: Drawn, expected: Expected) -> dict[str, int]:
    """Count accounts by what they have and what becomes of them."""
    book, market, n = drawn.book, drawn.market, len(drawn.book)
    sums = sums_of(book, market)
    owner = book.owner("position")
    hedged = np.bincount(owner[book.side == 1], minlength=n) > 0
    hedged &= np.bincount(owner[book.side == 2], minlength=n) > 0
    isolated = np.bincount(owner[~np.isnan(book.isolated)], minlength=n) > 0
    owes = np.bincount(book.owner("balance"), book.borrowed, minlength=n) > 0
    return {
        "hedged": int(hedged.sum()),
        "with an isolated position": int(isolated.sum()),
        "in multi-assets mode": int(book.multi_assets.sum()),
        "with negative equity in an asset": int((sums.equity < 0).any(axis=1).sum()),
        "with several settlement assets": int((sums.exists.sum(axis=1) > 1).sum()),
        "of more than ten positions": int((np.diff(book.position_offsets) > 10).sum()),
        "with a margin loan": int(owes.sum()),
        "with orders or an order loss": int(
            ((np.diff(book.order_offsets) > 0) | (book.loss > 0)).sum()
        ),
        "beyond a closed last cap": int(((expected.actions & BEYOND_TIERS) > 0).sum()),
        "ties with an amount that is no decimal": drawn.n_rational,
    }


def _named(wanted: npt.NDArray[np.str_]) -> dict[str, int]:
    names, counts = np.unique(wanted[wanted != ""], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))

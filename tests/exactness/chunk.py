"""One share of the work: accounts from its own seed, evaluated in every way, held against integers.

Each account is evaluated under all seven readings, row by row and in slots, by every instruction
set that this processor can run.
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
from exactness.book import Book, book_of
from exactness.draw import draw_book
from exactness.integers import BEYOND_TIERS, READINGS, Reading
from exactness.job import Job
from exactness.market import ASSETS, Market, draw_market
from exactness.plant import Planter, move_near, thresholds_of
from pymargin import _core, oracle

IMPLEMENTATIONS = ("generic", "avx2")
NEAR = 0.6
"""The share of the random accounts that is to be moved beside a threshold."""
_MOST_REPORTED = 20


@dataclass(frozen=True, slots=True)
class Drawn:
    """A book, and which of its accounts stand on which threshold exactly."""

    market: Market
    book: Book
    ties: dict[int, str]


def run(job: Job) -> dict[str, Any]:
    """Return the record of a chunk: what was compared, by reading, and every difference."""
    begin = time.perf_counter()
    rng = random.Random(f"{job.seed} {job.kind} {job.index}")
    drawn = draw_random(rng, job.size) if job.kind == "random" else draw_ties(rng, job)
    expected = expected_actions(drawn)
    ways = list(evaluated(drawn))
    found_wrong: Counter[str] = Counter()
    reported = []
    for way, r, reading, found in ways:
        wrong = np.flatnonzero(found != expected[:, r]).tolist()
        found_wrong[reading.name] += len(wrong)
        reported += [
            difference(drawn, reading, way, i, int(found[i]), int(expected[i, r]))
            for i in wrong[:_MOST_REPORTED]
        ]
    asked = _asked_of_the_oracle(rng, drawn, job)
    for i, r in asked:
        answer, reading = ask_oracle(drawn, i, READINGS[r]), READINGS[r]
        if answer != expected[i, r]:
            found_wrong[reading.name] += 1
            reported.append(difference(drawn, reading, "oracle", i, answer, int(expected[i, r])))
    return {
        "key": job.key,
        "kind": job.kind,
        "accounts": len(drawn.book),
        "near": _by_reading(drawn.book.wanted) if job.kind == "random" else {},
        "ties": dict(Counter(drawn.ties.values())),
        "oracle": _by_reading(r for _, r in asked),
        "shapes": _shapes(drawn, expected),
        "ways": sorted({way for way, *_ in ways}),
        "differences": dict(+found_wrong),
        "reported": reported[:_MOST_REPORTED],
        "seconds": round(time.perf_counter() - begin, 3),
    }


def draw_random(rng: random.Random, n: int) -> Drawn:
    market = draw_market(rng, short=False)
    book = draw_book(np.random.default_rng(rng.getrandbits(64)), market, n)
    move_near(book, market.checker(), rng, NEAR)
    return Drawn(market, book, {})


def draw_ties(rng: random.Random, job: Job) -> Drawn:
    """Draw ties of one reading, in equal shares for its thresholds, each with its neighbours."""
    number = job.index % len(READINGS)
    reading, market = READINGS[number], draw_market(rng, short=True)
    planter = Planter(rng, market, reading)
    accounts, ratios, ties = [], [], {}
    thresholds = thresholds_of(reading)
    for k, threshold in enumerate(thresholds):
        share = job.size * (k + 1) // len(thresholds) - job.size * k // len(thresholds)
        for tie in planter.plant(threshold, share):
            ties[len(accounts)] = f"{reading.name}: {threshold.name}"
            accounts += tie.accounts
            ratios += [tie.ratio] * 3
    return Drawn(market, book_of(accounts, ratios, number, rng), ties)


def expected_actions(drawn: Drawn) -> npt.NDArray[np.int64]:
    """Return int64[accounts, readings] from integers alone."""
    checker = drawn.market.checker()
    return np.array([checker.actions(account) for account in drawn.book.integers()])


def evaluated(drawn: Drawn) -> Iterator[tuple[str, int, Reading, npt.NDArray[np.uint16]]]:
    """Evaluate a book in every way under every reading."""
    rules, prices = _rules_of(drawn), drawn.market.price_of()
    usual = _core.implementation()
    try:
        accounts = drawn.book.accounts()
        for layout in ("rows", "slots"):
            for name in IMPLEMENTATIONS if layout == "slots" else ("generic",):
                try:
                    _core.force_implementation(name)
                except ValueError:
                    continue
                if layout == "slots":
                    accounts.prepare()
                for r, reading in enumerate(READINGS):
                    levels = levels_of(accounts, prices, rules, reading)
                    yield f"{layout} {name}", r, reading, levels.actions
    finally:
        _core.force_implementation(usual)


def levels_of(
    accounts: pm.Accounts,
    prices: dict[str, float],
    rules: dict[str, pm.MarginRules],
    reading: Reading,
) -> Any:
    """Evaluate what is asked for most, which a pass of its own may give: actions and two levels."""
    if reading.is_pro:
        chosen = rules["classic_2026_06"]
        fields = ("margin_level", "available_margin", "actions")
        return pm.cross_pro(accounts, prices, chosen, **_asked(reading), fields=fields)
    fields = ("margin_level", "collateral_margin_level", "actions")
    return pm.cross_classic(accounts, prices, rules[reading.methodology], fields=fields)


def _asked(reading: Reading) -> Any:
    return {
        "collateral": "net" if reading.net else "gross",
        "order_loss": "standalone" if reading.standalone else "marginal",
    }


def ask_oracle(drawn: Drawn, account: int, reading: Reading) -> int:
    row, prices, rules = drawn.book.row(account), drawn.market.price_of(), _rules_of(drawn)
    if reading.is_pro:
        found = oracle.cross_pro(row, prices, rules["classic_2026_06"], **_asked(reading))
        return int(found.actions)
    return int(oracle.cross_classic(row, prices, rules[reading.methodology]).actions)


_kept: list[tuple[Market, dict[str, pm.MarginRules]]] = []


def _rules_of(drawn: Drawn) -> dict[str, pm.MarginRules]:
    """Return the rules of a market; those of the last one are kept."""
    if not _kept or _kept[0][0] is not drawn.market:
        _kept[:] = [(drawn.market, drawn.market.rules())]
    return _kept[0][1]


def _asked_of_the_oracle(rng: random.Random, drawn: Drawn, job: Job) -> list[tuple[int, int]]:
    """Return (account, reading) to ask: every tie, or so many at random, near ones in theirs."""
    wanted = drawn.book.wanted.tolist()
    if job.kind == "tie":
        return [(i, wanted[i]) for i in drawn.ties]
    chosen = rng.sample(range(len(wanted)), job.oracle)
    return [(i, rng.randrange(len(READINGS)) if wanted[i] < 0 else wanted[i]) for i in chosen]


def difference(
    drawn: Drawn, reading: Reading, way: str, account: int, found: int, expected: int
) -> dict[str, Any]:
    """Return all that one account's difference takes to be seen again."""
    row = drawn.book.row(account)
    names = {balance["asset"] for balance in row["balances"]}
    for order in row.get("orders", ()):
        names |= {order["give_asset"], order["get_asset"]}
    at = [ASSETS.index(name) for name in sorted(names)]
    return {
        "reading": reading.name,
        "way": way,
        "found": str(pm.Action(found)),
        "expected": str(pm.Action(expected)),
        "row": row,
        "prices": {ASSETS[a]: float(drawn.market.prices[a]) for a in at},
        "tables": {
            table: {
                ASSETS[a]: [[None if cap is None else str(cap), str(rate)] for cap, rate in steps]
                for a in at
                if (steps := schedules[a])
            }
            for table, schedules in drawn.market.tables.items()
        },
    }


def _shapes(drawn: Drawn, expected: npt.NDArray[np.int64]) -> dict[str, int]:
    """Count the accounts that owe nothing, only owe, have orders, or exceed a closed last cap."""
    book, starts = drawn.book, drawn.book.offsets[:-1]
    owes = np.add.reduceat(book.borrowed + book.interest, starts) > 0
    holds = np.add.reduceat(book.free + book.locked, starts) > 0
    return {
        "zero debt": int((~owes).sum()),
        "debts only": int((~holds).sum()),
        "with orders or an order loss": int(
            ((np.diff(book.order_offsets) > 0) | (book.open_order_loss > 0)).sum()
        ),
        "with an own margin-call ratio": int((~np.isnan(book.margin_call_ratio)).sum()),
        "beyond tiers in some reading": int(((expected & BEYOND_TIERS) > 0).any(axis=1).sum()),
    }


def _by_reading(numbers: Any) -> dict[str, int]:
    counts = Counter(int(r) for r in numbers if r >= 0)
    return {READINGS[r].name: n for r, n in sorted(counts.items())}

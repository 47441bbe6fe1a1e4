"""The core against the oracle on drawn books: decisions always, values to a derived bound.

The bound. Let u = 2^-53 and S the sum over the account's assets of (held + owed) * price and over
its orders of twice each side's (held + owed + quantity) * price, plus the loss as given. Every
input is within u of its shortest decimal; held = free + locked, its product with the price, the
difference and the smaller of held and owed, a step's rate and offset, their product and sum round
once each: at most 16 u of what the term is computed from, and that is at most S for holdings
(rates are at most 1) and at most 2 * R * S for liabilities, R the largest rate, since a quick
deduction is at most rate * value. A value that rounding carries over a cap moves the schedule,
which is continuous, by at most R times that rounding. A sum of n terms from left to right rounds
once a term: (n - 1) u of S. Together below (n + 64) * 2^-52 of 2 * max(R, 1) * S for each total,
of N and of D. A quotient then adds (|error of N| + level * |error of D|) / D and its own rounding.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import CLASSIC, Book

import pymargin as pm
from pymargin import oracle
from pymargin.oracle.schedule import exact, exact_decimal

N_ACCOUNTS = 150
EXAMPLES = 12  # of N_ACCOUNTS accounts, for each of the seven readings: 12,600 accounts a run
BOOKS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SMALL = settings(BOOKS, max_examples=60)
READINGS = [(c, o) for c in ("gross", "net") for o in ("marginal", "standalone")]
CLASSIC_FIELDS = ("total_asset", "total_liability", "collateral_value")
CLASSIC_LEVELS = (
    "margin_level",
    "collateral_margin_level",
    "borrow_margin_level",
    "transfer_out_margin_level",
)
PRO_FIELDS = (
    "net_collateral",
    "open_order_loss",
    "maintenance_margin",
    "initial_margin",
    "available_margin",
)


def largest_rate(rules: pm.MarginRules) -> Fraction:
    tables = ("liability_maintenance", "liability_initial")
    rates = [tier.rate for t in tables for name in rules.names(t) for tier in rules.tiers(t, name)]
    return max([Fraction(1), *map(exact_decimal, rates)])


def bound(row: Mapping[str, Any], prices: Mapping[str, float], found: Any) -> Fraction:
    """Return the most that a total may be off by where no rate exceeds 1, as derived above."""
    size = sum(((t.held + t.owed) * (t.price or 0) for t in found.terms), Fraction(0))
    units = {term.asset: term.held + term.owed for term in found.terms}
    orders = getattr(found, "orders", ())
    for order in orders:
        for asset, quantity in (
            (order.give_asset, order.give_quantity),
            (order.get_asset, order.get_quantity),
        ):
            size += 2 * (units.get(asset, 0) + quantity) * exact(prices.get(asset, 1.0))
    size += exact(row.get("open_order_loss") or 0)
    return (len(found.terms) + len(orders) + 64) * Fraction(1, 2**52) * 2 * size


def is_close(value: float, exactly: Fraction | float, off_by: Fraction) -> bool:
    if isinstance(exactly, float):
        return value == exactly or (math.isnan(value) and math.isnan(exactly))
    return math.isfinite(value) and abs(Fraction(value) - exactly) <= off_by


def level_bound(
    level: Fraction | float, denominator: Fraction, off_by: Fraction
) -> Fraction | None:
    """Return the bound of a level, N being of up to three totals; None where D may be nothing."""
    if isinstance(level, float):
        return Fraction(0)
    if denominator <= off_by:
        return None
    quotient = (3 * off_by + abs(level) * off_by) / (denominator - off_by)
    return quotient + abs(level) * Fraction(1, 2**52)


def disagreements(
    book: Book,
    fields: Sequence[str],
    levels: Sequence[str],
    denominator: str,
    core: Any,
    exact_of: Any,
) -> Iterator[str]:
    largest = largest_rate(book.rules)
    columns = {name: getattr(core, name).tolist() for name in (*fields, *levels, "actions")}
    for i, row in enumerate(book.rows):
        found = exact_of(row)
        if columns["actions"][i] != int(found.actions):
            yield report(book, row, "actions", pm.Action(columns["actions"][i]), found.actions)
        off_by = bound(row, book.prices, found) * largest if found.checks else Fraction(0)
        for name in fields:
            if not is_close(columns[name][i], getattr(found, name), off_by):
                yield report(book, row, name, columns[name][i], getattr(found, name))
        for name in levels:
            level = getattr(found, name)
            within = level_bound(level, getattr(found, denominator), off_by)
            if within is not None and not is_close(columns[name][i], level, within):
                yield report(book, row, name, columns[name][i], level)


def report(book: Book, row: Mapping[str, Any], name: str, core: object, exactly: object) -> str:
    names = {balance["asset"] for balance in row["balances"]}
    for order in row.get("orders", ()):
        names |= {order["give_asset"], order["get_asset"]}
    prices = {asset: book.prices.get(asset) for asset in sorted(names)}
    shown = f"{exactly} (about {float(exactly)!r})" if isinstance(exactly, Fraction) else exactly
    return f"{name} is {core!r}, exactly {shown}: {row} at {prices}"


def in_both_layouts(evaluate: Callable[..., Any], accounts: pm.Accounts) -> Any:
    """Evaluate row by row and in the prepared layout: the same bits are promised."""
    by_row = evaluate(accounts)
    in_slots = evaluate(accounts, order="slot")
    prepared = evaluate(accounts)
    for name in by_row.names:
        expected = getattr(by_row, name)
        assert getattr(prepared, name).tobytes() == expected.tobytes(), name
        assert getattr(in_slots, name).tobytes() == expected[in_slots.book_rows].tobytes(), name
    return by_row


def check_classic(book: Book, **options: Any) -> None:
    core = in_both_layouts(
        lambda accounts, **order: pm.cross_classic(
            accounts, book.prices, book.rules, **options, **order
        ),
        pm.Accounts.from_rows(book.rows),
    )
    faults = disagreements(
        book,
        CLASSIC_FIELDS,
        CLASSIC_LEVELS,
        "total_liability",
        core,
        lambda row: oracle.cross_classic(row, book.prices, book.rules),
    )
    assert not (first := next(faults, None)), first


def check_pro(book: Book, collateral: str, order_loss: str, **options: Any) -> None:
    readings = {"collateral": collateral, "order_loss": order_loss}
    core = in_both_layouts(
        lambda accounts, **order: pm.cross_pro(
            accounts, book.prices, book.rules, **readings, **options, **order
        ),
        pm.Accounts.from_rows(book.rows),
    )
    faults = disagreements(
        book,
        PRO_FIELDS,
        ("margin_level",),
        "maintenance_margin",
        core,
        lambda row: oracle.cross_pro(row, book.prices, book.rules, **readings),
    )
    assert not (first := next(faults, None)), first


@pytest.mark.parametrize("methodology", CLASSIC)
def test_classic_agrees_on_thousands_of_accounts(methodology):
    @BOOKS
    @given(strategies.books(N_ACCOUNTS, classic=[methodology]))
    def agrees(book):
        check_classic(book)

    agrees()


@pytest.mark.parametrize(("collateral", "order_loss"), READINGS)
def test_pro_agrees_on_thousands_of_accounts(collateral, order_loss):
    @BOOKS
    @given(strategies.books(N_ACCOUNTS))
    def agrees(book):
        check_pro(book, collateral, order_loss)

    agrees()


def pro_book(price: float, maintenance: strategies.Steps, **balance: float) -> Book:
    tables = {
        "collateral": {"X": ((None, 1),)},
        "liability_maintenance": {"X": maintenance},
        "liability_initial": {"X": ((None, "0.5"),)},
    }
    row = {"account": 1, "balances": [{"asset": "X", **balance}]}
    return Book(strategies.make_rules(tables), {"X": price}, [row])


FREE_TO_100 = ((100, 0), (None, "0.1"))
FOUND = {
    "a debt far beyond a single closed tier": pro_book(1.0, ((100, "0.1"),), borrowed=200.0),
    "a debt one float beyond a single closed tier": pro_book(
        6.32, ((16_000, "0.1"),), borrowed=2531.6455696202534
    ),
    "a deficit that rounds to nothing, without a margin": pro_book(
        0.064,
        FREE_TO_100,
        free=51.70813681411774,
        locked=0.25009404999445456,
        borrowed=51.958230864112195,
    ),
    "a debt exactly at the end of a tier at rate 0": pro_book(
        0.07, FREE_TO_100, borrowed=100 / 0.07
    ),
    "a debt that floats carry past the end of a tier at rate 0": pro_book(
        0.010012733574173973, ((2_800, 0), (None, "0.1")), borrowed=279643.9133487074
    ),
}


@pytest.mark.parametrize("case", FOUND)
@pytest.mark.parametrize("collateral", ["gross", "net"])
def test_cases_found_by_drawing_agree(case, collateral):
    check_pro(FOUND[case], collateral, "marginal")


@pytest.mark.parametrize("prices", [{}, {"X": 7.0}], ids=["price", "brackets"])
def test_unpriced_accounts_of_a_prepared_book_are_only_flagged(prices):
    bare = strategies.make_rules({"collateral": {"X": ((100, 1), (None, "0.5"))}})
    balance = {"asset": "X", "free": 100.0, "borrowed": 50.0}
    rows = [{"account": i, "balances": [balance]} for i in range(9)]
    check_pro(Book(bare, prices, rows), "gross", "marginal", missing="flag")


@SMALL
@given(strategies.small_books(), st.sampled_from(READINGS))
def test_small_books_agree(book, readings):
    check_classic(book)
    check_pro(book, *readings)


@SMALL
@given(strategies.books(20, gaps=True), st.sampled_from(READINGS))
def test_books_with_missing_prices_and_schedules_agree(book, readings):
    check_classic(book, missing="flag")
    check_pro(book, *readings, missing="flag")


def flipping_floats(
    decide: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bisect every account's own quantity down to two neighbouring floats.

    `decide` gives the actions at the quantities; they differ between `low` and `high`.
    """
    at_low = decide(low)
    # The bits of positive floats are ordered as the floats are.
    below, above = low.view(np.int64).copy(), high.view(np.int64).copy()
    while ((above - below) > 1).any():
        middle = below + (above - below) // 2
        is_low = decide(middle.view(np.float64)) == at_low
        below, above = np.where(is_low, middle, below), np.where(is_low, above, middle)
    return below.view(np.float64), above.view(np.float64)


@pytest.mark.parametrize("methodology", CLASSIC)
def test_classic_agrees_on_the_floats_where_a_decision_flips(methodology):
    rng = random.Random(f"flip {methodology}")
    for _ in range(6):
        book = strategies.random_book(rng, 60, classic=methodology)
        check_flips(
            book,
            lambda accounts, book=book: pm.cross_classic(accounts, book.prices, book.rules).actions,
            lambda row, book=book: oracle.cross_classic(row, book.prices, book.rules).actions,
        )


@pytest.mark.parametrize(("collateral", "order_loss"), READINGS)
def test_pro_agrees_on_the_floats_where_a_decision_flips(collateral, order_loss):
    rng = random.Random(f"flip {collateral} {order_loss}")
    readings = {"collateral": collateral, "order_loss": order_loss}
    for _ in range(6):
        book = strategies.random_book(rng, 60)
        check_flips(
            book,
            lambda accounts, book=book: (
                pm.cross_pro(accounts, book.prices, book.rules, **readings).actions
            ),
            lambda row, book=book: (
                oracle.cross_pro(row, book.prices, book.rules, **readings).actions
            ),
        )


def check_flips(book: Book, core: Any, exact_actions: Any) -> None:
    """Move each account's first holding between nothing and a fortune, to where it flips."""
    rows = [row for row in book.rows if row["balances"][0].get("free")]
    base = pm.Accounts.from_rows(rows)
    first = base._offsets[:-1]

    def decide(quantities: np.ndarray) -> np.ndarray:
        for row, quantity in zip(rows, quantities.tolist(), strict=True):
            row["balances"][0]["free"] = quantity
        return core(pm.Accounts.from_rows(rows)).copy()

    low, high = np.full(len(first), 1e-12), np.full(len(first), 1e16)
    sides = flipping_floats(decide, low, high)
    beside = (np.nextafter(sides[0], 0.0), np.nextafter(sides[1], np.inf))
    for quantities in (*sides, *beside):
        found = decide(quantities)
        for i, row in enumerate(rows):
            exactly = exact_actions(row)
            assert pm.Action(int(found[i])) == exactly, report(
                book, row, "actions", pm.Action(int(found[i])), exactly
            )

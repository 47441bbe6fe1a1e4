"""What is lacking to a threshold, for whole books, against the oracle in every mode.

The bound: N and D are each within the bound of the mode's totals (test_agreement and
test_agreement_pools derive it) of the exact ones, so theta * D - N is within (1 + |theta|) times
that, with a few roundings of its own. Whether it is above 0 is the oracle's answer, always.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_rows import CLASSIC, MODES, random_prices, random_row, random_rules
from oracle_rules import ALL, position, rules_of
from pool_books import pool_book, settled_size
from strategies import make_rules, random_book

import pymargin as pm
from pymargin import oracle

POOL_MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")
AT: dict[str, tuple[Any, ...]] = {
    "cross_classic": ("liquidation", "margin_call", "bankruptcy", 1.7, 0, -0.25),
    "cross_pro": ("liquidation", "margin_call", "bankruptcy", 2, 0.5, -1.5),
    "portfolio": ("liquidation", "margin_call", "bankruptcy", 3, -2.125),
    "portfolio_pro": ("liquidation", "margin_call", "bankruptcy", 1.5),
    "usdm": ("liquidation", "bankruptcy", 2.5, 0, -0.5),
    "coinm": ("liquidation", "bankruptcy", 2.5),
}


def exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(float(value))))


def size_of(row: Mapping[str, Any], prices: Mapping[str, float]) -> Fraction:
    """Bound what the sums of a cross-margin row are computed from, USDT."""
    total = exact(row.get("open_order_loss") or 0)
    for balance in row["balances"]:
        parts = ("free", "locked", "borrowed", "interest")
        units = sum(exact(balance.get(part) or 0) for part in parts)
        total += units * exact(prices.get(balance["asset"], 1.0))
    orders = row.get("orders") or ()
    for order in orders:
        for side in ("give", "get"):
            price = exact(prices.get(order[f"{side}_asset"], 1.0))
            total += 4 * exact(order.get(f"{side}_quantity") or 0) * price
    return total * (1 + 2 * len(orders))


def check(found: float, expected: Any, size: Fraction, terms: int, at: Any) -> None:
    if isinstance(expected, float):
        assert math.isnan(expected)
        assert math.isnan(found)
        return
    assert (found > 0) == (expected > 0)
    # Random thresholds stay below 3; amounts, which some of their lines are on, below 100.
    theta = 3 if isinstance(at, str) else abs(exact(at))
    error = (1 + theta) * (2 * terms + 64) * Fraction(1, 2**51) * (2 * size + 100)
    assert abs(Fraction(found) - expected) <= error


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9), classic=st.sampled_from(CLASSIC), data=st.data())
def test_cross_margin_is_the_oracles(seed: int, classic: str, data: Any) -> None:
    book = random_book(random.Random(seed), 40, classic=classic)
    accounts = pm.Accounts.from_rows(book.rows)
    mode = data.draw(st.sampled_from(("cross_classic", "cross_pro")))
    at = data.draw(st.sampled_from(AT[mode]))
    options = {
        "leverage": 3,
        "collateral": data.draw(st.sampled_from(("gross", "net"))),
        "order_loss": data.draw(st.sampled_from(("marginal", "standalone"))),
    }
    found = pm.shortfall(accounts, book.prices, book.rules, at, mode=mode, **options)
    for number, row in enumerate(book.rows):
        expected = oracle.shortfall(row, book.prices, book.rules, at, mode=mode, **options)
        terms = len(row["balances"]) + len(row.get("orders") or ())
        check(found.usdt[number], expected, size_of(row, book.prices), terms, at)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("mode", POOL_MODES)
def test_pools_and_isolated_positions_are_the_oracles(mode: str, gaps: bool, seed: int) -> None:
    book, prices = pool_book(seed, mode, 50, gaps=gaps, orders=True)
    accounts = pm.Accounts.from_rows(book.rows)
    at = AT[mode][seed % len(AT[mode])]
    found = pm.shortfall(accounts, prices, book.rules, at, missing="flag")
    isolated = 0
    for number, row in enumerate(book.rows):
        expected = oracle.shortfall(row, prices, book.rules, at)
        size, terms = _pool_size(row, prices, book.rules)
        check(found.usdt[number], expected, size, terms, at)
        first = int(accounts.positions.offsets[number])
        for k, leg in enumerate(row["positions"]):
            if "isolated_margin" not in leg:
                assert math.isnan(found.positions[first + k])
                continue
            isolated += 1
            expected = oracle.shortfall(row, prices, book.rules, at, position=k)
            check(found.positions[first + k], expected, size, terms, at)
    assert isolated or mode.startswith("portfolio")


def _pool_size(row: Mapping[str, Any], prices: pm.Prices, rules: Any) -> tuple[Fraction, int]:
    legs = sum(len(row.get(key, ())) for key in ("balances", "wallets", "positions", "orders"))
    known = {**prices.index, **prices.mark}
    if any(math.isnan(price) for price in known.values()):
        # What is unpriced is NaN on both sides; of the rest no more is asked than its sign.
        return Fraction(10) ** 30, legs
    return settled_size(row, prices, rules), legs


@settings(max_examples=60, deadline=None)
@given(rng=st.randoms(use_true_random=False), mode=st.sampled_from(MODES))
def test_small_accounts_around_their_thresholds(rng: random.Random, mode: str) -> None:
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    at = rng.choice(AT[mode])
    found = pm.shortfall(pm.Accounts.from_rows([row]), prices, rules, at)
    expected = oracle.shortfall(row, prices, rules, at)
    assert not isinstance(expected, float)
    assert (found.usdt[0] > 0) == (expected > 0)
    assert found.is_short.tolist() == [expected > 0]
    assert found.usdt[0] == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


PLAIN = {name: [(None, "1")] for name in ("USDT", "A00")}
PRO = make_rules(
    {
        "collateral": PLAIN,
        "liability_maintenance": {name: [(None, "0.05")] for name in PLAIN},
        "liability_initial": {name: [(None, "0.1")] for name in PLAIN},
    }
)


@pytest.mark.parametrize("place", [-1, 0, 1])
def test_a_unit_of_the_last_place_is_lacking_or_is_not(place: int) -> None:
    """Classic at 1.1 exactly: nothing lacks; a unit below: that unit, exactly."""
    rows: list[dict[str, Any]] = []
    for number in range(300):
        owed = (number + 1) / 64
        held = round(owed * 1.1, 12)
        held = math.nextafter(held, place * math.inf) if place else held
        balances = [{"asset": "A00", "free": held}, {"asset": "USDT", "borrowed": owed}]
        rows.append({"account": number, "leverage": 3, "balances": balances})
    found = pm.shortfall(pm.Accounts.from_rows(rows), {"A00": 1.0}, PRO, mode="cross_classic")
    for number, row in enumerate(rows):
        held, owed = (row["balances"][k][name] for k, name in ((0, "free"), (1, "borrowed")))
        lacking = max(exact(owed) * Fraction(11, 10) - exact(held), Fraction(0))
        assert (lacking > 0) == (place < 0)
        assert found.usdt[number] == pytest.approx(float(lacking), rel=1e-12, abs=0)
        assert (found.usdt[number] > 0) == (place < 0)


@pytest.mark.parametrize("place", [-1, 0, 1])
def test_a_unit_of_the_last_place_of_a_futures_wallet(place: int) -> None:
    rules = rules_of(usdm={"AUSDT": [(None, "0.004", 20)]})
    leg = position("AUSDT", 3.5, 7.25)
    # Maintenance 0.004 * 3.5 * 8 = 0.112, profit 2.625.
    wallet = round(0.112 - 2.625, 6)
    wallet = math.nextafter(wallet, place * math.inf) if place else wallet
    row = {"account": 1, "mode": "usdm", "positions": [leg],
           "wallets": [{"asset": "USDT", "balance": wallet}]}  # fmt: skip
    found = pm.shortfall(pm.Accounts.from_rows([row]), {"AUSDT": 8.0}, rules)
    assert found.is_short.tolist() == [place < 0]
    assert (found.usdt[0] == 0) == (place >= 0)


def test_with_the_shortfall_the_level_is_the_threshold() -> None:
    rules = rules_of(usdm={"AUSDT": [(None, "0.004", 20)]})
    row = {"account": 1, "mode": "usdm", "positions": [position("AUSDT", -100, 8)],
           "wallets": [{"asset": "USDT", "balance": 150}]}  # fmt: skip
    accounts, prices = pm.Accounts.from_rows([row]), {"AUSDT": 10.0}
    lacking = pm.shortfall(accounts, prices, rules).usdt[0]
    assert lacking == 54
    topped = pm.after(accounts, [{"account": 1, "asset": "USDT", "wallet": lacking}])
    assert pm.usdm(topped, prices, rules).margin_level.tolist() == [1.0]


def test_a_mixed_book_has_the_shortfalls_of_its_modes() -> None:
    rng = random.Random(3)
    rules, prices = random_rules(rng), random_prices(rng)
    rows = [random_row(rng, MODES[k % 6], prices) | {"account": k} for k in range(60)]
    found = pm.shortfall(pm.Accounts.from_rows(rows), prices, rules)
    expected = [float(oracle.shortfall(row, prices, rules)) for row in rows]
    assert found.usdt == pytest.approx(expected, rel=1e-9, abs=1e-9)
    legs = [
        float(oracle.shortfall(row, prices, rules, position=k)) if "isolated_margin" in leg else nan
        for row in rows
        for k, leg in enumerate(row.get("positions", ()))
        for nan in [math.nan]
    ]
    assert any(leg > 0 for leg in legs)
    assert found.positions == pytest.approx(legs, rel=1e-9, abs=1e-9, nan_ok=True)
    assert np.array_equal(np.asarray(found), found.usdt)
    assert len(found) == 60
    assert found.rules_digest == rules.digest
    assert found.methodology.split("+") == sorted(found.methodology.split("+"))


@pytest.mark.parametrize("threads", [2, 0])
def test_bits_are_the_same_for_any_threads(threads: int) -> None:
    book, prices = pool_book(3, "usdm", 9000)
    accounts = pm.Accounts.from_rows(book.rows)
    one = pm.shortfall(accounts, prices, book.rules, 3.0)
    other = pm.shortfall(accounts, prices, book.rules, 3.0, threads=threads)
    assert np.array_equal(one.usdt, other.usdt)
    assert np.array_equal(one.positions, other.positions, equal_nan=True)


REFUSED: Sequence[tuple[Any, str]] = (
    ("insolvency", "liquidation, margin_call, bankruptcy or a level, not 'insolvency'"),
    ("margin_call", "to must be a decision of usdm"),
    (math.nan, "to must be a level: finite"),
    (True, "to must be a level"),
    (1e12, "to must be a level"),
    (Decimal("1.0000000000000000001"), "of at most 18 digits"),
    (None, "to must be a level"),
)


@pytest.mark.parametrize(("to", "message"), REFUSED)
def test_what_is_no_threshold(to: Any, message: str) -> None:
    accounts = pm.Accounts.from_rows([{"account": 1, "mode": "usdm"}])
    rules = rules_of(usdm={"AUSDT": [(None, "0.004", 20)]})
    with pytest.raises(pm.MarginError, match=message):
        pm.shortfall(accounts, {}, rules, to)


def test_an_account_with_nothing_lacks_nothing() -> None:
    rules = rules_of(usdm={"AUSDT": [(None, "0.004", 20)]}, portfolio={"USDT": ALL})
    rows = [{"account": k, "mode": mode} for k, mode in enumerate(("usdm", "portfolio"))]
    rows.append({"account": 9, "mode": "usdm", "multi_assets": True})
    found = pm.shortfall(pm.Accounts.from_rows(rows), {}, rules)
    assert found.usdt.tolist() == [0, 0, 0]

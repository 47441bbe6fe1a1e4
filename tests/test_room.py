"""How much may be borrowed and taken out, for whole books: the float below the oracle's answer.

The oracle's answer is the exact amount at which the decision changes. Ours is the largest float64
whose decimal is not beyond it and which the exact decision permits: the same amount where that is a
float and permitted, else the float just below.
"""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_rows import ASSETS, MODES, random_prices, random_row, random_rules
from oracle_rules import ALL, rules_of
from pool_books import ASSETS as POOL_ASSETS
from pool_books import pool_book
from strategies import random_book

import pymargin as pm
from pymargin import oracle

BORROWS = ("cross_classic", "cross_pro", "portfolio", "portfolio_pro")


def exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(float(value))))


def check(found: float, expected: Any, where: Any) -> None:
    """Assert that a float is the largest one at or just below an exact answer."""
    if isinstance(expected, float):
        assert found == expected or (math.isnan(found) and math.isnan(expected)), where
        return
    assert exact(found) <= expected, where
    # The answer itself may be refused: then it is the float below.
    above = math.nextafter(math.nextafter(found, math.inf), math.inf)
    assert found == expected or exact(above) > expected, where


def changed(row: dict[str, Any], asset: str, held: float, owed: float) -> dict[str, Any]:
    """Return a row with more of an asset held and owed, in exact decimals."""
    rows = [dict(one) for one in row.get("balances", ())]
    one = next((one for one in rows if one["asset"] == asset), None)
    if one is None:
        one = {"asset": asset}
        rows.append(one)
    one["free"] = Decimal(repr(float(one.get("free", 0)))) + Decimal(repr(float(held)))
    one["borrowed"] = Decimal(repr(float(one.get("borrowed", 0)))) + Decimal(repr(float(owed)))
    return row | {"balances": rows}


@settings(max_examples=150, deadline=None)
@given(rng=st.randoms(use_true_random=False), mode=st.sampled_from(BORROWS))
def test_small_accounts_borrow_as_the_oracle_says(rng: random.Random, mode: str) -> None:
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    asset = rng.choice(ASSETS)
    limit = rng.choice((None, None, 0.0, 250.0))
    collateral = rng.choice(("gross", "net"))
    withdrawal = rng.choice(("maintenance", "initial"))
    options: dict[str, Any] = {"collateral": collateral, "withdrawal": withdrawal, "limit": limit}
    found = pm.max_borrow(pm.Accounts.from_rows([row]), prices, rules, asset, **options)
    check(found[0], oracle.max_borrow(row, prices, rules, asset, **options), row)


@settings(max_examples=200, deadline=None)
@given(rng=st.randoms(use_true_random=False), mode=st.sampled_from(MODES))
def test_small_accounts_take_out_as_the_oracle_says(rng: random.Random, mode: str) -> None:
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    asset = rng.choice(ASSETS)
    collateral = rng.choice(("gross", "net"))
    withdrawal = rng.choice(("maintenance", "initial"))
    options: dict[str, Any] = {"collateral": collateral, "withdrawal": withdrawal}
    found = pm.max_transfer_out(pm.Accounts.from_rows([row]), prices, rules, asset, **options)
    check(found[0], oracle.max_transfer_out(row, prices, rules, asset, **options), row)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mode", ["cross_classic", "cross_pro"])
@pytest.mark.parametrize("question", ["max_borrow", "max_transfer_out"])
def test_books_of_many_balances_and_orders(question: str, mode: str, seed: int) -> None:
    classic = ("classic_2023", "classic_2026_01", "classic_2026_06")[seed]
    book = random_book(random.Random(seed), 30, classic=classic)
    accounts = pm.Accounts.from_rows(book.rows)
    for asset in ("USDT", accounts.assets[seed + 3], "A46"):
        options: dict[str, Any] = {"mode": mode, "leverage": 5}
        ours, theirs = getattr(pm, question), getattr(oracle, question)
        found = ours(accounts, book.prices, book.rules, asset, **options)
        for number, row in enumerate(book.rows):
            check(found[number], theirs(row, book.prices, book.rules, asset, **options), row)


@pytest.mark.parametrize("mode", ["usdm", "coinm", "portfolio", "portfolio_pro"])
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
def test_books_of_pools(mode: str, gaps: bool) -> None:
    book, prices = pool_book(5, mode, 40, gaps=gaps, orders=True)
    accounts = pm.Accounts.from_rows(book.rows)
    for asset in POOL_ASSETS[:4]:
        found = pm.max_transfer_out(accounts, prices, book.rules, asset, missing="flag")
        for number, row in enumerate(book.rows):
            check(found[number], oracle.max_transfer_out(row, prices, book.rules, asset), row)
        if mode.startswith("portfolio"):
            found = pm.max_borrow(accounts, prices, book.rules, asset, missing="flag")
            for number, row in enumerate(book.rows):
                check(found[number], oracle.max_borrow(row, prices, book.rules, asset), row)


@settings(max_examples=60, deadline=None)
@given(rng=st.randoms(use_true_random=False), mode=st.sampled_from(("cross_classic", "cross_pro")))
def test_the_answer_is_permitted_and_the_next_float_is_not(rng: random.Random, mode: str) -> None:
    rules, prices = random_rules(rng), random_prices(rng)
    row = random_row(rng, mode, prices)
    asset = rng.choice(ASSETS)
    (most,) = pm.max_borrow(pm.Accounts.from_rows([row]), prices, rules, asset)
    actions = [
        getattr(oracle, mode)(changed(row, asset, x, x), prices, rules).actions
        for x in (most, math.nextafter(most, math.inf))
        if math.isfinite(x)
    ]
    may = [bool(one & pm.Action.BORROW) for one in actions]
    assert may in ([], [True, False]) or (most == 0 and may == [False, False])


def test_the_published_maximum_of_pro() -> None:
    """FAQ 84aac4a6: available margin 8,888 over an initial rate of 0.1112."""
    rules = rules_of(
        collateral={"BTC": ALL, "USDC": ALL},
        liability_maintenance={"BTC": [(None, "0.02")], "USDC": [(None, "0.03")]},
        liability_initial={"BTC": [(None, "0.1112")], "USDC": [(None, "0.1112")]},
    )
    row = {"account": 1, "mode": "cross_pro",
           "balances": [{"asset": "BTC", "free": 2, "borrowed": 1}]}  # fmt: skip
    accounts = pm.Accounts.from_rows([row, {"account": 2, "mode": "cross_pro"}])
    found = pm.max_borrow(accounts, {"BTC": 10_000, "USDC": 1}, rules, "USDC")
    assert found.tolist() == [math.nextafter(8888 / 0.1112, 0), 0] or found[0] == 8888 / 0.1112
    check(found[0], Fraction(8888) / Fraction(1112, 10_000), row)


def test_limits_by_account() -> None:
    rules = rules_of(portfolio={"USDT": ALL, "A": ALL}, parts={"loan_leverage": {"A": 3}})
    rows = [
        {"account": k, "mode": "portfolio", "balances": [{"asset": "USDT", "free": 100}]}
        for k in range(3)
    ]
    accounts = pm.Accounts.from_rows(rows)
    found = pm.max_borrow(accounts, {"A": 4}, rules, "A", limit=[10, 1e9, math.inf])
    assert found.tolist() == [10, 50, 50]
    for limit, message in ((-1, "limit must be 0 or more"), ([1, 2], r"of shape \(3,\)"),
                           ("x", "limit must be a number"), (math.nan, "0 or more")):  # fmt: skip
        with pytest.raises(pm.MarginError, match=message):
            pm.max_borrow(accounts, {"A": 4}, rules, "A", limit=limit)


def test_futures_do_not_borrow() -> None:
    accounts = pm.Accounts.from_rows([{"account": 1, "mode": "usdm"}])
    rules = rules_of(usdm={"AUSDT": [(None, "0.004", 20)]})
    with pytest.raises(pm.MarginError, match="mode must be one that borrows, not usdm"):
        pm.max_borrow(accounts, {}, rules, "USDT", mode="usdm")
    with pytest.raises(pm.MarginError) as caught:
        pm.max_borrow(accounts, {}, rules, "USDT")
    assert str(caught.value) == (
        "accounts must be of modes that borrow (`select` leaves others out), not usdm "
        "(1 account, the first 1)"
    )


def test_an_asset_that_cannot_be_valued() -> None:
    rules = rules_of(
        collateral={"USDT": ALL},
        liability_maintenance={"USDT": ALL},
        liability_initial={"USDT": ALL},
        portfolio={"USDT": ALL, "B": ALL},
    )
    for mode, asset, why in (
        ("cross_pro", "A", "A has no finite price: it is what is borrowed"),
        ("cross_pro", "B", "B has no schedule in cross_pro"),
        ("portfolio", "A", "A has no price above 0"),
        ("portfolio", "B", "B has no loan_leverage of 3, 5, 10 in 1 account:"),
        ("portfolio", "C", "C has no schedule in portfolio"),
    ):
        row = {"account": 1, "mode": mode, "balances": [{"asset": "USDT", "free": 1}]}
        accounts, prices = pm.Accounts.from_rows([row]), {"B": 1, "C": 1}
        with pytest.raises(pm.UnpricedError, match=why):
            pm.max_borrow(accounts, prices, rules, asset)
        found = pm.max_borrow(accounts, prices, rules, asset, missing="flag")
        assert np.isnan(found).all()
        assert np.isnan(float(oracle.max_borrow(row, prices, rules, asset)))


def test_bits_are_the_same_for_any_threads() -> None:
    book = random_book(random.Random(5), 1500, classic="classic_2023")
    accounts = pm.Accounts.from_rows(book.rows)
    for question in (pm.max_borrow, pm.max_transfer_out):
        one, two = (
            question(accounts, book.prices, book.rules, "USDT", mode="cross_pro", threads=t)
            for t in (1, 2)
        )
        assert np.array_equal(one, two, equal_nan=True)

"""Switching between Classic and Pro, for whole books: the decision is the oracle's, always."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_rows import CLASSIC
from strategies import make_rules, random_book

import pymargin as pm
from pymargin import _core, oracle
from pymargin.rules.thresholds import DEFAULT_THRESHOLDS

TARGETS = ("cross_classic", "cross_pro")


@pytest.fixture(params=["rows", "slots"])
def layout(request: pytest.FixtureRequest) -> Any:
    before = _core.implementation()
    if request.param == "rows":
        _core.force_implementation("generic")
    yield request.param
    _core.force_implementation(before)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9), classic=st.sampled_from(CLASSIC), to=st.sampled_from(TARGETS))
def test_every_account_is_judged_as_the_oracle_does(seed: int, classic: str, to: str) -> None:
    book = random_book(random.Random(seed), 60, classic=classic)
    accounts = pm.Accounts.from_rows(book.rows)
    found = pm.switch(accounts, book.prices, book.rules, to, leverage=3)
    for number, row in enumerate(book.rows):
        expected = oracle.switch(row, book.prices, book.rules, to, leverage=3)
        assert found.allowed[number] == expected.allowed, row
        assert found.limit[number] == float(expected.limit)
    if to == "cross_pro":
        level = pm.cross_pro(accounts, book.prices, book.rules).margin_level
    else:
        levels = pm.cross_classic(accounts, book.prices, book.rules, leverage=3)
        level = levels.collateral_margin_level
    assert np.array_equal(found.level, level, equal_nan=True)


PLAIN = {name: [(None, "1")] for name in ("USDT", "A00")}
RULES = make_rules(
    {
        "collateral": PLAIN,
        "liability_maintenance": {name: [(None, "0.05")] for name in PLAIN},
        "liability_initial": {name: [(None, "0.1")] for name in PLAIN},
    }
)


def tie(number: int, place: int, to: str) -> dict[str, Any]:
    """Return an account whose level is exactly the limit, or a unit of the last place aside."""
    rng = random.Random(f"{to}/{number}")
    owed = rng.randrange(1, 10_000) / 64
    leverage = rng.choice((3, 5))
    # Pro: (held - owed) / (0.05 owed) = 2; Classic: held / owed = 1.5 or 1.25.
    factor = 1.1 if to == "cross_pro" else {3: 1.5, 5: 1.25}[leverage]
    held = round(owed * factor, 12)
    held = math.nextafter(held, place * math.inf) if place else held
    balances = [{"asset": "A00", "free": held}, {"asset": "USDT", "borrowed": owed}]
    return {"account": number, "leverage": leverage, "balances": balances}


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("place", [-1, 0, 1])
def test_exactly_the_limit_is_not_above_it(to: str, place: int, layout: str) -> None:
    rows = [tie(number, place, to) for number in range(400)]
    accounts = pm.Accounts.from_rows(rows)
    if layout == "slots":
        accounts.prepare()
    found = pm.switch(accounts, {"A00": 1.0}, RULES, to)
    assert found.allowed.tolist() == [place > 0] * len(rows)
    exact = oracle.switch(rows[7], {"A00": 1.0}, RULES, to)
    assert (exact.level == exact.limit) == (place == 0)


def test_the_rules_own_thresholds_do_not_matter_and_are_not_forgotten() -> None:
    assert RULES.thresholds == DEFAULT_THRESHOLDS
    rows = [tie(number, 1, "cross_classic") for number in range(10)]
    accounts = pm.Accounts.from_rows(rows)
    before = pm.cross_classic(accounts, {"A00": 1.0}, RULES).actions
    assert pm.switch(accounts, {"A00": 1.0}, RULES, "cross_classic").allowed.all()
    assert np.array_equal(pm.cross_classic(accounts, {"A00": 1.0}, RULES).actions, before)


def test_an_unpriced_account_may_not_switch() -> None:
    rows = [{"account": k, "balances": [{"asset": a, "free": 1}]} for k, a in enumerate(PLAIN)]
    accounts = pm.Accounts.from_rows(rows)
    with pytest.raises(pm.UnpricedError, match="A00 has no finite price"):
        pm.switch(accounts, {}, RULES, "cross_pro")
    found = pm.switch(accounts, {}, RULES, "cross_pro", missing="flag")
    assert (found.rules_digest, found.methodology) == (RULES.digest, "pro_2025")
    assert found.allowed.tolist() == [True, False]
    assert found.level.tolist()[0] == math.inf
    assert math.isnan(found.level[1])
    assert len(found) == 2


def test_nothing_owed_and_less_than_nothing() -> None:
    order = {"give_asset": "USDT", "give_quantity": 9, "get_asset": "A00", "get_quantity": 1}
    rows = [
        {"account": 0, "balances": [{"asset": "USDT", "free": 5}]},
        {"account": 1, "open_order_loss": 1},
        {"account": 2, "balances": [{"asset": "USDT", "free": 9}], "orders": [order]},
    ]
    accounts = pm.Accounts.from_rows(rows)
    found = pm.switch(accounts, {"A00": 1.0}, RULES, "cross_pro")
    assert found.level.tolist() == [math.inf, -math.inf, math.inf]
    assert found.allowed.tolist() == [True, False, True]


@pytest.mark.parametrize("to", ["portfolio", "classic", None])
def test_there_are_two_modes_to_switch_to(to: Any) -> None:
    accounts = pm.Accounts.from_rows([{"account": 1}])
    with pytest.raises(pm.MarginError, match="to must be cross_classic or cross_pro"):
        pm.switch(accounts, {}, RULES, to)


def test_classic_needs_a_leverage() -> None:
    accounts = pm.Accounts.from_rows([{"account": 1}])
    with pytest.raises(pm.AccountsError, match="leverage must be given"):
        pm.switch(accounts, {}, RULES, "cross_classic")
    assert pm.switch(accounts, {}, RULES, "cross_classic", leverage=5).limit.tolist() == [1.25]


def test_bits_are_the_same_for_any_threads() -> None:
    book = random_book(random.Random(5), 9000, classic="classic_2023")
    accounts = pm.Accounts.from_rows(book.rows)
    one, two = (
        pm.switch(accounts, book.prices, book.rules, "cross_pro", threads=t) for t in (1, 2)
    )
    assert np.array_equal(one.level, two.level)
    assert np.array_equal(one.allowed, two.allowed)


@pytest.mark.parametrize("to", ["cross_classic", "cross_pro"])
def test_accounts_of_portfolio_margin_and_futures_do_not_switch(to: str) -> None:
    """They need no leverage and no price either: nothing is asked of them."""
    balances = [{"asset": "USDT", "free": 1000}]
    rows: list[dict[str, Any]] = [
        {"account": 1, "mode": "usdm", "wallets": [{"asset": "ABC", "balance": -5}]},
        {"account": 2, "mode": "cross_classic", "leverage": 3, "balances": balances},
        {"account": 3, "mode": "portfolio", "balances": [{"asset": "ABC", "free": 1}]},
        {"account": 4, "leverage": 5, "balances": balances},
        {"account": 5, "mode": "coinm"},
    ]
    rules = pm.example_rules()
    found = pm.switch(pm.Accounts.from_rows(rows), {}, rules, to)
    assert found.allowed.tolist() == [False, True, False, True, False]
    assert np.isnan(found.level).tolist() == [True, False, True, False, True]
    assert found.ids.tolist() == [1, 2, 3, 4, 5]
    for row, level, limit, allowed in zip(
        rows, found.level, found.limit, found.allowed, strict=True
    ):
        theirs = oracle.switch(row, {}, rules, to)
        assert theirs.allowed == allowed
        assert np.array_equal([float(theirs.level), float(theirs.limit)], [level, limit],
                              equal_nan=True)  # fmt: skip

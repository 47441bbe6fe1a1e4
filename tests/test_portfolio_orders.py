"""Open orders under portfolio margin: their loss, and every decision with it, as the oracle."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from oracle_rules import ALL, rules_of
from pool_books import evaluate_oracle, pool_book
from test_agreement_pools import error_bound, evaluated, is_close, layout  # noqa: F401

import pymargin as pm

MODES = ("portfolio", "portfolio_pro")
TOTALS = ("account_equity", "open_order_loss", "available_balance", "max_withdrawal")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
def test_every_decision_is_the_oracles(mode: str, seed: int, gaps: bool, layout: str) -> None:  # noqa: F811
    book, prices = pool_book(seed, mode, 120, gaps=gaps, orders=True)
    levels = evaluated(mode, book, prices, layout, "flag" if gaps else "raise")
    expected = [int(evaluate_oracle(mode, row, prices, book.rules).actions) for row in book.rows]
    assert levels.actions.tolist() == expected


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", MODES)
def test_totals_are_the_oracles_within_the_bound(mode: str, seed: int) -> None:
    book, prices = pool_book(seed, mode, 120, orders=True)
    levels = evaluated(mode, book, prices, "rows", "raise")
    losses = 0
    for number, row in enumerate(book.rows):
        exact = evaluate_oracle(mode, row, prices, book.rules)
        error = error_bound(row, prices, book.rules)
        losses += exact.open_order_loss > 0
        for name in TOTALS:
            found = float(getattr(levels, name)[number])
            assert is_close(found, getattr(exact, name), error), (name, row)
    assert losses > 20


def tied(number: int, place: int) -> dict[str, Any]:
    """Return an account whose uniMMR is exactly 1.05 with its orders, or a unit to either side.

    All equity is rated whole but A's, which counts 0.5: to buy A with USDT loses half of it.
    """
    rng = random.Random(number)
    debt = rng.randrange(1, 4000) / 4
    spent = rng.randrange(1, 4000) / 8
    # uniMMR = (equity - spent / 2) / (debt / 10): loans at 3x ask for a tenth.
    free = Decimal(repr(debt)) * Decimal("1.105") + Decimal(repr(spent)) / 2
    found = float(free)
    assert Decimal(repr(found)) == free
    found = math.nextafter(found, place * math.inf) if place else found
    return {
        "account": number,
        "balances": [
            {"asset": "USDT", "free": found},
            {"asset": "USDC", "borrowed": debt, "loan_leverage": 3},
        ],
        "orders": [
            {"give_asset": "USDT", "give_quantity": spent, "get_asset": "A", "get_quantity": spent}
        ],
    }


@pytest.mark.parametrize("place", [-1, 0, 1])
def test_exactly_the_threshold_liquidates_and_one_unit_more_does_not(
    place: int,
    layout: str,  # noqa: F811
) -> None:
    rules = rules_of(portfolio={"USDT": ALL, "USDC": ALL, "A": [(None, "0.5")]})
    prices = {"USDC": 1.0, "A": 1.0}
    rows = [tied(number, place) for number in range(300)]
    accounts = pm.Accounts.from_rows(rows)
    for _ in range(4 if layout == "slots" else 1):
        levels = pm.portfolio(accounts, prices, rules)
    is_due = (levels.actions & pm.Action.LIQUIDATE) != 0
    assert is_due.all() if place <= 0 else not is_due.any()
    exact = evaluate_oracle("portfolio", rows[0], pm.Prices(index=prices), rules)
    assert (exact.uni_mmr == Fraction(21, 20)) == (place == 0)


def test_bits_are_the_same_on_rows_and_slots_and_for_any_threads() -> None:
    book, prices = pool_book(3, "portfolio_pro", 3000, orders=True)
    accounts = pm.Accounts.from_rows(book.rows)
    results = [pm.portfolio_pro(accounts, prices, book.rules, threads=t) for t in (1, 2, 1, 2, 1)]
    for name in results[0].names:
        expected = getattr(results[0], name)
        for other in results[1:]:
            assert np.array_equal(getattr(other, name), expected, equal_nan=True), name


def test_an_order_names_what_it_lacks() -> None:
    rules = rules_of(portfolio={"USDT": ALL})
    order = {"give_asset": "USDT", "give_quantity": 1, "get_asset": "A", "get_quantity": 1}
    row = {"account": 1, "balances": [{"asset": "USDT", "free": 1}], "orders": [order]}
    accounts = pm.Accounts.from_rows([row])
    with pytest.raises(pm.UnpricedError, match=r"A has no finite price: 1 open order of it"):
        pm.portfolio(accounts, {}, rules)
    with pytest.raises(pm.UnpricedError, match="A has no schedule in portfolio"):
        pm.portfolio(accounts, {"A": 1}, rules)
    flagged = pm.portfolio(accounts, {"A": 1}, rules, missing="flag")
    assert flagged.actions.tolist() == [pm.Action.UNPRICED_ASSET]

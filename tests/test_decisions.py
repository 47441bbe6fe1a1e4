"""Accounts planted exactly on each threshold: every action as the lines' `<=` and `<` say.

What is expected comes from integers alone (`ties.py`). 10,000 accounts stand exactly on each
threshold, and each of them also one unit of a decimal place to either side.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import ties
from strategies import make_rules

import pymargin as pm
from pymargin import oracle

N_EXACT = 10_000
CLASSIC = tuple(map(ties.Mode, ("classic_2023", "classic_2026_01", "classic_2026_06")))
PRO = tuple(ties.Mode("pro_2025", net, alone) for net in (False, True) for alone in (False, True))
THRESHOLDS = {
    "liquidation 1.1": (CLASSIC, "margin", 110, False),
    "margin call 1.16 (5x)": (CLASSIC, "margin", 116, False),
    "margin call 1.3 (3x)": (CLASSIC, "margin", 130, False),
    "own margin call 1.37": (CLASSIC, "margin", 137, True),
    "borrow 1.25 (5x)": (CLASSIC, "borrow", 125, False),
    "borrow 1.5 (3x)": (CLASSIC, "borrow", 150, False),
    "transfer out 2": (CLASSIC, "transfer", 200, False),
    "pro liquidation 1.0": (PRO, "margin", 100, False),
    "pro margin call 1.5": (PRO, "margin", 150, False),
    "pro own margin call 1.83": (PRO, "margin", 183, True),
    "pro transfer out 2": (PRO, "margin", 200, False),
    "pro borrow, available margin 0": (PRO, "available", 0, False),
}
EACH_THRESHOLD = pytest.mark.parametrize("threshold", THRESHOLDS)


@functools.cache
def planted(threshold: str) -> list[ties.Ties]:
    modes, level, limit, own = THRESHOLDS[threshold]
    shares = [N_EXACT // len(modes)] * len(modes)
    shares[0] += N_EXACT - sum(shares)
    return [
        book
        for mode, n in zip(modes, shares, strict=True)
        for book in ties.planted(mode, level, limit, n, seed=2, own=own)
    ]


@functools.cache
def tie_rules(mode: ties.Mode) -> pm.MarginRules:
    classic = "classic_2026_06" if mode.is_pro else mode.methodology
    return make_rules(ties.tables_as_decimals(), classic=classic)


def readings(mode: ties.Mode) -> dict[str, str]:
    return {
        "collateral": "net" if mode.net else "gross",
        "order_loss": "standalone" if mode.standalone else "marginal",
    }


def actions_of(book: ties.Ties, *, threads: int = 1, **changed: Any) -> list[int]:
    """Return the actions, which are the same row by row and in the prepared layout."""
    accounts = pm.Accounts.from_arrays(**{**book.arrays(), **changed})
    by_row = evaluate(book, accounts, threads=threads)
    evaluate(book, accounts, order="slot")  # prepares the book
    assert evaluate(book, accounts, threads=threads).actions.tolist() == by_row.actions.tolist()
    return by_row.actions.tolist()


def evaluate(book: ties.Ties, accounts: pm.Accounts, **options: Any) -> pm.Levels:
    rules = tie_rules(book.mode)
    if book.mode.is_pro:
        return pm.cross_pro(accounts, book.prices, rules, **readings(book.mode), **options)
    return pm.cross_classic(accounts, book.prices, rules, **options)


def wrong(book: ties.Ties, found: list[int]) -> Iterator[str]:
    for i, row in enumerate(book.rows()):
        if found[i] != book.actions[i]:
            names = [str(pm.Action(actions)) for actions in (found[i], book.actions[i])]
            yield f"{book.mode}, prices {book.prices}: {row} gives {names[0]}, not {names[1]}"


@EACH_THRESHOLD
def test_ten_thousand_accounts_stand_on_it_and_as_many_to_either_side(threshold):
    signs = [sign for book in planted(threshold) for sign in book.signs]
    assert [signs.count(sign) for sign in (-1, 0, 1)] == [N_EXACT] * 3


@EACH_THRESHOLD
def test_actions_are_exact_at_the_threshold(threshold):
    faults = [fault for book in planted(threshold) for fault in wrong(book, actions_of(book))]
    assert not faults, f"{len(faults)} of {3 * N_EXACT} wrong, the first: {faults[0]}"


@EACH_THRESHOLD
def test_oracle_is_exact_at_the_threshold(threshold):
    faults = []
    for book in planted(threshold):
        sample = range(0, len(book.accounts), 97)
        rows, rules = list(book.rows()), tie_rules(book.mode)
        found = list(book.actions)
        for i in sample:
            if book.mode.is_pro:
                levels = oracle.cross_pro(rows[i], book.prices, rules, **readings(book.mode))
            else:
                levels = oracle.cross_classic(rows[i], book.prices, rules)
            found[i] = int(levels.actions)
        faults += wrong(book, found)
    assert not faults, faults[0]


@EACH_THRESHOLD
def test_one_float_beside_the_threshold_core_and_oracle_agree(threshold):
    """Every holding moved by one ulp: decimals of 16 and 17 digits, a hair from the tie."""
    for book in planted(threshold):
        arrays, rows, rules = book.arrays(), list(book.rows()), tie_rules(book.mode)
        sample = [i for i in range(0, len(rows), 211) if book.signs[i] == 0]
        for toward in (0.0, math.inf):
            moved = np.where(arrays["free"] > 0, np.nextafter(arrays["free"], toward), 0.0)
            found = actions_of(book, free=moved)
            for i in sample:
                row = dict(rows[i], balances=[dict(balance) for balance in rows[i]["balances"]])
                for balance in row["balances"]:
                    if balance["free"]:
                        balance["free"] = math.nextafter(balance["free"], toward)
                if book.mode.is_pro:
                    exact = oracle.cross_pro(row, book.prices, rules, **readings(book.mode))
                else:
                    exact = oracle.cross_classic(row, book.prices, rules)
                assert pm.Action(found[i]) == exact.actions, row


def test_every_planted_float_reads_back_as_its_decimal():
    for book in planted("pro own margin call 1.83"):
        for account, row in zip(book.accounts, book.rows(), strict=True):
            for balance in row["balances"]:
                quantities = [Decimal(repr(balance[name])) * ties.UNIT for name in ties.QUANTITIES]
                assert quantities == account.balances[balance["asset"]]


def test_the_result_is_the_same_for_two_threads():
    for book in planted("borrow 1.5 (3x)"):
        assert actions_of(book) == actions_of(book, threads=2)

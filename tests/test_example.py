"""The example book: its shape, and that it is the same every time."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from account_rows import assert_same

from pymargin import Accounts, Action, cross_classic, cross_pro, evaluate, example_rules
from pymargin.example import example_accounts, example_prices, example_table


@pytest.fixture(scope="module")
def book():
    return example_accounts(20_000)


@pytest.fixture(scope="module")
def rules():
    return example_rules()


def digest(accounts):
    content = hashlib.sha256()
    for name in ("_offsets", "_asset_ids", "_free", "_borrowed", "_leverage", "_mode"):
        content.update(getattr(accounts, name).tobytes())
    return content.hexdigest()[:16]


def test_every_asset_of_the_example_rules_has_a_price(rules):
    assert example_prices().keys() == set(rules.names("collateral"))


def test_all_prices_are_positive():
    assert min(example_prices().values()) > 0


def test_the_same_seed_gives_the_same_book():
    assert_same(example_accounts(500, seed=3), example_accounts(500, seed=3))


def test_another_seed_gives_another_book():
    assert digest(example_accounts(500, seed=3)) != digest(example_accounts(500, seed=4))


def test_the_book_is_the_same_on_every_machine():
    assert digest(example_accounts(1000)) == "094802ef329bab6f"


def test_positions_are_spread_as_in_a_real_book(book):
    counts = np.diff(book._offsets)
    assert 5.0 < counts.mean() < 5.4
    assert (np.median(counts), np.percentile(counts, 90)) == (4, 11)
    assert (counts.min(), counts.max()) >= (1, 30)
    assert counts.max() <= 40


def test_two_fifths_or_so_owe_nothing(book):
    owing = np.add.reduceat(book._borrowed > 0, book._offsets[:-1]) > 0
    assert 0.42 < 1 - owing.mean() < 0.46


def test_quantities_have_eight_decimals(book):
    assert np.array_equal(np.round(book._free, 8), book._free)


@pytest.mark.parametrize("evaluated", [cross_classic, cross_pro])
def test_every_outcome_occurs(book, rules, evaluated):
    actions = evaluated(book, example_prices(), rules).actions
    for action in (
        *(Action.TRADE, Action.BORROW, Action.TRANSFER_OUT),
        *(Action.MARGIN_CALL, Action.LIQUIDATE),
    ):
        assert (actions & int(action)).any(), action


def test_nothing_is_unpriced(book, rules):
    actions = evaluate(book, example_prices(), rules).actions
    assert not (actions & int(Action.UNPRICED)).any()


def test_few_are_liquidated(book, rules):
    actions = evaluate(book, example_prices(), rules).actions
    assert 0.003 < (actions & int(Action.LIQUIDATE) != 0).mean() < 0.03


def test_no_accounts_are_refused():
    with pytest.raises(ValueError, match="n must be >= 1, not 0"):
        example_accounts(0)


def test_the_table_is_the_book_in_arrow():
    read = Accounts.from_arrow(example_table(500, seed=3))
    assert_same(read, example_accounts(500, seed=3), same_numbering=False)

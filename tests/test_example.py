"""The example book: its shape, and that it is the same every time."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from account_rows import assert_same

from pymargin import (
    Accounts,
    Action,
    Mode,
    cross_classic,
    cross_pro,
    evaluate,
    example_rules,
    oracle,
)
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


@pytest.fixture(scope="module")
def mixed():
    return example_accounts(2000, modes=list(Mode))


@pytest.fixture(scope="module")
def marked():
    return example_prices(marks=True)


def actions_of(book, mode, prices, rules, n):
    """The actions of the first n accounts of a mode, by the definition."""
    level = getattr(oracle, mode.value)
    numbers = np.flatnonzero(book._mode == list(Mode).index(mode) + 1)[:n]
    return [level(book.row(number), prices, rules).actions for number in numbers.tolist()]


def test_marks_are_added_for_every_contract(rules, marked):
    assert marked.keys() == {*rules.names("collateral"), *rules.contracts}


def test_marks_are_near_the_index(rules, marked):
    for symbol, contract in rules.contracts.items():
        quote = marked[contract.settlement_asset] if contract.product == "usdm" else 1
        assert marked[symbol] == pytest.approx(marked[contract.base_asset] / quote, rel=0.01)


def test_a_book_of_all_modes_has_each_in_proportion(mixed):
    shares = np.bincount(mixed._mode, minlength=7)[1:] / len(mixed)
    assert shares == pytest.approx([0.4, 0.1, 0.1, 0.05, 0.25, 0.1], abs=0.03)


def test_modes_stand_in_no_order(mixed):
    assert len(np.flatnonzero(np.diff(mixed._mode.astype(int)))) > len(mixed) / 2
    assert mixed.ids.tolist() == sorted(mixed.ids.tolist())


@pytest.mark.parametrize("mode", list(Mode))
def test_a_book_may_be_of_one_mode(mode):
    book = example_accounts(50, modes=[mode])
    assert set(book._mode.tolist()) == {list(Mode).index(mode) + 1}


def test_the_same_seed_gives_the_same_mixed_book(mixed):
    assert_same(example_accounts(2000, modes=[str(mode) for mode in Mode]), mixed)


def test_futures_have_every_kind_of_position(mixed):
    positions = mixed.positions
    assert set(positions.side.tolist()) == {0, 1, 2}
    assert 0.05 < (~np.isnan(positions.isolated_margin)).mean() < 0.25
    assert {0.0, 1.0, 20.0, 125.0} <= set(positions.leverage.tolist())
    assert (positions.quantity < 0).any()
    assert mixed.multi_assets.any()
    assert set(mixed.loan_leverage.tolist()) == {0, 3, 5, 10}


def test_futures_of_a_portfolio_are_of_both_products_and_all_cross():
    book = example_accounts(200, modes=["portfolio"])
    held = {book.symbols[number] for number in book.positions.symbol_ids}
    assert {"BTCUSDT", "BTCUSD_PERP"} <= held
    assert np.isnan(book.positions.isolated_margin).all()


def test_about_three_positions_stand_in_a_futures_account():
    book = example_accounts(3000, modes=["usdm", "coinm"])
    assert 2.8 < len(book.positions) / len(book) < 3.6


def test_nobody_has_more_symbols_than_there_are():
    # 24 COIN-M symbols; one draw in five thousand asks for more.
    book = example_accounts(30_000, modes=["coinm"])
    symbols = book.positions.symbol_ids.astype(np.int64)
    owner = np.repeat(np.arange(len(book)), np.diff(book.positions.offsets))
    pairs = np.unique(owner * len(book.symbols) + symbols)
    most = np.bincount(pairs // len(book.symbols)).max()
    assert most == len(np.unique(symbols)) == 24


@pytest.mark.parametrize("mode", list(Mode)[2:])
def test_nothing_of_futures_is_unpriced_and_few_are_liquidated(mixed, marked, rules, mode):
    actions = actions_of(mixed, mode, marked, rules, 90)
    assert not any(action & Action.UNPRICED for action in actions)
    assert sum(bool(action & Action.LIQUIDATE) for action in actions) < 9


def test_some_futures_are_liquidated_and_some_of_their_isolated_positions(marked, rules):
    book = example_accounts(400, modes=["usdm"])
    actions = actions_of(book, Mode.USDM, marked, rules, 400)
    for wanted in (Action.LIQUIDATE, Action.ISOLATED_LIQUIDATE, Action.TRANSFER_OUT):
        assert any(action & wanted for action in actions), wanted


def test_no_modes_are_refused():
    with pytest.raises(ValueError, match="modes must name at least one mode"):
        example_accounts(1, modes=[])


def test_the_mixed_table_is_the_mixed_book_in_arrow(mixed):
    read = Accounts.from_arrow(example_table(2000, modes=list(Mode)))
    assert_same(read, mixed, same_numbering=False)

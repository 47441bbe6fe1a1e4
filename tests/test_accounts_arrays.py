"""Accounts from arrays, joined and selected."""

from __future__ import annotations

import numpy as np
import pytest
from account_rows import assert_same, few, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from pymargin import Accounts, AccountsError
from pymargin.ids import ids_from_values

ARRAYS = {
    "ids": [1, 2],
    "offsets": [0, 2, 3],
    "assets": ("BTC", "ETH"),
    "asset_ids": [0, 1, 1],
    "free": [1.0, 2.0, 3.0],
}


def build(**changes):
    return Accounts.from_arrays(**(ARRAYS | changes))


def refusal(**changes):
    with pytest.raises(AccountsError) as caught:
        build(**changes)
    return str(caught.value)


def test_contiguous_arrays_are_not_copied():
    arrays = {
        "ids": np.array([1, 2]),
        "offsets": np.array([0, 2, 3]),
        "asset_ids": np.array([0, 1, 1], dtype=np.uint16),
        **{name: np.ones(3) for name in ("free", "locked", "borrowed", "interest")},
        "margin_call_ratio": np.ones(2),
    }
    book = build(**arrays)
    assert np.shares_memory(book.ids, arrays.pop("ids"))
    for name, array in arrays.items():
        assert getattr(book, f"_{name}").ctypes.data == array.ctypes.data, name


def test_the_array_of_the_caller_stays_writable():
    free = np.ones(3)
    build(free=free)
    assert free.flags.writeable


def test_the_order_of_the_assets_is_kept():
    assert build(assets=("ZEC", "ETH", "BTC")).assets == ("ZEC", "ETH", "BTC")


def test_entries_of_zeros_are_dropped():
    book = build(free=[0, 1, 0], borrowed=[0, 0, 2])
    assert (book._offsets.tolist(), book._asset_ids.tolist()) == ([0, 1, 2], [1, 1])


def test_account_values_are_kept():
    book = build(
        leverage=[0, 5],
        margin_call_ratio=[np.nan, 1.5],
        open_order_loss=[0, 7],
        mode=[None, "cross_pro"],
        country=["fr", None],
    )
    assert book._leverage.tolist() == [0, 5]
    assert book._margin_call_ratio[1] == 1.5
    assert book._open_order_loss.tolist() == [0, 7]
    assert book._mode.tolist() == [0, 2]
    assert book.country.tolist() == ["FR", None]


def test_one_mode_may_be_given_for_all():
    assert build(mode="cross_classic")._mode.tolist() == [1, 1]


def test_more_assets_than_uint16_counts_take_uint32():
    names = [f"A{i}" for i in range(65_536)]
    assert build(assets=names, asset_ids=[0, 1, 65_535])._asset_ids.dtype == np.uint32
    assert build(assets=names[:-1], asset_ids=[0, 1, 65_534])._asset_ids.dtype == np.uint16


ORDERS = {
    "order_offsets": [0, 0, 1],
    "order_give_ids": [0],
    "order_get_ids": [1],
    "order_give_quantity": [2.0],
    "order_get_quantity": [3.0],
}


def test_orders_are_kept():
    book = build(**ORDERS)
    assert book._order_offsets.tolist() == [0, 0, 1]
    assert book._order_get_quantity.tolist() == [3.0]


WALLETS = {"offsets": [0, 1, 2], "asset_ids": [1, 0], "balance": [-1.0, 2.0]}
POSITIONS = {
    "offsets": [0, 0, 2],
    "symbol_ids": [0, 1],
    "quantity": [1.0, -2.0],
    "entry_price": [10.0, 20.0],
}
FUTURES = {"symbols": ("BTCUSDT", "ETHUSDT"), "wallets": WALLETS, "positions": POSITIONS}


def test_wallets_and_positions_are_kept():
    book = build(**FUTURES)
    assert book.wallets.balance.tolist() == [-1, 2]
    assert book.positions.symbol_ids.tolist() == [0, 1]
    assert book.positions.side.tolist() == [0, 0]
    assert book.symbols == ("BTCUSDT", "ETHUSDT")


def test_wallets_and_positions_of_another_book_are_taken_without_a_copy():
    other = build(**FUTURES)
    book = build(symbols=other.symbols, wallets=other.wallets, positions=other.positions)
    assert_same(book, other)
    assert np.shares_memory(book.positions.quantity, other.positions.quantity)
    assert np.shares_memory(book.wallets.balance, other.wallets.balance)


def test_arrays_of_sections_are_read_only():
    book = build(**FUTURES)
    with pytest.raises(ValueError, match="read-only"):
        book.positions.quantity[0] = 2
    with pytest.raises(ValueError, match="read-only"):
        book.wallets.balance[0] = 2


def test_a_leverage_of_0_is_none():
    book = build(**FUTURES | {"positions": POSITIONS | {"leverage": [0, 20]}})
    assert book.positions.leverage.tolist() == [0, 20]
    assert build(loan_leverage=[0, 3, 0]).loan_leverage.tolist() == [0, 3, 0]


def test_more_symbols_than_uint16_counts_take_uint32():
    symbols = tuple(f"S{i}" for i in range(65_536))
    book = build(symbols=symbols, positions=POSITIONS | {"symbol_ids": [0, 65_535]})
    assert book.positions.symbol_ids.dtype == np.uint32


def test_concat_numbers_the_symbols_of_all_books():
    other = build(ids=[3, 4], symbols=("SOLUSDT", "BTCUSDT"), positions=POSITIONS)
    book = Accounts.concat([build(), build(ids=[5, 6], **FUTURES), other])
    assert book.symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    assert book.positions.offsets.tolist() == [0, 0, 0, 0, 2, 2, 4]
    assert book.positions.symbol_ids.tolist() == [0, 1, 2, 0]


def test_select_keeps_the_symbols():
    book = build(**FUTURES).select([0])
    assert (book.symbols, len(book.positions)) == (("BTCUSDT", "ETHUSDT"), 0)


MODES = "cross_classic, cross_pro, portfolio, portfolio_pro, usdm or coinm"
FAULTS = {
    "start": ({"offsets": [1, 2, 3]}, "offsets[0] must be 0, not 1"),
    "decreasing": (
        {"offsets": [0, 4, 3]},
        "offsets[2] must be at least offsets[1], not 3 < 4",
    ),
    "end": ({"offsets": [0, 1, 2]}, "offsets[2] must be 3, the number of entries, not 2"),
    "offsets type": (
        {"offsets": [0, 1.5, 3]},
        "offsets must be a one-dimensional array of integers, not 1 dimensions of float64",
    ),
    "length": ({"free": [1, 2]}, "free must be of length 3, not 2"),
    "type": (
        {"free": ["a", "b", "c"]},
        "free must be a one-dimensional array of numbers, not 1 dimensions of <U1",
    ),
    "bool": (
        {"free": [True, False, True]},
        "free must be a one-dimensional array of numbers, not 1 dimensions of bool",
    ),
    "id": ({"asset_ids": [0, 1, 2]}, "asset_ids[2] must be from 0 to 1, not 2"),
    "wide id": ({"asset_ids": [0, 1, 65_536]}, "asset_ids[2] must be from 0 to 1, not 65536"),
    "negative id": ({"asset_ids": [0, 1, -1]}, "asset_ids[2] must be from 0 to 1, not -1"),
    "uint16 id": (
        {"asset_ids": np.array([0, 1, 2], np.uint16)},
        "balances[0].asset_id must be less than 2, the number of assets, not 2 (account 2)",
    ),
    "assets": ({"assets": ("BTC", "BTC")}, "assets[1] must be unique, not 'BTC' again"),
    "asset name": ({"assets": ("BTC", "")}, "assets[1] must be the name of an asset, not ''"),
    "mixed ids": ({"ids": ["a", 1]}, "ids: account ids must be all str or all int, not int, str"),
    "empty id": ({"ids": ["a", ""]}, "ids must be non-empty, not ''"),
    "float ids": ({"ids": [1.0, 2.0]}, "ids: account ids must be all str or all int, not float"),
    "large ids": ({"ids": np.array([1, 2**63], np.uint64)}, "ids: account ids must fit int64"),
    "leverage": ({"leverage": [3, 4]}, "leverage must be 3 or 5, not 4.0 (account 2)"),
    "loss": (
        {"open_order_loss": [0, np.nan]},
        "open_order_loss must be finite and >= 0, not nan (account 2)",
    ),
    "mode": ({"mode": "isolated"}, f"mode must be {MODES} (spot isolated"),
    "modes": ({"mode": ["cross_pro", "x"]}, f"mode must be {MODES}, not 'x'"),
    "mode length": ({"mode": ["cross_pro"]}, "mode must be of length 2, not 1"),
    "country": ({"country": ["DE", "X"]}, "country must be two ISO letters, not 'X' (account 2)"),
    "country length": ({"country": ["DE"]}, "country must be of length 2, not 1"),
    "orders": (
        {"order_offsets": [0, 0, 0]},
        "orders need all their arrays; order_give_ids, order_get_ids, order_give_quantity, "
        "order_get_quantity not given",
    ),
    "wallets": (
        {"wallets": {"offsets": [0, 0, 0], "asset_ids": []}},
        "wallets.balance: is an array that must be there",
    ),
    "wallet id": (
        {"wallets": WALLETS | {"asset_ids": [2, 0]}},
        "wallets.asset_ids[0] must be from 0 to 1, not 2",
    ),
    "wallet offsets": (
        {"wallets": WALLETS | {"offsets": [0, 1, 1]}},
        "wallets.offsets[2] must be 2, the number of entries, not 1",
    ),
    "wallet balance": (
        {"wallets": WALLETS | {"balance": [1, np.inf]}},
        "wallets[0].balance must be finite, not inf (account 2)",
    ),
    "symbols": ({"symbols": ("A", "A")}, "symbols[1] must be unique, not 'A' again"),
    "symbol": ({"symbols": ("",)}, "symbols[0] must be the name of a symbol, not ''"),
    "symbol id": (
        FUTURES | {"symbols": ("BTCUSDT",)},
        "positions.symbol_ids[1] must be from 0 to 0, not 1",
    ),
    "position array": (
        FUTURES | {"positions": POSITIONS | {"qty": [1]}},
        "positions.qty: is not a known array: offsets, symbol_ids, quantity, entry_price,",
    ),
    "position length": (
        FUTURES | {"positions": POSITIONS | {"leverage": [1]}},
        "positions.leverage must be of length 2, not 1",
    ),
    "side": (
        FUTURES | {"positions": POSITIONS | {"side": [0, 300]}},
        "positions[1].side must be 0, 1 or 2 (BOTH, LONG, SHORT), not",
    ),
    "flags": (
        {"multi_assets": [0, 1]},
        "multi_assets must be a bool array of shape (2,), not one of int64 and shape (2,)",
    ),
    "loans": ({"loan_leverage": [0, 1, 0]}, "balances[1].loan_leverage must be an integer from 2"),
    "order id": (ORDERS | {"order_get_ids": [2]}, "order_get_ids[0] must be from 0 to 1, not 2"),
    "order length": (ORDERS | {"order_get_ids": [1, 1]}, "order_get_ids must be of length 1"),
    "order quantity": (
        ORDERS | {"order_get_quantity": [-1]},
        "orders[0].get_quantity must be >= 0, not -1.0 (account 2)",
    ),
}


@pytest.mark.parametrize(("changes", "message"), FAULTS.values(), ids=FAULTS)
def test_wrong_arrays_are_refused(changes, message):
    assert refusal(**changes).startswith(message)


@few
@given(rows(), st.integers(0, 6))
def test_concat_equals_building_at_once(given_rows, cut):
    parts = [Accounts.from_rows(part) for part in (given_rows[:cut], given_rows[cut:])]
    assert_same(Accounts.concat(parts), Accounts.from_rows(given_rows), same_numbering=False)


def test_concat_of_no_books_is_empty():
    assert len(Accounts.concat([])) == 0


def test_concat_leaves_its_books_as_they_are():
    book = build()
    Accounts.concat([book, build(ids=[3, 4])])
    assert_same(book, build())


def test_concat_refuses_an_account_twice():
    with pytest.raises(AccountsError, match=r"it is in row 0 and row 2 \(account 1\)"):
        Accounts.concat([build(), build(ids=[1, 3])])


def test_concat_refuses_ids_of_both_kinds():
    with pytest.raises(AccountsError, match="all str or all int"):
        Accounts.concat([build(), build(ids=["a", "b"])])


@few
@given(rows(), st.randoms())
def test_select_equals_building_from_those_rows(given_rows, random):
    indices = random.sample(range(len(given_rows)), random.randint(1, len(given_rows)))
    chosen = Accounts.from_rows(given_rows).select(indices)
    expected = Accounts.from_rows([given_rows[i] for i in indices])
    assert_same(chosen, expected, same_numbering=False)


def test_select_keeps_the_assets():
    assert build().select([1]).assets == ("BTC", "ETH")


def test_select_takes_a_mask():
    assert build().select(np.array([False, True])).ids.tolist() == [2]


def test_select_of_nothing_is_empty():
    assert len(build().select([])) == 0


@pytest.mark.parametrize("indices", [[2], [-1], [0.5], [[0]], [True]])
def test_select_refuses_what_is_no_index(indices):
    with pytest.raises(IndexError):
        build().select(indices)


def test_select_refuses_an_index_twice():
    with pytest.raises(ValueError, match="distinct"):
        build().select([0, 0])


@settings(deadline=None)
@given(st.lists(st.text("ab\0ü", max_size=20), max_size=30))
def test_repeats_of_string_ids_are_exactly_those_of_a_dict(values):
    first = {}
    expected = [
        (seen, i) for i, value in enumerate(values) if (seen := first.setdefault(value, i)) != i
    ]
    assert ids_from_values(values).repeats() == expected


@settings(deadline=None)
@given(st.lists(st.text("abü", max_size=20), min_size=1, max_size=30), st.data())
def test_string_ids_are_found_where_list_index_finds_them(values, data):
    wanted = data.draw(st.sampled_from(values) | st.text("abü", max_size=3))
    expected = values.index(wanted) if wanted in values else None
    assert ids_from_values(values).find(wanted) == expected

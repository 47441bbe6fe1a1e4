"""Accounts from tidy frames."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from account_rows import FIELDS, assert_same, few, rows
from hypothesis import given
from hypothesis import strategies as st

from pymargin import Accounts, AccountsError

ACCOUNT_COLUMNS = ("mode", "leverage", "margin_call_ratio", "open_order_loss", "orders", "country")


def tidy(*entries):
    return pa.Table.from_pylist([{"account": a, "asset": s, "free": q} for a, s, q in entries])


def refusal(df, accounts=None):
    with pytest.raises(AccountsError) as caught:
        Accounts.from_frame(df, accounts)
    return str(caught.value)


@st.composite
def frames(draw):
    """Rows, and two frames of them with the balances of the accounts shuffled together."""
    given_rows = draw(rows(str))
    entries = [
        {"account": row["account"], **entry}
        for row in given_rows
        for entry in row["balances"] or ()
    ]
    entries = draw(st.permutations(entries))
    kinds = {"account": pa.string(), "asset": pa.string(), **dict.fromkeys(FIELDS, pa.float64())}
    first = pa.Table.from_pylist(entries, schema=pa.schema(kinds.items()))
    order = pa.struct(
        {
            "give_asset": pa.string(),
            "give_quantity": pa.float64(),
            "get_asset": pa.string(),
            "get_quantity": pa.float64(),
        }.items()
    )
    kinds = {
        "account": pa.string(),
        "mode": pa.string(),
        "leverage": pa.int64(),
        "margin_call_ratio": pa.float64(),
        "open_order_loss": pa.float64(),
        "orders": pa.list_(order),
        "country": pa.string(),
    }
    second = pa.Table.from_pylist(given_rows, schema=pa.schema(kinds.items()))
    names = [*(entry["account"] for entry in entries), *(row["account"] for row in given_rows)]
    by_name = {row["account"]: dict(row, balances=[]) for row in given_rows}
    for entry in entries:
        balance = {name: value for name, value in entry.items() if name != "account"}
        by_name[entry["account"]]["balances"].append(balance)
    return [by_name[name] for name in dict.fromkeys(names)], first, second


@few
@given(frames())
def test_frames_equal_their_rows(given_frames):
    expected, first, second = given_frames
    assert_same(Accounts.from_frame(first, second), Accounts.from_rows(expected))


@few
@given(frames())
def test_polars_frames_equal_their_rows(given_frames):
    expected, first, second = given_frames
    book = Accounts.from_frame(pl.from_arrow(first), pl.from_arrow(second))
    assert_same(book, Accounts.from_rows(expected))


def test_pandas_frames_are_read():
    frame = pd.DataFrame({"account": ["b", "a"], "asset": ["BTC", "ETH"], "free": [1.0, 2.0]})
    more = pd.DataFrame({"account": ["a", "b"], "leverage": [5, 3]}, index=[7, 8])
    book = Accounts.from_frame(frame[::-1], more)
    assert (book.ids.tolist(), book._leverage.tolist()) == (["a", "b"], [5, 3])


def test_in_pandas_nan_is_missing():
    frame = pd.DataFrame(
        {"account": [1, 2], "asset": ["A", "A"], "free": [1.0, 1.0], "leverage": [3, float("nan")]}
    )
    assert Accounts.from_frame(frame.assign(locked=float("nan")))._leverage.tolist() == [3, 0]


def test_in_polars_nan_is_no_number():
    frame = pl.DataFrame({"account": [1], "asset": ["A"], "free": [float("nan")]})
    assert refusal(frame) == "balances[0].free must be finite, not nan (account 1)"


def test_pandas_categories_are_read():
    frame = pd.DataFrame({"account": ["x", "y"], "asset": ["A", "B"], "free": 1.0})
    frame = frame.astype({"account": "category", "asset": "category"})
    assert Accounts.from_frame(frame).assets == ("A", "B")


def test_an_index_of_accounts_is_a_column():
    frame = pd.DataFrame({"account": ["x"], "asset": ["A"], "free": 1.0}).set_index("account")
    assert Accounts.from_frame(frame).ids.tolist() == ["x"]


def test_rows_of_an_account_need_not_be_together():
    book = Accounts.from_frame(tidy(("b", "X", 1.0), ("a", "Y", 2.0), ("b", "Y", 3.0)))
    assert book.ids.tolist() == ["b", "a"]
    assert (book._offsets.tolist(), book._free.tolist()) == ([0, 2, 3], [1.0, 3.0, 2.0])


def test_account_columns_may_stand_in_the_tidy_frame():
    frame = tidy((1, "X", 1.0), (2, "X", 1.0), (1, "Y", 1.0))
    frame = frame.append_column("leverage", pa.array([3, 5, None]))
    frame = frame.append_column("mode", pa.array([None, "cross_pro", "cross_classic"]))
    book = Accounts.from_frame(frame)
    assert (book._leverage.tolist(), book._mode.tolist()) == ([3, 5], [1, 2])


def test_account_columns_that_differ_within_an_account_are_refused():
    frame = tidy((1, "X", 1.0), (1, "Y", 1.0)).append_column("leverage", pa.array([3, 5]))
    assert refusal(frame) == "leverage: must be the same in all rows of an account (account 1)"


def test_an_account_only_in_the_second_frame_has_no_balances():
    book = Accounts.from_frame(tidy(("a", "X", 1.0)), pa.table({"account": ["z", "a"]}))
    assert (book.ids.tolist(), book._offsets.tolist()) == (["a", "z"], [0, 1, 1])


def test_an_account_only_in_the_tidy_frame_has_no_account_values():
    second = pa.table({"account": ["b"], "leverage": [3]})
    book = Accounts.from_frame(tidy(("a", "X", 1.0)), second)
    assert book._leverage.tolist() == [0, 3]


def test_empty_frames_are_an_empty_book():
    frame = pa.table({name: pa.array([], pa.string()) for name in ("account", "asset")})
    assert len(Accounts.from_frame(frame)) == 0
    assert len(Accounts.from_frame(frame, pa.table({"account": pa.nulls(0)}))) == 0


TIDY = tidy(("a", "X", 1.0))
FAULTS = {
    "no asset": (pa.table({"account": [1]}), None, "asset: is a column that must be there"),
    "unknown": (
        TIDY.append_column("fre", pa.array([1])),
        None,
        "fre: is not a known column: account, asset, borrowed, country, free, interest,",
    ),
    "balances": (
        TIDY,
        pa.table({"account": ["a"], "balances": pa.nulls(1)}),
        "balances: is not a known column: account, country, leverage,",
    ),
    "both": (
        TIDY.append_column("leverage", pa.array([3])),
        pa.table({"account": ["a"], "leverage": [3]}),
        "leverage: is a column that must be in one of the two frames, not in both",
    ),
    "mixed": (
        TIDY,
        pa.table({"account": [1]}),
        "account must be all str or all int, not large_string and int64",
    ),
    "twice": (
        TIDY,
        pa.table({"account": ["a", "b", "a"]}),
        "account must be unique, not in 2 rows of the second frame (account 'a')",
    ),
    "asset twice": (
        tidy(("a", "X", 1.0), ("a", "X", 2.0)),
        None,
        "balances[1].asset must be unique in the account, not 'X' again (account 'a')",
    ),
    "null asset": (
        TIDY.set_column(1, "asset", pa.array([None], pa.string())),
        None,
        "balances[0].asset must be the name of an asset, not null or empty (account 'a')",
    ),
    "null account": (
        tidy((None, "X", 1.0), ("a", "X", 1.0)),
        None,
        "account must be a str or an int64, not null or empty (account 'row 0')",
    ),
    "value": (
        TIDY,
        pa.table({"account": ["b", "a"], "leverage": [3, 4]}),
        "leverage must be 3 or 5, not 4.0 (account 'a')",
    ),
    "nan": (
        TIDY,
        pa.table({"account": ["b", "a"], "leverage": [3.0, float("nan")]}),
        "leverage must be finite, not nan (account 'a')",
    ),
    "no frame": ([1], None, "the data must export Arrow"),
}


@pytest.mark.parametrize(("df", "accounts", "message"), FAULTS.values(), ids=FAULTS)
def test_wrong_frames_are_refused(df, accounts, message):
    assert refusal(df, accounts).startswith(message)

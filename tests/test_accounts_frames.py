"""Accounts from tidy frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from account_rows import FIELDS, assert_same, few, rows
from hypothesis import given
from hypothesis import strategies as st

from pymargin import Accounts, AccountsError


def tidy(*entries):
    return pa.Table.from_pylist([{"account": a, "asset": s, "free": q} for a, s, q in entries])


def refusal(df, accounts=None):
    with pytest.raises(AccountsError) as caught:
        Accounts.from_frame(df, accounts)
    return str(caught.value)


ORDER = pa.struct(
    {
        "give_asset": pa.string(),
        "give_quantity": pa.float64(),
        "get_asset": pa.string(),
        "get_quantity": pa.float64(),
    }.items()
)
SCHEMAS = {
    "balances": {
        "account": pa.string(),
        "asset": pa.string(),
        **dict.fromkeys(FIELDS, pa.float64()),
        "loan_leverage": pa.int64(),
    },
    "accounts": {
        "account": pa.string(),
        "mode": pa.string(),
        "leverage": pa.int64(),
        "margin_call_ratio": pa.float64(),
        "open_order_loss": pa.float64(),
        "orders": pa.list_(ORDER),
        "country": pa.string(),
        "multi_assets": pa.bool_(),
    },
    "positions": {
        "account": pa.string(),
        "symbol": pa.string(),
        "quantity": pa.float64(),
        "entry_price": pa.float64(),
        "leverage": pa.float64(),
        "side": pa.string(),
        "isolated_margin": pa.float64(),
    },
    "wallets": {"account": pa.string(), "asset": pa.string(), "balance": pa.float64()},
}
LISTS = ("balances", "positions", "wallets")


@st.composite
def frames(draw):
    """Rows, and frames of them with the entries of the accounts shuffled together."""
    given_rows = draw(rows(str))
    entries = {"accounts": given_rows}
    for block in LISTS:
        tidy_rows = [
            {"account": row["account"], **entry} for row in given_rows for entry in row[block] or ()
        ]
        entries[block] = draw(st.permutations(tidy_rows))
    tables = {
        block: pa.Table.from_pylist(entries[block], schema=pa.schema(schema.items()))
        for block, schema in SCHEMAS.items()
    }
    names = [entry["account"] for block in SCHEMAS for entry in entries[block]]
    by_name = {row["account"]: row | {block: [] for block in LISTS} for row in given_rows}
    for block in LISTS:
        for entry in entries[block]:
            mine = {name: value for name, value in entry.items() if name != "account"}
            by_name[entry["account"]][block].append(mine)
    return [by_name[name] for name in dict.fromkeys(names)], list(tables.values())


@few
@given(frames())
def test_frames_equal_their_rows(given_frames):
    expected, tables = given_frames
    assert_same(Accounts.from_frame(*tables), Accounts.from_rows(expected))


@few
@given(frames())
def test_polars_frames_equal_their_rows(given_frames):
    expected, tables = given_frames
    book = Accounts.from_frame(*map(pl.from_arrow, tables))
    assert_same(book, Accounts.from_rows(expected))


POSITIONS = pd.DataFrame(
    {
        "account": ["b", "a", "b"],
        "symbol": ["BTCUSDT", "BTCUSDT", "ETHUSDT"],
        "quantity": [1.0, 2.0, -3.0],
        "entry_price": [10.0, 20.0, 30.0],
        "leverage": [float("nan"), 5, 10],
        "isolated_margin": [float("nan"), 7.0, float("nan")],
    }
)


def test_positions_alone_make_a_book():
    book = Accounts.from_frame(None, positions=POSITIONS)
    assert (book.ids.tolist(), book.assets) == (["b", "a"], ())
    assert book.positions.quantity.tolist() == [1.0, -3.0, 2.0]
    assert book.positions.leverage.tolist() == [0, 10, 5]


def test_in_pandas_a_nan_margin_is_a_cross_position():
    margins = Accounts.from_frame(None, positions=POSITIONS).positions.isolated_margin
    assert np.isnan(margins).tolist() == [True, True, False]


def test_wallets_join_the_assets_of_balances():
    wallets = pa.table({"account": ["a"], "asset": ["Y"], "balance": [-2.0]})
    book = Accounts.from_frame(tidy(("a", "X", 1.0)), wallets=wallets)
    assert (book.assets, book.wallets.asset_ids.tolist()) == (("X", "Y"), [1])


def test_no_frame_at_all_is_refused():
    assert refusal(None) == "a frame of balances, accounts, positions or wallets must be given"


def test_a_frame_of_positions_takes_no_account_columns():
    assert refusal_of(positions=POSITIONS.assign(mode="usdm")).startswith(
        "mode: is not a known column: account, entry_price, isolated_margin, leverage, quantity,"
    )
    assert refusal_of(positions=POSITIONS.drop(columns="symbol")) == (
        "symbol: is a column that must be there"
    )


def test_a_wrong_position_of_a_frame_is_named_by_its_place_in_the_account():
    assert refusal_of(positions=POSITIONS.assign(entry_price=[1.0, 1.0, 0.0])) == (
        "positions[1].entry_price must be > 0, not 0.0 (account 'b')"
    )


def refusal_of(**frames):
    with pytest.raises(AccountsError) as caught:
        Accounts.from_frame(None, **frames)
    return str(caught.value)


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

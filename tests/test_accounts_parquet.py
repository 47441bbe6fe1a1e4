"""Accounts from Parquet files."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from account_rows import assert_same, few, rows
from account_tables import schema, table_of
from hypothesis import given
from hypothesis import strategies as st

from pymargin import Accounts, AccountsError
from pymargin.adapters.arrow_export import accounts_table


@few
@given(given_rows=rows())
def test_a_parquet_file_equals_its_rows(given_rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.parquet"
    pq.write_table(table_of(given_rows), path, row_group_size=2)
    assert_same(Accounts.from_parquet(path), Accounts.from_rows(given_rows))


@few
@given(given_rows=rows())
def test_dictionaries_in_many_row_groups_are_read(given_rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.parquet"
    book = Accounts.from_rows(given_rows)
    pq.write_table(accounts_table(book), path, row_group_size=1)
    assert_same(Accounts.from_parquet(path), book)


@few
@given(given_rows=rows(), cut=st.integers(0, 6))
def test_parts_of_a_file_are_joined(given_rows, cut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    whole = table_of(given_rows)
    pq.write_table(whole.slice(0, cut), folder / "1.parquet", row_group_size=1)
    pq.write_table(whole.slice(cut), folder / "2.parquet", row_group_size=1)
    assert_same(Accounts.from_parquet(folder), Accounts.from_rows(given_rows))


def test_a_parquet_file_of_polars_is_read(tmp_path):
    balances = [[{"asset": "BTC", "free": 1.0}]]
    frame = pl.DataFrame({"account": ["u42"], "balances": balances})
    frame.write_parquet(tmp_path / "book.parquet")
    assert Accounts.from_parquet(str(tmp_path / "book.parquet")).ids.tolist() == ["u42"]


def test_parquet_files_are_joined_in_order(tmp_path):
    paths = [tmp_path / f"{i}.parquet" for i in range(3)]
    for number, path in enumerate(paths):
        pq.write_table(pa.table({"account": [number]}), path)
    assert Accounts.from_parquet(tmp_path).ids.tolist() == [0, 1, 2]
    assert Accounts.from_parquet(paths[::-1]).ids.tolist() == [2, 1, 0]


def test_an_empty_parquet_file_is_an_empty_book(tmp_path):
    pq.write_table(schema(pa.string()).empty_table(), tmp_path / "book.parquet")
    assert len(Accounts.from_parquet(tmp_path / "book.parquet")) == 0


def test_a_fault_in_a_later_part_of_a_file_is_named_by_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr("pymargin.adapters.parquet._BATCH_ROWS", 2)
    path = tmp_path / "book.parquet"
    pq.write_table(pa.table({"account": pa.array([1, 2, 3, None, 1])}), path)
    with pytest.raises(AccountsError, match="'row 3'"):
        Accounts.from_parquet(path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    path = tmp_path / "book.parquet"
    path.write_text("account,asset\n")
    with pytest.raises(AccountsError, match="must be a Parquet file of accounts"):
        Accounts.from_parquet(path)


def test_no_files_are_refused(tmp_path):
    with pytest.raises(AccountsError, match="must hold Parquet files, not none"):
        Accounts.from_parquet(tmp_path)
    with pytest.raises(AccountsError, match="must name at least one Parquet file"):
        Accounts.from_parquet([])

"""Accounts from Arrow tables."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from account_rows import FIELDS, assert_same, few, rows
from account_tables import BALANCE, ORDER, POSITION, WALLET, schema, table_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pymargin import Accounts, AccountsError
from pymargin.adapters.arrow_export import accounts_table


def table(free, *, assets=None, **columns):
    """One account with one balance, or with as many as there are assets."""
    assets = pa.array(["BTC"]) if assets is None else assets
    struct = pa.StructArray.from_arrays([assets, pa.array(free)], ["asset", "free"])
    lists = pa.ListArray.from_arrays(pa.array([0, len(struct)], pa.int32()), struct)
    return pa.table({"account": ["u42"], "balances": lists, **columns})


def free_of(values, **columns):
    assets = pa.array([f"A{i}" for i in range(len(values))])
    return Accounts.from_arrow(table(values, assets=assets, **columns))._free.tolist()


def refusal(data):
    with pytest.raises(AccountsError) as caught:
        Accounts.from_arrow(data)
    return str(caught.value)


@few
@given(rows())
def test_a_table_equals_its_rows(given_rows):
    assert_same(Accounts.from_arrow(table_of(given_rows)), Accounts.from_rows(given_rows))


@few
@given(rows(), st.integers(0, 6))
def test_chunks_are_joined(given_rows, cut):
    whole = table_of(given_rows)
    chunked = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert_same(Accounts.from_arrow(chunked), Accounts.from_rows(given_rows))


@few
@given(rows(), st.integers(0, 5))
def test_a_slice_equals_its_rows(given_rows, begin):
    begin = min(begin, len(given_rows) - 1)
    sliced = table_of(given_rows).combine_chunks().slice(begin)
    assert_same(Accounts.from_arrow(sliced), Accounts.from_rows(given_rows[begin:]))


@few
@given(rows())
def test_an_exported_table_reads_back(given_rows):
    book = Accounts.from_rows(given_rows)
    assert_same(Accounts.from_arrow(accounts_table(book)), book)


@few
@given(rows())
def test_polars_data_equals_its_rows(given_rows):
    frame = pl.from_arrow(table_of(given_rows))
    assert_same(Accounts.from_arrow(frame), Accounts.from_rows(given_rows))


def with_types(given_rows, asset, lists):
    """The table with another type for asset names and for lists."""
    whole = table_of(given_rows)

    def retyped(name, struct):
        fields = [
            pa.field(f.name, asset if pa.types.is_string(f.type) else f.type) for f in list(struct)
        ]
        return whole.column(name).combine_chunks().cast(lists(pa.struct(fields)))

    columns = {name: whole.column(name) for name in whole.column_names}
    structs = {"balances": BALANCE, "orders": ORDER, "wallets": WALLET, "positions": POSITION}
    columns |= {name: retyped(name, struct) for name, struct in structs.items()}
    return pa.table(columns)


@pytest.mark.parametrize("lists", [pa.list_, pa.large_list], ids=["list", "large_list"])
@pytest.mark.parametrize("asset", [pa.large_string(), pa.string_view()], ids=str)
@few
@given(given_rows=rows())
def test_every_type_of_names_and_lists_reads_alike(given_rows, asset, lists):
    book = Accounts.from_arrow(with_types(given_rows, asset, lists))
    assert_same(book, Accounts.from_rows(given_rows))


def test_lists_of_fixed_size_are_read():
    struct = pa.array([{"asset": a, "free": 1.0} for a in ("A", "B", "B", "A")])
    lists = pa.FixedSizeListArray.from_arrays(struct, 2)
    whole = pa.table({"account": [1, 2], "balances": lists})
    book = Accounts.from_arrow(whole)
    assert (book._offsets.tolist(), book._asset_ids.tolist()) == ([0, 2, 4], [0, 1, 1, 0])
    assert Accounts.from_arrow(whole.slice(1)).assets == ("B", "A")


def test_a_null_list_is_no_balances_even_over_hidden_values():
    struct = pa.array([{"asset": a, "free": 1.0} for a in ("A", "B", "C")])
    lists = pa.ListArray.from_arrays(
        pa.array([0, 1, 2, 3], pa.int32()), struct, mask=pa.array([False, True, False])
    )
    book = Accounts.from_arrow(pa.table({"account": [1, 2, 3], "balances": lists}))
    assert (book._offsets.tolist(), book.assets) == ([0, 1, 1, 2], ("A", "C"))


def test_a_dictionary_may_be_unordered_unused_and_repeated():
    assets = pa.DictionaryArray.from_arrays(
        pa.array([3, 1, 2], pa.int8()), pa.array(["ZEC", "BTC", "ETH", "ETH", "BTC"])
    )
    lists = pa.ListArray.from_arrays(
        pa.array([0, 2, 3], pa.int32()),
        pa.StructArray.from_arrays([assets, pa.array([1.0, 2.0, 3.0])], ["asset", "free"]),
    )
    book = Accounts.from_arrow(pa.table({"account": [1, 2], "balances": lists}))
    assert (book.assets, book._asset_ids.tolist()) == (("ETH", "BTC"), [0, 1, 0])


def test_chunks_may_have_different_dictionaries():
    def chunk(account, *names):
        assets = pa.array(names).dictionary_encode()
        return table([1.0] * len(names), assets=assets).set_column(
            0, "account", pa.array([account])
        )

    book = Accounts.from_arrow(pa.concat_tables([chunk("a", "X", "Y"), chunk("b", "Y", "Z")]))
    assert (book.assets, book._asset_ids.tolist()) == (("X", "Y", "Z"), [0, 1, 1, 2])


def test_dictionary_ids_and_modes_are_read():
    data = table([1.0], mode=pa.array(["cross_pro"]).dictionary_encode())
    data = data.set_column(0, "account", data.column("account").dictionary_encode())
    book = Accounts.from_arrow(data)
    assert (book.ids.tolist(), book._mode.tolist()) == (["u42"], [2])


def test_record_batches_are_read_by_their_capsule():
    assert Accounts.from_arrow(table([1.0]).to_batches()[0])._free.tolist() == [1.0]


def test_float64_without_nulls_is_not_copied():
    children = {name: pa.array([1.0, 2.0, 3.0]) for name in FIELDS}
    assets = pa.array(["A", "B", "A"])
    struct = pa.StructArray.from_arrays([assets, *children.values()], ["asset", *children])
    lists = pa.LargeListArray.from_arrays(pa.array([0, 2, 3]), struct)
    book = Accounts.from_arrow(pa.table({"account": [1, 2], "balances": lists}))
    for name, child in children.items():
        assert getattr(book, f"_{name}").ctypes.data == child.buffers()[1].address, name


def test_the_values_outlive_the_table():
    book = Accounts.from_arrow(table([1.5]))
    assert book._free.tolist() == [1.5]


def test_null_quantities_are_zero():
    assert free_of(pa.array([None, 2.0])) == [2.0]


@pytest.mark.parametrize("kind", [pa.float32(), pa.int8(), pa.uint64(), pa.int64()], ids=str)
def test_other_numbers_become_float64(kind):
    assert free_of(pa.array([3, 7], kind)) == [3.0, 7.0]


def test_large_integers_become_the_nearest_float64():
    assert free_of(pa.array([2**53 + 1, 2**63 - 1])) == [float(2**53 + 1), float(2**63 - 1)]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 10**37), min_size=1),
    st.sampled_from((-3, 0, 1, 8, 18, 22, 23, 30)),
    st.integers(0, 3),
)
def test_decimals_become_the_nearest_float64(unscaled, scale, offset):
    values = [Decimal(number).scaleb(-scale) for number in unscaled]
    array = pa.array(list(unscaled), pa.decimal128(38, 0)) if scale == 0 else None
    if array is None:
        words = b"".join(number.to_bytes(16, "little", signed=True) for number in unscaled)
        array = pa.Array.from_buffers(
            pa.decimal128(38, scale), len(unscaled), [None, pa.py_buffer(words)]
        )
    offset = min(offset, len(values) - 1)
    from pymargin.adapters.arrow_values import floats

    got = floats(pa.chunked_array([array.slice(offset)]))
    assert got.tolist() == [float(value) for value in values[offset:]]


def test_null_and_wide_decimals_are_read():
    assert free_of(pa.array([Decimal("0.1"), None], pa.decimal128(20, 4))) == [0.1]
    assert free_of(pa.array([Decimal("0.3")], pa.decimal256(60, 30))) == [0.3]


def test_a_leverage_of_floats_with_nulls_is_read():
    assert Accounts.from_arrow(table([1.0], leverage=[3.0]))._leverage.tolist() == [3]
    nulls = pa.array([None], pa.float64())
    assert Accounts.from_arrow(table([1.0], leverage=nulls))._leverage.tolist() == [0]


def positions_of(*entries, **columns):
    """One account with these positions."""
    return pa.table({"account": ["u42"], "positions": [list(entries)], **columns})


LONG = {"symbol": "BTCUSDT", "quantity": 1.0, "entry_price": 2.0}


def test_positions_of_other_types_are_read():
    kinds = pa.struct(
        [
            ("symbol", pa.dictionary(pa.int16(), pa.string())),
            ("quantity", pa.decimal128(20, 4)),
            ("entry_price", pa.float32()),
            ("leverage", pa.int8()),
            ("side", pa.dictionary(pa.int8(), pa.string())),
        ]
    )
    entries = [
        {"symbol": "B", "quantity": Decimal("-0.1"), "entry_price": 0.5, "side": "SHORT"},
        {"symbol": "A", "quantity": Decimal("2"), "entry_price": 3, "leverage": 20},
    ]
    lists = pa.array([entries], pa.list_(kinds))
    book = Accounts.from_arrow(pa.table({"account": [1], "positions": lists}))
    assert book.symbols == ("B", "A")
    assert book.positions.quantity.tolist() == [-0.1, 2.0]
    assert book.positions.entry_price.tolist() == [0.5, 3.0]
    assert book.positions.side.tolist() == [2, 0]
    assert book.positions.leverage.tolist() == [0, 20]
    assert np.isnan(book.positions.isolated_margin).all()


def test_chunks_of_positions_may_have_different_dictionaries():
    chunks = [
        positions_of({**LONG, "symbol": symbol}).set_column(0, "account", pa.array([symbol]))
        for symbol in ("B", "A")
    ]
    book = Accounts.from_arrow(pa.concat_tables(chunks))
    assert (book.symbols, book.positions.symbol_ids.tolist()) == (("B", "A"), [0, 1])


def test_positions_without_nulls_are_not_copied():
    children = {
        "symbol": pa.array(["A", "B"]),
        **{name: pa.array([1.0, 2.0]) for name in ("quantity", "entry_price", "isolated_margin")},
    }
    struct = pa.StructArray.from_arrays(list(children.values()), list(children))
    lists = pa.LargeListArray.from_arrays(pa.array([0, 2]), struct)
    positions = Accounts.from_arrow(pa.table({"account": [1], "positions": lists})).positions
    for name in ("quantity", "entry_price", "isolated_margin"):
        assert getattr(positions, name).ctypes.data == children[name].buffers()[1].address, name


def test_flags_may_be_null():
    flags = pa.array([None, True, False])
    book = Accounts.from_arrow(pa.table({"account": [1, 2, 3], "multi_assets": flags}))
    assert book.multi_assets.tolist() == [False, True, False]


def test_a_column_of_nulls_only_is_absent():
    nulls = {
        name: pa.nulls(1)
        for name in (
            "mode",
            "country",
            "leverage",
            "orders",
            "wallets",
            "positions",
            "multi_assets",
        )
    }
    assert Accounts.from_arrow(table([1.0], **nulls)).country.tolist() == [None]


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.null()], ids=str)
def test_no_rows_are_an_empty_book(kind):
    assert len(Accounts.from_arrow(schema(kind).empty_table())) == 0


TYPE_FAULTS = {
    "no account": (
        pa.table({"balances": pa.nulls(1)}),
        "account: is a column that must be there",
    ),
    "unknown": (table([1.0], levrage=[3]), "levrage: is not a known column: account, balances,"),
    "wallets": (
        table([1.0], wallets=[3]),
        "wallets must be a column of lists of structs of asset, balance, not int64",
    ),
    "account": (
        pa.table({"account": [1.5]}),
        "account must be a column of integers or strings, not double",
    ),
    "leverage": (
        table([1.0], leverage=["3"]),
        "leverage must be a column of numbers (float, int or decimal), not string",
    ),
    "bool": (
        table([True]),
        "balances.free must be a column of numbers (float, int or decimal), not bool",
    ),
    "asset": (
        table([1.0], assets=pa.array([1])),
        "balances.asset must be a column of strings (string, large_string, string_view or "
        "dictionary of them), not int64",
    ),
    "mode": (table([1.0], mode=[1]), "mode must be a column of strings"),
    "flag": (table([1.0], multi_assets=[1]), "multi_assets must be a column of bool, not int64"),
    "no symbol": (
        pa.table({"account": [1], "positions": [[{"quantity": 1.0}]]}),
        "positions.symbol: is a field that must be there",
    ),
    "side": (positions_of({"symbol": "A", "side": 1}), "positions.side must be a column of str"),
    "balances": (
        pa.table({"account": [1], "balances": [["BTC"]]}),
        "balances must be a column of lists of structs of asset, free, locked, borrowed, "
        "interest, loan_leverage, not list<",
    ),
    "field": (
        pa.table({"account": [1], "balances": [[{"asset": "A", "fre": 1.0}]]}),
        "balances.fre: is not a known field: asset, borrowed, free, interest, loan_leverage, ",
    ),
    "no asset": (
        pa.table({"account": [1], "balances": [[{"free": 1.0}]]}),
        "balances.asset: is a field that must be there",
    ),
    "twice": (
        pa.Table.from_arrays([pa.array([1]), pa.array([1])], ["account", "account"]),
        "account: is a column that must be there once",
    ),
    "no table": (pa.array([1, 2]), "the data could not be read as an Arrow table"),
    "no arrow": ({"account": [1]}, "the data must export Arrow (__arrow_c_stream__ or"),
}


@pytest.mark.parametrize(("data", "message"), TYPE_FAULTS.values(), ids=TYPE_FAULTS)
def test_wrong_columns_are_refused(data, message):
    assert refusal(data).startswith(message)


VALUE_FAULTS = {
    "negative": (table([-3.0]), "balances[0].free must be >= 0, not -3.0 (account 'u42')"),
    "nan": (table([float("nan")]), "balances[0].free must be finite, not nan (account 'u42')"),
    "null asset": (
        table([1.0], assets=pa.array([None], pa.string())),
        "balances[0].asset must be the name of an asset, not null or empty (account 'u42')",
    ),
    "empty asset": (
        table([1.0], assets=pa.array([""])),
        "balances[0].asset must be the name of an asset, not null or empty (account 'u42')",
    ),
    "asset twice": (
        table([1.0, 1.0], assets=pa.array(["A", "A"])),
        "balances[1].asset must be unique in the account, not 'A' again (account 'u42')",
    ),
    "leverage": (table([1.0], leverage=[4]), "leverage must be 3 or 5, not 4.0 (account 'u42')"),
    "ratio": (
        table([1.0], margin_call_ratio=[float("nan")]),
        "margin_call_ratio must be finite, not nan (account 'u42')",
    ),
    "mode": (table([1.0], mode=["futures"]), "mode must be cross_classic, cross_pro, portfolio,"),
    "wallet": (
        pa.table({"account": ["u42"], "wallets": [[{"asset": "A"}, {"asset": None}]]}),
        "wallets[1].asset must be the name of an asset, not null or empty (account 'u42')",
    ),
    "wallet balance": (
        pa.table({"account": ["u42"], "wallets": [[{"asset": "A", "balance": np.inf}]]}),
        "wallets[0].balance must be finite, not inf (account 'u42')",
    ),
    "symbol": (
        positions_of(LONG, LONG | {"symbol": ""}),
        "positions[1].symbol must be the name of a symbol, not null or empty (account 'u42')",
    ),
    "side": (
        positions_of(LONG | {"side": "long"}),
        "positions[0].side must be BOTH, LONG or SHORT, not 'long' (account 'u42')",
    ),
    "null entry price": (
        positions_of(LONG | {"entry_price": None}, LONG | {"symbol": "B"}),
        "positions[0].entry_price must be finite and > 0, not absent or nan (account 'u42')",
    ),
    "nan margin": (
        positions_of(LONG | {"isolated_margin": np.nan}, LONG | {"isolated_margin": None}),
        "positions[0].isolated_margin must be finite, not nan (account 'u42')",
    ),
    "position twice": (
        positions_of(LONG, LONG),
        "positions[1] must be the account's only BOTH position in 'BTCUSDT', not one beside",
    ),
    "loan": (
        pa.table({"account": ["u42"], "balances": [[{"asset": "A", "loan_leverage": 1.0}]]}),
        "balances[0].loan_leverage must be an integer from 2 to 125, not 1.0 (account 'u42')",
    ),
    "country": (table([1.0], country=["D"]), "country must be two ISO letters, not 'D'"),
    "null id": (
        pa.table({"account": pa.array([3, None])}),
        "account must be a str or an int64, not null or empty (account 'row 1')",
    ),
    "empty id": (
        pa.table({"account": ["a", ""]}),
        "account must be a str or an int64, not null or empty (account 'row 1')",
    ),
    "large id": (
        pa.table({"account": pa.array([2**63], pa.uint64())}),
        "account must be a str or an int64, not null or empty (account 'row 0')",
    ),
    "id twice": (
        pa.table({"account": ["a", "a"]}),
        "account: must be unique; it is in row 0 and row 1 (account 'a')",
    ),
}


@pytest.mark.parametrize(("data", "message"), VALUE_FAULTS.values(), ids=VALUE_FAULTS)
def test_wrong_values_are_refused(data, message):
    assert refusal(data).startswith(message)


def test_all_faults_are_listed_at_once():
    assets = pa.array([None, "A"])
    message = refusal(table([-1.0, np.inf], assets=assets, leverage=[2], country=["?"]))
    assert len(message.splitlines()) == 5

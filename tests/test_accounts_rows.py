"""Accounts from rows: what is read, and what is refused."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from account_rows import assert_same, few, rows
from hypothesis import given

from pymargin import Accounts, AccountsError, Mode


def build(**row):
    return Accounts.from_rows([{"account": "u42", **row}])


def balance(**entry):
    return build(balances=[{"asset": "BTC", **entry}])


def refusal(rows):
    with pytest.raises(AccountsError) as caught:
        Accounts.from_rows(rows)
    return str(caught.value)


def refusal_of(**row):
    return refusal([{"account": "u42", **row}])


@pytest.mark.parametrize(
    "number", [0.1, "0.1", Decimal("0.1"), Fraction(1, 10), np.float64(0.1), " 1e-1 "]
)
def test_a_number_may_be_of_any_kind(number):
    assert balance(free=number)._free.tolist() == [0.1]


def test_numpy_integers_are_numbers():
    assert balance(free=np.int64(3))._free.tolist() == [3.0]


def test_absent_and_none_quantities_are_zero():
    book = balance(free=1, locked=None)
    assert [book._locked[0], book._borrowed[0], book._interest[0]] == [0, 0, 0]


def test_absent_balances_are_none():
    assert build()._offsets.tolist() == [0, 0]


def test_entries_of_zeros_are_dropped_with_their_asset():
    entries = [{"asset": "BTC"}, {"asset": "ETH", "free": 1}, {"asset": "BNB", "interest": "0"}]
    book = build(balances=entries)
    assert (book.assets, book._offsets.tolist()) == (("ETH",), [0, 1])


def test_assets_are_numbered_by_first_appearance_with_those_of_orders_last():
    order = {"give_asset": "SOL", "give_quantity": 1, "get_asset": "ETH", "get_quantity": 2}
    book = Accounts.from_rows(
        [
            {"account": 1, "orders": [order]},
            {"account": 2, "balances": [{"asset": "ETH", "free": 1}, {"asset": "BTC", "free": 1}]},
        ]
    )
    assert book.assets == ("ETH", "BTC", "SOL")
    assert (book._order_give_ids.tolist(), book._order_get_ids.tolist()) == ([2], [0])


def test_int_ids_stay_int64():
    book = Accounts.from_rows([{"account": 7}, {"account": np.int32(-3)}])
    assert (book.ids.dtype, book.ids.tolist()) == (np.int64, [7, -3])


def test_str_ids_are_an_object_array_of_str():
    ids = Accounts.from_rows([{"account": "a"}, {"account": "日本"}]).ids
    assert (ids.dtype, ids.tolist()) == (object, ["a", "日本"])


def test_account_values_are_kept():
    book = build(mode="cross_pro", leverage=5, margin_call_ratio="1.5", country="de")
    assert book._mode.tolist() == [2]
    assert book._leverage.tolist() == [5]
    assert book._margin_call_ratio.tolist() == [1.5]
    assert book.country.tolist() == ["DE"]


def test_absent_account_values_have_their_marks():
    book = build()
    assert [book._mode[0], book._leverage[0], book._open_order_loss[0]] == [0, 0, 0]
    assert np.isnan(book._margin_call_ratio[0])
    assert book.country.tolist() == [None]


def test_a_margin_call_ratio_outside_the_band_is_allowed_in_classic():
    assert build(mode="cross_classic", margin_call_ratio=1.2)._margin_call_ratio[0] == 1.2


@pytest.mark.parametrize("ratio", [1.3, 2])
def test_the_band_of_cross_pro_is_inclusive(ratio):
    assert build(mode="cross_pro", margin_call_ratio=ratio)._margin_call_ratio[0] == ratio


def test_rows_may_be_a_generator():
    assert len(Accounts.from_rows({"account": i} for i in range(3))) == 3


def test_no_rows_are_an_empty_book():
    book = Accounts.from_rows([])
    assert (len(book), book.ids.tolist(), book.assets, book.symbols) == (0, [], (), ())


ENTRY_FAULTS = {
    "negative": ({"free": -3}, "balances[0].free must be >= 0, not -3.0 (account 'u42')"),
    "nan": ({"locked": "nan"}, "balances[0].locked must be finite, not nan (account 'u42')"),
    "infinite": ({"borrowed": 10**400}, "balances[0].borrowed must be finite, not inf"),
    "minus infinite": ({"interest": "-inf"}, "balances[0].interest must be finite, not -inf"),
    "text": ({"free": "x"}, "balances[0].free must be a number, not 'x' (account 'u42')"),
    "bool": ({"free": True}, "balances[0].free must be a number, not True (account 'u42')"),
    "underscore": ({"free": "1_0"}, "balances[0].free must be a number, not '1_0'"),
    "typo": ({"borowed": 1}, "balances[0].borowed: is not a known key: asset, borrowed, free,"),
    "loan leverage": (
        {"loan_leverage": 0},
        "balances[0].loan_leverage must be an integer from 2 to 125, not 0.0 (account 'u42')",
    ),
    "broken loan leverage": (
        {"loan_leverage": 2.5},
        "balances[0].loan_leverage must be an integer from 2 to 125, not 2.5",
    ),
    "no loan leverage": ({"loan_leverage": "x"}, "balances[0].loan_leverage must be a number"),
    "no asset": ({"asset": None}, "balances[0].asset must be the name of an asset, not None"),
    "empty asset": ({"asset": ""}, "balances[0].asset must be the name of an asset, not ''"),
}


@pytest.mark.parametrize(("entry", "message"), ENTRY_FAULTS.values(), ids=ENTRY_FAULTS)
def test_a_wrong_entry_is_refused(entry, message):
    assert refusal_of(balances=[{"asset": "BTC", **entry}]).startswith(message)


MODES = "cross_classic, cross_pro, portfolio, portfolio_pro, usdm or coinm"
ROW_FAULTS = {
    "typo": ({"leverege": 3}, "leverege: is not a known key: account, balances, country, leverage"),
    "wallets": ({"wallets": {}}, "wallets must be a list, not {}"),
    "positions": ({"positions": 3}, "positions must be a list, not 3"),
    "multi-assets": ({"multi_assets": 1}, "multi_assets must be True or False, not 1"),
    "isolated": (
        {"mode": "isolated"},
        f"mode must be {MODES} (spot isolated margin is out of scope for now), "
        "not 'isolated' (account 'u42')",
    ),
    "mode": ({"mode": "crosspro"}, f"mode must be {MODES}, not 'crosspro'"),
    "mode type": ({"mode": 1}, f"mode must be {MODES}, not 1"),
    "leverage": ({"leverage": 4}, "leverage must be 3 or 5, not 4.0 (account 'u42')"),
    "leverage usdm": (
        {"leverage": 20, "mode": "usdm"},
        "leverage must be absent: it belongs to each of positions (an account's own is 3 or 5, in "
        "cross_classic), not 20.0 (account 'u42')",
    ),
    "leverage 0": ({"leverage": 0}, "leverage must be 3 or 5, not 0.0"),
    "leverage type": ({"leverage": "x"}, "leverage must be a number, not 'x'"),
    "ratio": ({"margin_call_ratio": 0}, "margin_call_ratio must be finite and > 0, not 0.0"),
    "ratio nan": ({"margin_call_ratio": float("nan")}, "margin_call_ratio must be finite, not nan"),
    "ratio of pro": (
        {"margin_call_ratio": 1.29, "mode": "cross_pro"},
        "margin_call_ratio must be from 1.3 to 2 in cross_pro, not 1.29 (account 'u42')",
    ),
    "loss": ({"open_order_loss": -1}, "open_order_loss must be finite and >= 0, not -1.0"),
    "country": ({"country": "DEU"}, "country must be two ISO letters, not 'DEU'"),
    "balances": ({"balances": {}}, "balances must be a list, not {}"),
    "entry": ({"balances": [3]}, "balances[0] must be a mapping, not 3"),
    "order": ({"orders": [3]}, "orders[0] must be a mapping, not 3"),
}


@pytest.mark.parametrize(("row", "message"), ROW_FAULTS.values(), ids=ROW_FAULTS)
def test_a_wrong_row_is_refused(row, message):
    assert refusal_of(**row).startswith(message)


ORDER = {"give_asset": "BTC", "give_quantity": 1, "get_asset": "ETH", "get_quantity": 1}
ORDER_FAULTS = {
    "negative": ({"give_quantity": -1}, "orders[1].give_quantity must be >= 0, not -1.0"),
    "nan": ({"get_quantity": "nan"}, "orders[1].get_quantity must be finite, not nan"),
    "asset": ({"get_asset": None}, "orders[1].get_asset must be the name of an asset, not None"),
    "typo": ({"side": "BUY"}, "orders[1].side: is not a known key: get_asset, get_quantity"),
}


@pytest.mark.parametrize(("order", "message"), ORDER_FAULTS.values(), ids=ORDER_FAULTS)
def test_a_wrong_order_is_refused(order, message):
    assert refusal_of(orders=[ORDER, ORDER | order]).startswith(message)


def test_an_order_loss_beside_orders_is_refused():
    message = refusal_of(open_order_loss=0, orders=[ORDER])
    assert message == (
        "open_order_loss must be absent where orders are given, not 0.0 (account 'u42')"
    )


def test_an_asset_twice_is_refused():
    entries = [{"asset": "BTC", "free": 1}, {"asset": "BTC", "borrowed": 1}]
    assert refusal_of(balances=entries) == (
        "balances[1].asset must be unique in the account, not 'BTC' again (account 'u42')"
    )


def test_an_account_twice_is_refused():
    assert refusal([{"account": "a"}, {"account": "b"}, {"account": "a"}]) == (
        "account: must be unique; it is in row 0 and row 2 (account 'a')"
    )


def test_ids_of_both_kinds_are_refused():
    assert refusal([{"account": "7"}, {"account": 7}]).startswith(
        "account must be all str or all int, not str in row 0 and int in row 1"
    )


@pytest.mark.parametrize("account", [None, True, 1.5, "", 2**63])
def test_what_is_no_id_is_refused(account):
    assert refusal([{"account": account}]).startswith(
        f"account must be a str or an int64, not {account!r}"
    )


def test_a_row_that_is_no_mapping_is_refused():
    assert refusal([7]).startswith("[0] must be a mapping, not 7")


@pytest.mark.parametrize("source", [{"account": 1}, "rows.json", 7])
def test_what_is_no_list_of_rows_is_refused(source):
    assert refusal(source).startswith("rows must be an iterable of mappings, not")


def test_all_faults_are_listed_in_the_order_of_the_accounts():
    message = refusal(
        [
            {"account": "a", "balances": [{"asset": "BTC", "free": -1}], "leverage": 2},
            {"account": "b", "country": 3},
            {"account": "c", "balances": [{"asset": "ETH", "borrowed": "?"}]},
        ]
    )
    assert [line.partition(" ")[0] for line in message.splitlines()] == [
        "balances[0].free",
        "leverage",
        "country",
        "balances[0].borrowed",
    ]


def test_an_unknown_key_is_listed_once():
    with pytest.raises(AccountsError) as caught:
        Accounts.from_rows([{"account": i, "typo": 1} for i in range(5)])
    assert len(caught.value.problems) == 1


def test_a_thousand_problems_are_kept_and_the_others_counted():
    with pytest.raises(AccountsError) as caught:
        Accounts.from_rows([{"account": i, "leverage": 4} for i in range(1500)])
    assert len(caught.value.problems) == 1001
    assert str(caught.value.problems[-1]) == "500 more problems are not listed"


def test_a_problem_holds_its_account():
    with pytest.raises(AccountsError) as caught:
        Accounts.from_rows([{"account": 9, "leverage": 4}])
    assert caught.value.problems[0].account == 9


def test_position_finds_every_id():
    ids = ["u1", "u10", "ü1", "1u", "u" * 30]
    book = Accounts.from_rows({"account": account} for account in ids)
    assert [book.position(account) for account in ids] == list(range(5))


@pytest.mark.parametrize("account", ["u", "2", 1, None, True])
def test_position_refuses_an_id_that_is_not_there(account):
    book = Accounts.from_rows([{"account": "u1"}, {"account": "u2"}])
    with pytest.raises(AccountsError, match=r"is not in the book of 2 accounts, whose ids are str"):
        book.position(account)


@pytest.mark.parametrize("account", [5, "4", True, 2**70, 4.0])
def test_position_takes_int_ids_only_as_int(account):
    book = Accounts.from_rows([{"account": 4}, {"account": 1}])
    with pytest.raises(AccountsError, match="whose ids are int"):
        book.position(account)


def test_arrays_are_read_only():
    book = balance(free=1)
    with pytest.raises(ValueError, match="read-only"):
        book._free[0] = 2
    with pytest.raises(ValueError, match="read-only"):
        book.ids[0] = "x"


def test_repr_counts():
    assert repr(balance(free=1)) == "Accounts(1 account, 1 balance, 1 asset)"
    assert repr(build(orders=[ORDER, ORDER])) == (
        "Accounts(1 account, 0 balances, 2 assets, 2 orders)"
    )


def test_a_book_is_built_by_its_constructors_only():
    with pytest.raises(TypeError, match=r"Accounts\.from_rows"):
        Accounts()


@few
@given(rows())
def test_a_book_survives_pickling(given_rows):
    book = Accounts.from_rows(given_rows)
    assert_same(pickle.loads(pickle.dumps(book)), book)


@few
@given(rows())
def test_a_row_reads_back(given_rows):
    book = Accounts.from_rows(given_rows)
    again = Accounts.from_rows(book.row(i) for i in range(len(book)))
    assert_same(again, book)


@pytest.mark.parametrize("mode", list(Mode))
def test_every_mode_is_kept(mode):
    assert build(mode=str(mode)).row(0)["mode"] == mode

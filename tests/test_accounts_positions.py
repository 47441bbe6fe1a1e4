"""Wallets and positions of accounts from rows: what is read, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from account_rows import few
from hypothesis import given
from hypothesis import strategies as st

from pymargin import Accounts, AccountsError, evaluate, example_rules


def build(**row):
    return Accounts.from_rows([{"account": "u42", **row}])


def refusal_of(**row):
    with pytest.raises(AccountsError) as caught:
        build(**row)
    return str(caught.value)


POSITION = {"symbol": "BTCUSDT", "quantity": 1, "entry_price": "64000.5"}
HEDGED = [
    POSITION | {"side": "LONG"},
    POSITION | {"side": "SHORT", "quantity": -2},
    POSITION | {"symbol": "ETHUSDT", "quantity": -3, "leverage": 20},
]


def test_positions_are_kept():
    positions = build(positions=HEDGED).positions
    assert positions.offsets.tolist() == [0, 3]
    assert positions.symbol_ids.tolist() == [0, 0, 1]
    assert positions.quantity.tolist() == [1, -2, -3]
    assert positions.entry_price.tolist() == [64000.5] * 3
    assert positions.side.tolist() == [1, 2, 0]
    assert positions.leverage.tolist() == [0, 0, 20]


def test_a_position_is_cross_unless_it_has_an_isolated_margin():
    isolated = POSITION | {"symbol": "ETHUSDT", "isolated_margin": "-12.5"}
    margins = build(positions=[POSITION, isolated]).positions.isolated_margin
    np.testing.assert_array_equal(margins, [np.nan, -12.5])


def test_symbols_are_numbered_by_first_appearance():
    book = Accounts.from_rows(
        [
            {"account": 1, "positions": [POSITION | {"symbol": "币安人生USDT"}]},
            {"account": 2, "positions": [POSITION, POSITION | {"symbol": "币安人生USDT"}]},
        ]
    )
    assert book.symbols == ("币安人生USDT", "BTCUSDT")
    assert book.positions.symbol_ids.tolist() == [0, 1, 0]


def test_positions_of_quantity_0_are_dropped_with_their_symbol_and_need_no_entry_price():
    entries = [
        {"symbol": "ADAUSDT", "quantity": 0},
        {"symbol": "BTCUSDT", "quantity": "0.000", "entry_price": 0},
        POSITION | {"side": "LONG"},
    ]
    book = build(positions=entries)
    assert (book.symbols, book.positions.side.tolist()) == (("BTCUSDT",), [1])


def test_wallets_are_kept_with_their_sign():
    wallets = build(wallets=[{"asset": "USDT", "balance": -5}, {"asset": "BTC", "balance": 1}])
    assert (wallets.assets, wallets.wallets.balance.tolist()) == (("USDT", "BTC"), [-5, 1])


def test_wallets_of_balance_0_are_dropped_with_their_asset():
    book = build(wallets=[{"asset": "USDT"}, {"asset": "BTC", "balance": 1}])
    assert (book.assets, book.wallets.asset_ids.tolist()) == (("BTC",), [0])


def test_assets_of_wallets_are_numbered_last():
    order = {"give_asset": "SOL", "give_quantity": 1, "get_asset": "ETH", "get_quantity": 2}
    book = Accounts.from_rows(
        [
            {"account": 1, "wallets": [{"asset": "XRP", "balance": 1}], "orders": [order]},
            {"account": 2, "balances": [{"asset": "ETH", "free": 1}]},
        ]
    )
    assert book.assets == ("ETH", "SOL", "XRP")
    assert book.wallets.asset_ids.tolist() == [2]


def test_the_leverage_of_a_loan_is_kept_where_it_is_given():
    entries = [
        {"asset": "BTC", "free": 1},
        {"asset": "ETH", "borrowed": 1, "loan_leverage": "10"},
        {"asset": "SOL"},
        {"asset": "BNB", "borrowed": 1},
    ]
    assert build(balances=entries).loan_leverage.tolist() == [0, 10, 0]


def test_multi_assets_mode_is_kept():
    book = Accounts.from_rows([{"account": 1}, {"account": 2, "multi_assets": True}])
    assert book.multi_assets.tolist() == [False, True]


def test_a_book_without_futures_carries_nothing_of_them():
    book = build(wallets=[], positions=[{"symbol": "BTCUSDT"}], multi_assets=False)
    assert (book._wallets, book._positions, book.symbols) == (None, None, ())
    assert (book.multi_assets, book.loan_leverage) == (None, None)
    assert book.wallets.offsets.tolist() == book.positions.offsets.tolist() == [0, 0]


POSITION_FAULTS = {
    "symbol": ({"symbol": ""}, "positions[1].symbol must be the name of a symbol, not ''"),
    "no symbol": ({"symbol": None}, "positions[1].symbol must be the name of a symbol, not None"),
    "quantity": ({"quantity": "inf"}, "positions[1].quantity must be finite, not inf"),
    "infinite short": (
        {"side": "SHORT", "quantity": "inf"},
        "positions[1].quantity must be finite, not inf",
    ),
    "text": ({"quantity": "x"}, "positions[1].quantity must be a number, not 'x'"),
    "no entry price": (
        {"entry_price": None},
        "positions[1].entry_price must be finite and > 0, not absent or nan (account 'u42')",
    ),
    "negative entry price": (
        {"entry_price": -1},
        "positions[1].entry_price must be > 0, not -1.0 (account 'u42')",
    ),
    "entry price 0": ({"entry_price": "0.0"}, "positions[1].entry_price must be > 0, not 0.0"),
    "small entry price": (
        {"entry_price": 1e-101},
        "positions[1].entry_price must be from 1e-100 to 1e+100, not 1e-101",
    ),
    "infinite entry price": (
        {"entry_price": "inf"},
        "positions[1].entry_price must be from 1e-100 to 1e+100, not inf",
    ),
    "nan entry price": ({"entry_price": "nan"}, "positions[1].entry_price must be finite and > 0"),
    "text entry price": ({"entry_price": "x"}, "positions[1].entry_price must be a number, not 'x"),
    "leverage 0": ({"leverage": 0}, "positions[1].leverage must be an integer >= 1, not 0.0"),
    "broken leverage": ({"leverage": 2.5}, "positions[1].leverage must be an integer >= 1"),
    "infinite leverage": ({"leverage": "inf"}, "positions[1].leverage must be finite, not inf"),
    "side": ({"side": "BUY"}, "positions[1].side must be BOTH, LONG or SHORT, not 'BUY'"),
    "side type": ({"side": 1}, "positions[1].side must be BOTH, LONG or SHORT, not 1"),
    "margin": ({"isolated_margin": "nan"}, "positions[1].isolated_margin must be finite, not nan"),
    "short long": (
        {"side": "LONG", "quantity": -1},
        "positions[1].quantity must be >= 0 on the LONG side, not -1.0 (account 'u42')",
    ),
    "long short": (
        {"side": "SHORT"},
        "positions[1].quantity must be <= 0 on the SHORT side, not 1.0 (account 'u42')",
    ),
    "typo": ({"qty": 1}, "positions[1].qty: is not a known key: entry_price, isolated_margin,"),
}


@pytest.mark.parametrize(("entry", "message"), POSITION_FAULTS.values(), ids=POSITION_FAULTS)
def test_a_wrong_position_is_refused(entry, message):
    other = POSITION | {"symbol": "ETHUSDT"}
    found = refusal_of(positions=[other, POSITION | entry])
    assert found.startswith(message)
    assert len(found.splitlines()) == 1


def test_a_symbol_twice_on_a_side_is_refused_by_both_places():
    entries = [HEDGED[0], HEDGED[1], {**HEDGED[0], "isolated_margin": 5}]
    assert refusal_of(positions=entries) == (
        "positions[2] must be the account's only LONG position in 'BTCUSDT', "
        "not one beside positions[0] (account 'u42')"
    )


def test_a_symbol_in_one_way_and_hedge_mode_is_refused_by_both_places():
    assert refusal_of(positions=[HEDGED[2], POSITION, HEDGED[1]]) == (
        "positions[2].side must be of one mode with positions[1], which is BOTH in 'BTCUSDT', "
        "not SHORT (account 'u42')"
    )
    assert refusal_of(positions=[HEDGED[1], POSITION]).startswith(
        "positions[1].side must be of one mode with positions[0], which is SHORT"
    )


def test_sides_without_a_position_are_no_duplicates():
    entries = [POSITION | {"quantity": 0}, *HEDGED, POSITION | {"side": "LONG", "quantity": 0}]
    assert len(build(positions=entries).positions) == 3


def test_a_symbol_may_be_held_by_two_accounts():
    rows = [{"account": i, "positions": [POSITION]} for i in range(2)]
    assert len(Accounts.from_rows(rows).positions) == 2


WALLET_FAULTS = {
    "balance": ({"balance": "nan"}, "wallets[0].balance must be finite, not nan (account 'u42')"),
    "text": ({"balance": "x"}, "wallets[0].balance must be a number, not 'x'"),
    "asset": ({"asset": 3}, "wallets[0].asset must be the name of an asset, not 3"),
    "typo": ({"free": 3}, "wallets[0].free: is not a known key: asset, balance"),
}


@pytest.mark.parametrize(("entry", "message"), WALLET_FAULTS.values(), ids=WALLET_FAULTS)
def test_a_wrong_wallet_is_refused(entry, message):
    assert refusal_of(wallets=[{"asset": "BTC", "balance": 1} | entry]).startswith(message)


def test_a_wallet_of_an_asset_twice_is_refused():
    entries = [{"asset": "BTC", "balance": 1}, {"asset": "BTC", "balance": 0}]
    assert refusal_of(wallets=entries) == (
        "wallets[1].asset must be unique in the account, not 'BTC' again (account 'u42')"
    )


def test_what_is_no_wallet_or_position_is_refused():
    message = refusal_of(wallets=[3], positions=["BTCUSDT"])
    assert message.splitlines() == [
        "wallets[0] must be a mapping, not 3 (account 'u42')",
        "positions[0] must be a mapping, not 'BTCUSDT' (account 'u42')",
    ]


def test_cross_modes_evaluate_balances_whatever_futures_are_beside():
    rules, prices = example_rules(), {"BTC": 64000}
    row = {"mode": "cross_classic", "leverage": 3, "balances": [{"asset": "BTC", "free": 1}]}
    beside = row | {"wallets": [{"asset": "XYZ", "balance": -9}], "positions": HEDGED}
    assert evaluate(build(**beside), prices, rules).actions.tolist() == (
        evaluate(build(**row), prices, rules).actions.tolist()
    )


def is_allowed(entries):
    """Whether an account may have these positions: the rules, one by one."""
    held = [(e["symbol"], e["side"] or "BOTH") for e in entries if e["quantity"]]
    signs = all(
        not (e["side"] == "LONG" and e["quantity"] < 0)
        and not (e["side"] == "SHORT" and e["quantity"] > 0)
        for e in entries
    )
    modes = {(symbol, side == "BOTH") for symbol, side in held}
    return signs and len(set(held)) == len(held) and len({s for s, _ in modes}) == len(modes)


SOME_POSITION = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(("A", "B")),
        "side": st.sampled_from((None, "BOTH", "LONG", "SHORT")),
        "quantity": st.sampled_from((-1.0, 0.0, 1.0)),
        "entry_price": st.just(1.0),
    }
)


@few
@given(st.lists(st.lists(SOME_POSITION, max_size=4), min_size=1, max_size=3))
def test_exactly_those_positions_are_refused_that_the_exchange_does_not_allow(accounts):
    given_rows = [{"account": i, "positions": entries} for i, entries in enumerate(accounts)]
    allowed = [is_allowed(entries) for entries in accounts]
    if all(allowed):
        assert len(Accounts.from_rows(given_rows)) == len(accounts)
    else:
        with pytest.raises(AccountsError) as caught:
            Accounts.from_rows(given_rows)
        wrong = {problem.account for problem in caught.value.problems}
        assert wrong == {i for i, is_fine in enumerate(allowed) if not is_fine}

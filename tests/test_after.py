"""What a book is after trades: by hand, by sums that must hold, and every refusal at once."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_rows import MODES, random_prices, random_row, random_rules
from oracle_rules import rules_of

import pymargin as pm

NAMES = ("free", "locked", "borrowed", "interest")


def row_after(row: dict[str, Any], *trades: dict[str, Any], rules: Any = None) -> dict[str, Any]:
    accounts = pm.Accounts.from_rows([{"account": 1, **row}])
    return pm.after(accounts, [{"account": 1, **trade} for trade in trades], rules=rules).row(0)


def held(row: dict[str, Any], asset: str) -> tuple[float, ...]:
    found = next((b for b in row["balances"] if b["asset"] == asset), dict.fromkeys(NAMES, 0.0))
    return tuple(found[name] for name in NAMES)


def wallet(row: dict[str, Any], asset: str) -> float:
    return sum(w["balance"] for w in row.get("wallets", ()) if w["asset"] == asset)


def leg(row: dict[str, Any], symbol: str = "AUSDT", side: str = "BOTH") -> dict[str, Any]:
    return next(p for p in row["positions"] if (p["symbol"], p["side"]) == (symbol, side))


USDT = {"balances": [{"asset": "USDT", "free": 1000, "locked": 5}]}
OWED = {"balances": [{"asset": "USDT", "free": 50, "borrowed": 30, "interest": 2}]}


def test_a_purchase_and_a_sale() -> None:
    bought = row_after(USDT, {"asset": "A", "quantity": 3, "quote": "USDT", "price": 100.1})
    assert held(bought, "A") == (3, 0, 0, 0)
    assert held(bought, "USDT") == (699.7, 5, 0, 0)
    sold = row_after(
        bought, {"asset": "A", "quantity": -1, "quote": "USDT", "price": 90, "fee": 0.3}
    )
    assert held(sold, "A") == (2, 0, 0, 0)
    assert held(sold, "USDT") == (789.4, 5, 0, 0)


def test_decimals_are_added_as_they_read() -> None:
    row = row_after({"balances": [{"asset": "A", "free": 0.1}]}, {"asset": "A", "quantity": 0.2})
    assert held(row, "A")[0] == 0.3


def test_transfers_and_wallets() -> None:
    row = row_after(USDT, {"asset": "USDT", "quantity": -400}, {"asset": "USDT", "wallet": 400},
                    {"asset": "USDT", "wallet": -300})  # fmt: skip
    assert held(row, "USDT") == (600, 5, 0, 0)
    assert wallet(row, "USDT") == 100


def test_what_is_borrowed_is_held_and_interest_is_repaid_first() -> None:
    row = row_after(OWED, {"asset": "USDT", "borrow": 10})
    assert held(row, "USDT") == (60, 0, 40, 2)
    row = row_after(OWED, {"asset": "USDT", "repay": 1.5})
    assert held(row, "USDT") == (48.5, 0, 30, 0.5)
    row = row_after(OWED, {"asset": "USDT", "repay": 32})
    assert held(row, "USDT") == (18, 0, 0, 0)
    row = row_after(OWED, {"asset": "B", "borrow": 1, "loan_leverage": 5})
    assert held(row, "B") == (1, 0, 1, 0)
    assert row["balances"][1]["loan_leverage"] == 5


def trade(quantity: float, price: float, **rest: Any) -> dict[str, Any]:
    return {"symbol": "AUSDT", "quantity": quantity, "price": price, **rest}


def test_what_adds_averages_and_what_reduces_realises() -> None:
    row = row_after({}, trade(2, 100, leverage=10), trade(3, 110))
    assert leg(row) == {
        "symbol": "AUSDT", "side": "BOTH", "quantity": 5.0, "entry_price": 106.0, "leverage": 10.0,
    }  # fmt: skip
    assert wallet(row, "USDT") == 0
    row = row_after(row, trade(-4, 109, fee=0.5))
    assert (leg(row)["quantity"], leg(row)["entry_price"]) == (1, 106)
    assert wallet(row, "USDT") == 4 * 3 - 0.5
    row = row_after(row, trade(-3, 100))
    assert (leg(row)["quantity"], leg(row)["entry_price"]) == (-2, 100)
    assert wallet(row, "USDT") == 11.5 - 6
    row = row_after(row, trade(2, 90))
    assert row.get("positions", []) == []
    assert wallet(row, "USDT") == 5.5 + 20


def test_contracts_in_coin_average_the_inverse() -> None:
    symbol = "BTCUSD_PERP"
    row = row_after({}, {"symbol": symbol, "quantity": 10, "price": 20_000},
                    {"symbol": symbol, "quantity": 10, "price": 25_000})  # fmt: skip
    entry = float(20 / (Fraction(10, 20_000) + Fraction(10, 25_000)))
    assert leg(row, symbol)["entry_price"] == entry
    row = row_after(row, {"symbol": symbol, "quantity": -20, "price": 25_000})
    expected = 2000 * (1 / Fraction(Decimal(repr(entry))) - Fraction(1, 25_000))
    assert wallet(row, "BTC") == float(expected)


def test_sides_of_hedge_mode_are_positions_of_their_own() -> None:
    row = row_after({}, trade(2, 100, side="LONG"), trade(-1, 100, side="SHORT"),
                    trade(-1, 120, side="LONG"))  # fmt: skip
    assert leg(row, side="LONG")["quantity"] == 1
    assert leg(row, side="SHORT")["quantity"] == -1
    assert wallet(row, "USDT") == 20


def test_an_isolated_position_takes_its_margin_from_the_wallet_and_gives_it_back() -> None:
    start = {"wallets": [{"asset": "USDT", "balance": 1000}]}
    row = row_after(start, trade(2, 100, leverage=10, isolated_margin=50))
    assert (leg(row)["isolated_margin"], wallet(row, "USDT")) == (50, 950)
    row = row_after(row, trade(2, 120))
    assert (leg(row)["isolated_margin"], wallet(row, "USDT")) == (74, 926)
    row = row_after(row, trade(-1, 130))
    assert (leg(row)["isolated_margin"], wallet(row, "USDT")) == (55.5, 926 + 18.5 + 20)
    row = row_after(row, trade(-4, 110, isolated_margin=7))
    assert (leg(row)["quantity"], leg(row)["isolated_margin"]) == (-1, 7)
    assert wallet(row, "USDT") == 964.5 + 55.5 - 7


def test_a_symbol_whose_name_tells_nothing_needs_rules() -> None:
    row = {"positions": [{"symbol": "XY", "quantity": 1, "entry_price": 5}]}
    rules = rules_of(parts={"contracts": {"XY": pm.Contract("usdm", "X", "EUR")}})
    found = row_after(row, {"symbol": "XY", "quantity": -1, "price": 7}, rules=rules)
    assert wallet(found, "EUR") == 2
    with pytest.raises(pm.AccountsError, match=r"trades\[0\].symbol must be a contract"):
        row_after(row, {"symbol": "XY", "quantity": -1, "price": 7})


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"account": 7, "asset": "A", "quantity": 1}, "an account of the book, which has 2"),
    ({"asset": "USDT", "quantity": -51}, "quantity must be at most the 50.0 USDT that are free"),
    ({"asset": "A", "quantity": 1, "quote": "USDT", "price": 50.1}, "at most the 50.0 USDT"),
    ({"asset": "A", "quantity": -1, "quote": "USDT", "price": 1}, "at most the 0.0 A that"),
    ({"asset": "USDT", "repay": 33}, "repay must be at most the 32.0 USDT owed (acc"),
    ({"asset": "USDT", "quantity": math.nan}, "quantity must be a finite number, not nan"),
    ({"asset": "USDT", "borrow": 0}, "borrow must be above 0, not 0"),
    ({"asset": "USDT", "borrow": "x"}, "borrow must be a finite number, not x"),
    ({"asset": "USDT"}, "trades[0] must be account and the fields of one of: asset"),
    ({"asset": "USDT", "quantity": 1, "colour": 1}, "trades[0] must be account and the fields"),
    ({"symbol": "AUSDT", "quantity": 1, "price": 0}, "price must be above 0"),
    ({"symbol": "AUSDT", "quantity": 1, "price": 1, "side": "UP"}, "side must be BOTH or LONG"),
    ({"symbol": "AUSDT", "quantity": 1, "price": 1, "leverage": 1.5}, "an integer of at least 1"),
    ({"symbol": "AUSDT", "quantity": -1, "price": 1, "side": "LONG"}, "one that leaves LONG"),
    ({"symbol": "HUSDT", "quantity": 1, "price": 1}, "side must be LONG or SHORT"),
    ({"symbol": "HUSDT", "quantity": 1, "price": 1, "side": "BOTH"}, "LONG, as HUSDT is held"),
    ({"symbol": "IUSDT", "quantity": 1, "price": 1}, "isolated_margin must be given"),
    ({"symbol": "CUSDT", "quantity": 1, "price": 1, "isolated_margin": 1}, "as a cross position"),
    ({"symbol": "CUSDT", "quantity": -1, "price": 1, "isolated_margin": 1}, "absent where nothing"),
    ({"asset": "USDT", "quantity": 1, "quote": "USDT", "price": 1}, "another asset than USDT"),
]  # fmt: skip
BOOK = [
    {
        "account": 1,
        **OWED,
        "positions": [
            {"symbol": "HUSDT", "quantity": 1, "entry_price": 1, "side": "LONG"},
            {"symbol": "IUSDT", "quantity": 1, "entry_price": 1, "isolated_margin": 1},
            {"symbol": "CUSDT", "quantity": 1, "entry_price": 1},
        ],
    },
    {"account": 2},
]


@pytest.mark.parametrize(("fault", "message"), FAULTS)
def test_a_trade_that_cannot_be(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(pm.AccountsError) as caught:
        pm.after(pm.Accounts.from_rows(BOOK), [{"account": 1, **fault}])
    assert message in str(caught.value)


def test_all_faults_are_told_at_once_and_a_refused_trade_changes_nothing() -> None:
    accounts = pm.Accounts.from_rows(BOOK)
    trades = [{"account": 1, **fault} for fault, _ in FAULTS]
    with pytest.raises(pm.AccountsError) as caught:
        pm.after(accounts, [*trades, {"account": 1, "asset": "USDT", "quantity": -50}])
    # The last takes out all that is free, which no fault has touched.
    assert len(caught.value.problems) == len(FAULTS)
    assert accounts.row(0)["balances"][0]["free"] == 50


@pytest.mark.parametrize("trades", [{"account": 1}, "ab", 5])
def test_trades_are_mappings(trades: Any) -> None:
    with pytest.raises(pm.AccountsError, match="trades must be an iterable of mappings"):
        pm.after(pm.Accounts.from_rows(BOOK), trades)


def test_the_order_of_accounts_assets_and_symbols_stays() -> None:
    rng = random.Random(1)
    rules, prices = random_rules(rng), random_prices(rng)
    rows = [random_row(rng, MODES[k % 6], prices) | {"account": f"n{k}"} for k in range(80)]
    accounts = pm.Accounts.from_rows(rows)
    trades = [{"account": f"n{k}", "asset": "NEW", "quantity": k + 1} for k in (3, 70, 41, 3)]
    found = pm.after(accounts, trades)
    assert found.ids.tolist() == accounts.ids.tolist()
    assert found.assets[: len(accounts.assets)] == accounts.assets
    assert found.symbols == accounts.symbols
    for k in range(80):
        expected = accounts.row(k)
        new = {3: 8.0, 70: 71.0, 41: 42.0}.get(k)
        if new is not None:
            fields = dict.fromkeys(NAMES, 0.0) | {"asset": "NEW", "free": new}
            expected["balances"] = [*expected["balances"], fields]
        assert found.row(k) == expected
    priced = pm.Prices({**prices.index, "NEW": 0}, prices.mark, prices.bid, prices.ask)
    futures = [k for k in range(80) if rows[k]["mode"] in ("usdm", "coinm")]
    before, later = (
        pm.evaluate(book.select(futures), priced, rules).level for book in (accounts, found)
    )
    assert np.array_equal(before, later, equal_nan=True)
    assert pm.after(accounts, []) is accounts


@settings(max_examples=60, deadline=None)
@given(rng=st.randoms(use_true_random=False), coin=st.booleans())
def test_profit_realised_and_not_is_that_of_the_trades(rng: random.Random, coin: bool) -> None:
    """Wallet and unrealised profit together are the sum of the trades' own, at any mark."""
    symbol, asset, size = ("BTCUSD_PERP", "BTC", 100) if coin else ("AUSDT", "USDT", 1)
    trades = [
        {"symbol": symbol, "quantity": rng.choice((-1, 1)) * rng.randrange(1, 9),
         "price": rng.randrange(10, 99) / 4}
        for _ in range(rng.randrange(1, 9))
    ]  # fmt: skip
    row = row_after({}, *trades)
    mark = Fraction(rng.randrange(10, 99), 4)

    def value(quantity: float, price: float) -> Fraction:
        units, at = Fraction(quantity) * size, Fraction(Decimal(repr(price)))
        return units * (1 / at - 1 / mark) if coin else units * (mark - at)

    expected = sum(value(one["quantity"], one["price"]) for one in trades)
    left = sum(value(p["quantity"], p["entry_price"]) for p in row.get("positions", ()))
    assert float(left) + wallet(row, asset) == pytest.approx(float(expected), abs=1e-9)


def test_arrow_data_and_many_accounts() -> None:
    pa = pytest.importorskip("pyarrow")
    accounts = pm.Accounts.from_rows({"account": k} for k in range(300))
    table = pa.table(
        {
            "account": list(range(300)),
            "asset": ["A"] * 300,
            "quantity": [k + 1.0 for k in range(300)],
        }
    )
    found = pm.after(accounts, table)
    assert found._free.tolist() == [k + 1.0 for k in range(300)]

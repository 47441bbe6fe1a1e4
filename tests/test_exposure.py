"""Totals of a book, by hand and against sums in exact numbers."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_rows import MODES, random_prices, random_row, random_rules

import pymargin as pm
from pymargin import oracle


def exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(float(value))))


ROWS: list[dict[str, Any]] = [
    {"account": 1, "balances": [{"asset": "BTC", "free": 2, "locked": 1}]},
    {
        "account": 2,
        "balances": [{"asset": "BTC", "free": 1, "borrowed": 0.5, "interest": 0.25}],
        "wallets": [{"asset": "USDT", "balance": -40}, {"asset": "BTC", "balance": 2}],
        "positions": [
            {"symbol": "ETHUSDT", "quantity": 3, "entry_price": 1900, "isolated_margin": 70},
            {"symbol": "BTCUSD_PERP", "quantity": -5, "entry_price": 40_000},
        ],
    },
    {
        "account": 3,
        "positions": [
            {"symbol": "ETHUSDT", "quantity": 1, "entry_price": 2000, "side": "LONG"},
            {"symbol": "ETHUSDT", "quantity": -2, "entry_price": 2100, "side": "SHORT"},
        ],
    },
]
PRICES = {"BTC": 50_000, "ETHUSDT": 2000, "BTCUSD_PERP": 50_000}


def test_totals_by_asset_and_by_symbol() -> None:
    found = pm.exposure(pm.Accounts.from_rows(ROWS), PRICES)
    assets = found.by_asset
    assert assets.assets == ("BTC", "USDT")
    assert len(assets) == 2
    assert assets.held.tolist() == [4, 0]
    assert assets.owed.tolist() == [0.75, 0]
    assert assets.wallet.tolist() == [2, -40]
    assert assets.isolated_wallet.tolist() == [0, 70]
    assert assets.net.tolist() == [5.25, 30]
    assert assets.held_value.tolist() == [200_000, 0]
    assert assets.net_value.tolist() == [262_500, 30]
    assert assets.holders.tolist() == [2, 0]
    assert assets.owers.tolist() == [1, 1]
    symbols = found.by_symbol
    assert symbols.symbols == ("ETHUSDT", "BTCUSD_PERP")
    assert symbols.settlement_asset.tolist() == ["USDT", "BTC"]
    assert symbols.long.tolist() == [4, 0]
    assert symbols.short.tolist() == [2, 5]
    assert symbols.long_notional.tolist() == [8000, 0]
    assert symbols.short_notional.tolist() == [4000, 0.01]
    assert symbols.unrealized_pnl == pytest.approx([300 + 200, -500 / 40_000 + 500 / 50_000])
    assert symbols.net_value.tolist() == [4000, -500]
    assert symbols.long_positions.tolist() == [2, 0]
    assert symbols.short_positions.tolist() == [1, 1]


@settings(max_examples=25, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_totals_are_the_sums_of_the_accounts(rng: random.Random) -> None:
    rules, prices = random_rules(rng), random_prices(rng)
    rows = [random_row(rng, rng.choice(MODES), prices) | {"account": k} for k in range(12)]
    found = pm.exposure(pm.Accounts.from_rows(rows), prices, rules=rules)
    for number, asset in enumerate(found.by_asset.assets):
        entries = [b for row in rows for b in row.get("balances", ()) if b["asset"] == asset]
        held = sum(exact(b.get("free", 0)) for b in entries)
        owed = sum(exact(b.get("borrowed", 0)) + exact(b.get("interest", 0)) for b in entries)
        assert found.by_asset.held[number] == pytest.approx(float(held), rel=1e-12)
        assert found.by_asset.owed[number] == pytest.approx(float(owed), rel=1e-12)
        holders = {
            row["account"]
            for row in rows
            if any(b["asset"] == asset and b.get("free") for b in row.get("balances", ()))
            or any(w["asset"] == asset and w["balance"] > 0 for w in row.get("wallets", ()))
        }
        assert found.by_asset.holders[number] == len(holders)
    profits = dict.fromkeys(found.by_symbol.symbols, Fraction(0))
    for row in rows:
        if row["mode"] in ("usdm", "coinm"):
            legs = getattr(oracle, row["mode"])(row, prices, rules).positions
        elif row["mode"].startswith("portfolio"):
            legs = oracle.portfolio(row, prices, rules).positions
        else:
            legs = ()
        for leg in legs:
            profits[leg.symbol] += leg.unrealized_pnl
    expected = [float(profit) for profit in profits.values()]
    assert found.by_symbol.unrealized_pnl == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_what_cannot_be_valued_is_named_or_flagged() -> None:
    rows = [*ROWS, {"account": 4, "positions": [{"symbol": "??", "quantity": 1, "entry_price": 1}]}]
    accounts = pm.Accounts.from_rows(rows)
    with pytest.raises(pm.UnpricedError) as caught:
        pm.exposure(accounts, {"BTCUSD_PERP": 5e4})
    text = str(caught.value)
    assert "BTC has no finite price: held by 2 accounts, owed by 1" in text
    assert "ETHUSDT has no finite mark price above 0: 3 positions in it" in text
    assert "BTCUSD_PERP is settled in BTC, which has no finite price: 1 position in it" in text
    assert "?? has no contract in the rules" in text
    found = pm.exposure(accounts, {"BTCUSD_PERP": 5e4}, missing="flag")
    assert math.isnan(found.by_asset.net_value[0])
    assert found.by_asset.held.tolist()[0] == 4
    assert found.by_symbol.long_positions.tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match="missing must be 'raise' or 'flag'"):
        pm.exposure(accounts, PRICES, missing="no")  # type: ignore[arg-type]


def test_an_array_of_prices_and_an_empty_book() -> None:
    import numpy as np

    accounts = pm.Accounts.from_rows(ROWS[:1])
    assert pm.exposure(accounts, np.array([7.0])).by_asset.held_value.tolist() == [21]
    empty = pm.exposure(pm.Accounts.from_rows([]), {})
    assert len(empty.by_asset) == len(empty.by_symbol) == 0


def test_tables() -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    found = pm.exposure(pm.Accounts.from_rows(ROWS), PRICES)
    table = found.by_asset.to_arrow()
    assert table.column_names[:3] == ["asset", "price", "held"]
    assert table["asset"].to_pylist() == ["BTC", "USDT"]
    assert found.by_symbol.to_arrow()["settlement_asset"].to_pylist() == ["USDT", "BTC"]
    frame = found.by_symbol.to_frame()
    assert frame.index.name == "symbol"
    assert frame.loc["ETHUSDT", "long"] == 4


def test_the_totals_say_what_they_rest_on() -> None:
    book = pm.Accounts.from_rows([{"account": 1, "balances": [{"asset": "BTC", "free": 2}]}])
    rules = pm.example_rules()
    for known, digest in ((rules, rules.digest), (None, "")):
        found = pm.exposure(book, {"BTC": 60_000}, rules=known)
        assert (found.rules_digest, found.methodology) == (digest, "exposure")
        for table in (found.by_asset, found.by_symbol):
            assert table.provenance == found.provenance
            assert table.to_arrow().schema.metadata[b"pymargin.rules_digest"] == digest.encode()
            assert table.to_frame().attrs["methodology"] == "exposure"

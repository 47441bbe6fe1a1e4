"""Every answer about accounts or positions is an Arrow table and a frame with its provenance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin.provenance import Provenance

RULES = pm.example_rules()
PRICES = {"BTC": 60_000, "BTCUSDT": 60_000}
LONG = {"symbol": "BTCUSDT", "quantity": 1, "entry_price": 60_000}


def rows(first: Any, second: Any) -> list[dict[str, Any]]:
    balances = [{"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 45_000}]
    return [
        {"account": first, "mode": "cross_classic", "leverage": 3, "balances": balances},
        {"account": second, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 500}],
         "positions": [LONG | {"side": "LONG"},
                       {"symbol": "BTCUSDT", "quantity": -1, "entry_price": 60_000,
                        "side": "SHORT", "isolated_margin": 900}]},
    ]  # fmt: skip


ANSWERS: dict[str, tuple[Callable[[pm.Accounts], Any], list[int], list[str]]] = {
    "evaluate": (
        lambda book: pm.evaluate(book, PRICES, RULES), [0, 1], ["level", "threshold", "actions"],
    ),
    "positions": (
        lambda book: pm.usdm(book, PRICES, RULES).positions,
        [1, 1],
        ["symbol", "notional", "unrealized_pnl", "maintenance_margin", "initial_margin",
         "margin_balance", "margin_level", "margin_ratio", "actions"],
    ),
    "roots": (
        lambda book: pm.liquidation_price(book, PRICES, RULES, "BTC"),
        [0, 1],
        ["below", "above", "nearest", "reason"],
    ),
    "roots of positions": (
        lambda book: pm.liquidation_price(book, PRICES, RULES, "BTCUSDT").positions,
        [1],
        ["position", "symbol", "below", "above", "nearest", "reason"],
    ),
    "shortfall": (
        lambda book: pm.shortfall(book, PRICES, RULES), [0, 1], ["usdt", "is_short"],
    ),
    "switch": (
        lambda book: pm.switch(book.select([0]), PRICES, RULES, "cross_pro"),
        [0],
        ["level", "limit", "allowed"],
    ),
    "stress": (
        lambda book: pm.stress(book, PRICES, RULES, [0.9, 0.8]),
        [0, 1],
        ["worst_level", "worst_shock"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("ids", [("a", "b"), (7, 9)], ids=["str", "int"])
@pytest.mark.parametrize("name", ANSWERS)
def test_answers_are_tables_with_their_provenance(name: str, ids: tuple[Any, Any]) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    ask, of, columns = ANSWERS[name]
    found = ask(pm.Accounts.from_rows(rows(*ids)))
    accounts = [ids[k] for k in of]
    table = found.to_arrow()
    assert table.column_names == ["account", *columns]
    assert table["account"].to_pylist() == accounts
    assert Provenance.from_metadata(table.schema.metadata) == found.provenance
    frame = found.to_frame()
    assert (list(frame.index), list(frame.columns)) == (accounts, columns)
    assert frame.index.name == "account"
    assert frame.attrs["rules_digest"] == RULES.digest
    for column in columns:
        values = np.asarray(frame[column])
        assert np.array_equal(values, np.array(table[column].to_pylist(), values.dtype)) or (
            np.array_equal(values, np.asarray(table[column]), equal_nan=True)
        )
    assert found.ids.tolist() == accounts

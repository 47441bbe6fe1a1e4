"""Rows of accounts for tests: a strategy, and a comparison of books."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from pymargin import Accounts

# A shared machine has no deadline, and books need not be many to be different.
few = settings(max_examples=40, deadline=None)

QUANTITY = st.one_of(st.just(0.0), st.floats(0, 1e15, allow_subnormal=False), st.none())
ASSETS = ("BTC", "ETH", "USDT", "BNB", "ÄTH")


@st.composite
def rows(draw: st.DrawFn, kind: type | None = None) -> list[dict[str, Any]]:
    """Rows that are right, with every key, some of them None."""
    kind = kind or draw(st.sampled_from((int, str)))
    names = st.integers(-(2**63), 2**63 - 1) if kind is int else st.text("aü7", min_size=1)
    return [draw(_row(name)) for name in draw(st.lists(names, min_size=1, max_size=6, unique=True))]


@st.composite
def _row(draw: st.DrawFn, account: int | str) -> dict[str, Any]:
    balances = [
        {"asset": asset, **{name: draw(QUANTITY) for name in FIELDS}}
        for asset in draw(st.lists(st.sampled_from(ASSETS), unique=True))
    ]
    orders = draw(st.lists(_order(), max_size=2))
    return {
        "account": account,
        "mode": draw(st.sampled_from((None, "cross_classic", "cross_pro"))),
        "balances": draw(st.sampled_from((balances, balances, None))),
        "leverage": draw(st.sampled_from((None, 3, 5))),
        "margin_call_ratio": draw(st.none() | st.floats(1.3, 2)),
        "open_order_loss": None if orders else draw(st.none() | st.floats(0, 1e9)),
        "orders": orders,
        "country": draw(st.sampled_from((None, "DE", "FR"))),
    }


def _order() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "give_asset": st.sampled_from((*ASSETS, "SOL")),
            "give_quantity": st.floats(0, 1e9),
            "get_asset": st.sampled_from((*ASSETS, "SOL")),
            "get_quantity": st.floats(0, 1e9),
        }
    )


FIELDS = ("free", "locked", "borrowed", "interest")
ARRAYS = (
    *("_offsets", "_free", "_locked", "_borrowed", "_interest", "_leverage"),
    *("_margin_call_ratio", "_open_order_loss", "_mode", "_country", "_order_offsets"),
    *("_order_give_quantity", "_order_get_quantity"),
)
ASSET_ARRAYS = ("_asset_ids", "_order_give_ids", "_order_get_ids")


def assert_same(left: Accounts, right: Accounts, *, same_numbering: bool = True) -> None:
    """Assert that two books hold the same accounts, bit for bit."""
    assert left.ids.tolist() == right.ids.tolist()
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), name, strict=True)
    if same_numbering:
        assert left.assets == right.assets
    for name in ASSET_ARRAYS:
        assert [left.assets[i] for i in getattr(left, name)] == [
            right.assets[i] for i in getattr(right, name)
        ]

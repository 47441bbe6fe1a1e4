"""Rows of accounts for tests: a strategy, and a comparison of books."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from pymargin import Accounts, Mode
from pymargin.sections import Positions, entry_arrays

# A shared machine has no deadline, and books need not be many to be different.
few = settings(max_examples=40, deadline=None)

QUANTITY = st.one_of(st.just(0.0), st.floats(0, 1e15, allow_subnormal=False), st.none())
SIGNED = st.floats(-1e12, 1e12, allow_subnormal=False)
SYMBOLS = ("BTCUSDT", "BTCUSD_PERP", "ETHUSDT_260327", "币安人生USDT")
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
        {
            "asset": asset,
            **{name: draw(QUANTITY) for name in FIELDS},
            "loan_leverage": draw(st.sampled_from((None, None, 3, 5, 10))),
        }
        for asset in draw(st.lists(st.sampled_from(ASSETS), unique=True))
    ]
    orders = draw(st.lists(_order(), max_size=2))
    wallets = [
        {"asset": asset, "balance": draw(SIGNED)}
        for asset in draw(st.lists(st.sampled_from((*ASSETS, "DOT")), unique=True, max_size=3))
    ]
    return {
        "account": account,
        "mode": draw(st.none() | st.sampled_from([str(mode) for mode in Mode])),
        "balances": draw(st.sampled_from((balances, balances, None))),
        "leverage": draw(st.sampled_from((None, 3, 5))),
        "margin_call_ratio": draw(st.none() | st.floats(1.3, 2)),
        "open_order_loss": None if orders else draw(st.none() | st.floats(0, 1e9)),
        "orders": orders,
        "country": draw(st.sampled_from((None, "DE", "FR"))),
        "wallets": draw(st.sampled_from((wallets, None))),
        "positions": draw(st.none() | positions()),
        "multi_assets": draw(st.sampled_from((None, False, True))),
    }


@st.composite
def positions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Positions that one account may have, some of quantity 0."""
    found = []
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True, max_size=4)):
        for side in draw(st.sampled_from(((None,), ("BOTH",), ("LONG",), ("SHORT", "LONG")))):
            size = draw(st.floats(-1e9, 1e9, allow_subnormal=False) | st.none())
            if side in ("LONG", "SHORT") and size is not None:
                size = abs(size) if side == "LONG" else -abs(size)
            position = {
                "symbol": symbol,
                "quantity": size,
                "entry_price": draw(st.floats(1e-8, 1e8)),
                "leverage": draw(st.none() | st.integers(1, 125)),
                "side": side,
                "isolated_margin": draw(st.none() | SIGNED),
            }
            found.append(position)
    return found


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
    _assert_same_sections(left, right)
    assert left.ids.tolist() == right.ids.tolist()
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), name, strict=True)
    if same_numbering:
        assert (left.assets, left.symbols) == (right.assets, right.symbols)
    for name in ASSET_ARRAYS:
        assert [left.assets[i] for i in getattr(left, name)] == [
            right.assets[i] for i in getattr(right, name)
        ]


def _assert_same_sections(left: Accounts, right: Accounts) -> None:
    for name in ("loan_leverage", "multi_assets"):
        mine, other = getattr(left, name), getattr(right, name)
        assert (mine is None) == (other is None), name
        if mine is not None:
            np.testing.assert_array_equal(mine, other, name, strict=True)
    for mine, other in ((left.wallets, right.wallets), (left.positions, right.positions)):
        np.testing.assert_array_equal(mine.offsets, other.offsets, strict=True)
        others = entry_arrays(other)
        is_positions = isinstance(mine, Positions)
        for name, values in entry_arrays(mine).items():
            if name.endswith("_ids"):
                names, theirs = (
                    (left.symbols, right.symbols) if is_positions else (left.assets, right.assets)
                )
                assert [names[i] for i in values] == [theirs[i] for i in others[name]]
            else:
                np.testing.assert_array_equal(values, others[name], name, strict=True)

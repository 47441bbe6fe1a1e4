"""Every entry of the core on small books of every shape; no extra is needed.

Short enough for valgrind, which `.ci/run` runs it under: nothing is drawn, little is imported.
"""

from __future__ import annotations

import numpy as np
import pytest

import pymargin as pm
from pymargin import _core
from pymargin.book import book_of

RULES = pm.example_rules()
PRO = [(c, o) for c in ("gross", "net") for o in ("marginal", "standalone")]
ASSETS = ("USDT", "BTC", "ETH", "BNB", "SOL")
PRICES = np.array([1.0, 30000.0, 2000.0, 300.0, 0.0])
SIZES = (0, 1, 2, 3, 4, 5, 9)


def make(n: int, *, wide: bool = False, orders: bool = False) -> pm.Accounts:
    """Return n accounts of 0 to 5 balances, the levels of every third about its thresholds."""
    lengths = np.arange(n) % (len(ASSETS) + 1)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    row = np.repeat(np.arange(n), lengths)
    ids = np.concatenate([np.arange(length) for length in lengths] or [np.empty(0, int)])
    worth = np.array([1e3, 4e5, 6e7])[row % 3]
    free = worth / np.array([1.0, 3e4, 2e3, 3e2, 1e2])[ids]
    n_before = 65_536 if wide else 0
    some = np.arange(n) % 4 == 3 if orders else np.zeros(n, dtype=bool)
    k = int(some.sum())
    id_type = np.uint32 if wide else np.uint16
    return pm.Accounts.from_arrays(
        ids=np.arange(n),
        offsets=offsets,
        assets=(*(f"B{i}" for i in range(n_before)), *ASSETS),
        asset_ids=(ids + n_before).astype(id_type),
        free=free,
        locked=free / 8,
        borrowed=np.where((ids + row) % 2 == 0, free * 1.125 / np.where(row % 3, 1.1, 2.0), 0.0),
        interest=np.where((ids + row) % 2 == 0, free / 1e4, 0.0),
        leverage=np.where(np.arange(n) % 2, 3, 5).astype(np.uint8),
        margin_call_ratio=np.where(np.arange(n) % 5, np.nan, 1.7),
        open_order_loss=np.where(~some & (np.arange(n) % 7 == 6), 12.5, 0.0),
        mode=["cross_pro" if i % 2 else "cross_classic" for i in range(n)],
        order_offsets=np.concatenate([[0], np.cumsum(some)]),
        order_give_ids=np.full(k, n_before, id_type),
        order_give_quantity=np.full(k, 100.0),
        order_get_ids=np.full(k, n_before + 1, id_type),
        order_get_quantity=np.full(k, 0.003),
    )


def bits(found: pm.Levels) -> dict[str, bytes]:
    back = np.argsort(found.book_rows)
    return {name: values[back].tobytes() for name, values in found.arrays().items()}


@pytest.fixture(scope="module")
def books() -> list[pm.Accounts]:
    return [make(n, orders=orders) for n in SIZES for orders in (False, True)]


def classic_rules(methodology: str) -> pm.MarginRules:
    return RULES.replace(methodology={**RULES.methodology, "cross_classic": methodology})


@pytest.mark.parametrize("methodology", ["classic_2023", "classic_2026_01", "classic_2026_06"])
def test_classic_is_the_same_row_by_row_and_in_slots(books, methodology):
    rules = classic_rules(methodology)
    for book in books:
        rows = pm.cross_classic(book, PRICES, rules)
        slots = pm.cross_classic(book, PRICES, rules, order="slot")
        assert bits(slots) == bits(rows) == bits(pm.cross_classic(book, PRICES, rules))


@pytest.mark.parametrize(("collateral", "order_loss"), PRO)
def test_pro_is_the_same_row_by_row_and_in_slots(books, collateral, order_loss):
    options = {"collateral": collateral, "order_loss": order_loss}
    for book in books:
        rows = pm.cross_pro(book, PRICES, RULES, **options)
        slots = pm.cross_pro(book, PRICES, RULES, **options, order="slot")
        found = pm.cross_pro(book, PRICES, RULES, **options, out=slots)
        assert bits(found) == bits(rows)


def test_two_threads_give_the_bits_of_one():
    book = make(2 * 4096 + 5, orders=True)
    one, two = (pm.cross_pro(book, PRICES, RULES, threads=threads) for threads in (1, 2))
    assert bits(one) == bits(two)
    book.prepare(threads=2)
    assert bits(pm.cross_pro(book, PRICES, RULES, threads=2)) == bits(one)


def test_missing_prices_are_flagged_in_every_layout(books):
    for book in books:
        prices = PRICES.copy()
        prices[-4] = np.nan
        rows = pm.evaluate(book, prices, RULES, missing="flag")
        book.prepare()
        assert bits(pm.evaluate(book, prices, RULES, missing="flag")) == bits(rows)


@pytest.mark.parametrize("m", [1, 3, 17])
def test_grid_has_the_bits_of_single_evaluations(books, m):
    for book in books:
        found = pm.stress(book, PRICES, RULES, np.linspace(1.2, 0.3, m), threads=2)
        for k, prices in enumerate(found.prices):
            single = pm.evaluate(book, prices, RULES)
            assert found.level[:, k].tobytes() == single.level.tobytes()
            assert found.actions[:, k].tobytes() == single.actions.tobytes()


def pools(n: int) -> pm.Accounts:
    """Return n accounts of every mode with positions: none to three, isolated, loans, orders."""
    rows = []
    for k in range(n):
        mode = ("usdm", "coinm", "portfolio", "portfolio_pro")[k % 4]
        symbols = ["BTCUSD_PERP"] if mode == "coinm" else ["BTCUSDT", "ETHUSDT", "BTCUSDC"]
        positions = [
            {"symbol": symbol, "quantity": (-1) ** k * (1 + j), "entry_price": 29_000.0 / (1 + j)}
            for j, symbol in enumerate(symbols[: k % 5])
        ]
        if positions and mode in ("usdm", "coinm"):
            positions[0]["isolated_margin"] = 900.0 if mode == "usdm" else 1e-5
        row = {"account": k, "mode": mode, "positions": positions}
        row["wallets"] = [{"asset": "USDT", "balance": 1e3 * k}, {"asset": "BTC", "balance": 0.01}]
        if mode.startswith("portfolio"):
            loan = {"asset": "ETH", "borrowed": 0.5 * k, "loan_leverage": 5}
            row["balances"] = [{"asset": "BTC", "free": 0.1}, loan]
        if k % 8 == 2:
            row["orders"] = [
                {
                    "give_asset": "USDT",
                    "give_quantity": 100.0,
                    "get_asset": "BTC",
                    "get_quantity": 0.003,
                }
            ]
        rows.append(row | {"multi_assets": mode == "usdm" and k % 8 == 4})
    return pm.Accounts.from_rows(rows)


MARKS = {"BTCUSDT": 3e4, "ETHUSDT": 2e3, "BTCUSDC": 3e4, "BTCUSD_PERP": 3e4, "USDC": 1.0}


@pytest.mark.parametrize("n", [0, 1, 6, 33])
@pytest.mark.parametrize("m", [1, 17])
def test_grid_of_pools_has_the_bits_of_single_evaluations(n, m):
    book, prices = pools(n), dict(zip(ASSETS, PRICES.tolist(), strict=True)) | MARKS
    found = pm.stress(book, prices, RULES, np.linspace(1.2, 0.3, m), threads=2)
    for k in range(m):
        single = pm.evaluate(book, found.prices_at(k), RULES)
        assert found.level[:, k].tobytes() == single.level.tobytes()
        assert found.actions[:, k].tobytes() == single.actions.tobytes()


def test_worst_compares_exactly(books):
    for book in books:
        found = pm.evaluate(book, PRICES, RULES).worst(len(book))
        keys = np.minimum(found.level / found.threshold, 1e300)
        assert np.all(np.diff(keys) > -1e-12)


def test_asset_numbers_of_32_bits_make_no_difference():
    narrow, wide = make(9, orders=True), make(9, wide=True, orders=True)
    prices = np.concatenate([np.full(len(wide.assets) - len(ASSETS), np.nan), PRICES])
    expected = bits(pm.cross_pro(narrow, PRICES, RULES))
    for order in ("user", "slot", "user"):
        found = pm.cross_pro(wide, prices, RULES, order=order, missing="flag")
        assert bits(found) == expected
    grid = pm.stress(wide, prices, RULES, [1.0, 0.5], mode="cross_pro", missing="flag")
    assert grid.level[:, 0].tobytes() == expected["margin_level"]


def test_limits_read_and_write_a_book(books):
    for book in books:
        book.prepare()
        n = len(book)
        levels, actions = (np.empty(n), np.empty(n)), np.empty(n, np.uint16)
        core = book_of(book)
        assert _core.read_limit(core, 1) == _core.read_limit(core, 1)
        _core.read_write_limit(core, *levels, actions, 1)


def test_faults_of_balances_are_found():
    with pytest.raises(pm.AccountsError, match="must be") as caught:
        pm.Accounts.from_arrays(
            ids=[1, 2],
            offsets=np.array([0, 2, 3]),
            assets=["BTC"],
            asset_ids=np.array([0, 0, 0], np.uint16),
            free=np.array([-1.0, 1.0, np.inf]),
        )
    assert len(caught.value.problems) == 3


def test_schedules_answer_by_value():
    tables = pm.builtin_rules(at="2025-11-14T06:00Z")
    assert tables.collateral_value("WIF", 1000) <= 1000


def test_implementation_can_be_forced():
    before = _core.implementation()
    book = make(9)
    expected = bits(pm.cross_classic(book.prepare(), PRICES, RULES))
    _core.force_implementation("generic")
    try:
        assert bits(pm.cross_classic(book, PRICES, RULES)) == expected
    finally:
        _core.force_implementation(before)

"""Time the inverses on one core: a million liquidation prices of single positions, and factors.

``pytest benchmarks/bench_roots.py --benchmark-only`` times them; ``--quick`` takes 5,000 accounts.
Answers are held against the oracle before they are timed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin import oracle
from pymargin.levels import bind_modes
from pymargin.root_parts import Movement, solve_part

Benchmark = Any
SYMBOL, MARK = "BTCUSDT", 64_250.5
_ROUNDS = 3


def _checked(book: pm.Accounts) -> list[int]:
    """Return which accounts the oracle, which takes its time, is asked about: 100 of a million."""
    n = len(book)
    return np.linspace(0, n - 1, max(10, n // 10_000), dtype=int).tolist()


@pytest.fixture(scope="module")
def single_legs(n_accounts: int) -> pm.Accounts:
    """Return n accounts of one position in one symbol, at leverages of 2 to 50."""
    rng = np.random.default_rng(0)
    notional = np.exp(rng.uniform(np.log(1e2), np.log(1e7), n_accounts))
    entry = np.round(MARK * rng.uniform(0.97, 1.03, n_accounts), 1)
    quantity = np.maximum(np.round(notional / entry, 3), 0.001) * rng.choice((-1, 1), n_accounts)
    wallet = np.round(np.abs(quantity) * entry / rng.uniform(2, 20, n_accounts), 2)
    each, symbol = np.arange(n_accounts + 1), np.zeros(n_accounts, dtype=np.uint16)
    return pm.Accounts.from_arrays(
        ids=each[:-1],
        offsets=np.zeros(n_accounts + 1, dtype=np.int64),
        assets=("USDT",),
        asset_ids=np.empty(0, dtype=np.uint16),
        free=np.empty(0),
        wallets={"offsets": each, "asset_ids": symbol, "balance": wallet},
        symbols=(SYMBOL,),
        positions={
            "offsets": each, "symbol_ids": symbol, "quantity": quantity, "entry_price": entry,
        },
    )  # fmt: skip


@pytest.mark.parametrize("exact", [False, True], ids=["nearest", "boundary"])
def test_single_leg_prices(
    benchmark: Benchmark, single_legs: pm.Accounts, rules: pm.MarginRules, exact: bool
) -> None:
    prices = {SYMBOL: MARK}

    def solve() -> pm.Roots:
        return pm.liquidation_price(single_legs, prices, rules, SYMBOL, mode="usdm", exact=exact)

    roots = solve()
    for k in _checked(single_legs):
        row = single_legs.row(k)
        wanted = oracle.liquidation_price(row, prices, rules, SYMBOL, mode="usdm")
        for side in ("below", "above"):
            fraction = getattr(wanted, side)
            nearest = np.nan if fraction is None else float(fraction)
            expected = getattr(wanted, f"{side}_float") if exact else nearest
            assert np.array_equal(getattr(roots, side)[k], expected, equal_nan=True)
    benchmark.pedantic(solve, rounds=_ROUNDS)


@pytest.fixture(scope="module", params=["all debts", "stable debts"])
def indebted(
    request: pytest.FixtureRequest, book: pm.Accounts, rules: pm.MarginRules
) -> pm.Accounts:
    """Return the book, or the book without its debts but those in USDT and stable assets."""
    return book if request.param == "all debts" else _with_stable_debts(book, rules)


def _with_stable_debts(book: pm.Accounts, rules: pm.MarginRules) -> pm.Accounts:
    is_stable = np.array([_is_stable(asset, rules) for asset in book.assets])[book._asset_ids]
    columns = {name: getattr(book, f"_{name}") for name in ("free", "locked")}
    for name in ("borrowed", "interest"):
        columns[name] = np.where(is_stable, getattr(book, f"_{name}"), 0.0)
    is_left = np.any([column > 0 for column in columns.values()], axis=0)
    return pm.Accounts.from_arrays(
        ids=np.arange(len(book)),
        offsets=np.append(0, np.cumsum(is_left))[book._offsets],
        assets=book.assets,
        asset_ids=book._asset_ids[is_left],
        **{name: column[is_left] for name, column in columns.items()},
    )


@pytest.mark.parametrize("exact", [False, True], ids=["nearest", "boundary"])
@pytest.mark.parametrize("mode", ["cross_classic", "cross_pro"])
def test_factors(
    benchmark: Benchmark,
    indebted: pm.Accounts,
    prices: np.ndarray,
    rules: pm.MarginRules,
    mode: str,
    exact: bool,
) -> None:
    def solve() -> pm.Roots:
        return pm.liquidation_factor(indebted, prices, rules, mode=mode, leverage=5, exact=exact)

    roots = solve()
    by_name = dict(zip(indebted.assets, prices.tolist(), strict=True))
    for k in _checked(indebted):
        wanted = oracle.liquidation_factor(indebted.row(k), by_name, rules, mode=mode, leverage=5)
        assert roots.reason[k] == wanted.reason
        if exact:
            assert np.array_equal(roots.below[k], wanted.below_float, equal_nan=True)
            assert np.array_equal(roots.above[k], wanted.above_float, equal_nan=True)
    benchmark.pedantic(solve, rounds=_ROUNDS)
    benchmark.extra_info["passes"] = _passes(indebted, prices, rules, mode)
    benchmark.extra_info["with a root"] = float(np.mean(~np.isnan(roots.nearest)))


def _passes(book: pm.Accounts, prices: np.ndarray, rules: pm.MarginRules, mode: str) -> float:
    """Return how often float64 went over an account, on average."""
    movement = Movement(
        base=1.0, scale=1.0, weight_of=lambda name: float(not _is_stable(name, rules)), reach=None
    )
    [(_, bound)] = bind_modes(book, prices, rules, leverage=5, missing="raise", mode=mode)
    figures, _, _ = solve_part(bound, movement, "liquidation", exact=True, threads=1)
    return figures.passes / len(book)


def _is_stable(name: str, rules: pm.MarginRules) -> bool:
    return name == "USDT" or name in rules.stable

"""Invented accounts and prices of realistic shape: for demonstrations and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin import example_draws as draws
from pymargin.accounts import Accounts
from pymargin.columns import Floats, Integers
from pymargin.example_futures import draw_futures, example_marks
from pymargin.levels import cross_classic
from pymargin.modes import Mode
from pymargin.rules import MarginRules, example_rules
from pymargin.rules.example import example_names

__all__ = ["example_accounts", "example_prices", "example_table"]

# A geometric count of positions: mean 5.2 once accounts in debt have at least two, median 4,
# one account in ten with 11 or more.
_STOP = 0.1963
_IN_DEBT = 0.56
_PRO = 0.2
_MULTI_ASSETS, _LOAN_LEVERAGE = 0.15, 0.3
_FIRST_ID = 10_000_001
_CROSS = (Mode.CROSS_CLASSIC, Mode.CROSS_PRO)
# How many accounts there are in each mode of a book of all.
_SHARES = {
    Mode.CROSS_CLASSIC: 0.4,
    Mode.CROSS_PRO: 0.1,
    Mode.PORTFOLIO: 0.1,
    Mode.PORTFOLIO_PRO: 0.05,
    Mode.USDM: 0.25,
    Mode.COINM: 0.1,
}

_PRICES = {
    "USDT": 1.0,
    "USDC": 0.9998,
    "FDUSD": 0.9991,
    "BTC": 64_250.5,
    "ETH": 3_120.25,
    "BNB": 585.4,
    "SOL": 148.62,
    "XRP": 0.5831,
    "DOGE": 0.12274,
    "ADA": 0.4417,
    "TRX": 0.1316,
    "LINK": 14.385,
    "AVAX": 28.91,
    "SUI": 0.8934,
    "BCH": 372.8,
    "LTC": 71.35,
    "SHIB": 0.00001748,
    "PEPE": 0.00001092,
    "AAVE": 96.7,
}


def example_prices(*, marks: bool = False) -> dict[str, float]:
    """Return an invented price in USDT for every asset of `pymargin.example_rules`.

    Parameters
    ----------
    marks
        Whether to add the mark price of every contract, in its quote.

    Example
    -------
    >>> example_prices()["BTC"], len(example_prices())
    (64250.5, 400)
    >>> example_prices(marks=True)["BTCUSDT"]
    64269.78
    """
    rng = np.random.Generator(np.random.PCG64(400))
    names = example_names()
    digits = rng.integers(1000, 10_000, len(names)).tolist()
    scales = rng.integers(-7, -1, len(names)).tolist()
    # Read as decimals, so that the floats are the same on every platform.
    invented = {name: float(f"{d}e{s}") for name, d, s in zip(names, digits, scales, strict=True)}
    prices = invented | _PRICES
    return prices | example_marks(prices, example_rules()) if marks else prices


def example_accounts(
    n: int = 200_000,
    *,
    seed: int = 0,
    rules: MarginRules | None = None,
    modes: Sequence[Mode | str] = _CROSS,
) -> Accounts:
    """Return invented accounts, the same for the same seed.

    Cross margin: about 5.2 balances each, assets held by Zipf's law; 56 % of the accounts
    owe something, and a few percent stand near or below a threshold. Four accounts in
    Cross Margin Classic come on one in Cross Margin Pro. Futures: three positions or so
    each, a quarter of the accounts in hedge mode, a quarter of the positions isolated.
    Portfolio margin: both, without isolated positions.

    Parameters
    ----------
    n
        Number of accounts, at least 1.
    seed
        Of the random numbers.
    rules
        What the debts are measured against; the example rules if absent. They must
        know the assets of the example rules, and of other modes the contracts.
    modes
        Which there are: ``cross_classic`` 40, ``cross_pro`` 10, ``portfolio`` 10,
        ``portfolio_pro`` 5, ``usdm`` 25, ``coinm`` 10, in proportion.

    Example
    -------
    >>> example_accounts(1000)
    Accounts(1,000 accounts, 5,019 balances, 400 assets)
    >>> example_accounts(10, modes=["usdm"])
    Accounts(10 accounts, 0 balances, 400 assets, 14 wallets, 46 positions, 421 symbols)
    """
    if n < 1:
        raise ValueError(f"n must be >= 1, not {n}")
    chosen = tuple(mode for mode in Mode if mode in [Mode(each) for each in modes])
    if not chosen:
        raise ValueError("modes must name at least one mode, not none")
    rng = np.random.Generator(np.random.PCG64(seed))
    known = rules or example_rules()
    ids = np.arange(_FIRST_ID, _FIRST_ID + n)
    if chosen == _CROSS:
        return Accounts.from_arrays(**_cross(rng, ids, _PRO, known))
    shares = np.array([_SHARES[mode] for mode in chosen])
    number = rng.choice(len(chosen), n, p=shares / shares.sum())
    books, positions = [], []
    for place, mode in enumerate(chosen):
        mine = np.flatnonzero(number == place)
        if len(mine):
            books.append(Accounts.from_arrays(**_columns(rng, ids[mine], mode, known)))
            positions.append(mine)
    return Accounts.concat(books).select(np.argsort(np.concatenate(positions)))


def _columns(
    rng: np.random.Generator, ids: Integers, mode: Mode, rules: MarginRules
) -> dict[str, Any]:
    """Draw accounts of one mode, as `Accounts.from_arrays` takes them."""
    if mode in _CROSS:
        return _cross(rng, ids, float(mode is Mode.CROSS_PRO), rules)
    prices = example_prices(marks=True)
    if mode in (Mode.USDM, Mode.COINM):
        return _futures(rng, ids, mode, prices, rules)
    return _portfolio(rng, ids, mode, prices, rules)


def _futures(
    rng: np.random.Generator,
    ids: Integers,
    mode: Mode,
    prices: Mapping[str, float],
    rules: MarginRules,
) -> dict[str, Any]:
    equity = np.ldexp(1 + rng.random(len(ids)), rng.integers(5, 18, len(ids)))
    drawn = draw_futures(rng, equity, (mode.value,), prices, rules)
    none = np.empty(0)
    return {
        "ids": ids,
        "offsets": np.zeros(len(ids) + 1, dtype=np.int64),
        "assets": example_names(),
        "asset_ids": none.astype(np.uint16),
        "free": none,
        "mode": mode.value,
        "symbols": drawn.symbols,
        "positions": drawn.positions,
        "wallets": drawn.wallets,
        "multi_assets": (mode is Mode.USDM) & (rng.random(len(ids)) < _MULTI_ASSETS),
    }


def _portfolio(
    rng: np.random.Generator,
    ids: Integers,
    mode: Mode,
    prices: Mapping[str, float],
    rules: MarginRules,
) -> dict[str, Any]:
    """Draw margin accounts with positions of about what they own net."""
    flat = np.array([float(rules.tiers("portfolio", name)[0].rate) for name in example_names()])
    columns = _cross(rng, ids, 1.0, rules, flat if mode is Mode.PORTFOLIO else None)
    price = np.array([prices[name] for name in columns["assets"]])[columns["asset_ids"]]
    owed = columns["borrowed"] + columns["interest"]
    net = (columns["free"] + columns["locked"] - owed) * price
    equity = np.maximum(np.add.reduceat(net, columns["offsets"][:-1]), 16.0)
    drawn = draw_futures(rng, equity, ("usdm", "coinm"), prices, rules, may_isolate=False)
    is_given = (owed > 0) & (rng.random(len(owed)) < _LOAN_LEVERAGE)
    leverages = np.array([3, 5, 10], dtype=np.uint8)[rng.integers(0, 3, len(owed))]
    more = {
        "mode": mode.value,
        "margin_call_ratio": None,
        "leverage": None,
        "loan_leverage": np.where(is_given, leverages, np.uint8(0)),
        "symbols": drawn.symbols,
        "positions": drawn.positions,
        "wallets": drawn.wallets,
    }
    return columns | more


def _cross(
    rng: np.random.Generator,
    ids: Integers,
    pro_share: float,
    rules: MarginRules,
    rates: Floats | None = None,
) -> dict[str, Any]:
    """Draw accounts of cross margin, as `Accounts.from_arrays` takes them.

    Debts are measured against collateral at flat ``rates`` by asset, else by the tiers.
    """
    n, names = len(ids), example_names()
    price = np.array([example_prices()[name] for name in names])
    in_debt = rng.random(n) < _IN_DEBT
    # Who owes something also holds something, another asset.
    counts = draws.counts(rng, np.where(in_debt, 2, 1), stop=_STOP)
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    asset_ids = draws.distinct_names(rng, counts, len(names))
    is_debt = _debts(rng, offsets, in_debt)

    share = draws.normalised(rng.random(len(asset_ids)) + 0.02, ~is_debt, offsets)
    worth = np.ldexp(1 + rng.random(n), rng.integers(4, 22, n) - rng.integers(0, 6, n))
    units = np.repeat(worth, counts) * share / price[asset_ids]
    held = np.round(np.where(is_debt, 0.0, units), 8)
    locked = np.where(rng.random(len(held)) < 0.15, np.round(held * rng.random(len(held)), 8), 0.0)
    columns: dict[str, Any] = {
        "ids": ids,
        "offsets": offsets,
        "assets": names,
        "asset_ids": asset_ids,
        "leverage": np.where(rng.random(n) < 0.6, 5, 3).astype(np.uint8),
    }
    if rates is None:
        holdings = Accounts.from_arrays(**columns, free=held)
        known = dict(zip(names, price, strict=True))
        collateral = cross_classic(holdings, known, rules).collateral_value
    else:
        collateral = np.add.reduceat(held * (price * rates)[asset_ids], offsets[:-1])

    is_pro = rng.random(n) < pro_share
    debt = np.where(in_debt, collateral / _cover(rng, is_pro), 0.0)
    share = draws.normalised(rng.random(len(asset_ids)) + 0.02, is_debt, offsets)
    owed = np.where(is_debt, np.repeat(debt, counts) * share / price[asset_ids], 0.0)
    interest = np.round(owed * rng.random(len(owed)) * 0.001, 8)
    return columns | {
        "free": np.round(held - locked, 8),
        "locked": locked,
        "borrowed": np.round(owed, 8),
        "interest": interest,
        "margin_call_ratio": _own_ratios(rng, is_pro),
        "open_order_loss": _order_losses(rng, is_pro, collateral),
        "mode": _modes(is_pro),
    }


def example_table(n: int = 200_000, *, seed: int = 0, modes: Sequence[Mode | str] = _CROSS) -> Any:
    """Return `example_accounts` as a pyarrow table in the layout of `Accounts.from_arrow`.

    Raises
    ------
    ImportError
        pyarrow (extra ``arrow``) is not installed.
    """
    from pymargin.adapters.arrow_export import accounts_table

    return accounts_table(example_accounts(n, seed=seed, modes=modes))


def _debts(
    rng: np.random.Generator, offsets: Integers, in_debt: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which balances are debts: never an account's first, its second if it owes."""
    owes = np.repeat(in_debt, np.diff(offsets))
    is_debt = owes & (rng.random(int(offsets[-1])) < 0.25)
    is_debt[offsets[:-1]] = False
    is_debt[offsets[:-1][in_debt] + 1] = True
    return is_debt


def _cover(rng: np.random.Generator, is_pro: npt.NDArray[np.bool_]) -> Floats:
    """Draw collateral over debt: mostly comfortable, a few percent near the thresholds."""
    part, within = rng.random(len(is_pro)), rng.random(len(is_pro))
    low = np.array([0.99, 1.1, 1.25, 2.0, 4.0])
    high = np.array([1.12, 1.35, 2.05, 4.0, 12.0])
    kind = np.searchsorted([0.02, 0.07, 0.25, 0.6], part, side="right")
    cover: Floats = low[kind] + within * (high - low)[kind]
    # The levels of Pro stand on the maintenance margin, a small part of the debt.
    return np.where(is_pro, 1 + (cover - 1) * 0.4, cover)


def _own_ratios(rng: np.random.Generator, is_pro: npt.NDArray[np.bool_]) -> Floats:
    chosen = rng.random(len(is_pro)) < 0.05
    own = np.round(1.3 + 0.7 * rng.random(len(is_pro)), 2)
    return np.where(chosen, own, nan)


def _order_losses(
    rng: np.random.Generator, is_pro: npt.NDArray[np.bool_], collateral: Floats
) -> Floats:
    has_orders = is_pro & (rng.random(len(is_pro)) < 0.25)
    return np.where(has_orders, np.round(0.01 * rng.random(len(is_pro)) * collateral, 8), 0.0)


def _modes(is_pro: npt.NDArray[np.bool_]) -> list[str]:
    names = np.array([Mode.CROSS_CLASSIC, Mode.CROSS_PRO], dtype=object)
    return list(names[is_pro.astype(np.int64)])

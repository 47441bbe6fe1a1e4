"""Invented accounts and prices of realistic shape: for demonstrations and benchmarks."""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin.accounts import Accounts
from pymargin.columns import Floats, Integers
from pymargin.levels import cross_classic
from pymargin.modes import Mode
from pymargin.rules import MarginRules, example_rules
from pymargin.rules.example import example_names

__all__ = ["example_accounts", "example_prices", "example_table"]

_MAX_POSITIONS = 40
# A geometric count of positions: mean 5.2 once accounts in debt have at least two, median 4,
# one account in ten with 11 or more.
_STOP = 0.1963
_IN_DEBT = 0.56
_PRO = 0.2
_FIRST_ID = 10_000_001
_BLOCK = 1 << 15

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


def example_prices() -> dict[str, float]:
    """Return an invented price in USDT for every asset of `pymargin.example_rules`.

    Example:
    -------
    >>> example_prices()["BTC"], len(example_prices())
    (64250.5, 400)
    """
    rng = np.random.Generator(np.random.PCG64(400))
    names = example_names()
    digits = rng.integers(1000, 10_000, len(names)).tolist()
    scales = rng.integers(-7, -1, len(names)).tolist()
    # Read as decimals, so that the floats are the same on every platform.
    invented = {name: float(f"{d}e{s}") for name, d, s in zip(names, digits, scales, strict=True)}
    return invented | _PRICES


def example_accounts(
    n: int = 200_000, *, seed: int = 0, rules: MarginRules | None = None
) -> Accounts:
    """Return invented accounts, about 5.2 balances each, the same for the same seed.

    Assets are held by Zipf's law; 56 % of the accounts owe something, and a few
    percent stand near or below a threshold. Four fifths are in Cross Margin
    Classic, the others in Cross Margin Pro.

    Parameters
    ----------
    n
        Number of accounts, at least 1.
    seed
        Of the random numbers.
    rules
        What the debts are measured against; the example rules if absent. They must
        know the assets of the example rules.

    Example
    -------
    >>> example_accounts(1000)
    Accounts(1,000 accounts, 5,019 balances, 400 assets)
    """
    if n < 1:
        raise ValueError(f"n must be >= 1, not {n}")
    rng = np.random.Generator(np.random.PCG64(seed))
    names = example_names()
    price = np.array([example_prices()[name] for name in names])
    in_debt = rng.random(n) < _IN_DEBT
    counts = _counts(rng, in_debt)
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    asset_ids = _assets(rng, counts, len(names))
    is_debt = _debts(rng, offsets, in_debt)

    share = _normalised(rng.random(len(asset_ids)) + 0.02, ~is_debt, offsets)
    worth = np.ldexp(1 + rng.random(n), rng.integers(4, 22, n) - rng.integers(0, 6, n))
    units = np.repeat(worth, counts) * share / price[asset_ids]
    held = np.round(np.where(is_debt, 0.0, units), 8)
    locked = np.where(rng.random(len(held)) < 0.15, np.round(held * rng.random(len(held)), 8), 0.0)
    columns: dict[str, Any] = {
        "ids": np.arange(_FIRST_ID, _FIRST_ID + n),
        "offsets": offsets,
        "assets": names,
        "asset_ids": asset_ids,
        "leverage": np.where(rng.random(n) < 0.6, 5, 3).astype(np.uint8),
    }
    holdings = Accounts.from_arrays(**columns, free=held)
    collateral = cross_classic(
        holdings, dict(zip(names, price, strict=True)), rules or example_rules()
    ).collateral_value

    is_pro = rng.random(n) < _PRO
    debt = np.where(in_debt, collateral / _cover(rng, is_pro), 0.0)
    share = _normalised(rng.random(len(asset_ids)) + 0.02, is_debt, offsets)
    owed = np.where(is_debt, np.repeat(debt, counts) * share / price[asset_ids], 0.0)
    interest = np.round(owed * rng.random(len(owed)) * 0.001, 8)
    return Accounts.from_arrays(
        **columns,
        free=np.round(held - locked, 8),
        locked=locked,
        borrowed=np.round(owed, 8),
        interest=interest,
        margin_call_ratio=_own_ratios(rng, is_pro),
        open_order_loss=_order_losses(rng, is_pro, collateral),
        mode=_modes(is_pro),
    )


def example_table(n: int = 200_000, *, seed: int = 0) -> Any:
    """Return `example_accounts` as a pyarrow table in the layout of `Accounts.from_arrow`.

    Raises
    ------
    ImportError
        pyarrow (extra ``arrow``) is not installed.
    """
    from pymargin.adapters.arrow_export import accounts_table

    return accounts_table(example_accounts(n, seed=seed))


def _counts(rng: np.random.Generator, in_debt: npt.NDArray[np.bool_]) -> Integers:
    tail = np.cumprod(np.full(_MAX_POSITIONS - 1, 1 - _STOP))
    counts = 1 + np.searchsorted(1 - tail, rng.random(len(in_debt)), side="right")
    # Who owes something also holds something, another asset.
    return np.maximum(counts, np.where(in_debt, 2, 1), dtype=np.int64)


def _assets(rng: np.random.Generator, counts: Integers, n_assets: int) -> npt.NDArray[np.uint16]:
    """Draw distinct assets for each account, the k-th with a probability of 1/k."""
    weights = np.cumsum(1 / np.arange(1, n_assets + 1))
    weights /= weights[-1]
    parts = [np.empty(0, dtype=np.uint16)]
    for begin in range(0, len(counts), _BLOCK):
        block = counts[begin : begin + _BLOCK]
        held = np.zeros((len(block), n_assets), dtype=np.bool_)
        drawn = np.zeros((len(block), _MAX_POSITIONS), dtype=np.uint16)
        for slot in range(int(block.max())):
            rows = np.flatnonzero(block > slot)
            assets = np.searchsorted(weights, rng.random(len(rows)), side="right")
            clash = np.flatnonzero(held[rows, assets])
            while len(clash):
                assets[clash] = (assets[clash] + 1) % n_assets
                clash = clash[held[rows[clash], assets[clash]]]
            held[rows, assets] = True
            drawn[rows, slot] = assets
        parts.append(drawn[np.arange(_MAX_POSITIONS) < block[:, np.newaxis]])
    return np.concatenate(parts)


def _debts(
    rng: np.random.Generator, offsets: Integers, in_debt: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which balances are debts: never an account's first, its second if it owes."""
    owes = np.repeat(in_debt, np.diff(offsets))
    is_debt = owes & (rng.random(int(offsets[-1])) < 0.25)
    is_debt[offsets[:-1]] = False
    is_debt[offsets[:-1][in_debt] + 1] = True
    return is_debt


def _normalised(weights: Floats, wanted: npt.NDArray[np.bool_], offsets: Integers) -> Floats:
    """Return the weights of the wanted balances, of sum 1 in each account; others 0."""
    weights = np.where(wanted, weights, 0.0)
    totals = np.add.reduceat(weights, offsets[:-1]) if len(weights) else weights
    shares: Floats = weights / np.repeat(np.where(totals == 0, 1.0, totals), np.diff(offsets))
    return shares


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

"""The books that passes over positions are compared on: USDⓈ-M futures and portfolio margin.

The example's accounts at a quarter of their amounts: invented, of the shape of real ones. 3.2
positions an account, a part of them hedged, isolated or of accounts in multi-assets mode, in
contracts settled in two assets; brackets as steep as the exchange's. No position stands beyond its
last bracket, as none may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import pymargin as pm
from benchmarks.book import Steps, steps_of
from pymargin.example import example_accounts, example_prices

Floats = npt.NDArray[np.float64]
AMOUNTS = 0.25


@dataclass(frozen=True)
class PoolBook:
    """A book of one mode as plain arrays, with what is known of its contracts and assets.

    ``settlement`` int64[s], ``mark`` float64[s], ``size`` float64[s] (> 0: COIN-M, USD of one
    contract) and ``brackets`` of the contracts; ``price`` float64[a] and ``collateral`` of the
    assets (portfolio margin); ``loan_rate`` float64[256] by a loan's leverage.
    """

    mode: str
    arrays: dict[str, Any]
    wallets: dict[str, Any]
    positions: dict[str, Any]
    assets: tuple[str, ...]
    symbols: tuple[str, ...]
    rules: pm.MarginRules
    prices: dict[str, float]
    settlement: npt.NDArray[np.int64]
    size: Floats
    mark: Floats
    brackets: Steps
    price: Floats
    collateral: Steps | None
    loan_rate: Floats

    def __len__(self) -> int:
        return len(self.wallets["offsets"]) - 1

    @property
    def n_positions(self) -> int:
        return len(self.positions["quantity"])

    def accounts(self) -> pm.Accounts:
        """Return a book of pymargin that was never evaluated."""
        return pm.Accounts.from_arrays(
            ids=np.arange(len(self)),
            assets=self.assets,
            symbols=self.symbols,
            wallets=self.wallets,
            positions=self.positions,
            **self.arrays,
        )

    def notional(self) -> Floats:
        """Return float64[m]: the size of every position in its settlement asset."""
        symbol, units = self.positions["symbol_ids"], np.abs(self.positions["quantity"])
        mark, size = self.mark[symbol], self.size[symbol]
        return np.where(size > 0, units * size / mark, units * mark)

    def leverage(self) -> Floats:
        """Return float64[m]: stated leverages, else the largest of the symbol."""
        largest = [
            float(self.rules.tiers(self.rules.contract(symbol).product, symbol)[0].leverage or 1)
            for symbol in self.symbols
        ]
        stated = self.positions["leverage"]
        return np.where(stated > 0, stated, np.array(largest)[self.positions["symbol_ids"]])

    def share_beyond(self) -> float:
        """Return the share of positions that stand beyond their first bracket."""
        first = self.brackets.caps[self.brackets.of_asset[self.positions["symbol_ids"]], 0]
        return float(np.mean(self.notional() > first))


def make_pool_book(mode: str, n: int = 1_000_000, *, seed: int = 0) -> PoolBook:
    """Return a book of n accounts of ``usdm`` or ``portfolio``."""
    rules, prices = pm.example_rules(), example_prices(marks=True)
    drawn = example_accounts(n, seed=seed, modes=[mode])
    symbols, assets = drawn.symbols, drawn.assets
    contracts = [rules.contract(symbol) for symbol in symbols]
    number = {asset: k for k, asset in enumerate(assets)}
    size = [float(one.contract_size) if one.product == "coinm" else 0.0 for one in contracts]
    brackets = steps_of(
        [rules.tiers(one.product, s) for one, s in zip(contracts, symbols, strict=True)],
        excess_counts=True,
    )
    collateral = None
    if mode == "portfolio":
        collateral = steps_of([rules.tiers(mode, a) for a in assets], excess_counts=False)
    loan_rate = np.zeros(256)
    for leverage, margin in rules.loan_margin.items():
        loan_rate[leverage] = float(margin.maintenance_rate)
    book = PoolBook(
        mode=mode,
        arrays=_account_arrays(drawn, rules),
        wallets=_section(drawn.wallets, "balance"),
        positions=_section(drawn.positions, "quantity", "isolated_margin"),
        assets=assets,
        symbols=symbols,
        rules=rules,
        prices=prices,
        settlement=np.array([number[one.settlement_asset] for one in contracts], np.int64),
        size=np.array(size),
        mark=np.array([prices[symbol] for symbol in symbols]),
        brackets=brackets,
        price=np.array([prices[asset] for asset in assets]),
        collateral=collateral,
        loan_rate=loan_rate,
    )
    _keep_within_last_brackets(book)
    return book


def _section(section: Any, *amounts: str) -> dict[str, Any]:
    arrays = {name: getattr(section, name) for name in section.__dataclass_fields__}
    return arrays | {name: np.round(arrays[name] * AMOUNTS, 8) for name in amounts}


def _account_arrays(drawn: pm.Accounts, rules: pm.MarginRules) -> dict[str, Any]:
    names = ("free", "locked", "borrowed", "interest")
    amounts = {name: np.round(getattr(drawn, f"_{name}") * AMOUNTS, 8) for name in names}
    stated = drawn.loan_leverage
    default = np.array([rules.loan_leverage.get(asset, 0) for asset in drawn.assets], np.uint8)
    by_asset = default[drawn._asset_ids]
    return {
        "offsets": drawn._offsets,
        "asset_ids": drawn._asset_ids,
        **amounts,
        "loan_leverage": by_asset if stated is None else np.where(stated > 0, stated, by_asset),
        "open_order_loss": drawn._open_order_loss * AMOUNTS,
        "multi_assets": drawn.multi_assets,
    }


def _keep_within_last_brackets(book: PoolBook) -> None:
    """Cut positions down to half of their last cap; state the leverage of those that do not."""
    symbol, quantity = book.positions["symbol_ids"], book.positions["quantity"]
    last, notional = book.brackets.last_cap[book.brackets.of_asset[symbol]], book.notional()
    too_large = notional > last
    quantity[too_large] *= (0.5 * last / notional)[too_large]
    quantity[:] = np.where(np.abs(quantity) < 1e-8, 1e-8, np.round(quantity, 8))

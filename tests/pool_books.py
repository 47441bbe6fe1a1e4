"""Random books of wallets and positions, with rules and prices that belong to them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from strategies import Book, make_tiers, random_steps

import pymargin as pm
from pymargin import oracle
from pymargin.rules.checks import Group
from pymargin.rules.contracts import Contract
from pymargin.rules.schedules import Tier

COINS = ("BTC", "ETH", "BNB", "A1", "A2", "A3")
QUOTES = ("USDT", "USDC")
ASSETS = (*QUOTES, *COINS)
USDM = tuple(f"{coin}{quote}" for coin in COINS for quote in QUOTES)
COINM = tuple(f"{coin}USD_{kind}" for coin in COINS for kind in ("PERP", "260327"))
PRODUCTS = {"usdm": USDM, "coinm": COINM}


def pool_rules(rng: random.Random, *, gaps: bool = False) -> pm.MarginRules:
    """Draw rules over all symbols and assets; with `gaps` some lack a schedule."""
    tables: dict[str, list[Group]] = {}
    for table in ("portfolio", "portfolio_pro"):
        flat = table == "portfolio"
        tables[table] = [
            Group(make_tiers(_open(random_steps(rng, rising=False, flat=flat), flat)), assets=(a,))
            for a in ASSETS
            if not gaps or rng.random() > 0.05
        ]
    for table, symbols in PRODUCTS.items():
        tables[table] = [
            Group(_brackets(rng), assets=(symbol,))
            for symbol in symbols
            if not gaps or rng.random() > 0.05
        ]
    contracts = {"BTCUSD_PERP": Contract("coinm", "BTC", "BTC", Decimal(100))}
    return pm.MarginRules(
        tables, contracts=contracts, loan_leverage={"BTC": 5, "USDT": 10}, label="test"
    )


def _open(steps: Any, flat: bool) -> Any:
    return [(None, steps[0][1])] if flat else steps


def _brackets(rng: random.Random) -> tuple[Tier, ...]:
    """Draw brackets with rates of a few digits and falling leverage."""
    tiers, floor, rate = [], Decimal(0), Decimal(rng.choice(("0.004", "0.005", "0.01", "0.02")))
    for leverage in rng.choice(((20,), (50, 10), (125, 75, 20, 5))):
        step = Decimal(rng.randrange(1, 99)) * 10 ** rng.randrange(0, 5)
        is_last = leverage == 5 and rng.random() < 0.5
        cap = None if is_last else floor + step
        tiers.append(Tier(floor, cap, rate, leverage))
        floor, rate = floor + step, rate + Decimal(rng.randrange(1, 40)) / 1000
    return tuple(tiers)


def pool_prices(rng: random.Random, *, gaps: bool = False) -> pm.Prices:
    """Draw index and mark prices, bid and ask rates beside some of the index prices."""
    index = {coin: float(f"{10 ** rng.uniform(-2, 4):.5g}") for coin in COINS}
    mark = {}
    for symbol in (*USDM, *COINM):
        coin = next(coin for coin in COINS if symbol.startswith(coin))
        mark[symbol] = float(f"{index[coin] * rng.uniform(0.9, 1.1):.6g}")
    index["USDC"] = 0.9998
    rated = [asset for asset in index if rng.random() < 0.7]
    bid = {asset: float(f"{index[asset] * 0.97:.6g}") for asset in rated}
    ask = {asset: float(f"{index[asset] * 1.03:.6g}") for asset in rated}
    if gaps:
        for prices in (index, mark):
            for name in [name for name in prices if rng.random() < 0.05]:
                prices[name] = float("nan")
    return pm.Prices(index=index, mark=mark, bid=bid, ask=ask)


def _number(rng: random.Random, size: float, digits: int | None = None) -> float:
    digits = digits or rng.choice((2, 4, 8, 15, 17))
    return float(f"{size * 10 ** rng.uniform(-2, 1):.{digits}g}")


def position(rng: random.Random, symbol: str, mark: float, side: str) -> dict[str, Any]:
    quantity = _number(rng, 100 if "USD_" in symbol else 2000 / mark if mark > 0 else 1)
    is_short = side == "SHORT" or (side == "BOTH" and rng.random() < 0.5)
    row = {
        "symbol": symbol,
        "quantity": -quantity if is_short else quantity,
        "entry_price": float(f"{(mark if mark > 0 else 1) * rng.uniform(0.8, 1.25):.6g}"),
        "side": side,
    }
    if rng.random() < 0.7:
        row["leverage"] = rng.choice((1, 3, 7, 10, 20, 50, 125))
    return row


def pool_row(
    rng: random.Random,
    mode: str,
    number: int,
    prices: pm.Prices,
    rules: pm.MarginRules,
    *,
    orders: bool = False,
) -> dict[str, Any]:
    """Draw one account: long, short, hedged, isolated, overdrawn, of many legs or of none."""
    is_portfolio = mode.startswith("portfolio")
    symbols = (*USDM, *COINM) if is_portfolio else PRODUCTS[mode]
    positions = []
    for symbol in rng.sample(symbols, min(rng.choice((0, 1, 1, 2, 3, 10)), len(symbols))):
        mark = prices.mark[symbol]
        mark = mark if mark == mark else 1.0
        for side in rng.choice((("BOTH",), ("BOTH",), ("LONG", "SHORT"))):
            one = position(rng, symbol, mark, side)
            if not is_portfolio and rng.random() < 0.25:
                value = abs(one["quantity"]) * (mark if mode == "usdm" else 10 / mark)
                one["isolated_margin"] = float(f"{value * rng.uniform(0, 0.2):.6g}")
            positions.append(one)
    wallets = [
        {"asset": asset, "balance": _number(rng, 1000) * rng.choice((1, 1, 1, -0.1))}
        for asset in rng.sample(ASSETS, rng.choice((0, 1, 1, 2, 4)))
    ]
    row: dict[str, Any] = {"account": number, "mode": mode}
    row |= {"wallets": wallets, "positions": positions}
    if mode == "usdm" and rng.random() < 0.4:
        row["multi_assets"] = True
    if is_portfolio:
        row["balances"] = [
            _balance(rng, asset) for asset in rng.sample(ASSETS, rng.choice((0, 1, 3, 6)))
        ]
        if orders and rng.random() < 0.5:
            row["orders"] = [_order(rng, prices) for _ in range(rng.choice((1, 1, 2, 5)))]
        elif rng.random() < 0.2:
            row["open_order_loss"] = _number(rng, 10)
    return row


def _order(rng: random.Random, prices: pm.Prices) -> dict[str, Any]:
    """Draw an order near its market, or far off it; its assets may be none that is held."""
    order: dict[str, Any] = {}
    value = _number(rng, 500)
    for side, asset in zip(("give", "get"), rng.sample(ASSETS, 2), strict=True):
        price = prices.index.get(asset, 1.0)
        price = price if price == price and price > 0 else 1.0
        quantity = float(f"{value / price * rng.uniform(0.8, 1.2):.6g}")
        order |= {f"{side}_asset": asset, f"{side}_quantity": quantity}
    return order


def _balance(rng: random.Random, asset: str) -> dict[str, Any]:
    balance: dict[str, Any] = {"asset": asset, "free": _number(rng, 100)}
    if rng.random() < 0.3:
        balance["locked"] = _number(rng, 10)
    if rng.random() < 0.4:
        balance["borrowed"] = _number(rng, 50)
        balance["interest"] = _number(rng, 0.01)
        balance["loan_leverage"] = rng.choice((3, 5, 10))
    return balance


def pool_book(
    seed: int, mode: str, n: int, *, gaps: bool = False, orders: bool = False
) -> tuple[Book, pm.Prices]:
    """Draw a book of n accounts of a mode; with `orders` half of portfolio margin's have some."""
    rng = random.Random(seed)
    rules, prices = pool_rules(rng, gaps=gaps), pool_prices(rng, gaps=gaps)
    rows = [pool_row(rng, mode, k, prices, rules, orders=orders) for k in range(n)]
    return Book(rules, {}, rows), prices


def evaluate_oracle(
    mode: str, row: Mapping[str, Any], prices: pm.Prices, rules: pm.MarginRules
) -> Any:
    """Evaluate one row by the definition."""
    return getattr(oracle, mode)(row, prices, rules)


def settled_size(row: Mapping[str, Any], prices: pm.Prices, rules: pm.MarginRules) -> Fraction:
    """Bound what the sums of a row are computed from: USDT, every leg by its size."""

    def exact(value: float) -> Fraction:
        return Fraction(Decimal(repr(float(value))))

    def unit(asset: str) -> Fraction:
        given = prices.index.get(asset, 1.0 if asset == "USDT" else 0.0)
        return max(exact(p) for p in (given, prices.bid.get(asset, 0), prices.ask.get(asset, 0)))

    size = exact(row.get("open_order_loss") or 0)
    for wallet in row.get("wallets", ()):
        size += abs(exact(wallet["balance"])) * unit(wallet["asset"])
    for balance in row.get("balances", ()):
        parts = ("free", "locked", "borrowed", "interest")
        size += sum(exact(balance.get(part, 0)) for part in parts) * unit(balance["asset"])
    for one in row.get("positions", ()):
        contract = rules.contract(one["symbol"])
        units = abs(exact(one["quantity"])) * Fraction(contract.contract_size)
        entry, mark = exact(one["entry_price"]), exact(prices.mark[one["symbol"]])
        value = (
            units * (entry + mark) if contract.product == "usdm" else units / entry + units / mark
        )
        margin = exact(one.get("isolated_margin") or 0)
        size += (value + margin) * unit(contract.settlement_asset)
    # An order values the whole equity of both its assets, before it and after.
    moved = [
        sum(exact(o[f"{side}_quantity"]) * unit(o[f"{side}_asset"]) for side in ("give", "get"))
        for o in row.get("orders", ())
    ]
    return size * (1 + 2 * len(moved)) + 4 * sum(moved, Fraction(0))

"""Random rules, prices and accounts of every mode for the oracle's inverses, small and hard.

Drawn with a `random.Random`, so that hypothesis can shrink them.
"""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from oracle_rules import rules_of

from pymargin import MarginRules, Prices
from pymargin.rules import Contract

COINS = ("AAA", "BBB")
ASSETS = ("USDT", "USDC", *COINS)
USDM = ("AAAUSDT", "BBBUSDT", "AAAUSDC", "BBBAAA")
COINM = ("AAAUSD_PERP", "AAAUSD_260327", "BBBUSD_PERP")
MODES = ("cross_classic", "cross_pro", "portfolio", "portfolio_pro", "usdm", "coinm")
CLASSIC = ("classic_2023", "classic_2026_01", "classic_2026_06")
Steps = list[tuple[Any, ...]]


def falling(rng: random.Random, *, flat: bool = False) -> Steps:
    rates = [Decimal(rng.randrange(101)) / 100 for _ in range(1 if flat else rng.randrange(1, 5))]
    caps = _caps(rng, len(rates), 1_000, open_last=flat or rng.random() < 0.6)
    return list(zip(caps, sorted(set(rates), reverse=True), strict=False))


def rising(rng: random.Random, size: int, *, leverage: bool = False) -> Steps:
    rates = sorted({Decimal(rng.randrange(4, 500)) / 1000 for _ in range(rng.randrange(1, 6))})
    caps = _caps(rng, len(rates), size, open_last=rng.random() < 0.6)
    if not leverage:
        return list(zip(caps, rates, strict=True))
    leverages = (125, 100, 50, 20, 10)
    return list(zip(caps, rates, leverages, strict=False))


def _caps(rng: random.Random, n: int, size: int, *, open_last: bool) -> list[Decimal | None]:
    caps: list[Decimal | None] = []
    cap = Decimal(0)
    for _ in range(n):
        cap += Decimal(rng.randrange(1, 50)) * size / 10
        caps.append(cap)
    if open_last:
        caps[-1] = None
    return caps


def random_rules(rng: random.Random) -> MarginRules:
    def table(names: tuple[str, ...], draw: Any, *arguments: Any, **options: Any) -> Any:
        return {name: _fitting(draw(rng, *arguments, **options)) for name in names}

    settled = {"AAAUSDC": "USDC", "BBBAAA": "AAA"}
    contracts = {symbol: Contract("usdm", symbol[:3], asset) for symbol, asset in settled.items()}
    return rules_of(
        rng.choice(CLASSIC),
        {"contracts": contracts, "loan_leverage": dict.fromkeys(ASSETS, 5)},
        collateral=table(ASSETS, falling),
        borrow=table(ASSETS, falling, flat=True),
        transfer_out=table(ASSETS, falling, flat=True),
        liability_maintenance=table(ASSETS, rising, 1_000),
        liability_initial=table(ASSETS, rising, 1_000),
        portfolio=table(ASSETS, falling, flat=True),
        portfolio_pro=table(ASSETS, falling),
        usdm={symbol: rising(rng, 1_000, leverage=True) for symbol in USDM},
        coinm={symbol: rising(rng, 100, leverage=True) for symbol in COINM},
    )


def _fitting(steps: Steps) -> Steps:
    """Close every step but the last, whatever was drawn away."""
    return [step for k, step in enumerate(steps) if step[0] is not None or k == len(steps) - 1]


def random_prices(rng: random.Random) -> Prices:
    index = {"USDC": rng.choice((1.0, 0.999)), "AAA": _price(rng), "BBB": _price(rng)}
    mark = {}
    for symbol in (*USDM, *COINM):
        near = index[symbol[:3]] / (index["AAA"] if symbol == "BBBAAA" else 1)
        mark[symbol] = float(f"{near * rng.uniform(0.98, 1.02):.5g}")
    bid = {asset: price * 0.99 for asset, price in index.items() if rng.random() < 0.5}
    ask = {asset: price * 1.01 for asset, price in index.items() if rng.random() < 0.5}
    return Prices(index=index, mark=mark, bid=bid, ask=ask)


def _price(rng: random.Random) -> float:
    return float(f"{10 ** rng.uniform(-1, 2):.{rng.randrange(1, 9)}g}")


def _quantity(rng: random.Random, value: float) -> float:
    return float(f"{rng.uniform(0.05, 3) * value:.{rng.choice((1, 2, 3, 15))}g}") or 1.0


def _near(rng: random.Random, amount: float) -> float:
    """Return an amount at which levels stand around their thresholds."""
    return float(f"{amount * rng.choice((0.9, 1.0, 1.1, 1.3, 2)):.4g}")


def random_row(rng: random.Random, mode: str, prices: Prices) -> dict[str, Any]:
    row: dict[str, Any] = {"account": 1, "mode": mode}
    if mode.startswith("cross"):
        return row | {"leverage": rng.choice((3, 5)), "balances": _balances(rng, prices)}
    symbols = {"usdm": USDM, "coinm": COINM}.get(mode, (*USDM, *COINM))
    row["positions"] = _positions(rng, prices, symbols, isolated=not mode.startswith("portfolio"))
    if mode.startswith("portfolio"):
        row["balances"] = _balances(rng, prices)
        row["open_order_loss"] = rng.choice((0, 0, 12.5))
    coins = {"usdm": ASSETS, "coinm": COINS}.get(mode, ASSETS)
    chosen = rng.sample(coins, rng.randrange(1, len(coins) + 1))
    row["wallets"] = [
        {
            "asset": asset,
            "balance": _near(rng, _quantity(rng, 150 / prices.index.get(asset, 1.0)))
            * rng.choice((1, 1, 1, 1, -1)),
        }
        for asset in chosen
    ]
    if mode == "usdm":
        row["multi_assets"] = rng.random() < 0.4
    return row


def _balances(rng: random.Random, prices: Prices) -> list[dict[str, Any]]:
    found = []
    for asset in rng.sample(ASSETS, rng.randrange(1, 5)):
        value = 2_000 / prices.index.get(asset, 1.0)
        kind = rng.choice(("held", "owed", "both"))
        entry: dict[str, Any] = {"asset": asset}
        if kind != "owed":
            entry["free"] = _near(rng, _quantity(rng, value))
        if kind != "held":
            entry["borrowed"] = _quantity(rng, value / 2)
            entry["interest"] = rng.choice((0, 0.001))
        found.append(entry)
    return found


def _positions(
    rng: random.Random, prices: Prices, symbols: tuple[str, ...], *, isolated: bool
) -> list[dict[str, Any]]:
    found = []
    for symbol in rng.sample(symbols, rng.randrange(1, min(len(symbols), 4) + 1)):
        sides = rng.choice((("BOTH",), ("BOTH",), ("LONG", "SHORT"), ("SHORT",)))
        found += [_leg(rng, prices, symbol, side, isolated=isolated) for side in sides]
    return found


def _leg(
    rng: random.Random, prices: Prices, symbol: str, side: str, *, isolated: bool
) -> dict[str, Any]:
    mark = prices.mark[symbol]
    is_coin = "USD_" in symbol
    size = _quantity(rng, 1_000)
    quantity = float(round(size / 10) or 1) if is_coin else float(f"{size / mark:.6g}")
    if symbol == "BBBAAA":
        quantity = float(f"{size / prices.index['BBB']:.6g}")
    short = side == "SHORT" or (side == "BOTH" and rng.random() < 0.5)
    leg: dict[str, Any] = {
        "symbol": symbol,
        "side": side,
        "quantity": -quantity if short else quantity,
        "entry_price": float(f"{mark * rng.uniform(0.9, 1.1):.6g}"),
    }
    if rng.random() < 0.5:
        leg["leverage"] = rng.choice((5, 10, 20))
    if isolated and rng.random() < 0.3:
        settled = size / mark if is_coin else size
        if symbol == "BBBAAA":
            settled = size / prices.index["AAA"]
        leg["isolated_margin"] = float(f"{settled * rng.uniform(0.01, 0.4):.5g}")
    return leg

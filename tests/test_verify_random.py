"""Random futures accounts, printed by decimals of their own: every figure agrees."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from verify_answers import BTC_TIERS, ETH_TIERS, RULES, D, cut

import pymargin as pm

TIERS = {"BTCUSDT": BTC_TIERS, "ETHUSDT": ETH_TIERS}


def margin(tiers: Sequence[pm.Tier], size: Decimal) -> Decimal:
    """Sum a margin slice by slice; above the last cap its rate goes on."""
    total = D(0)
    for tier in tiers:
        top = size if tier is tiers[-1] or tier.cap is None else min(size, tier.cap)
        total += max(D(0), top - tier.floor) * tier.rate
    return total


def liquidation_prices(
    wallet: Decimal, quantity: Decimal, entry: Decimal, tiers: Sequence[pm.Tier]
) -> list[Decimal]:
    """Solve wallet + q (p - entry) = |q| p rate - cum in each bracket; keep what lies in it."""
    found, cum, rate = [], D(0), D(0)
    for tier in tiers:
        cum += tier.floor * (tier.rate - rate)
        rate = tier.rate
        price = (wallet + cum - quantity * entry) / (abs(quantity) * rate - quantity)
        size = abs(quantity) * price
        is_last = tier is tiers[-1] or tier.cap is None
        if price > 0 and tier.floor <= size and (is_last or size <= tier.cap):
            found.append(price)
    return found


def drawn(rng: random.Random) -> list[dict[str, Any]]:
    """Return isolated positions with every figure, as positionRisk has them."""
    items = []
    for symbol, tiers in TIERS.items():
        price = D(rng.randint(2_000_00000000, 70_000_00000000)).scaleb(-8)
        entry = (price * D(rng.randint(80, 120)) / 100).quantize(D("0.01"))
        quantity = D(rng.choice([-1, 1]) * rng.randint(1, 10**4)).scaleb(-rng.randint(2, 3))
        if rng.random() < 0.3:
            # Exactly at the edge of a bracket.
            price, quantity = D(rng.choice([2500, 50000])), D(rng.choice([-1, 1]))
            quantity *= rng.choice(tiers[:-1]).cap / price
        size, leverage = abs(quantity) * price, rng.randint(1, 50)
        wallet = (size / leverage).quantize(D("0.00000001")) + rng.randint(0, 100)
        pnl = quantity * (price - entry)
        roots = liquidation_prices(wallet, quantity, entry, tiers)
        items.append({
            "symbol": symbol, "positionSide": "LONG" if quantity > 0 else "SHORT",
            "positionAmt": f"{quantity:f}", "entryPrice": f"{entry:f}", "markPrice": f"{price:f}",
            "leverage": leverage, "marginType": "isolated", "isolatedWallet": f"{wallet:f}",
            "isolatedMargin": cut(wallet + pnl), "unRealizedProfit": cut(pnl),
            "notional": cut(abs(size) if rng.random() < 0.5 else quantity * price),
            "maintMargin": cut(margin(tiers, size)), "initialMargin": cut(size / leverage),
            "liquidationPrice": cut(roots[0]) if roots else "0",
        })  # fmt: skip
    return items


@pytest.mark.parametrize("seed", range(60))
def test_every_figure_of_a_random_account_agrees(seed: int) -> None:
    found = pm.verify([drawn(random.Random(seed))], None, RULES)
    assert found.ok, str(found)
    assert len(found) == 2 * 6

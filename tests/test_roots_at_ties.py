"""Roots of books whose figures are round: starts at caps, at signs, at thresholds, at nothing."""

from __future__ import annotations

import random

import pytest
from oracle_rules import rules_of
from test_roots import check

from pymargin.rules import Contract

STEPS = [(10_000, "0.02", 50), (40_000, "0.05", 20), (None, "0.1", 10)]
COIN_STEPS = [(10, "0.02", 50), (40, "0.05", 20), (100, "0.1", 10)]
FALLING = [(10_000, "1"), (40_000, "0.8"), (90_000, "0.5")]
SYMBOLS = {"usdm": ("AAAUSDT", "AAAUSDC"), "coinm": ("AAAUSD_PERP",)}
SYMBOLS["portfolio"] = SYMBOLS["portfolio_pro"] = SYMBOLS["usdm"] + SYMBOLS["coinm"]
ASSETS = ("USDT", "USDC", "AAA")
RULES = rules_of(
    parts={
        "contracts": {
            "AAAUSDT": Contract("usdm", "AAA", "USDT"),
            "AAAUSDC": Contract("usdm", "AAA", "USDC"),
            "AAAUSD_PERP": Contract("coinm", "AAA", "AAA", 100),
        },
        "loan_leverage": dict.fromkeys(ASSETS, 5),
    },
    usdm=dict.fromkeys(("AAAUSDT", "AAAUSDC"), STEPS),
    coinm={"AAAUSD_PERP": COIN_STEPS},
    collateral={"AAA": FALLING, "USDC": FALLING, "USDT": [(None, "1")]},
    borrow=dict.fromkeys(ASSETS, ((None, "0.9"),)),
    transfer_out=dict.fromkeys(ASSETS, ((None, "0.9"),)),
    liability_maintenance=dict.fromkeys(ASSETS, tuple(step[:2] for step in STEPS)),
    liability_initial=dict.fromkeys(ASSETS, ((None, "0.2"),)),
    portfolio={"AAA": [(None, "0.9")], "USDC": [(None, "1")], "USDT": [(None, "1")]},
    portfolio_pro={"AAA": FALLING, "USDC": FALLING, "USDT": [(None, "1")]},
)
PRICE = 100.0
PRICES = {"USDC": 1.0, "AAA": PRICE, "AAAUSDT": PRICE, "AAAUSDC": PRICE, "AAAUSD_PERP": PRICE}
# Of every value that turns somewhere: 0, each cap, and what two caps make.
VALUES = (0, 100, 10_000, 30_000, 40_000, 50_000, 90_000)


def balances(rng):
    found = []
    for asset in rng.sample(ASSETS, 2):
        one = PRICES.get(asset, 1.0)
        held = rng.choice(VALUES) / one
        owed = rng.choice((0, held, rng.choice(VALUES) / one))
        found.append({"asset": asset, "free": held, "borrowed": owed})
    return found


def positions(rng, mode):
    found = []
    for symbol in SYMBOLS[mode]:
        quantity = rng.choice((0, 1, *VALUES)) / (1 if symbol in SYMBOLS["coinm"] else PRICE)
        entry = rng.choice((PRICE, PRICE, 80.0, 125.0))
        signed = rng.choice((quantity, -quantity))
        found.append({"symbol": symbol, "quantity": signed, "entry_price": entry, "leverage": 5})
    return found


def wallets(rng):
    held = {asset: rng.choice((0, 0, 1, -1, 20, 500)) for asset in ASSETS}
    return [{"asset": asset, "balance": amount} for asset, amount in held.items()]


def row_of(rng, mode, number):
    row = {"account": number, "mode": mode, "leverage": rng.choice((3, 5))}
    if mode not in ("usdm", "coinm"):
        row["balances"] = balances(rng)
    if mode in SYMBOLS:
        row |= {"positions": positions(rng, mode), "wallets": wallets(rng)}
    if mode == "usdm" and rng.random() < 0.5:
        row["multi_assets"] = True
    return row


MODES = ("cross_classic", "cross_pro", "portfolio", "portfolio_pro", "usdm", "coinm")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("exact", [True, False])
def test_roots_that_start_where_a_margin_turns_are_the_oracles(mode, exact):
    rng = random.Random(f"ties/{mode}")
    rows = [row_of(rng, mode, number) for number in range(12)]
    names = ("USDC", "AAA") if mode.startswith("cross") else ("AAA", *SYMBOLS[mode])
    for name in names:
        check("liquidation_price", rows, PRICES, RULES, name, exact=exact)
    check("liquidation_factor", rows, PRICES, RULES, exact=exact)


@pytest.mark.parametrize("mode", MODES)
def test_names_priced_at_nothing_are_no_exposure(mode):
    rng = random.Random(f"nothing/{mode}")
    rows = [row_of(rng, mode, number) for number in range(6)]
    moving = {"AAA": 0.0, "AAAUSDT": 0.0, "AAAUSDC": 0.0, "USDC": 0.0}
    prices = PRICES | (moving if mode != "coinm" else {})
    check("liquidation_factor", rows, prices, RULES)
    if mode in SYMBOLS:
        check("liquidation_price", rows, prices, RULES, SYMBOLS[mode][0])

"""Liquidation prices on real and drawn brackets: the walk against a scan of every bracket."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from bracket_scan import Leg
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_rows import rising
from oracle_rules import position, rules_of, tiers_of

from pymargin import oracle, rules_from_binance
from pymargin.modes import RootReason

FOLDER = Path(__file__).parents[1].parent / "shared" / "brackets"
N_REAL = 150
DRAWN = settings(max_examples=40, derandomize=True, deadline=None, database=None)


def drawn_leg(rng, tiers, size=None):
    """Draw a position whose notional lies anywhere in its brackets."""
    caps = [float(tier.cap) for tier in tiers if tier.cap is not None and tier.cap < 10**12]
    reach = rng.choice(caps or [1e5]) * 10 ** rng.uniform(-2, 0.3)
    entry = float(f"{10 ** rng.uniform(-3, 5):.{rng.choice((3, 6, 12))}g}")
    notional = reach * rng.choice((-1, 1))
    if size is None:
        quantity = float(f"{notional / entry:.{rng.choice((3, 8))}g}")
    else:
        quantity = float(round(notional * entry / float(size)) or 1)
    wallet = float(f"{reach / rng.choice((1, 2, 5, 20, 75)):.8g}")
    return Leg(tiers, quantity, entry, wallet, size)


def assert_same(leg, rules, symbol):
    fields = {"isolated_margin": leg.wallet, "leverage": 1}
    row = {"positions": [position(symbol, leg.quantity, leg.entry, **fields)]}
    mode = "usdm" if leg.size is None else "coinm"
    found = oracle.liquidation_price(row, {symbol: leg.entry}, rules, symbol, position=0, mode=mode)
    assert found.reason is not RootReason.NO_EXPOSURE
    walked = [root for root in (found.below, found.above) if root]
    assert walked == leg.roots()
    for root, boundary in ((found.below, found.below_float), (found.above, found.above_float)):
        if root:
            assert boundary == leg.boundary(root)


@pytest.fixture(scope="module", params=["2026-02-05", "2026-02-06"])
def real(request):
    path = FOLDER / f"binance_leverage_tiers_{request.param}.json.gz"
    if not path.exists():
        pytest.skip("the recorded brackets are not beside the project")
    return rules_from_binance(usdm_brackets=path)


def test_walk_agrees_with_every_bracket_of_recorded_tables(real):
    rng = random.Random(4)
    for symbol in rng.choices(real.names("usdm"), k=N_REAL):
        assert_same(drawn_leg(rng, real.tiers("usdm", symbol)), real, symbol)


@DRAWN
@given(seed=st.integers(0, 2**32 - 1))
def test_walk_agrees_with_every_bracket_in_coin(seed):
    rng = random.Random(seed)
    steps = rising(rng, 100, leverage=True)
    leg = drawn_leg(rng, tiers_of(steps), Decimal(rng.choice((10, 100))))
    symbol = "BTCUSD_PERP" if leg.size == 100 else "ETHUSD_PERP"
    assert_same(leg, rules_of(coinm={symbol: steps}), symbol)


def test_scan_takes_the_bracket_of_the_root():
    tiers = tiers_of(((50_000, "0.004"), (None, "0.005")))
    leg = Leg(tiers, -2.0, 20_000.0, 45_000.0)
    assert leg.roots() == [Fraction(85_050) / (2 + 2 * Fraction("0.005"))]
    assert leg.fires(math.nextafter(float(leg.roots()[0]), math.inf))

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin import oracle
from pymargin.rules import Group

BRACKETS = Path(__file__).parents[2] / "shared" / "brackets"

needs_shared = pytest.mark.skipif(
    not BRACKETS.is_dir(), reason="the reference folder ../shared is not present"
)


def tiers(*rows: tuple[Any, Any, Any]) -> tuple[pm.Tier, ...]:
    made, floor = [], Decimal(0)
    for leverage, cap, rate in rows:
        edges = (floor, None if cap is None else Decimal(cap))
        allowed = None if leverage is None else Decimal(leverage)
        made.append(pm.Tier(*edges, Decimal(rate), allowed))
        floor = floor if cap is None else Decimal(cap)
    return tuple(made)


CLOSED = tiers((50, "5000", "0.01"), (20, "25000", "0.02"), (1, "100000", "0.5"))
OPEN = tiers((10, "50", "0.01"), (2, None, "0.25"))
BARE = tiers((10, "50", "0.01"), (None, None, "0.25"))
RULES = pm.MarginRules(
    {
        "usdm": [Group(CLOSED, assets=("AAAUSDT",)), Group(BARE, assets=("CCCUSDT",))],
        "coinm": [Group(OPEN, assets=("BBBUSD_PERP",))],
    }
)


@pytest.mark.parametrize(
    ("leverage", "notional"),
    [(1, 100_000), (2, 25_000), (20, 25_000), (20.5, 5000), (50, 5000), (51, 0), (125, 0)],
)
def test_the_largest_position_is_the_cap_of_the_last_bracket_that_allows_it(
    leverage: float, notional: float
) -> None:
    assert pm.max_position("AAAUSDT", leverage, RULES) == notional


@pytest.mark.parametrize(
    ("notional", "leverage"),
    [(0, 50), (5000, 50), (5000.000000000001, 20), (25_000, 20), (100_000, 1), (100_001, 0)],
)
def test_the_largest_leverage_is_that_of_the_bracket_and_a_cap_belongs_to_it(
    notional: float, leverage: float
) -> None:
    assert pm.max_leverage("AAAUSDT", notional, RULES) == leverage


def test_an_open_bracket_has_no_largest_position() -> None:
    assert pm.max_position("BBBUSD_PERP", 2, RULES) == math.inf
    assert pm.max_leverage("BBBUSD_PERP", 1e300, RULES) == 2


def test_arrays_give_arrays() -> None:
    found = pm.max_position("AAAUSDT", np.array([1, 20, 60]), RULES)
    assert (found.dtype, found.tolist()) == (np.float64, [100_000, 25_000, 0])
    assert pm.max_leverage("AAAUSDT", [0.0, 6000.0], RULES).tolist() == [50, 20]


@pytest.mark.parametrize("leverage", [0, 0.5, -1, math.nan, math.inf, "20", True, None])
def test_a_leverage_below_one_or_no_number_is_refused(leverage: Any) -> None:
    with pytest.raises(pm.MarginError, match="leverage must be a number of at least 1"):
        pm.max_position("AAAUSDT", leverage, RULES)


def test_a_negative_notional_is_refused_with_its_place() -> None:
    with pytest.raises(pm.MarginError, match=r"notional\[1\] must be a number of at least 0"):
        pm.max_leverage("AAAUSDT", [1, -1], RULES)


def test_a_symbol_without_brackets_is_an_error_that_names_it() -> None:
    for question in (pm.max_position, pm.max_leverage):
        with pytest.raises(pm.RulesError, match="DDDUSDT has no schedule in table usdm or coinm"):
            question("DDDUSDT", 1, RULES)


def test_a_bracket_without_leverage_is_an_error_that_names_it() -> None:
    with pytest.raises(pm.RulesError, match="bracket 1 of CCCUSDT names no leverage"):
        pm.max_position("CCCUSDT", 1, RULES)


LEVERAGES = (1, 2, 3, 5, 7.5, 10, 20, 25, 50, 75, 100, 125, 130)


def check(rules: pm.MarginRules, symbol: str, rng: random.Random) -> None:
    """Hold the largest position against the definition, and the largest leverage against it."""
    table = "usdm" if rules.find("usdm", symbol) else "coinm"
    tiers = rules.tiers(table, symbol)
    caps = [float(tier.cap) for tier in tiers if tier.cap is not None]
    sizes = [*caps, *(math.nextafter(cap, math.inf) for cap in caps), rng.uniform(0, 2 * caps[-1])]
    positions = pm.max_position(symbol, LEVERAGES, rules).tolist()
    assert positions == [oracle.max_position(symbol, one, rules) for one in LEVERAGES]
    for size, largest in zip(sizes, pm.max_leverage(symbol, sizes, rules), strict=True):
        assert largest in {0, *(tier.leverage for tier in tiers)}
        for leverage, position in zip(LEVERAGES, positions, strict=True):
            assert (largest >= leverage) == (size <= position)


def test_both_answers_agree_with_the_definition_on_the_example() -> None:
    rules, rng = pm.example_rules(), random.Random("position limits")
    for symbol in rng.sample((*rules.names("usdm"), *rules.names("coinm")), 60):
        check(rules, symbol, rng)


@needs_shared
def test_both_answers_agree_with_the_definition_on_real_brackets() -> None:
    path = BRACKETS / "binance_leverage_tiers_2026-02-06.json.gz"
    rules, rng = pm.rules_from_binance(usdm_brackets=path), random.Random("real brackets")
    for symbol in rng.sample(rules.names("usdm"), 100):
        check(rules, symbol, rng)


@pytest.mark.parametrize(
    ("stake", "leverage"),
    [
        (0, 50),
        (10, 50),
        (100, 50),
        (100.5, 5000 / 100.5),
        (250, 20),
        (1250, 20),
        (2500, 10),
        (1e5, 1),
        (math.nextafter(1e5, math.inf), 0),
        (1e15, 0),
    ],
)
def test_the_leverage_of_a_stake_keeps_its_position_within_a_bracket(
    stake: float, leverage: float
) -> None:
    found = pm.max_leverage_for_stake("AAAUSDT", stake, RULES)
    assert found == pytest.approx(leverage, rel=1e-15)
    assert found <= oracle.max_leverage(CLOSED, stake)


@pytest.mark.parametrize("seed", range(20))
def test_the_leverage_of_a_stake_is_the_oracles(seed: int) -> None:
    rng = random.Random(seed)
    for symbol, steps in (("AAAUSDT", CLOSED), ("BBBUSD_PERP", OPEN)):
        stake = float(f"{10 ** rng.uniform(-3, 6):.6g}")
        exact = oracle.max_leverage(steps, stake)
        found = pm.max_leverage_for_stake(symbol, stake, RULES)
        assert exact * (1 - Fraction(1, 2**51)) <= Fraction(found) <= exact


def test_a_stake_is_at_least_0() -> None:
    with pytest.raises(pm.MarginError, match=r"stake\[1\] must be a number of at least 0, not -1"):
        pm.max_leverage_for_stake("AAAUSDT", [1, -1, 2], RULES)
    with pytest.raises(pm.RulesError, match="names no leverage"):
        pm.max_leverage_for_stake("CCCUSDT", 1, RULES)

"""The compiled tables against the rules that they were compiled from."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import pymargin as pm
from pymargin.rules import Group
from pymargin.rules.kinds import TABLES
from pymargin.rules.schedules import marginal_rate, value
from pymargin.tables import compile_tables

BRACKETS = Path(__file__).parents[2] / "shared" / "brackets"
REAL = BRACKETS / "binance_leverage_tiers_2026-02-06.json.gz"


def edges(tiers: tuple[pm.Tier, ...]) -> list[float]:
    """Return values inside, at and just above every edge, and beyond the last."""
    caps = [float(tier.cap) for tier in tiers if tier.cap is not None]
    around = [near for cap in caps for near in (cap / 3, cap, math.nextafter(cap, math.inf))]
    return [0.0, *around, 2 * (caps[-1] if caps else 1.0)]


def check(rules: pm.MarginRules) -> None:
    """Hold value and rate of every schedule against the exact ones."""
    compiled = compile_tables(rules)
    for table, kind in TABLES.items():
        if not rules.has_table(table):
            continue
        one_of_each = {rules.tiers(table, name): name for name in rules.names(table)}
        for tiers, name in one_of_each.items():
            at = edges(tiers)
            exact = [Decimal(repr(one)) for one in at]
            number = compiled.numbers[table][name]
            found = compiled.schedules.value(number, np.array(at))
            want = [float(value(tiers, one, excess=kind.excess)) for one in exact]
            np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-9)
            rates = compiled.schedules.rate(number, np.array(at))
            assert rates.tolist() == [
                float(marginal_rate(tiers, one, excess=kind.excess)) for one in exact
            ]


def test_every_table_of_the_example_compiles_to_what_it_says() -> None:
    check(pm.example_rules())


def test_every_table_of_the_built_in_rules_compiles_to_what_it_says() -> None:
    check(pm.builtin_rules(at="2026-02-10T00:00Z"))


@pytest.mark.skipif(not REAL.is_file(), reason="the reference folder ../shared is not present")
def test_real_brackets_compile_to_what_they_say() -> None:
    check(pm.rules_from_binance(usdm_brackets=REAL))


def test_equal_schedules_are_stored_once_for_assets_and_symbols_alike() -> None:
    tiers = (pm.Tier(Decimal(0), Decimal(100), Decimal("0.1"), Decimal(10)),)
    rules = pm.MarginRules(
        {
            "usdm": [Group(tiers, assets=("AAAUSDT", "BBBUSDT"))],
            "coinm": [Group(tiers, assets=("AAAUSD_PERP",))],
        }
    )
    numbers = compile_tables(rules).numbers
    assert {*numbers["usdm"].values(), *numbers["coinm"].values()} == {0}


def test_above_a_closed_last_cap_a_bracket_goes_on_and_collateral_does_not() -> None:
    tiers = (pm.Tier(Decimal(0), Decimal(100), Decimal("0.5")),)
    rules = pm.MarginRules(
        {
            "portfolio_pro": [Group(tiers, assets=("AAA",))],
            "usdm": [Group(tiers, assets=("AAAUSDT",))],
        }
    )
    compiled = compile_tables(rules)
    numbers = (compiled.numbers["portfolio_pro"]["AAA"], compiled.numbers["usdm"]["AAAUSDT"])
    assert [compiled.schedules.value(one, np.array([150.0]))[0] for one in numbers] == [50, 75]

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pymargin as pm
from pymargin.rules import Group, Tier
from pymargin.rules.kinds import TABLES
from pymargin.rules.schedules import value
from pymargin.rules.worst import worst_rules, worst_schedule

RATIO, MARGIN = TABLES["collateral"], TABLES["liability_maintenance"]


def schedules(rates: Literal["falling", "rising"]) -> st.SearchStrategy[tuple[Tier, ...]]:
    """Draw schedules of one to five tiers, open or closed."""

    def build(caps: list[int], parts: list[int], is_open: bool) -> tuple[Tier, ...]:
        ends: list[int | None] = [*sorted(caps)]
        if is_open:
            ends[-1] = None
        ordered = sorted(parts[: len(ends)], reverse=rates == "falling")
        tiers, floor = [], Decimal(0)
        for end, rate in zip(ends, ordered, strict=True):
            tiers.append(Tier(floor, None if end is None else Decimal(end), Decimal(rate) / 100))
            floor = Decimal(end or 0)
        return tuple(tiers)

    caps = st.lists(st.integers(1, 1000), min_size=1, max_size=5, unique=True)
    parts = st.lists(st.integers(0, 100), min_size=5, max_size=5)
    return st.builds(build, caps, parts, st.booleans())


VALUES = st.integers(0, 20_000).map(lambda tenths: Decimal(tenths) / 10)


def envelope(one: Any, other: Any, v: Decimal, kind: Any) -> Decimal:
    choose = min if kind.is_ratio else max
    return choose(value(tiers, v, excess=kind.excess) for tiers in (one, other))


@pytest.mark.parametrize("kind", [RATIO, MARGIN], ids=["ratio", "margin"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_worse_schedule_is_the_worse_value_everywhere(kind: Any, data: Any) -> None:
    one, other = data.draw(schedules(kind.rates)), data.draw(schedules(kind.rates))
    worst = worst_schedule(one, other, kind)
    v = data.draw(VALUES)
    found = value(worst, v, excess=kind.excess)
    exact = envelope(one, other, v, kind)
    assert found <= exact if kind.is_ratio else found >= exact
    assert abs(Fraction(found) - Fraction(exact)) < Fraction(1, 10**9)


@pytest.mark.parametrize("kind", [RATIO, MARGIN], ids=["ratio", "margin"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_worse_of_two_schedules_is_one_that_rules_take(kind: Any, data: Any) -> None:
    one, other = data.draw(schedules(kind.rates)), data.draw(schedules(kind.rates))
    worst = worst_schedule(one, other, kind)
    pm.MarginRules(tables={kind.name: [Group(worst, assets=("AAA",))]})
    assert worst_schedule(one, one, kind) == tuple(_joined(one))


def _joined(tiers: tuple[Tier, ...]) -> list[Tier]:
    """Join tiers of one rate, which are one step."""
    joined: list[Tier] = []
    for tier in tiers:
        if joined and joined[-1].rate == tier.rate:
            tier = Tier(joined.pop().floor, tier.cap, tier.rate)
        joined.append(tier)
    return joined


def test_the_smaller_leverage_holds() -> None:
    one = (Tier(Decimal(0), Decimal(100), Decimal("0.01"), Decimal(50)),)
    other = (Tier(Decimal(0), Decimal(100), Decimal("0.02"), Decimal(20)),)
    (tier,) = worst_schedule(one, other, MARGIN)
    assert (tier.rate, tier.leverage) == (Decimal("0.02"), 20)


def test_a_name_that_one_side_alone_knows_keeps_its_schedule() -> None:
    flat = (Tier(Decimal(0), None, Decimal("0.5")),)
    one = pm.MarginRules(tables={"collateral": [Group(flat, assets=("AAA",))]})
    other = pm.MarginRules(tables={"borrow": [Group(flat, assets=("AAA",))]})
    worst = worst_rules(one, other)
    assert worst.tiers("collateral", "AAA") == worst.tiers("borrow", "AAA") == flat

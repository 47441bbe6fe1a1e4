"""What the exchange's lines permit in portfolio margin and futures, and what a file may state."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pymargin.errors import RulesError
from pymargin.modes import Mode
from pymargin.rules import Grant, Group, Line, MarginRules, ModeThresholds, Tier, load_rules
from pymargin.rules.document import document
from pymargin.rules.thresholds import DEFAULT_THRESHOLDS

FREE = {"TRADE", "BORROW", "TRANSFER_OUT"}
CALLED = {"REDUCE_ONLY", "MARGIN_CALL"}


def rules(**parts: Any) -> MarginRules:
    flat = (Tier(Decimal(0), None, Decimal("0.9")),)
    return MarginRules({"portfolio": [Group(flat, assets=("AAA",))]}, **parts)


def decided(mode: str, levels: dict[str, str]) -> set[str]:
    """Apply the lines and grants of a mode as they are defined."""
    thresholds = DEFAULT_THRESHOLDS[mode]
    figures = {name: Decimal(text) for name, text in levels.items()}
    for line in thresholds.lines:
        assert isinstance(line.at_most, Decimal)
        if figures[line.level] <= line.at_most:
            return set(line.actions)
    grants = {g.action for g in thresholds.grants if figures[g.level] > g.above}
    return {*thresholds.actions, *grants}


@pytest.mark.parametrize(
    ("uni_mmr", "actions"),
    [
        ("0.5", {"LIQUIDATE"}),
        ("1.05", {"LIQUIDATE"}),
        ("1.0500001", CALLED),
        ("1.2", CALLED),
        ("1.2000001", FREE),
        ("9", FREE),
    ],
)
def test_the_lines_of_portfolio_margin(uni_mmr: str, actions: set[str]) -> None:
    assert decided("portfolio", {"uni_mmr": uni_mmr}) == actions


@pytest.mark.parametrize(
    ("uni_mmr", "actions"),
    [
        ("-1", {"LIQUIDATE", "BANKRUPT"}),
        ("1", {"LIQUIDATE", "BANKRUPT"}),
        ("1.0000001", {"LIQUIDATE"}),
        ("1.05", {"LIQUIDATE"}),
        ("1.0500001", CALLED),
        ("1.2", CALLED),
        ("1.2000001", FREE | {"MARGIN_CALL"}),
        ("1.5", FREE | {"MARGIN_CALL"}),
        ("1.5000001", FREE),
    ],
)
def test_the_lines_of_portfolio_margin_pro(uni_mmr: str, actions: set[str]) -> None:
    assert decided("portfolio_pro", {"uni_mmr": uni_mmr}) == actions


@pytest.mark.parametrize("mode", ["usdm", "coinm"])
@pytest.mark.parametrize(
    ("level", "available", "actions"),
    [
        ("1", "5", {"LIQUIDATE"}),
        ("1.0000001", "0", {"TRADE"}),
        ("1.0000001", "-1", {"TRADE"}),
        ("1.0000001", "0.1", {"TRADE", "TRANSFER_OUT"}),
    ],
)
def test_the_lines_of_futures(mode: str, level: str, available: str, actions: set[str]) -> None:
    assert decided(mode, {"margin_level": level, "available_balance": available}) == actions


def test_every_mode_has_thresholds_and_a_methodology() -> None:
    assert set(DEFAULT_THRESHOLDS) == set(map(str, Mode)) == set(rules().methodology)


@pytest.mark.parametrize("mode", ["portfolio", "portfolio_pro", "usdm", "coinm"])
def test_a_prime_broker_sets_its_own_lines(mode: str) -> None:
    level = "uni_mmr" if "portfolio" in mode else "margin_level"
    own = ModeThresholds(
        (Line(level, Decimal("1.75"), ("LIQUIDATE",)),),
        ("TRADE",),
        (Grant("TRANSFER_OUT", "available_balance", Decimal(100)),),
    )
    made = rules(thresholds={mode: own})
    assert made.thresholds[mode] == own
    assert load_rules(document(made)) == made
    assert made != rules()


@pytest.mark.parametrize(
    ("mode", "level"),
    [("portfolio", "margin_level"), ("usdm", "uni_mmr"), ("coinm", "available_margin")],
)
def test_a_level_of_another_mode_is_refused(mode: str, level: str) -> None:
    own = ModeThresholds((Line(level, Decimal(1), ("LIQUIDATE",)),), ("TRADE",), ())
    with pytest.raises(RulesError, match=rf"{mode}\.lines\[0\]\.level must be one of"):
        rules(thresholds={mode: own})

"""Numeric cases with a source of their own, beside the project: every figure, by the oracle and
by the functions for whole books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from worked_engines import BOOK, ORACLE
from worked_kinds import figures

import pymargin as pm

PATH = Path(__file__).parents[1].parent / "shared" / "facts" / "worked_cases.json"
MOST_EXCLUDED = 22

_GATE = "Gate and OKX put the taker fee into the liquidation price"
_BYBIT = "Bybit takes the maintenance margin at the entry price"
_HYPERLIQUID = "Hyperliquid freezes the maintenance margin at the current notional"
# Cases by another venue's convention.
EXCLUDED = {
    "ft-grid-gate-1": _GATE,
    "ft-grid-gate-3": _GATE,
    "ft-grid-gate-4": _GATE,
    "ft-grid-gate-5": _GATE,
    "ft-grid-bybit-1": _BYBIT,
    "ft-grid-bybit-2": _BYBIT,
    "ft-grid-bybit-4": _BYBIT,
    "ft-grid-bybit-5": _BYBIT,
    "ft-grid-bybit-7": _BYBIT,
    "hl-cassette-OP": _HYPERLIQUID,
    "hl-cassette-APE": _HYPERLIQUID,
    "hl-cassette-BTC": _HYPERLIQUID,
    "hl-cassette-DYDX": _HYPERLIQUID,
    "ft-maxlev-TIA-131": "another venue's brackets, with gaps; a step's leverage, not 49.6",
    "lean-mm": "LEAN sets the maintenance margin to the initial margin",
    "naut-standard-init": "nautilus: a rate of its own, leverage ignored",
    "naut-lev-init": "nautilus: a rate of its own, divided by leverage",
}
# Products of other venues, whatever the case's id.
VENUES = {"gate/okx": _GATE, "Bybit": _BYBIT, "Hyperliquid": _HYPERLIQUID}
# Figures of a case that its inputs do not determine.
NOT_DETERMINED = {
    ("rec-ccxt-cross-btc-1", "liquidation_price"): "the wallet is not in the record",
    ("rec-ccxt-multiassets-account", "availableBalance"): "made of rates not in the record",
    ("vibe-isolated-two", "margin_balance"): "a wallet of 1,000 that is not among the inputs",
}

# Figures with a function of their own.
FUNCTIONS = {"liquidation_price": "liquidation_price", "max_borrow_usdc": "max_borrow"}


def cases() -> list[dict[str, Any]]:
    if not PATH.exists():
        return []
    return json.loads(PATH.read_text(encoding="utf-8"))["cases"]


def why_excluded(case: dict[str, Any]) -> str | None:
    product = case["inputs"].get("product", "")
    of_venue = (reason for venue, reason in VENUES.items() if venue in product)
    return EXCLUDED.get(case["id"]) or next(of_venue, None)


def parameters() -> Iterator[Any]:
    for case in cases():
        reason = why_excluded(case)
        marks = () if reason is None else (pytest.mark.skip(reason=reason),)
        yield pytest.param(case, id=case["id"], marks=marks)


def is_close(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, list):
        pairs = zip(found, expected, strict=True)
        return all(is_close(one, other, tolerance) for one, other in pairs)
    if isinstance(expected, bool | str):
        return found == expected
    return abs(Fraction(found) - Fraction(str(expected))) <= Fraction(str(tolerance))


@pytest.mark.skipif(not PATH.exists(), reason="the worked cases are not beside the project")
@pytest.mark.parametrize("engine", [ORACLE, BOOK], ids=["oracle", "book"])
@pytest.mark.parametrize("case", list(parameters()))
def test_worked_case_is_reproduced(case, engine):
    found = figures(engine, case)
    compared = [name for name in case["expected"] if (case["id"], name) not in NOT_DETERMINED]
    assert compared
    lacking = [name for name in compared if not hasattr(pm, FUNCTIONS.get(name, "evaluate"))]
    if engine is BOOK and lacking:
        pytest.skip(f"no function for whole books answers {', '.join(lacking)} yet")
    off = {
        name: (found[name], case["expected"][name])
        for name in compared
        if not is_close(found[name], case["expected"][name], case["tolerance"])
    }
    assert not off


@pytest.mark.skipif(not PATH.exists(), reason="the worked cases are not beside the project")
def test_few_cases_are_excluded_and_each_exists():
    known = {case["id"] for case in cases()}
    assert set(EXCLUDED) <= known
    assert {name for name, _ in NOT_DETERMINED} <= known
    assert sum(why_excluded(case) is not None for case in cases()) <= MOST_EXCLUDED

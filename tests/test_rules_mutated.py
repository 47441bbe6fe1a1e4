"""Answers with one part broken at random: rules or every fault with its path, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rules_futures import FAPI, ccxt, coinm, dapi_symbol, exchange_info, usdm
from test_rules_portfolio import RATES, tiered

from pymargin.errors import Problem, RulesError
from pymargin.rules import rules_from_binance

ANSWERS: dict[str, tuple[str, Any]] = {
    "usdm": ("usdm_brackets", usdm()),
    "usdm with a coefficient": ("usdm_brackets", [{**usdm()[0], "notionalCoef": "1.5"}]),
    "ccxt": ("usdm_brackets", ccxt()),
    "ccxt without info": ("usdm_brackets", ccxt(info=False)),
    "coinm": ("coinm_brackets", coinm()),
    "coinm by pair": ("coinm_brackets", coinm("pair", "BTCUSD", "qtylFloor")),
    "rates": ("portfolio_collateral", RATES),
    "tiered rates": ("portfolio_pro_collateral", {"data": tiered()}),
    "loans": ("portfolio_leverage", [{"asset": "USDT", "leverage": 10}]),
    "symbols": ("symbols", [FAPI, exchange_info(dapi_symbol("BTCUSD_PERP"))]),
}
NUMBERS = (True, -1, 0, 1.5, float("nan"), Decimal("1e30"), 10**400, "x", "1,000", "")
SHAPES = (None, [], {}, [None], {"a": 1}, [[]], "\ud800", "A B", b"bytes", ..., (1, 2), {1: 2})
JUNK = st.sampled_from((*NUMBERS, *SHAPES))


def nodes(answer: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every part of an answer."""
    keys: Iterable[Any] = ()
    if isinstance(answer, dict | list):
        keys = answer if isinstance(answer, dict) else range(len(answer))
    return [way, *(one for key in keys for one in nodes(answer[key], (*way, key)))]


def broken(answer: Any, way: tuple[Any, ...], junk: Any) -> Any:
    """Return a copy with one part replaced, or removed where junk is ``...``."""
    if not way:
        return junk
    changed = copy.deepcopy(answer)
    part = changed
    for key in way[:-1]:
        part = part[key]
    if junk is ...:
        del part[way[-1]]
    else:
        part[way[-1]] = junk
    return changed


def faults(argument: str, answer: Any) -> list[Problem]:
    """Return the faults of an answer; none where it makes rules."""
    try:
        rules_from_binance(**{argument: answer})
    except RulesError as err:
        return list(err.problems)
    return []


@pytest.mark.parametrize("kind", ANSWERS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_broken_answer_gives_rules_or_faults_with_their_paths(
    kind: str, data: st.DataObject
) -> None:
    argument, answer = ANSWERS[kind]
    way = data.draw(st.sampled_from(nodes(answer)))
    # A text in place of a whole answer would be the path of a file, and None an absent one.
    junk = data.draw(JUNK.filter(lambda one: len(way) > 1 or not isinstance(one, str | None)))
    for problem in faults(argument, broken(answer, way, junk)):
        assert problem.path.startswith("$"), problem
        assert problem.severity == "error"


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_answers_before_they_are_broken_are_right(kind: str) -> None:
    assert faults(*ANSWERS[kind]) == []

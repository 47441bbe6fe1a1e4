"""Books and results go to other processes and are copied; what the core keeps is made again."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin.example import example_accounts, example_prices

RULES = pm.example_rules()
MODES = tuple(pm.Mode)
PRICES = example_prices(marks=True)
BOOK = example_accounts(300, rules=RULES, modes=MODES)
CROSS = example_accounts(100, rules=RULES)
USDM, COINM = (example_accounts(100, rules=RULES, modes=(one,)) for one in ("usdm", "coinm"))


def copies(thing: Any) -> list[Any]:
    return [pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing), copy.copy(thing)]


def test_a_book_that_was_evaluated_and_prepared_is_copied() -> None:
    pm.evaluate(BOOK.prepare(), PRICES, RULES)
    for again in copies(BOOK):
        assert [again.row(k) for k in range(len(BOOK))] == [BOOK.row(k) for k in range(len(BOOK))]
        assert (again.assets, again.symbols) == (BOOK.assets, BOOK.symbols)
        arrays = [again.ids, again.wallets.balance, again.positions.offsets, again._free]
        assert not any(array.flags.writeable for array in arrays)
        level = pm.evaluate(again, PRICES, RULES).level
        assert np.array_equal(level, pm.evaluate(BOOK, PRICES, RULES).level, equal_nan=True)


def test_a_pickled_book_is_without_its_cache() -> None:
    fresh = example_accounts(300, rules=RULES, modes=MODES)
    before = len(pickle.dumps(fresh))
    pm.evaluate(fresh.prepare(), PRICES, RULES)
    assert len(pickle.dumps(fresh)) == before


LEVELS: dict[str, Callable[[], Any]] = {
    "evaluate": lambda: pm.evaluate(BOOK, PRICES, RULES),
    "evaluate one": lambda: pm.evaluate(BOOK.select(np.arange(1)), PRICES, RULES),
    "cross_classic": lambda: pm.cross_classic(CROSS, PRICES, RULES, leverage=3),
    "fields": lambda: pm.cross_classic(CROSS, PRICES, RULES, leverage=3, fields=["actions"]),
    "slots": lambda: pm.cross_classic(
        CROSS, PRICES, RULES, leverage=3, order="slot", fields=["actions"]
    ),
    "cross_pro": lambda: pm.cross_pro(CROSS, PRICES, RULES, collateral="net"),
    "aligned": lambda: pm.cross_pro(
        CROSS, np.array([PRICES.get(one, 1.0) for one in CROSS.assets]), RULES
    ),
    "unpriced": lambda: pm.cross_pro(CROSS, {"BTC": 60_000}, RULES, missing="flag"),
    "usdm": lambda: pm.usdm(USDM, PRICES, RULES, leverage=7),
    "coinm": lambda: pm.coinm(COINM, PRICES, RULES),
    "portfolio": lambda: pm.portfolio(CROSS, PRICES, RULES, missing="flag"),
    "worst": lambda: pm.evaluate(BOOK, PRICES, RULES).worst(200),
}


@pytest.mark.parametrize("name", LEVELS)
def test_levels_are_copied_with_their_order(name: str) -> None:
    found = LEVELS[name]()
    for again in copies(found):
        assert (type(again), again.names, len(again)) == (type(found), found.names, len(found))
        assert again.provenance == found.provenance
        for field, values in found.arrays().items():
            assert np.array_equal(getattr(again, field), values, equal_nan=True)
        assert again.worst(50).ids.tolist() == found.worst(50).ids.tolist()


def test_positions_are_made_after_the_copy_too() -> None:
    found = pm.usdm(USDM, PRICES, RULES, leverage=7)
    for again in copies(found):
        margins = again.positions.initial_margin
        assert np.array_equal(margins, found.positions.initial_margin, equal_nan=True)


QUESTIONS: dict[str, Callable[[], Any]] = {
    "liquidation_price": lambda: pm.liquidation_price(BOOK, PRICES, RULES, "BTC"),
    "liquidation_factor": lambda: pm.liquidation_factor(BOOK, PRICES, RULES),
    "shortfall": lambda: pm.shortfall(BOOK, PRICES, RULES),
    "switch": lambda: pm.switch(CROSS, PRICES, RULES, "cross_pro"),
    "stress": lambda: pm.stress(BOOK, PRICES, RULES, [{"BTC": 0.9}, {"ETH": 0.8}]),
    "impact": lambda: pm.impact(BOOK, PRICES, RULES, RULES),
    "exposure": lambda: pm.exposure(BOOK, PRICES),
    "explain": lambda: pm.explain(BOOK, PRICES, RULES, BOOK.ids[0]),
    "positions": lambda: pm.usdm(USDM, PRICES, RULES).positions,
    "rules": lambda: RULES,
    "problem": lambda: pm.AccountsError("none"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers_are_copied(name: str) -> None:
    found = QUESTIONS[name]()
    for again in copies(found):
        assert type(again) is type(found)
        assert repr(again) == repr(found)
    if name == "stress":
        assert copies(found)[0].prices_at(1) == found.prices_at(1)


def test_errors_keep_their_problems() -> None:
    with pytest.raises(pm.AccountsError) as caught:
        pm.Accounts.from_rows([{"account": 1, "leverage": 4}, {"account": 2, "leverage": 7}])
    for again in copies(caught.value):
        assert (again.problems, str(again)) == (caught.value.problems, str(caught.value))

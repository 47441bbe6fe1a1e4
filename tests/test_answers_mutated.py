"""The exchange's answers with anything in any place: loaded, or refused with a sentence."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import test_verify_cross
import test_verify_futures
import test_verify_portfolio

import pymargin as pm

JUNK = (None, "x", 5, True, [], {}, "1e400", "-7", float("nan"))


def account(mode: str, **options: Any) -> Callable[[Any], object]:
    return lambda answer: pm.Accounts.from_binance(mode, answer, account="u", **options)


LOADERS: dict[str, tuple[Callable[[Any], object], Any]] = {
    "cross": (account("cross_classic", leverage=3), test_verify_cross.answer()),
    "usdm": (account("usdm"), [test_verify_futures.account(), test_verify_futures.risks()]),
    "coinm": (account("coinm"), test_verify_futures.coin_answers()),
    "portfolio": (account("portfolio"), test_verify_portfolio.answers()),
    "premium_index": (
        lambda answer: pm.prices_from_binance(premium_index=answer),
        [{"symbol": "BTCUSDT", "markPrice": "1", "indexPrice": "1"}],
    ),
    "price_index": (
        lambda answer: pm.prices_from_binance(price_index=answer),
        [{"symbol": "BTCUSDT", "price": "1"}, {"symbol": "BNBBTC", "price": "0.01"}],
    ),
    "asset_index": (
        lambda answer: pm.prices_from_binance(asset_index=answer),
        [{"symbol": "ADAUSD", "bidRate": "1", "askRate": "1"}],
    ),
}


def mutated(answer: Any) -> Iterator[Any]:
    """Yield the answer with each of the junk in each of its places."""
    for junk in JUNK:
        for path in places(answer):
            if len(path) > 1 or not isinstance(junk, str):  # A text at the top is a path.
                changed = found = copy.deepcopy(answer)
                for step in path[:-1]:
                    found = found[step]
                found[path[-1]] = junk
                yield changed


def places(answer: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = answer.items() if isinstance(answer, dict) else ()
    items = enumerate(answer) if isinstance(answer, list) else items
    for step, value in items:
        yield from places(value, (*path, step))


@pytest.mark.parametrize("name", LOADERS)
def test_an_answer_with_anything_in_it_loads_or_is_refused(name: str) -> None:
    load, answer = LOADERS[name]
    load(answer)
    refused = 0
    for changed in mutated(answer):
        try:
            load(changed)
        except pm.MarginError as err:
            refused += bool(str(err))
    assert refused > 5

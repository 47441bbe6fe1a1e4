"""Reads the exchange's own answers into rules: which argument takes which answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from os import PathLike
from typing import Any, get_args

from pymargin.errors import Problem, RulesError
from pymargin.rules.answers import Parts, Payload
from pymargin.rules.binance_cross import read_cross_collateral, read_liability_brackets
from pymargin.rules.binance_futures import NotionalCoef, is_ccxt_tiers, read_futures_brackets
from pymargin.rules.binance_portfolio import (
    read_portfolio_collateral,
    read_portfolio_leverage,
    read_portfolio_pro_collateral,
)
from pymargin.rules.binance_symbols import read_symbols
from pymargin.rules.checks import Group
from pymargin.rules.contracts import Contract
from pymargin.rules.findings import Findings
from pymargin.rules.jsonfile import read_json
from pymargin.rules.methodology import methodology_at, parse_moment
from pymargin.rules.model import MarginRules
from pymargin.rules.unified import read_unified

__all__ = ["ANSWERS", "Payload", "answer_of", "read_answers", "rules_from_binance"]


def rules_from_binance(
    *,
    cross_collateral: Payload = None,
    liability_brackets: Payload = None,
    portfolio_collateral: Payload = None,
    portfolio_pro_collateral: Payload = None,
    portfolio_leverage: Payload = None,
    usdm_brackets: Payload = None,
    coinm_brackets: Payload = None,
    symbols: Payload = None,
    notional_coef: NotionalCoef = "ignore",
    at: str | datetime | None = None,
) -> MarginRules:
    """Build rules from the answers of the exchange's API.

    Parameters
    ----------
    cross_collateral
        The answer of ``GET /sapi/v1/margin/crossMarginCollateralRatio``: its ``collaterals``
        become table ``collateral``, and where present ``borrowCollaterals`` table ``borrow`` and
        ``withdrawCollaterals`` table ``transfer_out``.
    liability_brackets
        The answer of ``GET /sapi/v1/margin/leverageBracket``: tables ``liability_maintenance``
        and ``liability_initial``, with the leverage of each bracket on its tiers. The bracket
        class that it calls ``rank`` is not the rank of an asset and is not kept.
    portfolio_collateral
        The answer of ``GET /sapi/v1/portfolio/collateralRate``: table ``portfolio``.
    portfolio_pro_collateral
        The answer of ``GET /sapi/v2/portfolio/collateralRate``: table ``portfolio_pro``. Its
        ``cum`` is an addition; a given one is only checked.
    portfolio_leverage
        The answer of ``GET /sapi/v1/portfolio/margin-asset-leverage``: ``loan_leverage``.
    usdm_brackets, coinm_brackets
        The answer of ``leverageBracket`` (fapi or papi/um; dapi or papi/cm): a list, or the
        object of one symbol; tables ``usdm`` and ``coinm``. Or ccxt's leverage tiers, an object
        of lists by unified symbol, whose names become the exchange's; what ``info`` holds of the
        exchange's own answer goes before ccxt's figures. A pair of dapi v1 serves every symbol of
        the pair in ``symbols``; without these, its perpetual alone.
    symbols
        The answer of ``exchangeInfo`` of fapi or dapi, or a list of such answers (or of their
        paths): ``contracts``, with base and settlement asset and contract size.
    notional_coef
        What to do with the ``notionalCoef`` of a symbol, the user's own multiplier of brackets:
        ``ignore`` takes the caps as they stand and warns; ``apply`` multiplies caps and floors
        by it. No document says whether the caps of an answer are multiplied already; that they
        are is our reading.
    at
        The moment whose methodologies apply; absent, the newest.

    Each answer is its decoded JSON (also inside a ``{"data": ...}`` wrapper) or the path of a
    file, which may be gzipped. Numbers may be texts or JSON numbers; unknown fields are left
    alone.

    Raises
    ------
    RulesError
        With every fault of every answer, each under its JSON path.

    Examples
    --------
    >>> rules = rules_from_binance(cross_collateral=[{
    ...     "assetNames": ["BTC"], "collaterals": [{"minUsdValue": "0", "discountRate": "0.95"}]}])
    >>> rules.collateral_value("BTC", 1000)
    Decimal('950')
    """
    answers = {
        "cross_collateral": cross_collateral,
        "liability_brackets": liability_brackets,
        "portfolio_collateral": portfolio_collateral,
        "portfolio_pro_collateral": portfolio_pro_collateral,
        "portfolio_leverage": portfolio_leverage,
        "usdm_brackets": usdm_brackets,
        "coinm_brackets": coinm_brackets,
        "symbols": symbols,
    }
    given = {name: payload for name, payload in answers.items() if payload is not None}
    if not given:
        raise RulesError(f"rules_from_binance needs at least one of {', '.join(ANSWERS)}")
    rules, problems = read_answers(given, at=at, notional_coef=notional_coef)
    if rules is None:
        raise RulesError(problem for problem in problems if problem.severity == "error")
    return rules


def read_answers(
    given: Mapping[str, Payload],
    *,
    at: str | datetime | None,
    notional_coef: NotionalCoef = "ignore",
) -> tuple[MarginRules | None, list[Problem]]:
    """Read answers by the name of their argument: the rules, if there is no error, and all faults.

    A path names its argument only where there is more than one answer.
    """
    readings = get_args(NotionalCoef)
    if notional_coef not in readings:
        raise RulesError(
            f"notional_coef must be one of {', '.join(readings)}, not {notional_coef!r}"
        )
    moment = parse_moment(at)
    methodology = methodology_at(moment)
    problems: list[Problem] = []
    parts = Parts()
    for name, payload in given.items():
        findings = Findings()
        try:
            content = _content(payload)
            parts.update(_read(name, findings, content, notional_coef))
            _say_which(name, content, findings)
        except RulesError as err:
            findings.problems.extend(err.problems)
        if len(given) > 1:
            findings.problems = [_named(name, problem) for problem in findings.problems]
        problems.extend(findings.problems)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    _settle_pairs(parts)
    rules = MarginRules(
        tables=parts.tables,
        contracts=parts.contracts,
        loan_leverage=parts.loan_leverage,
        methodology=methodology,
        moment=moment,
        label="Binance API",
        sources=tuple(_SOURCES[name] for name in given),
        notes=tuple(problems),
    )
    return rules, problems


_SOURCES = {
    "cross_collateral": "GET /sapi/v1/margin/crossMarginCollateralRatio",
    "liability_brackets": "GET /sapi/v1/margin/leverageBracket",
    "portfolio_collateral": "GET /sapi/v1/portfolio/collateralRate",
    "portfolio_pro_collateral": "GET /sapi/v2/portfolio/collateralRate",
    "portfolio_leverage": "GET /sapi/v1/portfolio/margin-asset-leverage",
    "usdm_brackets": "GET /fapi/v1/leverageBracket",
    "coinm_brackets": "GET /dapi/v2/leverageBracket",
    "symbols": "GET /fapi/v1/exchangeInfo, GET /dapi/v1/exchangeInfo",
}

ANSWERS = tuple(_SOURCES)
"""The arguments that take an answer."""

_READERS: dict[str, Callable[[Findings, object], Parts]] = {
    "cross_collateral": read_cross_collateral,
    "liability_brackets": read_liability_brackets,
    "portfolio_collateral": read_portfolio_collateral,
    "portfolio_pro_collateral": read_portfolio_pro_collateral,
    "portfolio_leverage": read_portfolio_leverage,
    "symbols": read_symbols,
}


def _read(name: str, findings: Findings, content: Any, notional_coef: NotionalCoef) -> Parts:
    if name == "usdm_brackets":
        return read_futures_brackets(findings, content, "usdm", notional_coef=notional_coef)
    if name == "coinm_brackets":
        return read_futures_brackets(findings, content, "coinm", notional_coef=notional_coef)
    return _READERS[name](findings, content)


_BRACKETS = {"liability_brackets", "usdm_brackets", "coinm_brackets"}


def _say_which(name: str, content: Any, findings: Findings) -> None:
    """Where another answer was given in place of this one, say that instead of what it lacks."""
    other = answer_of(content) if findings.errors else None
    # Three answers are called leverageBracket: what one of them lacks may make it another.
    if other not in (None, name) and not {name, other} <= _BRACKETS:
        findings.problems.clear()
        expected = f"an answer of {_SOURCES[name]}"
        findings.error("$", "another answer", found=f"one for {other}", expected=expected)


def _settle_pairs(parts: Parts) -> None:
    """Give the brackets of a pair to the symbols of the pair, or to its perpetual where none is."""
    for group in parts.pairs:
        (pair,) = group.assets
        known = [symbol for symbol in parts.contracts if _is_of_pair(symbol, pair, parts.contracts)]
        parts.add("coinm", Group(group.tiers, assets=tuple(known or [f"{pair}_PERP"])))


def _is_of_pair(symbol: str, pair: str, contracts: Mapping[str, Contract]) -> bool:
    return contracts[symbol].product == "coinm" and symbol.partition("_")[0] == pair


def answer_of(content: object) -> str | None:
    """Name the argument of ``rules_from_binance`` that an answer belongs to, by its shape."""
    if is_ccxt_tiers(content):
        assert isinstance(content, Mapping)
        unified = read_unified(next(iter(content)))
        return "coinm_brackets" if unified and unified.product == "coinm" else "usdm_brackets"
    if isinstance(content, Mapping):
        if isinstance(content.get("symbols"), list):
            return "symbols"
        content = content["data"] if isinstance(content.get("data"), list) else [content]
    if not isinstance(content, list | tuple):
        return None
    objects = [item for item in content if isinstance(item, Mapping)]
    keys = {key for item in objects for key in item}
    for argument, telling in _TELLING.items():
        if keys & telling:
            return argument
    if "brackets" in keys:
        return _brackets_of(objects, keys)
    return "portfolio_leverage" if {"asset", "leverage"} <= keys else None


_TELLING = {
    "cross_collateral": {"collaterals", "borrowCollaterals", "withdrawCollaterals"},
    "portfolio_collateral": {"collateralRate"},
    "portfolio_pro_collateral": {"collateralInfo"},
}


def _brackets_of(objects: list[Mapping[Any, Any]], keys: set[Any]) -> str:
    """Tell the three answers that are called ``leverageBracket`` apart."""
    if "pair" in keys or "qtyCap" in set(_bracket_keys(objects)):
        return "coinm_brackets"
    return "usdm_brackets" if keys & {"symbol", "notionalCoef"} else "liability_brackets"


def _bracket_keys(objects: list[Mapping[Any, Any]]) -> Iterator[Any]:
    for item in objects:
        brackets = item.get("brackets")
        for bracket in brackets if isinstance(brackets, list | tuple) else ():
            if isinstance(bracket, Mapping):
                yield from bracket


def _content(payload: Payload) -> Any:
    return read_json(payload) if isinstance(payload, str | PathLike) else payload


def _named(argument: str, problem: Problem) -> Problem:
    """Put the argument's name in front of a path, so that two answers can be told apart."""
    return dataclasses.replace(problem, path=f"{argument}: {problem.path}")

"""Reads exchangeInfo of futures: what each symbol is settled in, and the size of a contract."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from pymargin.errors import RulesError
from pymargin.rules.answers import Parts, is_error_answer
from pymargin.rules.checks import check_names_once
from pymargin.rules.contracts import ContractNames, Product, read_contract
from pymargin.rules.findings import Findings
from pymargin.rules.jsonfile import read_json

__all__ = ["read_symbols"]

_FIELDS = ("symbol", "baseAsset", "marginAsset")
_NAMES = ContractNames("baseAsset", "marginAsset", "contractSize")


def read_symbols(findings: Findings, content: object) -> Parts:
    """Read answers of ``exchangeInfo``: one of fapi or dapi, or a list of several.

    Each is an object with ``symbols``, or in a list also the path of a file. A symbol with a
    ``contractSize`` is COIN-M, one without USDⓈ-M.
    """
    parts = Parts()
    seen: dict[object, str] = {}
    for where, item in _symbols(findings, "$", content):
        fields = findings.fields(where, item, what="a symbol", required=_FIELDS, optional=None)
        if fields is None or any(key not in fields for key in _FIELDS):
            continue
        product: Product = "coinm" if "contractSize" in fields else "usdm"
        symbol = findings.name(f"{where}.symbol", fields["symbol"])
        contract = read_contract(findings, where, fields, product, _NAMES)
        if symbol is not None:
            check_names_once(findings, [(f"{where}.symbol", symbol)], seen, what="symbol")
        if symbol is not None and contract is not None:
            parts.contracts[symbol] = contract
    return parts


def _symbols(findings: Findings, path: str, content: object) -> list[tuple[str, Any]]:
    """Return path and entry of each symbol of one answer or of several."""
    if isinstance(content, str | PathLike):
        try:
            return _symbols(findings, path, read_json(content))
        except RulesError as err:
            findings.problems.extend(err.problems)
            return []
    if isinstance(content, Mapping):
        if is_error_answer(findings, content, what="symbols"):
            return []
        if "data" in content:
            return _symbols(findings, f"{path}.data", content["data"])
        if "symbols" in content:
            return findings.items(f"{path}.symbols", content["symbols"], what="symbols")
        return [(path, content)]
    found: list[tuple[str, Any]] = []
    for where, item in findings.items(path, content, what="answers of exchangeInfo"):
        if isinstance(item, str | PathLike | Mapping):
            found += _symbols(findings, where, item)
        else:
            findings.error(where, "bad type", found=item, expected="an answer of exchangeInfo")
    return found

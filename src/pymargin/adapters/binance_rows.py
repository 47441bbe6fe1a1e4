"""The exchange's answers about one account to a row: cross margin, portfolio margin, futures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pymargin.adapters.binance_answers import Answers, Item, answers_in, decoded, flag, number
from pymargin.adapters.binance_modes import ACCOUNT_TYPES
from pymargin.adapters.binance_positions import position_rows
from pymargin.errors import Problem

__all__ = ["cross_row", "futures_row", "portfolio_row"]

Row = dict[str, Any]

_CROSS_FIELDS = ("asset", "free", "locked", "borrowed", "interest")
_PORTFOLIO_FIELDS = {
    "free": "crossMarginFree",
    "locked": "crossMarginLocked",
    "borrowed": "crossMarginBorrowed",
    "interest": "crossMarginInterest",
}
_WALLETS = ("umWalletBalance", "cmWalletBalance")
_OPTIONS = ("optionWalletBalance", "optionEquity")
_FUTURES_ACCOUNTS = {
    "usdm": "GET /fapi/v2/account or /fapi/v3/account",
    "coinm": "GET /dapi/v1/account",
}


def cross_row(
    mode: str, payload: Any, leverage: int | None, path: str, problems: list[Problem]
) -> Row:
    """Return the row of an answer to ``GET /sapi/v1/margin/account``."""
    answer = decoded(payload)
    if not isinstance(answer, Mapping) or not isinstance(answer.get("userAssets"), list):
        found = sorted(answer)[:5] if isinstance(answer, Mapping) else type(answer).__name__
        rule = "an answer of GET /sapi/v1/margin/account, with the list userAssets"
        problems.append(Problem(path, "shape", found, rule))
        return {}
    _check_type(Item(path, answer), mode, problems)
    balances = [
        {name: entry.get(name) for name in _CROSS_FIELDS} if isinstance(entry, Mapping) else entry
        for entry in answer["userAssets"]
    ]
    row: Row = {"mode": mode, "balances": balances, "leverage": leverage}
    if mode == "cross_pro":
        row["open_order_loss"] = answer.get("totalOpenOrderLossInUSDT")
    return row


def futures_row(
    mode: str,
    payload: Any,
    positions: Any,
    leverage: int | None,
    path: str,
    problems: list[Problem],
) -> Row:
    """Return the row of a USDⓈ-M or COIN-M account; ``leverage`` of positions without one."""
    found = answers_in(payload, positions, path, problems)
    _refuse_cross(found, mode, problems)
    for item in (*found.balances, *found.summaries):
        rule = f"about {mode}"
        problems.append(Problem(item.path, "mode", "an answer about portfolio margin", rule))
    if not found.wallets and not problems:
        rule = f"an answer of {_FUTURES_ACCOUNTS[mode]}"
        problems.append(Problem(path, "shape", "one without wallets", rule))
    wallets = [
        {
            "asset": item.values["asset"],
            "balance": number(item, "crossWalletBalance", problems),
        }
        for item in found.wallets
    ]
    return {
        "mode": mode,
        "wallets": wallets,
        "positions": position_rows(found, leverage, problems),
        "multi_assets": any(flag(item, "multiAssetsMargin") for item in found.accounts),
    }


def portfolio_row(
    mode: str,
    payload: Any,
    positions: Any,
    leverage: int | None,
    path: str,
    problems: list[Problem],
) -> Row:
    """Return the row of a portfolio margin account; ``leverage`` of loans without one."""
    found = answers_in(payload, positions, path, problems)
    _refuse_cross(found, mode, problems)
    if not found.balances and not problems:
        rule = "or hold an answer of GET /papi/v1/balance or /sapi/v1/portfolio/balance"
        problems.append(Problem(path, "shape", "one without balances", rule))
    for item in found.summaries:
        _check_type(item, mode, problems)
    loans = _loan_leverages(found, problems)
    balances, wallets = [], []
    for item in found.balances:
        for name in _OPTIONS:
            if number(item, name, problems):
                rule = "0, since options are not supported"
                problems.append(Problem(f"{item.path}.{name}", "value", item.values[name], rule))
        asset = item.values["asset"]
        balance = {name: number(item, key, problems) for name, key in _PORTFOLIO_FIELDS.items()}
        if balance["borrowed"] or balance["interest"]:
            balance["loan_leverage"] = loans.get(str(asset), leverage)
        balances.append({"asset": asset, **balance})
        parts = [number(item, name, problems) or Decimal(0) for name in _WALLETS]
        wallets.append({"asset": asset, "balance": sum(parts)})
    return {
        "mode": mode,
        "balances": balances,
        "wallets": wallets,
        "positions": position_rows(found, None, problems),
        "open_order_loss": _open_order_loss(found, problems),
    }


def _refuse_cross(found: Answers, mode: str, problems: list[Problem]) -> None:
    for item in found.crosses:
        what = "an answer about cross margin"
        problems.append(Problem(item.path, "mode", what, f"about {mode}"))


def _loan_leverages(found: Answers, problems: list[Problem]) -> dict[Any, Any]:
    return {str(x.values["asset"]): number(x, "leverage", problems) for x in found.loans}


def _open_order_loss(found: Answers, problems: list[Problem]) -> Decimal | None:
    """Return the open loss in USD, which the exchange's events write with a minus (our reading)."""
    for item in found.summaries:
        loss = number(item, "totalMarginOpenLoss", problems)
        if loss is not None:
            return abs(loss)
    return None


def _check_type(item: Item, mode: str, problems: list[Problem]) -> None:
    kind = item.values.get("accountType")
    if kind is None or ACCOUNT_TYPES.get(str(kind)) == mode:
        return
    wanted = next(name for name, product in ACCOUNT_TYPES.items() if product == mode)
    remark = " (SPAN is not supported)" if kind == "PM_3" else ""
    rule = f"{wanted} in {mode}{remark}"
    problems.append(Problem(f"{item.path}.accountType", "mode", repr(kind), rule))

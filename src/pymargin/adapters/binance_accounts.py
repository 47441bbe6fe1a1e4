"""The exchange's answers about one account to the columns of a book."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pymargin.columns import Columns, Faults, mode_code
from pymargin.errors import AccountsError, Problem
from pymargin.modes import Mode
from pymargin.rows import columns_from_rows

__all__ = ["columns_from_binance"]

_ACCOUNT_TYPES = {"MARGIN_1": "cross_classic", "MARGIN_2": "cross_pro"}
_FIELDS = ("asset", "free", "locked", "borrowed", "interest")


def columns_from_binance(
    mode: Mode | str,
    payload: Any,
    *,
    account: int | str | Sequence[int | str],
    leverage: int | Sequence[int | None] | None,
    positions: Any,
) -> tuple[Columns, Faults]:
    """Return the columns of answers to ``GET /sapi/v1/margin/account``, and their faults.

    Raises
    ------
    AccountsError
        The mode has no such answer, or an answer is not of its shape.
    """
    name = str(mode)
    rule = mode_code(name)[1]
    if rule is not None:
        raise AccountsError([Problem("mode", "mode", repr(name), rule)])
    if positions is not None:
        raise AccountsError(f"positions must be None in {name}, which has none")
    answers = list(payload) if isinstance(payload, list | tuple) else [payload]
    many = isinstance(payload, list | tuple)
    accounts = _one_each("account", account, len(answers), many)
    leverages = _one_each("leverage", leverage, len(answers), many)
    problems: list[Problem] = []
    rows = [
        _row(name, _decoded(answer), f"payload[{i}]" if many else "payload", problems)
        for i, answer in enumerate(answers)
    ]
    if problems:
        raise AccountsError(problems)
    for row, who, factor in zip(rows, accounts, leverages, strict=True):
        row["account"] = who
        row["leverage"] = factor
    columns, faults = columns_from_rows(rows)
    faults.entry_name = "userAssets"
    return columns, faults


def _one_each(name: str, given: Any, count: int, many: bool) -> list[Any]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        if not many or len(given) != count:
            raise AccountsError(f"{name} must be one for each of {count} answers, not {len(given)}")
        return list(given)
    if many and name == "account":
        raise AccountsError("account must be a list of ids, one for each answer")
    return [given] * count


def _decoded(answer: Any) -> Any:
    if not isinstance(answer, str | PathLike):
        return answer
    try:
        return json.loads(Path(answer).read_bytes())
    except ValueError as err:
        raise AccountsError(f"{answer} must be a JSON file: {err}") from err


def _row(mode: str, answer: Any, path: str, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("userAssets"), list):
        found = sorted(answer)[:5] if isinstance(answer, Mapping) else type(answer).__name__
        rule = "an answer of GET /sapi/v1/margin/account, with the list userAssets"
        problems.append(Problem(path, "shape", found, rule))
        return {}
    kind = answer.get("accountType")
    if kind is not None and _ACCOUNT_TYPES.get(kind) != mode:
        wanted = next(name for name, product in _ACCOUNT_TYPES.items() if product == mode)
        problems.append(Problem(f"{path}.accountType", "mode", repr(kind), f"{wanted} in {mode}"))
    balances = [
        {name: entry.get(name) for name in _FIELDS} if isinstance(entry, Mapping) else entry
        for entry in answer["userAssets"]
    ]
    row: dict[str, Any] = {"mode": mode, "balances": balances}
    if mode == "cross_pro":
        row["open_order_loss"] = answer.get("totalOpenOrderLossInUSDT")
    return row

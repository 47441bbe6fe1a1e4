"""The exchange's answers about accounts to the columns of a book."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymargin.adapters.binance_rows import cross_row, futures_row, portfolio_row
from pymargin.columns import Columns, Faults, mode_code
from pymargin.errors import AccountsError, Problem
from pymargin.leverages import check_position_leverage
from pymargin.modes import Mode
from pymargin.rows import columns_from_rows

__all__ = ["columns_from_binance"]

_CROSS = (Mode.CROSS_CLASSIC, Mode.CROSS_PRO)
_FUTURES = (Mode.USDM, Mode.COINM)


def columns_from_binance(
    mode: Mode | str,
    payload: Any,
    *,
    account: int | str | Sequence[int | str],
    leverage: int | Sequence[int | None] | None,
    positions: Any,
) -> tuple[Columns, Faults]:
    """Return the columns of answers about accounts, and their faults; see `Accounts`.

    Raises
    ------
    AccountsError
        The mode is unknown, or an answer is not of its shape.
    """
    name = str(mode)
    rule = mode_code(name)[1]
    if rule is not None:
        raise AccountsError([Problem("mode", "mode", repr(name), rule)])
    if name in _CROSS and positions is not None:
        raise AccountsError(f"positions must be None in {name}, which has none")
    ids, answers = _one_each_account(name, account, payload)
    many = answers is payload
    leverages = _one_each("leverage", leverage, len(answers), many)
    if name not in _CROSS:  # Where it is the account's it is checked with the account.
        for one in leverages:
            check_position_leverage(one)
    beside = [positions] if not many else _one_each_positions(positions, len(answers))
    problems: list[Problem] = []
    rows = [
        _row(name, answer, more, factor, f"payload[{i}]" if many else "payload", problems)
        for i, (answer, more, factor) in enumerate(zip(answers, beside, leverages, strict=True))
    ]
    if problems:
        # A number that several rules read is said once.
        raise AccountsError({str(problem): problem for problem in problems}.values())
    for row, who in zip(rows, ids, strict=True):
        row["account"] = who
    columns, faults = columns_from_rows(rows)
    if name in _CROSS:
        faults.entry_name = "userAssets"
    return columns, faults


def _row(
    mode: str,
    payload: Any,
    positions: Any,
    leverage: int | None,
    path: str,
    problems: list[Problem],
) -> dict[str, Any]:
    # Each account's answers are judged by themselves: one fault hides none of another account.
    mine: list[Problem] = []
    if mode in _CROSS:
        row = cross_row(mode, payload, leverage, path, mine)
    elif mode in _FUTURES:
        row = futures_row(mode, payload, positions, leverage, path, mine)
    else:
        row = portfolio_row(mode, payload, positions, leverage, path, mine)
    problems += mine
    return row


def _one_each_account(mode: str, account: Any, payload: Any) -> tuple[list[Any], Sequence[Any]]:
    """Return ids and as many payloads; the payload itself where it is a list of them."""
    has_list = isinstance(payload, list | tuple)
    if _is_list(account):
        if not has_list or len(payload) != len(account):
            count = len(payload) if has_list else 1
            raise AccountsError(
                f"account must be one for each of {count} answers, not {len(account)}"
            )
        return list(account), payload
    if has_list and mode in _CROSS:
        raise AccountsError("account must be a list of ids, one for each answer")
    # The answers about one futures account may be several.
    return [account], [payload]


def _one_each(name: str, given: Any, count: int, many: bool) -> Sequence[Any]:
    if not _is_list(given):
        return [given] * count
    if not many or len(given) != count:
        raise AccountsError(f"{name} must be one for each of {count} answers, not {len(given)}")
    return list(given)


def _one_each_positions(positions: Any, count: int) -> Sequence[Any]:
    """Return the positions of many accounts, which no single answer can give."""
    if positions is not None and not _is_list(positions):
        raise AccountsError("positions must be a list, one for each answer")
    return _one_each("positions", positions, count, True)


def _is_list(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str)

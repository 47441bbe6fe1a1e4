"""What may be given as ``leverage=``: for accounts of Classic, or for positions that state none."""

from __future__ import annotations

from math import inf
from numbers import Real
from typing import TypeGuard

from pymargin.errors import AccountsError, Problem

__all__ = ["check_classic_leverage", "check_position_leverage"]

CLASSIC_RULE = "3 or 5, of Cross Margin Classic accounts"


def check_classic_leverage(leverage: object) -> None:
    """Refuse what is no leverage of Cross Margin Classic; None is no leverage given."""
    if leverage is not None and not (_is_number(leverage) and leverage in (3, 5)):
        raise _refused(leverage, CLASSIC_RULE)


def check_position_leverage(leverage: object) -> None:
    """Refuse what is no leverage of positions or loans; None is no leverage given."""
    if leverage is None:
        return
    if not _is_number(leverage) or not (1 <= leverage < inf and leverage % 1 == 0):
        raise _refused(leverage, "a whole number of at least 1")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _refused(leverage: object, rule: str) -> AccountsError:
    return AccountsError([Problem("leverage", "leverage", repr(leverage), rule)])

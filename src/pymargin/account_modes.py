"""Under which modes the accounts of a book are evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin.columns import MODE_CODES
from pymargin.modes import Mode

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["account_modes", "may_be_cross_margin", "modes_of"]


def account_modes(accounts: Accounts, mode: str | None) -> npt.NDArray[Any]:
    """Return object[n] of str: the mode under which each account is evaluated."""
    names = np.array(["", *(one.value for one in Mode)], dtype=object)
    return names[accounts._mode] if mode is None else np.full(len(accounts), mode, dtype=object)


def may_be_cross_margin(accounts: Accounts) -> npt.NDArray[np.bool_]:
    """Return bool[n]: which accounts are of Classic or Pro, or of no mode and so of any."""
    return np.isin(accounts._mode, [0, MODE_CODES[Mode.CROSS_CLASSIC], MODE_CODES[Mode.CROSS_PRO]])


def modes_of(accounts: Accounts, mode: str | None) -> tuple[str, ...]:
    """Return the modes that occur, in their standard order."""
    if mode is not None:
        return (mode,)
    present = np.bincount(accounts._mode, minlength=len(Mode) + 1)[1:] > 0
    return tuple(one.value for one, is_there in zip(Mode, present, strict=True) if is_there)

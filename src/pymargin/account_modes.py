"""Under which modes the accounts of a book are evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin.modes import Mode

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["account_modes", "modes_of"]


def account_modes(accounts: Accounts, mode: str | None) -> npt.NDArray[Any]:
    """Return object[n] of str: the mode under which each account is evaluated."""
    names = np.array(["", *(one.value for one in Mode)], dtype=object)
    return names[accounts._mode] if mode is None else np.full(len(accounts), mode, dtype=object)


def modes_of(accounts: Accounts, mode: str | None) -> tuple[str, ...]:
    """Return the modes that occur, in their standard order."""
    if mode is not None:
        return (mode,)
    present = np.bincount(accounts._mode, minlength=len(Mode) + 1)[1:] > 0
    return tuple(one.value for one, is_there in zip(Mode, present, strict=True) if is_there)

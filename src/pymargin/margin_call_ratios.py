"""Which accounts' own margin-call ratios hold in a mode: each mode has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pymargin.columns import MAX_PROBLEMS, MODE_CODES, PRO_RATIO_RULE, AccountProblem, in_pro_range
from pymargin.errors import AccountsError
from pymargin.modes import Mode

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["own_ratios"]


def own_ratios(mode: Mode, accounts: Accounts) -> npt.NDArray[np.bool_]:
    """Return bool[n]: where the account's own ratio holds in the mode.

    The exchange keeps a ratio for each mode: that of a row of another mode says nothing here, and
    the line of the rules holds. That of a row without mode is of any.

    Raises
    ------
    AccountsError
        Names the ratios of rows without mode that Cross Margin Pro does not take.
    """
    ratio, modes = accounts._margin_call_ratio, accounts._mode
    has_own: npt.NDArray[np.bool_] = ~np.isnan(ratio)
    has_own &= (modes == 0) | (modes == MODE_CODES[mode])
    if mode is Mode.CROSS_PRO:
        bad = np.flatnonzero(has_own & ~in_pro_range(ratio))
        if len(bad):
            raise AccountsError(
                AccountProblem(
                    "margin_call_ratio",
                    "range",
                    float(ratio[one]),
                    PRO_RATIO_RULE,
                    account=accounts._ids[one],
                )
                for one in bad[:MAX_PROBLEMS].tolist()
            )
    return has_own

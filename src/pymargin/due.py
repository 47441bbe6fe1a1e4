"""Which decision a question asks about, compiled for the core: the threshold lines that it is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from pymargin import _core
from pymargin.asked import At, lines_at
from pymargin.modes import Mode
from pymargin.rules import ModeThresholds
from pymargin.tables import AccountClass, decimal_pair, limit_for

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["compile_due"]


def compile_due(
    accounts: Accounts,
    at: At,
    mode: Mode,
    thresholds: ModeThresholds,
    levels: Sequence[str],
    classes: Sequence[AccountClass],
    *,
    absent: frozenset[str] = frozenset(),
) -> _core.Decisions:
    """Compile a decision: its actions are 1 for the combinations of tests that make it fire.

    The first line that matches decides, so that a line before those that count can keep them from
    firing.

    Parameters
    ----------
    accounts
        Of whom it is asked.
    at
        The decision, or a level of the mode, as `lines_at` takes it.
    mode, thresholds
        The mode and its lines.
    levels
        The mode's level names in the core's order.
    classes
        The classes of accounts that occur.
    absent
        Levels without a ratio table, on which no line matches.

    Raises
    ------
    MarginError
        `at` is no decision of the mode, or no level.
    """
    counting = lines_at(thresholds, mode, at, name="at", accounts=accounts)
    lines = [line for line in thresholds.lines if line.level not in absent]
    if not set(map(id, counting)) <= set(map(id, thresholds.lines)):
        lines = list(counting)
    counts = [any(line is one for one in counting) for line in lines]
    # A line after the last that counts decides nothing.
    lines = lines[: len(counts) - counts[::-1].index(True)] if any(counts) else []
    limits: list[list[Decimal]] = [
        [limit_for(line.at_most, one, own_ratio=line.own_ratio) for line in lines]
        for one in classes
    ]
    fires = []
    for bits in range(1 << len(lines)):
        matched = next((k for k in range(len(lines)) if bits >> k & 1), None)
        fires.append(0 if matched is None else int(counts[matched]))
    shape = (len(classes), len(lines))
    return _core.Decisions(
        np.array([levels.index(line.level) for line in lines], dtype=np.int32),
        np.array([[float(x) for x in row] for row in limits], dtype=np.float64).reshape(shape),
        np.array([[decimal_pair(x) for x in row] for row in limits], dtype=np.int64).reshape(
            *shape, 2
        ),
        np.array(fires, dtype=np.uint16),
    )

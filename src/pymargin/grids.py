"""The arrays that a stress grid fills, for one mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["GridArrays"]


@dataclass(frozen=True, slots=True, eq=False)
class GridArrays:
    """What the core fills for n accounts under m scenarios; None: not wanted, and not computed.

    Parameters
    ----------
    levels
        float64[n, m] of each of the mode's levels.
    actions
        uint16[n, m].
    worst_level, worst_shock
        float64[n] and int32[n]; both or none.
    action_counts
        int64[m, 16]: accounts with each flag.
    shortfall
        float64[m], USDT.
    """

    levels: Sequence[npt.NDArray[np.float64] | None]
    actions: npt.NDArray[np.uint16] | None
    worst_level: npt.NDArray[np.float64] | None
    worst_shock: npt.NDArray[np.int32] | None
    action_counts: npt.NDArray[np.int64] | None
    shortfall: npt.NDArray[np.float64] | None

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, npt.NDArray[Any]],
        levels: Sequence[str],
        action_counts: npt.NDArray[np.int64] | None,
        shortfall: npt.NDArray[np.float64] | None,
        n_accounts: int,
    ) -> GridArrays:
        """Take the arrays by name: those of ``levels``, actions, worst_level, worst_shock."""
        # The core finds the worst level and its shock together.
        worst_level, worst_shock = arrays.get("worst_level"), arrays.get("worst_shock")
        if (worst_level is None) != (worst_shock is None):
            worst_level = np.empty(n_accounts) if worst_level is None else worst_level
            worst_shock = np.empty(n_accounts, np.int32) if worst_shock is None else worst_shock
        return cls(
            levels=[arrays.get(name) for name in levels],
            actions=arrays.get("actions"),
            worst_level=worst_level,
            worst_shock=worst_shock,
            action_counts=action_counts,
            shortfall=shortfall,
        )

    def for_core(self) -> dict[str, Any]:
        """Return the arrays as the core's arguments."""
        return {
            "levels": list(self.levels),
            "actions": self.actions,
            "worst_level": self.worst_level,
            "worst_scenario": self.worst_shock,
            "action_counts": self.action_counts,
            "shortfall": self.shortfall,
        }

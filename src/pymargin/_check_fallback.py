"""Stands in for ``_core.check_balances`` until the core is built; goes away then."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_balances(
    offsets: Any,
    asset_ids: Any,
    free: Any,
    locked: Any,
    borrowed: Any,
    interest: Any,
    n_assets: int,
    max_problems: int,
) -> list[tuple[int, int, int]]:
    """Return (code, account, entry) of each fault."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    found = []
    for code, values in enumerate((free, locked, borrowed, interest), start=1):
        for entry in np.flatnonzero(~((values >= 0) & np.isfinite(values))).tolist():
            found.append((code, int(owner[entry]), entry))
    for entry in np.flatnonzero(asset_ids >= n_assets).tolist():
        found.append((7, int(owner[entry]), entry))
    keys = owner * n_assets + asset_ids
    order = np.argsort(keys, kind="stable")
    for place in np.flatnonzero(np.diff(keys[order]) == 0).tolist():
        entry = int(order[place + 1])
        found.append((5, int(owner[entry]), entry))
    return found[:max_problems]

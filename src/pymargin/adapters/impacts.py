"""An impact as an Arrow table and as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin._extras import require
from pymargin.adapters.results import action_names, id_column
from pymargin.rules.methodology import moment_text

if TYPE_CHECKING:
    from pymargin.impact import Impact

__all__ = ["to_arrow", "to_frame"]

_FIGURES = ("level_before", "level_after", "threshold", "collateral_lost", "top_up_call",
            "top_up_liquidation")  # fmt: skip


def to_arrow(impact: Impact, positions: npt.NDArray[np.int64]) -> Any:
    """Return a ``pyarrow.Table`` of some accounts, with the provenance as metadata."""
    pa = require("pyarrow", extra="arrow", purpose="to_arrow")
    columns = {"account": id_column(pa, impact.accounts._ids.take(positions))}
    columns |= {name: pa.array(getattr(impact, name)[positions]) for name in _FIGURES}
    columns["driver"] = pa.array(impact.driver_of(positions), pa.string())
    factors = impact.price_factors(positions)
    for side, price in zip(("before", "after"), factors, strict=True):
        columns[f"price_{side}"] = pa.array(price)
    for side in ("before", "after"):
        actions = getattr(impact, f"actions_{side}")[positions]
        columns[f"actions_{side}"] = pa.array(actions)
        columns[f"action_names_{side}"] = action_names(pa, actions)
    moment = impact.moment
    return pa.table(columns).replace_schema_metadata(
        {
            "pymargin.rules_digest_before": impact.rules_before.digest,
            "pymargin.rules_digest_after": impact.rules_after.digest,
            "pymargin.moment": "" if moment is None else moment_text(moment),
            "pymargin.within": impact.within,
            "pymargin.methodology": impact.methodology,
            "pymargin.version": impact.version,
        }
    )


def to_frame(impact: Impact, positions: npt.NDArray[np.int64]) -> Any:
    """Return the same as a ``pandas.DataFrame`` indexed by account."""
    require("pandas", extra="frames", purpose="to_frame")
    return to_arrow(impact, positions).to_pandas().set_index("account")

"""An impact as an Arrow table and as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pymargin._extras import require
from pymargin.adapters.results import action_names, id_column

if TYPE_CHECKING:
    from pymargin.impact_results import Impact

__all__ = ["provenance_texts", "to_arrow", "to_frame"]

_FIGURES = ("level_before", "level_after", "threshold", "collateral_lost", "margin_added",
            "top_up_call", "top_up_liquidation")  # fmt: skip


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
    metadata = {f"pymargin.{name}": text for name, text in provenance_texts(impact).items()}
    return pa.table(columns).replace_schema_metadata(metadata)


def to_frame(impact: Impact, positions: npt.NDArray[np.int64]) -> Any:
    """Return the same as a ``pandas.DataFrame`` indexed by account."""
    require("pandas", extra="frames", purpose="to_frame")
    frame = to_arrow(impact, positions).to_pandas().set_index("account")
    frame.attrs.update(provenance_texts(impact))
    return frame


def provenance_texts(impact: Impact) -> dict[str, str]:
    """Return the provenance on both sides of the change: that before ends in ``_before``."""
    before = {f"{name}_before": text for name, text in impact.provenance_before.texts().items()}
    return {**impact.provenance.texts(), **before, "within": impact.within}

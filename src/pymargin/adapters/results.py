"""Results as Arrow tables and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymargin._extras import require
from pymargin.ids import StrIds

if TYPE_CHECKING:
    from pymargin.results import Levels

__all__ = ["to_arrow", "to_frame"]


def to_arrow(levels: Levels) -> Any:
    """Return a ``pyarrow.Table`` with the account ids, the fields and their provenance."""
    pa = require("pyarrow", extra="arrow", purpose="to_arrow")
    names = ["account", *levels.names]
    columns = [_id_column(pa, levels), *map(pa.array, levels.arrays().values())]
    moment = levels.moment
    return pa.table(columns, names=names).replace_schema_metadata(
        {
            "pymargin.rules_digest": levels.rules_digest,
            "pymargin.moment": "" if moment is None else moment.isoformat(),
            "pymargin.methodology": levels.methodology,
            "pymargin.version": levels.version,
        }
    )


def to_frame(levels: Levels) -> Any:
    """Return a ``pandas.DataFrame`` indexed by account."""
    pd = require("pandas", extra="frames", purpose="to_frame")
    frame = pd.DataFrame(levels.arrays(), index=pd.Index(levels.ids, name="account"))
    frame.attrs["rules_digest"] = levels.rules_digest
    return frame


def _id_column(pa: Any, levels: Levels) -> Any:
    ids = levels._accounts._ids
    if levels._positions is not None:
        ids = ids.take(levels._positions)
    if not isinstance(ids, StrIds):
        return pa.array(ids.values)
    # The bytes are Arrow's own layout already: no Python string is made.
    offsets = pa.py_buffer(ids.offsets.astype("int64", copy=False))
    data = pa.py_buffer(ids.data)
    return pa.LargeStringArray.from_buffers(len(ids), offsets, data)

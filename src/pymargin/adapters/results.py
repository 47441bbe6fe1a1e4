"""Results as Arrow tables and frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pymargin._extras import require
from pymargin.ids import Ids, StrIds
from pymargin.modes import Action
from pymargin.provenance import Provenance

__all__ = [
    "action_names",
    "id_column",
    "named_to_arrow",
    "named_to_frame",
    "to_arrow",
    "to_frame",
]


def to_arrow(
    ids: Ids | npt.NDArray[Any], columns: Mapping[str, npt.NDArray[Any]], provenance: Provenance
) -> Any:
    """Return a ``pyarrow.Table`` with the account ids, the columns and their provenance."""
    pa = require("pyarrow", extra="arrow", purpose="to_arrow")
    accounts = pa.array(ids) if isinstance(ids, np.ndarray) else id_column(pa, ids)
    table = pa.table([accounts, *map(pa.array, columns.values())], names=["account", *columns])
    return table.replace_schema_metadata(provenance.metadata())


def to_frame(
    ids: npt.NDArray[Any], columns: Mapping[str, npt.NDArray[Any]], provenance: Provenance
) -> Any:
    """Return a ``pandas.DataFrame`` indexed by account."""
    pd = require("pandas", extra="frames", purpose="to_frame")
    frame = pd.DataFrame(dict(columns), index=pd.Index(ids, name="account"))
    frame.attrs.update(provenance.texts())
    return frame


def named_to_arrow(
    key: str,
    names: Sequence[str],
    arrays: Mapping[str, npt.NDArray[Any]],
    provenance: Provenance,
) -> Any:
    """Return a ``pyarrow.Table`` of arrays with a column of names before them."""
    pa = require("pyarrow", extra="arrow", purpose="to_arrow")
    table = pa.table({key: pa.array(names, pa.string())} | dict(arrays))
    return table.replace_schema_metadata(provenance.metadata())


def named_to_frame(
    key: str,
    names: Sequence[str],
    arrays: Mapping[str, npt.NDArray[Any]],
    provenance: Provenance,
) -> Any:
    """Return a ``pandas.DataFrame`` of arrays indexed by name."""
    pd = require("pandas", extra="frames", purpose="to_frame")
    frame = pd.DataFrame(dict(arrays), index=pd.Index(list(names), name=key))
    frame.attrs.update(provenance.texts())
    return frame


def id_column(pa: Any, ids: Ids) -> Any:
    """Return account ids as an Arrow array."""
    if not isinstance(ids, StrIds):
        return pa.array(ids.values)
    # The bytes are Arrow's own layout already: no Python string is made.
    offsets = pa.py_buffer(ids.offsets.astype("int64", copy=False))
    data = pa.py_buffer(ids.data)
    return pa.LargeStringArray.from_buffers(len(ids), offsets, data)


def action_names(pa: Any, actions: npt.NDArray[np.uint16]) -> Any:
    """Return each account's actions as names joined by ``|``, each set stored once."""
    sets, codes = np.unique(actions, return_inverse=True)
    words = ["|".join(str(flag.name) for flag in Action(bits)) for bits in sets.tolist()]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words, pa.string()))

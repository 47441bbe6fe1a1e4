"""A verification as an Arrow table and as a frame."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pymargin._extras import require

if TYPE_CHECKING:
    from pymargin.verify import VerifyReport

__all__ = ["to_arrow", "to_frame"]

_TEXTS = ("name", "of", "path", "basis", "reason", "verdict")
_NUMBERS = ("theirs", "ours", "difference", "tolerance")
_COLUMNS = ("name", "of", "basis", *_NUMBERS, "verdict", "missing", "reason", "path")


def to_arrow(report: VerifyReport) -> Any:
    """Return a ``pyarrow.Table``, a row for each figure; what is missing is joined by ``; ``."""
    pa = require("pyarrow", extra="arrow", purpose="to_arrow")
    columns = {
        name: pa.array([str(getattr(figure, name)) for figure in report], pa.string())
        for name in _TEXTS
    }
    for name in _NUMBERS:
        columns[name] = pa.array([_float(getattr(figure, name)) for figure in report], pa.float64())
    columns["missing"] = pa.array(["; ".join(figure.missing) for figure in report], pa.string())
    table = pa.table({name: columns[name] for name in _COLUMNS})
    return table.replace_schema_metadata(report.provenance.metadata())


def to_frame(report: VerifyReport) -> Any:
    """Return the same as a ``pandas.DataFrame``."""
    require("pandas", extra="frames", purpose="to_frame")
    frame = to_arrow(report).to_pandas()
    frame.attrs.update(report.provenance.texts())
    return frame


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)

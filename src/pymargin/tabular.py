"""Results as tables: a row for each account or position, with the provenance as metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from pymargin.ids import Ids
from pymargin.provenance import Audited

__all__ = ["Tabular"]


class Tabular(Audited):
    """A result of one row an account, or a position."""

    __slots__ = ()

    if TYPE_CHECKING:
        # A dataclass would take a property here for the default of its own field.
        @property
        def ids(self) -> npt.NDArray[Any]:
            """The account id of each row: int64[n] or object[n] of str."""

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns beside ``account``."""
        raise NotImplementedError

    def _column_of_ids(self) -> Ids | npt.NDArray[Any]:
        """Return the ids in the form that costs Arrow least."""
        return self.ids

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``: ``account``, the fields, provenance as metadata.

        Raises
        ------
        ImportError
            pyarrow is not installed (extra ``arrow``).
        """
        from pymargin.adapters.results import to_arrow

        return to_arrow(self._column_of_ids(), self._columns(), self.provenance)

    def to_frame(self) -> Any:
        """Return a ``pandas.DataFrame`` indexed by account, provenance in its ``attrs``.

        Raises
        ------
        ImportError
            pandas is not installed (extra ``frames``).
        """
        from pymargin.adapters.results import to_frame

        return to_frame(self.ids, self._columns(), self.provenance)

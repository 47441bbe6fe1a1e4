"""What a search for the prices at which accounts go returns: roots on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.ids import Ids
from pymargin.modes import RootReason
from pymargin.provenance import Provenance
from pymargin.tabular import Tabular
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["SIDES", "PositionRoots", "Roots", "Side"]

Floats = npt.NDArray[np.float64]
Side: TypeAlias = Literal["nearest", "below", "above"]
SIDES = ("nearest", "below", "above")


class _Sided(Tabular):
    """Roots on both sides of where the search started; an array of the side that was asked for."""

    accounts: Accounts
    below: Floats
    above: Floats
    reason: npt.NDArray[np.uint8]
    start: float
    side: Side

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        names = ("below", "above", "nearest", "reason")
        return {name: getattr(self, name) for name in names}

    @property
    def nearest(self) -> Floats:
        """float64: the root nearer to the current price; the one below where both are as near."""
        with np.errstate(invalid="ignore"):
            takes_above = np.isnan(self.below) | (self.above - self.start < self.start - self.below)
        return np.where(takes_above, self.above, self.below)

    def __len__(self) -> int:
        return len(self.below)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        chosen: Floats = getattr(self, self.side)
        if copy is False and self.side == "nearest":
            raise ValueError("the nearest roots are made when asked for: copy must not be False")
        made = np.asarray(chosen, dtype=dtype)
        return made.copy() if copy else made


@dataclass(frozen=True, eq=False)
class PositionRoots(_Sided):
    """The roots of the k isolated positions of a book, each at its own price.

    Parameters
    ----------
    account
        int64[k]: where the account of each stands in the book.
    position
        int64[k]: the place of each among its account's positions.
    symbols
        object[k] of str.
    below, above, reason, start, side, accounts, provenance
        As of `Roots`.
    """

    account: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.object_]
    below: Floats
    above: Floats
    reason: npt.NDArray[np.uint8]
    start: float
    side: Side
    accounts: Accounts
    provenance: Provenance

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The id of each position's account: int64[k] or object[k] of str."""
        ids: npt.NDArray[Any] = self.accounts.ids[self.account]
        return ids

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        return {"position": self.position, "symbol": self.symbols, **super()._columns()}

    def _column_of_ids(self) -> Ids:
        return self.accounts._ids.take(self.account)


@dataclass(frozen=True, eq=False)
class Roots(_Sided):
    """The prices (or factors) at which the decision over n accounts changes.

    ``np.asarray(roots)`` is the side that was asked for.

    Parameters
    ----------
    accounts
        The book.
    below, above
        float64[n]: on the way down and on the way up from the current price; NaN where no price
        does it.
    reason
        uint8[n] of `RootReason`: OK; NEVER, no price does it; NO_EXPOSURE, nothing that the
        account has moves; ALREADY, it is there now, and a root is the last at which it still
        is; UNPRICED.
    start
        The current price, of a factor 1; NaN where the name has none.
    side
        ``"nearest"``, ``"below"`` or ``"above"``.
    positions
        The roots of isolated positions, which are none of their accounts' own.
    provenance
        By which rules and formulas.
    """

    accounts: Accounts
    below: Floats
    above: Floats
    reason: npt.NDArray[np.uint8]
    start: float
    side: Side
    positions: PositionRoots
    provenance: Provenance

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The account ids: int64[n] or object[n] of str."""
        return self.accounts.ids

    def _column_of_ids(self) -> Ids:
        return self.accounts._ids

    def __repr__(self) -> str:
        counts = np.bincount(self.reason, minlength=len(RootReason))
        parts = ", ".join(f"{one.name} {counts[one]:,}" for one in RootReason if counts[one])
        methodology = f", {self.methodology}" if self.methodology else ""
        of = f"{counted(len(self), 'account')}{methodology}"
        return f"<Roots of {of}: {parts}>" if parts else f"<Roots of {of}>"

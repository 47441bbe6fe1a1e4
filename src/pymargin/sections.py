"""What futures accounts hold beside balances: wallets and positions, in compressed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["SIDES", "Positions", "Wallets", "gather", "joined", "joined_offsets", "selected"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SIDES = ("BOTH", "LONG", "SHORT")


@dataclass(frozen=True, slots=True, eq=False)
class Wallets:
    """Hold the futures wallets of n accounts, m of them; none of balance 0 in a book.

    Parameters
    ----------
    offsets
        int64[n + 1]: account i has entries offsets[i] to offsets[i + 1] - 1.
    asset_ids
        uint16[m] (uint32[m] in a book of more than 65,535 assets), into `Accounts.assets`.
    balance
        float64[m], units of the asset, negative where it is owed. In a futures account
        the cross wallet: without unrealised profit and without isolated wallets.
    """

    offsets: Integers
    asset_ids: npt.NDArray[Any]
    balance: Floats

    def __len__(self) -> int:
        return len(self.asset_ids)


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Hold the futures positions of n accounts, m of them; none of quantity 0 in a book.

    Parameters
    ----------
    offsets
        int64[n + 1]: account i has entries offsets[i] to offsets[i + 1] - 1.
    symbol_ids
        uint16[m] (uint32[m] in a book of more than 65,535 symbols), into
        `Accounts.symbols`.
    quantity
        float64[m], negative where short: units of the base asset in USDⓈ-M, contracts
        in COIN-M.
    entry_price
        float64[m] > 0, in the symbol's quote.
    leverage
        float64[m], an integer from 1; 0 where not given. One above what the symbol allows under
        the rules counts as the largest that it does.
    side
        int8[m] into `SIDES`: 0 BOTH (one-way mode), 1 LONG, 2 SHORT (hedge mode).
    isolated_margin
        float64[m], the isolated wallet in units of the settlement asset, without
        unrealised profit; NaN for a cross position.
    """

    offsets: Integers
    symbol_ids: npt.NDArray[Any]
    quantity: Floats
    entry_price: Floats
    leverage: Floats
    side: npt.NDArray[np.int8]
    isolated_margin: Floats

    def __len__(self) -> int:
        return len(self.symbol_ids)


SectionT = TypeVar("SectionT", Wallets, Positions)


def no_wallets(n: int) -> Wallets:
    """Return the wallets of n accounts that have none."""
    # Pages of zeros are not touched until read.
    return Wallets(np.zeros(n + 1, np.int64), np.empty(0, np.uint16), np.empty(0))


def no_positions(n: int) -> Positions:
    """Return the positions of n accounts that have none."""
    none = np.empty(0)
    return Positions(
        offsets=np.zeros(n + 1, np.int64),
        symbol_ids=np.empty(0, np.uint16),
        quantity=none,
        entry_price=none,
        leverage=none,
        side=np.empty(0, np.int8),
        isolated_margin=none,
    )


def entry_arrays(section: Wallets | Positions) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of one value an entry, by name."""
    names = (field.name for field in fields(section) if field.name != "offsets")
    return {name: getattr(section, name) for name in names}


def selected(section: SectionT, chosen: Integers) -> SectionT:
    """Return the entries of the accounts at the positions, in their order."""
    offsets, entries = gather(section.offsets, chosen)
    arrays = {name: values[entries] for name, values in entry_arrays(section).items()}
    return replace(section, offsets=offsets, **arrays)


def kept(section: SectionT, keep: npt.NDArray[np.bool_]) -> SectionT:
    """Return the section with the entries of a mask only."""
    if keep.all():
        return section
    counted = np.zeros(len(keep) + 1, dtype=np.int64)
    np.cumsum(keep, out=counted[1:])
    arrays = {name: values[keep] for name, values in entry_arrays(section).items()}
    return replace(section, offsets=counted[section.offsets], **arrays)


def joined(parts: Sequence[SectionT]) -> SectionT:
    """Return the accounts of the parts one after the other; ids must count the same names."""
    by_name = [entry_arrays(part) for part in parts]
    arrays = {
        name: np.concatenate([arrays[name] for arrays in by_name], dtype=first.dtype)
        for name, first in by_name[0].items()
    }
    return replace(parts[0], offsets=joined_offsets([part.offsets for part in parts]), **arrays)


def joined_offsets(parts: Sequence[Integers]) -> Integers:
    """Return the offsets of compressed rows laid one after the other."""
    whole, length = [np.zeros(1, dtype=np.int64)], 0
    for offsets in parts:
        whole.append(offsets[1:] + length)
        length += int(offsets[-1])
    return np.concatenate(whole)


def gather(offsets: Integers, chosen: Integers) -> tuple[Integers, Integers]:
    """Return the offsets of the chosen rows, and which entries they take."""
    lengths = np.diff(offsets)[chosen]
    bounds = np.zeros(len(chosen) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds, np.repeat(offsets[chosen] - bounds[:-1], lengths) + np.arange(bounds[-1])

"""Account ids: int64, or strings kept as UTF-8 bytes until someone asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Ids", "IntIds", "StrIds", "concat_ids", "ids_from_values"]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, eq=False)
class IntIds:
    """Integer ids.

    Parameters
    ----------
    values
        int64[n].
    """

    values: npt.NDArray[np.int64]

    kind = "int"

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, position: int) -> int:
        return int(self.values[position])

    def to_array(self) -> npt.NDArray[Any]:
        """Return the ids as int64[n]."""
        return self.values

    def take(self, indices: npt.NDArray[np.int64]) -> IntIds:
        """Return the ids at the indices, in their order."""
        return IntIds(self.values[indices])

    def find(self, account: object) -> int | None:
        """Return the position of an id, or None."""
        if isinstance(account, bool | np.bool_) or not isinstance(account, int | np.integer):
            return None
        if int(account) not in _INT64:
            return None
        hits = np.flatnonzero(self.values == account)
        return int(hits[0]) if len(hits) else None

    def repeats(self) -> list[tuple[int, int]]:
        """Return (first position, repeated position) of every repeated id."""
        return _exact_repeats(self, _equal_key_positions(self.values))


@dataclass(frozen=True, slots=True, eq=False)
class StrIds:
    """String ids in one block of UTF-8.

    Parameters
    ----------
    data
        uint8[bytes].
    offsets
        int32 or int64[n + 1] into ``data``; need not start at 0.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[Any]

    kind = "str"

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, position: int) -> str:
        begin, end = self.offsets[position], self.offsets[position + 1]
        return str(self.data[begin:end].tobytes(), "utf-8")

    def to_array(self) -> npt.NDArray[Any]:
        """Return the ids as object[n] of str."""
        first, last = int(self.offsets[0]), int(self.offsets[-1])
        block = self.data[first:last].tobytes()
        bounds = (self.offsets - first).tolist()
        ids = np.empty(len(self), dtype=object)
        pairs = pairwise(bounds)
        if block.isascii():
            text = block.decode("ascii")
            ids[:] = [text[begin:end] for begin, end in pairs]
        else:
            ids[:] = [str(block[begin:end], "utf-8") for begin, end in pairs]
        return ids

    def take(self, indices: npt.NDArray[np.int64]) -> StrIds:
        """Return the ids at the indices, in their order."""
        lengths = np.diff(self.offsets)[indices].astype(np.int64)
        offsets = np.zeros(len(indices) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        shift = self.offsets[:-1][indices] - offsets[:-1]
        source = np.repeat(shift, lengths) + np.arange(offsets[-1])
        return StrIds(self.data[source], offsets)

    def find(self, account: object) -> int | None:
        """Return the position of an id, or None."""
        if not isinstance(account, str):
            return None
        wanted = np.frombuffer(account.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        hits = np.flatnonzero(np.diff(self.offsets) == len(wanted))
        starts = self.offsets[:-1]
        # Ids of a book often share a prefix, so the last bytes tell them apart soonest.
        for place in range(len(wanted) - 1, -1, -1):
            hits = hits[self.data[starts[hits] + place] == wanted[place]]
        return int(hits[0]) if len(hits) else None

    def repeats(self) -> list[tuple[int, int]]:
        """Return (first position, repeated position) of every repeated id."""
        return _exact_repeats(self, _equal_key_positions(self._hashes()))

    def _hashes(self) -> npt.NDArray[np.uint64]:
        """Return a 64-bit hash of each id: equal ids have equal hashes."""
        lengths = np.diff(self.offsets).astype(np.int64)
        padded = np.zeros(len(self.data) + 8, dtype=np.uint8)
        padded[: len(self.data)] = self.data
        # The eight bytes that begin at each byte of the block.
        words: npt.NDArray[np.uint64] = np.ndarray(
            len(self.data) + 1, dtype="<u8", buffer=padded, strides=(1,)
        )
        hashes = lengths.astype(np.uint64)
        starts = self.offsets[:-1].astype(np.int64)
        active: Any = slice(None) if lengths.all() else np.flatnonzero(lengths)
        place = 0
        longest = int(lengths.max(initial=0))
        while place < longest:
            unused_bits = 8 * np.clip(8 - (lengths[active] - place), 0, 7).astype(np.uint64)
            word = (words[starts[active] + place] << unused_bits) >> unused_bits
            mixed = (hashes[active] ^ word) * _MULTIPLIER
            hashes[active] = mixed ^ (mixed >> _SHIFT)
            place += 8
            active = np.flatnonzero(lengths > place)
        return hashes


Ids: TypeAlias = IntIds | StrIds


def ids_from_values(values: Sequence[Any] | npt.NDArray[Any]) -> Ids:
    """Return compact ids of values that are all int or all str.

    Raises
    ------
    TypeError
        Values of neither kind, or of both.
    OverflowError
        An int beyond int64.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        if values.dtype == np.uint64 and len(values) and values.max() > np.iinfo(np.int64).max:
            raise OverflowError("account ids must fit int64")
        return IntIds(np.ascontiguousarray(values, dtype=np.int64))
    kinds = {type(value) for value in values}
    if all(issubclass(kind, str) for kind in kinds):
        return _encode(values)
    if all(issubclass(kind, int | np.integer) and kind is not bool for kind in kinds):
        return IntIds(np.array([int(value) for value in values], dtype=np.int64))
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise TypeError(f"account ids must be all str or all int, not {names}")


def concat_ids(parts: Sequence[Ids]) -> Ids:
    """Join ids of one kind.

    Raises
    ------
    TypeError
        Ids of both kinds.
    """
    # No ids are of no kind.
    integers = [part.values for part in parts if isinstance(part, IntIds) and len(part)]
    strings = [part for part in parts if isinstance(part, StrIds) and len(part)]
    if integers and strings:
        raise TypeError("account ids must be all str or all int, not int, str")
    if not strings:
        return IntIds(np.concatenate([np.empty(0, dtype=np.int64), *integers]))
    blocks, offsets, length = [], [np.zeros(1, dtype=np.int64)], 0
    for part in strings:
        first, last = int(part.offsets[0]), int(part.offsets[-1])
        blocks.append(part.data[first:last])
        offsets.append(part.offsets[1:].astype(np.int64) + (length - first))
        length += last - first
    return StrIds(np.concatenate(blocks), np.concatenate(offsets))


def _encode(values: Iterable[str]) -> StrIds:
    encoded = [value.encode("utf-8") for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    return StrIds(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)


def _equal_key_positions(keys: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the positions whose key occurs more than once, ascending."""
    ordered = np.sort(keys)
    shared = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(shared):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.isin(keys, shared)).astype(np.int64)


def _exact_repeats(ids: Ids, candidates: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    first: dict[int | str, int] = {}
    repeats = []
    for position in candidates.tolist():
        seen = first.setdefault(ids[position], position)
        if seen != position:
            repeats.append((seen, position))
    return repeats

"""What one chunk of a campaign is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["random", "tie"]


@dataclass(frozen=True, slots=True)
class Job:
    """What a chunk is made from: for ties, `size` counts those exactly on a threshold."""

    kind: Kind
    index: int
    seed: int
    size: int
    oracle: int

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.index}"

"""Time contenders in interleaved rounds; compare them by medians of paired ratios."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers import Answer

TOLERANCE = 1e-9
# Threads of some peers go on spinning for a moment after their work.
_PAUSE_SECONDS = 0.003


class WrongAnswerError(Exception):
    """A contender's answer is not the one of pymargin."""


@dataclass
class Contender:
    """One way to the answer: ``run`` is timed, ``before`` is not.

    ``scale`` turns its time into that of the whole book; ``answer`` makes of what ``run`` returns
    what is checked.
    """

    key: str
    label: str
    run: Callable[..., Any]
    before: Callable[[], Any] | None = None
    scale: float = 1.0
    threads: int = 1
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def once(self) -> None:
        prepared = () if self.before is None else (self.before(),)
        cpu, start = time.process_time(), time.perf_counter()
        self.run(*prepared)
        self.seconds.append((time.perf_counter() - start) * self.scale)
        self.cpu_seconds.append((time.process_time() - cpu) * self.scale)

    def record(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "label": self.label,
            "threads": self.threads,
            "median_ms": round(1e3 * median(self.seconds), 4),
            "min_ms": round(1e3 * min(self.seconds), 4),
            "cpu_ms": round(1e3 * median(self.cpu_seconds), 4),
            "rounds": len(self.seconds),
            "scaled_by": self.scale,
        }


def interleave(contenders: Sequence[Contender], rounds: int) -> None:
    """Run A B C, A B C, ...: what disturbs a round disturbs all of them."""
    for contender in contenders:
        contender.once()
        contender.seconds.clear()
        contender.cpu_seconds.clear()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for contender in contenders:
                time.sleep(_PAUSE_SECONDS)
                contender.once()
    finally:
        gc.enable()


def paired_ratio(over: Contender, under: Contender) -> float:
    """Return the median of the ratios of each round."""
    return median(a / b for a, b in zip(over.seconds, under.seconds, strict=True))


def cpu_ratio(over: Contender, under: Contender) -> float | None:
    """Return the same of processor time, which waiting for a core does not lengthen."""
    if over.threads != under.threads:
        return None
    pairs = zip(over.cpu_seconds, under.cpu_seconds, strict=True)
    ratios = [a / b for a, b in pairs if b > 0]
    return median(ratios) if ratios else None


def check_answer(
    name: str,
    found: Answer,
    expected: Answer,
    thresholds: npt.NDArray[np.float64],
    *,
    absolute: float = 0.0,
) -> None:
    """Refuse levels that differ by more than 1e-9 and actions that differ but for a float tie.

    ``thresholds`` float64[n or 1, k]: what the levels of each account are held against;
    ``absolute`` is allowed to the second level, where that is an amount that can cancel to 0.
    """
    n = len(found.margin_level)
    expected = Answer(*(values[:n] for values in expected))
    pairs = zip(found[:2], expected[:2], (0.0, absolute), strict=True)
    for what, (ours, theirs, slack) in zip(("margin level", "second level"), pairs, strict=True):
        is_wrong = ~np.isclose(ours, theirs, rtol=TOLERANCE, atol=slack)
        if is_wrong.any():
            at = int(np.argmax(is_wrong))
            raise WrongAnswerError(
                f"{name}: the {what} of {int(is_wrong.sum()):,} accounts differs; "
                f"account {at}: {ours[at]!r}, not {theirs[at]!r}"
            )
    differs = found.actions != expected.actions
    if differs.any():
        limits = np.broadcast_to(thresholds, (len(thresholds), thresholds.shape[1]))
        rows = limits[:n][differs] if len(limits) > 1 else limits
        levels = np.stack(expected[:2], axis=1)[differs][:, :, np.newaxis]
        distance = np.abs(levels - rows[:, np.newaxis, :])
        is_tie = (distance <= TOLERANCE * rows[:, np.newaxis, :] + absolute).any(axis=(1, 2))
        if not is_tie.all():
            at = int(np.flatnonzero(differs)[np.argmin(is_tie)])
            raise WrongAnswerError(
                f"{name}: the actions of {int((~is_tie).sum()):,} accounts differ; "
                f"account {at}: {int(found.actions[at])}, not {int(expected.actions[at])}"
            )


def cpu_model() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def environment(packages: Sequence[str]) -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions,
        "load_average": [round(x, 2) for x in os.getloadavg()],
    }

"""What a campaign consists of, and what of it is done: a directory that outlives a killed run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exactness.job import Job, Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a campaign.

    Parameters
    ----------
    random, ties
        Random accounts; accounts exactly on a threshold, each with two neighbours beside them.
    oracle
        Of the random accounts, how many the oracle is asked about; it is asked about every tie.
    seed
        From which every chunk's own seed follows.
    parts
        How many readings or modes take turns: there are as many chunks of each.
    random_chunk, tie_chunk
        How many of either make a chunk at most.
    """

    random: int
    ties: int
    oracle: int
    seed: int = 1
    parts: int = 7
    random_chunk: int = 20_000
    tie_chunk: int = 2_500

    def jobs(self) -> Iterator[Job]:
        """Yield the chunks, ties in between, so that every part of a run shows all of it."""
        randoms = list(self._chunks("random", self.random, self.random_chunk, self.oracle))
        ties = list(self._chunks("tie", self.ties, self.tie_chunk, 0))
        n = max(len(randoms), len(ties))
        for k in range(n):
            for jobs in (ties, randoms):
                yield from jobs[len(jobs) * k // n : len(jobs) * (k + 1) // n]

    def _chunks(self, kind: Kind, total: int, size: int, asked: int) -> Iterator[Job]:
        """Yield equal chunks of at most `size`, as many for each part."""
        n = -(-total // (size * self.parts)) * self.parts
        for k in range(n):
            share, count = (of * (k + 1) // n - of * k // n for of in (asked, total))
            yield Job(kind, k, self.seed, count, min(share, count))


class State:
    """A directory with the plan, a line for every finished chunk, and every difference."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.directory, self.plan = directory, plan
        directory.mkdir(parents=True, exist_ok=True)
        described = directory / "plan.json"
        if not described.exists():
            described.write_text(json.dumps(asdict(plan), indent=1) + "\n")
        elif json.loads(described.read_text()) != asdict(plan):
            raise ValueError(
                f"{described} must hold this plan, {asdict(plan)}; use another --state"
            )
        self.records = {record["key"]: record for record in self._read()}

    @property
    def _done(self) -> Path:
        return self.directory / "done.jsonl"

    def _read(self) -> list[dict[str, Any]]:
        """Return the finished chunks; a line that a killed run left unfinished is dropped."""
        if not self._done.exists():
            return []
        whole = self._done.read_bytes()
        kept = whole[: whole.rfind(b"\n") + 1]
        if kept != whole:
            self._done.write_bytes(kept)
        return [json.loads(line) for line in kept.splitlines()]

    def remaining(self) -> list[Job]:
        return [job for job in self.plan.jobs() if job.key not in self.records]

    def add(self, record: dict[str, Any]) -> None:
        """Keep a finished chunk, its differences first."""
        reported = record.pop("reported")
        if reported:
            path = self.directory / f"differences-{record['key'].replace('/', '-')}.json"
            path.write_text(json.dumps(reported, indent=1) + "\n")
        with self._done.open("a") as file:
            file.write(json.dumps(record) + "\n")
        self.records[record["key"]] = record

    @property
    def differences(self) -> int:
        return sum(sum(record["differences"].values()) for record in self.records.values())

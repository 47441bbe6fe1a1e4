"""The tables of a campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from exactness.integers import READINGS
from exactness.plant import thresholds_of

Record = Mapping[str, Any]


def tables(records: Iterable[Record]) -> str:
    """Return what was compared, by reading and by threshold, and how often it differed."""
    records = list(records)
    counts = _Counts(records)
    head = ("reading", "random", "of them near", "ties", "with sides", "asked", "differences")
    rows = [
        (
            reading.name,
            counts.random,
            counts.near[reading.name],
            sum(counts.ties[_key(reading.name, t.name)] for t in thresholds_of(reading)),
            counts.beside_ties,
            counts.oracle[reading.name],
            counts.differences[reading.name],
        )
        for reading in READINGS
    ]
    planted = [
        (reading.name, threshold.name, counts.ties[_key(reading.name, threshold.name)])
        for reading in READINGS
        for threshold in thresholds_of(reading)
    ]
    shapes = sum((Counter(record["shapes"]) for record in records), Counter[str]())
    ways = sorted({way for record in records for way in record["ways"]})
    decisions = sum(record["accounts"] * len(READINGS) * len(record["ways"]) for record in records)
    seconds = sum(record["seconds"] for record in records)
    return "\n".join(
        [
            table(head, rows),
            "random, with sides: accounts evaluated under the reading; near: moved beside one of",
            "its thresholds; ties: planted exactly on one; asked: of the oracle too.",
            "",
            table(("reading", "threshold", "ties"), planted),
            table(("accounts", "count"), shapes.items()),
            f"{counts.random:,} random accounts, {sum(counts.ties.values()):,} ties with "
            f"{counts.beside_ties - sum(counts.ties.values()):,} neighbours, "
            f"{decisions:,} decisions of {', '.join(ways) or 'nothing'}: "
            f"{sum(counts.differences.values()):,} differences "
            f"({seconds:,.0f} s of processor time).",
        ]
    )


class _Counts:
    def __init__(self, records: list[Record]) -> None:
        self.random = sum(r["accounts"] for r in records if r["kind"] == "random")
        self.beside_ties = sum(r["accounts"] for r in records if r["kind"] == "tie")
        self.near, self.ties, self.oracle, self.differences = (
            sum((Counter(record[name]) for record in records), Counter[str]())
            for name in ("near", "ties", "oracle", "differences")
        )


def _key(reading: str, threshold: str) -> str:
    return f"{reading}: {threshold}"


def table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    cells = [head, *([f"{c:,}" if isinstance(c, int) else c for c in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = []
    for i, row in enumerate(cells):
        texts = (
            cell.ljust(w) if isinstance(cell, str) and not cell[:1].isdigit() else cell.rjust(w)
            for cell, w in zip(row, widths, strict=True)
        )
        lines.append("| " + " | ".join(texts) + " |")
        if i == 0:
            lines.append("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines) + "\n"

"""The tables of a campaign over pools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from exactness.pools.integers import MODES
from exactness.pools.near import threshold_names
from exactness.pools.plant import tie_names
from exactness.report import table

Record = Mapping[str, Any]


def tables(records: Iterable[Record]) -> str:
    """Return what was compared, by mode and by threshold, and how often it differed."""
    records = list(records)
    head = ("mode", "random", "of them near", "ties", "with sides", "asked", "differences")
    rows = [_row(mode, [r for r in records if r["mode"] == mode]) for mode in MODES]
    near, ties = (
        Counter({
            (record["mode"], name): 0 for record in records for name in record[of]
        })
        for of in ("near", "ties")
    )  # fmt: skip
    for record in records:
        near.update({(record["mode"], name): n for name, n in record["near"].items()})
        ties.update({(record["mode"], name): n for name, n in record["ties"].items()})
    planted = [
        (mode, name, near[mode, name] if name in threshold_names(mode) else "", ties[mode, name])
        for mode in MODES
        for name in tie_names(mode)
    ]
    shapes = sum((Counter(record["shapes"]) for record in records), Counter[str]())
    ways = sorted({way for record in records for way in record["ways"]})
    total = [sum(row[k] for row in rows) for k in range(1, len(head))]
    decisions = sum(record["accounts"] * len(record["ways"]) for record in records)
    exact = sum(record["exact"] for record in records)
    seconds = sum(record["seconds"] for record in records)
    return "\n".join(
        [
            table(head, rows),
            "near: moved beside a threshold; ties: planted exactly on one; with sides: and their",
            "neighbours; asked: of the oracle too.",
            "",
            table(("mode", "threshold", "near", "ties"), planted),
            table(("accounts", "count"), shapes.items()),
            f"{total[0]:,} random accounts, {total[2]:,} ties with {total[3] - total[2]:,} "
            f"neighbours, {exact:,} of them decided in integers, {decisions:,} decisions of "
            f"{', '.join(ways) or 'nothing'}: {total[5]:,} differences "
            f"({seconds:,.0f} s of processor time).",
        ]
    )


def _row(mode: str, records: list[Record]) -> tuple[Any, ...]:
    return (
        mode,
        sum(r["accounts"] for r in records if r["kind"] == "random"),
        sum(sum(r["near"].values()) for r in records),
        sum(sum(r["ties"].values()) for r in records),
        sum(r["accounts"] for r in records if r["kind"] == "tie"),
        sum(r["oracle"] for r in records),
        sum(r["differences"].get(mode, 0) for r in records),
    )

"""Writes the figures of docs/notices.md from a folder of real notices.

``python tests/notices_report.py FOLDER`` reads every ``*.md`` of the folder and, beside them,
``announced_vs_observed.json``: what the exchange's API gave before and after each change.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from notices_mutations import NAME_KINDS, table_of, tally

from pymargin.notices import Change, Notice, read_notice

DOCUMENT = Path(__file__).parents[1] / "docs" / "notices.md"


def figure(number: float) -> Decimal:
    return Decimal(repr(round(number, 8)))


def change_of(row: dict[str, Any], notice: Notice) -> Change | None:
    at = datetime.strptime(row["effective_utc"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    found = [one for one in notice.changes if (one.key, one.effective) == (row["symbol"], at)]
    return found[0] if len(found) == 1 else None


def is_as_printed(row: dict[str, Any], change: Change | None) -> bool:
    return change is not None and all(
        [(tier.cap, tier.rate, tier.leverage) for tier in tiers or ()]
        == [(figure(one["hi"]), figure(one["mmr"]), Decimal(one["lev"])) for one in printed or ()]
        for tiers, printed in ((change.before, row["before"]), (change.after, row["after"]))
    )


def is_in_force(row: dict[str, Any], change: Change | None) -> bool:
    if change is None:
        return False
    after = [(tier.cap, tier.rate) for tier in change.after or ()]
    return after == [(figure(cap), figure(rate)) for cap, rate, *_ in row["observed_after"]]


def notices_table(folder: Path) -> Iterator[str]:
    beside = folder / "announced_vs_observed.json"
    rows = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else []
    yield "| published | changes | mended | warned | left out | as printed | in force |"
    yield "|---|---|---|---|---|---|---|"
    total: Counter[str] = Counter()
    for path in sorted(folder.glob("*.md"), key=lambda one: one.stem[-14:]):
        notice = read_notice(path)
        actions = Counter(problem.action for problem in notice.problems)
        changes = Counter(f"{one.product} {one.table}" for one in notice.changes)
        own = [(row, change_of(row, notice)) for row in rows if row["file"] == path.name]
        applied = [pair for pair in own if pair[0]["status"] == "applied as announced"]
        found = {
            "changes": len(notice.changes),
            "printed": sum(is_as_printed(*pair) for pair in own),
            "own": len(own),
            "force": sum(is_in_force(*pair) for pair in applied),
            "applied": len(applied),
            **actions,
        }
        total.update(found)
        listed = ", ".join(f"{count} {name}" for name, count in sorted(changes.items()))
        yield f"| {notice.published} | {listed} | {_cells(Counter(found))} |"
    yield f"| all | {total['changes']} | {_cells(total)} |"


def _cells(found: Counter[str]) -> str:
    actions = " | ".join(str(found[name]) for name in ("mended", "warned", "left_out"))
    printed = f"{found['printed']} of {found['own']}" if found["own"] else "-"
    force = f"{found['force']} of {found['applied']}" if found["applied"] else "-"
    return f"{actions} | {printed} | {force}"


def losses_table(folder: Path, most: int | None) -> Iterator[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))]
    result = tally(texts, most=most)
    yield from table_of(result)
    yield ""
    silent = sum(
        count
        for (kind, what), count in result.counts.items()
        if (kind, what) in result.forbidden() and kind not in NAME_KINDS
    )
    yield (
        f"{result.total():,} losses"
        + (" (drawn at random)" if most is not None else " (every one)")
        + f", names aside: {silent} silences outside the allowed classes."
    )


def write(name: str, lines: Iterator[str]) -> None:
    """Put lines between the markers of a table."""
    text = DOCUMENT.read_text(encoding="utf-8")
    body = "\n".join(lines)
    pattern = rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)"
    renewed = re.sub(pattern, lambda found: f"{found[1]}{body}\n{found[2]}", text, flags=re.S)
    DOCUMENT.write_text(renewed, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, help="only so many losses, drawn at random")
    parser.add_argument("--no-losses", action="store_true", help="leave their table as it is")
    given = parser.parse_args()
    write("notices", notices_table(given.folder))
    if not given.no_losses:
        write("losses", losses_table(given.folder, given.most))


if __name__ == "__main__":
    main()

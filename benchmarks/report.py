"""Print what ``compare.py`` has measured, as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def show(record: dict[str, Any]) -> None:
    env, book = record["environment"], record["book"]
    versions = ", ".join(f"{name} {version}" for name, version in env["versions"].items())
    print(f"{env['cpu']}, {env['cores']} cores, {env['system']}")
    print(f"load {env['load_average_at_start']:.1f} at the start, {env['load_average'][0]:.1f} now")
    print(f"pymargin {env['pymargin']} ({env['implementation']}), Python {env['python']}")
    print(f"{versions}; numba's threading layer: {env['numba_threading_layer']}")
    print(f"plain loop: {env['compiler_of_plain_loop']}, {env['flags_of_plain_loop']}")
    print(
        f"{book['accounts']:,} accounts, {book['positions']:,} positions, "
        f"{100 * book['share_beyond_first_tier']:.2f} % beyond their first tier; "
        f"{record['rounds']} rounds\n{record['answers']}\n"
    )
    accounts = book["accounts"]
    _table(
        ("contender", "threads", "median ms", "min ms", "M accounts/s"),
        (
            (
                one["label"],
                str(one["threads"]),
                f"{one['median_ms']:.2f}",
                f"{one['min_ms']:.2f}",
                f"{accounts / one['median_ms'] / 1e3:.1f}",
            )
            for one in record["contenders"]
            if not one["key"].endswith("/slow")
        ),
    )
    _table(
        (
            "ratio of times, medians of paired ratios",
            "measured",
            "of minimums",
            "of CPU time",
            "target",
            "stretch",
            "",
        ),
        (_row(row) for row in record["rows"]),
    )
    _table(
        ("peer over the plain C++ loop", "measured", "expected", "within 20 %", ""),
        (
            (
                one["peer"],
                f"{one['over_plain_cpp']:.2f}",
                f"{one['expected']:.2f}",
                "yes" if one["within_20_%"] else "no",
                one["why"],
            )
            for one in record["peer_ratios"]
        ),
    )
    for name, reason in record["skipped"].items():
        print(f"skipped: {name}: {reason}")


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    sign, goal = ("<=", row["at_most"]) if row["at_most"] is not None else (">=", row["at_least"])
    figure = "-" if row["figure"] is None else f"{row['figure']:.2f} {row['unit']}"
    target = "" if goal is None else f"{sign} {goal:g}"
    stretch = "" if row["stretch"] is None else f"{row['stretch']:g}"
    beside = ["" if row[name] is None else f"{row[name]:.2f}" for name in ("of_minimums", "of_cpu")]
    return row["what"], figure, *beside, target, stretch, row["verdict"]


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [tuple(titles), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        first, *rest = line
        cells = [first.ljust(widths[0])]
        for cell, width, title in zip(rest, widths[1:], titles[1:], strict=True):
            cells.append(cell.rjust(width) if title else cell)
        print("  ".join(cells).rstrip())
    print()

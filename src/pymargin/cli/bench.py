"""``pymargin bench``: how near the passes come to the memory's own speed on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["bench"]


@click.command(short_help="Time the passes on this machine; needs no files.")
@click.option(
    "--accounts",
    "n_accounts",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    metavar="N",
    help="How many accounts to generate.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=15,
    show_default=True,
    metavar="N",
    help="How often each is timed; shown are medians.",
)
@click.option(
    "--json",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the figures there too.",
)
def bench(n_accounts: int, rounds: int, target: Path | None) -> int:
    """Time every methodology on an invented book.

    Each pass writes two levels and the actions of every account. The limits only read the bytes
    that a pass reads, and write as many as it writes: no pass can be faster than the first on a
    book that no cache holds.
    """
    from pymargin.bench import bench as measure
    from pymargin.cli.figures import counted
    from pymargin.cli.progress import steps
    from pymargin.cli.screen import Column, Screen

    with steps() as work:
        work.begin(f"timing {counted(n_accounts, 'account')}")
        found = measure(n_accounts, rounds=rounds)
    if target is not None:
        target.write_text(json.dumps(found.to_json(), indent=2) + "\n", encoding="utf-8")
    screen = Screen()
    machine = found.machine
    screen.line(
        f"{machine['cpu']}, {machine['cores']} cores; pymargin {machine['pymargin']} "
        f"({machine['implementation']}), Python {machine['python']}, numpy {machine['numpy']}"
    )
    counts = ((found.accounts, "account"), (found.positions, "balance"), (rounds, "round"))
    screen.line(", ".join(counted(*one) for one in counts))
    screen.line()
    screen.table(
        (
            Column("pass"),
            Column("order"),
            Column("threads", is_number=True),
            Column("ms", is_number=True),
            Column("M accounts/s", is_number=True),
            Column("over limit", is_number=True),
        ),
        (
            (
                one.what,
                one.order,
                str(one.threads),
                f"{one.milliseconds:.2f}",
                f"{found.accounts / one.milliseconds / 1e3:.1f}",
                f"{one.over_limit:.2f}x",
            )
            for one in found.timings
        ),
    )
    screen.line("over limit: times what reading the book and writing the results takes")
    return 0

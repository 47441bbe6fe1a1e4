"""``pymargin impact``: who is hit by what a notice announces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from pymargin.cli.options import further_accounts, leverage, mode, prices, rules

if TYPE_CHECKING:
    from pymargin.impact_results import Impact
    from pymargin.notices import Notice
    from pymargin.rules import Timeline

__all__ = ["impact"]


@click.command(short_help="Show who is hit by what a notice announces.")
@click.argument(
    "notices",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    nargs=-1,
    required=True,
    metavar="NOTICE...",
)
@click.option(
    "--accounts",
    type=click.Path(exists=True, readable=True, path_type=Path),
    required=True,
    metavar="FILE",
    help="The book: Parquet, CSV or JSON, as for `pymargin levels`.",
)
@further_accounts
@prices
@rules
@click.option(
    "--within",
    type=click.Choice(["after", "during"]),
    default="after",
    show_default=True,
    help="Compare with the completed change; or with the worst that may hold during its window, "
    "every asset under the worse of its two tables.",
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Show the N worst accounts of each moment.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write every account that changes, worst first, to FILE.parquet, .csv or .json.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a report page with pictures; it needs no network to be read.",
)
@mode
@leverage
@click.option(
    "--missing",
    type=click.Choice(["raise", "flag"]),
    default="raise",
    show_default=True,
    help="Refuse a book with assets that lack a price or schedule, or flag their accounts.",
)
@click.option("--threads", type=click.IntRange(min=0), default=1, show_default=True, metavar="T",
              help="Threads of the evaluation; 0 takes all processors.")  # fmt: skip
def impact(
    notices: tuple[Path, ...],
    accounts: Path,
    wallets: Path | None,
    positions: Path | None,
    prices: tuple[Path, ...],
    rules: str,
    within: Literal["after", "during"],
    worst: int,
    out: Path | None,
    html: Path | None,
    mode: str | None,
    leverage: int | None,
    missing: Literal["raise", "flag"],
    threads: int,
) -> int:
    """Show who is hit by what NOTICEs announce, moment by moment, before it takes effect.

    RULES are those that hold before the notice; the accounts are evaluated just before and at each
    announced moment, at the same prices. Listed are who is newly liquidated, newly called, or may
    do less, how much collateral is lost and in which assets, and what would restore the
    thresholds. The exit code is 1 where an account is unpriced or beyond its tiers, part of a
    notice could not be read, or a notice contradicts the rules.

    \b
    Example:
      pymargin impact notice.md --accounts book.parquet --prices prices.json \\
          --rules rules.json --html report.html --out hit.parquet
    """  # noqa: D301
    from pymargin.cli.changes import read_notices, warn_conflicts
    from pymargin.cli.evaluation import leverage_of_accounts
    from pymargin.cli.faults import INCOMPLETE, InputError
    from pymargin.cli.impact_screen import show_impact
    from pymargin.cli.inputs import read_accounts, read_rules
    from pymargin.cli.outputs import check_target
    from pymargin.cli.price_inputs import read_price_files
    from pymargin.cli.progress import steps
    from pymargin.cli.screen import Screen
    from pymargin.cli.summary import exit_code
    from pymargin.impact import impacts
    from pymargin.rules import Timeline

    beside = (x for x in (wallets, positions) if x)
    inputs = (*notices, accounts, *prices, Path(rules), *beside)
    if out is not None:
        check_target(out, inputs=inputs)
    if html is not None:
        given = (*inputs, *([] if out is None else [out]))
        check_target(html, option="--html", suffixes=(".html",), inputs=given)
    with steps() as work:
        work.begin("reading notices, rules and prices")
        read, is_whole = read_notices(notices)
        changes = tuple(change for notice in read for change in notice.changes)
        timeline = Timeline(read_rules(rules), changes)
        is_sound = warn_conflicts(timeline)
        known_prices = read_price_files(prices)
        work.begin("reading accounts")
        book = read_accounts(
            accounts, mode=mode, leverage=leverage, wallets=wallets, positions=positions
        )
        work.begin("evaluating")
        leverage = leverage_of_accounts(book, mode, leverage)
        options: dict[str, Any] = {"within": within, "mode": mode, "leverage": leverage}
        found = list(
            impacts(book, known_prices, timeline, **options, missing=missing, threads=threads)
        )
        if not found:
            raise InputError(
                "there is nothing to come: every change is part of the rules already"
                if changes
                else "the notice announces no change that can be read"
            )
        if out is not None:
            work.begin("writing the accounts")
            _write_accounts(found, out)
        if html is not None:
            work.begin("writing the page")
            _write_page(found, html, read, timeline)
    screen = Screen()
    for one in found:
        show_impact(screen, one, changes, worst=worst)
    for path, what in ((out, "every account that changes"), (html, "the report")):
        if path is not None:
            screen.line()
            screen.line(f"{path} holds {what}")
    codes = [exit_code(one.actions_after) for one in found]
    return max(*codes, 0 if is_whole and is_sound else INCOMPLETE)


def _write_accounts(found: list[Impact], out: Path) -> None:
    """Write the accounts that change at each moment, the moment in front.

    The metadata ``pymargin.impacts`` are a JSON list: the provenance of each moment, in order.
    """
    import json

    from pymargin._extras import require
    from pymargin.adapters.impacts import provenance_texts
    from pymargin.cli.outputs import write_table

    pa = require("pyarrow", extra="cli", purpose="writing results")
    tables = []
    for one in found:
        table = one.to_arrow()
        moments = pa.repeat(pa.scalar(one.moment, pa.timestamp("s", "UTC")), table.num_rows)
        tables.append(table.add_column(0, "moment", moments))
    whole = pa.concat_tables(tables).unify_dictionaries()
    impacts = json.dumps([provenance_texts(one) for one in found])
    write_table(whole.replace_schema_metadata({"pymargin.impacts": impacts}), out)


def _write_page(found: list[Impact], html: Path, notices: list[Notice], timeline: Timeline) -> None:
    from pymargin.adapters.report import impact_page
    from pymargin.cli.outputs import replacing

    titles = [notice.title for notice in notices if notice.title]
    problems = [str(problem) for notice in notices for problem in notice.problems]
    page = impact_page(
        found,
        title="; ".join(titles) or "Impact of a notice",
        changes=timeline.changes,
        remarks=[*map(str, timeline.conflicts), *problems],
    )
    with replacing(html) as partial:
        partial.write_text(page, encoding="utf-8", newline="\n")

"""``pymargin levels``: a book from a file, its levels and actions to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from pymargin.cli.options import (
    accounts_argument,
    further_accounts,
    leverage,
    mode,
    prices,
    rules,
)

__all__ = ["levels"]


@click.command(short_help="Evaluate the accounts of a file.")
@accounts_argument
@further_accounts
@prices
@rules
@mode
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the levels and actions of every account to FILE.parquet, .csv or .json.",
    metavar="FILE",
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Show the N accounts nearest to liquidation.",
)
@leverage
@click.option(
    "--missing",
    type=click.Choice(["raise", "flag"]),
    default="raise",
    show_default=True,
    help="What to do where an asset has no price or schedule: refuse the book, or flag the "
    "accounts that hold or owe it and evaluate the others.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="T",
    help="Threads of the evaluation; 0 takes all processors. The result is the same.",
)
def levels(
    accounts: Path,
    wallets: Path | None,
    positions: Path | None,
    prices: tuple[Path, ...],
    rules: str,
    mode: str | None,
    out: Path | None,
    worst: int,
    leverage: int | None,
    missing: Literal["raise", "flag"],
    threads: int,
) -> int:
    """Compute the margin level and the actions of every account in ACCOUNTS.

    ACCOUNTS is Parquet (one row per account), CSV (one row per account and asset; futures wallets
    and positions in files of their own) or JSON (a list of rows, or the exchange's answers about
    one account, whose id is then the file's name). Without --mode each account is evaluated under
    its own mode. In JSON output, which has no infinity, the level of an account without debt is the
    text "inf".

    \b
    Examples:
      pymargin levels book.parquet --prices prices.json --rules rules.json \\
          --out levels.parquet
      pymargin levels book.csv --prices prices.csv --rules rules.json --worst 20
    """  # noqa: D301
    from pymargin.account_modes import modes_of
    from pymargin.cli.evaluation import evaluate_book, rules_line
    from pymargin.cli.figures import counted
    from pymargin.cli.inputs import read_accounts, read_rules
    from pymargin.cli.outputs import check_target, write_levels
    from pymargin.cli.price_inputs import read_price_files
    from pymargin.cli.progress import steps
    from pymargin.cli.screen import Screen
    from pymargin.cli.summary import exit_code, show_actions, show_worst

    given = (accounts, *prices, Path(rules), *(x for x in (wallets, positions) if x))
    if out is not None:
        check_target(out, inputs=given)
    with steps() as work:
        work.begin("reading rules and prices")
        known_rules, known_prices = read_rules(rules), read_price_files(prices)
        work.begin("reading accounts")
        book = read_accounts(
            accounts, mode=mode, leverage=leverage, wallets=wallets, positions=positions
        )
        work.begin("evaluating")
        found = evaluate_book(
            book,
            known_prices,
            known_rules,
            mode=mode,
            leverage=leverage,
            missing=missing,
            threads=threads,
        )
        if out is not None:
            work.begin("writing", total=len(book))
            write_levels(found, out, work.advance)
    screen = Screen()
    screen.line(rules_line(known_rules, modes_of(book, mode)))
    if worst:
        show_worst(screen, found, book, known_prices, count=worst, mode=mode)
    show_actions(screen, found.actions)
    if out is not None:
        screen.line()
        screen.line(f"{out} holds the levels and actions of {counted(len(book), 'account')}")
    return exit_code(found.actions)

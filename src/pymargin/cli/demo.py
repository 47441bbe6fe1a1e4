"""``pymargin demo``: an invented book under invented rules, to see what comes out."""

from __future__ import annotations

import time

import click

__all__ = ["demo"]


@click.command(short_help="Evaluate a generated book; needs no files.")
@click.option(
    "--accounts",
    "n_accounts",
    type=click.IntRange(min=1),
    default=200_000,
    show_default=True,
    metavar="N",
    help="How many accounts to generate.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="S",
    help="The same seed generates the same book.",
)
def demo(n_accounts: int, seed: int) -> int:
    """Evaluate a generated book; needs no files.

    Accounts, prices and rules are invented. Shown are the accounts by action, how the margin
    levels are spread, the worst accounts, and which assets the risk sits in. The exit code is 0
    even where accounts are beyond their tiers.
    """
    from pymargin.account_modes import modes_of
    from pymargin.cli.evaluation import evaluate_book, rules_line
    from pymargin.cli.figures import counted
    from pymargin.cli.progress import steps
    from pymargin.cli.risk import show_risk
    from pymargin.cli.screen import Screen
    from pymargin.cli.summary import levels_of, show_actions, show_quantiles, show_worst
    from pymargin.example import example_accounts, example_prices
    from pymargin.rules import example_rules

    with steps() as work:
        work.begin("making rules and prices")
        rules, prices = example_rules(), example_prices()
        work.begin(f"generating {counted(n_accounts, 'account')}")
        book = example_accounts(n_accounts, seed=seed)
        work.begin("evaluating")
        # The first run also compiles the rules.
        evaluate_book(book, prices, rules, mode=None)
        start = time.perf_counter()
        found = evaluate_book(book, prices, rules, mode=None)
        seconds = time.perf_counter() - start
    screen = Screen()
    screen.line(
        f"{counted(len(book), 'generated account')} (seed {seed}) with "
        f"{counted(len(book._asset_ids), 'balance')} in {counted(len(book.assets), 'asset')}, "
        "at invented prices."
    )
    screen.line(rules_line(rules, modes_of(book, None)))
    show_actions(screen, found.actions)
    show_quantiles(screen, book, levels_of(found))
    show_worst(screen, found, book, prices, count=10, mode=None)
    show_risk(screen, book, prices, found.actions)
    screen.line()
    screen.line(
        f"Evaluated in {seconds * 1e3:.1f} ms on one core: every level, and every decision as "
        "exact decimal arithmetic gives it."
    )
    screen.line("Your own accounts: pymargin levels --help")
    return 0

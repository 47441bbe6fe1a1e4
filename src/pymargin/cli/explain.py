"""``pymargin explain``: every term of one account's level."""

from __future__ import annotations

from pathlib import Path

import click

from pymargin.cli.options import (
    accounts_argument,
    further_accounts,
    leverage,
    mode,
    prices,
    rules,
)

__all__ = ["explain"]


@click.command(short_help="Show every term of one account's level.")
@accounts_argument
@click.argument("account_id")
@further_accounts
@prices
@rules
@mode
@leverage
def explain(
    accounts: Path,
    account_id: str,
    wallets: Path | None,
    positions: Path | None,
    prices: tuple[Path, ...],
    rules: str,
    mode: str | None,
    leverage: int | None,
) -> int:
    """Explain the account ACCOUNT_ID of ACCOUNTS, term by term and exactly.

    Shown are quantity, price and value of each asset, the slice of every tier that the value
    reaches, the sums, the levels, and each threshold with whether it decided. A figure that has
    no short decimal is marked with ~.

    \b
    Example:
      pymargin explain book.parquet 1001 --prices prices.json --rules rules.json
    """  # noqa: D301
    from pymargin import explain as explained
    from pymargin.cli import explanation
    from pymargin.cli.evaluation import leverage_of_accounts
    from pymargin.cli.faults import InputError
    from pymargin.cli.inputs import find_id, read_accounts, read_rules
    from pymargin.cli.price_inputs import read_price_files
    from pymargin.cli.progress import steps
    from pymargin.cli.screen import Screen
    from pymargin.cli.summary import exit_code_of
    from pymargin.modes import Mode

    with steps() as work:
        work.begin("reading")
        known_rules, known_prices = read_rules(rules), read_price_files(prices)
        book = read_accounts(
            accounts, mode=mode, leverage=leverage, wallets=wallets, positions=positions
        )
        account = find_id(book, account_id)
        if mode is None and not book._mode[book.position(account)]:
            raise InputError(
                f"account {account_id} states no mode: give --mode, one of {', '.join(Mode)}"
            )
        leverage = leverage_of_accounts(book, mode, leverage)
        found = explained(book, known_prices, known_rules, account, mode=mode, leverage=leverage)
    explanation.show(Screen(), found)
    return exit_code_of(found.actions)

"""Arguments and options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import click

from pymargin.modes import Mode

__all__ = ["accounts_argument", "further_accounts", "leverage", "mode", "prices", "rules"]

Command = TypeVar("Command", bound=Any)

_existing = click.Path(exists=True, readable=True, path_type=Path)

accounts_argument = click.argument("accounts", type=_existing)

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_WALLETS = click.option(
    "--wallets",
    type=_FILE,
    metavar="FILE",
    help="Futures wallets of accounts in CSV: the columns account, asset, balance.",
)
_POSITIONS = click.option(
    "--positions",
    type=_FILE,
    metavar="FILE",
    help="Positions of accounts in CSV: the columns account, symbol, quantity, entry_price and "
    "perhaps leverage, side, isolated_margin.",
)


def further_accounts(command: Command) -> Command:
    """Add the options of what a tidy CSV of accounts has no room for."""
    return _WALLETS(_POSITIONS(command))


prices = click.option(
    "--prices",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    required=True,
    multiple=True,
    metavar="FILE",
    help='Prices in USDT: JSON such as {"BTC": 20000}, CSV with the columns name and price, or '
    "the exchange's answer to a price query; of assets their index price, of futures symbols their "
    "mark price. May be given several times. USDT is 1 unless given.",
)

rules = click.option(
    "--rules",
    required=True,
    metavar="RULES",
    help="A rules file (`pymargin rules import` makes one); `builtin`, the figures of the "
    "exchange's published documents, or `builtin@2026-01-21T13:00Z` as of a moment; or `example`, "
    "complete and invented.",
)

mode = click.option(
    "--mode",
    type=click.Choice([str(one) for one in Mode]),
    help="Evaluate every account under this mode, whatever its own.",
)

leverage = click.option(
    "--leverage",
    type=click.IntRange(min=1),
    metavar="L",
    help="Leverage of the Cross Margin Classic accounts that state none, 3 or 5; of answers of the "
    "exchange also that of loans and positions that state none.",
)

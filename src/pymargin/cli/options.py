"""Arguments and options that commands share."""

from __future__ import annotations

from pathlib import Path

import click

from pymargin.modes import Mode

__all__ = ["accounts_argument", "leverage", "mode", "prices", "rules"]

_existing = click.Path(exists=True, readable=True, path_type=Path)

accounts_argument = click.argument("accounts", type=_existing)

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

"""Arguments and options that commands share."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["accounts_argument", "leverage", "mode", "prices", "rules"]

_existing = click.Path(exists=True, readable=True, path_type=Path)

accounts_argument = click.argument("accounts", type=_existing)

prices = click.option(
    "--prices",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    required=True,
    metavar="FILE",
    help='Prices in USDT: JSON such as {"BTC": 20000}, CSV with the columns name and price, or '
    "the exchange's answer to a price query. USDT is 1 unless given.",
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
    type=click.Choice(["cross_classic", "cross_pro"]),
    help="Evaluate every account under this mode, whatever its own.",
)

leverage = click.option(
    "--leverage",
    type=click.Choice(["3", "5"]),
    callback=lambda _context, _option, value: None if value is None else int(value),
    help="Leverage of the Cross Margin Classic accounts that state none.",
)

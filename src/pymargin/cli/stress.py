"""``pymargin stress``: a book under many prices, who would be called and liquidated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from pymargin.cli.options import (
    accounts_argument,
    further_accounts,
    leverage,
    mode,
    prices,
    rules,
)

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.stress import Stress

__all__ = ["stress"]


@click.command(short_help="Evaluate the accounts of a file under shocked prices.")
@accounts_argument
@further_accounts
@prices
@rules
@click.option(
    "--factor",
    "factors",
    type=click.FloatRange(min=0),
    multiple=True,
    metavar="F",
    help="A shock: every price but that of USDT and of the rules' stable assets times F, such as "
    "0.9. May be given several times.",
)
@click.option(
    "--shocks",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    metavar="FILE",
    help='Shocks as JSON: a list of factors on everything and of objects such as {"BTC": 0.8, '
    '"BTCUSDT": 0.79} of factors by asset and futures symbol; or an object of name to shock.',
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Show the N accounts that come nearest to liquidation under any shock.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write every account's worst level, and the shock that gives it, to FILE.parquet, .csv or "
    ".json.",
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
def stress(
    accounts: Path,
    wallets: Path | None,
    positions: Path | None,
    prices: tuple[Path, ...],
    rules: str,
    factors: tuple[float, ...],
    shocks: Path | None,
    worst: int,
    out: Path | None,
    mode: str | None,
    leverage: int | None,
    missing: Literal["raise", "flag"],
    threads: int,
) -> int:
    """Evaluate every account of ACCOUNTS under every shock of its prices.

    Shown are, shock by shock, how many accounts are called and liquidated and what those lack of
    their liquidation thresholds, and the accounts that come nearest to liquidation. An asset's
    price moves by its name, a futures symbol's mark price by its own; without names all move.

    \b
    Examples:
      pymargin stress book.parquet --prices prices.json --rules rules.json \\
          --factor 0.9 --factor 0.8 --factor 0.7
      pymargin stress book.parquet --prices prices.json --rules rules.json \\
          --shocks shocks.json --out worst.parquet
    """  # noqa: D301
    import pymargin as pm
    from pymargin.account_modes import modes_of
    from pymargin.cli.evaluation import check_modes, leverage_of_accounts, rules_line
    from pymargin.cli.inputs import read_accounts, read_rules
    from pymargin.cli.outputs import check_target, write_table
    from pymargin.cli.price_inputs import read_price_files
    from pymargin.cli.progress import steps
    from pymargin.cli.screen import Screen
    from pymargin.cli.shock_files import check_names, factors_of, naming, read_shocks

    inputs = (accounts, *prices, Path(rules), *(x for x in (wallets, positions, shocks) if x))
    if out is not None:
        check_target(out, inputs=inputs)
    with steps() as work:
        work.begin("reading rules, prices and shocks")
        known_rules, known_prices = read_rules(rules), read_price_files(prices)
        given = read_shocks(factors, shocks)
        work.begin("reading accounts")
        book = read_accounts(
            accounts, mode=mode, leverage=leverage, wallets=wallets, positions=positions
        )
        check_modes(book, mode)
        names = {*book.assets, *book.symbols, *known_prices.index, *known_prices.mark}
        check_names(given, names)
        labels = [shock.label for shock in given]
        work.begin("evaluating")
        with naming(given):
            found = pm.stress(
                book,
                known_prices,
                known_rules,
                factors_of(given),
                worst=True,
                mode=mode,
                leverage=leverage_of_accounts(book, mode, leverage),
                missing=missing,
                threads=threads,
            )
        if out is not None:
            work.begin("writing")
            write_table(_table(found, labels), out)
    screen = Screen()
    screen.line(rules_line(known_rules, modes_of(book, mode)))
    _show_shocks(screen, found, labels)
    if worst:
        _show_worst(screen, found, labels, book, worst, mode)
    if out is not None:
        screen.line()
        screen.line(f"{out} holds the worst level of every account")
    return _exit_code(found)


def _show_shocks(screen: Any, found: Stress, labels: list[str]) -> None:
    from pymargin.cli.figures import amount
    from pymargin.cli.screen import Column
    from pymargin.modes import Action

    counts = found.action_counts or {}
    shown = [
        (Action.MARGIN_CALL, "margin call"), (Action.REDUCE_ONLY, "reduce only"),
        (Action.LIQUIDATE, "liquidated"), (Action.BANKRUPT, "bankrupt"),
        (Action.ISOLATED_LIQUIDATE, "isolated liquidated"),
        (Action.UNPRICED_ASSET, "unpriced asset"), (Action.UNPRICED_DEBT, "unpriced debt"),
        (Action.BEYOND_TIERS, "beyond tiers"),
    ]  # fmt: skip
    always = (Action.MARGIN_CALL, Action.LIQUIDATE)
    shown = [(flag, name) for flag, name in shown if flag in always or counts[flag].any()]
    screen.heading(f"Accounts by shock ({len(found.ids):,} in all)")
    columns = [Column("shock"), *(Column(name, True) for _, name in shown)]
    shortfall = [] if found.shortfall is None else found.shortfall.tolist()
    screen.table(
        [*columns, Column("they lack, USDT", True)],
        [
            (label, *(f"{int(counts[flag][k]):,}" for flag, _ in shown), amount(shortfall[k]))
            for k, label in enumerate(labels)
        ],
    )


def _show_worst(
    screen: Any, found: Stress, labels: list[str], book: Accounts, count: int, mode: str | None
) -> None:
    import numpy as np

    from pymargin.account_modes import account_modes
    from pymargin.cli.figures import counted, level_figure
    from pymargin.cli.screen import Column

    level, shock = found.worst_level, found.worst_shock
    assert level is not None
    assert shock is not None
    positions = np.argsort(level, kind="stable")[:count]
    positions = positions[~np.isnan(level[positions])]
    if not len(positions):
        return
    screen.heading(f"The lowest levels under any shock: {counted(len(positions), 'account')}")
    modes = account_modes(book, mode)
    screen.table(
        [Column("account"), Column("mode"), Column("level", True), Column("under")],
        [
            (
                str(found.ids[k]),
                str(modes[k]),
                level_figure(float(level[k]), str(modes[k])),
                labels[shock[k]],
            )
            for k in positions.tolist()
        ],
    )


def _table(found: Stress, labels: list[str]) -> Any:
    """Return account, worst level and shock, its number and its name, as an Arrow table."""
    from pymargin._extras import require

    pa = require("pyarrow", extra="cli", purpose="writing results")
    assert found.worst_shock is not None
    named = [None if k < 0 else labels[k] for k in found.worst_shock.tolist()]
    table = pa.table(
        {
            "account": found.ids,
            "worst_level": found.worst_level,
            "worst_shock": found.worst_shock,
            "shock": pa.array(named, pa.string()),
        }
    )
    return table.replace_schema_metadata(found.provenance.metadata())


def _exit_code(found: Stress) -> int:
    from pymargin.cli.summary import exit_code_of
    from pymargin.modes import Action

    met = Action(0)
    for action, counts in (found.action_counts or {}).items():
        met |= action if counts.any() else Action(0)
    return exit_code_of(met)

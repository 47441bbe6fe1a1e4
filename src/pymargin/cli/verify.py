"""``pymargin verify``: the figures of the exchange's answers about an account, recomputed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from pymargin.cli.options import rules
from pymargin.modes import Mode

__all__ = ["verify"]

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command(short_help="Recompute the figures of the exchange's answers about an account.")
@click.argument("answers", type=_FILE, nargs=-1, required=True, metavar="ANSWER...")
@click.option(
    "--prices",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Prices, as for `pymargin levels`; may be given several times: index prices, mark prices,"
    " bid and ask rates. A mark price in an answer goes before them.",
)
@rules
@click.option(
    "--mode",
    type=click.Choice([str(one) for one in Mode]),
    help="The account's mode, where the answers do not say.",
)
@click.option(
    "--leverage",
    type=click.IntRange(min=1),
    metavar="L",
    help="Leverage of the positions and loans for which the answers give none.",
)
@click.option(
    "--multi-assets/--single-asset",
    default=None,
    help="The mode of a USDⓈ-M account, where its answer does not say.",
)
@click.option(
    "--withdrawal",
    type=click.Choice(["maintenance", "initial"]),
    default="maintenance",
    show_default=True,
    help="What virtualMaxWithdrawAmount leaves: 1.2 times the maintenance margin, or the initial"
    " margin.",
)
@click.option(
    "--collateral",
    type=click.Choice(["gross", "net"]),
    default="gross",
    show_default=True,
    help="Cross Margin Pro takes collateral on whole holdings, or less the debt in the asset.",
)
@click.option("--all", "show_all", is_flag=True, help="Show the zeros that agree, too.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write every figure to FILE.parquet, .csv or .json.",
)
def verify(
    answers: tuple[Path, ...],
    prices: tuple[Path, ...],
    rules: str,
    mode: str | None,
    leverage: int | None,
    multi_assets: bool | None,
    withdrawal: Literal["maintenance", "initial"],
    collateral: Literal["gross", "net"],
    show_all: bool,
    out: Path | None,
) -> int:
    """Recompute the figures that ANSWERs of the exchange about one account already contain.

    Each figure is a line: theirs, ours, the difference, what is allowed and why, and whether it
    agrees, differs, or which input is missing. ANSWERs are told by their fields: the account of
    cross margin, portfolio margin or futures, its balances, positionRisk, symbolConfig,
    margin-asset-leverage. The exit code is 0 where every figure agrees, 1 where one differs or
    lacks an input, 2 for bad input.

    \b
    Examples:
      pymargin verify account.json --prices prices.json --rules rules.json
      pymargin verify account.json risk.json --rules rules.json --leverage 20 \\
          --out figures.csv
    """  # noqa: D301
    from pymargin.cli.evaluation import rules_line
    from pymargin.cli.faults import INCOMPLETE, InputError, blamed_on
    from pymargin.cli.inputs import read_answer, read_rules
    from pymargin.cli.outputs import check_target, write_table
    from pymargin.cli.price_inputs import read_price_files
    from pymargin.cli.screen import Screen
    from pymargin.cli.verification import show
    from pymargin.errors import MarginError
    from pymargin.verify import verify as verified

    if out is not None:
        check_target(out, inputs=(*answers, *prices, Path(rules)))
    known = read_rules(rules)
    try:
        report = verified(
            [read_answer(path) for path in answers],
            read_price_files(prices) if prices else None,
            known,
            mode=mode,
            leverage=leverage,
            multi_assets=multi_assets,
            withdrawal=withdrawal,
            collateral=collateral,
        )
    except MarginError as err:
        raise InputError(_by_file(str(err), answers)) from err
    if out is not None:
        with blamed_on(out):
            write_table(report.to_arrow(), out)
    screen = Screen()
    screen.line(rules_line(known, (report.mode,)))
    show(screen, report, show_all=show_all)
    if out is not None:
        screen.line()
        screen.line(f"{out} holds every figure")
    return 0 if report.ok else INCOMPLETE


def _by_file(message: str, answers: tuple[Path, ...]) -> str:
    """Name a file where an error names the place of an answer."""
    for place, path in enumerate(answers):
        message = message.replace(f"answer[{place}]", str(path))
    return message

"""``pymargin rules``: check, show and import rules; `rules_dated` has the commands of time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pymargin.cli.rules_dated import apply, diff, history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymargin.rules.binance_futures import NotionalCoef

__all__ = ["rules"]

_JSON_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group()
def rules() -> None:
    """Check, show, import, compare or bring forward margin rules."""


for _command in (apply, diff, history):
    rules.add_command(_command)


@rules.command()
@click.argument("file", type=_JSON_FILE)
def check(file: Path) -> int:
    """Say all that is wrong with FILE: a rules file, or an answer of the exchange.

    Warnings leave the file usable (exit code 0); errors do not (exit code 2).
    """
    from pymargin.cli.faults import BAD_INPUT
    from pymargin.cli.figures import counted
    from pymargin.cli.wording import in_options
    from pymargin.rules import check_rules

    problems = check_rules(file)
    for problem in problems:
        told = in_options(f"{problem.severity}: {problem}")
        click.echo(told, err=problem.severity == "error")
    n_errors = sum(problem.severity == "error" for problem in problems)
    found = f"{counted(n_errors, 'error')}, {counted(len(problems) - n_errors, 'warning')}"
    click.echo(f"{file}: {found}", err=n_errors > 0)
    return BAD_INPUT if n_errors else 0


@rules.command()
@click.argument("source", metavar="RULES")
@click.argument("asset", required=False)
def show(source: str, asset: str | None) -> int:
    """Show what RULES hold, or the tiers of one ASSET.

    RULES is a rules file, `builtin`, `builtin@2026-01-21T13:00Z` or `example`.
    """
    from pymargin.cli.inputs import read_rules
    from pymargin.cli.rulebook import show_asset, show_rules
    from pymargin.cli.screen import Screen

    known = read_rules(source)
    if asset is None:
        show_rules(Screen(), known)
    else:
        show_asset(Screen(), known, asset)
    return 0


_ANSWERS = {
    "cross-collateral": "GET /sapi/v1/margin/crossMarginCollateralRatio: collateral tiers",
    "liability-brackets": "GET /sapi/v1/margin/leverageBracket: brackets of Cross Margin Pro",
    "portfolio-collateral": "GET /sapi/v1/portfolio/collateralRate: flat rates",
    "portfolio-pro-collateral": "GET /sapi/v2/portfolio/collateralRate: tiered rates",
    "portfolio-leverage": "GET /sapi/v1/portfolio/margin-asset-leverage: leverage of loans",
    "usdm-brackets": "GET /fapi/v1/leverageBracket, or ccxt's leverage tiers",
    "coinm-brackets": "GET /dapi/v2/leverageBracket, or ccxt's leverage tiers",
}


def _answer_options(command: click.Command) -> click.Command:
    """Give a command one option for each answer of the exchange."""
    options: list[click.Parameter] = [
        click.Option([f"--{name}"], type=_JSON_FILE, metavar="FILE", help=f"The answer of {what}.")
        for name, what in _ANSWERS.items()
    ]
    about = "The answer of GET exchangeInfo of fapi or dapi; may be given twice."
    symbols = click.Option(
        ["--symbols"], type=_JSON_FILE, multiple=True, metavar="FILE", help=about
    )
    command.params[:0] = [*options, symbols]
    return command


@_answer_options
@rules.command(name="import")
@click.option(
    "--notional-coef",
    type=click.Choice(["ignore", "apply"]),
    default="ignore",
    show_default=True,
    help="Whether caps are multiplied by a symbol's notionalCoef.",
)
@click.option(
    "--at",
    metavar="MOMENT",
    help="Whose methodologies apply, such as 2026-01-21T13:00Z; the newest where absent.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The rules file to write.",
)
def import_rules(
    at: str | None,
    out: Path,
    notional_coef: NotionalCoef,
    symbols: tuple[Path, ...],
    **answers: Path | None,
) -> int:
    """Make a rules file of the exchange's own answers.

    \b
    Example:
      pymargin rules import --cross-collateral ratios.json \\
          --liability-brackets brackets.json --out rules.json
    """  # noqa: D301
    from pymargin.cli.faults import InputError
    from pymargin.cli.figures import counted
    from pymargin.cli.outputs import check_target, replacing
    from pymargin.cli.wording import in_options
    from pymargin.errors import RulesError
    from pymargin.rules import rules_from_binance
    from pymargin.rules.kinds import table_kind

    given: dict[str, Any] = {name: path for name, path in answers.items() if path is not None}
    inputs = [*given.values(), *symbols]
    if symbols:
        given["symbols"] = symbols
    if not given:
        names = ", ".join(f"--{name}" for name in _ANSWERS)
        raise click.UsageError(f"give at least one of {names} and --symbols")
    check_target(out, suffixes=(".json",), inputs=inputs)
    try:
        known = rules_from_binance(**given, notional_coef=notional_coef, at=at)
    except RulesError as err:
        raise InputError(_by_file(str(err), given)) from err
    with replacing(out) as partial:
        known.save(partial)
    for problem in known.problems():
        click.echo(in_options(f"warning: {problem}"), err=True)
    parts = [
        f"{table} {counted(len(known.names(table)), table_kind(table).names.removesuffix('s'))}"
        for table in known.tables
    ]
    parts += [counted(len(known.contracts), "contract")] if known.contracts else []
    parts += [counted(len(known.loan_leverage), "loan leverage")] if known.loan_leverage else []
    click.echo(f"{out}: {', '.join(parts)}")
    return 0


def _by_file(message: str, given: Mapping[str, Any]) -> str:
    """Name the file where a fault names the place in an answer, after its argument if any."""
    lines = []
    for line in message.splitlines():
        name, colon, rest = line.partition(": ")
        if colon and name in given:
            lines.append(_in_file(given[name], rest))
        elif line.startswith("$") and len(given) == 1:
            lines.append(_in_file(next(iter(given.values())), line))
        else:
            lines.append(line)
    return "\n".join(lines)


def _in_file(given: Path | Sequence[Path], line: str) -> str:
    """Put the file in front; of several the one that the place begins with."""
    if isinstance(given, Path):
        return f"{given}: {line}"
    found = re.match(r"\$\[(\d+)\]", line)
    if found is None or int(found[1]) >= len(given):
        return line
    return f"{given[int(found[1])]}: ${line[found.end() :]}"

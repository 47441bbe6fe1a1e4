"""``pymargin rules``: check, show and import rules."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["rules"]

_JSON_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group()
def rules() -> None:
    """Check, show or import margin rules."""


@rules.command()
@click.argument("file", type=_JSON_FILE)
def check(file: Path) -> int:
    """Say all that is wrong with FILE: a rules file, or an answer of the exchange.

    Warnings leave the file usable (exit code 0); errors do not (exit code 2).
    """
    from pymargin.cli.faults import BAD_INPUT
    from pymargin.cli.figures import counted
    from pymargin.rules import check_rules

    problems = check_rules(file)
    for problem in problems:
        click.echo(f"{problem.severity}: {problem}", err=problem.severity == "error")
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


@rules.command(name="import")
@click.option(
    "--cross-collateral",
    type=_JSON_FILE,
    metavar="FILE",
    help="The answer of GET /sapi/v1/margin/crossMarginCollateralRatio: collateral tiers.",
)
@click.option(
    "--liability-brackets",
    type=_JSON_FILE,
    metavar="FILE",
    help="The answer of GET /sapi/v1/margin/leverageBracket: brackets of Cross Margin Pro.",
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
    cross_collateral: Path | None, liability_brackets: Path | None, at: str | None, out: Path
) -> int:
    """Make a rules file of the exchange's own answers.

    \b
    Example:
      pymargin rules import --cross-collateral ratios.json --liability-brackets brackets.json \\
          --out rules.json
    """  # noqa: D301
    from pymargin.cli.figures import counted
    from pymargin.cli.outputs import check_target, replacing
    from pymargin.rules import rules_from_binance

    given = [path for path in (cross_collateral, liability_brackets) if path is not None]
    if not given:
        raise click.UsageError("give --cross-collateral, --liability-brackets or both")
    check_target(out, suffixes=(".json",), inputs=given)
    known = rules_from_binance(
        cross_collateral=cross_collateral, liability_brackets=liability_brackets, at=at
    )
    with replacing(out) as partial:
        known.save(partial)
    for problem in known.problems():
        click.echo(f"warning: {problem}", err=True)
    names = ", ".join(
        f"{table} {counted(len(known.names(table)), 'asset')}" for table in known.tables
    )
    click.echo(f"{out}: {names}")
    return 0

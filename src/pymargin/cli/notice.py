"""``pymargin notice``: what an exchange's notice changes, and what could not be read in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pymargin.cli.screen import Screen
    from pymargin.notices import Change, Notice
    from pymargin.notices.change import ChangeValue
    from pymargin.rules import Tier

__all__ = ["notice"]


@click.command(short_help="Read an exchange's notice into changes and problems.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.argument("key", required=False)
@click.option(
    "--rules",
    metavar="RULES",
    help="Report names that these rules do not have: a file, `builtin@MOMENT` or `example`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print changes and problems as JSON.")
def notice(file: Path, key: str | None, rules: str | None, as_json: bool) -> int:
    """Show what the notice in FILE changes, or the tiers of one KEY before and after.

    FILE is the notice's text (cells of tables may run together), Markdown or HTML. KEY is an asset,
    a symbol or a rank. The exit code is 1 where something was left out.

    \b
    Examples:
      pymargin notice notice.md
      pymargin notice notice.md FETUSDT
    """  # noqa: D301
    from pymargin.cli.faults import INCOMPLETE, InputError, blamed_on
    from pymargin.cli.inputs import read_rules
    from pymargin.cli.screen import Screen
    from pymargin.notices import read_notice
    from pymargin.rules import names_by_product

    known = None if rules is None else names_by_product(read_rules(rules))
    with blamed_on(file):
        found = read_notice(file, known=known)
    if as_json:
        click.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    elif key is not None:
        chosen = [change for change in found.changes if str(change.key) == key]
        if not chosen:
            raise InputError(f"{file} has no change of {key}")
        for change in chosen:
            _show_change(Screen(), change)
    else:
        _show(Screen(), found)
    is_incomplete = any(problem.action == "left_out" for problem in found.problems)
    return INCOMPLETE if is_incomplete else 0


def _show(screen: Screen, found: Notice) -> None:
    from pymargin.cli.figures import counted
    from pymargin.cli.screen import Column

    published = f", published {found.published}" if found.published else ""
    screen.line(f"{found.title or 'a notice without a title'}{published}")
    screen.heading(counted(len(found.changes), "change"))
    columns = [Column("key"), Column("before"), Column("after")]
    for heading, changes in _by_moment_and_table(found.changes).items():
        screen.heading(heading)
        rows = [(str(one.key), _short(one.before), _short(one.after)) for one in changes]
        screen.table(columns, rows)
    screen.heading(counted(len(found.problems), "problem"))
    if found.problems:
        columns = [Column("line", True), Column("action"), Column("what"), Column("how")]
        screen.table(
            columns,
            [
                (str(problem.line), problem.action.replace("_", " "), problem.what, problem.how)
                for problem in found.problems
            ],
        )


def _by_moment_and_table(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Return changes by what they have in common, in words."""
    found: dict[str, list[Change]] = {}
    for one in changes:
        moment = f"{one.effective:%Y-%m-%d %H:%M} UTC{_within(one.window)}"
        found.setdefault(f"{moment}: {one.product}, {one.table}", []).append(one)
    return found


def _show_change(screen: Screen, change: Change) -> None:
    from pymargin.cli.screen import Column

    screen.heading(
        f"{change.key} ({change.product}, {change.table}) from "
        f"{change.effective:%Y-%m-%d %H:%M} UTC{_within(change.window)}"
    )
    for side, value in (("before", change.before), ("after", change.after)):
        if isinstance(value, tuple):
            screen.line(f"{side}:")
            columns = [Column(name, True) for name in ("above", "up to", "rate", "leverage")]
            screen.table(columns, list(map(_tier_cells, value)))
        else:
            screen.line(f"{side}: {_short(value)}")


def _tier_cells(tier: Tier) -> tuple[str, ...]:
    from pymargin.notices.findings import percent

    cap = "-" if tier.cap is None else f"{tier.cap:,}"
    leverage = "-" if tier.leverage is None else f"{tier.leverage}x"
    return f"{tier.floor:,}", cap, percent(tier.rate), leverage


def _within(window: timedelta) -> str:
    from pymargin.cli.figures import duration

    return f", within {duration(window)}" if window else ""


def _short(value: ChangeValue | None) -> str:
    """Write a value in a few words; a table by its size, its first leverage and its end."""
    from pymargin.notices.findings import percent

    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return percent(value)
    first, last = value[0], value[-1]
    leverage = "" if first.leverage is None else f", {first.leverage}x"
    end = "" if last.cap is None else f", to {last.cap:,}"
    return f"{len(value)} tiers{leverage}{end}"


def _plain(found: Notice) -> Mapping[str, Any]:
    return {
        "title": found.title,
        "published": None if found.published is None else found.published.isoformat(),
        "changes": [dict(_fields(change)) for change in found.changes],
        "problems": [
            {
                "line": problem.line,
                "what": problem.what,
                "action": problem.action,
                "how": problem.how,
                "text": problem.text,
            }
            for problem in found.problems
        ],
    }


def _fields(change: Change) -> Iterator[tuple[str, Any]]:
    for name in ("product", "table", "key", "effective", "window", "before", "after", "text"):
        value = getattr(change, name)
        if isinstance(value, datetime):
            yield name, f"{value:%Y-%m-%dT%H:%MZ}"
        elif isinstance(value, timedelta):
            yield "window_minutes", value // timedelta(minutes=1)
        elif isinstance(value, tuple):
            yield name, [_tier_fields(tier) for tier in value]
        else:
            yield name, str(value) if isinstance(value, Decimal) else value


def _tier_fields(tier: Tier) -> dict[str, str | None]:
    values = {name: getattr(tier, name) for name in ("floor", "cap", "rate", "leverage")}
    return {name: None if value is None else str(value) for name, value in values.items()}

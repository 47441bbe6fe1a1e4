"""Reads the changes of notices for a command, and says what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pymargin.cli.faults import blamed_on
from pymargin.cli.inputs import read_rules

if TYPE_CHECKING:
    from pymargin.notices import Change, Notice
    from pymargin.rules import MarginRules, Timeline

__all__ = [
    "applied_moment",
    "knows",
    "read_changes",
    "read_notices",
    "read_rules_or_answer",
    "snapshots",
    "warn_conflicts",
]

_CONFLICTS_SHOWN = 20


def read_notices(
    paths: Iterable[Path], known: MarginRules | None = None
) -> tuple[list[Notice], bool]:
    """Read notices; what was mended or left out is told on stderr, as are names not known.

    Returns
    -------
    tuple
        The notices; and whether each announces something and nothing was left out.
    """
    from pymargin.notices import read_notice
    from pymargin.rules import names_by_product

    names = None if known is None else names_by_product(known)
    notices: list[Notice] = []
    is_whole = True
    for path in paths:
        with blamed_on(path):
            notice = read_notice(path, known=names)
        notices.append(notice)
        for problem in notice.problems:
            click.echo(f"{path}: {problem}", err=True)
            is_whole &= problem.action != "left_out"
        if not notice.changes:
            click.echo(f"{path}: announces no change that can be read", err=True)
            is_whole = False
    return notices, is_whole


def read_changes(
    paths: Iterable[Path], known: MarginRules | None = None
) -> tuple[tuple[Change, ...], bool]:
    """Read the changes of notices in their order; and whether the notices could be read whole."""
    notices, is_whole = read_notices(paths, known)
    return tuple(change for notice in notices for change in notice.changes), is_whole


def warn_conflicts(timeline: Timeline, name: str | None = None) -> bool:
    """Tell the conflicts of a timeline, or those of one name, on stderr; whether there is none."""
    found = [one for one in timeline.conflicts if name is None or one.change.key == name]
    for conflict in found[:_CONFLICTS_SHOWN]:
        click.echo(f"conflict: {conflict}", err=True)
    if len(found) > _CONFLICTS_SHOWN:
        click.echo(f"... and {len(found) - _CONFLICTS_SHOWN} more conflicts", err=True)
    return not found


def applied_moment(timeline: Timeline, at: str | None) -> str | datetime:
    """Return the moment asked for, else the last at which a change takes effect."""
    if at is not None:
        return at
    moments = [change.effective for change in timeline.changes]
    start = timeline.rules.moment
    return max([*moments, start] if start is not None else moments)


def knows(rules: MarginRules, name: str) -> bool:
    """Say whether rules hold a rank or a schedule of an asset or symbol."""
    ranks = (rules.ranks, rules.portfolio_pro_ranks)
    return any(name in held for held in ranks) or any(
        rules.find(table, name) is not None for table in rules.tables
    )


def snapshots(timeline: Timeline) -> list[MarginRules]:
    """Return the rules that a timeline starts from, and those of each of its moments."""
    moments = timeline.moments
    start = timeline.rules.moment
    if start is not None:
        moments = (start, *moments)
    elif moments:
        moments = (moments[0] - timedelta(microseconds=1), *moments)
    return [timeline.at(moment) for moment in moments]


def read_rules_or_answer(source: str) -> MarginRules:
    """Read rules, or an answer of the exchange, which is told by its shape."""
    from pymargin.rules.binance import answer_of, rules_from_binance
    from pymargin.rules.jsonfile import read_json

    path = Path(source)
    if path.is_file():
        with blamed_on(source):
            content = read_json(path)
            argument = answer_of(content)
            if argument is not None:
                return rules_from_binance(**{argument: content})
    return read_rules(source)

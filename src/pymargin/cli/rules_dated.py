"""``pymargin rules apply``, ``diff`` and ``history``: rules from moment to moment."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["apply", "diff", "history"]

_NOTICE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command()
@click.argument("notices", type=_NOTICE, nargs=-1, required=True, metavar="NOTICE...")
@click.option(
    "--to",
    required=True,
    metavar="RULES",
    help="The rules that the changes are made to: a file, `builtin@MOMENT` or `example`.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The rules file to write; the file of --to where absent.",
)
@click.option(
    "--at",
    metavar="MOMENT",
    help="As of when, such as 2025-11-07T06:00Z; the last moment of the notices where absent.",
)
@click.option(
    "--window",
    type=click.Choice(["before", "after"]),
    default="after",
    show_default=True,
    help="Take a change within its own window as not made yet, or as made.",
)
def apply(notices: tuple[Path, ...], to: str, out: Path | None, at: str | None, window: str) -> int:
    """Make the changes that NOTICEs announce to a rules file.

    A change from before the rules' own moment is part of them already, so applying a notice twice
    changes nothing. Where a notice's "before" contradicts the rules, that is said on stderr, and
    the announced "after" is applied. The exit code is 1 where that happened or part of a notice
    could not be read.

    \b
    Example:
      pymargin rules apply notice.md --to rules.json
    """  # noqa: D301
    from pymargin.cli.changes import applied_moment, read_changes, warn_conflicts
    from pymargin.cli.faults import INCOMPLETE, InputError
    from pymargin.cli.figures import counted
    from pymargin.cli.inputs import read_rules
    from pymargin.cli.outputs import check_target, replacing
    from pymargin.rules import Timeline
    from pymargin.rules.methodology import moment_text

    target = Path(to) if out is None else out
    if out is None and not target.is_file():
        raise InputError(f"give --out: {to} is not a file that the rules can be written back to")
    option = "--to, which is written back," if out is None else "--out"
    check_target(target, option=option, suffixes=(".json",), inputs=notices)
    rules = read_rules(to)
    changes, is_whole = read_changes(notices, rules)
    timeline = Timeline(rules, changes)
    is_sound = warn_conflicts(timeline)
    known = timeline.at(applied_moment(timeline, at), window=window)  # type: ignore[arg-type]
    is_same = out is None and known == rules
    if not is_same:
        with replacing(target) as partial:
            known.save(partial)
    told = "nothing changes" if is_same else counted(len(timeline.changes), "change")
    moment = "" if known.moment is None else f", as of {moment_text(known.moment)}"
    click.echo(f"{target}: {told}{moment}; digest {known.digest}")
    return 0 if is_whole and is_sound else INCOMPLETE


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--notice",
    "notices",
    type=_NOTICE,
    multiple=True,
    metavar="FILE",
    help="Say what became in B of each change that this notice announced; may be given again.",
)
@click.option("--brief", is_flag=True, help="Name what differs, without the schedules.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where A and B differ.")
def diff(a: str, b: str, notices: tuple[Path, ...], brief: bool, exit_code: bool) -> int:
    """Show what differs between the rules A and B.

    Each is a rules file, `builtin@MOMENT`, `example`, or an answer of the exchange (a fresh dump
    of its collateral ratios or brackets), which is compared by the tables that it has.

    \b
    Examples:
      pymargin rules diff rules.json builtin@2025-11-14T06:00Z
      pymargin rules diff rules.json ratios.json --notice notice.md
    """  # noqa: D301
    from pymargin.cli.changes import read_changes, read_rules_or_answer
    from pymargin.cli.differences import show_announced, show_differences
    from pymargin.cli.faults import INCOMPLETE
    from pymargin.cli.screen import Screen
    from pymargin.rules import compare_rules

    ours, theirs = read_rules_or_answer(a), read_rules_or_answer(b)
    changes, is_whole = read_changes(notices)
    found = compare_rules(ours, theirs, announced=changes)
    screen = Screen()
    show_differences(screen, found, a, b, brief=brief)
    if notices:
        show_announced(screen, found.announced, b)
    differs = exit_code and bool(found)
    return INCOMPLETE if differs or not is_whole else 0


@click.command()
@click.argument("name", metavar="ASSET")
@click.argument("notices", type=_NOTICE, nargs=-1, metavar="[NOTICE]...")
@click.option(
    "--rules",
    metavar="RULES",
    help="What the notices' changes are made to; the exchange's documents where absent.",
)
def history(name: str, notices: tuple[Path, ...], rules: str | None) -> int:
    """Show what an ASSET or symbol had from moment to moment.

    Without files: by the exchange's documents that pymargin holds. With NOTICEs: by their changes
    to RULES.

    \b
    Examples:
      pymargin rules history WIF
      pymargin rules history WIF notice.md --rules rules.json
    """  # noqa: D301
    from pymargin.cli.changes import knows, read_changes, snapshots, warn_conflicts
    from pymargin.cli.differences import show_history
    from pymargin.cli.faults import INCOMPLETE, InputError
    from pymargin.cli.inputs import read_rules
    from pymargin.cli.screen import Screen
    from pymargin.rules import Timeline, builtin_rules
    from pymargin.rules.history import builtin_moments

    changes, is_whole = read_changes(notices)
    if rules is None and not notices:
        found = [builtin_rules(at=moment) for moment in builtin_moments()]
    else:
        known = builtin_rules(at=builtin_moments()[0]) if rules is None else read_rules(rules)
        timeline = Timeline(known, changes)
        warn_conflicts(timeline, name)
        found = snapshots(timeline)
    perpetual = f"{name}_PERP"
    if not any(knows(rules, name) for rules in found):
        # Notices name a COIN-M perpetual by its pair.
        name = perpetual if any(knows(rules, perpetual) for rules in found) else name
    if not any(knows(rules, name) for rules in found):
        raise InputError(f"{name} has no rank and no schedule at any moment of these rules")
    show_history(Screen(), found, name)
    return 0 if is_whole else INCOMPLETE

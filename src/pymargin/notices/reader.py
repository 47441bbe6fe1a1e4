"""Reads a notice: finds its tables, has each read by its kind, and accounts for what is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

from pymargin.notices import (
    asset_ranks,
    brackets,
    flat_ratios,
    portfolio_rates,
    pro_tiers,
    rank_tiers,
)
from pymargin.notices.change import Change, Notice, NoticeProblem
from pymargin.notices.gather import gathered
from pymargin.notices.headers import Header, headers_in
from pymargin.notices.html import is_html, lines_of_html
from pymargin.notices.moments import moments_in, published_in
from pymargin.notices.notes import Notes, Table
from pymargin.notices.sections import Sections
from pymargin.notices.text import Passage, lines_of, passages_of
from pymargin.notices.unknown_names import Known, unknown_names

__all__ = ["read_notice"]

# The first that matches a head reads its table.
_KINDS: tuple[ModuleType, ...] = (
    brackets,
    flat_ratios,
    asset_ranks,
    portfolio_rates,
    rank_tiers,
    pro_tiers,
)
_SUFFIXES = (".md", ".txt", ".html", ".htm", ".markdown")
_LONGEST_PATH = 4096
# The longest real table has under 5,000 characters; this bounds the time that any text takes.
_LONGEST_TABLE = 50_000
# A notice comes days ahead of what it announces; this is far more.
_LONGEST_AHEAD = timedelta(days=90)


def read_notice(source: str | os.PathLike[str], *, known: Known | None = None) -> Notice:
    """Read an exchange's notice: what changes, in which table, from when.

    Cross-margin asset numbers and their tiers, the flat borrow and transfer-out ratios, portfolio
    margin ratios, portfolio margin pro tiers, and leverage and margin tiers of futures are read,
    from plain text in which the cells of tables run together, from Markdown and from HTML. What
    cannot be read with certainty is a problem with its line, never a guess: every figure of the
    notice's tables is in a change or in a problem.

    Parameters
    ----------
    source
        A path, the name of an existing file as a text of one line, or the text itself.
    known
        Names of assets and symbols, or a mapping of products to theirs, such as
        :func:`pymargin.rules.names_by_product` gives: another name is reported, since nothing in a
        notice shows that a name which it prints once has lost a digit or a letter.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        The file is not UTF-8.
    ImportError
        The notice is HTML, and lxml (the extra ``notices``) is not installed.

    Examples
    --------
    >>> notice = read_notice('''Collateral ratios under Portfolio Margin
    ...
    ... The following assets will be adjusted on 2031-05-06 06:00 (UTC):
    ...
    ... AssetsCollateral Ratio (Before)Collateral Ratio (After)LTC85%80%''')
    >>> [(change.key, str(change.before), str(change.after)) for change in notice.changes]
    [('LTC', '0.85', '0.8')]
    """
    text = _text_of(source)
    lines = lines_of_html(text) if is_html(text) else lines_of(text)
    passages = gathered(passages_of(lines))
    notes = Notes()
    body = [passage.text for passage in passages if not passage.is_title]
    moments = tuple(
        moment.at for part in body for moment in moments_in(part) if moment.at is not None
    )
    sections = Sections(notes, moments)
    for passage in passages:
        _read_passage(passage, sections, notes)
    for passage, span, what in sections.unused():
        notes.problem(passage, span, what, "warned", "the tables are read as dated")
    published = published_in([passage.text for passage in passages])
    changes = _merged(notes)
    if known is not None:
        for problem in unknown_names(notes.changes, known):
            notes.say(problem)
    _check_dates(changes, published, notes)
    if not changes and not notes.problems:
        notes.say(NoticeProblem(1, "no table was found", "left_out", "nothing is known of it"))
    title = passages[0].text.strip("# ").strip() if passages else ""
    problems = tuple(sorted(notes.problems, key=lambda problem: problem.line))
    return Notice(title, published, tuple(changes), problems)


def _text_of(source: str | os.PathLike[str]) -> str:
    if isinstance(source, str):
        is_name = 0 < len(source) < _LONGEST_PATH and "\n" not in source and "\0" not in source
        names_file = is_name and source.strip().lower().endswith(_SUFFIXES) and "<" not in source
        if not (is_name and (names_file or _is_file(source))):
            return source
    if isinstance(source, bytes):
        raise TypeError("source must be a text or a path, not bytes: decode the text first")
    path = Path(source)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise ValueError(f"{path} must be text in UTF-8: {err}") from err


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:
        return False


def _read_passage(passage: Passage, sections: Sections, notes: Notes) -> None:
    """Read a passage: prose and tables in turn."""
    if passage.is_title:
        sections.title(passage)
        return
    text, at = passage.text, 0
    headers = [header for header in headers_in(text) if _is_table(header, text)]
    ends = [*(header.start for header in headers[1:]), len(text)]
    for header, end in zip(headers, ends, strict=False):
        sections.prose(passage, at, header.start)
        table = Table(passage, header, end)
        at = _read_table(table, sections, notes)
        for span in notes.unaccounted(table, at):
            what = "a figure of this table is in no change"
            notes.problem(passage, span, what, "left_out", "no reading of the table has it")
    sections.prose(passage, at, len(text))


def _is_table(header: Header, text: str) -> bool:
    """Tell a head with figures under it from words that only look like one."""
    return any(letter.isdigit() for letter in text[header.end :])


def _read_table(table: Table, sections: Sections, notes: Notes) -> int:
    if table.end - table.header.end > _LONGEST_TABLE:
        span = (table.header.start, table.end)
        what = f"a table of {table.end - table.header.end:,} characters, longer than any"
        notes.problem(table.passage, span, what, "left_out", "no change is made of it")
        return table.end
    for kind in _KINDS:
        if kind.matches(table.header):
            read: Callable[[Table, Sections, Notes], int] = kind.read
            return read(table, sections, notes)
    span = (table.header.start, table.end)
    what = "a table of a kind that the reader does not know"
    notes.problem(table.passage, span, what, "left_out", "no change is made of it")
    return table.end


def _merged(notes: Notes) -> list[Change]:
    """Make one change of those with one key and moment; they must not contradict each other."""
    groups: dict[tuple[object, ...], list[tuple[int, Change]]] = {}
    for line, change in notes.changes:
        key = (change.product, change.table, change.key, change.effective)
        groups.setdefault(key, []).append((line, change))
    found = []
    for group in groups.values():
        first = group[0][1]
        befores = {change.before for _, change in group if change.before is not None}
        afters = {change.after for _, change in group if change.after is not None}
        if len(befores) > 1 or len(afters) > 1:
            notes.say(_contradiction(group))
            continue
        before, after = next(iter(befores), None), next(iter(afters), None)
        found.append(replace(first, before=before, after=after))
    return found


def _contradiction(group: Sequence[tuple[int, Change]]) -> NoticeProblem:
    line, change = group[-1]
    lines = ", ".join(str(number) for number in sorted({number for number, _ in group}))
    what = f"{change.key}: the notice prints its {change.table} more than once and differently"
    how = f"lines {lines} contradict each other: no change is made of them"
    return NoticeProblem(line, what, "left_out", how, change.text)


def _check_dates(changes: Sequence[Change], published: date | None, notes: Notes) -> None:
    if published is None:
        return
    start = datetime(published.year, published.month, published.day, tzinfo=UTC)
    for at in sorted({change.effective for change in changes}):
        if not start - timedelta(days=1) <= at <= start + _LONGEST_AHEAD:
            what = f"{at:%Y-%m-%d %H:%M} is far from the day of publication, {published}"
            line = next(line for line, change in notes.changes if change.effective == at)
            notes.say(NoticeProblem(line, what, "warned", "read as printed"))

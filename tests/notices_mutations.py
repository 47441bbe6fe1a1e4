"""Spoils notices one sign at a time and sees whether the reader says so.

``python tests/notices_mutations.py FOLDER`` spoils every notice of a folder; without a folder, our
own. A spoilt notice must read as before or give a new problem. What reads differently and says
nothing is classified by what differs.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pymargin.notices import Change, Notice, read_notice
from pymargin.notices.headers import headers_in
from pymargin.notices.moments import moments_in
from pymargin.notices.text import lines_of

ALLOWED = ("last cap", "rate that nothing repeats")
NAME_KINDS = ("digit of a name dropped",)

_DIGIT = re.compile("[0-9]")
_LEVERAGE = re.compile(r" ?[0-9]{1,3} - [0-9]{1,3}x| ?[0-9]{1,3}x")
_BAND = re.compile(r"[0-9][0-9,]* ?[<-] ?(?:Position +≤ +)?[0-9]{1,3}(?:,[0-9]{3})+")
_RATE = re.compile(r"(?:(?<=,[0-9]{3})|(?<=[%A-Z]))(?:100|[1-9]?[0-9])(?:\.[0-9]+)?%")
_ABSENT = re.compile(r"(?<![A-Z])N/?A(?=[0-9 ])|---")
_SIGN = re.compile(r"[%x<≤.-]")


@dataclass(frozen=True)
class Mutation:
    """One spoilt line: what was done to it, where, and the whole text."""

    kind: str
    at: int
    text: str


@dataclass(frozen=True)
class Part:
    """A notice with one of its tables: the lines before the table's, its own, and those after."""

    before: str
    line: str
    after: str
    start: int
    heading: tuple[int, int]

    def text(self) -> str:
        return f"{self.before}{self.line}{self.after}"


def parts_of(text: str) -> Iterator[Part]:
    """Take a notice apart into notices of one table each, so that a reading takes no time."""
    lines = text.splitlines(keepends=True)
    tables = {}
    for number, line in enumerate(lines):
        headers = list(headers_in(lines_of(line)[0].text)) if line.strip() else []
        if headers and _DIGIT.search(line[headers[0].end :]):
            tables[number] = headers[0].end
    headings = {}
    for number in tables:
        above = [at for at in range(number) if lines[at].strip() and at not in tables]
        headings[number] = above[-1]
    for number, start in tables.items():
        others = {at for at in tables if at != number}
        others |= {headings[at] for at in others if moments_or_symbols(lines[headings[at]])}
        others -= {headings[number]}
        # The line of a group of tables stays: a table may stand in it alone.
        kept = [(at, line) for at, line in enumerate(lines) if at not in others or at == number]
        before = "".join(line for at, line in kept if at < number)
        begin = len("".join(line for at, line in kept if at < headings[number]))
        span = (begin, begin + len(lines[headings[number]]))
        after = "".join(line for at, line in kept if at > number)
        yield Part(before, lines[number], after, start, span)


def moments_or_symbols(line: str) -> bool:
    return bool(re.search(r"[A-Z0-9]USDT", line)) and "will" not in line


def mutations_of(part: Part, whole: Notice) -> Iterator[Mutation]:
    """Spoil a table in every single way: digits, commas, signs, cells and rows that are lost."""
    line, start = part.line.rstrip("\n"), part.start
    names = frozenset(str(one.key) for one in whole.changes if isinstance(one.key, str))
    has_tiers = any(isinstance(one.after or one.before, tuple) for one in whole.changes)
    in_names = _spans_of_names(line, start, names)
    for found in re.finditer("[0-9,]", line[start:]):
        at = start + found.start()
        is_named = any(begin <= at < end for begin, end in in_names)
        kind = "comma lost" if line[at] == "," else "digit dropped"
        if is_named and kind == "digit dropped":
            kind = "digit of a name dropped"
        yield _without(part, kind, at, at + 1)
    for found in _SIGN.finditer(line, start):
        yield _without(part, f"sign {found.group()} lost", *found.span())
    for kind, pattern in (
        ("leverage cell gone", _LEVERAGE),
        ("band cell gone", _BAND),
        ("rate cell gone", _RATE),
        ("NA cell gone", _ABSENT),
    ):
        for found in pattern.finditer(line, start):
            yield _without(part, kind, *found.span())
    if has_tiers:
        yield from _rows_gone(part, line, start)
    yield from _heading(part)


def _rows_gone(part: Part, line: str, start: int) -> Iterator[Mutation]:
    """Drop from one rate to the next, and to the one after it: a side of a row, and a row.

    A whole row of a flat list (a name with its rates) leaves no trace, and is not counted.
    """
    ends = [start, *(found.end() for found in _RATE.finditer(line, start))]
    for step, kind in ((1, "side of a row gone"), (2, "row gone"), (3, "one and a half rows gone")):
        for begin, end in zip(ends, ends[step:], strict=False):
            yield _without(part, kind, begin, end)


def _heading(part: Part) -> Iterator[Mutation]:
    """Drop digits of the moments, and commas between symbols, in the line above the table."""
    begin, end = part.heading
    above = part.before[begin:end]
    sites = [
        (at, "digit of a moment dropped")
        for moment in moments_in(above)
        for at in range(moment.start, moment.end)
        if above[at].isdigit()
    ]
    if moments_or_symbols(above):
        sites += [
            (found.start(), "comma between symbols lost") for found in re.finditer(",", above)
        ]
    for at, kind in sites:
        spoilt = part.before[: begin + at] + part.before[begin + at + 1 :]
        yield Mutation(kind, at, f"{spoilt}{part.line}{part.after}")


def _spans_of_names(line: str, start: int, names: frozenset[str]) -> list[tuple[int, int]]:
    spans = []
    for name in names:
        if any(letter.isdigit() for letter in name):
            spans += [found.span() for found in re.finditer(re.escape(name), line[start:])]
    return [(begin + start, end + start) for begin, end in spans]


def _without(part: Part, kind: str, begin: int, end: int) -> Mutation:
    line = part.line[:begin] + part.line[end:]
    return Mutation(kind, begin, f"{part.before}{line}{part.after}")


def outcome(whole: Notice, spoilt: Notice) -> str:
    """Say what became of a spoilt notice: ``same``, ``problem``, or the class of its silence."""
    if set(spoilt.changes) == set(whole.changes):
        return "same"
    known = Counter((problem.what, problem.action) for problem in whole.problems)
    found = Counter((problem.what, problem.action) for problem in spoilt.problems)
    if found - known:
        return "problem"
    return silence(whole, spoilt)


def silence(whole: Notice, spoilt: Notice) -> str:
    """Classify a reading that differs in silence, by what differs."""
    key = [(one.product, one.table, one.key, one.effective) for one in whole.changes]
    if key != [(one.product, one.table, one.key, one.effective) for one in spoilt.changes]:
        return "other keys or moments"
    classes = {
        _difference(old, new, whole)
        for old, new in zip(whole.changes, spoilt.changes, strict=True)
        if old != new
    }
    return classes.pop() if len(classes) == 1 else "several differences"


def _difference(old: Change, new: Change, whole: Notice) -> str:
    if old.window != new.window:
        return "window"
    if old.table == "rate":
        return "rate that nothing repeats"
    for side in ("before", "after"):
        left, right = getattr(old, side), getattr(new, side)
        if left == right:
            continue
        other = getattr(old, "after" if side == "before" else "before")
        if not isinstance(left, tuple) or not isinstance(right, tuple):
            return f"{old.table} of one value"
        return _difference_of_tiers(left, right, other)
    return "none"


def _difference_of_tiers(left: tuple, right: tuple, other: tuple | None) -> str:
    if len(left) != len(right):
        return "number of tiers"
    for place, (one, two) in enumerate(zip(left, right, strict=True)):
        if one.leverage != two.leverage:
            return "leverage"
        if one.floor != two.floor:
            return "floor"
        if one.cap != two.cap:
            is_last = place == len(left) - 1
            return "last cap" if is_last and one.cap is not None else "cap"
        if one.rate != two.rate:
            repeated = place == 0 and one.rate == Decimal(1)
            for tier in other or ():
                same_leverage = one.leverage is not None and tier.leverage == one.leverage
                repeated |= same_leverage and tier.rate == one.rate
            return "rate that another repeats" if repeated else "rate that nothing repeats"
    return "none"


@dataclass
class Tally:
    """How many mutations of each kind had which outcome, and an example of each silence."""

    counts: Counter[tuple[str, str]]
    examples: dict[tuple[str, str], str]

    def total(self) -> int:
        return sum(count for (kind, _), count in self.counts.items() if kind not in NAME_KINDS)

    def forbidden(self) -> dict[tuple[str, str], str]:
        return {
            key: self.examples[key]
            for key in self.counts
            if key[1] not in ("same", "problem", *ALLOWED) and key[0] not in NAME_KINDS
        }


def tally(texts: list[str], *, most: int | None = None, seed: int = 1) -> Tally:
    """Spoil notices and count; with ``most``, only so many mutations, drawn at random."""
    work = []
    for text in texts:
        for part in parts_of(text):
            whole = read_notice(part.text())
            work += [(whole, mutation) for mutation in mutations_of(part, whole)]
    if most is not None and most < len(work):
        work = random.Random(seed).sample(work, most)
    result = Tally(Counter(), {})
    for whole, mutation in work:
        try:
            what = outcome(whole, read_notice(mutation.text))
        except Exception as err:
            what = f"raised {type(err).__name__}"
        result.counts[mutation.kind, what] += 1
        if what not in ("same", "problem"):
            result.examples.setdefault((mutation.kind, what), _example(whole, mutation))
    return result


def _example(whole: Notice, mutation: Mutation) -> str:
    spoilt = read_notice(mutation.text)
    old = set(whole.changes) - set(spoilt.changes)
    new = set(spoilt.changes) - set(whole.changes)
    return f"at {mutation.at}: {list(old)[:1]} became {list(new)[:1]}"


def table_of(result: Tally) -> list[str]:
    """Write a tally as the lines of a Markdown table."""
    kinds = sorted({kind for kind, _ in result.counts})
    classes = ["same", "problem", *ALLOWED]
    classes += sorted({what for _, what in result.counts} - set(classes))
    lines = ["| what was spoilt | all | " + " | ".join(classes) + " |"]
    lines.append("|" + "---|" * (len(classes) + 2))
    for kind in kinds:
        row = [result.counts[kind, what] for what in classes]
        lines.append(f"| {kind} | {sum(row):,} | " + " | ".join(f"{n:,}" for n in row) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--most", type=int, help="only so many mutations, drawn at random")
    given = parser.parse_args()
    if given.folder is None:
        from notices_texts import own_notices

        texts = own_notices()
    else:
        texts = [path.read_text(encoding="utf-8") for path in sorted(given.folder.glob("*.md"))]
    result = tally(texts, most=given.most)
    print("\n".join(table_of(result)))
    for (kind, what), example in result.examples.items():
        print(f"{kind}, {what}: {example}")
    print(f"{result.total():,} mutations, {len(result.forbidden())} forbidden silences")


if __name__ == "__main__":
    main()

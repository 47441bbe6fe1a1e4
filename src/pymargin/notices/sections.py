"""The prose around the tables: whose tables they are, from when, and how long the change takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from pymargin.notices.change import NoticeProduct
from pymargin.notices.moments import Moment, moments_in, window_in
from pymargin.notices.names import is_whole, symbols_in
from pymargin.notices.notes import Effect, Notes, Table
from pymargin.notices.text import Passage, is_prose

__all__ = ["Heading", "Sections"]

Section: TypeAlias = Literal["margin", "futures"]

_SENTENCE_END = re.compile(r"(?<![Nn]o)(?<=[a-z)])[.;](?:\s+|(?=[A-Z]))|(?<=:)\s")
_ANNOUNCES = re.compile(
    r"will (?:be )?(?:updat|adjust|chang|amend|revis)|effective|tak(?:e|ing) effect"
)
_FUTURES = re.compile(
    r"Futures|Perpetual|[Ll]everage\s?(?:and|&)\s?[Mm]argin [Tt]iers|USD[STC]?-M|COIN-M"
)
_USD_MARGINED = re.compile(r"USD[STC]?-M")
_MARGIN = re.compile(r"Portfolio Margin|Cross Margin|Binance Margin|PM Pro|[Cc]ollateral [Rr]atio")
_PRO = re.compile(r"PM Pro|Portfolio Margin Pro")
_RANKS_NAMED = re.compile(
    r"(?:assets?|tokens?|ranks?)\s*(?:no\.?|numbers?|ranks?)\s*((?:[0-9]{1,2}[\s,]*(?:and|&)?\s*)+)",
    re.IGNORECASE,
)
_TABULAR = re.compile(
    r"[0-9]\s?%|[0-9]\s?x(?![a-z])|[0-9],[0-9]{3}|[<≤]\s?[Pp]osition|(?<=[A-Z])[0-9]{2,4}(?=[A-Z])"
)
_CONTRACT_WORDS = re.compile(r"\b(?:USD[STC]?-M|COIN-M|UTC|GMT|USDS?|PERP|NEW|AND|TradFi)\b")
_CAPITALS = re.compile(r"(?<![A-Za-z0-9])[A-Z0-9]{2,}(?![A-Za-z0-9])")
_HEADS = re.compile(r"Contracts?\b|:\s*$")
_LEAST_TABULAR = 2


@dataclass(frozen=True, slots=True)
class Heading:
    """The symbols that a passage names before a table, and the moments beside them."""

    symbols: tuple[str, ...]
    moments: tuple[Moment, ...]
    passage: Passage
    span: tuple[int, int]


@dataclass(slots=True)
class Sections:
    """What the prose has said so far.

    Parameters
    ----------
    notes
        Where problems of the prose go.
    moments
        Every moment of the notice, to tell a short form that is said twice.
    """

    notes: Notes
    moments: tuple[datetime, ...]
    section: Section | None = None
    said: tuple[Moment, ...] = ()
    heading: Heading | None = None
    is_heading_used: bool = False
    window: timedelta | None = None
    only_window: timedelta | None = None
    margin_product: NoticeProduct | None = None
    futures_product: NoticeProduct | None = None
    ranks_named: frozenset[int] = frozenset()
    announced: dict[Section, dict[datetime, tuple[Passage, tuple[int, int]]]] = field(
        default_factory=dict
    )
    used: dict[Section, set[datetime]] = field(default_factory=dict)

    def title(self, passage: Passage) -> None:
        """Read a heading of the notice: it only says whose tables may come."""
        self._product(passage.text)

    def prose(self, passage: Passage, start: int, end: int) -> None:
        """Read a stretch of prose."""
        text = passage.text[start:end]
        for offset, sentence in _sentences(text):
            self._sentence(passage, start + offset, sentence)
        self._read_heading(passage, start, text)
        self._look_for_figures(passage, start, text)

    def _read_heading(self, passage: Passage, start: int, text: str) -> None:
        """Take the symbols of a line above a table; a sentence counts where it announces them."""
        symbols = symbols_in(text)
        is_heading = not is_prose(text) or _HEADS.search(text) or _ANNOUNCES.search(text)
        if not symbols or not is_heading:
            return
        span = (start, start + len(text))
        moments = moments_in(text)
        names = tuple(dict.fromkeys(name for name, _, _ in symbols))
        moved = tuple(_moved(moment, start) for moment in moments)
        self.heading, self.is_heading_used = Heading(names, moved, passage, span), False
        if is_prose(text):
            return
        rest = list(text)
        for begin, end in [(one.start, one.end) for one in moments] + [s[1:] for s in symbols]:
            rest[begin:end] = " " * (end - begin)
        for word in _CAPITALS.findall(_CONTRACT_WORDS.sub(" ", "".join(rest))):
            what = f"{word} stands among symbols and is none"
            self.notes.problem(passage, span, what, "left_out", "no change is made of it")

    def _sentence(self, passage: Passage, start: int, text: str) -> None:
        announces = _ANNOUNCES.search(text) is not None
        found = tuple(_moved(moment, start) for moment in moments_in(text))
        if announces:
            self._enter(text)
        elif found or self.margin_product is None:
            self._product(text)
        for moment in found:
            self._check_moment(passage, moment)
        if found and not (symbols_in(text) and not announces):
            self.said = found
        if announces and found and self.section:
            known = self.announced.setdefault(self.section, {})
            for moment in found:
                if moment.at is not None:
                    known.setdefault(moment.at, (passage, (moment.start, moment.end)))
        self._read_window(passage, start, text)
        ranks = _RANKS_NAMED.search(text)
        if ranks:
            self.ranks_named = frozenset(map(int, re.findall("[0-9]+", ranks.group(1))))

    def _enter(self, text: str) -> None:
        """Go into the section that a sentence announces; what the last one said is over."""
        self._product(text)
        section: Section | None = None
        if _FUTURES.search(text):
            section = "futures"
        elif _MARGIN.search(text):
            section = "margin"
        if section and section != self.section:
            self.section, self.said, self.window, self.heading = section, (), None, None

    def _product(self, text: str) -> None:
        if "coin-m" in text.lower():
            self.futures_product = "coinm"
        elif _USD_MARGINED.search(text):
            self.futures_product = "usdm"
        if _FUTURES.search(text) and not _MARGIN.search(text):
            return
        if re.search("Portfolio Margin|PM Pro", text):
            self.margin_product = "portfolio"
        elif re.search("Cross Margin|Binance Margin", text):
            self.margin_product = "cross_margin"

    def _check_moment(self, passage: Passage, moment: Moment) -> None:
        span = (moment.start, moment.end)
        if moment.at is None:
            self.notes.problem(
                passage, span, "this is no moment", "left_out", "what it dates is left out"
            )
        elif moment.is_short and self.moments.count(moment.at) < 2:
            self.notes.problem(
                passage, span, "a digit of this moment may be missing", "warned", "read as printed"
            )
        self.notes.account(passage, *span)

    def _read_window(self, passage: Passage, start: int, text: str) -> None:
        stated = window_in(text)
        if stated is None:
            return
        if not stated.is_usual:
            how = "read as printed" if stated.window is not None else "taken as none"
            span = (start + stated.start, start + stated.end)
            self.notes.problem(
                passage, span, "the completion window looks misprinted", "warned", how
            )
        self.window = self.only_window = stated.window

    def _look_for_figures(self, passage: Passage, start: int, text: str) -> None:
        """Report what looks like the cells of a table in prose."""
        blank = list(text)
        for _, begin, end in symbols_in(text):
            blank[begin:end] = " " * (end - begin)
        left = "".join(blank)
        # Rows and cells on lines of their own are no prose, whatever figures they have.
        is_table = len(passage.numbers) > 1 and any(letter.isdigit() for letter in left)
        if is_table or len(_TABULAR.findall(left)) >= _LEAST_TABULAR:
            self.notes.problem(
                passage,
                (start, start + len(text)),
                "figures under no head of a table that the reader knows",
                "left_out",
                "no change is made of them",
            )

    def effect(self, table: Table, said: tuple[Moment, ...] | None = None) -> Effect | None:
        """Say from when a table is in force; a problem where it is not one moment."""
        given = self.said if said is None else said
        moments = {moment.at for moment in given}
        if len(moments) != 1 or None in moments:
            what = "no moment is given for this table" if not moments else (
                "the moment of this table is misprinted" if None in moments
                else "more than one moment is given for this table"
            )  # fmt: skip
            span = (table.header.start, table.end)
            self.notes.problem(table.passage, span, what, "left_out", "no change is made of it")
            return None
        (at,) = moments
        assert at is not None
        if self.section:
            self.used.setdefault(self.section, set()).add(at)
        return self._effect_at(at)

    def _effect_at(self, at: datetime) -> Effect:
        return Effect(at, self.window or self.only_window or timedelta(0))

    def product(self, table: Table) -> NoticeProduct | None:
        """Say whose table this is, among the margin products; a problem where nothing says it."""
        if table.header.says("PM Pro|Portfolio Margin Pro"):
            return "portfolio_pro"
        if table.header.says("Portfolio Margin"):
            return "portfolio"
        if self.margin_product is None:
            span = (table.header.start, table.end)
            what = "no product is named for this table"
            self.notes.problem(table.passage, span, what, "left_out", "no change is made of it")
        return self.margin_product

    def symbols(self, table: Table) -> tuple[str, ...]:
        """Return the symbols that the prose before a table names; each heading dates one table."""
        heading = self.heading
        span = (table.header.start, table.end)
        if heading is None or self.is_heading_used:
            what = "no symbol is named for this table"
            self.notes.problem(table.passage, span, what, "left_out", "no change is made of it")
            return ()
        self.is_heading_used = True
        whose = {name for name in heading.symbols if not is_whole(name)}
        for name in sorted(whose):
            what = f"{name}: a comma may be missing between two symbols, or a letter in this one"
            self.notes.problem(heading.passage, heading.span, what, "warned", "read as one symbol")
        return heading.symbols

    def headed(self, table: Table) -> Effect | None:
        """Say from when a table under a heading of symbols is in force."""
        heading = self.heading
        own = heading.moments if heading is not None and not self.is_heading_used else ()
        self.section = self.section or "futures"
        return self.effect(table, own or self.said)

    def earliest(self, table: Table) -> Effect | None:
        """Say from when a table holds that goes with all changes of its section."""
        announced = self.announced.get("margin") or {}
        if len({moment.at for moment in self.said}) == 1 and not announced:
            return self.effect(table)
        moments = {*announced, *self.used.get("margin", ())}
        return self._effect_at(min(moments)) if moments else self.effect(table)

    def unused(self) -> Iterator[tuple[Passage, tuple[int, int], str]]:
        """Find moments that are announced and date no table, and those that only a table has."""
        for section, announced in self.announced.items():
            used = self.used.get(section, set())
            if not used:
                continue
            for at, (passage, span) in announced.items():
                if at not in used:
                    yield passage, span, "this moment is announced, and no table has it"
            for at in sorted(used - set(announced)):
                passage, span = next(iter(announced.values()))
                yield passage, span, f"a table is dated {at:%Y-%m-%d %H:%M}, not announced here"


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for end in _SENTENCE_END.finditer(text):
        yield start, text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield start, text[start:]


def _moved(moment: Moment, offset: int) -> Moment:
    return Moment(moment.at, moment.start + offset, moment.end + offset, moment.is_short)

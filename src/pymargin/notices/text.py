"""The text of a notice as passages: a line of prose or a whole table, with their lines.

Blanks, dashes and signs are brought to one form, since a notice is copied about before it is read.
A table that comes with its cells (Markdown, tabs) becomes one passage whose cells are set apart by
``|`` and whose rows by ``||``; in plain text the cells run together, and the grammar finds them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "ROW_END",
    "Line",
    "Passage",
    "is_prose",
    "joined",
    "lines_of",
    "normalised",
    "passages_of",
    "row_text",
]

ROW_END = "||"
"""What sets rows apart in a table that has them."""

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹣", "-"),
        **dict.fromkeys("⩽≦⋜", "≤"),
        **dict.fromkeys("⩾≧", "≥"),
        **dict.fromkeys("×✕✖", "x"),
        "〈": "<",
        "、": ",",
        "，": ",",
        "：": ":",
    }
)
# The circled S of COINⓈ-M stands for no letter of its own.
_COIN_SIGN = re.compile(r"(?<![A-Za-z])(COIN|Coin)S-M(?![a-z])")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_LESS_OR_EQUAL = re.compile(r"<\s?=|=\s?<")
_MORE_OR_EQUAL = re.compile(r">\s?=")
_MARKDOWN_ROW = re.compile(r"\s*\|.*\|\s*$")
_MARKDOWN_RULE = frozenset("|:- \t")
_QUOTED = re.compile(r"(?:\s{0,3}>)+ ?")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_CELL_BAR = re.compile(r"(?<!\\)\|")
_EMPHASIS = re.compile(r"(\*\*|__|\\(?=[*_|<>\-.&#]))")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_WORD = re.compile(r"[A-Za-z]+")
_SENTENCE = re.compile(r"[\s|*•>\"'(]*[A-Z][a-z']*[\s,:]")
_SAYS_SOMETHING = re.compile(r"UTC|GMT|[0-9]\s?%|[≤<|]")
_BEGINNING, _LEAST_WORDS = 80, 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the notice: its number from 1, and what stands in it, cells apart if it has any."""

    number: int
    text: str
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of text that is read as one.

    Parameters
    ----------
    text
        Normalised.
    starts, numbers
        At which offset each of its lines starts, and the line's number.
    is_title
        Whether it is a heading: it says what the notice is about, and no figure is taken from it.
    """

    text: str
    starts: tuple[int, ...]
    numbers: tuple[int, ...]
    is_title: bool = False

    def line_at(self, offset: int) -> int:
        """Return the number of the line that an offset lies in."""
        return self.numbers[max(bisect_right(self.starts, offset) - 1, 0)]


def normalised(text: str) -> str:
    """Bring blanks, dashes, signs and compatibility letters to one form; lines stay lines.

    Examples
    --------
    >>> normalised("USDⓈ-M 5,000 &lt; Position ⩽ 1０,000")
    'USDS-M 5,000 < Position ≤ 10,000'
    >>> normalised("COINⓈ-M")
    'COIN-M'
    """
    if "&" in text:
        text = html.unescape(text)
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    text = _COIN_SIGN.sub(r"\1-M", _INVISIBLE.sub("", text))
    return _MORE_OR_EQUAL.sub("≥", _LESS_OR_EQUAL.sub("≤", text))


def is_prose(text: str, at: int = 0) -> bool:
    """Tell whether a text goes on with words from ``at``: a sentence, and no cell of a table.

    Examples
    --------
    >>> [is_prose(text) for text in ("Please note that some", "ACX, CHR", "*Unchanged as of now")]
    [True, False, True]
    """
    beginning = text[at : at + _BEGINNING]
    words = _WORD.findall(beginning)
    begins = _SENTENCE.match(beginning) is not None
    return begins and sum(word.islower() and len(word) > 1 for word in words[:6]) >= _LEAST_WORDS


def joined(lines: Sequence[Line], *, is_title: bool = False) -> Passage:
    """Make one passage of lines; rows of cells are set apart by a bar."""
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for line in lines:
        if parts:
            parts.append(f" {ROW_END} ")
            length += len(ROW_END) + 2
        starts.append(length)
        parts.append(line.text)
        length += len(line.text)
    return Passage("".join(parts), tuple(starts), tuple(line.number for line in lines), is_title)


def passages_of(lines: Iterable[Line]) -> list[Passage]:
    """Gather lines into passages: neighbouring rows become one table."""
    found: list[Passage] = []
    rows: list[Line] = []
    for line in [*lines, Line(0, "")]:
        if line.is_row:
            rows.append(line)
            continue
        if rows:
            found.append(joined(rows))
            rows = []
        if line.text.strip():
            is_title = not found and _may_be_title(line.text)
            text = line.text.rstrip() if is_title else line.text.lstrip("# ").rstrip()
            found.append(joined([Line(line.number, text)], is_title=is_title))
    return found


def _may_be_title(text: str) -> bool:
    """Tell whether the first line is a title: it is marked so, or dates and prints nothing."""
    return text.lstrip().startswith("#") or not _SAYS_SOMETHING.search(text)


def lines_of(text: str) -> list[Line]:
    """Split a plain or Markdown text into lines, with rows of cells taken apart."""
    lines = text.splitlines()
    filled = [line for line in lines if line.strip()]
    is_quoted = len(filled) > 1 and all(_QUOTED.match(line) for line in filled)
    found = []
    for number, raw in enumerate(lines, start=1):
        plain = _QUOTED.sub("", raw) if is_quoted else raw
        # A row of cells is one line, whatever breaks its cells have.
        parts = [_BREAK.sub(" ", plain)] if _is_row(plain) else _BREAK.split(plain)
        for part in parts:
            line = _row_of(number, part)
            if line is not None:
                found.append(line)
    return found


def _is_row(raw: str) -> bool:
    return _MARKDOWN_ROW.match(raw) is not None or "\t" in raw.strip()


def _row_of(number: int, raw: str) -> Line | None:
    """Read a line; None for the rule under a Markdown table's head."""
    is_markdown = bool(_MARKDOWN_ROW.match(raw))
    if is_markdown and "-" in raw and _MARKDOWN_RULE.issuperset(raw.strip()):
        return None
    # An entity such as &#124; must not become a bar of its own.
    text = raw if is_markdown else raw.replace("|", " ")
    text = _EMPHASIS.sub("", _LINK.sub(r"\1", text))
    if is_markdown:
        cells = _CELL_BAR.split(text.strip().strip("|"))
    elif "\t" in raw.strip():
        cells = text.strip("\n").split("\t")
    else:
        return Line(number, normalised(text))
    return Line(number, row_text(cells), is_row=True)


def row_text(cells: Iterable[str]) -> str:
    """Set the cells of a row apart by bars; an empty cell says that it is empty.

    Examples
    --------
    >>> row_text(["LTC", "", "80%"])
    'LTC | NA | 80%'
    """
    plain = (" ".join(normalised(cell).replace("|", " ").split()) for cell in cells)
    return " | ".join(cell or "NA" for cell in plain)

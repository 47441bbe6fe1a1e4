"""Notices as HTML: its text as lines, and each row of a table as one line of cells."""

from __future__ import annotations

import re
from typing import Any

from pymargin._extras import require
from pymargin.notices.text import Line, normalised, row_text

__all__ = ["is_html", "lines_of_html"]

_MARKUP = re.compile(r"<\s*(?:!doctype|html|body|table|tbody|tr|div|section|p|h[1-6])\b", re.I)
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|br|d[dlt]|div|fig[a-z]+|footer|form|h[1-6]|header|hr"
    "|html|li|main|nav|ol|p|pre|section|table|tbody|tfoot|thead|ul"
)
_HEADINGS = frozenset(("h1", "title"))
_SILENT = frozenset(("script", "style", "head", "noscript", "template"))


def is_html(text: str) -> bool:
    """Tell HTML from plain text and Markdown."""
    return _MARKUP.search(text) is not None


def lines_of_html(text: str) -> list[Line]:
    """Read the lines and rows of a page; line numbers are those of its source.

    Raises
    ------
    ImportError
        lxml is not installed.
    """
    html = require("lxml.html", extra="notices", purpose="reading a notice in HTML")
    if not text.strip():
        return []
    return _Reader().read(html.document_fromstring(text))


class _Reader:
    """Walks a tree; text gathers in a line until a block begins or ends."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.parts: list[str] = []
        self.number = 1

    def read(self, root: Any) -> list[Line]:
        self._walk(root)
        self._flush()
        return self.lines

    def _flush(self, prefix: str = "") -> None:
        text = " ".join(normalised("".join(self.parts)).split())
        if text:
            self.lines.append(Line(self.number, prefix + text.replace("|", " ")))
        self.parts = []

    def _walk(self, node: Any) -> None:
        tag = node.tag if isinstance(node.tag, str) else None
        if tag is None or tag in _SILENT:
            self.parts.append(node.tail or "")
            return
        if tag == "tr":
            self._row(node)
        else:
            is_block = _BLOCKS.fullmatch(tag) is not None
            if is_block:
                self._flush()
                self.number = node.sourceline or self.number
            self.parts.append(node.text or "")
            for child in node:
                self._walk(child)
            if is_block:
                self._flush("# " if tag in _HEADINGS else "")
        self.parts.append(node.tail or "")

    def _row(self, node: Any) -> None:
        self._flush()
        cells = [_text(cell) for cell in node if cell.tag in ("td", "th")]
        if any(cell.strip() for cell in cells):
            self.lines.append(Line(node.sourceline or self.number, row_text(cells), is_row=True))


def _text(node: Any) -> str:
    """Return the text of a cell; its parts are set apart by blanks."""
    return " ".join(part for part in node.itertext() if part.strip())

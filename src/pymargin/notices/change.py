"""What a notice says: changes of tables, and the problems met while reading it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from pymargin.rules.schedules import Tier

__all__ = [
    "Change",
    "ChangeValue",
    "Notice",
    "NoticeProblem",
    "NoticeProduct",
    "NoticeTable",
    "ProblemAction",
]

NoticeProduct: TypeAlias = Literal["cross_margin", "portfolio", "portfolio_pro", "usdm", "coinm"]
"""The product whose table changes."""

NoticeTable: TypeAlias = Literal[
    "rank", "tiers", "rate", "borrow_rate", "transfer_out_rate", "brackets"
]
"""What changes: see :class:`Change`."""

ChangeValue: TypeAlias = int | Decimal | tuple[Tier, ...]
"""A rank, a rate or a table of tiers."""

ProblemAction: TypeAlias = Literal["mended", "left_out", "warned"]
"""What became of a problem: see :class:`NoticeProblem`."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change that a notice announces. Two changes are equal whatever text they were read from.

    Parameters
    ----------
    product
        ``cross_margin``, ``portfolio``, ``portfolio_pro``, ``usdm`` or ``coinm``.
    table
        ``rank`` (key an asset, values int); ``tiers`` (key a rank as int, or an asset; values a
        tuple of :class:`Tier`, rates falling); ``rate`` (key an asset, values Decimal: 0.85 for
        85 %); ``borrow_rate``, ``transfer_out_rate`` (key a rank as int, values Decimal);
        ``brackets`` (key a symbol; values a tuple of :class:`Tier` with leverage, rates rising).
    key
        The asset, the symbol or the rank.
    effective
        From when, an aware datetime in UTC.
    window
        How long after ``effective`` the exchange may still be at it, as the notice states;
        zero where it states nothing.
    before, after
        The value on either side. None where the notice does not print that side: then it says
        nothing about it. An ``after`` of None leaves the table as it is (portfolio margin pro
        prints the table of the rank that an asset leaves, in its column "before").
    text
        The text that the change was read from, as printed, blanks aside.
    """

    product: NoticeProduct
    table: NoticeTable
    key: str | int
    effective: datetime
    window: timedelta
    before: ChangeValue | None
    after: ChangeValue | None
    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NoticeProblem:
    """Something in a notice that could not be read as it stands, and what was done about it.

    Parameters
    ----------
    line
        The line of the notice, from 1.
    what
        What is wrong, and at which key.
    action
        ``mended``: a change was read after a repair. ``left_out``: no change was made of it.
        ``warned``: the change is as printed, with a doubt that the reader of it should know.
    how
        How it was mended, why it was left out, or what the doubt is.
    text
        The text it is about.
    """

    line: int
    what: str
    action: ProblemAction
    how: str
    text: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: {self.how} ({self.action.replace('_', ' ')})"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that was read.

    Parameters
    ----------
    title
        The first heading; empty where there is none.
    published
        The day of publication, as the notice itself gives it at its end or in its title; None
        where it gives none.
    changes
        In the order of the text; an identical change that is printed twice is one.
    problems
        By line. Every figure of the notice's tables is in a change or in one of these.
    """

    title: str
    published: date | None
    changes: tuple[Change, ...]
    problems: tuple[NoticeProblem, ...]

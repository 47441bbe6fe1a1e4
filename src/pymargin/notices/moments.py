"""Moments, windows and the day of publication, as notices word them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

__all__ = ["Moment", "Stated", "moments_in", "published_in", "window_in"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<name>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\.?"
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2})(?::[0-9]{2})?(?:\s?(?P<half>[ap]m)\b)?"
_ZONE = r"\s*\(?\s*(?:UTC|GMT|Z\b)\s*(?P<zone>[+-]\s?[0-9]{1,2}(?::?[0-9]{2})?)?\s*\)?"
_DAY = (
    r"(?P<year>[0-9]{1,4})\s?[-/.]\s?(?P<month>[0-9]{0,2})\s?[-/.]\s?(?P<day>[0-9]{0,2})(?![0-9])"
)
_NAMED_DAYS = (
    rf"{_MONTH}\s+(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>[0-9]{{4}})",
    rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH},?\s+(?P<year>[0-9]{{4}})",
)
_BETWEEN = r"[\s,]*(?:T|at|from)?[\s,]*"
_FORMS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for day in (_DAY, *_NAMED_DAYS)
    for pattern in (
        rf"(?<![0-9,.]){day}{_BETWEEN}{_CLOCK}{_ZONE}",
        rf"(?<![0-9:]){_CLOCK}{_ZONE}[\s,]*(?:on\s+)?{day}",
    )
)
# A day and a clock that are near each other and yet no moment: a misprint, not prose.
_TORN = re.compile(
    r"(?<![0-9,.])(?:[0-9]{1,4}\s?-\s?[0-9]{0,2}\s?-?\s?[0-9]{0,2})?[ T]*"
    r"[0-9]{0,2}:?[0-9]{0,2}\s*\(\s*UTC\s*\)",
)
_HAS_ZONE = re.compile(r"UTC|GMT|[0-9]\s?Z\b", re.IGNORECASE)
_WINDOW = re.compile(
    r"(?:completed?|take|last|finish(?:ed)?)[a-z ]{0,24}?(?:within|in|up to)?\s*"
    r"(?:approximately|about|around|roughly)?\s*"
    r"(?P<count>an?|one|two|three|four|half an|[0-9]{1,3})?[\s-]*(?P<unit>minute|min|hour|hr)s?\b",
    re.IGNORECASE,
)
_COUNTS = {"a": 60, "an": 60, "one": 60, "two": 120, "three": 180, "four": 240, "half an": 30}
_PLAIN_DAY = re.compile(r"(?<![0-9-])(20[0-9]{2})-([0-9]{1,2})-([0-9]{1,2})(?![0-9-])")
_USUAL_MINUTES = 10
_YEARS = range(2017, 2100)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in a text: UTC, or None where it is none; ``is_short`` where a zero is missing."""

    at: datetime | None
    start: int
    end: int
    is_short: bool = False


@dataclass(frozen=True, slots=True)
class Stated:
    """A completion window as stated; ``is_usual`` is False for one that looks misprinted."""

    window: timedelta | None
    is_usual: bool
    start: int
    end: int


def moments_in(text: str) -> list[Moment]:
    """Find the moments of a text, and what looks like one and is none.

    Examples
    --------
    >>> [str(moment.at) for moment in moments_in("on 2025-10-7 06:00 (UTC)")]
    ['2025-10-07 06:00:00+00:00']
    """
    return list(_moments_in(text)) if _HAS_ZONE.search(text) else []


@lru_cache(maxsize=512)
def _moments_in(text: str) -> tuple[Moment, ...]:
    found: list[Moment] = []
    taken = bytearray(len(text))
    for form in _FORMS:
        for match in form.finditer(text):
            if not any(taken[slice(*match.span())]):
                found.append(_moment(match))
                taken[slice(*match.span())] = b"1" * len(match.group())
    for match in _TORN.finditer(text):
        is_known = any(taken[slice(*match.span())])
        if not is_known and re.search(r"[0-9]", match.group()):
            found.append(Moment(None, match.start(), match.end()))
    return tuple(sorted(found, key=lambda moment: moment.start))


def _moment(match: re.Match[str]) -> Moment:
    groups = match.groupdict()
    month = groups.get("month")
    if groups.get("name"):
        month = str(_MONTHS.index(groups["name"][:3].lower()) + 1)
    parts = (groups["day"], groups["hour"], groups["minute"], month or "")
    is_short = not groups.get("name") and any(len(part) < 2 for part in parts)
    try:
        hour = int(groups["hour"])
        if groups["half"]:
            hour = hour % 12 + 12 * (groups["half"].lower() == "pm")
        if int(groups["year"]) not in _YEARS or len(groups["minute"]) < 2:
            raise ValueError(groups["year"])
        clock = datetime(int(groups["year"]), int(month or ""), int(groups["day"]), tzinfo=UTC)
        clock = clock.replace(hour=hour, minute=int(groups["minute"]))
    except ValueError:
        return Moment(None, match.start(), match.end())
    return Moment(clock - _offset(groups["zone"]), match.start(), match.end(), is_short)


def _offset(zone: str | None) -> timedelta:
    if not zone:
        return timedelta(0)
    digits = zone[1:].replace(":", "").strip()
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if zone[0] == "-" else offset


def window_in(text: str) -> Stated | None:
    """Find how long the exchange says that the change takes.

    Examples
    --------
    >>> window_in("will be completed within approximately one hour").window
    datetime.timedelta(seconds=3600)
    """
    match = _WINDOW.search(text)
    if match is None:
        return None
    count = (match.group("count") or "").lower()
    in_hours = match.group("unit").lower().startswith("h")
    if count.isdigit():
        minutes = int(count) * (60 if in_hours else 1)
    elif count in _COUNTS and in_hours:
        minutes = _COUNTS[count]
    else:
        return Stated(None, False, match.start(), match.end())
    is_usual = minutes >= _USUAL_MINUTES and minutes % 5 == 0
    return Stated(timedelta(minutes=minutes), is_usual, match.start(), match.end())


def published_in(texts: list[str]) -> date | None:
    """Find the day of publication: the last line that is a day alone, else the title's."""
    lone = [text.strip() for text in texts if _PLAIN_DAY.fullmatch(text.strip())]
    for text in [*lone[-1:], *texts[:1]]:
        match = _PLAIN_DAY.search(text)
        if match:
            try:
                return date(*map(int, match.groups()))
            except ValueError:
                continue
    return None

"""Which formula each product used when, and how a moment is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pymargin.errors import Problem, RulesError
from pymargin.rules.frozen import FrozenMapping

__all__ = ["METHODOLOGIES", "Methodology", "methodology_at", "moment_text", "parse_moment"]


@dataclass(frozen=True, slots=True)
class Methodology:
    """Name a formula, the product it serves and the moment from which it is in force.

    Parameters
    ----------
    product, name
        The mode (``cross_classic``) and the formula (``classic_2023``).
    since
        Aware UTC; in force at this very moment.
    source
        The document that says so.
    """

    product: str
    name: str
    since: datetime
    source: str


# The first day for which these rules hold figures; no document dates the formulas of portfolio
# margin and of futures, and taking them to hold from then on is our reading.
_FIRST = datetime(2023, 1, 12, tzinfo=UTC)

# In order of time within each product. The 2023 and 2024 documents give a day without an hour: its
# first minute is our reading.
METHODOLOGIES: tuple[Methodology, ...] = (
    Methodology(
        "cross_classic",
        "classic_2023",
        _FIRST,
        "Binance news flash 7352078 (2023-01-12)",
    ),
    Methodology(
        "cross_classic",
        "classic_2026_01",
        datetime(2026, 1, 21, 13, tzinfo=UTC),
        "Binance Margin Will Update the Collateral Ratio of Multiple Parameters for Cross Margin"
        " Mode (2026-01-21)",
    ),
    Methodology(
        "cross_classic",
        "classic_2026_06",
        datetime(2026, 6, 15, 8, tzinfo=UTC),
        "Binance Margin Level and Margin Call, FAQ 360030493931 (updated 2026-06-18)",
    ),
    Methodology(
        "cross_pro",
        "pro_2025",
        datetime(2025, 1, 21, 10, tzinfo=UTC),
        "How to Calculate the Margin Level on Cross Margin Pro,"
        " FAQ 12a78d8aa813470f96be283b45f75410",
    ),
    Methodology(
        "portfolio",
        "portfolio",
        _FIRST,
        "Portfolio Margin, FAQ 4868b2f1aa6c4d08af973328462bb0bd (2025-02-06)",
    ),
    Methodology(
        "portfolio_pro",
        "portfolio_pro",
        datetime(2024, 9, 11, tzinfo=UTC),
        "Tiered collateral ratio of Portfolio Margin Pro,"
        " FAQ 146ac090710a49f99c4732b00f8c09df (2024-09-11)",
    ),
    Methodology(
        "usdm",
        "usdm",
        _FIRST,
        "Maintenance margin of USDⓈ-M futures, FAQ b3c689c1f50a44cabb3a84e663b81d93",
    ),
    Methodology(
        "coinm",
        "coinm",
        _FIRST,
        "Maintenance margin of COIN-M futures, FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46",
    ),
)


def methodology_at(moment: datetime | None) -> Mapping[str, str]:
    """Return the methodology of each product that has one at a moment.

    Parameters
    ----------
    moment
        Aware; None gives the newest of each.

    Raises
    ------
    RulesError
        The moment lies before the first methodology of any product.
    """
    chosen = {
        entry.product: entry.name
        for entry in METHODOLOGIES
        if moment is None or moment >= entry.since
    }
    if not chosen:
        first = min(entry.since for entry in METHODOLOGIES)
        raise RulesError(
            [
                Problem(
                    "at",
                    "before the first methodology",
                    found=None if moment is None else moment_text(moment),
                    expected=f"no earlier than the first methodology ({moment_text(first)})",
                )
            ]
        )
    return FrozenMapping(chosen)


def parse_moment(at: str | datetime | None, *, path: str = "at") -> datetime | None:
    """Read a moment and turn it to UTC.

    Parameters
    ----------
    at
        An ISO 8601 text with a zone (``2025-11-14T06:00Z``) or an aware datetime; None stays
        None.
    path
        What the error calls the argument.

    Raises
    ------
    RulesError
        The text is not ISO 8601, or the moment has no zone.

    Examples
    --------
    >>> parse_moment("2025-11-14T07:00+01:00")
    datetime.datetime(2025, 11, 14, 6, 0, tzinfo=datetime.timezone.utc)
    """
    if at is None:
        return None
    moment: datetime | None = None
    if isinstance(at, datetime):
        moment = at
    elif isinstance(at, str):
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            moment = None
    expected = "an ISO 8601 date and time with a zone, such as 2025-11-14T06:00Z"
    if moment is None or moment.utcoffset() is None:
        raise RulesError([Problem(path, "moment", found=at, expected=expected)])
    try:
        return moment.astimezone(UTC)
    except OverflowError as err:
        raise RulesError([Problem(path, "moment", found=at, expected=expected)]) from err


def moment_text(moment: datetime) -> str:
    """Write a moment the way the rules file does, in UTC with a Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"

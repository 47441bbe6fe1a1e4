"""What became of one asset or symbol from moment to moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from pymargin.rules.builtin_futures import BRACKETS
from pymargin.rules.builtin_portfolio import PRO_MOVES, PRO_TIERS_SINCE, RATES
from pymargin.rules.builtin_tables import FLAT_RATIOS_SINCE, MOVES
from pymargin.rules.compare import Difference, compare_rules
from pymargin.rules.methodology import METHODOLOGIES
from pymargin.rules.model import MarginRules

__all__ = ["builtin_moments", "history"]


def builtin_moments() -> tuple[datetime, ...]:
    """Return every moment at which the builtin rules change, aware UTC, in order."""
    moments = {entry.since for entry in METHODOLOGIES} | {FLAT_RATIOS_SINCE, PRO_TIERS_SINCE}
    moments |= {move.effective for move in (*MOVES, *PRO_MOVES)}
    moments |= {rate.effective for rate in RATES} | {one.effective for one in BRACKETS}
    return tuple(sorted(moments))


def history(
    snapshots: Iterable[MarginRules], name: str
) -> Iterator[tuple[MarginRules, tuple[Difference, ...]]]:
    """Return what each of several rules, in order of time, has otherwise than the one before.

    Parameters
    ----------
    snapshots
        The rules from moment to moment.
    name
        The asset or symbol. Formulas are told too.

    Yields
    ------
    tuple
        The rules in which something is new for the name, and what; the first rules are left out.
    """
    before: MarginRules | None = None
    for rules in snapshots:
        if before is not None:
            found = compare_rules(before, rules, names=[name]).differences
            about = tuple(one for one in found if one.name == name or one.part == "methodology")
            if about:
                yield rules, about
        before = rules

"""Announced against in force, on the exchange's own notices and brackets."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import pymargin as pm

SHARED = Path(__file__).parents[2] / "shared"
NOTICES = SHARED / "notices"
BRACKETS = SHARED / "brackets"
pytestmark = pytest.mark.skipif(
    not (NOTICES.is_dir() and BRACKETS.is_dir()),
    reason="the reference folder ../shared is not present",
)

TEN = {
    "TSLAUSDT", "IPUSDT", "MAVIAUSDT", "ACTUSDT", "ALPINEUSDT", "PIPPINUSDT", "JELLYJELLYUSDT",
    "LIGHTUSDT", "GUAUSDT", "我踏马来了USDT",
}  # fmt: skip


@cache
def notice(day: str) -> pm.Notice:
    (path,) = (path for path in NOTICES.glob("*.md") if f"_{day}_" in path.name)
    return pm.read_notice(path)


@cache
def brackets(day: str, at: str) -> pm.MarginRules:
    path = BRACKETS / f"binance_leverage_tiers_{day}.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return pm.rules_from_binance(usdm_brackets=json.load(file), at=at)


def test_the_brackets_of_a_notice_are_those_that_the_exchange_then_had() -> None:
    """One symbol's rate was printed to fewer digits; four others changed without this notice."""
    before = brackets("2026-02-05", "2026-02-03T08:00Z")
    found = brackets("2026-02-06", "2026-02-06T07:03Z")
    changes = [one for one in notice("2026-02-03").changes if one.product == "usdm"]
    timeline = pm.Timeline(before, changes)
    assert timeline.conflicts == ()
    diff = pm.compare_rules(timeline.at("2026-02-06T07:03Z"), found, announced=changes)
    became = {one.change.key: one.status for one in diff.announced}
    assert set(became) == TEN
    assert became.pop("TSLAUSDT") == "rounded"
    assert set(became.values()) == {"in_force"}
    unannounced = {one.name for one in diff.differences} - {"TSLAUSDT"}
    assert unannounced == {"PARTIUSDT", "RVVUSDT", "SENTUSDT", "YALAUSDT"}


def test_brackets_that_the_exchange_had_before_are_not_in_force() -> None:
    old = brackets("2026-02-05", "2026-02-06T07:03Z")
    changes = [one for one in notice("2026-02-03").changes if one.product == "usdm"]
    found = pm.compare_rules(old, old, announced=changes).announced
    became = {str(one.change.key): one.status for one in found}
    # The table was taken after the first of them had taken effect.
    assert became.pop("TSLAUSDT") == "rounded"
    assert set(became.values()) == {"not_in_force"}


@pytest.mark.parametrize(
    ("day", "start"), [("2025-10-31", "2025-11-01T00:00Z"), ("2026-02-03", "2026-02-02T00:00Z")]
)
def test_a_notice_brings_the_builtin_rules_to_those_of_its_last_moment(
    day: str, start: str
) -> None:
    timeline = pm.Timeline(pm.builtin_rules(at=start), notice(day).changes)
    assert timeline.conflicts == ()
    last = max(change.effective for change in timeline.changes)
    found, stated = timeline.at(last), pm.builtin_rules(at=last)
    assert found.ranks == stated.ranks
    assert found.portfolio_pro_ranks == stated.portfolio_pro_ranks
    differ = {one.name for one in pm.compare_rules(found, stated).differences}
    # Its rate is printed as 16.70 %, and stated by the exchange's answer as 0.1667.
    assert differ <= {"TSLAUSDT"}


def test_every_notice_makes_a_timeline_in_which_each_change_is_in_force() -> None:
    """Of the changes that no later one of the notices replaces."""
    read = [pm.read_notice(path) for path in sorted(NOTICES.glob("*.md"))]
    changes = [change for one in read for change in one.changes]
    timeline = pm.Timeline(pm.builtin_rules(at="2025-08-01T00:00Z"), changes)
    last = timeline.at(max(change.effective for change in changes))
    found = pm.compare_rules(last, last, announced=changes).announced
    counts = Counter(one.status for one in found)
    assert set(counts) <= {"in_force", "superseded"}
    assert counts["in_force"] > 300

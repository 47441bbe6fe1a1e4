"""Real notices, where the reference folder lies beside the project: figures only, no text."""

from __future__ import annotations

import functools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import pymargin as pm

FOLDER = Path(__file__).parents[2] / "shared" / "notices"
OBSERVED = FOLDER / "announced_vs_observed.json"
pytestmark = pytest.mark.skipif(
    not OBSERVED.is_file(), reason="the reference folder ../shared is not present"
)
FILES = sorted(FOLDER.glob("*.md"))
ROWS = json.loads(OBSERVED.read_text(encoding="utf-8")) if OBSERVED.is_file() else []
HALF_AN_HOUR, HOUR = timedelta(minutes=30), timedelta(hours=1)
# Problems of each notice, by action, and the keys that they name; none is unexplained.
EXPLAINED = {
    "2025-09-11": {("warned", "MYXUSDT"): 1},
    "2025-09-13": {("mended", "MYXUSDT"): 2},
    "2025-10-15": {("mended", "COAIUSDT"): 2},
    "2026-02-03": {
        ("warned", "TSLAUSDT"): 1,
        ("warned", "IPUSDT"): 1,
        ("warned", "JELLYJELLYUSDT"): 1,
        ("mended", "MAVIAUSDT"): 2,
        ("mended", "ACTUSDT"): 2,
        ("mended", "ALPINEUSDT"): 2,
    },
    "2026-03-17": {("warned", "AVAAIUSDT"): 1},
}
# Changes of each notice by product and table.
COUNTS = {
    "2025-08-04": {("portfolio", "rate"): 12},
    "2025-08-08": {("cross_margin", "rank"): 27, ("cross_margin", "tiers"): 5},
    "2025-08-17": {("portfolio", "rate"): 14, ("usdm", "brackets"): 2},
    "2025-09-11": {
        ("portfolio", "rate"): 7,
        ("portfolio_pro", "rank"): 4,
        ("portfolio_pro", "tiers"): 3,
        ("usdm", "brackets"): 15,
    },
    "2025-09-13": {("usdm", "brackets"): 9},
    "2025-10-05": {("portfolio", "rate"): 6, ("usdm", "brackets"): 19},
    "2025-10-15": {("usdm", "brackets"): 2},
    "2025-10-31": {("cross_margin", "rank"): 83, ("cross_margin", "tiers"): 5},
    "2025-11-25": {("usdm", "brackets"): 27},
    "2025-12-09": {("portfolio", "rate"): 2, ("usdm", "brackets"): 32},
    "2026-01-21": {
        ("cross_margin", "borrow_rate"): 10,
        ("cross_margin", "transfer_out_rate"): 10,
    },
    "2026-02-03": {
        ("portfolio", "rate"): 22,
        ("portfolio_pro", "rank"): 2,
        ("portfolio_pro", "tiers"): 2,
        ("usdm", "brackets"): 10,
    },
    "2026-03-17": {
        ("portfolio", "rate"): 3,
        ("portfolio_pro", "rank"): 1,
        ("portfolio_pro", "tiers"): 2,
        ("usdm", "brackets"): 13,
    },
    "2026-04-07": {("usdm", "brackets"): 18},
}


@functools.cache
def read(name: str) -> pm.Notice:
    return pm.read_notice(FOLDER / name)


def of_day(day: str) -> pm.Notice:
    (found,) = (read(path.name) for path in FILES if str(read(path.name).published) == day)
    return found


def change_of(row) -> pm.Change:
    at = datetime.strptime(row["effective_utc"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    changes = read(row["file"]).changes
    (found,) = (one for one in changes if one.key == row["symbol"] and one.effective == at)
    return found


def figure(number: float) -> Decimal:
    return Decimal(repr(round(number, 8)))


def printed(tiers) -> list[tuple]:
    return [(figure(row["hi"]), figure(row["mmr"]), Decimal(row["lev"])) for row in tiers or ()]


def read_tiers(tiers) -> list[tuple]:
    return [(tier.cap, tier.rate, tier.leverage) for tier in tiers or ()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[-14:])
def test_every_notice_is_read_whole(path):
    notice = read(path.name)
    day = str(notice.published)
    assert Counter((one.product, one.table) for one in notice.changes) == COUNTS[day]
    assert not [one for one in notice.problems if one.action == "left_out"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[-14:])
def test_every_problem_is_explained(path):
    notice = read(path.name)
    named = Counter((p.action, p.what.split(":")[0].split(",")[0]) for p in notice.problems)
    assert named == EXPLAINED.get(str(notice.published), {})
    assert all(problem.how and problem.text for problem in notice.problems)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['symbol']}-{row['effective_utc']}")
def test_tables_are_those_that_are_printed(row):
    change = change_of(row)
    assert read_tiers(change.before) == printed(row["before"])
    assert read_tiers(change.after) == printed(row["after"])
    for tiers in (change.before, change.after):
        edges = [Decimal(0), *(tier.cap for tier in tiers)]
        assert [tier.floor for tier in tiers] == edges[:-1]


def test_tables_applied_as_announced_are_those_in_force():
    applied = [row for row in ROWS if row["status"] == "applied as announced"]
    assert len(applied) == 119
    for row in applied:
        after = read_tiers(change_of(row).after)
        observed = [
            (figure(cap), figure(rate), Decimal(leverage))
            for cap, rate, leverage, _ in row["observed_after"]
        ]
        if row["symbol"] == "TSLAUSDT":
            # The exchange rounded when it printed: 16.70 % for 0.1667.
            assert [cap for cap, _, _ in after] == [cap for cap, _, _ in observed]
            assert Decimal("0.167") in [rate for _, rate, _ in after]
        else:
            assert after == observed, row["symbol"]


def test_notice_of_2025_10_31():
    changes = of_day("2025-10-31").changes
    moves = [change for change in changes if change.table == "rank"]
    at = Counter(change.effective for change in moves)
    assert at == {
        datetime(2025, 11, 7, 6, tzinfo=UTC): 46,
        datetime(2025, 11, 14, 6, tzinfo=UTC): 37,
    }
    ranks = {change.key: (change.before, change.after) for change in moves}
    assert ranks["WIF"] == (5, 6)
    assert ranks["NEO"] == (6, 8)
    assert ranks["A"] == (7, 9)
    assert ranks["1000CHEEMS"] == (9, 10)
    assert ranks["C98"] == (8, 9)
    tiers = {change.key: change.after for change in changes if change.table == "tiers"}
    assert sorted(tiers) == [6, 7, 8, 9, 10]
    builtin = pm.builtin_rules(at="2025-11-14T06:00Z")
    for rank, asset in ((6, "WIF"), (8, "NEO"), (9, "A"), (10, "1000CHEEMS")):
        assert tiers[rank] == builtin.tiers("collateral", asset)
    assert {change.window for change in changes} == {HALF_AN_HOUR}


def test_notice_of_2026_02_03():
    notice = of_day("2026-02-03")
    rates = {one.key: (one.before, one.after) for one in notice.changes if one.table == "rate"}
    assert len(rates) == 22
    assert rates["LTC"] == (Decimal("0.85"), Decimal("0.8"))
    pro = [change for change in notice.changes if change.product == "portfolio_pro"]
    moved = {one.key: (one.before, one.after) for one in pro if one.table == "rank"}
    assert moved == {"FET": (7, 8), "STRK": (7, 8)}
    old, new = sorted((one for one in pro if one.table == "tiers"), key=lambda one: one.key)
    assert (old.key, old.after, new.key, new.before) == (7, None, 8, None)
    assert [str(tier.rate) for tier in old.before] == ["1", "0.95", "0.75", "0.5"]
    assert [str(tier.rate) for tier in new.after] == ["1", "0.8", "0.7", "0.4", "0.2"]
    symbols = {one.key: one for one in notice.changes if one.table == "brackets"}
    at = Counter(change.effective for change in symbols.values())
    assert at == {
        datetime(2026, 2, 3, 9, tzinfo=UTC): 1,
        datetime(2026, 2, 6, 6, 30, tzinfo=UTC): 9,
    }
    assert "我踏马来了USDT" in symbols
    assert {change.window for change in symbols.values()} == {HOUR}
    mended = {p.what.split(":")[0] for p in notice.problems if p.action == "mended"}
    assert mended == {"MAVIAUSDT", "ACTUSDT", "ALPINEUSDT"}
    edges = [tier.floor for tier in symbols["MAVIAUSDT"].after]
    assert edges == [0, 10_000, 60_000, 70_000, 250_000, 500_000]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[-14:])
def test_a_notice_reads_the_same_with_other_blanks_dashes_and_signs(path):
    text = path.read_text(encoding="utf-8")
    changed = text.replace("≤", "<=").replace(" - ", "–").replace(" (UTC)", "\u00a0(UTC)")
    assert pm.read_notice(changed).changes == read(path.name).changes

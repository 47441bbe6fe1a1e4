from __future__ import annotations

from pathlib import Path

import own_notice
import pytest
from cli_support import Desk

import pymargin as pm

RATIOS = [
    {
        "assetNames": names,
        "collaterals": [
            {"minUsdValue": "0", "maxUsdValue": cap, "discountRate": "1"},
            {"minUsdValue": cap, "discountRate": rate},
        ],
    }
    for names, cap, rate in ((["AAA"], "500", "0.6"), (["BBB"], "500", "0.7"))
]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(tmp_path, capsys)
    desk.rules = desk.json("rules.json", own_notice.RULES)
    return desk


@pytest.fixture
def notice(desk: Desk) -> Path:
    return desk.text("notice.md", own_notice.NOTICE)


# apply


def test_apply_brings_a_rules_file_to_the_last_moment_of_a_notice(desk: Desk, notice: Path) -> None:
    ran = desk.run("rules", "apply", notice, "--to", desk.rules)
    assert (ran.code, ran.err) == (0, "")
    rules = pm.load_rules(desk.rules)
    assert (rules.rank("AAA"), rules.rank("BBB")) == (8, 8)
    assert rules.moment is not None
    assert rules.moment.isoformat() == "2025-11-14T06:00:00+00:00"
    assert ran.out.endswith(f"6 changes, as of 2025-11-14T06:00:00Z; digest {rules.digest}\n")


def test_applying_a_notice_again_changes_no_byte(desk: Desk, notice: Path) -> None:
    desk.run("rules", "apply", notice, "--to", desk.rules)
    first = desk.rules.read_bytes()
    ran = desk.run("rules", "apply", notice, "--to", desk.rules)
    assert (ran.code, desk.rules.read_bytes()) == (0, first)
    assert "nothing changes" in ran.out


def test_apply_stops_at_a_moment_asked_for(desk: Desk, notice: Path) -> None:
    out = desk.folder / "new.json"
    for at, window, rank in (
        ("2025-11-07T06:00Z", "after", 7),
        ("2025-11-07T06:00Z", "before", 6),
        ("2025-11-07T06:30Z", "before", 7),
    ):
        options = ("--to", desk.rules, "-o", out, "--at", at, "--window", window)
        assert desk.run("rules", "apply", notice, *options).code == 0
        assert pm.load_rules(out).rank("AAA") == rank
    assert pm.load_rules(desk.rules).rank("AAA") == 6


def test_apply_reports_a_before_that_contradicts_the_rules(desk: Desk, notice: Path) -> None:
    desk.text("notice.md", own_notice.NOTICE.replace("| 6 | 7 | AAA |", "| 5 | 7 | AAA |"))
    ran = desk.run("rules", "apply", notice, "--to", desk.rules)
    assert ran.code == 1
    assert "goes from rank 5, and the rules hold rank 6" in ran.err
    assert pm.load_rules(desk.rules).rank("AAA") == 8


def test_apply_needs_a_file_to_write_to(desk: Desk, notice: Path) -> None:
    ran = desk.run("rules", "apply", notice, "--to", "example")
    assert ran.code == 2
    assert "give --out" in ran.err


def test_apply_writes_back_to_a_rules_file_only(desk: Desk, notice: Path) -> None:
    rules = desk.rules.rename(desk.folder / "rules.txt")
    ran = desk.run("rules", "apply", notice, "--to", rules)
    assert ran.code == 2
    assert "--to, which is written back, must end in .json, not rules.txt" in ran.err


def test_apply_refuses_to_write_over_the_notice(desk: Desk) -> None:
    notice = desk.text("notice.json", own_notice.NOTICE)
    ran = desk.run("rules", "apply", notice, "--to", desk.rules, "-o", notice)
    assert ran.code == 2
    assert notice.read_text(encoding="utf-8") == own_notice.NOTICE


def test_apply_says_that_a_text_announces_nothing(desk: Desk) -> None:
    ran = desk.run("rules", "apply", desk.text("n.md", "Good morning.\n"), "--to", desk.rules)
    assert ran.code == 1
    assert "announces no change that can be read" in ran.err


def test_apply_refuses_a_moment_before_the_rules(desk: Desk, notice: Path) -> None:
    ran = desk.run("rules", "apply", notice, "--to", desk.rules, "--at", "2025-10-01T00:00Z")
    assert ran.code == 2
    assert "no earlier than that of the rules" in ran.err


# diff


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_diff_shows_schedules_slice_by_slice(desk: Desk, notice: Path) -> None:
    later = desk.folder / "later.json"
    desk.run("rules", "apply", notice, "--to", desk.rules, "-o", later)
    ran = desk.run("rules", "diff", desk.rules, later)
    assert ran.code == 0
    assert "collateral: 2 differences, 1 the same" in ran.out
    rows = lines(ran.out)
    assert ["0", "200", "100", "%", "100", "%"] in rows
    assert ["200", "500", "100", "%", "0", "%", "*"] in rows
    assert ["500", "no", "end", "80", "%", "0", "%", "*"] in rows
    assert ["rank", "6", "rank", "8", "AAA"] in rows


def test_diff_in_brief_has_no_schedule_of_one_side_either(desk: Desk) -> None:
    out = desk.run("rules", "diff", "builtin", "builtin@2025-01-01T00:00Z", "--brief").out
    assert ["7", "tiers", "-", "ASTER,", "WIF,", "ZEC"] in lines(out)
    assert "100 % to" not in out


def test_diff_in_brief_names_without_schedules(desk: Desk, notice: Path) -> None:
    later = desk.folder / "later.json"
    desk.run("rules", "apply", notice, "--to", desk.rules, "-o", later)
    out = desk.run("rules", "diff", desk.rules, later, "--brief").out
    assert "AAA" in out
    assert "500" not in out


def test_diff_tells_the_same_rules_by_its_exit_code_where_asked(desk: Desk) -> None:
    same = desk.run("rules", "diff", desk.rules, desk.rules, "--exit-code")
    other = desk.run("rules", "diff", desk.rules, "example", "--exit-code", "--brief")
    assert (same.code, other.code) == (0, 1)
    assert "hold the same rules" in same.out


def test_diff_takes_an_answer_of_the_exchange_and_looks_announced_changes_up(
    desk: Desk, notice: Path
) -> None:
    dump = desk.json("crossMarginCollateralRatio.json", RATIOS)
    ran = desk.run("rules", "diff", desk.rules, dump, "--notice", notice)
    assert ran.code == 0
    assert ["200", "500", "100", "%", "100", "%"] not in lines(ran.out)
    assert "6 announced changes" in ran.out
    assert "AAA (cross_margin rank), 2025-11-14 06:00 UTC: NOT in force" in ran.out


# history


def test_history_follows_an_asset_through_the_documents(desk: Desk) -> None:
    ran = desk.run("rules", "history", "WIF")
    assert ran.code == 0
    assert "2025-11-07 06:00 UTC" in ran.out
    assert ["rank", "5"] in lines(ran.out)
    assert ["rank", "5", "6"] in lines(ran.out)
    assert any(line[:1] == ["borrow"] for line in lines(ran.out))


def test_history_follows_an_asset_through_a_notice(desk: Desk, notice: Path) -> None:
    ran = desk.run("rules", "history", "AAA", notice, "--rules", desk.rules)
    assert ran.code == 0
    rows = lines(ran.out)
    assert ["rank", "6", "7"] in rows
    assert ["rank", "7", "8"] in rows
    assert ran.out.index("2025-11-07 06:00 UTC") < ran.out.index("2025-11-14 06:00 UTC")


def test_history_says_that_nothing_is_known(desk: Desk) -> None:
    ran = desk.run("rules", "history", "NOPE")
    assert ran.code == 2
    assert "NOPE has no rank and no schedule" in ran.err


def test_apply_reports_names_that_the_rules_do_not_have(desk: Desk, notice: Path) -> None:
    """A digit or a letter may be missing: the change is made all the same."""
    text = notice.read_text(encoding="utf-8").replace("AAA", "AAX")
    other = desk.text("other.md", text)
    ran = desk.run("rules", "apply", other, "--to", desk.rules, "-o", desk.folder / "new.json")
    assert "AAX (cross_margin) is no known name" in ran.err
    assert "is no known name" not in desk.run("rules", "apply", notice, "--to", desk.rules).err

"""``pymargin notice``."""

from __future__ import annotations

import json

import pytest

from pymargin.cli import main

TEXT = """# Ratios of ours

Portfolio Margin gets other ratios at 2031-05-06 06:00 (UTC), completed within 30 minutes:

AssetsCollateral Ratio (Before)Collateral Ratio (After)LTC85%80%DOT75%70%{}

Our Futures tiers will change at 2031-05-06 06:30 (UTC).

ABCUSDT

LeveragePosition BracketMaintenance Margin Rate11 - 20x0 - 5,0002.50%1 - 10x5,000 - 9,0005.00%
"""


@pytest.fixture
def notice(tmp_path):
    path = tmp_path / "notice.md"
    path.write_text(TEXT.format(""), encoding="utf-8")
    return path


def test_changes_and_problems_are_tables(notice, capsys):
    assert main(["notice", str(notice)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "3 changes" in lines
    assert "0 problems" in lines
    rates = lines.index("2031-05-06 06:00 UTC, within 30 minutes: portfolio, rate")
    assert [line.split() for line in lines[rates + 1 : rates + 4]] == [
        ["key", "before", "after"], ["LTC", "85", "%", "80", "%"], ["DOT", "75", "%", "70", "%"],
    ]  # fmt: skip
    assert any(line.startswith("2031-05-06 06:30 UTC") for line in lines[rates + 4 :])


def test_what_is_left_out_gives_exit_code_1(tmp_path, capsys):
    path = tmp_path / "notice.md"
    path.write_text(TEXT.format("ADA40%"), encoding="utf-8")
    assert main(["notice", str(path)]) == 1
    assert "left out" in capsys.readouterr().out


def test_a_key_shows_its_tiers(notice, capsys):
    assert main(["notice", str(notice), "ABCUSDT"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["5,000", "9,000", "5", "%", "10x"] in lines


def test_an_unknown_key_is_bad_input(notice, capsys):
    assert main(["notice", str(notice), "XYZ"]) == 2
    assert "has no change of XYZ" in capsys.readouterr().err


def test_json_has_every_field(notice, capsys):
    assert main(["notice", str(notice), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["title"] == "Ratios of ours"
    assert found["problems"] == []
    first, *_, last = found["changes"]
    assert first["effective"] == "2031-05-06T06:00Z"
    assert (first["before"], first["after"], first["window_minutes"]) == ("0.85", "0.8", 30)
    assert last["after"][1] == {
        "floor": "5000", "cap": "9000", "rate": "0.05", "leverage": "10",
    }  # fmt: skip


def test_a_missing_file_is_bad_input(tmp_path):
    assert main(["notice", str(tmp_path / "absent.md")]) == 2


def test_a_text_that_is_no_notice_has_no_empty_table(tmp_path, capsys):
    path = tmp_path / "notice.md"
    path.write_text("Good day.", encoding="utf-8")
    assert main(["notice", str(path)]) == 1
    printed = capsys.readouterr().out
    assert "0 changes" in printed
    assert "window" not in printed


def test_names_are_checked_against_rules(notice, capsys):
    assert main(["notice", str(notice), "--rules", "example"]) == 0
    printed = capsys.readouterr().out
    assert "ABCUSDT (usdm) is no known name" in printed
    assert "LTC (portfolio) is no known name" not in printed

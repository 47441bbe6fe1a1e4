from __future__ import annotations

import pytest

from pymargin.cli import main


def demo(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["demo", *arguments]) == 0
    return capsys.readouterr().out


def without_time(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if not line.startswith("Evaluated in")]


def test_demo_needs_no_files_and_says_that_all_is_invented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = demo(capsys, "--accounts", "500")
    assert out.startswith("500 generated accounts (seed 0)")
    assert "invented" in out.splitlines()[1]


def test_demo_names_the_formula_of_each_mode(capsys: pytest.CaptureFixture[str]) -> None:
    out = demo(capsys, "--accounts", "500")
    assert "cross_classic by classic_2026_06; cross_pro by pro_2025" in out


def test_demo_shows_actions_levels_worst_and_risk(capsys: pytest.CaptureFixture[str]) -> None:
    out = demo(capsys, "--accounts", "500")
    for heading in ("Accounts by action", "Margin levels", "The worst", "Where the risk sits"):
        assert f"\n\n{heading}" in out


def test_demo_with_a_seed_is_the_same_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--accounts", "300", "--seed", "7")
    assert without_time(demo(capsys, *given)) == without_time(demo(capsys, *given))


def test_demo_of_one_account_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo(capsys, "--accounts", "1").startswith("1 generated")


def test_demo_ends_with_0_although_accounts_are_beyond_their_tiers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = demo(capsys, "--accounts", "20000")
    (row,) = (line.split() for line in out.splitlines() if line.startswith("BEYOND_TIERS"))
    assert int(row[1]) > 0

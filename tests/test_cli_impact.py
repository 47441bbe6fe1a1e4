from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import own_notice
import pyarrow.parquet as pq
import pytest
from cli_support import Desk, Ran


class Bench(Desk):
    """A desk with a notice that hits the accounts on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(folder, capsys)
        self.accounts = self.json("accounts.json", own_notice.ACCOUNTS)
        self.prices = self.json("prices.json", own_notice.PRICES)
        self.rules = self.json("rules.json", own_notice.RULES)
        self.notice = self.text("notice.md", own_notice.NOTICE)

    def impact(self, *arguments: object, rules: object = None) -> Ran:
        return self.run(
            "impact", self.notice, "--accounts", self.accounts, "--prices", self.prices,
            "--rules", rules or self.rules, *arguments,
        )  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_impact_shows_each_moment_with_its_sums_and_worst_accounts(desk: Bench) -> None:
    ran = desk.impact()
    assert (ran.code, ran.err) == (0, "")
    first, second = ran.out.split("2025-11-14 06:00 UTC")
    assert "2025-11-07 06:00 UTC: 4 announced changes, completed within 30 minutes" in first
    assert ["lose", "collateral", "2", "50.00", "%", "200", "USDT", "lost"] in rows(first)
    assert ["newly", "liquidated", "1", "25.00", "%", "19", "USDT", "restore", "the",
            "liquidation", "level"] in rows(first)  # fmt: skip
    assert ["AAA", "200"] in rows(first)
    worst = [row for row in rows(first) if row[:1] == ["debtor"]]
    assert worst[0][:5] == ["debtor", "3.076923", "0.512821", "100", "AAA"]
    assert [row[0] for row in rows(second) if row[:1] in (["second"], ["debtor"])] == [
        "second", "debtor",
    ]  # fmt: skip


def test_impact_writes_every_account_that_changes_with_its_moment(desk: Bench) -> None:
    out = desk.folder / "hit.parquet"
    assert desk.impact("--out", out, "--worst", 0).code == 0
    table = pq.read_table(out).to_pylist()
    told = [(row["moment"].isoformat()[:10], row["account"]) for row in table]
    assert told == [
        ("2025-11-07", "debtor"),
        ("2025-11-07", "holder"),
        ("2025-11-14", "second"),
        ("2025-11-14", "debtor"),
        ("2025-11-14", "holder"),
    ]
    assert table[0]["top_up_liquidation"] == pytest.approx(19)
    assert table[0]["driver"] == "AAA"
    assert table[0]["action_names_after"] == "LIQUIDATE"


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_impact_writes_texts_too(desk: Bench, suffix: str) -> None:
    out = desk.folder / f"hit.{suffix}"
    assert desk.impact("--out", out).code == 0
    text = out.read_text(encoding="utf-8")
    read: list[dict[str, Any]] = (
        json.loads(text) if suffix == "json" else list(csv.DictReader(text.splitlines()))
    )
    assert [row["account"] for row in read] == ["debtor", "holder", "second", "debtor", "holder"]


def test_impact_writes_a_page(desk: Bench) -> None:
    page = desk.folder / "report.html"
    ran = desk.impact("--html", page)
    assert ran.code == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "Update of collateral ratios, our own (2025-11-01)" in text
    assert f"{page} holds the report" in ran.out


def test_impact_within_the_window_says_so(desk: Bench) -> None:
    ran = desk.impact("--within", "during")
    assert ran.code == 0
    assert "The worst within that time" in ran.out


def test_impact_tells_what_contradicts_the_rules(desk: Bench) -> None:
    desk.text("notice.md", own_notice.NOTICE.replace("| 6 | 7 | AAA |", "| 5 | 7 | AAA |"))
    ran = desk.impact()
    assert ran.code == 1
    assert "goes from rank 5, and the rules hold rank 6" in ran.err
    assert "2025-11-07 06:00 UTC" in ran.out


def test_impact_refuses_rules_that_hold_the_notice_already(desk: Bench) -> None:
    late = desk.folder / "late.json"
    desk.run("rules", "apply", desk.notice, "--to", desk.rules, "-o", late)
    ran = desk.impact(rules=late)
    assert ran.code == 2
    assert "every change is part of the rules already" in ran.err


def test_impact_flags_what_has_no_price(desk: Bench) -> None:
    desk.json("prices.json", {"AAA": 1})
    refused = desk.impact()
    assert refused.code == 2
    assert "BBB has no finite price" in refused.err
    assert desk.impact("--missing", "flag").code == 1


def test_impact_refuses_targets_that_it_cannot_write(desk: Bench) -> None:
    for option, path, said in (
        ("--html", desk.folder / "page.txt", "end in .html, not page.txt"),
        ("--html", desk.folder, "be a file, and"),
        ("--out", desk.folder / "hit.xlsx", "end in .parquet, .csv or .json, not hit.xlsx"),
        ("--out", desk.accounts, "not be one of the inputs"),
    ):
        ran = desk.impact(option, path)
        assert ran.code == 2
        assert f"{option} must {said}" in ran.err

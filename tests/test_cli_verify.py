"""``pymargin verify``: what it prints and writes, and its exit codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import test_verify_cross
import test_verify_futures
from cli_support import Desk, Ran
from verify_answers import RULES, changed

import pymargin as pm

pytest.importorskip("pyarrow")
pytest.importorskip("rich")


class VerifyDesk(Desk):
    """A user with one account's answers, its prices and the rules."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(folder, capsys)
        self.prices = self.json("prices.json", test_verify_cross.PRICES)
        self.rules = folder / "verify_rules.json"
        RULES.save(self.rules)
        self.answer = self.json("account.json", test_verify_cross.answer())

    def verify(self, *arguments: object) -> Ran:
        return self.run("verify", *arguments, "--rules", self.rules)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> VerifyDesk:
    return VerifyDesk(tmp_path, capsys)


def test_all_that_agrees_ends_with_0(desk: VerifyDesk) -> None:
    ran = desk.verify(desk.answer, "--prices", desk.prices)
    assert (ran.code, ran.err) == (0, "")
    assert "11 figures: 11 agree, 0 differ, 0 lack an input" in ran.out
    (line,) = (x for x in ran.out.splitlines() if x.startswith("collateralMarginLevel"))
    *_, why, verdict = line.split()
    assert verdict == "agrees"
    assert f"{why}: 1e-8 of the level and its 8th decimal" in ran.out.splitlines()


def test_a_figure_that_differs_ends_with_1(desk: VerifyDesk) -> None:
    wrong = desk.json("wrong.json", test_verify_cross.answer(marginLevel="9.9"))
    ran = desk.verify(wrong, "--prices", desk.prices)
    assert ran.code == 1
    lines = [x.split() for x in ran.out.splitlines() if x.startswith("marginLevel")]
    assert [("differs" in line, "9.9" in line) for line in lines] == [(True, True)] * 2


def test_a_figure_that_lacks_an_input_ends_with_1(desk: VerifyDesk) -> None:
    ran = desk.verify(desk.answer)
    assert ran.code == 1
    assert "missing price of BTC, price of ETH" in ran.out


def test_zeros_that_agree_are_counted_unless_all_are_asked_for(desk: VerifyDesk) -> None:
    answers = desk.json("futures.json", test_verify_futures.account())
    risks = desk.json("risks.json", test_verify_futures.risks())
    ran = desk.verify(answers, risks)
    assert ran.code == 0
    assert "figures of 0 on either side: not shown" in ran.out
    assert "ETHUSDC" not in ran.out
    assert "ETHUSDC" in desk.verify(answers, risks, "--all").out


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_every_figure_is_written(desk: VerifyDesk, suffix: str) -> None:
    import pyarrow.parquet as pq

    out = desk.folder / f"figures.{suffix}"
    assert desk.verify(desk.answer, "--prices", desk.prices, "--out", out).code == 0
    rows = {
        "csv": lambda: list(csv.DictReader(out.read_text().splitlines())),
        "json": lambda: json.loads(out.read_text()),
        "parquet": lambda: pq.read_table(out).to_pylist(),
    }[suffix]()
    assert len(rows) == 11
    assert {row["verdict"] for row in rows} == {"agrees"}
    assert rows[0]["path"] == "answer[0].userAssets[0].netAsset"
    provenance = pm.Provenance.of(pm.load_rules(desk.rules), "classic_2026_01")
    if suffix == "parquet":
        written = pm.Provenance.from_metadata(pq.read_schema(out).metadata)
        assert written == provenance
    else:
        beside = json.loads((desk.folder / f"figures.{suffix}-metadata.json").read_text())
        assert beside == provenance.texts()


def test_bad_input_ends_with_2_and_names_the_file(desk: VerifyDesk) -> None:
    wrong = desk.json("wrong.json", changed(test_verify_cross.answer(), "answer.marginLevel", "x"))
    ran = desk.verify(wrong, "--prices", desk.prices)
    assert ran.code == 2
    assert f"{wrong}.marginLevel must be a number, not 'x'" in ran.err
    isolated = desk.json("isolated.json", {"assets": [{"baseAsset": {}, "quoteAsset": {}}]})
    ran = desk.verify(isolated)
    assert (ran.code, "isolated margin is out of scope" in ran.err) == (2, True)
    assert desk.verify(desk.text("none.json", "{")).code == 2
    ran = desk.verify(desk.answer, "--out", desk.answer)
    assert (ran.code, "must not be one of the inputs" in ran.err) == (2, True)


def test_prices_of_several_files_are_put_together(desk: VerifyDesk) -> None:
    bitcoin = desk.json("btc.json", {"BTC": "60000.5"})
    others = desk.json("others.json", {"ETH": "2000.25"})
    assert desk.verify(desk.answer, "--prices", bitcoin, "--prices", others).code == 0
    again = desk.json("again.json", {"BTC": "1", "ETH": "2000.25"})
    ran = desk.verify(desk.answer, "--prices", bitcoin, "--prices", again)
    assert (ran.code, "gives another price of BTC" in ran.err) == (2, True)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import RULES, Desk

import pymargin as pm

RATIOS = [
    {
        "assetNames": ["BTC", "ETH"],
        "collaterals": [
            {"minUsdValue": "0", "maxUsdValue": "1000", "discountRate": "1"},
            {"minUsdValue": "1000", "discountRate": "0.9"},
        ],
    }
]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_check_passes_good_rules(desk: Desk) -> None:
    ran = desk.run("rules", "check", desk.rules)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("rules.json: 0 errors, 0 warnings\n")


def test_check_prints_warnings_and_passes(desk: Desk) -> None:
    newest = {**RULES, "methodology": {"cross_classic": "classic_2026_01"}}
    ran = desk.run("rules", "check", desk.json("newest.json", newest))
    assert ran.code == 0
    assert "warning: $.tables" in ran.out


def test_check_prints_every_error(desk: Desk) -> None:
    tiers = [{"cap": 10, "rate": 2}, {"cap": 5, "rate": "0.5"}]
    bad = {**RULES, "tables": {"collateral": [{"assets": ["BTC"], "tiers": tiers}]}}
    ran = desk.run("rules", "check", desk.json("bad.json", bad))
    assert ran.code == 2
    assert "tiers[0].rate" in ran.err
    assert "tiers[1].cap" in ran.err


def test_check_knows_an_answer_of_the_exchange(desk: Desk) -> None:
    assert desk.run("rules", "check", desk.json("ratios.json", RATIOS)).code == 0


@pytest.mark.parametrize("content", ["{", "[]", "null", ""])
def test_check_refuses_what_is_no_rules_file(desk: Desk, content: str) -> None:
    ran = desk.run("rules", "check", desk.text("odd.json", content))
    assert ran.code == 2
    assert ran.err.startswith("error: ")


def test_show_lists_tables_and_thresholds(desk: Desk) -> None:
    out = desk.run("rules", "show", desk.rules).out
    assert out.startswith("test rules\n")
    assert pm.load_rules(desk.rules).digest in out
    assert ["collateral", "2", "1"] in [line.split() for line in out.splitlines()]
    assert "margin_level at most 1.3 (3x) or 1.16 (5x)" in out


def test_show_lists_the_tiers_of_an_asset(desk: Desk) -> None:
    out = desk.run("rules", "show", desk.rules, "BTC").out
    rows = [line.split() for line in out.splitlines()]
    assert ["1,000,000", "2,000,000", "50", "%"] in rows


def test_show_knows_the_builtin_rules_of_a_moment(desk: Desk) -> None:
    before = desk.run("rules", "show", "builtin@2025-11-07T05:59Z", "WIF").out
    after = desk.run("rules", "show", "builtin@2025-11-07T06:00Z", "WIF").out
    assert "as of 2025-11-07 06:00 UTC" in after
    assert after != before


def test_show_of_an_unknown_asset_is_bad_input(desk: Desk) -> None:
    ran = desk.run("rules", "show", desk.rules, "NOPE")
    assert (ran.code, "NOPE" in ran.err) == (2, True)


def test_import_writes_a_file_that_loads(desk: Desk) -> None:
    out = desk.folder / "imported.json"
    ratios = desk.json("ratios.json", RATIOS)
    ran = desk.run("rules", "import", "--cross-collateral", ratios, "--out", out)
    assert ran.code == 0
    assert pm.load_rules(out).collateral_value("ETH", 2000) == 1900


def test_import_takes_the_methodology_of_the_moment(desk: Desk) -> None:
    out = desk.folder / "imported.json"
    ratios = desk.json("ratios.json", RATIOS)
    given = ("--cross-collateral", ratios, "--at", "2025-11-14T06:00Z", "--out", out)
    desk.run("rules", "import", *given)
    assert json.loads(out.read_text())["methodology"]["cross_classic"] == "classic_2023"


def test_import_of_faulty_answers_writes_nothing(desk: Desk) -> None:
    out = desk.folder / "imported.json"
    answer = desk.json("ratios.json", [{"assetNames": [], "collaterals": []}])
    ran = desk.run("rules", "import", "--cross-collateral", answer, "--out", out)
    assert (ran.code, out.exists()) == (2, False)


def test_import_never_overwrites_its_input(desk: Desk) -> None:
    ratios = desk.json("ratios.json", RATIOS)
    ran = desk.run("rules", "import", "--cross-collateral", ratios, "--out", ratios)
    assert ran.code == 2
    assert json.loads(ratios.read_text()) == RATIOS


def test_import_of_nothing_says_what_to_give(desk: Desk) -> None:
    ran = desk.run("rules", "import", "--out", desk.folder / "imported.json")
    assert (ran.code, "--liability-brackets" in ran.err) == (2, True)


def test_import_at_a_naive_moment_is_bad_input(desk: Desk) -> None:
    ratios = desk.json("ratios.json", RATIOS)
    out = desk.folder / "imported.json"
    given = ("--cross-collateral", ratios, "--at", "2025-11-14", "--out", out)
    ran = desk.run("rules", "import", *given)
    assert (ran.code, "2025-11-14" in ran.err) == (2, True)


BRACKETS = {
    "symbol": "AAAUSDT",
    "brackets": [
        {
            "initialLeverage": 50,
            "notionalFloor": 0,
            "notionalCap": 5000,
            "maintMarginRatio": 0.01,
            "cum": 0,
        }
    ],
}


def test_import_reads_the_answers_of_every_product(desk: Desk) -> None:
    out = desk.folder / "imported.json"
    brackets = desk.json("brackets.json", BRACKETS)
    rates = desk.json("rates.json", [{"asset": "BTC", "collateralRate": "0.95"}])
    loans = desk.json("loans.json", [{"asset": "USDT", "leverage": 5}])
    contract = {"symbol": "AAAUSDT", "baseAsset": "AAA", "marginAsset": "USDC"}
    symbols = desk.json("symbols.json", {"symbols": [contract]})
    given = ("--usdm-brackets", brackets, "--portfolio-collateral", rates, "--symbols", symbols)
    ran = desk.run("rules", "import", *given, "--portfolio-leverage", loans, "--out", out)
    assert ran.out.endswith("portfolio 1 asset, usdm 1 symbol, 1 contract, 1 loan leverage\n")
    assert pm.load_rules(out).contract("AAAUSDT").settlement_asset == "USDC"


def test_import_applies_a_notional_coefficient_where_asked(desk: Desk) -> None:
    out = desk.folder / "imported.json"
    brackets = desk.json("brackets.json", {**BRACKETS, "notionalCoef": 2})
    given = ("--usdm-brackets", brackets, "--notional-coef", "apply", "--out", out)
    assert desk.run("rules", "import", *given).code == 0
    assert pm.load_rules(out).tiers("usdm", "AAAUSDT")[0].cap == 10_000


def test_show_lists_the_brackets_of_a_symbol_in_its_settlement_asset(desk: Desk) -> None:
    out = desk.folder / "imported.json"
    brackets = desk.json("brackets.json", BRACKETS)
    desk.run("rules", "import", "--usdm-brackets", brackets, "--out", out)
    shown = desk.run("rules", "show", out, "AAAUSDT").out
    assert "usdm, values in USDT" in shown
    assert ["0", "5,000", "1", "%", "50x"] in [line.split() for line in shown.splitlines()]


def test_check_shows_a_number_as_it_stands_in_the_file(desk: Desk) -> None:
    ran = desk.run("rules", "check", desk.json("prices.json", {"BTC": 64250.5}))
    assert ran.code == 2
    assert "not {'BTC': 64250.5}" in ran.err

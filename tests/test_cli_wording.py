"""Messages name options and files, not arguments of functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_support import CLASSIC, Desk

COLLATERAL = [{"assetNames": ["BTC"], "collaterals": [{"minUsdValue": "0", "discountRate": "1"}]}]
BRACKETS = [{"assetNames": ["BTC"], "rank": 1, "brackets": [
    {"leverage": 10, "maxDebt": 1e6, "maintenanceMarginRate": 0.02, "initialMarginRate": 0.1,
     "fastNum": 0}]}]  # fmt: skip
USDM = [{"symbol": "BTCUSDT", "notionalCoef": 1.5, "brackets": [
    {"bracket": 1, "initialLeverage": 75, "notionalCap": 10000, "notionalFloor": 0,
     "maintMarginRatio": 0.0065, "cum": 0}]}]  # fmt: skip
FUTURES: dict[str, Any] = {
    "assets": [{"asset": "USDT", "walletBalance": "100", "crossWalletBalance": "100"}],
    "positions": [{"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "1",
                   "notional": "1", "isolatedMargin": "0", "isolatedWallet": "0"}],
}  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_an_answer_is_no_rules_file_and_the_command_that_makes_one_is_named(desk: Desk) -> None:
    rules = desk.json("ratios.json", COLLATERAL)
    err = desk.run("levels", desk.accounts, "--prices", desk.prices, "--rules", rules).err
    assert "ratios.json: this is an answer of the exchange, not a rules file: " in err
    assert "`pymargin rules import --cross-collateral FILE --out rules.json` makes one" in err


def test_a_warning_names_the_option_for_it(desk: Desk) -> None:
    ran = desk.run("rules", "check", desk.json("usdm.json", USDM))
    assert "(`pymargin rules import --notional-coef apply` multiplies them by it)" in ran.out


@pytest.mark.parametrize("more", [(), ("--liability-brackets", "right.json")])
def test_an_answer_given_for_another_is_named_by_file_and_option(
    desk: Desk, more: tuple[str, ...]
) -> None:
    wrong = desk.json("wrong.json", BRACKETS)
    desk.json("right.json", BRACKETS)
    given = [desk.folder / x if x.endswith("json") else x for x in more]
    ran = desk.run("rules", "import", "--cross-collateral", wrong, *given,
                   "--out", desk.folder / "out.json")  # fmt: skip
    assert ran.code == 2
    assert ran.err == (
        f"error: {wrong}: $ must be an answer of GET /sapi/v1/margin/crossMarginCollateralRatio, "
        "not one for --liability-brackets\n"
    )


def test_what_an_answer_lacks_is_named_by_its_place_in_the_file(desk: Desk) -> None:
    ran = desk.levels("--mode", "usdm", accounts=desk.json("f.json", FUTURES))
    assert ran.code == 2
    assert "f.json: positions[0].entryPrice must be given by the account's answer or by one" in (
        ran.err
    )
    assert "of positionRisk, beside it in a JSON list, not absent (BTCUSDT)" in ran.err


def test_positions_stand_beside_an_account_in_a_list(desk: Desk) -> None:
    risk = [{"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "1", "entryPrice": "19000",
             "markPrice": "20000", "isolatedMargin": "0", "isolatedWallet": "0"}]  # fmt: skip
    prices = desk.json("marks.json", {"BTCUSDT": 20_000})
    for command in (("levels",), ("stress", "--factor", "0.9")):
        ran = desk.run(*command, desk.json("f.json", [FUTURES, risk]), "--prices", prices,
                       "--rules", "example", "--leverage", "10")  # fmt: skip
        assert ran.code == 0, ran.err


def test_rows_without_a_mode_ask_for_the_option(desk: Desk) -> None:
    rows = [{"account": 1, **CLASSIC}, {"account": 2}]
    ran = desk.levels(accounts=desk.json("rows.json", rows))
    assert ran.err.endswith("(the first is 2); or give --mode\n")


@pytest.mark.parametrize("quoted", ["1,BTC,abc,1", '1,BTC,"a""b",1', "1,BTC,0,abc"])
def test_a_csv_cell_that_is_no_number_is_named_by_its_column_and_row(
    desk: Desk, quoted: str
) -> None:
    text = f"account,asset,free,borrowed\n2,BTC,1,1\n{quoted}\n"
    ran = desk.levels("--mode", "cross_classic", accounts=desk.text("book.csv", text))
    column = "free" if "0" not in quoted else "borrowed"
    assert ran.code == 2
    assert f"book.csv: {column} in row 3 (the first holds the names) must be a number, not" in (
        ran.err
    )


def test_a_csv_cell_that_is_no_text_is_named_by_its_column_and_row(desk: Desk) -> None:
    path = desk.folder / "book.csv"
    path.write_bytes(b"account,asset,free\n1,B\xffC,1\n")
    ran = desk.levels("--mode", "cross_classic", accounts=path)
    assert ran.code == 2
    assert "book.csv: asset in row 2 (the first holds the names) must be text in UTF-8\n" in ran.err


def test_one_of_several_answers_is_named_by_its_file(desk: Desk) -> None:
    good, bad = desk.json("good.json", {"symbols": []}), desk.json("bad.json", [1])
    ran = desk.run("rules", "import", "--symbols", good, "--symbols", bad,
                   "--out", desk.folder / "out.json")  # fmt: skip
    assert ran.code == 2
    assert f"{bad}: $[0] must be an answer of exchangeInfo, not 1" in ran.err


def test_verify_names_options_in_its_remarks(desk: Desk) -> None:
    account = {**FUTURES, "positions": []}
    ran = desk.run("verify", desk.json("f.json", account), "--rules", "example")
    assert "rather than coinm (--mode says which)" in ran.out
    assert "=True" not in ran.out + json.dumps(ran.err)

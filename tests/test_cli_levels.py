from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from cli_support import PRICES, ROWS, Desk

import pymargin as pm


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def counts(printed: str) -> dict[str, int]:
    table = [line.split() for line in printed.splitlines()]
    return {
        cells[0]: int(cells[1]) for cells in table if cells and cells[0] in pm.Action.__members__
    }


def tidy(*lines: str) -> str:
    return "\n".join(("account,asset,free,borrowed,mode,leverage", *lines, ""))


def test_counts_accounts_per_action(desk: Desk) -> None:
    ran = desk.levels()
    assert ran.code == 0
    assert counts(ran.out) == {
        "TRADE": 2, "BORROW": 1, "TRANSFER_OUT": 1, "MARGIN_CALL": 1, "LIQUIDATE": 1,
        "UNPRICED_ASSET": 0, "UNPRICED_DEBT": 0, "BEYOND_TIERS": 0,
    }  # fmt: skip


def test_says_which_rules_and_formula_hold(desk: Desk) -> None:
    first = desk.levels().out.splitlines()[0]
    rules = pm.load_rules(desk.rules)
    assert first == (
        "Rules: test rules; cross_classic by classic_2023; "
        f"digest {rules.digest[:12]}, pymargin {pm.__version__}"
    )


def test_nothing_on_stderr_when_all_is_well(desk: Desk) -> None:
    assert desk.levels().err == ""


def test_a_pipe_gets_neither_frames_nor_colours(desk: Desk) -> None:
    out = desk.levels("--worst", 3).out
    assert out.isascii()
    assert "\x1b" not in out


def test_worst_are_in_order_with_what_they_hold_and_owe(desk: Desk) -> None:
    lines = desk.levels("--worst", 2).out.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("account "))
    assert [line.split() for line in lines[start + 1 : start + 3]] == [
        ["11", "1.100000", "1.1", "1", "1", "liquidate"],
        ["13", "1.200000", "1.1", "60,000", "50,000", "margin", "call,", "trade"],
    ]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
def test_every_format_holds_the_same_results(desk: Desk, suffix: str) -> None:
    out = desk.folder / f"out.{suffix}"
    desk.levels("--mode", "cross_classic", "--out", out)
    readers = {
        "parquet": lambda: pq.read_table(out).to_pylist(),
        "csv": lambda: pa_csv.read_csv(out).to_pylist(),
        "json": lambda: json.loads(out.read_text()),
    }
    rows = readers[suffix]()
    assert [row["account"] for row in rows] == [11, 12, 13]
    assert [float(row["margin_level"]) for row in rows] == [1.1, float("inf"), 1.2]
    assert [row["actions"] for row in rows] == [16, 7, 9]
    assert [row["action_names"] for row in rows] == [
        "LIQUIDATE", "TRADE|BORROW|TRANSFER_OUT", "TRADE|MARGIN_CALL"
    ]  # fmt: skip


def test_parquet_output_names_its_rules(desk: Desk) -> None:
    out = desk.folder / "out.parquet"
    desk.levels("--out", out)
    written = pq.read_schema(out).metadata[b"pymargin.rules_digest"].decode()
    assert written == pm.load_rules(desk.rules).digest


def test_output_agrees_with_the_library(desk: Desk) -> None:
    out = desk.folder / "out.parquet"
    desk.levels("--out", out)
    found = pm.evaluate(pm.Accounts.from_rows(ROWS), PRICES, pm.load_rules(desk.rules))
    assert pq.read_table(out)["level"].to_pylist() == found.level.tolist()


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_every_input_format_is_the_same_book(desk: Desk, suffix: str) -> None:
    path = desk.folder / f"book.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        classic = "cross_classic,3"
        desk.text(path.name, tidy(f"11,USDT,1.1,,{classic}", f"11,BTC,,0.00005,{classic}",
                                  f"12,BTC,2,,{classic}",
                                  f"13,BTC,3,,{classic}", f"13,USDT,,50000,{classic}"))  # fmt: skip
    assert desk.levels(accounts=path).out == desk.levels().out


def test_the_exchanges_own_answer_is_a_book(desk: Desk) -> None:
    balance = {"asset": "BTC", "free": "2", "locked": "0", "borrowed": "0", "interest": "0"}
    path = desk.json("u77.json", {"accountType": "MARGIN_1", "userAssets": [balance]})
    ran = desk.levels("--leverage", 3, "--worst", 1, accounts=path)
    assert ran.code == 0
    assert "u77 " in ran.out


def test_csv_ids_keep_leading_zeros(desk: Desk) -> None:
    path = desk.text("book.csv", tidy("007,BTC,1,,cross_classic,3"))
    out = desk.folder / "out.json"
    desk.levels("--out", out, accounts=path)
    assert json.loads(out.read_text())[0]["account"] == "007"


def test_csv_nan_is_refused_not_taken_for_absent(desk: Desk) -> None:
    path = desk.text("book.csv", tidy("1,BTC,NaN,,cross_classic,3"))
    ran = desk.levels(accounts=path)
    assert (ran.code, "free must be finite" in ran.err) == (2, True)


def test_an_asset_called_na_is_an_asset(desk: Desk) -> None:
    path = desk.text("book.csv", tidy("1,NA,1,,cross_classic,3"))
    assert "NA has no finite price" in desk.levels(accounts=path).err


def test_csv_fault_names_its_row(desk: Desk) -> None:
    path = desk.text("book.csv", tidy("1,BTC,1,,cross_classic,3", "2,BTC,lots,,cross_classic,3"))
    ran = desk.levels(accounts=path)
    assert ran.code == 2
    assert "free in row 3" in ran.err
    assert "lots" in ran.err


def test_json_that_repeats_a_key_is_refused(desk: Desk) -> None:
    path = desk.text("book.json", '[{"account": 1, "account": 2}]')
    ran = desk.levels(accounts=path)
    assert (ran.code, "'account' twice" in ran.err) == (2, True)


def test_unpriced_asset_is_refused_with_the_way_out(desk: Desk) -> None:
    desk.json("prices.json", {"ETH": 1900})
    ran = desk.levels()
    assert ran.code == 2
    assert "BTC has no finite price: 2 accounts hold it" in ran.err
    assert "--missing flag" in ran.err


def test_flagged_accounts_give_exit_code_1(desk: Desk) -> None:
    desk.json("prices.json", {"ETH": 1900})
    ran = desk.levels("--missing", "flag")
    assert ran.code == 1
    # 11 owes BTC, 12 and 13 hold it.
    assert counts(ran.out)["UNPRICED_ASSET"] == 2
    assert counts(ran.out)["UNPRICED_DEBT"] == 1


def test_account_beyond_its_tiers_gives_exit_code_1(desk: Desk) -> None:
    path = desk.text("book.csv", tidy("1,BTC,101,,cross_classic,3"))
    ran = desk.levels(accounts=path)
    assert ran.code == 1
    assert counts(ran.out)["BEYOND_TIERS"] == 1


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("levels.xlsx", "--out must end in .parquet, .csv or .json, not levels.xlsx"),
        (".", "--out must be a file, and"),
        ("absent/levels.csv", "directory that exists"),
        ("accounts.json", "one of the inputs"),
        ("rules.json", "one of the inputs"),
    ],
)
def test_a_bad_target_is_refused_and_nothing_is_touched(desk: Desk, out: str, says: str) -> None:
    before = {path: path.read_bytes() for path in desk.folder.iterdir()}
    ran = desk.levels("--out", desk.folder / out)
    assert (ran.code, says in ran.err) == (2, True)
    assert {path: path.read_bytes() for path in desk.folder.iterdir()} == before


def test_a_failed_write_leaves_the_old_file_and_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = desk.text("levels.json", "old")
    before = set(desk.folder.iterdir())

    def fail(value: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pymargin.cli.outputs._json_value", fail)
    ran = desk.levels("--out", out)
    assert (ran.code, ran.err) == (2, "error: No space left on device\n")
    assert out.read_text() == "old"
    assert set(desk.folder.iterdir()) == before


def test_output_through_a_link_keeps_the_link(desk: Desk) -> None:
    real, link = desk.folder / "real.csv", desk.folder / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    desk.levels("--out", link)
    assert link.is_symlink()
    assert real.read_text().startswith('"account"')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("book.parquet", "not Parquet"),
        ("book.csv", ""),
        ("book.csv", "id,asset,free\n1,BTC,1\n"),
        ("book.json", "{"),
        ("book.json", '{"account": 1}'),
        ("book.json", '[{"account": 1, "balances": [{"asset": "BTC", "free": -1}]}]'),
        ("book.txt", "account,asset,free\n"),
    ],
)
def test_unusable_accounts_are_named_without_a_traceback(
    desk: Desk, name: str, content: str
) -> None:
    ran = desk.levels(accounts=desk.text(name, content))
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_a_file_that_is_not_there_is_bad_input(desk: Desk) -> None:
    ran = desk.levels(accounts=desk.folder / "absent.csv")
    assert (ran.code, "does not exist" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "rules", ["absent.json", "builtin@yesterday", "builtin@2026-01-21", "exampel"]
)
def test_unknown_rules_are_bad_input(desk: Desk, rules: str) -> None:
    ran = desk.run("levels", desk.accounts, "--prices", desk.prices, "--rules", rules)
    assert (ran.code, ran.out) == (2, "")
    assert rules in ran.err


def test_unusable_prices_are_bad_input(desk: Desk) -> None:
    desk.text("prices.json", '{"BTC": -1}')
    ran = desk.levels()
    assert (ran.code, "BTC" in ran.err) == (2, True)


def test_accounts_without_a_mode_ask_for_the_option(desk: Desk) -> None:
    path = desk.text("book.csv", "account,asset,free\n1,BTC,1\n")
    ran = desk.levels(accounts=path)
    assert (ran.code, "give --mode" in ran.err) == (2, True)


def test_threads_do_not_change_the_output(desk: Desk) -> None:
    assert desk.levels("--threads", 2).out == desk.levels().out


def test_an_empty_book_is_no_error(desk: Desk) -> None:
    out = desk.folder / "out.json"
    ran = desk.levels("--out", out, "--worst", 3, accounts=desk.json("none.json", []))
    assert ran.code == 0
    assert json.loads(out.read_text()) == []


FUTURES = {
    "assets": [
        {"asset": "USDT", "walletBalance": "1000", "crossWalletBalance": "1000"},
        {"asset": "BNB", "walletBalance": "-1", "crossWalletBalance": "-1"},
    ],
    "positions": [
        {
            "symbol": "BTCUSDT",
            "positionAmt": "0.5",
            "entryPrice": "60000",
            "leverage": "20",
            "isolated": False,
        }
    ],
    "multiAssetsMargin": False,
}
MARKS = {"BTC": 60_000, "BNB": 600, "BTCUSDT": 59_000}


def test_answers_about_a_futures_account_are_a_book(desk: Desk) -> None:
    account = desk.json("f1.json", FUTURES)
    desk.prices = desk.json("prices.json", MARKS)
    desk.rules = "example"
    ran = desk.levels("--worst", 1, accounts=account)
    assert ran.code == 0, ran.err
    assert "; usdm; digest" in ran.out
    (line,) = (x for x in ran.out.splitlines() if x.startswith("f1 "))
    book = pm.Accounts.from_binance("usdm", FUTURES, account="f1")
    level = pm.usdm(book, MARKS, pm.example_rules()).margin_level[0]
    # Held and owed: the wallets, at index prices.
    assert line.split()[1:5] == [f"{level:.6f}", "1", "1,000", "600"]
    assert desk.levels("--mode", "usdm", accounts=account).code == 0


def test_several_answers_in_one_file_are_one_account(desk: Desk) -> None:
    lean = {**FUTURES, "positions": [{"symbol": "BTCUSDT", "positionAmt": "0.5"}]}
    account = desk.json("f1.json", [lean, [{**FUTURES["positions"][0], "markPrice": "59000"}]])
    desk.prices, desk.rules = desk.json("prices.json", MARKS), "example"
    assert desk.levels("--worst", 1, accounts=account).out == (
        desk.levels("--worst", 1, accounts=desk.json("f1.json", FUTURES)).out
    )


def test_a_portfolio_margin_answer_asks_which_kind_it_is(desk: Desk) -> None:
    balance = {"asset": "USDT", "crossMarginFree": "10", "crossMarginBorrowed": "5"}
    account = desk.json("p1.json", [balance])
    desk.rules = "example"
    ran = desk.levels(accounts=account)
    assert (ran.code, "give --mode portfolio or --mode portfolio_pro" in ran.err) == (2, True)
    ran = desk.levels("--mode", "portfolio", "--leverage", 10, accounts=account)
    assert (ran.code, "; portfolio; digest" in ran.out) == (0, True)
    stated = desk.json("p2.json", [{"uniMMR": "9", "accountType": "PM_1"}, balance])
    assert "; portfolio_pro; digest" in desk.levels("--leverage", 10, accounts=stated).out


def test_a_row_by_itself_is_a_book_of_one(desk: Desk) -> None:
    one, several = desk.json("one.json", ROWS[2]), desk.json("several.json", [ROWS[2]])
    assert desk.levels("--worst", 1, accounts=one).out == (
        desk.levels("--worst", 1, accounts=several).out
    )


def test_an_answer_about_isolated_margin_is_refused(desk: Desk) -> None:
    account = desk.json("i.json", {"assets": [{"baseAsset": {}, "quoteAsset": {}}]})
    ran = desk.levels(accounts=account)
    assert (ran.code, "isolated margin, which is out of scope" in ran.err) == (2, True)


def test_prices_may_come_in_several_files(desk: Desk) -> None:
    account = desk.json("f1.json", FUTURES)
    index = desk.json("index.json", {"BTC": 60_000, "BNB": 600})
    marks = desk.json(
        "marks.json", [{"symbol": "BTCUSDT", "positionAmt": "1", "markPrice": "59000"}]
    )
    ran = desk.run("levels", account, "--prices", index, "--prices", marks, "--rules", "example")
    assert ran.code == 0, ran.err
    ran = desk.run("levels", account, "--prices", index, "--rules", "example")
    assert (ran.code, "BTCUSDT" in ran.err) == (2, True)


def test_an_account_with_an_isolated_position_in_liquidation_is_among_the_worst(desk: Desk) -> None:
    isolated = {"symbol": "BTCUSDT", "quantity": 1, "entry_price": 25_000, "leverage": 10,
                "isolated_margin": 100}  # fmt: skip
    rows = [
        {"account": 1, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 5}]},
        {"account": 2, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 4_000}],
         "positions": [{"symbol": "BTCUSDT", "quantity": 1, "entry_price": 20_000}]},
        {"account": 3, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 5}],
         "positions": [isolated]},
        {"account": 4, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 4}],
         "positions": [{"symbol": "BTCUSDT", "quantity": 1, "entry_price": 20_000}]},
    ]  # fmt: skip
    book = desk.json("rows.json", rows)
    prices = desk.json("marks.json", {"BTCUSDT": 20_000})
    for count, expected in ((4, "4321"), (2, "43"), (1, "4")):
        out = desk.run("levels", book, "--prices", prices, "--rules", "example",
                       "--worst", count).out  # fmt: skip
        shown = [line.split() for line in out.splitlines() if line[:1].isdigit()]
        assert "".join(row[0] for row in shown) == expected
        assert all(row[1] == "none" for row in shown if row[0] in "13")
    assert "no debt" not in out


def test_one_account_is_not_several(desk: Desk) -> None:
    out = desk.run("demo", "--accounts", "1").out
    assert "1 generated account (seed 0)" in out
    assert " 1 accounts" not in out

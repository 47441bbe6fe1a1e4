from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cli_support import Desk, Ran

import pymargin as pm

PRICES = {"BTC": 50_000, "ETH": 2_000, "BTCUSDT": 50_000, "BTCUSD_PERP": 50_000}
ROWS: list[dict[str, Any]] = [
    {"account": 1, "mode": "cross_classic", "leverage": 3, "balances": [
        {"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 30_000}]},
    {"account": 2, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 6_000}],
     "positions": [{"symbol": "BTCUSDT", "quantity": 1, "entry_price": 50_000, "leverage": 10}]},
    {"account": 3, "mode": "portfolio", "balances": [{"asset": "ETH", "free": 10}],
     "positions": [{"symbol": "BTCUSDT", "quantity": -1, "entry_price": 50_000, "leverage": 10}]},
    {"account": 4, "mode": "coinm", "wallets": [{"asset": "BTC", "balance": 1}],
     "positions": [{"symbol": "BTCUSD_PERP", "quantity": 100, "entry_price": 50_000,
                    "leverage": 10, "isolated_margin": 0.02}]},
]  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(tmp_path, capsys)
    desk.json("accounts.json", ROWS)
    desk.json("prices.json", PRICES)
    return desk


def stress(desk: Desk, *arguments: object, accounts: Path | None = None) -> Ran:
    book = accounts or desk.accounts
    return desk.run("stress", book, "--prices", desk.prices, "--rules", "example", *arguments)


def lines(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines()]


def test_shows_who_is_called_and_liquidated_under_each_shock(desk: Desk) -> None:
    ran = stress(desk, "--factor", "1", "--factor", "0.85", "--factor", "1.5")
    assert ran.code == 0, ran.err
    found = pm.stress(
        pm.Accounts.from_rows(ROWS), PRICES, pm.example_rules(), [1, 0.85, 1.5], worst=True
    )
    counts = found.action_counts
    for k, factor in enumerate(("1", "0.85", "1.5")):
        row = next(x for x in lines(ran.out) if x[:3] == ["all", "x", factor])
        flags = (pm.Action.MARGIN_CALL, pm.Action.REDUCE_ONLY, pm.Action.LIQUIDATE,
                 pm.Action.ISOLATED_LIQUIDATE)  # fmt: skip
        shown = [str(counts[flag][k]) for flag in flags if counts[flag].any() or flag in flags[::2]]
        assert row[3:-1] == shown
    assert counts[pm.Action.ISOLATED_LIQUIDATE].any()
    worst = [row for row in lines(ran.out) if row[1:2] and row[1] in ("usdm", "portfolio")]
    assert ["2", "usdm"] in [row[:2] for row in worst]


def test_shocks_of_a_file_have_names(desk: Desk) -> None:
    shocks = desk.json("shocks.json", {"crash": {"BTC": 0.7, "BTCUSDT": 0.69}, "calm": {}})
    ran = stress(desk, "--shocks", shocks, "--worst", 0)
    assert ran.code == 0, ran.err
    assert [row[0] for row in lines(ran.out) if row[:1] in (["crash"], ["calm"])] == [
        "crash", "calm",
    ]  # fmt: skip
    assert "lowest levels" not in ran.out


def test_a_list_of_shocks_is_named_by_what_they_do(desk: Desk) -> None:
    shocks = desk.json("shocks.json", [{"BTC": 0.7}, {"BTC": 1, "ETH": 1, "USDT": 1, "BTCUSDT": 2}])
    out = stress(desk, "--shocks", shocks).out
    assert "BTC x 0.7" in out
    assert "BTC x 1, ETH x 1, USDT x 1 and 1 more" in out


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json"])
def test_writes_the_worst_level_of_every_account(desk: Desk, suffix: str) -> None:
    out = desk.folder / f"worst{suffix}"
    assert stress(desk, "--factor", "1", "--factor", "0.8", "--out", out).code == 0
    found = pm.stress(pm.Accounts.from_rows(ROWS), PRICES, pm.example_rules(), [1, 0.8])
    if suffix == ".parquet":
        table = pq.read_table(out)
        assert table.column("worst_level").to_pylist() == found.worst_level.tolist()
        assert table.column("shock").to_pylist()[1] == "all x 0.8"
        assert table.schema.metadata[b"pymargin.rules_digest"]
    elif suffix == ".json":
        assert [row["account"] for row in json.loads(out.read_text())] == [1, 2, 3, 4]
    else:
        assert out.read_text().startswith('"account","worst_level","worst_shock","shock"')


def test_positions_and_wallets_of_a_csv_book_are_in_files_of_their_own(desk: Desk) -> None:
    accounts = desk.text(
        "book.csv", "account,mode,leverage\n1,cross_classic,3\n2,usdm,\n4,coinm,\n"
    )
    wallets = desk.text("wallets.csv", "account,asset,balance\n2,USDT,6000\n4,BTC,1\n")
    positions = desk.text(
        "positions.csv",
        "account,symbol,quantity,entry_price,leverage,side,isolated_margin\n"
        "2,BTCUSDT,1,50000,10,,\n4,BTCUSD_PERP,100,50000,10,BOTH,0.02\n",
    )
    beside = ("--wallets", wallets, "--positions", positions)
    out, same = desk.folder / "one.json", desk.folder / "other.json"
    book = desk.json("rows.json", [{"account": 1, "mode": "cross_classic", "leverage": 3},
                                   ROWS[1], ROWS[3]])  # fmt: skip
    for given, to in (((accounts, *beside), out), ((book,), same)):
        arguments = ("--prices", desk.prices, "--rules", "example", "--out", to)
        assert desk.run("levels", *given, *arguments).code == 0
    assert json.loads(out.read_text()) == json.loads(same.read_text())
    explained = desk.run("explain", accounts, 2, *beside, "--prices", desk.prices,
                         "--rules", "example")  # fmt: skip
    assert "BTCUSDT" in explained.out
    ran = stress(desk, *beside, "--factor", "0.5", accounts=accounts)
    assert ran.code == 0, ran.err


def test_balances_with_wallets_beside_them(desk: Desk) -> None:
    balances = desk.text("book.csv", "account,asset,free,mode\n3,ETH,10,portfolio\n")
    wallets = desk.text("wallets.csv", "account,asset,balance\n3,USDT,500\n")
    ran = stress(desk, "--wallets", wallets, "--factor", "1", accounts=balances)
    assert ran.code == 0, ran.err


def test_files_beside_go_with_csv_only(desk: Desk) -> None:
    wallets = desk.text("wallets.csv", "account,asset,balance\n2,USDT,1\n")
    ran = stress(desk, "--wallets", wallets, "--factor", "1")
    assert ran.code == 2
    assert "--wallets go with accounts in CSV" in ran.err


@pytest.mark.parametrize(
    ("shocks", "said"),
    [
        (None, "give a shock"),
        (
            [{"BTC": "x"}],
            "shock 0, BTC: a factor such as 0.9 must be a number of at least 0, not 'x'",
        ),
        ([0.9, {"BTC": 1}], "not both"),
        ("no", "must be a JSON list of shocks"),
        ([], "give a shock"),
        ([-1], "shocks.json, shock 0: a factor such as 0.9 must be a number of at least 0, not -1"),
        ({"crash": {"BTC": -0.1}}, "shocks.json, crash, BTC: a factor such as 0.9 must be"),
        ([float("inf")], "at least 0, not inf"),
        ([float("nan")], "at least 0, not nan"),
        (
            [{"BTC": 1}, {"BTCC": 0.8}],
            "shocks.json, shock 1: BTCC is neither in the book nor in the prices; "
            "did you mean BTC?",
        ),
        ({"crash": {"XRP": 0.8}}, "crash: XRP is neither in the book nor in the prices\n"),
        ({"BTC": 0.8, "ETH": 0.7}, 'to move that of BTC alone write [{"BTC": 0.8}]'),
        ({"BTCUSD_PERP": 0.8}, "a factor by itself moves every price"),
    ],
)
def test_what_is_no_shock_is_bad_input(desk: Desk, shocks: Any, said: str) -> None:
    given = () if shocks is None else ("--shocks", desk.json("shocks.json", shocks))
    ran = stress(desk, *given)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_factor_that_is_no_number_is_bad_input(desk: Desk) -> None:
    for given in ("nan", "inf"):
        ran = stress(desk, "--factor", given)
        assert ran.code == 2
        assert f"--factor {given}: a factor such as 0.9 must be a number of at least 0" in ran.err


def test_a_shock_out_of_range_is_named(desk: Desk) -> None:
    shocks = desk.json("shocks.json", {"calm": {}, "crash": {"BTC": 1e-200}})
    ran = stress(desk, "--shocks", shocks)
    assert ran.code == 2
    assert "the price of BTC under crash must be 0 or from" in ran.err


def test_unpriced_accounts_give_exit_code_1(desk: Desk) -> None:
    desk.json("prices.json", {name: x for name, x in PRICES.items() if name != "BTCUSD_PERP"})
    ran = stress(desk, "--factor", "1")
    assert ran.code == 2
    assert "BTCUSD_PERP" in ran.err
    ran = stress(desk, "--factor", "1", "--missing", "flag")
    assert ran.code == 1
    assert "unpriced debt" in ran.out


def test_a_book_without_modes_asks_for_one(desk: Desk) -> None:
    desk.json("accounts.json", [{**ROWS[0], "mode": None}])
    assert "give --mode" in stress(desk, "--factor", "1").err
    assert stress(desk, "--factor", "1", "--mode", "cross_classic").code == 0


def test_a_shock_may_name_what_is_priced_and_not_held(desk: Desk) -> None:
    desk.json("prices.json", {**PRICES, "DOGE": 0.1})
    shocks = desk.json("shocks.json", [{"DOGE": 0.5}])
    assert stress(desk, "--shocks", shocks).code == 0


def test_a_leverage_that_goes_with_no_account_is_refused(desk: Desk) -> None:
    futures = desk.json("futures.json", ROWS[1:2])
    for mode in ((), ("--mode", "usdm")):
        ran = stress(desk, "--factor", "1", "--leverage", "10", *mode, accounts=futures)
        assert ran.code == 2
        assert "--leverage is of Cross Margin Classic accounts, and futures.json has none" in (
            ran.err
        )
    assert stress(desk, "--factor", "1", "--leverage", "3").code == 0
    ran = stress(desk, "--factor", "1", "--leverage", "10")
    assert (ran.code, "leverage must be 3 or 5" in ran.err) == (2, True)

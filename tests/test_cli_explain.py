from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import ROWS, Desk


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def lines(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines()]


def test_shows_quantity_price_and_value(desk: Desk) -> None:
    out = desk.explain(13).out
    assert ["BTC", "3", "0", "0", "20,000", "60,000", "0"] in lines(out)
    assert ["USDT", "0", "49,999", "1", "1", "0", "50,000"] in lines(out)


def test_shows_the_slice_of_each_tier(desk: Desk) -> None:
    balances = [{"asset": "BTC", "free": 60}]
    desk.json("accounts.json", [{**ROWS[0], "balances": balances}])
    out = lines(desk.explain(11).out)
    whole, half = "1,000,000", "2,000,000"
    assert ["BTC", "collateral", "0", whole, "100", "%", whole, whole] in out
    assert ["BTC", "collateral", whole, half, "50", "%", "200,000", "100,000"] in out


def test_shows_the_excess_over_the_last_tier(desk: Desk) -> None:
    balances = [{"asset": "BTC", "free": 101}]
    desk.json("accounts.json", [{**ROWS[0], "balances": balances}])
    ran = desk.explain(11)
    assert "collateral, beyond its last tier" in ran.out
    assert ran.code == 1


def test_shows_the_threshold_that_decides(desk: Desk) -> None:
    out = lines(desk.explain(11).out)
    assert ["margin_level", "at", "most", "1.1", "decides", "liquidate"] in out
    assert out[-1] == ["Actions:", "liquidate"]


def test_shows_what_holds_where_no_line_does(desk: Desk) -> None:
    out = lines(desk.explain(12).out)
    assert ["otherwise", "decides", "trade"] in out
    assert ["borrow_margin_level", "above", "1.5", "yes", "borrow"] in out


def test_says_what_lacks_a_price(desk: Desk) -> None:
    desk.json("prices.json", {})
    ran = desk.explain(12)
    assert ran.code == 1
    assert "BTC has no price" in ran.out


def test_finds_text_ids_that_look_like_numbers(desk: Desk) -> None:
    desk.json("accounts.json", [{**ROWS[1], "account": "12"}])
    assert desk.explain(12).code == 0


def test_an_id_does_not_steer_the_terminal(desk: Desk) -> None:
    desk.json("accounts.json", [{**ROWS[1], "account": "a\x1b[31m"}])
    out = desk.explain("a\x1b[31m").out
    assert "\x1b" not in out
    assert "a\\x1b[31m" in out


@pytest.mark.parametrize("account", ["77", "nobody", "007", "99999999999999999999"])
def test_an_unknown_account_is_bad_input(desk: Desk, account: str) -> None:
    ran = desk.explain(account)
    assert (ran.code, ran.out) == (2, "")
    assert account in ran.err


def test_an_account_without_a_mode_asks_for_the_option(desk: Desk) -> None:
    row = {name: value for name, value in ROWS[1].items() if name != "mode"}
    desk.json("accounts.json", [row])
    assert "give --mode" in desk.explain(12).err
    assert desk.explain(12, "--mode", "cross_classic").code == 0


def test_an_account_without_a_leverage_is_told_the_option(desk: Desk) -> None:
    desk.accounts = desk.json("lean.json", [{**ROWS[2], "leverage": None}])
    for ran in (desk.explain(13), desk.levels()):
        assert (ran.code, "(--leverage 3 or --leverage 5 gives it" in ran.err) == (2, True)

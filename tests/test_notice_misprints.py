"""Misprints of tiers, and what is read of a table in spite of them."""

from __future__ import annotations

import pytest
from test_notice_read import FUTURES, PRO_HEAD, TIERS, actions, caps, read, values

import pymargin as pm
from pymargin.notices import chains
from pymargin.notices.blocks import Law, Layout
from pymargin.rules import names_by_product

# Rows of both sides, so that either can be spoilt.
BEFORE = ("11 - 20x0 < Position ≤ 4,0002.50%", "2 - 10x4,000 < Position ≤ 30,0005.00%",
          " 1x30,000 < Position ≤ 900,00050.00%")  # fmt: skip
AFTER = ("11 - 20x0 < Position ≤ 2,0002.50%", "2 - 10x2,000 < Position ≤ 60,0005.00%",
         " 1x60,000 < Position ≤ 700,00050.00%")  # fmt: skip
COIN = "Futures tiers of COINⓈ-M contracts will change at 2031-05-06 06:30 (UTC)."


def body(old: str = "", new: str = "") -> str:
    """Print both sides with one figure of them spoilt."""
    text = "".join(f"{left}{right}" for left, right in zip(BEFORE, AFTER, strict=True))
    assert text.count(old) == 1 or not old
    return text.replace(old, new) if old else text


def futures(text: str) -> pm.Notice:
    return read(FUTURES, "ABCUSDT (USDS-M Perpetual Contract)", f"{TIERS}{text}")


def test_the_unspoilt_table_has_no_problem():
    before, after = values(futures(body()))["ABCUSDT"]
    assert caps(before) == [4_000, 30_000, 900_000]
    assert caps(after) == [2_000, 60_000, 700_000]
    assert futures(body()).problems == ()


def test_a_cap_that_is_no_number_is_the_floor_after_it():
    notice = futures(body("≤ 60,000", "≤ 6,00,00"))
    assert caps(values(notice)["ABCUSDT"][1]) == [2_000, 60_000, 700_000]
    assert actions(notice) == ["mended"]
    assert "60,000" in notice.problems[0].what


def test_a_last_cap_before_that_is_no_number_leaves_its_side_out():
    notice = futures(body("≤ 900,000", "≤ 9,00,000"))
    before, after = values(notice)["ABCUSDT"]
    assert before is None
    assert caps(after) == [2_000, 60_000, 700_000]
    assert actions(notice) == ["left_out"]
    assert "before" in notice.problems[0].what


def test_a_last_cap_after_that_is_no_number_leaves_the_table_out():
    notice = futures(body("≤ 700,000", "≤ 7,00,000"))
    assert notice.changes == ()
    assert actions(notice) == ["left_out"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("4,0002.50%", "4,00025.0%"), ("≤ 30,000", "≤ 3,000"), ("2 - 10x4", "2 - 30x4")],
)
def test_a_side_before_that_keeps_no_law_leaves_the_side_after(old, new):
    notice = futures(body(old, new))
    before, after = values(notice)["ABCUSDT"]
    assert before is None
    assert caps(after) == [2_000, 60_000, 700_000]
    assert actions(notice) == ["left_out"]


def test_a_side_after_that_stops_early_is_not_read_alone():
    spoilt = body("≤ 30,000", "≤ 3,000").replace(AFTER[-1], "NA")
    assert futures(spoilt).changes == ()


def test_a_leverage_printed_twice_is_kept_and_reported():
    notice = futures(body(" 1x30,000", " 2x30,000").replace("2 - 10x4", " 2x4"))
    assert [int(tier.leverage) for tier in values(notice)["ABCUSDT"][0]] == [20, 2, 2]
    assert any("2x to 2x" in problem.what for problem in notice.problems)
    assert set(actions(notice)) == {"warned"}


def test_a_rate_of_the_tier_before_is_kept_and_reported():
    notice = futures(body("30,0005.00%", "30,0002.50%"))
    assert [str(tier.rate) for tier in values(notice)["ABCUSDT"][0]] == ["0.025", "0.025", "0.5"]
    assert any("tier before" in problem.what for problem in notice.problems)
    assert set(actions(notice)) == {"warned"}


def test_a_tier_may_stand_beside_several_that_share_its_rate():
    """Coin-margined tables print three tiers of one rate beside one, with nothing between them."""
    rows = (
        "8 - 10x0 < Position ≤ 1005.00%5 - 10x0 < Position ≤ 4005.00%"
        "7x100 < Position ≤ 2005.00%5 - 6x200 < Position ≤ 4005.00%"
        "1 - 4x400 < Position ≤ 90012.50%1 - 4x400 < Position ≤ 80012.50%"
    )
    notice = read(COIN, "• ABCUSD (COINⓈ-M Perpetual Contract)", f"{TIERS}{rows}")
    before, after = values(notice)["ABCUSD"]
    assert caps(before) == [100, 200, 400, 900]
    assert caps(after) == [400, 800]
    assert set(actions(notice)) == {"warned"}


def test_coin_margined_contracts_are_those_of_coinm():
    head = TIERS.replace("Position Before Change", "Position Before Change (ABC)")
    notice = read(COIN, "• ABCUSD (COINⓈ-M Perpetual Contract)", f"{head}{body()}")
    assert [(change.product, change.key) for change in notice.changes] == [("coinm", "ABCUSD")]
    assert notice.problems == ()


def test_a_quote_tells_whose_contract_it_is():
    notice = read(FUTURES, "ABCUSD (USDS-M Perpetual Contract)", f"{TIERS}{body()}")
    assert [change.product for change in notice.changes] == ["coinm"]
    assert actions(notice) == ["warned"]


def test_tables_after_coin_margined_ones_are_of_their_own_product():
    notice = read(COIN, "ABCUSD", f"{TIERS}{body()}", FUTURES.replace("Futures", "USDT-M Futures"),
                  "DEFUSDT (USDⓈ-M Perpetual Contract)", f"{TIERS}{body()}")  # fmt: skip
    assert [change.product for change in notice.changes] == ["coinm", "usdm"]
    assert notice.problems == ()


def test_tiers_of_an_asset_before_may_be_left_out_too():
    rows = (
        "XRP60700,000100%70150,000100%700,00060,00095%150,000300,00080%"
        "60,00099,999,999,99950%300,00099,999,999,99920%"
    )
    notice = read("Portfolio Margin changes at 2031-05-06 06:00 (UTC):", PRO_HEAD + rows)
    assert values(notice)["XRP"] == (None, 7)
    assert caps(values(notice)[7][1]) == [150_000, 300_000, None]
    assert "left_out" in actions(notice)


def test_a_table_that_cannot_be_read_is_given_up_early():
    """Rows that go down again keep no law, however they are put together."""
    text = "".join(f"11 - 20x{n} < Position ≤ {n + 1}2.50%" for n in range(900, 0, -1))
    sides = (("leverage", "band", "rate"),) * 2
    found, is_complete = chains.readings(text, 0, len(text), Layout(sides, Law("rising")))
    assert found == []
    assert is_complete


def test_names_that_are_not_known_are_reported():
    text = "Portfolio Margin changes at 2031-05-06 06:00 (UTC):\n\nAssetsCollateral RatioCHEEM50%"
    assert actions(pm.read_notice(text, known=["CHEEMS"])) == ["warned"]
    assert "CHEEM" in pm.read_notice(text, known=["CHEEMS"]).problems[0].what
    assert pm.read_notice(text, known=iter(["CHEEM"])).problems == ()
    assert actions(pm.read_notice(text, known={"portfolio": {"CHEEMS"}})) == ["warned"]
    assert pm.read_notice(text, known={"usdm": {"CHEEMS"}}).problems == ()
    with pytest.raises(TypeError, match="several names"):
        pm.read_notice(text, known="CHEEM")


def test_rules_know_the_names_of_the_products_that_they_hold():
    rules = pm.example_rules()
    known = names_by_product(rules)
    symbol, pair = rules.names("usdm")[0], rules.names("coinm")[0].partition("_")[0]
    sides = f"{TIERS}{body()}"
    for heading, unknown in ((symbol, 0), (pair, 0), (f"Q{symbol}", 1)):
        notice = pm.read_notice(f"# Ours\n\n{FUTURES}\n\n{heading}\n\n{sides}", known=known)
        assert sum("no known name" in problem.what for problem in notice.problems) == unknown


@pytest.mark.parametrize("sign", ["NA", "N/A", "----"])
@pytest.mark.parametrize("again", [True, False])
def test_an_asset_that_had_no_rank_says_so_once_or_in_each_row(sign, again):
    rows = ("150,000300,00080%", "300,00099,999,999,99920%")
    sign_again = sign if again else ""
    text = f"LTC{sign}70150,000100%" + "".join(f"{sign_again}{row}" for row in rows)
    notice = read("Portfolio Margin changes at 2031-05-06 06:00 (UTC):", PRO_HEAD + text)
    assert values(notice)["LTC"] == (None, 7)
    assert caps(values(notice)[7][1]) == [150_000, 300_000, None]
    assert [problem.what for problem in notice.problems] == ["LTC: only one side says its rank"]


def test_words_that_run_into_a_name_are_reported():
    rows = "LTCRank 60700,000100%Rank 70150,000100%700,00099,999,999,99950%150,00099,999,999,9990%"
    notice = read("Portfolio Margin changes at 2031-05-06 06:00 (UTC):", PRO_HEAD + rows)
    assert "warned" in actions(notice)
    assert any("LTCRank" in problem.what for problem in notice.problems)

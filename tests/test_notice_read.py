"""What notices say in words of our own, and what is said about what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import pymargin as pm
from pymargin.notices.moments import moments_in, window_in

MARGIN = (
    "Portfolio Margin gets other ratios at 2031-05-06 06:00 (UTC), completed within 30 minutes:"
)
CROSS = "Cross Margin gets other numbers at 2031-05-06 06:00 (UTC):"
FUTURES = (
    "Our Futures tiers will change at 2031-05-06 06:30 (UTC), to be completed within one hour."
)
RATES = "AssetsCollateral Ratio (Before)Collateral Ratio (After)"
MOVES = "AssetsAsset No. Before AdjustmentAsset No. After Adjustment"
SIDE = "Leverage {0} ChangePosition {0} ChangeMaintenance Margin Rate {0} Change"
TIERS = SIDE.format("Before") + SIDE.format("After")
PRO_HEAD = (
    "Asset (PM Pro)BeforeAfterRankFloor(USD)Cap(USD)Collateral Ratio"
    "Rank Floor(USD)Cap(USD)Collateral Ratio"
)
PRO = (
    "XRP,DOGE60700,000100%70150,000100%700,0001,100,00095%150,000300,00080%"
    "1,100,00099,999,999,99950%300,00099,999,999,99920%"
)
BODY = (
    "11 - 20x0 < Position ≤ 6,0002.50%NA6 - 10x6,000 < Position ≤ 9,0005.00%6 - 10x0 < Position ≤ "
    "8,0005.00%1 - 5x9,000 < Position ≤ 90,00010.00%1 - 5x8,000 < Position ≤ 80,00010.00%"
)
AT = datetime(2031, 5, 6, 6, tzinfo=UTC)


def read(*parts: str) -> pm.Notice:
    return pm.read_notice("\n\n".join(("# A notice of ours", *parts)))


def futures(body: str = BODY, *, heading: str = "ABCUSDT (USDS-M Perpetual Contract)"):
    return read(FUTURES, heading, f"{TIERS}{body}")


def values(notice: pm.Notice) -> dict:
    return {change.key: (change.before, change.after) for change in notice.changes}


def caps(tiers) -> list[int]:
    return [tier.cap and int(tier.cap) for tier in tiers]


def actions(notice: pm.Notice) -> list[str]:
    return [problem.action for problem in notice.problems]


@pytest.mark.parametrize(
    ("run_together", "moves"),
    [
        ("ENA67JUV910", {"ENA": (6, 7), "JUV": (9, 10)}),
        ("C98910ATM89", {"C98": (9, 10), "ATM": (8, 9)}),
        ("ONT9101000SATS910", {"ONT": (9, 10), "1000SATS": (9, 10)}),
        ("ONT9101INCH78", {"ONT": (9, 10), "1INCH": (7, 8)}),
        ("NEW1011", {"NEW": (10, 11)}),
    ],
)
def test_names_and_ranks_that_run_together(run_together, moves):
    notice = read(CROSS, f"{MOVES}{run_together}")
    assert values(notice) == moves
    assert notice.problems == ()


def test_names_last_may_begin_with_digits():
    head = "Asset No. Before AdjustmentAsset No. After AdjustmentAssets "
    notice = read(CROSS, f"{head}56WIF68JTO, OP79A, DYDX9101000CHEEMS, ACE")
    moves = {"WIF": (5, 6), "JTO": (6, 8), "OP": (6, 8), "A": (7, 9), "DYDX": (7, 9)}
    assert values(notice) == {**moves, "1000CHEEMS": (9, 10), "ACE": (9, 10)}
    assert notice.problems == ()


def test_a_name_that_may_have_taken_a_rank_is_a_problem():
    notice = read(CROSS, f"{MOVES}BAR6JUV910")
    assert actions(notice) == ["warned"]
    assert "BAR6JUV" in notice.problems[0].what


def test_a_known_name_that_may_be_cut_short_is_a_problem():
    head = "Asset No. Before AdjustmentAsset No. After AdjustmentAssets "
    notice = read(CROSS, f"{head}89LUNC, C98 PEOPLE, MEME")
    assert "warned" in actions(notice)


def test_rows_that_read_in_two_ways_are_left_out():
    notice = read(MARGIN, f"{RATES}ABC80%70%C980%30%")
    assert values(notice) == {"ABC": (Decimal("0.8"), Decimal("0.7"))}
    assert actions(notice) == ["left_out"]


def test_a_rate_without_its_sign_is_left_out_with_its_row():
    notice = read(MARGIN, f"{RATES}ABC80%70%DEF5040%GHI30%20%")
    assert set(values(notice)) == {"ABC", "GHI"}
    assert actions(notice) == ["left_out"]
    assert notice.problems[0].line == 5


def test_an_absent_side_is_none():
    notice = read(MARGIN, f"{RATES}NEW--50%OLD20%N/A")
    assert values(notice) == {"NEW": (None, Decimal("0.5")), "OLD": (Decimal("0.2"), None)}


def test_known_names_written_together_are_a_problem():
    notice = read(MARGIN, PRO_HEAD + PRO.replace(",DOGE", "DOGE"))
    assert actions(notice) == ["warned"]
    assert "XRP" in notice.problems[0].what


def test_ranks_and_floors_that_run_together():
    notice = read(MARGIN, PRO_HEAD + PRO)
    found = values(notice)
    assert found["XRP"] == found["DOGE"] == (6, 7)
    assert caps(found[6][0]) == [700_000, 1_100_000, None]
    assert found[6][1] is None
    assert caps(found[7][1]) == [150_000, 300_000, None]
    assert notice.problems == ()


def test_a_dropped_comma_is_read_where_only_one_number_fits():
    notice = read(MARGIN, PRO_HEAD + PRO.replace("150,000300,000", "150000300,000"))
    assert caps(values(notice)[7][1]) == [150_000, 300_000, None]


def test_a_rank_with_two_tables_that_differ_is_left_out():
    once = PRO_HEAD + PRO
    other = once.replace("XRP,DOGE", "ADA").replace("300,000", "310,000")
    notice = read(MARGIN, once, other)
    assert 7 not in values(notice)
    assert 6 in values(notice)
    assert actions(notice) == ["left_out"]


def test_an_absent_cell_stands_for_its_row():
    found = values(futures())["ABCUSDT"]
    assert caps(found[0]) == [6_000, 9_000, 90_000]
    assert caps(found[1]) == [8_000, 80_000]
    assert [str(tier.leverage) for tier in found[1]] == ["10", "5"]
    assert [str(tier.rate) for tier in found[1]] == ["0.05", "0.1"]


@pytest.mark.parametrize("sign", ["NA", "N/A", "-", "--", "", "NANANA"])
def test_every_sign_of_an_absent_cell(sign):
    assert futures(BODY.replace("NA", sign)).changes == futures().changes


@pytest.mark.parametrize(
    "form", ["0 < Position ≤ 5,000", "0 - 5,000", "Up to 5,000", "0 < Notional <= 5,000 USDT"]
)
def test_every_form_of_a_band(form):
    head = "LeveragePosition BracketMaintenance Margin Rate"
    notice = read(FUTURES, "ABCUSDT", f"{head}11 - 20x{form}2.50%1 - 10x5,000 - 9,0005.00%")
    before, after = values(notice)["ABCUSDT"]
    assert before is None
    assert caps(after) == [5_000, 9_000]
    assert notice.problems == ()


def test_an_open_last_band():
    head = "LeveragePosition BracketMaintenance Margin Rate"
    notice = read(FUTURES, "ABCUSDT", f"{head}11 - 20x0 - 5,0002.50%1 - 10x> 5,0005.00%")
    assert caps(values(notice)["ABCUSDT"][1]) == [5_000, None]


def test_floors_that_contradict_caps_are_mended_and_reported():
    notice = futures(BODY.replace("8,000 < Position ≤ 80,000", "9,900 < Position ≤ 80,000"))
    after = values(notice)["ABCUSDT"][1]
    assert [int(tier.floor) for tier in after] == [0, 8_000]
    assert actions(notice) == ["mended"]
    assert "9,900" in notice.problems[0].what
    assert "ABCUSDT" in notice.problems[0].what


def test_caps_that_do_not_rise_leave_the_table_out():
    notice = futures(BODY.replace("≤ 80,000", "≤ 7,000"))
    assert notice.changes == ()
    assert actions(notice) == ["left_out"]


@pytest.mark.parametrize(("printed", "rate"), [("16.70%", "0.167"), ("16.670%", "0.1667")])
def test_a_rounded_rate_is_kept_as_printed_and_reported(printed, rate):
    head = "LeveragePosition BracketMaintenance Margin Rate"
    notice = read(FUTURES, "ABCUSDT", f"{head}1 - 3x0 - 5,000{printed}")
    assert values(notice)["ABCUSDT"][1][0].rate == Decimal(rate)
    assert actions(notice) == ["warned"]
    assert "cum" in notice.problems[0].how


def test_a_usual_rate_is_no_problem():
    head = "LeveragePosition BracketMaintenance Margin Rate"
    assert read(FUTURES, "ABCUSDT", f"{head}1 - 3x0 - 5,00016.67%").problems == ()


def test_several_symbols_share_a_table():
    notice = futures(heading="ABCUSDT, 4USDT,DEFUSDT and 币安USDT (USDS-M Perpetual Contracts)")
    assert list(values(notice)) == ["ABCUSDT", "4USDT", "DEFUSDT", "币安USDT"]
    assert len(set(values(notice).values())) == 1


def test_a_name_among_symbols_that_is_none_is_a_problem():
    notice = futures(heading="ABCUSDT, DEF and GHIUSDT (USDS-M Perpetual Contracts)")
    assert list(values(notice)) == ["ABCUSDT", "GHIUSDT"]
    assert actions(notice) == ["left_out"]
    assert "DEF" in notice.problems[0].what


def test_a_symbol_in_a_sentence_is_no_heading():
    notice = read(FUTURES, "ABCUSDT", "Please see what was said of XYZUSDT, too.", TIERS + BODY)
    assert list(values(notice)) == ["ABCUSDT"]


def test_symbols_written_together_are_a_problem():
    notice = futures(heading="ABCUSDTDEFUSDT (USDS-M Perpetual Contracts)")
    assert "warned" in actions(notice)


def test_a_moment_beside_the_symbols_is_theirs():
    notice = futures(heading="2031-05-09 07:30 (UTC): ABCUSDT (USDS-M Perpetual Contract)")
    (change,) = notice.changes
    assert change.effective == datetime(2031, 5, 9, 7, 30, tzinfo=UTC)
    assert any("2031-05-09" in problem.what for problem in notice.problems)


def test_a_table_of_futures_does_not_take_the_moment_of_the_margin():
    notice = read(MARGIN, f"{RATES}ABC80%70%", "Our Futures tiers will change as follows.",
                  "ABCUSDT", f"{TIERS}{BODY}")  # fmt: skip
    assert list(values(notice)) == ["ABC"]
    assert actions(notice) == ["left_out"]


def test_two_moments_for_one_table_leave_it_out():
    both = "Portfolio Margin changes from 2031-05-06 06:00 (UTC) and 2031-05-08 06:00 (UTC)."
    notice = read(both, f"{RATES}ABC80%70%")
    assert notice.changes == ()
    assert actions(notice) == ["left_out"]


def test_the_window_is_that_of_its_section():
    notice = read(MARGIN, f"{RATES}ABC80%70%", FUTURES, "ABCUSDT", f"{TIERS}{BODY}")
    windows = {change.key: change.window for change in notice.changes}
    assert windows == {"ABC": timedelta(minutes=30), "ABCUSDT": timedelta(hours=1)}


@pytest.mark.parametrize(
    "text",
    [
        "2031-05-06 06:00 (UTC)",
        "2031-5-6 06:00 UTC",
        "2031/05/06 at 06:00 (UTC)",
        "06:00 (UTC) on 2031-05-06",
        "May 6, 2031 06:00 (UTC)",
        "6 May 2031, 6:00 am UTC",
        "2031-05-06 14:00 (UTC+8)",
    ],
)
def test_every_form_of_a_moment(text):
    assert [moment.at for moment in moments_in(f"It starts {text}: so")] == [AT]


@pytest.mark.parametrize("text", ["2031-05-0 06:30 (UTC)", "2031-13-06 06:30 (UTC)",
                                  "231-05-06 06:30 (UTC)", "2031-05-06 06:3 (UTC)"])  # fmt: skip
def test_what_is_no_moment_dates_nothing(text):
    notice = futures(heading=f"{text}: ABCUSDT (USDS-M Perpetual Contract)")
    assert notice.changes == ()
    assert set(actions(notice)) == {"left_out"}


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("will be completed within approximately 30 minutes", 30),
        ("to be completed within about an hour", 60),
        ("is completed in 2 hours", 120),
        ("It will take around 45 min", 45),
    ],
)
def test_every_form_of_a_window(text, minutes):
    assert window_in(text).window == timedelta(minutes=minutes)


def test_a_repeated_identical_change_is_one():
    notice = read(MARGIN, f"{RATES}ABC80%70%ABC80%70%")
    assert len(notice.changes) == 1
    assert notice.problems == ()


def test_a_table_of_no_named_product_is_left_out():
    notice = read("These ratios hold from 2031-05-06 06:00 (UTC):", f"{RATES}ABC80%70%")
    assert notice.changes == ()
    assert actions(notice) == ["left_out"]


def test_a_key_printed_twice_and_differently_is_left_out():
    notice = read(MARGIN, f"{RATES}ABC80%70%ABC80%60%DEF50%40%")
    assert list(values(notice)) == ["DEF"]
    assert actions(notice) == ["left_out"]


def test_a_table_of_an_unknown_kind_is_left_out():
    notice = read(MARGIN, "AssetsBorrow Collateral RatioLiquidationABC80%70%60%50%")
    assert notice.changes == ()
    assert "left_out" in actions(notice)


def test_figures_without_a_head_are_a_problem():
    notice = read(MARGIN, "ABC80%70%DEF50%40%")
    assert notice.changes == ()
    assert "left_out" in actions(notice)


def test_ranks_that_the_prose_names_and_the_table_lacks_are_a_problem():
    table = "Asset No.Tiers (USD)Collateral Ratio70 - 200,000100.00%200,000 - 100,000,000,0000.00%"
    named = "The tiers of assets no. 7 and 8 are these:"
    assert "8" in read(CROSS, named, table).problems[0].what
    assert read(CROSS, "The tiers of asset no. 7 are these:", table).problems == ()


def test_a_text_without_a_table_says_so():
    assert actions(pm.read_notice("")) == ["left_out"]
    assert actions(pm.read_notice("Nothing changes.\nGood day.")) == ["left_out"]


def test_a_heading_of_markdown_names_symbols_too():
    notice = read(FUTURES, "### ABCUSDT (USDS-M Perpetual Contract)", TIERS + BODY)
    assert list(values(notice)) == ["ABCUSDT"]


def test_a_first_line_that_says_something_is_no_title():
    notice = pm.read_notice(f"{MARGIN}\n\n{RATES}ABC80%70%")
    assert list(values(notice)) == ["ABC"]


def test_title_day_and_text_are_kept():
    notice = read(MARGIN, f"{RATES}ABC80%70%", "2031-05-01")
    assert (notice.title, str(notice.published)) == ("A notice of ours", "2031-05-01")
    assert notice.changes[0].text == "ABC80%70%"


def test_an_effect_before_the_notice_is_a_problem():
    notice = read(MARGIN, f"{RATES}ABC80%70%", "2031-06-01")
    assert actions(notice) == ["warned"]


def test_a_path_and_its_name_and_the_text_read_the_same(tmp_path):
    text = "\n\n".join(("# A notice", MARGIN, f"{RATES}ABC80%70%"))
    path = tmp_path / "notice.md"
    path.write_text(text, encoding="utf-8")
    assert pm.read_notice(path) == pm.read_notice(str(path)) == pm.read_notice(text)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        pm.read_notice(tmp_path / "absent.md")
    with pytest.raises(FileNotFoundError):
        pm.read_notice("absent.md")


def test_a_file_that_is_no_text_is_an_error(tmp_path):
    path = tmp_path / "notice.md"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="UTF-8"):
        pm.read_notice(path)


def test_html_without_lxml_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "lxml.html", None)
    with pytest.raises(ImportError, match=r"pymargin\[notices\]"):
        pm.read_notice("<html><body><p>A notice</p></body></html>")


def test_html_says_the_line_of_its_source():
    rows = "<tr><td>ABC</td><td>80%</td></tr>\n<tr><td>DEF</td><td>50%</td><td>40%</td></tr>"
    head = "<tr><th>Assets</th><th>Collateral Ratio</th><th>Collateral Ratio</th></tr>"
    text = (
        f"<html><body>\n<h1>Ours</h1>\n<p>{MARGIN}</p>\n<table>{head}\n{rows}</table></body></html>"
    )
    notice = pm.read_notice(text)
    assert list(values(notice)) == ["DEF"]
    assert [problem.line for problem in notice.problems] == [5]


@pytest.mark.parametrize("text", ["\x00", "|||", "%%%", "<table>", "<p>", "[](", "1" * 5_000,
                                  "AssetsCollateral Ratio1%" * 50, "\ud800"])  # fmt: skip
def test_hard_texts_are_read_without_an_error(text):
    assert pm.read_notice(f"{text}\n{text}").problems

"""The same notice as its readers get it: quoted, a cell a line, saved from a page."""

from __future__ import annotations

import time

import pytest
from test_notice_read import (
    BODY,
    FUTURES,
    MARGIN,
    PRO,
    PRO_HEAD,
    RATES,
    TIERS,
    actions,
    caps,
    values,
)

import pymargin as pm

TEXT = "\n\n".join(("# A notice of ours", MARGIN, f"{RATES}ABC80%70%DEF50%40%", FUTURES,
                    "ABCUSDT (USDS-M Perpetual Contract)", f"{TIERS}{BODY}"))  # fmt: skip
WHOLE = pm.read_notice(TEXT)
PRO_CELLS = (  # noqa: SIM905
    "XRP,DOGE 6 0 700,000 100% 7 0 150,000 100% 700,000 1,100,000 95% 150,000 300,000 80% "
    "1,100,000 99,999,999,999 50% 300,000 99,999,999,999 20%"
).split()


def lines(*cells: str) -> str:
    return "\n\n".join(cells)


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(" < ", "\u2009<\u200b "),
        lambda text: text.replace("%", "％").replace("(", "（").replace(")", "）"),
        lambda text: text.replace("<", "&lt;"),
        lambda text: text.replace("≤", "<="),
        lambda text: text.replace(" - ", " – "),
        lambda text: "\n".join(f"> {line}" for line in text.split("\n")),
        lambda text: text.replace("\n\n", "<br/><br>\n"),
        lambda text: "\n".join(f"{line}   " for line in text.split("\n")),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("ABCUSDT", "**ABCUSDT**"),
        lambda text: f"\ufeff{text}",
    ],
    ids=["CRLF", "no-break", "thin", "wide", "entities", "ascii", "dashes", "quoted", "br",
         "trailing", "single lines", "bold", "mark"],
)  # fmt: skip
def test_the_form_changes_nothing(form):
    assert WHOLE.problems == ()
    assert len(WHOLE.changes) == 3
    found = pm.read_notice(form(TEXT))
    assert found.changes == WHOLE.changes
    assert found.problems == ()


def test_a_page_saved_from_a_browser_is_read():
    rows = "".join(f"<tr><td><p>{a}</p></td><td>{b}%</td><td><span>{c}%</span></td></tr>"
                   for a, b, c in (("ABC", 80, 70), ("DEF", 50, 40)))  # fmt: skip
    cells = ("Assets", "Collateral Ratio (Before)", "Collateral Ratio (After)")
    head = f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    page = (
        "<!DOCTYPE html><html><head><title>A notice</title><style>td{width:50%}</style></head>"
        "<body>"
        '<nav><a href="/">Buy now, 12% off</a></nav><script>var x = "1,000 < 5%";</script>'
        f"<div><h1>A notice of ours</h1><div><p>{MARGIN}</p><table>{head}{rows}</table>"
        "<p>Thank you!</p></div></div><footer>2031</footer></body></html>"
    )
    found = pm.read_notice(page)
    assert found.changes == WHOLE.changes[:2]
    assert found.problems == ()


@pytest.mark.parametrize("note", ["Asset (PM Pro)", "Asset\n\n(PM Pro)"])
@pytest.mark.parametrize("unit", ["Floor(USD)", "Floor\n\n(USD)"])
def test_a_cell_a_line_with_notes_on_their_own(note, unit):
    side = ["Rank", unit, unit.replace("Floor", "Cap"), "Collateral Ratio"]
    text = lines("# Ours", MARGIN, note, "Before", "After", *side, *side, *PRO_CELLS)
    plain = pm.read_notice(lines("# Ours", MARGIN, PRO_HEAD + PRO))
    assert pm.read_notice(text).changes == plain.changes
    assert pm.read_notice(text).problems == ()


def test_a_cell_a_line_with_ranks_in_the_head():
    head = ["Asset (PM Pro)", "Before (Rank 6)", "After (Rank 7)", "Tier (USD)", "Collateral Ratio",
            "Tier (USD)", "Collateral Ratio", "Floor", "Cap", "Floor", "Cap"]  # fmt: skip
    body = [cell for cell in PRO_CELLS if cell not in ("6", "7")]
    found = values(pm.read_notice(lines("# Ours", MARGIN, *head, *body)))
    assert found["XRP"] == found["DOGE"] == (6, 7)
    assert caps(found[7][1]) == [150_000, 300_000, None]


def test_what_announces_a_table_is_no_cell_of_its_head():
    head = ("Token Rank", "Value (USD)", "Borrow", "Transfer-Out")
    cross = "Cross Margin ratios change at 2031-05-06 06:00 (UTC):"
    body = ("1", "0 - 100,000,000,000", "95%", "90%", "2", "0 - 100,000,000,000", "90%", "80%")
    found = pm.read_notice(
        lines("# Ours", cross, "Collateral Ratios After the Update:", *head, *body)
    )
    assert [(change.table, change.key) for change in found.changes] == [
        (table, rank) for rank in (1, 2) for table in ("borrow_rate", "transfer_out_rate")
    ]


def test_cells_under_no_head_are_a_problem():
    """A table whose head is not known must not go by in silence because each cell has a line."""
    text = lines("# Ours", MARGIN, "Something Else", "WLD", "6", "0", "800,000", "100%", "7", "5")
    found = pm.read_notice(text)
    assert found.changes == ()
    assert any("800,000" in problem.text and "7" in problem.text for problem in found.problems)


def test_a_rule_under_a_table_is_none_of_its_rows():
    rows = lines("Asset Collateral Ratio (Before) Collateral Ratio (After)", "ABC 80% 70%", "---")
    found = pm.read_notice(lines("# Ours", MARGIN, rows, "What this means for you"))
    assert list(values(found)) == ["ABC"]
    assert found.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        lines("Asset", "Borrow", "AAAA, BBBB, " * 40 + "and so on"),
        f"{MARGIN}\n\n{RATES}" + "910AB, " * 600,
        f"{FUTURES}\n\nABCUSDT\n\n{TIERS}" + "1" * 30_000 + "%",
        f"{FUTURES}\n\nABCUSDT\n\n{TIERS}" + "11 - 20x0 < Position ≤ 5,0002.50%" * 400,
        "2031-05-06 06:00 (UTC) " * 3_000,
        "|" + "-" * 30_000 + "a|",
        "Asset\n" * 2_000,
        "<div>" * 3_000 + MARGIN,
    ],
    ids=["capitals", "names", "digits", "tiers", "moments", "rule", "heads", "nested"],
)
def test_no_text_takes_long(text):
    """Time that grows with more than the length shows here; each takes a second or two."""
    begin = time.process_time()
    assert pm.read_notice(text).problems
    assert time.process_time() - begin < 15


def test_a_table_longer_than_any_is_left_out():
    found = pm.read_notice(f"# Ours\n\n{MARGIN}\n\n{RATES}" + "ABC80%70%" * 6_000)
    assert found.changes == ()
    assert actions(found)[0] == "left_out"


def test_bytes_are_refused():
    with pytest.raises(TypeError, match="decode"):
        pm.read_notice(TEXT.encode())

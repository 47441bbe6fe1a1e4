"""Every figure of a table is in a change: tables written back from their changes, figure by figure.

The reader keeps account of figures by itself; this does not rest on it. Each table alone, whose
reading gives no problem, is written back from its changes and compared with what was printed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import notices_mutations
import pytest
from notices_texts import own_notices

from pymargin.notices import Change, read_notice
from pymargin.notices.headers import headers_in
from pymargin.notices.text import lines_of, normalised
from pymargin.rules import Tier

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "notices"
read_notice_of = read_notice
OPEN_CAPS = ("99999999999", "100000000000")


def bare(text: str) -> str:
    """Keep letters and digits of what is printed, and of rates no last zeros."""
    text = re.sub(r"\.([0-9]+?)0*%", lambda found: f".{found[1]}%", normalised(text))
    text = re.sub(r"\.0%", "%", text)
    return re.sub(r"[^A-Za-z0-9.\u00c0-\uffff]|Position|and(?= [A-Z])|≤", "", text)


def rate(value: Decimal | None) -> str:
    return "" if value is None else f"{(value * 100).normalize():f}"


def tier(one: Tier) -> str:
    cap = OPEN_CAPS[0] if one.cap is None else f"{one.cap.normalize():f}"
    return f"{one.floor.normalize():f}{cap}{rate(one.rate)}"


def written(changes: list[Change], line: str) -> list[str]:
    """Write a table's changes as the pieces that its body should hold, in order."""
    pieces: list[str] = []
    table, product = changes[0].table, changes[0].product
    if product == "portfolio_pro":
        return pro_pieces(changes, line)
    for text in dict.fromkeys(one.text for one in changes):
        own = [one for one in changes if one.text == text]
        names, first = "".join(str(one.key) for one in own), own[0]
        if table == "rank":
            ranks = f"{first.before}{first.after}"
            pieces.append(ranks + names if line.startswith("Asset No.") else names + ranks)
        elif table == "rate":
            pieces.append(f"{names}{rate(first.before)}{rate(first.after)}")
        elif table == "tiers":
            pieces.append(f"{first.key}{''.join(map(tier, first.after))}")
        else:
            pieces.append(f"{first.key}0{OPEN_CAPS[1]}{''.join(rate(one.after) for one in own)}")
    return pieces


def pro_pieces(changes: list[Change], line: str) -> list[str]:
    """Write each block of assets; a rank has one table, in whichever block it is printed."""
    of_rank = {one.key: one.before or one.after for one in changes if one.table == "tiers"}
    moves = [one for one in changes if one.table == "rank"]
    pieces = []
    for text in dict.fromkeys(one.text for one in moves):
        own = [one for one in moves if one.text == text]
        sides = [(rank, of_rank[rank]) for rank in (own[0].before, own[0].after)]
        piece = "".join(str(one.key) for one in own)
        for place in range(max(len(tiers) for _, tiers in sides)):
            for rank, tiers in sides:
                if place < len(tiers):
                    piece += str(rank) if "(Rank" not in line and not place else ""
                    piece += tier(tiers[place])
        pieces.append(piece)
    return pieces


def brackets_of(changes: list[Change]) -> Counter[str]:
    first = changes[0]
    return Counter(
        f"{one.leverage}x{tier(one)}" for side in (first.before, first.after) for one in side or ()
    )


def printed_brackets(body: str) -> Counter[str]:
    """Split a body at its signs: nothing of the reader's grammar is used."""
    found: Counter[str] = Counter()
    for piece in re.sub(r"N/?A|---", "", normalised(body)).split("%")[:-1]:
        leverage, _, rest = piece.partition("x")
        high = leverage.rpartition("-")[2].strip()
        found[f"{high}x{bare(rest + '%')}"] += 1
    return found


def body_of(line: str) -> str:
    """Return a line without the heads of its tables."""
    text = lines_of(line)[0].text
    for header in reversed(list(headers_in(text))):
        text = text[: header.start] + text[header.end :]
    return text


def check(text: str) -> int:
    """Check each table of a notice that reads without a problem; say how many there were."""
    checked = 0
    for part in notices_mutations.parts_of(text):
        notice = read_notice_of(part.text())
        ours = list(notice.changes)
        is_sound = all("moment" in one.what or "text names" in one.what for one in notice.problems)
        if not ours or not is_sound:
            continue
        body = body_of(part.line)
        if ours[0].table == "brackets":
            assert brackets_of(ours) == printed_brackets(body), part.line
        else:
            got = "".join(written(ours, part.line))
            assert bare(got) in (bare(body), bare(body).replace(OPEN_CAPS[1], OPEN_CAPS[0])), (
                part.line
            )
        checked += 1
    return checked


@pytest.mark.parametrize("text", own_notices(per_layout=4))
def test_every_figure_of_our_own_tables_is_in_a_change(text):
    check(text)


def test_our_own_tables_are_checked():
    assert sum(map(check, own_notices(per_layout=2))) > 10


def test_a_figure_that_no_change_has_is_found(monkeypatch):
    """The check is not empty: a reader that dropped a tier would be seen."""

    def forgetful(text):
        notice = read_notice(text)
        fewer = tuple(replace(one, after=one.after[1:]) for one in notice.changes)
        return replace(notice, changes=fewer)

    monkeypatch.setitem(globals(), "read_notice_of", forgetful)
    with pytest.raises(AssertionError):
        check(own_notices(per_layout=1)[-1])


@pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the folder of real notices is not beside the project"
)
def test_every_figure_of_real_tables_is_in_a_change():
    checked = [check(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.md"))]
    assert len(checked) == 14
    assert sum(checked) >= 55

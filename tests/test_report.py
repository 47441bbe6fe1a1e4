from __future__ import annotations

import base64
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import own_notice
import pytest

import pymargin as pm
from pymargin.adapters.report import impact_page
from pymargin.adapters.report_plots import assets_plot, cumulative_plot, levels_plot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ODD = '<b>"x" & $y^2$ 我踏马来了'


def rules_with(asset: str) -> pm.MarginRules:
    text = {**own_notice.RULES, "ranks": [{"rank": 1, "assets": ["USDT"]},
                                         {"rank": 6, "assets": [asset]}]}  # fmt: skip
    return pm.load_rules(text)


@cache
def impacts() -> tuple[pm.Impact, ...]:
    timeline = pm.Timeline(
        pm.load_rules(own_notice.RULES), pm.read_notice(own_notice.NOTICE).changes
    )
    book = pm.Accounts.from_rows(own_notice.ACCOUNTS)
    return tuple(pm.impacts(book, own_notice.PRICES, timeline))


@cache
def page() -> str:
    changes = pm.read_notice(own_notice.NOTICE).changes
    return impact_page(impacts(), title="A notice", changes=changes, remarks=["one <remark>"])


class Reader(HTMLParser):
    """Collects what a page refers to, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_the_page_refers_to_nothing_outside_itself() -> None:
    for tag, attributes in read(page()).tags:
        assert tag not in ("script", "link", "iframe", "object", "embed")
        for name in ("src", "href", "srcset", "action", "data"):
            target = attributes.get(name)
            assert target is None or target.startswith(("data:image/svg+xml;base64,", "#"))
    assert "url(" not in page()
    assert "@import" not in page()


def test_the_page_forbids_itself_the_network() -> None:
    policies = [a["content"] for tag, a in read(page()).tags if "http-equiv" in a and tag == "meta"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_the_page_has_a_section_and_three_pictures_for_each_moment() -> None:
    tags = read(page()).tags
    sections = [a.get("id") for tag, a in tags if tag == "section"]
    assert sections == ["m1", "m2", "remarks"]
    pictures = [a for tag, a in tags if tag == "img"]
    assert len(pictures) == 6
    assert all(len(str(picture["alt"])) > 40 for picture in pictures)


def test_the_page_gives_the_figures_of_the_summary_and_the_rules() -> None:
    words = read(page()).words
    summary = impacts()[0].summary
    for figure in (f"{summary.collateral_lost:,.0f}", f"{summary.newly_liquidated:,}", "debtor"):
        assert figure in words
    for rules in (impacts()[0].rules_before, impacts()[0].rules_after):
        assert rules.digest in words
    assert "2025-11-07 06:00 UTC" in words
    assert any("completes them within 30 minutes" in word for word in words)
    assert any(pm.__version__ in word for word in words)


def test_the_page_lists_no_more_accounts_than_asked_for() -> None:
    short = impact_page(impacts()[1:], title="A notice", worst=1)
    assert "second" in read(short).words
    assert "debtor" not in read(short).words


def test_what_comes_from_outside_is_text_and_no_markup() -> None:
    rows = [{"account": ODD, "mode": "cross_pro", "balances": [
        {"asset": "AAA", "free": 1000}, {"asset": "USDT", "borrowed": 780}]}]  # fmt: skip
    before = pm.load_rules(own_notice.RULES)
    it = pm.impact(pm.Accounts.from_rows(rows), {"AAA": 1.0}, before,
                   before.replace(ranks={**before.ranks, "AAA": 8}))  # fmt: skip
    reader = read(impact_page([it], title=ODD, remarks=[ODD]))
    assert reader.words.count(ODD) >= 3
    assert "b" not in [tag for tag, _ in reader.tags]


def test_a_page_about_nothing_says_so() -> None:
    rules = pm.load_rules(own_notice.RULES)
    book = pm.Accounts.from_rows(own_notice.ACCOUNTS)
    it = pm.impact(book, own_notice.PRICES, rules, rules)
    assert "No account changes." in read(impact_page([it], title="Nothing")).words


# Pictures.


def svg(picture: bytes) -> str:
    return picture.decode("utf-8")


@pytest.mark.parametrize("draw", [levels_plot, assets_plot, cumulative_plot])
def test_a_picture_is_the_same_every_time(draw: Any) -> None:
    assert draw(impacts()[0]) == draw(impacts()[0])


@pytest.mark.parametrize("draw", [levels_plot, assets_plot, cumulative_plot])
def test_a_picture_refers_to_nothing_outside_itself(draw: Any) -> None:
    text = svg(draw(impacts()[0]))
    targets = re.findall(r'(?:xlink:)?href="([^"]*)"', text) + re.findall(r"url\(([^)]*)\)", text)
    assert all(target.startswith(("#", "data:image/png;base64,")) for target in targets)


def test_the_level_picture_counts_what_becomes_of_accounts() -> None:
    text = svg(levels_plot(impacts()[0]))
    assert "newly liquidated (1)" in text
    assert "newly called" not in text


def test_the_asset_picture_names_assets_in_any_script() -> None:
    name = "$我踏马来了_^"
    before = rules_with(name)
    book = pm.Accounts.from_rows(
        [{"account": 1, "mode": "cross_pro", "balances": [{"asset": name, "free": 1000}]}]
    )
    after = before.replace(ranks={**before.ranks, name: 8})
    it = pm.impact(book, {name: 1.0}, before, after)
    assert it.lost_by_asset == {name: pytest.approx(700)}
    assert name in svg(assets_plot(it))


def test_the_cumulative_picture_counts_who_is_at_or_below_the_liquidation_level() -> None:
    text = svg(cumulative_plot(impacts()[0]))
    due = [int(np.sum(levels <= 1)) for levels in
           (impacts()[0].level_before, impacts()[0].level_after)]  # fmt: skip
    assert f"before: {due[0]} at or below 1" in text
    assert f"after: {due[1]} at or below 1" in text


# In a browser.


@pytest.fixture
def browser(tmp_path: Path) -> Any:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")

    def run(text: str, *options: str) -> str:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        command = [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,2000",
            # No name can be looked up: the page stands alone.
            "--host-resolver-rules=MAP * ~NOTFOUND", *options, file.as_uri(),
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, timeout=120, check=True)
        return ran.stdout.decode("utf-8")

    return run


# Put into the page by the test alone: what the browser made of each picture, and the page's width.
_PROBE = """
<script>
addEventListener("load", () => {
  const sizes = [...document.images].map(i => [i.complete, i.naturalWidth, i.clientWidth]);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify({sizes, wide, rows: document.querySelectorAll("td.id").length});
  document.body.append(out);
});
</script>
"""


def test_a_real_browser_draws_every_picture_and_needs_no_scrolling_sideways(browser: Any) -> None:
    import json

    probed = re.sub(r"<meta http-equiv[^>]*>", "", page()).replace("</body>", _PROBE + "</body>")
    dom = browser(probed, "--dump-dom")
    found = re.search(r'<pre id="probe">(.*?)</pre>', dom)
    assert found is not None
    probe = json.loads(found[1])
    assert len(probe["sizes"]) == 6
    assert all(complete and natural > 0 and shown > 200 for complete, natural, shown
               in probe["sizes"])  # fmt: skip
    assert probe["wide"] <= 0
    assert probe["rows"] == 5


def test_a_real_browser_shows_the_pictures_in_colour(browser: Any, tmp_path: Path) -> None:
    """Under its own policy, as its reader gets it."""
    from matplotlib import image

    file = tmp_path / "page.png"
    browser(page(), f"--screenshot={file}", "--hide-scrollbars")
    pixels = image.imread(file)[:, :, :3]
    red = (np.abs(pixels - np.array([179, 38, 30]) / 255) < 0.02).all(axis=2)
    blue = (np.abs(pixels - np.array([47, 111, 179]) / 255) < 0.02).all(axis=2)
    assert red.sum() > 300
    assert blue.sum() > 3000


def test_the_pictures_of_the_page_are_whole_svg() -> None:
    sources = [str(a["src"]) for tag, a in read(page()).tags if tag == "img"]
    for source in sources:
        text = base64.b64decode(source.partition(",")[2]).decode("utf-8")
        assert text.rstrip().endswith("</svg>")

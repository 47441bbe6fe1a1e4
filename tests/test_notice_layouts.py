"""Random valid tables, printed in each layout and form, read back as what was printed."""

from __future__ import annotations

import random

import notices_texts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notices_texts import LAYOUTS, notice_text

import pymargin as pm

FORMS = ("plain", "tabbed", "markdown", "html")


def written(layout: str, form: str, seed: int) -> tuple[notices_texts.Printed, str]:
    printed = LAYOUTS[layout](random.Random(seed))
    if form == "html":
        return printed, f"<html><body><h1>A notice</h1>{printed.html()}</body></html>"
    return printed, notice_text(getattr(printed, form)())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", LAYOUTS)
@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=10)
def test_printed_tables_are_read_back(layout, form, seed):
    printed, text = written(layout, form, seed)
    notice = pm.read_notice(text)
    assert set(notice.changes) == set(printed.changes)
    assert notice.problems == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_table_of_a_notice_is_read(layout):
    """Tables of one layout under one another keep apart, each under its own prose."""
    printed = [LAYOUTS[layout](random.Random(f"{layout} {seed}")) for seed in (1, 2)]
    keys = [{(c.table, c.key, c.effective) for c in one.changes} for one in printed]
    notice = pm.read_notice(notice_text(*(one.plain() for one in printed)))
    for one, own, others in zip(printed, keys, keys[::-1], strict=True):
        for change in one.changes:
            if (change.table, change.key, change.effective) in own - others:
                assert change in notice.changes


def test_the_same_notice_gives_the_same_changes():
    _, text = written("brackets", "plain", 7)
    assert pm.read_notice(text) == pm.read_notice(text)

"""The examples of docs/questions.md print what the page shows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pymargin as pm

PAGE = Path(__file__).resolve().parent.parent / "docs" / "questions.md"
# Functions that ask one question of accounts, prices and rules; each has its example.
QUESTIONS = (
    "after",
    "exposure",
    "max_borrow",
    "max_leverage",
    "max_leverage_for_stake",
    "max_position",
    "max_transfer_in",
    "max_transfer_out",
    "shortfall",
    "switch",
)


def test_the_examples_print_what_the_page_shows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert len(examples.examples) > len(QUESTIONS)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, _ = doctest.DocTestRunner(verbose=False, optionflags=flags).run(examples)
    assert failed == 0


def test_every_question_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in QUESTIONS:
        assert name in pm.__all__
        assert f"pm.{name}(" in text, name

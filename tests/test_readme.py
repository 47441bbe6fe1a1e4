from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"


def block(marker: str) -> str:
    """Return the fenced block that follows a marker in the README."""
    pattern = rf"<!-- {re.escape(marker)} -->\n```\w+\n(.*?)```"
    found = re.findall(pattern, README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_example_prints_what_the_readme_shows() -> None:
    command = [sys.executable, "-W", "error", "-c", block("run: example")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", block("output: example"))


def test_the_example_has_five_lines() -> None:
    assert len([line for line in block("run: example").splitlines() if line]) == 5


def test_float64_arithmetic_would_miss_the_example() -> None:
    worth, owed = 7 * 2.97, 18.9
    assert worth / owed == 1.1000000000000003


@pytest.mark.parametrize("name", ["main", "tests"])
def test_each_command_is_one_line(name: str) -> None:
    assert len(block(f"run: {name}").splitlines()) == 1


def test_linked_files_exist() -> None:
    names = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert names
    assert [name for name in names if not (README.parent / name).exists()] == []

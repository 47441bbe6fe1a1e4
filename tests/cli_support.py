"""Files that the command-line tests read, and a way to run a command in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pymargin.cli import main

PRICES = {"BTC": 20_000, "ETH": 1_900}
CLASSIC = {"mode": "cross_classic", "leverage": 3}
# Margin levels under the rules below: 1.1 exactly, no debt, and between 1.1 and 1.3.
ROWS = [
    {"account": 11, **CLASSIC, "balances": [
        {"asset": "USDT", "free": 1.1}, {"asset": "BTC", "borrowed": 0.00005}]},
    {"account": 12, **CLASSIC, "balances": [{"asset": "BTC", "free": 2}]},
    {"account": 13, **CLASSIC, "balances": [
        {"asset": "BTC", "free": 3}, {"asset": "USDT", "borrowed": 49_999, "interest": 1}]},
]  # fmt: skip
RULES = {
    "format": "pymargin-rules",
    "version": 1,
    "label": "test rules",
    "methodology": {"cross_classic": "classic_2023"},
    "tables": {
        "collateral": [
            {
                "assets": ["BTC", "USDT"],
                "tiers": [{"cap": 1_000_000, "rate": 1}, {"cap": 2_000_000, "rate": "0.5"}],
            }
        ]
    },
}


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Desk:
    """A directory with the files of a user."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.accounts = self.json("accounts.json", ROWS)
        self.prices = self.json("prices.json", PRICES)
        self.rules = self.json("rules.json", RULES)

    def json(self, name: str, content: Any) -> Path:
        return self.text(name, json.dumps(content))

    def text(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def run(self, *arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        printed = self._capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    def levels(self, *arguments: object, accounts: Path | None = None) -> Ran:
        book = accounts or self.accounts
        return self.run("levels", book, "--prices", self.prices, "--rules", self.rules, *arguments)

    def explain(self, account: object, *arguments: object) -> Ran:
        given = (self.accounts, account, "--prices", self.prices, "--rules", self.rules)
        return self.run("explain", *given, *arguments)

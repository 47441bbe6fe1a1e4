"""Says in options of the command line what the library says in arguments of its functions."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["in_options"]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


_Said = str | Callable[[re.Match[str]], str]

_WORDINGS: tuple[tuple[str, _Said], ...] = (
    (
        r"read it with rules_from_binance\((\w+)=\.\.\.\)",
        lambda found: (
            f"`pymargin rules import {_option(found[1])} FILE --out rules.json` makes one of it"
        ),
    ),
    (
        r"\(rules_from_binance\(symbols=\.\.\.\)\)",
        "(`pymargin rules import --symbols FILE`)",
    ),
    (r"\bnot one for (\w+_\w+|symbols)\b", lambda found: f"not one for {_option(found[1])}"),
    (r"\(notional_coef='apply' ", "(`pymargin rules import --notional-coef apply` "),
    (r"\bmulti_assets=True\b", "--multi-assets"),
    (r"\(mode= says which\)", "(--mode says which)"),
    (r"; leverage= holds", "; --leverage holds"),
    (r"positionRisk in positions=", "positionRisk, beside it in a JSON list"),
    (r"use the function of one mode, such as cross_classic", "give --mode"),
    (r"\bpayload\.", ""),
    (r"\bpayload\[", "item ["),
    (r"\bpayload must", "it must"),
)
_COMPILED = tuple((re.compile(pattern), said) for pattern, said in _WORDINGS)


def in_options(text: str) -> str:
    """Return a message of the library with the options that its arguments have here."""
    for pattern, said in _COMPILED:
        text = pattern.sub(said, text)
    return text

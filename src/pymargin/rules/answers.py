"""What every reader of the exchange's answers shares: the parts of rules, entries and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from os import PathLike
from typing import Any, TypeAlias

from pymargin.rules.checks import Group, check_names_once
from pymargin.rules.contracts import Contract
from pymargin.rules.findings import Findings

__all__ = ["Parts", "Payload", "entries", "is_error_answer", "read_names", "read_number"]

Payload: TypeAlias = str | PathLike[str] | Sequence[Any] | Mapping[str, Any] | None
"""An answer of the exchange: its decoded JSON, the path of a file that holds it, or absent."""


@dataclass(slots=True)
class Parts:
    """What answers say, as the parts of rules.

    Parameters
    ----------
    tables
        Table to groups.
    contracts
        Symbol to contract.
    loan_leverage
        Asset to the leverage of its margin loans.
    pairs
        Groups of COIN-M brackets by pair, which serve every symbol of the pair.
    """

    tables: dict[str, list[Group]] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    loan_leverage: dict[str, int] = field(default_factory=dict)
    pairs: list[Group] = field(default_factory=list)

    def add(self, table: str, group: Group) -> None:
        """Add a group of schedules to a table."""
        self.tables.setdefault(table, []).append(group)

    def update(self, other: Parts) -> None:
        """Take in what another answer says."""
        self.tables |= other.tables
        self.contracts |= other.contracts
        self.loan_leverage |= other.loan_leverage
        self.pairs += other.pairs


def is_error_answer(findings: Findings, content: object, *, what: str) -> bool:
    """Note an answer that is the exchange's ``{"code": ..., "msg": ...}``."""
    if not isinstance(content, Mapping) or "msg" not in content or "code" not in content:
        return False
    found = f"the error {content['code']}: {content['msg']}"
    findings.error("$", "error answer", found=found, expected=f"a list of {what}")
    return True


def entries(findings: Findings, content: object, *, what: str) -> list[tuple[str, Any]]:
    """Return the entries of an answer, inside a wrapper or not; one alone is a list of one."""
    if isinstance(content, Mapping):
        if "data" in content:
            return findings.items("$.data", content["data"], what=what)
        return [] if is_error_answer(findings, content, what=what) else [("$", content)]
    return findings.items("$", content, what=what)


def read_names(
    findings: Findings, path: str, given: object, seen: dict[object, str]
) -> tuple[str, ...]:
    """Read a list of assets, each of which may come once in all the lists of an answer."""
    items = findings.items(path, given, what="asset names")
    read = [(where, findings.name(where, item)) for where, item in items]
    named = [(where, name) for where, name in read if name is not None]
    check_names_once(findings, named, seen, what="asset")
    return tuple(name for _, name in named)


def read_number(
    findings: Findings, where: str, fields: Mapping[str, Any], key: str
) -> Decimal | None:
    """Read a number of an object; None where it is absent, which the caller has noted."""
    return findings.number(f"{where}.{key}", fields[key]) if key in fields else None

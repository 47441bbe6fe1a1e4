"""Reads the answers about cross margin: collateral ratios and brackets of debts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pymargin.rules.answers import Parts, entries, read_names, read_number
from pymargin.rules.checks import (
    Draft,
    Group,
    TierNames,
    check_deductions,
    check_leverage,
    check_schedule,
    read_cap,
    unread,
)
from pymargin.rules.findings import Findings
from pymargin.rules.kinds import TABLES
from pymargin.rules.schedules import Tier

__all__ = ["read_cross_collateral", "read_liability_brackets"]

_RATIO_NAMES = TierNames("minUsdValue", "maxUsdValue", "discountRate")

_RATIO_FIELDS = {
    "collateral": "collaterals",
    "borrow": "borrowCollaterals",
    "transfer_out": "withdrawCollaterals",
}

_BRACKET_RATES = {
    "liability_maintenance": "maintenanceMarginRate",
    "liability_initial": "initialMarginRate",
}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the tiers of one answer."""

    findings: Findings

    def ratio_tiers(self, path: str, given: object, table: str) -> tuple[Tier, ...]:
        drafts = []
        for where, item in self.findings.items(path, given, what="tiers"):
            fields = self.findings.fields(
                where,
                item,
                what="a tier",
                required=(_RATIO_NAMES.floor or "", _RATIO_NAMES.rate),
                optional=None,
            )
            drafts.append(self._ratio_draft(where, fields) if fields is not None else unread(where))
        if not drafts:
            return ()
        return check_schedule(self.findings, path, drafts, TABLES[table], _RATIO_NAMES) or ()

    def _ratio_draft(self, where: str, fields: Mapping[str, Any]) -> Draft:
        cap, is_open = read_cap(self.findings, f"{where}.maxUsdValue", fields.get("maxUsdValue"))
        return Draft(
            where,
            read_number(self.findings, where, fields, "minUsdValue"),
            cap,
            is_open,
            read_number(self.findings, where, fields, "discountRate"),
        )

    def bracket_tiers(self, path: str, given: object) -> dict[str, tuple[Tier, ...]]:
        brackets: list[tuple[str, Mapping[str, Any]]] = []
        for where, item in self.findings.items(path, given, what="brackets"):
            fields = self.findings.fields(
                where,
                item,
                what="a bracket",
                required=("maxDebt", *_BRACKET_RATES.values()),
                optional=None,
            )
            brackets.append((where, fields if fields is not None else {}))
        edges = [self._bracket_edges(where, fields) for where, fields in brackets]
        read: dict[str, tuple[Tier, ...]] = {}
        for table, rate in _BRACKET_RATES.items():
            drafts = [
                Draft(
                    where,
                    None,
                    cap,
                    is_open,
                    read_number(self.findings, where, fields, rate),
                    leverage,
                )
                for (where, fields), (cap, is_open, leverage) in zip(brackets, edges, strict=True)
            ]
            # The edges are the same in both tables: what is wrong with them is said once.
            known = list(self.findings.problems)
            findings = Findings()
            names = TierNames(None, "maxDebt", rate)
            tiers = check_schedule(findings, path, drafts, TABLES[table], names) if drafts else None
            self.findings.problems.extend(p for p in findings.problems if p not in known)
            read[table] = tiers or ()
        given_sums = [(f"{where}.fastNum", fields.get("fastNum")) for where, fields in brackets]
        check_deductions(self.findings, read["liability_maintenance"], given_sums)
        return read

    def _bracket_edges(
        self, where: str, fields: Mapping[str, Any]
    ) -> tuple[Decimal | None, bool, Decimal | None]:
        cap, is_open = None, False
        if "maxDebt" in fields:
            cap, is_open = read_cap(self.findings, f"{where}.maxDebt", fields["maxDebt"])
        leverage = None
        if fields.get("leverage") is not None:
            leverage = read_number(self.findings, where, fields, "leverage")
        if leverage is not None:
            kind = TABLES["liability_maintenance"]
            check_leverage(self.findings, f"{where}.leverage", leverage, kind)
        return cap, is_open, leverage


def read_cross_collateral(findings: Findings, content: object) -> Parts:
    """Read an answer of ``crossMarginCollateralRatio``, noting every fault."""
    reader = _Reader(findings)
    parts = Parts()
    seen: dict[object, str] = {}
    for where, item in entries(findings, content, what="collateral groups"):
        fields = findings.fields(
            where, item, what="a group", required=("collaterals", "assetNames"), optional=None
        )
        if fields is None:
            continue
        names = read_names(findings, f"{where}.assetNames", fields.get("assetNames", ()), seen)
        for table, key in _RATIO_FIELDS.items():
            given = fields.get(key)
            if table != "collateral" and not given:
                if given is not None:
                    findings.warning(f"{where}.{key}", "is empty, and taken as absent")
                continue
            if key not in fields:
                continue
            tiers = reader.ratio_tiers(f"{where}.{key}", given, table)
            if tiers and names:
                parts.add(table, Group(tiers, assets=names))
    return parts


def read_liability_brackets(findings: Findings, content: object) -> Parts:
    """Read an answer of margin ``leverageBracket``, noting every fault."""
    reader = _Reader(findings)
    parts = Parts()
    seen: dict[object, str] = {}
    classes: dict[int, tuple[str, Mapping[str, tuple[Tier, ...]]]] = {}
    for where, item in entries(findings, content, what="bracket groups"):
        fields = findings.fields(
            where, item, what="a group", required=("assetNames", "brackets"), optional=None
        )
        if fields is None:
            continue
        names = read_names(findings, f"{where}.assetNames", fields.get("assetNames", ()), seen)
        if "brackets" not in fields:
            continue
        brackets = reader.bracket_tiers(f"{where}.brackets", fields["brackets"])
        _check_class(findings, where, fields.get("rank"), brackets, classes)
        for table, tiers in brackets.items():
            if tiers and names:
                parts.add(table, Group(tiers, assets=names))
    return parts


def _check_class(
    findings: Findings,
    where: str,
    given: object,
    brackets: Mapping[str, tuple[Tier, ...]],
    classes: dict[int, tuple[str, Mapping[str, tuple[Tier, ...]]]],
) -> None:
    """A bracket class may come in several groups, but only with the same brackets."""
    if given is None:
        return
    path = f"{where}.rank"
    rank = findings.integer(path, given, at_least=0)
    if rank is None or not all(brackets.values()):
        return
    first, known = classes.setdefault(rank, (path, brackets))
    if known != brackets:
        findings.error(
            path, "duplicate rank", found=rank, expected=f"given once (other brackets at {first})"
        )

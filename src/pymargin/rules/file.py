"""Reads the canonical rules file; `document` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any

from pymargin.errors import Problem, RulesError
from pymargin.rules.binance import answer_of
from pymargin.rules.checks import (
    Draft,
    Group,
    check_deductions,
    check_leverage,
    check_names_once,
    check_schedule,
    read_cap,
    unread,
)
from pymargin.rules.contracts import check_products, read_contracts
from pymargin.rules.document import FORMAT, VERSION
from pymargin.rules.facets import LeverageLimits, check_methodology, is_country
from pymargin.rules.findings import Findings, child
from pymargin.rules.jsonfile import read_json
from pymargin.rules.kinds import TABLES, TableKind
from pymargin.rules.loans import LOAN_MARGIN, read_loan_leverage, read_loan_margin
from pymargin.rules.methodology import methodology_at, parse_moment
from pymargin.rules.model import MarginRules
from pymargin.rules.schedules import Tier
from pymargin.rules.thresholds import DEFAULT_THRESHOLDS, read_thresholds

__all__ = ["load_rules", "read_document"]

_REQUIRED = ("format", "version", "tables")
_OPTIONAL = (
    "label",
    "sources",
    "moment",
    "methodology",
    "max_leverage",
    "stable",
    "thresholds",
    "ranks",
    "portfolio_pro_ranks",
    "loan_margin",
    "loan_leverage",
    "contracts",
)


def load_rules(source: str | PathLike[str] | Mapping[str, Any]) -> MarginRules:
    """Load rules from their canonical file.

    Parameters
    ----------
    source
        The path of a file, or its decoded JSON. Numbers may be texts or JSON numbers; in a file
        a JSON number is taken as its text, in decoded JSON a float as its shortest decimal.

    Raises
    ------
    RulesError
        With every fault of the file, each under its JSON path.

    Examples
    --------
    >>> rules = load_rules({"format": "pymargin-rules", "version": 1, "tables": {
    ...     "collateral": [{"assets": ["BTC"], "tiers": [{"rate": "0.95"}]}]}})
    >>> rules.collateral_value("BTC", 1000)
    Decimal('950')
    """
    findings = Findings()
    content = read_json(source) if isinstance(source, str | PathLike) else source
    rules = read_document(findings, content)
    argument = answer_of(content)
    if rules is None and argument is not None:
        raise RulesError(
            "this is an answer of the exchange, not a rules file:"
            f" read it with rules_from_binance({argument}=...)"
        )
    if isinstance(content, Mapping) and content and not content.keys() & set(_REQUIRED):
        found = f"one with {', '.join(sorted(map(str, content))[:5])}"
        raise RulesError(
            [Problem("$", "shape", found, f"a rules file, with {', '.join(_REQUIRED)}")]
        )
    findings.raise_errors()
    assert rules is not None
    return rules


def read_document(findings: Findings, given: object) -> MarginRules | None:
    """Read a canonical document, noting every fault; None where there is an error."""
    document = findings.fields(
        "$", given, what="a rules file", required=_REQUIRED, optional=_OPTIONAL
    )
    if document is None:
        return None
    _check_version(findings, document)
    reader = _Reader(findings)
    tables = reader.tables(document.get("tables", {}))
    ranks = reader.ranks("$.ranks", document.get("ranks", []))
    pro_ranks = reader.ranks("$.portfolio_pro_ranks", document.get("portfolio_pro_ranks", []))
    moment = reader.moment(document.get("moment"))
    methodology = document.get("methodology")
    if "methodology" in document:
        check_methodology(findings, "$.methodology", methodology)
    thresholds = DEFAULT_THRESHOLDS
    if "thresholds" in document:
        thresholds = read_thresholds(findings, "$.thresholds", document["thresholds"])
    limits = reader.leverage_limits(document.get("max_leverage", {}))
    contracts = read_contracts(findings, "$.contracts", document.get("contracts", {}))
    check_products(findings, contracts, tables)
    loan_margin = LOAN_MARGIN
    if "loan_margin" in document:
        loan_margin = read_loan_margin(findings, "$.loan_margin", document["loan_margin"])
    chosen = document.get("loan_leverage", {})
    loan_leverage = read_loan_leverage(findings, "$.loan_leverage", chosen, loan_margin)
    stable = reader.names("$.stable", document.get("stable", []))
    label = findings.text("$.label", document.get("label", ""))
    sources = reader.texts("$.sources", document.get("sources", []))
    if "methodology" not in document:
        methodology = reader.methodology_at(moment)
    if findings.errors or methodology is None:
        return None
    return MarginRules(
        tables=tables,
        ranks=ranks,
        portfolio_pro_ranks=pro_ranks,
        methodology=methodology,
        thresholds=thresholds,
        leverage_limits=limits,
        contracts=contracts,
        loan_margin=loan_margin,
        loan_leverage=loan_leverage,
        moment=moment,
        stable=frozenset(stable),
        label=label or "",
        sources=sources,
        notes=findings.warnings,
    )


def _check_version(findings: Findings, document: Mapping[str, Any]) -> None:
    expected = {"format": FORMAT, "version": VERSION}
    for key, known in expected.items():
        found = document.get(key, known)
        if found != known or isinstance(found, bool):
            findings.error(f"$.{key}", "unknown format", found=found, expected=repr(known))


class _Reader:
    """Reads the parts of a canonical document."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def tables(self, given: object) -> dict[str, list[Group]]:
        fields = self.findings.fields("$.tables", given, what="table to groups", optional=TABLES)
        tables: dict[str, list[Group]] = {}
        for table, groups in (fields or {}).items():
            if table in TABLES:
                tables[table] = self.groups(child("$.tables", table), groups, TABLES[table])
        return tables

    def groups(self, path: str, given: object, kind: TableKind) -> list[Group]:
        read: list[Group] = []
        seen: dict[object, str] = {}
        ranks: dict[object, str] = {}
        keys = (kind.names,) if kind.ranks is None else ("rank", kind.names)
        for where, item in self.findings.items(path, given, what="groups"):
            fields = self.findings.fields(
                where, item, what="a group", required=("tiers",), optional=keys
            )
            if fields is None:
                continue
            rank, names = self.group_key(where, fields, kind, seen, ranks)
            tiers = self.tiers(f"{where}.tiers", fields["tiers"], kind) if "tiers" in fields else ()
            if tiers:
                read.append(Group(tiers, rank=rank, assets=names))
        return read

    def group_key(
        self,
        where: str,
        fields: Mapping[str, Any],
        kind: TableKind,
        seen: dict[object, str],
        ranks: dict[object, str],
    ) -> tuple[int | None, tuple[str, ...]]:
        keys = (kind.names,) if kind.ranks is None else ("rank", kind.names)
        given = [key for key in keys if key in fields]
        if len(given) != 1:
            found = "both" if given else "neither" if len(keys) > 1 else "absent"
            expected = f"given by {' or by '.join(keys)}"
            self.findings.error(where, "key", found=found, expected=expected)
            return None, ()
        if given == ["rank"]:
            path = f"{where}.rank"
            rank = self.findings.integer(path, fields["rank"], at_least=1)
            if rank is not None:
                check_names_once(self.findings, [(path, rank)], ranks, what="rank")
            return rank, ()
        path = f"{where}.{kind.names}"
        what = kind.names.removesuffix("s")
        return None, self.names(path, fields[kind.names], seen, what=what, may_be_empty=False)

    def tiers(self, path: str, given: object, kind: TableKind) -> tuple[Tier, ...]:
        drafts: list[Draft] = []
        given_deductions: list[tuple[str, object]] = []
        optional = ("floor", "cap") if kind.is_ratio else ("floor", "cap", "leverage", "cum")
        for where, item in self.findings.items(path, given, what="tiers"):
            fields = self.findings.fields(
                where, item, what="a tier", required=("rate",), optional=optional
            )
            drafts.append(self.draft(where, fields, kind) if fields is not None else unread(where))
            given_deductions.append((f"{where}.cum", (fields or {}).get("cum")))
        if not drafts:
            return ()
        tiers = check_schedule(self.findings, path, drafts, kind) or ()
        check_deductions(self.findings, tiers, given_deductions)
        return tiers

    def draft(self, where: str, fields: Mapping[str, Any], kind: TableKind) -> Draft:
        number = self.findings.number
        floor = number(f"{where}.floor", fields["floor"]) if "floor" in fields else None
        cap, is_open = read_cap(self.findings, f"{where}.cap", fields.get("cap"))
        rate = number(f"{where}.rate", fields["rate"]) if "rate" in fields else None
        leverage = None
        if not kind.is_ratio and fields.get("leverage") is not None:
            leverage = number(f"{where}.leverage", fields["leverage"])
            if leverage is not None:
                check_leverage(self.findings, f"{where}.leverage", leverage, kind)
        return Draft(where, floor, cap, is_open, rate, leverage)

    def names(
        self,
        path: str,
        given: object,
        seen: dict[object, str] | None = None,
        *,
        what: str = "asset",
        may_be_empty: bool = True,
    ) -> tuple[str, ...]:
        if may_be_empty:
            items = self.listed(path, given)
        else:
            items = self.findings.items(path, given, what=f"{what}s")
        read = [(where, self.findings.name(where, item)) for where, item in items]
        named = [(where, name) for where, name in read if name is not None]
        check_names_once(self.findings, named, {} if seen is None else seen, what=what)
        return tuple(name for _, name in named)

    def listed(self, path: str, given: object) -> Sequence[tuple[str, Any]]:
        """Read a list that may be empty."""
        if isinstance(given, list | tuple) and not given:
            return ()
        return self.findings.items(path, given, what="texts")

    def texts(self, path: str, given: object) -> tuple[str, ...]:
        read = [self.findings.text(where, item) for where, item in self.listed(path, given)]
        return tuple(item for item in read if item is not None)

    def ranks(self, path: str, given: object) -> dict[str, int]:
        ranks: dict[str, int] = {}
        assets: dict[object, str] = {}
        seen: dict[object, str] = {}
        for where, item in self.listed(path, given):
            fields = self.findings.fields(
                where, item, what="a rank and its assets", required=("rank", "assets")
            )
            if fields is None or "rank" not in fields or "assets" not in fields:
                continue
            at = f"{where}.rank"
            rank = self.findings.integer(at, fields["rank"], at_least=1)
            names = self.names(f"{where}.assets", fields["assets"], assets)
            if rank is not None:
                check_names_once(self.findings, [(at, rank)], seen, what="rank")
                ranks.update(dict.fromkeys(names, rank))
        return ranks

    def moment(self, given: object) -> datetime | None:
        if given is None:
            return None
        if not isinstance(given, str):
            self.findings.text("$.moment", given)
            return None
        try:
            return parse_moment(given, path="$.moment")
        except RulesError as err:
            self.findings.problems.extend(err.problems)
            return None

    def methodology_at(self, moment: datetime | None) -> Mapping[str, str] | None:
        try:
            return methodology_at(moment)
        except RulesError as err:
            self.findings.problems.extend(err.problems)
            return None

    def leverage_limits(self, given: object) -> LeverageLimits:
        keys = ("default", "restricted", "countries")
        path = "$.max_leverage"
        fields = self.findings.fields(path, given, what="leverage limits", optional=keys)
        limits = LeverageLimits()
        if not fields:
            return limits
        integers = {
            key: self.findings.integer(f"{path}.{key}", fields[key], at_least=1)
            for key in ("default", "restricted")
            if key in fields
        }
        countries = limits.countries
        if "countries" in fields:
            codes = self.texts(f"{path}.countries", fields["countries"])
            for position, code in enumerate(codes):
                if not is_country(code):
                    where = f"{path}.countries[{position}]"
                    self.findings.error(where, "country", found=code, expected="two capitals")
            countries = frozenset(codes)
        return LeverageLimits(
            integers.get("default") or limits.default,
            integers.get("restricted") or limits.restricted,
            countries,
        )

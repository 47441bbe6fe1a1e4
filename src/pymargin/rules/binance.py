"""Reads the exchange's own answers into rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from os import PathLike
from typing import Any, TypeAlias

from pymargin.errors import Problem, RulesError
from pymargin.rules.checks import (
    Draft,
    Group,
    TierNames,
    check_deductions,
    check_leverage,
    check_names_once,
    check_schedule,
    read_cap,
    unread,
)
from pymargin.rules.findings import Findings
from pymargin.rules.jsonfile import read_json
from pymargin.rules.kinds import TABLES
from pymargin.rules.methodology import methodology_at, parse_moment
from pymargin.rules.model import MarginRules
from pymargin.rules.schedules import Tier

__all__ = [
    "ANSWERS",
    "Payload",
    "answer_of",
    "read_answers",
    "read_cross_collateral",
    "read_liability_brackets",
    "rules_from_binance",
]

Payload: TypeAlias = str | PathLike[str] | Sequence[Any] | Mapping[str, Any] | None
"""An answer of the exchange: its decoded JSON, the path of a file that holds it, or absent."""

Tables: TypeAlias = dict[str, list[Group]]

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


def rules_from_binance(
    *,
    cross_collateral: Payload = None,
    liability_brackets: Payload = None,
    portfolio_collateral: Payload = None,
    portfolio_pro_collateral: Payload = None,
    usdm_brackets: Payload = None,
    coinm_brackets: Payload = None,
    symbols: Payload = None,
    at: str | datetime | None = None,
) -> MarginRules:
    """Build rules from the answers of the exchange's API.

    Parameters
    ----------
    cross_collateral
        The answer of ``GET /sapi/v1/margin/crossMarginCollateralRatio``: its ``collaterals``
        become table ``collateral``, and where present ``borrowCollaterals`` table ``borrow`` and
        ``withdrawCollaterals`` table ``transfer_out``.
    liability_brackets
        The answer of ``GET /sapi/v1/margin/leverageBracket``: tables ``liability_maintenance``
        and ``liability_initial``, with the leverage of each bracket on its tiers. The bracket
        class that it calls ``rank`` is not the rank of an asset and is not kept.
    portfolio_collateral, portfolio_pro_collateral, usdm_brackets, coinm_brackets, symbols
        Not supported yet.
    at
        The moment whose methodologies apply; absent, the newest.

    Each answer is its decoded JSON (also inside a ``{"data": ...}`` wrapper) or the path of a
    file. Numbers may be texts or JSON numbers; unknown fields are left alone.

    Raises
    ------
    RulesError
        With every fault of every answer, each under its JSON path.

    Examples
    --------
    >>> rules = rules_from_binance(cross_collateral=[{
    ...     "assetNames": ["BTC"], "collaterals": [{"minUsdValue": "0", "discountRate": "0.95"}]}])
    >>> rules.collateral_value("BTC", 1000)
    Decimal('950')
    """
    later = {
        "portfolio_collateral": portfolio_collateral,
        "portfolio_pro_collateral": portfolio_pro_collateral,
        "usdm_brackets": usdm_brackets,
        "coinm_brackets": coinm_brackets,
        "symbols": symbols,
    }
    _refuse_unsupported(later)
    given = {
        name: payload
        for name, payload in (
            ("cross_collateral", cross_collateral),
            ("liability_brackets", liability_brackets),
        )
        if payload is not None
    }
    if not given:
        raise RulesError(f"rules_from_binance needs at least one of {', '.join(ANSWERS)}")
    rules, problems = read_answers(given, at=at)
    if rules is None:
        raise RulesError(problem for problem in problems if problem.severity == "error")
    return rules


def read_answers(
    given: Mapping[str, Payload], *, at: str | datetime | None
) -> tuple[MarginRules | None, list[Problem]]:
    """Read answers by the name of their argument: the rules, if there is no error, and all faults.

    A path names its argument only where there is more than one answer.
    """
    moment = parse_moment(at)
    methodology = methodology_at(moment)
    problems: list[Problem] = []
    tables: Tables = {}
    for name, payload in given.items():
        findings = Findings()
        try:
            tables |= _READERS[name](findings, _content(payload))
        except RulesError as err:
            findings.problems.extend(err.problems)
        if len(given) > 1:
            findings.problems = [_named(name, problem) for problem in findings.problems]
        problems.extend(findings.problems)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    rules = MarginRules(
        tables=tables,
        methodology=methodology,
        moment=moment,
        label="Binance API",
        sources=tuple(_SOURCES[name] for name in given),
        notes=tuple(problems),
    )
    return rules, problems


ANSWERS = ("cross_collateral", "liability_brackets")
"""The arguments that can be read."""

_SOURCES = {
    "cross_collateral": "GET /sapi/v1/margin/crossMarginCollateralRatio",
    "liability_brackets": "GET /sapi/v1/margin/leverageBracket",
}


def answer_of(content: object) -> str | None:
    """Name the argument of ``rules_from_binance`` that an answer belongs to, by its shape."""
    if isinstance(content, Mapping):
        content = content["data"] if isinstance(content.get("data"), list) else [content]
    if not isinstance(content, list | tuple):
        return None
    keys: set[object] = set()
    for item in content:
        if isinstance(item, Mapping):
            keys.update(item)
    if keys & {"collaterals", "borrowCollaterals", "withdrawCollaterals"}:
        return "cross_collateral"
    if "brackets" in keys:
        return "usdm_brackets" if keys & {"symbol", "notionalCoef"} else "liability_brackets"
    return None


def _refuse_unsupported(later: Mapping[str, object]) -> None:
    given = [name for name, payload in later.items() if payload is not None]
    if given:
        raise RulesError(
            [Problem(name, f"rules_from_binance does not support {name} yet") for name in given]
        )


def _content(payload: Payload) -> Any:
    return read_json(payload) if isinstance(payload, str | PathLike) else payload


def _named(argument: str, problem: Problem) -> Problem:
    """Put the argument's name in front of a path, so that two answers can be told apart."""
    return dataclasses.replace(problem, path=f"{argument}: {problem.path}")


def _entries(findings: Findings, content: object, *, what: str) -> list[tuple[str, Any]]:
    """Return the groups of an answer, inside a wrapper or not."""
    if isinstance(content, Mapping):
        if "data" in content:
            return findings.items("$.data", content["data"], what=what)
        if "msg" in content and "code" in content:
            found = f"the error {content['code']}: {content['msg']}"
            findings.error("$", "error answer", found=found, expected=f"a list of {what}")
            return []
        return [("$", content)]
    return findings.items("$", content, what=what)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads groups of one answer and sees names that come twice."""

    findings: Findings
    seen: dict[object, str]

    def names(self, path: str, given: object) -> tuple[str, ...]:
        items = self.findings.items(path, given, what="asset names")
        read = [(where, self.findings.name(where, item)) for where, item in items]
        named = [(where, name) for where, name in read if name is not None]
        check_names_once(self.findings, named, self.seen, what="asset")
        return tuple(name for _, name in named)

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
            self._number(where, fields, "minUsdValue"),
            cap,
            is_open,
            self._number(where, fields, "discountRate"),
        )

    def _number(self, where: str, fields: Mapping[str, Any], key: str) -> Decimal | None:
        return self.findings.number(f"{where}.{key}", fields[key]) if key in fields else None

    def bracket_tiers(self, path: str, given: object) -> dict[str, tuple[Tier, ...]]:
        entries: list[tuple[str, Mapping[str, Any]]] = []
        for where, item in self.findings.items(path, given, what="brackets"):
            fields = self.findings.fields(
                where,
                item,
                what="a bracket",
                required=("maxDebt", *_BRACKET_RATES.values()),
                optional=None,
            )
            entries.append((where, fields if fields is not None else {}))
        edges = [self._bracket_edges(where, fields) for where, fields in entries]
        read: dict[str, tuple[Tier, ...]] = {}
        for table, rate in _BRACKET_RATES.items():
            drafts = [
                Draft(where, None, cap, is_open, self._number(where, fields, rate), leverage)
                for (where, fields), (cap, is_open, leverage) in zip(entries, edges, strict=True)
            ]
            # The edges are the same in both tables: what is wrong with them is said once.
            known = list(self.findings.problems)
            findings = Findings()
            names = TierNames(None, "maxDebt", rate)
            tiers = check_schedule(findings, path, drafts, TABLES[table], names) if drafts else None
            self.findings.problems.extend(p for p in findings.problems if p not in known)
            read[table] = tiers or ()
        given_sums = [(f"{where}.fastNum", fields.get("fastNum")) for where, fields in entries]
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
            leverage = self._number(where, fields, "leverage")
        if leverage is not None:
            kind = TABLES["liability_maintenance"]
            check_leverage(self.findings, f"{where}.leverage", leverage, kind)
        return cap, is_open, leverage


def read_cross_collateral(findings: Findings, content: object) -> Tables:
    """Read an answer of ``crossMarginCollateralRatio``, noting every fault."""
    reader = _Reader(findings, {})
    tables: Tables = {}
    for where, item in _entries(findings, content, what="collateral groups"):
        fields = findings.fields(
            where, item, what="a group", required=("collaterals", "assetNames"), optional=None
        )
        if fields is None:
            continue
        names = reader.names(f"{where}.assetNames", fields.get("assetNames", ()))
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
                tables.setdefault(table, []).append(Group(tiers, assets=names))
    return tables


def read_liability_brackets(findings: Findings, content: object) -> Tables:
    """Read an answer of margin ``leverageBracket``, noting every fault."""
    reader = _Reader(findings, {})
    tables: Tables = {}
    classes: dict[int, tuple[str, Mapping[str, tuple[Tier, ...]]]] = {}
    for where, item in _entries(findings, content, what="bracket groups"):
        fields = findings.fields(
            where, item, what="a group", required=("assetNames", "brackets"), optional=None
        )
        if fields is None:
            continue
        names = reader.names(f"{where}.assetNames", fields.get("assetNames", ()))
        if "brackets" not in fields:
            continue
        brackets = reader.bracket_tiers(f"{where}.brackets", fields["brackets"])
        _check_class(findings, where, fields.get("rank"), brackets, classes)
        for table, tiers in brackets.items():
            if tiers and names:
                tables.setdefault(table, []).append(Group(tiers, assets=names))
    return tables


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


_READERS: dict[str, Callable[[Findings, object], Tables]] = {
    "cross_collateral": read_cross_collateral,
    "liability_brackets": read_liability_brackets,
}

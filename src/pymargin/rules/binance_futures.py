"""Reads the answers about futures: leverage brackets by symbol or pair, in three shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from pymargin.rules.answers import Parts, entries, is_error_answer, read_number
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
from pymargin.rules.contracts import Contract, Product, contract_from_name
from pymargin.rules.findings import Findings, child
from pymargin.rules.kinds import TABLES
from pymargin.rules.schedules import Tier
from pymargin.rules.unified import UnifiedSymbol, is_unified, read_unified

__all__ = ["NotionalCoef", "is_ccxt_tiers", "read_futures_brackets"]

NotionalCoef: TypeAlias = Literal["ignore", "apply"]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What an answer calls the parts of a bracket; the floor has two spellings in coinm."""

    floors: tuple[str, ...]
    cap: str
    rate: str
    leverage: str


_EXCHANGE = {
    "usdm": _Shape(("notionalFloor",), "notionalCap", "maintMarginRatio", "initialLeverage"),
    "coinm": _Shape(("qtyFloor", "qtylFloor"), "qtyCap", "maintMarginRatio", "initialLeverage"),
}
_CCXT = _Shape(("minNotional",), "maxNotional", "maintenanceMarginRate", "maxLeverage")


def read_futures_brackets(
    findings: Findings, content: object, product: Product, *, notional_coef: NotionalCoef
) -> Parts:
    """Read the brackets of many symbols, noting every fault.

    ``content`` is an answer of ``leverageBracket`` (fapi, papi or dapi: a list, or one object), or
    ccxt's leverage tiers: unified symbol to its tiers. A bracket before the last whose floor is its
    cap holds no position and is left out.
    """
    reader = _Reader(findings, product, notional_coef)
    if is_ccxt_tiers(content):
        assert isinstance(content, Mapping)
        for name, tiers in content.items():
            reader.unified(child("$", name), name, tiers)
    elif not is_error_answer(findings, content, what="bracket groups"):
        for where, item in entries(findings, content, what="bracket groups"):
            reader.group(where, item)
    return reader.parts


def is_ccxt_tiers(content: object) -> bool:
    """Tell ccxt's leverage tiers from the exchange's answers: an object of lists by symbol."""
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(name, str) and is_unified(name) for name in content)
    )


class _Reader:
    """Reads the brackets of one product."""

    def __init__(self, findings: Findings, product: Product, notional_coef: NotionalCoef) -> None:
        self.findings = findings
        self.product: Product = product
        self.notional_coef = notional_coef
        self.parts = Parts()
        self.seen: dict[object, str] = {}

    def group(self, where: str, item: object) -> None:
        """Read one entry of ``leverageBracket``: a symbol's, or in dapi v1 a pair's."""
        fields = self.findings.fields(
            where, item, what="a symbol", required=("brackets",), optional=None
        )
        if fields is None:
            return
        by_pair = self.product == "coinm" and "symbol" not in fields and "pair" in fields
        key = "pair" if by_pair else "symbol"
        name = None
        if key in fields:
            name = self.name(f"{where}.{key}", fields[key])
        else:
            self.findings.error(f"{where}.{key}", "missing", found="absent", expected="given")
        if "brackets" not in fields:
            return
        shape = _EXCHANGE[self.product]
        tiers = self.tiers(f"{where}.brackets", fields["brackets"], shape)
        tiers = self.scaled(where, fields.get("notionalCoef"), tiers)
        if tiers and name is not None:
            group = Group(tiers, assets=(name,))
            self.parts.pairs.append(group) if by_pair else self.parts.add(self.product, group)

    def unified(self, where: str, name: str, given: object) -> None:
        """Read one symbol of ccxt's leverage tiers."""
        unified = read_unified(name)
        if unified is None or unified.product != self.product:
            self.findings.error(
                where, "symbol", found=name, expected=f"a symbol of {self.product} futures"
            )
            return
        symbol = self.name(where, unified.symbol)
        tiers = self.tiers(where, given, _CCXT)
        if tiers and symbol is not None:
            self.parts.add(self.product, Group(tiers, assets=(symbol,)))
            self._keep_contract(symbol, unified)

    def _keep_contract(self, symbol: str, unified: UnifiedSymbol) -> None:
        """Keep what ccxt's name says of a contract where the exchange's name says otherwise."""
        derived = contract_from_name(symbol)
        if unified.product == "usdm":
            said = Contract("usdm", unified.base, unified.settlement)
            if said != derived:
                self.parts.contracts[symbol] = said

    def name(self, path: str, given: object) -> str | None:
        name = self.findings.name(path, given)
        if name is not None:
            check_names_once(self.findings, [(path, name)], self.seen, what="symbol")
        return name

    def tiers(self, path: str, given: object, shape: _Shape) -> tuple[Tier, ...]:
        drafts: list[Draft] = []
        deductions: list[tuple[str, object]] = []
        names = TierNames(shape.floors[0], shape.cap, shape.rate, shape.leverage)
        items = self.findings.items(path, given, what="brackets")
        for number, (where, item) in enumerate(items, start=1):
            at, fields, used = self.bracket(where, item, shape)
            draft = unread(at) if fields is None else self.draft(at, fields, used)
            if number < len(items) and _is_empty(drafts, draft):
                continue
            drafts.append(draft)
            deductions.append((f"{at}.cum", (fields or {}).get("cum")))
            if used.floors[0] != shape.floors[0] or used.cap != shape.cap:
                names = TierNames(used.floors[0], used.cap, used.rate, used.leverage)
        if not drafts:
            return ()
        tiers = check_schedule(self.findings, path, drafts, TABLES[self.product], names) or ()
        check_deductions(self.findings, tiers, deductions)
        return tiers

    def bracket(
        self, where: str, item: object, shape: _Shape
    ) -> tuple[str, Mapping[str, Any] | None, _Shape]:
        """Return path, fields and shape of a bracket: in ccxt's tiers the exchange's ``info``."""
        own = _EXCHANGE[self.product]
        info = item.get("info") if shape is _CCXT and isinstance(item, Mapping) else None
        if isinstance(info, Mapping) and own.cap in info:
            return self.bracket(f"{where}.info", info, own)
        required = (shape.cap, shape.rate, shape.leverage)
        fields = self.findings.fields(
            where, item, what="a bracket", required=required, optional=None
        )
        floors = [key for key in shape.floors if key in (fields or {})] or shape.floors[:1]
        return where, fields, _Shape(tuple(floors), shape.cap, shape.rate, shape.leverage)

    def draft(self, where: str, fields: Mapping[str, Any], shape: _Shape) -> Draft:
        floor = read_number(self.findings, where, fields, shape.floors[0])
        cap, is_open = None, False
        if shape.cap in fields:
            cap, is_open = read_cap(self.findings, f"{where}.{shape.cap}", fields[shape.cap])
        leverage = read_number(self.findings, where, fields, shape.leverage)
        if leverage is not None:
            path = f"{where}.{shape.leverage}"
            check_leverage(self.findings, path, leverage, TABLES[self.product])
        rate = read_number(self.findings, where, fields, shape.rate)
        return Draft(where, floor, cap, is_open, rate, leverage)

    def scaled(self, where: str, given: object, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        """Multiply caps and floors by ``notionalCoef`` where that is asked for."""
        if given is None:
            return tiers
        path = f"{where}.notionalCoef"
        coef = self.findings.number(path, given)
        if coef is None or coef == 1:
            return tiers
        if coef <= 0:
            self.findings.error(path, "notionalCoef", found=coef, expected="above 0")
            return ()
        if self.notional_coef == "ignore":
            self.findings.warning(
                path,
                f"notionalCoef {coef} is not applied: the caps are taken as they stand"
                " (notional_coef='apply' multiplies them by it)",
            )
            return tiers
        return self._multiplied(path, coef, tiers)

    def _multiplied(self, path: str, coef: Decimal, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        scaled: list[Tier] = []
        for tier in tiers:
            edges = [None if edge is None else edge * coef for edge in (tier.floor, tier.cap)]
            for edge in edges:
                if edge is not None and not self.findings.limited(path, edge):
                    return ()
            floor, cap = edges
            assert floor is not None
            scaled.append(Tier(floor, cap, tier.rate, tier.leverage))
        return tuple(scaled)


def _is_empty(before: list[Draft], draft: Draft) -> bool:
    """Tell a bracket that ends where it begins: the exchange has such, and no position is in it."""
    return bool(before) and draft.cap is not None and before[-1].cap == draft.floor == draft.cap

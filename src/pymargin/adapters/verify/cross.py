"""The figures of a cross margin account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from pymargin.adapters.binance_answers import Item
from pymargin.adapters.verify.inputs import Inputs, missing_phrases
from pymargin.adapters.verify.judge import (
    Judge,
    Level,
    Sentinel,
    cut,
    exactly,
    level_tolerance,
    quotient_tolerance,
)
from pymargin.errors import Problem
from pymargin.modes import Mode
from pymargin.oracle.account import read_account
from pymargin.oracle.classic import classic_ratios, classic_terms
from pymargin.oracle.pro import cross_pro
from pymargin.oracle.standing import Ratio
from pymargin.oracle.terms import AssetTerm, debt_value, held_value, table_total
from pymargin.rules import MarginRules

__all__ = ["check_names", "verify_cross"]

_QUANTITIES = ("free", "locked", "borrowed", "interest")
_GROSS = ("classic_2023", "classic_2026_01")
_NOTHING_OWED = Sentinel(Fraction(999), "a level without debt")
_LOSS = "totalOpenOrderLossInUSDT"


def verify_cross(inputs: Inputs, mode: Mode, item: Item) -> None:
    """Look at every figure of ``GET /sapi/v1/margin/account``."""
    judge = inputs.judge
    row = _row(judge, item)
    if judge.problems:
        return
    _net_assets(judge, item)
    if mode is Mode.CROSS_CLASSIC:
        terms = classic_terms(read_account(row), inputs.quotes, _collateral_only(inputs.rules))
        _classic_level(inputs, item, terms)
        if judge.number(item, _LOSS):
            judge.remark(f"{_LOSS} is not computed and does not count in Cross Margin Classic.")
    else:
        terms = _pro_level(inputs, item, row)
    _totals(inputs, item, terms)
    _collateral(judge, item, terms)
    _leverage(judge, inputs.leverage, item)


def check_names(judge: Judge, item: Item) -> None:
    """Note every balance that names no asset, or one that is named before."""
    seen = set()
    for path, entry in _entries(item):
        asset = entry.get("asset") if isinstance(entry, Mapping) else None
        if not isinstance(asset, str) or not asset or asset in seen:
            rule = "the name of an asset, each once"
            judge.problems.append(Problem(f"{path}.asset", "asset", repr(asset), rule))
        seen.add(str(asset))


def _row(judge: Judge, item: Item) -> dict[str, Any]:
    """Return the balances as they are printed."""
    balances = []
    for path, entry in _entries(item):
        asset, one = entry["asset"], Item(path, entry)
        units = {name: judge.stated(one, name) for name in _QUANTITIES}
        judge.problems += (
            Problem(f"{path}.{name}", "quantity", number, "0 or more")
            for name, number in units.items()
            if number is not None and number < 0
        )
        balances.append({"asset": asset, **units})
    return {"balances": balances}


def _entries(item: Item) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for place, entry in enumerate(item.values["userAssets"]):
        yield f"{item.path}.userAssets[{place}]", entry


def _collateral_only(rules: MarginRules) -> MarginRules:
    """Leave out the tables that no figure of the answer rests on."""
    tables = {name: groups for name, groups in rules.tables.items() if name == "collateral"}
    return rules.replace(tables=tables)


def _net_assets(judge: Judge, item: Item) -> None:
    for path, entry in _entries(item):
        one = Item(path, entry)
        free, locked, borrowed, interest = (judge.number(one, n) or 0 for n in _QUANTITIES)
        net = Fraction(free + locked - borrowed - interest)
        judge.compare(one, "netAsset", net, exactly(), of=entry["asset"], printed=True)


def _totals(inputs: Inputs, item: Item, terms: tuple[AssetTerm, ...]) -> None:
    """Hold the totals in BTC against quantities and prices, and the net total against the two."""
    judge, bitcoin = inputs.judge, inputs.quotes.index("BTC")
    missing = _lacking(terms, "price") + ([] if bitcoin else ["price of BTC"])
    held, owed = held_value(terms), debt_value(terms)
    for name, value in (
        ("totalAssetOfBtc", held),
        ("totalLiabilityOfBtc", owed),
        ("totalNetAssetOfBtc", held - owed),
    ):
        ours = value / bitcoin if bitcoin else None
        judge.compare(item, name, ours, level_tolerance(ours or Fraction(0)), missing=missing)
    total, liability = (judge.number(item, f"total{x}OfBtc") for x in ("Asset", "Liability"))
    if total is not None and liability is not None:
        net = total - liability
        tolerance = cut((Fraction(1), Fraction(1)), "totals")
        judge.compare(item, "totalNetAssetOfBtc", net, tolerance, printed=True)


def _collateral(judge: Judge, item: Item, terms: tuple[AssetTerm, ...]) -> None:
    missing = _lacking(terms, "price", "collateral")
    value, owed = table_total(terms, "collateral"), debt_value(terms)
    for name in ("TotalCollateralValueInUSDT", "totalCollateralValueInUSDT"):
        judge.compare(item, name, value, cut([Fraction(1)] * len(terms)), missing=missing)
    level = Ratio(value, owed).level
    _level(judge, item, "collateralMarginLevel", level, missing)


def _classic_level(inputs: Inputs, item: Item, terms: tuple[AssetTerm, ...]) -> None:
    judge = inputs.judge
    is_gross = inputs.rules.methodology.get(Mode.CROSS_CLASSIC) in _GROSS
    ratio = classic_ratios(terms, inputs.rules)["margin_level"]
    assert ratio is not None
    missing = _lacking(terms, *(("price",) if is_gross else ("price", "collateral")))
    _level(judge, item, "marginLevel", ratio.level, missing)
    total, liability = (judge.number(item, f"total{x}OfBtc") for x in ("Asset", "Liability"))
    if is_gross and total is not None and liability is not None:
        level = Ratio(total, liability).level
        judge.compare(
            item,
            "marginLevel",
            level,
            quotient_tolerance(total, liability),
            printed=True,
            sentinel=_NOTHING_OWED,
        )


def _pro_level(inputs: Inputs, item: Item, row: Mapping[str, Any]) -> tuple[AssetTerm, ...]:
    """Look at the level of Cross Margin Pro; return what each asset contributes to it."""
    judge, loss = inputs.judge, inputs.judge.number(item, _LOSS)
    if item.values.get(_LOSS) is not None:
        judge.remark(f"{_LOSS} is taken as given: the answer holds no orders.")
    known = {**row, "open_order_loss": loss or 0}
    found = cross_pro(known, inputs.all_prices, inputs.rules, collateral=inputs.collateral)
    tables = ("price", "collateral", "liability_maintenance")
    _level(judge, item, "marginLevel", found.margin_level, _lacking(found.terms, *tables))
    return found.terms


def _level(judge: Judge, item: Item, name: str, level: Level, missing: list[str]) -> None:
    judge.compare(
        item, name, level, level_tolerance(level), missing=missing, sentinel=_NOTHING_OWED
    )


def _lacking(terms: Iterable[AssetTerm], *tables: str) -> list[str]:
    return [
        phrase
        for term in terms
        for phrase in missing_phrases(term.asset, [x for x in term.missing if x in tables])
    ]


def _leverage(judge: Judge, leverage: int | None, item: Item) -> None:
    if leverage is None:
        if item.values.get("maxLeverage") is not None:
            judge.remark("maxLeverage is taken as given; leverage= holds it against another.")
        return
    judge.compare(item, "maxLeverage", Fraction(leverage), exactly("a whole number"))

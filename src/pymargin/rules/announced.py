"""Checks of announced changes, and how their sides are written for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pymargin.errors import RulesError
from pymargin.rules.findings import Findings, plain
from pymargin.rules.schedules import Tier

if TYPE_CHECKING:
    from pymargin.notices.change import Change
    from pymargin.rules.model import MarginRules
    from pymargin.rules.standing import Stated

__all__ = [
    "change_name",
    "check_changes",
    "names_by_product",
    "stated_text",
    "tiers_text",
    "two_sides_text",
]

# What a change may be keyed by, and what its sides are.
_SHAPES: dict[str, tuple[tuple[str, ...], type | tuple[type, ...], type]] = {
    "rank": (("cross_margin", "portfolio_pro"), str, int),
    "tiers": (("cross_margin", "portfolio_pro"), (str, int), tuple),
    "rate": (("portfolio",), str, Decimal),
    "borrow_rate": (("cross_margin",), (str, int), Decimal),
    "transfer_out_rate": (("cross_margin",), (str, int), Decimal),
    "brackets": (("usdm", "coinm"), str, tuple),
}
_PARTS = ("product", "table", "key", "effective", "window", "before", "after")
_WORDS = {str: "a name", int: "a rank", (str, int): "a rank or an asset"}
_SIDES = {int: "a rank (int)", Decimal: "a rate (Decimal)", tuple: "a tuple of Tier"}


def check_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Refuse changes that are none.

    Raises
    ------
    RulesError
        With every fault, under the position of its change.
    """
    if hasattr(changes, "changes"):
        raise RulesError("changes must be those of a notice (notice.changes), not the notice")
    given = tuple(changes)
    findings = Findings()
    for position, change in enumerate(given):
        path = f"changes[{position}]"
        if all(hasattr(change, name) for name in _PARTS):
            _check(findings, path, change)
        else:
            findings.error(path, "change", found=change, expected="a Change")
    findings.raise_errors()
    return given


def _check(findings: Findings, path: str, change: Change) -> None:
    if change.table not in _SHAPES:
        known = ", ".join(_SHAPES)
        findings.error(f"{path}.table", "table", found=change.table, expected=f"one of {known}")
        return
    products, key, side = _SHAPES[change.table]
    if change.product not in products:
        known = " or ".join(products)
        findings.error(f"{path}.product", "product", found=change.product, expected=known)
    if not isinstance(change.key, key) or isinstance(change.key, bool):
        expected = _WORDS[key]
        findings.error(f"{path}.key", "key", found=change.key, expected=expected)
    if not isinstance(change.effective, datetime) or change.effective.utcoffset() is None:
        expected = "a datetime with a zone"
        findings.error(f"{path}.effective", "moment", found=change.effective, expected=expected)
    if not isinstance(change.window, timedelta) or change.window < timedelta(0):
        expected = "a timedelta that is not negative"
        findings.error(f"{path}.window", "window", found=change.window, expected=expected)
    if change.before is None and change.after is None:
        findings.error(path, "empty", found="neither", expected="given a before or an after")
    for name in ("before", "after"):
        given = getattr(change, name)
        is_side = isinstance(given, side) and not isinstance(given, bool)
        if side is tuple and is_side:
            is_side = bool(given) and all(isinstance(tier, Tier) for tier in given)
        if given is not None and not is_side:
            findings.error(f"{path}.{name}", "side", found=given, expected=_SIDES[side])


def names_by_product(rules: MarginRules) -> Mapping[str, frozenset[str]]:
    """Return the names that rules have, by the product of a notice; empty where they hold none.

    A COIN-M contract is named by its pair, too, as notices print it.

    Examples
    --------
    >>> from pymargin.rules import example_rules
    >>> names = names_by_product(example_rules())
    >>> "BTC" in names["cross_margin"], "BTCUSD" in names["coinm"]
    (True, True)
    """
    found = {
        product: {*rules.names(table), *ranks}
        for product, table, ranks in (
            ("cross_margin", "collateral", rules.ranks),
            ("portfolio", "portfolio", ()),
            ("portfolio_pro", "portfolio_pro", rules.portfolio_pro_ranks),
            ("usdm", "usdm", ()),
            ("coinm", "coinm", ()),
        )
    }
    found["coinm"] |= {name.partition("_")[0] for name in found["coinm"]}
    return {product: frozenset(names) for product, names in found.items()}


def change_name(change: Change) -> str:
    """Name what a change is of: ``WIF (cross_margin rank)``."""
    key = f"rank {change.key}" if isinstance(change.key, int) else change.key
    return f"{key} ({change.product} {change.table.replace('_', ' ')})"


def stated_text(side: Stated) -> str:
    """Write a side of a change on one line."""
    if side is None:
        return "nothing"
    if isinstance(side, tuple):
        return tiers_text(side)
    return f"rank {side}" if isinstance(side, int) else _percent(side)


def two_sides_text(one: Stated, other: Stated) -> tuple[str, str]:
    """Write two sides on a line each; tiers that both begin with are counted, not repeated.

    Examples
    --------
    >>> tier = Tier(Decimal(0), Decimal(100), Decimal(1))
    >>> two_sides_text((tier, Tier(Decimal(100), None, Decimal("0.5"))), (tier,))
    ('(first tier alike) 50 % above', '(first tier alike) nothing above')
    """
    if not (isinstance(one, tuple) and isinstance(other, tuple)):
        return stated_text(one), stated_text(other)
    pairs = zip(one, other, strict=False)
    alike = next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    if not alike:
        return stated_text(one), stated_text(other)
    count = "first tier" if alike == 1 else f"first {alike} tiers"
    left, right = (_tiers_from(side, alike) or "nothing above" for side in (one, other))
    return f"({count} alike) {left}", f"({count} alike) {right}"


def tiers_text(tiers: Sequence[Tier]) -> str:
    """Write a schedule on one line: ``100 % to 800,000, 95 % to 1,200,000, 0 % above``.

    Examples
    --------
    >>> tiers_text((Tier(Decimal(0), Decimal(5000), Decimal("0.05"), Decimal(10)),))
    '5 % (10x) to 5,000'
    """
    return _tiers_from(tiers, 0)


def _tiers_from(tiers: Sequence[Tier], start: int) -> str:
    return ", ".join(
        _percent(tier.rate)
        + ("" if tier.leverage is None else f" ({plain(tier.leverage)}x)")
        + (_end(tiers) if tier.cap is None else f" to {_grouped(tier.cap)}")
        for tier in tiers[start:]
    )


def _end(tiers: Sequence[Tier]) -> str:
    return " above" if len(tiers) > 1 else ""


def _percent(rate: Decimal) -> str:
    return f"{plain(rate * 100)} %"


def _grouped(number: Decimal) -> str:
    return f"{Decimal(plain(number)):,f}"

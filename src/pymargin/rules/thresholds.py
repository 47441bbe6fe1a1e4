"""Thresholds as data: which level decides which actions, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from pymargin.rules.findings import Findings, child, plain
from pymargin.rules.frozen import FrozenMapping

__all__ = [
    "DEFAULT_THRESHOLDS",
    "THRESHOLD_SOURCES",
    "Grant",
    "Limit",
    "Line",
    "ModeThresholds",
    "read_thresholds",
    "thresholds_document",
]

Limit: TypeAlias = Decimal | Mapping[int, Decimal]
"""One figure, or one for each account leverage (3 and 5)."""


def _settled(limit: object) -> Limit:
    """Take Decimals and ints, by leverage or not; a float would be rounded on the way."""
    if isinstance(limit, Mapping):
        return FrozenMapping({key: _figure(limit[key]) for key in limit})
    return _figure(limit)


def _figure(figure: object) -> Decimal:
    if isinstance(figure, bool) or not isinstance(figure, Decimal | int):
        raise TypeError(f"a threshold must be a Decimal, not {figure!r}")
    return Decimal(figure)


@dataclass(frozen=True, slots=True)
class Line:
    """Give an account at or below a limit these actions and no others.

    Parameters
    ----------
    level
        Which level is compared.
    at_most
        The limit; the line matches exactly on it too.
    actions
        Names of ``Action``.
    own_ratio
        The account's own margin-call ratio, where it has one, takes the place of ``at_most``.
    """

    level: str
    at_most: Limit
    actions: tuple[str, ...]
    own_ratio: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_most", _settled(self.at_most))


@dataclass(frozen=True, slots=True)
class Grant:
    """Add one action where a level lies strictly above a limit."""

    action: str
    level: str
    above: Limit

    def __post_init__(self) -> None:
        object.__setattr__(self, "above", _settled(self.above))


@dataclass(frozen=True, slots=True)
class ModeThresholds:
    """Say what an account of one mode may do.

    Parameters
    ----------
    lines
        Tried in order; the first that matches decides alone.
    actions
        What an account has that no line matches.
    grants
        What it has besides, each by its own level.
    """

    lines: tuple[Line, ...]
    actions: tuple[str, ...]
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class _Product:
    levels: tuple[str, ...]
    leverages: tuple[int, ...]


_PRODUCTS = {
    "cross_classic": _Product(
        (
            "margin_level",
            "borrow_margin_level",
            "transfer_out_margin_level",
            "collateral_margin_level",
        ),
        (3, 5),
    ),
    "cross_pro": _Product(("margin_level", "available_margin"), ()),
    "portfolio": _Product(("uni_mmr", "available_balance"), ()),
    "portfolio_pro": _Product(("uni_mmr", "available_balance"), ()),
    "usdm": _Product(("margin_level", "available_balance"), ()),
    "coinm": _Product(("margin_level", "available_balance"), ()),
}

# The flags that the engine itself sets (UNPRICED_*, BEYOND_TIERS, ISOLATED_LIQUIDATE) are not
# for a threshold to give.
_ACTIONS = (
    "TRADE",
    "BORROW",
    "TRANSFER_OUT",
    "MARGIN_CALL",
    "LIQUIDATE",
    "REDUCE_ONLY",
    "BANKRUPT",
)


def _by_leverage(three: str, five: str) -> FrozenMapping[int, Decimal]:
    return FrozenMapping({3: Decimal(three), 5: Decimal(five)})


_ALL = ("TRADE", "BORROW", "TRANSFER_OUT")

# The level of futures is margin balance over maintenance margin: liquidated at 1 and below.
_FUTURES = ModeThresholds(
    lines=(Line("margin_level", Decimal(1), ("LIQUIDATE",)),),
    actions=("TRADE",),
    grants=(Grant("TRANSFER_OUT", "available_balance", Decimal(0)),),
)

DEFAULT_THRESHOLDS: Mapping[str, ModeThresholds] = FrozenMapping(
    {
        "cross_classic": ModeThresholds(
            lines=(
                Line("margin_level", Decimal("1.1"), ("LIQUIDATE",)),
                Line(
                    "margin_level",
                    _by_leverage("1.3", "1.16"),
                    ("TRADE", "MARGIN_CALL"),
                    own_ratio=True,
                ),
            ),
            actions=("TRADE",),
            grants=(
                Grant("BORROW", "borrow_margin_level", _by_leverage("1.5", "1.25")),
                Grant("TRANSFER_OUT", "transfer_out_margin_level", Decimal(2)),
            ),
        ),
        # The borrow and transfer-out lines of Pro are our reading; no document states them for
        # the formula in force since 2025-01-21.
        "cross_pro": ModeThresholds(
            lines=(
                Line("margin_level", Decimal(1), ("LIQUIDATE",)),
                Line("margin_level", Decimal("1.5"), ("TRADE", "MARGIN_CALL"), own_ratio=True),
            ),
            actions=("TRADE",),
            grants=(
                Grant("BORROW", "available_margin", Decimal(0)),
                Grant("TRANSFER_OUT", "margin_level", Decimal(2)),
            ),
        ),
        # The document asks to keep uniMMR above 1.05; what holds up to 1.2 is our reading.
        "portfolio": ModeThresholds(
            lines=(
                Line("uni_mmr", Decimal("1.05"), ("LIQUIDATE",)),
                Line("uni_mmr", Decimal("1.2"), ("REDUCE_ONLY", "MARGIN_CALL")),
            ),
            actions=_ALL,
            grants=(),
        ),
        "portfolio_pro": ModeThresholds(
            lines=(
                Line("uni_mmr", Decimal(1), ("LIQUIDATE", "BANKRUPT")),
                Line("uni_mmr", Decimal("1.05"), ("LIQUIDATE",)),
                Line("uni_mmr", Decimal("1.2"), ("REDUCE_ONLY", "MARGIN_CALL")),
                Line("uni_mmr", Decimal("1.5"), (*_ALL, "MARGIN_CALL")),
            ),
            actions=_ALL,
            grants=(),
        ),
        "usdm": _FUTURES,
        "coinm": _FUTURES,
    }
)
"""The exchange's own thresholds; a rules file may state others."""

THRESHOLD_SOURCES = (
    "Binance Margin Level and Margin Call, FAQ 360030493931: the Classic thresholds and the"
    " margin-call ratios 1.3 (3x) and 1.16 (5x)",
    "Introduction to Binance Cross Margin Pro, FAQ (updated 2024-12-19): liquidation at 1.0, the"
    " margin-call ratio 1.5 by default and the countries without 20x",
    "Portfolio Margin, FAQ 4868b2f1aa6c4d08af973328462bb0bd (2025-02-06), and Portfolio Margin Pro,"
    " FAQ 5e33af8e6ac04d57a1d0a3398e0a0752: the lines of uniMMR",
    "Maintenance margin of USDⓈ-M futures, FAQ b3c689c1f50a44cabb3a84e663b81d93: liquidation where"
    " the margin balance is at most the maintenance margin",
)


def _limit_document(limit: Limit) -> str | dict[str, str]:
    if isinstance(limit, Mapping):
        return {str(leverage): plain(limit[leverage]) for leverage in sorted(limit)}
    return plain(limit)


def thresholds_document(thresholds: Mapping[str, ModeThresholds]) -> dict[str, Any]:
    """Write thresholds the way the rules file holds them."""
    return {
        product: {
            "lines": [
                {
                    "level": line.level,
                    "at_most": _limit_document(line.at_most),
                    **({"own_ratio": True} if line.own_ratio else {}),
                    "actions": list(line.actions),
                }
                for line in mode.lines
            ],
            "actions": list(mode.actions),
            "grants": [
                {
                    "action": grant.action,
                    "level": grant.level,
                    "above": _limit_document(grant.above),
                }
                for grant in mode.grants
            ],
        }
        for product, mode in sorted(thresholds.items())
    }


def read_thresholds(
    findings: Findings, path: str, given: object
) -> FrozenMapping[str, ModeThresholds]:
    """Read and check the thresholds of a rules file; a product left out keeps the default."""
    thresholds = dict(DEFAULT_THRESHOLDS)
    document = findings.fields(path, given, what="thresholds by product", optional=_PRODUCTS)
    for product, mode in (document or {}).items():
        if product in _PRODUCTS:
            read = _Reader(findings, _PRODUCTS[product]).mode(child(path, product), mode)
            thresholds[product] = read or thresholds[product]
    return FrozenMapping(thresholds)


class _Reader:
    """Reads the thresholds of one product."""

    def __init__(self, findings: Findings, product: _Product) -> None:
        self.findings = findings
        self.product = product

    def mode(self, path: str, given: object) -> ModeThresholds | None:
        keys = ("lines", "actions", "grants")
        fields = self.findings.fields(path, given, what="thresholds", required=keys)
        if fields is None or any(key not in fields for key in keys):
            return None
        lines = [self.line(*item) for item in self._list(f"{path}.lines", fields["lines"])]
        grants = [self.grant(*item) for item in self._list(f"{path}.grants", fields["grants"])]
        actions = self.actions(f"{path}.actions", fields["actions"])
        whole = tuple(line for line in lines if line is not None)
        if len(whole) == len(lines):
            self._check_order(f"{path}.lines", whole)
        return ModeThresholds(whole, actions, tuple(grant for grant in grants if grant is not None))

    def _list(self, path: str, given: object) -> list[tuple[str, Any]]:
        if isinstance(given, list) and not given:
            return []
        return self.findings.items(path, given, what="objects")

    def line(self, path: str, given: object) -> Line | None:
        keys = ("level", "at_most", "actions")
        fields = self.findings.fields(
            path, given, what="a line", required=keys, optional=("own_ratio",)
        )
        if fields is None or any(key not in fields for key in keys):
            return None
        own_ratio = fields.get("own_ratio", False)
        if not isinstance(own_ratio, bool):
            self.findings.error(
                f"{path}.own_ratio", "bad type", found=own_ratio, expected="true or false"
            )
        level = self.level(f"{path}.level", fields["level"])
        limit = self.limit(f"{path}.at_most", fields["at_most"])
        actions = self.actions(f"{path}.actions", fields["actions"])
        if level is None or limit is None:
            return None
        return Line(level, limit, actions, own_ratio=bool(own_ratio))

    def grant(self, path: str, given: object) -> Grant | None:
        keys = ("action", "level", "above")
        fields = self.findings.fields(path, given, what="a grant", required=keys)
        if fields is None or any(key not in fields for key in keys):
            return None
        action = self.one_of(f"{path}.action", fields["action"], _ACTIONS)
        level = self.level(f"{path}.level", fields["level"])
        limit = self.limit(f"{path}.above", fields["above"])
        if action is None or level is None or limit is None:
            return None
        return Grant(action, level, limit)

    def one_of(self, path: str, given: object, known: Iterable[str]) -> str | None:
        known = tuple(known)
        if isinstance(given, str) and given in known:
            return given
        self.findings.error(path, "unknown", found=given, expected=f"one of {', '.join(known)}")
        return None

    def level(self, path: str, given: object) -> str | None:
        return self.one_of(path, given, self.product.levels)

    def actions(self, path: str, given: object) -> tuple[str, ...]:
        read = [self.one_of(*item, _ACTIONS) for item in self._list(path, given)]
        return tuple(action for action in read if action is not None)

    def limit(self, path: str, given: object) -> Limit | None:
        if not isinstance(given, Mapping):
            return self._figure(path, given)
        leverages = tuple(str(leverage) for leverage in self.product.leverages)
        if not leverages:
            self.findings.error(path, "by leverage", found=given, expected="one decimal number")
            return None
        self.findings.fields(path, given, what="limits by leverage", required=leverages)
        figures = {
            int(key): self._figure(child(path, key), given[key])
            for key in leverages
            if key in given
        }
        whole = {key: figure for key, figure in figures.items() if figure is not None}
        return FrozenMapping(whole) if len(whole) == len(leverages) else None

    def _figure(self, path: str, given: object) -> Decimal | None:
        figure = self.findings.number(path, given)
        if figure is not None and figure < 0:
            self.findings.error(path, "negative", found=figure, expected="at least 0")
            return None
        return figure

    def _check_order(self, path: str, lines: tuple[Line, ...]) -> None:
        """A line at or below an earlier one of the same level could never decide."""
        reached: dict[tuple[str, int], Decimal] = {}
        for position, line in enumerate(lines):
            by_leverage = line.at_most if isinstance(line.at_most, Mapping) else None
            for leverage in self.product.leverages or (0,):
                figure = line.at_most if by_leverage is None else by_leverage[leverage]
                assert isinstance(figure, Decimal)
                before = reached.get((line.level, leverage))
                if before is not None and figure <= before:
                    self.findings.error(
                        f"{path}[{position}].at_most",
                        "never decides",
                        found=figure,
                        expected=f"above {plain(before)}, the line before",
                    )
                    break
                reached[line.level, leverage] = figure

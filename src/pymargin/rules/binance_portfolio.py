"""Reads the answers about portfolio margin: collateral rates and the leverage of loans."""

from __future__ import annotations

from typing import Any

from pymargin.rules.answers import Parts, entries, read_number
from pymargin.rules.checks import (
    Draft,
    Group,
    TierNames,
    check_deductions,
    check_names_once,
    check_schedule,
    read_cap,
    unread,
)
from pymargin.rules.findings import Findings
from pymargin.rules.kinds import TABLES
from pymargin.rules.loans import LOAN_MARGIN, check_loan_leverage
from pymargin.rules.schedules import Tier

__all__ = ["read_portfolio_collateral", "read_portfolio_leverage", "read_portfolio_pro_collateral"]

_FLAT_NAMES = TierNames(None, "cap", "collateralRate")
_TIER_NAMES = TierNames("tierFloor", "tierCap", "collateralRate")


def read_portfolio_collateral(findings: Findings, content: object) -> Parts:
    """Read an answer of ``GET /sapi/v1/portfolio/collateralRate``: one flat rate an asset."""
    parts = Parts()
    kind = TABLES["portfolio"]
    for where, asset, fields in _by_asset(findings, content, "collateralRate", what="rates"):
        rate = read_number(findings, where, fields, "collateralRate")
        draft = Draft(where, None, None, is_open=True, rate=rate)
        tiers = check_schedule(findings, where, [draft], kind, _FLAT_NAMES)
        if tiers and asset is not None:
            parts.add("portfolio", Group(tiers, assets=(asset,)))
    return parts


def read_portfolio_pro_collateral(findings: Findings, content: object) -> Parts:
    """Read an answer of ``GET /sapi/v2/portfolio/collateralRate``: tiers of each asset."""
    parts = Parts()
    for where, asset, fields in _by_asset(findings, content, "collateralInfo", what="assets"):
        if "collateralInfo" not in fields:
            continue
        tiers = _tiers(findings, f"{where}.collateralInfo", fields["collateralInfo"])
        if tiers and asset is not None:
            parts.add("portfolio_pro", Group(tiers, assets=(asset,)))
    return parts


def _tiers(findings: Findings, path: str, given: object) -> tuple[Tier, ...]:
    drafts: list[Draft] = []
    additions: list[tuple[str, object]] = []
    for where, item in findings.items(path, given, what="tiers"):
        required = ("tierFloor", "collateralRate")
        fields = findings.fields(where, item, what="a tier", required=required, optional=None)
        additions.append((f"{where}.cum", (fields or {}).get("cum")))
        if fields is None:
            drafts.append(unread(where))
            continue
        cap, is_open = read_cap(findings, f"{where}.tierCap", fields.get("tierCap"))
        floor, rate = (read_number(findings, where, fields, key) for key in required)
        drafts.append(Draft(where, floor, cap, is_open, rate))
    if not drafts:
        return ()
    tiers = check_schedule(findings, path, drafts, TABLES["portfolio_pro"], _TIER_NAMES) or ()
    check_deductions(findings, tiers, additions, sign=1)
    return tiers


def read_portfolio_leverage(findings: Findings, content: object) -> Parts:
    """Read an answer of ``GET /sapi/v1/portfolio/margin-asset-leverage``."""
    parts = Parts()
    for where, asset, fields in _by_asset(findings, content, "leverage", what="leverages"):
        if "leverage" not in fields:
            continue
        path = f"{where}.leverage"
        leverage = check_loan_leverage(findings, path, fields["leverage"], LOAN_MARGIN)
        if asset is not None and leverage is not None:
            parts.loan_leverage[asset] = leverage
    return parts


def _by_asset(
    findings: Findings, content: object, key: str, *, what: str
) -> list[tuple[str, str | None, Any]]:
    """Return path, asset and fields of each entry; an asset may come once."""
    seen: dict[object, str] = {}
    read: list[tuple[str, str | None, Any]] = []
    for where, item in entries(findings, content, what=what):
        required = ("asset", key)
        fields = findings.fields(where, item, what="an asset", required=required, optional=None)
        if fields is None:
            continue
        path = f"{where}.asset"
        asset = findings.name(path, fields["asset"]) if "asset" in fields else None
        if asset is not None:
            check_names_once(findings, [(path, asset)], seen, what="asset")
        read.append((where, asset, fields))
    return read

"""The smaller parts of the rules: ranks, methodologies and the leverage limits by country."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pymargin.rules.findings import Findings, child
from pymargin.rules.methodology import METHODOLOGIES

__all__ = [
    "LeverageLimits",
    "check_leverage_limits",
    "check_methodology",
    "check_ranks",
    "is_country",
]

# Introduction to Binance Cross Margin Pro, FAQ (updated 2024-12-19): its list of countries.
_NO_20X = "FR GB PT AT AE IT SE MT FI NO LU IE GI DK PL BH SC AU"


@dataclass(frozen=True, slots=True)
class LeverageLimits:
    """Name the largest leverage of Cross Margin Pro, and where it is lower.

    Parameters
    ----------
    default, restricted
        The largest leverage everywhere, and in ``countries``.
    countries
        ISO 3166 codes of two letters, in capitals.
    """

    default: int = 20
    restricted: int = 10
    countries: frozenset[str] = frozenset(_NO_20X.split())


def is_country(code: object) -> bool:
    """Say whether a code has the form of ISO 3166: two capitals."""
    return isinstance(code, str) and re.fullmatch(r"[A-Z]{2}", code) is not None


def check_leverage_limits(findings: Findings, limits: LeverageLimits) -> None:
    """Check the leverage limits under the path of the rules file."""
    path = "$.max_leverage"
    for name in ("default", "restricted"):
        findings.integer(f"{path}.{name}", getattr(limits, name), at_least=1, strict=True)
    for code in sorted(limits.countries, key=str):
        if not is_country(code):
            findings.error(
                f"{path}.countries", "country", found=code, expected="codes of two capitals"
            )


def check_methodology(findings: Findings, path: str, given: object) -> None:
    """Check that each product is known and names a formula of its own."""
    known: dict[str, list[str]] = {}
    for entry in METHODOLOGIES:
        known.setdefault(entry.product, []).append(entry.name)
    fields = findings.fields(path, given, what="product to methodology", optional=known)
    if fields is not None and not fields:
        findings.error(path, "empty", found="empty", expected="of at least one product")
    for product, name in (fields or {}).items():
        if product in known and name not in known[product]:
            findings.error(
                child(path, product),
                "unknown methodology",
                found=name,
                expected=f"one of {', '.join(known[product])}",
            )


def check_ranks(findings: Findings, path: str, ranks: Mapping[str, int]) -> None:
    """Check ranks that were built in memory, under the path of the rules file."""
    for asset, rank in ranks.items():
        findings.name(path, asset)
        findings.integer(child(path, str(asset)), rank, at_least=1, strict=True)

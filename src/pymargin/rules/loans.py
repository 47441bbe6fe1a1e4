"""Margin loans of portfolio margin: what a debt asks for, by the leverage of its asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from pymargin.rules.findings import Findings, child, plain
from pymargin.rules.frozen import FrozenMapping

__all__ = [
    "LOAN_MARGIN",
    "LOAN_MARGIN_SOURCE",
    "LoanMargin",
    "check_loan_leverage",
    "loan_margin_document",
    "read_loan_leverage",
    "read_loan_margin",
]

_LARGEST_LEVERAGE = 255


@dataclass(frozen=True, slots=True)
class LoanMargin:
    """Say what a margin loan at one leverage asks for, per unit of the debt and its interest.

    Parameters
    ----------
    leverage
        The leverage chosen for the asset, at least 2.
    maintenance_rate
        The maintenance margin of one unit owed. Int or Decimal; a float raises TypeError.
    """

    leverage: int
    maintenance_rate: Decimal

    def __post_init__(self) -> None:
        rate = self.maintenance_rate
        if isinstance(rate, bool) or not isinstance(rate, int | Decimal):
            raise TypeError(f"LoanMargin maintenance_rate must be a Decimal, not {rate!r}")
        object.__setattr__(self, "maintenance_rate", Decimal(rate))

    @property
    def initial_rate(self) -> Fraction:
        """The initial margin of one unit owed: ``1 / (leverage - 1)``, which is no decimal."""
        return Fraction(1, self.leverage - 1)


def _margins(rates: Mapping[int, Decimal]) -> FrozenMapping[int, LoanMargin]:
    return FrozenMapping(
        {leverage: LoanMargin(leverage, rates[leverage]) for leverage in sorted(rates)}
    )


LOAN_MARGIN: Mapping[int, LoanMargin] = _margins(
    {3: Decimal("0.1"), 5: Decimal("0.08"), 10: Decimal("0.05")}
)
"""The exchange's own; a rules file may state others."""

LOAN_MARGIN_SOURCE = (
    "Portfolio Margin, FAQ 4868b2f1aa6c4d08af973328462bb0bd (2025-02-06): maintenance rates of"
    " margin loans by leverage"
)


def loan_margin_document(margins: Mapping[int, LoanMargin]) -> dict[str, str]:
    """Write the loan margins the way the rules file holds them: leverage to rate."""
    return {
        str(leverage): plain(margins[leverage].maintenance_rate) for leverage in sorted(margins)
    }


def read_loan_margin(
    findings: Findings, path: str, given: object
) -> FrozenMapping[int, LoanMargin]:
    """Read and check the loan margins of a rules file."""
    rates: dict[int, Decimal] = {}
    fields = findings.fields(path, given, what="loan leverage to rate", optional=None)
    for key, entry in (fields or {}).items():
        where = child(path, key)
        leverage = _leverage(findings, where, key)
        rate = findings.number(where, entry)
        if rate is not None and not 0 <= rate <= 1:
            findings.error(where, "rate outside 0-1", found=rate, expected="between 0 and 1")
        if leverage in rates:
            findings.error(where, "duplicate", found=leverage, expected="given once")
        if leverage is not None:
            # A faulty rate keeps its place, so that a loan at this leverage is not blamed too.
            rates[leverage] = rate or Decimal(0)
    return _margins(rates)


def read_loan_leverage(
    findings: Findings, path: str, given: object, margins: Mapping[int, LoanMargin]
) -> FrozenMapping[str, int]:
    """Read and check the leverage chosen for each asset's loans: one that has a margin."""
    chosen: dict[str, int] = {}
    fields = findings.fields(path, given, what="asset to loan leverage", optional=None)
    for asset, entry in (fields or {}).items():
        where = child(path, asset)
        name = findings.name(where, asset)
        leverage = check_loan_leverage(findings, where, entry, margins)
        if name is not None and leverage is not None:
            chosen[name] = leverage
    return FrozenMapping(dict(sorted(chosen.items())))


def check_loan_leverage(
    findings: Findings, path: str, given: object, margins: Mapping[int, LoanMargin]
) -> int | None:
    """Read one leverage, and check that the rules know what a loan at it asks for."""
    leverage = findings.integer(path, given, at_least=1)
    if leverage is not None and leverage not in margins:
        known = ", ".join(map(str, margins)) or "those in loan_margin (none)"
        findings.error(path, "loan leverage", found=leverage, expected=f"one of {known}")
        return None
    return leverage


def _leverage(findings: Findings, path: str, given: object) -> int | None:
    leverage = findings.integer(path, given, at_least=2)
    if leverage is not None and leverage > _LARGEST_LEVERAGE:
        findings.error(path, "leverage", found=leverage, expected=f"at most {_LARGEST_LEVERAGE}")
        return None
    return leverage

"""What a verification found: one figure a line, each with both values and a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pymargin.errors import PricesError
from pymargin.evaluation import check_rules_given
from pymargin.provenance import Audited, Provenance

if TYPE_CHECKING:
    from pymargin.modes import Mode
    from pymargin.prices import PriceSource
    from pymargin.rules import MarginRules

__all__ = ["Figure", "Verdict", "VerifyReport", "verify"]

# Enough for a whole amount and its 8 decimals; an exact quotient has no end.
_DIGITS = Context(prec=34)


class Verdict(StrEnum):
    """What became of one figure."""

    AGREES = "agrees"
    DIFFERS = "differs"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of the exchange's answer against ours.

    Parameters
    ----------
    name
        The exchange's name of it, such as ``maintMargin``.
    of
        The asset, or the symbol and side, that it is of; empty where it is the account's.
    path
        Where it stands in the answers.
    basis
        What ours is computed from: ``quantities`` with prices and rules, or ``printed``: from
        other figures of the same answers.
    theirs, ours
        Both values; ours has up to 34 digits, is infinite where nothing is owed or no margin is
        asked for, and None where an input is missing or no price does it.
    difference
        Theirs less ours; None where ours is missing or not finite.
    tolerance
        The largest difference, either way, that still agrees.
    reason
        Why that tolerance, or what a sentinel of the exchange stands for.
    verdict
        The outcome.
    missing
        The inputs that ours would need, a phrase each.
    """

    name: str
    of: str
    path: str
    basis: str
    theirs: Decimal
    ours: Decimal | None
    difference: Decimal | None
    tolerance: Decimal
    reason: str
    verdict: Verdict
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        of = f" of {self.of}" if self.of else ""
        start = f"{self.name}{of} (from {self.basis}): {self.verdict}"
        if self.missing:
            return f"{start}: {', '.join(self.missing)}"
        ours = "none" if self.ours is None else f"{self.ours:f}"
        return f"{start}: theirs {self.theirs:f}, ours {ours} ({self.reason})"


@dataclass(frozen=True, slots=True, eq=False)
class VerifyReport(Audited):
    """Every figure that was looked at, in the order of the answers.

    Parameters
    ----------
    figures
        A line each.
    remarks
        What was taken as given, how the answers were read where they do not say, and what is not
        computed; a sentence each.
    mode
        The mode that the account was read under.
    provenance
        The rules' digest and moment, the formula, the version.
    """

    figures: tuple[Figure, ...]
    remarks: tuple[str, ...]
    mode: str
    provenance: Provenance

    @property
    def ok(self) -> bool:
        """Whether there are figures and every one agrees."""
        return bool(self.figures) and self.count(Verdict.AGREES) == len(self.figures)

    def count(self, verdict: Verdict | str) -> int:
        """Return how many figures have a verdict."""
        return sum(figure.verdict == verdict for figure in self.figures)

    def of(self, name: str, of: str | None = None) -> tuple[Figure, ...]:
        """Return the figures of a name, all or those of one asset or position."""
        return tuple(
            figure for figure in self.figures if figure.name == name and of in (None, figure.of)
        )

    def __len__(self) -> int:
        return len(self.figures)

    def __iter__(self) -> Iterator[Figure]:
        return iter(self.figures)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(verdict)} {verdict}" for verdict in Verdict)
        return f"<VerifyReport of {len(self)} figures of {self.mode}: {counts}>"

    def __str__(self) -> str:
        return "\n".join([repr(self), *map(str, self.figures), *self.remarks])

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``, a row for each figure, with the provenance as metadata.

        Numbers are float64; the difference is taken before it is rounded to one.

        Raises
        ------
        ImportError
            pyarrow is not installed (extra ``arrow``).
        """
        from pymargin.adapters.verify.tables import to_arrow

        return to_arrow(self)

    def to_frame(self) -> Any:
        """Return the same as a ``pandas.DataFrame``.

        Raises
        ------
        ImportError
            pandas or pyarrow is not installed (extra ``frames``).
        """
        from pymargin.adapters.verify.tables import to_frame

        return to_frame(self)


def decimal_of(number: Fraction | float) -> Decimal:
    """Return a number to 34 digits."""
    if isinstance(number, float):
        return Decimal(repr(number))
    return _DIGITS.divide(Decimal(number.numerator), Decimal(number.denominator)).normalize(_DIGITS)


def verify(
    answer: Any,
    prices: PriceSource | None,
    rules: MarginRules,
    *,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    multi_assets: bool | None = None,
    withdrawal: Literal["maintenance", "initial"] = "maintenance",
    collateral: Literal["gross", "net"] = "gross",
) -> VerifyReport:
    """Recompute the figures that the exchange's answers about one account already contain.

    Every figure that can be recomputed is held against ours: as ``agrees``, ``differs``, or
    ``missing``, with the inputs that are. Ours are exact (`pymargin.oracle`); the exchange cuts
    margins to 8 decimals (initial margins may be a unit low or high), which the tolerance of each
    figure allows for and states. Numbers that the exchange prints where there is none are known:
    a margin level of 999 without debt, a uniMMR of 99999999 without margin, a liquidation price
    of 0. Where the answers hold the parts of a figure, such as the totals behind a level, it is
    held against these too (basis ``printed``).

    Parameters
    ----------
    answer
        One answer of the exchange, decoded or the path of its JSON file, or a list of several
        about the same account, told by their fields: ``GET /sapi/v1/margin/account``;
        ``/fapi/v2|v3/account``, ``/dapi/v1/account``, ``positionRisk`` and ``symbolConfig``;
        ``/papi/v1/account``, ``balance``, ``um/account``, ``cm/account``, ``positionRisk``;
        ``/sapi/v1|v2/portfolio/account``, ``/sapi/v1/portfolio/balance`` and
        ``margin-asset-leverage``. Isolated margin is out of scope.
    prices
        As for `pymargin.evaluate`, by name, or None. A ``markPrice`` of an answer goes before it.
    rules
        Schedules, methodology and thresholds.
    mode
        ``cross_classic`` or ``cross_pro``, ``portfolio`` or ``portfolio_pro``, ``usdm`` or
        ``coinm``, where the answers do not say; a remark says how they were read.
    leverage
        Of positions and loans for which the answers give none.
    multi_assets
        Whether a USDⓈ-M account is in multi-assets mode, where its answer does not say.
    withdrawal
        What ``virtualMaxWithdrawAmount`` leaves in the account, as in `pymargin.portfolio`: 1.2
        times the ``maintenance`` margin, or the ``initial`` margin.
    collateral
        As in `pymargin.cross_pro`: on ``gross`` holdings, or ``net`` of the debt in each asset.

    Returns
    -------
    VerifyReport

    Raises
    ------
    AccountsError
        An answer is not of a known shape or holds what is no number, or they are of several
        accounts.
    PricesError
        A price cannot be.
    RulesError
        The rules state no methodology for the mode.

    Examples
    --------
    >>> import pymargin as pm
    >>> found = pm.verify(
    ...     {"uniMMR": "2.00000000", "accountEquity": "300.00000000",
    ...      "accountMaintMargin": "100.00000000"}, None, pm.example_rules())
    >>> for figure in found.of("uniMMR"):
    ...     print(figure)
    uniMMR (from quantities): missing: balances (GET /papi/v1/balance or \
/sapi/v1/portfolio/balance), positions (um/account, cm/account or positionRisk)
    uniMMR (from printed): differs: theirs 2.00000000, ours 3 \
(1e-8 of the level, and both parts are cut to 8 decimals)
    """
    from pymargin.adapters.verify.account import verified

    if withdrawal not in ("maintenance", "initial"):
        raise ValueError(f"withdrawal must be 'maintenance' or 'initial', not {withdrawal!r}")
    if collateral not in ("gross", "net"):
        raise ValueError(f"collateral must be 'gross' or 'net', not {collateral!r}")
    if leverage is not None and (not isinstance(leverage, int) or leverage < 1):
        raise ValueError(f"leverage must be a whole number of at least 1, not {leverage!r}")
    if isinstance(prices, np.ndarray):
        raise PricesError("prices must be a mapping or a Prices, by name, not an array")
    check_rules_given(rules)
    return verified(
        answer,
        prices,
        rules,
        mode=mode,
        leverage=leverage,
        multi_assets=multi_assets,
        withdrawal=withdrawal,
        collateral=collateral,
    )

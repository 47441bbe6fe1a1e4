"""The tables that rules can hold, and what is true of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pymargin.errors import RulesError
from pymargin.rules.schedules import Excess

__all__ = ["RATIO_TABLES", "TABLES", "TableKind", "table_kind"]


@dataclass(frozen=True, slots=True)
class TableKind:
    """Say how the schedules of a table behave.

    Parameters
    ----------
    name
        The table's name in the file and in the API.
    rates
        ``falling`` (collateral: concave) or ``rising`` (margins on a debt or a position: convex).
    excess
        What the part above a closed last cap counts.
    names
        What its schedules are given for: ``assets`` or ``symbols``.
    ranks
        The part of the rules whose ranks its groups may be keyed by; None where they go by name
        only. The ranks of Portfolio Margin Pro are not those of cross margin.
    is_flat
        Every schedule is one open tier: a flat ratio.
    """

    name: str
    rates: Literal["falling", "rising"]
    excess: Excess
    names: Literal["assets", "symbols"] = "assets"
    ranks: Literal["ranks", "portfolio_pro_ranks"] | None = "ranks"
    is_flat: bool = False

    @property
    def is_ratio(self) -> bool:
        """A collateral-like table: every rate lies between 0 and 1, and no tier has leverage."""
        return self.rates == "falling"


# Caps are in USDT (the exchange writes USD), but in the futures tables: usdm in the settlement
# asset of the symbol, coinm in its base coin.
TABLES: dict[str, TableKind] = {
    kind.name: kind
    for kind in (
        TableKind("collateral", "falling", "zero"),
        TableKind("borrow", "falling", "zero"),
        TableKind("transfer_out", "falling", "zero"),
        TableKind("liability_maintenance", "rising", "last"),
        TableKind("liability_initial", "rising", "last"),
        TableKind("portfolio", "falling", "zero", ranks=None, is_flat=True),
        TableKind("portfolio_pro", "falling", "zero", ranks="portfolio_pro_ranks"),
        TableKind("usdm", "rising", "last", names="symbols", ranks=None),
        TableKind("coinm", "rising", "last", names="symbols", ranks=None),
    )
}

RATIO_TABLES = ("borrow", "transfer_out")
"""The tables that the methodologies from 2026-01-21 read beside ``collateral``."""


def table_kind(name: str) -> TableKind:
    """Look a table up by its name.

    Raises
    ------
    RulesError
        There is no such table; the message lists those that exist.
    """
    try:
        return TABLES[name]
    except (KeyError, TypeError):
        raise RulesError(f"table must be one of {', '.join(TABLES)}, not {name!r}") from None

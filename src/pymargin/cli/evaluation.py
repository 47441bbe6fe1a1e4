"""Evaluates a book for a command, and says under what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pymargin.account_modes import modes_of
from pymargin.errors import AccountsError
from pymargin.modes import Mode
from pymargin.provenance import Provenance

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.prices import PriceSource
    from pymargin.results import Levels
    from pymargin.rules import MarginRules

__all__ = [
    "check_modes",
    "evaluate_book",
    "formula_text",
    "leverage_of_accounts",
    "origin",
    "rules_line",
]


def evaluate_book(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    mode: str | None,
    leverage: int | None = None,
    missing: Literal["raise", "flag"] = "raise",
    threads: int = 1,
) -> Levels:
    """Evaluate under one mode, or under each account's own where there is none."""
    import pymargin as pm

    check_modes(accounts, mode)
    options: dict[str, Any] = {"missing": missing, "threads": threads}
    if mode in (None, Mode.CROSS_CLASSIC):
        options["leverage"] = leverage_of_accounts(accounts, mode, leverage)
    function: Any = pm.evaluate if mode is None else getattr(pm, Mode(mode).value)
    found: Levels = function(accounts, prices, rules, **options)
    return found


def leverage_of_accounts(accounts: Accounts, mode: str | None, leverage: int | None) -> int | None:
    """Return --leverage where it is of accounts; that of positions and loans is theirs by now."""
    return leverage if Mode.CROSS_CLASSIC in modes_of(accounts, mode) else None


def check_modes(accounts: Accounts, mode: str | None) -> None:
    """Ask for the option where neither it nor any account states a mode."""
    if mode is None and len(accounts) and not accounts._mode.any():
        choices = ", ".join(Mode)
        raise AccountsError(f"the accounts state no mode: give --mode, one of {choices}")


def rules_line(rules: MarginRules, modes: tuple[str, ...]) -> str:
    """Return what holds: the rules' label, moment, formula of each mode, digest; the version."""
    label = rules.label or "unlabelled"
    when = "" if rules.moment is None else f", as of {rules.moment:%Y-%m-%d %H:%M} UTC"
    formulas = (formula_text(mode, rules.methodology[mode]) for mode in modes)
    return "; ".join((f"Rules: {label}{when}", *formulas, origin(Provenance.of(rules, ""))))


def formula_text(mode: str, methodology: str) -> str:
    """Return a mode with its formula, which is not named where the mode has one only."""
    return mode if mode == methodology else f"{mode} by {methodology}"


def origin(provenance: Provenance) -> str:
    """Return what rules and which version, short enough for a line."""
    return f"digest {provenance.rules_digest[:12]}, pymargin {provenance.version}"

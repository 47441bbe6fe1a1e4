"""Which accounts may switch between Cross Margin Classic and Cross Margin Pro: `switch`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from pymargin.account_modes import may_be_cross_margin
from pymargin.asked import ask
from pymargin.book import check_book
from pymargin.errors import MarginError, Problem
from pymargin.evaluation import Evaluation, Missing
from pymargin.filling import check_threads
from pymargin.ids import Ids
from pymargin.levels import bind_cross
from pymargin.leverages import check_classic_leverage
from pymargin.modes import Action, Mode
from pymargin.prices import PriceSource
from pymargin.provenance import Provenance
from pymargin.rules import MarginRules
from pymargin.rules.frozen import FrozenMapping
from pymargin.rules.thresholds import Grant, ModeThresholds
from pymargin.tabular import Tabular

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["Switch", "switch"]

# Introduction to Binance Cross Margin Pro (FAQ, updated 2024-12-19): the initial risk ratios that
# the resulting level must lie above.
_CLASSIC_LIMITS = FrozenMapping({3: Decimal("1.5"), 5: Decimal("1.25")})
_DECIDES = {
    Mode.CROSS_PRO: Grant("TRADE", "margin_level", Decimal(2)),
    Mode.CROSS_CLASSIC: Grant("TRADE", "collateral_margin_level", _CLASSIC_LIMITS),
}


@dataclass(frozen=True, slots=True, eq=False)
class Switch(Tabular):
    """What a switch would lead to, by account.

    Parameters
    ----------
    level
        float64[n], the level that decides: of Pro the margin level, of Classic the collateral
        margin level; NaN where the account is UNPRICED or one of portfolio margin or futures, inf
        where it owes nothing.
    limit
        float64[n], what it must lie above; NaN where the account is none of cross margin.
    allowed
        bool[n], whether it does, decided on the decimals; False where the level is NaN.
    provenance
        By which rules and formula.
    accounts
        The book.
    """

    level: npt.NDArray[np.float64]
    limit: npt.NDArray[np.float64]
    allowed: npt.NDArray[np.bool_]
    provenance: Provenance
    accounts: Accounts

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The account ids: int64[n] or object[n] of str."""
        return self.accounts.ids

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        return {name: getattr(self, name) for name in ("level", "limit", "allowed")}

    def _column_of_ids(self) -> Ids:
        return self.accounts._ids

    def __len__(self) -> int:
        return len(self.level)


def switch(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    to: Mode | str,
    *,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    missing: Missing = "raise",
    threads: int = 1,
) -> Switch:
    """Say which accounts of cross margin may switch to Classic or to Pro.

    To Pro: the resulting Pro margin level above 2. To Classic: the resulting collateral margin
    level above the initial risk ratio, 1.25 at 5x and 1.5 at 3x. Source: "Introduction to Binance
    Cross Margin Pro" (FAQ, updated 2024-12-19). What else the exchange asks (a quiz, a region) is
    not looked at. Accounts of portfolio margin and futures have no such switch; one without a mode
    is taken for one of cross margin.

    Parameters
    ----------
    accounts, prices, rules, missing, threads
        As in `cross_classic`.
    to
        ``"cross_classic"`` or ``"cross_pro"``.
    leverage
        To Classic: 3 or 5 for the accounts that state none.
    collateral, order_loss
        To Pro: as in `cross_pro`.

    Returns
    -------
    Switch
        ``level, limit`` float64[n] and ``allowed`` bool[n].

    Raises
    ------
    MarginError
        `to` is neither of the two.
    PricesError, UnpricedError, AccountsError, RulesError
        As in the function of the mode.

    Examples
    --------
    >>> import pymargin as pm
    >>> rules = pm.builtin_rules(at="2025-11-14T06:00Z")
    >>> rows = [{"account": debt, "leverage": 3, "balances": [
    ...     {"asset": "WIF", "free": 1000}, {"asset": "USDT", "borrowed": debt}]}
    ...     for debt in (800, 850)]
    >>> found = pm.switch(pm.Accounts.from_rows(rows), {"WIF": 1.25}, rules, "cross_classic")
    >>> found.allowed
    array([ True, False])
    """
    check_threads(threads)
    check_classic_leverage(leverage)
    if to not in list(_DECIDES):
        expected = " or ".join(sorted(_DECIDES))
        raise MarginError([Problem("to", "mode", repr(to), expected)])
    mode = Mode(to)
    check_book(accounts)
    chosen = _of_cross_margin(accounts)
    book = accounts if chosen is None else accounts.select(chosen)
    readings = (collateral, order_loss)
    bound, limit = _bind(mode, book, prices, rules, leverage, missing, readings)
    level = np.empty(len(book))
    actions = np.empty(len(book), dtype=np.uint16)
    bound.run({_DECIDES[mode].level: level, "actions": actions}, threads)
    allowed = (actions & np.uint16(Action.TRADE)) != 0
    if chosen is not None:
        n = len(accounts)
        level, limit = (_spread(one, chosen, np.full(n, np.nan)) for one in (level, limit))
        allowed = _spread(allowed, chosen, np.zeros(n, dtype=np.bool_))
    return Switch(
        level=level,
        limit=limit,
        allowed=allowed,
        provenance=Provenance.of(rules, bound.methodology),
        accounts=accounts,
    )


def _of_cross_margin(accounts: Accounts) -> npt.NDArray[np.int64] | None:
    """Return which accounts may be in either mode; None: all."""
    may = may_be_cross_margin(accounts)
    return None if may.all() else np.flatnonzero(may)


def _bind(
    mode: Mode,
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    leverage: int | None,
    missing: Missing,
    readings: tuple[str, str],
) -> tuple[Evaluation, npt.NDArray[np.float64]]:
    """Bind the mode with the switch for its only threshold; return it and the limits."""
    bound = bind_cross(
        mode, accounts, prices, rules, leverage=leverage, missing=missing, readings=readings
    )
    thresholds = ModeThresholds(lines=(), actions=(), grants=(_DECIDES[mode],))
    own = leverage if mode is Mode.CROSS_CLASSIC else None
    asked = ask(mode, accounts, thresholds, bound.spec.levels, own, name=f"switch/{mode}")
    bound = replace(
        bound,
        decisions=asked.decisions,
        class_of=asked.class_of,
        classes=asked.classes,
        class_key=(thresholds, own),
    )
    return bound, asked.limit(0, len(accounts))


def _spread(
    found: npt.NDArray[Any], chosen: npt.NDArray[np.int64], whole: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    whole[chosen] = found
    return whole

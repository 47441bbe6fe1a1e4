"""What accounts lack to a threshold, in USDT: `shortfall`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.asked import Asked, At, ask, lines_at
from pymargin.book import book_of
from pymargin.evaluation import BoundMode, Evaluation, Missing, thresholds_of
from pymargin.filling import check_threads
from pymargin.futures import FuturesEvaluation
from pymargin.ids import Ids
from pymargin.levels import bind_modes, joint_methodology
from pymargin.modes import Mode
from pymargin.pools import BoundPools
from pymargin.portfolio import PortfolioEvaluation
from pymargin.prices import PriceSource
from pymargin.provenance import Provenance
from pymargin.rules import MarginRules, ModeThresholds
from pymargin.sections import gather
from pymargin.tabular import Tabular

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["Shortfall", "shortfall"]

Floats = npt.NDArray[np.float64]

_POOL_LEVELS = {
    "futures": ("margin_level", "available_balance"),
    "portfolio": ("uni_mmr", "available_balance"),
}
_LEAST = np.nextafter(0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Shortfall(Tabular):
    """What a book lacks to a threshold; ``np.asarray`` of it is `usdt`.

    Parameters
    ----------
    usdt
        float64[n], of each account's cross part: 0 where nothing is lacking, which is decided on
        the decimals; NaN where the account is UNPRICED.
    positions
        float64[m], of each isolated position of the book, in USDT too; NaN where it is UNPRICED,
        and of cross positions, whose shortfall is their account's.
    provenance
        By which rules and formulas.
    accounts
        The book.
    """

    usdt: Floats
    positions: Floats
    provenance: Provenance
    accounts: Accounts

    @property
    def ids(self) -> npt.NDArray[Any]:
        """The account ids: int64[n] or object[n] of str."""
        return self.accounts.ids

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        return {"usdt": self.usdt, "is_short": self.is_short}

    def _column_of_ids(self) -> Ids:
        return self.accounts._ids

    @property
    def is_short(self) -> npt.NDArray[np.bool_]:
        """bool[n]: whether the account's cross part lies below the threshold."""
        return self.usdt > 0

    def __len__(self) -> int:
        return len(self.usdt)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        """Return `usdt`."""
        return np.array(self.usdt, dtype=dtype, copy=copy)


def shortfall(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    to: At = "liquidation",
    *,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    missing: Missing = "raise",
    threads: int = 1,
) -> Shortfall:
    """Return the USDT that bring each account back to a threshold.

    The sum over an account's cross pools of ``max(0, theta * D - N)``, N and D being the level's
    numerator and denominator: with that much more in N the level is exactly the threshold, with
    any more it is above. It counts in full: as USDT at a collateral rate of 100 %.

    Parameters
    ----------
    accounts, prices, rules, missing, threads
        As in `cross_classic`.
    to
        ``"liquidation"``, ``"margin_call"`` (who is liquidated was called before),
        ``"bankruptcy"`` (where the rules have no such line: where nothing is left, our reading),
        or a level of the mode's margin level.
    mode
        For all accounts; None: each under its own.
    leverage
        3 or 5 for the accounts of Classic that state none.
    collateral, order_loss
        Of accounts of Pro, as in `cross_pro`.

    Returns
    -------
    Shortfall
        ``usdt`` float64[n] and, for isolated positions, ``positions`` float64[m]. Each is within
        the error bound of a decision (docs/exactness.md) of the exact figure, and above 0 exactly
        where that is.

    Raises
    ------
    MarginError
        `to` is no decision of the mode, or no level.
    AccountsError
        An account has no mode.
    PricesError, UnpricedError, RulesError
        As in `evaluate`.

    Examples
    --------
    >>> import pymargin as pm
    >>> rules = pm.builtin_rules(at="2025-11-14T06:00Z")
    >>> row = {"account": "a", "mode": "cross_classic", "leverage": 3, "balances": [
    ...     {"asset": "WIF", "free": 1000}, {"asset": "USDT", "borrowed": 1000}]}
    >>> accounts = pm.Accounts.from_rows([row])
    >>> pm.shortfall(accounts, {"WIF": 1.25}, rules, "margin_call").usdt
    array([50.])
    """
    check_threads(threads)
    parts = bind_modes(
        accounts,
        prices,
        rules,
        leverage=leverage,
        missing=missing,
        mode=mode,
        readings=(collateral, order_loss),
        threads=threads,
    )
    usdt = np.zeros(len(accounts))
    offsets = accounts.positions.offsets
    positions = np.full(len(accounts.positions), np.nan)
    for where, bound in parts:
        of_accounts, of_positions = _of_mode(bound, rules, to, leverage, threads)
        usdt[slice(None) if where is None else where] = of_accounts
        if of_positions is not None:
            positions[slice(None) if where is None else gather(offsets, where)[1]] = of_positions
    return Shortfall(usdt, positions, Provenance.of(rules, joint_methodology(parts)), accounts)


def _of_mode(
    bound: BoundMode, rules: MarginRules, to: At, leverage: int | None, threads: int
) -> tuple[Floats, Floats | None]:
    """Return float64[n] of the accounts of a mode; of their isolated positions float64[m]."""
    assert isinstance(bound, Evaluation | FuturesEvaluation | PortfolioEvaluation)
    mode = bound.spec.mode if isinstance(bound, Evaluation) else bound.bound.mode
    lines = lines_at(thresholds_of(rules, mode), mode, to, name="to", accounts=bound.accounts)
    thresholds = ModeThresholds(lines=lines, actions=(), grants=())
    name = f"shortfall/{mode}"
    if isinstance(bound, Evaluation):
        own = leverage if mode is Mode.CROSS_CLASSIC else None
        levels, absent = bound.spec.levels, bound.absent
        asked = ask(mode, bound.accounts, thresholds, levels, own, name=name, absent=absent)
        return _of_balances(bound, asked, threads), None
    kernel = "futures" if isinstance(bound, FuturesEvaluation) else "portfolio"
    asked = ask(mode, bound.accounts, thresholds, _POOL_LEVELS[kernel], None, name=name)
    of_pools = _of_pools(kernel, bound.bound, asked, threads)
    if kernel == "portfolio":
        return of_pools, None
    return _of_futures(bound.bound, of_pools)


def _of_balances(bound: Evaluation, asked: Asked, threads: int) -> Floats:
    out = np.empty(len(bound.accounts))
    _core.shortfalls(
        bound.kernel,
        book_of(bound.accounts),
        bound.schedules,
        bound.price,
        bound.schedule_ids,
        bound.gaps,
        asked.decisions,
        asked.class_of,
        out,
        threads,
    )
    return out


def _of_pools(kernel: str, bound: BoundPools, asked: Asked, threads: int) -> Floats:
    """Return float64[p] in units of the pools."""
    out = np.empty(len(bound.account))
    class_of = None if asked.class_of is None else asked.class_of[bound.account]
    _core.pool_shortfalls(
        kernel, bound.pools, bound.market, asked.decisions, class_of, out, threads
    )
    return out


def _of_futures(bound: BoundPools, of_pools: Floats) -> tuple[Floats, Floats]:
    """Add up the cross pools of accounts in USDT, and put isolated pools to their positions."""
    usdt = of_pools * bound.unit
    # What is lacking does not vanish where the product underflows.
    usdt[(of_pools > 0) & (bound.unit > 0) & (usdt == 0)] = _LEAST
    cross, n = bound.is_cross, len(bound.accounts)
    accounts: Floats = np.zeros(n)
    np.add.at(accounts, bound.account[cross], usdt[cross])
    # An account is valued as a whole: an isolated position that is not leaves it unvalued.
    accounts[bound.account[np.isnan(of_pools)]] = np.nan
    positions = np.full(len(bound.accounts.positions), np.nan)
    positions[bound.isolated[~cross]] = usdt[~cross]
    return accounts, positions

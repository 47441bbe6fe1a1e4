"""How much accounts may still borrow and take out: `max_borrow` and `max_transfer_out`."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.asked import compile_refusals, few
from pymargin.book import book_of
from pymargin.errors import MarginError, Problem, UnpricedError
from pymargin.evaluation import BoundMode, Evaluation, Missing, account_classes, thresholds_of
from pymargin.filling import check_threads
from pymargin.futures import FuturesEvaluation
from pymargin.known_names import unknown_names
from pymargin.levels import bind_modes
from pymargin.modes import Action, Mode
from pymargin.portfolio import PortfolioEvaluation, Withdrawal, check_withdrawal
from pymargin.prices import PriceSource, resolve
from pymargin.rules import MarginRules, ModeThresholds
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["max_borrow", "max_transfer_out"]

Floats = npt.NDArray[np.float64]

_POOL_LEVELS = ("margin_level", "available_balance")
# Of the core's futures mode: none of them is wanted here.
_N_TOTALS = 4
_PORTFOLIO_LEVELS = ("uni_mmr", "available_balance")


def max_borrow(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    asset: str,
    *,
    limit: float | npt.ArrayLike | None = None,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    withdrawal: Withdrawal = "maintenance",
    missing: Missing = "raise",
    threads: int = 1,
) -> Floats:
    """Return how much of an asset each account may still borrow, in units of the asset.

    - Classic and Pro: what is borrowed is held; as much as leaves BORROW all the way. Classic:
      until the borrow level reaches its bar ("How to Trade with Cross Margin Pro", FAQ: 1.5 at 3x,
      1.25 at 5x). Pro: until the available margin is 0, which is available margin / IMR in one
      bracket of full collateral ("How to Calculate Max Borrow Amount", FAQ
      84aac4a694f54c55a95f721b33cfd174). Marginal rates where tiers change are our reading, as is
      that the loss of open orders stays what it is.
    - Portfolio: ``(leverage - 1) * max(maximum withdrawal - initial margin of the loans, 0)`` at
      the index price, leverage being that of the asset's loan (FAQ
      446ce2c3357a449599c82436078b0e3b).

    Parameters
    ----------
    accounts, prices, rules, missing, threads
        As in `cross_classic`. Where the asset itself has no price, no schedule or no loan leverage
        every account that it makes UNPRICED is, held or not.
    asset
        What is borrowed; no account need have it.
    limit
        The most that may be borrowed besides, in units, 0 or more: the token's limit, or inventory.
        A number, or float64[n].
    mode
        For all accounts; None: each under its own.
    leverage
        3 or 5 for the accounts of Classic that state none.
    collateral, order_loss
        Of accounts of Pro, as in `cross_pro`.
    withdrawal
        Of portfolio accounts, as in `portfolio`.

    Returns
    -------
    numpy.ndarray
        float64[n]: the largest float64 that the exact decision still permits, with all below it;
        never an amount that it refuses. 0 where the account has no BORROW, ``inf`` where nothing
        ends it, NaN where it is UNPRICED.

    Raises
    ------
    MarginError
        An account is one of futures, where nothing is borrowed; `limit` is negative.
    UnpricedError
        What cannot be valued, the asset among it.
    AccountsError, PricesError, RulesError
        As in `evaluate`.

    Examples
    --------
    >>> import pymargin as pm
    >>> rows = [{"account": 1, "mode": "cross_classic", "leverage": 5, "balances": [
    ...     {"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 10_000}]}]
    >>> accounts, rules = pm.Accounts.from_rows(rows), pm.example_rules()
    >>> most = pm.max_borrow(accounts, {"BTC": 60_000}, rules, "USDT", limit=50_000)
    >>> later = pm.after(accounts, [{"account": 1, "asset": "USDT", "borrow": most[0]}])
    >>> levels = pm.cross_classic(later, {"BTC": 60_000}, rules)
    >>> most, bool(levels.actions[0] & pm.Action.BORROW)
    (array([50000.]), True)
    """
    check_threads(threads)
    check_withdrawal(withdrawal)
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
    if futures := [bound for _, bound in parts if isinstance(bound, FuturesEvaluation)]:
        raise MarginError([_no_borrower(bound, mode) for bound in futures])
    _check_asset(asset)
    limits = _limits(limit, len(accounts))
    price = _price_of(prices, accounts, asset)

    def of_part(bound: BoundMode, most: Floats) -> Floats:
        if isinstance(bound, PortfolioEvaluation):
            return _largest_loans(bound, asset, price, most, withdrawal, missing, threads)
        assert isinstance(bound, Evaluation)
        return _borrowable(bound, asset, price, most, leverage, missing, threads)

    return _by_part(parts, limits, of_part)


def max_transfer_out(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    asset: str,
    *,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    withdrawal: Withdrawal = "maintenance",
    missing: Missing = "raise",
    threads: int = 1,
) -> Floats:
    """Return how much of an asset each account may take out, in units of the asset.

    - Cross margin and portfolio: as much of ``free`` as leaves TRANSFER_OUT all the way. Classic:
      until the transfer-out level is 2 ("How to Transfer Out", FAQ
      d9e94f23ea6d44008a4d52ac813e7410), each unit at its marginal ratio (our reading); Pro until
      the margin level is 2 (our reading).
    - Portfolio: no more than leaves a maximum withdrawal of 0, either.
    - Futures: as much of the asset's cross wallet as leaves its pool an available balance, while
      no cross pool of the account is due.

    Parameters
    ----------
    accounts, prices, rules, missing, threads
        As in `cross_classic`.
    asset
        What is taken out: of the book or the prices.
    mode, leverage, collateral, order_loss, withdrawal
        As in `max_borrow`.

    Returns
    -------
    numpy.ndarray
        float64[n]: the largest float64 that the exact decision still permits, with all below it.
        0 where the account has no TRANSFER_OUT or nothing of the asset, NaN where it is UNPRICED.

    Raises
    ------
    MarginError
        The asset is neither in the book nor priced.
    AccountsError, PricesError, UnpricedError, RulesError
        As in `evaluate`.

    Examples
    --------
    >>> import pymargin as pm
    >>> rows = [{"account": 1, "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 900}],
    ...     "positions": [{"symbol": "BTCUSDT", "quantity": 0.1, "entry_price": 59_000,
    ...                    "leverage": 10}]}]
    >>> prices = {"BTCUSDT": 60_000}
    >>> pm.max_transfer_out(pm.Accounts.from_rows(rows), prices, pm.example_rules(), "USDT")
    array([400.])
    """
    check_threads(threads)
    check_withdrawal(withdrawal)
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
    _check_asset(asset)
    if unknown := unknown_names([("asset", asset)], accounts, prices, rules):
        raise MarginError(unknown)

    def of_part(bound: BoundMode, _: Floats) -> Floats:
        if isinstance(bound, FuturesEvaluation):
            return _out_of_wallets(bound, asset, threads)
        if isinstance(bound, PortfolioEvaluation):
            return _out_of_portfolio(bound, asset, withdrawal, threads)
        assert isinstance(bound, Evaluation)
        return _out_of_balances(bound, asset, leverage, threads)

    return _by_part(parts, np.full(len(accounts), inf), of_part)


def _by_part(
    parts: list[tuple[npt.NDArray[np.int64] | None, BoundMode]],
    most: Floats,
    of_part: Callable[[BoundMode, Floats], Floats],
) -> Floats:
    found = np.empty(len(most))
    for where, bound in parts:
        rows = slice(None) if where is None else where
        found[rows] = of_part(bound, np.ascontiguousarray(most[rows]))
    return found


def _no_borrower(bound: FuturesEvaluation, mode: Mode | str | None) -> Problem:
    if mode is not None:
        return Problem("mode", "mode", str(mode), "one that borrows")
    found = f"{bound.bound.mode} ({few(bound.accounts)})"
    return Problem("accounts", "mode", found, "of modes that borrow (`select` leaves others out)")


def _check_asset(asset: object) -> None:
    if not isinstance(asset, str) or not asset:
        raise MarginError([Problem("asset", "name", repr(asset), "the name of an asset")])


def _limits(limit: float | npt.ArrayLike | None, n: int) -> Floats:
    try:
        limits = np.asarray(inf if limit is None else limit, dtype=np.float64)
    except (TypeError, ValueError):
        raise MarginError([Problem("limit", "limit", repr(limit), "a number, or n")]) from None
    if limits.shape not in ((), (n,)):
        expected = f"a number or of shape ({n},)"
        raise MarginError([Problem("limit", "limit", f"of shape {limits.shape}", expected)])
    bad = ~(limits >= 0)
    if bad.any():
        raise MarginError([Problem("limit", "limit", float(limits[bad].flat[0]), "0 or more")])
    return np.broadcast_to(limits, (n,)).copy()


def _price_of(prices: PriceSource, accounts: Accounts, asset: str) -> float:
    """Return the index price of an asset, NaN where there is none."""
    if not isinstance(prices, np.ndarray):
        return float(resolve(prices, (asset,))[0])
    if asset in accounts.assets:
        return float(resolve(prices, accounts.assets)[accounts.assets.index(asset)])
    return float(resolve({}, (asset,))[0])


def _free_of(accounts: Accounts, asset: str) -> Floats:
    """Return float64[n]: what is free of an asset in each account."""
    found = np.zeros(len(accounts))
    if asset in accounts.assets:
        entries = np.flatnonzero(accounts._asset_ids == accounts.assets.index(asset))
        owner = np.searchsorted(accounts._offsets, entries, side="right") - 1
        found[owner] = accounts._free[entries]
    return found


# Cross margin.


def _borrowable(
    bound: Evaluation,
    asset: str,
    price: float,
    most: Floats,
    leverage: int | None,
    missing: Missing,
    threads: int,
) -> Floats:
    lacks = np.isnan(price) or any(bound.rules.find(t, asset) is None for t in bound.tables)
    if lacks:
        if missing == "raise":
            why = (
                "has no finite price"
                if np.isnan(price)
                else f"has no schedule in {bound.spec.mode}"
            )
            raise UnpricedError([Problem("", f"{asset} {why}: it is what is borrowed")])
        return np.full(len(bound.accounts), nan)
    return _rooms(bound, asset, price, Action.BORROW, (1, 1), most, leverage, threads)


def _out_of_balances(bound: Evaluation, asset: str, leverage: int | None, threads: int) -> Floats:
    most = _free_of(bound.accounts, asset)
    return _rooms(bound, asset, 0.0, Action.TRANSFER_OUT, (-1, 0), most, leverage, threads)


def _rooms(
    bound: Evaluation,
    asset: str,
    price: float,
    action: Action,
    held_and_owed: tuple[float, float],
    most: Floats,
    leverage: int | None,
    threads: int,
) -> Floats:
    """Ask the core; an asset that no account has is put after those of the book."""
    accounts, mode = bound.accounts, bound.spec.mode
    own = leverage if mode is Mode.CROSS_CLASSIC else None
    thresholds = thresholds_of(bound.rules, mode)
    class_of, classes = account_classes(mode, accounts, thresholds, own)
    refused = compile_refusals(thresholds, bound.spec.levels, classes, action, absent=bound.absent)
    prices, ids, gaps = bound.price, bound.schedule_ids, bound.gaps
    if asset in accounts.assets:
        number = accounts.assets.index(asset)
    else:
        number = len(accounts.assets)
        prices = np.append(prices, price)
        ids = np.column_stack([ids, bound.schedule_ids_of(asset)]).astype(np.int32)
        gaps = None if gaps is None else np.append(gaps, np.uint16(0))
    out = np.empty(len(accounts))
    _core.rooms(
        bound.kernel,
        book_of(accounts),
        bound.schedules,
        prices,
        np.ascontiguousarray(ids),
        gaps,
        refused,
        class_of,
        number,
        *held_and_owed,
        most,
        out,
        threads,
    )
    return out


# Portfolio margin.


def _largest_loans(
    bound: PortfolioEvaluation,
    asset: str,
    price: float,
    most: Floats,
    withdrawal: Withdrawal,
    missing: Missing,
    threads: int,
) -> Floats:
    accounts, rules, n = bound.accounts, bound.rules, len(bound.accounts)
    leverage = _loan_leverages(accounts, rules, asset)
    unpriced = ~np.isin(leverage, list(rules.loan_margin))
    if not price > 0 or rules.find(str(bound.bound.mode), asset) is None:
        unpriced[:] = True
    if missing == "raise" and unpriced.any():
        if not price > 0:
            why = "has no price above 0"
        elif rules.find(str(bound.bound.mode), asset) is None:
            why = f"has no schedule in {bound.bound.mode}"
        else:
            known = ", ".join(map(str, rules.loan_margin))
            why = f"has no loan_leverage of {known} in {counted(int(unpriced.sum()), 'account')}"
        raise UnpricedError([Problem("", f"{asset} {why}: it is what is borrowed")])
    loans = np.full(n, nan)
    if not price > 0:
        return loans
    _core.largest_loans(
        bound.bound.pools, bound.bound.market, withdrawal, leverage, price, loans, threads
    )
    actions = np.empty(n, dtype=np.uint16)
    bound.run({"actions": actions}, threads)
    may = (actions & np.uint16(Action.BORROW)) != 0
    loans = np.where(may | np.isnan(loans), np.minimum(loans, most), 0.0)
    loans[unpriced] = nan
    return loans


def _loan_leverages(accounts: Accounts, rules: MarginRules, asset: str) -> npt.NDArray[np.uint8]:
    """Return uint8[n]: the leverage of a loan of an asset, its own or its asset's; 0: none."""
    found = np.full(len(accounts), rules.loan_leverage.get(asset, 0), dtype=np.uint8)
    if accounts._loan_leverage is not None and asset in accounts.assets:
        entries = np.flatnonzero(accounts._asset_ids == accounts.assets.index(asset))
        owner = np.searchsorted(accounts._offsets, entries, side="right") - 1
        own = accounts._loan_leverage[entries]
        found[owner[own > 0]] = own[own > 0]
    return found


def _out_of_portfolio(
    bound: PortfolioEvaluation, asset: str, withdrawal: Withdrawal, threads: int
) -> Floats:
    accounts, n = bound.accounts, len(bound.accounts)
    refused = compile_refusals(
        bound.thresholds, _PORTFOLIO_LEVELS, bound.classes, Action.TRANSFER_OUT
    )
    out = np.empty(n)
    _core.pool_rooms(
        "portfolio",
        bound.bound.pools,
        bound.bound.market,
        refused,
        bound.class_of,
        withdrawal,
        np.arange(n),
        bound.bound.assets.index(asset) if asset in bound.bound.assets else 0,
        _free_of(accounts, asset),
        out,
        threads,
    )
    return out


# Futures.


def _out_of_wallets(bound: FuturesEvaluation, asset: str, threads: int) -> Floats:
    accounts, pools, n = bound.accounts, bound.bound, len(bound.accounts)
    figures = {"margin_level": np.empty(n)}
    bound.run(figures, threads)
    out = np.zeros(n)
    wallets = accounts.wallets
    if asset in accounts.assets:
        entries = np.flatnonzero(wallets.asset_ids == accounts.assets.index(asset))
        owner = np.searchsorted(wallets.offsets, entries, side="right") - 1
        number = pools.assets.index(asset)
        is_due = np.zeros(n, dtype=bool)
        is_due[pools.account[pools.is_cross & _meets_a_line(bound, threads)]] = True
        refused = compile_refusals(
            bound.thresholds,
            _POOL_LEVELS,
            [(0, nan)],
            Action.TRANSFER_OUT,
            lines_refuse=True,
        )
        balance = np.zeros(n)
        balance[owner] = wallets.balance[entries]
        # An asset has a row by itself and one in multi-assets mode, whose pool is in USD.
        n_assets = (pools.pools.n_rows - len(accounts.symbols)) // 2
        for settled, row in ((number, number), (n_assets, n_assets + number)):
            chosen = np.flatnonzero(pools.is_cross & (pools.asset == settled))
            chosen = chosen[(balance[pools.account[chosen]] > 0) & ~is_due[pools.account[chosen]]]
            rooms = np.empty(len(chosen))
            _core.pool_rooms(
                "futures",
                pools.pools,
                pools.market,
                refused,
                None,
                "maintenance",
                chosen,
                row,
                balance[pools.account[chosen]],
                rooms,
                threads,
            )
            out[pools.account[chosen]] = rooms
    out[np.isnan(figures["margin_level"])] = nan
    return out


def _meets_a_line(bound: FuturesEvaluation, threads: int) -> npt.NDArray[np.bool_]:
    """Return bool[p]: the pools that some line of the mode matches."""
    lines = ModeThresholds(bound.thresholds.lines, (Action.TRANSFER_OUT.name,), ())
    tests = compile_refusals(
        lines, _POOL_LEVELS, [(0, nan)], Action.TRANSFER_OUT, lines_refuse=True
    )
    found = np.empty(bound.bound.pools.n_pools, dtype=np.uint16)
    wanted = [None] * _N_TOTALS
    _core.evaluate_pools(
        "futures",
        bound.bound.pools,
        bound.bound.market,
        tests,
        None,
        None,
        [None, None],
        wanted,
        found,
        threads,
    )
    meets: npt.NDArray[np.bool_] = (found & np.uint16(1)) != 0
    return meets

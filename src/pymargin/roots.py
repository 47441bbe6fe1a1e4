"""At what price every account of a book goes: `liquidation_price`, `liquidation_factor`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from pymargin.asked import At
from pymargin.book import check_book
from pymargin.errors import MarginError, Problem
from pymargin.evaluation import Missing, check_rules_given
from pymargin.filling import check_threads
from pymargin.known_names import unknown_names
from pymargin.levels import bind_modes, joint_methodology
from pymargin.modes import Mode
from pymargin.prices import Prices, PriceSource, resolve, resolve_marks
from pymargin.provenance import Provenance
from pymargin.root_parts import Movement, RootFigures, solve_part
from pymargin.root_results import SIDES, PositionRoots, Roots, Side
from pymargin.rules import MarginRules

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = ["liquidation_factor", "liquidation_price"]

Floats = npt.NDArray[np.float64]


def liquidation_price(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    name: str | Mapping[str, float],
    *,
    at: At = "liquidation",
    side: Side = "nearest",
    exact: bool = True,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    missing: Missing = "raise",
    threads: int = 1,
) -> Roots:
    """Return the prices of a name at which each account is liquidated, all others standing.

    The decision is the one that `evaluate` makes, as a function of the price: every schedule,
    every leg's bracket and every sign moves with it. Where an account is safe a root is the first
    price at which it is due, where it is due already the last at which it still is. Roots are found
    by walking from edge to edge of the piecewise-linear margin, not by bisection. Open-order
    loss stays as it is at the current prices. Our readings: an asset's bid and ask rates move in
    proportion with its index price; a price of 0 may be reached, except of COIN-M contracts.

    Parameters
    ----------
    accounts
        n accounts, each under its own mode.
    prices
        As of `evaluate`.
    rules
        Schedules, methodology and thresholds.
    name
        The asset (index price, USDT) or symbol (mark price) that moves, and nothing else does; or
        a mapping of several to their weights: as the first of positive weight moves by a share,
        each moves by its weight over the first's times that share. Roots are prices of that one.
        One that is priced and nobody has leaves all accounts NO_EXPOSURE: prices may name more
        than a book. One that is neither in the book nor priced is refused.
    at
        ``"liquidation"``, ``"margin_call"`` (who is liquidated was called), ``"bankruptcy"``, or
        a level of the mode.
    side
        What ``np.asarray`` of the result is: the ``"nearest"`` root, the one ``"below"`` or
        ``"above"`` the current price.
    exact
        True: a root is the last float64 on the way from the safe side at which the exact decision
        fires, its neighbour on the safe side does not. False: the float64 nearest to the root.
    mode
        One mode for all accounts, whatever their own.
    leverage
        3 or 5 for Cross Margin Classic accounts that state none.
    collateral, order_loss
        As in `cross_pro`.
    missing
        ``"raise"``, or ``"flag"``: accounts that cannot be valued are UNPRICED.
    threads
        How many threads; 0 takes all processors. The result is the same for any.

    Returns
    -------
    Roots
        ``below, above, nearest`` float64[n]; ``reason`` uint8[n]; ``positions``.

    Raises
    ------
    MarginError
        `at` is no decision of a mode; `name` gives nothing to move, or what is not known; or the
        moved names act on one another so that a root would be one of a polynomial of degree above
        2.
    AccountsError, PricesError, RulesError, UnpricedError
        As in `evaluate`.

    Examples
    --------
    >>> import pymargin as pm
    >>> row = {"account": "a", "mode": "usdm", "wallets": [{"asset": "USDT", "balance": 1000}],
    ...     "positions": [{"symbol": "BTCUSDT", "quantity": 0.1, "entry_price": 60000}]}
    >>> accounts = pm.Accounts.from_rows([row])
    >>> roots = pm.liquidation_price(accounts, {"BTCUSDT": 60000}, pm.example_rules(), "BTCUSDT")
    >>> roots.below, pm.RootReason(int(roots.reason[0]))
    (array([50200.80321285]), <RootReason.OK: 0>)
    """
    weights = _named(name)
    first = next((key for key, weight in weights.items() if weight > 0), None)
    if first is None:
        raise MarginError([Problem("name", "weights", dict(weights), "of a weight above 0")])
    check_book(accounts)
    check_rules_given(rules)
    start = _price_of(first, accounts, prices)
    if unknown := unknown_names((("name", one) for one in weights), accounts, prices, rules):
        raise MarginError(unknown)
    moves = not math.isnan(start) and (start > 0 or len(weights) == 1)
    movement = Movement(
        base=start if moves else 1.0,
        scale=weights[first],
        weight_of=lambda one: weights.get(one, 0.0) if moves else 0.0,
        reach=(min(0.0, *weights.values()), max(weights.values())),
    )
    return _solve(
        accounts, prices, rules, movement, start, at, side, exact, mode, leverage,
        (collateral, order_loss), missing, threads,
    )  # fmt: skip


def liquidation_factor(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    *,
    beta: float | Mapping[str, float] | None = None,
    at: At = "liquidation",
    side: Side = "nearest",
    exact: bool = True,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    missing: Missing = "raise",
    threads: int = 1,
) -> Roots:
    """Return the factors t on all prices at which each account is liquidated.

    Every price p becomes ``p * (1 + beta * (t - 1))``. As `liquidation_price` otherwise.

    Parameters
    ----------
    accounts, prices, rules, at, side, exact, mode, leverage, collateral, order_loss, missing
        As in `liquidation_price`.
    beta
        One number for every name, or a mapping of name to its own; names left out have 1, USDT
        and ``rules.stable`` 0.
    threads
        As in `liquidation_price`.

    Returns
    -------
    Roots
        ``below, above, nearest`` float64[n] factors; ``reason`` uint8[n]; ``positions``.

    Raises
    ------
    MarginError, AccountsError, PricesError, RulesError, UnpricedError
        As in `liquidation_price`.

    Examples
    --------
    >>> import pymargin as pm
    >>> row = {"account": "a", "mode": "cross_classic", "leverage": 5, "balances": [
    ...     {"asset": "WIF", "free": 1000}, {"asset": "USDT", "borrowed": 500}]}
    >>> accounts = pm.Accounts.from_rows([row])
    >>> rules = pm.builtin_rules(at="2025-11-14T06:00Z")
    >>> pm.liquidation_factor(accounts, {"WIF": 1.1}, rules).below
    array([0.5])
    """
    given, usual = {}, 1.0
    if isinstance(beta, Mapping):
        given = _weights("beta", beta)
    elif beta is not None:
        if not _is_finite(beta):
            expected = "a finite number, or a mapping of name to one"
            raise MarginError([Problem("beta", "weight", repr(beta), expected)])
        usual = float(beta)

    def weight_of(one: str) -> float:
        is_stable = one == "USDT" or one in rules.stable
        return given.get(one, 0.0 if is_stable else usual)

    movement = Movement(base=1.0, scale=1.0, weight_of=weight_of, reach=None)
    return _solve(
        accounts, prices, rules, movement, 1.0, at, side, exact, mode, leverage,
        (collateral, order_loss), missing, threads,
    )  # fmt: skip


def _solve(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    movement: Movement,
    start: float,
    at: At,
    side: Side,
    exact: bool,
    mode: Mode | str | None,
    leverage: int | None,
    readings: tuple[str, str],
    missing: Missing,
    threads: int,
) -> Roots:
    check_threads(threads)
    if side not in SIDES:
        raise ValueError(f"side must be one of {SIDES}, not {side!r}")
    if not isinstance(exact, bool | np.bool_):
        raise ValueError(f"exact must be True or False, not {exact!r}")
    parts = bind_modes(
        accounts, prices, rules, leverage=leverage, missing=missing, mode=mode, readings=readings,
        threads=threads,
    )  # fmt: skip
    n, offsets = len(accounts), _offsets(accounts)
    roots = RootFigures.empty(n)
    isolated = RootFigures.empty(int(offsets[-1]))
    for where, bound in parts:
        at_rows = np.arange(n) if where is None else where
        own, of_positions, positions = solve_part(bound, movement, at, exact=exact, threads=threads)
        if where is None:
            roots = own
        else:
            roots.put(where, own)
        # A part's positions stand in its own order: account by account.
        first = _offsets(bound.accounts)[:-1]
        owner = np.searchsorted(first, positions, side="right") - 1
        isolated.put(offsets[at_rows[owner]] + positions - first[owner], of_positions)
    provenance = Provenance.of(rules, joint_methodology(parts))
    return Roots(
        accounts=accounts,
        below=roots.below,
        above=roots.above,
        reason=roots.reason,
        start=start,
        side=side,
        positions=_position_roots(accounts, isolated, start, side, provenance),
        provenance=provenance,
    )


def _offsets(accounts: Accounts) -> npt.NDArray[np.int64]:
    positions = accounts._positions
    return np.zeros(len(accounts) + 1, dtype=np.int64) if positions is None else positions.offsets


def _position_roots(
    accounts: Accounts, figures: RootFigures, start: float, side: Side, provenance: Provenance
) -> PositionRoots:
    solved = np.flatnonzero(figures.is_solved)
    offsets = _offsets(accounts)
    account = np.searchsorted(offsets, solved, side="right") - 1
    symbols = np.array(accounts.symbols, dtype=object)
    if accounts._positions is None:
        symbols = np.empty(0, dtype=object)
    else:
        symbols = symbols[accounts._positions.symbol_ids[solved]]
    return PositionRoots(
        account=account,
        position=solved - offsets[account],
        symbols=symbols,
        below=figures.below[solved],
        above=figures.above[solved],
        reason=figures.reason[solved],
        start=start,
        side=side,
        accounts=accounts,
        provenance=provenance,
    )


def _named(name: str | Mapping[str, float]) -> dict[str, float]:
    """Return the weights of the names that move."""
    if isinstance(name, Mapping):
        return _weights("name", name)
    if not isinstance(name, str) or not name:
        expected = "an asset, a symbol, or a mapping of them to weights"
        raise MarginError([Problem("name", "name", repr(name), expected)])
    return {name: 1.0}


def _weights(argument: str, given: Mapping[str, float]) -> dict[str, float]:
    """Return what an argument maps names to.

    Raises
    ------
    MarginError
        With every key that is no name and every weight that is no finite number.
    """
    bad = [
        Problem(argument, "name", repr(key), "of assets and symbols")
        for key in given
        if not isinstance(key, str)
    ]
    bad += [
        Problem(f"{argument}[{key!r}]", "weight", repr(weight), "a finite number")
        for key, weight in given.items()
        if not _is_finite(weight)
    ]
    if bad:
        raise MarginError(bad)
    return {key: float(weight) for key, weight in given.items()}


def _is_finite(number: object) -> bool:
    if isinstance(number, bool) or not isinstance(number, Real | Decimal):
        return False
    return math.isfinite(number)


def _price_of(name: str, accounts: Accounts, prices: PriceSource) -> float:
    """Return the index price of an asset, else the mark price of a symbol, else NaN."""
    if isinstance(prices, np.ndarray):
        index = resolve(prices, accounts.assets)
        if name in accounts.assets:
            return float(index[accounts.assets.index(name)])
        return 1.0 if name == "USDT" else math.nan
    index = resolve(prices, (name,))
    if isinstance(prices, Prices) and math.isnan(index[0]):
        return float(resolve_marks(prices, (name,))[0])
    return float(index[0])

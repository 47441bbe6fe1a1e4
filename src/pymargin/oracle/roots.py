"""At what price an account goes: exact inverses of the levels, by walking their edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pymargin.errors import MarginError, Problem
from pymargin.modes import Mode, RootReason
from pymargin.oracle.decisions import At, Case, Decision, case_of
from pymargin.oracle.moving import Path, first_change
from pymargin.oracle.quotes import Mover, PriceSource
from pymargin.oracle.schedule import exact
from pymargin.oracle.standing import Reading

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["Root", "boundary_float", "liquidation_factor", "liquidation_price"]

# A root is at most half a step from its float; one that no float follows is not searched further.
_MOST_STEPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Where the decision changes, on the way down and on the way up from the current price.

    Parameters
    ----------
    reason
        Why a side may be without one.
    start
        The current price (of the factor: 1); None where the account is unpriced.
    below, above
        The exact price, None where no price does it. One that is no fraction (of a price that
        moves both profit and the rate of its settlement asset) is given to 240 bits.
    below_float, above_float
        The float64 next to it at which the exact decision fires while that of its neighbour on
        the safe side does not; NaN where there is none.
    """

    reason: RootReason
    start: Fraction | None = None
    below: Fraction | None = None
    above: Fraction | None = None
    below_float: float = math.nan
    above_float: float = math.nan

    @property
    def nearest(self) -> Fraction | None:
        """The root nearer to the current price; the one below where both are as near."""
        if self.below is None or self.above is None or self.start is None:
            return self.above if self.below is None else self.below
        return self.below if self.start - self.below <= self.above - self.start else self.above

    @property
    def nearest_float(self) -> float:
        """The float64 of `nearest`."""
        return self.below_float if self.nearest is self.below else self.above_float


def liquidation_price(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    name: str | Mapping[str, float],
    *,
    at: At = "liquidation",
    position: int | None = None,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
) -> Root:
    """Return the prices of a name at which the decision changes, all other prices standing.

    The decision is the forward one, `pymargin.oracle` of the mode, taken as a function of the
    price: every schedule, every leg's bracket and every sign moves with it. Where the account is
    safe a root is the first price at which it is due. Where it is due already the reason is
    ALREADY, and a root is the last price at which it still is. Open-order loss stays as it is at
    the current prices.

    Our reading: an asset's bid and ask rates move in proportion with its index price. A price of
    0 counts as one that may be reached, except of COIN-M contracts.

    Parameters
    ----------
    row, prices, rules
        As for the mode.
    name
        The asset (index price) or symbol (mark price) that moves, and nothing else does; or a
        mapping of several to their weights: as the first of positive weight moves by a share,
        each moves by its weight over the first's times that share. Roots are prices of that one.
    at
        ``liquidation``, ``margin_call``, ``bankruptcy``, or a level of the mode.
    position
        The number of an isolated position in ``row["positions"]``: its own price. None: the
        cross part.
    mode
        The mode, where it is not the row's.
    leverage, collateral, order_loss
        As in `cross_classic` and `cross_pro`.

    Raises
    ------
    MarginError
        `at` is no decision of the mode, or `name` gives nothing to move.
    AccountsError
        As the mode; no such isolated position.
    """
    reading = Reading(leverage=leverage, collateral=collateral, order_loss=order_loss)
    case = case_of(row, prices, rules, mode=mode, reading=reading, position=position)
    if case.standing.flags:
        return Root(reason=RootReason.UNPRICED)
    weights = _weights(name)
    first = next((key for key, weight in weights.items() if weight > 0), None)
    if first is None:
        raise MarginError([Problem("name", "weights", dict(weights), "of a weight above 0")])
    price = case.quotes.index(first)
    price = case.quotes.mark(first) if price is None else price
    if price is None or (not price and len(weights) > 1):
        return Root(reason=RootReason.NO_EXPOSURE)
    scale = weights[first]

    def movers(x: Fraction) -> Mapping[str, Mover]:
        if not price:
            return {first: lambda _: x}
        share = (x / price - 1) / scale
        return {key: _mover(weight, share) for key, weight in weights.items()}

    low, high = _reach(weights.values())
    ends = (
        price + price * scale * low,
        None if high is None else price + price * scale * high,
    )
    return _root(case, at, price, movers, ends)


def liquidation_factor(
    row: Mapping[str, Any],
    prices: PriceSource,
    rules: MarginRules,
    *,
    beta: float | Mapping[str, float] | None = None,
    at: At = "liquidation",
    position: int | None = None,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
) -> Root:
    """Return the factors t on all prices at which the decision changes.

    Every price p becomes ``p * (1 + beta * (t - 1))``, exactly, t being the shortest decimal of
    its float64. As `liquidation_price` otherwise.

    Parameters
    ----------
    row, prices, rules
        As for the mode.
    beta
        One number for every name, or a mapping of name to its own; names left out have 1, USDT
        and ``rules.stable`` 0.
    at, position, mode, leverage, collateral, order_loss
        As in `liquidation_price`.

    Raises
    ------
    MarginError
        As `liquidation_price`; or the contracts of several coins do not move in proportion with
        their coins, and the factor is no root of a polynomial of degree 2.
    """
    reading = Reading(leverage=leverage, collateral=collateral, order_loss=order_loss)
    case = case_of(row, prices, rules, mode=mode, reading=reading, position=position)
    if case.standing.flags:
        return Root(reason=RootReason.UNPRICED)
    betas = {name: _beta(name, beta, rules) for name in _names(case)}

    def movers(t: Fraction) -> Mapping[str, Mover]:
        return {name: _mover(own, t - 1) for name, own in betas.items()}

    low, high = _reach(betas.values())
    ends = (1 + low, None if high is None else 1 + high)
    return _root(case, at, Fraction(1), movers, ends)


def boundary_float(root: Fraction, fires: Decision, *, safe_is_up: bool) -> float:
    """Return the float64 at which a decision fires and beyond which, on the safe side, not.

    Walks float by float from the root's nearest, each taken as its shortest decimal; NaN where
    no float64 has such a neighbour.

    >>> boundary_float(Fraction(1, 3), lambda x: x <= Fraction(1, 3), safe_is_up=True)
    0.3333333333333333
    """
    try:
        x = float(root)
    except OverflowError:
        return math.nan
    safe, due = (math.inf, -math.inf) if safe_is_up else (-math.inf, math.inf)
    for _ in range(_MOST_STEPS):
        if not fires(exact(x)):
            x = math.nextafter(x, due)
        else:
            neighbour = math.nextafter(x, safe)
            if math.isinf(neighbour) or not fires(exact(neighbour)):
                return x
            x = neighbour
        if math.isinf(x):
            break
    return math.nan


Movers: TypeAlias = Callable[[Fraction], Mapping[str, Mover]]


def _root(
    case: Case,
    at: At,
    start: Fraction,
    movers: Movers,
    ends: tuple[Fraction, Fraction | None],
) -> Root:
    def fires(x: Fraction) -> bool:
        return case.with_quotes(case.quotes.moved(movers(x))).is_due(at)

    path = Path(start, up=True)
    fires(path.variable())
    if not path.is_met:
        return Root(reason=RootReason.NO_EXPOSURE, start=start)
    is_due = fires(start)
    low, high = ends
    below = first_change(fires, start, up=False, end=low)
    above = first_change(fires, start, up=True, end=high)
    # From a safe start what is due lies beyond the root; from a start that is due, before it.
    below_float = math.nan if below is None else boundary_float(below, fires, safe_is_up=not is_due)
    above_float = math.nan if above is None else boundary_float(above, fires, safe_is_up=is_due)
    reason = RootReason.OK
    if is_due:
        reason = RootReason.ALREADY
    elif below is None and above is None:
        reason = RootReason.NEVER
    return Root(
        reason=reason, start=start, below=below, above=above, below_float=below_float,
        above_float=above_float,
    )  # fmt: skip


def _mover(weight: Fraction, share: Fraction) -> Mover:
    return lambda price: price * (1 + weight * share)


def _reach(weights: Iterable[Fraction]) -> tuple[Fraction, Fraction | None]:
    """Return the least and the largest share at which no price is below 0."""
    steepest, most_contrary = Fraction(0), Fraction(0)
    for weight in weights:
        steepest, most_contrary = max(steepest, weight), min(most_contrary, weight)
    return (
        -1 / steepest if steepest else Fraction(-1),
        -1 / most_contrary if most_contrary else None,
    )


def _weights(name: str | Mapping[str, float]) -> dict[str, Fraction]:
    if isinstance(name, str):
        return {name: Fraction(1)}
    bad = [
        Problem(f"name[{key!r}]", "weight", weight, "a finite number")
        for key, weight in name.items()
        if not math.isfinite(weight)
    ]
    if bad:
        raise MarginError(bad)
    return {key: exact(weight) for key, weight in name.items()}


def _beta(name: str, beta: float | Mapping[str, float] | None, rules: MarginRules) -> Fraction:
    is_stable = name == "USDT" or name in rules.stable
    if isinstance(beta, Mapping):
        given = beta.get(name)
        return Fraction(0 if is_stable else 1) if given is None else exact(given)
    if is_stable:
        return Fraction(0)
    return Fraction(1) if beta is None else exact(beta)


def _names(case: Case) -> tuple[str, ...]:
    """Name every asset and symbol whose price the level asks for.

    A futures pool of one asset is in units of it, whatever its price.
    """
    account = case.account
    symbols = [
        position.symbol
        for position in account.positions
        if case.position in (None, position.number)
    ]
    is_in_units = case.mode is Mode.COINM or not account.multi_assets or case.position is not None
    if case.mode in (Mode.USDM, Mode.COINM) and is_in_units:
        return tuple(dict.fromkeys(symbols))
    settled = [case.rules.contract(symbol).settlement_asset for symbol in symbols]
    return tuple(dict.fromkeys([*account.balances, *account.wallets, *settled, *symbols]))

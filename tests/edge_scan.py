"""Roots by brute force, without the walk: every edge there is, and a straight line between two.

All values of an account are straight lines in one unknown between edges: in the moved price x
itself, or in 1/x where it is that of a COIN-M contract. So every edge, and every root between two
edges, is where a line through two points crosses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from pymargin.oracle.decisions import Case
from pymargin.oracle.equity import equity_terms
from pymargin.oracle.futures import cross_pools
from pymargin.oracle.positions import position_terms
from pymargin.oracle.schedule import exact_decimal
from pymargin.oracle.terms import asset_terms

FAR = Fraction(10) ** 12
HOLDINGS = ("collateral", "borrow", "transfer_out")
BRACKETS = ("liability_maintenance", "liability_initial")
Function = Callable[[Fraction], Fraction]
Rated = tuple[Fraction, list[Fraction]]


def scan(case: Case, at: Any, name: str) -> tuple[Fraction | None, Fraction | None]:
    """Return the first change of a decision below and above the current price of a name."""
    start = case.quotes.index(name) or case.quotes.mark(name)
    assert start
    is_inverse = "USD_" in name

    def moved(x: Fraction) -> Case:
        return case.with_quotes(
            case.quotes.moved({name: lambda p: x if p == start else p * x / start})
        )

    def status(x: Fraction) -> bool:
        return moved(x).is_due(at)

    edges = sorted({Fraction(0), start, *_edges(moved, is_inverse)})
    points = sorted({*edges, *_roots(moved, at, [*edges, edges[-1] + FAR], is_inverse)})
    now = status(start)
    above = [point for point in points if point >= start]
    below = [point for point in reversed(points) if point <= start]
    found = _first(status, now, below)
    if found is None and not is_inverse and not now and status(Fraction(0)):
        found = Fraction(0)
    return found, _first(status, now, [*above, above[-1] + FAR])


def _first(status: Callable[[Fraction], bool], now: bool, points: list[Fraction]) -> Any:
    """Return the first point right after which the decision is another than now."""
    changed = (a for a, b in pairwise(points) if status((a + b) / 2) is not now)
    return next(changed, None)


def _crossing(
    f: Function, a: Fraction, b: Fraction, constant: Fraction, is_inverse: bool
) -> Fraction | None:
    """Return the x above 0 at which the line through two points of f is a constant."""
    fa, fb = f(a), f(b)
    if fa == fb:
        return None
    u, v = (1 / a, 1 / b) if is_inverse else (a, b)
    crossing = u + (constant - fa) * (v - u) / (fb - fa)
    if crossing <= 0:
        return None
    return 1 / crossing if is_inverse else crossing


def _edges(moved: Callable[[Fraction], Case], is_inverse: bool) -> Iterator[Fraction]:
    one, two = Fraction(1), Fraction(2)
    for index, (_, constants) in enumerate(_rated(moved(one))):
        for constant in constants:
            found = _crossing(
                lambda x, index=index: list(_rated(moved(x)))[index][0],
                one, two, constant, is_inverse,
            )  # fmt: skip
            if found is not None:
                yield found


def _roots(
    moved: Callable[[Fraction], Case], at: Any, edges: Sequence[Fraction], is_inverse: bool
) -> Iterator[Fraction]:
    def excess(x: Fraction, pool: int, level: str, limit: Fraction) -> Fraction:
        ratio = moved(x).standing.pools[pool][level]
        return ratio.numerator - limit * ratio.denominator

    case = moved(Fraction(1))
    for low, high in pairwise(edges):
        a, b = low + (high - low) / 3, low + 2 * (high - low) / 3
        for pool in range(len(case.standing.pools)):
            for level, limit in case.limits(at):
                found = _crossing(
                    lambda x, pool=pool, level=level, limit=limit: excess(x, pool, level, limit),
                    a, b, Fraction(0), is_inverse,
                )  # fmt: skip
                if found is not None and low <= found and (found <= high or high == edges[-1]):
                    yield found


def _rated(case: Case) -> Iterator[Rated]:
    """Give every value that a schedule or a sign is taken at, with the edges that it may cross."""
    mode, rules = case.mode.value, case.rules
    rest = (case.account, case.quotes, rules)
    if mode.startswith("cross"):
        yield from _cross_values(case)
        return
    if mode.startswith("portfolio"):
        for term in equity_terms(mode, *rest)[1]:
            yield term.value, [Fraction(0), *_caps(rules, mode, term.asset)]
    else:
        single = replace(case.account, multi_assets=False)
        for pool in cross_pools(mode, single, case.quotes, rules):
            yield pool.margin_balance, [Fraction(0)]
    for term in position_terms(*rest, products=("usdm", "coinm")):
        product = "coinm" if "USD_" in term.symbol else "usdm"
        yield term.notional, _caps(rules, product, term.symbol)


def _cross_values(case: Case) -> Iterator[Rated]:
    for net in (False, True):
        terms = asset_terms(
            case.account, case.quotes, case.rules, holdings=HOLDINGS, liabilities=BRACKETS, net=net
        )
        for term in terms:
            for table, taken in (*term.collateral.items(), *term.margin.items()):
                yield taken.value, _caps(case.rules, table, term.asset)


def _caps(rules: Any, table: str, name: str) -> list[Fraction]:
    return [exact_decimal(tier.cap) for tier in rules.find(table, name) or () if tier.cap]

"""MarginRules -> core tables: the one place where an exact decimal becomes a float64."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.modes import Action
from pymargin.rules import MarginRules, ModeThresholds, Tier
from pymargin.rules.kinds import TABLES
from pymargin.rules.thresholds import Limit

__all__ = [
    "AccountClass",
    "CompiledTables",
    "PoolActions",
    "compile_decisions",
    "compile_tables",
    "decimal_pair",
    "limit_for",
]

# Sums and products of figures with 18 digits on either side of the point are exact in it.
_EXACT = Context(prec=120)

_TESTS_AT_ONCE = 4

NO_LINE = 128
"""In a code: no line matched; the bits below it are what is granted."""

AccountClass: TypeAlias = tuple[int, float]
"""Leverage (0: none) and own margin-call ratio (NaN: none) that accounts have in common."""


@dataclass(frozen=True, slots=True)
class CompiledTables:
    """All distinct schedules of a set of rules, and which asset has which.

    Parameters
    ----------
    schedules
        The core's table of schedules.
    numbers
        Table name to asset or symbol to the schedule's number.
    whole
        The number of the schedule that counts every value in full.
    """

    schedules: _core.Schedules
    numbers: Mapping[str, Mapping[str, int]]
    whole: int

    def schedule_ids(self, tables: Sequence[str], assets: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return int32[len(tables), len(assets)]: schedule numbers, -1 where there is none."""
        rows = [[self.numbers[table].get(asset, -1) for asset in assets] for table in tables]
        return np.array(rows, dtype=np.int32).reshape(len(tables), len(assets))


@lru_cache(maxsize=16)
def compile_tables(rules: MarginRules) -> CompiledTables:
    """Compile every schedule of the rules; equal schedules are stored once."""
    builder = _Builder()
    numbers = {
        table: {
            name: builder.add(rules.tiers(table, name), counts_excess=kind.excess == "last")
            for name in rules.names(table)
        }
        for table, kind in TABLES.items()
    }
    whole = builder.add((Tier(Decimal(0), None, Decimal(1)),), counts_excess=False)
    return CompiledTables(builder.build(), numbers, whole)


class _Builder:
    """Collects distinct schedules as the flat arrays that the core takes."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[Tier, ...], bool], int] = {}
        self._begin = [0]
        self._steps: list[tuple[float, float, float]] = []
        self._decimals: list[tuple[int, int, int, int]] = []
        self._last_caps: list[float] = []
        self._last_cap_decimals: list[tuple[int, int]] = []

    def add(self, tiers: tuple[Tier, ...], *, counts_excess: bool) -> int:
        """Return the schedule's number; with `counts_excess` the last rate goes on above a cap."""
        key = (tiers, counts_excess)
        if key not in self._known:
            self._known[key] = len(self._known)
            self._append(tiers, counts_excess=counts_excess)
        return self._known[key]

    def _append(self, tiers: tuple[Tier, ...], *, counts_excess: bool) -> None:
        last_cap = tiers[-1].cap
        steps = [(tier.cap, tier.rate) for tier in tiers]
        if last_cap is not None and not counts_excess:
            steps.append((None, Decimal(0)))
        offset = Decimal(0)
        for k, (cap, rate) in enumerate(steps):
            is_last = k == len(steps) - 1
            self._steps.append(
                (math.inf if is_last or cap is None else float(cap), float(rate), float(offset))
            )
            self._decimals.append((*decimal_pair(cap or Decimal(0)), *decimal_pair(rate)))
            if not is_last and cap is not None:
                change = _EXACT.subtract(rate, steps[k + 1][1])
                offset = _EXACT.add(offset, _EXACT.multiply(cap, change))
        self._begin.append(len(self._steps))
        self._last_caps.append(math.inf if last_cap is None else float(last_cap))
        self._last_cap_decimals.append(decimal_pair(last_cap or Decimal(0)))

    def build(self) -> _core.Schedules:
        return _core.Schedules(
            np.array(self._begin, dtype=np.int32),
            np.array(self._steps, dtype=np.float64).reshape(-1, 3),
            np.array(self._decimals, dtype=np.int64).reshape(-1, 4),
            np.array(self._last_caps, dtype=np.float64),
            np.array(self._last_cap_decimals, dtype=np.int64).reshape(-1, 2),
        )


def compile_decisions(
    thresholds: ModeThresholds,
    levels: Sequence[str],
    classes: Sequence[AccountClass],
    *,
    absent: frozenset[str] = frozenset(),
    as_codes: bool = False,
) -> _core.Decisions:
    """Compile the threshold lines of a mode for every class of accounts.

    Parameters
    ----------
    thresholds
        The lines and grants as the rules state them.
    levels
        The mode's level names in the core's order.
    classes
        The classes that occur; one row of thresholds is made for each.
    absent
        Levels without a ratio table: no line on them matches and no grant is given.
    as_codes
        Instead of actions the core gives codes for `PoolActions`, which accounts of several pools
        need: the number of the line that matched, from 1, or `NO_LINE` and a bit a grant.
    """
    lines = [line for line in thresholds.lines if line.level not in absent]
    grants = [grant for grant in thresholds.grants if grant.level not in absent]
    limits = [
        [limit_for(line.at_most, one, own_ratio=line.own_ratio) for line in lines]
        + [limit_for(grant.above, one) for grant in grants]
        for one in classes
    ]
    n_given = len(lines) + len(grants)
    # A test that is asked twice changes nothing; kernels know their modes' tests by fours.
    repeats = _TESTS_AT_ONCE // n_given if n_given in (1, 2) else 1
    n_tests = repeats * n_given
    tested = [line.level for line in lines] + [grant.level for grant in grants]
    test_levels = [levels.index(level) for level in tested] * repeats
    limits = [row * repeats for row in limits]
    actions = np.empty(1 << n_tests, dtype=np.uint16)
    for bits in range(1 << n_tests):
        matched = next((line for k, line in enumerate(lines) if bits >> k & 1), None)
        given = [k for k in range(len(grants)) if not bits >> (k + len(lines)) & 1]
        if matched is not None:
            actions[bits] = lines.index(matched) + 1 if as_codes else _flags(matched.actions)
        elif as_codes:
            actions[bits] = NO_LINE | sum(1 << k for k in given)
        else:
            actions[bits] = _flags((*thresholds.actions, *(grants[k].action for k in given)))
    shape = (len(classes), n_tests)
    return _core.Decisions(
        np.array(test_levels, dtype=np.int32),
        np.array([[float(d) for d in row] for row in limits], dtype=np.float64).reshape(shape),
        np.array([[decimal_pair(d) for d in row] for row in limits], dtype=np.int64).reshape(
            *shape, 2
        ),
        actions,
    )


class PoolActions:
    """The actions of accounts from the codes of their pools; see pool_accounts.hpp of the core.

    The pool whose line comes first decides for its account; where no line matches in any, the
    account has what any pool grants.
    """

    def __init__(self, thresholds: ModeThresholds) -> None:
        self._of_line = np.array(
            [0, *(_flags(line.actions) for line in thresholds.lines)], dtype=np.uint16
        )
        base = _flags(thresholds.actions)
        self._of_grants = np.array(
            [
                base | _flags([g.action for k, g in enumerate(thresholds.grants) if mask >> k & 1])
                for mask in range(NO_LINE)
            ],
            dtype=np.uint16,
        )

    @property
    def arrays(self) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
        """Actions of each line, from 1, and of each set of bits that pools grant."""
        return self._of_line, self._of_grants

    def of_pools(self, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        """Return uint16[p]: the actions that each pool would give an account of its own."""
        number = codes & np.uint16(NO_LINE - 1)
        has_line = codes < NO_LINE
        return np.where(
            has_line, self._of_line[np.where(has_line, number, 0)], self._of_grants[number]
        )


def limit_for(limit: Limit, one: AccountClass, *, own_ratio: bool = False) -> Decimal:
    """Return the limit that holds for a class of accounts."""
    leverage, ratio = one
    if own_ratio and not math.isnan(ratio):
        # The account's own figure is a float64, which stands for its shortest decimal.
        return Decimal(repr(ratio))
    return limit[leverage] if isinstance(limit, Mapping) else limit


def _flags(names: Sequence[str]) -> int:
    bits = 0
    for name in names:
        bits |= Action[name]
    return bits


def decimal_pair(value: Decimal) -> tuple[int, int]:
    """Return (coefficient, exponent); the rules have checked that the coefficient fits."""
    sign, digits, exponent = value.normalize(_EXACT).as_tuple()
    coefficient = int("".join(map(str, digits)))
    return (-coefficient if sign else coefficient), int(exponent)

"""What shocks make of prices: scenarios of index prices, mark prices and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin.errors import PricesError, Problem
from pymargin.prices import LARGEST, SMALLEST, Prices, PriceSource, resolve, usable_price
from pymargin.rules import MarginRules
from pymargin.words import counted

__all__ = ["Scenarios", "Shocks", "read_shocks"]

Shocks: TypeAlias = Sequence[float] | Sequence[Mapping[str, float]] | npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scenarios:
    """The prices of m scenarios, of whatever names are asked for.

    Parameters
    ----------
    rules
        Whose ``stable`` assets keep their price under a factor on everything.
    rows
        A factor on all names, or a mapping of name to factor, of each scenario; none where
        ``matrix`` is given.
    matrix
        float64[m, n_names]: prices by name, or None.
    names
        The columns of the matrix.
    """

    rules: MarginRules
    rows: Sequence[float | Mapping[str, float]]
    matrix: Floats | None
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.rows) if self.matrix is None else len(self.matrix)

    @cached_property
    def _column(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def of(self, names: Sequence[str], price: Floats, *, checked: bool = True) -> Floats:
        """Return float64[m, len(names)]: shocked prices; NaN where the price is missing today.

        Raises
        ------
        PricesError
            A shocked price is negative or out of range, and is to be ``checked``.
        """
        if self.matrix is None:
            shocked = self._factors(names) * price
        else:
            shocked = np.tile(price, (len(self), 1))
            for k, name in enumerate(names):
                if name in self._column:
                    shocked[:, k] = self.matrix[:, self._column[name]]
            shocked[:, np.isnan(price)] = np.nan
        if checked:
            _check_range(shocked, names, ~np.isnan(price))
        return shocked

    def of_rates(
        self, names: Sequence[str], rate: Floats, index: Floats, *, checked: bool = True
    ) -> Floats:
        """Return float64[m, len(names)]: bid or ask rates, moved as far as their index prices.

        A rate that is its index price stays that.
        """
        shocked = self.of(names, index, checked=checked)
        if self.matrix is None:
            moved = self._factors(names) * rate
        else:
            factor = np.divide(
                shocked, index, out=np.ones_like(shocked), where=np.isfinite(index) & (index > 0)
            )
            moved = factor * rate
        is_index = (rate == index) | np.isnan(rate)
        rates: Floats = np.where(is_index, shocked, moved)
        if checked:
            _check_range(rates, names, ~np.isnan(rate))
        return rates

    def prices_at(self, shock: int, base: PriceSource, assets: Sequence[str]) -> Prices:
        """Return the prices of one scenario, of every name that ``base`` has a price of."""
        if isinstance(base, np.ndarray):
            base = dict(zip(assets, resolve(base, assets).tolist(), strict=True))
        given = base if isinstance(base, Prices) else Prices(index=base, mark=base)
        one = self._only(shock)

        def known(prices: Mapping[str, Any]) -> dict[str, float]:
            usable = {name: usable_price(price) for name, price in prices.items()}
            return {name: price for name, price in usable.items() if price is not None}

        def shocked(prices: dict[str, float]) -> dict[str, float]:
            found = one.of(list(prices), np.array(list(prices.values())), checked=False)[0]
            return dict(zip(prices, found.tolist(), strict=True))

        def rates(prices: dict[str, float]) -> dict[str, float]:
            of_index = np.array([index.get(name, np.nan) for name in prices])
            rate = np.array(list(prices.values()))
            found = one.of_rates(list(prices), rate, of_index, checked=False)[0]
            return dict(zip(prices, found.tolist(), strict=True))

        index = {"USDT": 1.0, **known(given.index)}
        return Prices(
            index=shocked(index),
            mark=shocked(known(given.mark)),
            bid=rates(known(given.bid)),
            ask=rates(known(given.ask)),
        )

    def _only(self, shock: int) -> Scenarios:
        if self.matrix is None:
            return replace(self, rows=[self.rows[shock]])
        return replace(self, matrix=self.matrix[shock : shock + 1])

    def _factors(self, names: Sequence[str]) -> Floats:
        """Return float64[m, len(names)] of factors."""
        number: dict[str, int] = {name: k for k, name in enumerate(names)}
        is_fixed = np.array([name == "USDT" or name in self.rules.stable for name in names], bool)
        factors = np.ones((len(self), len(names)))
        for k, row in enumerate(self.rows):
            if isinstance(row, Mapping):
                for name in row.keys() & number.keys():
                    factors[k, number[name]] = row[name]
            else:
                factors[k, ~is_fixed] = row
        return factors


def read_shocks(
    rules: MarginRules, shocks: Shocks, names: Sequence[str], n_assets: int
) -> Scenarios:
    """Return the scenarios that shocks describe.

    Parameters
    ----------
    rules
        Whose stable assets stay.
    shocks
        As `pymargin.stress` takes them.
    names, n_assets
        What a matrix has columns for: so many assets, then symbols.

    Raises
    ------
    PricesError
        The shocks are of another shape, or a factor is not a number.
    """
    if isinstance(shocks, np.ndarray) and (shocks.dtype == bool or shocks.ndim not in (1, 2)):
        found = f"{shocks.dtype} of shape {shocks.shape}"
        raise PricesError([Problem("shocks", "shape", found, "numbers in one or two dimensions")])
    if isinstance(shocks, np.ndarray) and shocks.ndim == 2:
        if shocks.shape[1] != len(names):
            wanted = f"of shape (n_shocks, {len(names)})"
            if len(names) > n_assets:
                symbols = counted(len(names) - n_assets, "symbol")
                wanted += f", {counted(n_assets, 'asset')} and {symbols}"
            raise PricesError([Problem("shocks", "shape", shocks.shape, wanted)])
        scenarios = Scenarios(rules, (), np.array(shocks, dtype=np.float64, order="C"), names)
    else:
        scenarios = Scenarios(rules, _rows(shocks), None, names)
    if not len(scenarios):
        raise PricesError("shocks must hold at least one shock")
    return scenarios


def _rows(shocks: Shocks) -> list[float | Mapping[str, float]]:
    if isinstance(shocks, str) or not isinstance(shocks, Sequence | np.ndarray):
        raise PricesError(
            "shocks must be a sequence of factors, a list of mappings of name to factor, or an "
            f"array of prices of shape (n_shocks, n_names), not {shocks!r:.80}"
        )
    rows: list[Any] = list(shocks)
    if len({isinstance(row, Mapping) for row in rows}) > 1:
        raise PricesError("shocks must be all factors or all mappings, not both")
    return [
        {name: _factor(f"shocks[{k}][{name!r}]", factor) for name, factor in row.items()}
        if isinstance(row, Mapping)
        else _factor(f"shocks[{k}]", row)
        for k, row in enumerate(rows)
    ]


def _factor(place: str, factor: object) -> float:
    if isinstance(factor, bool | np.bool_) or not isinstance(factor, Real):
        raise PricesError([Problem(place, "factor", factor, "a factor such as 0.9")])
    return float(factor)


def _check_range(shocked: Floats, names: Sequence[str], is_known: npt.NDArray[np.bool_]) -> None:
    """Refuse a shocked price, of those known today, that is no price."""
    wanted = shocked[:, is_known]
    bad = ~((wanted == 0) | ((wanted >= SMALLEST) & (wanted <= LARGEST)))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        name = np.asarray(names, dtype=object)[is_known][column]
        rule = f"0 or from {SMALLEST:g} to {LARGEST:g}"
        raise PricesError(
            [Problem(f"the price of {name} under shock {row}", "range", wanted[row, column], rule)]
        )

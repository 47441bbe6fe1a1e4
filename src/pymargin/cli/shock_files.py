"""Reads the shocks that a command is given, each with a name to show."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pymargin.cli.faults import InputError
from pymargin.errors import PricesError

__all__ = ["Shock", "check_names", "factors_of", "naming", "read_shocks"]

_NUMBER = re.compile(r"\bunder shock (\d+)\b")


@dataclass(frozen=True, slots=True)
class Shock:
    """A shock of prices.

    Parameters
    ----------
    label
        What it is shown as.
    place
        Where it was given.
    factor
        On everything, or by asset and symbol.
    """

    label: str
    place: str
    factor: float | dict[str, float]


def read_shocks(factors: Sequence[float], path: Path | None) -> list[Shock]:
    """Return the shocks of a file, then those of factors.

    Raises
    ------
    InputError
        There is none, or the file holds something else.
    """
    shocks = [] if path is None else _from_file(path)
    for factor in factors:
        place = f"--factor {factor:g}"
        shocks.append(Shock(_label(factor), place, _factor(place, factor)))
    if not shocks:
        raise InputError("give a shock: --factor 0.9 (several times), or --shocks FILE")
    if len({isinstance(shock.factor, dict) for shock in shocks}) > 1:
        raise InputError(
            "shocks must be all factors on everything or all objects of name to factor, not both"
        )
    return shocks


def check_names(shocks: Sequence[Shock], known: Collection[str]) -> None:
    """Refuse a shock that would do nothing, or another thing than its name says.

    Parameters
    ----------
    shocks
        As they were read.
    known
        The assets and symbols of the book and of the prices.

    Raises
    ------
    InputError
        A factor is of a name that neither has; or a factor on everything is named as an
        asset or symbol is, whose price alone is meant.
    """
    for shock in shocks:
        if not isinstance(shock.factor, dict):
            if shock.label in known:
                alone = f'[{{"{shock.label}": {shock.factor:g}}}]'
                raise InputError(
                    f"{shock.place}: a factor by itself moves every price; to move that of "
                    f"{shock.label} alone write {alone}, else give the shock another name"
                )
            continue
        for name in shock.factor:
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise InputError(
                    f"{shock.place}: {name} is neither in the book nor in the prices{hint}"
                )


def factors_of(shocks: Sequence[Shock]) -> list[float] | list[dict[str, float]]:
    """Return the shocks as `pymargin.stress` takes them."""
    named = [shock.factor for shock in shocks if isinstance(shock.factor, dict)]
    return named or [shock.factor for shock in shocks if not isinstance(shock.factor, dict)]


@contextmanager
def naming(shocks: Sequence[Shock]) -> Iterator[None]:
    """Name the shock where the library says its number."""
    try:
        yield
    except PricesError as err:
        named = _NUMBER.sub(lambda found: f"under {shocks[int(found[1])].label}", str(err))
        if named == str(err):
            raise
        raise InputError(named) from err


def _from_file(path: Path) -> list[Shock]:
    from pymargin.cli.inputs import read_answer

    found = read_answer(path)
    if isinstance(found, Mapping):
        return [_shock(f"{path}, {name}", name, one) for name, one in found.items()]
    if not isinstance(found, list):
        raise InputError(f"{path} must be a JSON list of shocks, or an object of name to shock")
    return [_shock(f"{path}, shock {k}", None, one) for k, one in enumerate(found)]


def _shock(place: str, label: str | None, one: Any) -> Shock:
    factor: float | dict[str, float]
    if isinstance(one, Mapping):
        factor = {name: _factor(f"{place}, {name}", given) for name, given in one.items()}
    else:
        factor = _factor(place, one)
    return Shock(_label(factor) if label is None else label, place, factor)


def _factor(place: str, factor: Any) -> float:
    is_number = isinstance(factor, int | float) and not isinstance(factor, bool)
    if not is_number or not 0 <= factor < math.inf:
        raise InputError(
            f"{place}: a factor such as 0.9 must be a number of at least 0, not {factor!r}"
        )
    return float(factor)


def _label(factor: float | Mapping[str, float]) -> str:
    """Name a shock by what it does, such as ``all x 0.9`` or ``BTC x 0.8, ETH x 0.7``."""
    if not isinstance(factor, Mapping):
        return f"all x {factor:g}"
    named = [f"{name} x {one:g}" for name, one in factor.items()]
    rest = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return (", ".join(named[:3]) or "as they are") + rest

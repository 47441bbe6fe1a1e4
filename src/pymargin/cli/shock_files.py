"""Reads the shocks that a command is given, each with a name to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pymargin.cli.faults import InputError

__all__ = ["read_shocks"]


def read_shocks(
    factors: Sequence[float], path: Path | None
) -> tuple[list[str], list[dict[str, float]] | list[float]]:
    """Return the name of each shock, and the shocks as `pymargin.stress` takes them.

    Raises
    ------
    InputError
        There is none, or the file holds something else.
    """
    shocks: list[tuple[str, float | dict[str, float]]] = []
    if path is not None:
        shocks += _from_file(path)
    shocks += [(_name(factor), factor) for factor in factors]
    if not shocks:
        raise InputError("give a shock: --factor 0.9 (several times), or --shocks FILE")
    labels = [label for label, _ in shocks]
    named = [shock for _, shock in shocks if isinstance(shock, dict)]
    plain = [shock for _, shock in shocks if not isinstance(shock, dict)]
    if named and plain:
        raise InputError(
            "shocks must be all factors on everything or all objects of name to factor, not both"
        )
    return labels, named or plain


def _from_file(path: Path) -> list[tuple[str, float | dict[str, float]]]:
    from pymargin.cli.inputs import read_answer

    found = read_answer(path)
    if isinstance(found, Mapping):
        return [(name, _shock(path, name, one)) for name, one in found.items()]
    if not isinstance(found, list):
        raise InputError(f"{path} must be a JSON list of shocks, or an object of name to shock")
    made = [_shock(path, f"shock {k}", one) for k, one in enumerate(found)]
    return [(_name(one), one) for one in made]


def _shock(path: Path, where: str, one: Any) -> float | dict[str, float]:
    if isinstance(one, Mapping):
        return {name: _factor(path, f"{where}, {name}", factor) for name, factor in one.items()}
    return _factor(path, where, one)


def _factor(path: Path, where: str, factor: Any) -> float:
    if isinstance(factor, bool) or not isinstance(factor, int | float):
        raise InputError(f"{path}, {where}: a factor such as 0.9 must be a number, not {factor!r}")
    return float(factor)


def _name(shock: float | Mapping[str, float]) -> str:
    """Name a shock by what it does, such as ``all x 0.9`` or ``BTC x 0.8, ETH x 0.7``."""
    if not isinstance(shock, Mapping):
        return f"all x {shock:g}"
    named = [f"{name} x {factor:g}" for name, factor in shock.items()]
    rest = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return (", ".join(named[:3]) or "as they are") + rest

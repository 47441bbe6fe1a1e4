"""The exchange's answers about positions to positions of a row."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pymargin.adapters.binance_answers import Answers, Item, flag, number
from pymargin.errors import Problem

__all__ = ["is_isolated", "items_by_position", "position_rows"]

_LACKING = "given by the account's answer or by one of positionRisk in positions="


def position_rows(
    found: Answers, leverage: int | None, problems: list[Problem]
) -> list[dict[str, Any]]:
    """Return the positions that are not 0, each from all that is said of it.

    Parameters
    ----------
    found
        Answers about one account; items of one symbol and side are one position.
    leverage
        Of positions for which the answers give none.
    problems
        Gets what the answers lack, and where they differ.
    """
    configs: dict[str, list[Item]] = {}
    for item in found.symbols:
        configs.setdefault(str(item.values["symbol"]), []).append(item)
    rows = []
    for (symbol, side), items in items_by_position(found).items():
        quantity = _quantity(symbol, items, problems)
        if not quantity:
            continue
        more = configs.get(symbol, [])
        stated = _first(items + more, lambda item: number(item, "leverage", problems))
        row = {
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "entry_price": _needed(items, "entryPrice", symbol, problems),
            "leverage": leverage if stated is None else stated,
        }
        if is_isolated(items, more, problems):
            row["isolated_margin"] = _isolated_wallet(items, symbol, problems)
        rows.append(row)
    return rows


def items_by_position(found: Answers) -> dict[tuple[str, str], list[Item]]:
    """Return what is said of each position, by symbol and side, in the order of the answers."""
    by_position: dict[tuple[str, str], list[Item]] = {}
    for item in found.positions:
        key = (str(item.values["symbol"]), str(item.values.get("positionSide") or "BOTH"))
        by_position.setdefault(key, []).append(item)
    return by_position


def _quantity(symbol: str, items: list[Item], problems: list[Problem]) -> Decimal | None:
    first, *others = items
    quantity = number(first, "positionAmt", problems)
    for other in others:
        again = number(other, "positionAmt", problems)
        if None not in (quantity, again) and again != quantity:
            rule = f"{quantity} as in {first.path} ({symbol})"
            problems.append(Problem(f"{other.path}.positionAmt", "differs", again, rule))
    return quantity


def _first(items: list[Item], read: Callable[[Item], Decimal | None]) -> Decimal | None:
    return next((value for item in items if (value := read(item)) is not None), None)


def _needed(items: list[Item], name: str, symbol: str, problems: list[Problem]) -> Decimal | None:
    """Return a number that a position must have, None with a problem where it lacks it."""
    value = _first(items, lambda item: number(item, name, problems))
    if value is None:
        found = f"absent ({symbol})"
        problems.append(Problem(f"{items[0].path}.{name}", "absent", found, _LACKING))
    return value


def is_isolated(items: list[Item], configs: list[Item], problems: list[Problem]) -> bool:
    """Return whether a position is isolated.

    Newer answers do not say; there an isolated position is one with an isolated wallet or
    margin other than 0 (our reading).
    """
    for item in items + configs:
        said = flag(item, "isolated")
        if said is not None:
            return said
        kind = item.values.get("marginType")
        if kind:
            return str(kind).lower() == "isolated"
    names = ("isolatedWallet", "isolatedMargin")
    return any(number(item, name, problems) for item in items for name in names)


def _isolated_wallet(items: list[Item], symbol: str, problems: list[Problem]) -> Decimal | None:
    """Return the isolated wallet: as it is said, else the isolated margin less its profit."""
    wallet = _first(items, lambda item: number(item, "isolatedWallet", problems))
    if wallet is not None:
        return wallet
    for item in items:
        margin = number(item, "isolatedMargin", problems)
        profits = ("unrealizedProfit", "unRealizedProfit")
        profit = next(
            (p for name in profits if (p := number(item, name, problems)) is not None), None
        )
        if margin is not None and profit is not None:
            return margin - profit
    return _needed(items, "isolatedWallet", symbol, problems)

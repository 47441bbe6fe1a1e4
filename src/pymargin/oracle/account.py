"""One row as the oracle reads it: exact quantities, every fault said at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pymargin.errors import AccountsError, Problem
from pymargin.oracle.schedule import exact

__all__ = ["Account", "Balance", "Position", "read_account"]

_QUANTITIES = ("free", "locked", "borrowed", "interest")
_SIDES = ("BOTH", "LONG", "SHORT")


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds and owes of one asset, in units of it."""

    asset: str
    free: Fraction = Fraction(0)
    locked: Fraction = Fraction(0)
    borrowed: Fraction = Fraction(0)
    interest: Fraction = Fraction(0)
    loan_leverage: int | None = None

    @property
    def held(self) -> Fraction:
        """Units held: free and locked."""
        return self.free + self.locked

    @property
    def owed(self) -> Fraction:
        """Units owed: borrowed and interest."""
        return self.borrowed + self.interest


@dataclass(frozen=True, slots=True)
class Position:
    """One futures position.

    Parameters
    ----------
    number
        Its place in the row's ``positions``.
    symbol, side
        The contract, and ``BOTH`` (one-way mode), ``LONG`` or ``SHORT`` (hedge mode).
    quantity
        Signed: base units (USDⓈ-M) or contracts (COIN-M).
    entry_price
        In the symbol's quote.
    leverage
        None where the row gives none.
    isolated_margin
        The isolated wallet in the settlement asset, without profit; None for a cross position.
    is_granted
        Whether the exchange itself states the leverage, which then is what it is.
    """

    number: int
    symbol: str
    side: str
    quantity: Fraction
    entry_price: Fraction
    leverage: Fraction | None
    isolated_margin: Fraction | None
    is_granted: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """One row, read: entries of zeros are left out."""

    balances: Mapping[str, Balance]
    wallets: Mapping[str, Fraction]
    positions: tuple[Position, ...]
    orders: tuple[Mapping[str, Any], ...]
    open_order_loss: Fraction
    leverage: int | None
    own_ratio: Fraction | None
    multi_assets: bool
    mode: str | None = None

    def ratio_in(self, mode: str) -> Fraction | None:
        """Return the account's own margin-call ratio where it holds in a mode.

        The exchange keeps one for each mode: that of a row of another mode does not hold.

        Raises
        ------
        AccountsError
            A ratio outside 1.3 to 2 in Cross Margin Pro.
        """
        ratio = self.own_ratio
        if ratio is None or self.mode not in (None, mode):
            return None
        if mode == "cross_pro" and not Fraction("1.3") <= ratio <= 2:
            expected = "from 1.3 to 2 in cross_pro"
            raise AccountsError([Problem("margin_call_ratio", "range", float(ratio), expected)])
        return ratio


def read_account(row: Mapping[str, Any]) -> Account:
    """Read a row, each number as its shortest decimal.

    Raises
    ------
    AccountsError
        Names every balance, wallet and position that is negative where it must not be, not
        finite, named twice, or against its side.
    """
    problems: list[Problem] = []
    balances = _balances(row, problems)
    wallets = _wallets(row, problems)
    positions = _positions(row, problems)
    if problems:
        raise AccountsError(problems)
    return Account(
        balances=balances,
        wallets=wallets,
        positions=positions,
        orders=tuple(row.get("orders") or ()),
        open_order_loss=exact(row.get("open_order_loss") or 0),
        leverage=row.get("leverage") or None,
        own_ratio=_optional(row.get("margin_call_ratio")),
        multi_assets=bool(row.get("multi_assets")),
        mode=row.get("mode"),
    )


def _number(given: Any) -> float | Decimal:
    """Return a number as it counts: a decimal as it stands, another as float64, 0 where absent."""
    return given if isinstance(given, Decimal) else float(given or 0)


def _optional(number: float | Decimal | None) -> Fraction | None:
    return None if number is None or math.isnan(number) else exact(number)


def _balances(row: Mapping[str, Any], problems: list[Problem]) -> dict[str, Balance]:
    found: dict[str, Balance] = {}
    seen: set[str] = set()
    for i, entry in enumerate(row.get("balances") or ()):
        asset, place = entry["asset"], f"balances[{i}]"
        numbers = [_number(entry.get(name)) for name in _QUANTITIES]
        bad = [
            Problem(f"{place}.{name}", "quantity", number, "finite and 0 or more")
            for name, number in zip(_QUANTITIES, numbers, strict=True)
            if not 0 <= number < math.inf
        ]
        problems += bad
        _once(f"{place}.asset", asset, seen, problems)
        if any(numbers) and not bad:
            free, locked, borrowed, interest = map(exact, numbers)
            leverage = entry.get("loan_leverage") or None
            found[asset] = Balance(asset, free, locked, borrowed, interest, leverage)
    return found


def _wallets(row: Mapping[str, Any], problems: list[Problem]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    seen: set[str] = set()
    for i, entry in enumerate(row.get("wallets") or ()):
        asset, number = entry["asset"], _number(entry.get("balance"))
        _once(f"wallets[{i}].asset", asset, seen, problems)
        if not math.isfinite(number):
            problems.append(Problem(f"wallets[{i}].balance", "balance", number, "finite"))
        elif number:
            found[asset] = exact(number)
    return found


def _positions(row: Mapping[str, Any], problems: list[Problem]) -> tuple[Position, ...]:
    found: list[Position] = []
    seen: set[str] = set()
    for i, entry in enumerate(row.get("positions") or ()):
        place, symbol = f"positions[{i}]", entry["symbol"]
        side = entry.get("side") or "BOTH"
        _once(f"{place}.symbol", f"{symbol} {side}", seen, problems)
        quantity = _number(entry.get("quantity"))
        bad = _position_problems(place, side, quantity, entry)
        problems += bad
        if quantity and not bad:
            leverage, margin = entry.get("leverage") or None, entry.get("isolated_margin")
            found.append(
                Position(
                    number=i,
                    symbol=symbol,
                    side=side,
                    quantity=exact(quantity),
                    entry_price=exact(entry["entry_price"]),
                    leverage=None if leverage is None else exact(leverage),
                    isolated_margin=_optional(margin),
                )
            )
    return tuple(found)


def _position_problems(
    place: str, side: str, quantity: float | Decimal, entry: Mapping[str, Any]
) -> list[Problem]:
    entry_price = float(entry.get("entry_price") or 0)
    leverage, margin = float(entry.get("leverage") or 1), float(entry.get("isolated_margin") or 0)
    signs = {"LONG": "0 or more, the side being LONG", "SHORT": "0 or less, the side being SHORT"}
    against = (side == "LONG" and quantity < 0) or (side == "SHORT" and quantity > 0)
    checks = (
        ("side", side, side in _SIDES, "BOTH, LONG or SHORT"),
        ("quantity", quantity, math.isfinite(quantity), "finite"),
        ("quantity", quantity, not against, signs.get(side, "")),
        ("entry_price", entry_price, not quantity or 0 < entry_price < math.inf, "above 0"),
        ("leverage", leverage, 1 <= leverage < math.inf, "1 or more"),
        ("isolated_margin", margin, not math.isinf(margin), "finite"),
    )
    return [
        Problem(f"{place}.{name}", name, found, expected)
        for name, found, holds, expected in checks
        if not holds
    ]


def _once(place: str, name: str, seen: set[str], problems: list[Problem]) -> None:
    if name in seen:
        problems.append(Problem(place, "duplicate", name, "named once"))
    seen.add(name)

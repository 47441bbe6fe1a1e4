"""One account's holdings as trades change them, in exact decimals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from pymargin.errors import RulesError
from pymargin.rules.contracts import Contract

__all__ = ["RefusedError", "TradedAccount"]

Record: TypeAlias = dict[str, Any]
ContractOf: TypeAlias = Callable[[str], Contract]

_NOTHING = Fraction(0)
_QUANTITIES = ("free", "locked", "borrowed", "interest")


class RefusedError(Exception):
    """Say that a trade cannot be: which of its fields, what was found, what must hold.

    It never leaves `after`, which makes a problem of it.
    """

    def __init__(self, name: str, found: object, expected: str) -> None:
        super().__init__(expected)
        self.name = name
        self.found = found
        self.expected = expected


def exact(value: float) -> Fraction:
    """Return the shortest decimal that reads back as a float."""
    return Fraction(Decimal(repr(float(value))))


def shown(value: Fraction) -> float:
    """Return a figure for a message."""
    return float(value)


@dataclass(slots=True)
class _Position:
    """A futures position; `isolated_margin` None where it is cross."""

    symbol: str
    side: str
    quantity: Fraction
    entry_price: Fraction
    rest: Record = field(default_factory=dict)
    isolated_margin: Fraction | None = None


class TradedAccount:
    """Read a row, take trades one after the other, and write the row that they lead to."""

    def __init__(self, row: Mapping[str, Any], contract_of: ContractOf) -> None:
        self._row = row
        self._contract_of = contract_of
        self._balances: dict[str, dict[str, Fraction]] = {}
        self._loans: dict[str, Any] = {}
        for entry in row.get("balances", ()):
            quantities = {name: exact(entry.get(name, 0)) for name in _QUANTITIES}
            self._balances[entry["asset"]] = quantities
            self._loans[entry["asset"]] = entry.get("loan_leverage")
        self._wallets = {w["asset"]: exact(w["balance"]) for w in row.get("wallets", ())}
        self._positions = [
            _Position(
                one["symbol"],
                one["side"],
                exact(one["quantity"]),
                exact(one["entry_price"]),
                {"leverage": one["leverage"]} if "leverage" in one else {},
                exact(one["isolated_margin"]) if "isolated_margin" in one else None,
            )
            for one in row.get("positions", ())
        ]

    def row(self) -> Record:
        """Return the row as it stands now."""
        balances = [
            {"asset": asset, **{name: float(q) for name, q in quantities.items()}}
            | ({"loan_leverage": loan} if (loan := self._loans.get(asset)) else {})
            for asset, quantities in self._balances.items()
        ]
        positions = [
            {
                "symbol": one.symbol,
                "side": one.side,
                "quantity": float(one.quantity),
                "entry_price": float(one.entry_price),
                **one.rest,
                **(
                    {}
                    if one.isolated_margin is None
                    else {"isolated_margin": float(one.isolated_margin)}
                ),
            }
            for one in self._positions
            if one.quantity
        ]
        wallets = [{"asset": a, "balance": float(b)} for a, b in self._wallets.items() if b]
        return dict(self._row) | {
            "balances": balances,
            "wallets": wallets,
            "positions": positions,
        }

    # Balances.

    def _balance(self, asset: str) -> dict[str, Fraction]:
        return self._balances.setdefault(asset, dict.fromkeys(_QUANTITIES, _NOTHING))

    def _add_free(self, asset: str, change: Fraction, name: str) -> None:
        """Change what is free; never below 0."""
        balance = self._balance(asset)
        if balance["free"] + change < 0:
            held = shown(balance["free"])
            raise RefusedError(name, shown(-change), f"at most the {held} {asset} that are free")
        balance["free"] += change

    def transfer(self, asset: str, quantity: Fraction) -> None:
        """Bring in, or take out, a quantity of an asset."""
        self._add_free(asset, quantity, "quantity")

    def borrow(self, asset: str, quantity: Fraction, loan_leverage: int | None) -> None:
        """Borrow; what is borrowed is held."""
        self._add_free(asset, quantity, "borrow")
        self._balance(asset)["borrowed"] += quantity
        if loan_leverage is not None:
            self._loans[asset] = loan_leverage

    def repay(self, asset: str, quantity: Fraction) -> None:
        """Repay from what is free: first interest, then what is borrowed."""
        balance = self._balance(asset)
        owed = balance["borrowed"] + balance["interest"]
        if quantity > owed:
            raise RefusedError("repay", shown(quantity), f"at most the {shown(owed)} {asset} owed")
        self._add_free(asset, -quantity, "repay")
        interest = min(quantity, balance["interest"])
        balance["interest"] -= interest
        balance["borrowed"] -= quantity - interest

    def trade_spot(
        self, asset: str, quantity: Fraction, quote: str, price: Fraction, fee: Fraction
    ) -> None:
        """Buy (above 0) or sell a quantity at a price in the quote; the fee is in the quote."""
        if asset == quote:
            raise RefusedError("quote", quote, f"another asset than {asset}")
        paid = -quantity * price - fee
        # What falls is changed first: a trade that cannot be changes nothing.
        for name, change in sorted(((asset, quantity), (quote, paid)), key=lambda one: one[1]):
            self._add_free(name, change, "quantity")

    def move_wallet(self, asset: str, change: Fraction, name: str = "wallet") -> None:
        """Transfer into a futures wallet, or out of it: no more than is there."""
        held = max(_NOTHING, self._wallets.get(asset, _NOTHING))
        if change < 0 and held + change < 0:
            rule = f"at most the {shown(held)} {asset} in the wallet"
            raise RefusedError(name, shown(-change), rule)
        self._settle(asset, change)

    def _settle(self, asset: str, change: Fraction) -> None:
        """Add a profit or a fee to a futures wallet, which may come to owe."""
        self._wallets[asset] = self._wallets.get(asset, _NOTHING) + change

    # Positions.

    def trade_position(
        self,
        symbol: str,
        side: str | None,
        quantity: Fraction,
        price: Fraction,
        *,
        leverage: float | None,
        isolated_margin: Fraction | None,
        fee: Fraction,
    ) -> None:
        """Change a position by a signed quantity at a price; see `after` for what follows."""
        contract = self._contract(symbol)
        settled = contract.settlement_asset
        one = self._position(symbol, side or self._usual_side(symbol))
        self._check_side(one, quantity)
        if leverage is not None:
            one.rest["leverage"] = leverage
        held = one.quantity
        closed = _NOTHING
        if held * quantity < 0:
            closed = -held if abs(quantity) >= abs(held) else quantity
            self._close(one, contract, closed, price)
        opened = quantity - closed
        if opened:
            self._open(one, contract, opened, price, isolated_margin, is_new=held == 0)
        elif isolated_margin is not None:
            raise RefusedError(
                "isolated_margin", shown(isolated_margin), "absent where nothing opens"
            )
        self._settle(settled, -fee)

    def _contract(self, symbol: str) -> Contract:
        try:
            return self._contract_of(symbol)
        except RulesError as err:
            raise RefusedError("symbol", symbol, f"a contract: {err}") from None

    def _usual_side(self, symbol: str) -> str:
        sides = {one.side for one in self._positions if one.symbol == symbol and one.quantity}
        if sides - {"BOTH"}:
            raise RefusedError("side", None, f"LONG or SHORT: {symbol} is held in hedge mode")
        return "BOTH"

    def _position(self, symbol: str, side: str) -> _Position:
        for one in self._positions:
            if one.symbol == symbol and one.quantity and "BOTH" in (side, one.side):
                if one.side != side:
                    raise RefusedError("side", side, f"{one.side}, as {symbol} is held")
                return one
            if (one.symbol, one.side) == (symbol, side) and one.quantity:
                return one
        self._positions.append(_Position(symbol, side, _NOTHING, _NOTHING))
        return self._positions[-1]

    @staticmethod
    def _check_side(one: _Position, quantity: Fraction) -> None:
        after = one.quantity + quantity
        if (one.side == "LONG" and after < 0) or (one.side == "SHORT" and after > 0):
            held = shown(abs(one.quantity))
            raise RefusedError("quantity", shown(quantity), f"one that leaves {one.side} of {held}")

    def _close(self, one: _Position, contract: Contract, closed: Fraction, price: Fraction) -> None:
        """Realise the profit of the part that is closed, and release its isolated wallet."""
        size = Fraction(contract.contract_size)
        bought = -closed * size
        if contract.product == "coinm":
            profit = bought * (1 / one.entry_price - 1 / price)
        else:
            profit = bought * (price - one.entry_price)
        released = _NOTHING
        if one.isolated_margin is not None:
            released = one.isolated_margin * -closed / one.quantity
            one.isolated_margin -= released
        one.quantity += closed
        self._settle(contract.settlement_asset, profit + released)

    def _open(
        self,
        one: _Position,
        contract: Contract,
        opened: Fraction,
        price: Fraction,
        margin: Fraction | None,
        *,
        is_new: bool,
    ) -> None:
        """Average the entry price in; an isolated position takes its margin from the wallet."""
        before, after = one.quantity, one.quantity + opened
        if is_new:
            one.isolated_margin = None if margin is None else _NOTHING
        if not before:
            one.entry_price = price
        elif contract.product == "coinm":
            one.entry_price = after / (before / one.entry_price + opened / price)
        else:
            one.entry_price = (before * one.entry_price + opened * price) / after
        one.quantity = after
        if one.isolated_margin is None:
            if margin is not None:
                held = f"absent: {one.symbol} is held as a cross position"
                raise RefusedError("isolated_margin", shown(margin), held)
            return
        if margin is None:
            margin = self._margin_at_leverage(one, contract, opened, price)
        self.move_wallet(contract.settlement_asset, -margin, "isolated_margin")
        one.isolated_margin += margin

    @staticmethod
    def _margin_at_leverage(
        one: _Position, contract: Contract, opened: Fraction, price: Fraction
    ) -> Fraction:
        leverage = one.rest.get("leverage")
        if not leverage:
            rule = f"given: {one.symbol} is isolated and no leverage tells its margin"
            raise RefusedError("isolated_margin", None, rule)
        size = abs(opened) * Fraction(contract.contract_size)
        notional = size / price if contract.product == "coinm" else size * price
        return notional / exact(leverage)

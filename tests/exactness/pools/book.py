"""Accounts of wallets and positions as arrays of float64, and the same as integers and as rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

import pymargin as pm
from exactness.book import as_float, units
from exactness.integers import shortest_decimals
from exactness.pools.integers import Account, Balance, Position
from exactness.pools.market import ASSETS, SYMBOLS
from pymargin.sections import SIDES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Book:
    """Accounts in compressed rows, as `pm.Accounts.from_arrays` takes them.

    `wanted` holds for each account the name of the threshold it stands near, "" where it was left
    as drawn.
    """

    multi_assets: npt.NDArray[np.bool_]
    loss: Floats
    wallet_offsets: Ints
    wallet_asset: npt.NDArray[np.uint16]
    wallet: Floats
    position_offsets: Ints
    symbol: npt.NDArray[np.uint16]
    quantity: Floats
    entry: Floats
    leverage: Floats
    side: npt.NDArray[np.int8]
    isolated: Floats
    balance_offsets: Ints
    balance_asset: npt.NDArray[np.uint16]
    free: Floats
    locked: Floats
    borrowed: Floats
    interest: Floats
    loan_leverage: npt.NDArray[np.uint8]
    order_offsets: Ints
    order_give: npt.NDArray[np.uint16]
    order_give_quantity: Floats
    order_get: npt.NDArray[np.uint16]
    order_get_quantity: Floats
    wanted: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.loss)

    def accounts(self) -> pm.Accounts:
        return pm.Accounts.from_arrays(
            ids=np.arange(len(self)),
            offsets=self.balance_offsets,
            assets=ASSETS,
            asset_ids=self.balance_asset,
            free=self.free,
            locked=self.locked,
            borrowed=self.borrowed,
            interest=self.interest,
            loan_leverage=self.loan_leverage,
            open_order_loss=self.loss,
            multi_assets=self.multi_assets,
            order_offsets=self.order_offsets,
            order_give_ids=self.order_give,
            order_give_quantity=self.order_give_quantity,
            order_get_ids=self.order_get,
            order_get_quantity=self.order_get_quantity,
            wallets={
                "offsets": self.wallet_offsets,
                "asset_ids": self.wallet_asset,
                "balance": self.wallet,
            },
            symbols=SYMBOLS,
            positions={
                "offsets": self.position_offsets,
                "symbol_ids": self.symbol,
                "quantity": self.quantity,
                "entry_price": self.entry,
                "leverage": self.leverage,
                "side": self.side,
                "isolated_margin": self.isolated,
            },
        )

    def owner(self, of: str) -> Ints:
        """Return the account of each wallet, position, balance or order."""
        return np.repeat(np.arange(len(self)), np.diff(getattr(self, f"{of}_offsets")))

    def integers(self, chosen: Iterable[int]) -> list[Account]:
        """Return some accounts as integers, from the shortest decimal of each float64."""
        numbers = np.fromiter(chosen, np.int64)
        wallets, positions, balances, orders = (
            self._entries(numbers, of) for of in ("wallet", "position", "balance", "order")
        )
        made_wallets = list(
            zip(self.wallet_asset[wallets].tolist(), units(self.wallet[wallets]), strict=True)
        )
        made_positions = self._positions(positions)
        held = map(sum, zip(units(self.free[balances]), units(self.locked[balances]), strict=True))
        owed = map(
            sum, zip(units(self.borrowed[balances]), units(self.interest[balances]), strict=True)
        )
        of = (self.balance_asset[balances].tolist(), held, owed)
        made_balances = list(map(Balance, *of, self.loan_leverage[balances].tolist()))
        made_orders = list(
            zip(
                self.order_give[orders].tolist(),
                units(self.order_give_quantity[orders]),
                self.order_get[orders].tolist(),
                units(self.order_get_quantity[orders]),
                strict=True,
            )
        )
        bounds = [
            np.concatenate([[0], np.cumsum(np.diff(offsets)[numbers])]).tolist()
            for offsets in (
                self.wallet_offsets,
                self.position_offsets,
                self.balance_offsets,
                self.order_offsets,
            )
        ]
        losses, multi = units(self.loss[numbers]), self.multi_assets[numbers].tolist()
        return [
            Account(
                tuple(made_wallets[bounds[0][i] : bounds[0][i + 1]]),
                tuple(made_positions[bounds[1][i] : bounds[1][i + 1]]),
                tuple(made_balances[bounds[2][i] : bounds[2][i + 1]]),
                losses[i],
                multi[i],
                tuple(made_orders[bounds[3][i] : bounds[3][i + 1]]),
            )
            for i in range(len(numbers))
        ]

    def _entries(self, accounts: Ints, of: str) -> Ints:
        offsets = getattr(self, f"{of}_offsets")
        counts = np.diff(offsets)[accounts]
        begin = np.concatenate([[0], np.cumsum(counts)])
        return np.arange(begin[-1]) + np.repeat(offsets[accounts] - begin[:-1], counts)

    def _positions(self, entries: Ints) -> list[Position]:
        m, e = shortest_decimals(self.entry[entries])
        isolated = self.isolated[entries]
        is_cross = np.isnan(isolated)
        margins = units(np.where(is_cross, 0.0, isolated))
        return list(
            map(
                Position,
                self.symbol[entries].tolist(),
                units(self.quantity[entries]),
                zip(m.tolist(), e.tolist(), strict=True),
                self.leverage[entries].astype(np.int64).tolist(),
                [
                    None if cross else one
                    for cross, one in zip(is_cross.tolist(), margins, strict=True)
                ],
            )
        )

    def row(self, account: int) -> dict[str, Any]:
        """Return one account as the row that the oracle and `Accounts.from_rows` take."""

        def entries(of: str) -> range:
            return range(*getattr(self, f"{of}_offsets")[account : account + 2].tolist())

        row: dict[str, Any] = {
            "account": str(account),
            "wallets": [
                {"asset": ASSETS[self.wallet_asset[k]], "balance": float(self.wallet[k])}
                for k in entries("wallet")
            ],
            "positions": [self._position_row(k) for k in entries("position")],
        }
        if entries("balance"):
            row["balances"] = [self._balance_row(k) for k in entries("balance")]
        if self.multi_assets[account]:
            row["multi_assets"] = True
        if self.loss[account]:
            row["open_order_loss"] = float(self.loss[account])
        if entries("order"):
            row["orders"] = [
                {
                    "give_asset": ASSETS[self.order_give[k]],
                    "give_quantity": float(self.order_give_quantity[k]),
                    "get_asset": ASSETS[self.order_get[k]],
                    "get_quantity": float(self.order_get_quantity[k]),
                }
                for k in entries("order")
            ]
        return row

    def _position_row(self, k: int) -> dict[str, Any]:
        row = {
            "symbol": SYMBOLS[self.symbol[k]],
            "quantity": float(self.quantity[k]),
            "entry_price": float(self.entry[k]),
            "side": SIDES[self.side[k]],
        }
        if self.leverage[k]:
            row["leverage"] = int(self.leverage[k])
        if not np.isnan(self.isolated[k]):
            row["isolated_margin"] = float(self.isolated[k])
        return row

    def _balance_row(self, k: int) -> dict[str, Any]:
        names = ("free", "locked", "borrowed", "interest")
        row: dict[str, Any] = {name: float(getattr(self, name)[k]) for name in names}
        row["asset"] = ASSETS[self.balance_asset[k]]
        if self.loan_leverage[k]:
            row["loan_leverage"] = int(self.loan_leverage[k])
        return row


def book_of(accounts: Iterable[Account], sides: Iterable[int], wanted: Iterable[str]) -> Book:
    """Return accounts in integers as arrays; `sides` of all positions one after the other."""
    made = list(accounts)
    wallets = [one for account in made for one in account.wallets]
    positions = [one for account in made for one in account.positions]
    balances = [one for account in made for one in account.balances]
    orders = [one for account in made for one in account.orders]
    arrays = {
        "multi_assets": np.array([account.multi_assets for account in made], bool),
        "loss": _floats(account.loss for account in made),
        "wallet_offsets": _offsets(len(account.wallets) for account in made),
        "wallet_asset": np.array([asset for asset, _ in wallets], np.uint16),
        "wallet": _floats(units for _, units in wallets),
        "position_offsets": _offsets(len(account.positions) for account in made),
        "symbol": np.array([one.symbol for one in positions], np.uint16),
        "quantity": _floats(one.quantity for one in positions),
        "entry": np.array([float(f"{one.entry[0]}e{one.entry[1]}") for one in positions]),
        "leverage": np.array([one.leverage for one in positions], np.float64),
        "side": np.fromiter(sides, np.int8),
        "isolated": np.array(
            [np.nan if one.isolated is None else as_float(one.isolated) for one in positions]
        ),
        "balance_offsets": _offsets(len(account.balances) for account in made),
        "balance_asset": np.array([one.asset for one in balances], np.uint16),
        "free": _floats(one.held for one in balances),
        "locked": np.zeros(len(balances)),
        "borrowed": _floats(one.owed for one in balances),
        "interest": np.zeros(len(balances)),
        "loan_leverage": np.array([one.loan_leverage for one in balances], np.uint8),
        "order_offsets": _offsets(len(account.orders) for account in made),
        "order_give": np.array([one[0] for one in orders], np.uint16),
        "order_give_quantity": _floats(one[1] for one in orders),
        "order_get": np.array([one[2] for one in orders], np.uint16),
        "order_get_quantity": _floats(one[3] for one in orders),
        "wanted": np.array(list(wanted), dtype="U24"),
    }
    if set(arrays) != {field.name for field in fields(Book)}:
        raise AssertionError("every array of a book must be made")
    return Book(**arrays)


def _floats(numbers: Iterable[int]) -> Floats:
    return np.array([as_float(number) for number in numbers], np.float64)


def _offsets(counts: Iterable[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(np.fromiter(counts, np.int64))]).astype(np.int64)

"""Accounts as arrays of float64, and the same accounts as integers and as rows."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import pymargin as pm
from exactness.integers import Account, Limit, decimal_limit, shortest_decimals
from exactness.market import ASSETS, PLACES

QUANTITIES = ("free", "locked", "borrowed", "interest")
Floats = npt.NDArray[np.float64]
_POWERS = [10**k for k in range(PLACES + 25)]


@dataclass(slots=True)
class Book:
    """Accounts in compressed rows, as `pm.Accounts.from_arrays` takes them.

    `wanted` holds for each account the number of the reading it stands near a threshold of,
    -1 where it was left as drawn.
    """

    offsets: npt.NDArray[np.int64]
    asset_ids: npt.NDArray[np.uint16]
    free: Floats
    locked: Floats
    borrowed: Floats
    interest: Floats
    leverage: npt.NDArray[np.uint8]
    margin_call_ratio: Floats
    open_order_loss: Floats
    order_offsets: npt.NDArray[np.int64]
    order_give_ids: npt.NDArray[np.uint16]
    order_give_quantity: Floats
    order_get_ids: npt.NDArray[np.uint16]
    order_get_quantity: Floats
    wanted: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.leverage)

    def accounts(self) -> pm.Accounts:
        arrays = {name: getattr(self, name) for name in self.__slots__ if name != "wanted"}
        return pm.Accounts.from_arrays(ids=np.arange(len(self)), assets=ASSETS, **arrays)

    def integers(self) -> list[Account]:
        """Return every account as integers, from the shortest decimal of each float64."""
        free, locked, borrowed, interest = (units(getattr(self, name)) for name in QUANTITIES)
        held, owed = map(operator.add, free, locked), map(operator.add, borrowed, interest)
        entries = list(zip(self.asset_ids.tolist(), held, owed, strict=True))
        orders = list(
            zip(
                self.order_give_ids.tolist(),
                units(self.order_give_quantity),
                self.order_get_ids.tolist(),
                units(self.order_get_quantity),
                strict=True,
            )
        )
        bounds, order_bounds = self.offsets.tolist(), self.order_offsets.tolist()
        losses, leverage = units(self.open_order_loss), self.leverage.tolist()
        limits = {r: decimal_limit(r) for r in set(self.margin_call_ratio.tolist()) if r == r}
        ratios: list[Limit | None] = [limits.get(r) for r in self.margin_call_ratio.tolist()]
        return [
            Account(
                entries[bounds[i] : bounds[i + 1]],
                leverage[i],
                ratios[i],
                losses[i],
                orders[order_bounds[i] : order_bounds[i + 1]],
            )
            for i in range(len(self))
        ]

    def row(self, account: int) -> dict[str, Any]:
        """Return one account as the row that the oracle and `Accounts.from_rows` take."""
        entries = range(*self.offsets[account : account + 2].tolist())
        orders = range(*self.order_offsets[account : account + 2].tolist())
        row: dict[str, Any] = {
            "account": str(account),
            "leverage": int(self.leverage[account]),
            "balances": [
                {
                    "asset": ASSETS[self.asset_ids[k]],
                    **{name: float(getattr(self, name)[k]) for name in QUANTITIES},
                }
                for k in entries
            ],
        }
        if not np.isnan(self.margin_call_ratio[account]):
            row["margin_call_ratio"] = float(self.margin_call_ratio[account])
        if self.open_order_loss[account]:
            row["open_order_loss"] = float(self.open_order_loss[account])
        if orders:
            row["orders"] = [
                {
                    "give_asset": ASSETS[self.order_give_ids[k]],
                    "give_quantity": float(self.order_give_quantity[k]),
                    "get_asset": ASSETS[self.order_get_ids[k]],
                    "get_quantity": float(self.order_get_quantity[k]),
                }
                for k in orders
            ]
        return row


def units(numbers: Floats) -> list[int]:
    """Return float64 quantities as integers in units of 10**-PLACES."""
    mantissas, exponents = shortest_decimals(numbers)
    shifts = exponents + PLACES
    if len(shifts) and shifts.min() < 0:
        raise ValueError(f"a quantity has more than {PLACES} decimal places")
    powers = map(_POWERS.__getitem__, shifts.tolist())
    return list(map(operator.mul, mantissas.tolist(), powers))


def as_float(number: int) -> float:
    """Return the float64 nearest to so many units; the division of integers rounds once."""
    return number / _POWERS[PLACES]


def book_of(
    accounts: Iterable[Account], ratios: Iterable[float], wanted: int, rng: random.Random
) -> Book:
    """Return accounts in integers as arrays, some of their quantities as sums of two decimals."""
    made = list(accounts)
    entries = [entry for account in made for entry in account.entries]
    orders = [order for account in made for order in account.orders]
    held = [_split(rng, entry[1]) for entry in entries]
    owed = [_split(rng, entry[2]) for entry in entries]
    return Book(
        offsets=_offsets(len(account.entries) for account in made),
        asset_ids=np.array([entry[0] for entry in entries], np.uint16),
        free=np.array([as_float(part) for part, _ in held]),
        locked=np.array([as_float(part) for _, part in held]),
        borrowed=np.array([as_float(part) for part, _ in owed]),
        interest=np.array([as_float(part) for _, part in owed]),
        leverage=np.array([account.leverage for account in made], np.uint8),
        margin_call_ratio=np.array(list(ratios)),
        open_order_loss=np.array([as_float(account.loss) for account in made]),
        order_offsets=_offsets(len(account.orders) for account in made),
        order_give_ids=np.array([order[0] for order in orders], np.uint16),
        order_give_quantity=np.array([as_float(order[1]) for order in orders]),
        order_get_ids=np.array([order[2] for order in orders], np.uint16),
        order_get_quantity=np.array([as_float(order[3]) for order in orders]),
        wanted=np.full(len(made), wanted),
    )


def last_place(number: int) -> int:
    """Return the unit of the last digit that is not 0."""
    text = str(number)
    return 10 ** (len(text) - len(text.rstrip("0")))


def _split(rng: random.Random, number: int) -> tuple[int, int]:
    """Return two decimals that add up to a decimal and have no more places than it."""
    if number == 0 or rng.random() < 0.7:
        return number, 0
    place = last_place(number)
    part = int(number // place * 10 ** rng.uniform(-8, 0)) * place
    return number - part, part


def _offsets(counts: Iterable[int]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.fromiter(counts, np.int64))])

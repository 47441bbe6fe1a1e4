"""What a book would be after some trades: `after`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pymargin.book import check_book
from pymargin.columns import MAX_PROBLEMS, to_number
from pymargin.errors import AccountsError, Problem
from pymargin.rules.contracts import Contract, contract_of
from pymargin.sections import SIDES
from pymargin.trading import RefusedError, TradedAccount, exact

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.rules import MarginRules

__all__ = ["after"]

Trade: TypeAlias = Mapping[str, Any]

# Which field makes which kind of trade, what else it needs, and what it may have.
_KINDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "spot": (frozenset({"asset", "quantity", "quote", "price"}), frozenset({"fee"})),
    "transfer": (frozenset({"asset", "quantity"}), frozenset()),
    "borrow": (frozenset({"asset", "borrow"}), frozenset({"loan_leverage"})),
    "repay": (frozenset({"asset", "repay"}), frozenset()),
    "wallet": (frozenset({"asset", "wallet"}), frozenset()),
    "position": (
        frozenset({"symbol", "quantity", "price"}),
        frozenset({"side", "leverage", "isolated_margin", "fee"}),
    ),
}
_SIGNED = ("quantity", "wallet")
_POSITIVE = ("price", "borrow", "repay", "leverage", "loan_leverage")
_NOT_NEGATIVE = ("fee", "isolated_margin")
_FEW = 64


def after(
    accounts: Accounts, trades: Iterable[Trade], *, rules: MarginRules | None = None
) -> Accounts:
    """Return the book as it would be after some trades, in their order; nothing else changes.

    A trade is a mapping of ``account`` and the fields of one kind; None is absent:

    - ``asset, quantity, quote, price`` and ``fee``: a spot trade. `quantity` is bought, below 0
      sold, and quantity * price + fee is paid from what is free of `quote`.
    - ``asset, quantity``: a transfer in, below 0 out.
    - ``asset, borrow`` and ``loan_leverage``: what is borrowed is held.
    - ``asset, repay``: from what is free; first interest, then what is borrowed.
    - ``asset, wallet``: a transfer into a futures wallet, below 0 out of it: of what is there.
      Only a loss or a fee takes a wallet below 0.
    - ``symbol, quantity, price`` and ``side, leverage, isolated_margin, fee``: a change of a
      position by `quantity`, which is bought, below 0 sold (COIN-M: contracts). What adds to it
      averages the entry price by quantity (COIN-M: its inverse, so that profit is the same); what
      reduces it realises profit, at the entry price, into the wallet of the settlement asset,
      which pays the fee too; what goes beyond 0 opens the rest at `price`. `side` is BOTH in
      one-way mode, LONG or SHORT in hedge mode. A new position is isolated where
      ``isolated_margin`` is given; that, or without it the notional / leverage, goes from the
      wallet to the position, and closing a part releases that part of it (our reading of the
      exchange's practice, as no document states it).

    Figures are added as the decimals that they read as, and rounded once.

    Parameters
    ----------
    accounts
        The book; it stays as it is.
    trades
        Mappings, or anything with the Arrow PyCapsule interface and these columns.
    rules
        Whose contracts tell settlement asset and contract size; None: the symbols' names do.

    Returns
    -------
    Accounts
        A book of the same accounts in the same order; its assets and symbols begin with those of
        `accounts`, in their order.

    Raises
    ------
    AccountsError
        Lists every trade that cannot be, up to a thousand: an unknown account or field, a
        quantity that is no number, more sold, taken out or repaid than there is. A trade is held
        against what the sound ones before it have left.

    Examples
    --------
    >>> import pymargin as pm
    >>> row = {"account": "a", "balances": [{"asset": "USDT", "free": 1000}]}
    >>> trade = {"account": "a", "asset": "BTC", "quantity": 0.01, "quote": "USDT", "price": 64000}
    >>> pm.after(pm.Accounts.from_rows([row]), [trade]).row(0)["balances"]
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'asset': 'USDT', 'free': 360.0, 'locked': 0.0, 'borrowed': 0.0, 'interest': 0.0},
     {'asset': 'BTC', 'free': 0.01, 'locked': 0.0, 'borrowed': 0.0, 'interest': 0.0}]
    """
    check_book(accounts)
    stored = {} if rules is None else rules.contracts
    changed = _Changes(accounts, lambda symbol: contract_of(symbol, stored))
    for number, trade in enumerate(_rows(trades)):
        changed.take(number, trade)
    return changed.book()


def _rows(trades: Any) -> Iterable[Any]:
    if hasattr(trades, "__arrow_c_stream__") or hasattr(trades, "__arrow_c_array__"):
        from pymargin._extras import require

        pa = require("pyarrow", extra="arrow", purpose="after of Arrow data")
        return list(pa.table(trades).to_pylist())
    if isinstance(trades, Mapping | str | bytes) or not isinstance(trades, Iterable):
        raise AccountsError(f"trades must be an iterable of mappings, not {type(trades).__name__}")
    return trades


class _Changes:
    """The accounts that trades have touched, as they stand, and what was wrong with trades."""

    def __init__(self, accounts: Accounts, contract: Callable[[str], Contract]) -> None:
        self._accounts = accounts
        self._contract = contract
        self._touched: dict[int, TradedAccount] = {}
        self._sound: dict[int, list[tuple[str, dict[str, Any]]]] = {}
        self._known: dict[Any, int | None] = {}
        self._problems: list[Problem] = []

    def take(self, number: int, trade: Any) -> None:
        """Apply one trade, or note why it cannot be."""
        where = f"trades[{number}]"
        if not isinstance(trade, Mapping):
            self._note(Problem(where, "type", type(trade).__name__, "a mapping"))
            return
        given = {name: value for name, value in trade.items() if value is not None}
        position = self._position(given.pop("account", None))
        if position is None:
            expected = f"an account of the book, which has {len(self._accounts):,}"
            self._note(Problem(f"{where}.account", "unknown", trade.get("account"), expected))
        read = _read(where, given)
        if isinstance(read, list):
            for problem in read:
                self._note(problem)
            return
        if position is None:
            return
        if position not in self._touched:
            self._touched[position] = self._untouched(position)
        try:
            _apply(self._touched[position], *read)
        except RefusedError as err:
            who = f" (account {trade['account']!r})"
            place = f"{where}.{err.name}"
            self._note(Problem(place, "refused", err.found, err.expected + who))
            self._restore(position)
        else:
            self._sound.setdefault(position, []).append(read)

    def _untouched(self, position: int) -> TradedAccount:
        return TradedAccount(self._accounts.row(position), self._contract)

    def _restore(self, position: int) -> None:
        """Take back what a trade that cannot be has done before it was refused."""
        self._touched[position] = self._untouched(position)
        for read in self._sound.get(position, ()):
            _apply(self._touched[position], *read)

    def _note(self, problem: Problem) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(problem)

    def _position(self, account: Any) -> int | None:
        if not isinstance(account, Hashable):
            return None
        if account not in self._known:
            if len(self._known) == _FEW:
                # By now the search of each costs more than a table of all.
                ids = self._accounts.ids.tolist()
                self._known |= {one: place for place, one in enumerate(ids)}
            if isinstance(account, bool) or account not in self._known:
                self._known[account] = self._accounts._ids.find(account)
        return self._known[account]

    def book(self) -> Accounts:
        """Return the changed book; an AccountsError lists what was wrong."""
        if self._problems:
            raise AccountsError(self._problems)
        if not self._touched:
            return self._accounts
        cls = type(self._accounts)
        n = len(self._accounts)
        touched = np.array(sorted(self._touched), dtype=np.int64)
        rest = np.delete(np.arange(n), touched)
        changed = cls.from_rows(self._touched[place].row() for place in touched.tolist())
        joined = cls.concat([self._accounts.select(rest), changed])
        place_in_joined = np.empty(n, dtype=np.int64)
        place_in_joined[np.concatenate([rest, touched])] = np.arange(n)
        return joined.select(place_in_joined)


def _read(where: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | list[Problem]:
    """Return the kind of a trade and its fields as exact numbers; or its problems."""
    names = set(given)
    kind = next((k for k, (needs, may) in _KINDS.items() if needs <= names <= needs | may), None)
    if kind is None:
        forms = "; ".join(", ".join(sorted(needs)) for needs, _ in _KINDS.values())
        return [
            Problem(where, "fields", sorted(names), f"account and the fields of one of: {forms}")
        ]
    problems, read = [], {}
    for name, value in given.items():
        found, expected = _field(name, value)
        if expected is not None:
            problems.append(Problem(f"{where}.{name}", "value", value, expected))
        read[name] = found
    return problems or (kind, read)


def _field(name: str, value: Any) -> tuple[Any, str | None]:
    """Return a field's value, and the rule that it breaks if it does."""
    if name in ("asset", "quote", "symbol"):
        return value, None if isinstance(value, str) and value else "a name"
    if name == "side":
        return value, None if value in SIDES else " or ".join(SIDES)
    number = to_number(value)
    if number is None or not isfinite(number):
        return None, "a finite number"
    if name in ("leverage", "loan_leverage") and not (number >= 1 and number == int(number)):
        return None, "an integer of at least 1"
    if name in _SIGNED and number == 0:
        return None, "a number other than 0"
    if name in _POSITIVE and number <= 0:
        return None, "above 0"
    if name in _NOT_NEGATIVE and number < 0:
        return None, "0 or more"
    return exact(number), None


def _apply(account: TradedAccount, kind: str, read: Mapping[str, Any]) -> None:
    fee = read.get("fee", Fraction(0))
    if kind == "transfer":
        account.transfer(read["asset"], read["quantity"])
    elif kind == "borrow":
        loan = read.get("loan_leverage")
        account.borrow(read["asset"], read["borrow"], None if loan is None else int(loan))
    elif kind == "repay":
        account.repay(read["asset"], read["repay"])
    elif kind == "wallet":
        account.move_wallet(read["asset"], read["wallet"])
    elif kind == "position":
        leverage = read.get("leverage")
        account.trade_position(
            read["symbol"],
            read.get("side"),
            read["quantity"],
            read["price"],
            leverage=None if leverage is None else float(leverage),
            isolated_margin=read.get("isolated_margin"),
            fee=fee,
        )
    else:
        account.trade_spot(read["asset"], read["quantity"], read["quote"], read["price"], fee)

"""Rows (mappings, as decoded JSON gives them) to the columns of a book."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from math import isfinite, nan
from typing import Any

import numpy as np

from pymargin.columns import (
    MODE_RULE,
    ORDER_FIELDS,
    POSITION_NUMBERS,
    QUANTITIES,
    AccountProblem,
    Columns,
    Faults,
    Floats,
    country_code,
    id_type,
    mode_code,
    to_number,
)
from pymargin.errors import AccountsError, Problem
from pymargin.ids import Ids, ids_from_values
from pymargin.section_checks import SIDE_RULE
from pymargin.sections import SIDES, Positions, Wallets

__all__ = ["columns_from_rows"]

ROW_KEYS = frozenset(
    {
        "account",
        "balances",
        "country",
        "leverage",
        "margin_call_ratio",
        "mode",
        "multi_assets",
        "open_order_loss",
        "orders",
        "positions",
        "wallets",
    }
)
BALANCE_KEYS = frozenset({"asset", "loan_leverage", *QUANTITIES})
ORDER_KEYS = frozenset(ORDER_FIELDS)
WALLET_KEYS = frozenset({"asset", "balance"})
POSITION_KEYS = frozenset({"symbol", "side", *POSITION_NUMBERS})
_INT64 = range(-(2**63), 2**63)


def columns_from_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Columns, Faults]:
    """Return the columns of the rows, and the faults met on the way.

    Raises
    ------
    AccountsError
        The input is no iterable of rows.
    """
    if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Iterable):
        raise AccountsError(f"rows must be an iterable of mappings, not {type(rows).__name__}")
    reader = _RowReader()
    for row in rows:
        reader.add(row)
    return reader.columns(), reader.faults


class _RowReader:
    """Append row after row to growing arrays."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._asset_numbers: dict[str, int] = {}
        self._ids: list[int | str | None] = []
        self._kinds: dict[type, int] = {}
        self._numbers = {
            name: array("d") for name in ("leverage", "margin_call_ratio", "open_order_loss")
        }
        self._mode = array("B")
        self._country = array("H")
        self._ends = array("q", [0])
        self._assets = array("L")
        self._quantities = {name: array("d") for name in QUANTITIES}
        self._order_ends = array("q", [0])
        self._order_assets = {name: array("L") for name in ("give", "get")}
        self._order_quantities = {name: array("d") for name in ("give", "get")}
        self._loan_leverage = array("d")
        self._multi_assets = array("B")
        self._wallet_ends = array("q", [0])
        self._wallet_assets = array("L")
        self._wallet_balance = array("d")
        self._symbol_numbers: dict[str, int] = {}
        self._position_ends = array("q", [0])
        self._position_symbols = array("L")
        self._position_sides = array("b")
        self._position_numbers = {name: array("d") for name in POSITION_NUMBERS}
        self._position = -1
        self._who: object = None

    def add(self, row: Any) -> None:
        """Append one row; what is wrong with it goes to the faults."""
        self._position += 1
        self._who = f"row {self._position}"
        if not isinstance(row, Mapping):
            self._fault(f"[{self._position}]", "a mapping", _show(row))
            self._ids.append(None)
            row = {}
        else:
            self._read_id(row.get("account"))
            self._refuse_unknown(row, ROW_KEYS, "")
        self._read_balances(row.get("balances"))
        self._read_orders(row.get("orders"))
        self._read_wallets(row.get("wallets"))
        self._read_positions(row.get("positions"))
        self._read_multi_assets(row.get("multi_assets"))
        for name, values in self._numbers.items():
            values.append(self._optional_number(name, row.get(name)))
        self._read_mode(row.get("mode"))
        self._read_country(row.get("country"))

    def columns(self) -> Columns:
        """Return what was read."""
        dtype = id_type(len(self._asset_numbers))
        return Columns(
            ids=self._compact_ids(),
            offsets=np.array(self._ends, dtype=np.int64),
            assets=tuple(self._asset_numbers),
            asset_ids=np.array(self._assets, dtype=dtype),
            **{name: np.array(values) for name, values in self._quantities.items()},
            **{name: np.array(values) for name, values in self._numbers.items()},
            mode=np.array(self._mode, dtype=np.uint8),
            country=np.array(self._country, dtype=np.uint16),
            order_offsets=np.array(self._order_ends, dtype=np.int64),
            order_give_ids=np.array(self._order_assets["give"], dtype=dtype),
            order_get_ids=np.array(self._order_assets["get"], dtype=dtype),
            order_give_quantity=np.array(self._order_quantities["give"]),
            order_get_quantity=np.array(self._order_quantities["get"]),
            loan_leverage=self._loans(),
            multi_assets=np.array(self._multi_assets, dtype=np.bool_),
            wallets=Wallets(
                offsets=np.array(self._wallet_ends, dtype=np.int64),
                asset_ids=np.array(self._wallet_assets, dtype=dtype),
                balance=np.array(self._wallet_balance),
            ),
            positions=Positions(
                offsets=np.array(self._position_ends, dtype=np.int64),
                symbol_ids=np.array(
                    self._position_symbols, dtype=id_type(len(self._symbol_numbers))
                ),
                side=np.array(self._position_sides, dtype=np.int8),
                **{name: np.array(values) for name, values in self._position_numbers.items()},
            ),
            symbols=tuple(self._symbol_numbers),
        )

    def _loans(self) -> Floats | None:
        """Return the leverage of each balance's loan, None where none has one."""
        if not self._loan_leverage:
            return None
        # Those after the last balance that gave one are not written.
        loans = np.full(len(self._assets), nan)
        loans[: len(self._loan_leverage)] = self._loan_leverage
        return loans

    def _compact_ids(self) -> Ids:
        if len(self._kinds) == 2:
            where = " and ".join(
                f"{kind.__name__} in row {row}" for kind, row in self._kinds.items()
            )
            self.faults.add(Problem("account", "mixed", where, "all str or all int"))
        if len(self._kinds) == 2 or None in self._ids:
            # A fault is listed already; these stand in so that checking goes on.
            names = [
                f"row {i}" if account is None else str(account)
                for i, account in enumerate(self._ids)
            ]
            return ids_from_values(names)
        return ids_from_values(self._ids)

    def _fault(self, path: str, rule: str, found: object) -> None:
        problem = AccountProblem(path, "value", found, rule, account=self._who)
        self.faults.add(problem, self._position)

    def _read_id(self, account: object) -> None:
        if isinstance(account, np.integer):
            account = int(account)
        if isinstance(account, str) and account:
            kind: type = str
        elif isinstance(account, int) and not isinstance(account, bool) and account in _INT64:
            kind = int
        else:
            self._fault("account", "a str or an int64", _show(account))
            self._ids.append(None)
            return
        self._ids.append(account)
        self._who = account
        self._kinds.setdefault(kind, self._position)

    def _refuse_unknown(self, entry: Mapping[str, Any], known: frozenset[str], path: str) -> None:
        if entry.keys() <= known:
            return
        for key in entry:
            if key in known:
                continue
            what = f"is not a known key: {', '.join(sorted(known))}"
            problem = AccountProblem(f"{path}{key}", what, account=self._who)
            self.faults.add_once(problem, self._position)

    def _list_of(self, name: str, value: object) -> list[Any] | tuple[Any, ...]:
        if value is None:
            return ()
        if isinstance(value, list | tuple):
            return value
        self._fault(name, "a list", _show(value))
        return ()

    def _read_balances(self, balances: object) -> None:
        for place, entry in enumerate(self._list_of("balances", balances)):
            if not isinstance(entry, Mapping):
                self._fault(f"balances[{place}]", "a mapping", _show(entry))
                entry = {"asset": "?"}
            if not entry.keys() <= BALANCE_KEYS:
                self._refuse_unknown(entry, BALANCE_KEYS, f"balances[{place}].")
            if entry.get("loan_leverage") is not None:
                self._read_loan(entry["loan_leverage"], f"balances[{place}].loan_leverage")
            self._assets.append(self._asset_number(entry.get("asset"), "balances", place, "asset"))
            for name, values in self._quantities.items():
                value = entry.get(name)
                if type(value) is not float:
                    value = self._quantity(value, "balances", place, name)
                values.append(value)
        self._ends.append(len(self._assets))

    def _read_loan(self, leverage: object, path: str) -> None:
        lacking = len(self._assets) - len(self._loan_leverage)
        self._loan_leverage.extend([nan] * lacking)
        self._loan_leverage.append(self._optional_number(path, leverage))

    def _read_orders(self, orders: object) -> None:
        for place, order in enumerate(self._list_of("orders", orders)):
            if not isinstance(order, Mapping):
                self._fault(f"orders[{place}]", "a mapping", _show(order))
                continue
            self._refuse_unknown(order, ORDER_KEYS, f"orders[{place}].")
            for side in ("give", "get"):
                name = f"{side}_asset"
                number = self._asset_number(order.get(name), "orders", place, name)
                self._order_assets[side].append(number)
                name = f"{side}_quantity"
                quantity = self._quantity(order.get(name), "orders", place, name)
                self._order_quantities[side].append(quantity)
        self._order_ends.append(len(self._order_assets["give"]))

    def _read_wallets(self, wallets: object) -> None:
        for place, wallet in enumerate(self._list_of("wallets", wallets)):
            if not isinstance(wallet, Mapping):
                self._fault(f"wallets[{place}]", "a mapping", _show(wallet))
                continue
            self._refuse_unknown(wallet, WALLET_KEYS, f"wallets[{place}].")
            number = self._asset_number(wallet.get("asset"), "wallets", place, "asset")
            self._wallet_assets.append(number)
            balance = self._quantity(wallet.get("balance"), "wallets", place, "balance")
            self._wallet_balance.append(balance)
        self._wallet_ends.append(len(self._wallet_assets))

    def _read_positions(self, positions: object) -> None:
        for place, position in enumerate(self._list_of("positions", positions)):
            path = f"positions[{place}]"
            if not isinstance(position, Mapping):
                self._fault(path, "a mapping", _show(position))
                continue
            self._refuse_unknown(position, POSITION_KEYS, f"{path}.")
            self._position_symbols.append(self._symbol_number(position.get("symbol"), path))
            self._position_sides.append(self._side(position.get("side"), path))
            numbers = self._position_numbers
            quantity = self._quantity(position.get("quantity"), "positions", place, "quantity")
            numbers["quantity"].append(quantity)
            numbers["entry_price"].append(self._entry_price(position.get("entry_price"), path))
            for name in ("leverage", "isolated_margin"):
                numbers[name].append(self._optional_number(f"{path}.{name}", position.get(name)))
        self._position_ends.append(len(self._position_symbols))

    def _entry_price(self, value: object, path: str) -> float:
        number = nan if value is None else to_number(value)
        if number is None:
            self._fault(f"{path}.entry_price", "a number", _show(value))
            # Stands in, so that no second fault follows.
            return 1.0
        return number

    def _symbol_number(self, symbol: object, path: str) -> int:
        if not isinstance(symbol, str) or not symbol:
            self._fault(f"{path}.symbol", "the name of a symbol", _show(symbol))
            symbol = f"\0{len(self._symbol_numbers)}"
        return self._symbol_numbers.setdefault(symbol, len(self._symbol_numbers))

    def _side(self, side: object, path: str) -> int:
        if side is None:
            return 0
        if side not in SIDES:
            self._fault(f"{path}.side", SIDE_RULE, _show(side))
            return 0
        return SIDES.index(str(side))

    def _asset_number(self, asset: object, block: str, place: int, name: str) -> int:
        if not isinstance(asset, str) or not asset:
            self._fault(f"{block}[{place}].{name}", "the name of an asset", _show(asset))
            # Unlike any name, and never the same twice: no second fault follows.
            asset = f"\0{len(self._asset_numbers)}"
        return self._asset_numbers.setdefault(asset, len(self._asset_numbers))

    def _quantity(self, value: object, block: str, place: int, name: str) -> float:
        if value is None:
            return 0.0
        number = to_number(value)
        if number is None:
            self._fault(f"{block}[{place}].{name}", "a number", _show(value))
            return 0.0
        return number

    def _optional_number(self, name: str, value: object) -> float:
        if value is None:
            return nan
        number = to_number(value)
        if number is None:
            self._fault(name, "a number", _show(value))
            return nan
        if not isfinite(number):
            self._fault(name, "finite", number)
            return nan
        return number

    def _read_mode(self, mode: object) -> None:
        code, rule = mode_code(mode) if isinstance(mode, str) else (0, MODE_RULE)
        if mode is not None and rule is not None:
            problem = AccountProblem("mode", "mode", _show(mode), rule, account=self._who)
            self.faults.add_once(problem, self._position)
        self._mode.append(code)

    def _read_multi_assets(self, given: object) -> None:
        if given is not None and not isinstance(given, bool | np.bool_):
            self._fault("multi_assets", "True or False", _show(given))
            given = False
        self._multi_assets.append(bool(given))

    def _read_country(self, country: object) -> None:
        code = country_code(country) if isinstance(country, str) else 0
        if country is not None and not code:
            self._fault("country", "two ISO letters", _show(country))
        self._country.append(code)


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

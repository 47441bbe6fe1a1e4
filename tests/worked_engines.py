"""Two ways to answer a worked case: the oracle, an account at a time, and the book-wide API."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pymargin as pm
from pymargin import Action, MarginRules, oracle

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Leg:
    """Figures of one position; its bracket's rate and cum."""

    symbol: str
    notional: Any
    unrealized_pnl: Any
    maintenance_margin: Any
    initial_margin: Any
    margin_balance: Any
    is_due: bool
    rate: Any
    cum: Any


class Engine(Protocol):
    """What a worked case may ask."""

    def cross(self, mode: str, row: Row, prices: Any, rules: MarginRules) -> Any: ...
    def futures(
        self, mode: str, row: Row, prices: Any, rules: MarginRules
    ) -> tuple[Any, list[Leg]]: ...
    def portfolio(self, row: Row, prices: Any, rules: MarginRules) -> Mapping[str, Any]: ...
    def liquidation_price(
        self, row: Row, prices: Any, rules: MarginRules, symbol: str, *, isolated: bool
    ) -> Any: ...
    def max_borrow(self, row: Row, prices: Any, rules: MarginRules, asset: str) -> Any: ...
    def max_transfer_in(self, total: float, limit: float, price: float) -> Any: ...
    def max_leverage(self, symbol: str, stake: float, rules: MarginRules) -> Any: ...
    def cum(self, symbol: str, caps: list[float], rules: MarginRules) -> list[Any]: ...


class OracleEngine:
    """The definition, in fractions."""

    def cross(self, mode: str, row: Row, prices: Any, rules: MarginRules) -> Any:
        return getattr(oracle, mode)(row, prices, rules)

    def futures(
        self, mode: str, row: Row, prices: Any, rules: MarginRules
    ) -> tuple[Any, list[Leg]]:
        levels = getattr(oracle, mode)(row, prices, rules)
        legs = [
            Leg(
                one.symbol,
                one.notional,
                one.unrealized_pnl,
                one.maintenance_margin,
                one.initial_margin,
                one.margin_balance,
                bool(one.actions & Action.LIQUIDATE),
                one.term.rate,
                one.term.deduction,
            )
            for one in levels.positions
        ]
        return levels, legs

    def portfolio(self, row: Row, prices: Any, rules: MarginRules) -> Mapping[str, Any]:
        levels = oracle.portfolio(row, prices, rules)
        (term,) = levels.terms
        return {
            "total_available_balance": levels.available_balance,
            "uniMMR": levels.uni_mmr,
            "cross_margin_asset": term.balance.held,
            "total_wallet_balance": term.balance.held + term.wallet,
        }

    def liquidation_price(
        self, row: Row, prices: Any, rules: MarginRules, symbol: str, *, isolated: bool
    ) -> Any:
        position = 0 if isolated else None
        return oracle.liquidation_price(row, prices, rules, symbol, position=position).nearest

    def max_borrow(self, row: Row, prices: Any, rules: MarginRules, asset: str) -> Any:
        return oracle.max_borrow(row, prices, rules, asset)

    def max_transfer_in(self, total: float, limit: float, price: float) -> Any:
        return oracle.max_transfer_in(total, limit, price)

    def max_leverage(self, symbol: str, stake: float, rules: MarginRules) -> Any:
        return oracle.max_leverage(rules.tiers("usdm", symbol), stake)

    def cum(self, symbol: str, caps: list[float], rules: MarginRules) -> list[Any]:
        def at(cap: float) -> Any:
            row = {"positions": [{"symbol": symbol, "quantity": cap, "entry_price": 1}]}
            return oracle.usdm(row, {symbol: 1.0}, rules).positions[0].term.deduction

        return [at(cap) for cap in caps]


class BookEngine:
    """A book of one account, by the functions that a user has."""

    @staticmethod
    def _book(row: Row) -> pm.Accounts:
        return pm.Accounts.from_rows([{"account": 1, **row}])

    def cross(self, mode: str, row: Row, prices: Any, rules: MarginRules) -> _Only:
        return _Only(getattr(pm, mode)(self._book(row), prices, rules))

    def futures(
        self, mode: str, row: Row, prices: Any, rules: MarginRules
    ) -> tuple[_Only, list[Leg]]:
        levels = getattr(pm, mode)(self._book(row), prices, rules)
        found = levels.positions
        legs = []
        for k, symbol in enumerate(found.symbols.tolist()):
            notional = float(found.notional[k])
            tiers = rules.tiers(mode, symbol)
            place = next(n for n, t in enumerate(tiers) if t.cap is None or notional <= t.cap)
            legs.append(
                Leg(
                    symbol,
                    notional,
                    float(found.unrealized_pnl[k]),
                    float(found.maintenance_margin[k]),
                    float(found.initial_margin[k]),
                    float(found.margin_balance[k]),
                    bool(found.actions[k] & Action.LIQUIDATE),
                    tiers[place].rate,
                    rules.cum(mode, symbol)[place],
                )
            )
        return _Only(levels), legs

    def portfolio(self, row: Row, prices: Any, rules: MarginRules) -> Mapping[str, Any]:
        book = self._book(row)
        levels = pm.portfolio(book, prices, rules)
        totals = pm.exposure(book, prices).by_asset
        held, wallet = float(totals.held[0]), float(totals.wallet[0])
        return {
            "total_available_balance": float(levels.available_balance[0]),
            "uniMMR": float(levels.uni_mmr[0]),
            "cross_margin_asset": held,
            "total_wallet_balance": held + wallet,
        }

    def liquidation_price(
        self, row: Row, prices: Any, rules: MarginRules, symbol: str, *, isolated: bool
    ) -> Any:
        if not hasattr(pm, "liquidation_price"):
            return math.nan
        roots = pm.liquidation_price(self._book(row), prices, rules, symbol, exact=False)
        return float((roots.positions.nearest if isolated else roots.nearest)[0])

    def max_borrow(self, row: Row, prices: Any, rules: MarginRules, asset: str) -> Any:
        if not hasattr(pm, "max_borrow"):
            return math.nan
        return float(pm.max_borrow(self._book(row), prices, rules, asset)[0])

    def max_transfer_in(self, total: float, limit: float, price: float) -> Any:
        return pm.max_transfer_in(total, limit, price)

    def max_leverage(self, symbol: str, stake: float, rules: MarginRules) -> Any:
        return pm.max_leverage_for_stake(symbol, stake, rules)

    def cum(self, symbol: str, caps: list[float], rules: MarginRules) -> list[Any]:
        return list(rules.cum("usdm", symbol))[: len(caps)]


class _Only:
    """The figures of the only account of a result, as Python numbers."""

    def __init__(self, levels: Any) -> None:
        self._levels = levels

    def __getattr__(self, name: str) -> Any:
        return getattr(self._levels, name)[0].item()


ORACLE, BOOK = OracleEngine(), BookEngine()

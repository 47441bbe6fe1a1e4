"""What a verification computes with: rules, prices, and the parts of the answers by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from fractions import Fraction
from math import isfinite
from typing import Any, Literal

from pymargin.adapters.binance_answers import Answers, Item
from pymargin.adapters.verify.judge import Judge
from pymargin.errors import RulesError
from pymargin.oracle.quotes import Quotes
from pymargin.prices import Prices, PriceSource, resolve, resolve_marks, resolve_rates
from pymargin.rules import MarginRules

__all__ = ["Inputs", "decimal_amount", "known_prices", "missing_phrases"]

_DIGITS = Context(prec=60)
_PHRASES = {
    "price": "price of {}",
    "collateral": "collateral tiers of {}",
    "liability_maintenance": "liability brackets of {}",
    "liability_initial": "liability brackets of {}",
    "portfolio": "collateral rate of {}",
    "portfolio_pro": "collateral tiers of {} (portfolio margin pro)",
    "loan_leverage": "leverage of the loan of {}",
    "contract": "contract of {} (exchangeInfo)",
    "usdm": "brackets of {}",
    "coinm": "brackets of {}",
    "leverage": "leverage of {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that one account is verified with.

    Parameters
    ----------
    answers
        The exchange's, by kind.
    judge
        Gets the figures.
    rules
        The rules.
    prices
        What the caller gave, by name.
    leverage
        Of loans and positions whose answers give none.
    multi_assets
        Whether a futures account is in multi-assets mode; None: as its answer says.
    withdrawal
        What the maximum withdrawal of portfolio margin leaves.
    collateral
        On what holdings Cross Margin Pro takes collateral.
    """

    answers: Answers
    judge: Judge
    rules: MarginRules
    prices: Prices
    leverage: int | None = None
    multi_assets: bool | None = None
    withdrawal: Literal["maintenance", "initial"] = "maintenance"
    collateral: Literal["gross", "net"] = "gross"
    marks: Mapping[str, Decimal] = field(default_factory=dict)

    def with_marks(self, marks: Mapping[str, Decimal]) -> Inputs:
        """Return the same with mark prices that the answers themselves hold."""
        return replace(self, marks=marks)

    def with_index(self, known: Mapping[str, float]) -> Inputs:
        """Return the same with index prices where there are none."""
        given = {name: x for name, x in self.prices.index.items() if isfinite(x)}
        return replace(self, prices=replace(self.prices, index={**known, **given}))

    @property
    def quotes(self) -> Quotes:
        """Every price; a mark price of an answer goes before the caller's."""
        return Quotes(self.all_prices)

    @property
    def all_prices(self) -> Prices:
        """The same as `Prices`."""
        marks: Mapping[str, Any] = {**self.prices.mark, **self.marks}
        return replace(self.prices, mark=marks)


def known_prices(prices: PriceSource | None, answers: Answers, rules: MarginRules) -> Prices:
    """Return the caller's prices of whatever the answers name.

    Raises
    ------
    PricesError
        Prices that cannot be.
    """
    if prices is None:
        return Prices()
    symbols = _names(answers.positions, "symbol")
    assets = ["BTC", *_assets(answers, symbols, rules)]
    bid, ask = resolve_rates(prices, assets)
    by_asset = (resolve(prices, assets), bid, ask)
    index, bids, asks = (dict(zip(assets, found.tolist(), strict=True)) for found in by_asset)
    marks = dict(zip(symbols, resolve_marks(prices, symbols).tolist(), strict=True))
    return Prices(index=index, mark=marks, bid=bids, ask=asks)


def _assets(answers: Answers, symbols: Iterable[str], rules: MarginRules) -> list[str]:
    """Name the assets of the balances and wallets, and those that positions are settled in."""
    named = _names([*answers.balances, *answers.wallets], "asset")
    for item in answers.crosses:
        named += [entry["asset"] for entry in item.values["userAssets"]]
    for symbol in symbols:
        try:
            named.append(rules.contract(symbol).settlement_asset)
        except RulesError:
            continue
    return list(dict.fromkeys(named))


def _names(items: Iterable[Item], key: str) -> list[str]:
    return list(dict.fromkeys(str(item.values[key]) for item in items))


def missing_phrases(name: str, missing: Sequence[str]) -> list[str]:
    """Say what an asset or symbol lacks, a phrase each."""
    return [_PHRASES.get(what, f"{what} of {{}}").format(name) for what in missing]


def decimal_amount(number: Fraction) -> Decimal:
    """Return an amount to 60 digits: those of the answers are exact."""
    return _DIGITS.divide(Decimal(number.numerator), Decimal(number.denominator))

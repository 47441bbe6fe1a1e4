"""The positions of an account, each from all that its answers say of it, and their figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from pymargin.adapters.binance_answers import Item, number
from pymargin.adapters.binance_positions import is_isolated, items_by_position
from pymargin.adapters.verify.inputs import Inputs, decimal_amount, missing_phrases
from pymargin.adapters.verify.judge import (
    UNIT,
    Judge,
    Level,
    Tolerance,
    cut,
    exactly,
    level_tolerance,
)
from pymargin.errors import MarginError, Problem, RulesError
from pymargin.oracle.account import Account, Position
from pymargin.oracle.limits import max_position
from pymargin.oracle.positions import PositionTerm, position_terms
from pymargin.rules import Contract, MarginRules
from pymargin.rules.schedules import Tier

__all__ = ["Leg", "legs_of", "verify_legs"]

_PROFITS = ("unRealizedProfit", "unrealizedProfit")
_SIZES = ("notional", "notionalValue")
# More decimals than this are a mean price that may go on.
_PRINTED_DECIMALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One position as all answers together tell it.

    Parameters
    ----------
    items
        What is said of it, an item of each answer.
    contract
        None where the rules and the name do not tell.
    quantity
        Signed; 0 where there is none.
    entry, mark, leverage, isolated_wallet
        None where no answer gives them, the mark price also not the caller; the isolated wallet
        of a cross position, too.
    is_isolated
        Whether it stands on a margin of its own.
    size_is_printed
        Whether the mark price is the printed notional over the quantity.
    term
        Ours, None for an empty position.
    """

    symbol: str
    side: str
    items: tuple[Item, ...]
    contract: Contract | None
    quantity: Fraction
    entry: Decimal | None
    mark: Decimal | None
    leverage: Decimal | None
    is_isolated: bool
    isolated_wallet: Decimal | None
    size_is_printed: bool
    term: PositionTerm | None = None

    @property
    def name(self) -> str:
        """Symbol, and side where the account hedges."""
        return self.symbol if self.side == "BOTH" else f"{self.symbol} {self.side}"

    @property
    def product(self) -> str:
        """``usdm`` or ``coinm``; empty where the contract is not known."""
        return "" if self.contract is None else self.contract.product

    @property
    def asset(self) -> str:
        """What it is settled in; empty where the contract is not known."""
        return "" if self.contract is None else self.contract.settlement_asset

    def lacks(self, *needed: str) -> list[str]:
        """Say which of these it lacks to be computed: ``entry``, ``leverage``, ``price``, ..."""
        if not self.quantity:
            return []
        assert self.term is not None
        phrases = missing_phrases(self.symbol, self.term.missing)
        if "entry" in needed and self.entry is None:
            phrases.append(f"entry price of {self.name}")
        if "leverage" in needed and self.leverage is None:
            phrases += missing_phrases(self.name, ["leverage"])
        if "mark" in needed and self.size_is_printed:
            phrases += missing_phrases(self.symbol, ["price"])
        return phrases


def legs_of(inputs: Inputs) -> tuple[list[Leg], Inputs]:
    """Return every position, and the inputs with the mark prices that the answers hold.

    Where neither an answer nor the caller gives a mark price, it is the printed notional of a
    USDⓈ-M position over its quantity.
    """
    judge, answers = inputs.judge, inputs.answers
    drafts = [_draft(inputs, key, items) for key, items in items_by_position(answers).items()]
    if judge.problems:
        return [], inputs
    marks = {leg.symbol: leg.mark for leg in drafts if leg.mark is not None}
    inputs = inputs.with_marks(marks)
    held = [leg for leg in drafts if leg.quantity]
    account = Account(
        balances={},
        wallets={},
        positions=tuple(_position(number, leg) for number, leg in enumerate(held)),
        orders=(),
        open_order_loss=Fraction(0),
        leverage=None,
        own_ratio=None,
        multi_assets=False,
    )
    terms = position_terms(account, inputs.quotes, inputs.rules, products=("usdm", "coinm"))
    known = iter(terms)
    return [replace(leg, term=next(known)) if leg.quantity else leg for leg in drafts], inputs


def _position(number: int, leg: Leg) -> Position:
    # Figures that rest on an unknown entry price or leverage are missing: any stands in for it.
    entry = leg.entry or leg.mark or Decimal(1)
    return Position(
        number=number,
        symbol=leg.symbol,
        side=leg.side,
        quantity=leg.quantity,
        entry_price=Fraction(entry),
        leverage=Fraction(leg.leverage or 1),
        isolated_margin=None if leg.isolated_wallet is None else Fraction(leg.isolated_wallet),
        is_granted=True,
    )


def _draft(inputs: Inputs, key: tuple[str, str], items: list[Item]) -> Leg:
    judge, (symbol, side) = inputs.judge, key
    configs = [x for x in inputs.answers.symbols if str(x.values["symbol"]) == symbol]
    quantity = _quantity(judge, items)
    contract = _contract(inputs.rules, symbol)
    entry = _above_0(judge, items, "entryPrice")
    mark = _above_0(judge, items, "markPrice")
    size_is_printed = False
    if mark is None and quantity and inputs.quotes.mark(symbol) is None:
        mark = _printed_mark(judge, items, quantity, contract)
        size_is_printed = mark is not None
    leverage = _above_0(judge, [*items, *configs], "leverage")
    if leverage is None and inputs.leverage is not None:
        leverage = Decimal(inputs.leverage)
    isolated = is_isolated(items, configs, judge.problems)
    return Leg(
        symbol=symbol,
        side=side,
        items=tuple(items),
        contract=contract,
        quantity=quantity,
        entry=entry,
        mark=mark,
        leverage=leverage,
        is_isolated=isolated,
        isolated_wallet=_isolated_wallet(judge, items) if isolated else None,
        size_is_printed=size_is_printed,
    )


def _quantity(judge: Judge, items: list[Item]) -> Fraction:
    found = [(item, judge.number(item, "positionAmt")) for item in items]
    stated = [(item, amount) for item, amount in found if amount is not None]
    for item, again in stated[1:]:
        if again != stated[0][1]:
            rule = f"{stated[0][1]} as in {stated[0][0].path}"
            judge.problems.append(Problem(f"{item.path}.positionAmt", "differs", str(again), rule))
    return stated[0][1] if stated else Fraction(0)


def _contract(rules: MarginRules, symbol: str) -> Contract | None:
    try:
        return rules.contract(symbol)
    except RulesError:
        return None


def _first(judge: Judge, items: Iterable[Item], *names: str) -> Decimal | None:
    found = (number(item, name, judge.problems) for item in items for name in names)
    return next((one for one in found if one is not None), None)


def _above_0(judge: Judge, items: Iterable[Item], name: str) -> Decimal | None:
    """Return a price or leverage: the exchange prints 0 where it knows none."""
    found = (number(item, name, judge.problems) for item in items)
    return next((one for one in found if one is not None and one > 0), None)


def _printed_mark(
    judge: Judge, items: list[Item], quantity: Fraction, contract: Contract | None
) -> Decimal | None:
    size = _first(judge, items, "notional")
    if not size or contract is None or contract.product != "usdm":
        return None
    mark = abs(Fraction(size) / quantity)
    return decimal_amount(mark)


def _isolated_wallet(judge: Judge, items: list[Item]) -> Decimal | None:
    """Return the isolated wallet as it is printed, else the isolated margin less its profit."""
    wallet = _first(judge, items, "isolatedWallet")
    if wallet is not None:
        return wallet
    margin, profit = _first(judge, items, "isolatedMargin"), _first(judge, items, *_PROFITS)
    return None if margin is None or profit is None else margin - profit


# The figures of each position.


def verify_legs(inputs: Inputs, legs: Iterable[Leg]) -> None:
    """Look at every figure of every position but the liquidation price."""
    for leg in legs:
        for item in leg.items:
            _verify_leg(inputs, leg, item)


def _verify_leg(inputs: Inputs, leg: Leg, item: Item) -> None:
    judge, term = inputs.judge, leg.term
    size = profit = maintenance = initial = Fraction(0)
    if term is not None:
        size, profit = term.notional, term.unrealized_pnl
        maintenance, initial = term.maintenance_margin, term.initial_margin
    signed = size if leg.quantity >= 0 else -size
    for name in _SIZES:
        judge.compare(
            item, name, signed, cut(), of=leg.name, missing=leg.lacks("mark"), unsigned=True
        )
    for name in _PROFITS:
        judge.compare(
            item, name, profit, _of_profit(leg), of=leg.name, missing=leg.lacks("entry", "mark")
        )
    judge.compare(item, "maintMargin", maintenance, _of_size(leg), of=leg.name, missing=leg.lacks())
    open_orders = judge.number(item, "openOrderInitialMargin") or Fraction(0)
    for name, ours in (
        ("positionInitialMargin", initial),
        ("initialMargin", initial + open_orders),
    ):
        lacking = leg.lacks("leverage")
        judge.compare(item, name, ours, _of_size(leg), of=leg.name, missing=lacking)
    _isolated_margin(judge, leg, item, profit, maintenance)
    _limits(inputs, leg, item)
    _bracket(inputs, leg, item)


def _of_profit(leg: Leg) -> Tolerance:
    """Allow for a mean entry price that is printed to 8 decimals or more and may go on."""
    entry = leg.entry
    exponent = 0 if entry is None else entry.as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent < _PRINTED_DECIMALS or entry is None:
        return cut()
    spread = Fraction(1, 10**-exponent) * abs(leg.quantity)
    if leg.contract is not None and leg.contract.product == "coinm":
        spread *= Fraction(leg.contract.contract_size) / Fraction(entry) ** 2
    return Tolerance(UNIT + spread, "cut to 8 decimals, as is the mean entry price")


def _of_size(leg: Leg) -> Tolerance:
    return cut([Fraction(1)], "printed notionals") if leg.size_is_printed else cut()


def _isolated_margin(
    judge: Judge, leg: Leg, item: Item, profit: Fraction, maintenance: Fraction
) -> None:
    """Hold an isolated margin against its wallet and profit, and the margin ratio against both."""
    if not leg.is_isolated or leg.isolated_wallet is None:
        return
    lacking = leg.lacks("entry", "mark")
    ours = Fraction(leg.isolated_wallet) + profit
    if judge.number(item, "isolatedWallet") is not None:
        # Elsewhere the wallet is the margin less its profit.
        margin = _of_profit(leg)
        judge.compare(item, "isolatedMargin", ours, margin, of=leg.name, missing=lacking)
    ratio = maintenance / ours if ours > 0 else None
    tolerance = level_tolerance(ratio or Fraction(0))
    judge.compare(item, "marginRatio", ratio, tolerance, of=leg.name, missing=lacking)


def _limits(inputs: Inputs, leg: Leg, item: Item) -> None:
    """Hold the largest notional (of COIN-M: quantity) at the leverage against the brackets."""
    judge = inputs.judge
    for name in ("maxNotional", "maxNotionalValue", "maxQty"):
        if item.values.get(name) is None:
            continue
        lacking = [] if leg.leverage is not None else missing_phrases(leg.name, ["leverage"])
        tiers = _tiers(inputs.rules, leg)
        if not tiers:
            lacking += missing_phrases(leg.symbol, [leg.product or "contract"])
        ours: Level | None = None
        if not lacking:
            assert leg.leverage is not None
            try:
                ours = max_position(leg.symbol, float(leg.leverage), inputs.rules)
            except MarginError:
                lacking = [f"leverage of the brackets of {leg.symbol}"]
        judge.compare(item, name, ours, exactly("a cap"), of=leg.name, missing=lacking)


def _bracket(inputs: Inputs, leg: Leg, item: Item) -> None:
    """Hold the number of the bracket, where an answer has it, against that of the notional."""
    if leg.term is None or item.values.get("bracket") is None:
        return
    tiers, size = _tiers(inputs.rules, leg), leg.term.notional
    number = 1 + sum(tier.cap is not None and size > Fraction(tier.cap) for tier in tiers[:-1])
    inputs.judge.compare(
        item,
        "bracket",
        Fraction(number),
        exactly("a whole number"),
        of=leg.name,
        missing=leg.lacks(),
    )


def _tiers(rules: MarginRules, leg: Leg) -> tuple[Tier, ...]:
    return (rules.find(leg.product, leg.symbol) if leg.product else None) or ()

"""The figures of a portfolio margin account: of each balance, and of the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from pymargin.adapters.binance_answers import Item
from pymargin.adapters.binance_modes import is_span
from pymargin.adapters.verify.inputs import Inputs, missing_phrases
from pymargin.adapters.verify.judge import (
    Judge,
    Sentinel,
    Tolerance,
    cut,
    level_tolerance,
    quotient_tolerance,
)
from pymargin.adapters.verify.legs import Leg
from pymargin.errors import Problem
from pymargin.modes import Mode
from pymargin.oracle.account import Account, Balance, Position
from pymargin.oracle.equity import EquityTerm, equity_terms
from pymargin.oracle.portfolio import PortfolioSums, portfolio_sums
from pymargin.oracle.positions import PositionTerm
from pymargin.oracle.standing import Ratio

__all__ = ["NO_BALANCES", "portfolio_account", "verify_balances", "verify_summaries"]

_NOTHING = Fraction(0)
_CROSS = ("crossMarginFree", "crossMarginLocked")
_OWED = ("crossMarginBorrowed", "crossMarginInterest")
_WALLETS = ("umWalletBalance", "cmWalletBalance")
_PROFITS = {"usdm": "umUnrealizedPNL", "coinm": "cmUnrealizedPNL"}
_OPTIONS = ("optionWalletBalance", "optionEquity")
_NO_MARGIN = Sentinel(Fraction(99_999_999), "a level where no margin is asked for")
_SPAN = ("marginMM", "otherMM")
NO_BALANCES = "balances (GET /papi/v1/balance or /sapi/v1/portfolio/balance)"
_NO_POSITIONS = "positions (um/account, cm/account or positionRisk)"


# The figures of each balance.


def verify_balances(inputs: Inputs, legs: Sequence[Leg]) -> None:
    """Look at every figure of every balance."""
    for item in inputs.answers.balances:
        _verify_balance(inputs, item, legs)


def _verify_balance(inputs: Inputs, item: Item, legs: Sequence[Leg]) -> None:
    judge, of = inputs.judge, str(item.values["asset"])
    held = _sum(judge, item, _CROSS)
    wallets = _sum(judge, item, (*_WALLETS, "optionWalletBalance"))
    # Gross, as a recorded account is; the documentation's sample is net of debt.
    judge.compare(item, "crossMarginAsset", held, cut(), of=of, printed=True)
    parts = [Fraction(1)] * 4
    total = held + wallets
    judge.compare(item, "totalWalletBalance", total, cut(parts, "parts"), of=of, printed=True)
    for product, name in _PROFITS.items():
        own = [leg for leg in legs if leg.product == product and leg.asset == of and leg.quantity]
        missing = [phrase for leg in own for phrase in leg.lacks("entry", "mark")]
        if not inputs.answers.says_positions:
            missing = [_NO_POSITIONS]
        profit = sum((leg.term.unrealized_pnl for leg in own if leg.term), _NOTHING)
        tolerance = cut([Fraction(1)] * len(own), "positions")
        judge.compare(item, name, profit, tolerance, of=of, missing=missing)
    if judge.number(item, "negativeBalance"):
        judge.remark("negativeBalance is taken as part of the balances; it is not computed.")


def _sum(judge: Judge, item: Item, names: Sequence[str]) -> Fraction:
    return sum((judge.number(item, name) or _NOTHING for name in names), _NOTHING)


# The account as the oracle reads it.


def portfolio_account(inputs: Inputs, legs: Sequence[Leg]) -> Account:
    """Return the account of the balances and positions.

    Profit is that of the balances, put into the wallets, while every position counts as entered
    at its mark price.
    """
    judge = inputs.judge
    balances, wallets = {}, {}
    loans = {str(x.values["asset"]): judge.number(x, "leverage") for x in inputs.answers.loans}
    for item in inputs.answers.balances:
        asset = str(item.values["asset"])
        free, locked, borrowed, interest = (_sum(judge, item, (n,)) for n in (*_CROSS, *_OWED))
        leverage = loans.get(asset, inputs.leverage)
        balance = Balance(
            asset, free, locked, borrowed, interest, None if leverage is None else int(leverage)
        )
        if any((free, locked, borrowed, interest)):
            balances[asset] = balance
        wallet = _sum(judge, item, _WALLETS) + _profit(judge, item, asset, legs)
        if wallet:
            wallets[asset] = wallet
    return Account(
        balances=balances,
        wallets=wallets,
        positions=tuple(_at_mark(leg.term) for leg in legs if leg.term is not None),
        orders=(),
        open_order_loss=_loss(inputs),
        leverage=None,
        own_ratio=None,
        multi_assets=False,
    )


def _profit(judge: Judge, item: Item, asset: str, legs: Sequence[Leg]) -> Fraction:
    """Return the profit of a balance: as it is printed, else that of the positions."""
    total = _NOTHING
    for product, name in _PROFITS.items():
        printed = judge.number(item, name)
        if printed is None:
            own = [leg for leg in legs if leg.product == product and leg.asset == asset]
            printed = sum((x.term.unrealized_pnl for x in own if x.term), _NOTHING)
        total += printed
    return total


def _at_mark(term: PositionTerm) -> Position:
    """Return a position without a profit of its own."""
    return replace(term.position, entry_price=term.mark or term.position.entry_price)


def _loss(inputs: Inputs) -> Fraction:
    """Return the open loss, which the exchange may write with a minus."""
    for item in inputs.answers.summaries:
        loss = inputs.judge.number(item, "totalMarginOpenLoss")
        if loss is not None:
            return abs(loss)
    return _NOTHING


# The figures of the account.


@dataclass(frozen=True, slots=True)
class _Ours:
    """What quantities, prices and rules give, and what they lack."""

    sums: PortfolioSums
    no_equity: list[str]
    no_maintenance: list[str]
    no_initial: list[str]
    of_equity: Tolerance
    of_margin: Tolerance


def verify_summaries(inputs: Inputs, mode: Mode, legs: Sequence[Leg]) -> None:
    """Look at every figure of ``GET /papi/v1/account`` and ``/sapi/v1|v2/portfolio/account``."""
    if not inputs.answers.summaries:
        return
    ours = _ours(inputs, mode, legs)
    for item in inputs.answers.summaries:
        if item.values.get("totalMarginOpenLoss") not in (None, ""):
            inputs.judge.remark(
                "totalMarginOpenLoss is taken as given: the answers hold no orders."
            )
        if item.values.get("accountStatus") is not None:
            inputs.judge.remark("accountStatus is not held against the thresholds of uniMMR.")
        if is_span(item):
            _verify_span(inputs.judge, item)
        else:
            _verify_margins(inputs.judge, item, ours)
            _verify_levels(inputs, item, ours)
        _verify_equity(inputs.judge, item, ours)
        _verify_printed(inputs, item)


def _ours(inputs: Inputs, mode: Mode, legs: Sequence[Leg]) -> _Ours:
    answers, held = inputs.answers, [leg for leg in legs if leg.quantity]
    account = portfolio_account(inputs, legs)
    _, terms = equity_terms(mode, account, inputs.quotes, inputs.rules)
    no_equity = [] if answers.balances else [NO_BALANCES]
    for item in answers.balances:
        lacking = [name for name in _OPTIONS if inputs.judge.number(item, name)]
        no_equity += [f"options ({name} of {item.values['asset']})" for name in lacking]
    no_equity += _no_profit(inputs, held)
    no_equity += _lacking(terms, "price", mode)
    no_margin = [] if answers.balances else [NO_BALANCES]
    no_margin += [] if answers.says_positions else [_NO_POSITIONS]
    no_margin += [phrase for leg in held for phrase in leg.lacks()]
    no_margin += _lacking(terms, "price", "loan_leverage")
    return _Ours(
        sums=_with_open_orders(inputs, portfolio_sums(terms, account.open_order_loss)),
        no_equity=no_equity,
        no_maintenance=no_margin,
        no_initial=no_margin + [phrase for leg in held for phrase in leg.lacks("leverage")],
        of_equity=_equity_tolerance(inputs, terms, held),
        of_margin=_margin_tolerance(terms, held),
    )


def _no_profit(inputs: Inputs, held: Sequence[Leg]) -> list[str]:
    """Say where neither a balance nor the positions tell the profit of an asset."""
    balances = {str(item.values["asset"]): item for item in inputs.answers.balances}
    missing = []
    for leg in held:
        item = balances.get(leg.asset)
        if item is None:
            missing += [f"balance of {leg.asset}"] if leg.asset and balances else []
        elif inputs.judge.number(item, _PROFITS[leg.product]) is None:
            missing += leg.lacks("entry", "mark")
    return missing


def _lacking(terms: Sequence[EquityTerm], *tables: str) -> list[str]:
    return [
        phrase
        for term in terms
        for phrase in missing_phrases(term.asset, [x for x in term.missing if x in tables])
    ]


def _with_open_orders(inputs: Inputs, sums: PortfolioSums) -> PortfolioSums:
    """Add the initial margin that the wallets print for open orders."""
    initial = _NOTHING
    for item in inputs.answers.wallets:
        printed = inputs.judge.number(item, "openOrderInitialMargin")
        price = inputs.quotes.index(str(item.values["asset"]))
        initial += (printed or _NOTHING) * (price or _NOTHING)
    return replace(sums, initial=sums.initial + initial)


def _equity_tolerance(
    inputs: Inputs, terms: Sequence[EquityTerm], held: Sequence[Leg]
) -> Tolerance:
    """Allow a unit for the value of each asset, and for each profit one at its asset's price."""
    price = {term.asset: term.price or _NOTHING for term in terms}
    settled = {(leg.asset, leg.product) for leg in held}
    profits = [
        price.get(str(item.values["asset"]), _NOTHING)
        for item in inputs.answers.balances
        for product, name in _PROFITS.items()
        if inputs.judge.number(item, name) or (str(item.values["asset"]), product) in settled
    ]
    return cut([*[Fraction(1)] * len(terms), *profits], "values and profits")


def _margin_tolerance(terms: Sequence[EquityTerm], held: Sequence[Leg]) -> Tolerance:
    """Allow a unit for the margin of each loan, and of each position one at its asset's price."""
    price = {term.asset: term.price or _NOTHING for term in terms}
    loans = [Fraction(1) for term in terms if term.loan_maintenance]
    positions = [price.get(leg.asset, _NOTHING) for leg in held]
    return cut([*loans, *positions], "margins")


def _verify_equity(judge: Judge, item: Item, ours: _Ours) -> None:
    for name, value in (
        ("accountEquity", ours.sums.equity),
        ("actualEquity", ours.sums.actual),
    ):
        judge.compare(item, name, value, ours.of_equity, missing=ours.no_equity)


def _verify_margins(judge: Judge, item: Item, ours: _Ours) -> None:
    for name, value, missing in (
        ("accountMaintMargin", ours.sums.maintenance, ours.no_maintenance),
        ("accountInitialMargin", ours.sums.initial, ours.no_initial),
    ):
        judge.compare(item, name, value, ours.of_margin, missing=missing)


def _verify_levels(inputs: Inputs, item: Item, ours: _Ours) -> None:
    judge, sums = inputs.judge, ours.sums
    adjusted = sums.equity - sums.loss
    level = Ratio(adjusted, sums.maintenance).level
    tolerance = level_tolerance(level)
    both = ours.of_equity.size + ours.of_margin.size
    if sums.maintenance:
        spread = ours.of_equity.size + ours.of_margin.size * abs(Fraction(level))
        size = tolerance.size + spread / sums.maintenance
        tolerance = Tolerance(size, f"{tolerance.why}; its parts are cut to 8 decimals")
    missing = ours.no_equity + ours.no_maintenance
    judge.compare(item, "uniMMR", level, tolerance, missing=missing, sentinel=_NO_MARGIN)
    free = adjusted - sums.initial
    needed = ours.no_equity + ours.no_initial
    wide = Tolerance(2 * both, "what equity and margins leave open")
    judge.compare(item, "totalAvailableBalance", free, wide, missing=needed)
    held_back = ours.no_initial if inputs.withdrawal == "initial" else ours.no_maintenance
    left = max(sums.withdrawable(inputs.withdrawal), _NOTHING)
    missing = ours.no_equity + held_back
    judge.compare(item, "virtualMaxWithdrawAmount", left, wide, missing=missing)


def _verify_printed(inputs: Inputs, item: Item) -> None:
    """Hold the levels and what is free against the equity and the margins beside them."""
    judge, span = inputs.judge, is_span(item)
    equity = judge.number(item, "accountEquity")
    maintenance = judge.number(item, "accountMaintMargin")
    initial = judge.number(item, "accountInitialMargin")
    if equity is None:
        return
    sums = PortfolioSums(
        equity, equity, maintenance or _NOTHING, initial or _NOTHING, _loss(inputs)
    )
    if maintenance is not None:
        ratio = sums.ratios["uni_mmr"]
        assert ratio is not None
        judge.compare(
            item,
            "uniMMR",
            ratio.level,
            quotient_tolerance(ratio.numerator, ratio.denominator),
            printed=True,
            sentinel=_NO_MARGIN,
        )
    if initial is not None:
        free = sums.ratios["available_balance"]
        assert free is not None
        three = cut([Fraction(1)] * 3, "parts")
        judge.compare(item, "totalAvailableBalance", free.numerator, three, printed=True)
    held_back = initial if inputs.withdrawal == "initial" else maintenance
    if held_back is not None and not span:
        left = max(sums.withdrawable(inputs.withdrawal), _NOTHING)
        tolerance = cut([Fraction(1), Fraction(6, 5), Fraction(1)], "parts")
        judge.compare(item, "virtualMaxWithdrawAmount", left, tolerance, printed=True)


def _verify_span(judge: Judge, item: Item) -> None:
    """Hold SPAN's maintenance margin against its parts, which are taken as given."""
    units = item.values.get("riskUnitMMList")
    judge.remark(
        "Of Portfolio Margin Pro SPAN riskUnitMMList, marginMM and otherMM are taken as given (its"
        " scenarios are not published) and the initial margin is not computed."
    )
    parts = [judge.number(item, name) for name in _SPAN]
    for place, unit in enumerate(units if isinstance(units, list) else ()):
        where = Item(f"{item.path}.riskUnitMMList[{place}]", unit)
        if not isinstance(unit, Mapping):
            judge.problems.append(Problem(where.path, "shape", repr(unit), "a risk unit's margin"))
            continue
        parts.append(judge.number(where, "uniMaintainUsd"))
    total = sum((part or _NOTHING for part in parts), _NOTHING)
    tolerance = cut([Fraction(1)] * len(parts), "parts")
    judge.compare(item, "accountMaintMargin", total, tolerance, printed=True)

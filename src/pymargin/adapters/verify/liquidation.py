"""The liquidation price of each position, in the pool that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pymargin.adapters.verify.futures import is_multi_assets, product_of
from pymargin.adapters.verify.inputs import Inputs, decimal_amount, missing_phrases
from pymargin.adapters.verify.judge import Sentinel, Tolerance, level_tolerance
from pymargin.adapters.verify.legs import Leg
from pymargin.adapters.verify.portfolio import NO_BALANCES, portfolio_account
from pymargin.modes import Action, Mode
from pymargin.oracle.account import Account
from pymargin.oracle.decide import actions_named, line_limit
from pymargin.oracle.equity import equity_terms
from pymargin.oracle.roots import Root, liquidation_price

__all__ = ["verify_liquidation"]

_NAME = "liquidationPrice"
_FUTURES = (Mode.USDM, Mode.COINM)
_EMPTY = Sentinel(Fraction(0), "no position")
_NEVER = Sentinel(Fraction(0), "no price does it")


def verify_liquidation(inputs: Inputs, mode: Mode, legs: Sequence[Leg]) -> None:
    """Look at the liquidation price of every position.

    That of a cross position is where its whole pool is due, the other prices standing; of a
    portfolio margin account where the account is (our reading).
    """
    for leg in legs:
        items = [item for item in leg.items if item.values.get(_NAME) is not None]
        if not items:
            continue
        root, missing = None, list[str]()
        if leg.quantity and mode in _FUTURES:
            root, missing = _of_futures(inputs, leg, legs)
        elif leg.quantity:
            root, missing = _of_portfolio(inputs, mode, leg, legs)
        for item in items:
            theirs = inputs.judge.number(item, _NAME) or Fraction(0)
            ours = None if root is None else _nearest(root, theirs)
            inputs.judge.compare(
                item,
                _NAME,
                ours,
                _tolerance(ours),
                of=leg.name,
                missing=missing,
                sentinel=_NEVER if leg.quantity else _EMPTY,
            )


def _nearest(root: Root, theirs: Fraction) -> Fraction | None:
    """Return the root that is nearer to theirs: a pool may have one on either side."""
    found = [one for one in (root.below, root.above) if one is not None]
    return min(found, key=lambda one: abs(one - theirs), default=None)


def _tolerance(ours: Fraction | None) -> Tolerance:
    size = level_tolerance(ours or Fraction(0)).size
    return Tolerance(size, "1e-8 of the price and its 8th decimal")


def _of_futures(inputs: Inputs, leg: Leg, legs: Sequence[Leg]) -> tuple[Root | None, list[str]]:
    if not leg.contract:
        return None, missing_phrases(leg.symbol, ["contract"])
    if leg.is_isolated:
        missing = leg.lacks("entry", "mark")
        if leg.isolated_wallet is None:
            missing.append(f"isolated wallet of {leg.name}")
        return (None, missing) if missing else (_root(inputs, leg, [leg], {}, False), [])
    multi = is_multi_assets(inputs) and leg.product == Mode.USDM
    pool = [
        other
        for other in legs
        if other.quantity
        and not other.is_isolated
        and (not other.contract or other.product == leg.product)
        and (multi or other.asset in ("", leg.asset))
    ]
    wallets = _wallets(inputs, leg, legs)
    missing = [phrase for other in pool for phrase in other.lacks("entry", "mark")]
    needed = [other.asset for other in pool if other.contract]
    missing += [f"wallet of {asset}" for asset in dict.fromkeys(needed) if asset not in wallets]
    own = wallets if multi else {leg.asset: wallets.get(leg.asset, Decimal(0))}
    if multi:
        quotes = inputs.quotes
        missing += [f"bid and ask rate of {x}" for x in own if own[x] and quotes.bid(x) is None]
    if missing:
        return None, missing
    if not multi:
        pool, own = _folded(inputs, leg, pool, own)
    return _root(inputs, leg, pool, own, multi), []


def _folded(
    inputs: Inputs, leg: Leg, pool: list[Leg], wallets: dict[str, Decimal]
) -> tuple[list[Leg], dict[str, Decimal]]:
    """Put what stands still while one symbol moves into the wallet: its profit less its margin.

    With a limit L on balance over margin, W + p + p' <= L (m + m') is (W + p' - L m') + p <= L m.
    """
    lines = inputs.rules.thresholds[leg.product].lines
    due = [line for line in lines if actions_named(line.actions) & Action.LIQUIDATE]
    if [line.level for line in due] != ["margin_level"]:
        return pool, wallets
    limit = line_limit(due[0], leg.product, None, None)
    wallet = Fraction(wallets[leg.asset])
    for other in pool:
        if other.symbol != leg.symbol and other.term is not None:
            wallet += other.term.unrealized_pnl - limit * other.term.maintenance_margin
    moving = [other for other in pool if other.symbol == leg.symbol]
    return moving, {leg.asset: decimal_amount(wallet)}


def _wallets(inputs: Inputs, leg: Leg, legs: Sequence[Leg]) -> dict[str, Decimal]:
    """Return the cross wallets of the product of a position, by asset."""
    found: dict[str, Decimal] = {}
    for item in inputs.answers.wallets:
        balance = inputs.judge.number(item, "crossWalletBalance")
        if balance is not None and product_of(inputs, item, legs) == leg.product:
            found[str(item.values["asset"])] = decimal_amount(balance)
    return found


def _root(
    inputs: Inputs, leg: Leg, pool: Sequence[Leg], wallets: dict[str, Decimal], multi: bool
) -> Root:
    row = {
        "wallets": [{"asset": asset, "balance": balance} for asset, balance in wallets.items()],
        "positions": [_position_row(other) for other in pool],
        "multi_assets": multi,
    }
    position = pool.index(leg) if leg.is_isolated else None
    # The price of the one asset that a pool is in scales all of it: it need not be known.
    prices = (inputs if multi else inputs.with_index(dict.fromkeys(wallets, 1.0))).all_prices
    return liquidation_price(
        row, prices, inputs.rules, leg.symbol, mode=leg.product, position=position
    )


def _position_row(leg: Leg) -> dict[str, Any]:
    return {
        "symbol": leg.symbol,
        "side": leg.side,
        "quantity": decimal_amount(leg.quantity),
        "entry_price": leg.entry or leg.mark,
        "leverage": leg.leverage or 1,
        "isolated_margin": leg.isolated_wallet,
    }


def _of_portfolio(
    inputs: Inputs, mode: Mode, leg: Leg, legs: Sequence[Leg]
) -> tuple[Root | None, list[str]]:
    account = portfolio_account(inputs, legs)
    missing = [] if inputs.answers.balances else [NO_BALANCES]
    missing += [phrase for other in legs if other.quantity for phrase in other.lacks("mark")]
    _, terms = equity_terms(mode, account, inputs.quotes, inputs.rules)
    for term in terms:
        missing += missing_phrases(term.asset, term.missing)
    if missing:
        return None, missing
    inputs.judge.remark(
        "The liquidation price of a portfolio margin account is where its mark price alone brings"
        " the whole account to liquidation (our reading)."
    )
    return liquidation_price(_portfolio_row(account), inputs.all_prices, inputs.rules, leg.symbol,
                             mode=mode), []  # fmt: skip


def _portfolio_row(account: Account) -> dict[str, Any]:
    names = ("free", "locked", "borrowed", "interest")
    balances = [
        {
            "asset": balance.asset,
            **{name: decimal_amount(getattr(balance, name)) for name in names},
            "loan_leverage": balance.loan_leverage,
        }
        for balance in account.balances.values()
    ]
    positions = [
        {
            "symbol": position.symbol,
            "side": position.side,
            "quantity": decimal_amount(position.quantity),
            "entry_price": decimal_amount(position.entry_price),
            "leverage": 1,
        }
        for position in account.positions
    ]
    wallets = [{"asset": a, "balance": decimal_amount(x)} for a, x in account.wallets.items()]
    loss = decimal_amount(account.open_order_loss)
    return {
        "balances": balances,
        "wallets": wallets,
        "positions": positions,
        "open_order_loss": loss,
    }

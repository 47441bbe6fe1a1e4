"""The figures of a USDⓈ-M or COIN-M account: of each asset, and the totals of the account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from pymargin.adapters.binance_answers import Item, flag
from pymargin.adapters.verify.inputs import Inputs
from pymargin.adapters.verify.judge import Judge, cut, level_tolerance
from pymargin.adapters.verify.legs import Leg
from pymargin.oracle.futures import MarginPool, united_pool

__all__ = ["is_multi_assets", "product_of", "verify_assets", "verify_totals"]

_NOTHING = Fraction(0)
_FREE = ("availableBalance", "maxWithdrawAmount")
_TOTALS = {
    "totalWalletBalance": "walletBalance",
    "totalUnrealizedProfit": "unrealizedProfit",
    "totalMarginBalance": "marginBalance",
    "totalMaintMargin": "maintMargin",
    "totalInitialMargin": "initialMargin",
    "totalPositionInitialMargin": "positionInitialMargin",
    "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    "totalCrossWalletBalance": "crossWalletBalance",
    "totalCrossUnPnl": "crossUnPnl",
    "availableBalance": "availableBalance",
    "maxWithdrawAmount": "maxWithdrawAmount",
}


def is_multi_assets(inputs: Inputs) -> bool:
    """Return whether the account is in multi-assets mode; where nothing says so, it is not."""
    if inputs.multi_assets is not None:
        return inputs.multi_assets
    said = [flag(item, "multiAssetsMargin") for item in inputs.answers.accounts]
    if any(one is not None for one in said):
        return any(said)
    if any("totalWalletBalance" in item.values for item in inputs.answers.accounts):
        inputs.judge.remark(
            "The answer does not say whether the account is in multi-assets mode: it is read as in"
            " single-asset mode, where totals are of USDT; multi_assets=True reads the other."
        )
    return False


# The figures of each asset.


@dataclass(frozen=True, slots=True)
class _Sum:
    """A figure summed over positions, or what it lacks."""

    value: Fraction
    missing: tuple[str, ...]
    count: int


def verify_assets(inputs: Inputs, legs: Sequence[Leg]) -> None:
    """Look at every figure of every wallet."""
    multi = is_multi_assets(inputs)
    for item in inputs.answers.wallets:
        product = product_of(inputs, item, legs)
        own = [leg for leg in legs if leg.product in ("", product)]
        _verify_asset(inputs, item, own, multi=multi)


def product_of(inputs: Inputs, item: Item, legs: Sequence[Leg]) -> str:
    """Return whose wallet it is: of the product of the positions in the same answer.

    An answer without one is of USDⓈ-M; a coin may have a wallet in either.
    """
    for account in inputs.answers.accounts:
        if item.path.startswith(f"{account.path}.assets["):
            start = f"{account.path}.positions["
            found = [leg for leg in legs if any(x.path.startswith(start) for x in leg.items)]
            products = {leg.product for leg in found} - {""}
            if products:
                return min(products)
    settled = {leg.product for leg in legs if leg.asset == item.values["asset"]}
    return min(settled) if settled else "usdm"


def _verify_asset(inputs: Inputs, item: Item, legs: Sequence[Leg], *, multi: bool) -> None:
    judge, asset = inputs.judge, str(item.values["asset"])
    own = [leg for leg in legs if leg.asset == asset or (leg.quantity and not leg.contract)]
    cross = [leg for leg in own if not leg.is_isolated]
    open_orders = judge.number(item, "openOrderInitialMargin") or _NOTHING
    if open_orders:
        judge.remark("openOrderInitialMargin is taken as given: the answers hold no orders.")
    profit = _profit(own)
    _hold(judge, item, "unrealizedProfit", profit)
    _hold(judge, item, "crossUnPnl", _profit(cross))
    _hold(judge, item, "maintMargin", _summed(own, "maintenance_margin"))
    initial = _summed(own, "initial_margin", "leverage")
    _hold(judge, item, "positionInitialMargin", initial)
    _hold(judge, item, "initialMargin", initial, plus=open_orders)
    _balances(judge, item, own, profit)
    if multi:
        for name in _FREE:
            if item.values.get(name) is not None:
                judge.remark(f"{name} of an asset is not computed in multi-assets mode.")
        return
    _free(judge, item, cross, open_orders)


def _profit(legs: Sequence[Leg]) -> _Sum:
    return _summed(legs, "unrealized_pnl", "entry", "mark")


def _summed(legs: Sequence[Leg], name: str, *needed: str) -> _Sum:
    held = [leg for leg in legs if leg.quantity]
    missing = [phrase for leg in held for phrase in leg.lacks(*needed)]
    value = sum((getattr(leg.term, name) for leg in held), _NOTHING)
    return _Sum(value, tuple(missing), len(held))


def _hold(judge: Judge, item: Item, name: str, found: _Sum, *, plus: Fraction = _NOTHING) -> None:
    tolerance = cut([Fraction(1)] * found.count, "positions")
    of = str(item.values["asset"])
    judge.compare(item, name, found.value + plus, tolerance, of=of, missing=found.missing)


def _balances(judge: Judge, item: Item, legs: Sequence[Leg], profit: _Sum) -> None:
    """Hold the wallet against its parts, and the margin balance against wallet and profit."""
    of = str(item.values["asset"])
    cross, wallet = (judge.number(item, name) for name in ("crossWalletBalance", "walletBalance"))
    isolated = [leg for leg in legs if leg.quantity and leg.is_isolated]
    missing = [f"isolated wallet of {leg.name}" for leg in isolated if leg.isolated_wallet is None]
    apart = sum((Fraction(leg.isolated_wallet or 0) for leg in isolated), _NOTHING)
    if cross is not None:
        tolerance = cut([Fraction(1)] * (1 + len(isolated)), "wallets")
        judge.compare(
            item, "walletBalance", cross + apart, tolerance, of=of, printed=True, missing=missing
        )
    if wallet is None:
        return
    printed = judge.number(item, "unrealizedProfit")
    if printed is not None:
        tolerance = cut((Fraction(1), Fraction(1)), "parts")
        judge.compare(item, "marginBalance", wallet + printed, tolerance, of=of, printed=True)
    _hold(judge, item, "marginBalance", profit, plus=wallet)


def _free(judge: Judge, item: Item, cross: Sequence[Leg], open_orders: Fraction) -> None:
    """Hold what is free: the cross wallet and profit less initial margins, and 0 at least.

    The most that may be withdrawn is that, and never profit (our reading).
    """
    wallet = judge.number(item, "crossWalletBalance") or _NOTHING
    profit, initial = _profit(cross), _summed(cross, "initial_margin", "leverage")
    pool = MarginPool(
        asset=str(item.values["asset"]),
        price=None,
        margin_balance=wallet + profit.value,
        maintenance_margin=_summed(cross, "maintenance_margin").value,
        initial_margin=initial.value + open_orders,
    )
    free = max(_NOTHING, pool.available_balance)
    if pool.margin_balance > 0:
        ratio = pool.maintenance_margin / pool.margin_balance
        judge.compare(item, "marginRatio", ratio, level_tolerance(ratio), of=pool.asset,
                      missing=profit.missing)  # fmt: skip
    missing = (*profit.missing, *initial.missing)
    for name, ours in zip(_FREE, (free, min(free, max(wallet, _NOTHING))), strict=True):
        _hold(judge, item, name, _Sum(ours, missing, 2 * len([leg for leg in cross if leg.term])))


# The totals of the account, of its assets as they are printed.


def verify_totals(inputs: Inputs) -> None:
    """Look at every total of a USDⓈ-M account."""
    for item in inputs.answers.accounts:
        if not any(name in item.values for name in _TOTALS):
            continue
        start = f"{item.path}.assets["
        own = [wallet for wallet in inputs.answers.wallets if wallet.path.startswith(start)]
        if is_multi_assets(inputs):
            _in_dollars(inputs, item, own)
        else:
            _in_usdt(inputs.judge, item, own)


def _in_usdt(judge: Judge, item: Item, wallets: Sequence[Item]) -> None:
    """In single-asset mode the totals are those of USDT."""
    usdt = next((wallet for wallet in wallets if wallet.values["asset"] == "USDT"), None)
    for total, name in _TOTALS.items():
        ours = None if usdt is None else judge.number(usdt, name)
        missing = [] if ours is not None else [f"{name} of USDT"]
        judge.compare(item, total, ours, cut([Fraction(1)], "parts"), printed=True, missing=missing)


def _in_dollars(inputs: Inputs, item: Item, wallets: Sequence[Item]) -> None:
    """In multi-assets mode they are in USD, each at the rate of its sign, margins at the ask."""
    judge, quotes = inputs.judge, inputs.quotes
    held = [wallet for wallet in wallets if _has_figures(judge, wallet)]
    rates = {name: (quotes.bid(name), quotes.ask(name)) for name in map(_asset, held)}
    missing = [f"bid and ask rate of {name}" for name, both in rates.items() if None in both]
    weights = [ask for _, ask in rates.values() if ask is not None]
    whole = united_pool((_pool(judge, wallet, cross=False) for wallet in held), quotes)
    cross = united_pool((_pool(judge, wallet, cross=True) for wallet in held), quotes)
    totals = {
        "totalWalletBalance": whole.wallet,
        "totalUnrealizedProfit": whole.unrealized_pnl,
        "totalMarginBalance": whole.margin_balance,
        "totalMaintMargin": whole.maintenance_margin,
        "totalInitialMargin": whole.initial_margin,
        "totalPositionInitialMargin": _at_ask(inputs, held, "positionInitialMargin"),
        "totalOpenOrderInitialMargin": _at_ask(inputs, held, "openOrderInitialMargin"),
        "totalCrossWalletBalance": cross.wallet,
        "totalCrossUnPnl": cross.unrealized_pnl,
        "availableBalance": max(_NOTHING, cross.available_balance),
    }
    for name, ours in totals.items():
        tolerance = cut(weights, "assets")
        judge.compare(item, name, ours, tolerance, printed=True, missing=missing)
    if item.values.get("maxWithdrawAmount") is not None:
        judge.remark("maxWithdrawAmount is not computed in multi-assets mode.")


def _has_figures(judge: Judge, wallet: Item) -> bool:
    return any(judge.number(wallet, name) for name in _TOTALS.values() if name not in _FREE)


def _asset(wallet: Item) -> str:
    return str(wallet.values["asset"])


def _pool(judge: Judge, wallet: Item, *, cross: bool) -> MarginPool:
    names = ("crossWalletBalance", "crossUnPnl") if cross else ("walletBalance", "unrealizedProfit")
    balance, profit = (judge.number(wallet, name) or _NOTHING for name in names)
    return MarginPool(
        asset=_asset(wallet),
        price=None,
        wallet=balance,
        unrealized_pnl=profit,
        margin_balance=balance + profit,
        maintenance_margin=judge.number(wallet, "maintMargin") or _NOTHING,
        initial_margin=judge.number(wallet, "initialMargin") or _NOTHING,
    )


def _at_ask(inputs: Inputs, wallets: Sequence[Item], name: str) -> Fraction:
    amounts = ((inputs.judge.number(w, name), inputs.quotes.ask(_asset(w))) for w in wallets)
    return sum(((amount or _NOTHING) * (ask or _NOTHING) for amount, ask in amounts), _NOTHING)

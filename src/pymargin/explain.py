"""Every term of one account's level, from the quantities to the action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Literal

from pymargin import oracle
from pymargin.book import check_book
from pymargin.errors import AccountsError, Problem, RulesError
from pymargin.evaluation import check_rules_given
from pymargin.explain_text import number_text, plain_text
from pymargin.leverages import check_classic_leverage
from pymargin.modes import Action, Mode
from pymargin.oracle.schedule import exact
from pymargin.oracle.terms import Level, table_total
from pymargin.prices import Prices, resolve, resolve_marks, resolve_rates
from pymargin.provenance import Audited, Provenance
from pymargin.rules.frozen import FrozenMapping

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.prices import PriceSource
    from pymargin.rules import MarginRules

__all__ = ["Explanation", "explain", "number_text"]

_CLASSIC_SUMS = ("total_asset", "total_liability", "collateral_value")
_CLASSIC_LEVELS = (
    "margin_level",
    "collateral_margin_level",
    "borrow_margin_level",
    "transfer_out_margin_level",
)
_PORTFOLIO_SUMS = (
    "account_equity",
    "actual_equity",
    "open_order_loss",
    "maintenance_margin",
    "initial_margin",
    "available_balance",
    "max_withdrawal",
)
_FUTURES_SUMS = (
    "margin_balance",
    "unrealized_pnl",
    "maintenance_margin",
    "initial_margin",
    "available_balance",
)
_FUTURES_LEVELS = ("margin_level", "margin_ratio")
_PRO_SUMS = (
    "collateral_value",
    "total_liability",
    "net_collateral",
    "open_order_loss",
    "maintenance_margin",
    "initial_margin",
    "available_margin",
)


@dataclass(frozen=True, slots=True)
class Explanation(Audited):
    """One account's level, term by term, in exact numbers; ``str`` gives it as plain text.

    Parameters
    ----------
    account
        The account's id.
    mode
        What was evaluated.
    leverage
        3 or 5 (classic), else None.
    rules_label, rules_moment
        The rules that were read.
    assets
        Quantities, price, value and every tier's slice of each asset, in input order (cross
        margin).
    orders
        Open orders and their loss (pro).
    sums
        Sums over the assets, or over the cross pools, by name, USDT.
    levels
        The levels by name.
    checks
        Every threshold line and grant, with whether it held and whether it decided.
    actions
        The decision.
    missing
        What the account lacks to be priced, a sentence each.
    provenance
        The rules' digest and moment, the formula, the version.
    equities
        Holdings, wallet, profit, rated value and margins of each asset (portfolio margin).
    wallets
        The cross wallets by asset, in its units (futures).
    positions
        Every position: notional, bracket, rate, cum, margins, profit; of an isolated one its own
        level and actions (portfolio margin and futures).
    pools
        What each level is computed on: a settlement asset's cross wallet and positions, or all of
        them in multi-assets mode (futures).
    """

    account: str | int
    mode: Mode
    leverage: int | None
    rules_label: str
    rules_moment: str
    assets: tuple[oracle.AssetTerm, ...]
    orders: tuple[oracle.OrderTerm, ...]
    sums: Mapping[str, Level]
    levels: Mapping[str, Level]
    checks: tuple[oracle.Check, ...]
    actions: Action
    missing: tuple[str, ...]
    provenance: Provenance
    equities: tuple[oracle.EquityTerm, ...] = ()
    wallets: Mapping[str, Fraction] = field(default_factory=dict)
    positions: tuple[oracle.PositionLevels, ...] = ()
    pools: tuple[oracle.MarginPool, ...] = ()

    def __str__(self) -> str:
        return plain_text(self)


def explain(
    accounts: Accounts,
    prices: PriceSource,
    rules: MarginRules,
    account: str | int,
    *,
    mode: Mode | str | None = None,
    leverage: int | None = None,
    collateral: Literal["gross", "net"] = "gross",
    order_loss: Literal["marginal", "standalone"] = "marginal",
    withdrawal: Literal["maintenance", "initial"] = "maintenance",
) -> Explanation:
    """Explain one account: every term of its level, exactly.

    The numbers are the oracle's. An asset without a price or a schedule is named in
    ``.missing`` and the account is UNPRICED; nothing is raised for it.

    Parameters
    ----------
    accounts
        The book that holds the account.
    prices
        As for `pymargin.evaluate`: by asset in USDT and by symbol, a `Prices`, or, without
        positions, float64[n_assets].
    rules
        Schedules, methodology and thresholds.
    account
        The account's id.
    mode
        Any margin mode; the account's own where absent.
    leverage
        3 or 5, for a classic account without one.
    collateral, order_loss
        The readings of `pymargin.cross_pro`.
    withdrawal
        The reading of `pymargin.portfolio`.

    Returns
    -------
    Explanation

    Raises
    ------
    AccountsError
        No such account; neither the account nor the argument gives a mode, or a leverage.
    RulesError
        The rules have no methodology for the mode.
    """
    check_book(accounts)
    check_rules_given(rules)
    check_classic_leverage(leverage)
    row = accounts.row(accounts.position(account))
    asked = _mode(mode if mode is not None else row.get("mode"), account)
    if asked not in (Mode.CROSS_CLASSIC, Mode.CROSS_PRO):
        return _of_positions(
            row, asked, _prices_of(prices, accounts, row, rules), rules, withdrawal
        )
    names = _names(row)
    known = _known_prices(prices, accounts.assets, names)
    if asked is Mode.CROSS_CLASSIC:
        classic = oracle.cross_classic(row, known, rules, leverage=leverage)
        sums = _picked(classic, _CLASSIC_SUMS) | _rated_sums(classic.terms, classic.actions)
        levels, orders = _picked(classic, _CLASSIC_LEVELS), ()
        return _explanation(row, asked, rules, leverage, classic, orders, sums, levels)
    pro = oracle.cross_pro(row, known, rules, collateral=collateral, order_loss=order_loss)
    sums, levels = _picked(pro, _PRO_SUMS), _picked(pro, ("margin_level",))
    return _explanation(row, asked, rules, None, pro, pro.orders, sums, levels)


def _explanation(
    row: Mapping[str, Any],
    mode: Mode,
    rules: MarginRules,
    leverage: int | None,
    found: oracle.ClassicLevels | oracle.ProLevels,
    orders: tuple[oracle.OrderTerm, ...],
    sums: Mapping[str, Level],
    levels: Mapping[str, Level],
) -> Explanation:
    moment = rules.moment
    return Explanation(
        account=row["account"],
        mode=mode,
        leverage=(row.get("leverage") or leverage) if mode is Mode.CROSS_CLASSIC else None,
        rules_label=rules.label,
        rules_moment="" if moment is None else moment.isoformat(timespec="minutes"),
        assets=found.terms,
        orders=orders,
        sums=FrozenMapping(sums),
        levels=FrozenMapping(levels),
        checks=found.checks,
        actions=found.actions,
        missing=tuple(_missing(found.terms, orders)),
        provenance=Provenance.of(rules, rules.methodology[mode.value]),
    )


def _of_positions(
    row: Mapping[str, Any],
    mode: Mode,
    prices: Prices,
    rules: MarginRules,
    withdrawal: Literal["maintenance", "initial"],
) -> Explanation:
    """Explain an account of portfolio margin or futures."""
    found: oracle.PortfolioLevels | oracle.FuturesLevels
    if mode in (Mode.PORTFOLIO, Mode.PORTFOLIO_PRO):
        evaluate = oracle.portfolio if mode is Mode.PORTFOLIO else oracle.portfolio_pro
        found = held = evaluate(row, prices, rules, withdrawal=withdrawal)
        terms: dict[str, Any] = {
            "equities": held.terms,
            "positions": tuple(oracle.PositionLevels(term=term) for term in held.positions),
        }
        sums, levels = _picked(held, _PORTFOLIO_SUMS), _picked(held, ("uni_mmr",))
        missing = [*_lacking(held.terms), *_lacking(held.positions)]
    else:
        found = futures = (oracle.usdm if mode is Mode.USDM else oracle.coinm)(row, prices, rules)
        wallets = {one["asset"]: exact(one["balance"]) for one in row.get("wallets", ())}
        terms = {"wallets": wallets, "positions": futures.positions, "pools": futures.pools}
        sums, levels = _picked(futures, _FUTURES_SUMS), _picked(futures, _FUTURES_LEVELS)
        missing = list(_lacking(one.term for one in futures.positions))
        missing += _unpriced_pools(row, prices, futures.pools)
    moment = rules.moment
    return Explanation(
        account=row["account"],
        mode=mode,
        leverage=None,
        rules_label=rules.label,
        rules_moment="" if moment is None else moment.isoformat(timespec="minutes"),
        assets=(),
        orders=(),
        sums=FrozenMapping(sums),
        levels=FrozenMapping(levels),
        checks=found.checks,
        actions=found.actions,
        missing=tuple(missing) if found.actions & Action.UNPRICED else (),
        provenance=Provenance.of(rules, rules.methodology[mode.value]),
        **terms,
    )


def _lacking(terms: Iterable[oracle.EquityTerm | oracle.PositionTerm]) -> Iterable[str]:
    """Say what each asset and position lacks."""
    for term in terms:
        is_asset = isinstance(term, oracle.EquityTerm)
        name = term.asset if isinstance(term, oracle.EquityTerm) else term.symbol
        for lack in term.missing:
            if lack == "price":
                yield f"{name} has no {'' if is_asset else 'mark '}price"
            elif lack == "contract":
                yield f"{name} is not known as a contract"
            elif lack in ("leverage", "loan_leverage"):
                yield f"{name} has no {lack.replace('_', ' ')}"
            else:
                yield f"{name} has no {'schedule' if is_asset else 'brackets'} in {lack}"


def _unpriced_pools(
    row: Mapping[str, Any], prices: Prices, pools: Iterable[oracle.MarginPool]
) -> Iterable[str]:
    """Say which assets of a futures account lack the price that its pools need."""
    for pool in pools:
        if pool.price is None:
            yield f"{pool.asset} has no price"
    if any(pool.asset == "USD" for pool in pools):
        for wallet in row.get("wallets", ()):
            asset = wallet["asset"]
            if asset != "USDT" and not isfinite(prices.index.get(asset, nan)):
                yield f"{asset} has no price"


def _prices_of(
    prices: PriceSource, accounts: Accounts, row: Mapping[str, Any], rules: MarginRules
) -> Prices:
    """Return the prices of what the account has; NaN where one is missing."""
    symbols = tuple(dict.fromkeys(one["symbol"] for one in row.get("positions", ())))
    held = (one["asset"] for part in ("balances", "wallets") for one in row.get(part, ()))
    names = tuple(dict.fromkeys((*held, *_settlements(symbols, rules))))
    known = _known_prices(prices, accounts.assets, names)
    marks = resolve_marks(prices, symbols).tolist()
    found = Prices(index=known, mark=dict(zip(symbols, marks, strict=True)))
    if not isinstance(prices, Prices):
        return found
    bid, ask = resolve_rates(prices, names)
    rates = (dict(zip(names, side.tolist(), strict=True)) for side in (bid, ask))
    return Prices(found.index, found.mark, *rates)


def _settlements(symbols: Iterable[str], rules: MarginRules) -> Iterable[str]:
    for symbol in symbols:
        with suppress(RulesError):
            yield rules.contract(symbol).settlement_asset


def _mode(mode: Mode | str | None, account: str | int) -> Mode:
    if mode not in tuple(Mode):
        expected = f"one of {', '.join(Mode)}"
        raise AccountsError([Problem(f"mode of account {account!r}", "mode", mode, expected)])
    return Mode(mode)


def _names(row: Mapping[str, Any]) -> tuple[str, ...]:
    named = [balance["asset"] for balance in row["balances"]]
    for order in row.get("orders") or ():
        named += [order["give_asset"], order["get_asset"]]
    return tuple(dict.fromkeys(named))


def _known_prices(
    prices: PriceSource, assets: Sequence[str], names: tuple[str, ...]
) -> dict[str, float]:
    """Return the prices of the account's assets; NaN where one is missing."""
    if isinstance(prices, Mapping) or hasattr(prices, "index"):
        return dict(zip(names, resolve(prices, names).tolist(), strict=True))
    by_asset = dict(zip(assets, resolve(prices, assets).tolist(), strict=True))
    by_asset.setdefault("USDT", 1.0)
    return {name: by_asset.get(name, nan) for name in names}


def _picked(found: object, names: Iterable[str]) -> dict[str, Level]:
    return {name: getattr(found, name) for name in names}


def _rated_sums(terms: tuple[oracle.AssetTerm, ...], actions: Action) -> dict[str, Level]:
    tables = dict.fromkeys(table for term in terms for table in term.collateral)
    tables.pop("collateral", None)
    is_priced = not actions & Action.UNPRICED
    return {f"{table}_value": table_total(terms, table) if is_priced else nan for table in tables}


def _missing(
    terms: Iterable[oracle.AssetTerm], orders: Iterable[oracle.OrderTerm]
) -> Iterable[str]:
    for term in terms:
        for lack in term.missing:
            yield f"{term.asset} has no {lack if lack == 'price' else lack + ' schedule'}"
    for order in orders:
        for lack in order.missing:
            yield f"order {order.give_asset} for {order.get_asset} has no {lack}"

"""Every term of one account's level, from the quantities to the action."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pymargin import oracle
from pymargin.errors import AccountsError, Problem
from pymargin.modes import Action, Mode
from pymargin.oracle.terms import Level, table_total
from pymargin.prices import resolve
from pymargin.provenance import Audited, Provenance

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.prices import PriceSource
    from pymargin.rules import MarginRules

__all__ = ["Explanation", "explain", "number_text"]

_SHOWN_DIGITS = 16
_CLASSIC_SUMS = ("total_asset", "total_liability", "collateral_value")
_CLASSIC_LEVELS = (
    "margin_level",
    "collateral_margin_level",
    "borrow_margin_level",
    "transfer_out_margin_level",
)
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
        Quantities, price, value and every tier's slice of each asset, in input order.
    orders
        Open orders and their loss (pro).
    sums
        Sums over the assets by name, USDT.
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

    def __str__(self) -> str:
        blocks = [
            _heading(self),
            _table(*_balance_lines(self.assets)),
            _table(*_slice_lines(self.assets)),
        ]
        if self.orders:
            blocks.append(_table(*_order_lines(self.orders)))
        if self.missing:
            blocks.append("\n".join(self.missing))
        else:
            named = [*self.sums.items(), *self.levels.items()]
            blocks.append(
                _table(("sum or level", "value"), [(n, number_text(v)) for n, v in named])
            )
            blocks.append(_table(*_check_lines(self.checks)))
        blocks.append(f"actions: {action_text(self.actions)}")
        return "\n\n".join(blocks)


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
) -> Explanation:
    """Explain one account: every term of its level, exactly.

    The numbers are the oracle's. An asset without a price or a schedule is named in
    ``.missing`` and the account is UNPRICED; nothing is raised for it.

    Parameters
    ----------
    accounts
        The book that holds the account.
    prices
        As for `pymargin.cross_classic`: USDT by asset, or float64[n_assets].
    rules
        Schedules, methodology and thresholds.
    account
        The account's id.
    mode
        ``cross_classic`` or ``cross_pro``; the account's own where absent.
    leverage
        3 or 5, for a classic account without one.
    collateral, order_loss
        The readings of `pymargin.cross_pro`.

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
    row = accounts.row(accounts.position(account))
    asked = _mode(mode if mode is not None else row.get("mode"), account)
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
        sums=MappingProxyType(dict(sums)),
        levels=MappingProxyType(dict(levels)),
        checks=found.checks,
        actions=found.actions,
        missing=tuple(_missing(found.terms, orders)),
        provenance=Provenance.of(rules, rules.methodology[mode.value]),
    )


def _mode(mode: Mode | str | None, account: str | int) -> Mode:
    if mode not in (Mode.CROSS_CLASSIC, Mode.CROSS_PRO):
        expected = "cross_classic or cross_pro"
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
    return {name: by_asset[name] for name in names}


def _picked(found: object, names: Iterable[str]) -> dict[str, Level]:
    return {name: getattr(found, name) for name in names}


def _rated_sums(terms: tuple[oracle.AssetTerm, ...], actions: Action) -> dict[str, Level]:
    tables = dict.fromkeys(table for term in terms for table in term.collateral)
    tables.pop("collateral", None)
    is_priced = not actions & Action.UNPRICED
    return {
        f"{table}_value": table_total(terms, table) if is_priced else math.nan for table in tables
    }


def _missing(
    terms: Iterable[oracle.AssetTerm], orders: Iterable[oracle.OrderTerm]
) -> Iterable[str]:
    for term in terms:
        for lack in term.missing:
            yield f"{term.asset} has no {lack if lack == 'price' else lack + ' schedule'}"
    for order in orders:
        for lack in order.missing:
            yield f"order {order.give_asset} for {order.get_asset} has no {lack}"


# Plain text.


def number_text(number: Level | None) -> str:
    """Return a number for people: exact where it is short, else ``~`` and 16 digits.

    >>> number_text(Fraction(5, 2)), number_text(Fraction(10000, 3)), number_text(None)
    ('2.5', '~3,333.333333333333', '-')
    """
    if number is None:
        return "-"
    if isinstance(number, float):
        return str(number)
    context = Context(prec=_SHOWN_DIGITS)
    shown = context.divide(Decimal(number.numerator), Decimal(number.denominator))
    text = f"{shown:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if Fraction(shown) == number else f"~{text}"


def action_text(actions: Action) -> str:
    """Return the names of the actions, separated by commas; ``none`` where there is none."""
    return ", ".join(str(action.name) for action in actions) or "none"


def percent_text(rate: Fraction) -> str:
    """Return a rate as a percentage."""
    return f"{number_text(rate * 100)}%"


_WORDS = (
    "asset", "table", "order gives", "gets", "sum or level", "threshold", "", "holds", "decides",
    "actions",
)  # fmt: skip
Lines = tuple[tuple[str, ...], list[tuple[str, ...]]]


def _heading(it: Explanation) -> str:
    leverage = "" if it.leverage is None else f", {it.leverage}x"
    moment = f" at {it.rules_moment}" if it.rules_moment else ""
    return (
        f"account {it.account}: {it.mode.value} ({it.methodology}{leverage})\n"
        f"rules: {it.rules_label or 'unlabelled'}{moment}"
    )


def _balance_lines(assets: Iterable[oracle.AssetTerm]) -> Lines:
    header = ("asset", "free", "locked", "borrowed", "interest", "price", "value", "debt")
    rows: list[tuple[str, ...]] = []
    for term in assets:
        known = term.price is not None
        numbers = (
            term.free, term.locked, term.borrowed, term.interest, term.price,
            term.value if known else None, term.debt_value if known else None,
        )  # fmt: skip
        rows.append((term.asset, *map(number_text, numbers)))
    return header, rows


def _slice_lines(assets: Iterable[oracle.AssetTerm]) -> Lines:
    header = ("table", "asset", "slice from", "to", "rate", "part", "counts")
    rows: list[tuple[str, ...]] = []
    for term in assets:
        if term.price is None:
            continue
        if term.offset_value:
            part = number_text(term.offset_value)
            rows.append(("set off", term.asset, "", "", percent_text(Fraction(1)), part, part))
        for taken in (*term.collateral.values(), *term.margin.values()):
            for piece in taken.slices:
                numbers = (piece.floor, piece.cap, piece.part, piece.contribution)
                floor, cap, part, counts = map(number_text, numbers)
                rate = percent_text(piece.rate)
                rows.append((taken.table, term.asset, floor, cap, rate, part, counts))
            if taken.beyond:
                beyond = number_text(taken.beyond)
                rows.append((f"{taken.table}: beyond", term.asset, "", "", "", beyond, ""))
    return header, rows


def _order_lines(orders: Iterable[oracle.OrderTerm]) -> Lines:
    header = ("order gives", "units", "gets", "units", "loses", "gains", "loss")
    rows: list[tuple[str, ...]] = []
    for order in orders:
        gives = (order.give_asset, number_text(order.give_quantity))
        gets = (order.get_asset, number_text(order.get_quantity))
        numbers = (order.collateral_given, order.collateral_got, order.loss)
        known = () if order.missing else numbers
        rows.append((*gives, *gets, *(map(number_text, known or (None, None, None)))))
    return header, rows


def _check_lines(checks: Iterable[oracle.Check]) -> Lines:
    header = ("threshold", "level", "", "limit", "holds", "decides", "actions")
    rows: list[tuple[str, ...]] = []
    for check in checks:
        holds, decides = ("yes" if is_so else "no" for is_so in (check.holds, check.fired))
        found, limit = number_text(check.found), number_text(check.limit)
        actions = action_text(check.actions)
        rows.append((check.level, found, check.relation, limit, holds, decides, actions))
    return header, rows


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Align columns: words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if name in _WORDS else cell.rjust(width)
            for cell, width, name in zip(line, widths, header, strict=True)
        ).rstrip()
        for line in (header, *rows)
    )

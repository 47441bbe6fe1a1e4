"""An explanation as plain text: aligned columns, exact figures."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from pymargin.modes import Action

if TYPE_CHECKING:
    from pymargin import oracle
    from pymargin.explain import Explanation
    from pymargin.oracle.terms import Level

__all__ = [
    "bracket_texts",
    "equity_schedules",
    "number_text",
    "plain_text",
    "position_name",
]

_SHOWN_DIGITS = 16


def plain_text(it: Explanation) -> str:
    """Return all blocks of an explanation, from the quantities to the actions."""
    blocks = [_heading(it)]
    if it.assets or not (it.equities or it.wallets or it.positions):
        blocks += [_table(*_balance_lines(it.assets)), _table(*_slice_lines(it.assets))]
    if it.equities:
        blocks += [_table(*_equity_lines(it.equities)), _table(*_equity_value_lines(it.equities))]
        blocks.append(_table(*_rated_lines(equity_schedules(it.equities))))
    if it.wallets:
        blocks.append(
            _table(("wallet", "balance"), [(a, number_text(v)) for a, v in it.wallets.items()])
        )
    if it.positions:
        blocks += [_table(*_position_lines(it.positions)), _table(*_margin_lines(it.positions))]
        isolated = [one for one in it.positions if one.term.is_isolated and not it.missing]
        if isolated:
            blocks.append(_table(*_isolated_lines(isolated)))
    if it.pools and not it.missing:
        blocks.append(_table(*_pool_lines(it.pools)))
    if it.orders:
        blocks.append(_table(*_order_lines(it.orders)))
    if it.missing:
        blocks.append("\n".join(it.missing))
    else:
        named = [*it.sums.items(), *it.levels.items()]
        blocks.append(_table(("sum or level", "value"), [(n, number_text(v)) for n, v in named]))
        blocks.append(_table(*_check_lines(it.checks)))
    blocks.append(f"actions: {action_text(it.actions)}")
    return "\n\n".join(blocks)


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
    "actions", "wallet", "position", "side", "settled in", "isolated", "pool",
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
            rows += _taken_lines(term.asset, taken)
    return header, rows


def _taken_lines(asset: str, taken: oracle.ScheduleValue) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for piece in taken.slices:
        numbers = (piece.floor, piece.cap, piece.part, piece.contribution)
        floor, cap, part, counts = map(number_text, numbers)
        rows.append((taken.table, asset, floor, cap, percent_text(piece.rate), part, counts))
    if taken.beyond:
        beyond = number_text(taken.beyond)
        rows.append((f"{taken.table}: beyond", asset, "", "", "", beyond, ""))
    return rows


def equity_schedules(
    equities: Iterable[oracle.EquityTerm],
) -> Iterable[tuple[str, oracle.ScheduleValue]]:
    """Return each asset whose equity is rated, with its schedule taken there."""
    return [(term.asset, term.collateral) for term in equities if term.collateral is not None]


def _equity_lines(equities: Iterable[oracle.EquityTerm]) -> Lines:
    header = ("asset", "free", "locked", "borrowed", "interest", "wallet", "profit", "equity")
    rows: list[tuple[str, ...]] = []
    for term in equities:
        held = term.balance
        numbers = (held.free, held.locked, held.borrowed, held.interest, term.wallet,
                   term.unrealized_pnl, term.equity)  # fmt: skip
        rows.append((term.asset, *map(number_text, numbers)))
    return header, rows


def _equity_value_lines(equities: Iterable[oracle.EquityTerm]) -> Lines:
    header = ("asset", "price", "value", "counts", "maintenance", "of loans", "initial",
              "of loans ")  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for term in equities:
        numbers = (term.value, term.counted, term.futures_maintenance, term.loan_maintenance,
                   term.futures_initial, term.loan_initial)  # fmt: skip
        known = numbers if term.price is not None else (None,) * len(numbers)
        rows.append((term.asset, *map(number_text, (term.price, *known))))
    return header, rows


def _rated_lines(rated: Iterable[tuple[str, oracle.ScheduleValue]]) -> Lines:
    header = ("table", "asset", "slice from", "to", "rate", "part", "counts")
    rows: list[tuple[str, ...]] = []
    for asset, taken in rated:
        rows += _taken_lines(asset, taken)
    return header, rows


def bracket_texts(term: oracle.PositionTerm) -> tuple[str, ...]:
    """Return floor, cap, rate in percent and cum of a position's bracket; dashes: unknown."""
    if term.margin is None:
        return ("-",) * 4
    last = term.margin.slices[-1]
    figures = number_text(last.floor), "no end" if last.cap is None else number_text(last.cap)
    return (*figures, number_text(term.rate * 100), number_text(term.deduction))


def position_name(term: oracle.PositionTerm) -> str:
    """Return the symbol, in hedge mode with the side."""
    side = term.position.side
    return term.symbol if side == "BOTH" else f"{term.symbol} {side}"


def _position_lines(positions: Iterable[oracle.PositionLevels]) -> Lines:
    header = ("position", "side", "quantity", "entry", "mark", "notional", "profit", "settled in")
    rows: list[tuple[str, ...]] = []
    for term in (one.term for one in positions):
        known = not term.missing
        figures = (term.notional, term.unrealized_pnl) if known else (None, None)
        numbers = (term.position.quantity, term.position.entry_price, term.mark, *figures)
        named = (term.symbol, term.position.side)
        rows.append((*named, *map(number_text, numbers), term.settlement_asset or "-"))
    return header, rows


def _margin_lines(positions: Iterable[oracle.PositionLevels]) -> Lines:
    header = ("position", "bracket from", "to", "rate, %", "cum", "maintenance", "leverage",
              "initial")  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for term in (one.term for one in positions):
        figures = (term.maintenance_margin, term.leverage, term.initial_margin)
        known = (None,) * 3 if term.missing else figures
        rows.append((position_name(term), *bracket_texts(term), *map(number_text, known)))
    return header, rows


def _isolated_lines(positions: Iterable[oracle.PositionLevels]) -> Lines:
    header = ("isolated", "wallet ", "balance", "maintenance", "margin level", "actions")
    rows: list[tuple[str, ...]] = []
    for one in positions:
        wallet = one.term.position.isolated_margin
        numbers = (wallet, one.margin_balance, one.maintenance_margin, one.margin_level)
        rows.append((position_name(one.term), *map(number_text, numbers), action_text(one.actions)))
    return header, rows


def _pool_lines(pools: Iterable[oracle.MarginPool]) -> Lines:
    header = ("pool", "price", "wallet ", "profit", "balance", "maintenance", "initial",
              "available")  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for pool in pools:
        margins = (pool.maintenance_margin, pool.initial_margin, pool.available_balance)
        numbers = (pool.price, pool.wallet, pool.unrealized_pnl, pool.margin_balance, *margins)
        rows.append((pool.asset, *map(number_text, numbers)))
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

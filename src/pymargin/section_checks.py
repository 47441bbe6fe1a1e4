"""Checks of wallets and positions, each fault with its place and its account."""

from __future__ import annotations

from math import isnan

from pymargin.columns import MAX_PROBLEMS, AccountProblem, Columns, Faults
from pymargin.sections import SIDES, Positions, Wallets

__all__ = ["check_sections"]

SIDE_RULE = "BOTH, LONG or SHORT"
# The faults of the core, by its codes.
_ID_OUT_OF_RANGE, _SYMBOL_OUT_OF_RANGE = 7, 18
_DUPLICATE_ASSET, _ENTRY_PRICE, _SIDE_SIGN, _DUPLICATE, _MIXED = 9, 11, 15, 16, 17
_RULES = {
    8: ("balance", "finite"),
    10: ("quantity", "finite"),
    12: ("leverage", "an integer >= 1"),
    13: ("side", "0, 1 or 2 (BOTH, LONG, SHORT)"),
    14: ("isolated_margin", "finite"),
}


def check_sections(columns: Columns, faults: Faults) -> None:
    """Add every fault of the wallets and the positions to the faults; shapes must be right."""
    from pymargin import _core

    wallets, positions = columns.wallets, columns.positions
    if wallets is not None and len(wallets):
        for code, account, entry in _core.check_wallets(
            wallets.offsets,
            wallets.asset_ids,
            wallets.balance,
            len(columns.assets),
            MAX_PROBLEMS,
        ):
            faults.add(_wallet_problem(columns, wallets, code, account, entry), account)
    if positions is not None and len(positions):
        for code, account, entry in _core.check_positions(
            positions.offsets,
            positions.symbol_ids,
            positions.quantity,
            positions.entry_price,
            positions.leverage,
            positions.side,
            positions.isolated_margin,
            len(columns.symbols),
            MAX_PROBLEMS,
        ):
            faults.add(_position_problem(columns, positions, code, account, entry), account)


def _wallet_problem(
    columns: Columns, wallets: Wallets, code: int, account: int, entry: int
) -> AccountProblem:
    who = columns.ids[account]
    path = f"wallets[{entry - int(wallets.offsets[account])}]"
    number = int(wallets.asset_ids[entry])
    if code == _ID_OUT_OF_RANGE:
        rule = f"less than {len(columns.assets)}, the number of assets"
        return AccountProblem(f"{path}.asset_id", "range", number, rule, account=who)
    if code == _DUPLICATE_ASSET:
        found = f"{columns.assets[number]!r} again"
        rule = "unique in the account"
        return AccountProblem(f"{path}.asset", "duplicate", found, rule, account=who)
    name, rule = _RULES[code]
    value = float(wallets.balance[entry])
    return AccountProblem(f"{path}.{name}", "range", value, rule, account=who)


def _position_problem(
    columns: Columns, positions: Positions, code: int, account: int, entry: int
) -> AccountProblem:
    who = columns.ids[account]
    path = f"positions[{entry - int(positions.offsets[account])}]"
    if code in (_DUPLICATE, _MIXED):
        return _clash(columns, positions, code, account, entry)
    if code == _SYMBOL_OUT_OF_RANGE:
        number = int(positions.symbol_ids[entry])
        rule = f"less than {len(columns.symbols)}, the number of symbols"
        return AccountProblem(f"{path}.symbol_id", "range", number, rule, account=who)
    if code == _ENTRY_PRICE:
        return _entry_price_problem(f"{path}.entry_price", positions.entry_price[entry], who)
    if code == _SIDE_SIGN:
        side = int(positions.side[entry])
        rule = f"{'>= 0' if side == 1 else '<= 0'} on the {SIDES[side]} side"
        value = float(positions.quantity[entry])
        return AccountProblem(f"{path}.quantity", "range", value, rule, account=who)
    name, rule = _RULES[code]
    found = getattr(positions, name)[entry].item()
    return AccountProblem(f"{path}.{name}", "range", found, rule, account=who)


def _entry_price_problem(path: str, price: float, who: object) -> AccountProblem:
    price = float(price)
    if isnan(price):
        return AccountProblem(path, "range", "absent or nan", "finite and > 0", account=who)
    rule = "> 0" if price <= 0 else "from 1e-100 to 1e+100"
    return AccountProblem(path, "range", price, rule, account=who)


def _clash(
    columns: Columns, positions: Positions, code: int, account: int, entry: int
) -> AccountProblem:
    """Return the problem of a position that another of its account leaves no room for."""
    begin = int(positions.offsets[account])
    symbols = positions.symbol_ids[begin:entry]
    sides, quantities = positions.side[begin:entry], positions.quantity[begin:entry]
    side = int(positions.side[entry])
    is_other = (symbols == positions.symbol_ids[entry]) & (quantities != 0)
    is_other &= sides == side if code == _DUPLICATE else (sides == 0) != (side == 0)
    other = int(is_other.argmax())
    path, first = f"positions[{entry - begin}]", f"positions[{other}]"
    symbol = columns.symbols[int(positions.symbol_ids[entry])]
    who = columns.ids[account]
    if code == _DUPLICATE:
        rule = f"the account's only {SIDES[side]} position in {symbol!r}"
        return AccountProblem(path, "duplicate", f"one beside {first}", rule, account=who)
    rule = f"of one mode with {first}, which is {SIDES[int(sides[other])]} in {symbol!r}"
    return AccountProblem(f"{path}.side", "mode", SIDES[side], rule, account=who)

"""What accounts with wallets and positions lose by a change of schedules, name by name."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.attribution import Loss
from pymargin.instruments import multi_assets_of
from pymargin.pools import BoundPools
from pymargin.tables import compile_tables

__all__ = ["equity_losses", "margin_losses"]

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

_NOTHING = Loss(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def margin_losses(
    before: BoundPools, after: BoundPools, of: Bools, *, initial: bool = False
) -> Loss:
    """Return what more margin each position is asked for, by symbol.

    Parameters
    ----------
    before, after
        The same book bound to both rules.
    of
        bool[n_accounts]: only these accounts; all their positions can be valued.
    initial
        Initial margin, not maintenance margin.
    """
    positions = after.accounts._positions
    if positions is None:
        return _NOTHING
    is_changed = np.array(_changed_symbols(before, after), dtype=bool)
    account = _accounts_of(positions.offsets)
    entries = np.flatnonzero(is_changed[positions.symbol_ids] & of[account])
    if not len(entries):
        return _NOTHING
    field = "initial_margin" if initial else "maintenance_margin"
    change = _of_positions(after, field)[entries] - _of_positions(before, field)[entries]
    symbols = positions.symbol_ids[entries].astype(np.int64)
    is_isolated = ~np.isnan(positions.isolated_margin[entries])
    price = _margin_prices(after, account[entries], _settlements(after)[symbols], is_isolated)
    return Loss(account[entries], symbols, change * price)


def equity_losses(before: BoundPools, after: BoundPools, of: Bools) -> Loss:
    """Return what the equity in each asset counts for less, of portfolio accounts.

    Parameters
    ----------
    before, after
        The same book bound to both rules.
    of
        bool[n_accounts]: only these accounts; all that they have can be valued.
    """
    table, names = str(after.mode), after.accounts.assets
    old = [before.rows.rules.find(table, name) for name in names]
    new = [after.rows.rules.find(table, name) for name in names]
    is_changed = np.array(
        [a is not None and b is not None and a != b for a, b in zip(old, new, strict=True)], bool
    )
    account, asset, value = _equity(after, is_changed, of)
    amount = _rated(before, asset, value) - _rated(after, asset, value)
    return Loss(account, asset, amount)


def _equity(
    bound: BoundPools, of_asset: Bools, of_account: Bools
) -> tuple[Integers, Integers, Floats]:
    """Return account, asset and equity (USDT, at least 0) of each pair that occurs, in order."""
    accounts, n_assets = bound.accounts, len(bound.accounts.assets)
    parts: list[tuple[Integers, npt.NDArray[np.integer], Floats]] = [
        (
            _accounts_of(accounts._offsets),
            accounts._asset_ids,
            (accounts._free + accounts._locked) - (accounts._borrowed + accounts._interest),
        )
    ]
    wallets, positions = accounts._wallets, accounts._positions
    if wallets is not None:
        parts.append((_accounts_of(wallets.offsets), wallets.asset_ids, wallets.balance))
    if positions is not None:
        settled = _settlements(bound)[positions.symbol_ids]
        parts.append(
            (_accounts_of(positions.offsets), settled, _of_positions(bound, "unrealized_pnl"))
        )
    keys, units = [], []
    for account, asset, amount in parts:
        number = asset.astype(np.int64)
        # What nobody holds is no name of the book: the rules of such an asset move no driver.
        taken = np.flatnonzero((number < n_assets) & of_account[account])
        taken = taken[of_asset[number[taken]]]
        keys.append(account[taken] * n_assets + number[taken])
        units.append(amount[taken])
    pairs, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    total = np.bincount(inverse.reshape(-1), weights=np.concatenate(units), minlength=len(pairs))
    owners, assets = np.divmod(pairs, max(n_assets, 1))
    value: Floats = np.maximum(total, 0.0) * bound.index[assets]
    return owners, assets, value


def _rated(bound: BoundPools, asset: Integers, value: Floats) -> Floats:
    """Return float64[k]: what the collateral rates make of equity."""
    compiled = compile_tables(bound.rows.rules)
    numbers = compiled.numbers[str(bound.mode)]
    rated = np.empty(len(value))
    for number in np.unique(asset).tolist():
        where = np.flatnonzero(asset == number)
        schedule = numbers[bound.accounts.assets[number]]
        rated[where] = compiled.schedules.value(schedule, np.ascontiguousarray(value[where]))
    return rated


def _changed_symbols(before: BoundPools, after: BoundPools) -> list[bool]:
    """Say of each symbol whether its brackets, known to both rules, are not the same."""
    changed = []
    for contract, symbol in zip(after.rows.contracts, after.accounts.symbols, strict=True):
        product = None if contract is None else contract.product
        old, new = (
            None if product is None else bound.rows.rules.find(product, symbol)
            for bound in (before, after)
        )
        changed.append(old is not None and new is not None and old != new)
    return changed


def _accounts_of(offsets: Integers) -> Integers:
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def _settlements(bound: BoundPools) -> Integers:
    """int64[symbols]: the asset of each, one beyond the assets where the symbol is not known."""
    number = {asset: k for k, asset in enumerate(bound.assets)}
    settled = (None if one is None else one.settlement_asset for one in bound.rows.contracts)
    return np.array([number.get(asset or "", len(number)) for asset in settled], dtype=np.int64)


def _margin_prices(
    bound: BoundPools, account: Integers, asset: Integers, is_isolated: Bools
) -> Floats:
    """Return USDT of a unit of margin: the index price, the ask rate in multi-assets mode."""
    price = np.append(bound.index, np.nan)[asset]
    multi = multi_assets_of(bound.mode, bound.accounts)
    if multi is None:
        return price
    ask = np.append(bound.rows.ask, np.nan)[asset]
    return np.where(multi[account].astype(bool) & ~is_isolated, ask, price)


def _of_positions(bound: BoundPools, field: str) -> Floats:
    """float64[positions], in units of the settlement asset."""
    values = np.empty(len(bound.accounts._positions or ()))
    others = dict.fromkeys(("notional", "unrealized_pnl", "maintenance_margin", "initial_margin"))
    _core.evaluate_positions(bound.pools, bound.market, **{**others, field: values})
    return values

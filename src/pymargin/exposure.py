"""What a book holds and owes in all, asset by asset and symbol by symbol: `exposure`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from pymargin.book import check_book
from pymargin.errors import Problem, RulesError, UnpricedError
from pymargin.evaluation import Missing
from pymargin.prices import PriceSource, resolve, resolve_marks
from pymargin.provenance import Audited, Provenance
from pymargin.rules.contracts import Contract, contract_of
from pymargin.words import counted

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.rules import MarginRules

__all__ = ["AssetExposure", "Exposure", "SymbolExposure", "exposure"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class _Table(Audited):
    """Arrays of one row a name."""

    key: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each row."""
        names: tuple[str, ...] = getattr(self, f"{self.key}s")
        return names

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in self.columns}

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table`` with a row a name, provenance as metadata.

        Raises
        ------
        ImportError
            pyarrow is not installed (extra ``arrow``).
        """
        from pymargin.adapters.results import named_to_arrow

        return named_to_arrow(self.key, self.names, self.arrays(), self.provenance)

    def to_frame(self) -> Any:
        """Return a ``pandas.DataFrame`` indexed by name, provenance in its ``attrs``.

        Raises
        ------
        ImportError
            pandas is not installed (extra ``frames``).
        """
        from pymargin.adapters.results import named_to_frame

        return named_to_frame(self.key, self.names, self.arrays(), self.provenance)


@dataclass(frozen=True, eq=False)
class AssetExposure(_Table):
    """What a book holds and owes of a assets; quantities in units, values in USDT.

    Parameters
    ----------
    assets
        The names.
    price
        float64[a], index price, NaN where missing.
    held, owed
        float64[a]: free and locked; borrowed and interest.
    wallet, isolated_wallet
        float64[a]: futures wallets (what they owe taken off), and the wallets of isolated
        positions settled in the asset.
    net
        float64[a]: ``held - owed + wallet + isolated_wallet``, without unrealised profit.
    held_value, owed_value, net_value
        float64[a], USDT.
    holders, owers
        int64[a]: how many accounts hold it (a wallet above 0 too), and owe it (one below 0 too).
    provenance
        As of the `Exposure`.
    """

    key: ClassVar[str] = "asset"
    columns: ClassVar[tuple[str, ...]] = (
        "price",
        "held",
        "owed",
        "wallet",
        "isolated_wallet",
        "net",
        "held_value",
        "owed_value",
        "net_value",
        "holders",
        "owers",
    )
    assets: tuple[str, ...]
    price: Floats
    held: Floats
    owed: Floats
    wallet: Floats
    isolated_wallet: Floats
    net: Floats
    held_value: Floats
    owed_value: Floats
    net_value: Floats
    holders: Counts
    owers: Counts
    provenance: Provenance


@dataclass(frozen=True, eq=False)
class SymbolExposure(_Table):
    """What a book's positions in s symbols come to.

    Parameters
    ----------
    symbols
        The names.
    settlement_asset
        object[s] of str.
    mark
        float64[s], mark price, NaN where missing.
    long, short
        float64[s], quantities bought and sold, both 0 or more: base units (COIN-M: contracts).
    long_notional, short_notional, unrealized_pnl
        float64[s] in the settlement asset.
    long_value, short_value, net_value
        float64[s]: the notionals in USDT at the settlement asset's index price, long less short.
    long_positions, short_positions
        int64[s].
    provenance
        As of the `Exposure`.
    """

    key: ClassVar[str] = "symbol"
    columns: ClassVar[tuple[str, ...]] = (
        "settlement_asset",
        "mark",
        "long",
        "short",
        "long_notional",
        "short_notional",
        "unrealized_pnl",
        "long_value",
        "short_value",
        "net_value",
        "long_positions",
        "short_positions",
    )
    symbols: tuple[str, ...]
    settlement_asset: npt.NDArray[np.object_]
    mark: Floats
    long: Floats
    short: Floats
    long_notional: Floats
    short_notional: Floats
    unrealized_pnl: Floats
    long_value: Floats
    short_value: Floats
    net_value: Floats
    long_positions: Counts
    short_positions: Counts
    provenance: Provenance


@dataclass(frozen=True, slots=True, eq=False)
class Exposure(Audited):
    """The totals of a book: ``by_asset`` and, of its positions, ``by_symbol``.

    The provenance names the rules whose contracts were read, none (``""``) where none were given.
    """

    by_asset: AssetExposure
    by_symbol: SymbolExposure
    provenance: Provenance


def exposure(
    accounts: Accounts,
    prices: PriceSource,
    *,
    rules: MarginRules | None = None,
    missing: Missing = "raise",
) -> Exposure:
    """Add up what all accounts hold, owe and have positions in.

    Quantities are summed in account order; orders are not counted.

    Parameters
    ----------
    accounts
        The book.
    prices
        Index prices in USDT by asset and mark prices by symbol, as in `evaluate`.
    rules
        Whose contracts tell settlement asset and contract size; None: the symbols' names do.
    missing
        ``"raise"``, or ``"flag"``: what has no price, or no contract, has NaN for its values.

    Returns
    -------
    Exposure
        ``by_asset``, an `AssetExposure` of the book's assets and those that its positions are
        settled in, and ``by_symbol``, a `SymbolExposure`. Each has ``to_arrow`` and ``to_frame``.

    Raises
    ------
    PricesError
        A price is negative or not a number.
    UnpricedError
        What is held, owed or has positions and cannot be valued.

    Examples
    --------
    >>> import pymargin as pm
    >>> rows = [{"account": 1, "balances": [{"asset": "BTC", "free": 2}]},
    ...         {"account": 2, "balances": [{"asset": "BTC", "free": 1, "borrowed": 0.5}]}]
    >>> found = pm.exposure(pm.Accounts.from_rows(rows), {"BTC": 60_000}).by_asset
    >>> found.held, found.net_value, found.holders
    (array([3.]), array([150000.]), array([2]))
    """
    if missing not in ("raise", "flag"):
        raise ValueError(f"missing must be 'raise' or 'flag', not {missing!r}")
    check_book(accounts)
    stored = {} if rules is None else rules.contracts
    contracts = tuple(_contract(symbol, stored) for symbol in accounts.symbols)
    settled = (one.settlement_asset for one in contracts if one is not None)
    assets = tuple(dict.fromkeys((*accounts.assets, *settled)))
    price = _index(prices, assets, len(accounts.assets))
    provenance = Provenance.of(rules, "exposure")
    by_asset = _by_asset(accounts, assets, price, contracts, provenance)
    price_of = dict(zip(assets, price, strict=True))
    by_symbol = _by_symbol(accounts, prices, contracts, price_of, provenance)
    if missing == "raise":
        problems = [*_unpriced_assets(by_asset), *_unpriced_symbols(by_symbol)]
        if problems:
            raise UnpricedError(problems)
    return Exposure(by_asset, by_symbol, provenance)


def _contract(symbol: str, stored: Any) -> Contract | None:
    try:
        return contract_of(symbol, stored)
    except RulesError:
        return None


def _index(prices: PriceSource, assets: tuple[str, ...], n_of_book: int) -> Floats:
    """Return index prices; an array holds those of the book's own assets only."""
    if isinstance(prices, np.ndarray):
        return np.concatenate(
            [resolve(prices, assets[:n_of_book]), resolve({}, assets[n_of_book:])]
        )
    return resolve(prices, assets)


def _by_asset(
    accounts: Accounts,
    assets: tuple[str, ...],
    price: Floats,
    contracts: tuple[Contract | None, ...],
    provenance: Provenance,
) -> AssetExposure:
    n = len(assets)

    def total(ids: npt.NDArray[Any], amounts: Floats) -> Floats:
        return np.bincount(ids, weights=amounts, minlength=n).astype(np.float64)

    ids, wallets = accounts._asset_ids, accounts.wallets
    held = total(ids, accounts._free + accounts._locked)
    owed = total(ids, accounts._borrowed + accounts._interest)
    wallet = total(wallets.asset_ids, wallets.balance)
    isolated = _isolated_wallets(accounts, assets, contracts)
    net = held - owed + wallet + isolated
    holders, owers = _users(accounts, n)
    return AssetExposure(
        assets=assets,
        price=price,
        held=held,
        owed=owed,
        wallet=wallet,
        isolated_wallet=isolated,
        net=net,
        held_value=held * price,
        owed_value=owed * price,
        net_value=net * price,
        holders=holders,
        owers=owers,
        provenance=provenance,
    )


def _users(accounts: Accounts, n: int) -> tuple[Counts, Counts]:
    """Return int64[n] each: how many accounts hold, and owe, each asset; once an account."""
    wallets = accounts.wallets
    found = []
    owners = np.repeat(np.arange(len(accounts)), np.diff(accounts._offsets))
    of_wallets = np.repeat(np.arange(len(accounts)), np.diff(wallets.offsets))
    for balances, sign in (
        ((accounts._free > 0) | (accounts._locked > 0), 1),
        ((accounts._borrowed > 0) | (accounts._interest > 0), -1),
    ):
        has = wallets.balance * sign > 0
        ids = np.concatenate(
            [accounts._asset_ids[balances].astype(np.int64), wallets.asset_ids[has]]
        )
        if has.any():
            both = np.concatenate([owners[balances], of_wallets[has]]) * n + ids
            ids = np.unique(both) % n
        found.append(np.bincount(ids, minlength=n).astype(np.int64))
    return found[0], found[1]


def _isolated_wallets(
    accounts: Accounts, assets: tuple[str, ...], contracts: tuple[Contract | None, ...]
) -> Floats:
    positions = accounts.positions
    numbers = {asset: number for number, asset in enumerate(assets)}
    settled = [-1 if one is None else numbers[one.settlement_asset] for one in contracts]
    margins = np.nan_to_num(positions.isolated_margin, nan=0.0)
    asset = np.array(settled, dtype=np.int64)[positions.symbol_ids]
    is_known = asset >= 0
    found = np.bincount(asset[is_known], weights=margins[is_known], minlength=len(assets))
    return found.astype(np.float64)


def _by_symbol(
    accounts: Accounts,
    prices: PriceSource,
    contracts: tuple[Contract | None, ...],
    price_of: dict[str, float],
    provenance: Provenance,
) -> SymbolExposure:
    positions, n = accounts.positions, len(accounts.symbols)
    mark = resolve_marks(prices, accounts.symbols)
    is_inverse = np.array([one is not None and one.product == "coinm" for one in contracts], bool)
    size = np.array([float(one.contract_size) if one else np.nan for one in contracts])
    ids, quantity, entry = positions.symbol_ids, positions.quantity, positions.entry_price
    is_long = quantity > 0

    def total(amounts: Floats, which: npt.NDArray[np.bool_]) -> Floats:
        found = np.bincount(ids[which], weights=amounts[which], minlength=n)
        return found.astype(np.float64)

    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(is_inverse, size / mark, size * mark)
        # A price of 0 leaves one over it without a number.
        unit = np.where(np.isfinite(unit), unit, np.nan)
    long, short = total(quantity, is_long), total(-quantity, ~is_long)
    opened = np.where(is_inverse[ids], size[ids] / entry, size[ids] * entry)
    opened_by_symbol = total(quantity * opened, np.ones(len(ids), dtype=bool))
    profit = (long - short) * unit - opened_by_symbol
    unrealized_pnl = np.where(is_inverse, -profit, profit)
    settled = np.array([one.settlement_asset if one else "" for one in contracts], dtype=object)
    rate = np.array([price_of.get(asset, np.nan) for asset in settled.tolist()], dtype=np.float64)
    return SymbolExposure(
        symbols=accounts.symbols,
        settlement_asset=settled,
        mark=mark,
        long=long,
        short=short,
        long_notional=long * unit,
        short_notional=short * unit,
        unrealized_pnl=unrealized_pnl,
        long_value=long * unit * rate,
        short_value=short * unit * rate,
        net_value=(long - short) * unit * rate,
        long_positions=np.bincount(ids[is_long], minlength=n).astype(np.int64),
        short_positions=np.bincount(ids[~is_long], minlength=n).astype(np.int64),
        provenance=provenance,
    )


def _unpriced_assets(found: AssetExposure) -> list[Problem]:
    used = (found.holders > 0) | (found.owers > 0) | (found.isolated_wallet != 0)
    return [
        Problem(
            "",
            f"{found.assets[number]} has no finite price: held by "
            f"{counted(int(found.holders[number]), 'account')}, owed by {found.owers[number]:,}",
        )
        for number in np.flatnonzero(used & np.isnan(found.price)).tolist()
    ]


def _unpriced_symbols(found: SymbolExposure) -> list[Problem]:
    problems = []
    count = found.long_positions + found.short_positions
    for number in np.flatnonzero((count > 0) & np.isnan(found.net_value)).tolist():
        symbol, asset = found.symbols[number], found.settlement_asset[number]
        if not asset:
            why = "has no contract in the rules, and its name does not tell one"
        elif np.isnan(found.long_notional[number]):
            why = "has no finite mark price above 0"
        else:
            why = f"is settled in {asset}, which has no finite price"
        problems.append(
            Problem("", f"{symbol} {why}: {counted(int(count[number]), 'position')} in it")
        )
    return problems

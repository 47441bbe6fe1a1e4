"""What stands at a moment: rules taken apart, so that one change after the other can be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from pymargin.rules.kinds import TABLES
from pymargin.rules.model import Group, MarginRules
from pymargin.rules.schedules import Tier

if TYPE_CHECKING:
    from pymargin.notices.change import Change

__all__ = ["FLAT_TABLES", "Standing", "Stated", "agree", "agree_but_for_rounding", "table_of"]

Stated: TypeAlias = int | Decimal | tuple[Tier, ...] | None
"""One side of a change: a rank, a rate, a schedule; None where nothing is stated."""

Schedule: TypeAlias = tuple[Tier, ...]

FLAT_TABLES = {"rate": "portfolio", "borrow_rate": "borrow", "transfer_out_rate": "transfer_out"}
"""What a change calls a flat rate, and the table of the rules that holds it."""

_TIERS = {"cross_margin": "collateral", "portfolio_pro": "portfolio_pro"}
# Which part of the rules holds a product's ranks, and which tables an asset's rank decides.
_RANKS = {"cross_margin": "ranks", "portfolio_pro": "portfolio_pro_ranks"}
_BY_RANK = {
    "cross_margin": ("collateral", "borrow", "transfer_out"),
    "portfolio_pro": ("portfolio_pro",),
}
# Notices print some rates to fewer digits than the exchange applies (16.70 % for 0.1667).
_PRINTED_DIGITS = 3


def table_of(change: Change) -> str | None:
    """Name the table of the rules that a change writes; None where it writes a rank."""
    if change.table == "tiers":
        return _TIERS.get(change.product)
    if change.table == "brackets":
        return change.product
    return FLAT_TABLES.get(change.table)


def agree(one: Stated, other: Stated) -> bool:
    """Say whether two sides state the same.

    A leverage counts only where both name one. That nothing counts above the last cap may be
    stated by a last tier of rate 0, or by leaving it out.
    """
    if isinstance(one, tuple) and isinstance(other, tuple):
        return _agree(one, other, Decimal.__eq__)
    return one == other


def agree_but_for_rounding(one: Stated, other: Stated) -> bool:
    """Say whether two sides state the same once every rate is rounded to three digits."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return _agree(one, other, _printed_alike)
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _printed_alike(one, other)
    return one == other


def _agree(one: Schedule, other: Schedule, same_rate: Callable[[Decimal, Decimal], bool]) -> bool:
    one, other = _without_tail(one), _without_tail(other)
    return len(one) == len(other) and all(
        (a.floor, a.cap) == (b.floor, b.cap)
        and same_rate(a.rate, b.rate)
        and (a.leverage is None or b.leverage is None or a.leverage == b.leverage)
        for a, b in zip(one, other, strict=True)
    )


def _printed_alike(one: Decimal, other: Decimal) -> bool:
    if one == other or not one or not other:
        return one == other
    step = Decimal(1).scaleb(max(one.adjusted(), other.adjusted()) - _PRINTED_DIGITS + 1)
    return one.quantize(step) == other.quantize(step)


def _without_tail(tiers: Schedule) -> Schedule:
    is_tail = len(tiers) > 1 and tiers[-1].cap is None and tiers[-1].rate == 0
    return tiers[:-1] if is_tail else tiers


class Standing:
    """The tables and ranks at a moment, which changes are applied to."""

    def __init__(self, rules: MarginRules) -> None:
        self._ranks: dict[str, dict[str, int]] = {
            product: dict(getattr(rules, part)) for product, part in _RANKS.items()
        }
        self._ranked: dict[str, dict[int, Schedule]] = {table: {} for table in TABLES}
        self._own: dict[str, dict[str, Schedule]] = {table: {} for table in TABLES}
        # What a notice prints as the table of a rank without saying that it holds from then on.
        self._printed: dict[str, dict[int, Schedule]] = {table: {} for table in TABLES}
        self._present = set(rules.tables)
        for table, groups in rules.tables.items():
            for group in groups:
                if group.rank is not None:
                    self._ranked[table][group.rank] = group.tiers
                self._own[table].update(dict.fromkeys(group.assets, group.tiers))

    def found(self, change: Change) -> Stated:
        """Return what stands where a change would write; None where nothing does."""
        table = table_of(change)
        if table is None:
            return self._rank(change.product, str(change.key))
        if isinstance(change.key, int):
            tiers = self._ranked[table].get(change.key)
            if tiers is None and change.table in FLAT_TABLES:
                tiers = self._of_peers(change.product, table, change.key)
        else:
            tiers = self._schedule(table, self._name(table, change.key))
        if change.table in FLAT_TABLES and tiers is not None and len(tiers) == 1:
            return tiers[0].rate
        return tiers

    def has_schedule(self, change: Change) -> bool:
        """Say whether an asset that the rules name singly has what a change gives a rank."""
        table = table_of(change)
        return table is not None and any(
            agree(tiers, change.after) for tiers in self._own[table].values()
        )

    def learn(self, change: Change) -> None:
        """Note the table that a notice prints for a rank, by which the rank is told."""
        table = table_of(change)
        side = change.before if change.after is None else change.after
        if table is not None and isinstance(change.key, int):
            self._printed[table][change.key] = _schedule_of(side)

    def apply(self, change: Change) -> str | None:
        """Make a change; say what could not follow it, or None."""
        table, after = table_of(change), change.after
        if after is None:
            self.learn(change)
            return None
        if table is None:
            assert isinstance(after, int)
            return self._move(change.product, str(change.key), after)
        self._present.add(table)
        if isinstance(change.key, int):
            self._ranked[table][change.key] = _schedule_of(after)
        else:
            self._own[table][self._name(table, change.key)] = _schedule_of(after)
        return None

    def parts(self) -> Mapping[str, Any]:
        """Return the tables and ranks as `MarginRules.replace` takes them."""
        tables = {}
        for table in TABLES:
            if table in self._present:
                groups = [Group(tiers, rank=rank) for rank, tiers in self._ranked[table].items()]
                named: dict[Schedule, list[str]] = {}
                for name, tiers in self._own[table].items():
                    named.setdefault(tiers, []).append(name)
                groups += [Group(tiers, assets=tuple(names)) for tiers, names in named.items()]
                tables[table] = groups
        return {"tables": tables, **{part: self._ranks[p] for p, part in _RANKS.items()}}

    def _name(self, table: str, name: str) -> str:
        """Return the symbol that a notice means: of COIN-M it names the perpetual by its pair."""
        if table != "coinm" or "_" in name or name in self._own[table]:
            return name
        return f"{name}_PERP"

    def _schedule(self, table: str, name: str) -> Schedule | None:
        own = self._own[table].get(name)
        if own is not None:
            return own
        product = next((p for p, tables in _BY_RANK.items() if table in tables), "")
        rank = self._ranks.get(product, {}).get(name)
        return None if rank is None else self._ranked[table].get(rank)

    def _rank(self, product: str, asset: str) -> int | None:
        """Return a stored rank, else the only one whose tiers the asset has."""
        if asset in self._ranks[product]:
            return self._ranks[product][asset]
        table = _TIERS[product]
        own = self._own[table].get(asset)
        known = {**self._printed[table], **self._ranked[table]}
        alike = [rank for rank, tiers in known.items() if agree(tiers, own)]
        return alike[0] if len(alike) == 1 else None

    def _move(self, product: str, asset: str, rank: int) -> str | None:
        """Give an asset another rank, and with it the schedules of the rank.

        A schedule that names the asset gives way only where it came from a rank: where the rules
        hold no rank of the asset, as the exchange's answers do not, or where it is that of the
        old rank. One that somebody set beside a rank stays.
        """
        before = self._ranks[product].get(asset)
        without = []
        for table in _BY_RANK[product]:
            if table not in self._present:
                continue
            own = self._own[table].get(asset)
            old = None if before is None else self._ranked[table].get(before)
            if own is not None and before is not None and not agree(own, old):
                continue
            new = self._ranked[table].get(rank) or self._of_peers(product, table, rank)
            if new is None and (own is not None or old is not None):
                without.append(table)
            elif new is not None and rank not in self._ranked[table]:
                self._own[table][asset] = new
            elif own is not None:
                del self._own[table][asset]
        self._ranks[product][asset] = rank
        if not without:
            return None
        return f"the rules hold no schedule of rank {rank} in table {' or '.join(without)}"

    def _of_peers(self, product: str, table: str, rank: int) -> Schedule | None:
        """Return the schedule that all assets of a rank have in a table that names them singly.

        The exchange's answers name every asset and no rank: there the borrow ratio of a rank is
        that of the assets with the rank's collateral tiers, if it is the same for all.
        """
        if table == _TIERS[product]:
            return None
        peers = [name for name in self._own[table] if self._rank(product, name) == rank]
        schedules = {self._own[table][name] for name in peers}
        return schedules.pop() if len(schedules) == 1 else None


def _schedule_of(side: Stated) -> Schedule:
    """Return a side of a change as a schedule: a flat rate is one open tier."""
    if isinstance(side, tuple):
        return side
    assert isinstance(side, Decimal)
    return (Tier(Decimal(0), None, side),)

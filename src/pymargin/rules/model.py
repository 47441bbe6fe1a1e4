"""MarginRules: what holds at one moment, checked, immutable and ready to be asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any

from pymargin.errors import Problem, RulesError
from pymargin.rules.checks import Group, check_groups
from pymargin.rules.contracts import (
    Contract,
    check_products,
    contract_of,
    contracts_document,
    read_contracts,
)
from pymargin.rules.document import digest, text
from pymargin.rules.facets import (
    LeverageLimits,
    check_leverage_limits,
    check_methodology,
    check_ranks,
    is_country,
)
from pymargin.rules.findings import Findings
from pymargin.rules.frozen import FrozenMapping
from pymargin.rules.kinds import RATIO_TABLES, TABLES, table_kind
from pymargin.rules.loans import (
    LOAN_MARGIN,
    LoanMargin,
    loan_margin_document,
    read_loan_leverage,
    read_loan_margin,
)
from pymargin.rules.methodology import methodology_at, parse_moment
from pymargin.rules.schedules import Tier, offsets
from pymargin.rules.schedules import value as rated
from pymargin.rules.thresholds import (
    DEFAULT_THRESHOLDS,
    ModeThresholds,
    read_thresholds,
    thresholds_document,
)

__all__ = ["Contract", "Group", "LeverageLimits", "LoanMargin", "MarginRules"]


@dataclass(frozen=True, slots=True, eq=False)
class MarginRules:
    """Hold the rules of an exchange as they stand at one moment.

    Made by ``load_rules``, ``rules_from_binance``, ``builtin_rules`` or ``example_rules``; built
    in memory, they are checked just the same. Two rules are equal when their digests are.

    Parameters
    ----------
    tables
        Table name to its groups of schedules. A group that names an asset goes before the one of
        the asset's rank.
    ranks
        Asset to its rank (the exchange's "asset number") in cross margin.
    portfolio_pro_ranks
        Asset to its rank in Portfolio Margin Pro, which numbers its ranks otherwise.
    methodology
        Product to the name of its formula; the newest of each by default.
    thresholds
        Product to its thresholds; those left out are the exchange's.
    leverage_limits
        The largest leverage of Cross Margin Pro by country.
    contracts
        Futures symbol to its contract; see ``contract`` for a symbol that is not there.
    loan_margin
        Leverage to what a margin loan of portfolio margin asks for.
    loan_leverage
        Asset to the leverage of its margin loans, for balances that give none.
    moment
        When these rules hold, aware; None for "the newest".
    stable
        Assets whose price a market-wide shock leaves alone, besides USDT.
    label, sources
        What the rules are, and the documents they stand on; not part of the digest.
    notes
        Warnings of the reader that made them.

    Raises
    ------
    RulesError
        With every fault, each under the path that it would have in a rules file.
    """

    tables: Mapping[str, Sequence[Group]]
    ranks: Mapping[str, int] = field(default_factory=dict)
    portfolio_pro_ranks: Mapping[str, int] = field(default_factory=dict)
    methodology: Mapping[str, str] = field(default_factory=lambda: methodology_at(None))
    thresholds: Mapping[str, ModeThresholds] = field(default_factory=lambda: DEFAULT_THRESHOLDS)
    leverage_limits: LeverageLimits = field(default_factory=LeverageLimits)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    loan_margin: Mapping[int, LoanMargin] = field(default_factory=lambda: LOAN_MARGIN)
    loan_leverage: Mapping[str, int] = field(default_factory=dict)
    moment: datetime | None = None
    stable: frozenset[str] = frozenset()
    label: str = ""
    sources: tuple[str, ...] = ()
    notes: tuple[Problem, ...] = ()
    _found: Mapping[str, Mapping[str, tuple[Tier, ...]]] = field(init=False, repr=False)
    _digest: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        findings = Findings()
        check_groups(findings, self.tables)
        ranks = {"ranks": self.ranks, "portfolio_pro_ranks": self.portfolio_pro_ranks}
        for name, given in ranks.items():
            check_ranks(findings, f"$.{name}", given)
        check_methodology(findings, "$.methodology", self.methodology)
        check_leverage_limits(findings, self.leverage_limits)
        for asset in sorted(self.stable):
            findings.name("$.stable", asset)
        written = thresholds_document(self.thresholds)
        thresholds = read_thresholds(findings, "$.thresholds", written)
        contracts = read_contracts(findings, "$.contracts", contracts_document(self.contracts))
        margins = loan_margin_document(self.loan_margin)
        loan_margin = read_loan_margin(findings, "$.loan_margin", margins)
        loan_leverage = read_loan_leverage(
            findings, "$.loan_leverage", self.loan_leverage, loan_margin
        )
        check_products(findings, self.contracts, self.tables)
        moment = parse_moment(self.moment, path="$.moment")
        findings.raise_errors()
        tables = _in_normal_form(self.tables)
        settled = {
            "tables": tables,
            **{name: FrozenMapping(given) for name, given in ranks.items()},
            "methodology": FrozenMapping(self.methodology),
            "thresholds": thresholds,
            "contracts": contracts,
            "loan_margin": loan_margin,
            "loan_leverage": loan_leverage,
            "moment": moment,
            "stable": frozenset(self.stable),
            "sources": tuple(self.sources),
            "notes": tuple(self.notes),
            "_found": _lookup(tables, ranks),
        }
        for name, part in settled.items():
            object.__setattr__(self, name, part)
        object.__setattr__(self, "_digest", digest(self))

    def __eq__(self, other: object) -> bool:
        return self._digest == other._digest if isinstance(other, MarginRules) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        tables = ", ".join(f"{table}: {len(self.names(table))} names" for table in self.tables)
        return f"<MarginRules {self.label!r} {{{tables}}} {self._digest[:12]}>"

    @property
    def digest(self) -> str:
        """The SHA-256 of everything that can change an answer, in hex; not label or sources."""
        return self._digest

    def has_table(self, table: str) -> bool:
        """Say whether the rules hold a table at all.

        Raises
        ------
        RulesError
            There is no such table; the message lists those that exist.
        """
        return table_kind(table).name in self.tables

    def find(self, table: str, name: str) -> tuple[Tier, ...] | None:
        """Return the schedule of a name, or None; equal schedules are one and the same tuple."""
        table_kind(table)
        return self._found.get(table, {}).get(name)

    def tiers(self, table: str, name: str) -> tuple[Tier, ...]:
        """Return the schedule of a name.

        Raises
        ------
        RulesError
            There is none. Where the asset has a rank, the message names both.
        """
        found = self.find(table, name)
        if found is not None:
            return found
        if not self.has_table(table):
            raise RulesError(f"{name} has no schedule: the rules hold no table {table}")
        if table_kind(table).ranks is None:
            raise RulesError(f"{name} has no schedule in table {table}")
        rank = self.rank(name, table=table)
        if rank is None:
            raise RulesError(f"{name} has no schedule in table {table}, and no rank")
        raise RulesError(
            f"{name} has rank {rank}, and rank {rank} has no schedule in table {table}"
        )

    def cum(self, table: str, name: str) -> tuple[Decimal, ...]:
        """Return the quick deduction of each tier: a margin is ``value * rate - cum``.

        The exchange's ``cum``, ``fastNum`` or maintenance amount, derived from floors and rates:
        of each tier that of the tier before, and floor * (rate - rate of the tier before)
        ("Leverage and Margin of USDⓈ-M Futures", FAQ b3c689c1f50a44cabb3a84e663b81d93). In a
        table of holdings, whose rates fall, the figures are 0 or less.

        Raises
        ------
        RulesError
            As `tiers`.

        Examples
        --------
        >>> from pymargin.rules import example_rules
        >>> example_rules().cum("usdm", "BTCUSDT")[:3]
        (Decimal('0'), Decimal('300'), Decimal('1320'))
        """
        return tuple(-offset if offset else offset for offset in offsets(self.tiers(table, name)))

    def names(self, table: str) -> tuple[str, ...]:
        """Return every name that has a schedule in a table, sorted."""
        table_kind(table)
        return tuple(self._found.get(table, {}))

    def rank(self, asset: str, *, table: str = "collateral") -> int | None:
        """Return the rank of an asset (the exchange's "asset number"), or None.

        Parameters
        ----------
        asset
            The asset.
        table
            A table that the rank is to serve: those of cross margin share one set of ranks,
            ``portfolio_pro`` has its own, and the others have none.
        """
        part = table_kind(table).ranks
        ranks: Mapping[str, int] = {} if part is None else getattr(self, part)
        return ranks.get(asset)

    def contract(self, symbol: str) -> Contract:
        """Return the contract of a futures symbol: the one stored, else what its name tells.

        Our reading of names: ``BTCUSDT`` and ``BTCUSDT_260327`` are settled in USDT;
        ``BTCUSD_PERP`` is a COIN-M contract of 100 USD settled in BTC, and one on any other coin
        is 10 USD.

        Raises
        ------
        RulesError
            The rules hold none, and the name does not tell; the message names the symbol.

        Examples
        --------
        >>> from pymargin.rules import example_rules
        >>> example_rules().contract("BTCUSDT").settlement_asset
        'USDT'
        """
        return contract_of(symbol, self.contracts)

    def collateral_value(
        self, asset: str, value: Decimal | int | float | str, *, table: str = "collateral"
    ) -> Decimal:
        """Rate a holding slice by slice, exactly.

        Parameters
        ----------
        asset
            The asset held.
        value
            The value of the whole holding in USDT, not negative. A float is taken as its
            shortest decimal.
        table
            ``collateral``, ``borrow``, ``transfer_out``, ``portfolio`` or ``portfolio_pro``; a
            liability table gives the margin.

        Raises
        ------
        RulesError
            The asset has no schedule in the table, or the value is no number or negative.

        Examples
        --------
        >>> from pymargin.rules import builtin_rules
        >>> rules = builtin_rules(at="2025-11-07T06:00Z")
        >>> rules.collateral_value("WIF", 1_500_000)
        Decimal('1435000')
        """
        findings = Findings()
        number = findings.decimal("value", value)
        if number is not None and number < 0:
            findings.error("value", "negative", found=number, expected="at least 0")
        findings.raise_errors()
        assert number is not None
        return rated(self.tiers(table, asset), number, excess=table_kind(table).excess)

    def max_leverage(self, country: str | None) -> int:
        """Return the largest leverage of Cross Margin Pro in a country.

        Parameters
        ----------
        country
            ISO 3166 code of two letters, in either case (UK is taken as GB); None where it is
            not known, which gives the general one.

        Raises
        ------
        RulesError
            The country is not a code of two letters.
        """
        if country is None:
            return self.leverage_limits.default
        if not isinstance(country, str) or not is_country(country.upper()):
            raise RulesError(f"country must be an ISO 3166 code of two letters, not {country!r}")
        code = "GB" if country.upper() == "UK" else country.upper()
        limits = self.leverage_limits
        return limits.restricted if code in limits.countries else limits.default

    def problems(self) -> tuple[Problem, ...]:
        """Return the warnings: what was odd in the source but did not refuse it."""
        findings = Findings()
        absent = [table for table in RATIO_TABLES if table not in self.tables]
        classic = self.methodology.get("cross_classic", "")
        if absent and "collateral" in self.tables and classic.startswith("classic_2026"):
            findings.warning(
                "$.tables",
                f"no table {' and no table '.join(absent)}: under {classic} their margin levels"
                " are NaN and the actions they grant are withheld",
            )
        for table, groups in self.tables.items():
            for position, group in enumerate(groups):
                where = f"$.tables.{table}[{position}].tiers"
                for k, tier in enumerate(group.tiers):
                    if tier.rate > 1:
                        findings.warning(
                            f"{where}[{k}].rate",
                            "rate above 1",
                            found=tier.rate,
                            expected="a fraction, not a percentage (1 is 100 %)",
                        )
        return self.notes + findings.warnings

    def replace(self, **changes: Any) -> MarginRules:
        """Return rules with some parts changed, checked anew.

        A changed ``moment`` leaves the other parts, the methodology too, as they are.
        Notes of the reader are kept only while the tables are.
        """
        if "tables" in changes:
            changes.setdefault("notes", ())
        return dataclasses.replace(self, **changes)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the canonical file, UTF-8; reading and writing it again gives the same bytes."""
        Path(path).write_text(text(self), encoding="utf-8", newline="\n")


def _in_normal_form(tables: Mapping[str, Sequence[Group]]) -> FrozenMapping[str, tuple[Group, ...]]:
    """Order the groups, merge those that share a schedule, and share equal schedules."""
    shared: dict[tuple[Tier, ...], tuple[Tier, ...]] = {}
    normal: dict[str, tuple[Group, ...]] = {}
    for table in TABLES:
        if table not in tables:
            continue
        ranked: list[Group] = []
        assets_of: dict[tuple[Tier, ...], list[str]] = {}
        for group in tables[table]:
            tiers = tuple(group.tiers)
            tiers = shared.setdefault(tiers, tiers)
            if group.rank is not None:
                ranked.append(Group(tiers, rank=group.rank))
            else:
                assets_of.setdefault(tiers, []).extend(group.assets)
        ranked.sort(key=lambda group: group.rank or 0)
        named = [Group(tiers, assets=tuple(sorted(names))) for tiers, names in assets_of.items()]
        named.sort(key=lambda group: group.assets)
        normal[table] = (*ranked, *named)
    return FrozenMapping(normal)


def _lookup(
    tables: Mapping[str, Sequence[Group]], ranks: Mapping[str, Mapping[str, int]]
) -> FrozenMapping[str, FrozenMapping[str, tuple[Tier, ...]]]:
    """Find the schedule of every name: the asset's own, else its rank's."""
    found: dict[str, FrozenMapping[str, tuple[Tier, ...]]] = {}
    for table, groups in tables.items():
        part = table_kind(table).ranks
        rank_of = {} if part is None else ranks[part]
        by_rank = {group.rank: group.tiers for group in groups if group.rank is not None}
        own = {asset: group.tiers for group in groups for asset in group.assets}
        ranked = {asset: by_rank[rank] for asset, rank in rank_of.items() if rank in by_rank}
        found[table] = FrozenMapping(dict(sorted({**ranked, **own}.items())))
    return FrozenMapping(found)

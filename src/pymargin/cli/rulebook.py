"""Shows rules: what they hold, and the tiers of one asset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from pymargin.cli.figures import counted
from pymargin.cli.screen import Column, Screen
from pymargin.errors import RulesError
from pymargin.explain import number_text
from pymargin.oracle.schedule import exact_decimal

if TYPE_CHECKING:
    from pymargin.rules import MarginRules, ModeThresholds
    from pymargin.rules.thresholds import Limit

__all__ = ["show_asset", "show_rules"]


def show_rules(screen: Screen, rules: MarginRules) -> None:
    """Print where the rules come from, their tables and their thresholds."""
    screen.line(f"{rules.label or 'unlabelled rules'}{_when(rules)}")
    screen.line(f"digest {rules.digest}")
    screen.heading("Formulas")
    screen.table([Column("mode"), Column("methodology")], list(rules.methodology.items()))
    screen.heading("Tables")
    columns = [Column("table"), Column("names", True), Column("distinct schedules", True)]
    rows = []
    for table in rules.tables:
        names = rules.names(table)
        distinct = {rules.tiers(table, name) for name in names}
        rows.append((table, f"{len(names):,}", f"{len(distinct):,}"))
    screen.table(columns, rows)
    loans = rules.loan_margin.values()
    if loans:
        rates = ", ".join(f"{_figure(loan.maintenance_rate)} ({loan.leverage}x)" for loan in loans)
        screen.line()
        screen.line(f"Maintenance rate of a margin loan of portfolio margin: {rates}.")
    if rules.contracts:
        screen.line(f"{counted(len(rules.contracts), 'contract')} of futures.")
    for mode, thresholds in rules.thresholds.items():
        screen.heading(f"Thresholds of {mode}; the first line that holds decides")
        screen.table([Column("if"), Column("then")], list(_threshold_lines(thresholds)))
    limits = rules.leverage_limits
    if limits.countries:
        screen.line()
        screen.line(
            f"Largest leverage of cross_pro: {limits.default}, and {limits.restricted} in "
            f"{', '.join(sorted(limits.countries))}."
        )
    for heading, lines in (
        ("Sources", rules.sources),
        ("Warnings", tuple(map(str, rules.problems()))),
    ):
        if lines:
            screen.heading(heading)
        for line in lines:
            screen.line(f"- {line}")


def show_asset(screen: Screen, rules: MarginRules, asset: str) -> None:
    """Print the tiers of an asset in every table that has some.

    Raises
    ------
    RulesError
        No table has any; where the asset has a rank, the message says that too.
    """
    rank = rules.rank(asset)
    known = "no rank" if rank is None else f"rank {rank}"
    pro_rank = rules.rank(asset, table="portfolio_pro")
    known += "" if pro_rank is None else f" (rank {pro_rank} in portfolio_pro)"
    tables = [table for table in rules.tables if rules.find(table, asset) is not None]
    if not tables:
        if rank is None:
            raise RulesError(f"{asset} is in no table of these rules, and has no rank")
        raise RulesError(f"{asset} has {known}, and no table of these rules has tiers for it")
    screen.line(f"{asset}, {known}: {rules.label or 'unlabelled rules'}{_when(rules)}")
    for table in tables:
        tiers = rules.tiers(table, asset)
        screen.heading(f"{table}, values in {_unit(rules, table, asset)}")
        has_leverage = any(tier.leverage is not None for tier in tiers)
        columns = [Column("above", True), Column("up to", True), Column("rate", True)]
        columns += [Column("leverage", True)] if has_leverage else []
        rows = []
        for tier in tiers:
            cap = "no end" if tier.cap is None else _figure(tier.cap)
            cells = (_figure(tier.floor), cap, f"{_figure(tier.rate * 100)} %")
            leverage = "" if tier.leverage is None else f"{tier.leverage}x"
            rows.append((*cells, leverage) if has_leverage else cells)
        screen.table(columns, rows)
    without = [table for table in rules.tables if table not in tables]
    if without:
        screen.line()
        screen.line(f"{asset} has no tiers in {counted(len(without), 'table')}: "
                    f"{', '.join(without)}.")  # fmt: skip


def _unit(rules: MarginRules, table: str, name: str) -> str:
    """Say what the caps of a schedule are in: futures brackets, in the settlement asset."""
    return rules.contract(name).settlement_asset if table in ("usdm", "coinm") else "USDT"


def _when(rules: MarginRules) -> str:
    return "" if rules.moment is None else f", as of {rules.moment:%Y-%m-%d %H:%M} UTC"


def _figure(number: Decimal) -> str:
    return number_text(exact_decimal(number))


def _threshold_lines(thresholds: ModeThresholds) -> Iterator[tuple[str, str]]:
    for line in thresholds.lines:
        own = ", or the account's own margin-call ratio" if line.own_ratio else ""
        yield f"{line.level} at most {_limit(line.at_most)}{own}", ", ".join(line.actions)
    yield "otherwise", ", ".join(thresholds.actions)
    for grant in thresholds.grants:
        yield f"otherwise, and {grant.level} above {_limit(grant.above)}", grant.action


def _limit(limit: Limit) -> str:
    if isinstance(limit, Mapping):
        return " or ".join(f"{_figure(figure)} ({x}x)" for x, figure in sorted(limit.items()))
    return _figure(limit)

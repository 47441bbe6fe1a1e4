"""What the built-in rules state of portfolio margin and futures; cross margin: test_rules_model."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pymargin.errors import RulesError
from pymargin.rules import MarginRules, builtin_rules
from pymargin.rules.builtin_futures import BRACKETS
from pymargin.rules.builtin_portfolio import PRO_MOVES, RATES
from pymargin.rules.schedules import offsets

OBSERVED = Path(__file__).parents[2] / "shared" / "notices" / "announced_vs_observed.json"

needs_shared = pytest.mark.skipif(
    not OBSERVED.is_file(), reason="the reference folder ../shared is not present"
)

NOTICE = "2026-02-03"
SYMBOLS = {symbol for move in BRACKETS for symbol in move.assets}


def observed() -> list[dict[str, Any]]:
    """The changes of the notice of 2026-02-03, with what the exchange's API showed."""
    found: list[dict[str, Any]] = json.loads(OBSERVED.read_text(encoding="utf-8"))
    return [change for change in found if NOTICE in change["file"]]


def brackets(rules: MarginRules, symbol: str) -> list[list[Decimal | None]]:
    tiers = rules.tiers("usdm", symbol)
    rows = zip(tiers, offsets(tiers), strict=True)
    return [[tier.cap, tier.rate, tier.leverage, -offset] for tier, offset in rows]


def decimals(rows: list[list[float]]) -> list[list[Decimal]]:
    return [[Decimal(str(figure)) for figure in row] for row in rows]


@needs_shared
def test_the_brackets_before_and_after_are_those_that_the_exchange_applied() -> None:
    assert {change["symbol"] for change in observed()} == SYMBOLS
    for change in observed():
        moment = datetime.fromisoformat(change["effective_utc"]).replace(tzinfo=UTC)
        before = builtin_rules(at=moment - timedelta(minutes=1))
        after = builtin_rules(at=moment)
        symbol = change["symbol"]
        assert brackets(before, symbol) == decimals(change["observed_before"]), symbol
        assert brackets(after, symbol) == decimals(change["observed_after"]), symbol


def test_a_contract_changes_its_brackets_at_the_moment_announced() -> None:
    at = ("2026-02-03T08:59Z", "2026-02-03T09:00Z")
    first = [builtin_rules(at=one).tiers("usdm", "TSLAUSDT")[0] for one in at]
    assert [tier.leverage for tier in first] == [5, 10]


def test_brackets_that_no_document_states_are_absent() -> None:
    with pytest.raises(RulesError, match="BTCUSDT has no schedule in table usdm"):
        builtin_rules().tiers("usdm", "BTCUSDT")
    assert not builtin_rules().has_table("coinm")


@pytest.mark.parametrize(("asset", "before", "after"), [("LTC", 850, 800), ("STRK", 450, 300)])
def test_a_flat_rate_changes_at_the_moment_announced(asset: str, before: int, after: int) -> None:
    found = [
        builtin_rules(at=at).collateral_value(asset, 1000, table="portfolio")
        for at in ("2026-02-06T05:59Z", "2026-02-06T06:00Z")
    ]
    assert found == [before, after]


def test_the_notice_of_february_2026_changes_22_flat_rates() -> None:
    assert sum(len(move.assets) for move in RATES) == 22
    assert all(move.before is not None and move.before > move.after for move in RATES)


def test_fet_moves_from_rank_7_to_8_of_portfolio_pro() -> None:
    before, after = (builtin_rules(at=at) for at in ("2026-02-06T05:59Z", "2026-02-06T06:00Z"))
    assert [rules.rank("FET", table="portfolio_pro") for rules in (before, after)] == [7, 8]
    held = [
        rules.collateral_value("FET", 1_000_000, table="portfolio_pro") for rules in (before, after)
    ]
    assert held == [800_000 + 190_000, 200_000 + 160_000 + 280_000 + 80_000]


def test_a_rank_of_portfolio_pro_is_not_the_rank_of_cross_margin() -> None:
    rules = builtin_rules(at="2026-02-07T00:00Z")
    assert (rules.rank("STRK"), rules.rank("STRK", table="portfolio_pro")) == (9, 8)


def test_portfolio_pro_has_the_tiers_of_eleven_ranks() -> None:
    groups = builtin_rules().tables["portfolio_pro"]
    assert [group.rank for group in groups] == [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16]


def test_a_user_gives_the_ranks_that_no_document_states() -> None:
    rules = builtin_rules().replace(portfolio_pro_ranks={"BFUSD": 13})
    held = rules.collateral_value("BFUSD", 20_000_000, table="portfolio_pro")
    assert held == 8_000_000 * Decimal("0.999") + 4_000_000 * Decimal("0.975")


def test_before_its_tiers_portfolio_pro_has_neither_formula_nor_table() -> None:
    before = builtin_rules(at="2024-09-10T23:59Z")
    assert "portfolio_pro" not in before.methodology
    assert not before.has_table("portfolio_pro")
    assert before.portfolio_pro_ranks == {}
    assert builtin_rules(at="2024-09-11T00:00Z").has_table("portfolio_pro")


def test_every_document_is_named_once() -> None:
    sources = builtin_rules().sources
    assert len(set(sources)) == len(sources)
    for named in ("2026-02-03", "146ac090", "4868b2f1", "5e33af8e", "b3c689c1"):
        assert any(named in source for source in sources), named
    assert any(PRO_MOVES[0].source == source for source in sources)

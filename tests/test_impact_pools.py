"""What a change of rules does to futures and portfolio accounts, against single evaluations."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pool_books import ASSETS, PRODUCTS, pool_prices, pool_row, pool_rules

import pymargin as pm
from pymargin import oracle
from pymargin.notices import Change
from pymargin.rules import Group, Tier
from pymargin.rules.contracts import Contract

MODES = ("usdm", "coinm", "portfolio", "portfolio_pro")


def tiers(*steps: tuple[str | None, str, int | None]) -> tuple[Tier, ...]:
    """Build tiers from caps, rates and leverages."""
    made, floor = [], Decimal(0)
    for cap, rate, leverage in steps:
        end = None if cap is None else Decimal(cap)
        made.append(Tier(floor, end, Decimal(rate), leverage))
        floor = end or floor
    return tuple(made)


BRACKETS = {
    "AAAUSDT": tiers(("1000", "0.01", 50), ("10000", "0.02", 20)),
    "BBBUSDT": tiers(("1000", "0.01", 50), ("10000", "0.05", 20)),
}
COIN = {"AAAUSD_PERP": tiers(("100", "0.01", 50), ("1000", "0.05", 20))}
RATES = {"USDT": "1", "AAA": "0.9", "BBB": "0.8"}


def rules(
    usdm: Any = BRACKETS, coinm: Any = COIN, rates: Any = RATES, pro: Any = RATES
) -> pm.MarginRules:
    def flat(given: Any) -> list[Group]:
        return [Group(tiers((None, rate, None)), assets=(name,)) for name, rate in given.items()]

    def brackets(given: Any) -> list[Group]:
        return [Group(steps, assets=(name,)) for name, steps in given.items()]

    return pm.MarginRules(
        {
            "usdm": brackets(usdm),
            "coinm": brackets(coinm),
            "portfolio": flat(rates),
            "portfolio_pro": flat(pro),
        },
        contracts={
            **{name: Contract("usdm", name[:3], "USDT") for name in BRACKETS},
            "AAAUSD_PERP": Contract("coinm", "AAA", "AAA", Decimal(10)),
        },
        loan_leverage={"USDT": 5, "AAA": 5, "BBB": 5},
    )


PRICES = pm.Prices(
    index={"AAA": 10.0, "BBB": 100.0},
    mark={"AAAUSDT": 10.0, "BBBUSDT": 100.0, "AAAUSD_PERP": 10.0},
)
DEARER = {**BRACKETS, "AAAUSDT": tiers(("500", "0.02", 25), ("10000", "0.04", 10))}


def position(symbol: str, quantity: float, entry: float, **others: Any) -> dict[str, Any]:
    return {"symbol": symbol, "quantity": quantity, "entry_price": entry, "leverage": 10, **others}


def futures(name: str, wallet: float, *positions: Any, **others: Any) -> dict[str, Any]:
    wallets = [{"asset": "USDT", "balance": wallet}]
    return {"account": name, "mode": "usdm", "wallets": wallets, "positions": positions, **others}


def impact(rows: Any, before: pm.MarginRules, after: pm.MarginRules, **options: Any) -> pm.Impact:
    return pm.impact(pm.Accounts.from_rows(rows), PRICES, before, after, **options)


# A bracket notice over futures accounts.


def test_a_bracket_change_is_extra_margin_and_names_its_symbol() -> None:
    # 200 AAA at 10: 2,000 USDT of notional; maintenance 30 before, 70 after; 3 BBB: none of it.
    row = futures("u", 100.0, position("AAAUSDT", 200, 10.0), position("BBBUSDT", 3, 100.0))
    it = impact([row], rules(), rules(DEARER))
    before, after = (oracle.usdm(row, PRICES, x) for x in (rules(), rules(DEARER)))
    assert (before.maintenance_margin, after.maintenance_margin) == (30 + 3, 70 + 3)
    assert it.margin_added.tolist() == it.collateral_lost.tolist() == [40.0]
    assert it.driver.tolist() == ["AAAUSDT"]
    assert it.lost_by_asset == {"AAAUSDT": 40.0}
    assert it.level_before[0] == pytest.approx(100 / 33)
    assert it.level_after[0] == pytest.approx(100 / 73)
    assert it.summary.changed == it.summary.losing == it.summary.asked_more == 1
    assert it.top_up_liquidation.tolist() == [0.0]
    assert np.isnan(it.top_up_call).all()


def test_who_is_newly_liquidated_needs_the_margin_that_is_lacking() -> None:
    row = futures("u", 50.0, position("AAAUSDT", 200, 10.0))
    it = impact([futures("v", 500.0, position("AAAUSDT", 200, 10.0)), row], rules(), rules(DEARER))
    assert it.summary.newly_liquidated == 1
    assert it.top_up_liquidation.tolist() == [0.0, 20.0]
    assert it.ids[it.worst()].tolist() == ["u", "v"]
    for extra, is_due in ((19.99, True), (20.01, False)):
        topped = futures("u", 50.0 + extra, position("AAAUSDT", 200, 10.0))
        found = pm.evaluate(pm.Accounts.from_rows([topped]), PRICES, rules(DEARER))
        assert bool(found.actions[0] & pm.Action.LIQUIDATE) == is_due


def test_price_factors_are_had_at_the_prices_of_assets_and_symbols() -> None:
    rows = [futures("u", 100.0, position("AAAUSDT", 200, 10.0)), futures("v", 5.0)]
    it = impact(rows, rules(), rules(DEARER))
    assert it.prices is PRICES
    assert it.price_before.shape == it.price_after.shape == (2,)
    known = ~np.isnan(it.price_after)
    assert (it.price_after[known] >= it.price_before[known]).all()
    assert np.isnan(it.price_after[1])


def test_an_isolated_position_that_is_due_counts_as_liquidated() -> None:
    alone = position("AAAUSDT", 200, 10.0, isolated_margin=50.0)
    it = impact([futures("u", 1000.0, alone)], rules(), rules(DEARER))
    assert it.level_after.tolist() == it.level_before.tolist() == [np.inf]
    assert it.actions_after[0] & pm.Action.ISOLATED_LIQUIDATE
    assert it.margin_added.tolist() == [40.0]
    assert it.top_up_liquidation.tolist() == [20.0]
    assert it.summary.newly_liquidated == 1
    assert it.driver.tolist() == ["AAAUSDT"]


def test_coin_margin_is_counted_in_usdt() -> None:
    # 300 contracts of 10 USD at 10: 300 AAA; maintenance 1 + 10 AAA before, 1 + 20 after.
    row = {
        "account": "c",
        "mode": "coinm",
        "wallets": [{"asset": "AAA", "balance": 50.0}],
        "positions": [position("AAAUSD_PERP", 300, 10.0)],
    }
    dearer = {"AAAUSD_PERP": tiers(("100", "0.01", 50), ("1000", "0.1", 20))}
    it = impact([row], rules(), rules(coinm=dearer))
    assert it.margin_added.tolist() == [pytest.approx(100.0)]
    assert it.driver.tolist() == ["AAAUSD_PERP"]
    assert it.level_after[0] == pytest.approx(50 / 21)


# Portfolio margin: rates move equity, brackets and loans move margin.


@pytest.mark.parametrize("mode", ["portfolio", "portfolio_pro"])
def test_a_rate_costs_a_portfolio_account_equity(mode: str) -> None:
    row = {
        "account": "p",
        "mode": mode,
        "balances": [{"asset": "BBB", "free": 10}, {"asset": "AAA", "free": 5}],
        "wallets": [{"asset": "USDT", "balance": -500.0}],
        "positions": [position("AAAUSDT", 100, 9.0)],
    }
    lower = {**RATES, "AAA": "0.5", "BBB": "0.6"}
    it = impact([row], rules(), rules(rates=lower, pro=lower))
    evaluate = getattr(oracle, mode)
    equities = [
        evaluate(row, PRICES, x).account_equity for x in (rules(), rules(rates=lower, pro=lower))
    ]
    assert it.collateral_lost[0] == pytest.approx(float(equities[0] - equities[1]))
    assert it.collateral_lost[0] == pytest.approx(200 + 20)
    assert it.driver.tolist() == ["BBB"]
    assert it.lost_by_asset == pytest.approx({"BBB": 200, "AAA": 20})
    assert it.margin_added.tolist() == [0.0]


def test_brackets_drive_a_portfolio_account_whose_equity_stays() -> None:
    row = {
        "account": "p",
        "mode": "portfolio",
        "balances": [{"asset": "USDT", "free": 77.0}],
        "positions": [position("AAAUSDT", 200, 10.0)],
    }
    it = impact([row], rules(), rules(DEARER))
    assert it.collateral_lost.tolist() == [0.0]
    assert it.margin_added.tolist() == [40.0]
    assert it.driver.tolist() == ["AAAUSDT"]
    # uniMMR 77 / 70 = 1.1: called, and 1.2 * 70 - 77 lifts it to the call level.
    assert it.summary.newly_called == 1
    assert it.top_up_call[0] == pytest.approx(7.0)
    assert it.top_up_liquidation[0] == 0


# Random books, all modes at once.


def changed_rules(before: pm.MarginRules, seed: int) -> pm.MarginRules:
    """Return the rules with some schedules of each table drawn again."""
    other, rng = pool_rules(random.Random(f"{seed}/other")), random.Random(f"{seed}/choice")
    tables: dict[str, list[Group]] = {}
    for table, names in (*((t, ASSETS) for t in ("portfolio", "portfolio_pro")), *PRODUCTS.items()):
        tables[table] = [
            Group((other if rng.random() < 0.4 else before).tiers(table, name), assets=(name,))
            for name in names
        ]
    return before.replace(tables=tables)


def random_case(seed: int, n: int) -> tuple[list[Any], pm.Prices, pm.MarginRules, pm.MarginRules]:
    rng = random.Random(seed)
    before, prices = pool_rules(rng), pool_prices(rng)
    rows = [pool_row(rng, MODES[k % 4], k, prices, before) for k in range(n)]
    return rows, prices, before, changed_rules(before, seed)


@pytest.mark.parametrize("seed", range(4))
def test_a_mixed_book_has_the_levels_and_losses_of_its_modes(seed: int) -> None:
    rows, prices, before, after = random_case(seed, 120)
    accounts = pm.Accounts.from_rows(rows)
    it = pm.impact(accounts, prices, before, after)
    for side, at in (("before", before), ("after", after)):
        levels = pm.evaluate(accounts, prices, at)
        np.testing.assert_array_equal(getattr(it, f"level_{side}"), levels.level)
        np.testing.assert_array_equal(getattr(it, f"actions_{side}"), levels.actions)
    total = float(it.collateral_lost.sum())
    assert sum(it.lost_by_asset.values()) == pytest.approx(total, rel=1e-9, abs=1e-6)
    for k, row in enumerate(rows):
        lost, added = exact_change(row, prices, before, after)
        assert it.margin_added[k] == pytest.approx(float(added), rel=1e-9, abs=1e-7)
        assert it.collateral_lost[k] == pytest.approx(float(lost), rel=1e-9, abs=1e-7)
        moved = lost or added
        assert (it.driver[k] is not None) == bool(moved), k


def exact_change(
    row: Any, prices: pm.Prices, before: pm.MarginRules, after: pm.MarginRules
) -> tuple[Fraction, Fraction]:
    """Return what an account loses, and the margin added, USDT, by the oracle."""
    sides = [getattr(oracle, row["mode"])(row, prices, at) for at in (before, after)]
    if row["mode"].startswith("portfolio"):
        added = sides[1].maintenance_margin - sides[0].maintenance_margin
        return sides[0].account_equity - sides[1].account_equity, added
    margins = []
    for exact, at in zip(sides, (before, after), strict=True):
        margin = exact.maintenance_margin
        for one in exact.positions:
            if one.term.is_isolated:
                asset = at.contract(one.symbol).settlement_asset
                price = prices.index.get(asset, 1.0)
                margin += one.maintenance_margin * Fraction(Decimal(repr(price)))
        margins.append(margin)
    return margins[1] - margins[0], margins[1] - margins[0]


def test_the_window_leaves_nobody_better_than_under_either_rules() -> None:
    rows, prices, before, after = random_case(9, 120)
    accounts = pm.Accounts.from_rows(rows)
    during = pm.impact(accounts, prices, before, after, within="during")
    for at in (before, after):
        levels = pm.evaluate(accounts, prices, at)
        assert (during.level_after <= levels.level).all()


def test_unpriced_accounts_are_flagged_and_move_nothing() -> None:
    rows = [futures("a", 100.0, position("AAAUSDT", 200, 10.0)),
            futures("b", 100.0, position("BBBUSDT", 2, 100.0))]  # fmt: skip
    accounts = pm.Accounts.from_rows(rows)
    prices = pm.Prices(index=PRICES.index, mark={"BBBUSDT": 100.0})
    it = pm.impact(accounts, prices, rules(), rules(DEARER), missing="flag")
    assert np.isnan(it.level_after).tolist() == [True, False]
    assert np.isnan(it.margin_added).tolist() == [True, False]
    assert it.summary.changed == 0
    assert it.driver.tolist() == [None, None]


def test_a_bracket_notice_lists_the_futures_accounts_that_it_hits() -> None:
    moment = datetime(2026, 2, 3, 9, tzinfo=UTC)
    change: Any = Change(
        "usdm", "brackets", "AAAUSDT", moment, timedelta(minutes=60), None, DEARER["AAAUSDT"]
    )
    rows = [futures("hit", 100.0, position("AAAUSDT", 200, 10.0)),
            futures("not", 100.0, position("BBBUSDT", 2, 100.0))]  # fmt: skip
    timeline = pm.Timeline(rules().replace(moment=moment - timedelta(days=1)), [change])
    (it,) = pm.impacts(pm.Accounts.from_rows(rows), PRICES, timeline)
    assert it.moment == moment
    assert it.ids[it.worst()].tolist() == ["hit"]
    table = it.to_arrow().to_pylist()
    assert [(row["account"], row["driver"], row["margin_added"]) for row in table] == [
        ("hit", "AAAUSDT", 40.0)
    ]


def test_a_lower_leverage_drives_what_it_forbids() -> None:
    # The largest leverage, which the position takes, falls from 50 to 20: 100 USDT of 2,000.
    lower = {**BRACKETS, "AAAUSDT": tiers(("1000", "0.01", 20), ("10000", "0.02", 20))}
    row = futures("u", 90.0, {**position("AAAUSDT", 200, 10.0), "leverage": None})
    it = impact([row], rules(), rules(lower))
    assert pm.Action(int(it.actions_before[0] & ~it.actions_after[0])) == pm.Action.TRANSFER_OUT
    assert it.margin_added.tolist() == [0.0]
    assert it.driver.tolist() == ["AAAUSDT"]
    assert it.summary.changed == 1

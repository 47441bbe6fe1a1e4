from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin.example import example_accounts, example_prices
from pymargin.notices import Change
from pymargin.rules import Group, Tier
from pymargin.rules.builtin_tables import MOVES, TIERS

NOTICE = datetime(2025, 11, 7, 6, tzinfo=UTC)
SECOND = NOTICE + timedelta(days=7)
WINDOW = timedelta(minutes=30)
CLASSIC = {"mode": "cross_classic", "leverage": 3}
PRO = {"mode": "cross_pro"}


def notice() -> list[Change]:
    """Return the changes of the notice of 2025-10-31: two moments, and five tables of tiers."""
    moves = [one for one in MOVES if one.effective in (NOTICE, SECOND)]
    made: list[Any] = [
        Change("cross_margin", "rank", asset, one.effective, WINDOW, one.before, one.after)
        for one in moves
        for asset in one.assets
    ]
    return made + [
        Change("cross_margin", "tiers", rank, NOTICE, WINDOW, None, tiers)
        for rank, tiers in TIERS.items()
    ]


@cache
def book() -> pm.Accounts:
    return example_accounts(4000, seed=3)


@cache
def timeline() -> pm.Timeline:
    return pm.Timeline(pm.example_rules(), notice())


@cache
def found(within: str = "after") -> tuple[pm.Impact, ...]:
    return tuple(pm.impacts(book(), example_prices(), timeline(), within=within))  # type: ignore[arg-type]


def flat(rate: str) -> tuple[Tier, ...]:
    return (Tier(Decimal(0), None, Decimal(rate)),)


def rules(collateral: dict[str, str], **tables: dict[str, str]) -> pm.MarginRules:
    """Return rules of flat rates: table to asset to rate."""
    named = {"collateral": collateral, **tables}
    methods = {"cross_classic": "classic_2026_06", "cross_pro": "pro_2025"}
    return pm.MarginRules(
        tables={
            table: [Group(flat(rate), assets=(asset,)) for asset, rate in rates.items()]
            for table, rates in named.items()
        },
        methodology=methods,
    )


def account(name: str, mode: dict[str, Any], held: dict[str, float], owed: dict[str, float]) -> Any:
    balances = [{"asset": asset, "free": units} for asset, units in held.items()]
    balances += [{"asset": asset, "borrowed": units} for asset, units in owed.items()]
    return {"account": name, **mode, "balances": balances}


ALL = {"USDT": "1", "AAA": "0.9", "BBB": "0.8"}
PRICES = {"AAA": 10.0, "BBB": 100.0}
MARGINS = {"liability_maintenance": {"USDT": "0.1"}, "liability_initial": {"USDT": "0.2"}}


def one(row: Any, before: pm.MarginRules, after: pm.MarginRules, **options: Any) -> pm.Impact:
    return pm.impact(pm.Accounts.from_rows([row]), PRICES, before, after, **options)


# Against the single evaluations.


@pytest.mark.parametrize("which", [0, 1])
def test_both_sides_are_the_evaluations_of_their_rules(which: int) -> None:
    it = found()[which]
    moment = (NOTICE, SECOND)[which]
    for side, at in (("before", moment - timedelta(seconds=1)), ("after", moment)):
        levels = pm.evaluate(book(), example_prices(), timeline().at(at))
        np.testing.assert_array_equal(getattr(it, f"level_{side}"), levels.level)
        np.testing.assert_array_equal(getattr(it, f"actions_{side}"), levels.actions)


def test_one_pair_of_rules_gives_what_the_timeline_gives() -> None:
    before, after = timeline().at(NOTICE - timedelta(seconds=1)), timeline().at(NOTICE)
    alone = pm.impact(book(), example_prices(), before, after)
    for name in ("level_after", "collateral_lost", "top_up_liquidation", "actions_after"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(found()[0], name))
    assert alone.driver.tolist() == found()[0].driver.tolist()
    assert alone.summary == found()[0].summary


def test_there_is_one_impact_for_each_announced_moment() -> None:
    assert [it.moment for it in found()] == [NOTICE, SECOND]


def test_a_switch_of_formula_between_announced_moments_is_a_moment() -> None:
    late = Change("cross_margin", "rank", "WIF", datetime(2026, 3, 1, tzinfo=UTC), WINDOW, 6, 7)
    several = pm.Timeline(pm.example_rules(), [*notice(), late])
    moments = [it.moment for it in pm.impacts(book(), example_prices(), several)]
    assert moments == [NOTICE, SECOND, datetime(2026, 1, 21, 13, tzinfo=UTC), late.effective]


def test_rules_that_are_alike_change_nothing() -> None:
    it = pm.impact(book(), example_prices(), pm.example_rules(), pm.example_rules())
    assert it.summary.changed == 0
    assert len(it.worst()) == 0
    assert set(it.driver.tolist()) == {None}


# Collateral lost, and the asset that drives it.


def test_collateral_lost_by_asset_adds_up_to_that_of_the_accounts() -> None:
    for it in found():
        total = sum(it.lost_by_asset.values())
        assert total == pytest.approx(it.collateral_lost.sum(), rel=1e-12)
        assert total > 0


@pytest.mark.parametrize("mode", [CLASSIC, PRO], ids=["classic", "pro"])
def test_the_driver_is_the_asset_that_loses_most(mode: dict[str, Any]) -> None:
    before = rules(ALL, **MARGINS)
    after = rules({"USDT": "1", "AAA": "0.5", "BBB": "0.7"}, **MARGINS)
    row = account("u", mode, {"AAA": 10, "BBB": 2}, {"USDT": 100})
    it = one(row, before, after)
    assert it.collateral_lost[0] == pytest.approx(40 + 20)
    assert it.driver.tolist() == ["AAA"]
    assert it.lost_by_asset == pytest.approx({"AAA": 40, "BBB": 20})


def test_a_holding_is_set_off_against_a_debt_in_the_same_asset_where_the_formula_does_so() -> None:
    row = account("u", CLASSIC, {"AAA": 10}, {"USDT": 10})
    row["balances"][0]["borrowed"] = 4
    after = rules({**ALL, "AAA": "0.5"})
    it = one(row, rules(ALL), after)
    assert it.collateral_lost[0] == pytest.approx(6 * 10 * 0.4)
    assert sum(it.lost_by_asset.values()) == pytest.approx(it.collateral_lost[0])


def test_a_margin_that_rises_drives_a_pro_account_without_costing_collateral() -> None:
    dearer = {**MARGINS, "liability_maintenance": {"USDT": "0.2"}}
    row = account("u", PRO, {"AAA": 10}, {"USDT": 50})
    it = one(row, rules(ALL, **MARGINS), rules(ALL, **dearer))
    assert it.collateral_lost[0] == 0
    assert it.level_after[0] < it.level_before[0]
    assert it.driver.tolist() == ["USDT"]


def test_a_borrow_ratio_alone_drives_what_it_forbids() -> None:
    ratios = {"borrow": ALL, "transfer_out": ALL}
    lower = {**ratios, "borrow": {**ALL, "AAA": "0.1"}}
    row = account("u", CLASSIC, {"AAA": 10, "BBB": 1}, {"USDT": 100})
    it = one(row, rules(ALL, **ratios), rules(ALL, **lower))
    assert pm.Action(int(it.actions_before[0] & ~it.actions_after[0])) == pm.Action.BORROW
    assert it.level_after[0] == it.level_before[0]
    assert it.driver.tolist() == ["AAA"]
    assert it.summary.changed == it.summary.action_changed == 1


def test_collateral_that_counts_for_more_is_a_negative_loss() -> None:
    row = account("u", CLASSIC, {"AAA": 10}, {"USDT": 50})
    it = one(row, rules(ALL), rules({**ALL, "AAA": "1"}))
    assert it.collateral_lost[0] == pytest.approx(-10)
    assert (it.summary.losing, it.summary.collateral_lost, it.summary.changed) == (0, 0.0, 1)


# Top-ups.


@pytest.mark.parametrize("mode", [CLASSIC, PRO], ids=["classic", "pro"])
@pytest.mark.parametrize(
    ("name", "action"), [("top_up_call", "MARGIN_CALL"), ("top_up_liquidation", "LIQUIDATE")]
)
def test_a_top_up_lifts_the_account_to_the_threshold(
    mode: dict[str, Any], name: str, action: str
) -> None:
    after = rules({**ALL, "AAA": "0.3"}, **MARGINS)
    owed = {"USDT": 40}
    row = account("u", mode, {"AAA": 10}, owed)
    row["balances"].append({"asset": "BBB", "free": 0.01})
    before = one(row, rules(ALL, **MARGINS), after)
    lacking = float(getattr(before, name)[0])
    assert lacking > 0

    def has_it(extra: float) -> bool:
        debt = row["balances"][1]
        topped = {**row, "balances": [*row["balances"][:1], {**debt, "free": extra},
                                      *row["balances"][2:]]}  # fmt: skip
        found = pm.evaluate(pm.Accounts.from_rows([topped]), PRICES, after)
        bits = pm.Action(int(found.actions[0]))
        return bool(bits & (pm.Action[action] | pm.Action.LIQUIDATE))

    assert has_it(lacking - 0.01)
    assert not has_it(lacking + 0.01)


def test_who_is_above_a_threshold_needs_no_top_up() -> None:
    it = found()[0]
    above = it.level_after > it.threshold
    assert not it.top_up_liquidation[above].any()
    called = (it.actions_after & (pm.Action.MARGIN_CALL | pm.Action.LIQUIDATE).value) != 0
    assert not it.top_up_call[~called].any()


def test_an_account_without_debt_needs_no_top_up() -> None:
    it = one(account("u", CLASSIC, {"AAA": 10}, {}), rules(ALL), rules({**ALL, "AAA": "0.1"}))
    assert it.level_after[0] == np.inf
    assert (it.top_up_call[0], it.top_up_liquidation[0]) == (0, 0)


# The summary and the list.


def test_the_summary_counts_what_the_arrays_hold() -> None:
    it = found()[0]
    summary = it.summary
    lost = it.collateral_lost[it.collateral_lost > 0]
    assert (summary.accounts, summary.losing) == (4000, len(lost))
    assert summary.collateral_lost == pytest.approx(lost.sum())
    liquidated = [
        bool(after & 16) and not before & 16
        for before, after in zip(it.actions_before, it.actions_after, strict=True)
    ]
    assert summary.newly_liquidated == sum(liquidated) > 0
    assert summary.gained[pm.Action.LIQUIDATE] == summary.newly_liquidated
    assert summary.action_changed == int((it.actions_before != it.actions_after).sum())


def test_the_list_holds_every_account_that_changes_the_newly_liquidated_first() -> None:
    it = found()[0]
    worst = it.worst()
    assert sorted(worst.tolist()) == np.flatnonzero(it.is_changed).tolist()
    first = worst[: it.summary.newly_liquidated]
    newly = it.actions_after & ~it.actions_before & pm.Action.LIQUIDATE.value
    assert newly[first].all()
    assert not newly[worst[len(first) :]].any()
    relative = it.level_after[first] / it.threshold[first]
    assert (np.diff(relative) >= 0).all()
    assert it.worst(3).tolist() == worst[:3].tolist()


# Within the window.


def test_within_the_window_no_account_stands_better_than_under_either_rules() -> None:
    for during, after in zip(found("during"), found(), strict=True):
        assert (during.level_after <= after.level_after).all()
        assert (during.level_after <= during.level_before).all()


def test_within_the_window_each_asset_is_under_its_worse_schedule() -> None:
    after = rules({"USDT": "1", "AAA": "0.5", "BBB": "1"})
    row = account("u", CLASSIC, {"AAA": 10, "BBB": 1}, {"USDT": 100})
    during = one(row, rules(ALL), after, within="during")
    assert during.level_after[0] == pytest.approx((100 * 0.5 + 100 * 0.8) / 100)
    assert one(row, rules(ALL), after).level_after[0] == pytest.approx(1.5)
    assert during.driver.tolist() == ["AAA"]


def test_an_unknown_word_for_within_is_refused() -> None:
    with pytest.raises(ValueError, match="'after' or 'during', not 'before'"):
        one(account("u", CLASSIC, {"AAA": 1}, {}), rules(ALL), rules(ALL), within="before")


# Prices, modes, output.


def test_unpriced_accounts_are_flagged_and_move_nothing() -> None:
    rows = [
        account("a", CLASSIC, {"AAA": 10, "ZZZ": 1}, {"USDT": 50}),
        account("b", CLASSIC, {"AAA": 10}, {"USDT": 50}),
    ]
    accounts = pm.Accounts.from_rows(rows)
    after = rules({**ALL, "AAA": "0.5"})
    with pytest.raises(pm.UnpricedError, match="ZZZ has no finite price"):
        pm.impact(accounts, PRICES, rules(ALL), after)
    it = pm.impact(accounts, PRICES, rules(ALL), after, missing="flag")
    assert np.isnan(it.level_after).tolist() == [True, False]
    assert it.summary.changed == it.summary.losing == 1
    assert it.worst().tolist() == [1]
    assert it.lost_by_asset == {"AAA": pytest.approx(40)}
    assert it.driver.tolist() == [None, "AAA"]


def test_every_account_may_be_compared_under_one_mode() -> None:
    rows = [account("a", {"leverage": 3}, {"AAA": 10}, {"USDT": 50})]
    it = pm.impact(
        pm.Accounts.from_rows(rows), PRICES, rules(ALL), rules(ALL), mode="cross_classic"
    )
    assert it.level_after[0] == pytest.approx(1.8)


def test_an_empty_book_has_no_impact() -> None:
    it = pm.impact(
        pm.Accounts.from_rows([]), PRICES, rules(ALL), rules({**ALL, "AAA": "0"}), mode="cross_pro"
    )
    assert (it.summary.accounts, it.summary.changed, len(it.worst())) == (0, 0, 0)


def test_the_table_lists_the_accounts_that_change_with_their_provenance() -> None:
    it = found()[0]
    table = it.to_arrow()
    assert table.num_rows == it.summary.changed
    assert table.column("account").to_pylist() == it.ids[it.worst()].tolist()
    first = table.slice(0, 1).to_pylist()[0]
    position = it.worst(1)
    assert first["level_after"] == it.level_after[position][0]
    assert first["driver"] == it.driver[position][0]
    assert "LIQUIDATE" in first["action_names_after"]
    metadata = table.schema.metadata
    assert metadata[b"pymargin.rules_digest"].decode() == it.rules_after.digest
    assert metadata[b"pymargin.rules_digest_before"].decode() == it.rules_before.digest
    assert metadata[b"pymargin.moment"] == b"2025-11-07T06:00:00Z"


def test_the_frame_is_the_table_by_account() -> None:
    it = found()[0]
    frame = it.to_frame(it.worst(5))
    assert frame.index.tolist() == it.ids[it.worst(5)].tolist()
    assert frame["collateral_lost"].tolist() == it.collateral_lost[it.worst(5)].tolist()

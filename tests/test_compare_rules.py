from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import pymargin as pm
from pymargin.notices import Change
from pymargin.rules import Group, Tier
from pymargin.rules.compare import compare_rules
from pymargin.rules.history import builtin_moments, history

NOON = datetime(2025, 11, 7, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=7)


def schedule(*pairs: tuple[int | None, str], leverage: int | None = None) -> tuple[Tier, ...]:
    made: list[Tier] = []
    for cap, rate in pairs:
        floor = made[-1].cap if made else Decimal(0)
        assert floor is not None
        top = None if cap is None else Decimal(cap)
        step = None if leverage is None else Decimal(leverage)
        made.append(Tier(floor, top, Decimal(rate), step))
    return tuple(made)


GOOD = schedule((1000, "1"), (None, "0.5"))
POOR = schedule((100, "1"), (None, "0.1"))
RANKED = {"collateral": [Group(GOOD, rank=1), Group(POOR, rank=2)]}
SINGLE = {"collateral": [Group(GOOD, assets=("AAA", "CCC")), Group(POOR, assets=("BBB",))]}


def rules(tables: Any, **parts: Any) -> pm.MarginRules:
    return pm.MarginRules(**{"tables": tables, "moment": NOON, **parts})


def change(table: str, key: str | int, before: Any, after: Any, *, product: str = "cross_margin",
           effective: datetime = NOON) -> Change:  # fmt: skip
    return Change(product, table, key, effective, timedelta(0), before, after)  # type: ignore[arg-type]


def became(theirs: pm.MarginRules, *announced: Change) -> list[str]:
    diff = compare_rules(theirs, theirs, announced=announced)
    return [one.status for one in diff.announced]


# Differences.


def test_rules_do_not_differ_from_themselves() -> None:
    diff = compare_rules(pm.example_rules(), pm.example_rules())
    assert not diff
    assert diff.differences == ()
    assert diff.same["collateral"] == 400


def test_rules_by_rank_equal_rules_that_name_the_assets() -> None:
    ranked = rules(RANKED, ranks={"AAA": 1, "BBB": 2, "CCC": 1})
    diff = compare_rules(ranked, rules(SINGLE))
    assert diff.same == {"collateral": 3}
    assert [str(one) for one in diff.differences] == ["ranks: 3 names; theirs: nothing"]


def test_a_schedule_that_differs_is_named_with_both() -> None:
    theirs = rules({"collateral": [Group(GOOD, assets=("AAA", "BBB", "CCC"))]})
    (one,) = compare_rules(rules(SINGLE), theirs).differences
    assert (one.part, one.name, one.ours, one.theirs) == ("collateral", "BBB", POOR, GOOD)


def test_a_name_that_one_side_lacks_is_a_difference() -> None:
    theirs = rules({"collateral": [Group(GOOD, assets=("AAA",)), Group(POOR, assets=("BBB",))]})
    (one,) = compare_rules(rules(SINGLE), theirs).differences
    assert (one.name, one.theirs) == ("CCC", None)


def test_a_table_that_one_side_lacks_is_one_difference() -> None:
    theirs = rules({**SINGLE, "borrow": [Group(POOR, assets=("AAA", "BBB"))]})
    (one,) = compare_rules(rules(SINGLE), theirs).differences
    assert str(one) == "borrow: nothing; theirs: 2 names"


def test_formulas_thresholds_and_stable_coins_are_compared() -> None:
    thresholds = pm.example_rules().thresholds
    line = thresholds["cross_pro"].lines[0]
    dearer = {
        **thresholds,
        "cross_pro": type(thresholds["cross_pro"])(
            (type(line)(line.level, Decimal("1.05"), line.actions),
             *thresholds["cross_pro"].lines[1:]),
            thresholds["cross_pro"].actions, thresholds["cross_pro"].grants,
        ),
    }  # fmt: skip
    older = {**rules(SINGLE).methodology, "cross_classic": "classic_2023"}
    theirs = rules(SINGLE, methodology=older, thresholds=dearer, stable=frozenset({"CCC"}))
    found = compare_rules(rules(SINGLE), theirs).differences
    assert [(one.part, one.name) for one in found] == [
        ("methodology", "cross_classic"),
        ("stable", ""),
        ("thresholds", "cross_pro"),
    ]


def test_only_the_names_asked_for_are_compared() -> None:
    theirs = rules({"collateral": [Group(POOR, assets=("AAA", "BBB", "CCC"))]})
    diff = compare_rules(rules(SINGLE), theirs, names=["CCC", "BBB"])
    assert [one.name for one in diff.differences] == ["CCC"]
    assert diff.same == {"collateral": 1}


# What became of announced changes.


def test_a_change_that_the_rules_hold_is_in_force() -> None:
    assert became(rules(SINGLE), change("tiers", "BBB", GOOD, POOR)) == ["in_force"]


def test_a_change_whose_before_still_holds_is_not_in_force() -> None:
    assert became(rules(SINGLE), change("tiers", "AAA", GOOD, POOR)) == ["not_in_force"]


def test_a_change_of_which_neither_side_holds_differs() -> None:
    other = schedule((None, "0.3"))
    (one,) = compare_rules(
        rules(SINGLE), rules(SINGLE), announced=[change("tiers", "AAA", POOR, other)]
    ).announced
    assert (one.status, one.found) == ("differs", GOOD)
    assert str(one) == (
        "AAA (cross_margin tiers): differs: announced 30 %, found 100 % to 1,000, 50 % above"
    )


def test_a_change_after_the_moment_of_the_rules_is_not_yet_due() -> None:
    assert became(rules(SINGLE), change("tiers", "AAA", GOOD, POOR, effective=LATER)) == ["not_yet"]


def test_a_change_that_a_later_one_replaced_is_superseded() -> None:
    first = change("tiers", "AAA", GOOD, POOR, effective=NOON - timedelta(days=1))
    second = change("tiers", "AAA", POOR, GOOD)
    assert became(rules(SINGLE), second, first) == ["superseded", "in_force"]


def test_a_rate_printed_to_fewer_digits_is_in_force_but_for_rounding() -> None:
    exact = schedule((5000, "0.1667"), leverage=3)
    printed = schedule((5000, "0.1670"), leverage=3)
    theirs = rules({"usdm": [Group(exact, assets=("AAAUSDT",))]})
    assert became(theirs, change("brackets", "AAAUSDT", None, printed, product="usdm")) == [
        "rounded"
    ]


def test_a_rank_is_told_by_its_tiers_where_an_answer_names_assets_only() -> None:
    tables = [change("tiers", 1, None, GOOD), change("tiers", 2, None, POOR)]
    moves = [change("rank", "BBB", 1, 2), change("rank", "AAA", 1, 2)]
    assert became(rules(SINGLE), *tables, *moves) == [
        "in_force", "in_force", "in_force", "not_in_force",
    ]  # fmt: skip


def test_a_change_of_a_name_that_the_rules_lack_is_unknown() -> None:
    assert became(rules(SINGLE), change("tiers", "ZZZ", None, POOR)) == ["unknown"]


def test_faults_of_announced_changes_are_refused() -> None:
    with pytest.raises(pm.RulesError, match=r"changes\[0\].table"):
        compare_rules(rules(SINGLE), rules(SINGLE), announced=[change("shape", "AAA", 1, 2)])


def test_the_announced_documents_are_in_force_in_the_builtin_rules() -> None:
    theirs = pm.builtin_rules(at="2026-02-07T00:00Z")
    changes = [
        change("rank", asset, one.before, one.after, effective=one.effective)
        for one in pm.rules.builtin_tables.MOVES
        for asset in one.assets
    ]
    found = compare_rules(theirs, theirs, announced=changes).announced
    assert {one.status for one in found} == {"in_force", "superseded"}


# History.


def test_the_history_of_an_asset_tells_each_moment_at_which_it_changes() -> None:
    snapshots = [pm.builtin_rules(at=moment) for moment in builtin_moments()]
    told = {rules.moment: changes for rules, changes in history(snapshots, "NEO")}
    ranks = {
        moment: (one.ours, one.theirs)
        for moment, changes in told.items()
        for one in changes
        if one.part == "ranks"
    }
    assert ranks == {
        datetime(2025, 11, 7, 6, tzinfo=UTC): (6, 8),
        datetime(2025, 12, 8, 6, tzinfo=UTC): (8, 10),
    }
    split = told[datetime(2026, 1, 21, 13, tzinfo=UTC)]
    assert {"borrow", "transfer_out"} <= {one.part for one in split}

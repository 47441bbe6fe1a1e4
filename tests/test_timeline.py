from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pymargin as pm
from pymargin.notices import Change
from pymargin.rules import Group, Tier
from pymargin.rules.builtin_tables import FLAT_RATIOS, FLAT_RATIOS_SINCE, MOVES

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NOON = datetime(2025, 11, 7, 12, tzinfo=UTC)


def flat(rate: str) -> tuple[Tier, ...]:
    return (Tier(Decimal(0), None, Decimal(rate)),)


def tiers(*pairs: tuple[str | None, str]) -> tuple[Tier, ...]:
    made: list[Tier] = []
    for cap, rate in pairs:
        floor = made[-1].cap if made else Decimal(0)
        assert floor is not None
        made.append(Tier(floor, None if cap is None else Decimal(cap), Decimal(rate)))
    return tuple(made)


RANKS = {
    1: tiers(("1000", "1"), (None, "0.5")),
    2: tiers(("500", "1"), (None, "0.4")),
    3: tiers(("100", "1"), (None, "0.1")),
}
START = datetime(2025, 11, 1, tzinfo=UTC)


def rules(**parts: Any) -> pm.MarginRules:
    groups = [Group(schedule, rank=rank) for rank, schedule in RANKS.items()]
    usual: dict[str, Any] = {
        "tables": {"collateral": groups},
        "ranks": {"AAA": 1, "BBB": 2, "CCC": 3},
        "methodology": {"cross_classic": "classic_2023", "cross_pro": "pro_2025"},
        "moment": START,
    }
    return pm.MarginRules(**{**usual, **parts})


def move(asset: str, before: int | None, after: int, effective: datetime = NOON,
         window: timedelta = HOUR) -> Change:  # fmt: skip
    return Change("cross_margin", "rank", asset, effective, window, before, after)


def change(table: str, key: str | int, before: Any, after: Any, *, product: str = "cross_margin",
           effective: datetime = NOON, window: timedelta = HOUR) -> Change:  # fmt: skip
    return Change(product, table, key, effective, window, before, after)  # type: ignore[arg-type]


def kinds(timeline: pm.Timeline) -> list[str]:
    return [conflict.kind for conflict in timeline.conflicts]


# When a change holds.


def test_a_change_is_in_force_at_its_moment_and_not_a_second_before() -> None:
    timeline = pm.Timeline(rules(), [move("AAA", 1, 2)])
    assert timeline.at(NOON - SECOND).rank("AAA") == 1
    assert timeline.at(NOON).rank("AAA") == 2


def test_within_its_window_a_change_is_made_or_not_as_asked() -> None:
    timeline = pm.Timeline(rules(), [move("AAA", 1, 2)])
    within = NOON + HOUR - SECOND
    assert timeline.at(within, window="after").rank("AAA") == 2
    assert timeline.at(within, window="before").rank("AAA") == 1
    assert timeline.at(NOON, window="before").rank("AAA") == 1


def test_a_change_is_completed_when_its_window_ends() -> None:
    timeline = pm.Timeline(rules(), [move("AAA", 1, 2)])
    assert timeline.at(NOON + HOUR, window="before").rank("AAA") == 2


def test_each_change_has_its_own_window() -> None:
    short = move("BBB", 2, 3, window=timedelta(minutes=30))
    timeline = pm.Timeline(rules(), [move("AAA", 1, 2), short])
    found = timeline.at(NOON + timedelta(minutes=45), window="before")
    assert (found.rank("AAA"), found.rank("BBB")) == (1, 3)


def test_the_rules_of_a_moment_state_it() -> None:
    assert pm.Timeline(rules(), []).at("2025-11-07T13:00+01:00").moment == NOON


def test_moments_are_those_of_changes_and_formulas_after_the_rules() -> None:
    early = move("AAA", 1, 2, effective=START - HOUR)
    timeline = pm.Timeline(rules(), [move("BBB", 2, 3), early, move("CCC", 3, 1)])
    split = datetime(2026, 1, 21, 13, tzinfo=UTC)
    assert timeline.moments[:2] == (NOON, split)
    assert START - HOUR not in timeline.moments


def test_between_holds_what_comes_after_the_first_moment_up_to_the_second() -> None:
    first, second = move("AAA", 1, 2), move("BBB", 2, 3, effective=NOON + HOUR)
    timeline = pm.Timeline(rules(), [second, first])
    assert timeline.between(START, NOON) == (first,)
    assert timeline.between(NOON, NOON + HOUR) == (second,)
    assert timeline.between(NOON + HOUR, NOON + 2 * HOUR) == ()


def test_a_moment_before_the_rules_is_refused() -> None:
    with pytest.raises(pm.RulesError, match=r"no earlier than that of the rules \(2025-11-01"):
        pm.Timeline(rules(), []).at(START - SECOND)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(pm.RulesError, match="zone"):
        pm.Timeline(rules(), []).at("2025-11-07T12:00")


def test_an_unknown_side_of_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="'after' or 'before', not 'during'"):
        pm.Timeline(rules(), []).at(NOON, window="during")  # type: ignore[arg-type]


# What a change does.


def test_a_rank_brings_its_tiers() -> None:
    found = pm.Timeline(rules(), [move("AAA", 1, 3)]).at(NOON)
    assert found.tiers("collateral", "AAA") == RANKS[3]


def test_tiers_of_a_rank_hold_for_its_assets_also_for_those_that_move_to_it_then() -> None:
    new = tiers(("50", "0.9"), (None, "0"))
    changes = [move("AAA", 1, 3), change("tiers", 3, RANKS[3], new)]
    found = pm.Timeline(rules(), changes).at(NOON)
    assert found.tiers("collateral", "AAA") == found.tiers("collateral", "CCC") == new


def test_tiers_of_an_asset_hold_for_it_alone() -> None:
    new = tiers(("50", "0.9"), (None, "0"))
    found = pm.Timeline(rules(), [change("tiers", "CCC", None, new)]).at(NOON)
    assert found.tiers("collateral", "CCC") == new
    assert found.find("collateral", "BBB") == RANKS[2]


def test_flat_rates_by_rank_become_the_borrow_and_transfer_out_tables() -> None:
    changes = [
        change("borrow_rate", 1, None, Decimal("0.8")),
        change("transfer_out_rate", 1, None, Decimal("0.7")),
    ]
    found = pm.Timeline(rules(), changes).at(NOON)
    assert found.tiers("borrow", "AAA") == flat("0.8")
    assert found.tiers("transfer_out", "AAA") == flat("0.7")


def test_a_portfolio_rate_holds_for_its_asset() -> None:
    known = rules(tables={"portfolio": [Group(flat("0.85"), assets=("AAA", "BBB"))]})
    rate = change("rate", "AAA", Decimal("0.85"), Decimal("0.8"), product="portfolio")
    timeline = pm.Timeline(known, [rate])
    assert timeline.conflicts == ()
    assert timeline.at(NOON).tiers("portfolio", "AAA") == flat("0.8")
    assert timeline.at(NOON).tiers("portfolio", "BBB") == flat("0.85")


def test_a_rank_of_portfolio_margin_pro_is_not_one_of_cross_margin() -> None:
    pro = [Group(flat("0.5"), rank=1), Group(flat("0.2"), rank=2)]
    known = rules(
        tables={"collateral": [Group(RANKS[1], rank=1)], "portfolio_pro": pro},
        ranks={"AAA": 1},
        portfolio_pro_ranks={"AAA": 1},
    )
    found = pm.Timeline(known, [change("rank", "AAA", 1, 2, product="portfolio_pro")]).at(NOON)
    assert found.tiers("portfolio_pro", "AAA") == flat("0.2")
    assert found.rank("AAA") == 1
    assert found.tiers("collateral", "AAA") == RANKS[1]


@pytest.mark.parametrize("product", ["usdm", "coinm"])
def test_brackets_hold_for_their_symbol(product: str) -> None:
    old = (Tier(Decimal(0), Decimal(5000), Decimal("0.01"), Decimal(50)),)
    new = (Tier(Decimal(0), Decimal(4000), Decimal("0.02"), Decimal(25)),)
    known = rules(tables={product: [Group(old, assets=("AAAUSDT", "BBBUSDT"))]})
    timeline = pm.Timeline(known, [change("brackets", "AAAUSDT", old, new, product=product)])
    assert timeline.conflicts == ()
    assert timeline.at(NOON).tiers(product, "AAAUSDT") == new
    assert timeline.at(NOON).tiers(product, "BBBUSDT") == old


@pytest.mark.parametrize("known", ["AAAUSD_PERP", None, "AAAUSD"])
def test_a_notice_names_a_coin_margined_perpetual_by_its_pair(known: str | None) -> None:
    old = (Tier(Decimal(0), Decimal(50), Decimal("0.01"), Decimal(50)),)
    new = (Tier(Decimal(0), Decimal(40), Decimal("0.02"), Decimal(25)),)
    names = [known] if known else ["BBBUSD_PERP"]
    made = rules(tables={"coinm": [Group(old, assets=(*names, "AAAUSD_311226"))]})
    timeline = pm.Timeline(made, [change("brackets", "AAAUSD", old, new, product="coinm")])
    assert timeline.conflicts == ()
    assert timeline.at(NOON).tiers("coinm", known or "AAAUSD_PERP") == new
    assert timeline.at(NOON).tiers("coinm", "AAAUSD_311226") == old


def test_a_change_without_an_after_leaves_the_rules_as_they_are() -> None:
    timeline = pm.Timeline(rules(), [change("tiers", 1, RANKS[1], None)])
    assert timeline.at(NOON) == rules().replace(moment=NOON)
    assert timeline.conflicts == ()


# Rules made of the exchange's answers, which name assets and no ranks.


def from_answers(**parts: Any) -> pm.MarginRules:
    collateral = [Group(RANKS[1], assets=("AAA",)), Group(RANKS[2], assets=("BBB", "DDD"))]
    return rules(**{"tables": {"collateral": collateral}, "ranks": {}, **parts})


def test_a_move_replaces_the_schedule_that_an_answer_gave_the_asset() -> None:
    changes = [change("tiers", 2, None, RANKS[2]), move("AAA", 1, 2)]
    timeline = pm.Timeline(from_answers(), changes)
    assert timeline.at(NOON).tiers("collateral", "AAA") == RANKS[2]
    assert timeline.conflicts == ()


def test_a_rank_is_known_by_its_tiers_where_the_rules_hold_no_ranks() -> None:
    changes = [change("tiers", rank, None, RANKS[rank]) for rank in (1, 2, 3)]
    timeline = pm.Timeline(from_answers(), [*changes, move("BBB", 1, 3)])
    assert [conflict.found for conflict in timeline.conflicts] == [2]


def test_a_move_takes_the_borrow_ratio_of_the_assets_of_its_new_rank() -> None:
    collateral = from_answers().tables["collateral"]
    borrow = [Group(flat("0.9"), assets=("AAA",)), Group(flat("0.8"), assets=("BBB", "DDD"))]
    known = from_answers(tables={"collateral": collateral, "borrow": borrow})
    timeline = pm.Timeline(known, [change("tiers", 2, None, RANKS[2]), move("AAA", 1, 2)])
    assert timeline.at(NOON).tiers("borrow", "AAA") == flat("0.8")


def test_a_move_to_a_rank_without_tiers_is_a_conflict() -> None:
    timeline = pm.Timeline(from_answers(), [move("AAA", 1, 3)])
    assert kinds(timeline) == ["no_schedule"]
    assert "no schedule of rank 3 in table collateral" in str(timeline.conflicts[0])
    assert timeline.at(NOON).tiers("collateral", "AAA") == RANKS[1]


def test_a_schedule_that_somebody_set_beside_a_rank_stays() -> None:
    own = tiers(("10", "0.5"), (None, "0"))
    groups = [*rules().tables["collateral"], Group(own, assets=("AAA",))]
    found = pm.Timeline(rules(tables={"collateral": groups}), [move("AAA", 1, 2)]).at(NOON)
    assert found.tiers("collateral", "AAA") == own
    assert found.rank("AAA") == 2


# Contradictions.


def test_a_before_that_contradicts_the_rules_is_reported_with_both_and_applied() -> None:
    timeline = pm.Timeline(rules(), [move("AAA", 2, 3)])
    (conflict,) = timeline.conflicts
    assert (conflict.kind, conflict.change.before, conflict.found) == ("before", 2, 1)
    assert str(conflict) == (
        "AAA (cross_margin rank): the change of 2025-11-07T12:00:00Z goes from rank 2, "
        "and the rules hold rank 1"
    )
    assert timeline.at(NOON).rank("AAA") == 3


def test_what_holds_already_is_no_conflict() -> None:
    assert pm.Timeline(rules(), [move("AAA", 3, 1)]).conflicts == ()


def test_the_before_of_a_second_change_is_held_against_the_first() -> None:
    later = NOON + 24 * HOUR
    good = [move("AAA", 1, 2), move("AAA", 2, 3, effective=later)]
    bad = [move("AAA", 1, 2), move("AAA", 1, 3, effective=later)]
    assert pm.Timeline(rules(), good).conflicts == ()
    assert [c.found for c in pm.Timeline(rules(), bad).conflicts] == [2]


def test_two_changes_of_a_key_at_one_moment_are_a_conflict_and_the_later_given_holds() -> None:
    timeline = pm.Timeline(rules(), [move("AAA", 1, 2), move("AAA", 1, 3)])
    assert "same_moment" in kinds(timeline)
    assert timeline.at(NOON).rank("AAA") == 3


def test_a_rate_printed_to_fewer_digits_is_no_conflict() -> None:
    exact = (Tier(Decimal(0), Decimal(5000), Decimal("0.1667"), Decimal(3)),)
    printed = (Tier(Decimal(0), Decimal(5000), Decimal("0.1670"), Decimal(3)),)
    other = (Tier(Decimal(0), Decimal(5000), Decimal("0.1650"), Decimal(3)),)
    known = rules(tables={"usdm": [Group(exact, assets=("AAAUSDT",))]})
    after = (Tier(Decimal(0), Decimal(4000), Decimal("0.25"), Decimal(2)),)

    def found(before: tuple[Tier, ...]) -> list[str]:
        return kinds(
            pm.Timeline(known, [change("brackets", "AAAUSDT", before, after, product="usdm")])
        )

    assert found(printed) == []
    assert found(other) == ["before"]


def test_a_zero_tail_may_be_printed_or_left_out() -> None:
    closed = tiers(("1000", "1"), ("2000", "0.5"))
    tailed = tiers(("1000", "1"), ("2000", "0.5"), (None, "0"))
    known = rules(tables={"collateral": [Group(closed, rank=1)]}, ranks={"AAA": 1})
    assert pm.Timeline(known, [change("tiers", 1, tailed, RANKS[1])]).conflicts == ()


def test_a_change_from_before_the_rules_that_they_do_not_hold_is_a_conflict() -> None:
    past = START - 24 * HOUR
    timeline = pm.Timeline(rules(), [move("AAA", 1, 2, effective=past)])
    assert kinds(timeline) == ["applied"]
    assert timeline.at(NOON).rank("AAA") == 1


def test_a_past_change_that_a_later_one_replaced_is_no_conflict() -> None:
    past = START - 24 * HOUR
    changes = [move("AAA", 3, 2, effective=past), move("AAA", 2, 1, effective=past + HOUR)]
    assert pm.Timeline(rules(), changes).conflicts == ()


def test_every_fault_of_the_changes_is_said_at_once() -> None:
    naive = datetime(2025, 11, 7)
    bad = [
        move("AAA", 1, 2, effective=naive),
        change("shape", "AAA", 1, 2),
        change("rank", "AAA", None, None),
        change("rank", 3, 1, 2, window=-HOUR),
        change("rate", "AAA", None, 0.5, product="portfolio"),
        change("brackets", "AAAUSDT", None, (), product="cross_margin"),
    ]
    with pytest.raises(pm.RulesError) as caught:
        pm.Timeline(rules(), bad)
    assert [problem.path for problem in caught.value.problems] == [
        "changes[0].effective",
        "changes[1].table",
        "changes[2]",
        "changes[3].key",
        "changes[3].window",
        "changes[4].after",
        "changes[5].product",
        "changes[5].after",
    ]


# Formulas.


def test_formulas_switch_at_their_moments() -> None:
    timeline = pm.Timeline(rules(), [])
    split, net = (moment for moment in timeline.moments if moment > NOON)
    names = [
        timeline.at(moment).methodology["cross_classic"]
        for moment in (split - SECOND, split, net - SECOND, net)
    ]
    assert names == ["classic_2023", "classic_2026_01", "classic_2026_01", "classic_2026_06"]


def test_a_formula_waits_for_the_ratios_that_begin_with_it() -> None:
    split = FLAT_RATIOS_SINCE
    rate = change("borrow_rate", 1, None, Decimal("0.8"), effective=split)
    timeline = pm.Timeline(rules(), [rate])
    within = split + timedelta(minutes=30)
    before, after = (timeline.at(within, window=side) for side in ("before", "after"))
    assert before.methodology["cross_classic"] == "classic_2023"
    assert not before.has_table("borrow")
    assert after.methodology["cross_classic"] == "classic_2026_01"
    assert after.has_table("borrow")


def test_a_formula_that_the_rules_pin_past_its_date_stays() -> None:
    late = rules(moment=datetime(2026, 8, 1, tzinfo=UTC))
    found = pm.Timeline(late, []).at("2026-09-01T00:00Z")
    assert found.methodology == late.methodology


def test_rules_without_a_moment_have_the_formulas_of_the_moment() -> None:
    undated = rules(moment=None, methodology={"cross_classic": "classic_2026_06"})
    found = pm.Timeline(undated, []).at(NOON)
    assert found.methodology == {"cross_classic": "classic_2023"}


# Laws.


def of_moves() -> list[Change]:
    """Return the moves that the documents state, as changes."""
    return [
        move(asset, one.before, one.after, effective=one.effective)
        for one in MOVES
        for asset in one.assets
    ]


def test_the_documents_moves_give_the_builtin_rules_of_every_moment() -> None:
    ratios = [
        change(table, rank, None, ratio, effective=FLAT_RATIOS_SINCE)
        for table in ("borrow_rate", "transfer_out_rate")
        for rank, ratio in FLAT_RATIOS.items()
    ]
    start = pm.builtin_rules(at="2025-11-01T00:00Z")
    timeline = pm.Timeline(start, [*of_moves(), *ratios])
    assert len(timeline.moments) == 6
    for moment in timeline.moments:
        for when in (moment - SECOND, moment):
            found, stated = timeline.at(when), pm.builtin_rules(at=when)
            assert found.methodology == stated.methodology
            assert found.ranks == stated.ranks
            for table in ("collateral", "borrow", "transfer_out"):
                assert found.tables.get(table) == stated.tables.get(table)
    assert timeline.conflicts == ()


ASSETS = ("AAA", "BBB", "CCC", "EEE")
CHANGES = st.lists(
    st.builds(
        lambda asset, after, hours, minutes: move(
            asset, None, after, NOON + hours * HOUR, timedelta(minutes=minutes)
        ),
        st.sampled_from(ASSETS),
        st.sampled_from(sorted(RANKS)),
        st.integers(0, 6),
        st.sampled_from([0, 30, 90]),
    ),
    max_size=8,
    unique_by=lambda one: (one.key, one.effective),
)
MOMENTS = st.integers(-2, 20).map(lambda half_hours: NOON + half_hours * HOUR / 2)


@given(CHANGES, MOMENTS, st.sampled_from(["before", "after"]))
@settings(max_examples=60, deadline=None)
def test_the_same_notice_twice_changes_nothing(
    changes: list[Change], moment: datetime, window: Any
) -> None:
    once = pm.Timeline(rules(), changes)
    assert pm.Timeline(rules(), [*changes, *changes]).at(moment, window) == once.at(moment, window)
    after = once.at(moment)
    again = pm.Timeline(after, changes)
    assert again.at(moment) == after
    assert again.at(moment).sources == after.sources


@given(CHANGES, MOMENTS, MOMENTS)
@settings(max_examples=60, deadline=None)
def test_the_changes_between_two_moments_lead_from_one_to_the_other(
    changes: list[Change], one: datetime, other: datetime
) -> None:
    a, b = sorted((one, other))
    timeline = pm.Timeline(rules(), changes)
    assert pm.Timeline(timeline.at(a), timeline.between(a, b)).at(b) == timeline.at(b)


@given(CHANGES, MOMENTS, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_changes_are_given_does_not_matter(
    changes: list[Change], moment: datetime, random: Any
) -> None:
    shuffled = random.sample(changes, len(changes))
    for window in ("before", "after"):
        given_order = pm.Timeline(rules(), changes).at(moment, window)
        assert pm.Timeline(rules(), shuffled).at(moment, window) == given_order


def ranks_by_replay(changes: Iterable[Change], moment: datetime) -> dict[str, int]:
    ranks = dict(rules().ranks)
    for one in sorted(changes, key=lambda one: one.effective):
        if one.effective <= moment:
            assert isinstance(one.after, int)
            ranks[str(one.key)] = one.after
    return ranks


@given(CHANGES, MOMENTS)
@settings(max_examples=60, deadline=None)
def test_the_ranks_of_a_moment_are_those_of_the_last_change_of_each_asset(
    changes: list[Change], moment: datetime
) -> None:
    found = pm.Timeline(rules(), changes).at(moment)
    assert dict(found.ranks) == ranks_by_replay(changes, moment)


@pytest.mark.parametrize(
    ("known", "changes", "told"),
    [
        (None, (), "rules must be a MarginRules, not NoneType"),
        (rules(), pm.read_notice("Nothing."), "notice.changes"),
        (rules(), [7], r"changes\[0\] must be a Change, not 7"),
    ],
)
def test_what_is_no_rules_and_no_change_is_refused(known: Any, changes: Any, told: str) -> None:
    with pytest.raises(pm.RulesError, match=told):
        pm.Timeline(known, changes)

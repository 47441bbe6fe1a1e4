from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from pymargin.errors import Problem, RulesError
from pymargin.rules import (
    Grant,
    Group,
    LeverageLimits,
    Line,
    MarginRules,
    ModeThresholds,
    Tier,
    builtin_rules,
    example_rules,
    load_rules,
)
from pymargin.rules.builtin_tables import MOVES
from pymargin.rules.contracts import contract_from_name
from pymargin.rules.example import example_names
from pymargin.rules.kinds import TABLES
from pymargin.rules.methodology import methodology_at, parse_moment
from pymargin.rules.thresholds import DEFAULT_THRESHOLDS


def flat(rate: str) -> tuple[Tier, ...]:
    return (Tier(Decimal(0), None, Decimal(rate)),)


def rules(**changes: Any) -> MarginRules:
    given: dict[str, Any] = {
        "tables": {
            "collateral": [
                Group(flat("0.9"), rank=6),
                Group(flat("0.5"), assets=("BBB",)),
            ],
            "borrow": [Group(flat("0.5"), rank=6)],
            "transfer_out": [Group(flat("0.5"), rank=6)],
        },
        "ranks": {"AAA": 6, "BBB": 6, "CCC": 5},
    }
    return MarginRules(**{**given, **changes})


def test_an_asset_has_the_schedule_of_its_rank() -> None:
    assert rules().tiers("collateral", "AAA") == flat("0.9")


def test_an_explicit_schedule_goes_before_that_of_the_rank() -> None:
    assert rules().tiers("collateral", "BBB") == flat("0.5")


def test_equal_schedules_are_one_object() -> None:
    made = rules()
    assert made.find("collateral", "BBB") is made.find("borrow", "AAA")


def test_a_rank_without_a_table_is_an_error_that_names_both() -> None:
    with pytest.raises(RulesError, match="CCC has rank 5, and rank 5 has no schedule"):
        rules().tiers("collateral", "CCC")


def test_an_asset_without_a_rank_is_an_error_that_names_it() -> None:
    with pytest.raises(RulesError, match="XXX has no schedule in table collateral, and no rank"):
        rules().tiers("collateral", "XXX")


def test_a_table_that_the_rules_do_not_hold_is_an_error() -> None:
    with pytest.raises(RulesError, match="the rules hold no table liability_initial"):
        rules().tiers("liability_initial", "AAA")


@pytest.mark.parametrize("method", ["tiers", "find", "has_table", "names"])
def test_an_unknown_table_is_an_error_that_lists_those_there_are(method: str) -> None:
    arguments = ("haircuts", "AAA")[: 2 if method in ("tiers", "find") else 1]
    with pytest.raises(RulesError, match=r"one of collateral, borrow, .* not 'haircuts'"):
        getattr(rules(), method)(*arguments)


def test_names_are_those_with_a_schedule() -> None:
    assert rules().names("collateral") == ("AAA", "BBB")


@pytest.mark.parametrize("held", [1000, "1000", 1000.0, Decimal(1000)])
def test_a_value_may_be_any_kind_of_number(held: Any) -> None:
    assert rules().collateral_value("AAA", held) == 900


def test_a_float_value_is_its_shortest_decimal() -> None:
    assert rules().collateral_value("AAA", 0.1) == Decimal("0.09")


@pytest.mark.parametrize("held", [-1, float("nan"), "x", None, Decimal("-0.1")])
def test_a_value_that_is_none_is_refused(held: Any) -> None:
    with pytest.raises(RulesError, match="value must be"):
        rules().collateral_value("AAA", held)


def test_rules_cannot_be_changed() -> None:
    made = rules()
    with pytest.raises(AttributeError):
        made.label = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        made.ranks["AAA"] = 7  # type: ignore[index]


def test_rules_built_in_memory_are_checked() -> None:
    tiers = (Tier(Decimal(0), Decimal(10), Decimal(2)), Tier(Decimal(11), None, Decimal("0.5")))
    with pytest.raises(RulesError) as caught:
        rules(tables={"collateral": [Group(tiers, rank=6)]})
    assert [(p.path, p.what) for p in caught.value.problems] == [
        ("$.tables.collateral[0].tiers[0].rate", "rate outside 0-1"),
        ("$.tables.collateral[0].tiers[1].floor", "gap"),
    ]


def test_replacing_a_part_checks_it() -> None:
    with pytest.raises(RulesError, match="must be one of classic_2023"):
        rules().replace(methodology={"cross_classic": "classic_1999"})


def test_replacing_a_part_keeps_the_rest() -> None:
    made = rules().replace(label="other", ranks={"AAA": 6})
    assert (made.label, made.rank("BBB"), made.names("borrow")) == ("other", None, ("AAA",))


def test_new_tables_drop_the_notes_of_the_old_ones() -> None:
    noted = rules(notes=(Problem("$", "odd", severity="warning"),))
    assert noted.replace(label="x").problems() == noted.notes
    assert noted.replace(tables=noted.tables).problems() == ()


SAME = [
    {"label": "another"},
    {"sources": ("a document",)},
    {"ranks": {"CCC": 5, "BBB": 6, "AAA": 6}},
    {"notes": (Problem("$", "odd", severity="warning"),)},
]

DIFFERENT = [
    {"ranks": {"AAA": 6, "BBB": 6}},
    {"ranks": {"AAA": 6, "BBB": 6, "CCC": 6}},
    {"tables": {"collateral": [Group(flat("0.9"), rank=6)]}},
    {"methodology": {"cross_classic": "classic_2023"}},
    {"moment": datetime(2026, 7, 1, tzinfo=UTC)},
    {"stable": frozenset({"USDC"})},
    {"leverage_limits": LeverageLimits(default=25)},
    {"leverage_limits": LeverageLimits(countries=frozenset())},
    {
        "thresholds": {
            "cross_pro": ModeThresholds(
                (Line("margin_level", Decimal("1.05"), ("LIQUIDATE",)),),
                ("TRADE",),
                (Grant("BORROW", "available_margin", Decimal(0)),),
            )
        }
    },
]


@pytest.mark.parametrize("changes", SAME)
def test_what_changes_no_answer_leaves_the_digest(changes: dict[str, Any]) -> None:
    assert rules(**changes).digest == rules().digest


@pytest.mark.parametrize("changes", DIFFERENT)
def test_what_changes_an_answer_changes_the_digest(changes: dict[str, Any]) -> None:
    assert rules(**changes).digest != rules().digest


def test_one_digit_of_a_rate_changes_the_digest() -> None:
    other = dict(rules().tables)
    other["borrow"] = (Group(flat("0.50000000000000001"), rank=6),)
    assert rules(tables=other) != rules()


def test_the_way_a_number_is_written_leaves_the_digest() -> None:
    other = dict(rules().tables)
    other["borrow"] = (Group(flat("0.500"), rank=6),)
    assert rules(tables=other) == rules()


@pytest.mark.parametrize(
    ("country", "leverage"),
    [(None, 20), ("DE", 20), ("fr", 10), ("AU", 10), ("GB", 10), ("uk", 10)],
)
def test_the_largest_leverage_depends_on_the_country(country: str | None, leverage: int) -> None:
    assert builtin_rules().max_leverage(country) == leverage


def test_eighteen_countries_have_no_20x() -> None:
    assert len(builtin_rules().leverage_limits.countries) == 18


@pytest.mark.parametrize("country", ["FRA", "", "F1", 33])
def test_a_country_is_a_code_of_two_letters(country: Any) -> None:
    with pytest.raises(RulesError, match="country must be an ISO 3166 code of two letters"):
        builtin_rules().max_leverage(country)


def test_a_moment_is_turned_to_utc() -> None:
    east = datetime(2025, 11, 7, 8, tzinfo=timezone(timedelta(hours=2)))
    assert parse_moment(east) == datetime(2025, 11, 7, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "at",
    ["2025-11-07", "2025-11-07T06:00", "soon", datetime(2025, 11, 7), 5, "0001-01-01T00:00+14"],
)
def test_a_moment_needs_a_zone(at: Any) -> None:
    with pytest.raises(RulesError, match="at must be an ISO 8601 date and time with a zone"):
        builtin_rules(at=at)


@pytest.mark.parametrize(
    ("at", "classic", "pro"),
    [
        ("2023-01-12T00:00Z", "classic_2023", None),
        ("2025-01-21T09:59:59Z", "classic_2023", None),
        ("2025-01-21T10:00Z", "classic_2023", "pro_2025"),
        ("2026-01-21T13:00Z", "classic_2026_01", "pro_2025"),
        ("2026-06-15T07:59Z", "classic_2026_01", "pro_2025"),
        ("2026-06-15T08:00Z", "classic_2026_06", "pro_2025"),
        (None, "classic_2026_06", "pro_2025"),
    ],
)
def test_a_methodology_is_in_force_at_its_moment(
    at: str | None, classic: str, pro: str | None
) -> None:
    found = methodology_at(parse_moment(at))
    assert (found["cross_classic"], found.get("cross_pro")) == (classic, pro)


@pytest.mark.parametrize(
    ("at", "products"),
    [
        ("2023-01-12T00:00Z", {"portfolio", "usdm", "coinm"}),
        ("2024-09-10T23:59Z", {"portfolio", "usdm", "coinm"}),
        ("2024-09-11T00:00Z", {"portfolio", "portfolio_pro", "usdm", "coinm"}),
        (None, {"portfolio", "portfolio_pro", "usdm", "coinm"}),
    ],
)
def test_portfolio_margin_and_futures_have_one_formula_each(
    at: str | None, products: set[str]
) -> None:
    found = methodology_at(parse_moment(at))
    assert {name for product, name in found.items() if "cross" not in product} == products


def test_before_the_first_methodology_is_an_error() -> None:
    with pytest.raises(RulesError, match="no earlier than the first methodology"):
        builtin_rules(at="2023-01-11T23:59Z")


def test_wif_and_zil_after_their_move() -> None:
    after = builtin_rules(at="2025-11-07T06:00Z")
    held = [after.collateral_value(asset, 1_500_000) for asset in ("WIF", "ZIL")]
    assert held == [1_435_000, 100_000]


def test_before_a_move_an_asset_has_the_rank_before() -> None:
    assert builtin_rules(at="2025-11-07T05:59:59Z").rank("ZIL") == 9


def test_before_a_move_whose_rank_before_is_not_stated_there_is_none() -> None:
    assert builtin_rules(at="2025-12-08T05:59Z").rank("ZEC") is None
    assert builtin_rules(at="2025-12-08T06:00Z").rank("ZEC") == 8


def test_an_asset_that_moves_twice_ends_at_the_last() -> None:
    ranks = [
        builtin_rules(at=at).rank("CFX")
        for at in ("2025-11-01T00:00Z", "2025-11-08T00:00Z", "2026-01-12T06:00Z")
    ]
    assert ranks == [7, 8, 9]


@pytest.mark.parametrize(("day", "count"), [(7, 46), (14, 37)])
def test_the_notice_of_october_2025_moves_83_assets(day: int, count: int) -> None:
    moment = datetime(2025, 11, day, 6, tzinfo=UTC)
    assert sum(len(move.assets) for move in MOVES if move.effective == moment) == count


def test_successive_moves_of_an_asset_join_up() -> None:
    ranks: dict[str, int] = {}
    for move in MOVES:
        for asset in move.assets:
            assert move.before in (None, ranks.get(asset, move.before))
            ranks[asset] = move.after


def test_the_flat_ratios_begin_on_2026_01_21() -> None:
    before, after = (builtin_rules(at=at) for at in ("2026-01-21T12:59Z", "2026-01-21T13:00Z"))
    assert [made.has_table("borrow") for made in (before, after)] == [False, True]
    assert after.collateral_value("ZIL", 1000, table="transfer_out") == 100


def test_the_tiers_before_they_were_printed_are_a_warning() -> None:
    (warning,) = builtin_rules(at="2025-08-01T00:00Z").problems()
    assert "first printed on 2025-08-08" in str(warning)


def test_a_rank_without_published_tiers_names_asset_and_rank() -> None:
    with pytest.raises(RulesError, match="ADA has rank 5, and rank 5 has no schedule"):
        builtin_rules().tiers("collateral", "ADA")


def test_every_document_of_the_built_in_rules_is_named() -> None:
    sources = " ".join(builtin_rules().sources)
    for dated in ("2025-10-31", "2025-12-08", "2026-01-12", "2026-01-21", "360030493931"):
        assert dated in sources


def test_the_example_is_complete() -> None:
    made = example_rules()
    assert tuple(made.tables) == tuple(TABLES)
    by_asset = [table for table, kind in TABLES.items() if kind.names == "assets"]
    assert {len(made.names(table)) for table in by_asset} == {400}
    assert set(made.loan_leverage) == set(made.names("portfolio"))


def test_every_contract_of_the_example_has_brackets_and_agrees_with_its_name() -> None:
    made = example_rules()
    assert sorted((*made.names("usdm"), *made.names("coinm"))) == list(made.contracts)
    assert [contract_from_name(symbol) for symbol in made.contracts] == list(
        made.contracts.values()
    )
    assert {made.contracts[symbol].product for symbol in made.names("coinm")} == {"coinm"}


def test_every_bracket_of_the_example_names_a_leverage() -> None:
    made = example_rules()
    groups = (*made.tables["usdm"], *made.tables["coinm"])
    assert all(tier.leverage is not None for group in groups for tier in group.tiers)


def test_the_example_is_the_same_every_time() -> None:
    assert example_rules().digest == example_rules().digest


def test_the_example_says_that_its_figures_are_invented() -> None:
    assert "invented" in example_rules().label


def test_the_names_of_the_example_are_unique() -> None:
    assert len(set(example_names())) == len(example_names()) == 400


def test_the_example_has_the_sizes_of_the_real_thing() -> None:
    made = example_rules()
    lengths = [max(len(group.tiers) for group in groups) for groups in made.tables.values()]
    assert lengths == [16, 1, 1, 12, 12, 1, 8, 13, 13]


def test_default_thresholds_hold_where_none_are_given() -> None:
    assert rules().thresholds == DEFAULT_THRESHOLDS


def _with_thresholds(product: str, **changes: Any) -> dict[str, Any]:
    mode = {
        "lines": [{"level": "margin_level", "at_most": "1.1", "actions": ["LIQUIDATE"]}],
        "actions": ["TRADE"],
        "grants": [{"action": "BORROW", "level": "margin_level", "above": "2"}],
    }
    return {
        "format": "pymargin-rules",
        "version": 1,
        "tables": {},
        "thresholds": {product: {**mode, **changes}},
    }


def test_a_file_may_set_its_own_thresholds() -> None:
    made = load_rules(_with_thresholds("cross_pro"))
    assert made.thresholds["cross_pro"].lines == (
        Line("margin_level", Decimal("1.1"), ("LIQUIDATE",)),
    )
    assert made.thresholds["cross_classic"] == DEFAULT_THRESHOLDS["cross_classic"]


LINE = {"level": "margin_level", "at_most": "1.3", "actions": ["TRADE"]}


@pytest.mark.parametrize(
    ("product", "changes", "where"),
    [
        ("cross_pro", {"lines": [{**LINE, "level": "uni_mmr"}]}, "lines[0].level"),
        ("cross_pro", {"lines": [{**LINE, "at_most": {"3": "1", "5": "2"}}]}, "lines[0].at_most"),
        ("cross_classic", {"lines": [{**LINE, "at_most": {"3": "1"}}]}, 'lines[0].at_most["5"]'),
        (
            "cross_classic",
            {"lines": [{**LINE, "at_most": {"3": "1", "5": "2", "7": "3"}}]},
            'lines[0].at_most["7"]',
        ),
        ("cross_pro", {"lines": [{**LINE, "at_most": "-1"}]}, "lines[0].at_most"),
        ("cross_pro", {"lines": [{**LINE, "at_most": "1e-20"}]}, "lines[0].at_most"),
        ("cross_pro", {"lines": [{**LINE, "own_ratio": "yes"}]}, "lines[0].own_ratio"),
        ("cross_pro", {"lines": [{**LINE, "atmost": "1"}]}, "lines[0].atmost"),
        ("cross_pro", {"lines": [LINE, LINE]}, "lines[1].at_most"),
        ("cross_pro", {"actions": ["UNPRICED_ASSET"]}, "actions[0]"),
        ("cross_pro", {"grants": [{"action": "BORROW"}]}, "grants[0].level"),
        ("cross_pro", {"grants": None}, "grants"),
    ],
)
def test_a_wrong_threshold_is_an_error_at_its_path(
    product: str, changes: dict[str, Any], where: str
) -> None:
    with pytest.raises(RulesError) as caught:
        load_rules(_with_thresholds(product, **changes))
    paths = [problem.path for problem in caught.value.problems]
    assert f"$.thresholds.{product}.{where}" in paths


def test_a_threshold_takes_no_float() -> None:
    with pytest.raises(TypeError, match=r"a threshold must be a Decimal, not 1\.1234567"):
        Line("margin_level", 1.1234567, ("LIQUIDATE",))  # type: ignore[arg-type]


@pytest.mark.parametrize("rank", [Decimal(6), "6", True, 0])
def test_a_rank_in_memory_is_an_int(rank: Any) -> None:
    with pytest.raises(RulesError, match=r"\$\.ranks\.AAA must be a whole number"):
        rules(ranks={"AAA": rank})

from __future__ import annotations

import copy
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pymargin.errors import RulesError
from pymargin.rules import Tier, check_rules, rules_from_binance
from pymargin.rules.schedules import value

DATA = Path(__file__).parent / "data" / "rules"
SAMPLES = Path(__file__).parents[2] / "shared" / "api_samples"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the reference folder ../shared is not present"
)


def collateral() -> list[dict[str, Any]]:
    return json.loads((DATA / "cross_collateral.json").read_text(encoding="utf-8"))


def brackets() -> list[dict[str, Any]]:
    return json.loads((DATA / "liability_brackets.json").read_text(encoding="utf-8"))


def errors(source: object) -> list[tuple[str, str]]:
    return [(p.path, p.what) for p in check_rules(source) if p.severity == "error"]


def test_a_top_tier_without_a_cap_is_open() -> None:
    rules = rules_from_binance(cross_collateral=collateral())
    assert rules.tiers("collateral", "ETH")[-1] == Tier(Decimal(3_000_000), None, Decimal("0.5"))


def test_every_asset_of_a_group_shares_one_schedule() -> None:
    rules = rules_from_binance(cross_collateral=collateral())
    assert rules.find("collateral", "BTC") is rules.find("collateral", "ETH")


def test_borrow_and_withdraw_collaterals_become_their_tables() -> None:
    rules = rules_from_binance(cross_collateral=collateral())
    rates = [rules.tiers(table, "BTC")[0].rate for table in ("borrow", "transfer_out")]
    assert rates == [Decimal("0.95"), Decimal("0.9")]


def test_without_the_newer_collaterals_their_tables_are_absent() -> None:
    older = [{key: group[key] for key in ("collaterals", "assetNames")} for group in collateral()]
    rules = rules_from_binance(cross_collateral=older)
    assert not rules.has_table("borrow")
    assert [problem.path for problem in rules.problems()] == ["$.tables"]


def test_brackets_give_the_worked_margins() -> None:
    rules = rules_from_binance(liability_brackets=brackets())
    sums = [
        value(rules.tiers(table, "BTC"), 390_000, excess="last")
        + value(rules.tiers(table, "ETH"), 39_000, excess="last")
        for table in ("liability_maintenance", "liability_initial")
    ]
    assert sums == [31_330, Decimal("75327.1")]


def test_a_bracket_keeps_its_leverage() -> None:
    rules = rules_from_binance(liability_brackets=brackets())
    assert [tier.leverage for tier in rules.tiers("liability_initial", "BTC")] == [10, 8, 6]


def test_the_class_of_a_bracket_is_no_rank_of_an_asset() -> None:
    assert rules_from_binance(liability_brackets=brackets()).rank("BTC") is None


def test_right_answers_have_no_problems() -> None:
    assert check_rules(collateral()) == []
    assert check_rules(brackets()) == []


@pytest.mark.parametrize("wrap", [lambda a: {"code": "000000", "data": a}, tuple, lambda a: a])
def test_an_answer_may_be_wrapped(wrap: Any) -> None:
    assert rules_from_binance(cross_collateral=wrap(collateral())) == rules_from_binance(
        cross_collateral=collateral()
    )


def test_one_group_alone_is_an_answer() -> None:
    rules = rules_from_binance(liability_brackets=brackets()[0])
    assert rules.names("liability_initial") == ("BTC",)


@pytest.mark.parametrize("kind", [str, Path])
def test_an_answer_may_be_a_path(kind: type) -> None:
    by_path = rules_from_binance(cross_collateral=kind(DATA / "cross_collateral.json"))
    assert by_path == rules_from_binance(cross_collateral=collateral())


def test_numbers_may_be_texts_or_numbers() -> None:
    as_text = json.loads(json.dumps(brackets()), parse_float=str, parse_int=str)
    assert rules_from_binance(liability_brackets=as_text) == rules_from_binance(
        liability_brackets=brackets()
    )


def test_fields_that_are_new_are_left_alone() -> None:
    newer = collateral()
    newer[0]["somethingNew"] = {"a": 1}
    assert rules_from_binance(cross_collateral=newer) == rules_from_binance(
        cross_collateral=collateral()
    )


@pytest.mark.parametrize(
    ("group", "tier", "key", "junk", "where", "what"),
    [
        (0, 1, "minUsdValue", "999999", "$[0].collaterals[1].minUsdValue", "overlap"),
        (0, 1, "minUsdValue", "1000001", "$[0].collaterals[1].minUsdValue", "gap"),
        (0, 0, "minUsdValue", "5", "$[0].collaterals[0].minUsdValue", "first floor"),
        (0, 0, "minUsdValue", None, "$[0].collaterals[0].minUsdValue", "bad type"),
        (0, 1, "discountRate", "0.4", "$[0].collaterals[2].discountRate", "non-monotone"),
        (1, 0, "discountRate", "1.5", "$[1].collaterals[0].discountRate", "rate outside 0-1"),
        (0, 1, "maxUsdValue", None, "$[0].collaterals[1].maxUsdValue", "open before the last"),
        (0, 1, "discountRate", [], "$[0].collaterals[1].discountRate", "bad type"),
    ],
)
def test_a_fault_of_a_collateral_answer_is_at_its_path(
    group: int, tier: int, key: str, junk: object, where: str, what: str
) -> None:
    broken = collateral()
    broken[group]["collaterals"][tier][key] = junk
    assert errors(broken) == [(where, what)]


@pytest.mark.parametrize(
    ("bracket", "key", "junk", "where", "what"),
    [
        (1, "maxDebt", 50000, "$[0].brackets[1].maxDebt", "inverted"),
        (0, "maxDebt", 0, "$[0].brackets[0].maxDebt", "inverted"),
        (0, "maxDebt", "x", "$[0].brackets[0].maxDebt", "bad type"),
        (
            1,
            "maintenanceMarginRate",
            0.01,
            "$[0].brackets[1].maintenanceMarginRate",
            "non-monotone",
        ),
        (1, "initialMarginRate", None, "$[0].brackets[1].initialMarginRate", "bad type"),
        (1, "leverage", 0, "$[0].brackets[1].leverage", "leverage"),
    ],
)
def test_a_fault_of_a_bracket_answer_is_said_once_at_its_path(
    bracket: int, key: str, junk: object, where: str, what: str
) -> None:
    broken = brackets()
    broken[0]["brackets"][bracket][key] = junk
    assert errors(broken) == [(where, what)]


@pytest.mark.parametrize("key", ["maxDebt", "maintenanceMarginRate", "initialMarginRate"])
def test_a_bracket_without_a_part_is_an_error(key: str) -> None:
    broken = brackets()
    del broken[0]["brackets"][0][key]
    assert errors(broken) == [(f"$[0].brackets[0].{key}", "missing")]


def test_an_asset_in_two_groups_is_an_error() -> None:
    broken = brackets()
    broken[1]["assetNames"].append("BTC")
    assert errors(broken) == [("$[1].assetNames[2]", "duplicate asset")]


def test_a_class_with_two_sets_of_brackets_is_an_error() -> None:
    broken = brackets()
    broken[1]["rank"] = 1
    assert errors(broken) == [("$[1].rank", "duplicate rank")]


def test_a_class_may_come_in_two_groups() -> None:
    split = brackets()
    split.append({**copy.deepcopy(split[0]), "assetNames": ["BNB"]})
    rules = rules_from_binance(liability_brackets=split)
    assert rules.find("liability_initial", "BNB") is rules.find("liability_initial", "BTC")


def test_a_quick_deduction_that_differs_warns_and_the_derived_holds() -> None:
    odd = brackets()
    odd[0]["brackets"][2]["fastNum"] = 2500
    rules = rules_from_binance(liability_brackets=odd)
    assert [problem.path for problem in rules.problems()] == ["$[0].brackets[2].fastNum"]
    assert value(rules.tiers("liability_maintenance", "BTC"), 390_000, excess="last") == 29_200


def test_faults_of_both_answers_are_raised_at_once() -> None:
    one, other = collateral(), brackets()
    one[0]["assetNames"] = []
    other[0]["brackets"][0]["maxDebt"] = -1
    with pytest.raises(RulesError) as caught:
        rules_from_binance(cross_collateral=one, liability_brackets=other)
    assert [problem.path for problem in caught.value.problems] == [
        "cross_collateral: $[0].assetNames",
        "liability_brackets: $[0].brackets[0].maxDebt",
    ]


def test_an_error_answer_says_what_the_exchange_said() -> None:
    with pytest.raises(RulesError, match=r"the error -1022: Signature for this request"):
        rules_from_binance(
            cross_collateral={"code": -1022, "msg": "Signature for this request is not valid."}
        )


@pytest.mark.parametrize("answer", [[], {"data": []}, "missing.json", [3], 3])
def test_an_unusable_answer_is_refused(answer: Any) -> None:
    with pytest.raises(RulesError):
        rules_from_binance(cross_collateral=answer)


def test_no_answer_at_all_is_refused() -> None:
    with pytest.raises(RulesError, match="at least one of cross_collateral, liability_brackets"):
        rules_from_binance()


def test_the_moment_chooses_the_methodology() -> None:
    rules = rules_from_binance(cross_collateral=collateral(), at="2026-01-21T13:00Z")
    assert rules.methodology["cross_classic"] == "classic_2026_01"


@needs_samples
def test_the_vendor_sample_of_collateral_loads() -> None:
    rules = rules_from_binance(
        cross_collateral=SAMPLES / "sapi_v1_margin_crossMarginCollateralRatio.json"
    )
    assert rules.collateral_value("BNX", 20_000_000) == 19_825_000


@needs_samples
def test_the_vendor_sample_of_brackets_warns_of_its_quick_deduction() -> None:
    rules = rules_from_binance(liability_brackets=SAMPLES / "sapi_v1_margin_leverageBracket.json")
    (warning,) = rules.problems()
    assert (warning.path, warning.found) == ("$[0].brackets[1].fastNum", "60000")


def test_empty_newer_collaterals_are_absent_with_a_warning() -> None:
    odd = collateral()
    odd[1]["borrowCollaterals"] = []
    rules = rules_from_binance(cross_collateral=odd)
    assert rules.find("borrow", "USDT") is None
    assert [problem.path for problem in rules.problems()] == ["$[1].borrowCollaterals"]


def test_an_answer_may_be_gzipped(tmp_path: Path) -> None:
    packed = tmp_path / "ratios.json.gz"
    packed.write_bytes(gzip.compress((DATA / "cross_collateral.json").read_bytes()))
    assert rules_from_binance(cross_collateral=packed) == rules_from_binance(
        cross_collateral=collateral()
    )


# The ids are given: gzip stamps what it writes with the time, which must not name a test.
@pytest.mark.parametrize(
    "content",
    [b"\x1f\x8b", b"\x1f\x8bjunk", gzip.compress(b"[1]", mtime=0)[:-3]],
    ids=["header cut", "junk", "end cut"],
)
def test_a_broken_gzip_file_is_a_problem_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ratios.json.gz").write_bytes(content)
    with pytest.raises(RulesError, match=r"ratios.json.gz: is not valid JSON: gzip"):
        rules_from_binance(cross_collateral=tmp_path / "ratios.json.gz")


def test_an_unreadable_quick_deduction_is_found_beside_another_fault() -> None:
    broken = brackets()
    broken[0]["brackets"][1] |= {"fastNum": "abc", "maxDebt": 1}
    assert errors(broken) == [
        ("$[0].brackets[1].maxDebt", "inverted"),
        ("$[0].brackets[1].fastNum", "bad type"),
    ]

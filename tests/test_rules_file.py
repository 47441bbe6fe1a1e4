from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pymargin.rules
from pymargin.errors import RulesError
from pymargin.rules import MarginRules, builtin_rules, check_rules, example_rules, load_rules
from pymargin.rules.document import document, text
from pymargin.rules.jsonfile import decode

SCHEMA = json.loads(
    (Path(pymargin.rules.__file__).parent / "rules.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def small() -> dict[str, Any]:
    """A file with every kind of part."""
    return {
        "format": "pymargin-rules",
        "version": 1,
        "label": "small",
        "sources": ["a test"],
        "moment": "2026-07-01T00:00:00Z",
        "methodology": {"cross_classic": "classic_2026_06", "cross_pro": "pro_2025"},
        "max_leverage": {"default": 20, "restricted": 10, "countries": ["FR"]},
        "stable": ["USDC"],
        "ranks": [{"rank": 6, "assets": ["AAA", "BBB"]}, {"rank": 7, "assets": ["CCC"]}],
        "portfolio_pro_ranks": [{"rank": 3, "assets": ["AAA"]}],
        "loan_margin": {"3": "0.1", "10": "0.05"},
        "loan_leverage": {"AAA": 3},
        "contracts": {
            "AAAUSD_PERP": {
                "product": "coinm",
                "base_asset": "AAA",
                "settlement_asset": "AAA",
                "contract_size": "10",
            },
            "币安人生USDT": {
                "product": "usdm",
                "base_asset": "币安人生",
                "settlement_asset": "USDT",
            },
        },
        "tables": {
            "collateral": [
                {
                    "rank": 6,
                    "tiers": [
                        {"floor": "0", "cap": "100", "rate": "1"},
                        {"floor": "100", "cap": "200", "rate": "0.5"},
                        {"floor": "200", "rate": "0.1"},
                    ],
                },
                {"assets": ["BBB", "DDD"], "tiers": [{"cap": "50", "rate": "0.9"}]},
            ],
            "borrow": [{"rank": 6, "tiers": [{"rate": "0.6"}]}],
            "transfer_out": [{"rank": 6, "tiers": [{"rate": "0.6"}]}],
            "liability_maintenance": [
                {
                    "assets": ["AAA"],
                    "tiers": [
                        {"floor": 0, "cap": 100, "rate": 0.05, "leverage": 10, "cum": 0},
                        {"floor": 100, "cap": 300, "rate": 0.07, "leverage": 8, "cum": "2"},
                    ],
                }
            ],
            "liability_initial": [{"assets": ["AAA"], "tiers": [{"cap": 300, "rate": "0.2"}]}],
            "portfolio": [{"assets": ["AAA"], "tiers": [{"rate": "0.95"}]}],
            "portfolio_pro": [
                {"rank": 3, "tiers": [{"cap": "500", "rate": "1"}, {"rate": "0.5"}]},
                {"assets": ["BBB"], "tiers": [{"rate": "0.85"}]},
            ],
            "usdm": [
                {
                    "symbols": ["AAAUSDT", "币安人生USDT"],
                    "tiers": [
                        {"cap": 5000, "rate": "0.01", "leverage": 75, "cum": 0},
                        {"cap": 9223372036854775807, "rate": "0.02", "leverage": 50, "cum": 50},
                    ],
                }
            ],
            "coinm": [
                {
                    "symbols": ["AAAUSD_PERP"],
                    "tiers": [{"cap": 50, "rate": 0.004, "leverage": 125}],
                }
            ],
        },
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the small file with one part replaced, or removed where the value is ``...``."""
    whole = small()
    node: Any = whole
    *way, last = path.replace("[", ".[").split(".")
    for key in way:
        node = node[int(key[1:-1])] if key.startswith("[") else node[key]
    place: Any = int(last[1:-1]) if last.startswith("[") else last
    if value is ...:
        del node[place]
    else:
        node[place] = value
    return whole


def errors(source: object) -> list[tuple[str, str]]:
    return [(p.path, p.what) for p in check_rules(source) if p.severity == "error"]


def test_the_small_file_has_no_problem() -> None:
    assert check_rules(small()) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "what"),
    [
        ("format", "other", "$.format", "unknown format"),
        ("version", 2, "$.version", "unknown format"),
        ("version", True, "$.version", "unknown format"),
        ("lable", "typo", "$.lable", "unknown key"),
        ("label", 7, "$.label", "bad type"),
        ("sources", ["a", 1], "$.sources[1]", "bad type"),
        ("moment", "2026-07-01T00:00", "$.moment", "moment"),
        ("moment", 5, "$.moment", "bad type"),
        ("methodology.cross_pro", "pro_1999", "$.methodology.cross_pro", "unknown methodology"),
        ("methodology.futures", "x", "$.methodology.futures", "unknown key"),
        ("methodology", {}, "$.methodology", "empty"),
        ("max_leverage.default", 0, "$.max_leverage.default", "bad type"),
        ("max_leverage.countries", ["fr"], "$.max_leverage.countries[0]", "country"),
        ("stable", ["A B"], "$.stable[0]", "bad name"),
        ("ranks[1].rank", 6, "$.ranks[1].rank", "duplicate rank"),
        ("ranks[1].assets[0]", "AAA", "$.ranks[1].assets[0]", "duplicate asset"),
        ("ranks[0].rank", "six", "$.ranks[0].rank", "bad type"),
        ("tables", [], "$.tables", "bad type"),
        ("tables.haircuts", [], "$.tables.haircuts", "unknown key"),
        ("tables.borrow", [], "$.tables.borrow", "empty"),
        ("tables.collateral[0].tiers", [], "$.tables.collateral[0].tiers", "empty"),
        ("tables.collateral[0].tiers", ..., "$.tables.collateral[0].tiers", "missing"),
        ("tables.collateral[0].rank", ..., "$.tables.collateral[0]", "key"),
        ("tables.collateral[0].assets", ["X"], "$.tables.collateral[0]", "key"),
        ("tables.collateral[1].assets", [], "$.tables.collateral[1].assets", "empty"),
        (
            "tables.collateral[1].assets",
            ["DDD", "DDD"],
            "$.tables.collateral[1].assets[1]",
            "duplicate asset",
        ),
        (
            "tables.collateral[0].tiers[0].floor",
            "1",
            "$.tables.collateral[0].tiers[0].floor",
            "first floor",
        ),
        (
            "tables.collateral[0].tiers[1].floor",
            "101",
            "$.tables.collateral[0].tiers[1].floor",
            "gap",
        ),
        (
            "tables.collateral[0].tiers[1].floor",
            "99",
            "$.tables.collateral[0].tiers[1].floor",
            "overlap",
        ),
        (
            "tables.collateral[0].tiers[1].cap",
            ...,
            "$.tables.collateral[0].tiers[1].cap",
            "open before the last",
        ),
        (
            "tables.collateral[0].tiers[1].cap",
            "99999999999",
            "$.tables.collateral[0].tiers[1].cap",
            "open before the last",
        ),
        (
            "tables.collateral[0].tiers[0].rate",
            "1.01",
            "$.tables.collateral[0].tiers[0].rate",
            "rate outside 0-1",
        ),
        (
            "tables.collateral[0].tiers[2].rate",
            "0.6",
            "$.tables.collateral[0].tiers[2].rate",
            "non-monotone",
        ),
        (
            "tables.liability_maintenance[0].tiers[1].rate",
            "0.04",
            "$.tables.liability_maintenance[0].tiers[1].rate",
            "non-monotone",
        ),
        (
            "tables.liability_maintenance[0].tiers[0].rate",
            "-0.1",
            "$.tables.liability_maintenance[0].tiers[0].rate",
            "negative rate",
        ),
        (
            "tables.liability_maintenance[0].tiers[0].leverage",
            0,
            "$.tables.liability_maintenance[0].tiers[0].leverage",
            "leverage",
        ),
        (
            "tables.collateral[0].tiers[0].leverage",
            10,
            "$.tables.collateral[0].tiers[0].leverage",
            "unknown key",
        ),
        (
            "tables.collateral[0].tiers[1].rate",
            "0.1234567890123456789",
            "$.tables.collateral[0].tiers[1].rate",
            "too many digits",
        ),
        (
            "tables.collateral[0].tiers[0].rate",
            "1e-19",
            "$.tables.collateral[0].tiers[0].rate",
            "too many digits",
        ),
        (
            "tables.collateral[0].tiers[0].floor",
            "1e18",
            "$.tables.collateral[0].tiers[0].floor",
            "too many digits",
        ),
        (
            "tables.collateral[0].tiers[0].rate",
            True,
            "$.tables.collateral[0].tiers[0].rate",
            "bad type",
        ),
        (
            "tables.collateral[0].tiers[0].rate",
            "1,000",
            "$.tables.collateral[0].tiers[0].rate",
            "bad type",
        ),
        (
            "tables.collateral[0].tiers[0].rate",
            float("nan"),
            "$.tables.collateral[0].tiers[0].rate",
            "bad type",
        ),
        ("tables.collateral[0].tiers[0]", None, "$.tables.collateral[0].tiers[0]", "bad type"),
        (
            "tables.portfolio[0].tiers",
            [{"cap": "10", "rate": "1"}, {"rate": "0.5"}],
            "$.tables.portfolio[0].tiers",
            "not flat",
        ),
        ("tables.portfolio[0].tiers[0].cap", "10", "$.tables.portfolio[0].tiers", "not flat"),
        ("tables.portfolio[0].assets", ..., "$.tables.portfolio[0]", "key"),
        ("tables.portfolio[0].rank", 6, "$.tables.portfolio[0].rank", "unknown key"),
        ("tables.usdm[0].symbols", ..., "$.tables.usdm[0]", "key"),
        ("tables.usdm[0].assets", ["AAA"], "$.tables.usdm[0].assets", "unknown key"),
        ("tables.usdm[0].symbols[1]", "AAAUSDT", "$.tables.usdm[0].symbols[1]", "duplicate symbol"),
        (
            "tables.usdm[0].tiers[1].leverage",
            "76",
            "$.tables.usdm[0].tiers[1].leverage",
            "non-monotone",
        ),
        ("tables.usdm[0].tiers[1].rate", "0.009", "$.tables.usdm[0].tiers[1].rate", "non-monotone"),
        ("tables.coinm[0].tiers[0].cap", "0", "$.tables.coinm[0].tiers[0].cap", "inverted"),
        (
            "portfolio_pro_ranks[0].assets",
            ["A", "A"],
            "$.portfolio_pro_ranks[0].assets[1]",
            "duplicate asset",
        ),
        ("loan_margin.3", "1.1", '$.loan_margin["3"]', "rate outside 0-1"),
        ("loan_margin.1", "0.1", '$.loan_margin["1"]', "bad type"),
        ("loan_margin.256", "0.1", '$.loan_margin["256"]', "leverage"),
        ("loan_margin.03", "0.1", '$.loan_margin["03"]', "duplicate"),
        ("loan_leverage.AAA", 5, "$.loan_leverage.AAA", "loan leverage"),
        (
            "contracts.AAAUSD_PERP.product",
            "options",
            "$.contracts.AAAUSD_PERP.product",
            "unknown",
        ),
        (
            "contracts.AAAUSD_PERP.settlement_asset",
            "USDT",
            "$.contracts.AAAUSD_PERP.settlement_asset",
            "settlement",
        ),
        (
            "contracts.AAAUSD_PERP.contract_size",
            0,
            "$.contracts.AAAUSD_PERP.contract_size",
            "contract size",
        ),
        (
            "contracts.AAAUSD_PERP.base_asset",
            ...,
            "$.contracts.AAAUSD_PERP.base_asset",
            "missing",
        ),
        (
            "contracts.币安人生USDT.contract_size",
            "1000",
            '$.contracts["\\u5e01\\u5b89\\u4eba\\u751fUSDT"].contract_size',
            "contract size",
        ),
        ("contracts.BBBUSDT", None, "$.contracts.BBBUSDT", "bad type"),
        ("tables.coinm[0].symbols[0]", "AAAUSDT", "$.tables.coinm", "duplicate symbol"),
    ],
)
def test_one_fault_is_one_error_at_its_path(path: str, value: Any, where: str, what: str) -> None:
    assert errors(changed(path, value)) == [(where, what)]


def test_an_inverted_tier_is_an_error_at_its_cap() -> None:
    assert ("$.tables.collateral[0].tiers[1].cap", "inverted") in errors(
        changed("tables.collateral[0].tiers[1].cap", "100")
    )


def test_a_cap_of_zero_is_an_error() -> None:
    assert errors(changed("tables.collateral[1].tiers[0].cap", 0)) == [
        ("$.tables.collateral[1].tiers[0].cap", "inverted")
    ]


def test_the_same_tier_twice_is_a_duplicate() -> None:
    broken = small()
    tiers = broken["tables"]["collateral"][0]["tiers"]
    tiers.insert(1, copy.deepcopy(tiers[0]))
    assert errors(broken) == [("$.tables.collateral[0].tiers[1]", "duplicate")]


def test_more_than_64_tiers_are_refused() -> None:
    tiers = [{"cap": str(k + 1), "rate": "1"} for k in range(65)]
    assert errors(changed("tables.collateral[0].tiers", tiers)) == [
        ("$.tables.collateral[0].tiers", "too many tiers")
    ]


def test_an_asset_in_two_groups_of_a_table_is_a_duplicate() -> None:
    broken = small()
    broken["tables"]["collateral"].append({"assets": ["DDD"], "tiers": [{"rate": "1"}]})
    assert errors(broken) == [("$.tables.collateral[2].assets[0]", "duplicate asset")]


def test_a_rank_in_two_groups_of_a_table_is_a_duplicate() -> None:
    broken = small()
    broken["tables"]["collateral"].append({"rank": 6, "tiers": [{"rate": "1"}]})
    assert errors(broken) == [("$.tables.collateral[2].rank", "duplicate rank")]


def test_all_faults_are_raised_at_once() -> None:
    broken = changed("tables.collateral[0].tiers[1].floor", "150")
    broken["tables"]["borrow"][0]["tiers"][0]["rate"] = "abc"
    broken["tables"]["liability_initial"][0]["assets"] = []
    broken["unknown"] = 1
    broken["moment"] = "yesterday"
    with pytest.raises(RulesError) as caught:
        load_rules(broken)
    assert {problem.path for problem in caught.value.problems} == {
        "$.unknown",
        "$.tables.collateral[0].tiers[1].floor",
        "$.tables.borrow[0].tiers[0].rate",
        "$.tables.liability_initial[0].assets",
        "$.moment",
    }


def test_a_message_says_place_rule_and_value() -> None:
    (problem,) = check_rules(changed("tables.collateral[0].tiers[1].floor", "101"))
    assert str(problem) == (
        "$.tables.collateral[0].tiers[1].floor must be 100, the cap before, not 101"
    )


def test_a_given_quick_deduction_that_differs_warns() -> None:
    rules = load_rules(changed("tables.liability_maintenance[0].tiers[1].cum", "3"))
    (warning,) = rules.problems()
    assert warning.severity == "warning"
    assert warning.path == "$.tables.liability_maintenance[0].tiers[1].cum"


def test_absent_ratio_tables_are_one_warning() -> None:
    bare = small()
    del bare["tables"]["borrow"], bare["tables"]["transfer_out"]
    (warning,) = load_rules(bare).problems()
    assert warning.severity == "warning"
    assert "no table borrow and no table transfer_out" in str(warning)


def test_absent_ratio_tables_do_not_matter_before_2026() -> None:
    bare = small()
    del bare["tables"]["borrow"], bare["tables"]["transfer_out"]
    bare["methodology"] = {"cross_classic": "classic_2023"}
    assert load_rules(bare).problems() == ()


def test_a_margin_rate_above_one_warns() -> None:
    rules = load_rules(changed("tables.liability_initial[0].tiers[0].rate", "20"))
    (warning,) = rules.problems()
    assert warning.path == "$.tables.liability_initial[0].tiers[0].rate"


def test_an_absent_methodology_is_that_of_the_moment() -> None:
    bare = changed("methodology", ...)
    bare["moment"] = "2024-01-01T00:00Z"
    methodology = load_rules(bare).methodology
    assert methodology["cross_classic"] == "classic_2023"
    assert "cross_pro" not in methodology


def test_a_json_number_is_taken_as_its_text(tmp_path: Path) -> None:
    content = json.dumps(small()).replace('"0.9"', "0.900000000000000001")
    (tmp_path / "rules.json").write_text(content, encoding="utf-8")
    (tier,) = load_rules(tmp_path / "rules.json").tiers("collateral", "DDD")
    assert tier.rate == Decimal("0.900000000000000001")


def test_a_decoded_float_is_taken_as_its_shortest_decimal() -> None:
    (tier,) = load_rules(changed("tables.borrow[0].tiers[0].rate", 0.1)).tiers("borrow", "AAA")
    assert tier.rate == Decimal("0.1")


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    content = json.dumps(small()).replace('"rate": "0.9"', '"rate": "0.9", "rate": "0.8"')
    (tmp_path / "rules.json").write_text(content, encoding="utf-8")
    assert errors(tmp_path / "rules.json") == [
        ("$.tables.collateral[1].tiers[0].rate", "duplicate")
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a": 1}', b"3", b"[]", b'["x"]'],
)
def test_an_unusable_file_is_a_problem(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rules.json").write_bytes(content)
    assert [problem.severity for problem in check_rules(tmp_path / "rules.json")][:1] == ["error"]


def test_a_file_that_is_not_there_is_a_problem_that_names_it(tmp_path: Path) -> None:
    (problem,) = check_rules(tmp_path / "none.json")
    assert str(problem).endswith("none.json: cannot be read: No such file or directory")


@pytest.mark.parametrize("source", [None, 3, b"{}", object(), [], {}, [[]], {"tables": 3}, "\0"])
def test_check_rules_never_raises(source: object) -> None:
    assert any(problem.severity == "error" for problem in check_rules(source))


def test_checking_rules_gives_their_warnings() -> None:
    rules = load_rules(changed("tables.liability_maintenance[0].tiers[1].cum", "3"))
    assert check_rules(rules) == list(rules.problems())


@pytest.mark.parametrize("rules", [example_rules(), builtin_rules(), load_rules(small())])
def test_saving_what_was_loaded_gives_the_same_bytes(tmp_path: Path, rules: MarginRules) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    rules.save(one)
    load_rules(one).save(other)
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("rules", [example_rules(), builtin_rules(), load_rules(small())])
def test_a_saved_file_holds_the_same_rules(tmp_path: Path, rules: MarginRules) -> None:
    rules.save(tmp_path / "rules.json")
    loaded = load_rules(tmp_path / "rules.json")
    assert (loaded.digest, loaded.label, loaded.sources) == (
        rules.digest,
        rules.label,
        rules.sources,
    )


def test_a_tier_stands_on_one_line() -> None:
    lines = text(load_rules(small())).splitlines()
    assert '          {"floor": "100", "cap": "200", "rate": "0.5"},' in lines


def test_asset_names_may_be_of_any_script(tmp_path: Path) -> None:
    rules = load_rules(changed("ranks[1].assets", ["币安人生"]))
    rules.save(tmp_path / "rules.json")
    assert load_rules(tmp_path / "rules.json").rank("币安人生") == 7


@pytest.mark.parametrize("rules", [example_rules(), builtin_rules(), load_rules(small())])
def test_pickled_rules_are_the_same(rules: MarginRules) -> None:
    restored = pickle.loads(pickle.dumps(rules))
    assert restored == rules
    assert restored.problems() == rules.problems()


@pytest.mark.parametrize(
    "document_",
    [
        document(example_rules()),
        document(builtin_rules()),
        document(builtin_rules(at="2024-01-01T00:00Z")),
        small(),
    ],
)
def test_files_obey_the_published_schema(document_: dict[str, Any]) -> None:
    VALIDATOR.validate(json.loads(json.dumps(document_)))


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "other"),
        ("version", 2),
        ("lable", "typo"),
        ("tables", ...),
        ("tables.haircuts", []),
        ("tables.borrow", []),
        ("tables.collateral[0].tiers", []),
        ("tables.collateral[0].tiers[0].rate", ...),
        ("tables.collateral[0].tiers[0].rate", "1,5"),
        ("tables.collateral[0].tiers[0].rate", 1.5),
        ("tables.collateral[0].tiers[0].leverage", 10),
        ("tables.collateral[0].tiers[0].raet", "1"),
        ("tables.collateral[0].rank", ...),
        ("tables.collateral[0].assets", ["X"]),
        ("tables.collateral[1].assets", []),
        ("tables.collateral[1].assets[0]", "A B"),
        ("ranks[0].rank", 0),
        ("methodology.cross_pro", "pro_1999"),
        ("max_leverage.countries[0]", "fr"),
        ("thresholds", {"cross_pro": {"lines": [], "actions": ["FLY"], "grants": []}}),
        ("thresholds", {"usdm": {"lines": [], "actions": ["FLY"], "grants": []}}),
        ("tables.portfolio[0].tiers[0].cap", 10),
        ("tables.portfolio[0].rank", 6),
        ("tables.usdm[0].symbols", ...),
        ("tables.usdm[0].assets", ["AAA"]),
        ("tables.coinm[0].tiers[0].leverage", "x"),
        ("portfolio_pro_ranks[0].rank", 0),
        ("loan_margin.3", "x"),
        ("loan_margin.1", "0.1"),
        ("loan_leverage.AAA", 0),
        ("contracts.AAAUSD_PERP.product", "options"),
        ("contracts.AAAUSD_PERP.base_asset", ...),
        ("contracts.AAAUSD_PERP.size", 1),
    ],
)
def test_the_schema_and_the_loader_refuse_the_same_malformed_file(path: str, value: Any) -> None:
    broken = changed(path, value)
    assert not VALIDATOR.is_valid(broken)
    assert errors(broken)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    def tiers(*, falling: bool) -> list[dict[str, str]]:
        n = draw(st.integers(1, 5))
        widths = draw(st.lists(st.integers(1, 10**9), min_size=n, max_size=n))
        rates = sorted(
            draw(st.lists(st.integers(0, 10_000), min_size=n, max_size=n)), reverse=falling
        )
        written, floor = [], 0
        for width, rate in zip(widths, rates, strict=True):
            written.append(
                {"floor": str(floor), "cap": str(floor + width), "rate": str(Decimal(rate) / 10**4)}
            )
            floor += width
        if draw(st.booleans()):
            del written[-1]["cap"]
        return written

    names = draw(st.lists(st.text("ABCDEFG", min_size=1, max_size=4), unique=True, max_size=6))
    half = len(names) // 2
    tables: dict[str, Any] = {}
    groups: list[dict[str, Any]]
    for table, ending in (("usdm", "USDT"), ("coinm", "USD_PERP")):
        groups = [
            {"symbols": [f"{name}{ending}"], "tiers": tiers(falling=False)} for name in names[half:]
        ]
        if groups:
            tables[table] = draw(st.permutations(groups))
    for table in ("collateral", "borrow", "liability_maintenance", "portfolio_pro"):
        falling = table != "liability_maintenance"
        groups = [{"rank": 1, "tiers": tiers(falling=falling)}]
        groups += [{"assets": [name], "tiers": tiers(falling=falling)} for name in names[half:]]
        tables[table] = draw(st.permutations(groups))
    ranks = [{"rank": 1, "assets": names[:half]}]
    return {
        "format": "pymargin-rules",
        "version": 1,
        "ranks": ranks,
        "portfolio_pro_ranks": ranks,
        "tables": tables,
    }


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(documents())
def test_any_valid_file_comes_back_the_same(given_: dict[str, Any]) -> None:
    rules = load_rules(given_)
    again = load_rules(decode(text(rules)))
    assert again == rules
    assert text(again) == text(rules)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(documents(), st.data())
def test_a_corrupted_number_is_a_problem_at_its_path(
    given_: dict[str, Any], data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(sorted(given_["tables"])))
    groups = given_["tables"][table]
    group = data.draw(st.integers(0, len(groups) - 1))
    tier = data.draw(st.integers(0, len(groups[group]["tiers"]) - 1))
    key = data.draw(st.sampled_from(["floor", "rate"]))
    junk = data.draw(
        st.sampled_from([None, [], {}, "", "one", True, "-1", "0.0000000000000000001", "1e30"])
    )
    groups[group]["tiers"][tier][key] = junk
    found = {path for path, _ in errors(given_)}
    assert f"$.tables.{table}[{group}].tiers[{tier}].{key}" in found


def test_an_answer_of_the_exchange_says_who_reads_it() -> None:
    answer: Any = [{"assetNames": ["BTC"], "collaterals": []}]
    with pytest.raises(RulesError, match=r"rules_from_binance\(cross_collateral=\.\.\.\)"):
        load_rules(answer)


@pytest.mark.parametrize("rank", ["6", 6, 6.0, Decimal("6.0")])
def test_a_rank_may_be_a_text_or_a_number(rank: Any) -> None:
    assert load_rules(changed("ranks[0].rank", rank)).rank("AAA") == 6


@pytest.mark.parametrize(
    "rank", [0, -1, 6.5, True, None, "x", float("inf"), Decimal("NaN"), 10**100]
)
def test_a_rank_is_a_whole_number_from_one(rank: Any) -> None:
    assert errors(changed("ranks[0].rank", rank)) == [("$.ranks[0].rank", "bad type")]


def test_an_integer_too_long_to_print_is_a_problem() -> None:
    (found,) = [p for p in check_rules(changed("ranks[0].rank", 10**5000)) if p.found]
    assert "not a very large number" in str(found)

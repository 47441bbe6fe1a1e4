from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pymargin.errors import RulesError
from pymargin.rules import Tier, check_rules, rules_from_binance

SAMPLES = Path(__file__).parents[2] / "shared" / "api_samples"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the reference folder ../shared is not present"
)

RATES = [
    {"asset": "BTC", "collateralRate": "1.0000"},
    {"asset": "币安人生", "collateralRate": 0.35},
]


def tiered() -> list[dict[str, Any]]:
    return [
        {
            "asset": "BNB",
            "collateralInfo": [
                {"tierFloor": "0", "tierCap": "1000", "collateralRate": "1", "cum": "0"},
                {"tierFloor": "1000", "tierCap": "3000", "collateralRate": "0.9", "cum": "100"},
                {"tierFloor": "3000", "tierCap": "99999999999", "collateralRate": "0.5"},
            ],
        }
    ]


def errors(source: object) -> list[tuple[str, str]]:
    return [(p.path, p.what) for p in check_rules(source) if p.severity == "error"]


def test_a_collateral_rate_is_one_flat_tier() -> None:
    rules = rules_from_binance(portfolio_collateral=RATES)
    assert rules.tiers("portfolio", "币安人生") == (Tier(Decimal(0), None, Decimal("0.35")),)
    assert rules.tiers("portfolio", "BTC")[0].rate == 1


def test_rules_of_portfolio_margin_alone_have_no_problem() -> None:
    assert check_rules(RATES) == []
    assert check_rules(tiered()) == []


def test_tiered_rates_are_progressive() -> None:
    rules = rules_from_binance(portfolio_pro_collateral=tiered())
    assert rules.collateral_value("BNB", 5000, table="portfolio_pro") == 1000 + 1800 + 1000


def test_the_addition_of_a_tier_is_checked_with_its_own_sign() -> None:
    odd = tiered()
    odd[0]["collateralInfo"][1]["cum"] = "-100"
    (warning,) = rules_from_binance(portfolio_pro_collateral=odd).problems()
    assert (warning.path, warning.found) == ("$[0].collateralInfo[1].cum", "-100")
    assert str(warning.expected).startswith("100 (derived")


@pytest.mark.parametrize(
    ("key", "junk", "what"),
    [
        ("tierFloor", "999", "overlap"),
        ("tierFloor", "1001", "gap"),
        ("tierFloor", ..., "missing"),
        ("tierCap", "1000", "inverted"),
        ("tierCap", None, "open before the last"),
        ("collateralRate", "1.1", "rate outside 0-1"),
        ("collateralRate", "", "bad type"),
        ("collateralRate", ..., "missing"),
        ("cum", "x", "bad type"),
    ],
)
def test_a_fault_of_a_tier_is_at_its_path(key: str, junk: Any, what: str) -> None:
    broken = tiered()
    tier = broken[0]["collateralInfo"][1]
    if junk is ...:
        del tier[key]
    else:
        tier[key] = junk
    assert (f"$[0].collateralInfo[1].{key}", what) in errors(broken)


@pytest.mark.parametrize(
    ("entry", "where", "what"),
    [
        ({"asset": "BTC", "collateralRate": "1"}, "$[2].asset", "duplicate asset"),
        ({"asset": "ETH", "collateralRate": "1.01"}, "$[2].collateralRate", "rate outside 0-1"),
        ({"asset": "ETH", "collateralRate": None}, "$[2].collateralRate", "bad type"),
        ({"asset": "", "collateralRate": "1"}, "$[2].asset", "bad name"),
        ({"collateralRate": "1"}, "$[2].asset", "missing"),
        ({"asset": "ETH"}, "$[2].collateralRate", "missing"),
        (7, "$[2]", "bad type"),
    ],
)
def test_a_fault_of_a_flat_rate_is_at_its_path(entry: Any, where: str, what: str) -> None:
    assert errors([*RATES, entry]) == [(where, what)]


def test_the_leverage_of_loans_comes_by_asset() -> None:
    answer = [{"asset": "USDC", "leverage": 10}, {"asset": "USDT", "leverage": "5"}]
    assert rules_from_binance(portfolio_leverage=answer).loan_leverage == {"USDC": 10, "USDT": 5}


def test_a_loan_leverage_without_a_margin_is_an_error() -> None:
    assert errors([{"asset": "USDT", "leverage": 4}]) == [("$[0].leverage", "loan leverage")]


def test_all_portfolio_answers_make_one_set_of_rules() -> None:
    rules = rules_from_binance(
        portfolio_collateral=RATES,
        portfolio_pro_collateral={"data": tiered()},
        portfolio_leverage=[{"asset": "BTC", "leverage": 3}],
    )
    assert tuple(rules.tables) == ("portfolio", "portfolio_pro")
    assert rules.loan_leverage == {"BTC": 3}


@pytest.mark.parametrize("argument", ["portfolio_collateral", "portfolio_leverage"])
def test_an_error_answer_says_what_the_exchange_said(argument: str) -> None:
    answer: Any = {argument: {"code": -2015, "msg": "Invalid API-key."}}
    with pytest.raises(RulesError, match="the error -2015: Invalid API-key"):
        rules_from_binance(**answer)


@needs_samples
def test_the_vendor_samples_load() -> None:
    rules = rules_from_binance(
        portfolio_collateral=SAMPLES / "sapi_v1_portfolio_collateralRate.json",
        portfolio_pro_collateral=SAMPLES / "sapi_v2_portfolio_collateralRate.json",
        portfolio_leverage=SAMPLES / "sapi_v1_portfolio_margin-asset-leverage.json",
    )
    assert rules.names("portfolio") == ("BUSD", "USDC")
    assert rules.collateral_value("BNB", 2000, table="portfolio_pro") == 1900
    assert rules.loan_leverage == {"USDC": 10, "USDT": 10}
    # The cum of its second tiers is not what its own figures give.
    assert [problem.found for problem in rules.problems()] == ["0", "0"]


@needs_samples
@pytest.mark.parametrize(
    "name",
    [
        "sapi_v1_portfolio_collateralRate",
        "sapi_v2_portfolio_collateralRate",
        "sapi_v1_portfolio_margin-asset-leverage",
    ],
)
def test_the_vendor_samples_are_recognised(name: str) -> None:
    assert errors(SAMPLES / f"{name}.json") == []


def test_an_answer_given_in_place_of_another_is_named() -> None:
    tiered = [{"asset": "BTC", "collateralInfo": [{"tierFloor": "0", "collateralRate": "1"}]}]
    with pytest.raises(RulesError, match="one for portfolio_pro_collateral") as caught:
        rules_from_binance(portfolio_collateral=tiered)
    assert len(caught.value.problems) == 1

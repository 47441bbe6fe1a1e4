from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from pymargin.errors import RulesError
from pymargin.rules import Contract, Group, LoanMargin, MarginRules, Tier, load_rules
from pymargin.rules.document import text
from pymargin.rules.jsonfile import decode
from pymargin.rules.loans import LOAN_MARGIN

FLAT = (Tier(Decimal(0), None, Decimal("0.9")),)


def rules(**parts: Any) -> MarginRules:
    return MarginRules({"portfolio": [Group(FLAT, assets=("AAA",))]}, **parts)


@pytest.mark.parametrize(
    ("symbol", "product", "base", "settlement", "size"),
    [
        ("BTCUSDT", "usdm", "BTC", "USDT", 1),
        ("BTCUSDT_260327", "usdm", "BTC", "USDT", 1),
        ("ETHUSDC", "usdm", "ETH", "USDC", 1),
        ("ETHBTC", "usdm", "ETH", "BTC", 1),
        ("SOLFDUSD", "usdm", "SOL", "FDUSD", 1),
        ("SOLBUSD", "usdm", "SOL", "BUSD", 1),
        ("BTCUSD1", "usdm", "BTC", "USD1", 1),
        ("USDCUSDT", "usdm", "USDC", "USDT", 1),
        ("1000SHIBUSDT", "usdm", "1000SHIB", "USDT", 1),
        ("我踏马来了USDT", "usdm", "我踏马来了", "USDT", 1),
        ("BTCUSD_PERP", "coinm", "BTC", "BTC", 100),
        ("BTCUSD_260327", "coinm", "BTC", "BTC", 100),
        ("ETHUSD_PERP", "coinm", "ETH", "ETH", 10),
    ],
)
def test_a_contract_is_read_from_its_name(
    symbol: str, product: Any, base: str, settlement: str, size: int
) -> None:
    assert rules().contract(symbol) == Contract(product, base, settlement, Decimal(size))


def test_a_stored_contract_goes_before_its_name() -> None:
    stored = Contract("usdm", "BTC", "BNFCR", 1)
    assert rules(contracts={"BTCUSDT": stored}).contract("BTCUSDT") is not None
    assert rules(contracts={"BTCUSDT": stored}).contract("BTCUSDT") == stored


@pytest.mark.parametrize("symbol", ["BTCEUR", "USDT", "BTC", "", "BTCUSD", "_260327"])
def test_a_symbol_whose_name_does_not_tell_is_an_error_that_names_it(symbol: str) -> None:
    with pytest.raises(RulesError, match=f"'{symbol}' has no contract"):
        rules().contract(symbol)


def test_contracts_loans_and_their_leverage_come_back_from_the_file() -> None:
    made = rules(
        contracts={"XUSD_PERP": Contract("coinm", "X", "X", Decimal("10.5"))},
        loan_margin={4: LoanMargin(4, Decimal("0.09"))},
        loan_leverage={"AAA": 4},
        portfolio_pro_ranks={"AAA": 8},
    )
    again = load_rules(decode(text(made)))
    assert again == made
    assert again.contracts == made.contracts
    assert again.loan_margin == made.loan_margin
    assert again.loan_leverage == {"AAA": 4}
    assert again.rank("AAA", table="portfolio_pro") == 8


@pytest.mark.parametrize(
    "part",
    [
        {"contracts": {"XUSDT": Contract("usdm", "X", "BNFCR")}},
        {"loan_margin": {3: LoanMargin(3, Decimal("0.2"))}},
        {"loan_leverage": {"AAA": 3}},
        {"portfolio_pro_ranks": {"AAA": 8}},
    ],
)
def test_every_new_part_changes_the_digest(part: dict[str, Any]) -> None:
    assert rules(**part) != rules()


def test_the_exchange_asks_more_for_a_loan_at_less_leverage() -> None:
    asked = {leverage: margin.maintenance_rate for leverage, margin in LOAN_MARGIN.items()}
    assert asked == {3: Decimal("0.1"), 5: Decimal("0.08"), 10: Decimal("0.05")}
    assert rules().loan_margin == LOAN_MARGIN


def test_the_initial_margin_of_a_loan_is_an_exact_fraction() -> None:
    assert LOAN_MARGIN[10].initial_rate == Fraction(1, 9)


@pytest.mark.parametrize(
    ("part", "match"),
    [
        ({"contracts": {"X": Contract("usdm", "X", "USDT", Decimal(5))}}, "must be 1 in usdm"),
        ({"contracts": {"X": Contract("coinm", "X", "USDT")}}, r"the base asset \(X\) in coinm"),
        ({"contracts": {"X Y": Contract("usdm", "X", "USDT")}}, "a name without spaces"),
        ({"loan_leverage": {"AAA": 4}}, "must be one of 3, 5, 10, not 4"),
        ({"loan_margin": {1: LoanMargin(1, Decimal("0.1"))}}, "at least 2"),
        ({"portfolio_pro_ranks": {"AAA": 0}}, "at least 1"),
    ],
)
def test_parts_built_in_memory_are_checked(part: dict[str, Any], match: str) -> None:
    with pytest.raises(RulesError, match=match):
        rules(**part)


@pytest.mark.parametrize("number", [10.0, "10", True])
def test_a_contract_size_or_loan_rate_that_is_no_decimal_is_refused(number: Any) -> None:
    with pytest.raises(TypeError, match="must be a Decimal"):
        Contract("coinm", "X", "X", number)
    with pytest.raises(TypeError, match="must be a Decimal"):
        LoanMargin(3, number)


def test_ranks_of_portfolio_pro_are_not_those_of_cross_margin() -> None:
    made = MarginRules(
        {"collateral": [Group(FLAT, rank=1)], "portfolio_pro": [Group(FLAT, rank=2)]},
        ranks={"AAA": 1, "BBB": 2},
        portfolio_pro_ranks={"AAA": 2},
    )
    assert (made.names("collateral"), made.names("portfolio_pro")) == (("AAA",), ("AAA",))
    assert (made.rank("BBB"), made.rank("BBB", table="portfolio_pro")) == (2, None)


def test_a_flat_table_and_a_table_by_symbol_take_no_rank() -> None:
    for table in ("portfolio", "usdm"):
        with pytest.raises(RulesError, match=f"tables.{table}.* must be given by"):
            MarginRules({table: [Group(FLAT, rank=1)]})


def test_a_missing_schedule_of_a_table_without_ranks_does_not_speak_of_ranks() -> None:
    with pytest.raises(RulesError, match=r"^BBB has no schedule in table portfolio$"):
        rules().tiers("portfolio", "BBB")


def test_a_holding_is_rated_by_the_portfolio_table_too() -> None:
    assert rules().collateral_value("AAA", 100, table="portfolio") == 90


def test_above_a_closed_last_cap_a_bracket_goes_on_at_its_last_rate() -> None:
    tiers = (Tier(Decimal(0), Decimal(100), Decimal("0.1")),)
    made = MarginRules({"usdm": [Group(tiers, assets=("AAAUSDT",))]})
    assert made.collateral_value("AAAUSDT", 150, table="usdm") == 15


def test_rules_of_futures_alone_have_no_problem() -> None:
    assert MarginRules({"usdm": [Group(FLAT, assets=("AAAUSDT",))]}).problems() == ()


def test_a_symbol_has_brackets_of_one_product_only() -> None:
    group = Group(FLAT, assets=("AAAUSD_PERP",))
    with pytest.raises(RulesError, match=r"tables\.coinm must be a table without symbols of usdm"):
        MarginRules({"usdm": [group], "coinm": [group]})


def test_the_brackets_of_a_symbol_are_of_the_product_of_its_contract() -> None:
    stored = {"AAAUSD_PERP": Contract("coinm", "AAA", "AAA", 10)}
    group = Group(FLAT, assets=("AAAUSD_PERP",))
    assert MarginRules({"coinm": [group]}, contracts=stored).problems() == ()
    with pytest.raises(RulesError, match=r"AAAUSD_PERP\.product must be usdm, .* not coinm"):
        MarginRules({"usdm": [group]}, contracts=stored)

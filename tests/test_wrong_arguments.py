"""What a newcomer gets wrong first: rows for accounts, a path for rules, prices of another kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pymargin as pm

ROW = {"account": "u", "mode": "cross_classic", "leverage": 3, "balances": [
    {"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 1000}]}  # fmt: skip
BOOK = pm.Accounts.from_rows([ROW])
RULES = pm.example_rules()
PRICES = {"BTC": 60_000}
EVALUATIONS: dict[str, Callable[..., Any]] = {
    name: getattr(pm, name)
    for name in ("cross_classic", "cross_pro", "portfolio", "portfolio_pro", "usdm", "coinm",
                 "evaluate")
} | {
    "stress": lambda accounts, prices, rules: pm.stress(accounts, prices, rules, [0.9]),
    "impact": lambda accounts, prices, rules: pm.impact(accounts, prices, rules, RULES),
    "explain": lambda accounts, prices, rules: pm.explain(accounts, prices, rules, "u"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVALUATIONS)
@pytest.mark.parametrize("rules", [None, "rules.json", {}])
def test_rules_that_are_none_are_named(name: str, rules: Any) -> None:
    with pytest.raises(pm.RulesError, match="rules must be a MarginRules"):
        EVALUATIONS[name](BOOK, PRICES, rules)


@pytest.mark.parametrize("name", EVALUATIONS)
@pytest.mark.parametrize("accounts", [None, [ROW], ROW])
def test_rows_are_no_accounts_and_the_way_to_make_them_is_named(name: str, accounts: Any) -> None:
    with pytest.raises(pm.AccountsError, match=r"must be an Accounts \(Accounts\.from_rows"):
        EVALUATIONS[name](accounts, PRICES, RULES)


@pytest.mark.parametrize("name", EVALUATIONS)
@pytest.mark.parametrize("prices", [None, 5, [60_000.0]])
def test_prices_of_another_kind_are_refused(name: str, prices: Any) -> None:
    with pytest.raises(pm.PricesError, match="prices must be a mapping of name to USDT price"):
        EVALUATIONS[name](BOOK, prices, RULES)


def test_rows_are_no_accounts_of_the_questions_either() -> None:
    questions: list[Callable[..., Any]] = [
        lambda rows: pm.exposure(rows, PRICES),
        lambda rows: pm.after(rows, []),
        lambda rows: pm.shortfall(rows, PRICES, RULES),
        lambda rows: pm.switch(rows, PRICES, RULES, "cross_pro"),
    ]
    for question in questions:
        with pytest.raises(pm.AccountsError, match=r"must be an Accounts \(Accounts\.from_rows"):
            question([ROW])


MOVED = "must be an asset, a symbol, or a mapping of them to weights, not"
WRONG_NAMES: dict[str, tuple[Any, str]] = {
    "none": (None, f"name {MOVED} None"),
    "empty": ("", f"name {MOVED} ''"),
    "list": (["BTC"], rf"name {MOVED} \['BTC'\]"),
    "text": ({"BTC": "1"}, r"name\['BTC'\] must be a finite number, not '1'"),
    "absent": ({"BTC": 1, "ETH": None}, r"name\['ETH'\] must be a finite number, not None"),
    "key": ({5: 1}, "name must be of assets and symbols, not 5"),
}


@pytest.mark.parametrize(("name", "message"), WRONG_NAMES.values(), ids=WRONG_NAMES)
def test_what_moves_is_named_or_weighed(name: Any, message: str) -> None:
    with pytest.raises(pm.MarginError, match=message):
        pm.liquidation_price(BOOK, PRICES, RULES, name)


@pytest.mark.parametrize("beta", ["x", float("nan"), [1], True])
def test_beta_is_a_number_or_maps_names_to_one(beta: Any) -> None:
    with pytest.raises(pm.MarginError, match="beta must be a finite number, or a mapping"):
        pm.liquidation_factor(BOOK, PRICES, RULES, beta=beta)
    with pytest.raises(pm.MarginError, match=r"beta\['BTC'\] must be a finite number, not"):
        pm.liquidation_factor(BOOK, PRICES, RULES, beta={"BTC": beta})


def test_whether_roots_are_exact_is_yes_or_no() -> None:
    with pytest.raises(ValueError, match="exact must be True or False, not 'yes'"):
        pm.liquidation_price(BOOK, PRICES, RULES, "BTC", exact="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("asset", [None, "", b"BTC", ["BTC"]])
@pytest.mark.parametrize("question", [pm.max_borrow, pm.max_transfer_out])
def test_an_asset_is_a_name(question: Callable[..., Any], asset: Any) -> None:
    with pytest.raises(pm.MarginError, match="asset must be the name of an asset, not"):
        question(BOOK, PRICES, RULES, asset)


def test_out_is_an_earlier_result() -> None:
    with pytest.raises(ValueError, match="out must be ClassicLevels of 1 account, not int"):
        pm.cross_classic(BOOK, PRICES, RULES, out=5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limit",
    [pm.max_position, pm.max_leverage, pm.max_leverage_for_stake],
    ids=["max_position", "max_leverage", "max_leverage_for_stake"],
)
def test_rules_that_are_none_are_named_by_limits(limit: Callable[..., Any]) -> None:
    with pytest.raises(pm.RulesError, match="rules must be a MarginRules"):
        limit("BTCUSDT", 5, None)


@pytest.mark.parametrize("threads", [-1, "2", 1.5, None, True])
def test_threads_are_a_whole_number(threads: Any) -> None:
    with pytest.raises(ValueError, match="threads must be at least 0, not"):
        pm.cross_classic(BOOK, PRICES, RULES, threads=threads)


def test_books_to_join_are_books() -> None:
    for books in (5, [ROW], [BOOK, None]):
        with pytest.raises(pm.AccountsError, match="must be"):
            pm.Accounts.concat(books)  # type: ignore[arg-type]


def test_rules_to_compare_are_rules() -> None:
    with pytest.raises(pm.RulesError, match="theirs must be a MarginRules, not str"):
        pm.compare_rules(RULES, "rules.json")  # type: ignore[arg-type]


def test_a_verification_says_which_argument_is_wrong() -> None:
    answer = {"uniMMR": "2", "accountEquity": "2", "accountMaintMargin": "1"}
    with pytest.raises(pm.RulesError, match="rules must be a MarginRules"):
        pm.verify(answer, None, None)  # type: ignore[arg-type]
    with pytest.raises(pm.PricesError, match="by name, not an array"):
        pm.verify(answer, pm.cross_classic(BOOK, PRICES, RULES).margin_level, RULES)
    for leverage in (0, "3", 2.5):
        with pytest.raises(ValueError, match="leverage must be a whole number of at least 1"):
            pm.verify(answer, None, RULES, leverage=leverage)  # type: ignore[arg-type]


def test_a_file_of_something_else_is_no_rules_in_one_sentence() -> None:
    with pytest.raises(pm.RulesError) as caught:
        pm.load_rules({"userAssets": [], "marginLevel": "1"})
    assert str(caught.value) == (
        "$ must be a rules file, with format, version, tables, not one with marginLevel, userAssets"
    )


@pytest.mark.parametrize("account", [[], {}, None, 1.5])
def test_a_trade_of_an_account_that_cannot_be_is_refused(account: Any) -> None:
    trade = {"account": account, "asset": "BTC", "quantity": 0.01, "quote": "USDT", "price": 64000}
    with pytest.raises(pm.AccountsError, match="must be an account of the book, which has 1, not"):
        pm.after(BOOK, [trade])


@pytest.mark.parametrize("name", ["max_borrow", "max_transfer_out"])
@pytest.mark.parametrize("withdrawal", ["x", None])
def test_the_reading_of_a_withdrawal_that_was_found_is_said(name: str, withdrawal: Any) -> None:
    said = f"withdrawal must be 'maintenance' or 'initial', not {withdrawal!r}"
    with pytest.raises(ValueError, match=said):
        getattr(pm, name)(BOOK, PRICES, RULES, "USDT", withdrawal=withdrawal)


def test_texts_that_are_no_numbers_are_quoted() -> None:
    with pytest.raises(pm.MarginError, match=r"must be a number of at least 1, not '20'"):
        pm.max_position("BTCUSDT", "20", RULES)
    with pytest.raises(pm.MarginError, match=r"total must be a number of at least 0, not '1'"):
        pm.max_transfer_in("1", 1, 1)

"""Portfolio margin answers: equity, margins, uniMMR and what may be withdrawn, recomputed."""

from __future__ import annotations

from typing import Any

import pytest
from verify_answers import (
    BTC_CUM,
    COIN_CUM,
    RULES,
    D,
    assert_mutations_are_found,
    changed,
    cut,
)

import pymargin as pm

BTC, MARK, COIN_MARK = D("60000.25"), D("61000.5"), D("60500")
PRICES = {"BTC": "60000.25", "BTCUSDT": "61000.5", "BTCUSD_PERP": "60500"}
# A UM short of 1.5 BTC and a CM long of 500 contracts of 100 USD.
UM_SIZE, UM_PNL = D("1.5") * MARK, D("1.5") * (D("62000") - MARK)
UM_MM, UM_IM = UM_SIZE * D("0.005") - BTC_CUM["0.005"], UM_SIZE / 10
CM_SIZE, CM_PNL = D(50_000) / COIN_MARK, D(50_000) * (1 / D(59_000) - 1 / COIN_MARK)
CM_MM, CM_IM = CM_SIZE * D("0.004") - COIN_CUM["0.004"], CM_SIZE / 20
LOAN = D("20000.5") + D("1.25")
# What each asset comes to: USDT is owed, which counts in full; of BTC 95 % counts.
USDT = D(500) - LOAN + D("3000.75") + D(cut(UM_PNL))
COIN = D("0.5") + D("0.25") + D("0.125") + D(cut(CM_PNL))
EQUITY, ACTUAL = USDT + COIN * BTC * D("0.95"), USDT + COIN * BTC
MAINTENANCE = UM_MM + CM_MM * BTC + LOAN * D("0.08")
INITIAL = UM_IM + CM_IM * BTC + LOAN / 4
assert USDT < 0 < EQUITY


def balances() -> list[dict[str, Any]]:
    return [
        {
            "asset": "USDT", "crossMarginFree": "400", "crossMarginLocked": "100",
            "crossMarginBorrowed": "20000.5", "crossMarginInterest": "1.25",
            "crossMarginAsset": "500", "umWalletBalance": "3000.75", "cmWalletBalance": "0",
            "umUnrealizedPNL": cut(UM_PNL), "cmUnrealizedPNL": "",
            "totalWalletBalance": "3,500.75000000", "negativeBalance": "0",
        },
        {
            "asset": "BTC", "crossMarginFree": "0.5", "crossMarginLocked": "0.25",
            "crossMarginBorrowed": "0", "crossMarginInterest": "0", "crossMarginAsset": "0.75",
            "umWalletBalance": "0", "cmWalletBalance": "0.125", "umUnrealizedPNL": "0",
            "cmUnrealizedPNL": cut(CM_PNL), "totalWalletBalance": "0.875", "negativeBalance": "0",
        },
    ]  # fmt: skip


def um_account() -> dict[str, Any]:
    margins = {"maintMargin": cut(UM_MM), "initialMargin": cut(UM_IM),
               "positionInitialMargin": cut(UM_IM), "openOrderInitialMargin": "0"}  # fmt: skip
    wallet = {"asset": "USDT", "crossWalletBalance": "3000.75", "crossUnPnl": cut(UM_PNL)}
    leg = {
        "symbol": "BTCUSDT", "positionAmt": "-1.5", "positionSide": "SHORT", "leverage": "10",
        "entryPrice": "62000.0", "unrealizedProfit": cut(UM_PNL), "maxNotional": "3000000",
    }  # fmt: skip
    return {"assets": [wallet | margins], "positions": [leg | margins]}


def cm_account() -> dict[str, Any]:
    margins = {"maintMargin": cut(CM_MM), "initialMargin": cut(CM_IM),
               "positionInitialMargin": cut(CM_IM), "openOrderInitialMargin": "0"}  # fmt: skip
    wallet = {"asset": "BTC", "crossWalletBalance": "0.125", "crossUnPnl": cut(CM_PNL)}
    leg = {
        "symbol": "BTCUSD_PERP", "positionAmt": "500", "positionSide": "LONG", "leverage": "20",
        "entryPrice": "59000.0", "unrealizedProfit": cut(CM_PNL), "maxQty": "10",
    }  # fmt: skip
    return {"assets": [wallet | margins], "positions": [leg | margins]}


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "uniMMR": cut(EQUITY / MAINTENANCE),
        "accountEquity": cut(EQUITY),
        "actualEquity": cut(ACTUAL),
        "accountInitialMargin": cut(INITIAL),
        "accountMaintMargin": cut(MAINTENANCE),
        "accountStatus": "NORMAL",
        "virtualMaxWithdrawAmount": cut(max(EQUITY - D("1.2") * MAINTENANCE, D(0))),
        "totalAvailableBalance": cut(EQUITY - INITIAL),
        "totalMarginOpenLoss": "",
    } | changes


LOANS = [{"asset": "USDT", "leverage": 5}]


def answers(**changes: Any) -> list[Any]:
    return [summary(**changes), balances(), um_account(), cm_account(), LOANS]


def test_every_figure_agrees_and_every_mutation_is_found():
    # Account (three figures also from the printed ones), balances, um and cm.
    count = (7 + 3) + (3 + 4) + (4 + 5) + (4 + 5)
    assert assert_mutations_are_found(answers(), PRICES) == count


@pytest.mark.parametrize("none", [[], {"assets": [], "positions": []}])
def test_an_account_may_have_no_positions(none):
    held = {"asset": "USDT", "crossMarginFree": "40.5", "crossMarginLocked": "0",
            "crossMarginBorrowed": "0", "crossMarginInterest": "0", "umWalletBalance": "1",
            "cmWalletBalance": "0", "umUnrealizedPNL": "0", "cmUnrealizedPNL": ""}  # fmt: skip
    found = {"uniMMR": "99999999", "accountEquity": "41.5", "actualEquity": "41.5",
             "accountInitialMargin": "0", "accountMaintMargin": "0",
             "virtualMaxWithdrawAmount": "41.5", "totalAvailableBalance": "41.5"}  # fmt: skip
    assert pm.verify([found, [held], none], {}, RULES).ok
    report = pm.verify([found, [held]], {}, RULES)
    (level,) = (one for one in report.of("uniMMR") if one.basis == "quantities")
    assert level.missing == ("positions (um/account, cm/account or positionRisk)",)


def test_the_reading_of_the_withdrawal_is_a_parameter():
    left = cut(max(EQUITY - INITIAL, D(0)))
    given = answers(virtualMaxWithdrawAmount=left)
    assert not pm.verify(given, PRICES, RULES).ok
    assert pm.verify(given, PRICES, RULES, withdrawal="initial").ok


def test_an_open_loss_of_either_sign_is_taken_as_given():
    for loss in ("250.5", "-250.5"):
        given = answers(
            totalMarginOpenLoss=loss,
            uniMMR=cut((EQUITY - D("250.5")) / MAINTENANCE),
            totalAvailableBalance=cut(EQUITY - D("250.5") - INITIAL),
            virtualMaxWithdrawAmount=cut(max(EQUITY - D("250.5") - D("1.2") * MAINTENANCE, D(0))),
        )
        found = pm.verify(given, PRICES, RULES)
        assert found.ok, str(found)
        assert any("totalMarginOpenLoss is taken as given" in line for line in found.remarks)


def test_the_pro_account_has_tiers_and_says_its_type():
    value = COIN * BTC
    tiered = D(50_000) + (value - 50_000) * D("0.9")
    assert value > 50_000
    equity = USDT + tiered
    given = answers(
        accountType="PM_1",
        accountEquity=cut(equity),
        uniMMR=cut(equity / MAINTENANCE),
        totalAvailableBalance=cut(equity - INITIAL),
        virtualMaxWithdrawAmount=cut(max(equity - D("1.2") * MAINTENANCE, D(0))),
    )
    found = pm.verify(given, PRICES, RULES)
    assert (found.mode, found.ok) == ("portfolio_pro", True), str(found)
    assert found.methodology == "portfolio_pro"
    # Under the flat rate the equity is another.
    assert pm.verify(given, PRICES, RULES, mode="portfolio").of("accountEquity")[0].verdict == (
        "differs"
    )


def test_what_is_missing_is_named_by_figure():
    found = pm.verify(summary(), PRICES, RULES)
    for name in ("accountEquity", "actualEquity"):
        (figure,) = found.of(name)
        assert figure.missing[0].startswith("balances (GET /papi/v1/balance")
    assert {str(one.verdict) for one in found if one.basis == "printed"} == {"agrees"}
    no_positions = pm.verify([summary(), balances(), LOANS], PRICES, RULES)
    assert no_positions.of("accountEquity")[0].verdict == "agrees"
    (margin,) = no_positions.of("accountMaintMargin")
    assert margin.missing == ("positions (um/account, cm/account or positionRisk)",)
    no_loans = pm.verify(answers()[:-1], PRICES, RULES)
    (margin,) = no_loans.of("accountMaintMargin")
    assert margin.missing == ("leverage of the loan of USDT",)
    assert pm.verify(answers()[:-1], PRICES, RULES, leverage=5).ok
    no_price = pm.verify(answers(), {**PRICES, "BTC": None}, RULES)
    assert no_price.of("accountEquity")[0].missing == ("price of BTC",)


def test_99999999_stands_for_no_margin():
    held = [{"asset": "USDT", "crossMarginFree": "100", "umWalletBalance": "0"}]
    given = {"uniMMR": "99999999.00000000", "accountEquity": "100", "accountMaintMargin": "0"}
    um = {"assets": [], "positions": [{"symbol": "BTCUSDT", "positionAmt": "0"}]}
    found = pm.verify([given, held, um], {}, RULES)
    assert found.ok, str(found)
    assert [one.reason.startswith("99999999 stands for") for one in found.of("uniMMR")] == [
        True
    ] * 2
    wrong = pm.verify([{**given, "uniMMR": "5"}, held, um], {}, RULES)
    assert {one.verdict for one in wrong.of("uniMMR")} == {"differs"}


def test_a_net_margin_asset_differs():
    given = changed(answers(), "answer[1][0].crossMarginAsset", cut(D(500) - LOAN))
    found = pm.verify(given, PRICES, RULES)
    assert found.of("crossMarginAsset", "USDT")[0].verdict == "differs"
    assert found.of("accountEquity")[0].verdict == "agrees"


def test_options_are_missing():
    given = changed(answers(), "answer[1][1].optionEquity", "0.5")
    (figure,) = pm.verify(given, PRICES, RULES).of("accountEquity")
    assert figure.missing == ("options (optionEquity of BTC)",)


def test_span_is_held_against_its_parts():
    given = {
        "uniMMR": "4.00000000",
        "accountEquity": "400",
        "accountMaintMargin": "100.00000000",
        "riskUnitMMList": [{"asset": "BTC", "uniMaintainUsd": "60"}],
        "marginMM": "30",
        "otherMM": "10",
        "accountType": "PM_3",
    }
    found = pm.verify(given, PRICES, RULES)
    assert found.mode == "portfolio_pro"
    assert found.of("accountMaintMargin")[0].verdict == "agrees"
    assert any("SPAN" in line and "not computed" in line for line in found.remarks)
    wrong = pm.verify(changed(given, "answer.otherMM", "10.001"), PRICES, RULES)
    assert wrong.of("accountMaintMargin")[0].verdict == "differs"


def test_a_liquidation_price_is_where_the_account_is_due():
    risk = [
        {"symbol": "BTCUSDT", "positionSide": "SHORT", "positionAmt": "-1.5", "leverage": "10",
         "entryPrice": "62000.0", "markPrice": str(MARK)},
    ]  # fmt: skip
    # (equity - 1.5 (p - mark)) = 1.05 (other margins + 1.5 p * 0.5 % - 50), in its bracket.
    other = MAINTENANCE - UM_MM
    price = (EQUITY + D("1.5") * MARK - D("1.05") * (other - 50)) / (
        D("1.5") + D("1.05") * D("1.5") * D("0.005")
    )
    assert 50_000 < D("1.5") * price < 250_000
    risk[0]["liquidationPrice"] = cut(price)
    given = [*answers(), risk]
    (figure,) = pm.verify(given, PRICES, RULES).of("liquidationPrice")
    assert figure.verdict == "agrees", str(figure)
    given[-1][0]["liquidationPrice"] = cut(price + D("0.01"))
    assert pm.verify(given, PRICES, RULES).of("liquidationPrice")[0].verdict == "differs"
    lacking = pm.verify([risk, um_account()], PRICES, RULES).of("liquidationPrice")[0]
    assert lacking.missing[0].startswith("balances")


def test_a_withdrawal_reading_that_is_none_is_refused():
    with pytest.raises(ValueError, match="withdrawal must be 'maintenance' or 'initial'"):
        pm.verify(answers(), PRICES, RULES, withdrawal="all")


def test_a_profit_that_nothing_tells_is_missing():
    given = changed(answers(), "answer[1][1].cmUnrealizedPNL", "")
    # The positions tell it.
    assert pm.verify(given, PRICES, RULES).of("accountEquity")[0].verdict == "agrees"
    untold = changed(given, "answer[3].positions[0].entryPrice", "0.0")
    (figure,) = pm.verify(untold, PRICES, RULES).of("accountEquity")
    assert figure.missing == ("entry price of BTCUSD_PERP LONG",)
    bare = [answers()[0], balances()[:1], *answers()[2:]]
    (figure,) = pm.verify(bare, PRICES, RULES).of("accountEquity")
    assert figure.missing == ("balance of BTC",)

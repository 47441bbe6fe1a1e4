"""USDⓈ-M and COIN-M answers: margins, balances, totals and liquidation prices recomputed."""

from __future__ import annotations

from typing import Any

import pytest
from verify_answers import (
    BTC_CUM,
    COIN_CUM,
    ETH_CUM,
    RULES,
    D,
    assert_mutations_are_found,
    changed,
    cut,
)

import pymargin as pm

# A cross long and an isolated short, by the formulas of the FAQ with rates and cums by hand.
LONG, LONG_ENTRY, LONG_MARK = D("2.5"), D("60000"), D("61000.12345678")
SHORT, SHORT_ENTRY, SHORT_MARK = D("30"), D("3000.5"), D("3050.25")
WALLET, SHORT_WALLET = D("10000.12345678"), D("15000.5")
LONG_SIZE, SHORT_SIZE = LONG * LONG_MARK, SHORT * SHORT_MARK
LONG_PNL, SHORT_PNL = LONG * (LONG_MARK - LONG_ENTRY), SHORT * (SHORT_ENTRY - SHORT_MARK)
LONG_MM = LONG_SIZE * D("0.005") - BTC_CUM["0.005"]
SHORT_MM = SHORT_SIZE * D("0.005") - ETH_CUM["0.005"]
LONG_IM, SHORT_IM = LONG_SIZE / 20, SHORT_SIZE / 10
# Cross: wallet and profit against the margin; the other position stands alone.
LONG_PRICE = (WALLET + BTC_CUM["0.005"] - LONG * LONG_ENTRY) / (LONG * D("0.005") - LONG)
# At that price the short is worth more than 100,000: the second bracket.
SHORT_PRICE = (SHORT_WALLET + ETH_CUM["0.0065"] + SHORT * SHORT_ENTRY) / (
    SHORT * D("0.0065") + SHORT
)
assert 50_000 < LONG * LONG_PRICE < 250_000
assert 100_000 < SHORT * SHORT_PRICE < 500_000


def legs() -> list[dict[str, Any]]:
    return [
        {
            "symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "2.500",
            "entryPrice": "60000.0", "leverage": "20", "isolated": False, "isolatedWallet": "0",
            "unrealizedProfit": cut(LONG_PNL), "maintMargin": cut(LONG_MM),
            "positionInitialMargin": cut(LONG_IM), "openOrderInitialMargin": "5.25",
            "initialMargin": cut(LONG_IM + D("5.25")), "maxNotional": "3000000",
            "notional": cut(LONG_SIZE),
        },
        {
            "symbol": "ETHUSDT", "positionSide": "BOTH", "positionAmt": "-30",
            "entryPrice": "3000.5", "leverage": "10", "isolated": True,
            "isolatedWallet": str(SHORT_WALLET), "unrealizedProfit": cut(SHORT_PNL),
            "maintMargin": cut(SHORT_MM), "positionInitialMargin": cut(SHORT_IM),
            "openOrderInitialMargin": "0", "initialMargin": cut(SHORT_IM), "maxNotional": "500000",
            "notional": f"-{cut(SHORT_SIZE)}",
        },
        {
            "symbol": "ETHUSDC", "positionSide": "BOTH", "positionAmt": "0", "entryPrice": "0.0",
            "leverage": "10", "isolated": False, "unrealizedProfit": "0.00000000",
            "maintMargin": "0", "positionInitialMargin": "0", "openOrderInitialMargin": "0",
            "initialMargin": "0", "notional": "0",
        },
    ]  # fmt: skip


def usdt() -> dict[str, Any]:
    total = LONG_PNL + SHORT_PNL
    free = WALLET + LONG_PNL - LONG_IM - D("5.25")
    return {
        "asset": "USDT",
        "walletBalance": str(WALLET + SHORT_WALLET),
        "crossWalletBalance": str(WALLET),
        "unrealizedProfit": cut(total),
        "crossUnPnl": cut(LONG_PNL),
        "marginBalance": cut(WALLET + SHORT_WALLET + total),
        "maintMargin": cut(LONG_MM + SHORT_MM),
        "positionInitialMargin": cut(LONG_IM + SHORT_IM),
        "openOrderInitialMargin": "5.25",
        "initialMargin": cut(LONG_IM + SHORT_IM + D("5.25")),
        "availableBalance": cut(free),
        "maxWithdrawAmount": cut(min(free, WALLET)),
        "marginRatio": cut(LONG_MM / (WALLET + LONG_PNL)),
    }


def account(**changes: Any) -> dict[str, Any]:
    own = usdt()
    totals = {
        "totalWalletBalance": own["walletBalance"],
        "totalUnrealizedProfit": own["unrealizedProfit"],
        "totalMarginBalance": own["marginBalance"],
        "totalMaintMargin": own["maintMargin"],
        "totalInitialMargin": own["initialMargin"],
        "totalPositionInitialMargin": own["positionInitialMargin"],
        "totalOpenOrderInitialMargin": "5.25",
        "totalCrossWalletBalance": own["crossWalletBalance"],
        "totalCrossUnPnl": own["crossUnPnl"],
        "availableBalance": own["availableBalance"],
        "maxWithdrawAmount": own["maxWithdrawAmount"],
    }
    bnb = {"asset": "BNB", "walletBalance": "1.5", "crossWalletBalance": "1.5",
           "unrealizedProfit": "0", "marginBalance": "1.5", "maintMargin": "0",
           "initialMargin": "0", "availableBalance": "1.5", "maxWithdrawAmount": "1.5"}  # fmt: skip
    whole = {"multiAssetsMargin": False, **totals, "assets": [own, bnb], "positions": legs()}
    return whole | changes


def risks() -> list[dict[str, Any]]:
    return [
        {
            "symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "2.5",
            "entryPrice": "60000.0", "markPrice": str(LONG_MARK), "marginType": "cross",
            "leverage": "20", "unRealizedProfit": cut(LONG_PNL), "notional": cut(LONG_SIZE),
            "liquidationPrice": cut(LONG_PRICE), "isolatedMargin": "0.00000000",
            "isolatedWallet": "0", "maxNotionalValue": "3000000",
        },
        {
            "symbol": "ETHUSDT", "positionSide": "BOTH", "positionAmt": "-30",
            "entryPrice": "3000.5", "markPrice": str(SHORT_MARK), "marginType": "isolated",
            "leverage": "10", "unRealizedProfit": cut(SHORT_PNL), "notional": cut(-SHORT_SIZE),
            "liquidationPrice": cut(SHORT_PRICE), "isolatedWallet": str(SHORT_WALLET),
            "isolatedMargin": cut(SHORT_WALLET + SHORT_PNL), "maxNotionalValue": "500000",
            "marginRatio": cut(SHORT_MM / (SHORT_WALLET + SHORT_PNL)), "bracket": 1,
        },
    ]  # fmt: skip


def test_every_figure_agrees_and_every_mutation_is_found():
    # Totals, USDT, BNB, three positions of the account and two of positionRisk.
    count = 11 + 11 + 8 + (6 + 6 + 5) + (4 + 7)
    assert assert_mutations_are_found([account(), risks()], None) == count


def test_the_callers_mark_prices_serve_an_account_alone():
    marks = {"BTCUSDT": LONG_MARK, "ETHUSDT": SHORT_MARK}
    found = pm.verify(account(), marks, RULES)
    assert found.ok, str(found)


def test_a_printed_notional_gives_a_mark_price_that_nothing_else_gives():
    found = pm.verify(account(), None, RULES)
    kinds = {(one.name, one.of): str(one.verdict) for one in found}
    assert kinds["maintMargin", "BTCUSDT"] == kinds["initialMargin", "BTCUSDT"] == "agrees"
    assert kinds["notional", "BTCUSDT"] == kinds["unrealizedProfit", "BTCUSDT"] == "missing"
    assert found.of("notional", "BTCUSDT")[0].missing == ("price of BTCUSDT",)


def test_an_answer_without_entry_price_and_leverage_lacks_them():
    given = account()
    for leg in given["positions"]:
        del leg["entryPrice"], leg["leverage"]
    found = pm.verify(given, {"BTCUSDT": LONG_MARK, "ETHUSDT": SHORT_MARK}, RULES)
    assert found.of("unrealizedProfit", "BTCUSDT")[0].missing == ("entry price of BTCUSDT",)
    assert found.of("initialMargin", "BTCUSDT")[0].missing == ("leverage of BTCUSDT",)
    assert found.of("maintMargin", "USDT")[0].verdict == "agrees"
    wanted = ("entry price of BTCUSDT", "leverage of BTCUSDT")
    assert found.of("availableBalance", "USDT")[0].missing == wanted


def test_a_liquidation_price_lacks_the_wallet_of_its_pool():
    found = pm.verify(risks(), None, RULES)
    assert found.of("liquidationPrice", "BTCUSDT")[0].missing == ("wallet of USDT",)
    assert found.of("liquidationPrice", "ETHUSDT")[0].verdict == "agrees"


def test_0_stands_for_no_liquidation_price():
    given = changed(risks(), "answer[1].isolatedWallet", "0")
    rich = [{**account(), "assets": [{**usdt(), "crossWalletBalance": "200000"}]}, given]
    low = pm.verify(changed(rich, "answer[1][0].liquidationPrice", "0"), None, RULES)
    (figure,) = low.of("liquidationPrice", "BTCUSDT")
    assert (figure.verdict, figure.ours) == ("agrees", None)
    assert "0 stands for no price" in figure.reason
    (figure,) = pm.verify(rich, None, RULES).of("liquidationPrice", "BTCUSDT")
    assert figure.verdict == "differs"


def test_the_recorded_short_of_gas_has_the_exchanges_price():
    rules = RULES.replace(
        tables={"usdm": [pm.rules.Group(
            (pm.Tier(D(0), D(5000), D("0.015"), 25),), assets=("GASUSDT",))]}
    )  # fmt: skip
    risk = {
        "symbol": "GASUSDT", "positionSide": "BOTH", "positionAmt": "-1", "entryPrice": "8.616",
        "markPrice": "8.736", "marginType": "isolated", "isolatedWallet": "1.57109202",
        "liquidationPrice": "10.03654386", "unRealizedProfit": "-0.12000000",
    }  # fmt: skip
    assert pm.verify([risk], None, rules).ok


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_size_of_a_short_may_be_printed_without_its_sign(sign):
    given = changed(risks(), "answer[1].notional", f"{sign}{cut(SHORT_SIZE)}")
    assert pm.verify(given, None, RULES).of("notional", "ETHUSDT")[0].verdict == "agrees"
    given = changed(risks(), "answer[0].notional", f"-{cut(LONG_SIZE)}")
    assert pm.verify(given, None, RULES).of("notional", "BTCUSDT")[0].verdict == "differs"


def test_a_mean_entry_price_may_be_cut():
    entry = D("60000.33333333333")
    exact = LONG * (LONG_MARK - (D(180001) / 3))
    risk = {**risks()[0], "entryPrice": f"{entry:.8f}", "unRealizedProfit": cut(exact)}
    (figure,) = pm.verify([risk], None, RULES).of("unRealizedProfit")
    assert (figure.verdict, figure.tolerance) == ("agrees", D("3.5e-8"))
    assert "mean entry price" in figure.reason


def test_totals_of_multi_assets_mode_count_at_the_rate_of_their_sign():
    assets = [
        {"asset": "USDT", "walletBalance": "-100", "crossWalletBalance": "-100",
         "unrealizedProfit": "0", "crossUnPnl": "0", "marginBalance": "-100",
         "maintMargin": "0", "initialMargin": "0"},
        {"asset": "BTC", "walletBalance": "0.5", "crossWalletBalance": "0.5",
         "unrealizedProfit": "0", "crossUnPnl": "0", "marginBalance": "0.5",
         "maintMargin": "0", "initialMargin": "0"},
    ]  # fmt: skip
    total = D("0.5") * 57000 - 100 * D("1.001")
    given = {
        "multiAssetsMargin": True,
        "totalWalletBalance": cut(total),
        "totalMarginBalance": cut(total),
        "availableBalance": cut(total),
        "totalMaintMargin": "0",
        "assets": assets,
        "positions": [],
    }
    prices = pm.Prices(
        index={"BTC": 60000}, bid={"BTC": 57000, "USDT": 0.999}, ask={"BTC": 63000, "USDT": 1.001}
    )
    assert pm.verify(given, prices, RULES).ok
    assert_mutations_are_found([given], prices)
    lacking = pm.verify(given, None, RULES).of("totalWalletBalance")[0]
    assert lacking.missing == ("bid and ask rate of BTC",)
    del given["multiAssetsMargin"]
    read = pm.verify(given, prices, RULES)
    assert not read.ok
    assert "multi_assets=True" in read.remarks[0]
    assert pm.verify(given, prices, RULES, multi_assets=True).ok


# COIN-M: 100 USD a contract, everything in coin.
CONTRACTS, COIN_ENTRY, COIN_MARK = D(4000), D("50000"), D("52000.5")
COIN_SIZE = CONTRACTS * 100 / COIN_MARK
COIN_PNL = CONTRACTS * 100 * (1 / COIN_ENTRY - 1 / COIN_MARK)
COIN_MM = COIN_SIZE * D("0.005") - COIN_CUM["0.005"]
COIN_IM = COIN_SIZE / 25
COIN_WALLET = D("1.25")
# Short of coin as the price falls: (contracts in USD) * (1 + rate) over wallet, cum and entry.
COIN_PRICE = (CONTRACTS * 100 * (1 + D("0.005"))) / (
    COIN_WALLET + COIN_CUM["0.005"] + CONTRACTS * 100 / COIN_ENTRY
)
assert 5 < CONTRACTS * 100 / COIN_PRICE < 10


def coin_answers() -> list[Any]:
    free = COIN_WALLET + COIN_PNL - COIN_IM
    leg = {
        "symbol": "BTCUSD_PERP", "positionAmt": "4000", "entryPrice": "50000.0", "leverage": "25",
        "positionSide": "LONG", "isolated": False, "unrealizedProfit": cut(COIN_PNL),
        "maintMargin": cut(COIN_MM), "initialMargin": cut(COIN_IM),
        "positionInitialMargin": cut(COIN_IM), "openOrderInitialMargin": "0", "maxQty": "10",
        "notionalValue": cut(COIN_SIZE),
    }  # fmt: skip
    wallet = {
        "asset": "BTC", "walletBalance": "1.25", "crossWalletBalance": "1.25",
        "unrealizedProfit": cut(COIN_PNL), "crossUnPnl": cut(COIN_PNL),
        "marginBalance": cut(COIN_WALLET + COIN_PNL), "maintMargin": cut(COIN_MM),
        "initialMargin": cut(COIN_IM), "positionInitialMargin": cut(COIN_IM),
        "openOrderInitialMargin": "0", "availableBalance": cut(free),
        "maxWithdrawAmount": cut(min(free, COIN_WALLET)),
    }  # fmt: skip
    risk = {
        "symbol": "BTCUSD_PERP", "positionAmt": "4000", "positionSide": "LONG",
        "entryPrice": "50000.0", "markPrice": str(COIN_MARK), "leverage": "25",
        "marginType": "cross", "unRealizedProfit": cut(COIN_PNL), "maxQty": "10",
        "liquidationPrice": cut(COIN_PRICE), "isolatedMargin": "0",
    }  # fmt: skip
    return [{"assets": [wallet], "positions": [leg]}, [risk]]


def test_coin_margined_figures_agree_and_every_mutation_is_found():
    # No price of the coin is given: every figure is in coin.
    assert assert_mutations_are_found(coin_answers(), None) == 10 + 6 + 3


def test_a_position_that_two_answers_tell_otherwise_is_refused():
    given = changed(coin_answers(), "answer[1][0].positionAmt", "4001")
    with pytest.raises(pm.AccountsError, match="positionAmt must be 4000 as in"):
        pm.verify(given, None, RULES)


def test_both_sides_of_a_hedge_have_the_price_of_their_pool():
    long, short, entry, mark, wallet = D("3"), D("1"), D("60000"), D("61000"), D("9000")
    # FAQ: (wallet + cums - qL * EPL + qS * EPS) / (qL * MMRL + qS * MMRS - qL + qS).
    price = (wallet + BTC_CUM["0.005"] + 0 - (long - short) * entry) / (
        long * D("0.005") + short * D("0.005") - long + short
    )
    price += BTC_CUM["0.005"] / (long * D("0.005") + short * D("0.005") - long + short)
    assert 50_000 < price < 80_000
    risk = [
        {"symbol": "BTCUSDT", "positionSide": side, "positionAmt": str(amount),
         "entryPrice": "60000.0", "markPrice": str(mark), "marginType": "cross", "leverage": "20",
         "liquidationPrice": cut(price)}
        for side, amount in (("LONG", long), ("SHORT", -short))
    ]  # fmt: skip
    wallets = {"assets": [{"asset": "USDT", "walletBalance": str(wallet),
                           "crossWalletBalance": str(wallet)}], "positions": []}  # fmt: skip
    found = pm.verify([wallets, risk], None, RULES)
    assert [one.of for one in found.of("liquidationPrice")] == ["BTCUSDT LONG", "BTCUSDT SHORT"]
    assert found.ok, str(found)


def test_a_position_beyond_one_bracket_at_its_price_takes_the_bracket_there():
    # Long 5 at 60,000 in the third bracket; at the price its size is in the second.
    wallet, amount = D("60000"), D("5")
    price = (wallet + BTC_CUM["0.005"] - amount * 60_000) / (amount * D("0.005") - amount)
    assert amount * 60_000 > 250_000 > amount * price > 50_000
    risk = {
        "symbol": "BTCUSDT", "positionAmt": "5", "entryPrice": "60000", "markPrice": "60000",
        "marginType": "isolated", "isolatedWallet": "60000", "liquidationPrice": cut(price),
    }  # fmt: skip
    assert pm.verify([risk], None, RULES).of("liquidationPrice")[0].verdict == "agrees"


def test_what_stands_still_counts_in_the_price_of_a_pool():
    wallet, other_pnl = D("20000"), D("10") * (D("2900") - D("3000.25"))
    other_margin = D("10") * D("3000.25") * D("0.005")
    price = (wallet + other_pnl - other_margin + BTC_CUM["0.005"] - D("2.5") * 60_000) / (
        D("2.5") * D("0.005") - D("2.5")
    )
    assert 50_000 < D("2.5") * price < 250_000
    risk = [
        {"symbol": "BTCUSDT", "positionAmt": "2.5", "entryPrice": "60000", "markPrice": "61000",
         "marginType": "cross", "liquidationPrice": cut(price)},
        {"symbol": "ETHUSDT", "positionAmt": "-10", "entryPrice": "2900", "markPrice": "3000.25",
         "marginType": "cross"},
    ]  # fmt: skip
    wallets = {"assets": [{"asset": "USDT", "walletBalance": "20000",
                           "crossWalletBalance": "20000"}], "positions": []}  # fmt: skip
    found = pm.verify([wallets, risk], None, RULES)
    assert found.ok, str(found)
    lean = changed([wallets, risk], "answer[1][1].entryPrice", "0.0")
    (figure,) = pm.verify(lean, None, RULES).of("liquidationPrice", "BTCUSDT")
    assert figure.missing == ("entry price of ETHUSDT",)


def test_recorded_margins_agree_though_one_is_a_unit_high():
    # A recorded cross position: 0.094 at 1920.98, 0.4 % and 10x.
    rules = RULES.replace(
        tables={"usdm": [pm.rules.Group(
            (pm.Tier(D(0), D(50000), D("0.004"), 125),), assets=("ETHUSDT",))]}
    )  # fmt: skip
    risk = {
        "symbol": "ETHUSDT", "positionSide": "BOTH", "positionAmt": "0.094", "leverage": "10",
        "entryPrice": "1900", "markPrice": "1920.98", "maintMargin": "0.72228848",
        "initialMargin": "18.05721201", "marginType": "cross",
    }  # fmt: skip
    found = pm.verify([risk], None, rules)
    assert found.ok, str(found)
    (margin,) = found.of("initialMargin")
    assert (margin.ours, margin.difference) == (D("18.057212"), D("1e-8"))

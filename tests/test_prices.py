"""Prices: resolving, reading files, the exchange's answers."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from pymargin import Prices, PricesError
from pymargin.prices import (
    prices_from_binance,
    read_prices,
    resolve,
    resolve_marks,
    resolve_rates,
)

SAMPLES = Path(__file__).parents[2] / "shared/api_samples"
BNB_BTC = SAMPLES / "sapi_v1_margin_priceIndex.json"
NAMES = ("BTC", "USDT", "ETH")


def refusal(call, *args, **options):
    with pytest.raises(PricesError) as caught:
        call(*args, **options)
    return str(caught.value)


def pair(symbol, price):
    return {"symbol": symbol, "price": price, "calcTime": 1}


def index_of(**pairs):
    return prices_from_binance(price_index=[pair(*item) for item in pairs.items()]).index


@pytest.mark.parametrize("price", [0.1, "0.1", Decimal("0.1"), np.float64(0.1)])
def test_a_price_may_be_of_any_kind(price):
    assert resolve({"BTC": price}, ["BTC"]).tolist() == [0.1]


def test_usdt_is_one_unless_given():
    assert resolve({}, ["USDT"]).tolist() == [1.0]
    assert resolve({"USDT": 0.98}, ["USDT"]).tolist() == [0.98]


@pytest.mark.parametrize("price", [None, math.nan, math.inf, "nan"])
def test_a_price_that_is_missing_or_not_finite_is_nan(price):
    assert np.isnan(resolve({"BTC": price}, ["BTC"]))[0]


def test_other_names_are_ignored():
    assert resolve({"BTC": 2, "XXX": -1}, ["BTC"]).tolist() == [2.0]


def test_a_prices_gives_its_index():
    assert resolve(Prices(index={"BTC": 2.0}, mark={"ETH": 3.0}), NAMES)[0] == 2.0


def test_an_array_is_taken_as_it_stands():
    assert resolve(np.array([2.0, 0.5, 0.0]), NAMES).tolist() == [2.0, 0.5, 0.0]


def test_an_array_of_the_caller_is_not_changed():
    given = np.array([np.inf, 1.0, 1.0])
    assert resolve(given, NAMES) is not given
    assert given[0] == np.inf


@pytest.mark.parametrize("price", [0, 1e-100, 1e100])
def test_the_range_of_prices_is_inclusive(price):
    assert resolve({"BTC": price}, ["BTC"]).tolist() == [price]


def test_every_wrong_price_is_named():
    message = refusal(resolve, {"BTC": -1, "USDT": 1e101, "ETH": "x"}, NAMES)
    assert message.splitlines() == [
        "prices['ETH'] must be a number, not 'x'",
        "prices['BTC'] must be 0 or from 1e-100 to 1e+100, not -1.0",
        "prices['USDT'] must be 0 or from 1e-100 to 1e+100, not 1e+101",
    ]


def test_a_bool_is_no_price():
    assert refusal(resolve, {"BTC": True}, NAMES) == "prices['BTC'] must be a number, not True"


SOURCES = {
    "length": (np.ones(2), "prices must be of shape (3,), one for each of accounts.assets"),
    "text": (np.array(["1"] * 3), "prices must be a float64 array, not one of <U1"),
    "list": ([1.0, 1.0, 1.0], "prices must be a mapping of name to USDT price, a Prices, or a"),
}


@pytest.mark.parametrize(("prices", "message"), SOURCES.values(), ids=SOURCES)
def test_what_holds_no_prices_is_refused(prices, message):
    assert refusal(resolve, prices, NAMES).startswith(message)


BOTH = {"BTC": 2.0, "BTCUSDT": "2.5", "BTCUSD_PERP": 2.25}


def test_a_mapping_holds_marks_of_symbols_beside_prices_of_assets():
    assert resolve_marks(BOTH, ["BTCUSD_PERP", "BTCUSDT"]).tolist() == [2.25, 2.5]
    assert resolve(BOTH, ["BTC"]).tolist() == [2.0]


def test_a_prices_gives_its_marks():
    prices = Prices(index={"BTCUSDT": 1.0}, mark={"BTCUSDT": 2.0})
    assert resolve_marks(prices, ["BTCUSDT"]).tolist() == [2.0]


def test_a_mark_that_is_missing_is_nan_even_of_a_symbol_named_usdt():
    assert np.isnan(resolve_marks({"BTC": 1}, ["BTCUSDT", "USDT"])).all()


def test_an_array_holds_no_marks():
    assert refusal(resolve_marks, np.ones(2), ["BTCUSDT"]).startswith(
        "prices must be a mapping or a Prices where accounts have positions"
    )
    assert resolve_marks(np.ones(2), []).tolist() == []


def test_every_wrong_mark_is_named():
    message = refusal(resolve_marks, {"A": -1, "B": True}, ["A", "B"])
    assert len(message.splitlines()) == 2


def test_what_holds_no_marks_is_refused():
    assert refusal(resolve_marks, [1.0], ["A"]).startswith("prices must be a mapping of name")


def test_a_rate_that_is_absent_is_the_index_price():
    prices = Prices(index={"BTC": 4.0, "ETH": 2.0}, bid={"BTC": 3.0}, ask={"ETH": 2.5})
    bid, ask = resolve_rates(prices, ["BTC", "ETH", "USDT", "BNB"])
    np.testing.assert_array_equal(bid, [3.0, 2.0, 1.0, np.nan])
    np.testing.assert_array_equal(ask, [4.0, 2.5, 1.0, np.nan])


@pytest.mark.parametrize("prices", [{"BTC": 4.0}, np.array([4.0])], ids=["mapping", "array"])
def test_prices_without_rates_are_their_own_rates(prices):
    assert [rates.tolist() for rates in resolve_rates(prices, ["BTC"])] == [[4.0], [4.0]]


def test_every_wrong_rate_is_named():
    prices = Prices(index={"A": 1}, bid={"A": -1}, ask={"A": "x"})
    assert refusal(resolve_rates, prices, ["A"]).splitlines() == [
        "prices.bid['A'] must be 0 or from 1e-100 to 1e+100, not -1.0",
        "prices.ask['A'] must be a number, not 'x'",
    ]


def test_a_pair_in_usdt_is_the_price():
    assert index_of(BTCUSDT="20000.5") == {"BTC": 20000.5}


def test_a_pair_in_another_asset_is_converted():
    assert index_of(BNBBTC="0.01", BTCUSDT="20000")["BNB"] == 0.01 * 20000.0


def test_a_pair_in_usdt_goes_before_all_others():
    assert index_of(BNBBTC="1", BTCUSDT="20000", BNBUSDT="250")["BNB"] == 250


def test_a_dollar_quote_goes_before_btc():
    assert index_of(ABTC="1", AUSDC="3", BTCUSDT="20000", USDCUSDT="0.5")["A"] == 1.5


def test_usdt_quoted_in_an_asset_is_inverted():
    assert index_of(USDTTRY="40")["TRY"] == 1 / 40


def test_an_inverted_price_converts_further():
    assert index_of(USDTTRY="40", XTRY="80")["X"] == 80 * (1 / 40)


def test_one_object_is_a_list_of_one():
    assert prices_from_binance(price_index=pair("ETHUSDT", "3")).index == {"ETH": 3.0}


PREMIUM = {"symbol": "BTCUSDT", "markPrice": "11.5", "indexPrice": "11.25"}


def test_the_premium_index_gives_marks_and_missing_index_prices():
    prices = prices_from_binance(premium_index=[PREMIUM])
    assert (prices.mark, prices.index) == ({"BTCUSDT": 11.5}, {"BTC": 11.25})


def test_marks_of_coin_margined_contracts_are_read_beside_others():
    coin = {"symbol": "BTCUSD_PERP", "pair": "BTCUSD", "markPrice": "3", "indexPrice": "4"}
    prices = prices_from_binance(premium_index=[PREMIUM, coin])
    assert (prices.mark["BTCUSD_PERP"], prices.index) == (3.0, {"BTC": 11.25})


def test_the_index_prices_of_portfolio_margin_are_read():
    item = {"asset": "BTC", "assetIndexPrice": "28251.91", "time": 1}
    assert prices_from_binance(price_index=[item]).index == {"BTC": 28251.91}
    assert refusal(prices_from_binance, price_index=[item, {}]).startswith(
        "price_index[1] must be an object with asset, assetIndexPrice, not {}"
    )


def test_the_margin_index_goes_before_the_premium_index():
    prices = prices_from_binance(premium_index=PREMIUM, price_index=pair("BTCUSDT", "12"))
    assert prices.index == {"BTC": 12.0}


def test_the_premium_index_prices_what_a_pair_is_quoted_in():
    prices = prices_from_binance(price_index=pair("BNBBTC", "0.5"), premium_index=PREMIUM)
    assert prices.index == {"BNB": 5.625, "BTC": 11.25}


def test_the_asset_index_gives_bid_and_ask():
    item = {"symbol": "ADAUSD", "bidRate": "1.5", "askRate": "2.5", "index": "2"}
    prices = prices_from_binance(asset_index=[item])
    assert (prices.bid, prices.ask, prices.index) == ({"ADA": 1.5}, {"ADA": 2.5}, {})


def test_every_unresolvable_symbol_is_named():
    message = refusal(index_of, BNBBTC="1", ABCXYZ="1", ADAETH="2", ETHBTC="1")
    assert message.splitlines() == [
        "price_index: ABCXYZ cannot be priced in USDT: its quote asset is not known",
        "price_index: BNBBTC cannot be priced in USDT: there is no price of BTC in USDT",
        "price_index: ADAETH cannot be priced in USDT: there is no price of ETH in USDT",
        "price_index: ETHBTC cannot be priced in USDT: there is no price of BTC in USDT",
    ]


ITEMS = {
    "negative": (pair("BTCUSDT", "-1"), "price_index[0].price must be 0 or from 1e-100 to 1e+100"),
    "missing": ({"symbol": "BTCUSDT"}, "price_index[0].price must be 0 or from 1e-100 to 1e+100, "),
    "no symbol": ({"price": "1"}, "price_index[0] must be an object with symbol, price, not {"),
    "twice": ([pair("AUSDT", 1)] * 2, "price_index[1].symbol must be unique, not AUSDT again"),
    "no list": (7, "price_index must be an answer of the exchange"),
}


@pytest.mark.parametrize(("answer", "message"), ITEMS.values(), ids=ITEMS)
def test_a_wrong_answer_is_refused(answer, message):
    assert refusal(prices_from_binance, price_index=answer).startswith(message)


def test_a_wrong_symbol_of_the_asset_index_is_refused():
    item = {"symbol": "ADAEUR", "bidRate": "1.5", "askRate": "2.5"}
    message = refusal(prices_from_binance, asset_index=item)
    assert message == "asset_index must be of symbols of an asset and USD, not 'ADAEUR'"


@pytest.mark.skipif(not SAMPLES.exists(), reason="the reference folder is not there")
def test_the_samples_of_the_exchange_are_read():
    prices = prices_from_binance(
        price_index=[json.loads(BNB_BTC.read_text()), pair("BTCUSDT", "10000")],
        premium_index=SAMPLES / "fapi_v1_premiumIndex.json",
        asset_index=str(SAMPLES / "fapi_v1_assetIndex.json"),
    )
    assert (prices.index["BNB"], prices.mark["BTCUSDT"]) == (0.0033393 * 10000, 11793.63104562)
    assert (prices.bid["ADA"], prices.ask["ADA"]) == (1.73661633, 2.12253107)


def saved(tmp_path, text, name="prices.json"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


FILES = {
    "mapping": ('{"BTC": "2", "ETH": 3}', {"BTC": 2.0, "ETH": 3.0}),
    "price index": ('[{"symbol": "BTCUSDT", "price": "2"}]', {"BTC": 2.0}),
    "one pair": ('{"symbol": "BTCUSDT", "price": "2"}', {"BTC": 2.0}),
    "portfolio": ('[{"asset": "BTC", "assetIndexPrice": "2"}]', {"BTC": 2.0}),
    "csv": ("name,price\nBTC,2\n\nETH , 3\n", {"BTC": 2.0, "ETH": 3.0}),
    "csv without header": ("BTC,2\n", {"BTC": 2.0}),
    "csv of a spreadsheet": ("\ufeffname,price\r\nBTC,2\r\n", {"BTC": 2.0}),
}


@pytest.mark.parametrize(("text", "index"), FILES.values(), ids=FILES)
def test_a_file_is_told_by_its_shape(tmp_path, text, index):
    assert read_prices(saved(tmp_path, text)).index == index


def test_a_file_of_names_holds_marks_too(tmp_path):
    prices = read_prices(saved(tmp_path, '{"BTC": 2, "BTCUSDT": 3}'))
    assert resolve_marks(prices, ["BTCUSDT"]).tolist() == [3.0]
    prices = read_prices(saved(tmp_path, "BTC,2\nBTCUSDT,3\n", "prices.csv"))
    assert resolve_marks(prices, ["BTCUSDT"]).tolist() == [3.0]


def test_files_of_marks_and_rates_are_told_by_their_fields(tmp_path):
    rates = {"symbol": "ADAUSD", "bidRate": "1.5", "askRate": "2.5"}
    assert read_prices(saved(tmp_path, json.dumps([PREMIUM]))).mark == {"BTCUSDT": 11.5}
    assert read_prices(saved(tmp_path, json.dumps(rates))).bid == {"ADA": 1.5}


WRONG_FILES = {
    "json": ("{", "must be JSON:"),
    "twice": ('{"BTC": 1, "BTC": 2}', "BTC must be there once, not twice"),
    "value": ('{"BTC": null}', "['BTC'] must be 0 or from 1e-100 to 1e+100, not None"),
    "nested": ('{"BTC": {}}', "; 'BTC' is no price"),
    "list": ("[1, 2]", "must be an object of name to price or an answer of the exchange"),
    "csv price": ("name,price\nBTC,x", "line 2 must be 0 or from 1e-100 to 1e+100, not 'x'"),
    "csv cells": ("BTC,1\nETH,1,2", "line 2 must be name,price, not 3 cells"),
    "csv twice": ("BTC,1\nBTC,2", "line 2 must be of another name, not BTC again"),
    "csv name": (",1", "line 1 must be a name and a price, not ''"),
}


@pytest.mark.parametrize(("text", "message"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_wrong_file_is_refused(tmp_path, text, message):
    assert message in refusal(read_prices, saved(tmp_path, text))


def test_every_wrong_line_is_named(tmp_path):
    message = refusal(read_prices, saved(tmp_path, "A,x\nB,1,1\nC,1\nD,-1"))
    assert len(message.splitlines()) == 3

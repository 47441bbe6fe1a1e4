from __future__ import annotations

import copy
import gzip
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pymargin.errors import RulesError
from pymargin.rules import (
    Contract,
    MarginRules,
    Tier,
    check_rules,
    example_rules,
    rules_from_binance,
)
from pymargin.rules.schedules import offsets, value
from pymargin.rules.unified import read_unified

SHARED = Path(__file__).parents[2] / "shared"
SAMPLES, BRACKETS = SHARED / "api_samples", SHARED / "brackets"
REAL = ("2026-02-05", "2026-02-06")

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the reference folder ../shared is not present"
)


def usdm() -> list[dict[str, Any]]:
    return [
        {
            "symbol": "AAAUSDT",
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": 75,
                    "notionalCap": 10000,
                    "notionalFloor": 0,
                    "maintMarginRatio": 0.0065,
                    "cum": 0,
                },
                {
                    "bracket": 2,
                    "initialLeverage": "50",
                    "notionalCap": "9223372036854775807",
                    "notionalFloor": "10000",
                    "maintMarginRatio": "0.01",
                    "cum": "35.0",
                },
            ],
        }
    ]


def coinm(key: str = "symbol", name: str = "BTCUSD_PERP", floor: str = "qtyFloor") -> Any:
    return [
        {
            key: name,
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": 125,
                    "qtyCap": 50,
                    floor: 0,
                    "maintMarginRatio": 0.004,
                    "cum": 0,
                },
                {
                    "bracket": 2,
                    "initialLeverage": 100,
                    "qtyCap": 100,
                    floor: 50,
                    "maintMarginRatio": 0.005,
                    "cum": 0.05,
                },
            ],
        }
    ]


def ccxt(name: str = "AAA/USDT:USDT", *, info: bool = True) -> dict[str, Any]:
    keys = ("notionalFloor", "notionalCap", "maintMarginRatio", "initialLeverage")
    tiers = []
    for bracket in usdm()[0]["brackets"]:
        floor, cap, rate, leverage = (float(bracket[key]) for key in keys)
        tier: dict[str, Any] = {
            "symbol": name,
            "minNotional": floor,
            "maxNotional": cap,
            "maintenanceMarginRate": rate,
            "maxLeverage": leverage,
        }
        if info:
            tier["info"] = bracket
        tiers.append(tier)
    return {name: tiers}


def exchange_info(*symbols: dict[str, Any]) -> dict[str, Any]:
    return {"timezone": "UTC", "symbols": list(symbols)}


def dapi_symbol(symbol: str, size: Any = 100) -> dict[str, Any]:
    asset = symbol.split("USD_")[0]
    pair = symbol.split("_")[0]
    return {
        "symbol": symbol,
        "pair": pair,
        "contractSize": size,
        "baseAsset": asset,
        "quoteAsset": "USD",
        "marginAsset": asset,
    }


FAPI = exchange_info({"symbol": "AAAUSDT", "baseAsset": "AAA", "marginAsset": "BNFCR"})


def errors(source: object) -> list[tuple[str, str]]:
    return [(p.path, p.what) for p in check_rules(source) if p.severity == "error"]


# leverageBracket of fapi and papi/um


@pytest.mark.parametrize("wrap", [lambda a: a, lambda a: a[0], lambda a: {"data": a}, tuple])
def test_brackets_come_as_a_list_or_one_object(wrap: Any) -> None:
    assert rules_from_binance(usdm_brackets=wrap(usdm())) == rules_from_binance(
        usdm_brackets=usdm()
    )


def test_a_bracket_keeps_cap_rate_and_leverage() -> None:
    rules = rules_from_binance(usdm_brackets=usdm())
    assert rules.tiers("usdm", "AAAUSDT") == (
        Tier(Decimal(0), Decimal(10000), Decimal("0.0065"), Decimal(75)),
        Tier(Decimal(10000), None, Decimal("0.01"), Decimal(50)),
    )


def test_numbers_may_be_texts_or_numbers() -> None:
    as_text = json.loads(json.dumps(usdm()), parse_float=str, parse_int=str)
    assert rules_from_binance(usdm_brackets=as_text) == rules_from_binance(usdm_brackets=usdm())


def test_right_answers_have_no_problem() -> None:
    for answer in (usdm(), coinm(), coinm("pair", "BTCUSD"), ccxt(), ccxt(info=False), FAPI):
        assert check_rules(answer) == []


def test_a_cum_that_differs_warns_and_the_derived_holds() -> None:
    odd = usdm()
    odd[0]["brackets"][1]["cum"] = 99
    rules = rules_from_binance(usdm_brackets=odd)
    assert [problem.path for problem in rules.problems()] == ["$[0].brackets[1].cum"]
    assert value(rules.tiers("usdm", "AAAUSDT"), 20_000, excess="last") == 165


@pytest.mark.parametrize(
    ("key", "junk", "what"),
    [
        ("notionalFloor", 9999, "overlap"),
        ("notionalFloor", 10001, "gap"),
        ("notionalCap", 10000, "inverted"),
        ("maintMarginRatio", 0.001, "non-monotone"),
        ("maintMarginRatio", "", "bad type"),
        ("maintMarginRatio", ..., "missing"),
        ("initialLeverage", 76, "non-monotone"),
        ("initialLeverage", 0, "leverage"),
        ("initialLeverage", ..., "missing"),
        ("notionalCap", ..., "missing"),
        ("cum", "x", "bad type"),
    ],
)
def test_a_fault_of_a_bracket_is_one_error_at_its_path(key: str, junk: Any, what: str) -> None:
    for prefix, broken in (("$[0].brackets", usdm()), ('$["AAA/USDT:USDT"]', ccxt())):
        if prefix.startswith("$[0]"):
            bracket, path = broken[0]["brackets"][1], f"{prefix}[1].{key}"
        else:
            bracket, path = broken["AAA/USDT:USDT"][1]["info"], f"{prefix}[1].info.{key}"
        if junk is not ...:
            bracket[key] = junk
        elif key != "notionalCap" or "info" not in path:
            del bracket[key]
        else:
            continue
        assert errors(broken) == [(path, what)]


def test_a_bracket_that_ends_where_it_begins_is_left_out() -> None:
    odd = usdm()
    first, last = odd[0]["brackets"]
    empty = {**last, "notionalCap": 10000, "maintMarginRatio": "0.008", "cum": 15}
    odd[0]["brackets"] = [first, empty, last]
    assert rules_from_binance(usdm_brackets=odd) == rules_from_binance(usdm_brackets=usdm())
    assert check_rules(odd) == []


def test_a_symbol_given_twice_is_an_error() -> None:
    assert errors(usdm() * 2) == [("$[1].symbol", "duplicate symbol")]


def test_brackets_without_a_symbol_are_an_error() -> None:
    nameless = usdm()
    del nameless[0]["symbol"]
    with pytest.raises(RulesError, match=r"\$\[0\]\.symbol must be given"):
        rules_from_binance(usdm_brackets=nameless)


def test_brackets_of_the_other_product_are_errors() -> None:
    with pytest.raises(RulesError, match=r"brackets\[0\]\.notionalCap must be given"):
        rules_from_binance(usdm_brackets=coinm())
    with pytest.raises(RulesError, match=r"brackets\[0\]\.qtyCap must be given"):
        rules_from_binance(coinm_brackets=usdm())


# notionalCoef


def with_coef(coef: Any) -> list[dict[str, Any]]:
    return [{**usdm()[0], "notionalCoef": coef}]


def caps(rules: MarginRules) -> list[Decimal | None]:
    return [tier.cap for tier in rules.tiers("usdm", "AAAUSDT")]


@pytest.mark.parametrize("coef", [1.5, "1.5"])
def test_a_notional_coefficient_is_left_alone_with_a_warning(coef: Any) -> None:
    rules = rules_from_binance(usdm_brackets=with_coef(coef))
    assert caps(rules) == [10000, None]
    assert [problem.path for problem in rules.problems()] == ["$[0].notionalCoef"]


def test_a_notional_coefficient_is_applied_where_asked() -> None:
    rules = rules_from_binance(usdm_brackets=with_coef("1.5"), notional_coef="apply")
    assert caps(rules) == [15000, None]
    assert rules.problems() == ()
    assert offsets(rules.tiers("usdm", "AAAUSDT"))[1] == Decimal("-52.5")


@pytest.mark.parametrize("reading", ["ignore", "apply"])
def test_a_notional_coefficient_of_one_changes_nothing(reading: Any) -> None:
    rules = rules_from_binance(usdm_brackets=with_coef("1.0"), notional_coef=reading)
    assert (rules, rules.problems()) == (rules_from_binance(usdm_brackets=usdm()), ())


@pytest.mark.parametrize("coef", [0, -1, "x", True])
def test_a_notional_coefficient_is_a_number_above_zero(coef: Any) -> None:
    assert [path for path, _ in errors(with_coef(coef))] == ["$[0].notionalCoef"]


def test_an_unknown_reading_of_the_coefficient_is_refused() -> None:
    reading: Any = "maybe"
    with pytest.raises(RulesError, match="one of ignore, apply, not 'maybe'"):
        rules_from_binance(usdm_brackets=usdm(), notional_coef=reading)


# leverageBracket of dapi and papi/cm


@pytest.mark.parametrize("floor", ["qtyFloor", "qtylFloor"])
def test_both_spellings_of_the_floor_are_read(floor: str) -> None:
    broken = coinm(floor=floor)
    assert check_rules(broken) == []
    broken[0]["brackets"][1][floor] = 40
    assert errors(broken) == [(f"$[0].brackets[1].{floor}", "overlap")]


def test_a_pair_serves_its_perpetual() -> None:
    rules = rules_from_binance(coinm_brackets=coinm("pair", "BTCUSD"))
    assert rules.names("coinm") == ("BTCUSD_PERP",)


def test_a_pair_serves_every_symbol_of_the_pair_that_is_known() -> None:
    names = ("BTCUSD_PERP", "BTCUSD_260327", "ETHUSD_PERP")
    rules = rules_from_binance(
        coinm_brackets=coinm("pair", "BTCUSD"),
        symbols=exchange_info(*(dapi_symbol(name) for name in names)),
    )
    assert rules.names("coinm") == ("BTCUSD_260327", "BTCUSD_PERP")


# ccxt's leverage tiers


@pytest.mark.parametrize(
    ("unified", "symbol", "product"),
    [
        ("BTC/USDT:USDT", "BTCUSDT", "usdm"),
        ("BTC/USDT:USDT-260327", "BTCUSDT_260327", "usdm"),
        ("ETH/BTC:BTC", "ETHBTC", "usdm"),
        ("我踏马来了/USDT:USDT", "我踏马来了USDT", "usdm"),
        ("BTC/USD:BTC", "BTCUSD_PERP", "coinm"),
        ("BTC/USD:BTC-260327", "BTCUSD_260327", "coinm"),
    ],
)
def test_a_unified_symbol_becomes_the_exchange_s(unified: str, symbol: str, product: str) -> None:
    read = read_unified(unified)
    assert read is not None
    assert (read.symbol, read.product) == (symbol, product)


@pytest.mark.parametrize("name", ["BTC/USDT", "BTCUSDT", "BTC/USD:ETH", "BTC/USDT:USDT-26", ""])
def test_what_is_no_future_is_no_unified_symbol(name: str) -> None:
    assert read_unified(name) is None


def test_ccxt_s_tiers_are_the_same_brackets() -> None:
    assert rules_from_binance(usdm_brackets=ccxt()) == rules_from_binance(usdm_brackets=usdm())


def test_ccxt_s_tiers_without_info_are_the_same_brackets() -> None:
    assert rules_from_binance(usdm_brackets=ccxt(info=False)) == rules_from_binance(
        usdm_brackets=usdm()
    )


def test_the_exchange_s_own_figures_go_before_ccxt_s() -> None:
    rounded = ccxt()
    for tier in rounded["AAA/USDT:USDT"]:
        tier["maintenanceMarginRate"] = 0.5
    assert rules_from_binance(usdm_brackets=rounded) == rules_from_binance(usdm_brackets=usdm())


def test_ccxt_s_tiers_of_coin_margined_futures_are_read_the_same_way() -> None:
    own = coinm()[0]["brackets"]
    tiers = [
        {"minNotional": 0, "maxNotional": 1, "maintenanceMarginRate": 1, "info": info}
        for info in own
    ]
    answer = {"BTC/USD:BTC": tiers}
    assert rules_from_binance(coinm_brackets=answer) == rules_from_binance(coinm_brackets=coinm())
    assert check_rules(answer) == []


def test_a_symbol_of_the_other_product_is_an_error() -> None:
    with pytest.raises(RulesError, match=r"BTC/USD:BTC.* must be a symbol of usdm futures"):
        rules_from_binance(usdm_brackets=ccxt("BTC/USD:BTC"))


def test_ccxt_s_name_tells_a_settlement_asset_that_the_exchange_s_does_not() -> None:
    rules = rules_from_binance(usdm_brackets=ccxt("AAA/XYZ:XYZ"))
    assert rules.contracts == {"AAAXYZ": Contract("usdm", "AAA", "XYZ")}
    assert rules_from_binance(usdm_brackets=ccxt()).contracts == {}


# exchangeInfo


def test_contracts_come_from_exchange_info() -> None:
    rules = rules_from_binance(
        symbols=[FAPI, exchange_info(dapi_symbol("BTCUSD_PERP"), dapi_symbol("XUSD_PERP", "10"))]
    )
    assert rules.contracts == {
        "AAAUSDT": Contract("usdm", "AAA", "BNFCR"),
        "BTCUSD_PERP": Contract("coinm", "BTC", "BTC", Decimal(100)),
        "XUSD_PERP": Contract("coinm", "X", "X", Decimal(10)),
    }


def test_exchange_info_may_be_paths(tmp_path: Path) -> None:
    path = tmp_path / "fapi.json"
    path.write_text(json.dumps(FAPI), encoding="utf-8")
    alone = rules_from_binance(symbols=path)
    assert alone == rules_from_binance(symbols=[path]) == rules_from_binance(symbols=FAPI)


@pytest.mark.parametrize(
    ("entry", "where", "what"),
    [
        (dapi_symbol("BTCUSD_PERP", 0), "$.symbols[0].contractSize", "contract size"),
        (dapi_symbol("BTCUSD_PERP", "x"), "$.symbols[0].contractSize", "bad type"),
        (
            {**dapi_symbol("BTCUSD_PERP"), "marginAsset": "USDT"},
            "$.symbols[0].marginAsset",
            "settlement",
        ),
        ({"symbol": "BTCUSDT", "baseAsset": "BTC"}, "$.symbols[0].marginAsset", "missing"),
        ({**dapi_symbol("BTCUSD_PERP"), "symbol": 7}, "$.symbols[0].symbol", "bad name"),
        (None, "$.symbols[0]", "bad type"),
    ],
)
def test_a_fault_of_exchange_info_is_at_its_path(entry: Any, where: str, what: str) -> None:
    assert errors(exchange_info(entry)) == [(where, what)]


def test_a_symbol_in_two_answers_is_an_error() -> None:
    with pytest.raises(RulesError, match=r"\$\[1\]\.symbols\[0\]\.symbol must be given once"):
        rules_from_binance(symbols=[FAPI, FAPI])


# The vendor's samples, and the real tables of two days


@needs_shared
@pytest.mark.parametrize(
    ("argument", "name", "symbol"),
    [
        ("usdm_brackets", "fapi_v1_leverageBracket", "ETHUSDT"),
        ("usdm_brackets", "fapi_v1_leverageBracket_with_symbol_param", "ETHUSDT"),
        ("usdm_brackets", "papi_v1_um_leverageBracket", "ETHUSDT"),
        ("coinm_brackets", "dapi_v1_leverageBracket", "BTCUSD_PERP"),
        ("coinm_brackets", "dapi_v2_leverageBracket", "BTCUSD_PERP"),
        ("coinm_brackets", "papi_v1_cm_leverageBracket", "BTCUSD_PERP"),
    ],
)
def test_the_vendor_samples_load_and_are_recognised(argument: str, name: str, symbol: str) -> None:
    answer: Any = {argument: SAMPLES / f"{name}.json"}
    rules = rules_from_binance(**answer)
    assert rules.names(argument.removesuffix("_brackets")) == (symbol,)
    assert errors(SAMPLES / f"{name}.json") == []


def real_path(day: str) -> Path:
    return BRACKETS / f"binance_leverage_tiers_{day}.json.gz"


def real(day: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(real_path(day).read_bytes()))
    return found


@needs_shared
@pytest.mark.parametrize("day", REAL)
def test_every_real_symbol_loads_without_a_problem(day: str) -> None:
    rules = rules_from_binance(usdm_brackets=real_path(day))
    assert len(rules.names("usdm")) == 675
    assert rules.problems() == ()
    assert {"BTCUSDT", "BTCUSDT_260327", "ETHBTC", "我踏马来了USDT", "币安人生USDT"} <= set(
        rules.names("usdm")
    )


@needs_shared
@pytest.mark.parametrize("day", REAL)
def test_every_real_symbol_has_the_contract_that_its_name_tells(day: str) -> None:
    rules = rules_from_binance(usdm_brackets=real_path(day))
    for unified in real(day):
        read = read_unified(unified)
        assert read is not None
        contract = rules.contract(read.symbol)
        assert (contract.product, contract.base_asset, contract.settlement_asset) == (
            "usdm",
            read.base,
            read.settlement,
        )


@needs_shared
@pytest.mark.parametrize("day", REAL)
def test_our_quick_deductions_of_real_tables_equal_the_exchange_s(day: str) -> None:
    rules = rules_from_binance(usdm_brackets=real_path(day))
    for unified, tiers in real(day).items():
        read = read_unified(unified)
        assert read is not None
        infos = [tier["info"] for tier in tiers]
        given = [
            Decimal(str(info["cum"]))
            for info in infos
            if info["notionalFloor"] != info["notionalCap"]
        ]
        assert [-one for one in offsets(rules.tiers("usdm", read.symbol))] == given


@needs_shared
@pytest.mark.parametrize("day", REAL)
def test_the_maintenance_margin_is_continuous_at_every_edge(day: str) -> None:
    rules = rules_from_binance(usdm_brackets=real_path(day))
    for symbol in rules.names("usdm"):
        tiers = rules.tiers("usdm", symbol)
        deductions = offsets(tiers)
        for k in range(1, len(tiers)):
            edge = Fraction(tiers[k].floor)
            sides = {Fraction(tiers[j].rate) * edge + Fraction(deductions[j]) for j in (k - 1, k)}
            assert len(sides) == 1, (symbol, edge)


@needs_shared
def test_a_changed_cum_of_a_real_table_is_found() -> None:
    odd = copy.deepcopy(real("2026-02-06"))
    odd["BTC/USDT:USDT"][1]["info"]["cum"] += 1
    (warning,) = rules_from_binance(usdm_brackets=odd).problems()
    assert warning.path == '$["BTC/USDT:USDT"][1].info.cum'


def test_the_cum_of_every_bracket_makes_the_margin_continuous() -> None:
    rules = example_rules()
    for symbol in rules.names("usdm")[:20]:
        tiers, cums = rules.tiers("usdm", symbol), rules.cum("usdm", symbol)
        assert cums[0] == 0
        for tier, cum, after, later in zip(tiers, cums, tiers[1:], cums[1:], strict=False):
            assert tier.cap is not None
            assert tier.cap * tier.rate - cum == tier.cap * after.rate - later
    with pytest.raises(RulesError, match="NONE has no schedule"):
        rules.cum("usdm", "NONE")

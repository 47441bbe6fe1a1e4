"""Each of the documentation's samples loads as what it is, or is refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pymargin as pm
from pymargin.prices import read_prices

SAMPLES = Path(__file__).parents[2] / "shared/api_samples"
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the reference folder is not there")

RULES = {
    "dapi_v1_leverageBracket": ("coinm_brackets", {"coinm": 1}),
    "dapi_v2_leverageBracket": ("coinm_brackets", {"coinm": 1}),
    "fapi_v1_leverageBracket": ("usdm_brackets", {"usdm": 1}),
    "fapi_v1_leverageBracket_with_symbol_param": ("usdm_brackets", {"usdm": 1}),
    "papi_v1_cm_leverageBracket": ("coinm_brackets", {"coinm": 1}),
    "papi_v1_um_leverageBracket": ("usdm_brackets", {"usdm": 1}),
    "sapi_v1_margin_crossMarginCollateralRatio": ("cross_collateral", {"collateral": 5}),
    "sapi_v1_margin_leverageBracket": (
        "liability_brackets",
        {"liability_maintenance": 5, "liability_initial": 5},
    ),
    "sapi_v1_portfolio_collateralRate": ("portfolio_collateral", {"portfolio": 2}),
    "sapi_v2_portfolio_collateralRate": ("portfolio_pro_collateral", {"portfolio_pro": 2}),
    "sapi_v1_portfolio_margin-asset-leverage": ("portfolio_leverage", {}),
}
ACCOUNTS = {
    "sapi_v1_margin_account": ("cross_classic", {"leverage": 3}),
    "fapi_v2_account": ("usdm", {}),
    "dapi_v1_account": ("coinm", {}),
    "papi_v1_balance": ("portfolio", {"leverage": 5}),
    "papi_v1_balance_single_asset_param": ("portfolio", {"leverage": 5}),
    "sapi_v1_portfolio_balance": ("portfolio_pro", {}),
}
PRICES = {
    "fapi_v1_assetIndex": {"bid": {"ADA": 1.73661633}, "ask": {"ADA": 2.12253107}},
    "fapi_v1_premiumIndex": {"mark": {"BTCUSDT": 11793.63104562}, "index": {"BTC": 11781.8049597}},
    "fapi_v2_positionRisk": {"mark": {"BTCUSDT": 6679.50671178}},
    "fapi_v3_positionRisk": {"mark": {"ADAUSDT": 0.4104759}},
    "papi_v1_um_positionRisk": {"mark": {"BTCUSDT": 6679.50671178}},
    # A mark price of 0 is that of a position without one.
    "dapi_v1_positionRisk": {},
    "papi_v1_cm_positionRisk": {},
    "sapi_v1_portfolio_asset-index-price": {"index": {"BTC": 28251.9136906}},
}
# Objects of nothing but numbers, which may be prices of what they name.
NUMBERS = {
    "papi_v1_margin_maxBorrowable",
    "papi_v1_margin_maxWithdraw",
    "sapi_v1_margin_maxBorrowable",
    "sapi_v1_margin_maxTransferable",
    "sapi_v1_margin_tradeCoeff",
    "sapi_v1_portfolio_margin-call-level",
}


def path_of(name: str) -> Path:
    return SAMPLES / f"{name}.json"


def names() -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob("*.json"))


@pytest.mark.parametrize("name", RULES)
def test_a_sample_of_rules_loads(name: str) -> None:
    argument, tables = RULES[name]
    rules = pm.rules_from_binance(**{argument: path_of(name)})
    assert {table: len(rules.names(table)) for table in rules.tables} == tables
    assert all(problem.severity == "warning" for problem in pm.check_rules(path_of(name)))


def test_every_other_sample_is_no_rules() -> None:
    for name in set(names()) - RULES.keys():
        (problem,) = pm.check_rules(path_of(name))
        assert str(problem).startswith("$ must be a rules file or an answer of"), name


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_sample_of_an_account_loads(name: str) -> None:
    mode, options = ACCOUNTS[name]
    book = pm.Accounts.from_binance(mode, path_of(name), account="u", **options)
    assert (len(book), book.row(0)["mode"]) == (1, mode)


def test_a_sample_that_needs_another_beside_it_says_so() -> None:
    for name, mode, message in (
        ("fapi_v3_account", "usdm", "entryPrice must be given by the account's answer or by one"),
        ("fapi_v3_positionRisk", "usdm", "must be an answer of GET /fapi/v2/account"),
        ("papi_v1_um_account", "portfolio", "an answer of GET /papi/v1/balance"),
        ("sapi_v1_portfolio_account", "portfolio_pro", "an answer of GET /papi/v1/balance"),
        ("sapi_v2_portfolio_account_SPAN", "portfolio_pro", "an answer of GET /papi/v1/balance"),
        ("sapi_v1_margin_isolated_account", "usdm", "isolated margin is out of scope"),
        ("event_papi_riskLevelChange", "portfolio", "an answer about an account"),
        ("sapi_v1_margin_isolated_account", "cross_classic", "the list userAssets"),
    ):
        with pytest.raises(pm.AccountsError, match=message):
            pm.Accounts.from_binance(mode, path_of(name), account="u")


@pytest.mark.parametrize("name", PRICES)
def test_a_sample_of_prices_loads(name: str) -> None:
    found, expected = read_prices(path_of(name)), PRICES[name]
    for kind in ("index", "mark", "bid", "ask"):
        assert dict(getattr(found, kind)) == expected.get(kind, {})


def test_every_other_sample_is_no_prices_and_says_so_in_a_line() -> None:
    for name in set(names()) - PRICES.keys() - NUMBERS:
        with pytest.raises(pm.PricesError) as caught:
            read_prices(path_of(name))
        assert len(str(caught.value).splitlines()) <= 7, name


@pytest.mark.parametrize("name", [*ACCOUNTS, "fapi_v3_account"])
def test_pymargin_levels_takes_each_account(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    from pymargin.cli import main

    prices = {"BTC": 60000, "BNB": 600, "ETH": 2000, "BTCUSDT": 60000, "USDT": 1}
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    mode, _ = ACCOUNTS.get(name, ("usdm", {}))
    given = [] if mode not in ("portfolio", "portfolio_pro") else ["--mode", mode]
    code = main(
        ["levels", str(path_of(name)), "--prices", str(tmp_path / "prices.json"),
         "--rules", "example", "--leverage", "5", *given]
    )  # fmt: skip
    printed = capsys.readouterr()
    if name == "fapi_v3_account":
        assert (code, "entryPrice must be given" in printed.err) == (2, True)
    else:
        assert code == 0, printed.err
        assert f"; {mode}" in printed.out

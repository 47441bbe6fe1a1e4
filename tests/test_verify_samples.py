"""The documentation's samples, and answers with anything in any place: verified or refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import test_verify_cross
import test_verify_futures
import test_verify_portfolio
from test_answers_mutated import places
from verify_answers import RULES, D

import pymargin as pm

SAMPLES = Path(__file__).parents[2] / "shared/api_samples"
with_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="the reference folder is not there")
PRICES = {"BTC": 60000, "BNB": 600, "ETH": 2000, "BTCUSDT": 60000}
# What each sample's own figures come to: at least one of these differs, or all the rest agrees.
DIFFERING = {
    "dapi_v1_account": set(),
    "dapi_v1_positionRisk": set(),
    "fapi_v2_account": {"totalWalletBalance", "totalMarginBalance", "totalCrossWalletBalance"},
    "fapi_v2_positionRisk": {"maxNotionalValue"},
    "fapi_v3_account": {"totalWalletBalance", "maintMargin", "notional"},
    "fapi_v3_positionRisk": set(),
    "papi_v1_account": {"virtualMaxWithdrawAmount"},
    "papi_v1_balance": {"crossMarginAsset", "totalWalletBalance"},
    "papi_v1_balance_single_asset_param": {"totalWalletBalance"},
    "papi_v1_cm_account": set(),
    "papi_v1_cm_positionRisk": {"notionalValue", "liquidationPrice"},
    "papi_v1_um_account": set(),
    "papi_v1_um_positionRisk": {"liquidationPrice"},
    "papi_v2_um_account": {"notional"},
    "sapi_v1_margin_account": {"totalAssetOfBtc", "totalLiabilityOfBtc"},
    "sapi_v1_portfolio_account": set(),
    "sapi_v1_portfolio_balance": set(),
    "sapi_v2_portfolio_account_SPAN": set(),
}


@with_samples
@pytest.mark.parametrize("name", DIFFERING)
def test_a_sample_is_verified_and_says_where_it_contradicts_itself(name):
    found = pm.verify(SAMPLES / f"{name}.json", PRICES, RULES)
    differing = {figure.name for figure in found if figure.verdict == "differs"}
    assert DIFFERING[name] <= differing
    assert DIFFERING[name] or not differing
    assert len(found)


@with_samples
def test_a_level_of_the_samples_agrees_with_what_is_printed_beside_it():
    found = pm.verify(SAMPLES / "sapi_v1_margin_account.json", None, RULES)
    (level,) = (one for one in found.of("marginLevel") if one.basis == "printed")
    assert (level.verdict, f"{level.ours:.8f}") == ("agrees", "11.64405631")
    for name in ("papi_v1_account", "sapi_v1_portfolio_account"):
        found = pm.verify(SAMPLES / f"{name}.json", None, RULES)
        assert "agrees" in {str(one.verdict) for one in found.of("uniMMR")}


@with_samples
def test_every_other_sample_is_refused_with_a_sentence():
    others = [path for path in SAMPLES.glob("*.json") if path.stem not in DIFFERING]
    assert len(others) > 30
    for path in others:
        with pytest.raises(pm.AccountsError, match="must be an answer about"):
            pm.verify(path, PRICES, RULES)


@with_samples
def test_the_recorded_position_has_the_exchanges_margins():
    tiers = (pm.Tier(D(0), None, D("0.0065"), 20),)
    rules = RULES.replace(tables={"usdm": [pm.rules.Group(tiers, assets=("ADAUSDT",))]})
    found = pm.verify(SAMPLES / "fapi_v3_positionRisk.json", None, rules, leverage=20)
    kinds = {figure.name: str(figure.verdict) for figure in found}
    assert kinds.pop("liquidationPrice") == "missing"
    assert set(kinds.values()) == {"agrees"}


@pytest.mark.parametrize("junk", [None, "x", [], "1e400", "-7"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([test_verify_cross.answer()], id="cross"),
        pytest.param([test_verify_futures.account(), test_verify_futures.risks()], id="usdm"),
        pytest.param(test_verify_futures.coin_answers(), id="coinm"),
        pytest.param(test_verify_portfolio.answers(), id="portfolio"),
    ],
)
def test_anything_in_any_place_is_verified_or_refused_with_a_sentence(answer, junk):
    for path in places(answer):
        if len(path) == 1 and isinstance(junk, str):
            continue  # It would be a path.
        changed = copy.deepcopy(answer)
        found: Any = changed
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = junk
        try:
            report = pm.verify(changed, PRICES, RULES)
        except pm.MarginError as err:
            said = str(err)
        else:
            said = str(report)
        assert said

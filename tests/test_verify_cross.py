"""Cross margin answers: every figure recomputed, every wrong one found."""

from __future__ import annotations

from decimal import Decimal

import pytest
from verify_answers import RULES, D, assert_mutations_are_found, cut

import pymargin as pm

PRICES = {"BTC": "60000.5", "ETH": "2000.25", "USDT": 1}
HELD = {"BTC": D("2.5"), "ETH": D("10.00000001"), "USDT": D("0")}
OWED = {"BTC": D(0), "ETH": D(0), "USDT": D("30000.12345678")}
LIABILITY = OWED["USDT"]
VALUES = {"BTC": D("2.5") * D("60000.5"), "ETH": D("10.00000001") * D("2000.25")}
TOTAL = sum(VALUES.values(), D(0))
# BTC is worth 150,001.25: 100,000 at 100 % and the rest at 90 %.
COLLATERAL = D(100_000) + D("50001.25") * D("0.9") + VALUES["ETH"]


def answer(**changes: object) -> dict[str, object]:
    bitcoin = D(PRICES["BTC"])
    assets = [
        {
            "asset": asset,
            "free": str(held - D("0.5") if asset == "BTC" else held),
            "locked": "0.5" if asset == "BTC" else "0",
            "borrowed": str(OWED[asset] and OWED[asset] - 1),
            "interest": "1.00000000" if OWED[asset] else "0",
            "netAsset": str(held - OWED[asset]),
        }
        for asset, held in HELD.items()
    ]
    return {
        "accountType": "MARGIN_1",
        "marginLevel": cut(TOTAL / LIABILITY),
        "collateralMarginLevel": cut(COLLATERAL / LIABILITY),
        "totalAssetOfBtc": cut(TOTAL / bitcoin),
        "totalLiabilityOfBtc": cut(LIABILITY / bitcoin),
        "totalNetAssetOfBtc": cut((TOTAL - LIABILITY) / bitcoin),
        "TotalCollateralValueInUSDT": cut(COLLATERAL),
        "userAssets": assets,
    } | changes


def verdicts(found: pm.VerifyReport) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for figure in found:
        kinds.setdefault(figure.name, set()).add(str(figure.verdict))
    return kinds


def test_every_figure_agrees_and_every_mutation_is_found():
    assert assert_mutations_are_found([answer()], PRICES) == 3 + 3 + 1 + 1 + 1 + 2


@pytest.mark.parametrize("key", ["TotalCollateralValueInUSDT", "totalCollateralValueInUSDT"])
def test_the_collateral_value_goes_by_either_name(key):
    given = answer()
    given[key] = given.pop("TotalCollateralValueInUSDT")
    (figure,) = pm.verify(given, PRICES, RULES).of(key)
    assert (figure.verdict, figure.ours) == ("agrees", COLLATERAL)


def test_the_net_formula_holds_from_its_date():
    rules = RULES.replace(methodology={**RULES.methodology, "cross_classic": "classic_2026_06"})
    figures = pm.verify(answer(), PRICES, rules).of("marginLevel")
    # No longer the totals' quotient: the level rests on what counts as collateral.
    assert [(one.basis, one.verdict) for one in figures] == [("quantities", "differs")]
    ours = figures[0].ours
    assert ours is not None
    assert abs(ours - COLLATERAL / LIABILITY) < D("1e-20")


def test_a_pro_account_is_read_by_its_type():
    loss = D("12.5")
    margin = D(10_000) * D("0.02") + D("20000.12345678") * D("0.05")
    level = (COLLATERAL - LIABILITY - loss) / margin
    given = answer(accountType="MARGIN_2", marginLevel=cut(level), totalOpenOrderLossInUSDT="12.5")
    found = pm.verify(given, PRICES, RULES)
    assert (found.mode, found.ok) == ("cross_pro", True)
    assert any("taken as given" in remark for remark in found.remarks)
    assert_mutations_are_found([given], PRICES)


def test_a_pro_account_takes_collateral_gross_or_net_whatever_classic_does():
    rules = RULES.replace(methodology={**RULES.methodology, "cross_classic": "classic_2026_06"})
    # 3 BTC held and 1 owed at 60,000: gross 100,000 + 0.9 * 80,000; net 60,000 + 100,000 + 18,000.
    given = {"accountType": "MARGIN_2", "TotalCollateralValueInUSDT": "172000", "userAssets": [
        {"asset": "BTC", "free": "3", "borrowed": "1"}]}  # fmt: skip
    for value, reading in (("172000", "gross"), ("178000", "net")):
        given["TotalCollateralValueInUSDT"] = value
        for one in ("gross", "net"):
            found = pm.verify(given, {"BTC": 60000}, rules, collateral=one)
            (figure,) = found.of("TotalCollateralValueInUSDT")
            assert (figure.verdict == "agrees") is (one == reading)
    with pytest.raises(ValueError, match="collateral must be 'gross' or 'net'"):
        pm.verify(given, None, rules, collateral="all")


def test_999_stands_for_a_level_without_debt():
    given = answer(marginLevel="999.00000000", collateralMarginLevel="999")
    given["userAssets"] = [{"asset": "BTC", "free": "1", "borrowed": "0"}]
    given["totalAssetOfBtc"], given["totalLiabilityOfBtc"] = "1", "0"
    found = pm.verify(given, PRICES, RULES)
    for name in ("marginLevel", "collateralMarginLevel"):
        for figure in found.of(name):
            assert (figure.verdict, figure.ours) == ("agrees", Decimal("Infinity"))
            assert "999 stands for" in figure.reason
    given["marginLevel"] = "998"
    assert {one.verdict for one in pm.verify(given, PRICES, RULES).of("marginLevel")} == {"differs"}


def test_what_is_missing_is_named_by_figure():
    found = pm.verify(answer(), {"BTC": 60000.5}, RULES)
    (level,) = (one for one in found.of("marginLevel") if one.basis == "quantities")
    assert (level.verdict, level.missing, level.ours) == ("missing", ("price of ETH",), None)
    assert [one.verdict for one in found.of("marginLevel")] == ["missing", "agrees"]
    assert {str(one.verdict) for one in found.of("netAsset")} == {"agrees"}
    bare = RULES.replace(tables={"usdm": RULES.tables["usdm"]})
    missing = pm.verify(answer(), PRICES, bare).of("collateralMarginLevel")[0].missing
    assert missing == ("collateral tiers of BTC", "collateral tiers of ETH")
    assert verdicts(pm.verify(answer(), PRICES, bare))["marginLevel"] == {"agrees"}


def test_no_prices_leave_what_the_answer_itself_holds():
    found = pm.verify(answer(), None, RULES)
    assert {str(one.verdict) for one in found if one.basis == "printed"} == {"agrees"}
    assert "price of BTC" in found.of("totalAssetOfBtc")[0].missing


def test_a_largest_leverage_is_held_against_one_that_is_given():
    given = answer(maxLeverage=3)
    assert not pm.verify(given, PRICES, RULES).of("maxLeverage")
    for leverage, verdict in ((3, "agrees"), (5, "differs")):
        (figure,) = pm.verify(given, PRICES, RULES, leverage=leverage).of("maxLeverage")
        assert figure.verdict == verdict


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (answer(marginLevel="high"), r"answer\.marginLevel must be a number, not 'high'"),
        (answer(userAssets=[{"asset": "BTC", "free": "-1"}]), "free must be 0 or more, not -1"),
        (
            answer(userAssets=[{"free": "1"}]),
            r"\[0\]\.asset must be the name of an asset",
        ),
        ([answer(), answer()], "must be about one account"),
        ({"assets": [{"baseAsset": {}}]}, "isolated margin is out of scope"),
        ({"code": -1, "msg": "no"}, "must be an answer about an account"),
        (7, "must be an answer about an account"),
    ],
)
def test_bad_answers_are_refused(given, message):
    with pytest.raises(pm.AccountsError, match=message):
        pm.verify(given, PRICES, RULES)


def test_a_mode_that_the_answer_cannot_have_is_refused():
    with pytest.raises(pm.AccountsError, match="one of cross_classic, cross_pro for these answers"):
        pm.verify(answer(), PRICES, RULES, mode="usdm")

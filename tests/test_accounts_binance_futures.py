"""Futures and portfolio margin accounts from the exchange's own answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pymargin import Accounts, AccountsError

SAMPLES = Path(__file__).parents[2] / "shared/api_samples"
with_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="the reference folder is not there")


def position(**changes):
    """A position as older answers about an account have it."""
    return {
        "symbol": "BTCUSDT",
        "positionAmt": "0.500",
        "positionSide": "BOTH",
        "entryPrice": "64000.10",
        "leverage": "20",
        "isolated": False,
        "unrealizedProfit": "10.00000000",
        "isolatedWallet": "0",
    } | changes


def lean(**changes):
    """A position as newer answers about an account have it."""
    kept = ("symbol", "positionAmt", "positionSide", "unrealizedProfit", "isolatedWallet")
    return {name: position()[name] for name in kept} | {"isolatedMargin": "0"} | changes


def risk(**changes):
    """A position as positionRisk has it."""
    return {
        "symbol": "BTCUSDT",
        "positionAmt": "0.500",
        "positionSide": "BOTH",
        "entryPrice": "64000.10",
        "unRealizedProfit": "10.00000000",
        "isolatedMargin": "0",
    } | changes


def account(*positions, assets=(("USDT", "1000.5"),), **changes):
    wallets = [
        {"asset": asset, "walletBalance": "9999", "crossWalletBalance": balance}
        for asset, balance in assets
    ]
    return {"assets": wallets, "positions": list(positions)} | changes


def balance(asset="USDT", **changes):
    return {
        "asset": asset,
        "crossMarginAsset": "108",
        "crossMarginFree": "100",
        "crossMarginLocked": "3",
        "crossMarginBorrowed": "10",
        "crossMarginInterest": "0.5",
        "umWalletBalance": "0.1",
        "cmWalletBalance": "0.2",
        "umUnrealizedPNL": "50",
        "cmUnrealizedPNL": "",
    } | changes


def book_of(mode, payload, **options):
    return Accounts.from_binance(mode, payload, account="u", **options)


def position_of(*positions, mode="usdm", **options):
    """The one position of an account, as its row."""
    (found,) = book_of(mode, account(*positions), **options).row(0)["positions"]
    return found


def refusal(mode, payload, *, account="u", **options):
    with pytest.raises(AccountsError) as caught:
        Accounts.from_binance(mode, payload, account=account, **options)
    return str(caught.value)


@pytest.mark.parametrize("mode", ["usdm", "coinm"])
def test_the_cross_wallet_is_the_wallet(mode):
    row = book_of(mode, account(assets=[("USDT", "1000.5"), ("BNB", "0")])).row(0)
    assert (row["mode"], row["wallets"]) == (mode, [{"asset": "USDT", "balance": 1000.5}])


def test_a_position_is_read_with_its_leverage():
    assert position_of(position()) == {
        "symbol": "BTCUSDT",
        "quantity": 0.5,
        "entry_price": 64000.1,
        "side": "BOTH",
        "leverage": 20,
    }


def test_positions_of_quantity_0_are_left_out():
    empty = [position(positionAmt="0", entryPrice="0.0", positionSide=s) for s in ("LONG", "BOTH")]
    book = book_of("usdm", account(*empty, position(positionAmt="-1", positionSide="SHORT")))
    assert (len(book.positions), book.positions.quantity.tolist()) == (1, [-1])


def test_both_sides_of_a_hedge_are_two_positions():
    long, short = position(positionSide="LONG"), position(positionSide="SHORT", positionAmt="-2")
    book = book_of("usdm", account(long, short))
    assert (book.positions.side.tolist(), book.positions.quantity.tolist()) == ([1, 2], [0.5, -2])


@pytest.mark.parametrize("given", [True, "true", False, None])
def test_multi_assets_mode_is_read(given):
    flags = book_of("usdm", account(position(), multiAssetsMargin=given)).multi_assets
    assert (flags is not None) == (given in (True, "true"))


def test_an_isolated_wallet_goes_before_the_isolated_margin():
    found = position_of(position(isolated=True, isolatedWallet="100.1", isolatedMargin="110.1"))
    assert found["isolated_margin"] == 100.1


def test_an_isolated_margin_counts_without_its_unrealised_profit():
    given = position(isolated=True, isolatedMargin="0.3", unrealizedProfit="0.1")
    del given["isolatedWallet"]
    # In decimals; 0.3 - 0.1 in float64 is less.
    assert position_of(given)["isolated_margin"] == 0.2


def test_a_margin_type_says_what_is_isolated():
    given = risk(marginType="isolated", isolatedMargin="5")
    book = book_of("coinm", account(), positions=[given])
    assert book.positions.isolated_margin.tolist() == [-5.0]
    crossed = risk(marginType="cross", isolatedMargin="5")
    book = book_of("coinm", account(), positions=[crossed])
    assert np.isnan(book.positions.isolated_margin).all()


def test_where_nothing_says_so_an_isolated_wallet_makes_a_position_isolated():
    options = {"positions": [risk()]}
    assert position_of(lean(isolatedWallet="7"), **options)["isolated_margin"] == 7
    assert "isolated_margin" not in position_of(lean(), **options)


def test_position_risk_gives_the_entry_price_that_newer_answers_lack():
    assert position_of(lean(), positions=[risk()])["entry_price"] == 64000.1


def test_a_position_without_an_entry_price_is_refused():
    assert refusal("usdm", account(lean())) == (
        "payload.positions[0].entryPrice must be given by the account's answer or by one of "
        "positionRisk in positions=, not absent (BTCUSDT)"
    )


def test_an_isolated_position_without_a_wallet_is_refused():
    given = position(isolated=True, isolatedWallet="")
    assert refusal("usdm", account(given)).startswith(
        "payload.positions[0].isolatedWallet must be given by the account's answer or by one of"
    )


def test_answers_that_differ_about_a_quantity_are_refused():
    assert refusal("usdm", account(lean()), positions=risk(positionAmt="0.6")) == (
        "positions.positionAmt must be 0.500 as in payload.positions[0] (BTCUSDT), not 0.6"
    )


def test_the_symbol_config_gives_the_leverage_that_newer_answers_lack():
    config = {"symbol": "BTCUSDT", "marginType": "CROSSED", "leverage": 21}
    assert position_of(lean(), positions=[[risk()], [config]])["leverage"] == 21


def test_a_leverage_beside_the_answers_is_for_positions_without_one():
    without = position(symbol="ETHUSDT")
    del without["leverage"]
    book = book_of("usdm", account(position(), without), leverage=7)
    assert book.positions.leverage.tolist() == [20, 7]


def test_balances_of_futures_wallets_do_for_an_account():
    wallets = [{"asset": "USDT", "balance": "9", "crossWalletBalance": "8", "crossUnPnl": "1"}]
    book = book_of("usdm", wallets, positions=[risk()])
    assert (book.wallets.balance.tolist(), len(book.positions)) == ([8], 1)


def test_a_portfolio_balance_is_put_together_from_its_parts():
    row = book_of("portfolio", [balance()], leverage=5).row(0)
    assert row["balances"] == [
        {
            "asset": "USDT",
            "free": 100.0,
            "locked": 3.0,
            "borrowed": 10.0,
            "interest": 0.5,
            "loan_leverage": 5,
        }
    ]


def test_both_futures_wallets_of_a_portfolio_are_added_as_decimals():
    assert book_of("portfolio", [balance()]).wallets.balance.tolist() == [0.3]


def test_one_balance_is_a_list_of_one():
    assert book_of("portfolio_pro", balance(crossMarginLocked="")).row(0)["balances"][0] == {
        "asset": "USDT",
        "free": 100.0,
        "locked": 0.0,
        "borrowed": 10.0,
        "interest": 0.5,
    }


def test_thousands_may_be_set_off_by_commas():
    book = book_of("portfolio", [balance(crossMarginFree="1,234,567.5")])
    assert book.row(0)["balances"][0]["free"] == 1234567.5


def test_loans_take_the_leverage_of_their_asset():
    leverages = [{"asset": "USDT", "leverage": 10}]
    payload = [[balance(), balance("BTC"), balance("ETH", crossMarginBorrowed="0")], leverages]
    payload[0][2]["crossMarginInterest"] = "0"
    book = book_of("portfolio", payload, leverage=3)
    assert book.loan_leverage.tolist() == [10, 3, 0]


@pytest.mark.parametrize("loss", ["12.5", "-12.5", 12.5])
def test_the_open_loss_of_a_portfolio_is_an_amount(loss):
    summary = {"uniMMR": "3", "totalMarginOpenLoss": loss}
    assert book_of("portfolio", [[balance()], summary])._open_order_loss.tolist() == [12.5]


def test_an_empty_open_loss_is_none():
    summary = {"uniMMR": "3", "totalMarginOpenLoss": ""}
    assert book_of("portfolio", [[balance()], summary])._open_order_loss.tolist() == [0]


def test_positions_of_both_futures_of_a_portfolio_are_read_without_their_wallets():
    um = account(position())
    cm = account(position(symbol="BTCUSD_PERP"), assets=[("BTC", "3")])
    book = book_of("portfolio", [[balance()], um, cm])
    assert book.symbols == ("BTCUSDT", "BTCUSD_PERP")
    assert book.wallets.balance.tolist() == [0.3]


def test_lists_of_answers_make_accounts():
    book = Accounts.from_binance(
        "usdm",
        [account(position()), [account(lean(positionAmt="2"))]],
        account=["a", "b"],
        positions=[None, [risk(positionAmt="2")]],
        leverage=[None, 9],
    )
    assert book.ids.tolist() == ["a", "b"]
    assert book.positions.offsets.tolist() == [0, 1, 2]
    assert book.positions.leverage.tolist() == [20, 9]


def test_answers_may_be_files(tmp_path):
    path, more = tmp_path / "account.json", tmp_path / "risk.json"
    path.write_text(json.dumps(account(lean())))
    more.write_text(json.dumps([risk()]))
    assert len(book_of("usdm", path, positions=str(more)).positions) == 1


FAULTS = {
    "portfolio in usdm": (
        ("usdm", [balance()]),
        "payload[0] must be about usdm, not an answer about portfolio margin",
    ),
    "risk only": (
        ("coinm", [risk()]),
        "payload must be an answer of GET /dapi/v1/account, not one without wallets",
    ),
    "no balances": (
        ("portfolio", account()),
        "payload must be or hold an answer of GET /papi/v1/balance or /sapi/v1/portfolio/balance",
    ),
    "error": (("usdm", {"code": -1, "msg": ""}), "payload must be an answer about an account"),
    "nothing": (("usdm", None), "payload must be an answer about an account"),
    "number": (
        ("usdm", account(position(entryPrice="1_0"))),
        "payload.positions[0].entryPrice must be a number, not '1_0'",
    ),
    "comma": (
        ("portfolio", [balance(crossMarginFree="1,23")]),
        "payload[0].crossMarginFree must be a number, not '1,23'",
    ),
    "nan": (
        ("portfolio", [balance(umWalletBalance="NaN")]),
        "payload[0].umWalletBalance must be a number, not 'NaN'",
    ),
    "options": (
        ("portfolio", [balance(optionEquity="5")]),
        "payload[0].optionEquity must be 0, since options are not supported, not 5",
    ),
    "type": (
        ("portfolio", [[balance()], {"uniMMR": "3", "accountType": "PM_1"}]),
        "payload[1].accountType must be PM_2 in portfolio, not 'PM_1'",
    ),
    "span": (
        ("portfolio_pro", [[balance()], {"uniMMR": "3", "accountType": "PM_3"}]),
        "payload[1].accountType must be PM_1 in portfolio_pro (SPAN is not supported), not 'PM_3'",
    ),
    "entry price": (
        ("usdm", account(position(entryPrice="0.0"))),
        "positions[0].entry_price must be > 0, not 0.0 (account 'u')",
    ),
}


@pytest.mark.parametrize(("given", "message"), FAULTS.values(), ids=FAULTS)
def test_wrong_answers_are_refused(given, message):
    assert refusal(*given).startswith(message)


def test_faults_of_all_accounts_are_listed_at_once():
    payload = [account(lean()), [balance()], account(position(leverage="x"))]
    message = refusal("usdm", payload, account=["a", "b", "c"])
    assert [line.partition(" ")[0] for line in message.splitlines()] == [
        "payload[0].positions[0].entryPrice",
        "payload[1][0]",
        "payload[2].positions[0].leverage",
    ]


def test_as_many_positions_as_accounts_are_needed():
    message = refusal("usdm", [account(), account()], account=["a", "b"], positions=[risk()])
    assert message == "positions must be one for each of 2 answers, not 1"


def test_one_answer_about_positions_is_not_taken_for_many_accounts(tmp_path):
    message = refusal("usdm", [account()], account=["a"], positions=tmp_path / "risk.json")
    assert message == "positions must be a list, one for each answer"


def test_a_list_of_ids_needs_a_list_of_answers():
    assert refusal("usdm", account(), account=["a", "b"]) == (
        "account must be one for each of 1 answers, not 2"
    )


SAMPLE_CASES = {
    "fapi v2": ("usdm", "fapi_v2_account", "fapi_v2_positionRisk"),
    "dapi": ("coinm", "dapi_v1_account", "dapi_v1_positionRisk"),
    "papi um": ("portfolio", ("papi_v1_balance", "papi_v1_um_account"), "papi_v1_um_positionRisk"),
    "papi v2 um": ("portfolio", ("papi_v1_balance", "papi_v2_um_account"), None),
    "papi cm": ("portfolio", ("papi_v1_balance", "papi_v1_cm_account"), "papi_v1_cm_positionRisk"),
    "papi": (
        "portfolio",
        ("papi_v1_balance_single_asset_param", "papi_v1_account"),
        None,
    ),
    "sapi": (
        "portfolio_pro",
        ("sapi_v1_portfolio_balance", "sapi_v1_portfolio_account"),
        "sapi_v1_portfolio_margin-asset-leverage",
    ),
}


@with_samples
@pytest.mark.parametrize(("mode", "names", "more"), SAMPLE_CASES.values(), ids=SAMPLE_CASES)
def test_samples_of_the_exchange_are_read(mode, names, more):
    names = (names,) if isinstance(names, str) else names
    payload = [SAMPLES / f"{name}.json" for name in names]
    book = book_of(mode, payload, positions=more and SAMPLES / f"{more}.json")
    assert len(book.wallets) == (0 if names[0].startswith("sapi") else 1)


@with_samples
def test_the_sample_of_a_newer_answer_is_read_with_position_risk():
    risks = [
        risk(positionAmt="1.000"),
        *json.loads((SAMPLES / "fapi_v3_positionRisk.json").read_text()),
    ]
    config = SAMPLES / "fapi_v1_symbolConfig.json"
    book = book_of("usdm", SAMPLES / "fapi_v3_account.json", positions=[risks, config])
    assert book.symbols == ("BTCUSDT", "ADAUSDT")
    assert book.positions.leverage.tolist() == [21, 0]

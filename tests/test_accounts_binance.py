"""Accounts from the exchange's own answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pymargin import Accounts, AccountsError, Mode

SAMPLE = Path(__file__).parents[2] / "shared/api_samples/sapi_v1_margin_account.json"


def answer(kind=None, **changes):
    entry = {"asset": "BTC", "free": "1.5", "locked": "0.0", "borrowed": "0.25", "interest": "0"}
    head = {"borrowEnabled": True, "totalOpenOrderLossInUSDT": "582.5"}
    if kind is not None:
        head["accountType"] = kind
    return {**head, "userAssets": [{**entry, "netAsset": "1.25", **changes}]}


def refusal(mode="cross_classic", payload=None, *, account="u", **options):
    with pytest.raises(AccountsError) as caught:
        Accounts.from_binance(
            mode, answer() if payload is None else payload, account=account, **options
        )
    return str(caught.value)


def test_string_numbers_become_quantities():
    book = Accounts.from_binance("cross_classic", answer(), account="u", leverage=3)
    assert (book._free.tolist(), book._borrowed.tolist()) == ([1.5], [0.25])


def test_the_id_and_the_leverage_are_given_beside_the_answer():
    book = Accounts.from_binance(Mode.CROSS_CLASSIC, answer(), account=7, leverage=5)
    assert (book.ids.tolist(), book._leverage.tolist(), book._mode.tolist()) == ([7], [5], [1])


def test_the_open_order_loss_counts_in_pro_only():
    pro = Accounts.from_binance("cross_pro", answer("MARGIN_2"), account="u")
    classic = Accounts.from_binance("cross_classic", answer("MARGIN_1"), account="u")
    assert (pro._open_order_loss.tolist(), classic._open_order_loss.tolist()) == ([582.5], [0])


def test_many_answers_make_many_accounts():
    book = Accounts.from_binance(
        "cross_pro", [answer(), answer(asset="ETH")], account=["a", "b"], leverage=[3, None]
    )
    assert (book.ids.tolist(), book._leverage.tolist()) == (["a", "b"], [3, 0])


def test_one_leverage_holds_for_all():
    book = Accounts.from_binance("cross_pro", [answer()] * 2, account=[1, 2], leverage=3)
    assert book._leverage.tolist() == [3, 3]


def test_an_answer_may_be_a_file(tmp_path):
    path = tmp_path / "account.json"
    path.write_text(json.dumps(answer()))
    assert Accounts.from_binance("cross_pro", path, account="u").assets == ("BTC",)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the reference folder is not there")
def test_the_sample_of_the_exchange_is_read():
    book = Accounts.from_binance("cross_classic", SAMPLE, account="u", leverage=3)
    assert book.assets == ("BTC", "BNB")


FAULTS = {
    "type": (
        {"mode": "cross_pro", "payload": answer("MARGIN_1")},
        "payload.accountType must be MARGIN_2 in cross_pro, not 'MARGIN_1'",
    ),
    "types": (
        {"payload": [answer("MARGIN_1"), answer("MARGIN_2")], "account": ["a", "b"]},
        "payload[1].accountType must be MARGIN_1 in cross_classic, not 'MARGIN_2'",
    ),
    "mode": ({"mode": "usdm"}, "payload must be about usdm, not an answer about cross margin"),
    "isolated": (
        {"mode": "isolated"},
        "mode must be cross_classic, cross_pro, portfolio, portfolio_pro, usdm or coinm (spot iso",
    ),
    "positions": ({"positions": []}, "positions must be None in cross_classic, which has none"),
    "shape": (
        {"payload": {"code": -1}},
        "payload must be an answer of GET /sapi/v1/margin/account, with the list userAssets, "
        "not ['code']",
    ),
    "none": ({"payload": 3}, "payload must be an answer of GET /sapi/v1/margin/account"),
    "quantity": (
        {"payload": answer(free="-1")},
        "userAssets[0].free must be >= 0, not -1.0 (account 'u')",
    ),
    "number": ({"payload": answer(free="")}, "userAssets[0].free must be a number, not ''"),
    "one id": (
        {"payload": [answer()]},
        "account must be a list of ids, one for each answer",
    ),
    "ids": (
        {"payload": [answer()], "account": ["a", "b"]},
        "account must be one for each of 1 answers, not 2",
    ),
    "leverage": ({"leverage": 10}, "leverage must be 3 or 5, not 10.0 (account 'u')"),
}


@pytest.mark.parametrize(("options", "message"), FAULTS.values(), ids=FAULTS)
def test_wrong_answers_are_refused(options, message):
    assert refusal(**options).startswith(message)


def test_a_file_without_json_is_refused(tmp_path):
    path = tmp_path / "account.json"
    path.write_text("{")
    assert "account.json must be a JSON file" in refusal(payload=path)

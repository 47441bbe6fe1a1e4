from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import Desk

from pymargin.cli.price_inputs import read_price_files

PAIR = [{"symbol": "BNBBTC", "price": "0.01"}]
QUOTE = [{"symbol": "BTCUSDT", "price": "60000"}]
PREMIUM = [{"symbol": "BTCUSDT", "markPrice": "59000", "indexPrice": "60000"}]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


@pytest.mark.parametrize("other", [QUOTE, {"BTC": 60_000}, PREMIUM])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_pair_takes_its_quote_from_any_file(desk: Desk, other: object, is_first: bool) -> None:
    files = [desk.json("pairs.json", PAIR), desk.json("other.json", other)]
    found = read_price_files(files if is_first else files[::-1])
    assert found.index["BNB"] == 0.01 * 60_000
    assert found.index["BTC"] == 60_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # The price that is given goes before that of a pair, and that before a mark's index price.
        ({"BNB": 599.5}, [*PAIR, *QUOTE]),
        ({"BNB": 599.5}, [{"symbol": "BNBUSDT", "markPrice": "601", "indexPrice": "600"}]),
        ([{"symbol": "BNBUSDT", "price": "599.5"}],
         [{"symbol": "BNBUSDT", "markPrice": "601", "indexPrice": "600"}]),
        ([{"asset": "BNB", "assetIndexPrice": "599.5"}], [*PAIR, *QUOTE]),
    ],
)  # fmt: skip
def test_a_price_that_is_given_goes_before_one_that_is_derived(
    desk: Desk, one: object, other: object
) -> None:
    files = [desk.json("one.json", one), desk.json("other.json", other)]
    assert read_price_files(files).index["BNB"] == 599.5
    assert read_price_files(files[::-1]).index["BNB"] == 599.5


def test_a_pair_that_no_file_has_a_quote_for_is_named_with_its_file(desk: Desk) -> None:
    pairs = desk.json("pairs.json", PAIR)
    ran = desk.levels("--prices", pairs)
    assert ran.code == 0, ran.err
    ran = desk.run("levels", desk.accounts, "--prices", pairs, "--rules", desk.rules)
    assert ran.code == 2
    assert "pairs.json" in ran.err
    assert "BNBBTC cannot be priced in USDT: there is no price of BTC in USDT" in ran.err

"""Every result says by which rules, formula and version it was computed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cli_support import Desk

import pymargin as pm
from pymargin.provenance import Audited

RULES = pm.example_rules().replace(moment=datetime(2026, 7, 1, 12, 30, tzinfo=UTC))
PRICES = {"BTC": 60_000, "ETH": 2_000, "BTCUSDT": 60_000, "BTCUSD_PERP": 60_000}
CROSS = [{"asset": "BTC", "free": 2}, {"asset": "USDT", "borrowed": 30_000}]
CROSS_BOOK = pm.Accounts.from_rows(
    [{"account": "c", "mode": "cross_classic", "leverage": 3, "balances": CROSS}]
)
LOANS = [{"asset": "BTC", "free": 2}, {"asset": "USDT", "borrowed": 30_000, "loan_leverage": 3}]
USDM_BOOK = pm.Accounts.from_rows(
    [
        {
            "account": "f",
            "mode": "usdm",
            "wallets": [{"asset": "USDT", "balance": 5_000}],
            "positions": [{"symbol": "BTCUSDT", "quantity": 0.5, "entry_price": 59_000}],
        }
    ]
)
ANSWER = {"symbol": "BTCUSDT", "positionAmt": "0.5", "notional": "30000"}
LOAN_BOOK = pm.Accounts.from_rows([{"account": "p", "mode": "portfolio", "balances": LOANS}])


def results() -> list[tuple[str, Audited]]:
    """Return one result of each kind with the formula that it must name."""
    usdm = pm.usdm(USDM_BOOK, PRICES, RULES)
    return [
        ("classic_2026_06", pm.cross_classic(CROSS_BOOK, PRICES, RULES)),
        ("classic_2026_06", pm.cross_classic(CROSS_BOOK, PRICES, RULES).worst(1)),
        ("pro_2025", pm.cross_pro(CROSS_BOOK, PRICES, RULES)),
        ("portfolio", pm.portfolio(LOAN_BOOK, PRICES, RULES)),
        ("portfolio_pro", pm.portfolio_pro(LOAN_BOOK, PRICES, RULES)),
        ("usdm", usdm),
        ("usdm", usdm.positions),
        ("coinm", pm.coinm(pm.Accounts.from_rows([]), PRICES, RULES)),
        ("classic_2026_06", pm.evaluate(CROSS_BOOK, PRICES, RULES)),
        ("classic_2026_06", pm.stress(CROSS_BOOK, PRICES, RULES, [1.0, 0.5])),
        ("classic_2026_06", pm.impact(CROSS_BOOK, PRICES, RULES, RULES)),
        ("classic_2026_06", pm.explain(CROSS_BOOK, PRICES, RULES, "c")),
        ("usdm", pm.explain(USDM_BOOK, PRICES, RULES, "f")),
        ("classic_2026_06", pm.shortfall(CROSS_BOOK, PRICES, RULES)),
        ("pro_2025", pm.switch(CROSS_BOOK, PRICES, RULES, "cross_pro")),
        ("usdm", pm.verify(ANSWER, PRICES, RULES)),
    ]


def test_every_result_names_rules_moment_formula_and_version() -> None:
    for methodology, found in results():
        expected = pm.Provenance(RULES.digest, RULES.moment, methodology, pm.__version__)
        assert found.provenance == expected, type(found)
        assert found.rules_digest == RULES.digest
        assert found.moment == RULES.moment
        assert (found.methodology, found.version) == (methodology, pm.__version__)


def test_an_impact_names_the_rules_on_either_side() -> None:
    before = RULES.replace(methodology={**RULES.methodology, "cross_classic": "classic_2023"})
    found = pm.impact(CROSS_BOOK, PRICES, before, RULES)
    assert found.provenance_before == pm.Provenance.of(before, "classic_2023")
    assert found.provenance == pm.Provenance.of(RULES, "classic_2026_06")


@pytest.mark.parametrize("moment", [RULES.moment, None])
def test_metadata_read_back_are_the_provenance(moment: datetime | None) -> None:
    provenance = pm.Provenance("0a" * 32, moment, "usdm", "1.2")
    assert pm.Provenance.from_metadata(provenance.metadata()) == provenance
    packed = {key.encode(): text.encode() for key, text in provenance.metadata().items()}
    assert pm.Provenance.from_metadata(packed) == provenance


def test_metadata_without_a_part_are_refused() -> None:
    metadata = pm.Provenance("0a" * 32, None, "usdm").metadata()
    del metadata["pymargin.methodology"]
    with pytest.raises(ValueError, match=r"must hold pymargin\.methodology"):
        pm.Provenance.from_metadata(metadata)


def test_arrow_tables_and_frames_carry_it() -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    for _, found in results():
        if hasattr(found, "to_arrow"):
            assert pm.Provenance.from_metadata(found.to_arrow().schema.metadata) == found.provenance
            attrs = found.to_frame().attrs
            assert {name: attrs[name] for name in found.provenance.texts()} == (
                found.provenance.texts()
            )


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_beside_a_plain_file_lies_its_provenance(
    tmp_path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    pytest.importorskip("pyarrow")
    desk = Desk(tmp_path, capsys)
    out = desk.folder / f"out.{suffix}"
    assert desk.levels("--mode", "cross_classic", "--out", out).code == 0
    beside = json.loads((desk.folder / f"out.{suffix}-metadata.json").read_text())
    rules = pm.load_rules(desk.rules)
    assert beside == pm.Provenance.of(rules, "classic_2023").texts()


def test_the_file_beside_never_takes_the_place_of_an_input(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    desk = Desk(tmp_path, capsys)
    accounts = desk.accounts.rename(desk.folder / "out.csv-metadata.json")
    ran = desk.levels("--out", desk.folder / "out.csv", accounts=accounts)
    assert ran.code == 2
    assert "must not be one of the inputs" in ran.err
    assert accounts.read_text().startswith("[{")

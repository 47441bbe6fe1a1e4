"""The short form of ``tests/exactness/liquidation_prices.py``: a few positions of each file."""

from __future__ import annotations

import json

import pytest
from exactness import liquidation_prices as script


@pytest.fixture
def run(tmp_path):
    if not all(
        (script.FOLDER / f"binance_leverage_tiers_{d}.json.gz").exists() for d in script.DATES
    ):
        pytest.skip("the recorded brackets are not beside the project")
    table = tmp_path / "table.md"
    table.write_text("# Title\n\n<!-- figures -->\n")

    def run_script():
        state = tmp_path / "state"
        code = script.main(["--positions", "1200", "--state", str(state), "--table", str(table)])
        return code, table.read_text(), sorted(state.iterdir())

    return run_script


def test_every_root_is_the_boundary_of_the_scan(run):
    code, text, files = run()
    assert code == 0
    assert text.startswith("# Title\n\n<!-- figures -->\n\n1,200 positions, ")
    assert len(files) == 2
    # A second run takes what is done, and writes the same table.
    record = json.loads(files[0].read_text())
    assert record["positions"] == 1000
    assert record["roots"] > 900
    assert run() == (code, text, files)


def test_the_shortcut_is_exact_where_the_bracket_stays(run):
    rules = script.pm.example_rules()
    leg = script.Leg(rules.tiers("usdm", "BTCUSDT"), 0.01, 60_000.0, 100.0)
    (root,) = leg.roots()
    assert script.bracket_of(leg, root) == 0
    assert script.shortcut(leg) == root

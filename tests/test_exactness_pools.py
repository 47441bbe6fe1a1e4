"""The short form of the exactness campaign for portfolio margin and futures, and trust in it.

The long form is `python tests/exactness/run.py --family pools --state DIR`.
"""

from __future__ import annotations

import ast
import json
import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from exactness import run
from exactness.job import Job
from exactness.pools import chunk, integers
from exactness.pools.integers import LINES, MODES
from exactness.pools.market import Market
from exactness.pools.plant import tie_names
from exactness.state import Plan

import pymargin as pm
from pymargin import _core

SHORT = Plan(4 * 1500, 4 * 48, 4 * 12, seed=3, parts=4)
EACH_JOB = pytest.mark.parametrize("job", list(SHORT.jobs()), ids=lambda job: job.key)
EACH_MODE = pytest.mark.parametrize("mode", MODES)


@EACH_JOB
def test_no_decision_differs_from_integers_or_the_oracle(job):
    record = chunk.run(job)
    assert not record["differences"], record["reported"][0]


def drawn_ties(mode: str, seed: int) -> chunk.Drawn:
    return chunk.draw_ties(random.Random(seed), mode, Job("tie", MODES.index(mode), seed, 30, 0))


@EACH_MODE
def test_every_tie_stands_exactly_on_its_threshold(mode):
    drawn = drawn_ties(mode, 4)
    checker = drawn.market.checker()
    accounts = drawn.book.integers(range(len(drawn.book)))
    assert len(drawn.ties) == 30
    for i, name in drawn.ties.items():
        assert Fraction(0) in distances(checker, accounts[i], mode, name)


def distances(
    checker: integers.Checker, account: integers.Account, mode: str, name: str
) -> list[Fraction]:
    """Return how far every pool or position that a threshold is about lies from it."""
    if name == "last bracket":
        last = {p.symbol: checker.brackets[p.symbol][4] for p in account.positions}
        return [Fraction(*checker.notional(p)) - last[p.symbol] for p in account.positions]
    if name == "last collateral tier":
        return [
            Fraction(*pool.equity) * checker.index[asset] - checker.collateral[asset][4]
            for asset, pool in checker.pools(account).items()
        ]
    if name == "isolated level 1":
        pools = [checker.isolated(p) for p in account.positions if p.isolated is not None]
    elif checker.is_united(account):
        pools = [checker.united(account)]
    else:
        pools = list(checker.pools(account).values())
    if name == "available balance 0":
        return [Fraction(*p.equity) - Fraction(*p.initial) / integers._MULTIPLE for p in pools]
    limits = {f"uniMMR {a / b:g}": Fraction(a, b) for (a, b), _ in LINES[mode]}
    unit = 1 if mode.startswith("portfolio") else checker.rate_unit
    return [
        unit * Fraction(*p.equity) - limits.get(name, Fraction(1)) * Fraction(*p.maintenance)
        for p in pools
    ]


@EACH_MODE
def test_the_actions_change_at_every_tie(mode):
    expected = chunk.expect(drawn_ties(mode, 5))
    found = expected.actions.reshape(-1, 3)
    # An isolated position at its tie need not be the only one of its account that is due.
    share = np.mean([len(set(triple)) > 1 for triple in found.tolist()])
    assert share == 1 if mode.startswith("portfolio") else share > 0.7


@EACH_MODE
def test_every_threshold_is_planted(mode):
    found = set()
    for seed in range(8):
        found |= set(drawn_ties(mode, seed).ties.values())
    assert found == set(tie_names(mode))


def test_coinm_ties_stand_on_amounts_that_are_no_decimals_too():
    assert sum(drawn_ties("coinm", seed).n_rational for seed in range(4)) > 0


@EACH_MODE
def test_what_float64_settles_integers_settle_alike(mode):
    drawn = chunk.draw_random(random.Random(6), mode, 1200)
    spared, exact = chunk.expect(drawn), chunk.expect(drawn, spare=False)
    assert 0 < spared.n_exact < 1200 == exact.n_exact
    assert np.array_equal(spared.actions, exact.actions)
    assert np.array_equal(spared.positions, exact.positions)


@EACH_MODE
def test_random_accounts_meet_every_line(mode):
    expected = chunk.expect(chunk.draw_random(random.Random(7), mode, 3000))
    met = set((expected.actions & ~(integers.BEYOND_TIERS | integers.ISOLATED_LIQUIDATE)).tolist())
    assert {actions for _, actions in LINES[mode]} < met


def test_the_check_shares_no_code_with_the_package():
    tree = ast.parse(Path(integers.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {
        "__future__", "collections.abc", "dataclasses", "decimal", "exactness.integers",
    }  # fmt: skip
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


def test_every_layout_and_implementation_is_evaluated():
    usual = _core.implementation()
    record = chunk.run(Job("random", 0, 7, 10, 0))
    assert {f"rows {usual}", f"slots {usual}", "rows generic", "slots generic"} <= set(
        record["ways"]
    )
    assert _core.implementation() == usual


def arguments(directory: Path) -> list[str]:
    return [
        "--family", "pools", "--random", "0", "--ties", "40", "--oracle", "0",
        "--state", str(directory),
    ]  # fmt: skip


def test_the_command_ends_with_0_and_its_table(tmp_path, capsys):
    assert run.main(arguments(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "40 ties with 80 neighbours" in printed
    assert run.main([*arguments(tmp_path), "--show"]) == 0
    assert capsys.readouterr().out in printed


def test_a_threshold_off_by_very_little_is_found_and_written_out(tmp_path, monkeypatch):
    right = Market.rules
    monkeypatch.setattr(Market, "rules", lambda market: _with_lines_off(right(market)))
    assert run.main(arguments(tmp_path)) == 1
    written = [json.loads(path.read_text()) for path in tmp_path.glob("differences-tie-*.json")]
    assert {one["mode"] for report in written for one in report} == set(MODES)
    assert written[0][0]["row"]["wallets"]


def _with_lines_off(rules: pm.MarginRules) -> pm.MarginRules:
    """Lower every line by 1e-17: less than float64 tells apart at 1."""
    changed = {}
    for mode in MODES:
        thresholds = rules.thresholds[mode]
        lines = tuple(
            replace(line, at_most=line.at_most - Decimal("1e-17")) for line in thresholds.lines
        )
        changed[mode] = replace(thresholds, lines=lines)
    return rules.replace(thresholds={**rules.thresholds, **changed})

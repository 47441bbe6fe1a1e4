"""The exactness campaign's short form, and that the campaign itself can be trusted.

The long form is `python tests/exactness/run.py --state DIR`: ten million random accounts and a
million ties.
"""

from __future__ import annotations

import ast
import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from exactness import chunk, integers, run
from exactness.integers import READINGS, Account, Checker, Limit, Reading
from exactness.job import Job
from exactness.market import Market
from exactness.plant import thresholds_of
from exactness.state import Plan, State
from hypothesis import given
from hypothesis import strategies as st

import pymargin as pm
from pymargin import _core

N_RANDOM, N_TIES = 600, 60
SHORT = Plan(7 * N_RANDOM, 7 * N_TIES, 7 * 10, seed=3)
EACH_JOB = pytest.mark.parametrize("job", list(SHORT.jobs()), ids=lambda job: job.key)


@EACH_JOB
def test_no_decision_differs_from_integers_or_the_oracle(job):
    record = chunk.run(job)
    assert not record["differences"], record["reported"][0]


@pytest.mark.parametrize("number", range(7), ids=[reading.name for reading in READINGS])
def test_every_tie_stands_exactly_on_its_threshold(number):
    drawn = chunk.draw_ties(random.Random(4), Job("tie", number, 4, 40, 0))
    reading, checker, accounts = READINGS[number], drawn.market.checker(), drawn.book.integers()
    thresholds = {f"{reading.name}: {one.name}": one for one in thresholds_of(reading)}
    assert len(drawn.ties) == 40
    for i, name in drawn.ties.items():
        a, b = accounts[i].own if thresholds[name].own else thresholds[name].limit
        n, d = checker.level(accounts[i], reading, thresholds[name].level)
        assert b * n == a * d


def test_the_actions_change_at_every_tie():
    drawn = chunk.draw_ties(random.Random(5), Job("tie", 5, 5, 40, 0))
    found = chunk.expected_actions(drawn)[:, 5].reshape(-1, 3)
    assert all(len(set(triple)) > 1 for triple in found.tolist())


def one_by_one(checker: Checker, account: Account, reading: Reading) -> int:
    """Decide from one level at a time: the check's second way to sum an account."""

    def above(level: str, limit: Limit) -> bool:
        n, d = checker.level(account, reading, level)
        infinite = d == 0 and n >= 0 and level != "available"
        return infinite or limit[1] * n > limit[0] * d

    five = account.leverage == 5
    liquidation, call = ((1, 1), (3, 2)) if reading.is_pro else ((11, 10), (13, 10))
    call = account.own or ((29, 25) if five and not reading.is_pro else call)
    if not above("margin", liquidation):
        return int(pm.Action.LIQUIDATE)
    if not above("margin", call):
        return int(pm.Action.TRADE | pm.Action.MARGIN_CALL)
    may_borrow = (
        above("available", (0, 1))
        if reading.is_pro
        else above("borrow", (5, 4) if five else (3, 2))
    )
    may_transfer = above("margin" if reading.is_pro else "transfer", (2, 1))
    return int(
        pm.Action.TRADE
        | (pm.Action.BORROW if may_borrow else pm.Action(0))
        | (pm.Action.TRANSFER_OUT if may_transfer else pm.Action(0))
    )


def test_actions_at_once_agree_with_one_level_at_a_time():
    drawn = chunk.draw_random(random.Random(6), 500)
    checker = drawn.market.checker()
    for account in drawn.book.integers():
        found = [actions & ~integers.BEYOND_TIERS for actions in checker.actions(account)]
        assert found == [one_by_one(checker, account, reading) for reading in READINGS]


@given(
    st.floats(1e-13, 1e17)
    | st.builds(
        lambda m, e: float(f"{m}e{e}"),
        st.integers(1, 10**17),
        st.integers(-25, 5),
    )
)
def test_shortest_decimals_are_those_that_repr_prints(number):
    m, e = integers.shortest_decimals(np.array([number, 0.0, 1.0]))
    assert Decimal(int(m[0])).scaleb(int(e[0])) == Decimal(repr(number))


def test_the_check_shares_no_code_with_the_package():
    tree = ast.parse(Path(integers.__file__).read_text())
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert {name.partition(".")[0] for name in imported} == {
        "__future__", "bisect", "collections", "dataclasses", "decimal", "numpy",
    }  # fmt: skip


def test_every_layout_and_implementation_is_evaluated():
    record = chunk.run(Job("random", 0, 7, 10, 0))
    usual = _core.implementation()
    assert f"slots {usual}" in record["ways"]
    assert {"rows generic", "slots generic"} <= set(record["ways"])
    assert _core.implementation() == usual


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    plan = Plan(70, 0, 0)
    state = State(tmp_path, plan)
    jobs = state.remaining()
    for job in jobs[:3]:
        state.add(chunk.run(job))
    with (tmp_path / "done.jsonl").open("a") as file:
        file.write('{"key": "random/3", "kin')
    again = State(tmp_path, plan)
    assert again.remaining() == jobs[3:]
    again.add(chunk.run(jobs[3]))
    assert State(tmp_path, plan).remaining() == jobs[4:]


def test_another_plan_in_the_same_directory_is_refused(tmp_path):
    State(tmp_path, Plan(70, 0, 0))
    with pytest.raises(ValueError, match="must hold this plan"):
        State(tmp_path, Plan(80, 0, 0))


def arguments(directory: Path) -> list[str]:
    return ["--random", "0", "--ties", "70", "--oracle", "0", "--state", str(directory)]


def test_the_command_ends_with_0_and_its_table(tmp_path, capsys):
    assert run.main(arguments(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "70 ties with 140 neighbours" in printed
    assert run.main([*arguments(tmp_path), "--show"]) == 0
    assert capsys.readouterr().out in printed


def test_a_threshold_off_by_very_little_is_found_and_written_out(tmp_path, monkeypatch):
    right = Market.rules

    def wrong(market: Market) -> dict[str, pm.MarginRules]:
        return {name: _with_liquidation_at(rules) for name, rules in right(market).items()}

    monkeypatch.setattr(Market, "rules", wrong)
    assert run.main(arguments(tmp_path)) == 1
    written = [json.loads(path.read_text()) for path in tmp_path.glob("differences-tie-*.json")]
    assert {one["reading"] for report in written for one in report} == {
        reading.name for reading in READINGS if not reading.is_pro
    }
    first = written[0][0]
    assert first["row"]["balances"]
    assert set(first["prices"]) == set(first["tables"]["collateral"])


def _with_liquidation_at(rules: pm.MarginRules) -> pm.MarginRules:
    """Lower Classic's liquidation by 1e-17: less than float64 tells apart at 1.1."""
    classic = rules.thresholds["cross_classic"]
    line = replace(classic.lines[0], at_most=classic.lines[0].at_most - Decimal("1e-17"))
    changed = replace(classic, lines=(line, *classic.lines[1:]))
    return rules.replace(thresholds={**rules.thresholds, "cross_classic": changed})

"""The benchmarks against peers run, check every answer, and say what they could not do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin import _core
from pymargin.bench import bench
from pymargin.book import book_of
from pymargin.example import example_accounts

ROOT = Path(__file__).resolve().parents[1]
COMPARE = ROOT / "benchmarks" / "compare.py"

needs_benchmarks = pytest.mark.skipif(
    not COMPARE.exists(), reason="benchmarks are part of the checkout only"
)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run ``compare.py --quick`` as a user would, with whatever peers are installed."""
    target = tmp_path_factory.mktemp("compare") / "figures.json"
    ran = subprocess.run(
        [sys.executable, str(COMPARE), "--quick", "--json", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(target.read_text())
    return found


@needs_benchmarks
def test_every_contender_was_timed_in_every_round(record: dict[str, Any]) -> None:
    assert record["contenders"]
    assert all(one["rounds"] >= 2 and one["median_ms"] > 0 for one in record["contenders"])


@needs_benchmarks
def test_every_peer_is_timed_or_skipped_with_a_reason(record: dict[str, Any]) -> None:
    timed = {one["key"].partition("/")[0] for one in record["contenders"]}
    skipped = record["skipped"]
    for peer in (ROOT / "benchmarks" / "peers").glob("*.py"):
        if peer.stem != "__init__":
            assert peer.stem in timed or skipped[peer.stem]


@needs_benchmarks
def test_every_row_has_a_figure_or_a_reason(record: dict[str, Any]) -> None:
    assert len(record["rows"]) > 20
    for row in record["rows"]:
        assert (row["figure"] is None) == bool(row["skipped"])


@needs_benchmarks
def test_the_machine_is_named(record: dict[str, Any]) -> None:
    environment = record["environment"]
    assert environment["implementation"] == _core.implementation()
    assert environment["cpu"]
    assert environment["compiler_of_plain_loop"]


def _with_answer(change: Callable[[Any], Any]) -> ModuleType:
    """Return a peer that is right but for a change to its answer."""
    from benchmarks.peers import numpy_expert

    peer = ModuleType("wrong_peer")
    peer.NAME = "wrong peer"  # type: ignore[attr-defined]

    def prepare(book: Any, threads: int) -> Any:
        run = numpy_expert.prepare(book, threads)
        return lambda price: change(run(price))

    peer.prepare = prepare  # type: ignore[attr-defined]
    return peer


def _level_off(answer: Any) -> Any:
    level = answer.margin_level.copy()
    finite = np.flatnonzero(np.isfinite(level))
    level[finite[7]] *= 1 + 3e-9
    return answer._replace(margin_level=level)


def _action_off(answer: Any) -> Any:
    actions = answer.actions.copy()
    actions[11] ^= 8
    return answer._replace(actions=actions)


@needs_benchmarks
@pytest.mark.parametrize("change", [_level_off, _action_off])
def test_a_wrong_peer_is_caught_before_anything_is_timed(
    change: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import compare

    target = tmp_path / "figures.json"
    code = compare.main(
        ["--accounts", "500", "--quick", "--json", str(target)], peers=(_with_answer(change),)
    )
    assert code == 1
    assert "wrong peer" in capsys.readouterr().err
    assert not target.exists()


@needs_benchmarks
def test_the_book_has_the_shape_that_figures_are_quoted_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.book import make_book

    book = make_book(20_000)
    counts = np.diff(book.offsets)
    debts = np.add.reduceat(book.owed, book.offsets[:-1])
    assert abs(counts.mean() - 5.22) < 0.1
    assert np.quantile(counts, [0.5, 0.9]).tolist() == [4, 11]
    assert counts.max() == 40
    assert abs(book.share_beyond() - 0.0128) < 0.001
    assert abs((debts == 0).mean() - 0.44) < 0.01


@needs_benchmarks
def test_positions_and_share_beyond_the_first_tier_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.book import make_book

    book = make_book(5_000, positions=8, share_beyond=0.5)
    assert (np.diff(book.offsets) == 8).all()
    assert abs(book.share_beyond() - 0.5) < 0.02


def test_bench_holds_each_pass_against_the_limit() -> None:
    found = bench(1_000, rounds=2)
    whats = {one.what for one in found.timings}
    assert {"classic_2023", "classic_2026_01", "classic_2026_06", "pro_2025"} <= whats
    assert all(len(one.seconds) == 2 and one.over_limit > 0 for one in found.timings)
    assert json.loads(json.dumps(found.to_json()))["bytes_written"] == 18_000


@pytest.fixture(params=["generic", "best"])
def implementation(request: pytest.FixtureRequest) -> Any:
    best = _core.implementation()
    _core.force_implementation("generic" if request.param == "generic" else best)
    yield request.param
    _core.force_implementation(best)


@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize("threads", [1, 3])
def test_read_limit_reads_every_word_once(threads: int) -> None:
    # One asset, number 0: the sum is that of the quantities' own words.
    n = 12_345
    rng = np.random.default_rng(1)
    free, owed = rng.random((2, n)) + 1.0
    book = pm.Accounts.from_arrays(
        ids=np.arange(n),
        offsets=np.arange(n + 1),
        assets=("USDT",),
        asset_ids=np.zeros(n, np.uint16),
        free=free,
        borrowed=owed,
    ).prepare()
    words = np.concatenate([free, owed]).view(np.uint64)
    assert _core.read_limit(book_of(book), threads) == int(words.sum(dtype=np.uint64))


@pytest.mark.usefixtures("implementation")
def test_read_write_limit_writes_every_account() -> None:
    book = example_accounts(1_003).prepare()
    levels, actions = np.full((2, 1_003), np.nan), np.zeros(1_003, np.uint16)
    read = _core.read_limit(book_of(book), 1)
    written = _core.read_write_limit(book_of(book), levels[0], levels[1], actions, 1)
    assert written == read
    assert not np.isnan(levels).any()


def test_limits_need_a_prepared_book() -> None:
    with pytest.raises(ValueError, match="book must be prepared"):
        _core.read_limit(book_of(example_accounts(10)), 1)

"""The same bits on every path: instruction set, threads, layout, order, pieces, grid."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import paths
import pytest
from paths import IMPLEMENTATIONS, KERNELS, KINDS, THREADS, digest, drawn, forced, results

import pymargin as pm
from pymargin import _core
from pymargin.shocks import Scenarios
from pymargin.stress import Stress, _fill

SRC = Path(pm.__file__).resolve().parent.parent
EACH_KERNEL = pytest.mark.parametrize("kernel", KERNELS, ids=str)
EACH_KIND = pytest.mark.parametrize("kind", KINDS)
EACH_IMPLEMENTATION = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)


def run_forced(name: str, code: str) -> subprocess.CompletedProcess[str]:
    search = os.pathsep.join([str(SRC), str(Path(__file__).parent)])
    environment = {**os.environ, "PYMARGIN_FORCE_IMPLEMENTATION": name, "PYTHONPATH": search}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


REPORT = """
import paths
from paths import KERNELS, digest, drawn, results
from pymargin import _core
book = drawn("usual", None)
found = KERNELS[-1].evaluate(book, book.fresh().prepare(), book.prices)
print(_core.implementation(), digest(results(found)))
"""


@EACH_IMPLEMENTATION
def test_environment_chooses_what_runs_and_the_results_stay(implementation):
    done = run_forced(implementation, REPORT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [implementation, digest(paths.reference(KERNELS[-1], "usual"))]


def test_environment_may_be_empty():
    done = run_forced("", "from pymargin import _core; print(_core.implementation())")
    assert done.stdout.strip() == IMPLEMENTATIONS[-1]


def test_unknown_name_in_the_environment_is_refused_with_those_that_run():
    done = run_forced("sse9", "from pymargin import _core; _core.implementation()")
    known = ", ".join(IMPLEMENTATIONS)
    rule = f"must be one that this processor can run ({known}), not 'sse9'"
    assert done.returncode != 0
    assert rule in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["", "AVX2", "generic ", "neon"])
def test_unknown_name_is_refused_and_changes_nothing(name):
    before = _core.implementation()
    with pytest.raises(ValueError, match="must be one that this processor can run"):
        _core.force_implementation(name)
    assert _core.implementation() == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classic", [None, *(k.classic for k in KERNELS if k.classic)])
def test_drawn_books_hold_what_breaks_paths(kind, classic):
    book = drawn(kind, classic).accounts
    assert len(book) % 4
    assert paths.N_FEW % 4
    assert set(np.diff(book._offsets).tolist()) == set(range(paths.MAX_BALANCES + 1))
    assert (book._open_order_loss > 0).any()
    assert len(book._order_give_ids)
    assert len(np.unique(book._margin_call_ratio)) > 10
    assert {3, 5} == set(book._leverage.tolist())
    for kernel in KERNELS:
        if kernel.classic == classic:
            actions = paths.reference(kernel, kind)["actions"]
            assert (actions & pm.Action.BEYOND_TIERS != 0).any()
            unpriced = actions & pm.Action.UNPRICED != 0
            assert unpriced.any() == (kind == "gaps")
            assert not unpriced.all()


def expected_of_few(kernel: paths.Kernel, kind: str) -> str:
    return digest({name: a[: paths.N_FEW] for name, a in paths.reference(kernel, kind).items()})


@EACH_KERNEL
@EACH_KIND
@EACH_IMPLEMENTATION
def test_same_bits_for_every_thread_count_and_layout(kernel, kind, implementation):
    book, expected = drawn(kind, kernel.classic), digest(paths.reference(kernel, kind))
    with forced(implementation):
        for threads in THREADS:
            rows, slots = book.fresh(), book.fresh().prepare(threads=threads)
            for accounts, order in ((rows, "user"), (slots, "user"), (slots, "slot")):
                found = kernel.evaluate(book, accounts, book.prices, threads=threads, order=order)
                assert digest(results(found)) == expected, (threads, order)


@EACH_KERNEL
@EACH_KIND
@EACH_IMPLEMENTATION
def test_same_bits_for_any_order_of_accounts(kernel, kind, implementation):
    book, expected = drawn(kind, kernel.classic), expected_of_few(kernel, kind)
    order = np.random.default_rng(7).permutation(paths.N_FEW)
    with forced(implementation):
        for accounts in (book.few().select(order), book.few().select(order).prepare()):
            found = kernel.evaluate(book, accounts, book.prices).arrays()
            back = {name: values[np.argsort(order)] for name, values in found.items()}
            assert digest(back) == expected


def cut(n: int) -> list[np.ndarray]:
    """Return pieces of every size from 0 to 9, then what is left in two."""
    edges = np.cumsum(np.arange(10))
    return np.split(np.arange(n), [*edges.tolist(), n // 2])


@EACH_KERNEL
@EACH_KIND
@EACH_IMPLEMENTATION
def test_same_bits_in_pieces(kernel, kind, implementation):
    book, expected = drawn(kind, kernel.classic), expected_of_few(kernel, kind)
    with forced(implementation):
        pieces = [book.accounts.select(which) for which in cut(paths.N_FEW)]
        found = [kernel.evaluate(book, one.prepare(), book.prices).arrays() for one in pieces]
        joined = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        assert digest(joined) == expected
        whole = pm.Accounts.concat(pieces).prepare()
        assert digest(kernel.evaluate(book, whole, book.prices).arrays()) == expected


@EACH_KERNEL
@EACH_IMPLEMENTATION
def test_accounts_that_are_alike_get_the_same_bits_in_every_slot(kernel, implementation):
    book = drawn("usual", kernel.classic)
    with forced(implementation):
        found = kernel.evaluate(book, book.fresh().prepare(), book.prices).arrays()
    _, first = np.unique(book.alike, return_index=True)
    for name, values in found.items():
        assert values.tobytes() == values[first][book.alike].tobytes(), name


@EACH_KERNEL
@EACH_KIND
def test_same_bits_with_more_assets_than_sixteen_bits_count(kernel, kind):
    narrow = drawn(kind, kernel.classic)
    book, n_before = narrow.few(), 66_000
    wide = pm.Accounts.from_arrays(
        ids=book.ids,
        offsets=book._offsets,
        assets=(*(f"B{i}" for i in range(n_before)), *book.assets),
        asset_ids=book._asset_ids.astype(np.uint32) + np.uint32(n_before),
        **{name: getattr(book, f"_{name}") for name in paths.QUANTITIES},
        leverage=book._leverage,
        margin_call_ratio=book._margin_call_ratio,
        open_order_loss=book._open_order_loss,
        order_offsets=book._order_offsets,
        order_give_ids=book._order_give_ids.astype(np.uint32) + np.uint32(n_before),
        order_give_quantity=book._order_give_quantity,
        order_get_ids=book._order_get_ids.astype(np.uint32) + np.uint32(n_before),
        order_get_quantity=book._order_get_quantity,
    )
    assert wide._asset_ids.dtype == np.uint32
    prices = np.concatenate([np.full(n_before, np.nan), narrow.prices])
    expected = digest(kernel.evaluate(narrow, book, narrow.prices).arrays())
    assert digest(kernel.evaluate(narrow, wide, prices).arrays()) == expected
    in_slots = kernel.evaluate(narrow, wide, prices, order="slot")
    assert digest(results(in_slots)) == expected


def grid(kernel: paths.Kernel, book: paths.Drawn, accounts: pm.Accounts, **options) -> Stress:
    """Evaluate a grid under any kernel, also those that `stress` does not offer."""
    prices, threads = options["prices"], options.get("threads", 1)
    n, m = len(accounts), len(prices)
    found = Stress(
        ids=accounts.ids,
        level=np.full((n, m), -7.0),
        actions=np.full((n, m), 7, np.uint16),
        worst_level=np.empty(n),
        worst_shock=np.empty(n, np.int32),
        action_counts={action: np.zeros(m, np.int64) for action in pm.Action},
        shortfall=np.zeros(m),
        prices=prices,
        provenance=pm.Provenance("", None, ""),
    )
    scenarios = Scenarios(book.rules, (), prices, accounts.assets)
    _fill(found, None, kernel.bind(book, accounts), scenarios, threads)
    return found


def shocked(book: paths.Drawn, m: int) -> np.ndarray:
    """Return m price vectors, the first as they are, some with prices of 0."""
    rng = np.random.default_rng(m)
    factors = np.exp(rng.normal(0, 0.3, (m, len(book.prices))))
    factors[rng.random(factors.shape) < 0.02] = 0
    factors[0] = 1
    # A price that is missing is missing in every scenario, whatever stands for it.
    return factors * np.where(np.isfinite(book.prices), book.prices, np.nan)


@EACH_KERNEL
@EACH_KIND
@EACH_IMPLEMENTATION
@pytest.mark.parametrize("m", [1, 5, 19])
def test_grid_has_the_bits_of_single_evaluations(kernel, kind, implementation, m):
    book = drawn(kind, kernel.classic)
    accounts, prices = book.few(501), shocked(book, m)
    single = [kernel.evaluate(book, accounts, row) for row in prices]
    expected = {
        "level": np.stack([one.margin_level for one in single], axis=1),
        "actions": np.stack([one.actions for one in single], axis=1),
    }
    with forced(implementation):
        found = grid(kernel, book, accounts, prices=prices)
    assert digest({"level": found.level, "actions": found.actions}) == digest(expected)


@EACH_KERNEL
@EACH_KIND
def test_grid_is_the_same_for_every_implementation_and_thread_count(kernel, kind):
    book = drawn(kind, kernel.classic)
    accounts, prices = book.few(2051), shocked(book, 7)
    digests = set()
    for implementation in IMPLEMENTATIONS:
        for threads in THREADS:
            with forced(implementation):
                found = grid(kernel, book, accounts, prices=prices, threads=threads)
            outputs = {"level": found.level, "actions": found.actions}
            outputs |= {"worst_level": found.worst_level, "worst_shock": found.worst_shock}
            outputs |= {str(int(key)): count for key, count in found.action_counts.items()}
            digests.add(digest({**outputs, "shortfall": found.shortfall}))
    assert len(digests) == 1


@EACH_KERNEL
@pytest.mark.parametrize("order", ["user", "slot"])
@EACH_IMPLEMENTATION
def test_results_go_into_the_very_arrays_of_out(kernel, order, implementation):
    book = drawn("gaps", kernel.classic)
    accounts = book.few().prepare()
    out = kernel.evaluate(book, accounts, book.prices)
    arrays = out.arrays()
    for values in arrays.values():
        values.fill(7)
    with forced(implementation):
        found = kernel.evaluate(book, accounts, book.prices, out=out, order=order)
    assert found is out
    assert all(getattr(found, name) is values for name, values in arrays.items())
    assert digest(results(found)) == expected_of_few(kernel, "gaps")


@EACH_KERNEL
def test_each_field_by_itself_has_the_bits_that_it_has_among_all(kernel):
    book, expected = drawn("gaps", kernel.classic), paths.reference(kernel, "gaps")
    rows, slots = book.few(), book.few().prepare()
    for name, values in expected.items():
        for accounts in (rows, slots):
            found = kernel.evaluate(book, accounts, book.prices, fields=[name])
            assert found.names == (name,)
            assert getattr(found, name).tobytes() == values[: paths.N_FEW].tobytes()

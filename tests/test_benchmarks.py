from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pymargin.example import example_table

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"

needs_benchmarks = pytest.mark.skipif(
    not BENCHMARKS.is_dir(), reason="benchmarks are in the repository only"
)


@needs_benchmarks
def test_every_benchmark_runs_on_a_small_book() -> None:
    options = ["--quick", "--benchmark-disable", "-q", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", str(BENCHMARKS), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@needs_benchmarks
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured through /proc")
def test_memory_is_measured_on_a_small_book(tmp_path: Path) -> None:
    path = tmp_path / "accounts.parquet"
    pq.write_table(example_table(100), path)
    command = [sys.executable, str(BENCHMARKS / "memory.py"), "--step", "from_arrow", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, size = map(int, done.stdout.split())
    assert size > 0
    assert peak >= 0

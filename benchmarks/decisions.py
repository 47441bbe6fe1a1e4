"""Price the exact decisions: the vector pass against the same one that takes float64's signs.

``python benchmarks/decisions.py`` builds ``benchmarks/cpp/gate.cpp`` twice, as a release and with
``PYMARGIN_DECIDE_BY_FLOAT64``, which leaves out the error bound and its test, and runs both in
turn on the gate's book. The book stays in cache, where no memory hides what the bound costs.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.gate import ROOT

PROGRAMS = ("pymargin_gate", "pymargin_gate_float64")
CASES = (
    "classic_2023:slot-order", "classic_2023:slots", "classic_2026_01:slot-order",
    "classic_2026_06:slot-order", "pro_2025/gross/marginal:slot-order",
)  # fmt: skip


def build(folder: Path) -> list[Path]:
    """Return the two programs, exact and not, built in a folder."""
    options = ["-DPYMARGIN_BUILD_PYTHON=OFF", "-DPYMARGIN_BUILD_BENCHMARKS=ON"]
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, *options], check=True)
    subprocess.run(["cmake", "--build", folder, "-j2", "--target", *PROGRAMS], check=True)
    return [folder / "benchmarks" / "cpp" / name for name in PROGRAMS]


def run(program: Path, case: str, repeats: int) -> tuple[float, str]:
    """Return the processor time of so many passes, in seconds, and their checksum."""

    def used() -> float:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime

    before = used()
    command = [str(program.resolve()), case, str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return used() - before, done.stdout


def price(programs: Sequence[Path], case: str, rounds: int, repeats: int) -> float:
    """Return the median of exact over float64 of each round; both must find the same."""
    ratios = []
    for _ in range(rounds):
        seconds = []
        for program in programs:
            start, first = run(program, case, 1)
            end, last = run(program, case, repeats + 1)
            seconds.append((end - start, first, last))
        if len({answer for _, *answers in seconds for answer in answers}) != 1:
            raise SystemExit(f"{case}: exact decisions and those of float64 differ")
        ratios.append(seconds[0][0] / seconds[1][0])
    return median(ratios)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, help="folder to build in, kept; else a temporary one")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=4000, help="passes a round")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        programs = build(given.build or Path(folder))
        print("exact decisions over float64's, medians of processor time; target <= 1.10")
        for case in CASES:
            print(f"  {case:36} {price(programs, case, given.rounds, given.repeats):6.3f}")


if __name__ == "__main__":
    main()

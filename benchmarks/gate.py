"""Count the instructions of every pass under callgrind and hold them against a baseline.

``python benchmarks/gate.py`` builds ``benchmarks/cpp/gate.cpp`` and fails where a case takes over
5 % more instructions than ``baseline.json`` says; ``--update`` writes the baseline. A count does
not depend on what else the machine does, only on compiler, C library and instruction set, by
which the baseline is keyed; without one for this machine, or without valgrind, the gate is
skipped and says why. Beside it, for information, the times over the memory's own speed.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benchmarks" / "baseline.json"
PROGRAM = Path("benchmarks/cpp/pymargin_gate")
COUNTED = "pymargin_gate_pass"
TOLERANCE = 0.05


class SkippedError(Exception):
    """The gate cannot judge here."""


@dataclass(frozen=True)
class Counts:
    """Instructions by case, and what they depend on."""

    key: str
    cases: dict[str, int]


def build(folder: Path) -> Path:
    """Return the gate's program, built in a folder as a release is."""
    if shutil.which("cmake") is None:
        raise SkippedError("there is no cmake")
    options = ["-DPYMARGIN_BUILD_PYTHON=OFF", "-DPYMARGIN_BUILD_BENCHMARKS=ON"]
    for command in (
        ["cmake", "-S", str(ROOT), "-B", str(folder), *options],
        ["cmake", "--build", str(folder), "--target", PROGRAM.name],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return folder / PROGRAM


def count(program: Path) -> Counts:
    """Run the program under callgrind, which dumps the cost of every counted call by itself."""
    if shutil.which("valgrind") is None:
        raise SkippedError("there is no valgrind")
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind",
            "--tool=callgrind",
            "--collect-atstart=no",
            f"--toggle-collect={COUNTED}",
            f"--dump-after={COUNTED}",
            f"--callgrind-out-file={folder}/cost",
            str(program.resolve()),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        lines = done.stdout.splitlines()
        built = dict(line.split(" ", 1) for line in lines[:3])
        names = lines[3:]
        # cost.1 is the first call; the file without a number is what was left at the end.
        costs = [_total(Path(folder, f"cost.{k + 1}")) for k in range(len(names))]
    key = ", ".join((platform.machine(), built["compiler"], built["libc"], built["implementation"]))
    return Counts(key, dict(zip(names, costs, strict=True)))


def _total(path: Path) -> int:
    found = re.search(r"^totals: (\d+)$", path.read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{path.name} of callgrind states no total")
    return int(found[1])


def read_baseline(path: Path) -> dict[str, dict[str, int]]:
    return json.loads(path.read_text()) if path.exists() else {}


def write_baseline(path: Path, found: Counts) -> None:
    """Put these counts into the baseline; those of other compilers and machines stay."""
    everything = {**read_baseline(path), found.key: found.cases}
    path.write_text(json.dumps(dict(sorted(everything.items())), indent=2) + "\n")


def faults(found: dict[str, int], baseline: dict[str, int]) -> list[str]:
    """Return what the gate does not let through."""
    lines = [
        f"{case}: {n:,} instructions are {n / baseline[case] - 1:+.1%} over {baseline[case]:,}"
        for case, n in found.items()
        if case in baseline and n > baseline[case] * (1 + TOLERANCE)
    ]
    lines += [f"{case}: not in the baseline" for case in found if case not in baseline]
    lines += [f"{case}: only in the baseline" for case in baseline if case not in found]
    return lines


def print_table(found: dict[str, int], baseline: dict[str, int]) -> None:
    for case, n in found.items():
        change = f"{n / baseline[case] - 1:+8.2%}" if case in baseline else "     new"
        print(f"{case:42} {n:12,} {change}")


def print_times() -> None:
    """Print passes over the read + write limit; nothing depends on them."""
    try:
        from pymargin.bench import bench
    except ImportError as err:
        print(f"times: skipped, pymargin is not installed ({err})")
        return
    print("for information, time over reading the book and writing the results (limit = 1):")
    for one in bench(200_000, rounds=7).timings:
        print(f"  {one.what:28} {one.order:8} {one.threads} threads  {one.over_limit:5.2f}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the baseline of this machine")
    parser.add_argument("--program", type=Path, help="a pymargin_gate that is built already")
    parser.add_argument("--baseline", type=Path, default=BASELINE, help=argparse.SUPPRESS)
    parser.add_argument("--times", action="store_true", help="time passes too, for information")
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = count(given.program or build(Path(folder)))
        print(f"instructions of one pass: {found.key}")
        known = read_baseline(given.baseline)
        baseline = known.get(found.key, {})
        print_table(found.cases, baseline)
        if given.update:
            write_baseline(given.baseline, found)
            print(f"written to {given.baseline.name}")
            return 0
        if not baseline:
            raise SkippedError(f"no baseline is for it, only for: {'; '.join(known) or 'none'}")
        wrong = faults(found.cases, baseline)
        if wrong:
            print("\n".join(["", *wrong, "if this is meant: python benchmarks/gate.py --update"]))
        return 1 if wrong else 0
    except SkippedError as reason:
        print(f"gate skipped: {reason}")
        return 0
    finally:
        if given.times:
            print_times()


if __name__ == "__main__":
    sys.exit(main())

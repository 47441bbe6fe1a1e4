"""Show how the cost of a pass grows: with accounts, with positions, with positions beyond a tier.

``python benchmarks/scaling.py [--quick] [--json PATH] [--write]``

Every pass runs in slot order on one thread, and is held against the row-wise pass, bit for bit,
before it is timed. Times are the thread's own processor time, so that other work on the machine
counts little; shown are medians. ``--write`` puts tables into ``README.md`` and draws
``scaling.svg`` (needs matplotlib).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pymargin as pm
from benchmarks.book import Book, make_book
from benchmarks.rounds import environment
from pymargin import _core
from pymargin.book import book_of

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- scaling -->\n", "<!-- end of scaling -->"
PASSES = ("classic_2023", "classic_2026_01", "classic_2026_06", "pro_2025")
LIMIT = "read + write limit"
# A time shorter than this is taken over several passes at once.
_LEAST_SECONDS = 0.004


@dataclass(frozen=True)
class Point:
    """One book and what each pass over it takes: nanoseconds a position."""

    accounts: int
    positions: int
    share_beyond: float
    ns_per_position: dict[str, float]

    @property
    def per_account(self) -> float:
        return self.positions / self.accounts


@dataclass(frozen=True)
class Study:
    """Points that differ in one thing."""

    name: str
    varied: str
    points: list[Point]


def passes(book: Book, accounts: pm.Accounts) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield every pass, checked, and the limit."""
    for name in PASSES:
        if name == "pro_2025":
            function, rules = pm.cross_pro, book.rules
            fields = ("margin_level", "available_margin", "actions")
        else:
            function, rules = pm.cross_classic, book.rules_under(name)
            fields = ("margin_level", "collateral_margin_level", "actions")
        out = function(accounts, book.price, rules, fields=fields, order="slot")
        by_row = function(book.accounts(), book.price, rules, fields=fields)
        for field, values in out.arrays().items():
            if values.tobytes() != getattr(by_row, field)[out.book_rows].tobytes():
                raise SystemExit(f"{field} of {name} is not that of the row-wise pass")

        def run(function: Any = function, rules: Any = rules, out: Any = out) -> None:
            function(accounts, book.price, rules, out=out, order="slot")

        yield name, run
    levels, actions = (np.empty(len(book)), np.empty(len(book))), np.empty(len(book), np.uint16)
    core = book_of(accounts)
    yield LIMIT, lambda: _core.read_write_limit(core, *levels, actions, 1)


def measure(book: Book, rounds: int) -> Point:
    accounts = book.accounts().prepare()
    found = dict(passes(book, accounts))
    repeats = {}
    for name, run in found.items():
        run()
        repeats[name] = max(1, round(_LEAST_SECONDS / max(_seconds(run, 1), 1e-6)))
    seconds: dict[str, list[float]] = {name: [] for name in found}
    gc.disable()
    for _ in range(rounds):
        for name, run in found.items():
            seconds[name].append(_seconds(run, repeats[name]))
    gc.enable()
    ns = {name: round(1e9 * median(taken) / book.n_positions, 3) for name, taken in seconds.items()}
    return Point(len(book), book.n_positions, round(book.share_beyond(), 4), ns)


def _seconds(run: Callable[[], Any], repeats: int) -> float:
    start = time.thread_time()
    for _ in range(repeats):
        run()
    return (time.thread_time() - start) / repeats


def studies(scale: float, rounds: int) -> list[Study]:
    """Return the three studies; ``scale`` 1 is a million accounts and more."""

    def sized(n: int) -> int:
        return max(100, round(n * scale))

    def points(varied: str, books: Iterator[Book]) -> list[Point]:
        found = []
        for book in books:
            found.append(measure(book, rounds))
            print(f"{varied}: {found[-1]}", file=sys.stderr)
        return found

    sizes = (10_000, 100_000, 1_000_000, 4_000_000)
    lengths = (1, 2, 3, 5, 8, 16, 24, 40)
    shares = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
    total = 4_000_000
    return [
        Study("accounts", "accounts", points("accounts", (make_book(sized(n)) for n in sizes))),
        Study(
            "positions of each account",
            "per_account",
            points("positions", (make_book(sized(total // k), positions=k) for k in lengths)),
        ),
        Study(
            "positions beyond their first tier",
            "share_beyond",
            points("beyond", (make_book(sized(500_000), share_beyond=x) for x in shares)),
        ),
    ]


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """Return k of the y = c * x^k that fits best: 1 where growth is linear."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Return slope and intercept of the line that fits best, and the share that it explains."""
    slope, intercept = np.polyfit(x, y, 1)
    rest = np.asarray(y) - (slope * np.asarray(x) + intercept)
    return float(slope), float(intercept), float(1 - rest.var() / np.var(y))


def growth(study: Study, name: str) -> str:
    """Return one sentence in figures about how the cost of a pass grows."""
    points = study.points
    ns = [point.ns_per_position[name] for point in points]
    if study.varied == "accounts":
        taken = [p.positions * x for p, x in zip(points, ns, strict=True)]
        k = exponent([p.positions for p in points], taken)
        return (
            f"time grows with the book to the power {k:.2f}; a position takes "
            f"{ns[-1] / ns[1]:.2f} times as long at {label(study, points[-1])} accounts as at "
            f"{label(study, points[1])}"
        )
    if study.varied == "per_account":
        x = [p.per_account for p in points]
        y = [p.per_account * one for p, one in zip(points, ns, strict=True)]
        slope, intercept, fit = line(x, y)
        return f"{intercept:.1f} ns an account + {slope:.2f} ns a position (R² {fit:.3f})"
    slope, intercept, fit = line([100 * p.share_beyond for p in points], ns)
    return f"{intercept:.2f} ns + {slope:.3f} ns for each % beyond (R² {fit:.3f})"


def label(study: Study, point: Point) -> str:
    if study.varied == "accounts":
        return f"{point.accounts:,}"
    if study.varied == "per_account":
        return f"{point.per_account:.0f}"
    return f"{100 * point.share_beyond:.1f} %"


def markdown(found: Sequence[Study], machine: dict[str, Any], rounds: int) -> str:
    """Return the tables, with what was measured where."""
    names = (*PASSES, LIMIT)
    text = [
        f"Nanoseconds a position, one thread, slot order, two levels and the actions; medians of "
        f"{rounds} rounds of the thread's processor time; {machine['cpu']}, "
        f"{machine['implementation']}, Python {machine['python']}.\n"
    ]
    for study in found:
        text.append(f"| {study.name} | {' | '.join(names)} |")
        text.append("|---" * (len(names) + 1) + "|")
        for point in study.points:
            row = " | ".join(f"{point.ns_per_position[name]:.2f}" for name in names)
            text.append(f"| {label(study, point)} | {row} |")
        text.append("")
        text += [f"- {name}: {growth(study, name)}" for name in PASSES]
        text.append("")
    return "\n".join(text)


def draw(found: Sequence[Study], path: Path) -> None:
    """Draw a panel for each study."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "pymargin"
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(found), figsize=(13, 4), layout="constrained")
    for panel, study in zip(panels, found, strict=True):
        x = [getattr(point, study.varied) for point in study.points]
        for name in (*PASSES, LIMIT):
            ns = [point.ns_per_position[name] for point in study.points]
            y = (
                ns
                if study.varied == "share_beyond"
                else [
                    one * point.positions / (1e6 if study.varied == "accounts" else point.accounts)
                    for one, point in zip(ns, study.points, strict=True)
                ]
            )
            style = {"color": "grey", "linestyle": "--"} if name == LIMIT else {"marker": "o"}
            panel.plot(x, y, label=name, markersize=4, **style)
        panel.set_xlabel(study.name)
        if study is not found[0]:
            panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    panels[0].set_xscale("log")
    panels[0].set_yscale("log")
    panels[0].set_ylabel("ms a pass")
    panels[1].set_ylabel("ns an account")
    panels[2].set_ylabel("ns a position")
    panels[2].xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
    panels[0].legend()
    figure.savefig(path, metadata={"Date": None})


def write(text: str, path: Path) -> None:
    """Replace what stands between the markers."""
    before, rest = path.read_text().split(BEGIN)
    after = rest[rest.index(END) :]
    path.write_text(f"{before}{BEGIN}{text}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the accounts")
    parser.add_argument("--json", type=Path, help="write every figure there")
    parser.add_argument("--write", action="store_true", help="into README.md and scaling.svg")
    given = parser.parse_args()
    rounds = 2 if given.quick else given.rounds
    found = studies(0.01 if given.quick else 1.0, rounds)
    machine = {**environment(["numpy"]), "implementation": _core.implementation()}
    text = markdown(found, machine, rounds)
    print(text)
    if given.json is not None:
        record = {"environment": machine, "rounds": rounds, "studies": [asdict(x) for x in found]}
        given.json.write_text(json.dumps(record, indent=2) + "\n")
    if given.write:
        write(text, HERE / "README.md")
        draw(found, HERE / "scaling.svg")


if __name__ == "__main__":
    main()

"""Time the passes over an invented book against the memory's own speed: ``pymargin bench``."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from pymargin import _core
from pymargin._version import __version__
from pymargin.accounts import Accounts
from pymargin.book import book_of
from pymargin.example import example_accounts, example_prices
from pymargin.levels import cross_classic, cross_pro
from pymargin.rules import MarginRules, example_rules

if TYPE_CHECKING:
    from pymargin.evaluation import Order

__all__ = ["Bench", "Timing", "bench"]

_CLASSIC = ("classic_2023", "classic_2026_01", "classic_2026_06")
_CLASSIC_FIELDS = ("margin_level", "collateral_margin_level", "actions")
_PRO_FIELDS = ("margin_level", "available_margin", "actions")
_READ, _READ_WRITE = "read the book", "read the book, write the results"
_BYTES_PER_POSITION = 18
_BYTES_PER_ACCOUNT = 18


@dataclass(frozen=True, slots=True)
class Timing:
    """What one contender took.

    Parameters
    ----------
    what
        A methodology, or a limit: nothing but the memory traffic of a pass.
    order
        ``"slot"``, ``"user"``, or empty for a limit.
    threads
        How many.
    seconds
        Of each round.
    over_limit
        Median of the ratios to the read + write limit on as many threads, round by round.
    """

    what: str
    order: str
    threads: int
    seconds: tuple[float, ...]
    over_limit: float

    @property
    def milliseconds(self) -> float:
        """The median of the rounds."""
        return 1e3 * median(self.seconds)


@dataclass(frozen=True, slots=True)
class Bench:
    """Timings and what they depend on besides the code."""

    accounts: int
    positions: int
    rounds: int
    timings: tuple[Timing, ...]
    machine: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {
            **self.machine,
            "accounts": self.accounts,
            "positions": self.positions,
            "rounds": self.rounds,
            "bytes_read": _BYTES_PER_POSITION * self.positions,
            "bytes_written": _BYTES_PER_ACCOUNT * self.accounts,
            "timings": [
                {
                    "what": one.what,
                    "order": one.order,
                    "threads": one.threads,
                    "median_ms": one.milliseconds,
                    "min_ms": 1e3 * min(one.seconds),
                    "over_limit": one.over_limit,
                }
                for one in self.timings
            ],
        }


@dataclass(slots=True)
class _Contender:
    what: str
    order: str
    threads: int
    run: Callable[[], Any]
    seconds: list[float] = field(default_factory=list)


def bench(accounts: int = 1_000_000, *, rounds: int = 15) -> Bench:
    """Time every methodology on an invented book, and the two limits it is held against.

    Rounds are interleaved; what disturbs the machine disturbs all alike. Each pass writes two
    levels and the actions, in slot order and in the user's, on one thread and on all.

    Parameters
    ----------
    accounts
        Size of the book; `pymargin.example.example_accounts`, 5.2 balances each.
    rounds
        How often each is timed.

    Raises
    ------
    ValueError
        A size is below 1.

    Examples
    --------
    >>> found = bench(1_000, rounds=1)
    >>> found.accounts, found.timings[0].what
    (1000, 'read the book')
    """
    for name, value in (("accounts", accounts), ("rounds", rounds)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    book = example_accounts(accounts)
    contenders = _contenders(book)
    _interleave(contenders, rounds)
    limits = {one.threads: one.seconds for one in contenders if one.what == _READ_WRITE}
    timings = tuple(
        Timing(
            one.what,
            one.order,
            one.threads,
            tuple(one.seconds),
            median(a / b for a, b in zip(one.seconds, limits[one.threads], strict=True)),
        )
        for one in contenders
    )
    return Bench(accounts, len(book._asset_ids), rounds, timings, _machine())


def _contenders(book: Accounts) -> list[_Contender]:
    """Return the limits and the passes of every methodology."""
    by_name = example_prices()
    price = np.array([by_name[asset] for asset in book.assets])
    rules = example_rules()
    every_core = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    counts = tuple(dict.fromkeys((1, every_core or os.cpu_count() or 1)))
    found = [one for threads in counts for one in _limits(book, threads)]
    for name in _CLASSIC:
        under = rules.replace(methodology={**rules.methodology, "cross_classic": name})
        found += _passes(name, cross_classic, book, price, under, _CLASSIC_FIELDS, counts)
    pro = rules.methodology["cross_pro"]
    return found + _passes(pro, cross_pro, book, price, rules, _PRO_FIELDS, counts)


def _limits(book: Accounts, threads: int) -> list[_Contender]:
    core = book_of(book.prepare())
    n = len(book)
    levels, actions = np.empty((2, n)), np.empty(n, np.uint16)

    def write() -> None:
        _core.read_write_limit(core, levels[0], levels[1], actions, threads)

    return [
        _Contender(_READ, "", threads, lambda: _core.read_limit(core, threads)),
        _Contender(_READ_WRITE, "", threads, write),
    ]


def _passes(
    what: str,
    evaluate: Callable[..., Any],
    book: Accounts,
    price: np.ndarray[Any, Any],
    rules: MarginRules,
    fields: Sequence[str],
    counts: Sequence[int],
) -> list[_Contender]:
    found: list[_Contender] = []
    # A book keeps what it derived from the last rules: each has one of its own.
    book = Accounts.concat([book])
    orders: tuple[Order, ...] = ("slot", "user")
    for threads in counts:
        for order in orders:
            out = evaluate(book, price, rules, fields=fields, order=order)

            def run(threads: int = threads, order: Order = order, out: Any = out) -> None:
                evaluate(book, price, rules, fields=fields, out=out, order=order, threads=threads)

            found.append(_Contender(what, order, threads, run))
    return found


def _interleave(contenders: Sequence[_Contender], rounds: int) -> None:
    """Run A B C, A B C, ..., the first round not counted."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds + 1):
            for contender in contenders:
                start = time.perf_counter()
                contender.run()
                if number:
                    contender.seconds.append(time.perf_counter() - start)
    finally:
        if was_enabled:
            gc.enable()


def _machine() -> dict[str, Any]:
    return {
        "pymargin": __version__,
        "implementation": _core.implementation(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()

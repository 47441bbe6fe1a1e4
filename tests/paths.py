"""Every way through the core to the results of a book, and hard books to send along them."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import strategies
from strategies import ASSETS, CLASSIC

import pymargin as pm
from pymargin import _core
from pymargin.evaluation import CLASSIC as CLASSIC_SPEC
from pymargin.evaluation import PRO as PRO_SPEC
from pymargin.evaluation import Evaluation, evaluation
from pymargin.rules.thresholds import DEFAULT_THRESHOLDS
from pymargin.sections import gather

MAX_BALANCES = 40
N_HARD, N_LIGHT = 410, 90
# Enough accounts for three threads to be worth their start, and not a multiple of four lanes.
N_FEW = 1003
N_ACCOUNTS = 3 * 4096 + 3
READINGS = (
    ("gross", "marginal"),
    ("gross", "standalone"),
    ("net", "marginal"),
    ("net", "standalone"),
)
KINDS = ("usual", "own thresholds", "gaps")
THREADS = (1, 2, 3)
OF_ACCOUNT = ("leverage", "margin_call_ratio", "open_order_loss")
OF_ORDER = ("give_ids", "get_ids", "give_quantity", "get_quantity")
QUANTITIES = ("free", "locked", "borrowed", "interest")


@dataclass(frozen=True)
class Kernel:
    """One mode under one methodology or reading."""

    classic: str | None = None
    readings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.classic or "/".join(("pro", *self.readings))

    def evaluate(self, book: Drawn, accounts: pm.Accounts, prices: Any, **options: Any) -> Any:
        options = {"missing": "flag", **options}
        if self.classic is not None:
            return pm.cross_classic(accounts, prices, book.rules, **options)
        collateral, order_loss = self.readings
        return pm.cross_pro(
            accounts, prices, book.rules, collateral=collateral, order_loss=order_loss, **options
        )

    def bind(self, book: Drawn, accounts: pm.Accounts) -> Evaluation:
        return evaluation(
            PRO_SPEC if self.classic is None else CLASSIC_SPEC,
            accounts,
            book.prices,
            book.rules,
            readings=self.readings,
            leverage=None,
            missing="flag",
        )


KERNELS = (*(Kernel(classic=name) for name in CLASSIC), *(Kernel(readings=r) for r in READINGS))


@dataclass(frozen=True, eq=False)
class Drawn:
    """A drawn book: rules, one price for each of its assets, and its accounts."""

    rules: pm.MarginRules
    accounts: pm.Accounts
    prices: np.ndarray
    # int64[n]: accounts of the same number are alike.
    alike: np.ndarray

    def few(self, n: int = N_FEW) -> pm.Accounts:
        """Return the first n accounts, the hard ones, as a book that was never evaluated."""
        return self.accounts.select(np.arange(n))

    def fresh(self) -> pm.Accounts:
        return self.few(len(self.accounts))


@functools.cache
def drawn(kind: str, classic: str | None) -> Drawn:
    """Draw accounts of 0 to 40 balances with debts, orders and ratios of their own.

    With gaps, some prices and schedules are missing.
    """
    rng = random.Random(f"paths {kind} {classic}")
    gaps = kind == "gaps"
    rules = strategies.random_rules(rng, classic=classic or "classic_2026_06", gaps=gaps)
    own = kind == "own thresholds"
    thresholds = strategies.random_thresholds(rng) if own else DEFAULT_THRESHOLDS
    rules = rules.replace(thresholds=thresholds)
    prices = strategies.random_prices(rng, gaps=gaps)
    # One account in two holds nothing that is missing, so that not all are flagged.
    whole = tuple(asset for asset in ASSETS if np.isfinite(prices.get(asset, np.nan)))
    rows = []
    for number in range(N_HARD + N_LIGHT):
        row = strategies.random_row(rng, rules, prices, number, whole if number % 2 else ASSETS)
        if number >= N_HARD:
            row["balances"] = row["balances"][:2]
        elif number % 3 == 0:
            chosen = rng.sample(ASSETS, number // 3 % (MAX_BALANCES + 1))
            row["balances"] = [strategies._balance(rng, rules, prices, one) for one in chosen]
        rows.append(row)
    base = pm.Accounts.from_rows(rows)
    which = np.concatenate([np.resize(np.arange(N_HARD), N_FEW), np.arange(N_HARD, len(rows))])
    light = np.resize(np.arange(N_HARD, len(rows)), N_ACCOUNTS - len(which))
    order = np.random.default_rng(1)
    which = np.concatenate([order.permutation(which), order.permutation(light)])
    price = np.array([prices.get(asset, np.nan) for asset in base.assets])
    return Drawn(rules, _repeated(base, which), price, which)


def _repeated(base: pm.Accounts, which: np.ndarray) -> pm.Accounts:
    """Return these accounts of the base, some of them many times, under ids of their own."""
    offsets, balances = gather(base._offsets, which)
    order_offsets, orders = gather(base._order_offsets, which)
    return pm.Accounts.from_arrays(
        ids=np.arange(len(which)),
        offsets=offsets,
        assets=base.assets,
        asset_ids=base._asset_ids[balances],
        **{name: getattr(base, f"_{name}")[balances] for name in QUANTITIES},
        **{name: getattr(base, f"_{name}")[which] for name in OF_ACCOUNT},
        order_offsets=order_offsets,
        **{f"order_{name}": getattr(base, f"_order_{name}")[orders] for name in OF_ORDER},
    )


def results(levels: pm.Levels) -> dict[str, np.ndarray]:
    """Return the results in the order of the book, whatever order they came in."""
    back = np.argsort(levels.book_rows)
    return {name: values[back] for name, values in levels.arrays().items()}


def digest(found: Mapping[str, np.ndarray]) -> str:
    """Return one hash of every bit of the results."""
    total = hashlib.sha256()
    for name, values in sorted(found.items()):
        total.update(f"{name} {values.dtype} {values.shape}".encode())
        total.update(np.ascontiguousarray(values).tobytes())
    return total.hexdigest()


def implementations() -> tuple[str, ...]:
    """Return the instruction sets that this processor can run."""
    before = _core.implementation()
    found = []
    for name in ("generic", "avx2"):
        try:
            _core.force_implementation(name)
        except ValueError:
            continue
        found.append(name)
    _core.force_implementation(before)
    return tuple(found)


@contextmanager
def forced(name: str) -> Iterator[None]:
    """Run with an instruction set."""
    before = _core.implementation()
    _core.force_implementation(name)
    try:
        yield
    finally:
        _core.force_implementation(before)


IMPLEMENTATIONS = implementations()


@functools.cache
def reference(kernel: Kernel, kind: str) -> Mapping[str, np.ndarray]:
    """Return all results of the row-wise pass in baseline code on one thread."""
    book = drawn(kind, kernel.classic)
    with forced("generic"):
        return results(kernel.evaluate(book, book.fresh(), book.prices))

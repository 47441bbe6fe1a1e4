"""What is compared: pymargin's own passes, the two limits, and the peers that are installed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

import pymargin as pm
from benchmarks.book import CLASSIC_METHODOLOGIES, Book
from benchmarks.peers import Answer
from benchmarks.rounds import Contender, check_answer
from pymargin import _core
from pymargin.book import book_of

CLASSIC_FIELDS = ("margin_level", "collateral_margin_level", "actions")
PRO_FIELDS = ("margin_level", "available_margin", "actions")

PEERS = (
    "pure_python", "numpy_plain", "numpy_expert", "numba_plain", "numba_expert", "polars_expert",
    "duckdb_case", "cpp_loop",
)  # fmt: skip
PRICED_TOGETHER = 1e-6  # USDT: available margin is a difference, which can cancel to 0


class Ours:
    """pymargin's passes over one book."""

    def __init__(self, book: Book) -> None:
        self.book = book
        # A book keeps what it derived from the last rules: one for each, as a user would have.
        self.accounts = {
            name: book.accounts().prepare() for name in (*CLASSIC_METHODOLOGIES, "pro")
        }
        self.rules = {name: book.rules_under(name) for name in CLASSIC_METHODOLOGIES}

    def classic(
        self,
        methodology: str,
        order: str,
        threads: int,
        fields: Sequence[str] | None = CLASSIC_FIELDS,
    ) -> Contender:
        rules, price = self.rules[methodology], self.book.price
        accounts = self.accounts[methodology]
        out = pm.cross_classic(accounts, price, rules, fields=fields, order=order)

        def run() -> None:
            pm.cross_classic(
                accounts, price, rules, fields=fields, out=out, order=order, threads=threads
            )

        extent = "" if fields else ", all fields"
        return Contender(
            f"pymargin/{methodology}/{order}/{threads}{'/all' if fields is None else ''}",
            f"pymargin {methodology}{extent}, {order} order",
            run,
            threads=threads,
        )

    def pro(self, order: str, threads: int) -> Contender:
        rules, price = self.book.rules, self.book.price
        accounts = self.accounts["pro"]
        out = pm.cross_pro(accounts, price, rules, fields=PRO_FIELDS, order=order)

        def run() -> None:
            pm.cross_pro(
                accounts, price, rules, fields=PRO_FIELDS, out=out, order=order,
                threads=threads,
            )  # fmt: skip

        return Contender(
            f"pymargin/pro/{order}/{threads}",
            f"pymargin Cross Margin Pro, {order} order",
            run,
            threads=threads,
        )

    def first(self, threads: int, *, counts_checks: bool) -> Contender:
        """One evaluation of the user's own arrays, with or without making the book of them."""
        rules, price = self.rules["classic_2023"], self.book.price
        out = pm.cross_classic(self.accounts["classic_2023"], price, rules, fields=CLASSIC_FIELDS)

        def run(accounts: pm.Accounts | None = None) -> None:
            accounts = self.book.accounts() if accounts is None else accounts
            pm.cross_classic(
                accounts, price, rules, fields=CLASSIC_FIELDS, out=out, threads=threads
            )

        return Contender(
            f"pymargin/first/{threads}{'/checked' if counts_checks else ''}",
            "pymargin, one-shot on new arrays" + (", book made and checked" * counts_checks),
            run,
            before=None if counts_checks else self.book.accounts,
            threads=threads,
        )

    def limit(self, threads: int, *, writes: bool) -> Contender:
        core, n = book_of(self.accounts["classic_2023"]), len(self.book)
        outputs = (np.empty(n), np.empty(n), np.empty(n, np.uint16))
        if writes:
            return Contender(
                f"limit/read+write/{threads}",
                "limit: read 18 B a position, write 18 B an account",
                lambda: _core.read_write_limit(core, *outputs, threads),
                threads=threads,
            )
        return Contender(
            f"limit/read/{threads}",
            "limit: read 18 B a position",
            lambda: _core.read_limit(core, threads),
            threads=threads,
        )

    def build(self, *, warm: bool) -> Contender:
        """Lay the book out; ``warm``: into memory that the process has used before."""

        def before() -> Any:
            _keep_memory(warm)
            return book_of(self.book.accounts())

        return Contender(
            f"pymargin/build/{'warm' if warm else 'fresh'}",
            f"pymargin, laying out the book, {'warm' if warm else 'fresh'} pages",
            lambda core: core.prepare(1),
            before=before,
        )

    def answer(self) -> Answer:
        name = "classic_2023"
        found = pm.cross_classic(self.accounts[name], self.book.price, self.rules[name])
        return Answer(found.margin_level, found.collateral_margin_level, found.actions)

    def pro_answer(self) -> Answer:
        found = pm.cross_pro(self.accounts["pro"], self.book.price, self.book.rules)
        return Answer(found.margin_level, found.available_margin, found.actions)


def _keep_memory(keep: bool) -> None:
    """Have malloc keep what is freed, or return it (glibc; elsewhere nothing happens)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    trim_threshold, mmap_max = -1, -4
    mallopt(mmap_max, 0 if keep else 65_536)
    mallopt(trim_threshold, 2**31 - 1 if keep else 128 * 1024)


class Peers:
    """The peers that can run here; the others with the reason."""

    def __init__(self, book: Book, names: Sequence[str | ModuleType] = PEERS) -> None:
        self.book = book
        self.modules: dict[str, ModuleType] = {}
        self.skipped: dict[str, str] = {}
        for name in names:
            if not isinstance(name, str):
                self.modules[name.__name__.rpartition(".")[2]] = name
                continue
            try:
                self.modules[name] = _loaded(name)
            except ImportError as err:
                self.skipped[name] = str(err)

    def contender(
        self,
        name: str,
        threads: int,
        expected: Answer,
        *,
        prepare: str = "prepare",
        thresholds: np.ndarray | None = None,
    ) -> Contender | None:
        """Prepare a peer and hold its answer against ours; None where it cannot run."""
        module = self.modules.get(name)
        if module is None:
            return None
        book = self.book.head(getattr(module, "MAX_ACCOUNTS", len(self.book)))
        make: Callable[..., Any] = getattr(module, prepare)
        try:
            run = make(book, threads)
        except (ImportError, RuntimeError) as err:
            self.skipped[name] = str(err)
            return None
        variant = prepare.removeprefix("prepare").strip("_")
        label = f"{module.NAME}{f' ({variant})' if variant else ''}"
        is_pro = thresholds is not None
        check_answer(
            label,
            run(book.price),
            expected,
            book.classic_thresholds[book.leverage_class] if thresholds is None else thresholds,
            absolute=PRICED_TOGETHER if is_pro else 0.0,
        )
        return Contender(
            f"{name}{f'/{variant}' if variant else ''}/{threads}",
            label,
            lambda: run(book.price),
            scale=len(self.book) / len(book),
            threads=threads,
        )


def _loaded(name: str) -> ModuleType:
    """Import a peer, or say what it lacks."""
    needs = {"numba": ("numba",), "polars": ("polars",), "duckdb": ("duckdb",)}
    for package in needs.get(name.partition("_")[0], ()):
        if find_spec(package) is None:
            raise ImportError(f"{package} is not installed")
    module = import_module(f"benchmarks.peers.{name}")
    if name == "cpp_loop" and module.compiler() is None:
        raise ImportError("there is no C++ compiler (c++, g++ or $CXX)")
    return module

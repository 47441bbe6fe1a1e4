"""Reads what a command is given: accounts and rules, each by what its name says."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymargin._extras import require
from pymargin.cli.faults import InputError, blamed_on

if TYPE_CHECKING:
    from pymargin.accounts import Accounts
    from pymargin.rules import MarginRules

__all__ = [
    "find_id",
    "read_accounts",
    "read_answer",
    "read_rules",
]

_TEXTS = ("account", "asset", "mode", "country", "symbol", "side")
_QUANTITIES = ("free", "locked", "borrowed", "interest", "margin_call_ratio", "open_order_loss",
               "balance", "quantity", "entry_price", "isolated_margin")  # fmt: skip
_CSV_FAULT = re.compile(
    r"In CSV column #(?P<column>\d+): (?:Row #(?P<row>\d+): )?"
    r"CSV conversion error to (?P<type>double|string): (?:invalid value (?P<value>'.*'))?"
)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")


def read_accounts(
    path: Path,
    *,
    mode: str | None = None,
    leverage: int | None = None,
    wallets: Path | None = None,
    positions: Path | None = None,
) -> Accounts:
    """Read a book by its suffix.

    Parameters
    ----------
    path
        Parquet (a directory of files too), tidy CSV, or JSON: rows, or an answer of the exchange
        about one account or a list of several, whose id is then the file's name.
    mode, leverage
        For the exchange's answer, which may hold neither.
    wallets, positions
        Tidy CSV of what a tidy CSV of accounts has no columns for.

    Raises
    ------
    InputError
        The file cannot be used as a book, or the leverage goes with none of its accounts.
    """
    from pymargin.account_modes import modes_of
    from pymargin.accounts import Accounts
    from pymargin.modes import Mode

    beside = {name: at for name, at in (("wallets", wallets), ("positions", positions)) if at}
    if beside and path.suffix.lower() != ".csv":
        raise InputError(
            f"--{' and --'.join(beside)} go with accounts in CSV, which has no columns for them; "
            f"{path.name} holds its own"
        )
    readers: dict[str, Callable[[Path], Accounts | tuple[str, Any]]] = {
        ".parquet": _accounts_from_parquet,
        ".csv": lambda file: _accounts_from_csv(file, beside),
        ".json": lambda file: _rows_or_answers(file, mode),
    }
    reader = _accounts_from_parquet if path.is_dir() else readers.get(path.suffix.lower())
    if reader is None:
        kinds = "Parquet (.parquet), tidy CSV (.csv) or JSON rows (.json)"
        raise InputError(f"accounts must be {kinds}, not {path.name}")
    with blamed_on(path):
        book = reader(path)
        if isinstance(book, tuple):
            kind, answers = book
            return Accounts.from_binance(kind, answers, account=path.stem, leverage=leverage)
    if leverage is not None and Mode.CROSS_CLASSIC not in modes_of(book, mode):
        raise InputError(
            f"--leverage is of Cross Margin Classic accounts, and {path.name} has none; what "
            "positions and loans have stands in their own rows"
        )
    return book


def _accounts_from_parquet(path: Path) -> Accounts:
    from pymargin.accounts import Accounts

    return Accounts.from_parquet(path)


def _accounts_from_csv(path: Path, beside: Mapping[str, Path]) -> Accounts:
    """Read balances, or where the file has no assets one account a row, and what is beside them."""
    from pymargin.accounts import Accounts

    table = _read_csv(path)
    further = {name: _read_csv(at) for name, at in beside.items()}
    if "asset" not in table.column_names and further:
        return Accounts.from_frame(None, accounts=table, **further)
    return Accounts.from_frame(table, **further)


def _read_csv(path: Path) -> Any:
    pa = require("pyarrow", extra="cli", purpose="reading CSV")
    arrow_csv = require("pyarrow.csv", extra="cli", purpose="reading CSV")
    texts = dict.fromkeys(_TEXTS, pa.string())
    # Arrow would take "NaN" and "NA" for "absent" and 007 for 7: say what each column is.
    convert = arrow_csv.ConvertOptions(
        column_types=texts | dict.fromkeys(_QUANTITIES, pa.float64()),
        null_values=[""],
        strings_can_be_null=True,
    )
    try:
        table = arrow_csv.read_csv(path, convert_options=convert)
    except pa.ArrowInvalid:
        # On one thread Arrow's message says the row, too.
        one_thread = arrow_csv.ReadOptions(use_threads=False)
        try:
            table = arrow_csv.read_csv(path, convert_options=convert, read_options=one_thread)
        except pa.ArrowInvalid as err:
            raise InputError(f"{path}: {_csv_fault(path, str(err))}") from err
    if "account" in table.column_names:
        ids = table.column("account")
        table = table.set_column(table.column_names.index("account"), "account", _ids(pa, ids))
    return table


def _csv_fault(path: Path, message: str) -> str:
    """Name the column in Arrow's message by its title, and the row."""
    found = _CSV_FAULT.search(message)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        names = next(csv.reader(file), [])
    if found is None or int(found["column"]) >= len(names):
        return message
    where = "" if found["row"] is None else f" in row {found['row']} (the first holds the names)"
    rule = "a number" if found["type"] == "double" else "text in UTF-8"
    value = "" if found["value"] is None else f", not {found['value']}"
    return f"{names[int(found['column'])]}{where} must be {rule}{value}"


def _ids(pa: Any, texts: Any) -> Any:
    """Return ids as int64 where every one is a plain integer, else as they are."""
    compute = require("pyarrow.compute", extra="cli", purpose="reading CSV")
    plain = compute.match_substring_regex(texts, f"^(?:{_INTEGER.pattern})$")
    if not len(texts) or not compute.all(plain, skip_nulls=False).as_py():
        return texts
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return texts


def _rows_or_answers(path: Path, mode: str | None) -> Accounts | tuple[str, Any]:
    """Return the book of rows; or the mode of answers of the exchange, with them."""
    from pymargin.accounts import Accounts

    found = read_answer(path)
    if isinstance(found, Mapping) and "account" in found:
        found = [found]
    if isinstance(found, list) and all(isinstance(x, Mapping) and "account" in x for x in found):
        return Accounts.from_rows(found)
    kind = _mode_of_answers(path, found, mode)
    if kind is not None:
        return kind, found
    if isinstance(found, list):
        return Accounts.from_rows(found)
    raise InputError(
        f"{path} must be a JSON list of rows, one for each account, or answers of the exchange "
        "about one account"
    )


def _mode_of_answers(path: Path, found: Any, mode: str | None) -> str | None:
    """Return the mode of answers of the exchange; None for what is none.

    Raises
    ------
    InputError
        They do not say their mode, or are of isolated margin.
    """
    from pymargin.adapters.binance_answers import Answers, is_isolated_margin
    from pymargin.adapters.binance_modes import possible_modes, stated_mode
    from pymargin.errors import Problem
    from pymargin.rules.contracts import contract_from_name

    if is_isolated_margin(found):
        raise InputError(
            f"{path} is an answer about isolated margin, which is out of scope for now"
        )
    answers, strangers = Answers(), list[Problem]()
    answers.add_decoded(found, str(path), strangers)
    if not answers.is_about_an_account:
        return None
    if mode is not None:
        return mode
    symbols = {str(item.values["symbol"]) for item in answers.positions}
    products = {x.product for x in map(contract_from_name, symbols) if x is not None}
    possible = possible_modes(answers, products)
    said = stated_mode(answers) or (possible[0] if len(possible) == 1 else None)
    if said is None:
        choices = " or ".join(f"--mode {one}" for one in possible)
        raise InputError(
            f"{path} is the exchange's answer about one account and does not say its mode: "
            f"give {choices}"
        )
    return said


def read_answer(path: Path) -> Any:
    """Return the JSON of a file, in which no object may give a key twice.

    Raises
    ------
    InputError
        It is no JSON.
    """

    def refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{path} gives {repeated!r} twice in one object")
        return read

    try:
        return json.loads(path.read_bytes(), object_pairs_hook=refuse_repeats)
    except (ValueError, RecursionError) as err:
        raise InputError(f"{path} is not valid JSON: {err}") from err


def read_rules(source: str) -> MarginRules:
    """Read rules: ``example``, ``builtin``, ``builtin@MOMENT`` or a canonical file.

    Raises
    ------
    InputError
        There are no such rules, or the file has faults.
    """
    from pymargin.rules import builtin_rules, example_rules, load_rules

    name, at, moment = source.partition("@")
    with blamed_on(source):
        if source == "example":
            return example_rules()
        if name == "builtin":
            return builtin_rules(at=moment if at else None)
        if not Path(source).exists():
            raise InputError(
                f"{source} does not exist; rules are a file, builtin, "
                "builtin@2026-01-21T13:00Z (any moment) or example"
            )
        return load_rules(source)


def find_id(accounts: Accounts, text: str) -> int | str:
    """Return an id as the book has it: ids of digits may be int or str."""
    if accounts._ids.kind == "int" and _INTEGER.fullmatch(text):
        return int(text)
    return text

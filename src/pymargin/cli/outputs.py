"""Writes results: whole or not at all, and never over an input."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymargin._extras import require
from pymargin.cli.faults import InputError
from pymargin.rules.methodology import moment_text

if TYPE_CHECKING:
    from pymargin.results import Levels

__all__ = ["check_target", "metadata_path", "replacing", "write_levels", "write_table"]

_ROWS_AT_ONCE = 65_536
_SUFFIXES = (".parquet", ".csv", ".json")
_PREFIX = "pymargin."
# Metadata that are JSON themselves.
_NESTED = ("impacts",)

Batches = Iterable[Any]


def check_target(
    path: Path,
    *,
    option: str = "--out",
    suffixes: tuple[str, ...] = _SUFFIXES,
    inputs: Iterable[Path] = (),
) -> None:
    """Refuse a target that cannot be written, or that is one of the inputs, before any work.

    Raises
    ------
    InputError
        Wrong suffix, no such directory, a directory itself, or an input.
    """
    if path.is_dir():
        raise InputError(f"{option} must be a file, and {path} is a directory")
    if path.suffix.lower() not in suffixes:
        known = " or ".join([", ".join(suffixes[:-1]), suffixes[-1]] if suffixes[1:] else suffixes)
        raise InputError(f"{option} must end in {known}, not {path.name}")
    if not path.parent.is_dir():
        raise InputError(
            f"{option} must lie in a directory that exists, and {path.parent} does not"
        )
    about = metadata_path(path)
    for given in inputs:
        for written in (path, *([] if about is None else [about])):
            if written.exists() and given.exists() and written.samefile(given):
                raise InputError(f"{option} must not be one of the inputs, and {written} is one")


def metadata_path(path: Path) -> Path | None:
    """Return where the provenance of a CSV or JSON file is written; None where it has room.

    The name is that of the W3C's metadata for tabular data.
    """
    is_plain = path.suffix.lower() in (".csv", ".json")
    return path.with_name(f"{path.name}-metadata.json") if is_plain else None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to; what is there takes the target's place only when it is whole."""
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def write_levels(found: Levels, path: Path, advance: Callable[[int], None]) -> None:
    """Write every field of a result by the suffix of the path, with the actions in words.

    Parameters
    ----------
    found
        The result.
    path
        Its suffix is .parquet, .csv or .json. JSON has no infinity: there ``inf``, ``-inf`` and
        ``nan`` are texts.
    advance
        Told the number of rows after each part.
    """
    from pymargin.adapters.results import action_names

    pa = require("pyarrow", extra="cli", purpose="writing results")
    table = found.to_arrow()
    write_table(table.append_column("action_names", action_names(pa, found.actions)), path, advance)


def write_table(table: Any, path: Path, advance: Callable[[int], None] = lambda _: None) -> None:
    """Write an Arrow table by the suffix of the path, as `write_levels` does.

    Parquet carries the table's metadata, the provenance, in its schema; beside CSV and JSON they
    are written to a file of their own, ``metadata_path(path)``.
    """
    batches = table.to_batches(max_chunksize=_ROWS_AT_ONCE)
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".json": _write_json}
    with replacing(path) as partial:
        writers[path.suffix.lower()](table.schema, _told(batches, advance), partial)
    about = metadata_path(path)
    if about is not None:
        with replacing(about) as partial:
            partial.write_text(_metadata_text(table.schema.metadata or {}), encoding="utf-8")


def _metadata_text(metadata: dict[bytes, bytes]) -> str:
    texts = {key.decode().removeprefix(_PREFIX): text.decode() for key, text in metadata.items()}
    found = {name: json.loads(x) if name in _NESTED else x for name, x in texts.items()}
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _told(batches: Batches, advance: Callable[[int], None]) -> Batches:
    for batch in batches:
        yield batch
        advance(batch.num_rows)


def _write_parquet(schema: Any, batches: Batches, path: Path) -> None:
    parquet = require("pyarrow.parquet", extra="cli", purpose="writing Parquet")
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_csv(schema: Any, batches: Batches, path: Path) -> None:
    csv = require("pyarrow.csv", extra="cli", purpose="writing CSV")
    with csv.CSVWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_json(_schema: Any, batches: Batches, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        separator = "\n"
        for batch in batches:
            for row in batch.to_pylist():
                plain = {name: _json_value(value) for name, value in row.items()}
                file.write(separator + json.dumps(plain, ensure_ascii=False, allow_nan=False))
                separator = ",\n"
        file.write("\n]\n")


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment_text(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value

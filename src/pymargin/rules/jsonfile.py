"""Decodes JSON without losing anything: numbers keep their text, a repeated key is seen."""

from __future__ import annotations

import gzip
import json
import zlib
from decimal import Decimal
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from pymargin.errors import Problem, RulesError

__all__ = ["decode", "read_json"]


_GZIP = b"\x1f\x8b"


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys it was given more than once."""

    duplicates: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    read = _Object(pairs)
    if len(read) < len(pairs):
        keys = [key for key, _ in pairs]
        read.duplicates = tuple({key for key in keys if keys.count(key) > 1})
    return read


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def decode(content: str | bytes) -> Any:
    """Decode JSON text: numbers with a point as Decimal, objects that know their repeated keys.

    Raises
    ------
    ValueError
        The text is not JSON, is nested too deeply, or is not UTF-8.
    """
    if isinstance(content, bytes):
        content = content.decode("utf-8-sig")
    try:
        return json.loads(
            content,
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_int=lambda digits: int(digits) if len(digits) < 40 else Decimal(digits),
            parse_constant=_refuse,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _plain(content: bytes) -> bytes:
    """Unpack what is gzipped, as stored answers often are."""
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as err:
        raise ValueError(f"gzip: {err}") from err


def read_json(path: str | PathLike[str]) -> Any:
    """Read and decode a JSON file, gzipped or not.

    Raises
    ------
    RulesError
        The file cannot be read, or is not JSON.
    """
    name = fspath(path)
    try:
        return decode(_plain(Path(name).read_bytes()))
    except OSError as err:
        reason = err.strerror or str(err)
        raise RulesError([Problem(str(name), f"cannot be read: {reason}")]) from err
    except ValueError as err:
        raise RulesError([Problem(str(name), f"is not valid JSON: {err}")]) from err

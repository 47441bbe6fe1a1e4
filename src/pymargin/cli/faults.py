"""What is wrong with the input of a command, in lines for stderr."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pymargin.cli.wording import in_options
from pymargin.errors import AccountsError, MarginError, UnpricedError

__all__ = ["BAD_INPUT", "INCOMPLETE", "InputError", "blamed_on", "lines_of"]

INCOMPLETE = 1
# Of Cross Margin Classic accounts without a leverage.
_LEVERAGE = re.compile(r"leverage must be .*not (absent|None)")
BAD_INPUT = 2


class InputError(Exception):
    """Bad input; the message may have several lines."""


@contextmanager
def blamed_on(source: object) -> Iterator[None]:
    """Turn whatever reading an input raises into a fault that names it."""
    try:
        yield
    except ImportError:
        raise
    except (MarginError, OSError, ValueError, TypeError, LookupError) as err:
        # Arrow's errors are of these kinds too.
        raise InputError(_named(str(source), lines_of(err))) from err


def lines_of(err: BaseException) -> list[str]:
    """Return the lines of an error, with advice where the command line has an option for it."""
    if isinstance(err, OSError) and err.strerror:
        # Arrow puts the whole story, with the file's name, into strerror.
        what = "No such file or directory" if isinstance(err, FileNotFoundError) else err.strerror
        return [f"{err.filename}: {what}" if err.filename else what]
    lines = in_options(str(err)).splitlines() or [type(err).__name__]
    if isinstance(err, UnpricedError):
        lines.append("(--missing flag evaluates the other accounts and flags these)")
    if isinstance(err, AccountsError) and any(map(_LEVERAGE.search, lines)):
        lines.append("(--leverage 3 or --leverage 5 gives it to the accounts without one)")
    return lines


def _named(source: str, lines: list[str]) -> str:
    if len(lines) == 1:
        return lines[0] if source in lines[0] else f"{source}: {lines[0]}"
    return "\n".join([f"{source}:", *(f"  {line}" for line in lines)])

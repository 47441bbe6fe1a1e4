"""Collects every fault of an input with its path, and reads scalars without losing a digit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Integral
from typing import Any

from pymargin.errors import Problem, RulesError

__all__ = ["MAX_DIGITS", "Findings", "child", "plain", "shown"]

MAX_DIGITS = 18
"""Most significant digits, whole digits and decimal places of a rate, cap or threshold."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_DECIMAL = re.compile(r"Decimal\('([^']*)'\)")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = 60
_LARGEST = 1_000_000_000
_LONGEST_INT = 200


def child(path: str, key: str) -> str:
    """Extend a JSON path by an object's key."""
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}[{json.dumps(key)}]"


def shown(found: object) -> str:
    """Show a value on one short line."""
    text = _DECIMAL.sub(r"\1", repr(found))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def plain(number: Decimal) -> str:
    """Write a decimal without exponent, trailing zeros or minus zero."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _too_long(number: Decimal) -> bool:
    """Tell whether a finite decimal breaks one of the three limits of 18."""
    if not number:
        return False
    _, digits, exponent = number.as_tuple()
    significant = len(digits)
    while digits[significant - 1] == 0:
        significant -= 1
    places = -(int(exponent) + len(digits) - significant)
    return significant > MAX_DIGITS or places > MAX_DIGITS or number.adjusted() >= MAX_DIGITS


def _is_unicode(text: str) -> bool:
    """Tell a text from one with half a surrogate pair, which no file can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class Findings:
    """The problems of one input, in the order in which they were found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def error(
        self, path: str, what: str, *, found: object = None, expected: str | None = None
    ) -> None:
        """Note a fault that refuses the input."""
        self._note(path, what, found, expected, is_error=True)

    def warning(
        self, path: str, what: str, *, found: object = None, expected: str | None = None
    ) -> None:
        """Note something that loads all the same."""
        self._note(path, what, found, expected, is_error=False)

    def _note(
        self, path: str, what: str, found: object, expected: str | None, *, is_error: bool
    ) -> None:
        if found is None and expected is not None:
            found = "null"
        elif isinstance(found, int) and found.bit_length() > _LONGEST_INT:
            found = "a very large number"
        elif found is not None and not isinstance(found, str | int | float | Decimal):
            found = shown(found)
        elif len(str(found)) > _SHOWN and expected is not None:
            found = f"{str(found)[: _SHOWN - 3]}..."
        severity: Any = "error" if is_error else "warning"
        self.problems.append(Problem(path, what, found, expected, severity))

    @property
    def errors(self) -> list[Problem]:
        """Only the faults that refuse the input."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Only what loads all the same."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def raise_errors(self) -> None:
        """Raise RulesError with every error, if there is one."""
        if self.errors:
            raise RulesError(self.errors)

    def decimal(self, path: str, given: object) -> Decimal | None:
        """Read a number from text, int, float (its shortest decimal) or Decimal."""
        number: Decimal | None = None
        if isinstance(given, str) and _NUMBER.fullmatch(given):
            number = Decimal(given)
        elif isinstance(given, Decimal):
            number = given
        elif isinstance(given, Integral) and not isinstance(given, bool):
            number = Decimal(int(given))
        elif isinstance(given, float):
            number = Decimal(float.__repr__(given))
        if number is None or not number.is_finite():
            self.error(path, "bad type", found=given, expected="a decimal number")
            return None
        return number

    def limited(self, path: str, number: Decimal) -> bool:
        """Check the limits of 18 digits that keep a decision exact."""
        if _too_long(number):
            self.error(
                path,
                "too many digits",
                found=number,
                expected=f"below 10^{MAX_DIGITS} with at most {MAX_DIGITS} significant digits"
                f" and {MAX_DIGITS} decimal places",
            )
            return False
        return True

    def number(self, path: str, given: object) -> Decimal | None:
        """Read a number and check its limits; the result is written without an exponent."""
        number = self.decimal(path, given)
        if number is None or not self.limited(path, number):
            return None
        return Decimal(plain(number))

    def integer(
        self, path: str, given: object, *, at_least: int, strict: bool = False
    ) -> int | None:
        """Read a whole number from an int or, unless ``strict``, a text or number that is one."""
        number: int | None = None
        if isinstance(given, int) and not isinstance(given, bool):
            number = given
        elif isinstance(given, str) and re.fullmatch(r"[0-9]{1,9}", given) and not strict:
            number = int(given)
        elif isinstance(given, Decimal | float) and not strict:
            figure = Decimal(given)
            if figure.is_finite() and abs(figure) < _LARGEST and figure == int(figure):
                number = int(figure)
        if number is None or not at_least <= number < _LARGEST:
            self.error(
                path, "bad type", found=given, expected=f"a whole number of at least {at_least}"
            )
            return None
        return number

    def text(self, path: str, given: object) -> str | None:
        """Read a text."""
        if not isinstance(given, str) or not _is_unicode(given):
            self.error(path, "bad type", found=given, expected="a text")
            return None
        return given

    def name(self, path: str, given: object) -> str | None:
        """Read the name of an asset: not empty, printable, no white space."""
        if not isinstance(given, str) or not given or " " in given or not given.isprintable():
            self.error(path, "bad name", found=given, expected="a name without spaces")
            return None
        return given

    def items(self, path: str, given: object, *, what: str) -> list[tuple[str, Any]]:
        """Read a list that is not empty, as (path, item) pairs."""
        if not isinstance(given, list | tuple):
            self.error(path, "bad type", found=given, expected=f"a list of {what}")
            return []
        if not given:
            self.error(path, "empty", found="empty", expected=f"a list of at least one of {what}")
        return [(f"{path}[{position}]", item) for position, item in enumerate(given)]

    def fields(
        self,
        path: str,
        given: object,
        *,
        what: str,
        required: Iterable[str] = (),
        optional: Iterable[str] | None = (),
    ) -> Mapping[str, Any] | None:
        """Read an object; None for ``optional`` tolerates any further key."""
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            self.error(path, "bad type", found=given, expected=f"an object: {what}")
            return None
        for key in sorted(getattr(given, "duplicates", ())):
            self.error(child(path, key), "duplicate", found="twice", expected="given once")
        needed = tuple(required)
        for key in needed:
            if key not in given:
                self.error(child(path, key), "missing", found="absent", expected="given")
        if optional is not None:
            known = (*needed, *optional)
            for key in given:
                if key not in known:
                    self.error(
                        child(path, key),
                        "unknown key",
                        found=shown(key),
                        expected=f"one of {', '.join(known)}",
                    )
        return given

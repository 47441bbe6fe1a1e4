"""The error types: each carries every problem that was found, not only the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AccountsError",
    "MarginError",
    "PricesError",
    "Problem",
    "RulesError",
    "UnpricedError",
]

_LINES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Say what is wrong with one input, and where.

    Parameters
    ----------
    path
        Where: a JSON path (``$[3].brackets[0].maxDebt``) or a field
        (``balances[17].borrowed``).
    what
        The sentence shown when there is no ``expected``; otherwise a short name
        of the kind of fault (``gap``, ``duplicate``, ...).
    found, expected
        The value found, and the rule that it breaks ("must be ..., not ...").
    severity
        ``error`` refuses the input; ``warning`` loads it.
    """

    path: str
    what: str
    found: object = None
    expected: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        if self.expected is None:
            return f"{self.path}: {self.what}" if self.path else self.what
        return f"{self.path} must be {self.expected}, not {self.found}"


class MarginError(ValueError):
    """Base of every error that pymargin raises about its input."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = (Problem("", problems),)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [str(problem) for problem in self.problems[:_LINES_SHOWN]]
        hidden = len(self.problems) - len(lines)
        if hidden > 0:
            lines.append(f"... and {hidden} more")
        return "\n".join(lines)


class RulesError(MarginError):
    """A rules file or an exchange answer that cannot be used."""


class AccountsError(MarginError):
    """Accounts that cannot be used."""


class PricesError(MarginError):
    """Prices that cannot be used."""


class UnpricedError(PricesError):
    """A held asset or a debt without a price, schedule or brackets."""

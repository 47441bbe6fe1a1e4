"""check_rules: finds out what a source is and says all that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from pymargin.errors import Problem, RulesError
from pymargin.rules.binance import answer_of, read_answers
from pymargin.rules.file import read_document
from pymargin.rules.findings import Findings, shown
from pymargin.rules.jsonfile import read_json
from pymargin.rules.model import MarginRules

__all__ = ["check_rules"]

_EXPECTED = (
    "a rules file or an answer of crossMarginCollateralRatio, leverageBracket, collateralRate,"
    " margin-asset-leverage or exchangeInfo, or ccxt's leverage tiers"
)


def check_rules(source: object) -> list[Problem]:
    """Say all that is wrong with rules, without raising.

    Parameters
    ----------
    source
        A path, the decoded JSON of a rules file or of an answer of the exchange (recognised by
        its shape), or MarginRules.

    Returns
    -------
    list[Problem]
        Errors, which ``load_rules`` and ``rules_from_binance`` would raise, and warnings; empty
        where all is well. A source that cannot be read is a problem too.

    Examples
    --------
    >>> [str(problem) for problem in check_rules({"format": "pymargin-rules", "version": 1,
    ...     "tables": {"collateral": [{"assets": ["BTC"], "tiers": [{"rate": "1.5"}]}]}})]
    ['$.tables.collateral[0].tiers[0].rate must be between 0 and 1, not 1.5']
    """
    try:
        if isinstance(source, MarginRules):
            return list(source.problems())
        return _check(_content(source))
    except RulesError as err:
        return list(err.problems)
    except Exception as err:
        return [Problem("$", f"cannot be checked: {type(err).__name__}: {err}")]


def _content(source: object) -> Any:
    if isinstance(source, str | PathLike):
        return read_json(fspath(source))
    return source


def _check(content: object) -> list[Problem]:
    if isinstance(content, Mapping) and ("format" in content or "tables" in content):
        findings = Findings()
        rules, problems = read_document(findings, content), findings.problems
    else:
        argument = answer_of(content)
        if argument is None:
            found = shown(content)
            return [Problem("$", "shape", found=found, expected=_EXPECTED)]
        answer: Any = content
        rules, problems = read_answers({argument: answer}, at=None)
    return problems if rules is None else list(rules.problems())

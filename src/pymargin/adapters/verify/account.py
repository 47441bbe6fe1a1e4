"""Reads the answers about one account and looks at every figure that can be recomputed."""

from __future__ import annotations

from typing import Any, Literal

from pymargin.adapters.binance_answers import Answers
from pymargin.adapters.binance_modes import possible_modes, stated_mode
from pymargin.adapters.verify.cross import check_names, verify_cross
from pymargin.adapters.verify.futures import verify_assets, verify_totals
from pymargin.adapters.verify.inputs import Inputs, known_prices
from pymargin.adapters.verify.judge import Judge
from pymargin.adapters.verify.legs import Leg, legs_of, verify_legs
from pymargin.adapters.verify.liquidation import verify_liquidation
from pymargin.adapters.verify.portfolio import verify_balances, verify_summaries
from pymargin.errors import AccountsError, Problem
from pymargin.modes import Mode
from pymargin.prices import PriceSource
from pymargin.provenance import Provenance
from pymargin.rules import MarginRules
from pymargin.verify import VerifyReport

__all__ = ["verified"]

_FIGURES = "an answer about an account that holds a figure to recompute"


def verified(
    answer: Any,
    prices: PriceSource | None,
    rules: MarginRules,
    *,
    mode: Mode | str | None,
    leverage: int | None,
    multi_assets: bool | None,
    withdrawal: Literal["maintenance", "initial"],
    collateral: Literal["gross", "net"],
) -> VerifyReport:
    """Return what became of every figure; see `pymargin.verify`."""
    judge, answers = Judge(), Answers()
    answers.add(answer, "answer", judge.problems)
    for item in answers.crosses:
        check_names(judge, item)
    _refuse(judge)
    _check_one_account(answers)
    inputs = Inputs(
        answers=answers,
        judge=judge,
        rules=rules,
        prices=known_prices(prices, answers, rules),
        leverage=leverage,
        multi_assets=multi_assets,
        withdrawal=withdrawal,
        collateral=collateral,
    )
    legs, inputs = legs_of(inputs)
    _refuse(judge)
    read = _mode_of(judge, answers, legs, mode)
    methodology = rules.methodology.get(read)
    if methodology is None:
        raise AccountsError(f"the rules state no methodology for {read} at {rules.moment}")
    for item in answers.crosses:
        verify_cross(inputs, read, item)
    verify_summaries(inputs, read, legs)
    verify_balances(inputs, legs)
    verify_totals(inputs)
    verify_assets(inputs, legs)
    verify_legs(inputs, legs)
    verify_liquidation(inputs, read, legs)
    _refuse(judge)
    if not judge.figures:
        raise AccountsError([Problem("answer", "empty", "without any", _FIGURES)])
    return VerifyReport(
        figures=tuple(judge.figures),
        remarks=tuple(judge.remarks),
        mode=str(read),
        provenance=Provenance.of(rules, methodology),
    )


def _refuse(judge: Judge) -> None:
    """Raise all that is no number, or not of its shape, a problem once."""
    if judge.problems:
        raise AccountsError({str(problem): problem for problem in judge.problems}.values())


def _check_one_account(answers: Answers) -> None:
    kinds = {
        "cross margin": answers.crosses,
        "portfolio margin": answers.summaries,
    }
    others = [*answers.summaries, *answers.balances, *answers.wallets, *answers.positions]
    for what, items in kinds.items():
        if len(items) > 1:
            rule = f"about one account, and so of one answer about {what}"
            raise AccountsError([Problem("answer", "accounts", f"of {len(items)}", rule)])
    if answers.crosses and others:
        rule = "about one account: cross margin by itself"
        raise AccountsError([Problem(others[0].path, "mode", "about another mode", rule)])


def _mode_of(judge: Judge, answers: Answers, legs: list[Leg], mode: Mode | str | None) -> Mode:
    """Return the mode: as it is given, as the answer says, or as its shape tells."""
    possible = possible_modes(answers, {leg.product for leg in legs})
    if mode is not None:
        if mode not in possible:
            rule = f"one of {', '.join(possible)} for these answers"
            raise AccountsError([Problem("mode", "mode", repr(str(mode)), rule)])
        return Mode(mode)
    said = stated_mode(answers)
    if said in possible:
        return said
    if len(possible) > 1:
        judge.remark(
            f"The answers do not say their mode: they are read as of {possible[0]}, rather than"
            f" {' or '.join(possible[1:])} (mode= says which)."
        )
    return possible[0]

"""Answers of the exchange's shape whose figures are made by decimals, apart from the package."""

from __future__ import annotations

import copy
import re
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pymargin as pm
from pymargin.rules import Group, LoanMargin

D = Decimal
UNIT = D("0.00000001")


def cut(number: Decimal) -> str:
    """Cut to 8 decimals, as the exchange prints margins."""
    return f"{number.quantize(UNIT, rounding=ROUND_DOWN):f}"


def tiers(*lines: tuple[str, str | None, str, str | None]) -> tuple[pm.Tier, ...]:
    """Return tiers of floor, cap, rate and leverage."""
    return tuple(
        pm.Tier(D(a), None if b is None else D(b), D(r), None if x is None else int(x))
        for a, b, r, x in lines
    )


BTC_TIERS = tiers(
    ("0", "50000", "0.004", "125"),
    ("50000", "250000", "0.005", "100"),
    ("250000", "3000000", "0.01", "50"),
)
# 50,000 * 0.1 %, and 250,000 * 0.5 % on top.
BTC_CUM = {"0.004": D(0), "0.005": D(50), "0.01": D(1300)}
ETH_TIERS = tiers(("0", "100000", "0.005", "75"), ("100000", "500000", "0.0065", "50"))
ETH_CUM = {"0.005": D(0), "0.0065": D(150)}
COIN_TIERS = tiers(("0", "5", "0.004", "125"), ("5", "10", "0.005", "100"))
COIN_CUM = {"0.004": D(0), "0.005": D("0.005")}

RULES = pm.MarginRules(
    tables={
        "usdm": [
            Group(BTC_TIERS, assets=("BTCUSDT",)),
            Group(ETH_TIERS, assets=("ETHUSDT", "ETHUSDC")),
        ],
        "coinm": [Group(COIN_TIERS, assets=("BTCUSD_PERP",))],
        "collateral": [
            Group(tiers(("0", None, "1", None)), assets=("USDT",)),
            Group(
                tiers(("0", "100000", "1", None), ("100000", "200000", "0.9", None)),
                assets=("BTC", "ETH"),
            ),
        ],
        "liability_maintenance": [
            Group(
                tiers(("0", "10000", "0.02", None), ("10000", "90000", "0.05", None)),
                assets=("USDT", "ETH"),
            )
        ],
        "liability_initial": [
            Group(
                tiers(("0", "10000", "0.1112", None), ("10000", "90000", "0.2", None)),
                assets=("USDT", "ETH"),
            )
        ],
        "portfolio": [
            Group(tiers(("0", None, "1", None)), assets=("USDT",)),
            Group(tiers(("0", None, "0.95", None)), assets=("BTC",)),
        ],
        "portfolio_pro": [
            Group(tiers(("0", None, "1", None)), assets=("USDT",)),
            Group(
                tiers(("0", "50000", "1", None), ("50000", "900000", "0.9", None)),
                assets=("BTC",),
            ),
        ],
    },
    methodology={**pm.example_rules().methodology, "cross_classic": "classic_2026_01"},
    loan_margin={5: LoanMargin(5, D("0.08"))},
)


def changed(answer: Any, path: str, value: Any) -> Any:
    """Return answers with another value at a path such as ``answer[0].assets[1].maintMargin``."""
    answer = copy.deepcopy(answer)
    steps = re.findall(r"\[(\d+)\]|\.(\w+)", path.removeprefix("answer"))
    found = answer
    for number, name in steps[:-1]:
        found = found[int(number)] if number else found[name]
    number, name = steps[-1]
    found[name] = value
    return answer


def assert_mutations_are_found(answer: Any, prices: Any, **options: Any) -> int:
    """Move every figure just out of its tolerance, either way; its line must differ."""
    whole = pm.verify(answer, prices, RULES, **options)
    assert whole.ok, str(whole)
    for figure in whole:
        for sign in (1, -1):
            moved = figure.theirs + sign * (figure.tolerance + 2 * UNIT)
            found = pm.verify(changed(answer, figure.path, f"{moved:f}"), prices, RULES, **options)
            line = [one for one in found if (one.path, one.basis) == (figure.path, figure.basis)]
            assert [one.verdict for one in line] == ["differs"], (figure.path, moved, str(found))
    return len(whole)

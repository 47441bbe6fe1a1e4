"""A margin-call ratio of an account's own holds in the mode that its row is of, in no other."""

from __future__ import annotations

from typing import Any

import pytest

import pymargin as pm
from pymargin import oracle

RULES = pm.example_rules()
PRICES = {"BTC": 60_000}
CALL = pm.Action.MARGIN_CALL


def row(free: float, ratio: float, **more: Any) -> dict[str, Any]:
    balances = [{"asset": "USDT", "free": free}, {"asset": "BTC", "borrowed": 0.1}]
    return {"account": "n", "margin_call_ratio": ratio, "balances": balances, **more}


# A Pro margin level of about 1.26: below 1.5, above 1.
PRO_CALLED = 6240


def actions(name: str, given: dict[str, Any]) -> pm.Action:
    book = pm.Accounts.from_rows([given])
    found = pm.Action(int(getattr(pm, name)(book, PRICES, RULES).actions[0]))
    assert getattr(oracle, name)(given, PRICES, RULES).actions == found
    return found


def test_a_ratio_of_classic_is_none_of_pro() -> None:
    assert not actions("cross_pro", row(PRO_CALLED, 1.3, mode="cross_pro")) & pm.Action.LIQUIDATE
    called = actions("cross_pro", row(PRO_CALLED, 1.15, mode="cross_classic", leverage=5))
    assert called & CALL


def test_a_ratio_of_pro_is_none_of_classic() -> None:
    given = row(8400, 2, mode="cross_pro", leverage=3)
    assert not actions("cross_classic", given) & CALL
    assert actions("cross_classic", given | {"mode": "cross_classic"}) & CALL
    assert actions("cross_classic", row(8400, 2, leverage=3)) & CALL


@pytest.mark.parametrize("ratio", [1.2, 2.1])
def test_a_row_of_no_mode_must_have_a_ratio_that_pro_takes(ratio: float) -> None:
    given = row(PRO_CALLED, ratio)
    said = f"margin_call_ratio must be from 1.3 to 2 in cross_pro, not {ratio}"
    other = row(1, 1.4) | {"account": "another"}
    with pytest.raises(pm.AccountsError) as caught:
        pm.cross_pro(pm.Accounts.from_rows([given, other]),
                     PRICES, RULES)  # fmt: skip
    assert str(caught.value) == said + " (account 'n')"
    with pytest.raises(pm.AccountsError, match=said):
        oracle.cross_pro(given, PRICES, RULES)


def test_questions_and_explanations_take_the_same_ratio() -> None:
    given = row(8400, 2, mode="cross_pro", leverage=3)
    book = pm.Accounts.from_rows([given])
    explained = pm.explain(book, PRICES, RULES, "n", mode="cross_classic")
    assert not explained.actions & CALL
    kept = {"prices": PRICES, "rules": RULES}
    lacking = pm.shortfall(book, **kept, to="margin_call", mode="cross_classic")
    assert lacking.usdt.tolist() == [0.0]
    ours = pm.liquidation_price(book, PRICES, RULES, "BTC", at="margin_call", mode="cross_classic")
    theirs = oracle.liquidation_price(
        given, PRICES, RULES, "BTC", at="margin_call", mode="cross_classic"
    )
    assert ours.above[0] == pytest.approx(8400 / 0.13)
    assert theirs.above == pytest.approx(8400 / 0.13)

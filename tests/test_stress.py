"""What a stress grid says, against single evaluations, counting, and the oracle."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import make_rules

import pymargin as pm
from pymargin import _core, oracle
from pymargin.oracle.schedule import exact_decimal
from pymargin.rules import Line, ModeThresholds

FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
RULES = make_rules(
    {
        "collateral": {
            "X": ((100, 1), (1000, "0.5")),
            "Y": ((None, "0.9"),),
            "USDC": ((None, 1),),
            "USDT": ((None, 1),),
        },
        **{
            table: dict.fromkeys(("X", "Y", "USDC", "USDT"), ((None, rate),))
            for table, rate in (
                ("borrow", "0.8"),
                ("transfer_out", "0.5"),
                ("liability_maintenance", "0.1"),
                ("liability_initial", "0.2"),
            )
        },
    },
    classic="classic_2023",
)
PRICES = {"X": 10.0, "Y": 4.0, "USDC": 1.001}
ALL = tuple(pm.Action)


def row(account: int, mode: str, free: dict[str, float], borrowed: dict[str, float]) -> dict:
    balances = [{"asset": name, "free": units} for name, units in free.items()]
    balances += [{"asset": name, "borrowed": units} for name, units in borrowed.items()]
    return {"account": account, "mode": mode, "leverage": 3, "balances": balances}


ROWS = [
    row(1, "cross_classic", {"X": 10}, {"USDT": 50}),
    row(2, "cross_pro", {"X": 10}, {"USDT": 80}),
    row(3, "cross_classic", {"USDC": 100}, {"Y": 10}),
    row(4, "cross_pro", {"USDT": 100}, {"X": 5}),
    row(5, "cross_classic", {"X": 200}, {}),
    row(6, "cross_pro", {"Y": 30}, {"USDC": 90}),
]
BOOK = pm.Accounts.from_rows(ROWS)


def stress(shocks: Any, book: pm.Accounts = BOOK, prices: Any = PRICES, **options: Any) -> Any:
    return pm.stress(book, prices, RULES, shocks, **options)


def price_of(found: pm.Stress, asset: str) -> list[float]:
    return found.prices[:, BOOK.assets.index(asset)].tolist()


# What the shocks make of the prices.


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_factors_move_every_price_but_usdt(kind):
    found = stress(kind([1.0, 0.5, 0.3]))
    assert len(found) == 3
    assert price_of(found, "X") == [10.0, 5.0, 10.0 * 0.3]
    assert price_of(found, "Y") == [4.0, 2.0, 4.0 * 0.3]
    assert price_of(found, "USDT") == [1.0, 1.0, 1.0]


def test_factors_leave_stable_assets_of_the_rules_alone():
    assert price_of(stress([0.5]), "USDC") == [0.5 * 1.001]
    rules = RULES.replace(stable=frozenset({"USDC"}))
    assert price_of(pm.stress(BOOK, PRICES, rules, [0.5]), "USDC") == [1.001]


def test_mappings_move_what_they_name_and_nothing_else():
    found = stress([{}, {"X": 0.5}, {"USDT": 0.9, "USDC": 0.8, "X": 2}])
    assert price_of(found, "X") == [10.0, 5.0, 20.0]
    assert price_of(found, "Y") == [4.0, 4.0, 4.0]
    assert price_of(found, "USDC") == [1.001, 1.001, 1.001 * 0.8]
    assert price_of(found, "USDT") == [1.0, 1.0, 0.9]


def test_price_matrix_is_taken_as_it_is():
    matrix = np.array([[3.0, 0.99, 1.0, 0.0], [1e-100, 1e100, 7, 5]], order="F")
    assert stress(matrix).prices.tolist() == matrix.tolist()


def test_price_matrix_is_not_written_to_and_not_kept():
    matrix = np.ones((2, len(BOOK.assets)))
    found = stress(matrix)
    assert not np.shares_memory(found.prices, matrix)


def test_shocked_price_is_the_float_product():
    assert price_of(stress([0.1], prices={**PRICES, "X": 0.7}), "X") == [0.7 * 0.1]


# What a grid holds.


@FEW
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 5, 7, 17]))
def test_every_scenario_has_the_bits_of_its_single_evaluation(seed, m):
    rng = random.Random(seed)
    drawn = strategies.random_book(rng, 40, classic=rng.choice(strategies.CLASSIC), gaps=True)
    for entry in drawn.rows:
        entry["mode"] = rng.choice(("cross_classic", "cross_pro"))
    book = pm.Accounts.from_rows(drawn.rows)
    factors = [rng.choice((0.0, 0.5, 1.0, rng.lognormvariate(0, 0.5))) for _ in range(m)]
    found = pm.stress(book, drawn.prices, drawn.rules, factors, missing="flag")
    for k, prices in enumerate(found.prices):
        single = pm.evaluate(book, prices, drawn.rules, missing="flag")
        assert found.level[:, k].tobytes() == single.level.tobytes()
        assert found.actions[:, k].tobytes() == single.actions.tobytes()


def test_accounts_keep_their_order_when_modes_are_mixed():
    found = stress([0.9])
    prices = dict(zip(BOOK.assets, found.prices[0].tolist(), strict=True))
    for i, one in enumerate(ROWS):
        if one["mode"] == "cross_pro":
            exact = oracle.cross_pro(one, prices, RULES)
        else:
            exact = oracle.cross_classic(one, prices, RULES)
        assert pm.Action(int(found.actions[i, 0])) == exact.actions
        assert math.isclose(found.level[i, 0], exact.margin_level, rel_tol=1e-12)
    assert found.ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert found.methodology == "classic_2023+pro_2025"


@pytest.mark.parametrize("mode", ["cross_classic", pm.Mode.CROSS_PRO])
def test_mode_overrules_the_mode_of_each_account(mode):
    found = stress([0.7], mode=mode)
    function = pm.cross_classic if mode == "cross_classic" else pm.cross_pro
    expected = function(BOOK, found.prices[0], RULES)
    assert found.level[:, 0].tolist() == expected.margin_level.tolist()
    assert found.actions[:, 0].tolist() == expected.actions.tolist()
    assert found.methodology == expected.methodology


def test_leverage_fills_rows_that_state_none():
    rows = [{**one, "leverage": None} for one in ROWS]
    bare = pm.Accounts.from_rows(rows)
    assert stress([1.0], bare, leverage=3).actions.tolist() == stress([1.0]).actions.tolist()
    with pytest.raises(pm.AccountsError, match="leverage must be given"):
        stress([1.0], bare)


@pytest.mark.parametrize("mode", [None, "cross_classic", "cross_pro"])
def test_worst_level_is_the_least_and_worst_shock_the_first_that_has_it(mode):
    found = stress([1.0, 0.8, 1.3, 0.8, 0.8, 1.3], mode=mode)
    assert found.worst_level.tolist() == found.level.min(axis=1).tolist()
    assert found.worst_shock.tolist() == found.level.argmin(axis=1).tolist()


def test_worst_shock_of_an_account_that_owes_nothing_is_the_first():
    found = stress([0.5, 1.0, 2.0])
    assert found.worst_level[4] == math.inf
    assert found.worst_shock[4] == 0


@pytest.mark.parametrize("mode", [None, "cross_classic", "cross_pro"])
def test_worst_alone_stores_no_grid_and_says_the_same(mode):
    shocks = np.linspace(0.2, 2.1, 19)
    whole, worst = stress(shocks, mode=mode), stress(shocks, mode=mode, worst=True)
    assert worst.level is None
    assert worst.actions is None
    for name in ("worst_level", "worst_shock", "shortfall", "prices"):
        assert getattr(worst, name).tobytes() == getattr(whole, name).tobytes(), name
    for action in ALL:
        assert worst.action_counts[action].tolist() == whole.action_counts[action].tolist()


@pytest.mark.parametrize("mode", [None, "cross_classic", "cross_pro"])
def test_action_counts_are_the_actions_counted(mode):
    found = stress(np.linspace(0.2, 2.1, 19), mode=mode)
    assert set(found.action_counts) == set(ALL)
    for action in ALL:
        expected = (found.actions & action.value != 0).sum(axis=0)
        assert found.action_counts[action].tolist() == expected.tolist(), action
    assert found.action_counts[pm.Action.LIQUIDATE].any()


def lacking(one: dict[str, Any], prices: dict[str, float]) -> Fraction:
    """Return theta * D - N of an account that is due for liquidation, by the oracle."""
    if one["mode"] == "cross_pro":
        exact = oracle.cross_pro(one, prices, RULES)
        n = exact.net_collateral - exact.open_order_loss
        short = exact.maintenance_margin * exact_decimal(
            RULES.thresholds["cross_pro"].lines[0].at_most
        )
    else:
        exact = oracle.cross_classic(one, prices, RULES)
        n, short = exact.total_asset, exact.total_liability * Fraction(11, 10)
    return short - n if exact.actions & pm.Action.LIQUIDATE else Fraction(0)


def test_shortfall_is_what_liquidated_accounts_lack_of_their_threshold():
    found = stress([0.2, 0.5, 0.6, 1.0, 1.7])
    for k, row_of_prices in enumerate(found.prices.tolist()):
        prices = dict(zip(BOOK.assets, row_of_prices, strict=True))
        expected = sum(lacking(one, prices) for one in ROWS)
        assert math.isclose(found.shortfall[k], expected, rel_tol=1e-12, abs_tol=1e-9)
    assert found.shortfall[0] > 0


def test_account_exactly_on_its_threshold_is_liquidated_and_lacks_nothing():
    # 7 * 2.97 against 18.9 owed is 1.1; in float64 it is 1.1000000000000003.
    book = pm.Accounts.from_rows([row(1, "cross_classic", {"X": 7}, {"USDT": 18.9})])
    found = stress([0.5], book, {"X": 5.94})
    assert found.level[0, 0] > 1.1
    assert found.action_counts[pm.Action.LIQUIDATE].tolist() == [1]
    assert found.shortfall.tolist() == pytest.approx([0.0], abs=1e-12)


# Some results only, and into given arrays.

GRID_FIELDS = ("level", "actions")
BOOK_FIELDS = ("worst_level", "worst_shock", "action_counts", "shortfall")
FURTHER = ("collateral_margin_level", "borrow_margin_level", "transfer_out_margin_level")


def bits(found: pm.Stress, name: str) -> Any:
    values = found.further_levels[name] if name in FURTHER else getattr(found, name)
    if name == "action_counts":
        return {action: count.tolist() for action, count in values.items()}
    return values.tobytes()


@pytest.mark.parametrize("mode", [None, "cross_classic", "cross_pro"])
@pytest.mark.parametrize("name", [*GRID_FIELDS, *BOOK_FIELDS])
def test_a_field_alone_has_the_bits_it_has_among_all(mode, name):
    shocks = np.linspace(0.2, 2.1, 19)
    found = stress(shocks, mode=mode, fields=[name])
    assert found.fields == (name,)
    assert bits(found, name) == bits(stress(shocks, mode=mode), name)
    absent = {*GRID_FIELDS, *BOOK_FIELDS} - {name}
    assert [getattr(found, other) for other in absent] == [None] * len(absent)


@FEW
@given(st.integers(0, 2**32 - 1), st.sampled_from(strategies.CLASSIC), st.booleans())
def test_further_levels_have_the_bits_of_single_evaluations(seed, classic, with_actions):
    rng = random.Random(seed)
    drawn = strategies.random_book(rng, 40, classic=classic, gaps=True)
    book = pm.Accounts.from_rows(drawn.rows)
    factors = [rng.choice((0.0, 1.0, rng.lognormvariate(0, 0.5))) for _ in range(5)]
    fields = (*FURTHER, *(GRID_FIELDS if with_actions else ()))
    found = pm.stress(
        book,
        drawn.prices,
        drawn.rules,
        factors,
        mode="cross_classic",
        missing="flag",
        fields=fields,
    )
    for k, prices in enumerate(found.prices):
        single = pm.cross_classic(book, prices, drawn.rules, missing="flag")
        for name in FURTHER:
            column = np.ascontiguousarray(found.further_levels[name][:, k])
            assert column.tobytes() == getattr(single, name).tobytes(), name


@pytest.mark.parametrize("mode", [None, "cross_classic", "cross_pro"])
def test_an_earlier_result_is_filled_again(mode):
    fields = ("level", "action_counts", "worst_shock")
    expected = stress([0.4, 1.1], mode=mode, fields=fields)
    out = stress([1.0, 0.9], mode=mode, fields=fields)
    level = out.level
    assert stress([0.4, 1.1], mode=mode, out=out) is out
    assert out.level is level
    assert out.prices.tolist() == expected.prices.tolist()
    for name in fields:
        assert bits(out, name) == bits(expected, name), name


def test_available_margin_can_be_asked_for_where_all_accounts_are_pro():
    found = stress([0.9], mode="cross_pro", fields=["available_margin"])
    single = pm.cross_pro(BOOK, found.prices[0], RULES)
    assert found.further_levels["available_margin"][:, 0].tolist() == (
        single.available_margin.tolist()
    )
    with pytest.raises(ValueError, match="fields must be among"):
        stress([0.9], fields=["available_margin"])


@pytest.mark.parametrize("fields", ["level", ["lvl"], ["available_margin"], [1]])
def test_unknown_fields_are_refused_with_those_there_are(fields):
    with pytest.raises(ValueError, match=r"fields must be among \['level', 'actions', "):
        stress([1.0], mode="cross_classic", fields=fields)


def test_worst_alone_has_no_field_of_the_grid():
    assert stress([1.0], worst=True, fields=["worst_level"]).fields == ("worst_level",)
    with pytest.raises(ValueError, match=r"with worst=True, not \['level'\]"):
        stress([1.0], worst=True, fields=["level"])


def test_out_must_be_of_the_same_size_and_fields():
    out = stress([1.0, 0.5], fields=["level"])
    with pytest.raises(ValueError, match="of 6 accounts and 1 shock, not of 6 and 2"):
        stress([1.0], out=out)
    with pytest.raises(ValueError, match=r"fields must be those of out, \['level'\]"):
        stress([1.0, 0.5], out=out, fields=["actions"])
    with pytest.raises(ValueError, match="out must be a Stress, not int"):
        stress([1.0, 0.5], out=3)


# What cannot be valued.


def test_missing_price_is_an_error_that_says_how_many_hold_it():
    with pytest.raises(pm.UnpricedError, match=r"Y has no finite price: 1 account holds it"):
        stress([1.0], prices={"X": 10.0, "USDC": 1.0})


def test_missing_price_flags_its_accounts_under_every_shock():
    found = stress([1.0, 0.5, 0.2], prices={"X": 10.0, "USDC": 1.0}, missing="flag")
    assert np.isnan(found.level[[2, 5]]).all()
    assert np.isnan(found.worst_level[[2, 5]]).all()
    assert found.worst_shock[[2, 5]].tolist() == [-1, -1]
    assert (found.actions[2] == pm.Action.UNPRICED_DEBT).all()
    assert (found.actions[5] == pm.Action.UNPRICED_ASSET).all()
    assert found.action_counts[pm.Action.UNPRICED_ASSET].tolist() == [1, 1, 1]
    assert found.action_counts[pm.Action.UNPRICED_DEBT].tolist() == [1, 1, 1]


def test_price_that_is_missing_today_is_missing_in_a_matrix_too():
    matrix = np.full((2, len(BOOK.assets)), 5.0)
    found = stress(matrix, prices={"X": 10.0, "USDC": 1.0}, missing="flag")
    assert np.isnan(price_of(found, "Y")).all()
    assert np.isnan(found.worst_level).tolist() == [False, False, True, False, False, True]


def test_unpriced_accounts_lack_nothing():
    flagged = stress([0.2], prices={"X": 10.0, "USDC": 1.0}, missing="flag", mode="cross_classic")
    rest = stress([0.2], BOOK.select([0, 1, 3, 4]), mode="cross_classic")
    assert flagged.shortfall.tolist() == rest.shortfall.tolist()


def test_empty_book_has_an_empty_grid():
    found = stress([1.0, 0.5], pm.Accounts.from_rows([]))
    assert found.level.shape == (0, 2)
    assert found.shortfall.tolist() == [0.0, 0.0]


# Shocks that are refused.


@pytest.mark.parametrize("factor", [-0.5, math.nan, math.inf, 1e300, 1e-200])
@pytest.mark.parametrize("form", ["factors", "mapping", "matrix"])
def test_price_out_of_range_is_refused_with_its_asset_and_shock(factor, form):
    if form == "factors":
        shocks: Any = [1.0, factor]
    elif form == "mapping":
        shocks = [{}, {"X": factor}]
    else:
        shocks = np.ones((2, len(BOOK.assets)))
        shocks[1, BOOK.assets.index("X")] = factor
    with pytest.raises(pm.PricesError, match=r"price of X under shock 1 must be 0 or from"):
        stress(shocks)


@pytest.mark.parametrize("empty", [[], (), np.empty(0), np.empty((0, len(BOOK.assets)))])
def test_at_least_one_shock_is_needed(empty):
    with pytest.raises(pm.PricesError, match="at least one shock"):
        stress(empty)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_matrix_must_have_a_column_for_every_asset(width):
    with pytest.raises(pm.PricesError, match=r"of shape \(n_shocks, 4\), not \(2, "):
        stress(np.ones((2, width)))


def test_mappings_and_factors_do_not_mix():
    with pytest.raises(pm.PricesError, match="not both"):
        stress([{"X": 0.5}, 0.5])


@pytest.mark.parametrize("mode", ["isolated", "classic", ""])
def test_unknown_mode_is_refused_with_those_there_are(mode):
    with pytest.raises(ValueError, match=r"mode must be one of \['cross_classic', 'cross_pro', "):
        stress([1.0], mode=mode)


def test_accounts_without_a_mode_need_one():
    book = pm.Accounts.from_rows([{**ROWS[0], "mode": None}])
    with pytest.raises(pm.AccountsError, match="must state a mode"):
        stress([1.0], book)
    assert stress([1.0], book, mode="cross_classic").level.shape == (1, 1)


@pytest.mark.parametrize(
    ("shocks", "found"),
    [
        ({"X": 0.5}, r"not \{'X': 0.5\}"),
        (0.5, "not 0.5"),
        ([{"X": "a"}], r"shocks\[0\]\['X'\] must be a factor such as 0.9, not a"),
        ([[1, 0.5]], r"shocks\[0\] must be a factor such as 0.9, not \[1, 0.5\]"),
        ([True], r"shocks\[0\] must be a factor"),
        (np.ones((1, 1, 1)), "one or two dimensions"),
        (np.ones((2, 1), dtype=bool), "one or two dimensions"),
    ],
)
def test_what_is_no_shock_is_named(shocks, found):
    book = pm.Accounts.from_rows([{"account": 1, "balances": [{"asset": "X", "free": 1}]}])
    with pytest.raises(pm.PricesError, match=found):
        pm.stress(book, {"X": 1.0}, pm.example_rules(), shocks, mode="cross_pro")


@pytest.mark.parametrize("call", [pm.evaluate, lambda *a, **k: pm.stress(*a, [1.0], **k)])
def test_a_negative_number_of_threads_is_refused(call):
    row = {"account": 1, "mode": "cross_pro", "balances": [{"asset": "BTC", "free": 1}]}
    with pytest.raises(ValueError, match="threads must be at least 0, not -1"):
        call(pm.Accounts.from_rows([row]), {"BTC": 1.0}, pm.example_rules(), threads=-1)


@pytest.mark.parametrize("implementation", ["generic", "avx2"])
def test_only_accounts_that_are_liquidated_fall_short(implementation):
    """An earlier line may decide without liquidating, or liquidate above the first threshold."""
    if implementation != "generic" and _core.implementation() == "generic":
        pytest.skip("this processor has no vector implementation")
    earlier = Line("available_margin", Decimal("0.5"), ("REDUCE_ONLY",))
    line = Line("margin_level", Decimal(1), ("LIQUIDATE",))
    rules = pm.example_rules()
    thresholds = {**rules.thresholds, "cross_pro": ModeThresholds((earlier, line), ("TRADE",), ())}
    balances = [{"asset": "BTC", "free": 1}, {"asset": "USDT", "borrowed": 1}]
    book = pm.Accounts.from_rows([{"account": 1, "mode": "cross_pro", "balances": balances}])
    before = _core.implementation()
    try:
        _core.force_implementation(implementation)
        found = pm.stress(book, {"BTC": 1.0}, rules.replace(thresholds=thresholds), [1.0, 0.9])
    finally:
        _core.force_implementation(before)
    assert found.action_counts[pm.Action.LIQUIDATE].tolist() == [0, 0]
    assert found.shortfall.tolist() == [0, 0]

"""Results as the caller has them: fields, out, slot order, the worst, tables, provenance."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
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
from pymargin import oracle
from pymargin.oracle.schedule import exact_decimal

FEW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
NAMES = ("X", "Y", "USDT")
OPEN = dict.fromkeys(NAMES, ((None, 1),))
RULES = make_rules(
    {
        "collateral": OPEN,
        "borrow": OPEN,
        "transfer_out": OPEN,
        "liability_maintenance": dict.fromkeys(NAMES, ((None, "0.1"),)),
        "liability_initial": dict.fromkeys(NAMES, ((None, "0.2"),)),
    },
    classic="classic_2023",
)
PRICES = {"X": 1.0, "Y": 2.0}
FUNCTIONS = {"classic": pm.cross_classic, "pro": pm.cross_pro, "evaluate": pm.evaluate}
EACH_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
MODE_FUNCTIONS = pytest.mark.parametrize("function", [pm.cross_classic, pm.cross_pro])


def row(
    account: int | str, free: float, owed: float, *, locked: float = 0.0, mode: str | None = None
) -> dict[str, Any]:
    """Hold X, owe USDT."""
    balances = [
        {"asset": "X", "free": free, "locked": locked},
        {"asset": "USDT", "borrowed": owed},
    ]
    mode = mode or "cross_classic"
    return {"account": account, "mode": mode, "leverage": 3, "balances": balances}


def book(*rows: Mapping[str, Any]) -> pm.Accounts:
    return pm.Accounts.from_rows(rows)


ROWS = [
    row(f"u{i}", 10.0 + i % 7, 8.0, mode=("cross_pro", "cross_classic")[i % 2]) for i in range(11)
]
BOOK = book(*ROWS)


# Fields and out.


@EACH_FUNCTION
def test_all_fields_are_there_and_are_arrays_of_the_stated_type(function):
    found = function(BOOK, PRICES, RULES)
    assert found.names == type(found).fields
    for name in found.names:
        values = getattr(found, name)
        assert values.shape == (11,)
        assert values.dtype == (np.uint16 if name == "actions" else np.float64)


@EACH_FUNCTION
def test_fields_come_in_their_standard_order(function):
    first, *_, last = function(BOOK, PRICES, RULES).names
    found = function(BOOK, PRICES, RULES, fields=[last, first, last])
    assert found.names == (first, last)
    assert list(found.arrays()) == [first, last]


@EACH_FUNCTION
def test_field_that_was_not_asked_for_says_so(function):
    found = function(BOOK, PRICES, RULES, fields=["actions"])
    name = type(found).fields[0]
    with pytest.raises(AttributeError, match=f"{name} was not computed: it is not among fields="):
        getattr(found, name)


def test_name_that_is_no_field_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="ClassicLevels has no attribute 'margin'"):
        pm.cross_classic(BOOK, PRICES, RULES).margin  # noqa: B018


@EACH_FUNCTION
@pytest.mark.parametrize("fields", [["level_of_margin"], "actions", ["actions", "ids"]])
def test_unknown_fields_are_refused(function, fields):
    with pytest.raises(ValueError, match="fields must be among"):
        function(BOOK, PRICES, RULES, fields=fields)


@EACH_FUNCTION
def test_out_is_filled_and_returned(function):
    out = function(BOOK, PRICES, RULES)
    arrays = out.arrays()
    doubled = {"X": 2.0, "Y": 2.0}
    assert function(BOOK, doubled, RULES, out=out) is out
    expected = function(BOOK, doubled, RULES)
    for name, values in arrays.items():
        assert getattr(out, name) is values
        assert values.tobytes() == getattr(expected, name).tobytes()


@EACH_FUNCTION
def test_out_may_come_from_another_book_of_the_same_length(function):
    other = book(*({**one, "account": i} for i, one in enumerate(reversed(ROWS))))
    out = function(BOOK, PRICES, RULES)
    assert function(other, PRICES, RULES, out=out).ids.tolist() == list(range(11))
    assert out.worst(1).book_rows.tolist() == function(other, PRICES, RULES).worst(1).book_rows


@EACH_FUNCTION
def test_out_keeps_its_fields(function):
    out = function(BOOK, PRICES, RULES, fields=["actions"])
    assert function(BOOK, PRICES, RULES, out=out).names == ("actions",)
    assert function(BOOK, PRICES, RULES, out=out, fields=["actions"]) is out
    with pytest.raises(ValueError, match=r"fields must be those of out, \['actions'\]"):
        function(BOOK, PRICES, RULES, out=out, fields=type(out).fields)


@EACH_FUNCTION
def test_out_of_another_length_or_kind_is_refused(function):
    out = function(BOOK.select([0, 1]), PRICES, RULES)
    with pytest.raises(ValueError, match=r"out must be \w+Levels of 11 accounts, not \w+ of 2"):
        function(BOOK, PRICES, RULES, out=out)
    others = [other for other in FUNCTIONS.values() if other is not function]
    with pytest.raises(ValueError, match="out must be"):
        function(BOOK, PRICES, RULES, out=others[0](BOOK, PRICES, RULES))


# Slot order.


@MODE_FUNCTIONS
def test_slot_order_is_the_same_results_under_their_own_ids(function):
    sizes = [{**one, "balances": one["balances"][: i % 3]} for i, one in enumerate(ROWS)]
    mixed = book(*sizes)
    by_user, in_slots = function(mixed, PRICES, RULES), function(mixed, PRICES, RULES, order="slot")
    positions = in_slots.book_rows
    assert sorted(positions.tolist()) == list(range(11))
    assert positions.tolist() != list(range(11))
    assert in_slots.ids.tolist() == mixed.ids[positions].tolist()
    for name in by_user.names:
        assert getattr(in_slots, name).tobytes() == getattr(by_user, name)[positions].tobytes()


@MODE_FUNCTIONS
def test_out_in_slot_order_can_go_back_to_user_order(function):
    out = function(BOOK, PRICES, RULES, order="slot")
    function(BOOK, PRICES, RULES, out=out)
    assert out.ids.tolist() == BOOK.ids.tolist()
    assert out.book_rows.tolist() == list(range(11))


@MODE_FUNCTIONS
def test_unknown_order_and_negative_threads_are_refused(function):
    with pytest.raises(ValueError, match="order must be 'user' or 'slot', not 'best'"):
        function(BOOK, PRICES, RULES, order="best")
    with pytest.raises(ValueError, match="threads must be at least 0, not -1"):
        function(BOOK, PRICES, RULES, threads=-1)


# The worst.


def exact_key(
    one: Mapping[str, Any], prices: Mapping[str, float], rules: pm.MarginRules, mode: str
) -> Fraction | float:
    """Return N / (theta * D) by the oracle."""
    if mode == "cross_classic":
        level = oracle.cross_classic(one, prices, rules).margin_level
    else:
        level = oracle.cross_pro(one, prices, rules).margin_level
    limit = next(x.at_most for x in rules.thresholds[mode].lines if "LIQUIDATE" in x.actions)
    if isinstance(limit, Mapping):
        limit = limit[one["leverage"]]
    return level if isinstance(level, float) else level / exact_decimal(limit)


def exact_order(keys: Sequence[Fraction | float]) -> list[int]:
    """Return positions by key, ties in their order, NaN last."""

    def of(position: int) -> tuple[bool, Fraction | float, int]:
        key = keys[position]
        is_unpriced = key != key
        return is_unpriced, 0.0 if is_unpriced else key, position

    return sorted(range(len(keys)), key=of)


def worst_of(function: Callable[..., Any], rows: Sequence[Any], **options: Any) -> list[Any]:
    return function(book(*rows), PRICES, RULES, **options).worst(len(rows)).ids.tolist()


def test_decimals_decide_between_equal_float64():
    rows = [row("b", 0.30000000000000004, 1.0), row("a", 0.1, 1.0, locked=0.2)]
    levels = pm.cross_classic(book(*rows), PRICES, RULES)
    assert levels.margin_level[0] == levels.margin_level[1]
    for function in (pm.cross_classic, pm.evaluate):
        assert worst_of(function, rows) == ["a", "b"]


def test_decimals_decide_against_float64():
    # 0.8 in decimals and 0.7999999999999999 in float64; and the other way about.
    rows = [row("a", 0.1, 1.0, locked=0.7), row("b", 0.79, 1.0, locked=0.00999999999999999)]
    levels = pm.cross_classic(book(*rows), PRICES, RULES).margin_level
    assert levels[0] < levels[1]
    assert worst_of(pm.cross_classic, rows) == ["b", "a"]


def test_levels_equal_in_decimals_but_not_in_float64_stay_in_account_order():
    rows = [row("b", 0.1, 1.0, locked=0.2), row("a", 0.3, 1.0), row("c", 0.6, 2.0)]
    levels = pm.cross_classic(book(*rows), PRICES, RULES).margin_level
    assert levels[0] > levels[1]
    assert worst_of(pm.cross_classic, rows) == ["b", "a", "c"]


def test_modes_are_compared_by_how_near_each_is_to_its_own_threshold():
    # Classic at 1.1 of 1.1; pro at (1.1 - 1) / (0.1 * 1) of 1.0: both exactly 1.
    rows = [
        row("p", 1.1, 1.0, mode="cross_pro"),
        row("c", 1.1, 1.0),
        row("d", 1.0999999999999999, 1.0),
        row("q", 1.1000000000000003, 1.0, mode="cross_pro"),
    ]
    assert worst_of(pm.evaluate, rows) == ["d", "p", "c", "q"]
    assert worst_of(pm.evaluate, rows[::-1]) == ["d", "c", "p", "q"]


def test_account_that_owes_nothing_comes_after_every_other_and_before_the_unpriced():
    rows = [
        {**row("n", 1.0, 0.0), "balances": [{"asset": "Z", "free": 1.0}]},
        row("i", 1.0, 0.0),
        row("h", 1e15, 1e-8),
        row("l", 1.0, 1.0),
    ]
    assert worst_of(pm.cross_classic, rows, missing="flag") == ["l", "h", "i", "n"]


def test_unpriced_accounts_stay_in_account_order():
    gone = {"balances": [{"asset": "Z", "free": 1.0}]}
    rows = [{**row(name, 1.0, 0.0), **gone} for name in "cab"]
    assert worst_of(pm.cross_classic, rows, missing="flag") == ["c", "a", "b"]


@pytest.mark.parametrize("order", ["user", "slot"])
def test_ties_stay_in_account_order_in_any_order_of_results(order):
    rows = [row(i, 2.0, 1.0) for i in range(9)]
    rows[4]["balances"].append({"asset": "Y", "free": 1e-20})
    assert worst_of(pm.cross_classic, rows, order=order) == [0, 1, 2, 3, 5, 6, 7, 8, 4]


def clones(rng: random.Random, one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an account and others that float64 can hardly tell from it."""
    found = [dict(one)]
    for _ in range(rng.randrange(4)):
        balances = [dict(balance) for balance in one["balances"]]
        changed = rng.choice(balances)
        free = changed.get("free", 0.0)
        kind = rng.randrange(3)
        if kind == 0 and free:
            changed["free"] = math.nextafter(free, rng.choice((0.0, math.inf)))
        elif kind == 1 and free:
            part = float(Decimal(repr(free)) / 4)
            changed |= {"free": free - part, "locked": changed.get("locked", 0.0) + part}
        found.append({**one, "balances": balances})
    return found


@FEW
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(FUNCTIONS)))
def test_order_is_exact_for_accounts_that_float64_can_hardly_tell_apart(seed, name):
    rng = random.Random(seed)
    drawn = strategies.random_book(rng, 12, gaps=True)
    rows = [twin for one in drawn.rows for twin in clones(rng, one)]
    rng.shuffle(rows)
    for number, one in enumerate(rows):
        one |= {"account": number, "mode": rng.choice(("cross_classic", "cross_pro"))}
    found = FUNCTIONS[name](book(*rows), drawn.prices, drawn.rules, missing="flag")
    of_name = {"classic": "cross_classic", "pro": "cross_pro"}
    keys = [
        exact_key(one, drawn.prices, drawn.rules, of_name.get(name, one["mode"])) for one in rows
    ]
    expected = exact_order(keys)
    for count in (len(rows), 5, 1, 0):
        assert found.worst(count).book_rows.tolist() == expected[:count]


def test_worst_holds_every_field_of_its_accounts():
    found = pm.cross_classic(BOOK, PRICES, RULES)
    worst = found.worst(4)
    assert len(worst) == 4
    assert type(worst) is pm.ClassicLevels
    assert worst.ids.tolist() == BOOK.ids[worst.book_rows].tolist()
    for name in found.names:
        assert getattr(worst, name).tolist() == getattr(found, name)[worst.book_rows].tolist()
    assert worst.rules_digest == found.rules_digest


def test_worst_of_the_worst_is_the_worst():
    found = pm.evaluate(BOOK, PRICES, RULES)
    assert found.worst(5).worst(2).ids.tolist() == found.worst(2).ids.tolist()
    assert found.worst(11).worst(11).ids.tolist() == found.worst(11).ids.tolist()


@EACH_FUNCTION
def test_worst_needs_no_field(function):
    bare = function(BOOK, PRICES, RULES, fields=["actions"]).worst(5)
    assert bare.names == ("actions",)
    assert bare.ids.tolist() == function(BOOK, PRICES, RULES).worst(5).ids.tolist()


def test_worst_counts():
    found = pm.cross_classic(BOOK, PRICES, RULES)
    assert len(found.worst()) == 11
    assert len(found.worst(0)) == 0
    assert len(found.worst(10**9)) == 11
    with pytest.raises(ValueError, match="count must be a whole number of at least 0, not -1"):
        found.worst(-1)
    for count in ("3", 1.5, None, True):
        with pytest.raises(ValueError, match="count must be a whole number of at least 0, not"):
            found.worst(count)  # type: ignore[arg-type]
    assert len(found.worst(np.int64(3))) == 3


# Tables and provenance.


@EACH_FUNCTION
def test_arrow_table_has_ids_fields_and_provenance(function):
    pa = pytest.importorskip("pyarrow")
    found = function(BOOK, PRICES, RULES)
    table = found.to_arrow()
    assert table.column_names == ["account", *found.names]
    assert table["account"].to_pylist() == [f"u{i}" for i in range(11)]
    assert table.schema.field("actions").type == pa.uint16()
    for name in found.names:
        assert table[name].to_numpy().tobytes() == getattr(found, name).tobytes()
    assert table.schema.metadata == {
        b"pymargin.rules_digest": RULES.digest.encode(),
        b"pymargin.moment": b"",
        b"pymargin.methodology": found.methodology.encode(),
        b"pymargin.version": pm.__version__.encode(),
    }


@pytest.mark.parametrize("ids", [int, str])
def test_arrow_table_of_the_worst_names_them(ids):
    pytest.importorskip("pyarrow")
    rows = [{**one, "account": ids(i)} for i, one in enumerate(ROWS)]
    worst = pm.cross_classic(book(*rows), PRICES, RULES, order="slot").worst(3)
    assert worst.to_arrow()["account"].to_pylist() == worst.ids.tolist()


def test_arrow_table_of_no_accounts_has_its_columns():
    pytest.importorskip("pyarrow")
    table = pm.cross_classic(pm.Accounts.from_rows([]), PRICES, RULES).to_arrow()
    assert table.num_rows == 0
    assert table.column_names == ["account", *pm.ClassicLevels.fields]


def test_frame_is_indexed_by_account():
    pytest.importorskip("pandas")
    found = pm.cross_pro(BOOK, PRICES, RULES, fields=["margin_level", "actions"])
    frame = found.to_frame()
    assert frame.index.name == "account"
    assert frame.index.tolist() == BOOK.ids.tolist()
    assert list(frame.columns) == ["margin_level", "actions"]
    assert frame["margin_level"].tolist() == found.margin_level.tolist()
    assert frame.attrs["rules_digest"] == RULES.digest


def test_provenance_names_rules_moment_methodology_and_version():
    rules = pm.builtin_rules(at="2025-11-14T06:00Z")
    rows = [{"account": "a", "leverage": 5, "balances": [{"asset": "WIF", "free": 1}]}]
    found = pm.cross_classic(book(*rows), {"WIF": 1.25}, rules)
    assert found.rules_digest == rules.digest
    assert found.moment == rules.moment
    assert found.methodology == "classic_2023"
    assert found.version == pm.__version__


def test_methodology_of_a_mixed_book_names_each():
    assert pm.evaluate(BOOK, PRICES, RULES).methodology == "classic_2023+pro_2025"


def test_repr_says_how_many_accounts_and_which_fields():
    found = pm.cross_classic(BOOK, PRICES, RULES, fields=["margin_level", "actions"])
    assert repr(found) == "<ClassicLevels of 11 accounts, classic_2023: margin_level, actions>"

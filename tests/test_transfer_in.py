from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pymargin as pm
from pymargin import oracle


@pytest.mark.parametrize(
    ("total", "limit", "price", "expected"),
    [
        (500_000, 1_000_000, 1, 300_000),
        (1_700_000, 2_000_000, 1, 50_000),
        (2_990_000, 3_000_000, 1, 10_000),
        (0, 1_000_000, 1, 800_000),
        (799_999, 1_000_000, 1, 1),
        (800_000, 1_000_000, 1, 50_000),
        (900_000, 1_000_000, 1, 50_000),
        (950_000, 1_000_000, 1, 50_000),
        (950_001, 1_000_000, 1, 49_999),
        (1_000_000, 1_000_000, 1, 0),
        (1_000_001, 1_000_000, 1, 0),
        (1_700_000, 2_000_000, 0.5, 100_000),
        (1_700_000, 2_000_000, 0.1, 300_000),
        (0, 0, 1, 0),
        (1, 0, 1, 0),
    ],
)
def test_every_band_of_the_rule(total: float, limit: float, price: float, expected: float) -> None:
    assert pm.max_transfer_in(total, limit, price) == expected


def test_exactly_80_percent_in_decimals_is_in_the_band_of_the_fixed_amount() -> None:
    # In binary 0.8 * 0.3 is below 0.24.
    assert pm.max_transfer_in(0.24, 0.3, 1e6) == 0.05
    assert pm.max_transfer_in(0.2399999999999999, 0.3, 1e6) == 1e-16


@pytest.mark.parametrize("rank", range(1, 12))
def test_the_rule_holds_for_ranks_7_to_10_only(rank: int) -> None:
    found = pm.max_transfer_in(1_700_000, 2_000_000, 1, rank=rank)
    assert found == (50_000 if 7 <= rank <= 10 else math.inf)


@pytest.mark.parametrize(
    ("mode", "holds"),
    [
        ("cross_classic", True),
        ("cross_pro", True),
        ("portfolio", True),
        ("portfolio_pro", False),
        ("isolated", False),
        ("usdm", False),
        ("coinm", False),
        (pm.Mode.CROSS_PRO, True),
        (pm.Mode.USDM, False),
    ],
)
def test_the_rule_holds_for_three_account_types_only(mode: str, holds: bool) -> None:
    found = pm.max_transfer_in(1_700_000, 2_000_000, 1, mode=mode)
    assert found == (50_000 if holds else math.inf)


def test_the_fixed_amount_is_a_parameter_and_the_headroom_limits_it() -> None:
    assert pm.max_transfer_in(1_700_000, 2_000_000, 1, amount=20_000) == 20_000
    assert pm.max_transfer_in(1_700_000, 2_000_000, 1, amount=500_000) == 300_000
    assert pm.max_transfer_in(1_700_000, 2_000_000, 1, amount=0) == 0


def test_an_amount_that_float64_cannot_hold_is_rounded_down() -> None:
    found = pm.max_transfer_in(1_700_000, 2_000_000, 3)
    assert Fraction(Decimal(repr(found))) < Fraction(50_000, 3)
    assert Fraction(Decimal(repr(math.nextafter(found, math.inf)))) > Fraction(50_000, 3)


def test_arrays_broadcast_to_an_array() -> None:
    found = pm.max_transfer_in(
        np.array([500_000.0, 1_700_000.0, 2_990_000.0]),
        [1_000_000, 2_000_000, 3_000_000],
        Decimal(1),
        rank=np.array([7, 10, 6]),
    )
    assert (found.dtype, found.tolist()) == (np.float64, [300_000, 50_000, math.inf])


def test_an_array_of_none_gives_an_array_of_none() -> None:
    assert pm.max_transfer_in(np.array([]), 1.0, 1.0).shape == (0,)


def test_shapes_that_do_not_go_together_are_an_error() -> None:
    with pytest.raises(pm.MarginError, match="shapes that go together"):
        pm.max_transfer_in([1, 2], [1, 2, 3], 1)


def test_all_faults_are_said_at_once_with_their_places() -> None:
    with pytest.raises(pm.MarginError) as caught:
        pm.max_transfer_in([1, -1], math.nan, 0, amount=-5, rank=7.5, mode="margin")
    assert [problem.path for problem in caught.value.problems] == [
        "total[1]",
        "upper_limit",
        "price",
        "amount",
        "rank",
        "mode",
    ]


@pytest.mark.parametrize("junk", [True, "1", None, math.inf, Decimal("NaN"), [[1], [2, 3]], {}])
def test_what_is_no_number_is_refused(junk: Any) -> None:
    with pytest.raises(pm.MarginError, match=r"total.* must be a number of at least 0, not"):
        pm.max_transfer_in(junk, 1, 1)


SIZES = st.one_of(st.integers(0, 10**9), st.floats(0, 1e12))
PRICES = st.floats(1e-9, 1e6)


@given(
    SIZES,
    SIZES,
    PRICES,
    st.sampled_from([50_000, 20_000, 0]),
    st.one_of(st.none(), st.integers(1, 12)),
    st.one_of(st.none(), st.sampled_from(list(map(str, pm.Mode)))),
)
def test_the_answer_is_the_float_at_or_below_the_definition(
    total: float, limit: float, price: float, amount: int, rank: int | None, mode: str | None
) -> None:
    found = pm.max_transfer_in(total, limit, price, amount=amount, rank=rank, mode=mode)
    exact = oracle.max_transfer_in(total, limit, price, amount=amount, rank=rank, mode=mode)
    if exact == math.inf:
        assert found == math.inf
        return
    assert Fraction(Decimal(repr(found))) <= exact
    assert Fraction(Decimal(repr(math.nextafter(found, math.inf)))) > exact


@given(st.integers(1, 10**10), st.sampled_from([8, 9, 10]))
def test_a_total_on_the_edge_of_a_band_is_decided_exactly(limit: int, tenths: int) -> None:
    whole, edge = limit / 10_000, limit * tenths / 100_000
    found = pm.max_transfer_in(edge, whole, 1)
    headroom = Fraction(limit, 10_000) * (10 - tenths) / 10
    assert found == float(min(Fraction(50_000), headroom))


@given(st.decimals("0", 10**6, places=4), st.decimals("0", 10**6, places=4))
def test_a_decimal_and_the_float_it_is_read_as_give_the_same(
    total: Decimal, limit: Decimal
) -> None:
    assert pm.max_transfer_in(total, limit, Decimal("0.1")) == pm.max_transfer_in(
        float(total), float(limit), 0.1
    )


@given(SIZES, SIZES, PRICES)
def test_no_transfer_passes_the_upper_limit(total: float, limit: float, price: float) -> None:
    found = pm.max_transfer_in(total, limit, price)
    held, more, most = (Fraction(Decimal(repr(one))) for one in (total, found, limit))
    assert more == 0 or held + more <= most

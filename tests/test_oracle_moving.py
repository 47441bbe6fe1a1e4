"""Numbers that move: a formula along a path, and where its outcomes change."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymargin import MarginError
from pymargin.oracle.moving import Path, first_change
from pymargin.oracle.polynomial import seen_from, zero_beyond

NUMBERS = st.fractions(-100, 100, max_denominator=50)


def walk(holds, start=1, up=True, end=None):
    last = None if end is None else Fraction(end)
    return first_change(holds, Fraction(start), up=up, end=last)


def test_a_line_changes_sign_at_its_zero():
    assert walk(lambda x: 3 * x - 7 > 0) == Fraction(7, 3)


def test_an_edge_between_is_walked_over():
    assert walk(lambda x: min(x, Fraction(5)) + max(x - 5, Fraction(0)) / 2 >= 6) == 7


def test_one_over_the_variable_is_as_exact():
    assert walk(lambda x: 1 / x - Fraction(1, 9) < 0) == 9
    assert walk(lambda x: (2 * x + 3) / (x + 4) >= Fraction(3, 2)) == 6


def test_what_cancels_no_longer_moves():
    x = Path(Fraction(1), up=True).variable()
    assert isinstance(x - x, Fraction)
    assert x / x == 1
    assert isinstance(5 - x + x, Fraction)


def test_a_touch_is_no_change():
    assert walk(lambda x: abs_of(x - 3) > 0) is None


def abs_of(x):
    return max(x, -x)


def test_a_change_at_the_start_is_at_the_start():
    assert walk(lambda x: x > 1) == 1
    assert walk(lambda x: x < 1, up=False, end=0) == 1


def test_nothing_changes_beyond_the_end():
    assert walk(lambda x: x > 5, end=4) is None


def test_what_holds_at_the_very_end_counts():
    assert walk(lambda x: x <= 0, up=False, end=0) == 0


def test_a_square_root_is_found_to_far_more_than_a_float():
    found = walk(lambda x: x * x >= 2)
    assert 0 < found * found - 2 < Fraction(1, 2**240)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_square_changes_sign_at_a_zero_or_not_at_all(a, b, c):
    def holds(x):
        return a * x * x + b * x + c > 0

    found = walk(holds, start=0)
    end = Fraction(1000) if found is None else found
    if found is not None:
        assert abs(a * found * found + b * found + c) < Fraction(1, 2**200)
    for k in range(1, 8):
        x = end * k / 8
        is_touch = a * x * x + b * x + c == 0
        assert is_touch or found == 0 or holds(x) is holds(Fraction(0))


def test_a_cube_is_refused():
    with pytest.raises(MarginError, match="must act on one another in a way that can be solved"):
        walk(lambda x: x * x * x > 8)


@given(st.lists(NUMBERS, min_size=1, max_size=3), NUMBERS, st.booleans(), NUMBERS)
def test_a_polynomial_seen_from_a_point_is_the_same(coefficients, at, up, distance):
    def value(p, x):
        return sum((c * x**k for k, c in enumerate(p)), Fraction(0))

    seen = seen_from(tuple(coefficients), at, up=up)
    x = at + distance if up else at - distance
    assert value(seen, distance) == value(coefficients, x)


def test_the_least_zero_above_is_taken():
    assert zero_beyond((Fraction(6), Fraction(-5), Fraction(1))) == 2
    assert zero_beyond((Fraction(0), Fraction(-5), Fraction(1))) == 5
    assert zero_beyond((Fraction(6), Fraction(5), Fraction(1))) is None
    assert zero_beyond((Fraction(1), Fraction(0), Fraction(1))) is None

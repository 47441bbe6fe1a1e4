"""Polynomials in one variable over the fractions, as tuples of coefficients, constant first."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import zip_longest
from math import isqrt
from typing import TypeAlias

from pymargin.errors import MarginError

__all__ = [
    "Polynomial",
    "common_divisor",
    "divided",
    "minus",
    "plus",
    "seen_from",
    "sign_beyond",
    "times",
    "zero_beyond",
]

Polynomial: TypeAlias = tuple[Fraction, ...]
"""Without trailing zeros; nothing is the empty tuple."""

_NOTHING = Fraction(0)
# Bits kept of a zero that is no fraction: four times a float64's.
_ROOT_BITS = 256


def _trimmed(coefficients: Iterable[Fraction]) -> Polynomial:
    kept = list(coefficients)
    while kept and kept[-1] == 0:
        kept.pop()
    return tuple(kept)


def plus(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a + b."""
    return _trimmed(x + y for x, y in zip_longest(a, b, fillvalue=_NOTHING))


def minus(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a - b."""
    return _trimmed(x - y for x, y in zip_longest(a, b, fillvalue=_NOTHING))


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a * b."""
    product = [_NOTHING] * (len(a) + len(b))
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] += x * y
    return _trimmed(product)


def divided(a: Polynomial, b: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Return the quotient and the rest of a over b, b not being 0."""
    rest, quotient = list(a), [_NOTHING] * max(len(a) - len(b) + 1, 0)
    for shift in reversed(range(len(quotient))):
        factor = rest[shift + len(b) - 1] / b[-1]
        quotient[shift] = factor
        for i, y in enumerate(b):
            rest[shift + i] -= factor * y
    return _trimmed(quotient), _trimmed(rest)


def common_divisor(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return the greatest common divisor of a and b, not both 0."""
    while b:
        a, b = b, divided(a, b)[1]
    return a


def seen_from(p: Polynomial, at: Fraction, *, up: bool) -> Polynomial:
    """Return p as a polynomial of the distance from a point in a direction."""
    if len(p) == 1:
        return p
    if len(p) == 2:
        return p[0] + p[1] * at, p[1] if up else -p[1]
    shifted: Polynomial = ()
    towards = (at, Fraction(1) if up else Fraction(-1))
    for coefficient in reversed(p):
        shifted = plus(times(shifted, towards), (coefficient,))
    return shifted


def sign_beyond(p: Polynomial) -> int:
    """Return the sign that p has right above 0: -1, 0 or 1."""
    for coefficient in p:
        if coefficient:
            return 1 if coefficient > 0 else -1
    return 0


def zero_beyond(p: Polynomial) -> Fraction | None:
    """Return the least zero of p above 0, None where there is none.

    Of a polynomial of degree 2 whose zero is no fraction: a fraction just beyond the zero, 2^-248
    off in proportion.

    Raises
    ------
    MarginError
        For a degree above 2.
    """
    while p and not p[0]:
        p = p[1:]
    if len(p) <= 1:
        return None
    if len(p) == 2:
        zero = -p[0] / p[1]
        return zero if zero > 0 else None
    if len(p) > 3:
        raise MarginError(
            "the moved names must act on one another in a way that can be solved: an account of"
            " several COIN-M coins needs each contract to move in proportion with its coin"
        )
    constant, slope, curve = p
    inside = slope * slope - 4 * curve * constant
    if inside < 0:
        return None
    root = _square_root(inside)
    # Of the two zeros take the one that does not cancel; their product gives the other.
    far = -(slope + (root if slope >= 0 else -root)) / 2
    least = min((zero for zero in (far / curve, constant / far) if zero > 0), default=None)
    return least if least is None or root * root == inside else least * _JUST_BEYOND


_JUST_BEYOND = 1 + Fraction(1, 1 << (_ROOT_BITS - 8))


def _square_root(number: Fraction) -> Fraction:
    """Return the square root: exact where it is a fraction, else to 256 bits."""
    top, bottom = number.numerator * number.denominator, number.denominator
    whole = isqrt(top)
    if whole * whole == top:
        return Fraction(whole, bottom)
    shift = max(_ROOT_BITS - top.bit_length() // 2, 0) + _ROOT_BITS
    return Fraction(isqrt(top << (2 * shift)), bottom << shift)

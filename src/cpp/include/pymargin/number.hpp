#pragma once

#include <type_traits>

#include "pymargin/exact.hpp"
#include "pymargin/exact128.hpp"
#include "pymargin/quotient.hpp"

namespace pymargin {

// What a formula needs of its number type beside + - *. A number type is double, a vector of
// doubles, Exact128, Exact or Quotient; each formula is written once over all of them.

/// True where rounding is impossible, so that no magnitude need be kept for an error bound.
template <class Number>
constexpr bool is_exact = std::is_same_v<Number, Exact128> || std::is_same_v<Number, Exact> ||
                          std::is_same_v<Number, Quotient>;

/// True where a formula is asked for its totals, too; false where for margin levels alone, of which
/// the initial margin is no part.
template <class Number>
constexpr bool has_totals = true;

/// True where a number may not fit, which the type then tells.
template <class Number>
constexpr bool may_overflow = std::is_same_v<Number, Exact128>;

/// The sum of two quantities, of which the second, or both, are mostly 0.
template <class Number>
PYMARGIN_INLINE Number sum_of(double quantity, double other) noexcept {
    return Number(quantity) + Number(other);
}

PYMARGIN_INLINE double smaller(double left, double right) noexcept {
    return left < right ? left : right;
}

PYMARGIN_INLINE double positive_part(double value) noexcept {
    return value > 0 ? value : 0.0;
}

PYMARGIN_INLINE double size_of(double value) noexcept {
    return value < 0 ? -value : value;
}

/// Whether a statement holds in no lane, or in every one.
PYMARGIN_INLINE bool holds_nowhere(bool which) noexcept {
    return !which;
}
PYMARGIN_INLINE bool holds_everywhere(bool which) noexcept {
    return which;
}

/// `yes` or `no`; of vectors, lane by lane.
PYMARGIN_INLINE double choose(bool which, double yes, double no) noexcept {
    return which ? yes : no;
}

template <class Number, class = std::enable_if_t<is_exact<Number>>>
Number smaller(const Number& left, const Number& right) {
    return left < right ? left : right;
}

template <class Number, class = std::enable_if_t<is_exact<Number>>>
Number positive_part(const Number& value) {
    return value.sign() > 0 ? value : Number();
}

template <class Number, class = std::enable_if_t<is_exact<Number>>>
Number size_of(const Number& value) {
    return value.sign() < 0 ? Number() - value : value;
}

template <class Number, class = std::enable_if_t<is_exact<Number>>>
const Number& choose(bool which, const Number& yes, const Number& no) noexcept {
    return which ? yes : no;
}

/// A level is numerator / denominator; it is decided by the sign of N - theta * D, never divided.
template <class Number>
struct Ratio {
    Number numerator;
    Number denominator;
};

}  // namespace pymargin

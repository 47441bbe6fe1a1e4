#pragma once

#include <type_traits>

#include "pymargin/exact.hpp"

namespace pymargin {

// What a formula needs of its number type beside + - *. A number type is double, Exact, or a
// vector of doubles; each formula is written once over all of them.

PYMARGIN_INLINE double smaller(double left, double right) noexcept {
    return left < right ? left : right;
}

PYMARGIN_INLINE double positive_part(double value) noexcept {
    return value > 0 ? value : 0.0;
}

inline Exact smaller(const Exact& left, const Exact& right) noexcept {
    return left < right ? left : right;
}

inline Exact positive_part(const Exact& value) noexcept {
    return value.sign() > 0 ? value : Exact();
}

/// True where rounding is impossible, so that no magnitude need be kept for an error bound.
template <class Number>
constexpr bool is_exact = std::is_same_v<Number, Exact>;

/// A level is numerator / denominator; it is decided by the sign of N - theta * D, never divided.
template <class Number>
struct Ratio {
    Number numerator;
    Number denominator;
};

}  // namespace pymargin

#pragma once

#include <type_traits>

#include "pymargin/exact.hpp"
#include "pymargin/quotient.hpp"

namespace pymargin {

// What a formula needs of its number type beside + - *. A number type is double, Exact, or a
// vector of doubles; each formula is written once over all of them.

PYMARGIN_INLINE double smaller(double left, double right) noexcept {
    return left < right ? left : right;
}

PYMARGIN_INLINE double positive_part(double value) noexcept {
    return value > 0 ? value : 0.0;
}

PYMARGIN_INLINE double size_of(double value) noexcept {
    return value < 0 ? -value : value;
}

/// `yes` or `no`; of vectors, lane by lane.
PYMARGIN_INLINE double choose(bool which, double yes, double no) noexcept {
    return which ? yes : no;
}

inline Exact smaller(const Exact& left, const Exact& right) noexcept {
    return left < right ? left : right;
}

inline Exact positive_part(const Exact& value) noexcept {
    return value.sign() > 0 ? value : Exact();
}

inline Quotient positive_part(const Quotient& value) {
    return value.sign() > 0 ? value : Quotient();
}

inline Quotient size_of(const Quotient& value) {
    return value.sign() < 0 ? Quotient() - value : value;
}

inline const Quotient& choose(bool which, const Quotient& yes, const Quotient& no) noexcept {
    return which ? yes : no;
}

/// True where rounding is impossible, so that no magnitude need be kept for an error bound.
template <class Number>
constexpr bool is_exact = std::is_same_v<Number, Exact> || std::is_same_v<Number, Quotient>;

/// A level is numerator / denominator; it is decided by the sign of N - theta * D, never divided.
template <class Number>
struct Ratio {
    Number numerator;
    Number denominator;
};

}  // namespace pymargin

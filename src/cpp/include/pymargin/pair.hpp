#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "pymargin/exact128.hpp"

namespace pymargin {

/// value + rest, unevaluated: about twice the digits of float64. Sums and products round no value
/// but into its rest; nothing is brought back into order between them ("pair arithmetic", Lange and
/// Rump 2020), which a few operations in a row do not need.
struct Pair {
    double value = 0;
    double rest = 0;
};

namespace detail {

/// a + b exactly, the value rounded once (Knuth).
PYMARGIN_INLINE Pair two_sum(double a, double b) noexcept {
    const double sum = a + b;
    const double part = sum - a;
    return {sum, (a - (sum - part)) + (b - part)};
}

/// `a` in two parts of 26 bits, the sum of them (Veltkamp).
PYMARGIN_INLINE Pair split(double a) noexcept {
    const double scaled = a * 0x8000001p0;
    const double high = scaled - (scaled - a);
    return {high, a - high};
}

/// a * b exactly where its parts do not underflow, the value rounded once (Dekker).
PYMARGIN_INLINE Pair two_product(double a, double b) noexcept {
    const double product = a * b;
    const Pair x = split(a);
    const Pair y = split(b);
    return {product, ((x.value * y.value - product) + x.value * y.rest + x.rest * y.value) +
                         x.rest * y.rest};
}

/// The pair of any finite number's shortest decimal.
Pair pair_of_any(double value) noexcept;

}  // namespace detail

PYMARGIN_INLINE Pair operator+(const Pair& left, const Pair& right) noexcept {
    const Pair sum = detail::two_sum(left.value, right.value);
    return {sum.value, sum.rest + (left.rest + right.rest)};
}

PYMARGIN_INLINE Pair operator*(const Pair& left, const Pair& right) noexcept {
    const Pair product = detail::two_product(left.value, right.value);
    return {product.value, product.rest + (left.value * right.rest + left.rest * right.value)};
}

/// Powers of ten that are float64 exactly: 5^22 fits 53 bits.
constexpr int greatest_exact_ten = 22;

constexpr double exact_ten[greatest_exact_ten + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// A decimal; not a number where it has more than 22 places or zeros.
Pair pair_of(Decimal decimal) noexcept;
Pair pair_of(const Exact128& value) noexcept;

/// The same of a decimal of which the float64 nearest to it is known.
PYMARGIN_INLINE Pair pair_of(Decimal decimal, double nearest) noexcept {
    constexpr std::int64_t greatest = std::int64_t{1} << 53;
    const std::int64_t whole = decimal.coefficient;
    const int places = -decimal.exponent;
    if (__builtin_expect(
            whole < greatest && whole > -greatest && places >= 0 && places <= greatest_exact_ten,
            1)) {
        const Pair back = detail::two_product(nearest, exact_ten[places]);
        const double rest = (static_cast<double>(whole) - back.value) - back.rest;
        return {nearest, rest / exact_ten[places]};
    }
    return pair_of(decimal);
}

/// The shortest decimal of a float64, which is its value. Those to 8 places and 15 digits (see
/// shortest_decimal) are multiples of 10^-8, from which the rest is had without looking for one.
PYMARGIN_INLINE Pair pair_of(double value) noexcept {
    // Added and taken away again it rounds what is below 2^51 to an integer.
    constexpr double to_integer = 0x1.8p52;
    const Pair scaled = detail::two_product(value, 1e8);
    const double whole = (scaled.value + to_integer) - to_integer;
    if (__builtin_expect(std::abs(whole) < 1e15 && whole / 1e8 == value, 1)) {
        return {value, ((whole - scaled.value) - scaled.rest) * 1e-8};
    }
    return detail::pair_of_any(value);
}

}  // namespace pymargin

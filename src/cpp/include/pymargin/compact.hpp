#pragma once

#include <cstdint>

#include "pymargin/exact128.hpp"

namespace pymargin {

namespace detail {

template <int digits>
PYMARGIN_INLINE void strip_zeros(Decimal& decimal) noexcept {
    constexpr auto power = static_cast<std::int64_t>(power_of_ten[digits]);
    if (decimal.coefficient % power == 0) {
        decimal.coefficient /= power;
        decimal.exponent += digits;
    }
}

}  // namespace detail

/// The shortest decimal, with fewer zeros at its end: products of several fit 128 bits then. Most
/// prices and quantities have few of their 8 places.
PYMARGIN_INLINE Exact128 compact(double value) noexcept {
    constexpr double greatest = 0x1p53;
    if (value > -greatest && value < greatest) {
        const auto whole = static_cast<std::int64_t>(value);
        if (static_cast<double>(whole) == value) {
            return Exact128(Decimal{whole, 0});
        }
    }
    Decimal decimal = shortest_decimal(value);
    detail::strip_zeros<4>(decimal);
    detail::strip_zeros<2>(decimal);
    return Exact128(decimal);
}

}  // namespace pymargin

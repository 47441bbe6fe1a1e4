#pragma once

#include <cstdint>

#include "pymargin/types.hpp"

namespace pymargin {

/// 10^19 is the greatest power of ten that 64 bits hold.
constexpr int greatest_power_of_ten = 19;

constexpr std::uint64_t power_of_ten[greatest_power_of_ten + 1] = {
    1ULL,
    10ULL,
    100ULL,
    1000ULL,
    10000ULL,
    100000ULL,
    1000000ULL,
    10000000ULL,
    100000000ULL,
    1000000000ULL,
    10000000000ULL,
    100000000000ULL,
    1000000000000ULL,
    10000000000000ULL,
    100000000000000ULL,
    1000000000000000ULL,
    10000000000000000ULL,
    100000000000000000ULL,
    1000000000000000000ULL,
    10000000000000000000ULL,
};

namespace detail {

/// The shortest decimal of any finite number.
Decimal shortest_decimal_of_any(double value) noexcept;

}  // namespace detail

/// The shortest decimal that reads back as `value` (what Python's repr prints); value is finite.
/// The coefficient may end in zeros.
///
/// Most quantities and prices are decimals to 8 places: c * 10^-8. With c and 10^8 exact, so is the
/// one rounding of c / 10^8, hence that decimal reads back as the value; and of all decimals of up
/// to 15 digits no other does.
PYMARGIN_INLINE Decimal shortest_decimal(double value) noexcept {
    const double scaled = value * 1e8;
    if (__builtin_expect(scaled > -1e15 && scaled < 1e15, 1)) {
        const auto coefficient = static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
        if (static_cast<double>(coefficient) / 1e8 == value) {
            return {coefficient, coefficient == 0 ? 0 : -8};
        }
    }
    return detail::shortest_decimal_of_any(value);
}

}  // namespace pymargin

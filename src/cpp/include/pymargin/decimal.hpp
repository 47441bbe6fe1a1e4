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

/// The shortest decimal that reads back as `value` (what Python's repr prints); value is finite.
/// Its coefficient ends in no 0, but where the value is 0.
Decimal shortest_decimal(double value) noexcept;

}  // namespace pymargin

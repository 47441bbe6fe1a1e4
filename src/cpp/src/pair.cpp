#include "pymargin/pair.hpp"

namespace pymargin {
namespace {

/// An integer of up to 63 bits, exactly.
Pair whole_pair(std::int64_t integer) noexcept {
    // Of more than 53 bits the nearest float64 may be 2^63: halves are sure to fit.
    const std::int64_t low = integer % (std::int64_t{1} << 32);
    return detail::two_sum(static_cast<double>(integer - low), static_cast<double>(low));
}

/// whole * 10^exponent.
Pair scaled_pair(const Pair& whole, int exponent) noexcept {
    if (exponent > greatest_exact_ten || exponent < -greatest_exact_ten) {
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        return {nan, nan};
    }
    if (exponent >= 0) {
        return whole * Pair{exact_ten[exponent], 0};
    }
    const double power = exact_ten[-exponent];
    const double value = whole.value / power;
    const Pair back = detail::two_product(value, power);
    return {value, (((whole.value - back.value) - back.rest) + whole.rest) / power};
}

}  // namespace

Pair pair_of(Decimal decimal) noexcept {
    return scaled_pair(whole_pair(decimal.coefficient), decimal.exponent);
}

Pair pair_of(const Exact128& value) noexcept {
    const Integer128 whole = value.coefficient();
    const auto near = static_cast<double>(whole);
    const auto rest = static_cast<double>(whole - static_cast<Integer128>(near));
    return scaled_pair({near, rest}, -value.places());
}

Pair detail::pair_of_any(double value) noexcept {
    return pair_of(shortest_decimal(value));
}

}  // namespace pymargin

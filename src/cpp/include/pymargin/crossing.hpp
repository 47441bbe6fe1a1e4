#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "pymargin/exact.hpp"
#include "pymargin/line.hpp"

namespace pymargin {

/// Where a line that moves is 0: a fraction of two integers of 128 bits, of which a long double
/// tells nearly always what float64 it rounds to and which side of that float's decimal it is on.
class Crossing {
  public:
    explicit Crossing(const Line& line) noexcept
        : constant_(line.constant()),
          slope_(line.slope()),
          near_(-static_cast<long double>(line.constant()) /
                static_cast<long double>(line.slope())) {
    }

    /// The zero to within `slack` of itself.
    long double near() const noexcept {
        return near_;
    }

    /// Whether the zero lies where the line does.
    bool is_beside(double x) const noexcept {
        return std::abs(near_ - static_cast<long double>(x)) <=
               static_cast<long double>(0.5 * Line::neighbourhood * std::abs(x));
    }

    /// The float64 nearest to the zero; of two as near the even one.
    double nearest() const noexcept {
        const long double doubt = slack * std::abs(near_);
        const auto low = static_cast<double>(near_ - doubt);
        const auto high = static_cast<double>(near_ + doubt);
        if (low == high) {
            return low;
        }
        const int side = side_of(middle(low, high));
        return side < 0 || (side == 0 && is_even(high)) ? high : low;
    }

    /// The last float64 on the way from the safe side whose decimal has reached the zero. Both lie
    /// among what rounds to `nearest`, so that it is this or its neighbour.
    double boundary(bool safe_is_up) const noexcept {
        const double at = nearest();
        const int side = side_of(at);
        const bool is_reached = safe_is_up ? side <= 0 : side >= 0;
        return is_reached ? at : std::nextafter(at, safe_is_up ? -HUGE_VAL : HUGE_VAL);
    }

  private:
    /// A long double is rounded five times at most here, each time by half of 2^-63.
    static constexpr long double slack = 0x1p-61L;

    /// 5^27 fits the 64 bits of a long double.
    static constexpr int greatest_exact_power = 27;

    /// 10^power exactly, for powers to greatest_exact_power.
    static long double tens(int power) noexcept {
        const int beyond = power > greatest_power_of_ten ? power - greatest_power_of_ten : 0;
        return static_cast<long double>(power_of_ten[power - beyond]) *
               static_cast<long double>(power_of_ten[beyond]);
    }

    /// Whether the decimal of a float64 is below the zero, it, or above: -1, 0, 1.
    int side_of(double x) const noexcept {
        const Decimal decimal = shortest_decimal(x);
        if (decimal.exponent <= 0 && decimal.exponent >= -greatest_exact_power) {
            const long double distance =
                static_cast<long double>(decimal.coefficient) / tens(-decimal.exponent) - near_;
            if (std::abs(distance) > slack * std::abs(near_)) {
                return distance < 0 ? -1 : 1;
            }
        }
        return side_of(Exact(decimal));
    }

    int side_of(const Exact& x) const noexcept {
        const int sign = (exact(constant_) + exact(slope_) * x).sign();
        return slope_ > 0 ? sign : -sign;
    }

    /// The middle of two float64 that follow one another.
    static Exact middle(double low, double high) noexcept {
        constexpr int bits = 55;
        constexpr std::int64_t five_to_22 = 2384185791015625;
        int exponent = 0;
        std::frexp(std::abs(low) > std::abs(high) ? low : high, &exponent);
        // An integer: the lesser of the two may have half the other's last bit.
        const long double sum = static_cast<long double>(low) + static_cast<long double>(high);
        const auto twice = static_cast<std::int64_t>(std::ldexp(sum, bits - 1 - exponent));
        Exact value(Decimal{twice, 0});
        int halves = bits - exponent;
        for (; halves < 0; ++halves) {
            value = value + value;
        }
        for (int left = halves; left > 0; left -= left < 22 ? 1 : 22) {
            value = value * Exact(Decimal{left < 22 ? 5 : five_to_22, 0});
        }
        return value * Exact(Decimal{1, -halves});
    }

    static bool is_even(double x) noexcept {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &x, sizeof bits);
        return bits % 2 == 0;
    }

    static Exact exact(Integer128 value) noexcept {
        constexpr std::int64_t block = 1000000000000000000;
        constexpr int digits = 18;
        Exact sum;
        for (int exponent = 0; value != 0; exponent += digits, value /= block) {
            sum += Exact(Decimal{static_cast<std::int64_t>(value % block), exponent});
        }
        return sum;
    }

    Integer128 constant_;
    Integer128 slope_;
    long double near_;
};

}  // namespace pymargin

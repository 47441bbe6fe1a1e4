#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

namespace pymargin::test {

/// Draws that are the same with every standard library: only the engine is taken from it.
class Draw {
  public:
    explicit Draw(std::uint64_t seed) : engine_(seed) {
    }

    std::uint64_t bits() {
        return engine_();
    }
    /// From 0 to n - 1.
    int below(int n) {
        return static_cast<int>(engine_() % static_cast<std::uint64_t>(n));
    }
    bool one_in(int n) {
        return below(n) == 0;
    }
    template <class T, std::size_t n>
    T any_of(const T (&values)[n]) {
        return values[below(static_cast<int>(n))];
    }
    /// From 0 to 1.
    double unit() {
        return static_cast<double>(engine_() >> 11) * 0x1p-53;
    }
    /// A finite float64 >= 0 of any magnitude, all bit patterns alike.
    double any_float() {
        double value;
        do {
            const std::uint64_t pattern = engine_() >> 1;
            std::memcpy(&value, &pattern, sizeof value);
        } while (!std::isfinite(value));
        return value;
    }
    /// A decimal of 1 to 17 digits around 10^low to 10^high, as people type quantities.
    double decimal(int low, int high) {
        const int places = below(17);
        const int exponent = low + below(high - low + 1);
        char text[48];
        std::snprintf(text, sizeof text, "%.*fe%d", places, 1 + 9 * unit(), exponent);
        return std::strtod(text, nullptr);
    }
    /// `value` or a float64 near it, finite and >= 0.
    double near(double value) {
        for (int steps = below(3); steps > 0; --steps) {
            value = std::nextafter(value, std::numeric_limits<double>::max());
        }
        for (int steps = below(3); steps > 0; --steps) {
            value = std::nextafter(value, 0.0);
        }
        return value;
    }

  private:
    std::mt19937_64 engine_;
};

}  // namespace pymargin::test

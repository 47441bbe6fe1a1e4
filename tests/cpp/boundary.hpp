#pragma once

#include <cmath>

#include "pymargin/moving.hpp"

namespace pymargin::test {

/// The last float64 on the way from the safe side that has reached a zero, by fractions alone.
inline double boundary_by_steps(const Quotient& zero, bool safe_is_up) {
    double x = nearest_float(zero);
    const double safe = safe_is_up ? HUGE_VAL : -HUGE_VAL;
    const auto is_reached = [&](double at) {
        const int side = (Quotient(at) - zero).sign();
        return safe_is_up ? side <= 0 : side >= 0;
    };
    for (int step = 0; step < 3; ++step) {
        x = std::nextafter(x, -safe);
    }
    while (is_reached(std::nextafter(x, safe))) {
        x = std::nextafter(x, safe);
    }
    return x;
}

}  // namespace pymargin::test

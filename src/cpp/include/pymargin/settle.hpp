#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "pymargin/crossing.hpp"
#include "pymargin/fine_crossing.hpp"
#include "pymargin/question.hpp"

namespace pymargin {

// From a float64 near a root to the one that answers for it, in numbers that do not round.

namespace detail {

constexpr int most_float_steps = 16;

/// The float64 at which a decision fires and beyond which, on the safe side, it does not; NaN where
/// no float64 has such a neighbour. Walks float by float from near the root.
template <class Fires>
double boundary_float(double x, const Fires& fires, bool safe_is_up, int steps = most_float_steps) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double safe = safe_is_up ? infinity : -infinity;
    const double due = -safe;
    // Whether x fires is known from its neighbour after the first step.
    bool is_known = false;
    for (int step = 0; step < steps && std::isfinite(x); ++step) {
        if (!is_known && !fires(x)) {
            x = std::nextafter(x, due);
            continue;
        }
        const double neighbour = std::nextafter(x, safe);
        if (std::isinf(neighbour) || !fires(neighbour)) {
            return x;
        }
        x = neighbour;
        is_known = true;
    }
    return std::numeric_limits<double>::quiet_NaN();
}

/// The place of a float64 in the order of all of them, and back.
inline std::int64_t place_of(double x) noexcept {
    std::int64_t bits = 0;
    std::memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? std::numeric_limits<std::int64_t>::min() - bits : bits;
}
inline double float_at(std::int64_t place) noexcept {
    const std::int64_t bits = place < 0 ? std::numeric_limits<std::int64_t>::min() - place : place;
    double x = 0;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

/// The same where only one float64 is such: by steps that double until it is passed, then by
/// halves; NaN where it is not near x.
template <class Fires>
double only_boundary_float(double x, const Fires& fires, bool safe_is_up) {
    constexpr std::int64_t farthest = std::int64_t{1} << 32;
    if (!std::isfinite(x)) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const std::int64_t start = place_of(x);
    const bool is_due = fires(x);
    const std::int64_t ahead = is_due == safe_is_up ? 1 : -1;
    std::int64_t near = start;
    std::int64_t beyond = start;
    for (std::int64_t step = 1; beyond == near; step *= 2) {
        beyond = near + ahead * step;
        if (step > farthest || !std::isfinite(float_at(beyond))) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        if (fires(float_at(beyond)) == is_due) {
            near = beyond;
        }
    }
    while (std::abs(beyond - near) > 1) {
        const std::int64_t middle = near + (beyond - near) / 2;
        (fires(float_at(middle)) == is_due ? near : beyond) = middle;
    }
    return float_at(is_due ? near : beyond);
}

/// The float64 nearest to a root that lies between one at which the decision fires and its
/// neighbour on the safe side.
template <class IsDue>
double nearer_of(double due, bool safe_is_up, const IsDue& is_due) {
    const double safe = std::nextafter(due, safe_is_up ? HUGE_VAL : -HUGE_VAL);
    const Quotient middle = (binary_value(due) + binary_value(safe)) * Quotient(0.5);
    return is_due(middle) ? safe : due;
}

/// The same from the zero of the margin's line near x, in pairs; false where x is not near enough
/// to it to be on the same piece, or pairs are of too few digits.
template <class Subject>
bool settle_in_pairs(const Subject& subject, double x, bool safe_is_up, bool is_exact,
                     double* found) {
    constexpr int most_tries = 3;
    for (int attempt = 0; attempt < most_tries; ++attempt) {
        FineCrossing zero;
        if (!subject.crossing(x, &zero) || zero.rises() != safe_is_up) {
            return false;
        }
        if (zero.is_settled()) {
            *found = is_exact ? zero.boundary(safe_is_up) : zero.nearest();
            return !std::isnan(*found);
        }
        x = zero.near();
        if (!std::isfinite(x)) {
            return false;
        }
    }
    return false;
}

/// The same from the zero of the margin's line near x; false where x is not near enough to it to
/// be on the same piece, or that is not to be had in 128 bits.
template <class Subject>
bool settle_on_line(const Subject& subject, double x, bool safe_is_up, bool is_exact,
                    double* found) {
    constexpr int most_tries = 3;
    for (int attempt = 0; attempt < most_tries; ++attempt) {
        Line line;
        if (!subject.margin_line(x, &line) || !line.moves() || (line.slope() > 0) != safe_is_up) {
            return false;
        }
        const Crossing zero(line);
        if (zero.is_beside(x)) {
            *found = is_exact ? zero.boundary(safe_is_up) : zero.nearest();
            return true;
        }
        x = static_cast<double>(zero.near());
        if (!std::isfinite(x)) {
            return false;
        }
    }
    return false;
}

/// The float64 that answers for a root near x; NaN where none is found.
template <class Subject>
double settle(const Subject& subject, double x, bool safe_is_up, bool is_exact) {
    double found = 0;
    if (settle_in_pairs(subject, x, safe_is_up, is_exact, &found) ||
        settle_on_line(subject, x, safe_is_up, is_exact, &found)) {
        return found;
    }
    found = only_boundary_float(x, [&](double at) { return subject.is_due_at(at); }, safe_is_up);
    if (is_exact || std::isnan(found)) {
        return found;
    }
    return nearer_of(found, safe_is_up, [&](const Quotient& at) { return subject.is_due(at); });
}

}  // namespace detail

}  // namespace pymargin

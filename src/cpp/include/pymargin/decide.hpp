#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "pymargin/number.hpp"
#include "pymargin/types.hpp"

namespace pymargin {

/// A threshold as float64 for the fast path and as the rules' decimal for the exact one.
struct Threshold {
    double value;
    Decimal decimal;
};

/// The threshold lines of a mode, compiled: test t asks "is level test_level[t] at most theta?"
/// and sets bit t; `actions` holds the action bits for every combination of bits. Accounts share
/// rows of thresholds by class (leverage and own margin-call ratio).
struct DecisionTable {
    static constexpr int max_tests = 8;

    int n_tests;
    int test_level[max_tests];
    std::int64_t n_classes;
    const Threshold* thresholds;    ///< n_classes x n_tests
    const std::uint32_t* class_of;  ///< per account; null: all in class 0
    const std::uint16_t* actions;   ///< 1 << n_tests entries

    const Threshold* row(std::int64_t account) const noexcept {
        return thresholds +
               (class_of == nullptr ? 0 : class_of[account]) * static_cast<std::size_t>(n_tests);
    }
};

/// Whether level <= theta, from the sign of N - theta * D. With D = 0 and N >= 0 there is nothing
/// to lose against and nothing fires: the one exception to the sign rule.
inline bool is_at_most(const Ratio<Exact>& level, const Exact& theta) noexcept {
    if (level.denominator.sign() == 0) {
        return level.numerator.sign() < 0;
    }
    return (level.numerator - theta * level.denominator).sign() <= 0;
}

/// Bounds how far the float64 sums of an account can be from exact arithmetic on the decimals.
///
/// Each decimal is within u = 2^-53 of its float64; free + locked, the product with the price, the
/// step's rate, product, offset and sum round once each, and a value that rounding moves across a
/// cap moves the (continuous) schedule by no more than the steepest rate times that rounding: at
/// most 24 u of steepest * (owned + owed) * price for one term, (n + 24) u of steepest * magnitude
/// for a sum of n terms. N - theta * D holds at most six such sums and a few roundings of its own;
/// 8 n + 256 covers them with the terms of second order. The absolute part covers what underflows:
/// prices are at most 1e100 and a subnormal quantity is within 2^-1075 of its decimal.
class ErrorBound {
  public:
    ErrorBound(std::int64_t n_terms, double magnitude, double steepest) noexcept
        : relative_((8.0 * static_cast<double>(n_terms) + 256.0) * unit_roundoff),
          magnitude_(magnitude * steepest),
          absolute_(1e-190 * steepest) {
    }

    /// The bound on the error of N - theta * D.
    double at(double theta) const noexcept {
        return relative_ * (magnitude_ * (1.0 + theta) + theta) + absolute_ * (1.0 + theta);
    }

  private:
    double relative_;
    double magnitude_;
    double absolute_;
};

/// Set the bits that float64 settles; false where it does not settle one (also after overflow).
template <class LevelOf>
bool decide_fast(const DecisionTable& table, const Threshold* thresholds, const LevelOf& level_of,
                 const ErrorBound& bound, unsigned* bits) noexcept {
    bool is_settled = true;
    *bits = 0;
    for (int test = 0; test < table.n_tests; ++test) {
        const Ratio<double> level = level_of(table.test_level[test]);
        const double theta = thresholds[test].value;
        const double distance = level.numerator - theta * level.denominator;
        const double error = bound.at(theta);
        if (distance < -error) {
            *bits |= 1U << test;
        } else if (!(distance > error)) {
            is_settled = false;
        }
    }
    return is_settled;
}

template <class LevelOf>
unsigned decide_exactly(const DecisionTable& table, const Threshold* thresholds,
                        const LevelOf& level_of) noexcept {
    unsigned bits = 0;
    for (int test = 0; test < table.n_tests; ++test) {
        if (is_at_most(level_of(table.test_level[test]), Exact(thresholds[test].decimal))) {
            bits |= 1U << test;
        }
    }
    return bits;
}

/// The level as a number: +inf with nothing owed, -inf where even that leaves a deficit.
inline double level_value(const Ratio<double>& level) noexcept {
    if (level.denominator == 0) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        return level.numerator < 0 ? -infinity : infinity;
    }
    return level.numerator / level.denominator;
}

inline double level_value(const Ratio<Exact>& level) noexcept {
    if (level.denominator.sign() == 0) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        return level.numerator.sign() < 0 ? -infinity : infinity;
    }
    return Exact::ratio(level.numerator, level.denominator);
}

}  // namespace pymargin

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
    std::int64_t n_classes;         ///< rows of `thresholds`
    double greatest_theta;          ///< in size, of all classes and tests, for the error bound
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
template <class Number>
bool is_at_most(const Ratio<Number>& level, const Number& theta) noexcept {
    if (level.denominator.sign() == 0) {
        return level.numerator.sign() < 0;
    }
    return !(level.numerator > theta * level.denominator);
}

/// Bounds how far the float64 sums of an account can be from exact arithmetic on the decimals.
///
/// Each decimal is within u = 2^-53 of its float64; free + locked, the product with the price, the
/// step's rate, product, offset and sum round once each, and a value that rounding moves across a
/// cap moves the (continuous) schedule by no more than the steepest rate times that rounding: at
/// most 24 u of steepest * (owned + owed) * price for one term, (n + 24) u of steepest * magnitude
/// for a sum of n terms. N - theta * D holds at most six such sums and a few roundings of its own;
/// 8 n + 256 covers them with the terms of second order. Legs of pools (pools.hpp) round up to six
/// times before their product with a price, their sums no more often than those. The absolute part
/// covers what underflows: prices are at most 1e100 either way and a subnormal quantity is within
/// 2^-1075 of its decimal, in at most two products with a price. Theta is at most the greatest
/// threshold in use, which gives all tests of all accounts one bound.
class ErrorBound {
  public:
    /// `greatest_theta` is the greatest threshold that the account's levels are held against.
    ErrorBound(double greatest_theta, double steepest) noexcept
        : per_magnitude_(steepest * (1.0 + greatest_theta)),
          per_term_(greatest_theta),
          absolute_(1e-90 * steepest * (1.0 + greatest_theta)) {
    }

    /// The relative part for a sum of n terms.
    static PYMARGIN_INLINE double relative(std::int64_t n_terms) noexcept {
        return static_cast<double>(n_terms) * (8 * unit_roundoff) + 256 * unit_roundoff;
    }

    /// The bound on the error of N - theta * D of an account with n terms. The magnitude is scaled
    /// first: the bound is infinite wherever a sum may overflow.
    PYMARGIN_INLINE double at(std::int64_t n_terms, double magnitude) const noexcept {
        return relative(n_terms) * (per_magnitude_ * magnitude + per_term_) + absolute_;
    }

    /// The parts, for a kernel that computes the same in vectors.
    PYMARGIN_INLINE double per_magnitude() const noexcept {
        return per_magnitude_;
    }
    PYMARGIN_INLINE double per_term() const noexcept {
        return per_term_;
    }
    PYMARGIN_INLINE double absolute() const noexcept {
        return absolute_;
    }

  private:
    double per_magnitude_;
    double per_term_;
    double absolute_;
};

/// Whether a table asks what the mode's usual four tests ask, which the compiler then knows.
template <class Mode>
bool has_usual_tests(const DecisionTable& table) noexcept {
    constexpr int n_usual = sizeof Mode::usual_tests / sizeof Mode::usual_tests[0];
    bool same = table.n_tests == n_usual;
    for (int test = 0; same && test < n_usual; ++test) {
        same = table.test_level[test] == Mode::usual_tests[test];
    }
    return same;
}

/// Set the bits that float64 settles; false where it does not settle one (also after overflow).
template <bool is_usual, class Mode>
PYMARGIN_INLINE bool decide_fast(const DecisionTable& table, const Threshold* thresholds,
                                 const typename Mode::template Sums<double>& sums, double error,
                                 unsigned* bits) noexcept {
    bool is_settled = true;
    *bits = 0;
    const int n_tests = is_usual ? 4 : table.n_tests;
#pragma GCC unroll 4
    for (int test = 0; test < n_tests; ++test) {
        const int which = is_usual ? Mode::usual_tests[test % 4] : table.test_level[test];
        const Ratio<double> level = Mode::level(sums, which);
        const double distance = level.numerator - thresholds[test].value * level.denominator;
        *bits |= (distance < 0 ? 1U : 0U) << test;
        is_settled = is_settled && (distance < -error || distance > error);
    }
    return is_settled;
}

/// The bits of all tests of the levels of a mode, in a number type that does not round.
template <class Number>
unsigned decide_exactly(const DecisionTable& table, const Threshold* thresholds,
                        const Ratio<Number>* levels) noexcept {
    unsigned bits = 0;
    for (int test = 0; test < table.n_tests; ++test) {
        if (is_at_most(levels[table.test_level[test]], Number(thresholds[test].decimal))) {
            bits |= 1U << test;
        }
    }
    return bits;
}

/// The level as a number: +inf with nothing owed, -inf where even that leaves a deficit. IEEE
/// division says so by itself, but for 0 / 0; sums of nothing are +0, never -0.
PYMARGIN_INLINE double level_value(const Ratio<double>& level) noexcept {
    const double ratio = level.numerator / level.denominator;
    if (__builtin_expect(ratio != ratio, 0) && level.denominator == 0) {
        return std::numeric_limits<double>::infinity();
    }
    return ratio;
}

template <class Number>
double level_value(const Ratio<Number>& level) noexcept {
    static_assert(is_exact<Number>);
    if (level.denominator.sign() == 0) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        return level.numerator.sign() < 0 ? -infinity : infinity;
    }
    return Number::ratio(level.numerator, level.denominator);
}

}  // namespace pymargin

#pragma once

#include <cstdint>
#include <limits>

#include "pymargin/parallel.hpp"
#include "pymargin/row.hpp"

namespace pymargin {

/// What an account lacks to the thresholds of a table: max(0, theta D - N) over its tests, in the
/// unit of N. With that much more in N the level is exactly the threshold.
template <class Number, class Mode>
Number lacking(const DecisionTable& table, const Threshold* thresholds,
               const typename Mode::template Sums<Number>& sums) noexcept {
    Number most{};
    for (int test = 0; test < table.n_tests; ++test) {
        const Ratio<Number> level = Mode::level(sums, table.test_level[test]);
        const Number theta(thresholds[test].decimal);
        const Number lack = theta * level.denominator - level.numerator;
        if (most < lack) {
            most = lack;
        }
    }
    return most;
}

/// The same in one exact number type, to within a few ulp and above 0 exactly where something is
/// lacking; negative where the account does not fit the type.
template <class Number, class Mode, class Accounts>
__attribute__((noinline)) double exact_shortfall_in(const Accounts& accounts,
                                                    const Market<Mode::n_tables>& market,
                                                    const DecisionTable& table,
                                                    std::int64_t account) noexcept {
    if constexpr (may_overflow<Number>) {
        Number::clear_overflow();
    }
    Notes unused;
    const auto sums = sum_row<Mode, Number>(accounts, market, account, unused);
    const Number most = lacking<Number, Mode>(table, table.row(account), sums);
    if constexpr (may_overflow<Number>) {
        if (Number::has_overflowed()) {
            return -1;
        }
    }
    if (most.sign() == 0) {
        return 0;
    }
    const double value = Number::ratio(most, Number(1.0));
    return value > 0 ? value : std::numeric_limits<double>::denorm_min();
}

template <class Mode, class Accounts>
double exact_shortfall(const Accounts& accounts, const Market<Mode::n_tables>& market,
                       const DecisionTable& table, std::int64_t account) noexcept {
    if constexpr (Mode::has_positions) {
        return exact_shortfall_in<Quotient, Mode>(accounts, market, table, account);
    } else {
        const double value = exact_shortfall_in<Exact128, Mode>(accounts, market, table, account);
        return value >= 0 ? value
                          : exact_shortfall_in<Exact, Mode>(accounts, market, table, account);
    }
}

/// The shortfall of an account whose assets can all be valued, within the bound of its decisions;
/// float64 where that settles whether anything is lacking at all, exact numbers elsewhere.
template <class Mode, class Accounts>
double shortfall_row(const Accounts& accounts, const Market<Mode::n_tables>& market,
                     const DecisionTable& table, const ErrorBound& bound,
                     std::int64_t account) noexcept {
    Notes unused;
    const auto sums = sum_row<Mode, double>(accounts, market, account, unused);
    const double error = bound.at(n_terms<Mode>(accounts, account), Mode::magnitude(sums));
    const Threshold* const thresholds = table.row(account);
    double most = -std::numeric_limits<double>::infinity();
    for (int test = 0; test < table.n_tests; ++test) {
        const Ratio<double> level = Mode::level(sums, table.test_level[test]);
        const double lack = thresholds[test].value * level.denominator - level.numerator;
        // Not a number, after overflow, is no number of which the next line could be sure.
        most = lack <= most ? most : lack;
    }
    if (most > error && std::isfinite(most)) {
        return most;
    }
    return most < -error ? 0 : exact_shortfall<Mode>(accounts, market, table, account);
}

/// Shortfalls of a whole book into `out`, NaN where an account cannot be valued.
template <class Mode, class Accounts>
void shortfalls(const Accounts& accounts, const Market<Mode::n_tables>& market,
                const DecisionTable& table, double* out, int threads) {
    const ErrorBound bound(table.greatest_theta, market.steepest);
    parallel_for(
        accounts.n_accounts, thread_count(threads), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t account = begin; account < end; ++account) {
                const bool has_gaps =
                    market.gaps != nullptr && gaps_of<Mode>(accounts, market.gaps, account) != 0;
                out[account] = has_gaps
                                   ? std::numeric_limits<double>::quiet_NaN()
                                   : shortfall_row<Mode>(accounts, market, table, bound, account);
            }
        });
}

}  // namespace pymargin

#pragma once

#include <cstdint>
#include <limits>

#include "pymargin/parallel.hpp"
#include "pymargin/row.hpp"

namespace pymargin {

/// Where the results of n accounts go; a null pointer is a field that nobody asked for.
template <class Mode>
struct Outputs {
    double* levels[Mode::n_levels];
    double* totals[Mode::n_totals];
    std::uint16_t* actions;

    unsigned wanted_levels() const noexcept {
        unsigned wanted = 0;
        for (int level = 0; level < Mode::n_levels; ++level) {
            if (levels[level] != nullptr) {
                wanted |= 1U << level;
            }
        }
        return wanted;
    }

    PYMARGIN_INLINE void write(std::int64_t account, const RowResult<Mode>& result) const noexcept {
        for (int level = 0; level < Mode::n_levels; ++level) {
            if (levels[level] != nullptr) {
                levels[level][account] = Mode::shown(level, result.levels[level]);
            }
        }
        for (int total = 0; total < Mode::n_totals; ++total) {
            if (totals[total] != nullptr) {
                totals[total][account] = Mode::total(result.sums, total);
            }
        }
        if (actions != nullptr) {
            actions[account] = result.actions;
        }
    }

    /// An account that cannot be valued: NaN everywhere and nothing but the reason set.
    void write_unpriced(std::int64_t account, std::uint16_t gaps) const noexcept {
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        for (double* level : levels) {
            if (level != nullptr) {
                level[account] = nan;
            }
        }
        for (double* total : totals) {
            if (total != nullptr) {
                total[account] = nan;
            }
        }
        if (actions != nullptr) {
            actions[account] = gaps;
        }
    }
};

/// Levels and actions of accounts begin to end; allocates nothing.
template <class Mode, bool is_usual, class Accounts>
void evaluate_range(const Accounts& given_accounts, const Market<Mode::n_tables>& given_market,
                    const DecisionTable& given_table, const Outputs<Mode>& given_outputs,
                    std::int64_t begin, std::int64_t end) noexcept {
    // Copies that no output can alias: the compiler keeps their parts in registers.
    const Accounts accounts = given_accounts;
    const Market<Mode::n_tables> market = given_market;
    const DecisionTable table = given_table;
    const Outputs<Mode> outputs = given_outputs;
    const unsigned wanted_levels = outputs.wanted_levels();
    const ErrorBound bound(table.greatest_theta, market.steepest);
    for (std::int64_t account = begin; account < end; ++account) {
        if (market.gaps != nullptr) {
            const std::uint16_t gaps = gaps_of<Mode>(accounts, market.gaps, account);
            if (gaps != 0) {
                outputs.write_unpriced(account, gaps);
                continue;
            }
        }
        outputs.write(account, evaluate_row<Mode, is_usual>(accounts, market, table, bound, account,
                                                            wanted_levels));
    }
}

/// Levels and actions of a whole book under one mode.
template <class Mode, class Accounts>
void evaluate(const Accounts& accounts, const Market<Mode::n_tables>& market,
              const DecisionTable& table, const Outputs<Mode>& outputs, int threads) {
    parallel_for(accounts.n_accounts, thread_count(threads),
                 [&](std::int64_t begin, std::int64_t end) {
                     if (has_usual_tests<Mode>(table)) {
                         evaluate_range<Mode, true>(accounts, market, table, outputs, begin, end);
                     } else {
                         evaluate_range<Mode, false>(accounts, market, table, outputs, begin, end);
                     }
                 });
}

}  // namespace pymargin

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

    void write(std::int64_t account, const RowResult<Mode>& result) const noexcept {
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
template <class Mode, class AssetId>
void evaluate_range(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                    const DecisionTable& table, const Outputs<Mode>& outputs, std::int64_t begin,
                    std::int64_t end) noexcept {
    for (std::int64_t account = begin; account < end; ++account) {
        if (market.gaps != nullptr) {
            const std::uint16_t gaps = gaps_of<Mode>(accounts, market.gaps, account);
            if (gaps != 0) {
                outputs.write_unpriced(account, gaps);
                continue;
            }
        }
        outputs.write(account, evaluate_row<Mode>(accounts, market, table, account));
    }
}

/// Levels and actions of a whole book under one mode.
template <class Mode, class AssetId>
void evaluate(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
              const DecisionTable& table, const Outputs<Mode>& outputs, int threads) {
    parallel_for(accounts.n_accounts, thread_count(threads),
                 [&](std::int64_t begin, std::int64_t end) {
                     evaluate_range<Mode>(accounts, market, table, outputs, begin, end);
                 });
}

}  // namespace pymargin

#pragma once

#include <cstdint>

#include "pymargin/dispatch.hpp"
#include "pymargin/evaluate.hpp"
#include "pymargin/pools.hpp"

namespace pymargin {

/// How many flags an action word has.
constexpr int n_action_flags = 16;

/// Where the results of n accounts under m scenarios go; a null pointer is a result that nobody
/// asked for, and what no result needs is not computed.
template <class Mode>
struct GridOutputs {
    double* levels[Mode::n_levels];  ///< n x m each
    std::uint16_t* actions;          ///< n x m
    double* worst_level;             ///< n: the least margin level over the scenarios
    std::int32_t* worst_scenario;    ///< n: the first scenario that has it; with worst_level
    std::int64_t* action_counts;     ///< m x n_action_flags: accounts with each flag
    double* shortfall;               ///< m: USDT that the accounts due for liquidation lack in all

    /// Whether anything needs an account held against its thresholds.
    bool need_decisions() const noexcept {
        return actions != nullptr || action_counts != nullptr || shortfall != nullptr;
    }
};

/// Every account of a book under every one of m price vectors; each level has the bits of a single
/// evaluation, each decision is as exact.
///
/// `market` gives schedules (its prices are not read); `prices` is m x n_assets. `liquidation_test`
/// is the number of the test that liquidates, -1 if none.
template <class Mode, class AssetId>
void evaluate_grid(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                   std::int64_t n_assets, const double* prices, std::int64_t n_scenarios,
                   const DecisionTable& table, int liquidation_test,
                   const GridOutputs<Mode>& outputs, int threads, Implementation implementation);

/// Prices of the instruments of a book of pools (PoolRows) under each of n scenarios.
struct PoolScenarios {
    std::int64_t n;
    const double* prices;   ///< n x n_rows: of assets index price and bid rate, of symbols the mark
    const double* weights;  ///< n x 2 n_assets: what a shortage and margins count at
    const double* units;    ///< n x (n_assets + 1): USDT of one unit of an asset, of one USD
};

/// Every account of a book of pools under every scenario, by its pools together: its level is that
/// of its worst cross pool, an amount the sum over them in USDT; a line holds where it does in any
/// cross pool, a grant is given where any gives it; an isolated position due is flagged. A pool
/// lacks of its liquidation threshold what `shortfall` counts, isolated ones that are due as well.
///
/// Tests before `n_lines` are lines, the others grants; thresholds are by account. `market` gives
/// schedules, contract sizes and gaps. A unit that is missing in the first scenario leaves its
/// accounts unpriced.
template <class Mode, class RowId>
void evaluate_pool_grid(const Pools<RowId>& pools, const Market<1>& market, std::int64_t n_rows,
                        const PoolScenarios& scenarios, const DecisionTable& table, int n_lines,
                        int liquidation_test, const GridOutputs<Mode>& outputs, int threads,
                        Implementation implementation);

}  // namespace pymargin

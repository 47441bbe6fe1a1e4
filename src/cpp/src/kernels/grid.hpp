#pragma once

#include <cstddef>
#include <cstdint>

#include "pymargin/grid.hpp"
#include "pymargin/slots.hpp"

namespace pymargin::kernels {

/// Vectors of scenarios that are taken together: their sums fit the registers.
constexpr int grid_vectors = 4;

/// Scenarios that are taken together: a row of prices is two cache lines.
constexpr int grid_block = grid_vectors * lanes;

/// Accounts whose sums over scenarios are kept apart, so that a total never depends on threads.
constexpr std::int64_t grid_tile = 1024;

/// What an account holds or owes of one asset, as it is the same under every scenario.
template <int n_tables>
struct GridEntry {
    double owned;
    double owed;
    const MarketRow<n_tables>* row;
    std::uint32_t asset;
    bool is_in_first_step;  ///< of every table, under every scenario
};

/// One account whose assets can all be valued, without orders.
template <class Mode>
struct GridAccount {
    std::int64_t account;
    /// Its entries: what it holds from `first_held`, what it owes from `first_owed` to `end`.
    std::uint32_t first_held;
    std::uint32_t first_owed;
    std::uint32_t end;
    double order_loss;
    double error;  ///< bounds the error of N - theta * D under every scenario
    const Threshold* thresholds;
    double greatest_theta[Mode::n_levels];  ///< of the tests that ask for a level
};

/// Whether whatever is computed of an entry stays within the first step of every table at prices
/// up to `price`; rounding is allowed for.
template <int n_tables>
PYMARGIN_INLINE bool is_in_first_step(const GridEntry<n_tables>& entry, double price) noexcept {
    double least_cap = entry.row->tables[0].first_cap;
    for (int table = 1; table < n_tables; ++table) {
        least_cap = smaller(least_cap, entry.row->tables[table].first_cap);
    }
    return (entry.owned + entry.owed) * price * (1 + 4 * cap_slack) <= least_cap;
}

/// What one account is under one scenario.
template <class Mode>
struct GridResult {
    double levels[Mode::n_levels];
    std::uint16_t actions;
    double missing;  ///< USDT that it lacks of its liquidation threshold, if it is liquidated
};

/// What a grid kernel leaves to code that is not vectorised.
template <class Mode>
class GridRare {
  public:
    virtual ~GridRare() = default;

    /// Evaluates one account under one scenario.
    virtual GridResult<Mode> redo(std::int64_t account, std::int64_t scenario) noexcept = 0;
};

/// What a grid kernel is given beside the accounts of a tile.
template <class Mode>
struct GridTask {
    const ScheduleTable* schedules;
    const DecisionTable* decisions;
    int liquidation_test;
    GridOutputs<Mode> outputs;      ///< its worst levels are infinite before
    const double* prices;           ///< n_assets x n_blocks x grid_block
    const double* greatest_prices;  ///< n_assets x n_blocks
    std::int64_t n_scenarios;
    std::int64_t n_blocks;
    /// To be added to; null where not wanted.
    std::uint16_t* counts;   ///< n_blocks x n_action_flags x grid_block: accounts with each flag
    std::uint16_t* n_clear;  ///< n_blocks: accounts clear of every threshold, not in `counts`
    double* shortfall;       ///< n_blocks x grid_block
    GridRare<Mode>* rare;
};

/// All scenarios of one tile of accounts.
template <class Mode>
struct GridJob : GridTask<Mode> {
    const GridAccount<Mode>* accounts;
    std::int64_t n_accounts;
    const GridEntry<Mode::n_tables>* entries;
};

template <class Mode>
void run_grid_avx2(const GridJob<Mode>& job) noexcept;

}  // namespace pymargin::kernels

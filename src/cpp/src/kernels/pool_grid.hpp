#pragma once

#include <cstdint>

#include "grid.hpp"

namespace pymargin::kernels {

/// A leg of a pool (pools.hpp), as it is the same under every scenario.
struct PoolGridLeg {
    double x;
    double y;
    double z;
    const MarketRow<1>* row;
    std::uint32_t instrument;
    bool is_asset;
    bool is_in_first_step;  ///< under every scenario
};

/// Whether a position stays within the first step of its brackets at prices up to `price`; rounding
/// is allowed for.
PYMARGIN_INLINE bool is_position_in_first_step(const PoolGridLeg& leg, double price) noexcept {
    return size_of(leg.x) * price * (1 + 4 * cap_slack) <= leg.row->tables[0].first_cap;
}

/// One pool of an account; cross pools come before isolated ones.
template <class Mode>
struct GridPool {
    std::uint32_t first_leg;
    std::uint32_t end_leg;
    std::uint32_t unit;  ///< what its figures are in, a column of PoolGridJob::units
    bool is_isolated;
    double order_loss;
    double error;  ///< bounds the error of N - theta * D under every scenario
    /// Of the tests that it is held against, by level.
    double greatest_theta[Mode::n_levels];
};

/// One account all of whose pools can be valued.
struct PoolGridAccount {
    std::int64_t account;
    std::uint32_t first_pool;
    std::uint32_t end_pool;
    const Threshold* thresholds;
};

/// All scenarios of one tile of accounts of pools; `prices` are those of instruments.
template <class Mode>
struct PoolGridJob : GridTask<Mode> {
    const PoolGridAccount* accounts;
    std::int64_t n_accounts;
    const GridPool<Mode>* pools;
    const PoolGridLeg* legs;
    int n_lines;            ///< tests before this are lines, the others grants
    const double* weights;  ///< assets (PoolRows) x n_blocks x grid_block
    const double* units;    ///< units x n_blocks x grid_block: USDT
};

template <class Mode>
void run_pool_grid_avx2(const PoolGridJob<Mode>& job) noexcept;

}  // namespace pymargin::kernels

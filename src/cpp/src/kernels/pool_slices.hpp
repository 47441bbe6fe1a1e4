#pragma once

#include <cstdint>

#include "kernels.hpp"
#include "pymargin/pool_slots.hpp"

namespace pymargin::kernels {

/// One instrument as the pass over pools loads it. Most values are in the first step; the step that
/// another notional of a position falls in is searched among those held without a branch: step k is
/// the one that k caps are below.
struct alignas(32) InstrumentRow {
    static constexpr int n_steps = 8;

    double price;
    double first_cap;  ///< at or below it a value is in the first step, rounding or not
    double first_rate;
    double weight;  ///< of an asset
    double caps[n_steps - 1];
    /// Of a position: above it exact arithmetic, or a step that is not held, may be called for.
    double limit;
    double steps[2 * n_steps];  ///< rate and offset of each; of an asset the first is its pool's
                                ///< unit, in USDT
};
static_assert(sizeof(InstrumentRow) == PoolSlots::row_size * sizeof(double));

/// What joins an account's pools to one answer, where there may be several.
struct PoolJoin {
    unsigned lines;                    ///< the tests, a bit each, that hold where they do in any
                                       ///< cross pool; of the others, those that hold in every one
    const std::uint8_t* isolated_due;  ///< by the tests that hold: 1 if the pool is liquidated
    double* ratio;                     ///< one over the level; null: not wanted
};

/// One pass over slices first to last of the pools of a book. Where pools are joined, `decisions`
/// gives the actions of accounts, and `outputs` holds USDT but for the first level.
template <class Mode>
struct PoolSliceJob : EndJob<Mode> {
    PoolSlots slots;
    const double* rows;   ///< InstrumentRow by InstrumentRow
    bool counts_in_full;  ///< what a single asset is worth is its amount
    PoolJoin join;
    std::int64_t first_slice;
    std::int64_t last_slice;
};

template <class Mode>
void run_pools_avx2(const PoolSliceJob<Mode>& job) noexcept;

}  // namespace pymargin::kernels

#pragma once

#include <cstdint>

#include "pymargin/dispatch.hpp"
#include "pymargin/evaluate.hpp"
#include "pymargin/pool_accounts.hpp"
#include "pymargin/pool_slots.hpp"

namespace pymargin {

/// Levels and actions of a whole book whose accounts are one pool each; the same bits as
/// `evaluate`. `slots` is the layout of `pools`, `n_rows` the number of instruments;
/// `slot_class_of` is DecisionTable::class_of in slot order, null where that is.
template <class Mode, class RowId>
void evaluate_pool_slots(const PoolSlots& slots, const Pools<RowId>& pools, const Market<1>& market,
                         std::int64_t n_rows, const DecisionTable& table,
                         const std::uint32_t* slot_class_of, const Outputs<Mode>& outputs,
                         int threads, Implementation implementation);

/// What joins the pools of an account, as in PoolFigures and PoolCodes.
struct Joining {
    const double* unit;
    std::int64_t n_units;
    PoolCodes codes;
};

/// Figures of a whole book whose accounts have any number of pools; the same bits as `evaluate` and
/// `combine_pools` one after the other. `table` gives codes (PoolCodes); `outputs` are of accounts:
/// amounts, which are levels after the first and totals, in USDT; `ratio` is that of
/// AccountFigures, null where nobody asks.
template <class Mode, class RowId>
void evaluate_joined_slots(const PoolSlots& slots, const Pools<RowId>& pools,
                           const Market<1>& market, std::int64_t n_rows, const DecisionTable& table,
                           const Joining& joining, const Outputs<Mode>& outputs, double* ratio,
                           int threads, Implementation implementation);

}  // namespace pymargin

#pragma once

#include <cstdint>

namespace pymargin {

/// Formulas are inlined into every caller, so that they take on the caller's instruction set and
/// leave no copy of their own behind.
#define PYMARGIN_INLINE inline __attribute__((always_inline))

/// A decimal as the rules state it: coefficient * 10^exponent.
struct Decimal {
    std::int64_t coefficient;
    std::int32_t exponent;
};

/// What an account may still do, and what is done to it; values as in pymargin.Action.
enum Action : std::uint16_t {
    action_trade = 1,
    action_borrow = 2,
    action_transfer_out = 4,
    action_margin_call = 8,
    action_liquidate = 16,
    action_reduce_only = 32,
    action_bankrupt = 64,
    action_isolated_liquidate = 128,
    action_unpriced_asset = 256,
    action_unpriced_debt = 512,
    action_beyond_tiers = 1024,
};

/// Half the distance from 1 to the next float64: the largest relative error of one rounding.
constexpr double unit_roundoff = 0x1p-53;

}  // namespace pymargin

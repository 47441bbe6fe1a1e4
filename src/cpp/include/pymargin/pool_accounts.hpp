#pragma once

#include <cstdint>

#include "pymargin/pools.hpp"
#include "pymargin/types.hpp"

namespace pymargin {

/// What the pools of futures accounts came to; all by pool.
struct PoolFigures {
    const std::int64_t* first_pool;  ///< of each account, and one past the last
    const PoolKey* keys;
    const std::uint8_t* is_isolated;  ///< 1: of an isolated position
    const double* unit;  ///< USDT of one unit of each asset, then of USD; NaN: no price
    std::int64_t n_units;
    const double* levels;
    const double* const* amounts;
    int n_amounts;
    const std::uint16_t* codes;  ///< see PoolCodes
};

/// What a pool's code says: the number of the line that matched, from 1, or `no_line` and a bit a
/// grant; above them the flags unpriced and beyond tiers.
struct PoolCodes {
    static constexpr unsigned no_line = 128;
    static constexpr unsigned line_bits = 255;

    const std::uint16_t* actions_of_line;
    unsigned n_lines;
    const std::uint16_t* actions_of_grants;  ///< by the bits that any pool grants
};

/// Where accounts' figures go; null where nobody asks.
struct AccountFigures {
    double* level;
    double* ratio;
    double* const* amounts;  ///< as many as PoolFigures has
    std::uint16_t* actions;
};

/// Makes accounts of pools. The level is that of the worst cross pool, infinity without one; the
/// ratio its inverse, infinity where the level is 0 or less; amounts are sums over the cross pools
/// in USDT. The line that comes first in any cross pool decides; where none matches, the account
/// has what any pool grants. Figures of an account that cannot be valued are NaN.
void combine_pools(std::int64_t n_accounts, const PoolFigures& pools, const PoolCodes& codes,
                   const AccountFigures& accounts, int threads);

}  // namespace pymargin

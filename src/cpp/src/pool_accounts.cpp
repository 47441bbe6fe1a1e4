#include "pymargin/pool_accounts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pymargin/parallel.hpp"

namespace pymargin {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr unsigned action_liquidate = 16;
constexpr unsigned action_isolated_liquidate = 128;

/// What a pool's code says for its account, by the code's bits below the flags.
struct Meaning {
    std::uint8_t line;  ///< greater than every line where none matches
    std::uint8_t granted;
    std::uint16_t isolated;  ///< actions where the pool is of an isolated position
};

class Meanings {
  public:
    explicit Meanings(const PoolCodes& codes) noexcept {
        for (unsigned code = 0; code <= PoolCodes::line_bits; ++code) {
            Meaning& meaning = of_[code];
            meaning = {none, 0, 0};
            if (code >= PoolCodes::no_line) {
                meaning.granted = static_cast<std::uint8_t>(code - PoolCodes::no_line);
            } else if (code <= codes.n_lines) {
                meaning.line = static_cast<std::uint8_t>(code);
                if ((codes.actions_of_line[code] & action_liquidate) != 0) {
                    meaning.isolated = action_isolated_liquidate;
                }
            }
        }
    }

    static constexpr std::uint8_t none = 255;

    const Meaning& of(unsigned code) const noexcept {
        return of_[code & PoolCodes::line_bits];
    }

  private:
    Meaning of_[PoolCodes::line_bits + 1];
};

/// What an account's pools say together.
struct Together {
    unsigned first_line = Meanings::none;
    unsigned granted = 0;
    unsigned flags = 0;   ///< of all pools: unpriced, beyond tiers
    unsigned beside = 0;  ///< actions whatever the line
    double level = infinity;
};

/// Without a branch on what a pool is: that is hardly predictable.
Together put_together(const PoolFigures& pools, const Meanings& meanings, std::int64_t first,
                      std::int64_t last) noexcept {
    Together all;
    for (std::int64_t pool = first; pool < last; ++pool) {
        const unsigned code = pools.codes[pool];
        const Meaning meaning = meanings.of(code);
        const bool is_isolated = pools.is_isolated[pool] != 0;
        const unsigned line = is_isolated ? Meanings::none : meaning.line;
        const double level = is_isolated ? infinity : pools.levels[pool];
        all.first_line = line < all.first_line ? line : all.first_line;
        all.granted |= is_isolated ? 0U : meaning.granted;
        all.beside |= is_isolated ? meaning.isolated : 0U;
        all.flags |= code;
        all.level = level < all.level ? level : all.level;
    }
    return all;
}

/// Totals are in USDT: a cross pool needs its asset's price, though its level does not.
bool lacks_a_unit(const PoolFigures& pools, std::int64_t first, std::int64_t last) noexcept {
    for (std::int64_t pool = first; pool < last; ++pool) {
        if (pools.is_isolated[pool] == 0 && std::isnan(pools.unit[pools.keys[pool].asset])) {
            return true;
        }
    }
    return false;
}

double in_usdt(const PoolFigures& pools, const double* amounts, std::int64_t first,
               std::int64_t last) noexcept {
    double sum = 0;
    for (std::int64_t pool = first; pool < last; ++pool) {
        if (pools.is_isolated[pool] == 0) {
            sum += amounts[pool] * pools.unit[pools.keys[pool].asset];
        }
    }
    return sum;
}

}  // namespace

void combine_pools(std::int64_t n_accounts, const PoolFigures& pools, const PoolCodes& codes,
                   const AccountFigures& accounts, int threads) {
    const Meanings meanings(codes);
    const bool has_all_units = std::none_of(pools.unit, pools.unit + pools.n_units,
                                            [](double unit) { return std::isnan(unit); });
    const auto combine = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t account = begin; account < end; ++account) {
            const std::int64_t first = pools.first_pool[account];
            const std::int64_t last = pools.first_pool[account + 1];
            const Together all = put_together(pools, meanings, first, last);
            unsigned unpriced = all.flags & (action_unpriced_asset | action_unpriced_debt);
            if (!has_all_units && lacks_a_unit(pools, first, last)) {
                unpriced |= action_unpriced_asset;
            }
            const bool is_unpriced = unpriced != 0;
            if (accounts.actions != nullptr) {
                const unsigned decided = all.first_line <= codes.n_lines
                                             ? codes.actions_of_line[all.first_line]
                                             : codes.actions_of_grants[all.granted];
                const unsigned beside = all.beside | (all.flags & action_beyond_tiers);
                accounts.actions[account] =
                    static_cast<std::uint16_t>(is_unpriced ? unpriced : decided | beside);
            }
            const double level = is_unpriced ? nan : all.level;
            if (accounts.level != nullptr) {
                accounts.level[account] = level;
            }
            if (accounts.ratio != nullptr) {
                accounts.ratio[account] = level <= 0 ? infinity : 1 / level;
            }
            for (int amount = 0; amount < pools.n_amounts; ++amount) {
                accounts.amounts[amount][account] =
                    is_unpriced ? nan : in_usdt(pools, pools.amounts[amount], first, last);
            }
        }
    };
    parallel_for(n_accounts, thread_count(threads), combine);
}

}  // namespace pymargin

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/pool_grid.hpp"
#include "pymargin/row.hpp"
#include "scenario_prices.hpp"

namespace pymargin {

/// What a grid of pools is called with, made ready.
template <class GridMode, class RowId>
struct PoolGridCall {
    using Mode = GridMode;

    const Pools<RowId>& pools;
    const Market<1>& market;
    std::uint32_t n_assets;
    std::int64_t n_rows;
    const PoolScenarios& given;
    std::int64_t n_scenarios;
    const DecisionTable& table;
    int n_lines;
    int liquidation_test;
    const GridOutputs<Mode>& outputs;
    /// Prices that formulas take: of a COIN-M symbol contract size / mark price.
    const std::vector<double>& prices;
    const ScenarioPrices& scenarios;
    const ScenarioPrices& weights;
    const ScenarioPrices& units;
    const Market<1>& greatest;  ///< every price and weight at its greatest: bounds magnitudes

    std::uint32_t unit_of(std::int64_t pool) const noexcept {
        return pools.keys[pool].asset;
    }
    bool is_isolated(std::int64_t pool) const noexcept {
        return pools.keys[pool].isolated >= 0;
    }
    bool has_unit(std::int64_t pool) const noexcept {
        return std::isfinite(given.units[unit_of(pool)]);
    }
};

/// The accounts of a tile as a grid of pools takes them; filled again for each tile.
template <class Mode, class RowId>
class PoolGridTile {
  public:
    using Call = PoolGridCall<Mode, RowId>;

    struct Unpriced {
        std::int64_t account;
        std::uint16_t gaps;
    };

    void fill(const Call& call, std::int64_t begin, std::int64_t end) {
        accounts_.clear();
        pools_.clear();
        legs_.clear();
        alone_.clear();
        unpriced_.clear();
        for (std::int64_t account = begin; account < end; ++account) {
            const std::uint16_t gaps = gaps_of_account(call, account);
            if (gaps != 0) {
                unpriced_.push_back({account, gaps});
            } else {
                add(call, account);
            }
        }
    }

    void give(kernels::PoolGridJob<Mode>& job, const Call& call) const noexcept {
        job.accounts = accounts_.data();
        job.n_accounts = static_cast<std::int64_t>(accounts_.size());
        job.pools = pools_.data();
        job.legs = legs_.data();
        job.n_lines = call.n_lines;
        job.weights = call.weights.by_block();
        job.units = call.units.by_block();
    }

    const std::vector<kernels::PoolGridAccount>& accounts() const noexcept {
        return accounts_;
    }
    /// Those with orders, and those whose sums may overflow.
    const std::vector<std::int64_t>& alone() const noexcept {
        return alone_;
    }
    /// None is: what an account may do can depend on amounts even where it owes nothing.
    const std::vector<std::int64_t>& free() const noexcept {
        return free_;
    }
    const std::vector<Unpriced>& unpriced() const noexcept {
        return unpriced_;
    }

  private:
    /// Which of the unpriced actions an account has, of whichever pool. Amounts of a cross pool are
    /// in USDT: it needs its asset's price, though its level may not.
    static std::uint16_t gaps_of_account(const Call& call, std::int64_t account) noexcept {
        unsigned found = 0;
        for (auto pool = call.pools.first_pool[account]; pool < call.pools.first_pool[account + 1];
             ++pool) {
            if (call.market.gaps != nullptr) {
                found |= gaps_of<Mode>(call.pools, call.market.gaps, pool);
            }
            if (!call.is_isolated(pool) && !call.has_unit(pool)) {
                found |= action_unpriced_asset;
            }
        }
        return static_cast<std::uint16_t>(found);
    }

    void add(const Call& call, std::int64_t account) {
        const ErrorBound bound(call.table.greatest_theta, call.market.steepest);
        if (Mode::counts_orders && call.pools.book->n_orders(account) > 0) {
            alone_.push_back(account);
            return;
        }
        const auto n_pools = pools_.size();
        const auto n_legs = legs_.size();
        kernels::PoolGridAccount added{};
        added.account = account;
        added.first_pool = static_cast<std::uint32_t>(n_pools);
        added.thresholds = call.table.row(account);
        bool is_bounded = true;
        for (auto pool = call.pools.first_pool[account]; pool < call.pools.first_pool[account + 1];
             ++pool) {
            add_pool(call, added.thresholds, bound, pool);
            is_bounded = is_bounded && std::isfinite(pools_.back().error);
        }
        if (!is_bounded) {
            pools_.resize(n_pools);
            legs_.resize(n_legs);
            alone_.push_back(account);
            return;
        }
        added.end_pool = static_cast<std::uint32_t>(pools_.size());
        accounts_.push_back(added);
    }

    void add_pool(const Call& call, const Threshold* thresholds, const ErrorBound& bound,
                  std::int64_t pool) {
        kernels::GridPool<Mode> added{};
        added.first_leg = static_cast<std::uint32_t>(legs_.size());
        list_legs(call, pool);
        added.end_leg = static_cast<std::uint32_t>(legs_.size());
        added.unit = call.unit_of(pool);
        added.is_isolated = call.is_isolated(pool);
        added.order_loss = Mode::counts_orders ? call.pools.open_order_loss[pool] : 0.0;
        Notes unused;
        const auto sums = sum_row<Mode, double>(call.pools, call.greatest, pool, unused);
        added.error = bound.at(n_terms<Mode>(call.pools, pool), Mode::magnitude(sums));
        const int n_tests = added.is_isolated ? call.n_lines : call.table.n_tests;
        for (int test = 0; test < n_tests; ++test) {
            double& greatest = added.greatest_theta[call.table.test_level[test]];
            greatest = std::max(greatest, thresholds[test].value);
        }
        pools_.push_back(added);
    }

    void list_legs(const Call& call, std::int64_t pool) {
        const auto& pools = call.pools;
        double open = 0;  // of the positions since the last asset, in units of the next
        for (std::int64_t at = pools.offsets[pool]; at < pools.offsets[pool + 1]; ++at) {
            const std::uint32_t instrument = pools.row[at];
            kernels::PoolGridLeg leg{};
            leg.x = pools.x[at];
            leg.y = pools.y[at];
            leg.z = pools.z[at];
            leg.instrument = instrument;
            leg.row = call.market.rows + instrument;
            leg.is_asset = call.market.terms[instrument].weight >= 0;
            const double greatest = call.scenarios.greatest()[instrument];
            if (leg.is_asset) {
                // Equity is a difference: its parts bound it, and how far it is rounded.
                const double extent = (size_of(leg.x) + open) * greatest;
                leg.is_in_first_step = extent * (1 + 4 * cap_slack) <= leg.row->tables[0].first_cap;
                open = 0;
            } else {
                leg.is_in_first_step = is_position_in_first_step(leg, greatest);
                open += size_of(leg.x) * greatest + size_of(leg.y);
            }
            legs_.push_back(leg);
        }
    }

    std::vector<kernels::PoolGridAccount> accounts_;
    std::vector<kernels::GridPool<Mode>> pools_;
    std::vector<kernels::PoolGridLeg> legs_;
    std::vector<std::int64_t> alone_;
    std::vector<std::int64_t> free_;
    std::vector<Unpriced> unpriced_;
};

}  // namespace pymargin

#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/grid.hpp"

namespace pymargin {

/// The accounts of a tile as a grid takes them; filled again for each tile.
template <class Mode>
class GridTile {
  public:
    struct Unpriced {
        std::int64_t account;
        std::uint16_t gaps;
    };

    template <class AssetId>
    void fill(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
              const DecisionTable& table, const double* greatest_prices, std::int64_t begin,
              std::int64_t end) {
        const auto& offsets = accounts.balances.offsets;
        entries_.resize(2 * static_cast<std::size_t>(offsets[end] - offsets[begin]));
        accounts_.clear();
        alone_.clear();
        free_.clear();
        unpriced_.clear();
        n_entries_ = 0;
        const ErrorBound bound(table.greatest_theta, market.steepest);
        for (std::int64_t account = begin; account < end; ++account) {
            const std::uint16_t gaps = market.gaps == nullptr
                                           ? std::uint16_t{0}
                                           : gaps_of<Mode>(accounts, market.gaps, account);
            if (gaps != 0) {
                unpriced_.push_back({account, gaps});
            } else {
                add(accounts, market, table, bound, greatest_prices, account);
            }
        }
    }

    const std::vector<kernels::GridAccount<Mode>>& accounts() const noexcept {
        return accounts_;
    }
    const kernels::GridEntry<Mode::n_tables>* entries() const noexcept {
        return entries_.data();
    }
    /// Those with orders, and those whose sums may overflow.
    const std::vector<std::int64_t>& alone() const noexcept {
        return alone_;
    }
    /// Those that owe nothing and of which nothing is to be computed, see is_free_without_debt.
    const std::vector<std::int64_t>& free() const noexcept {
        return free_;
    }
    const std::vector<Unpriced>& unpriced() const noexcept {
        return unpriced_;
    }

  private:
    template <class AssetId>
    void add(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
             const DecisionTable& table, const ErrorBound& bound, const double* greatest_prices,
             std::int64_t account) {
        kernels::GridAccount<Mode> added{};
        added.account = account;
        double reach = list_entries(accounts.balances, market, greatest_prices, account, added);
        bool has_orders = false;
        if constexpr (Mode::counts_orders) {
            const auto& orders = accounts.orders.offsets;
            has_orders = orders[account + 1] > orders[account];
            added.order_loss = accounts.open_order_loss[account];
            reach += added.order_loss;
        }
        added.error = bound.at(n_terms<Mode>(accounts, account), reach);
        if (has_orders || !std::isfinite(added.error)) {
            n_entries_ = added.first_held;
            alone_.push_back(account);
            return;
        }
        if (Mode::is_free_without_debt && added.end == added.first_owed &&
            stay_in_first_step(added)) {
            n_entries_ = added.first_held;
            free_.push_back(account);
            return;
        }
        added.thresholds = table.row(account);
        for (int test = 0; test < table.n_tests; ++test) {
            double& greatest = added.greatest_theta[table.test_level[test]];
            greatest = std::max(greatest, added.thresholds[test].value);
        }
        accounts_.push_back(added);
    }

    /// Under every scenario, so that nothing is beyond its tiers.
    bool stay_in_first_step(const kernels::GridAccount<Mode>& account) const noexcept {
        const auto* const entries = entries_.data();
        return std::all_of(entries + account.first_held, entries + account.first_owed,
                           [](const auto& entry) { return entry.is_in_first_step; });
    }

    /// Returns what bounds the magnitude of the account's sums under every scenario.
    template <class AssetId>
    double list_entries(const Balances<AssetId>& balances, const Market<Mode::n_tables>& market,
                        const double* greatest_prices, std::int64_t account,
                        kernels::GridAccount<Mode>& added) {
        double reach_held = 0;
        double reach_owed = 0;
        const std::int64_t begin = balances.offsets[account];
        const std::int64_t end = balances.offsets[account + 1];
        added.first_held = n_entries_;
        for (std::int64_t at = begin; at < end; ++at) {
            auto& entry = entry_of(balances, market, at);
            const double greatest = greatest_prices[entry.asset];
            entry.is_in_first_step = is_in_first_step(entry, greatest);
            reach_held += entry.owned * greatest;
            reach_owed += entry.owed * greatest;
            // Written in any case, kept where there is something: no branch to foresee.
            n_entries_ += entry.owned > 0 ? 1U : 0U;
        }
        added.first_owed = n_entries_;
        for (std::int64_t at = reach_owed > 0 ? begin : end; at < end; ++at) {
            auto& entry = entry_of(balances, market, at);
            entry.owned = 0;
            entry.is_in_first_step = is_in_first_step(entry, greatest_prices[entry.asset]);
            n_entries_ += entry.owed > 0 ? 1U : 0U;
        }
        added.end = n_entries_;
        return reach_held + reach_owed;
    }

    template <class AssetId>
    kernels::GridEntry<Mode::n_tables>& entry_of(const Balances<AssetId>& balances,
                                                 const Market<Mode::n_tables>& market,
                                                 std::int64_t at) {
        auto& entry = entries_[n_entries_];
        entry.owned = balances.free[at] + balances.locked[at];
        entry.owed = balances.borrowed[at] + balances.interest[at];
        entry.asset = balances.asset[at];
        entry.row = market.rows + entry.asset;
        return entry;
    }

    std::vector<kernels::GridAccount<Mode>> accounts_;
    std::vector<kernels::GridEntry<Mode::n_tables>> entries_;
    std::uint32_t n_entries_ = 0;
    std::vector<std::int64_t> alone_;
    std::vector<std::int64_t> free_;
    std::vector<Unpriced> unpriced_;
};

}  // namespace pymargin

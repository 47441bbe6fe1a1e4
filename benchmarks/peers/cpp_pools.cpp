// The plain C++ loop over wallets and positions: rows in the user's order, brackets as slices, what
// an account has in each asset in a small list, as a textbook has it. -O3, one thread.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

struct Tier {
    double floor;
    double cap;
    double rate;
};

struct Schedule {
    std::vector<Tier> tiers;
    double last_cap;
};

struct Table {
    std::vector<Schedule> schedules;
    const std::int64_t* of;

    const Schedule& operator[](std::uint32_t name) const {
        return schedules[static_cast<std::size_t>(of[name])];
    }
};

double sliced(const Schedule& schedule, double value) {
    double sum = 0;
    for (const Tier& tier : schedule.tiers) {
        if (value <= tier.floor) {
            break;
        }
        sum += (std::min(value, tier.cap) - tier.floor) * tier.rate;
    }
    return sum;
}

constexpr double infinity = std::numeric_limits<double>::infinity();

struct InAsset {
    std::int64_t asset;
    double equity;
    double maintenance;
    double initial;
};

InAsset& in_asset(std::vector<InAsset>& all, std::int64_t asset) {
    for (InAsset& one : all) {
        if (one.asset == asset) {
            return one;
        }
    }
    all.push_back({asset, 0, 0, 0});
    return all.back();
}

double level_of(double equity, double maintenance) {
    return maintenance > 0 ? equity / maintenance : equity < 0 ? -infinity : infinity;
}

}  // namespace

extern "C" {

struct Rows {
    std::int64_t n_accounts;
    const std::int64_t* wallet_offsets;
    const std::uint16_t* wallet_asset;
    const double* wallet;
    const std::int64_t* position_offsets;
    const std::uint16_t* symbol;
    const double* quantity;
    const double* entry_price;
    const double* leverage;
    const double* isolated_margin;
    const std::uint8_t* multi_assets;
    const std::int64_t* balance_offsets;
    const std::uint16_t* balance_asset;
    const double* free;
    const double* locked;
    const double* borrowed;
    const double* interest;
    const std::uint8_t* loan_leverage;
    const double* open_order_loss;
};

struct Prices {
    const std::int64_t* settlement;
    const double* size;
    const double* mark;
    const double* price;
    const double* loan_rate;
};

struct Results {
    double* level;
    std::uint16_t* actions;
};

Table* make_table(std::int64_t n_schedules, std::int64_t width, const std::int64_t* counts,
                  const double* caps, const double* rates, const double* last_caps,
                  const std::int64_t* of) {
    Table* const table = new Table{{}, of};
    for (std::int64_t s = 0; s < n_schedules; ++s) {
        Schedule schedule{{}, last_caps[s]};
        double floor = 0;
        for (std::int64_t k = 0; k < counts[s]; ++k) {
            schedule.tiers.push_back({floor, caps[s * width + k], rates[s * width + k]});
            floor = caps[s * width + k];
        }
        table->schedules.push_back(schedule);
    }
    return table;
}

// Margin ratio and actions of USD-M futures: a pool for each asset, one in multi-assets mode, one
// for each isolated position.
void usdm(const Rows* rows, const Table* brackets, const Prices* prices, const Results* results) {
    std::vector<InAsset> pools;
    for (std::int64_t account = 0; account < rows->n_accounts; ++account) {
        pools.clear();
        bool isolated_due = false;
        bool is_beyond = false;
        for (auto k = rows->wallet_offsets[account]; k < rows->wallet_offsets[account + 1]; ++k) {
            in_asset(pools, rows->wallet_asset[k]).equity += rows->wallet[k];
        }
        for (auto k = rows->position_offsets[account]; k < rows->position_offsets[account + 1];
             ++k) {
            const std::uint16_t symbol = rows->symbol[k];
            const double mark = prices->mark[symbol];
            const double quantity = rows->quantity[k];
            const double notional = std::abs(quantity) * mark;
            const double profit = quantity * (mark - rows->entry_price[k]);
            const double maintenance = sliced((*brackets)[symbol], notional);
            is_beyond |= notional > (*brackets)[symbol].last_cap;
            if (!std::isnan(rows->isolated_margin[k])) {
                isolated_due |= level_of(rows->isolated_margin[k] + profit, maintenance) <= 1;
                continue;
            }
            InAsset& pool = in_asset(pools, prices->settlement[symbol]);
            pool.equity += profit;
            pool.maintenance += maintenance;
            pool.initial += notional / rows->leverage[k];
        }
        if (rows->multi_assets[account] != 0 && !pools.empty()) {
            InAsset all{};
            for (const InAsset& pool : pools) {
                const double price = prices->price[pool.asset];
                all.equity += pool.equity * price;
                all.maintenance += pool.maintenance * price;
                all.initial += pool.initial * price;
            }
            pools.assign(1, all);
        }
        double worst = infinity;
        bool may_transfer = false;
        for (const InAsset& pool : pools) {
            worst = std::min(worst, level_of(pool.equity, pool.maintenance));
            may_transfer |= pool.equity - pool.initial > 0;
        }
        const int actions = worst <= 1 ? 16 : 1 + (may_transfer ? 4 : 0);
        results->level[account] = worst <= 0 ? infinity : 1 / worst;
        results->actions[account] =
            static_cast<std::uint16_t>(actions | (isolated_due ? 128 : 0) | (is_beyond ? 1024 : 0));
    }
}

// uniMMR and actions of portfolio margin.
void portfolio(const Rows* rows, const Table* brackets, const Table* collateral,
               const Prices* prices, const Results* results) {
    std::vector<InAsset> assets;
    for (std::int64_t account = 0; account < rows->n_accounts; ++account) {
        assets.clear();
        bool is_beyond = false;
        for (auto k = rows->balance_offsets[account]; k < rows->balance_offsets[account + 1]; ++k) {
            InAsset& asset = in_asset(assets, rows->balance_asset[k]);
            const double loan = rows->borrowed[k] + rows->interest[k];
            asset.equity += rows->free[k] + rows->locked[k] - loan;
            asset.maintenance += loan * prices->loan_rate[rows->loan_leverage[k]];
        }
        for (auto k = rows->wallet_offsets[account]; k < rows->wallet_offsets[account + 1]; ++k) {
            in_asset(assets, rows->wallet_asset[k]).equity += rows->wallet[k];
        }
        for (auto k = rows->position_offsets[account]; k < rows->position_offsets[account + 1];
             ++k) {
            const std::uint16_t symbol = rows->symbol[k];
            const double mark = prices->mark[symbol];
            const double size = prices->size[symbol];
            const double quantity = rows->quantity[k];
            const double notional = std::abs(quantity) * (size > 0 ? size / mark : mark);
            const double profit = size > 0 ? quantity * size * (1 / rows->entry_price[k] - 1 / mark)
                                           : quantity * (mark - rows->entry_price[k]);
            InAsset& asset = in_asset(assets, prices->settlement[symbol]);
            asset.equity += profit;
            asset.maintenance += sliced((*brackets)[symbol], notional);
            is_beyond |= notional > (*brackets)[symbol].last_cap;
        }
        double equity = -rows->open_order_loss[account];
        double maintenance = 0;
        for (const InAsset& asset : assets) {
            const auto name = static_cast<std::uint32_t>(asset.asset);
            const double value = asset.equity * prices->price[name];
            equity += value >= 0 ? sliced((*collateral)[name], value) : value;
            is_beyond |= value > (*collateral)[name].last_cap;
            maintenance += asset.maintenance * prices->price[name];
        }
        const double level = level_of(equity, maintenance);
        const int actions = level <= 1.05 ? 16 : level <= 1.2 ? 32 + 8 : 1 + 2 + 4;
        results->level[account] = level;
        results->actions[account] = static_cast<std::uint16_t>(actions | (is_beyond ? 1024 : 0));
    }
}
}

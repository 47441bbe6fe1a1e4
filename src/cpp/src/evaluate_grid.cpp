#include <algorithm>
#include <limits>
#include <vector>

#include "grid_tile.hpp"
#include "kernels/grid.hpp"
#include "pymargin/grid.hpp"
#include "pymargin/modes/all.hpp"

namespace pymargin {

#if defined(__x86_64__)
namespace kernels {
#define PYMARGIN_DECLARE(...) \
    template <>               \
    void run_grid_avx2(const GridJob<__VA_ARGS__>&) noexcept;
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_DECLARE)
#undef PYMARGIN_DECLARE
}  // namespace kernels
#endif

namespace {

using kernels::grid_block;
using kernels::grid_tile;
using kernels::GridJob;
using kernels::GridResult;

/// Everything that a call is given.
template <class Mode, class AssetId>
struct GridCall {
    const AccountArrays<AssetId>& accounts;
    const Market<Mode::n_tables>& market;
    std::int64_t n_assets;
    const double* prices;
    std::int64_t n_scenarios;
    const DecisionTable& table;
    int liquidation_test;
    const GridOutputs<Mode>& outputs;
};

/// What one tile of accounts adds to the totals over accounts, block by block; empty where they are
/// not wanted.
struct Totals {
    static constexpr std::size_t counts_of_block = n_action_flags * grid_block;

    std::vector<std::uint16_t> counts;  ///< blocks x n_action_flags x grid_block
    std::vector<double> shortfall;      ///< blocks x grid_block
};

/// Evaluates accounts by themselves, one scenario at a time.
template <class Mode, class AssetId>
class OneByOne final : public kernels::GridRare<Mode> {
  public:
    explicit OneByOne(const GridCall<Mode, AssetId>& call)
        : call_(call), rows_(call.market.rows, call.market.rows + call.n_assets) {
    }

    GridResult<Mode> redo(std::int64_t account, std::int64_t scenario) noexcept override {
        const double* const prices = call_.prices + scenario * call_.n_assets;
        const auto& balances = call_.accounts.balances;
        set_prices(balances.asset, balances.offsets, account, prices);
        if constexpr (Mode::counts_orders) {
            const auto& orders = call_.accounts.orders;
            set_prices(orders.give_asset, orders.offsets, account, prices);
            set_prices(orders.get_asset, orders.offsets, account, prices);
        }
        Market<Mode::n_tables> market = call_.market;
        market.rows = rows_.data();
        const auto found = evaluate_row<Mode>(call_.accounts, market, call_.table, account);
        GridResult<Mode> result{};
        for (int level = 0; level < Mode::n_levels; ++level) {
            result.levels[level] = Mode::shown(level, found.levels[level]);
        }
        result.actions = found.actions;
        if (call_.liquidation_test >= 0 && (found.actions & action_liquidate) != 0) {
            const double theta = call_.table.row(account)[call_.liquidation_test].value;
            const int which = call_.table.test_level[call_.liquidation_test];
            const Ratio<double> level = Mode::level(found.sums, which);
            result.missing = positive_part(theta * level.denominator - level.numerator);
        }
        return result;
    }

  private:
    /// Of what an account has to do with; the rest keep whatever price they have.
    void set_prices(const AssetId* assets, const std::int64_t* offsets, std::int64_t account,
                    const double* prices) noexcept {
        for (std::int64_t at = offsets[account]; at < offsets[account + 1]; ++at) {
            const double price = prices[assets[at]];
            rows_[assets[at]].price = std::isfinite(price) ? price : 0;
        }
    }

    const GridCall<Mode, AssetId>& call_;
    std::vector<MarketRow<Mode::n_tables>> rows_;
};

/// One thread's work on the tiles that it is given.
template <class Mode, class AssetId>
class GridWorker {
  public:
    GridWorker(const GridCall<Mode, AssetId>& call, const ScenarioPrices& prices,
               Implementation implementation)
        : call_(call), prices_(prices), implementation_(implementation), one_by_one_(call) {
    }

    Totals run(std::int64_t begin, std::int64_t end) {
        const GridOutputs<Mode>& outputs = call_.outputs;
        constexpr double infinity = std::numeric_limits<double>::infinity();
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        const std::size_t n_blocks = prices_.n_blocks();
        Totals totals;
        if (outputs.action_counts != nullptr) {
            totals.counts.resize(n_blocks * Totals::counts_of_block);
        }
        if (outputs.shortfall != nullptr) {
            totals.shortfall.resize(n_blocks * grid_block);
        }
        tile_.fill(call_.accounts, call_.market, call_.table, prices_.greatest(), begin, end);
        if (outputs.worst_level != nullptr) {
            std::fill(outputs.worst_level + begin, outputs.worst_level + end, infinity);
            std::fill(outputs.worst_scenario + begin, outputs.worst_scenario + end, 0);
        }
        std::vector<std::uint16_t> n_clear(n_blocks);
        GridJob<Mode> job = job_of(totals);
        job.n_clear = n_clear.data();
        run_kernel(job);
        for (const std::int64_t account : tile_.alone()) {
            run_alone(job, account);
        }
        count_others(job);
        for (const std::int64_t account : tile_.free()) {
            write_same(account, infinity, call_.table.actions[0]);
        }
        for (const auto& one : tile_.unpriced()) {
            write_same(one.account, nan, one.gaps);
            if (outputs.worst_level != nullptr) {
                outputs.worst_level[one.account] = nan;
                outputs.worst_scenario[one.account] = -1;
            }
        }
        return totals;
    }

  private:
    GridJob<Mode> job_of(Totals& totals) {
        GridJob<Mode> job{};
        job.accounts = tile_.accounts().data();
        job.n_accounts = static_cast<std::int64_t>(tile_.accounts().size());
        job.entries = tile_.entries();
        job.schedules = call_.market.schedules;
        job.decisions = &call_.table;
        job.liquidation_test = call_.liquidation_test;
        job.outputs = call_.outputs;
        job.prices = prices_.by_block();
        job.greatest_prices = prices_.greatest_by_block();
        job.n_scenarios = call_.n_scenarios;
        job.n_blocks = static_cast<std::int64_t>(prices_.n_blocks());
        if (!totals.counts.empty()) {
            job.counts = totals.counts.data();
        }
        if (!totals.shortfall.empty()) {
            job.shortfall = totals.shortfall.data();
        }
        job.rare = &one_by_one_;
        return job;
    }

    void run_kernel(const GridJob<Mode>& job) {
#if defined(__x86_64__)
        if (implementation_ == Implementation::avx2) {
            kernels::run_grid_avx2(job);
            return;
        }
#endif
        static_cast<void>(implementation_);
        for (const auto& one : tile_.accounts()) {
            run_alone(job, one.account);
        }
    }

    /// Those whose actions are known without their sums, and those that a kernel found clear.
    void count_others(const GridJob<Mode>& job) {
        for (std::int64_t scenario = 0; scenario < job.n_scenarios; ++scenario) {
            const std::size_t clear = tile_.free().size() + job.n_clear[scenario / grid_block];
            count(job, scenario, call_.table.actions[0], clear);
            for (const auto& one : tile_.unpriced()) {
                count(job, scenario, one.gaps, 1);
            }
        }
    }

    void run_alone(const GridJob<Mode>& job, std::int64_t account) {
        for (std::int64_t scenario = 0; scenario < job.n_scenarios; ++scenario) {
            const GridResult<Mode> result = one_by_one_.redo(account, scenario);
            write(account, scenario, result);
            count(job, scenario, result.actions, 1);
            if (job.shortfall != nullptr) {
                job.shortfall[scenario] += result.missing;
            }
        }
    }

    static void count(const GridJob<Mode>& job, std::int64_t scenario, unsigned actions,
                      std::size_t accounts) {
        for (; job.counts != nullptr && actions != 0; actions &= actions - 1) {
            const std::int64_t row =
                scenario / grid_block * n_action_flags + __builtin_ctz(actions);
            std::uint16_t& count = job.counts[row * grid_block + scenario % grid_block];
            count = static_cast<std::uint16_t>(count + accounts);
        }
    }

    void write(std::int64_t account, std::int64_t scenario, const GridResult<Mode>& result) {
        const GridOutputs<Mode>& outputs = call_.outputs;
        const std::int64_t at = account * call_.n_scenarios + scenario;
        for (int level = 0; level < Mode::n_levels; ++level) {
            if (outputs.levels[level] != nullptr) {
                outputs.levels[level][at] = result.levels[level];
            }
        }
        if (outputs.actions != nullptr) {
            outputs.actions[at] = result.actions;
        }
        if (outputs.worst_level != nullptr && result.levels[0] < outputs.worst_level[account]) {
            outputs.worst_level[account] = result.levels[0];
            outputs.worst_scenario[account] = static_cast<std::int32_t>(scenario);
        }
    }

    /// What is the same under every scenario.
    void write_same(std::int64_t account, double value, std::uint16_t actions) {
        const GridOutputs<Mode>& outputs = call_.outputs;
        const std::int64_t first = account * call_.n_scenarios;
        for (double* level : outputs.levels) {
            if (level != nullptr) {
                std::fill_n(level + first, call_.n_scenarios, value);
            }
        }
        if (outputs.actions != nullptr) {
            std::fill_n(outputs.actions + first, call_.n_scenarios, actions);
        }
    }

    const GridCall<Mode, AssetId>& call_;
    const ScenarioPrices& prices_;
    Implementation implementation_;
    OneByOne<Mode, AssetId> one_by_one_;
    GridTile<Mode> tile_;
};

/// In the order of the tiles: the sums do not depend on which thread took which.
template <class Mode>
void write_totals(const std::vector<Totals>& tiles, std::int64_t n_scenarios,
                  const GridOutputs<Mode>& outputs) {
    for (std::int64_t scenario = 0; scenario < n_scenarios; ++scenario) {
        const auto at = static_cast<std::size_t>(scenario);
        for (std::size_t flag = 0; outputs.action_counts != nullptr && flag < n_action_flags;
             ++flag) {
            std::int64_t& count = outputs.action_counts[at * n_action_flags + flag];
            count = 0;
            for (const Totals& tile : tiles) {
                count += tile.counts[at / grid_block * Totals::counts_of_block + flag * grid_block +
                                     at % grid_block];
            }
        }
        if (outputs.shortfall != nullptr) {
            outputs.shortfall[scenario] = 0;
            for (const Totals& tile : tiles) {
                outputs.shortfall[scenario] += tile.shortfall[at];
            }
        }
    }
}

}  // namespace

template <class Mode, class AssetId>
void evaluate_grid(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                   std::int64_t n_assets, const double* prices, std::int64_t n_scenarios,
                   const DecisionTable& table, int liquidation_test,
                   const GridOutputs<Mode>& outputs, int threads, Implementation implementation) {
    const GridCall<Mode, AssetId> call{accounts,    market, n_assets,         prices,
                                       n_scenarios, table,  liquidation_test, outputs};
    const ScenarioPrices scenario_prices(prices, n_scenarios, n_assets);
    const std::int64_t n_tiles = (accounts.n_accounts + grid_tile - 1) / grid_tile;
    std::vector<Totals> tiles(static_cast<std::size_t>(n_tiles));
    parallel_for(
        n_tiles, thread_count(threads),
        [&](std::int64_t begin, std::int64_t end) {
            GridWorker<Mode, AssetId> worker(call, scenario_prices, implementation);
            for (std::int64_t tile = begin; tile < end; ++tile) {
                const std::int64_t first = tile * grid_tile;
                tiles[static_cast<std::size_t>(tile)] =
                    worker.run(first, std::min(first + grid_tile, accounts.n_accounts));
            }
        },
        1);
    write_totals(tiles, n_scenarios, outputs);
}

#define PYMARGIN_INSTANTIATE_FOR(AssetId, ...)                                                   \
    template void evaluate_grid<__VA_ARGS__, AssetId>(                                           \
        const AccountArrays<AssetId>&, const Market<__VA_ARGS__::n_tables>&, std::int64_t,       \
        const double*, std::int64_t, const DecisionTable&, int, const GridOutputs<__VA_ARGS__>&, \
        int, Implementation);
#define PYMARGIN_INSTANTIATE(...)                        \
    PYMARGIN_INSTANTIATE_FOR(std::uint16_t, __VA_ARGS__) \
    PYMARGIN_INSTANTIATE_FOR(std::uint32_t, __VA_ARGS__)
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_INSTANTIATE)
#undef PYMARGIN_INSTANTIATE
#undef PYMARGIN_INSTANTIATE_FOR

}  // namespace pymargin

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/grid.hpp"
#include "pymargin/grid.hpp"
#include "pymargin/modes/all.hpp"

namespace pymargin {

#if defined(__x86_64__)
namespace kernels {
#define PYMARGIN_DECLARE(...)                                                \
    template <>                                                              \
    void run_grid_avx2(const GridJob<__VA_ARGS__, std::uint16_t>&) noexcept; \
    template <>                                                              \
    void run_grid_avx2(const GridJob<__VA_ARGS__, std::uint32_t>&) noexcept;
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_DECLARE)
#undef PYMARGIN_DECLARE
}  // namespace kernels
#endif

namespace {

using kernels::grid_block;
using kernels::grid_tile;
using kernels::GridJob;

/// The prices of all scenarios as the kernels load them, and what holds for all of them.
template <class Mode>
class ScenarioPrices {
  public:
    ScenarioPrices(const Market<Mode::n_tables>& market, std::int64_t n_assets,
                   const double* prices, std::int64_t n_scenarios)
        : market_(market), n_assets_(n_assets), prices_(prices) {
        const std::int64_t n_blocks = (n_scenarios + grid_block - 1) / grid_block;
        by_block_.resize(static_cast<std::size_t>(n_blocks * n_assets * grid_block));
        greatest_.resize(static_cast<std::size_t>(n_assets), 0.0);
        for (std::int64_t asset = 0; asset < n_assets; ++asset) {
            for (std::int64_t k = 0; k < n_blocks * grid_block; ++k) {
                // Lanes past the last scenario repeat it.
                const double given = prices[std::min(k, n_scenarios - 1) * n_assets + asset];
                const double price = std::isfinite(given) ? given : 0;
                const std::int64_t block = k / grid_block;
                by_block_[static_cast<std::size_t>((block * n_assets + asset) * grid_block +
                                                   k % grid_block)] = price;
                greatest_[static_cast<std::size_t>(asset)] =
                    std::max(greatest_[static_cast<std::size_t>(asset)], price);
            }
        }
    }

    const double* block(std::int64_t block) const noexcept {
        return by_block_.data() + block * n_assets_ * grid_block;
    }
    const double* greatest() const noexcept {
        return greatest_.data();
    }

    /// The market of one scenario, for an account that is evaluated by itself.
    std::vector<MarketRow<Mode::n_tables>> rows(std::int64_t scenario) const {
        std::vector<MarketRow<Mode::n_tables>> rows(market_.rows, market_.rows + n_assets_);
        for (std::int64_t asset = 0; asset < n_assets_; ++asset) {
            const double price = prices_[scenario * n_assets_ + asset];
            rows[static_cast<std::size_t>(asset)].price = std::isfinite(price) ? price : 0;
        }
        return rows;
    }

  private:
    const Market<Mode::n_tables>& market_;
    std::int64_t n_assets_;
    const double* prices_;
    std::vector<double> by_block_;
    std::vector<double> greatest_;
};

/// What one tile of accounts adds to the totals over accounts.
struct Totals {
    explicit Totals(std::int64_t n_scenarios)
        : counts(static_cast<std::size_t>(n_scenarios * n_action_flags), 0),
          shortfall(static_cast<std::size_t>(n_scenarios), 0.0) {
    }

    void count(std::int64_t scenario, unsigned actions, std::int64_t accounts) {
        for (; actions != 0; actions &= actions - 1) {
            counts[static_cast<std::size_t>(scenario * n_action_flags + __builtin_ctz(actions))] +=
                accounts;
        }
    }

    std::vector<std::int64_t> counts;
    std::vector<double> shortfall;
};

/// Evaluates accounts by themselves, one scenario at a time; its markets are made when needed.
template <class Mode, class AssetId>
class OneByOne final : public kernels::GridRare {
  public:
    OneByOne(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
             const ScenarioPrices<Mode>& prices, std::int64_t n_scenarios,
             const DecisionTable& table, int liquidation_test, const GridOutputs& outputs,
             Totals& totals)
        : accounts_(accounts),
          market_(market),
          prices_(prices),
          n_scenarios_(n_scenarios),
          table_(table),
          liquidation_test_(liquidation_test),
          outputs_(outputs),
          totals_(totals),
          rows_(static_cast<std::size_t>(n_scenarios)) {
    }

    double redo(std::int64_t account, std::int64_t scenario, double* shortfall) noexcept override {
        auto& rows = rows_[static_cast<std::size_t>(scenario)];
        if (rows.empty()) {
            rows = prices_.rows(scenario);
        }
        Market<Mode::n_tables> market = market_;
        market.rows = rows.data();
        const auto result = evaluate_row<Mode>(accounts_, market, table_, account);
        totals_.count(scenario, result.actions, 1);
        if (outputs_.actions != nullptr) {
            outputs_.actions[account * n_scenarios_ + scenario] = result.actions;
        }
        if (liquidation_test_ >= 0 && (result.actions & action_liquidate) != 0) {
            const Ratio<double> level =
                Mode::level(result.sums, table_.test_level[liquidation_test_]);
            *shortfall += positive_part(
                table_.row(account)[liquidation_test_].value * level.denominator - level.numerator);
        }
        return Mode::shown(0, result.levels[0]);
    }

    /// What the kernel writes of an account, for the implementation that has no kernel.
    void write(std::int64_t account, std::int64_t scenario, double level) const noexcept {
        if (outputs_.levels != nullptr) {
            outputs_.levels[account * n_scenarios_ + scenario] = level;
        }
        if (outputs_.worst_level != nullptr && level < outputs_.worst_level[account]) {
            outputs_.worst_level[account] = level;
            outputs_.worst_scenario[account] = static_cast<std::int32_t>(scenario);
        }
    }

    void write_unpriced(std::int64_t account, std::uint16_t gaps) {
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        for (std::int64_t scenario = 0; scenario < n_scenarios_; ++scenario) {
            totals_.count(scenario, gaps, 1);
            if (outputs_.levels != nullptr) {
                outputs_.levels[account * n_scenarios_ + scenario] = nan;
            }
            if (outputs_.actions != nullptr) {
                outputs_.actions[account * n_scenarios_ + scenario] = gaps;
            }
        }
        if (outputs_.worst_level != nullptr) {
            outputs_.worst_level[account] = nan;
            outputs_.worst_scenario[account] = -1;
        }
    }

  private:
    const AccountArrays<AssetId>& accounts_;
    const Market<Mode::n_tables>& market_;
    const ScenarioPrices<Mode>& prices_;
    std::int64_t n_scenarios_;
    const DecisionTable& table_;
    int liquidation_test_;
    const GridOutputs& outputs_;
    Totals& totals_;
    std::vector<std::vector<MarketRow<Mode::n_tables>>> rows_;
};

template <class Mode, class AssetId>
void run_block(const GridJob<Mode, AssetId>& job, OneByOne<Mode, AssetId>& one_by_one,
               Implementation implementation) {
#if defined(__x86_64__)
    if (implementation == Implementation::avx2) {
        kernels::run_grid_avx2(job);
        return;
    }
#endif
    static_cast<void>(implementation);
    const std::int64_t end = std::min(job.first_scenario + grid_block, job.n_scenarios);
    for (std::int64_t account = job.first_account; account < job.last_account; ++account) {
        if (job.unpriced != nullptr && job.unpriced[account - job.first_account] != 0) {
            continue;
        }
        for (std::int64_t scenario = job.first_scenario; scenario < end; ++scenario) {
            ++job.others[scenario - job.first_scenario];
            double* const shortfall = job.shortfall + (scenario - job.first_scenario);
            one_by_one.write(account, scenario, one_by_one.redo(account, scenario, shortfall));
        }
    }
}

/// Evaluates one tile of accounts under all scenarios.
template <class Mode, class AssetId>
Totals run_tile(GridJob<Mode, AssetId> job, const ScenarioPrices<Mode>& prices,
                Implementation implementation) {
    Totals totals(job.n_scenarios);
    OneByOne<Mode, AssetId> one_by_one(*job.accounts, *job.market, prices, job.n_scenarios,
                                       *job.decisions, job.liquidation_test, job.outputs, totals);
    const std::int64_t n = job.last_account - job.first_account;
    std::vector<std::uint16_t> unpriced;
    if (job.market->gaps != nullptr) {
        for (std::int64_t account = job.first_account; account < job.last_account; ++account) {
            unpriced.push_back(gaps_of<Mode>(*job.accounts, job.market->gaps, account));
        }
        job.unpriced = unpriced.data();
    }
    if (job.outputs.worst_level != nullptr) {
        std::fill_n(job.outputs.worst_level + job.first_account, n,
                    std::numeric_limits<double>::infinity());
        std::fill_n(job.outputs.worst_scenario + job.first_account, n, 0);
    }
    for (std::size_t k = 0; k < unpriced.size(); ++k) {
        if (unpriced[k] != 0) {
            one_by_one.write_unpriced(job.first_account + static_cast<std::int64_t>(k),
                                      unpriced[k]);
        }
    }
    const std::size_t n_combinations = std::size_t{1} << job.decisions->n_tests;
    const auto n_priced = n - std::count_if(unpriced.begin(), unpriced.end(),
                                            [](unsigned gaps) { return gaps != 0; });
    std::vector<std::uint32_t> bit_counts(grid_block * n_combinations);
    job.rare = &one_by_one;
    job.bit_counts = bit_counts.data();
    for (std::int64_t first = 0; first < job.n_scenarios; first += grid_block) {
        std::fill(bit_counts.begin(), bit_counts.end(), 0U);
        double shortfall[grid_block] = {};
        std::uint32_t others[grid_block] = {};
        job.first_scenario = first;
        job.prices = prices.block(first / grid_block);
        job.shortfall = shortfall;
        job.others = others;
        run_block(job, one_by_one, implementation);
        const std::int64_t end = std::min(first + grid_block, job.n_scenarios);
        for (std::int64_t scenario = first; scenario < end; ++scenario) {
            const auto lane = static_cast<std::size_t>(scenario - first);
            totals.shortfall[static_cast<std::size_t>(scenario)] += shortfall[lane];
            totals.count(scenario, job.decisions->actions[0], n_priced - others[lane]);
            for (std::size_t bits = 0; bits < n_combinations; ++bits) {
                totals.count(scenario, job.decisions->actions[bits],
                             bit_counts[lane * n_combinations + bits]);
            }
        }
    }
    return totals;
}

void add_totals(const std::vector<Totals>& tiles, std::int64_t n_scenarios,
                const GridOutputs& outputs) {
    // In the order of the tiles: the sums do not depend on which thread took which.
    std::fill_n(outputs.action_counts, n_scenarios * n_action_flags, 0);
    std::fill_n(outputs.shortfall, n_scenarios, 0.0);
    for (const Totals& tile : tiles) {
        for (std::size_t k = 0; k < tile.counts.size(); ++k) {
            outputs.action_counts[k] += tile.counts[k];
        }
        for (std::size_t k = 0; k < tile.shortfall.size(); ++k) {
            outputs.shortfall[k] += tile.shortfall[k];
        }
    }
}

}  // namespace

template <class Mode, class AssetId>
void evaluate_grid(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                   std::int64_t n_assets, const double* prices, std::int64_t n_scenarios,
                   const DecisionTable& table, int liquidation_test, const GridOutputs& outputs,
                   int threads, Implementation implementation) {
    const ScenarioPrices<Mode> scenario_prices(market, n_assets, prices, n_scenarios);
    const std::int64_t n_tiles = (accounts.n_accounts + grid_tile - 1) / grid_tile;
    std::vector<Totals> tiles(static_cast<std::size_t>(n_tiles), Totals(0));
    parallel_for(
        n_tiles, thread_count(threads),
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t tile = begin; tile < end; ++tile) {
                GridJob<Mode, AssetId> job{};
                job.accounts = &accounts;
                job.market = &market;
                job.decisions = &table;
                job.liquidation_test = liquidation_test;
                job.outputs = outputs;
                job.greatest_price = scenario_prices.greatest();
                job.n_scenarios = n_scenarios;
                job.first_account = tile * grid_tile;
                job.last_account = std::min(job.first_account + grid_tile, accounts.n_accounts);
                tiles[static_cast<std::size_t>(tile)] =
                    run_tile(job, scenario_prices, implementation);
            }
        },
        1);
    add_totals(tiles, n_scenarios, outputs);
}

#define PYMARGIN_INSTANTIATE_FOR(AssetId, ...)                                             \
    template void evaluate_grid<__VA_ARGS__, AssetId>(                                     \
        const AccountArrays<AssetId>&, const Market<__VA_ARGS__::n_tables>&, std::int64_t, \
        const double*, std::int64_t, const DecisionTable&, int, const GridOutputs&, int,   \
        Implementation);
#define PYMARGIN_INSTANTIATE(...)                        \
    PYMARGIN_INSTANTIATE_FOR(std::uint16_t, __VA_ARGS__) \
    PYMARGIN_INSTANTIATE_FOR(std::uint32_t, __VA_ARGS__)
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_INSTANTIATE)
#undef PYMARGIN_INSTANTIATE
#undef PYMARGIN_INSTANTIATE_FOR

}  // namespace pymargin

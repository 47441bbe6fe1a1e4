#include <cmath>
#include <vector>

#include "grid_tile.hpp"
#include "grid_worker.hpp"
#include "pymargin/grid.hpp"
#include "pymargin/modes/all.hpp"
#include "scenario_prices.hpp"

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
    const ScenarioPrices& scenarios;
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

/// See grid_worker.hpp.
template <class GridMode, class AssetId>
struct HoldingGrid {
    using Mode = GridMode;
    using Call = GridCall<Mode, AssetId>;
    using Job = GridJob<Mode>;
    using OneByOne = pymargin::OneByOne<Mode, AssetId>;

    struct Tile : GridTile<Mode> {
        void fill(const Call& call, std::int64_t begin, std::int64_t end) {
            GridTile<Mode>::fill(call.accounts, call.market, call.table, call.scenarios.greatest(),
                                 begin, end);
        }
        void give(Job& job, const Call& /*call*/) const noexcept {
            job.accounts = this->accounts().data();
            job.n_accounts = static_cast<std::int64_t>(this->accounts().size());
            job.entries = this->entries();
        }
    };

#if defined(__x86_64__)
    static void run_avx2(const Job& job) noexcept {
        kernels::run_grid_avx2(job);
    }
#endif
};

}  // namespace

template <class Mode, class AssetId>
void evaluate_grid(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                   std::int64_t n_assets, const double* prices, std::int64_t n_scenarios,
                   const DecisionTable& table, int liquidation_test,
                   const GridOutputs<Mode>& outputs, int threads, Implementation implementation) {
    const ScenarioPrices scenarios(prices, n_scenarios, n_assets);
    const GridCall<Mode, AssetId> call{accounts, market,           n_assets, prices,   n_scenarios,
                                       table,    liquidation_test, outputs,  scenarios};
    run_grid_tiles<HoldingGrid<Mode, AssetId>>(call, accounts.n_accounts, threads, implementation);
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

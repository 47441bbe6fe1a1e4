#include <cmath>
#include <vector>

#include "grid_worker.hpp"
#include "pool_grid_tile.hpp"
#include "pymargin/grid.hpp"
#include "pymargin/modes/all.hpp"

namespace pymargin {

#if defined(__x86_64__)
namespace kernels {
#define PYMARGIN_DECLARE(...) \
    template <>               \
    void run_pool_grid_avx2(const PoolGridJob<__VA_ARGS__>&) noexcept;
PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_DECLARE)
#undef PYMARGIN_DECLARE
}  // namespace kernels
#endif

namespace {

/// What the tests of an account's pools come to.
struct PoolBits {
    unsigned lines = 0;
    unsigned withheld = ~0U;  ///< grants that no cross pool gives
    bool is_isolated_due = false;
    bool is_beyond_tiers = false;
};

/// Evaluates accounts by themselves, one scenario at a time.
template <class Mode, class RowId>
class OneByOnePools final : public kernels::GridRare<Mode> {
  public:
    using Call = PoolGridCall<Mode, RowId>;

    explicit OneByOnePools(const Call& call)
        : call_(call),
          rows_(call.market.rows, call.market.rows + call.n_rows),
          terms_(call.market.terms, call.market.terms + call.n_rows),
          bits_(std::size_t{1} << call.table.n_tests),
          market_(call.market),
          table_(call.table) {
        for (std::size_t bits = 0; bits < bits_.size(); ++bits) {
            bits_[bits] = static_cast<std::uint16_t>(bits);
        }
        market_.rows = rows_.data();
        market_.terms = terms_.data();
        // Pools are decided together: each says which of its tests fire.
        table_.actions = bits_.data();
    }

    kernels::GridResult<Mode> redo(std::int64_t account, std::int64_t scenario) noexcept override {
        kernels::GridResult<Mode> result{};
        result.levels[0] = std::numeric_limits<double>::infinity();
        const std::int64_t first = call_.pools.first_pool[account];
        const std::int64_t end = call_.pools.first_pool[account + 1];
        set_prices(account, scenario);
        PoolBits bits;
        double missing = 0;
        double isolated_missing = 0;
        for (std::int64_t pool = first; pool < end; ++pool) {
            const double unit =
                call_.given.units[scenario * (call_.n_assets + 1) + call_.unit_of(pool)];
            const auto found = evaluate_pool(pool, account);
            add_bits(found.actions, call_.is_isolated(pool), bits);
            if (call_.is_isolated(pool)) {
                isolated_missing += missing_of(found, account, unit);
            } else {
                add_levels(found, unit, result);
                missing += missing_of(found, account, unit);
            }
        }
        result.actions = actions_of(bits);
        const bool is_due = (result.actions & action_liquidate) != 0;
        result.missing = (is_due ? missing : 0.0) + (bits.is_isolated_due ? isolated_missing : 0.0);
        return result;
    }

  private:
    /// Of what an account has to do with; the rest keep whatever price they have.
    void set_prices(std::int64_t account, std::int64_t scenario) noexcept {
        const auto& pools = call_.pools;
        const std::int64_t first = pools.offsets[pools.first_pool[account]];
        const std::int64_t end = pools.offsets[pools.first_pool[account + 1]];
        for (std::int64_t at = first; at < end; ++at) {
            set_price(pools.row[at], scenario);
        }
        const auto& orders = pools.book->orders;
        const std::int64_t n_orders = pools.book->n_orders(account);
        const std::int64_t order = n_orders == 0 ? 0 : orders.offsets[account];
        for (std::int64_t at = order; at < order + n_orders; ++at) {
            set_price(orders.give_asset[at], scenario);
            set_price(orders.get_asset[at], scenario);
        }
    }

    void set_price(std::size_t row, std::int64_t scenario) noexcept {
        const auto finite = [](double price) { return std::isfinite(price) ? price : 0; };
        const auto at = static_cast<std::size_t>(scenario * call_.n_rows) + row;
        rows_[row].price = finite(call_.prices[at]);
        terms_[row].price = finite(call_.given.prices[at]);
        const std::size_t n_weights = 2 * std::size_t{call_.n_assets};
        if (row < n_weights) {
            const auto k = static_cast<std::size_t>(scenario) * n_weights + row;
            terms_[row].weight = finite(call_.given.weights[k]);
        }
    }

    RowResult<Mode> evaluate_pool(std::int64_t pool, std::int64_t account) noexcept {
        // Thresholds are by account.
        table_.class_of = nullptr;
        table_.thresholds = call_.table.row(account);
        return evaluate_row<Mode>(call_.pools, market_, table_, pool);
    }

    void add_bits(std::uint16_t found, bool is_isolated, PoolBits& bits) const noexcept {
        const unsigned lines = found & lines_mask();
        bits.is_beyond_tiers = bits.is_beyond_tiers || (found & action_beyond_tiers) != 0;
        if (is_isolated) {
            const bool is_due = (call_.table.actions[lines] & action_liquidate) != 0;
            bits.is_isolated_due = bits.is_isolated_due || is_due;
        } else {
            bits.lines |= lines;
            bits.withheld &= found;
        }
    }

    unsigned lines_mask() const noexcept {
        return (1U << call_.n_lines) - 1;
    }

    std::uint16_t actions_of(const PoolBits& bits) const noexcept {
        const unsigned all = (1U << call_.table.n_tests) - 1;
        unsigned actions = call_.table.actions[bits.lines | (bits.withheld & all & ~lines_mask())];
        if (bits.is_isolated_due) {
            actions |= action_isolated_liquidate;
        }
        if (bits.is_beyond_tiers) {
            actions |= action_beyond_tiers;
        }
        return static_cast<std::uint16_t>(actions);
    }

    static void add_levels(const RowResult<Mode>& found, double unit,
                           kernels::GridResult<Mode>& result) noexcept {
        result.levels[0] = smaller(Mode::shown(0, found.levels[0]), result.levels[0]);
        for (int level = 1; level < Mode::n_levels; ++level) {
            result.levels[level] += Mode::shown(level, found.levels[level]) * unit;
        }
    }

    /// USDT that a pool lacks of its liquidation threshold.
    double missing_of(const RowResult<Mode>& found, std::int64_t account,
                      double unit) const noexcept {
        const int test = call_.liquidation_test;
        if (test < 0 || !std::isfinite(unit)) {
            return 0;
        }
        const double theta = call_.table.row(account)[test].value;
        const Ratio<double> level = Mode::level(found.sums, call_.table.test_level[test]);
        const double away = level.numerator - theta * level.denominator;
        return positive_part(0.0 - away) * unit;
    }

    const Call& call_;
    std::vector<MarketRow<1>> rows_;
    std::vector<InstrumentTerms> terms_;
    std::vector<std::uint16_t> bits_;
    Market<1> market_;
    DecisionTable table_;
};

/// See grid_worker.hpp.
template <class GridMode, class RowId>
struct PoolGrid {
    using Mode = GridMode;
    using Call = PoolGridCall<Mode, RowId>;
    using Job = kernels::PoolGridJob<Mode>;
    using OneByOne = OneByOnePools<Mode, RowId>;
    using Tile = PoolGridTile<Mode, RowId>;

#if defined(__x86_64__)
    static void run_avx2(const Job& job) noexcept {
        kernels::run_pool_grid_avx2(job);
    }
#endif
};

/// n x n_rows: what formulas take as price.
std::vector<double> formula_prices(const Market<1>& market, std::int64_t n_rows,
                                   const PoolScenarios& given) {
    std::vector<double> prices(given.prices, given.prices + given.n * n_rows);
    for (std::int64_t row = 0; row < n_rows; ++row) {
        const double size = market.terms[row].contract_size;
        for (std::int64_t k = 0; size > 0 && k < given.n; ++k) {
            double& price = prices[static_cast<std::size_t>(k * n_rows + row)];
            price = size / price;
        }
    }
    return prices;
}

}  // namespace

template <class Mode, class RowId>
void evaluate_pool_grid(const Pools<RowId>& pools, const Market<1>& market, std::int64_t n_rows,
                        const PoolScenarios& given, const DecisionTable& table, int n_lines,
                        int liquidation_test, const GridOutputs<Mode>& outputs, int threads,
                        Implementation implementation) {
    const std::uint32_t n_assets = pools.book->n_assets;
    const std::vector<double> prices = formula_prices(market, n_rows, given);
    const ScenarioPrices scenarios(prices.data(), given.n, n_rows);
    const ScenarioPrices weights(given.weights, given.n, 2 * std::int64_t{n_assets});
    const ScenarioPrices units(given.units, given.n, std::int64_t{n_assets} + 1);
    std::vector<MarketRow<1>> rows(market.rows, market.rows + n_rows);
    std::vector<InstrumentTerms> terms(market.terms, market.terms + n_rows);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        rows[row].price = scenarios.greatest()[row];
        terms[row].weight = row < 2 * std::size_t{n_assets} ? weights.greatest()[row] : -1.0;
    }
    Market<1> greatest = market;
    greatest.rows = rows.data();
    greatest.terms = terms.data();
    const PoolGridCall<Mode, RowId> call{
        pools,   market, n_assets,  n_rows,  given, given.n, table, n_lines, liquidation_test,
        outputs, prices, scenarios, weights, units, greatest};
    const std::int64_t n_accounts = pools.book->n_accounts;
    run_grid_tiles<PoolGrid<Mode, RowId>>(call, n_accounts, threads, implementation);
}

#define PYMARGIN_INSTANTIATE_FOR(RowId, ...)                                       \
    template void evaluate_pool_grid<__VA_ARGS__, RowId>(                          \
        const Pools<RowId>&, const Market<1>&, std::int64_t, const PoolScenarios&, \
        const DecisionTable&, int, int, const GridOutputs<__VA_ARGS__>&, int, Implementation);
#define PYMARGIN_INSTANTIATE(...)                        \
    PYMARGIN_INSTANTIATE_FOR(std::uint16_t, __VA_ARGS__) \
    PYMARGIN_INSTANTIATE_FOR(std::uint32_t, __VA_ARGS__)
PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_INSTANTIATE)
#undef PYMARGIN_INSTANTIATE
#undef PYMARGIN_INSTANTIATE_FOR

}  // namespace pymargin

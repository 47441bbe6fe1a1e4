#include "pymargin/evaluate_pool_slots.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/pool_slices.hpp"
#include "kernels/share.hpp"
#include "pymargin/modes/all.hpp"

namespace pymargin {

#if defined(__x86_64__)
namespace kernels {
#define PYMARGIN_DECLARE(...) \
    template <>               \
    void run_pools_avx2(const PoolSliceJob<__VA_ARGS__>&) noexcept;
PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_DECLARE)
#undef PYMARGIN_DECLARE
}  // namespace kernels
#endif

namespace {

using kernels::InstrumentRow;
using kernels::PoolSliceJob;
using kernels::Rare;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The row of a position; see InstrumentRow.
void take_brackets(const ScheduleTable& schedules, int schedule, InstrumentRow& row) noexcept {
    const Step* const steps = schedules.steps(schedule);
    const int n = schedules.step_count(schedule);
    double last = schedules.last_cap(schedule);
    for (int k = 0; k < std::min(n, InstrumentRow::n_steps); ++k) {
        row.steps[2 * k] = steps[k].rate;
        row.steps[2 * k + 1] = steps[k].offset;
        if (k + 1 < InstrumentRow::n_steps) {
            row.caps[k] = steps[k].cap;
        }
    }
    if (n > InstrumentRow::n_steps) {
        last = std::min(last, steps[InstrumentRow::n_steps - 1].cap);
    }
    if (steps[0].rate == 0) {
        last = std::min(last, steps[0].cap);
    }
    // More than the doubt of value_beyond_first_step.
    row.limit = last * (1 - 4 * cap_slack);
    row.first_cap = std::min(steps[0].cap, last) * (1 - 4 * cap_slack);
    row.first_rate = steps[0].rate;
}

/// `units`: USDT of what the pool of each asset's row is counted in; empty: nobody asks.
std::vector<InstrumentRow> instrument_rows(const Market<1>& market, std::int64_t n_rows,
                                           const std::vector<double>& units) {
    InstrumentRow none{};
    std::fill_n(none.caps, InstrumentRow::n_steps - 1, infinity);
    none.first_cap = none.limit = infinity;
    std::vector<InstrumentRow> rows(static_cast<std::size_t>(n_rows), none);
    for (std::int64_t k = 0; k < n_rows; ++k) {
        InstrumentRow& row = rows[static_cast<std::size_t>(k)];
        const TableEntry& entry = market.rows[k].tables[0];
        row.price = market.rows[k].price;
        row.weight = market.terms[k].weight;
        if (row.weight >= 0) {
            row.first_cap = entry.first_cap;
            row.first_rate = entry.first_rate;
            row.steps[0] = units.empty() ? 0 : units[static_cast<std::size_t>(k)];
        } else if (entry.schedule >= 0) {
            take_brackets(*market.schedules, entry.schedule, row);
        }
    }
    return rows;
}

/// Whether each asset by itself is worth its amount, whatever the amount.
bool counts_in_full(const Market<1>& market, std::int64_t n_assets) noexcept {
    bool found = true;
    for (std::int64_t k = 0; k < n_assets; ++k) {
        const TableEntry& entry = market.rows[k].tables[0];
        found = found && market.rows[k].price == 1 && market.terms[k].weight == 1 &&
                entry.first_rate == 1 && entry.first_cap == infinity;
    }
    return found;
}

/// An account that the vector pass leaves to rows: its slots, and whether it cannot be valued.
template <class RowId>
class RowWisePools : public Rare {
  public:
    RowWisePools(const PoolSlots& slots, const Pools<RowId>& pools, const Market<1>& market,
                 const DecisionTable& table) noexcept
        : slots_(slots), pools_(pools), market_(market), table_(table) {
    }

    void redo(std::int64_t slot) const noexcept override {
        write(slots_.account_of(slot));
    }

    /// Overwrites what the vector pass made of accounts that cannot be valued.
    virtual void write_unpriced(std::int64_t first_slot, std::int64_t last_slot) const noexcept = 0;

  protected:
    virtual void write(std::int64_t account) const noexcept = 0;

    template <class Mode>
    std::uint16_t gaps_of_pool(std::int64_t pool) const noexcept {
        return market_.gaps == nullptr ? std::uint16_t{0}
                                       : gaps_of<Mode>(pools_, market_.gaps, pool);
    }

    const PoolSlots& slots_;
    const Pools<RowId>& pools_;
    const Market<1>& market_;
    const DecisionTable& table_;
};

template <class Mode, class RowId>
class OnePoolEach final : public RowWisePools<RowId> {
    using Base = RowWisePools<RowId>;
    using Base::market_;
    using Base::pools_;
    using Base::slots_;
    using Base::table_;

  public:
    OnePoolEach(const PoolSlots& slots, const Pools<RowId>& pools, const Market<1>& market,
                const DecisionTable& table, const Outputs<Mode>& outputs) noexcept
        : Base(slots, pools, market, table), outputs_(outputs) {
    }

    void write_unpriced(std::int64_t first_slot, std::int64_t last_slot) const noexcept override {
        for (std::int64_t slot = first_slot; market_.gaps != nullptr && slot < last_slot; ++slot) {
            const std::int64_t account = slots_.account_of(slot);
            const std::uint16_t gaps = Base::template gaps_of_pool<Mode>(account);
            if (gaps != 0) {
                outputs_.write_unpriced(account, gaps);
            }
        }
    }

  private:
    void write(std::int64_t account) const noexcept override {
        const std::uint16_t gaps = Base::template gaps_of_pool<Mode>(account);
        if (gaps != 0) {
            outputs_.write_unpriced(account, gaps);
        } else {
            outputs_.write(account, evaluate_row<Mode>(pools_, market_, table_, account));
        }
    }

    const Outputs<Mode>& outputs_;
};

template <class Mode, class RowId>
class SeveralPools final : public RowWisePools<RowId> {
    using Base = RowWisePools<RowId>;
    using Base::market_;
    using Base::pools_;
    using Base::slots_;
    using Base::table_;
    static constexpr int n_amounts = Mode::n_levels - 1 + Mode::n_totals;

  public:
    SeveralPools(const PoolSlots& slots, const Pools<RowId>& pools, const Market<1>& market,
                 const DecisionTable& table, const Joining& joining, const Outputs<Mode>& outputs,
                 double* ratio) noexcept
        : Base(slots, pools, market, table),
          joining_(joining),
          outputs_(outputs),
          ratio_(ratio),
          has_all_units_(std::none_of(joining.unit, joining.unit + joining.n_units,
                                      [](double unit) { return std::isnan(unit); })) {
        for (int level = 1; level < Mode::n_levels; ++level) {
            take_amount(outputs.levels[level], level - 1);
        }
        for (int total = 0; total < Mode::n_totals; ++total) {
            take_amount(outputs.totals[total], Mode::n_levels - 1 + total);
        }
    }

    void write_unpriced(std::int64_t first_slot, std::int64_t last_slot) const noexcept override {
        if (market_.gaps == nullptr && has_all_units_) {
            return;
        }
        for (std::int64_t slot = first_slot; slot < last_slot; ++slot) {
            const std::int64_t account = slots_.account_of(slot);
            bool is_unpriced = false;
            for (std::int64_t pool = pools_.first_pool[account];
                 pool < pools_.first_pool[account + 1]; ++pool) {
                const PoolKey& key = pools_.keys[pool];
                is_unpriced = is_unpriced || Base::template gaps_of_pool<Mode>(pool) != 0 ||
                              (key.isolated < 0 && std::isnan(joining_.unit[key.asset]));
            }
            if (is_unpriced) {
                write(account);
            }
        }
    }

  private:
    void take_amount(double* to, int number) noexcept {
        if (to != nullptr) {
            amounts_[n_wanted_] = to;
            wanted_[n_wanted_++] = number;
        }
    }

    static double amount(const RowResult<Mode>& found, int number) noexcept {
        return number < Mode::n_levels - 1 ? Mode::shown(number + 1, found.levels[number + 1])
                                           : Mode::total(found.sums, number - (Mode::n_levels - 1));
    }

    void write(std::int64_t account) const noexcept override {
        const std::int64_t first = pools_.first_pool[account];
        const std::int64_t n = pools_.first_pool[account + 1] - first;
        const auto size = static_cast<std::size_t>(n);
        std::vector<double> levels(size);
        std::vector<std::uint16_t> codes(size);
        std::vector<std::uint8_t> is_isolated(size);
        std::vector<double> amounts(size * n_amounts);
        for (std::size_t k = 0; k < size; ++k) {
            const std::int64_t pool = first + static_cast<std::int64_t>(k);
            is_isolated[k] = pools_.keys[pool].isolated >= 0 ? 1 : 0;
            codes[k] = Base::template gaps_of_pool<Mode>(pool);
            if (codes[k] != 0) {
                continue;
            }
            const RowResult<Mode> found = evaluate_row<Mode>(pools_, market_, table_, pool);
            levels[k] = Mode::shown(0, found.levels[0]);
            codes[k] = found.actions;
            for (int wanted = 0; wanted < n_wanted_; ++wanted) {
                amounts[static_cast<std::size_t>(wanted) * size + k] =
                    amount(found, wanted_[wanted]);
            }
        }
        const double* of_pools[n_amounts] = {};
        double* of_account[n_amounts] = {};
        for (int wanted = 0; wanted < n_wanted_; ++wanted) {
            of_pools[wanted] = amounts.data() + static_cast<std::size_t>(wanted) * size;
            of_account[wanted] = amounts_[wanted] + account;
        }
        const std::int64_t first_pool[] = {0, n};
        const PoolFigures figures{first_pool,    pools_.keys + first, is_isolated.data(),
                                  joining_.unit, joining_.n_units,    levels.data(),
                                  of_pools,      n_wanted_,           codes.data()};
        const auto at = [&](auto* field) { return field == nullptr ? field : field + account; };
        combine_pools(1, figures, joining_.codes,
                      {at(outputs_.levels[0]), at(ratio_), of_account, at(outputs_.actions)}, 1);
    }

    const Joining& joining_;
    const Outputs<Mode>& outputs_;
    double* ratio_;
    bool has_all_units_;
    int n_wanted_ = 0;
    int wanted_[n_amounts] = {};
    double* amounts_[n_amounts] = {};
};

template <class Mode>
void run_kernel(const PoolSliceJob<Mode>& job, Implementation implementation) noexcept {
#if defined(__x86_64__)
    if (implementation == Implementation::avx2) {
        kernels::run_pools_avx2(job);
        return;
    }
#endif
    static_cast<void>(implementation);
    for (std::int64_t slot = job.first_slice * lanes; slot < job.last_slice * lanes; ++slot) {
        job.rare->redo(slot);
    }
}

/// `job` is complete but for the instruments' rows and its share of the slices.
template <class Mode, class RowId>
void run_book(PoolSliceJob<Mode> job, const RowWisePools<RowId>& rare,
              const std::vector<InstrumentRow>& rows, int threads, Implementation implementation) {
    job.rows = &rows.front().price;
    job.rare = &rare;
    const std::int64_t n_full = job.slots.n_accounts / lanes;
    const std::int64_t parts = part_count(job.slots.n_accounts, thread_count(threads));
    run_parts(parts, [&](std::int64_t part) {
        PoolSliceJob<Mode> share = job;
        share.first_slice = kernels::share_begin(job.slots, n_full, part, parts);
        share.last_slice = kernels::share_begin(job.slots, n_full, part + 1, parts);
        run_kernel(share, implementation);
        // The last accounts do not fill a slice.
        const std::int64_t last = share.last_slice * lanes;
        const std::int64_t end = part + 1 == parts ? job.slots.n_accounts : last;
        for (std::int64_t slot = last; slot < end; ++slot) {
            rare.redo(slot);
        }
        rare.write_unpriced(share.first_slice * lanes, last);
    });
}

/// What decides about accounts of several pools, by the tests that hold.
struct JoinedDecisions {
    JoinedDecisions(const DecisionTable& codes_table, const PoolCodes& codes)
        : actions(std::size_t{1} << codes_table.n_tests), isolated_due(actions.size()) {
        for (std::size_t bits = 0; bits < actions.size(); ++bits) {
            const unsigned code = codes_table.actions[bits];
            const bool has_line = code < PoolCodes::no_line;
            actions[bits] = has_line ? codes.actions_of_line[code]
                                     : codes.actions_of_grants[code - PoolCodes::no_line];
            isolated_due[bits] = has_line && (actions[bits] & action_liquidate) != 0 ? 1 : 0;
        }
        for (int test = 0; test < codes_table.n_tests; ++test) {
            if (codes_table.actions[std::size_t{1} << test] < PoolCodes::no_line) {
                lines |= 1U << test;
            }
        }
    }

    std::vector<std::uint16_t> actions;
    std::vector<std::uint8_t> isolated_due;
    unsigned lines = 0;
};

}  // namespace

template <class Mode, class RowId>
void evaluate_pool_slots(const PoolSlots& slots, const Pools<RowId>& pools, const Market<1>& market,
                         std::int64_t n_rows, const DecisionTable& table,
                         const std::uint32_t* slot_class_of, const Outputs<Mode>& outputs,
                         int threads, Implementation implementation) {
    static_assert(Mode::is_one_pool);
    const int stride = (table.n_tests + lanes - 1) / lanes * lanes;
    const auto thresholds = kernels::padded_thresholds(table, stride);
    const OnePoolEach<Mode, RowId> rare(slots, pools, market, table, outputs);
    const std::int64_t n_terms = slots.longest + 1;
    const PoolSliceJob<Mode> job{
        {&table, thresholds.data(), stride, slot_class_of, outputs, nullptr, n_terms, &market},
        slots,
        nullptr,
        false,
        {},
        0,
        0};
    run_book(job, rare, instrument_rows(market, n_rows, {}), threads, implementation);
}

template <class Mode, class RowId>
void evaluate_joined_slots(const PoolSlots& slots, const Pools<RowId>& pools,
                           const Market<1>& market, std::int64_t n_rows, const DecisionTable& table,
                           const Joining& joining, const Outputs<Mode>& outputs, double* ratio,
                           int threads, Implementation implementation) {
    static_assert(!Mode::is_one_pool);
    const JoinedDecisions decisions(table, joining.codes);
    DecisionTable joined = table;
    joined.actions = decisions.actions.data();
    const std::int64_t n_assets = pools.book->n_assets;
    std::vector<double> units(static_cast<std::size_t>(n_rows), 0.0);
    for (std::int64_t asset = 0; asset < n_assets; ++asset) {
        units[static_cast<std::size_t>(asset)] = joining.unit[asset];
        units[static_cast<std::size_t>(n_assets + asset)] = joining.unit[n_assets];
    }
    const SeveralPools<Mode, RowId> rare(slots, pools, market, table, joining, outputs, ratio);
    const PoolSliceJob<Mode> job{
        {&joined, nullptr, 0, nullptr, outputs, nullptr, slots.longest, &market},
        slots,
        nullptr,
        counts_in_full(market, n_assets),
        {decisions.lines, decisions.isolated_due.data(), ratio},
        0,
        0};
    run_book(job, rare, instrument_rows(market, n_rows, units), threads, implementation);
}

#define PYMARGIN_INSTANTIATE(RowId)                                                  \
    template void evaluate_pool_slots<Portfolio, RowId>(                             \
        const PoolSlots&, const Pools<RowId>&, const Market<1>&, std::int64_t,       \
        const DecisionTable&, const std::uint32_t*, const Outputs<Portfolio>&, int,  \
        Implementation);                                                             \
    template void evaluate_joined_slots<Futures, RowId>(                             \
        const PoolSlots&, const Pools<RowId>&, const Market<1>&, std::int64_t,       \
        const DecisionTable&, const Joining&, const Outputs<Futures>&, double*, int, \
        Implementation);
PYMARGIN_INSTANTIATE(std::uint16_t)
PYMARGIN_INSTANTIATE(std::uint32_t)
#undef PYMARGIN_INSTANTIATE

}  // namespace pymargin

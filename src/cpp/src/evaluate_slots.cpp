#include "pymargin/evaluate_slots.hpp"

#include <algorithm>
#include <vector>

#include "kernels/kernels.hpp"
#include "kernels/share.hpp"
#include "pymargin/modes/all.hpp"

namespace pymargin {

#if defined(__x86_64__)
namespace kernels {
#define PYMARGIN_DECLARE(...)                                            \
    template <>                                                          \
    void run_avx2(const SliceJob<__VA_ARGS__, std::uint16_t>&) noexcept; \
    template <>                                                          \
    void run_avx2(const SliceJob<__VA_ARGS__, std::uint32_t>&) noexcept;
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_DECLARE)
#undef PYMARGIN_DECLARE
}  // namespace kernels
#endif

namespace {

using kernels::LaneRow;
using kernels::Rare;
using kernels::SliceJob;

/// The row-wise evaluation of single accounts, put where the slot pass puts its results.
template <class Mode, class AssetId>
class RowWise final : public Rare {
  public:
    RowWise(const Slots<AssetId>& slots, const AccountArrays<AssetId>& accounts,
            const Market<Mode::n_tables>& market, const DecisionTable& table,
            const Outputs<Mode>& outputs, ResultOrder order) noexcept
        : slots_(slots),
          accounts_(accounts),
          market_(market),
          table_(table),
          outputs_(outputs),
          order_(order) {
    }

    void redo(std::int64_t slot) const noexcept override {
        const std::int64_t account = account_of(slot);
        const std::int64_t to = order_ == ResultOrder::slot ? slot : account;
        if (!write_if_unpriced(account, to)) {
            outputs_.write(to, evaluate_row<Mode>(accounts_, market_, table_, account));
        }
    }

    /// Overwrites what the vector pass made of accounts that cannot be valued.
    void write_unpriced(std::int64_t first_slot, std::int64_t last_slot) const noexcept {
        if (market_.gaps != nullptr) {
            for (std::int64_t slot = first_slot; slot < last_slot; ++slot) {
                const std::int64_t account = account_of(slot);
                write_if_unpriced(account, order_ == ResultOrder::slot ? slot : account);
            }
        }
    }

  private:
    /// Without slots an account is its own slot.
    std::int64_t account_of(std::int64_t slot) const noexcept {
        return slots_.place == nullptr ? slot : slots_.account_of(slot);
    }

    bool write_if_unpriced(std::int64_t account, std::int64_t to) const noexcept {
        const std::uint16_t gaps = market_.gaps == nullptr
                                       ? std::uint16_t{0}
                                       : gaps_of<Mode>(accounts_, market_.gaps, account);
        if (gaps != 0) {
            outputs_.write_unpriced(to, gaps);
        }
        return gaps != 0;
    }

    const Slots<AssetId>& slots_;
    const AccountArrays<AssetId>& accounts_;
    const Market<Mode::n_tables>& market_;
    const DecisionTable& table_;
    const Outputs<Mode>& outputs_;
    ResultOrder order_;
};

template <class Mode>
std::vector<LaneRow<Mode::n_tables>> lane_rows(const Market<Mode::n_tables>& market,
                                               std::int64_t n_assets) {
    // Padding names asset 0, so there is at least one row.
    std::vector<LaneRow<Mode::n_tables>> rows(
        static_cast<std::size_t>(n_assets > 0 ? n_assets : 1));
    for (std::int64_t asset = 0; asset < n_assets; ++asset) {
        const auto& from = market.rows[asset];
        double* const to = rows[static_cast<std::size_t>(asset)].values;
        to[0] = from.price;
        for (int table = 0; table < Mode::n_tables; ++table) {
            to[1 + 2 * table] = from.tables[table].first_cap;
            to[2 + 2 * table] = from.tables[table].first_rate;
        }
    }
    return rows;
}

template <class Mode, class AssetId>
void run_kernel(const SliceJob<Mode, AssetId>& job, Implementation implementation) noexcept {
#if defined(__x86_64__)
    if (implementation == Implementation::avx2) {
        kernels::run_avx2(job);
        return;
    }
#endif
    static_cast<void>(implementation);
    for (std::int64_t slot = job.first_slice * lanes; slot < job.last_slice * lanes; ++slot) {
        job.rare->redo(slot);
    }
}

template <class AssetId>
std::int64_t longest_row(const AccountArrays<AssetId>& accounts) noexcept {
    const std::int64_t* const offsets = accounts.balances.offsets;
    std::int64_t longest = 0;
    for (std::int64_t account = 0; account < accounts.n_accounts; ++account) {
        longest = std::max(longest, offsets[account + 1] - offsets[account]);
    }
    return longest;
}

/// `rows`: the accounts by themselves are the book, and `slots` has none.
template <class Mode, class AssetId>
void run_book(const Slots<AssetId>& slots, bool rows, const AccountArrays<AssetId>& accounts,
              const Market<Mode::n_tables>& market, std::int64_t n_assets,
              const DecisionTable& table, const std::uint32_t* slot_class_of,
              const Outputs<Mode>& outputs, ResultOrder order, int threads,
              Implementation implementation) {
    const auto asset_rows = lane_rows<Mode>(market, n_assets);
    const kernels::StepRowTable steps(*market.schedules);
    const int stride = (table.n_tests + lanes - 1) / lanes * lanes;
    const auto thresholds = kernels::padded_thresholds(table, stride);
    const RowWise<Mode, AssetId> rare(slots, accounts, market, table, outputs, order);
    const std::int64_t n_terms = slots.longest + (Mode::counts_orders ? 1 : 0);
    const std::int64_t n_full = slots.n_accounts / lanes;
    const std::int64_t parts = part_count(slots.n_accounts, thread_count(threads));
    const auto first_slice = [&](std::int64_t part) {
        return rows ? n_full * part / parts : kernels::share_begin(slots, n_full, part, parts);
    };
    run_parts(parts, [&](std::int64_t part) {
        SliceJob<Mode, AssetId> job{
            {&table, thresholds.data(), stride, slot_class_of, outputs, &rare, n_terms, &market},
            slots,
            rows ? &accounts : nullptr,
            asset_rows.data(),
            steps.view(),
            order == ResultOrder::slot,
            first_slice(part),
            first_slice(part + 1)};
        run_kernel(job, implementation);
        // The last accounts do not fill a slice.
        const std::int64_t end = part + 1 == parts ? slots.n_accounts : job.last_slice * lanes;
        for (std::int64_t slot = job.last_slice * lanes; slot < end; ++slot) {
            rare.redo(slot);
        }
        rare.write_unpriced(job.first_slice * lanes, job.last_slice * lanes);
    });
}

}  // namespace

template <class Mode, class AssetId>
void evaluate_slots(const Slots<AssetId>& slots, const AccountArrays<AssetId>& accounts,
                    const Market<Mode::n_tables>& market, std::int64_t n_assets,
                    const DecisionTable& table, const std::uint32_t* slot_class_of,
                    const Outputs<Mode>& outputs, ResultOrder order, int threads,
                    Implementation implementation) {
    run_book(slots, false, accounts, market, n_assets, table, slot_class_of, outputs, order,
             threads, implementation);
}

template <class Mode, class AssetId>
void evaluate_rows(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                   std::int64_t n_assets, const DecisionTable& table, const Outputs<Mode>& outputs,
                   int threads, Implementation implementation) {
    const std::int64_t* const orders = accounts.orders.offsets;
    const bool has_orders = Mode::counts_orders && orders[accounts.n_accounts] > orders[0];
    if (implementation == Implementation::generic || has_orders) {
        evaluate<Mode>(accounts, market, table, outputs, threads);
        return;
    }
    Slots<AssetId> none{};
    none.n_accounts = accounts.n_accounts;
    none.longest = longest_row(accounts);
    run_book(none, true, accounts, market, n_assets, table, table.class_of, outputs,
             ResultOrder::user, threads, implementation);
}

#define PYMARGIN_INSTANTIATE_FOR(AssetId, ...)                                    \
    template void evaluate_slots<__VA_ARGS__, AssetId>(                           \
        const Slots<AssetId>&, const AccountArrays<AssetId>&,                     \
        const Market<__VA_ARGS__::n_tables>&, std::int64_t, const DecisionTable&, \
        const std::uint32_t*, const Outputs<__VA_ARGS__>&, ResultOrder, int, Implementation);
#define PYMARGIN_INSTANTIATE(...)                        \
    PYMARGIN_INSTANTIATE_FOR(std::uint16_t, __VA_ARGS__) \
    PYMARGIN_INSTANTIATE_FOR(std::uint32_t, __VA_ARGS__)
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_INSTANTIATE)
#undef PYMARGIN_INSTANTIATE
#undef PYMARGIN_INSTANTIATE_FOR

#define PYMARGIN_INSTANTIATE_FOR(AssetId, ...)                                             \
    template void evaluate_rows<__VA_ARGS__, AssetId>(                                     \
        const AccountArrays<AssetId>&, const Market<__VA_ARGS__::n_tables>&, std::int64_t, \
        const DecisionTable&, const Outputs<__VA_ARGS__>&, int, Implementation);
#define PYMARGIN_INSTANTIATE(...)                        \
    PYMARGIN_INSTANTIATE_FOR(std::uint16_t, __VA_ARGS__) \
    PYMARGIN_INSTANTIATE_FOR(std::uint32_t, __VA_ARGS__)
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_INSTANTIATE)
#undef PYMARGIN_INSTANTIATE
#undef PYMARGIN_INSTANTIATE_FOR

}  // namespace pymargin

// The pass over rows: sums account by account from the book's own arrays, then the rest four
// accounts at a time as for slices. For a book that is evaluated once; same rules as kernels.inl.

namespace {

/// One asset as a formula over double sees it; further steps without branches that hardly can be
/// predicted.
template <class Mode, class AssetId>
class RowAsset {
  public:
    PYMARGIN_INLINE RowAsset(const LaneRow<Mode::n_tables>* rows,
                             const FurtherSteps<Mode::n_tables>& further, AssetId asset,
                             unsigned* redo) noexcept
        : row_(rows[asset].values), further_(further), asset_(asset), redo_(redo) {
    }

    PYMARGIN_INLINE double price() const noexcept {
        return row_[0];
    }

    template <int table>
    PYMARGIN_INLINE double value(double v) const noexcept {
        return value_unless_outside<table>(v, v, v);
    }

    template <int table>
    PYMARGIN_INLINE double value(double v, double extent) const noexcept {
        return value_unless_outside<table>(v, extent, v + cap_slack * extent);
    }

  private:
    template <int table>
    PYMARGIN_INLINE double value_unless_outside(double v, double extent,
                                                double at_most) const noexcept {
        if (__builtin_expect(at_most <= row_[1 + 2 * table], 1)) {
            return row_[2 + 2 * table] * v;
        }
        return beyond_first_step(further_, further_.market[asset_].tables[table].schedule, v,
                                 extent, redo_);
    }

    static __attribute__((noinline)) double beyond_first_step(
        const FurtherSteps<Mode::n_tables>& further, std::int32_t schedule, double v, double extent,
        unsigned* redo) noexcept {
        const double* const row = further.steps.row(schedule);
        const double* const caps = row + StepRows::caps;
        const std::int64_t n_caps = further.steps.n_caps;
        const double* const step = caps + n_caps + 2 * count_less(caps, n_caps, Lanes(v));
        const double doubt = 2 * cap_slack * extent;
        if (!(v - doubt > row[0] && v + doubt < row[1])) {
            *redo = 1;
        }
        return step[0] * v + step[1];
    }

    const double* const row_;
    const FurtherSteps<Mode::n_tables>& further_;
    const AssetId asset_;
    unsigned* const redo_;
};

/// Sums of a few accounts, each sum by itself.
template <class Mode>
struct RowSums {
    static constexpr int n_accounts = 64;
    static constexpr int n_fields = sizeof(typename Mode::template Sums<double>) / sizeof(double);

    PYMARGIN_INLINE void put(int account,
                             const typename Mode::template Sums<double>& sums) noexcept {
        double one[n_fields];
        __builtin_memcpy(one, &sums, sizeof one);
#pragma GCC unroll 8
        for (int field = 0; field < n_fields; ++field) {
            values[field][account] = one[field];
        }
    }
    PYMARGIN_INLINE typename Mode::template Sums<Lanes> take(int account) const noexcept {
        typename Mode::template Sums<Lanes> sums{};
        Lanes columns[n_fields];
#pragma GCC unroll 8
        for (int field = 0; field < n_fields; ++field) {
            columns[field] = load(values[field] + account);
        }
        static_assert(sizeof sums == sizeof columns);
        __builtin_memcpy(&sums, columns, sizeof sums);
        return sums;
    }

    alignas(32) double values[n_fields][n_accounts];
};

template <bool is_usual, class Mode, class AssetId>
void run_rows(const SliceJob<Mode, AssetId>& given) noexcept {
    const SliceJob<Mode, AssetId> job = given;
    const AccountArrays<AssetId> accounts = *given.accounts;
    const auto balances = accounts.balances;
    const FurtherSteps<Mode::n_tables> further{given.steps, given.market->rows};
    const SliceEnd<is_usual, Mode> end(given);
    RowSums<Mode> block;
    constexpr std::int64_t block_size = RowSums<Mode>::n_accounts;
    const std::int64_t last_account = job.last_slice * lanes;
    for (std::int64_t first = job.first_slice * lanes; first < last_account; first += block_size) {
        const std::int64_t left = last_account - first;
        const int n = static_cast<int>(left < block_size ? left : block_size);
        std::uint64_t redo = 0;
        std::int64_t entry = balances.offsets[first];
        for (int k = 0; k < n; ++k) {
            const std::int64_t last_entry = balances.offsets[first + k + 1];
            unsigned redo_one = 0;
            // Most rows begin a new line of the cache.
            prefetch_ahead(balances.free + entry);
            prefetch_ahead(balances.locked + entry);
            prefetch_ahead(balances.borrowed + entry);
            prefetch_ahead(balances.interest + entry);
            typename Mode::template Sums<double> sums{};
            for (; entry < last_entry; ++entry) {
                const RowAsset<Mode, AssetId> asset(job.rows, further, balances.asset[entry],
                                                    &redo_one);
                Mode::add(sums, balances.free[entry] + balances.locked[entry],
                          balances.borrowed[entry] + balances.interest[entry], asset);
            }
            if constexpr (Mode::counts_orders) {
                Mode::add_order_loss(sums, accounts.open_order_loss[first + k]);
            }
            block.put(k, sums);
            redo |= static_cast<std::uint64_t>(redo_one) << k;
        }
        for (int k = 0; k < n; k += lanes) {
            const Destination to{true, first + k, first + k, nullptr, 0};
            end.finish(to, block.take(k), redo >> k & 15);
        }
    }
}

/// Over rows or over slots, as the job says.
template <class Mode, class AssetId>
void run(const SliceJob<Mode, AssetId>& job) noexcept {
    if (job.accounts == nullptr) {
        return run_slices(job);
    }
    has_usual_tests<Mode>(*job.decisions) ? run_rows<true>(job) : run_rows<false>(job);
}

}  // namespace

// The pass over accounts with a scenario a lane, written once over `Lanes` as kernels.inl is.

namespace {

/// One asset under four scenarios none of which leaves the first step of any table.
template <class Mode>
class FirstStepAsset {
  public:
    PYMARGIN_INLINE FirstStepAsset(const MarketRow<Mode::n_tables>& row,
                                   const Lanes& price) noexcept
        : row_(row), price_(price) {
    }

    PYMARGIN_INLINE const Lanes& price() const noexcept {
        return price_;
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v) const noexcept {
        return Lanes(row_.tables[table].first_rate) * v;
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v, const Lanes& /*extent*/) const noexcept {
        return value<table>(v);
    }

  private:
    const MarketRow<Mode::n_tables>& row_;
    const Lanes price_;
};

/// A schedule at four values, step by step; marks lanes that only exact arithmetic settles. Out of
/// line, so that the sums of the caller stay in registers.
__attribute__((noinline)) Lanes stepped(const ScheduleTable* schedules, int schedule, Lanes v,
                                        Lanes extent, unsigned* redo) noexcept {
    const Step* step = schedules->steps(schedule);
    const Lanes doubt = Lanes(cap_slack) * extent;
    for (const Step* free = step; free->rate == 0 && __builtin_isfinite(free->cap); ++free) {
        *redo |= not_less(v + doubt, Lanes(free->cap)) & not_greater(v, Lanes(free->cap) + doubt);
    }
    Lanes rate(step->rate);
    Lanes offset(step->offset);
    for (; any_greater(v, Lanes(step->cap)); ++step) {
        rate = where_greater(v, Lanes(step->cap), Lanes(step[1].rate), rate);
        offset = where_greater(v, Lanes(step->cap), Lanes(step[1].offset), offset);
    }
    const Lanes last_cap(schedules->last_cap(schedule));
    *redo |= not_less(v + doubt, last_cap);
    return rate * v + offset;
}

/// One asset under any four scenarios.
template <class Mode>
class ScenarioAsset {
  public:
    PYMARGIN_INLINE ScenarioAsset(const Market<Mode::n_tables>& market,
                                  const MarketRow<Mode::n_tables>& row, const Lanes& price,
                                  unsigned* redo) noexcept
        : market_(market), row_(row), price_(price), redo_(redo) {
    }

    PYMARGIN_INLINE const Lanes& price() const noexcept {
        return price_;
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v) const noexcept {
        return value<table>(v, v);
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v, const Lanes& extent) const noexcept {
        const int schedule = row_.tables[table].schedule;
        return schedule < 0 ? Lanes(0.0) : stepped(market_.schedules, schedule, v, extent, redo_);
    }

  private:
    const Market<Mode::n_tables>& market_;
    const MarketRow<Mode::n_tables>& row_;
    const Lanes price_;
    unsigned* redo_;
};

/// How many vectors of scenarios stay in registers.
template <class Mode>
constexpr int grid_vectors = Mode::n_sums <= 3 ? 4 : 2;

template <class Mode, class AssetId, bool is_usual>
struct GridPass {
    static constexpr int n_vectors = grid_vectors<Mode>;
    using Sums = typename Mode::template Sums<Lanes>;

    /// Sums of one account under n_vectors * lanes scenarios, left to right in input order.
    static PYMARGIN_INLINE void sum(const GridJob<Mode, AssetId>& job, std::int64_t account,
                                    int first_lane, Sums* sums, unsigned* redo) noexcept {
        const auto& balances = job.accounts->balances;
        for (std::int64_t entry = balances.offsets[account]; entry < balances.offsets[account + 1];
             ++entry) {
            const auto asset = balances.asset[entry];
            const double owned = balances.free[entry] + balances.locked[entry];
            const double owed = balances.borrowed[entry] + balances.interest[entry];
            const auto& row = job.market->rows[asset];
            const double* const prices =
                job.prices + static_cast<std::size_t>(asset) * grid_block + first_lane;
            // Above every value and extent of the entry, rounding included: one look at it decides
            // for all scenarios whether the first step holds.
            const double greatest =
                (owned + owed) * job.greatest_price[asset] * (1 + 4 * cap_slack);
            if (__builtin_expect(greatest <= least_first_cap(row), 1)) {
#pragma GCC unroll 4
                for (int k = 0; k < n_vectors; ++k) {
                    const FirstStepAsset<Mode> seen(row, load_unaligned(prices + lanes * k));
                    Mode::add(sums[k], Lanes(owned), Lanes(owed), seen);
                }
            } else {
                add_beyond_first_step(job, row, prices, owned, owed, sums, redo);
            }
        }
        if constexpr (Mode::counts_orders) {
            for (int k = 0; k < n_vectors; ++k) {
                Mode::add_order_loss(sums[k], Lanes(job.accounts->open_order_loss[account]));
                const auto& orders = job.accounts->orders.offsets;
                redo[k] |= orders[account + 1] > orders[account] ? 15U : 0U;
            }
        }
    }

    static PYMARGIN_INLINE double least_first_cap(const MarketRow<Mode::n_tables>& row) noexcept {
        double least = row.tables[0].first_cap;
        for (int table = 1; table < Mode::n_tables; ++table) {
            least = smaller(least, row.tables[table].first_cap);
        }
        return least;
    }

    static PYMARGIN_INLINE void add_beyond_first_step(const GridJob<Mode, AssetId>& job,
                                                      const MarketRow<Mode::n_tables>& row,
                                                      const double* prices, double owned,
                                                      double owed, Sums* sums,
                                                      unsigned* redo) noexcept {
        for (int k = 0; k < n_vectors; ++k) {
            const ScenarioAsset<Mode> seen(*job.market, row, load_unaligned(prices + lanes * k),
                                           &redo[k]);
            Mode::add(sums[k], Lanes(owned), Lanes(owed), seen);
        }
    }

    /// Four scenarios of one account; `levels` are their margin levels.
    static PYMARGIN_INLINE void settle(const GridJob<Mode, AssetId>& job, std::int64_t account,
                                       int first_lane, const Sums& sums, const Lanes* thetas,
                                       const Lanes& error, unsigned redo, Lanes& levels) noexcept {
        // Most accounts stand clear of every threshold: one comparison settles them.
        Lanes nearest(__builtin_inf());
        const int n_tests = is_usual ? lanes : job.decisions->n_tests;
#pragma GCC unroll 4
        for (int test = 0; test < n_tests; ++test) {
            nearest = smaller(nearest, distance(job, sums, thetas, test));
        }
        if (__builtin_expect((redo | not_greater(nearest, error)) != 0, 0)) {
            settle_each(job, account, first_lane, sums, thetas, error, redo, levels);
        } else if (job.outputs.actions != nullptr) {
            std::uint16_t* const at =
                job.outputs.actions + account * job.n_scenarios + job.first_scenario + first_lane;
            const int n_lanes = lanes_left(job, first_lane);
            for (int lane = 0; lane < n_lanes; ++lane) {
                at[lane] = job.decisions->actions[0];
            }
        }
    }

    static PYMARGIN_INLINE Lanes distance(const GridJob<Mode, AssetId>& job, const Sums& sums,
                                          const Lanes* thetas, int test) noexcept {
        const int which =
            is_usual ? Mode::usual_tests[test % lanes] : job.decisions->test_level[test];
        const Ratio<Lanes> level = Mode::level(sums, which);
        return level.numerator - thetas[test] * level.denominator;
    }

    static PYMARGIN_INLINE int lanes_left(const GridJob<Mode, AssetId>& job,
                                          int first_lane) noexcept {
        const std::int64_t left = job.n_scenarios - job.first_scenario - first_lane;
        return left < lanes ? static_cast<int>(left) : lanes;
    }

    /// Decides lane by lane, and counts the lanes that are not clear of every threshold.
    static void settle_each(const GridJob<Mode, AssetId>& job, std::int64_t account, int first_lane,
                            const Sums& sums, const Lanes* thetas, const Lanes& error,
                            unsigned redo, Lanes& levels) noexcept {
        const DecisionTable& table = *job.decisions;
        LaneBits bits;
        Unsettled unsettled;
        for (int test = 0; test < table.n_tests; ++test) {
            const Lanes away = distance(job, sums, thetas, test);
            bits.set_where_negative(away, test);
            unsettled.add_unless_outside(away, error);
        }
        redo |= unsettled.mask();
        std::uint64_t found[lanes];
        bits.take(found);
        alignas(32) double level[lanes];
        alignas(32) double missing[lanes] = {};
        store(level, levels);
        if (job.liquidation_test >= 0) {
            store(missing, Lanes(0.0) - distance(job, sums, thetas, job.liquidation_test));
        }
        const std::int64_t scenario = job.first_scenario + first_lane;
        const int n_lanes = lanes_left(job, first_lane);
        for (int lane = 0; lane < n_lanes; ++lane) {
            double* const shortfall = job.shortfall + first_lane + lane;
            ++job.others[first_lane + lane];
            if ((redo >> lane & 1U) != 0) {
                level[lane] = job.rare->redo(account, scenario + lane, shortfall);
                continue;
            }
            ++job.bit_counts[(static_cast<std::size_t>(first_lane + lane) << table.n_tests) +
                             found[lane]];
            if ((table.actions[found[lane]] & action_liquidate) != 0) {
                *shortfall += positive_part(missing[lane]);
            }
            if (job.outputs.actions != nullptr) {
                job.outputs.actions[account * job.n_scenarios + scenario + lane] =
                    table.actions[found[lane]];
            }
        }
        levels = load(level);
    }

    static PYMARGIN_INLINE void write_levels(const GridJob<Mode, AssetId>& job,
                                             std::int64_t account, int first_lane,
                                             const Lanes& levels) noexcept {
        double* const at =
            job.outputs.levels + account * job.n_scenarios + job.first_scenario + first_lane;
        const int n_lanes = lanes_left(job, first_lane);
        if (n_lanes == lanes) {
            store_unaligned(at, levels);
            return;
        }
        alignas(32) double by_lane[lanes];
        store(by_lane, levels);
        for (int lane = 0; lane < n_lanes; ++lane) {
            at[lane] = by_lane[lane];
        }
    }

    /// Keeps the least level; equal ones keep the earlier scenario.
    static PYMARGIN_INLINE void keep_worst(const GridJob<Mode, AssetId>& job, std::int64_t account,
                                           int first_lane, const Lanes& levels) noexcept {
        double& worst = job.outputs.worst_level[account];
        if (!any_greater(Lanes(worst), levels)) {
            return;
        }
        alignas(32) double by_lane[lanes];
        store(by_lane, levels);
        const int n_lanes = lanes_left(job, first_lane);
        for (int lane = 0; lane < n_lanes; ++lane) {
            if (by_lane[lane] < worst) {
                worst = by_lane[lane];
                job.outputs.worst_scenario[account] =
                    static_cast<std::int32_t>(job.first_scenario + first_lane + lane);
            }
        }
    }

    static void run(const GridJob<Mode, AssetId>& given) noexcept {
        const GridJob<Mode, AssetId> job = given;
        const ErrorBound bound(job.decisions->greatest_theta, job.market->steepest);
        Lanes thetas[DecisionTable::max_tests];
        for (std::int64_t account = job.first_account; account < job.last_account; ++account) {
            if (job.unpriced != nullptr && job.unpriced[account - job.first_account] != 0) {
                continue;
            }
            const Threshold* const thresholds = job.decisions->row(account);
            for (int test = 0; test < job.decisions->n_tests; ++test) {
                thetas[test] = Lanes(thresholds[test].value);
            }
            const auto& offsets = job.accounts->balances.offsets;
            const Lanes relative(ErrorBound::relative(offsets[account + 1] - offsets[account] +
                                                      (Mode::counts_orders ? 1 : 0)));
            for (int first_lane = 0;
                 first_lane < grid_block && job.first_scenario + first_lane < job.n_scenarios;
                 first_lane += n_vectors * lanes) {
                Sums sums[n_vectors] = {};
                unsigned redo[n_vectors] = {};
                sum(job, account, first_lane, sums, redo);
#pragma GCC unroll 4
                for (int k = 0; k < n_vectors; ++k) {
                    const int lane = first_lane + lanes * k;
                    if (job.first_scenario + lane < job.n_scenarios) {
                        Lanes levels = Mode::shown(0, level_lanes(Mode::level(sums[k], 0)));
                        const Lanes error = error_lanes(bound, relative, Mode::magnitude(sums[k]));
                        settle(job, account, lane, sums[k], thetas, error, redo[k], levels);
                        if (job.outputs.levels != nullptr) {
                            write_levels(job, account, lane, levels);
                        }
                        if (job.outputs.worst_level != nullptr) {
                            keep_worst(job, account, lane, levels);
                        }
                    }
                }
            }
        }
    }
};

template <class Mode, class AssetId>
void run_grid(const GridJob<Mode, AssetId>& job) noexcept {
    if (has_usual_tests<Mode>(*job.decisions)) {
        GridPass<Mode, AssetId, true>::run(job);
    } else {
        GridPass<Mode, AssetId, false>::run(job);
    }
}

}  // namespace

// The pass over accounts of pools with a scenario a lane, written once over `Lanes` as kernels.inl
// is.

namespace {

/// An instrument under a block of scenarios; `Asset` values it, see scenarios.inl.
template <class Asset, bool closes>
class ScenarioInstrument : public Asset {
  public:
    PYMARGIN_INLINE ScenarioInstrument(const Asset& asset, const Scenarios& price,
                                       const Scenarios& weight) noexcept
        : Asset(asset), price_(price), weight_(weight) {
    }

    static PYMARGIN_INLINE constexpr bool is_asset() noexcept {
        return closes;
    }
    PYMARGIN_INLINE const Scenarios& price() const noexcept {
        return price_;
    }
    PYMARGIN_INLINE const Scenarios& weight() const noexcept {
        return weight_;
    }

  private:
    Scenarios price_;
    Scenarios weight_;
};

/// What the pools of an account come to together: a line holds where it does in any cross pool, a
/// grant is given where any gives it.
struct PoolVerdict {
    // Not defaulted: what the compiler writes by itself is outside the region.
    PYMARGIN_INLINE PoolVerdict() noexcept {
    }

    bool is_clear = true;         ///< of every pool so far
    bool is_granted_all = false;  ///< some cross pool is clear of every test
    unsigned redo = 0;            ///< scenarios, a bit each, as the two below
    unsigned beyond_tiers = 0;
    unsigned isolated_due = 0;
    Scenarios missing;           ///< USDT that cross pools lack of the liquidation threshold
    Scenarios isolated_missing;  ///< the same of isolated ones
    /// The distance that decides each test: the least of a line, the greatest of a grant.
    Lanes decisive[DecisionTable::max_tests][grid_vectors];
};

/// Computes one level of every account, under a block of scenarios, and what it permits.
template <class Mode, Tests tests, int level>
class PoolGridPass : GridWriter<PoolGridJob<Mode>, tests != Tests::none, level> {
    using Writer = GridWriter<PoolGridJob<Mode>, tests != Tests::none, level>;
    using Writer::block_;
    using Writer::job_;
    using Writer::n_scenarios_;

  public:
    PYMARGIN_INLINE explicit PoolGridPass(const PoolGridJob<Mode>& job) noexcept
        : Writer(job),
          table_(*job.decisions),
          schedules_(*job.schedules),
          actions_(job.decisions->actions) {
    }

    PYMARGIN_INLINE void run() noexcept {
        for (std::int64_t k = 0; k < job_.n_accounts; ++k) {
            n_scenarios_ = grid_block;
            for (block_ = 0; block_ < job_.n_blocks; ++block_) {
                if (block_ + 1 == job_.n_blocks) {
                    n_scenarios_ = static_cast<int>(job_.n_scenarios - block_ * grid_block);
                }
                run_block(job_.accounts[k]);
            }
        }
    }

  private:
    using Sums = typename Mode::template Sums<Scenarios>;
    using Pool = GridPool<Mode>;

    PYMARGIN_INLINE void run_block(const PoolGridAccount& account) const noexcept {
        // The level of an account is that of its worst cross pool, an amount the sum over them.
        Scenarios levels(level == 0 ? __builtin_inf() : 0.0);
        PoolVerdict verdict;
        const Pool* const end = job_.pools + account.end_pool;
        for (const Pool* pool = job_.pools + account.first_pool; pool != end; ++pool) {
            ScenarioNotes notes{};
            Sums sums{};
            add_all(*pool, sums, notes);
            if (!pool->is_isolated) {
                const Scenarios one = levels_of(sums);
                levels = level == 0 ? smaller(one, levels) : levels + one * unit_of(*pool);
            }
            if constexpr (tests != Tests::none) {
                take(account, *pool, sums, notes, verdict);
            } else if (!pool->is_isolated) {
                verdict.redo |= unclear_alone(*pool, sums) | notes.ambiguous;
            }
        }
        finish(account, levels, verdict);
    }

    /// The sums of one pool, leg by leg.
    PYMARGIN_INLINE void add_all(const Pool& pool, Sums& sums,
                                 ScenarioNotes& notes) const noexcept {
        const PoolGridLeg* const end = job_.legs + pool.end_leg;
        for (const PoolGridLeg* leg = job_.legs + pool.first_leg; leg != end; ++leg) {
            if (leg->is_asset) {
                add_leg_of<true>(*leg, sums, notes);
            } else {
                add_leg_of<false>(*leg, sums, notes);
            }
        }
        if constexpr (Mode::counts_orders) {
            Mode::add_order_loss(sums, Scenarios(pool.order_loss));
        }
    }

    template <bool is_asset>
    PYMARGIN_INLINE void add_leg_of(const PoolGridLeg& leg, Sums& sums,
                                    ScenarioNotes& notes) const noexcept {
        if (__builtin_expect(stays_in_first_step<is_asset>(leg), 1)) {
            add_as<is_asset>(leg, FirstStepAsset<1>(*leg.row), sums);
        } else {
            add_as<is_asset>(leg, AnyStepAsset<1>(schedules_, *leg.row, &notes), sums);
        }
    }

    template <bool is_asset, class Asset>
    PYMARGIN_INLINE void add_as(const PoolGridLeg& leg, const Asset& asset,
                                Sums& sums) const noexcept {
        const ScenarioInstrument<Asset, is_asset> instrument(
            asset, load_scenarios(job_.prices + place_of_row(leg.instrument)),
            is_asset ? load_scenarios(job_.weights + place_of_row(leg.instrument))
                     : Scenarios(-1.0));
        Mode::add(sums, Leg<Scenarios>{Scenarios(leg.x), Scenarios(leg.y), Scenarios(leg.z)},
                  instrument);
    }

    PYMARGIN_INLINE std::int64_t place_of_row(std::uint32_t row) const noexcept {
        return (row * job_.n_blocks + block_) * grid_block;
    }

    template <bool is_asset>
    PYMARGIN_INLINE bool stays_in_first_step(const PoolGridLeg& leg) const noexcept {
        if (is_asset || leg.is_in_first_step) {
            return leg.is_in_first_step;
        }
        return is_position_in_first_step(
            leg, job_.greatest_prices[leg.instrument * job_.n_blocks + block_]);
    }

    static PYMARGIN_INLINE Scenarios levels_of(const Sums& sums) noexcept {
        return Mode::shown(level, level_scenarios(Mode::level(sums, level)));
    }

    PYMARGIN_INLINE Scenarios unit_of(const Pool& pool) const noexcept {
        return load_scenarios(job_.units + place_of_row(pool.unit));
    }

    /// Isolated pools have lines only.
    PYMARGIN_INLINE int n_tests(const Pool& pool) const noexcept {
        if (pool.is_isolated) {
            return job_.n_lines;
        }
        return tests == Tests::usual ? lanes : table_.n_tests;
    }

    PYMARGIN_INLINE int level_of(int test) const noexcept {
        return tests == Tests::usual ? Mode::usual_tests[test % lanes] : table_.test_level[test];
    }

    static PYMARGIN_INLINE Scenarios distance(const Sums& sums, int one, double theta) noexcept {
        const Ratio<Scenarios> ratio = Mode::level(sums, one);
        return ratio.numerator - Scenarios(theta) * ratio.denominator;
    }

    /// N - theta * D of the test that is nearest to firing, see GridPass::clearance.
    PYMARGIN_INLINE Lanes clearance(const Pool& pool, const Sums& sums) const noexcept {
        Lanes nearest(__builtin_inf());
#pragma GCC unroll 8
        for (int one = 0; one < Mode::n_levels; ++one) {
            if (is_tested(one, n_tests(pool))) {
                nearest = smaller(nearest, least_of(distance(sums, one, pool.greatest_theta[one])));
            }
        }
        return nearest;
    }

    PYMARGIN_INLINE bool is_tested(int one, int n) const noexcept {
        bool found = false;
#pragma GCC unroll 4
        for (int test = 0; test < n; ++test) {
            found = found || level_of(test) == one;
        }
        return found;
    }

    PYMARGIN_INLINE void take(const PoolGridAccount& account, const Pool& pool, const Sums& sums,
                              const ScenarioNotes& notes, PoolVerdict& verdict) const noexcept {
        const unsigned unclear = not_greater(clearance(pool, sums), Lanes(pool.error)) |
                                 notes.ambiguous | notes.beyond_tiers;
        if (__builtin_expect(unclear == 0, 1)) {
            verdict.is_granted_all = verdict.is_granted_all || !pool.is_isolated;
            return;
        }
        if (verdict.is_clear) {
            open(verdict);
        }
        verdict.redo |= notes.ambiguous;
        verdict.beyond_tiers |= notes.beyond_tiers;
        if (pool.is_isolated) {
            take_isolated(account, pool, sums, verdict);
        } else {
            take_cross(account, pool, sums, verdict);
        }
    }

    /// Nothing fires and nothing is granted.
    PYMARGIN_INLINE void open(PoolVerdict& verdict) const noexcept {
        verdict.is_clear = false;
        for (int test = 0; test < table_.n_tests; ++test) {
            const Lanes least(test < job_.n_lines ? __builtin_inf() : -__builtin_inf());
            for (Lanes& one : verdict.decisive[test]) {
                one = least;
            }
        }
    }

    PYMARGIN_INLINE void take_cross(const PoolGridAccount& account, const Pool& pool,
                                    const Sums& sums, PoolVerdict& verdict) const noexcept {
        Unsettled unsettled[grid_vectors];
        const int n = n_tests(pool);
#pragma GCC unroll 4
        for (int test = 0; test < n; ++test) {
            const Scenarios away = distance(sums, level_of(test), account.thresholds[test].value);
            const bool is_line = test < job_.n_lines;
#pragma GCC unroll 4
            for (int k = 0; k < grid_vectors; ++k) {
                Lanes& decisive = verdict.decisive[test][k];
                decisive = is_line ? smaller(away.v[k], decisive) : greater(away.v[k], decisive);
                unsettled[k].add_unless_outside(away.v[k], Lanes(pool.error));
            }
            add_missing(test, pool, away, verdict.missing);
        }
        verdict.redo |= mask_of_all(unsettled);
    }

    PYMARGIN_INLINE void take_isolated(const PoolGridAccount& account, const Pool& pool,
                                       const Sums& sums, PoolVerdict& verdict) const noexcept {
        Unsettled unsettled[grid_vectors];
        LaneBits bits[grid_vectors];
        for (int test = 0; test < job_.n_lines; ++test) {
            const Scenarios away = distance(sums, level_of(test), account.thresholds[test].value);
#pragma GCC unroll 4
            for (int k = 0; k < grid_vectors; ++k) {
                bits[k].set_where_negative(away.v[k], test);
                unsettled[k].add_unless_outside(away.v[k], Lanes(pool.error));
            }
            add_missing(test, pool, away, verdict.isolated_missing);
        }
        verdict.isolated_due |= actions_.look_up(bits).having(action_liquidate);
        verdict.redo |= mask_of_all(unsettled);
    }

    PYMARGIN_INLINE void add_missing(int test, const Pool& pool, const Scenarios& away,
                                     Scenarios& missing) const noexcept {
        if (job_.shortfall != nullptr && test == job_.liquidation_test) {
            missing += positive_part(Scenarios(0.0) - away) * unit_of(pool);
        }
    }

    static PYMARGIN_INLINE unsigned mask_of_all(const Unsettled* unsettled) noexcept {
        unsigned mask = 0;
        for (int k = 0; k < grid_vectors; ++k) {
            mask |= unsettled[k].mask() << lanes * k;
        }
        return mask;
    }

    /// Where nothing is asked for and float64 does not settle whether there is less than nothing,
    /// see GridPass::level_alone.
    PYMARGIN_INLINE unsigned unclear_alone(const Pool& pool, const Sums& sums) const noexcept {
        const Ratio<Scenarios> ratio = Mode::level(sums, level);
        const Lanes error(pool.error);
        unsigned unclear = 0;
        for (int k = 0; k < grid_vectors; ++k) {
            const unsigned owing_nothing = not_greater(ratio.denominator.v[k], Lanes(0.0));
            unclear |= (not_greater(ratio.numerator.v[k], error) & owing_nothing) << lanes * k;
        }
        return unclear;
    }

    PYMARGIN_INLINE void finish(const PoolGridAccount& account, Scenarios& levels,
                                PoolVerdict& verdict) const noexcept {
        if constexpr (tests == Tests::none) {
            const unsigned redo = verdict.redo & ((1U << n_scenarios_) - 1);
            if (__builtin_expect(redo != 0, 0)) {
                Words unused(0);
                Writer::redo_each(account.account, redo, levels, unused);
            }
            Writer::put(account.account, levels);
        } else if (__builtin_expect(verdict.is_clear && verdict.is_granted_all, 1)) {
            Writer::put(account.account, levels);
            Writer::put_actions(account.account, Words(table_.actions[0]));
            if (job_.counts != nullptr) {
                ++job_.n_clear[block_];
            }
        } else {
            if (verdict.is_clear) {
                open(verdict);
            }
            settle(account, levels, verdict);
        }
    }

    /// Decides scenario by scenario.
    PYMARGIN_INLINE void settle(const PoolGridAccount& account, Scenarios& levels,
                                const PoolVerdict& verdict) const noexcept {
        LaneBits bits[grid_vectors];
        const int n = tests == Tests::usual ? lanes : table_.n_tests;
#pragma GCC unroll 4
        for (int test = 0; test < n; ++test) {
            if (test < job_.n_lines || !verdict.is_granted_all) {
#pragma GCC unroll 4
                for (int k = 0; k < grid_vectors; ++k) {
                    bits[k].set_where_negative(verdict.decisive[test][k], test);
                }
            }
        }
        const unsigned redo = verdict.redo & ((1U << n_scenarios_) - 1);
        Words words = actions_.look_up(bits);
        if (job_.shortfall != nullptr) {
            add_shortfall(verdict, words.having(action_liquidate) & ~redo,
                          verdict.isolated_due & ~redo);
        }
        if (verdict.isolated_due != 0) {
            words = Writer::with_flag(words, action_isolated_liquidate, verdict.isolated_due);
        }
        if (__builtin_expect(verdict.beyond_tiers != 0, 0)) {
            words = Writer::with_flag(words, action_beyond_tiers, verdict.beyond_tiers);
        }
        if (__builtin_expect(redo != 0, 0)) {
            Writer::redo_each(account.account, redo, levels, words);
        }
        Writer::put(account.account, levels);
        Writer::put_actions(account.account, words);
        Writer::count(words);
    }

    /// Of scenarios in which cross pools, and isolated ones, are due for liquidation.
    PYMARGIN_INLINE void add_shortfall(const PoolVerdict& verdict, unsigned cross,
                                       unsigned isolated) const noexcept {
        unsigned due = (cross | isolated) & ((1U << n_scenarios_) - 1);
        if (due == 0) {
            return;
        }
        alignas(32) double of_cross[grid_block];
        alignas(32) double of_isolated[grid_block];
        store_scenarios(of_cross, verdict.missing);
        store_scenarios(of_isolated, verdict.isolated_missing);
        for (; due != 0; due &= due - 1) {
            const int k = __builtin_ctz(due);
            const double missing = ((cross >> k & 1U) != 0 ? of_cross[k] : 0.0) +
                                   ((isolated >> k & 1U) != 0 ? of_isolated[k] : 0.0);
            job_.shortfall[block_ * grid_block + k] += missing;
        }
    }

    // Copies that no output can alias: the compiler may keep their parts in registers.
    const DecisionTable table_;
    const ScheduleTable schedules_;
    const WordTable<tests == Tests::usual> actions_;
};

template <class Mode, Tests tests, int level>
__attribute__((noinline)) void run_pool_grid_pass(const PoolGridJob<Mode>& job) noexcept {
    PoolGridPass<Mode, tests, level>(job).run();
}

/// A pass for each level from `level` on that is wanted; `is_done`: the first one is.
template <class Mode, int level>
PYMARGIN_INLINE void run_pool_grid_levels(const PoolGridJob<Mode>& job, bool is_done) noexcept {
    if constexpr (level < Mode::n_levels) {
        const bool is_wanted = job.outputs.levels[level] != nullptr ||
                               (level == 0 && job.outputs.worst_level != nullptr);
        if (is_wanted && !is_done) {
            run_pool_grid_pass<Mode, Tests::none, level>(job);
        }
        run_pool_grid_levels<Mode, level + 1>(job, false);
    }
}

template <class Mode>
void run_pool_grid(const PoolGridJob<Mode>& job) noexcept {
    const bool decides = job.outputs.need_decisions();
    if (decides) {
        if (has_usual_tests<Mode>(*job.decisions)) {
            run_pool_grid_pass<Mode, Tests::usual, 0>(job);
        } else {
            run_pool_grid_pass<Mode, Tests::any, 0>(job);
        }
    }
    run_pool_grid_levels<Mode, 0>(job, decides);
}

}  // namespace

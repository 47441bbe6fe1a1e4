// The pass over accounts with a scenario a lane, written once over `Lanes` as kernels.inl is.

namespace {

/// Computes one level of every account, under a block of scenarios, and what it permits. The sums
/// that neither `level` nor a test needs are not computed: nothing reads them.
template <class Mode, Tests tests, int level>
class GridPass : GridWriter<GridJob<Mode>, tests != Tests::none, level> {
    using Writer = GridWriter<GridJob<Mode>, tests != Tests::none, level>;
    using Writer::block_;
    using Writer::job_;
    using Writer::n_scenarios_;

  public:
    PYMARGIN_INLINE explicit GridPass(const GridJob<Mode>& job) noexcept
        : Writer(job),
          table_(*job.decisions),
          schedules_(*job.schedules),
          actions_(job.decisions->actions) {
    }

    /// Account by account: its entries stay in cache, and the ends of the loops over them can be
    /// foreseen from one block to the next.
    PYMARGIN_INLINE void run() noexcept {
        for (std::int64_t k = 0; k < job_.n_accounts; ++k) {
            n_scenarios_ = grid_block;
            for (block_ = 0; block_ + 1 < job_.n_blocks; ++block_) {
                run_block(job_.accounts[k]);
            }
            n_scenarios_ = static_cast<int>(job_.n_scenarios - block_ * grid_block);
            run_block(job_.accounts[k]);
        }
    }

  private:
    using Sums = typename Mode::template Sums<Scenarios>;
    using Position = typename Mode::template Position<Scenarios>;
    using Entry = GridEntry<Mode::n_tables>;

    PYMARGIN_INLINE void run_block(const GridAccount<Mode>& account) const noexcept {
        ScenarioNotes notes{};
        Sums sums{};
        add_all(account, sums, notes);
        if constexpr (tests == Tests::none) {
            Writer::put(account.account, level_alone(account, sums, notes));
        } else {
            const Lanes nearest = least_of(clearance(account, sums));
            const unsigned unclear =
                not_greater(nearest, Lanes(account.error)) | notes.ambiguous | notes.beyond_tiers;
            if (__builtin_expect(unclear == 0, 1)) {
                Writer::put(account.account, levels_of(sums));
                Writer::put_actions(account.account, Words(table_.actions[0]));
                if (job_.counts != nullptr) {
                    ++job_.n_clear[block_];
                }
            } else {
                settle(account, sums, notes);
            }
        }
    }

    /// The sums of one account, left to right in input order: what is held, then what is owed.
    PYMARGIN_INLINE void add_all(const GridAccount<Mode>& account, Sums& sums,
                                 ScenarioNotes& notes) const noexcept {
        const Entry* entry = job_.entries + account.first_held;
        const Entry* const owed = job_.entries + account.first_owed;
        const Entry* const end = job_.entries + account.end;
        for (; entry != owed; ++entry) {
            if (__builtin_expect(stays_in_first_step(*entry), 1)) {
                const FirstStepAsset<Mode::n_tables> asset(*entry->row);
                Mode::add_held(sums, position_of(*entry), asset);
            } else {
                const Entry& beyond = *apart(entry);
                Mode::add_held(sums, position_of(beyond), any_step(beyond, notes));
            }
        }
        for (; entry != end; ++entry) {
            if (__builtin_expect(stays_in_first_step(*entry), 1)) {
                const FirstStepAsset<Mode::n_tables> asset(*entry->row);
                Mode::add_owed(sums, position_of(*entry), asset);
            } else {
                const Entry& beyond = *apart(entry);
                Mode::add_owed(sums, position_of(beyond), any_step(beyond, notes));
            }
        }
        if constexpr (Mode::counts_orders) {
            Mode::add_order_loss(sums, Scenarios(account.order_loss));
        }
    }

    /// The same entry, but for the compiler, which would compute before a branch what both sides
    /// of it need, and take the registers from the sums.
    static PYMARGIN_INLINE const Entry* apart(const Entry* entry) noexcept {
        asm("" : "+r"(entry));
        return entry;
    }

    PYMARGIN_INLINE Position position_of(const Entry& entry) const noexcept {
        const double* const prices =
            job_.prices + (entry.asset * job_.n_blocks + block_) * grid_block;
        return Position(Scenarios(entry.owned), Scenarios(entry.owed), load_scenarios(prices));
    }

    PYMARGIN_INLINE bool stays_in_first_step(const Entry& entry) const noexcept {
        return entry.is_in_first_step ||
               is_in_first_step(entry, job_.greatest_prices[entry.asset * job_.n_blocks + block_]);
    }

    PYMARGIN_INLINE AnyStepAsset<Mode::n_tables> any_step(const Entry& entry,
                                                          ScenarioNotes& notes) const noexcept {
        return AnyStepAsset<Mode::n_tables>(schedules_, *entry.row, &notes);
    }

    static PYMARGIN_INLINE Scenarios levels_of(const Sums& sums) noexcept {
        return Mode::shown(level, level_scenarios(Mode::level(sums, level)));
    }

    /// N - theta * D of the test that is nearest to firing, by the greatest theta of each level:
    /// rounding keeps their order, as no D is negative.
    PYMARGIN_INLINE Scenarios clearance(const GridAccount<Mode>& account,
                                        const Sums& sums) const noexcept {
        Scenarios nearest(__builtin_inf());
#pragma GCC unroll 8
        for (int one = 0; one < Mode::n_levels; ++one) {
            if (is_tested(one)) {
                nearest = smaller(nearest, distance(sums, one, account.greatest_theta[one]));
            }
        }
        return nearest;
    }

    PYMARGIN_INLINE bool is_tested(int one) const noexcept {
        bool found = false;
        const int n = n_tests();
#pragma GCC unroll 4
        for (int test = 0; test < n; ++test) {
            found = found || level_of(test) == one;
        }
        return found;
    }

    PYMARGIN_INLINE int n_tests() const noexcept {
        return tests == Tests::usual ? lanes : table_.n_tests;
    }

    PYMARGIN_INLINE int level_of(int test) const noexcept {
        return tests == Tests::usual ? Mode::usual_tests[test % lanes] : table_.test_level[test];
    }

    static PYMARGIN_INLINE Scenarios distance(const Sums& sums, int one, double theta) noexcept {
        const Ratio<Scenarios> ratio = Mode::level(sums, one);
        return ratio.numerator - Scenarios(theta) * ratio.denominator;
    }

    /// Decides scenario by scenario.
    PYMARGIN_INLINE void settle(const GridAccount<Mode>& account, const Sums& sums,
                                const ScenarioNotes& notes) const noexcept {
        LaneBits bits[grid_vectors];
        unsigned redo = notes.ambiguous;
        const Lanes error(account.error);
        const int n = n_tests();
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            Unsettled unsettled;
#pragma GCC unroll 4
            for (int test = 0; test < n; ++test) {
                const Ratio<Scenarios> ratio = Mode::level(sums, level_of(test));
                const Lanes away = ratio.numerator.v[k] -
                                   Lanes(account.thresholds[test].value) * ratio.denominator.v[k];
                bits[k].set_where_negative(away, test);
                unsettled.add_unless_outside(away, error);
            }
            redo |= unsettled.mask() << lanes * k;
        }
        redo &= (1U << n_scenarios_) - 1;
        Words words = actions_.look_up(bits);
        if (__builtin_expect(notes.beyond_tiers != 0, 0)) {
            words = Writer::with_flag(words, action_beyond_tiers, notes.beyond_tiers);
        }
        if (job_.shortfall != nullptr) {
            add_shortfall(account, sums, words.having(action_liquidate) & ~redo);
        }
        Scenarios levels = levels_of(sums);
        if (__builtin_expect(redo != 0, 0)) {
            Writer::redo_each(account.account, redo, levels, words);
        }
        Writer::put(account.account, levels);
        Writer::put_actions(account.account, words);
        Writer::count(words);
    }

    /// The level of an account that is held against nothing. Where nothing is owed the sign of N
    /// tells one infinity from the other: what float64 does not settle is left to exact arithmetic.
    PYMARGIN_INLINE Scenarios level_alone(const GridAccount<Mode>& account, const Sums& sums,
                                          const ScenarioNotes& notes) const noexcept {
        const Ratio<Scenarios> ratio = Mode::level(sums, level);
        Scenarios levels = levels_of(sums);
        const Lanes error(account.error);
        const unsigned unclear = not_greater(least_of(ratio.numerator), error) | notes.ambiguous;
        if (__builtin_expect(unclear != 0, 0)) {
            unsigned redo = notes.ambiguous;
            for (int k = 0; k < grid_vectors; ++k) {
                const unsigned owing_nothing = not_greater(ratio.denominator.v[k], Lanes(0.0));
                redo |= (not_greater(ratio.numerator.v[k], error) & owing_nothing) << lanes * k;
            }
            redo &= (1U << n_scenarios_) - 1;
            if (redo != 0) {
                Words unused(0);
                Writer::redo_each(account.account, redo, levels, unused);
            }
        }
        return levels;
    }

    PYMARGIN_INLINE void add_shortfall(const GridAccount<Mode>& account, const Sums& sums,
                                       unsigned liquidated) const noexcept {
        const int n = n_tests();
#pragma GCC unroll 4
        for (int test = 0; test < n; ++test) {
            if (liquidated != 0 && test == job_.liquidation_test) {
                const double theta = account.thresholds[test].value;
                const Scenarios away = distance(sums, level_of(test), theta);
                alignas(32) double missing[grid_block];
                store_scenarios(missing, positive_part(Scenarios(0.0) - away));
                for (; liquidated != 0; liquidated &= liquidated - 1) {
                    const int k = __builtin_ctz(liquidated);
                    job_.shortfall[block_ * grid_block + k] += missing[k];
                }
            }
        }
    }

    // Copies that no output can alias: the compiler may keep their parts in registers.
    const DecisionTable table_;
    const ScheduleTable schedules_;
    const WordTable<tests == Tests::usual> actions_;
};

template <class Mode, Tests tests, int level>
__attribute__((noinline)) void run_grid_pass(const GridJob<Mode>& job) noexcept {
    GridPass<Mode, tests, level>(job).run();
}

/// A pass for each level from `level` on that is wanted; `is_done`: the first one is.
template <class Mode, int level>
PYMARGIN_INLINE void run_grid_levels(const GridJob<Mode>& job, bool is_done) noexcept {
    if constexpr (level < Mode::n_levels) {
        const bool is_wanted = job.outputs.levels[level] != nullptr ||
                               (level == 0 && job.outputs.worst_level != nullptr);
        if (is_wanted && !is_done) {
            run_grid_pass<Mode, Tests::none, level>(job);
        }
        run_grid_levels<Mode, level + 1>(job, false);
    }
}

template <class Mode>
void run_grid(const GridJob<Mode>& job) noexcept {
    const bool decides = job.outputs.need_decisions();
    if (decides) {
        if (has_usual_tests<Mode>(*job.decisions)) {
            run_grid_pass<Mode, Tests::usual, 0>(job);
        } else {
            run_grid_pass<Mode, Tests::any, 0>(job);
        }
    }
    run_grid_levels<Mode, 0>(job, decides);
}

}  // namespace

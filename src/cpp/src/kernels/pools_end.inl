// What follows the sums of four pools, where an account may have several: pools are joined as they
// end.

namespace {

/// What the pools of four accounts come to together; see PoolVerdict.
template <class Mode>
struct JoinedPools {
    // Not defaulted: what the compiler writes by itself is outside the region.
    PYMARGIN_INLINE JoinedPools() noexcept {
    }

    static constexpr int n_amounts = Mode::n_levels - 1 + Mode::n_totals;

    Lanes level{__builtin_inf()};
    /// The distance that decides each test: the least of a line, the greatest of another.
    Lanes decisive[DecisionTable::max_tests];
    Unsettled unsettled;
    Lanes isolated_nearest{__builtin_inf()};  ///< of the one line that there usually is
    unsigned isolated_due = 0;
    Lanes amounts[n_amounts];
};

/// Joins pools as they end. `is_usual`: the tests are one line on the level, and one test on the
/// second, which no isolated pool is held against.
template <bool is_usual, bool only_first, class Mode>
class PoolsEnd {
    using Sums = typename Mode::template Sums<Lanes>;
    using Joined = JoinedPools<Mode>;

  public:
    PYMARGIN_INLINE explicit PoolsEnd(const PoolSliceJob<Mode>& job) noexcept
        : outputs_(job.outputs),
          join_(job.join),
          rows_(job.rows),
          rare_(job.rare),
          table_(*job.decisions),
          n_tests_(is_usual ? 2 : job.decisions->n_tests),
          error_(ErrorBound(table_.greatest_theta, job.market->steepest), job.n_terms) {
        for (int test = 0; test < n_tests_; ++test) {
            thetas_[test] = Lanes(table_.thresholds[test].value);
        }
        is_isolated_due_ = is_usual && join_.isolated_due[1] != 0 ? 15U : 0U;
    }

    /// Nothing fires and nothing is granted.
    PYMARGIN_INLINE void begin(Joined& joined) const noexcept {
        const int n = n_tests();
#pragma GCC unroll 2
        for (int test = 0; test < n; ++test) {
            joined.decisive[test] = Lanes(is_line(test) ? __builtin_inf() : -__builtin_inf());
        }
    }

    /// Takes four pools that all end: cross ones, or those of isolated positions.
    template <bool are_isolated>
    PYMARGIN_INLINE void take_all(Joined& joined, const Sums& sums,
                                  const std::uint32_t* rows) const noexcept {
        Lanes away[DecisionTable::max_tests];
        joined.unsettled.add_unless_outside(distances(sums, away),
                                            error_.at(Mode::magnitude(sums)));
        if constexpr (are_isolated) {
            take_isolated(joined, away, Lanes(__builtin_inf()), 15U);
        } else {
            take_cross(joined, away);
            joined.level = smaller(level_of(sums, 0), joined.level);
            if constexpr (!only_first) {
                add_amounts(joined, sums, [&](const Lanes& amount) { return amount * unit(rows); });
            }
        }
    }

    /// The same of pools some of which end.
    PYMARGIN_INLINE void take(Joined& joined, const Sums& sums, const std::uint32_t* rows,
                              unsigned ends, unsigned isolated) const noexcept {
        const Lanes infinity(__builtin_inf());
        const LaneMask ending = LaneMask::of_bits(ends);
        const LaneMask cross = LaneMask::of_bits(ends & ~isolated);
        Lanes away[DecisionTable::max_tests];
        const Lanes nearest = distances(sums, away);
        joined.unsettled.add_unless_outside(choose(ending, nearest, infinity),
                                            error_.at(Mode::magnitude(sums)));
        if (isolated != 0) {
            take_isolated(joined, away, infinity, isolated);
        }
        const int n = n_tests();
#pragma GCC unroll 2
        for (int test = 0; test < n; ++test) {
            const double none = is_line(test) ? __builtin_inf() : -__builtin_inf();
            away[test] = choose(cross, away[test], Lanes(none));
        }
        take_cross(joined, away);
        joined.level = smaller(choose(cross, level_of(sums, 0), infinity), joined.level);
        if constexpr (!only_first) {
            add_amounts(joined, sums, [&](const Lanes& amount) {
                return choose(cross, amount * unit(rows), Lanes(0.0));
            });
        }
    }

    PYMARGIN_INLINE void finish(const Destination& to, const Joined& joined,
                                unsigned redo) const noexcept {
        redo |= joined.unsettled.mask();
        if (outputs_.levels[0] != nullptr) {
            to.write(outputs_.levels[0], joined.level);
        }
        if (join_.ratio != nullptr) {
            const Lanes infinity(__builtin_inf());
            to.write(join_.ratio,
                     where_greater(joined.level, Lanes(0.0), one_over(joined.level), infinity));
        }
        if constexpr (!only_first) {
            for (int level = 1; level < Mode::n_levels; ++level) {
                if (outputs_.levels[level] != nullptr) {
                    to.write(outputs_.levels[level], joined.amounts[level - 1]);
                }
            }
            for (int total = 0; total < Mode::n_totals; ++total) {
                if (outputs_.totals[total] != nullptr) {
                    to.write(outputs_.totals[total], joined.amounts[Mode::n_levels - 1 + total]);
                }
            }
        }
        if (outputs_.actions != nullptr) {
            to.write(outputs_.actions, actions_of(joined));
        }
        for (; __builtin_expect(redo != 0, 0); redo &= redo - 1) {
            rare_->redo(to.slot + __builtin_ctz(redo));
        }
    }

  private:
    PYMARGIN_INLINE int n_tests() const noexcept {
        return is_usual ? 2 : n_tests_;
    }
    PYMARGIN_INLINE bool is_line(int test) const noexcept {
        return is_usual ? test == 0 : (join_.lines >> test & 1U) != 0;
    }

    static PYMARGIN_INLINE Lanes level_of(const Sums& sums, int level) noexcept {
        return Mode::shown(level, level_lanes(Mode::level(sums, level)));
    }

    /// N - theta * D of each test; returns the least in size. Isolated pools are held against all
    /// tests, too: what is settled is then the same as where they are evaluated one by one.
    PYMARGIN_INLINE Lanes distances(const Sums& sums, Lanes* away) const noexcept {
        Lanes nearest;
        const int n = n_tests();
#pragma GCC unroll 2
        for (int test = 0; test < n; ++test) {
            const int which = is_usual ? Mode::usual_tests[test % lanes] : table_.test_level[test];
            const Ratio<Lanes> level = Mode::level(sums, which);
            away[test] = level.numerator - thetas_[test] * level.denominator;
            nearest = test == 0 ? size_of(away[test]) : smaller(size_of(away[test]), nearest);
        }
        return nearest;
    }

    PYMARGIN_INLINE void take_cross(Joined& joined, const Lanes* away) const noexcept {
        const int n = n_tests();
#pragma GCC unroll 2
        for (int test = 0; test < n; ++test) {
            Lanes& decisive = joined.decisive[test];
            decisive =
                is_line(test) ? smaller(away[test], decisive) : greater(away[test], decisive);
        }
    }

    PYMARGIN_INLINE void take_isolated(Joined& joined, const Lanes* away, const Lanes& infinity,
                                       unsigned isolated) const noexcept {
        if constexpr (is_usual) {
            const LaneMask which = LaneMask::of_bits(isolated);
            joined.isolated_nearest =
                smaller(choose(which, away[0], infinity), joined.isolated_nearest);
        } else {
            std::uint64_t bits[lanes];
            bits_of(away).take(bits);
            for (; isolated != 0; isolated &= isolated - 1) {
                const int lane = __builtin_ctz(isolated);
                joined.isolated_due |= unsigned{join_.isolated_due[bits[lane]]} << lane;
            }
        }
    }

    PYMARGIN_INLINE LaneBits bits_of(const Lanes* distances) const noexcept {
        LaneBits bits;
        const int n = n_tests();
#pragma GCC unroll 2
        for (int test = 0; test < n; ++test) {
            bits.set_where_negative(distances[test], test);
        }
        return bits;
    }

    PYMARGIN_INLINE std::uint64_t actions_of(const Joined& joined) const noexcept {
        std::uint64_t bits[lanes];
        bits_of(joined.decisive).take(bits);
        unsigned isolated = joined.isolated_due;
        if constexpr (is_usual) {
            isolated = negative_lanes(joined.isolated_nearest) & is_isolated_due_;
        }
        std::uint64_t found = 0;
#pragma GCC unroll 4
        for (int lane = 0; lane < lanes; ++lane) {
            const unsigned flag = isolated >> lane & 1U ? unsigned{action_isolated_liquidate} : 0U;
            found |= std::uint64_t{table_.actions[bits[lane]] | flag} << (16 * lane);
        }
        return found;
    }

    /// USDT of a unit of what each pool is counted in, by its last leg.
    PYMARGIN_INLINE Lanes unit(const std::uint32_t* rows) const noexcept {
        const double* const units = rows_ + steps_at;
        return gather(units + rows[0], units + rows[1], units + rows[2], units + rows[3]);
    }

    template <class InUsdt>
    static PYMARGIN_INLINE void add_amounts(Joined& joined, const Sums& sums,
                                            const InUsdt& in_usdt) noexcept {
#pragma GCC unroll 8
        for (int level = 1; level < Mode::n_levels; ++level) {
            joined.amounts[level - 1] += in_usdt(level_of(sums, level));
        }
#pragma GCC unroll 8
        for (int total = 0; total < Mode::n_totals; ++total) {
            joined.amounts[Mode::n_levels - 1 + total] += in_usdt(Mode::total(sums, total));
        }
    }

    const Outputs<Mode> outputs_;
    const PoolJoin join_;
    const double* const rows_;
    const Rare* const rare_;
    const DecisionTable table_;
    const int n_tests_;
    const ErrorLanes error_;
    unsigned is_isolated_due_;
    Lanes thetas_[DecisionTable::max_tests];
};

}  // namespace

// The pass over accounts of pools, four at a time, written once over `Lanes` as kernels.inl is.

namespace {

/// Values of the lanes of `which`, searched one by one, in place of those of `found`. Out of line,
/// so that the sums stay in registers.
__attribute__((noinline)) Lanes beyond_held_steps(const Market<1>& market,
                                                  const std::uint32_t* rows, Lanes v, Lanes extent,
                                                  Lanes found, unsigned which,
                                                  unsigned* redo) noexcept {
    alignas(32) double values[lanes];
    alignas(32) double extents[lanes];
    alignas(32) double to[lanes];
    store(values, v);
    store(extents, extent);
    store(to, found);
    for (; which != 0; which &= which - 1) {
        const int lane = __builtin_ctz(which);
        Notes notes;
        to[lane] = value_beyond_first_step(
            *market.schedules, market.rows[rows[lane] / PoolSlots::row_size].tables[0].schedule,
            values[lane], extents[lane], notes);
        if (notes.ambiguous || notes.beyond_tiers) {
            *redo |= 1U << lane;
        }
    }
    return load(to);
}

/// Values of positions, those of the lanes of `assets` as in `found`, where one is outside its
/// first step though none was to be expected there.
__attribute__((noinline)) Lanes beyond_first_step(const Market<1>& market, const double* all_rows,
                                                  const std::uint32_t* at, Lanes v, Lanes extent,
                                                  Lanes found, unsigned outside, unsigned assets,
                                                  unsigned* redo) noexcept {
    const double* const rows[] = {all_rows + at[0], all_rows + at[1], all_rows + at[2],
                                  all_rows + at[3]};
    bool is_beyond = false;
    found = choose(LaneMask::of_bits(assets), found, step_values(rows, v, &is_beyond));
    const unsigned which = (outside & assets) | (is_beyond ? 15U & ~assets : 0U);
    return which == 0 ? found : beyond_held_steps(market, at, v, extent, found, which, redo);
}

/// Four instruments, one a lane, as the formula of a kind of legs sees them. `searches`: the step
/// of every position is searched at once, as one probably is beyond its first.
template <LegKind kind, bool searches>
class LaneInstrument {
  public:
    PYMARGIN_INLINE LaneInstrument(const double* rows, const Market<1>& market,
                                   const std::uint32_t* at, std::uint32_t leg_row,
                                   unsigned* redo) noexcept
        : market_(market),
          all_rows_(rows),
          at_(at),
          rows_{rows + at[0], rows + at[1], rows + at[2], rows + at[3]},
          positions_(leg_row & 15U),
          assets_(leg_row >> 4 & 15U),
          redo_(redo) {
        transpose(rows_[0], rows_[1], rows_[2], rows_[3], columns_);
    }

    PYMARGIN_INLINE LaneMask is_asset() const noexcept {
        return LaneMask::of_bits(assets_);
    }
    PYMARGIN_INLINE const Lanes& price() const noexcept {
        return columns_[0];
    }
    /// Of a position without meaning.
    PYMARGIN_INLINE const Lanes& weight() const noexcept {
        return columns_[3];
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v, const Lanes& extent) const noexcept {
        Lanes found = columns_[2] * v;
        unsigned outside = 0;
        if constexpr (!(searches && kind == LegKind::position)) {
            // A position's notional is its own extent, which its first cap allows for.
            const Lanes& at_most = kind == LegKind::position ? v : v + Lanes(cap_slack) * extent;
            outside = not_at_most(at_most, columns_[1]);
        }
        if constexpr (searches) {
            bool is_beyond = false;
            const Lanes searched = step_values(rows_, v, &is_beyond);
            found = kind == LegKind::position ? searched : choose(is_asset(), found, searched);
            outside = (outside & assets_) | (is_beyond ? positions_ : 0U);
        }
        if (__builtin_expect(outside != 0, 0)) {
            return searches || kind == LegKind::asset
                       ? beyond_held_steps(market_, at_, v, extent, found, outside, redo_)
                       : beyond_first_step(market_, all_rows_, at_, v, extent, found, outside,
                                           assets_, redo_);
        }
        return found;
    }

  private:
    const Market<1>& market_;
    const double* const all_rows_;
    const std::uint32_t* const at_;
    const double* const rows_[lanes];
    const unsigned positions_;
    const unsigned assets_;
    unsigned* const redo_;
    Lanes columns_[lanes];
};

/// Four assets that are worth their amounts.
struct AssetInFull {
    static PYMARGIN_INLINE LaneMask is_asset() noexcept {
        return LaneMask::of_bits(15);
    }
    static PYMARGIN_INLINE Lanes price() noexcept {
        return Lanes(1.0);
    }
    static PYMARGIN_INLINE Lanes weight() noexcept {
        return Lanes(1.0);
    }
    template <int table>
    static PYMARGIN_INLINE Lanes value(const Lanes& v, const Lanes& /*extent*/) noexcept {
        return v;
    }
};

/// The sums of four accounts' pools, leg by leg.
template <bool is_usual, bool only_first, class Mode>
class PoolSlicePass {
    using Sums = typename Mode::template Sums<Lanes>;
    using Joined = JoinedPools<Mode>;
    using End = std::conditional_t<Mode::is_one_pool, SliceEnd<is_usual, Mode>,
                                   PoolsEnd<is_usual, only_first, Mode>>;

  public:
    PYMARGIN_INLINE explicit PoolSlicePass(const PoolSliceJob<Mode>& job) noexcept
        : job_(job), market_(*job.market), end_(job) {
    }

    PYMARGIN_INLINE void run() const noexcept {
        for (std::int64_t slice = job_.first_slice; slice < job_.last_slice; ++slice) {
            run_slice(slice);
        }
    }

  private:
    PYMARGIN_INLINE void run_slice(std::int64_t slice) const noexcept {
        const std::int64_t slot = slice * lanes;
        const Destination to{false, slot, slot & -pool_window, job_.slots.place + slot,
                             pool_window};
        std::int64_t terms = job_.slots.terms_begin[slice] * lanes;
        unsigned redo = 0;
        Sums sums{};
        Joined joined;
        if constexpr (!Mode::is_one_pool) {
            end_.begin(joined);
        }
        const std::int64_t last = job_.slots.slice_begin[slice + 1];
        for (std::int64_t at = job_.slots.slice_begin[slice]; at < last; ++at) {
            add_row(at, terms, sums, joined, &redo);
        }
        if constexpr (Mode::is_one_pool) {
            if constexpr (Mode::counts_orders) {
                if (job_.slots.open_order_loss != nullptr) {
                    Mode::add_order_loss(sums, load_unaligned(job_.slots.open_order_loss + slot));
                }
                if (job_.slots.has_orders != nullptr) {
                    redo |= job_.slots.has_orders[slice];
                }
            }
            end_.template finish<only_first>(to, sums, redo);
        } else {
            end_.finish(to, joined, redo);
        }
    }

    /// `terms` goes on with the rows that have any.
    PYMARGIN_INLINE void add_row(std::int64_t at, std::int64_t& terms, Sums& sums, Joined& joined,
                                 unsigned* redo) const noexcept {
        const std::uint32_t kind = job_.slots.kinds[at];
        const std::uint32_t* const rows = job_.slots.row + at * lanes;
        Leg<Lanes> leg{load_unaligned(job_.slots.x + at * lanes), Lanes(0.0), Lanes(0.0)};
        prefetch_ahead(job_.slots.x + at * lanes);
        // Where an account is one pool, its slice ends it.
        const std::uint32_t which = kind & (Mode::is_one_pool ? 0xffU : 0xffffU);
        if (which == LegRow::all_positions) {
            take_terms(terms, leg);
            if ((kind & LegRow::has_large) == 0) {
                add_as<LegKind::position, false>(sums, leg, rows, kind, redo);
            } else {
                add_as<LegKind::position, true>(sums, leg, rows, kind, redo);
            }
            return;
        }
        if ((kind & LegRow::has_terms) != 0) {
            take_terms(terms, leg);
        }
        if (which == LegRow::all_assets) {
            add_as<LegKind::asset, false>(sums, leg, rows, kind, redo);
            return;
        }
        if constexpr (!Mode::is_one_pool) {
            const bool are_isolated = which == LegRow::all_isolated_ends;
            if (are_isolated || which == LegRow::all_cross_ends) {
                if (job_.counts_in_full && (kind & LegRow::are_single) != 0) {
                    add_legs<LegKind::asset>(sums, leg, AssetInFull());
                } else {
                    add_as<LegKind::asset, false>(sums, leg, rows, kind, redo);
                }
                if (are_isolated) {
                    end_.template take_all<true>(joined, sums, rows);
                } else {
                    end_.template take_all<false>(joined, sums, rows);
                }
                sums = Sums{};
                return;
            }
        }
        if ((kind & LegRow::has_large) == 0) {
            add_as<LegKind::either, false>(sums, leg, rows, kind, redo);
        } else {
            add_as<LegKind::either, true>(sums, leg, rows, kind, redo);
        }
        if constexpr (!Mode::is_one_pool) {
            const unsigned ends = kind >> 8 & 15U;
            if (ends != 0) {
                end_.take(joined, sums, rows, ends, kind >> 12 & 15U);
                begin_again(sums, LaneMask::of_bits(ends));
            }
        }
    }

    PYMARGIN_INLINE void take_terms(std::int64_t& terms, Leg<Lanes>& leg) const noexcept {
        prefetch_ahead(job_.slots.y + terms);
        prefetch_ahead(job_.slots.z + terms);
        leg.y = load_unaligned(job_.slots.y + terms);
        leg.z = load_unaligned(job_.slots.z + terms);
        terms += lanes;
    }

    template <LegKind kind, bool searches>
    PYMARGIN_INLINE void add_as(Sums& sums, const Leg<Lanes>& leg, const std::uint32_t* rows,
                                std::uint32_t leg_row, unsigned* redo) const noexcept {
        add_legs<kind>(sums, leg,
                       LaneInstrument<kind, searches>(job_.rows, market_, rows, leg_row, redo));
    }

    // A copy that no call can reach: the compiler may keep its parts in registers.
    const PoolSliceJob<Mode> job_;
    const Market<1>& market_;
    const End end_;
};

template <bool is_usual, bool only_first, class Mode>
__attribute__((noinline)) void run_pool_slices(const PoolSliceJob<Mode>& job) noexcept {
    PoolSlicePass<is_usual, only_first, Mode>(job).run();
}

/// Whether the tests are what PoolsEnd, or SliceEnd, takes for usual.
template <class Mode>
bool are_usual(const PoolSliceJob<Mode>& job) noexcept {
    const DecisionTable& table = *job.decisions;
    bool found = has_usual_tests<Mode>(table);
    if constexpr (!Mode::is_one_pool) {
        found = found && (job.join.lines & 3U) == 1;
        for (int test = 0; found && test < 2; ++test) {
            found = table.thresholds[test].value == table.thresholds[test + 2].value;
        }
        for (unsigned bits = 0; found && bits < 16; ++bits) {
            found = table.actions[bits] == table.actions[bits & 3U] &&
                    job.join.isolated_due[bits] == job.join.isolated_due[bits & 1U];
        }
    }
    return found;
}

template <class Mode>
bool wants_first_only(const Outputs<Mode>& outputs) noexcept {
    return outputs.levels[1] == nullptr && !wants_more_than_two_levels(outputs);
}

template <class Mode>
void run_pools(const PoolSliceJob<Mode>& job) noexcept {
    const bool only_first = wants_first_only(job.outputs);
    if (are_usual(job)) {
        only_first ? run_pool_slices<true, true>(job) : run_pool_slices<true, false>(job);
    } else {
        only_first ? run_pool_slices<false, true>(job) : run_pool_slices<false, false>(job);
    }
}

}  // namespace

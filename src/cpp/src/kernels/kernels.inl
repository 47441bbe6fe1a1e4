// The pass over slices, written once over a vector type `Lanes` of four float64 that the including
// source defines for its instruction set, within its target region. Nothing here may come from the
// standard library: an inline function compiled in the region could be linked into other code.

namespace {

/// Four values of which those in `outside` are not surely within the first step; `first` holds
/// the others. Marks lanes that only exact arithmetic settles. Out of line: rare, and not short.
template <class Mode, class AssetId>
__attribute__((noinline)) Lanes beyond_first_step(const Market<Mode::n_tables>& market, int table,
                                                  const AssetId* assets, Lanes v, Lanes extent,
                                                  Lanes first, unsigned outside,
                                                  unsigned* redo) noexcept {
    alignas(32) double value[lanes];
    alignas(32) double given[lanes];
    alignas(32) double around[lanes];
    store(value, first);
    store(given, v);
    store(around, extent);
    for (; outside != 0; outside &= outside - 1) {
        const int lane = __builtin_ctz(outside);
        const int schedule = market.rows[assets[lane]].tables[table].schedule;
        Notes notes;
        value[lane] =
            value_beyond_first_step(*market.schedules, schedule, given[lane], around[lane], notes);
        *redo |= (notes.beyond_tiers || notes.ambiguous ? 1U : 0U) << lane;
    }
    // Not load(value): reading as one what was just written in parts would wait for the stores.
    return from_parts(value[0], value[1], value[2], value[3]);
}

/// Four assets, one a lane, as a formula sees them.
template <class Mode, class AssetId>
class LaneAsset {
  public:
    PYMARGIN_INLINE LaneAsset(const LaneRow<Mode::n_tables>* rows,
                              const Market<Mode::n_tables>& market, const AssetId* assets,
                              unsigned* redo) noexcept
        : market_(market), assets_(assets), redo_(redo) {
        for (int k = 0; k < LaneRow<Mode::n_tables>::n_vectors; ++k) {
            transpose(rows[assets[0]].values + lanes * k, rows[assets[1]].values + lanes * k,
                      rows[assets[2]].values + lanes * k, rows[assets[3]].values + lanes * k,
                      columns_ + lanes * k);
        }
    }

    PYMARGIN_INLINE const Lanes& price() const noexcept {
        return columns_[0];
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v) const noexcept {
        return value_unless_outside<table>(v, v, v);
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v, const Lanes& extent) const noexcept {
        return value_unless_outside<table>(v, extent, v + Lanes(cap_slack) * extent);
    }

  private:
    template <int table>
    PYMARGIN_INLINE Lanes value_unless_outside(const Lanes& v, const Lanes& extent,
                                               const Lanes& at_most) const noexcept {
        const Lanes& first_cap = columns_[1 + 2 * table];
        const Lanes& first_rate = columns_[2 + 2 * table];
        Lanes values = first_rate * v;
        const unsigned outside = not_at_most(at_most, first_cap);
        if (__builtin_expect(outside != 0, 0)) {
            values =
                beyond_first_step<Mode>(market_, table, assets_, v, extent, values, outside, redo_);
        }
        return values;
    }

    Lanes columns_[LaneRow<Mode::n_tables>::n_vectors * lanes];
    const Market<Mode::n_tables>& market_;
    const AssetId* assets_;
    unsigned* redo_;
};

/// The thresholds that four accounts are held against, a vector a test.
template <class Mode, class AssetId>
PYMARGIN_INLINE void load_thetas(const SliceJob<Mode, AssetId>& job, std::int64_t slot,
                                 Lanes* thetas) noexcept {
    const std::size_t stride = static_cast<std::size_t>(job.threshold_stride);
    const std::uint32_t* const classes = job.class_of + slot;
    const double* const row0 = job.thresholds + classes[0] * stride;
    const double* const row1 = job.thresholds + classes[1] * stride;
    const double* const row2 = job.thresholds + classes[2] * stride;
    const double* const row3 = job.thresholds + classes[3] * stride;
    for (int test = 0; test < job.threshold_stride; test += lanes) {
        transpose(row0 + test, row1 + test, row2 + test, row3 + test, thetas + test);
    }
}

template <class Mode, class AssetId>
PYMARGIN_INLINE void load_common_thetas(const SliceJob<Mode, AssetId>& job,
                                        Lanes* thetas) noexcept {
    for (int test = 0; test < job.threshold_stride; ++test) {
        thetas[test] = Lanes(job.thresholds[test]);
    }
}

/// Adds test bits to `bits`; returns the lanes that float64 does not settle. `is_usual`: the tests
/// are the mode's usual four, known to the compiler.
template <bool is_usual, class Mode>
PYMARGIN_INLINE unsigned decide_lanes(const DecisionTable& table, const Lanes* thetas,
                                      const typename Mode::template Sums<Lanes>& sums,
                                      const Lanes& error, LaneBits& bits) noexcept {
    Unsettled unsettled;
    const int n_tests = is_usual ? lanes : table.n_tests;
#pragma GCC unroll 4
    for (int test = 0; test < n_tests; ++test) {
        const int which = is_usual ? Mode::usual_tests[test % lanes] : table.test_level[test];
        const Ratio<Lanes> level = Mode::level(sums, which);
        const Lanes distance = level.numerator - thetas[test] * level.denominator;
        bits.set_where_negative(distance, test);
        unsettled.add_unless_outside(distance, error);
    }
    return unsettled.mask();
}

/// Puts four results where their accounts stand.
PYMARGIN_INLINE void write_lanes(bool in_slot_order, double* field, std::int64_t slot,
                                 const std::uint16_t* place, const Lanes& values) noexcept {
    if (in_slot_order) {
        store_unaligned(field + slot, values);
    } else {
        double* const window = field + slot / slot_window * slot_window;
        scatter(values, window + place[0], window + place[1], window + place[2], window + place[3]);
    }
}

template <class Mode>
PYMARGIN_INLINE void write_slice(bool in_slot_order, const Outputs<Mode>& outputs,
                                 const typename Mode::template Sums<Lanes>& sums, std::int64_t slot,
                                 const std::uint16_t* place) noexcept {
#pragma GCC unroll 8
    for (int level = 0; level < Mode::n_levels; ++level) {
        if (outputs.levels[level] != nullptr) {
            const Lanes values = Mode::shown(level, level_lanes(Mode::level(sums, level)));
            write_lanes(in_slot_order, outputs.levels[level], slot, place, values);
        }
    }
#pragma GCC unroll 8
    for (int total = 0; total < Mode::n_totals; ++total) {
        if (outputs.totals[total] != nullptr) {
            write_lanes(in_slot_order, outputs.totals[total], slot, place,
                        Mode::total(sums, total));
        }
    }
}

PYMARGIN_INLINE void write_actions(bool in_slot_order, std::uint16_t* field, std::int64_t slot,
                                   const std::uint16_t* place,
                                   const std::uint16_t* actions) noexcept {
    std::uint16_t* const window = field + slot / slot_window * slot_window;
    for (int lane = 0; lane < lanes; ++lane) {
        if (in_slot_order) {
            field[slot + lane] = actions[lane];
        } else {
            window[place[lane]] = actions[lane];
        }
    }
}

template <bool is_usual, class Mode, class AssetId>
void run_slices(const SliceJob<Mode, AssetId>& given) noexcept {
    // A copy that no call can reach: the compiler may keep its parts in registers.
    const SliceJob<Mode, AssetId> job = given;
    const DecisionTable table = *given.decisions;
    const Market<Mode::n_tables> market = *given.market;
    const ErrorBound bound(table.greatest_theta, market.steepest);
    const ActionTable<is_usual> action_table(table.actions);
    Lanes thetas[DecisionTable::max_tests];
    load_common_thetas(job, thetas);
    for (std::int64_t slice = job.first_slice; slice < job.last_slice; ++slice) {
        const std::int64_t slot = slice * lanes;
        const std::int64_t begin = job.slots.slice_begin[slice];
        const std::int64_t width = job.slots.slice_begin[slice + 1] - begin;
        const std::uint16_t* const place = job.slots.place + slot;
        unsigned redo = 0;
        typename Mode::template Sums<Lanes> sums{};
        for (std::int64_t at = begin * lanes; at < (begin + width) * lanes; at += lanes) {
            const LaneAsset<Mode, AssetId> asset(job.rows, market, job.slots.asset + at, &redo);
            Mode::add(sums, load_unaligned(job.slots.owned + at),
                      load_unaligned(job.slots.owed + at), asset);
        }
        std::int64_t n_terms = width;
        if constexpr (Mode::counts_orders) {
            n_terms += 1;
            if (job.slots.open_order_loss != nullptr) {
                Mode::add_order_loss(sums, load_unaligned(job.slots.open_order_loss + slot));
            }
            if (job.slots.has_orders != nullptr) {
                redo |= job.slots.has_orders[slice];
            }
        }
        if (job.outputs.actions != nullptr) {
            if (job.class_of != nullptr) {
                load_thetas(job, slot, thetas);
            }
            const Lanes relative(ErrorBound::relative(n_terms));
            const Lanes error = error_lanes(bound, relative, Mode::magnitude(sums));
            LaneBits bits;
            redo |= decide_lanes<is_usual, Mode>(table, thetas, sums, error, bits);
            std::uint16_t actions[lanes];
            action_table.look_up(bits, actions);
            write_actions(job.in_slot_order, job.outputs.actions, slot, place, actions);
        } else {
            redo |= not_finite(Lanes(market.steepest) * Mode::magnitude(sums));
        }
        write_slice<Mode>(job.in_slot_order, job.outputs, sums, slot, place);
        for (; __builtin_expect(redo != 0, 0); redo &= redo - 1) {
            job.rare->redo(slot + __builtin_ctz(redo));
        }
    }
}

template <class Mode, class AssetId>
void run(const SliceJob<Mode, AssetId>& job) noexcept {
    has_usual_tests<Mode>(*job.decisions) ? run_slices<true>(job) : run_slices<false>(job);
}

}  // namespace

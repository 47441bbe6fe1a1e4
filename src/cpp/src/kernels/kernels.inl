// The pass over slices, written once over a vector type `Lanes` of four float64 that the including
// source defines for its instruction set, within its target region. Nothing here may come from the
// standard library: an inline function compiled in the region could be linked into other code.

namespace {

constexpr double infinity = __builtin_inf();

/// Four assets, one a lane, as a formula sees them.
template <class Mode, class AssetId>
class LaneAsset {
  public:
    PYMARGIN_INLINE LaneAsset(const LaneRow<Mode::n_tables>* rows, const AssetId* assets,
                              const Rare<Mode, AssetId>* rare, unsigned* redo) noexcept
        : assets_(assets), rare_(rare), redo_(redo) {
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
    PYMARGIN_INLINE Lanes value(const Lanes& v, const Lanes& extent) const noexcept {
        const Lanes& first_cap = columns_[1 + 2 * table];
        const Lanes& first_rate = columns_[2 + 2 * table];
        Lanes values = first_rate * v;
        const unsigned outside = not_at_most(v + Lanes(cap_slack) * extent, first_cap);
        if (__builtin_expect(outside != 0, 0)) {
            values = beyond_first_step(table, v, extent, outside, values);
        }
        return values;
    }

  private:
    Lanes beyond_first_step(int table, const Lanes& v, const Lanes& extent, unsigned outside,
                            const Lanes& values) const noexcept {
        alignas(32) double v_lanes[lanes];
        alignas(32) double extent_lanes[lanes];
        alignas(32) double value_lanes[lanes];
        store(v_lanes, v);
        store(extent_lanes, extent);
        store(value_lanes, values);
        *redo_ |=
            rare_->beyond_first_step(table, assets_, v_lanes, extent_lanes, outside, value_lanes);
        return load(value_lanes);
    }

    Lanes columns_[LaneRow<Mode::n_tables>::n_vectors * lanes];
    const AssetId* assets_;
    const Rare<Mode, AssetId>* rare_;
    unsigned* redo_;
};

/// Test bits of four accounts, and which of them float64 does not settle.
template <class Mode, class AssetId>
PYMARGIN_INLINE unsigned decide_lanes(const SliceJob<Mode, AssetId>& job,
                                      const typename Mode::template Sums<Lanes>& sums,
                                      std::int64_t slot, std::int64_t width,
                                      unsigned* bits) noexcept {
    const DecisionTable& table = *job.decisions;
    // As ErrorBound in decide.hpp.
    const Lanes relative((8.0 * static_cast<double>(width) + 256.0) * unit_roundoff);
    const Lanes magnitude = Mode::magnitude(sums) * Lanes(job.steepest);
    const Lanes absolute(1e-190 * job.steepest);
    const Lanes one(1.0);
    LaneBits found;
    unsigned unsettled = 0;
    Lanes thetas[lanes];
    for (int test = 0; test < table.n_tests; ++test) {
        if (test % lanes == 0) {
            const double* const rows = job.thresholds + test;
            if (job.class_of == nullptr) {
                transpose(rows, rows, rows, rows, thetas);
            } else {
                const std::uint32_t* const classes = job.class_of + slot;
                const int stride = job.threshold_stride;
                transpose(rows + classes[0] * static_cast<std::size_t>(stride),
                          rows + classes[1] * static_cast<std::size_t>(stride),
                          rows + classes[2] * static_cast<std::size_t>(stride),
                          rows + classes[3] * static_cast<std::size_t>(stride), thetas);
            }
        }
        const Lanes& theta = thetas[test % lanes];
        const Ratio<Lanes> level = Mode::level(sums, table.test_level[test]);
        const Lanes distance = level.numerator - theta * level.denominator;
        const Lanes error =
            relative * (magnitude * (one + theta) + theta) + absolute * (one + theta);
        found.set_where_less(distance, Lanes(0.0) - error, test);
        unsettled |= not_outside(distance, error);
    }
    found.take(bits);
    return unsettled;
}

template <class Mode, class AssetId>
PYMARGIN_INLINE void write_lanes(const SliceJob<Mode, AssetId>& job, double* field,
                                 std::int64_t slot, const Lanes& values) noexcept {
    if (job.in_slot_order) {
        store_unaligned(field + slot, values);
        return;
    }
    alignas(32) double by_lane[lanes];
    store(by_lane, values);
    double* const window = field + slot / slot_window * slot_window;
    for (int lane = 0; lane < lanes; ++lane) {
        window[job.slots.place[slot + lane]] = by_lane[lane];
    }
}

template <class Mode, class AssetId>
PYMARGIN_INLINE void write_slice(const SliceJob<Mode, AssetId>& job,
                                 const typename Mode::template Sums<Lanes>& sums, std::int64_t slot,
                                 const unsigned* bits) noexcept {
    const Outputs<Mode>& outputs = job.outputs;
    for (int level = 0; level < Mode::n_levels; ++level) {
        if (outputs.levels[level] != nullptr) {
            const Lanes values = Mode::shown(level, level_lanes(Mode::level(sums, level)));
            write_lanes(job, outputs.levels[level], slot, values);
        }
    }
    for (int total = 0; total < Mode::n_totals; ++total) {
        if (outputs.totals[total] != nullptr) {
            write_lanes(job, outputs.totals[total], slot, Mode::total(sums, total));
        }
    }
    if (outputs.actions != nullptr) {
        const std::uint16_t* const actions = job.decisions->actions;
        std::uint16_t* const window = outputs.actions + slot / slot_window * slot_window;
        for (int lane = 0; lane < lanes; ++lane) {
            std::uint16_t* const at = job.in_slot_order ? outputs.actions + slot + lane
                                                        : window + job.slots.place[slot + lane];
            *at = actions[bits[lane]];
        }
    }
}

template <class Mode, class AssetId>
PYMARGIN_INLINE void run_slices(const SliceJob<Mode, AssetId>& job) noexcept {
    for (std::int64_t slice = job.first_slice; slice < job.last_slice; ++slice) {
        const std::int64_t slot = slice * lanes;
        const std::int64_t begin = job.slots.slice_begin[slice];
        const std::int64_t width = job.slots.slice_begin[slice + 1] - begin;
        unsigned redo = 0;
        typename Mode::template Sums<Lanes> sums{};
        for (std::int64_t at = begin * lanes; at < (begin + width) * lanes; at += lanes) {
            const LaneAsset<Mode, AssetId> asset(job.rows, job.slots.asset + at, job.rare, &redo);
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
        unsigned bits[lanes] = {};
        if (job.outputs.actions != nullptr) {
            redo |= decide_lanes<Mode>(job, sums, slot, n_terms, bits);
        } else {
            redo |= not_finite(Mode::magnitude(sums));
        }
        write_slice(job, sums, slot, bits);
        for (; __builtin_expect(redo != 0, 0); redo &= redo - 1) {
            job.rare->redo(slot + __builtin_ctz(redo));
        }
    }
}

}  // namespace

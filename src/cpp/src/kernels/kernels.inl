// The pass over slices, written once over a vector type `Lanes` of four float64 that the including
// source defines for its instruction set, within its target region. Nothing here may come from the
// standard library: an inline function compiled in the region could be linked into other code.

namespace {

/// Where the values beyond an asset's first step are found.
template <int n_tables>
struct FurtherSteps {
    StepRows steps;
    const MarketRow<n_tables>* market;
};

/// Lanes of those in `outside` that only exact arithmetic settles: a superset of those that
/// value_beyond_first_step of market.hpp notes. `settled`: the first two columns of StepRows.
PYMARGIN_INLINE unsigned unsettled_beyond(const Lanes* settled, const Lanes& v, const Lanes& extent,
                                          unsigned outside) noexcept {
    // Twice the doubt, for the rounding of these sums.
    const Lanes doubt = Lanes(2 * cap_slack) * extent;
    return outside & (not_greater(v - doubt, settled[0]) | not_less(v + doubt, settled[1]));
}

/// `first` with the value of the one lane that is outside its first step.
PYMARGIN_INLINE Lanes one_beyond_first_step(const StepRows& steps, const double* row, int lane,
                                            const Lanes& v, const Lanes& extent, const Lanes& first,
                                            unsigned* redo) noexcept {
    const Lanes one = lane_of(v, lane);
    const Lanes settled[] = {Lanes(row[0]), Lanes(row[1])};
    *redo |= unsettled_beyond(settled, one, lane_of(extent, lane), 1U << lane);
    const double* const caps = row + StepRows::caps;
    const double* const step = caps + steps.n_caps + 2 * count_less(caps, steps.n_caps, one);
    return with_lane(first, lane, Lanes(step[0]) * one + Lanes(step[1]));
}

/// The values of four assets under a table where several are outside their first step: searched all
/// four at once, without a branch, as which they are and where they end up is hardly predictable.
/// `first` holds those of the others. Out of line, so that the sums stay in registers.
template <class Mode, class AssetId>
__attribute__((noinline)) Lanes several_beyond_first_step(
    const FurtherSteps<Mode::n_tables>& further, int table, const AssetId* assets, Lanes v,
    Lanes extent, unsigned outside, unsigned* redo) noexcept {
    const StepRows& steps = further.steps;
    const auto row_of = [&](int lane) {
        return steps.row(further.market[assets[lane]].tables[table].schedule);
    };
    const double* const row[] = {row_of(0), row_of(1), row_of(2), row_of(3)};
    Lanes settled[2];
    transpose_pairs(row[0], row[1], row[2], row[3], settled);
    *redo |= unsettled_beyond(settled, v, extent, outside);
    std::int64_t count[lanes];
    count_less(row[0] + StepRows::caps, row[1] + StepRows::caps, row[2] + StepRows::caps,
               row[3] + StepRows::caps, steps.n_caps, v, count);
    const std::int64_t rates = StepRows::caps + steps.n_caps;
    Lanes step[2];
    transpose_pairs(row[0] + rates + 2 * count[0], row[1] + rates + 2 * count[1],
                    row[2] + rates + 2 * count[2], row[3] + rates + 2 * count[3], step);
    return step[0] * v + step[1];
}

/// Four assets, one a lane, as a formula sees them.
template <class Mode, class AssetId>
class LaneAsset {
  public:
    PYMARGIN_INLINE LaneAsset(const LaneRow<Mode::n_tables>* rows,
                              const FurtherSteps<Mode::n_tables>& further, const AssetId* assets,
                              unsigned* redo) noexcept
        : further_(further), assets_(assets), redo_(redo) {
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
    PYMARGIN_INLINE Lanes value(Lanes v) const noexcept {
        return value_unless_outside<table>(v, v, v);
    }

    template <int table>
    PYMARGIN_INLINE Lanes value(const Lanes& v, const Lanes& extent) const noexcept {
        return value_unless_outside<table>(v, extent, v + Lanes(cap_slack) * extent);
    }

  private:
    template <int table>
    PYMARGIN_INLINE Lanes value_unless_outside(Lanes v, Lanes extent,
                                               Lanes at_most) const noexcept {
        const Lanes& first_cap = columns_[1 + 2 * table];
        const Lanes& first_rate = columns_[2 + 2 * table];
        const unsigned outside = not_at_most(at_most, first_cap);
        const Lanes first = first_rate * v;
        if (__builtin_expect(outside != 0, 0)) {
            // One lane alone is the usual case.
            if ((outside & (outside - 1)) == 0) {
                const int lane = __builtin_ctz(outside);
                const double* const row =
                    further_.steps.row(further_.market[assets_[lane]].tables[table].schedule);
                return one_beyond_first_step(further_.steps, row, lane, v, extent, first, redo_);
            }
            return several_beyond_first_step<Mode>(further_, table, assets_, v, extent, outside,
                                                   redo_);
        }
        return first;
    }

    Lanes columns_[LaneRow<Mode::n_tables>::n_vectors * lanes];
    const FurtherSteps<Mode::n_tables>& further_;
    const AssetId* assets_;
    unsigned* redo_;
};

/// What is known of a job where its pass is compiled: nothing, or that it has plain results, which
/// are actions and the first two levels and no more, by thresholds of classes that fit a vector.
enum class Results { any, plain_in_slot_order, plain_in_user_order };

/// The thresholds that four accounts are held against, a vector a test. Classes are few, mostly: up
/// to four of them fit a vector a test.
template <bool is_usual, class Mode, Results results>
class Thresholds {
  public:
    PYMARGIN_INLINE explicit Thresholds(const EndJob<Mode>& job) noexcept
        : values_(job.thresholds),
          stride_(job.threshold_stride),
          class_of_(job.class_of),
          are_few_(job.decisions->n_classes <= lanes) {
        const std::int64_t n_classes = are_few_ ? job.decisions->n_classes : 1;
        for (int test = 0; test < stride_; ++test) {
            alignas(32) double by_class[lanes] = {};
            for (std::int64_t one = 0; one < n_classes; ++one) {
                by_class[one] = values_[one * stride_ + test];
            }
            of_test_[test] = class_of_ == nullptr ? Lanes(by_class[0]) : load(by_class);
        }
    }

    PYMARGIN_INLINE void take(std::int64_t slot, Lanes* thetas) const noexcept {
        const int stride = is_usual ? lanes : stride_;
        if (class_of_ == nullptr) {
#pragma GCC unroll 4
            for (int test = 0; test < stride; ++test) {
                thetas[test] = of_test_[test];
            }
        } else if (results != Results::any || are_few_) {
            const ClassChoice choice(class_of_ + slot);
#pragma GCC unroll 4
            for (int test = 0; test < stride; ++test) {
                thetas[test] = choice.of(of_test_[test]);
            }
        } else {
            const double* row[lanes];
            for (int lane = 0; lane < lanes; ++lane) {
                row[lane] = values_ + static_cast<std::int64_t>(class_of_[slot + lane]) * stride;
            }
            for (int test = 0; test < stride; test += lanes) {
                transpose(row[0] + test, row[1] + test, row[2] + test, row[3] + test,
                          thetas + test);
            }
        }
    }

  private:
    const double* const values_;
    const int stride_;
    const std::uint32_t* const class_of_;
    const bool are_few_;
    Lanes of_test_[DecisionTable::max_tests];
};

/// Takes the distance of each test; returns the lanes that float64 does not settle. A NaN may be
/// lost in the minimum: then a sum has overflowed, and the error is infinite. `is_usual`: the tests
/// are the mode's usual four, known to the compiler.
template <bool is_usual, class Mode>
PYMARGIN_INLINE unsigned decide_lanes(const DecisionTable& table, const Lanes* thetas,
                                      const typename Mode::template Sums<Lanes>& sums,
                                      const Lanes& error, Lanes* distances) noexcept {
    Lanes nearest;
    const int n_tests = is_usual ? lanes : table.n_tests;
#pragma GCC unroll 4
    for (int test = 0; test < n_tests; ++test) {
        const int which = is_usual ? Mode::usual_tests[test % lanes] : table.test_level[test];
        const Ratio<Lanes> level = Mode::level(sums, which);
        distances[test] = level.numerator - thetas[test] * level.denominator;
        const Lanes size = size_of(distances[test]);
        nearest = test == 0 ? size : smaller(size, nearest);
    }
    return not_greater(nearest, error);
}

/// Where the results of four accounts go: side by side in slot order, or each to its place.
struct Destination {
    /// Asks for the memory of the window after this one, slice by slice: stores all over a window
    /// would each wait for theirs.
    template <class Field>
    PYMARGIN_INLINE void prefetch(const Field* field) const noexcept {
        __builtin_prefetch(reinterpret_cast<const char*>(field) +
                               static_cast<std::size_t>(slot + window) * sizeof(Field),
                           1);
    }

    bool is_slot;
    std::int64_t slot;
    std::int64_t begin;
    const std::uint16_t* place;
    std::int64_t window;  ///< accounts that are placed among each other

    PYMARGIN_INLINE void write(double* field, const Lanes& values) const noexcept {
        double* const at = field + begin;
        if (is_slot) {
            store_unaligned(at, values);
        } else {
            prefetch(field);
            scatter(values, at + place[0], at + place[1], at + place[2], at + place[3]);
        }
    }

    /// 16 bits a lane from the lowest.
    PYMARGIN_INLINE void write(std::uint16_t* field, std::uint64_t values) const noexcept {
        std::uint16_t* const at = field + begin;
        if (is_slot) {
            __builtin_memcpy(at, &values, sizeof values);
        } else {
            prefetch(field);
            for (int lane = 0; lane < lanes; ++lane) {
                at[place[lane]] = static_cast<std::uint16_t>(values >> (16 * lane));
            }
        }
    }
};

/// A level as it is published.
template <class Mode>
PYMARGIN_INLINE Lanes shown_level(const typename Mode::template Sums<Lanes>& sums,
                                  int level) noexcept {
    return Mode::shown(level, level_lanes(Mode::level(sums, level)));
}

template <class Mode>
PYMARGIN_INLINE void write_level(const Destination& to, const Outputs<Mode>& outputs,
                                 const typename Mode::template Sums<Lanes>& sums,
                                 int level) noexcept {
    if (outputs.levels[level] != nullptr) {
        to.write(outputs.levels[level], shown_level<Mode>(sums, level));
    }
}

/// Writes all fields that are wanted. `wants_more`: others than the first two levels.
template <class Mode>
PYMARGIN_INLINE void write_slice(const Destination& to, const Outputs<Mode>& outputs,
                                 const typename Mode::template Sums<Lanes>& sums,
                                 bool wants_more) noexcept {
    write_level<Mode>(to, outputs, sums, 0);
    write_level<Mode>(to, outputs, sums, 1);
    if (wants_more) {
#pragma GCC unroll 8
        for (int level = 2; level < Mode::n_levels; ++level) {
            write_level<Mode>(to, outputs, sums, level);
        }
#pragma GCC unroll 8
        for (int total = 0; total < Mode::n_totals; ++total) {
            if (outputs.totals[total] != nullptr) {
                to.write(outputs.totals[total], Mode::total(sums, total));
            }
        }
    }
}

template <class Mode>
bool wants_more_than_two_levels(const Outputs<Mode>& outputs) noexcept {
    bool wanted = false;
    for (int level = 2; level < Mode::n_levels; ++level) {
        wanted |= outputs.levels[level] != nullptr;
    }
    for (const double* total : outputs.totals) {
        wanted |= total != nullptr;
    }
    return wanted;
}

/// Asks for what the pass will read in a while: the memory's latency then costs nothing.
template <class T>
PYMARGIN_INLINE void prefetch_ahead(const T* at) noexcept {
    constexpr int n_entries = 256;
    __builtin_prefetch(at + n_entries);
}

/// Adds four entries. `owes`: whether an account may owe.
template <bool owes, class Mode, class AssetId>
PYMARGIN_INLINE void add_entries(typename Mode::template Sums<Lanes>& sums,
                                 const Slots<AssetId>& slots, std::int64_t at,
                                 const LaneAsset<Mode, AssetId>& asset) noexcept {
    const Lanes owned = load_unaligned(slots.owned + at);
    if constexpr (owes) {
        Mode::add(sums, owned, load_unaligned(slots.owed + at), asset);
    } else {
        // What debts would add is 0.
        const typename Mode::template Position<Lanes> holding(owned, Lanes(0.0), asset.price());
        Mode::add_held(sums, holding, asset);
        Mode::add_magnitude(sums, holding);
    }
}

/// The sums of one slice.
template <bool owes, class Mode, class AssetId>
PYMARGIN_INLINE typename Mode::template Sums<Lanes> sum_slice(
    const SliceJob<Mode, AssetId>& job, const FurtherSteps<Mode::n_tables>& further,
    std::int64_t begin, std::int64_t end, unsigned* redo) noexcept {
    typename Mode::template Sums<Lanes> sums{};
    for (std::int64_t at = begin * lanes; at < end * lanes; at += lanes) {
        prefetch_ahead(job.slots.asset + at);
        prefetch_ahead(job.slots.owned + at);
        if constexpr (owes) {
            prefetch_ahead(job.slots.owed + at);
        }
        const LaneAsset<Mode, AssetId> asset(job.rows, further, job.slots.asset + at, redo);
        add_entries<owes, Mode>(sums, job.slots, at, asset);
    }
    return sums;
}

/// ErrorBound::at of decide.hpp, for accounts of up to so many terms.
struct ErrorLanes {
    PYMARGIN_INLINE ErrorLanes(const ErrorBound& bound, std::int64_t n_terms) noexcept
        : relative(ErrorBound::relative(n_terms)),
          per_magnitude(bound.per_magnitude()),
          per_term(bound.per_term()),
          absolute(bound.absolute()) {
    }
    PYMARGIN_INLINE Lanes at(const Lanes& magnitude) const noexcept {
        return relative * (per_magnitude * magnitude + per_term) + absolute;
    }

    const Lanes relative;
    const Lanes per_magnitude;
    const Lanes per_term;
    const Lanes absolute;
};

/// What follows the sums of four accounts: decisions, results and what is left to the row.
template <bool is_usual, class Mode, Results results = Results::any>
class SliceEnd {
    static constexpr bool is_any = results == Results::any;

  public:
    PYMARGIN_INLINE explicit SliceEnd(const EndJob<Mode>& job) noexcept
        : outputs_(job.outputs),
          rare_(job.rare),
          table_(*job.decisions),
          steepest_(job.market->steepest),
          error_(ErrorBound(table_.greatest_theta, steepest_), job.n_terms),
          action_table_(table_.actions),
          thresholds_(job),
          wants_more_(wants_more_than_two_levels(job.outputs)) {
    }

    /// `only_first`: no field but actions and the first level is wanted.
    template <bool only_first = false>
    PYMARGIN_INLINE void finish(const Destination& to,
                                const typename Mode::template Sums<Lanes>& sums,
                                unsigned redo) const noexcept {
        if constexpr (!is_any) {
            const std::uint64_t actions = decide(to.slot, sums, &redo);
            write_plain(to, shown_level<Mode>(sums, 0), shown_level<Mode>(sums, 1), actions);
        } else {
            if (outputs_.actions != nullptr) {
                to.write(outputs_.actions, decide(to.slot, sums, &redo));
            } else {
                redo |= not_finite(Lanes(steepest_) * Mode::magnitude(sums));
            }
            if constexpr (only_first) {
                write_level<Mode>(to, outputs_, sums, 0);
            } else {
                write_slice<Mode>(to, outputs_, sums, wants_more_);
            }
        }
        redo_rows(to.slot, redo);
    }

    /// The same where nothing is owed and all levels are infinite.
    PYMARGIN_INLINE void finish_free(const Destination& to,
                                     const typename Mode::template Sums<Lanes>& sums,
                                     unsigned redo) const noexcept {
        const std::uint64_t actions = std::uint64_t{table_.actions[0]} * 0x0001'0001'0001'0001U;
        const Lanes infinity(__builtin_inf());
        if constexpr (!is_any) {
            write_plain(to, infinity, infinity, actions);
        } else {
            if (outputs_.actions != nullptr) {
                to.write(outputs_.actions, actions);
            }
            write_free(to, sums, infinity);
        }
        redo_rows(to.slot, redo);
    }

  private:
    /// The actions of four accounts; adds to `redo` those that float64 does not settle.
    PYMARGIN_INLINE std::uint64_t decide(std::int64_t slot,
                                         const typename Mode::template Sums<Lanes>& sums,
                                         unsigned* redo) const noexcept {
        Lanes thetas[DecisionTable::max_tests];
        thresholds_.take(slot, thetas);
        const Lanes error = error_.at(Mode::magnitude(sums));
        Lanes distances[DecisionTable::max_tests];
        const unsigned unsettled =
            decide_lanes<is_usual, Mode>(table_, thetas, sums, error, distances);
#if defined(PYMARGIN_DECIDE_BY_FLOAT64)
        // Only to price exactness (benchmarks/decisions.py): no build of the library has it.
        static_cast<void>(unsettled);
        static_cast<void>(redo);
#else
        *redo |= unsettled;
#endif
        return action_table_.of_negative(distances, table_.n_tests);
    }

    PYMARGIN_INLINE void redo_rows(std::int64_t slot, unsigned redo) const noexcept {
        for (; __builtin_expect(redo != 0, 0); redo &= redo - 1) {
            rare_->redo(slot + __builtin_ctz(redo));
        }
    }

    /// The actions last: an array of what they are may also hold the places, for all that the
    /// compiler knows.
    PYMARGIN_INLINE void write_plain(const Destination& to, const Lanes& first, const Lanes& second,
                                     std::uint64_t actions) const noexcept {
        to.write(outputs_.levels[0], first);
        to.write(outputs_.levels[1], second);
        to.write(outputs_.actions, actions);
    }

    PYMARGIN_INLINE void write_free(const Destination& to,
                                    const typename Mode::template Sums<Lanes>& sums,
                                    const Lanes& infinity) const noexcept {
#pragma GCC unroll 8
        for (int level = 0; level < Mode::n_levels; ++level) {
            if (outputs_.levels[level] != nullptr) {
                to.write(outputs_.levels[level], infinity);
            }
        }
        if (wants_more_) {
#pragma GCC unroll 8
            for (int total = 0; total < Mode::n_totals; ++total) {
                if (outputs_.totals[total] != nullptr) {
                    to.write(outputs_.totals[total], Mode::total(sums, total));
                }
            }
        }
    }

    const Outputs<Mode> outputs_;
    const Rare* const rare_;
    const DecisionTable table_;
    const double steepest_;
    const ErrorLanes error_;
    const ActionTable<is_usual> action_table_;
    const Thresholds<is_usual, Mode, results> thresholds_;
    const bool wants_more_;
};

template <bool is_usual, Results results, class Mode, class AssetId>
void run_slices(const SliceJob<Mode, AssetId>& given) noexcept {
    // A copy that no call can reach: the compiler may keep its parts in registers.
    const SliceJob<Mode, AssetId> job = given;
    const FurtherSteps<Mode::n_tables> further{given.steps, given.market->rows};
    const SliceEnd<is_usual, Mode, results> end(given);
    const bool in_slot_order =
        results == Results::any ? job.in_slot_order : results == Results::plain_in_slot_order;
    for (std::int64_t slice = job.first_slice; slice < job.last_slice; ++slice) {
        const std::int64_t slot = slice * lanes;
        const std::int64_t begin = job.slots.slice_begin[slice];
        const std::int64_t width = job.slots.slice_begin[slice + 1] - begin;
        const Destination to{in_slot_order, slot, in_slot_order ? slot : slot & -slot_window,
                             job.slots.place + slot, slot_window};
        unsigned redo = 0;
        typename Mode::template Sums<Lanes> sums{};
        if (job.slots.owes[slice] != 0) {
            sums = sum_slice<true, Mode>(job, further, begin, begin + width, &redo);
        } else {
            sums = sum_slice<false, Mode>(job, further, begin, begin + width, &redo);
            if constexpr (Mode::is_free_without_debt) {
                end.finish_free(to, sums, redo);
                continue;
            }
        }
        if constexpr (Mode::counts_orders) {
            if (job.slots.open_order_loss != nullptr) {
                Mode::add_order_loss(sums, load_unaligned(job.slots.open_order_loss + slot));
            }
            if (job.slots.has_orders != nullptr) {
                redo |= job.slots.has_orders[slice];
            }
        }
        end.finish(to, sums, redo);
    }
}

/// Whether a job has plain results.
template <class Mode>
bool has_plain_results(const EndJob<Mode>& job) noexcept {
    const Outputs<Mode>& outputs = job.outputs;
    return outputs.actions != nullptr && outputs.levels[0] != nullptr &&
           outputs.levels[1] != nullptr && !wants_more_than_two_levels(outputs) &&
           job.decisions->n_classes <= lanes;
}

template <class Mode, class AssetId>
void run_slices(const SliceJob<Mode, AssetId>& job) noexcept {
    if (!has_usual_tests<Mode>(*job.decisions)) {
        return run_slices<false, Results::any>(job);
    }
    if (!has_plain_results(job)) {
        return run_slices<true, Results::any>(job);
    }
    job.in_slot_order ? run_slices<true, Results::plain_in_slot_order>(job)
                      : run_slices<true, Results::plain_in_user_order>(job);
}

}  // namespace

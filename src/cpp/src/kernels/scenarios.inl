// Numbers under a block of scenarios, a scenario a lane; included once per target as kernels.inl
// is.

namespace {

/// A number under each scenario of a block: what the formulas compute with in a grid.
struct Scenarios {
    // Not defaulted: what the compiler writes by itself is outside the region.
    PYMARGIN_INLINE Scenarios() noexcept {
    }
    PYMARGIN_INLINE explicit Scenarios(double value) noexcept {
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            v[k] = Lanes(value);
        }
    }

    PYMARGIN_INLINE Scenarios& operator+=(const Scenarios& other) noexcept {
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            v[k] += other.v[k];
        }
        return *this;
    }
    friend PYMARGIN_INLINE Scenarios operator+(const Scenarios& left,
                                               const Scenarios& right) noexcept {
        Scenarios sum = left;
        sum += right;
        return sum;
    }
    friend PYMARGIN_INLINE Scenarios operator-(const Scenarios& left,
                                               const Scenarios& right) noexcept {
        Scenarios difference;
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            difference.v[k] = left.v[k] - right.v[k];
        }
        return difference;
    }
    friend PYMARGIN_INLINE Scenarios operator*(const Scenarios& left,
                                               const Scenarios& right) noexcept {
        Scenarios product;
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            product.v[k] = left.v[k] * right.v[k];
        }
        return product;
    }
    friend PYMARGIN_INLINE Scenarios smaller(const Scenarios& left,
                                             const Scenarios& right) noexcept {
        Scenarios result;
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            result.v[k] = smaller(left.v[k], right.v[k]);
        }
        return result;
    }
    friend PYMARGIN_INLINE Scenarios positive_part(const Scenarios& value) noexcept {
        Scenarios result;
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            result.v[k] = positive_part(value.v[k]);
        }
        return result;
    }
    friend PYMARGIN_INLINE Scenarios size_of(const Scenarios& value) noexcept {
        Scenarios result;
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            result.v[k] = size_of(value.v[k]);
        }
        return result;
    }
    /// What holds of a leg holds under every scenario.
    friend PYMARGIN_INLINE const Scenarios& choose(bool which, const Scenarios& yes,
                                                   const Scenarios& no) noexcept {
        return which ? yes : no;
    }

    Lanes v[grid_vectors];
};

PYMARGIN_INLINE Scenarios load_scenarios(const double* at) noexcept {
    Scenarios result;
#pragma GCC unroll 4
    for (int k = 0; k < grid_vectors; ++k) {
        result.v[k] = load_unaligned(at + lanes * k);
    }
    return result;
}

PYMARGIN_INLINE void store_scenarios(double* at, const Scenarios& value) noexcept {
#pragma GCC unroll 4
    for (int k = 0; k < grid_vectors; ++k) {
        store_unaligned(at + lanes * k, value.v[k]);
    }
}

/// The least of each four: lane i of scenarios i, i + lanes, ...
PYMARGIN_INLINE Lanes least_of(const Scenarios& value) noexcept {
    return smaller(smaller(value.v[0], value.v[1]), smaller(value.v[2], value.v[3]));
}

PYMARGIN_INLINE Lanes greatest_of(const Scenarios& value) noexcept {
    return greater(greater(value.v[0], value.v[1]), greater(value.v[2], value.v[3]));
}

PYMARGIN_INLINE Scenarios level_scenarios(const Ratio<Scenarios>& level) noexcept {
    Scenarios result;
#pragma GCC unroll 4
    for (int k = 0; k < grid_vectors; ++k) {
        result.v[k] = level_lanes(Ratio<Lanes>{level.numerator.v[k], level.denominator.v[k]});
    }
    return result;
}

/// What stepping through a schedule notices, a bit a scenario; see Notes.
struct ScenarioNotes {
    unsigned beyond_tiers = 0;
    unsigned ambiguous = 0;
};

/// value_beyond_first_step of market.hpp. Out of line, so that the sums of the caller stay in
/// registers.
__attribute__((noinline)) Scenarios stepped(const ScheduleTable& schedules, int schedule,
                                            const Scenarios& v, const Scenarios& extent,
                                            ScenarioNotes* notes) noexcept {
    const double least = least_lane(least_of(v));
    const double greatest = greatest_lane(greatest_of(v));
    const double doubt = cap_slack * greatest_lane(greatest_of(extent));
    const double last_cap = schedules.last_cap(schedule);
    const Step* step = schedules.steps(schedule);
    if (greatest + doubt >= last_cap) {
        for (int k = 0; k < grid_vectors; ++k) {
            const Lanes slack = Lanes(cap_slack) * extent.v[k];
            const unsigned beyond = ~not_greater(v.v[k], Lanes(last_cap) + slack) & 15U;
            const unsigned near = not_less(v.v[k] + slack, Lanes(last_cap)) & ~beyond;
            notes->beyond_tiers |= beyond << lanes * k;
            notes->ambiguous |= near << lanes * k;
        }
    }
    for (const Step* free = step; free->rate == 0 && greatest + doubt >= free->cap; ++free) {
        for (int k = 0; k < grid_vectors; ++k) {
            const Lanes slack = Lanes(cap_slack) * extent.v[k];
            const unsigned near = not_less(v.v[k] + slack, Lanes(free->cap)) &
                                  not_greater(v.v[k], Lanes(free->cap) + slack);
            notes->ambiguous |= near << lanes * k;
        }
    }
    while (least > step->cap) {
        ++step;
    }
    Scenarios rate(step->rate);
    Scenarios offset(step->offset);
    for (; greatest > step->cap; ++step) {
#pragma GCC unroll 4
        for (int k = 0; k < grid_vectors; ++k) {
            const Lanes cap(step->cap);
            rate.v[k] = where_greater(v.v[k], cap, Lanes(step[1].rate), rate.v[k]);
            offset.v[k] = where_greater(v.v[k], cap, Lanes(step[1].offset), offset.v[k]);
        }
    }
    return rate * v + offset;
}

/// One asset under scenarios none of which leaves the first step of any table.
template <int n_tables>
class FirstStepAsset {
  public:
    PYMARGIN_INLINE explicit FirstStepAsset(const MarketRow<n_tables>& row) noexcept : row_(row) {
    }

    template <int table>
    PYMARGIN_INLINE Scenarios value(const Scenarios& v) const noexcept {
        return Scenarios(row_.tables[table].first_rate) * v;
    }

    template <int table>
    PYMARGIN_INLINE Scenarios value(const Scenarios& v,
                                    const Scenarios& /*extent*/) const noexcept {
        return value<table>(v);
    }

  private:
    const MarketRow<n_tables>& row_;
};

/// One asset under any scenarios.
template <int n_tables>
class AnyStepAsset {
  public:
    PYMARGIN_INLINE AnyStepAsset(const ScheduleTable& schedules, const MarketRow<n_tables>& row,
                                 ScenarioNotes* notes) noexcept
        : schedules_(schedules), row_(row), notes_(notes) {
    }

    template <int table>
    PYMARGIN_INLINE Scenarios value(const Scenarios& v) const noexcept {
        return value<table>(v, v);
    }

    template <int table>
    PYMARGIN_INLINE Scenarios value(const Scenarios& v, const Scenarios& extent) const noexcept {
        const TableEntry& entry = row_.tables[table];
        return entry.schedule < 0 ? Scenarios()
                                  : stepped(schedules_, entry.schedule, v, extent, notes_);
    }

  private:
    const ScheduleTable& schedules_;
    const MarketRow<n_tables>& row_;
    ScenarioNotes* notes_;
};

}  // namespace

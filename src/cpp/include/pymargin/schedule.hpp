#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "pymargin/types.hpp"

namespace pymargin {

/// One step of a schedule: value(v) = rate * v + offset for previous cap < v <= cap.
struct Step {
    double cap;  ///< USDT; infinity in the last step
    double rate;
    double offset;  ///< USDT; the exact offset, rounded once
};

/// The same step as the rules state it. The cap of the last step is not used.
struct DecimalStep {
    Decimal cap;
    Decimal rate;
};

/// The same in pairs of float64, see fine_line.hpp.
struct FineStep;

/// What an evaluation notices on its way, beside its sums.
struct Notes {
    bool beyond_tiers = false;  ///< a value stands above a closed last cap
    bool ambiguous = false;     ///< float64 cannot tell whether one does
};

/// Relative slack around a cap inside which float64 is not trusted to pick the side; far above the
/// rounding of a value (a few units of 2^-53), far below any distance between two caps.
constexpr double cap_slack = 0x1p-45;

/// A view of all distinct schedules of a set of rules: progressive, piecewise-linear functions of a
/// USDT value through the origin. Collateral tiers fall in rate, liability and position brackets
/// rise, a flat ratio is one step. Schedule s owns steps begin[s] to begin[s + 1], in rising order
/// of cap; one whose excess counts nothing ends in a step of rate 0. Read by every evaluation.
class ScheduleTable {
  public:
    ScheduleTable() noexcept = default;
    ScheduleTable(int size, const std::int32_t* begin, const Step* steps,
                  const DecimalStep* decimals, const double* last_caps,
                  const Decimal* last_cap_decimals, const FineStep* fine) noexcept
        : size_(size),
          begin_(begin),
          steps_(steps),
          decimals_(decimals),
          last_caps_(last_caps),
          last_cap_decimals_(last_cap_decimals),
          fine_(fine) {
    }

    int size() const noexcept {
        return size_;
    }
    PYMARGIN_INLINE const Step* steps(int schedule) const noexcept {
        return steps_ + begin_[schedule];
    }
    const DecimalStep* decimals(int schedule) const noexcept {
        return decimals_ + begin_[schedule];
    }
    inline const FineStep* fine(int schedule) const noexcept;
    int step_count(int schedule) const noexcept {
        return begin_[schedule + 1] - begin_[schedule];
    }
    /// USDT; infinity where the last tier is open.
    PYMARGIN_INLINE double last_cap(int schedule) const noexcept {
        return last_caps_[schedule];
    }
    Decimal last_cap_decimal(int schedule) const noexcept {
        return last_cap_decimals_[schedule];
    }

    /// The step that `v` falls in; the upper edge belongs to its step.
    PYMARGIN_INLINE const Step& step_at(int schedule, double v) const noexcept {
        const Step* step = steps(schedule);
        while (v > step->cap) {
            ++step;
        }
        return *step;
    }

    const Step& last_step(int schedule) const noexcept {
        return steps_[begin_[schedule + 1] - 1];
    }

    /// The schedule's value at `v` >= 0, in USDT.
    PYMARGIN_INLINE double value(int schedule, double v) const noexcept {
        const Step& step = step_at(schedule, v);
        return step.rate * v + step.offset;
    }

    /// The marginal rate on the way up to `v`.
    double rate(int schedule, double v) const noexcept {
        return step_at(schedule, v).rate;
    }

    /// The marginal rate on the way up from `v`: it differs from `rate` only at a cap.
    double rate_above(int schedule, double v) const noexcept {
        const Step* step = steps(schedule);
        while (v >= step->cap && std::isfinite(step->cap)) {
            ++step;
        }
        return step->rate;
    }

    /// The smallest v with value(v) >= y, for y >= 0; infinity where no value reaches y.
    double inverse(int schedule, double y) const noexcept {
        if (y <= 0) {
            return 0;
        }
        double floor = 0;
        const Step* step = steps(schedule);
        while (step->rate * step->cap + step->offset < y) {
            floor = step->cap;
            ++step;
        }
        if (step->rate == 0) {
            // Only the last step has an infinite cap, where 0 * infinity made the sum NaN.
            return step->offset >= y ? floor : std::numeric_limits<double>::infinity();
        }
        const double v = (y - step->offset) / step->rate;
        return v < floor ? floor : v;
    }

    /// The exact value; notes whether `v` stands above a closed last cap.
    template <class Number>
    PYMARGIN_INLINE Number value(int schedule, const Number& v, Notes& notes) const noexcept {
        const DecimalStep* step = decimals(schedule);
        const DecimalStep* last = step + step_count(schedule) - 1;
        Number offset;
        while (step != last && v > Number(step->cap)) {
            offset += Number(step->cap) * (Number(step->rate) - Number(step[1].rate));
            ++step;
        }
        if (std::isfinite(last_cap(schedule)) && v > Number(last_cap_decimal(schedule))) {
            notes.beyond_tiers = true;
        }
        return Number(step->rate) * v + offset;
    }

  private:
    int size_ = 0;
    const std::int32_t* begin_ = nullptr;
    const Step* steps_ = nullptr;
    const DecimalStep* decimals_ = nullptr;
    const double* last_caps_ = nullptr;
    const Decimal* last_cap_decimals_ = nullptr;
    const FineStep* fine_ = nullptr;
};

}  // namespace pymargin

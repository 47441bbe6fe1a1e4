#pragma once

#include <cstdint>
#include <vector>

#include "pymargin/schedule.hpp"

namespace pymargin::kernels {

/// All schedules as a kernel searches them: rows of one length, the first for "no schedule", whose
/// value is 0. A row begins with the end of its leading steps of rate 0 (-infinity: none) and its
/// closed last cap (infinity: open), between which float64 settles what a value beyond the first
/// step is. Then, from `caps`, the caps of all steps but the last, padded with infinity to whole
/// vectors; then rate and offset of each step.
struct StepRows {
    static constexpr int caps = 2;

    const double* values;
    std::int64_t length;
    std::int64_t n_caps;

    /// The row of a schedule; -1: none.
    PYMARGIN_INLINE const double* row(std::int32_t schedule) const noexcept {
        return values + (schedule + 1) * length;
    }
};

/// Owns the rows of a table of schedules.
class StepRowTable {
  public:
    explicit StepRowTable(const ScheduleTable& schedules);

    StepRows view() const noexcept {
        return {values_.data(), length_, n_caps_};
    }

  private:
    std::int64_t n_caps_;
    std::int64_t length_;
    std::vector<double> values_;
};

}  // namespace pymargin::kernels

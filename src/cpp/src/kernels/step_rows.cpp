#include "step_rows.hpp"

#include <algorithm>
#include <limits>

#include "pymargin/slots.hpp"

namespace pymargin::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::int64_t most_caps(const ScheduleTable& schedules) noexcept {
    std::int64_t most = 1;
    for (int schedule = 0; schedule < schedules.size(); ++schedule) {
        most = std::max<std::int64_t>(most, schedules.step_count(schedule) - 1);
    }
    return (most + lanes - 1) / lanes * lanes;
}

/// Where the leading steps of rate 0 end, of those that do.
double end_of_zero(const Step* step) noexcept {
    double end = -infinity;
    for (; step->rate == 0 && step->cap < infinity; ++step) {
        end = step->cap;
    }
    return end;
}

}  // namespace

StepRowTable::StepRowTable(const ScheduleTable& schedules)
    : n_caps_(most_caps(schedules)),
      length_(StepRows::caps + n_caps_ + 2 * (n_caps_ + 1)),
      values_(static_cast<std::size_t>((schedules.size() + 1) * length_)) {
    for (int schedule = -1; schedule < schedules.size(); ++schedule) {
        double* const row = values_.data() + (schedule + 1) * length_;
        row[0] = -infinity;
        row[1] = infinity;
        double* const caps = row + StepRows::caps;
        std::fill(caps, caps + n_caps_, infinity);
        if (schedule < 0) {
            continue;
        }
        const Step* const steps = schedules.steps(schedule);
        row[0] = end_of_zero(steps);
        row[1] = schedules.last_cap(schedule);
        const int n_steps = schedules.step_count(schedule);
        for (int k = 0; k < n_steps; ++k) {
            if (k + 1 < n_steps) {
                caps[k] = steps[k].cap;
            }
            caps[n_caps_ + 2 * k] = steps[k].rate;
            caps[n_caps_ + 2 * k + 1] = steps[k].offset;
        }
    }
}

}  // namespace pymargin::kernels

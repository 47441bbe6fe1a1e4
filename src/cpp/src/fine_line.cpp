#include "pymargin/fine_line.hpp"

#include <cmath>

namespace pymargin {

FineLine FineLine::beyond_first_step(const ScheduleTable& schedules, int schedule) const noexcept {
    const DecimalStep* rule = schedules.decimals(schedule);
    const Step* step = schedules.steps(schedule);
    FineLine offset;
    bool is_doubtful = false;
    for (; std::isfinite(step->cap); ++step, ++rule) {
        const double beyond = value_.value - step->cap;
        is_doubtful |= !(std::abs(beyond) > 2 * neighbourhood * (size_ + step->cap));
        if (!(beyond > 0)) {
            break;
        }
        offset += FineLine(pair_of(rule->cap, step->cap)) *
                  (FineLine(pair_of(rule->rate, step->rate)) -
                   FineLine(pair_of(rule[1].rate, step[1].rate)));
    }
    FineLine value = *this * FineLine(pair_of(rule->rate, step->rate)) + offset;
    value.spoil(is_doubtful);
    return value;
}

}  // namespace pymargin

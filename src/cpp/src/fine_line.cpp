#include "pymargin/fine_line.hpp"

#include <cmath>

namespace pymargin {

FineLine FineLine::under(const ScheduleTable& schedules, int schedule) const noexcept {
    if (schedule < 0 || size_ == 0) {
        return {};
    }
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
        offset += FineLine(rule->cap) * (FineLine(rule->rate) - FineLine(rule[1].rate));
    }
    FineLine value = *this * FineLine(rule->rate) + offset;
    value.spoil(is_doubtful);
    return value;
}

}  // namespace pymargin

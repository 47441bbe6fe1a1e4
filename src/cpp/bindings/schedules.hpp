#pragma once

#include <cstdint>
#include <vector>

#include "arrays.hpp"
#include "pymargin/fine_line.hpp"

namespace pymargin::bindings {

/// Owns the steps of all schedules of a set of rules.
class Schedules {
  public:
    Schedules(const py::array& begin, const py::array& steps, const py::array& decimals,
              const py::array& last_caps, const py::array& last_cap_decimals);

    ScheduleTable table() const noexcept {
        return ScheduleTable(static_cast<int>(last_caps_.size()), begin_.data(), steps_.data(),
                             decimals_.data(), last_caps_.data(), last_cap_decimals_.data(),
                             fine_.data());
    }

    double steepest() const noexcept {
        return steepest_;
    }

  private:
    std::vector<std::int32_t> begin_;
    std::vector<Step> steps_;
    std::vector<DecimalStep> decimals_;
    std::vector<FineStep> fine_;
    std::vector<double> last_caps_;
    std::vector<Decimal> last_cap_decimals_;
    double steepest_ = 1;
};

void register_schedules(py::module_& module);

}  // namespace pymargin::bindings

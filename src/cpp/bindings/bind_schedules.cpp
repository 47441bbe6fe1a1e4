#include <algorithm>

#include "schedules.hpp"

namespace pymargin::bindings {
namespace {

/// Pairs (coefficient, exponent) of an int64 array.
Decimal decimal_at(const std::int64_t* pairs, std::int64_t index) noexcept {
    return {pairs[2 * index], static_cast<std::int32_t>(pairs[2 * index + 1])};
}

/// function(schedule, v) of each v.
template <class Function>
py::array_t<double> map(const Schedules& schedules, int schedule, const py::array& values,
                        const Function& function) {
    const ScheduleTable table = schedules.table();
    if (schedule < 0 || schedule >= table.size()) {
        refuse("schedule", "from 0 to " + std::to_string(table.size() - 1) + ", not " +
                               std::to_string(schedule));
    }
    const double* const in = input<double>(values, "values", -1);
    py::array_t<double> results(values.size());
    double* const out = results.mutable_data();
    for (std::int64_t i = 0; i < values.size(); ++i) {
        out[i] = function(table, schedule, in[i]);
    }
    return results;
}

}  // namespace

Schedules::Schedules(const py::array& begin, const py::array& steps, const py::array& decimals,
                     const py::array& last_caps, const py::array& last_cap_decimals) {
    const std::int64_t n = last_caps.size();
    const auto* const begins = input<std::int32_t>(begin, "begin", n + 1);
    begin_.assign(begins, begins + n + 1);
    const std::int64_t n_steps = begin_.back();
    const auto* const step = input<double>(steps, "steps", 3 * n_steps);
    const auto* const decimal = input<std::int64_t>(decimals, "decimals", 4 * n_steps);
    for (std::int64_t i = 0; i < n_steps; ++i) {
        steps_.push_back({step[3 * i], step[3 * i + 1], step[3 * i + 2]});
        decimals_.push_back({decimal_at(decimal, 2 * i), decimal_at(decimal, 2 * i + 1)});
        steepest_ = std::max(steepest_, step[3 * i + 1]);
    }
    fine_ = fine_steps(begin_, steps_, decimals_);
    const auto* const caps = input<double>(last_caps, "last_caps", n);
    last_caps_.assign(caps, caps + n);
    const auto* const cap_decimals =
        input<std::int64_t>(last_cap_decimals, "last_cap_decimals", 2 * n);
    for (std::int64_t i = 0; i < n; ++i) {
        last_cap_decimals_.push_back(decimal_at(cap_decimals, i));
    }
}

void register_schedules(py::module_& module) {
    const auto value = [](const Schedules& schedules, int schedule, const py::array& values) {
        return map(schedules, schedule, values,
                   [](const auto& table, int s, double v) { return table.value(s, v); });
    };
    const auto rate = [](const Schedules& schedules, int schedule, const py::array& values) {
        return map(schedules, schedule, values,
                   [](const auto& table, int s, double v) { return table.rate(s, v); });
    };
    const auto rate_above = [](const Schedules& schedules, int schedule, const py::array& values) {
        return map(schedules, schedule, values,
                   [](const auto& table, int s, double v) { return table.rate_above(s, v); });
    };
    const auto inverse = [](const Schedules& schedules, int schedule, const py::array& values) {
        return map(schedules, schedule, values,
                   [](const auto& table, int s, double v) { return table.inverse(s, v); });
    };
    py::class_<Schedules>(module, "Schedules", "All distinct schedules of a set of rules.")
        .def(py::init<const py::array&, const py::array&, const py::array&, const py::array&,
                      const py::array&>(),
             py::arg("begin"), py::arg("steps"), py::arg("decimals"), py::arg("last_caps"),
             py::arg("last_cap_decimals"),
             "Take int32[n + 1] begins, float64[m, 3] (cap, rate, offset), int64[m, 4] decimals of "
             "cap and rate, float64[n] last caps (inf: open) and their int64[n, 2] decimals.")
        .def("value", value, py::arg("schedule"), py::arg("values"),
             "Return float64[k]: the schedule's value at each USDT value >= 0.")
        .def("rate", rate, py::arg("schedule"), py::arg("values"),
             "Return float64[k]: the marginal rate on the way up to each value.")
        .def("rate_above", rate_above, py::arg("schedule"), py::arg("values"),
             "Return float64[k]: the marginal rate on the way up from each value.")
        .def("inverse", inverse, py::arg("schedule"), py::arg("values"),
             "Return float64[k]: the smallest USDT value that reaches each value, inf if none.");
}

}  // namespace pymargin::bindings

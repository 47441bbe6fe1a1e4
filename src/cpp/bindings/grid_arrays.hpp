#pragma once

#include <cstdint>
#include <vector>

#include "arrays.hpp"
#include "decisions.hpp"
#include "pymargin/grid.hpp"

namespace pymargin::bindings {

/// Arrays that a grid fills; None: not wanted.
struct GridArrays {
    const std::vector<py::object>& levels;
    const py::object& actions;
    const py::object& worst_level;
    const py::object& worst_scenario;
    const py::object& action_counts;
    const py::object& shortfall;

    template <class Mode>
    GridOutputs<Mode> take(std::int64_t n, std::int64_t m) const {
        GridOutputs<Mode> outputs{};
        take_outputs(outputs.levels, levels, "levels", n * m);
        outputs.actions = output<std::uint16_t>(actions, "actions", n * m);
        outputs.worst_level = output<double>(worst_level, "worst_level", n);
        outputs.worst_scenario = output<std::int32_t>(worst_scenario, "worst_scenario", n);
        if ((outputs.worst_level == nullptr) != (outputs.worst_scenario == nullptr)) {
            refuse("worst_scenario", "None where worst_level is, and only there");
        }
        outputs.action_counts =
            output<std::int64_t>(action_counts, "action_counts", n_action_flags * m);
        outputs.shortfall = output<double>(shortfall, "shortfall", m);
        return outputs;
    }
};

}  // namespace pymargin::bindings

#pragma once

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "pymargin/decide.hpp"

namespace pymargin::bindings {

/// Owns a compiled DecisionTable.
class Decisions {
  public:
    Decisions(const py::array& test_levels, const py::array& thresholds, const py::array& decimals,
              const py::array& actions)
        : n_tests_(static_cast<int>(test_levels.size())),
          n_classes_(thresholds.ndim() == 2 ? thresholds.shape(0) : 0) {
        if (n_tests_ > DecisionTable::max_tests) {
            refuse("test_levels", "of size at most " + std::to_string(DecisionTable::max_tests));
        }
        const auto* const levels = input<std::int32_t>(test_levels, "test_levels", n_tests_);
        test_levels_.assign(levels, levels + n_tests_);
        const auto* const values = input<double>(thresholds, "thresholds", -1);
        const auto* const pairs =
            input<std::int64_t>(decimals, "threshold_decimals", 2 * thresholds.size());
        for (std::int64_t i = 0; i < thresholds.size(); ++i) {
            greatest_theta_ = std::max(greatest_theta_, std::abs(values[i]));
            thresholds_.push_back(
                {values[i], {pairs[2 * i], static_cast<std::int32_t>(pairs[2 * i + 1])}});
        }
        const auto* const bits =
            input<std::uint16_t>(actions, "actions", std::int64_t{1} << n_tests_);
        actions_.assign(bits, bits + actions.size());
    }

    DecisionTable table(const std::uint32_t* class_of) const noexcept {
        DecisionTable table{};
        table.n_tests = n_tests_;
        table.n_classes = n_classes_;
        table.greatest_theta = greatest_theta_;
        table.thresholds = thresholds_.data();
        table.class_of = class_of;
        table.actions = actions_.data();
        for (int test = 0; test < n_tests_; ++test) {
            table.test_level[test] = test_levels_[static_cast<std::size_t>(test)];
        }
        return table;
    }

  private:
    int n_tests_;
    std::int64_t n_classes_;
    double greatest_theta_ = 0;
    std::vector<std::int32_t> test_levels_;
    std::vector<Threshold> thresholds_;
    std::vector<std::uint16_t> actions_;
};

/// Takes one output array a field; None: not wanted.
template <std::size_t size>
void take_outputs(double* (&fields)[size], const std::vector<py::object>& arrays, const char* name,
                  std::int64_t n) {
    if (arrays.size() != size) {
        refuse(name, "of length " + std::to_string(size));
    }
    for (std::size_t i = 0; i < size; ++i) {
        fields[i] = output<double>(arrays[i], name, n);
    }
}

}  // namespace pymargin::bindings

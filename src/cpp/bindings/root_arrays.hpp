#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "pymargin/roots.hpp"

namespace pymargin::bindings {

/// What a question moves, and where its answers go.
struct QuestionArrays {
    const py::object& weights;
    double base;
    double scale;
    /// The least and greatest weight that the range goes by; None: each account's own.
    const std::optional<std::pair<double, double>>& reach;
    bool is_exact;
    const py::object& below;
    const py::object& above;
    const py::object& reason;
    const py::object& gaps;

    Movement movement(std::int64_t n_rows) const {
        if (!(base >= 0) || !std::isfinite(base) || !(scale > 0) || !std::isfinite(scale)) {
            refuse("base and scale", "finite, and above 0");
        }
        Movement movement;
        movement.weights =
            input<double>(py::reinterpret_borrow<py::array>(weights), "weights", n_rows);
        for (std::int64_t row = 0; row < n_rows; ++row) {
            if (!std::isfinite(movement.weights[row])) {
                refuse("weights", "finite");
            }
        }
        movement.base = base;
        movement.scale = scale;
        return movement;
    }

    std::optional<Reach> given_reach() const {
        return reach ? std::optional<Reach>({reach->first, reach->second}) : std::nullopt;
    }

    RootArrays take(std::int64_t n) const {
        return {output<double>(below, "below", n), output<double>(above, "above", n),
                output<std::uint8_t>(reason, "reason", n), output<std::uint16_t>(gaps, "gaps", n)};
    }
};

/// What an account number and an effort are to Python.
using Solved = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

/// Ids of 32 bits, so that what solves for roots exists once a mode.
class WideIds {
  public:
    WideIds(const std::uint16_t* ids, std::int64_t n) : owned_(ids, ids + n), ids_(owned_.data()) {
    }
    WideIds(const std::uint32_t* ids, std::int64_t /*n*/) : ids_(ids) {
    }

    const std::uint32_t* data() const noexcept {
        return ids_;
    }

  private:
    std::vector<std::uint32_t> owned_;
    const std::uint32_t* ids_;
};

}  // namespace pymargin::bindings

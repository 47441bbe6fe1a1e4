#pragma once

#include <cstdint>
#include <vector>

#include "pymargin/decide.hpp"

// What passes over slices have in common before their kernels run.

namespace pymargin::kernels {

/// Thresholds of every class, each row padded to whole vectors.
inline std::vector<double> padded_thresholds(const DecisionTable& table, int stride) {
    std::vector<double> padded(static_cast<std::size_t>(table.n_classes) *
                               static_cast<std::size_t>(stride));
    for (std::int64_t one = 0; one < table.n_classes; ++one) {
        for (int test = 0; test < table.n_tests; ++test) {
            padded[static_cast<std::size_t>(one * stride + test)] =
                table.thresholds[one * table.n_tests + test].value;
        }
    }
    return padded;
}

/// Where the slices that hold the k-th of `parts` equal shares of entries begin.
template <class Slots>
std::int64_t share_begin(const Slots& slots, std::int64_t n_full, std::int64_t k,
                         std::int64_t parts) noexcept {
    const std::int64_t wanted = slots.slice_begin[n_full] * k / parts;
    std::int64_t low = 0;
    std::int64_t high = n_full;
    while (low < high) {
        const std::int64_t middle = (low + high) / 2;
        if (slots.slice_begin[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return k == parts ? n_full : low;
}

}  // namespace pymargin::kernels

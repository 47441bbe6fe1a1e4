#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace pymargin {

/// Run work(begin, end) over n accounts, cut into contiguous parts, one a thread. Which thread
/// takes an account never changes its result: nothing is shared but the output arrays.
template <class Work>
void parallel_for(std::int64_t n, int threads, const Work& work) {
    // Below this a thread costs more than it brings.
    constexpr std::int64_t least_per_thread = 4096;
    const std::int64_t parts =
        std::min<std::int64_t>(threads, std::max<std::int64_t>(1, n / least_per_thread));
    std::vector<std::thread> helpers;
    helpers.reserve(static_cast<std::size_t>(parts));
    for (std::int64_t part = 1; part < parts; ++part) {
        helpers.emplace_back(work, n * part / parts, n * (part + 1) / parts);
    }
    work(std::int64_t{0}, n / parts);
    for (std::thread& helper : helpers) {
        helper.join();
    }
}

/// 0 means all processors.
inline int thread_count(int requested) noexcept {
    if (requested > 0) {
        return requested;
    }
    const unsigned all = std::thread::hardware_concurrency();
    return all == 0 ? 1 : static_cast<int>(all);
}

}  // namespace pymargin

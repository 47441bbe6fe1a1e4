#pragma once

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace pymargin {

/// Below this many accounts a thread costs more than it brings.
constexpr std::int64_t least_accounts_per_thread = 4096;

/// How many threads n items are worth.
inline std::int64_t part_count(std::int64_t n, int threads,
                               std::int64_t least_per_thread = least_accounts_per_thread) noexcept {
    return std::min<std::int64_t>(threads, std::max<std::int64_t>(1, n / least_per_thread));
}

/// Run work(part) for each part, one a thread; parts for which no thread is to be had run here.
template <class Work>
void run_parts(std::int64_t parts, const Work& work) {
    std::vector<std::thread> helpers;
    helpers.reserve(static_cast<std::size_t>(parts));
    std::int64_t started = 1;
    try {
        for (; started < parts; ++started) {
            helpers.emplace_back(work, started);
        }
    } catch (const std::system_error&) {
        // The system refuses another thread: no reason to fail.
    }
    work(std::int64_t{0});
    for (std::int64_t part = started; part < parts; ++part) {
        work(part);
    }
    for (std::thread& helper : helpers) {
        helper.join();
    }
}

/// Run work(begin, end) over n items, cut into contiguous parts, one a thread. Which thread takes
/// an item never changes its result: nothing is shared but the output arrays.
template <class Work>
void parallel_for(std::int64_t n, int threads, const Work& work,
                  std::int64_t least_per_thread = least_accounts_per_thread) {
    const std::int64_t parts = part_count(n, threads, least_per_thread);
    run_parts(parts, [&](std::int64_t part) { work(n * part / parts, n * (part + 1) / parts); });
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

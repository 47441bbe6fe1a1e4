#include "pymargin/dispatch.hpp"

#include <atomic>
#include <cstdlib>

#include "pymargin/error.hpp"

namespace pymargin {
namespace {

constexpr Implementation by_rising_speed[] = {Implementation::generic, Implementation::avx2};

bool can_run(Implementation implementation) noexcept {
    switch (implementation) {
#if defined(__x86_64__)
        case Implementation::avx2:
            return __builtin_cpu_supports("avx2") != 0;
#endif
        case Implementation::generic:
            return true;
        default:
            return false;
    }
}

Implementation find(const std::string& name) {
    std::string known;
    for (const Implementation one : by_rising_speed) {
        if (can_run(one)) {
            if (name == implementation_name(one)) {
                return one;
            }
            known += known.empty() ? "" : ", ";
            known += implementation_name(one);
        }
    }
    throw Error("the implementation must be one that this processor can run (" + known +
                "), not '" + name + "'");
}

Implementation first_choice() {
    const char* const forced = std::getenv("PYMARGIN_FORCE_IMPLEMENTATION");
    if (forced != nullptr && *forced != '\0') {
        return find(forced);
    }
    Implementation best = Implementation::generic;
    for (const Implementation one : by_rising_speed) {
        best = can_run(one) ? one : best;
    }
    return best;
}

std::atomic<int> forced_choice{-1};

}  // namespace

const char* implementation_name(Implementation implementation) noexcept {
    return implementation == Implementation::avx2 ? "avx2" : "generic";
}

Implementation implementation() {
    static const Implementation chosen = first_choice();
    const int forced = forced_choice.load(std::memory_order_relaxed);
    return forced < 0 ? chosen : static_cast<Implementation>(forced);
}

void force_implementation(const std::string& name) {
    forced_choice.store(static_cast<int>(find(name)), std::memory_order_relaxed);
}

}  // namespace pymargin

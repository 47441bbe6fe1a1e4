#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace pymargin {

/// Memory for an array that a pass reads from end to end, not zeroed: what is large begins on a
/// large page and asks for such, as what fetches ahead of the pass stops where a page does. To be
/// returned by std::free; throws std::bad_alloc.
void* allocate_bytes(std::size_t size);

struct FreeMemory {
    void operator()(void* memory) const noexcept {
        std::free(memory);
    }
};

/// Not std::vector: every element is written once, so none need be zeroed first.
template <class T>
using LargeArray = std::unique_ptr<T[], FreeMemory>;

template <class T>
LargeArray<T> large_array(std::int64_t count) {
    return LargeArray<T>(
        static_cast<T*>(allocate_bytes(static_cast<std::size_t>(count) * sizeof(T))));
}

}  // namespace pymargin

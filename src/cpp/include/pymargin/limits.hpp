#pragma once

#include <cstdint>

#include "pymargin/dispatch.hpp"
#include "pymargin/slots.hpp"

namespace pymargin {

/// Where the read + write limit writes: as a slot pass with two levels and the actions does.
struct LimitOutputs {
    double* level_a;
    double* level_b;
    std::uint16_t* actions;
};

/// Reads every byte that a slot pass reads of the entries (asset, owned, owed) once and computes
/// nothing: no pass can be faster than this memory. Returns the sum of all 64-bit words read,
/// modulo 2^64, the same for any number of threads and implementation.
template <class AssetId>
std::uint64_t read_limit(const Slots<AssetId>& slots, int threads, Implementation implementation);

/// The same, and writes 18 bytes an account in slot order; what it writes means nothing.
template <class AssetId>
std::uint64_t read_write_limit(const Slots<AssetId>& slots, const LimitOutputs& outputs,
                               int threads, Implementation implementation);

}  // namespace pymargin

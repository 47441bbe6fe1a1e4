#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"

// In this order: all after the first is compiled for AVX2, each after what it uses.
// clang-format off
#include "avx2_begin.inl"

namespace pymargin::kernels {

#include "avx2_lanes.inl"
#include "kernels.inl"
#include "rows.inl"
// clang-format on

// Full specialisations are ordinary functions: no weak symbol leaves this file.
#define PYMARGIN_DEFINE_FOR(AssetId, ...)                               \
    template <>                                                         \
    void run_avx2(const SliceJob<__VA_ARGS__, AssetId>& job) noexcept { \
        run(job);                                                       \
    }
#define PYMARGIN_DEFINE(...)                        \
    PYMARGIN_DEFINE_FOR(std::uint16_t, __VA_ARGS__) \
    PYMARGIN_DEFINE_FOR(std::uint32_t, __VA_ARGS__)
PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_DEFINE)
#undef PYMARGIN_DEFINE
#undef PYMARGIN_DEFINE_FOR

}  // namespace pymargin::kernels

#include "avx2_end.inl"

#endif

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "pool_slices.hpp"

// In this order: all after the first is compiled for AVX2, each after what it uses.
// clang-format off
#include "avx2_begin.inl"

namespace pymargin::kernels {

#include "avx2_lanes.inl"
#include "avx2_steps.inl"
#include "kernels.inl"
#include "pools_end.inl"
#include "pool_slices.inl"
// clang-format on

// Full specialisations are ordinary functions: no weak symbol leaves this file.
#define PYMARGIN_DEFINE(...)                                             \
    template <>                                                          \
    void run_pools_avx2(const PoolSliceJob<__VA_ARGS__>& job) noexcept { \
        run_pools(job);                                                  \
    }
PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_DEFINE)
#undef PYMARGIN_DEFINE

}  // namespace pymargin::kernels

#include "avx2_end.inl"

#endif

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "grid.hpp"
#include "kernels.hpp"

// A region, not a -m flag on the file: what the headers above define stays baseline code.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

// Inside the region: the formulas are always inlined, and take on its instruction set.
#include "pymargin/modes/all.hpp"

namespace pymargin::kernels {
namespace {

/// Four float64. No operation contracts into a fused multiply-add: the target has none.
struct Lanes {
    // Not defaulted: what the compiler writes by itself is outside the region.
    PYMARGIN_INLINE Lanes() noexcept : v(_mm256_setzero_pd()) {
    }
    PYMARGIN_INLINE explicit Lanes(double value) noexcept : v(_mm256_set1_pd(value)) {
    }
    PYMARGIN_INLINE explicit Lanes(__m256d value) noexcept : v(value) {
    }

    PYMARGIN_INLINE Lanes& operator+=(const Lanes& other) noexcept {
        v = _mm256_add_pd(v, other.v);
        return *this;
    }
    friend PYMARGIN_INLINE Lanes operator+(const Lanes& left, const Lanes& right) noexcept {
        return Lanes(_mm256_add_pd(left.v, right.v));
    }
    friend PYMARGIN_INLINE Lanes operator-(const Lanes& left, const Lanes& right) noexcept {
        return Lanes(_mm256_sub_pd(left.v, right.v));
    }
    friend PYMARGIN_INLINE Lanes operator*(const Lanes& left, const Lanes& right) noexcept {
        return Lanes(_mm256_mul_pd(left.v, right.v));
    }
    /// (left < right) ? left : right, lane by lane, as for double.
    friend PYMARGIN_INLINE Lanes smaller(const Lanes& left, const Lanes& right) noexcept {
        return Lanes(_mm256_min_pd(left.v, right.v));
    }
    friend PYMARGIN_INLINE Lanes positive_part(const Lanes& value) noexcept {
        return Lanes(_mm256_max_pd(value.v, _mm256_setzero_pd()));
    }

    __m256d v;
};

PYMARGIN_INLINE unsigned mask_of(__m256d lanes_set) noexcept {
    return static_cast<unsigned>(_mm256_movemask_pd(lanes_set));
}

/// Lanes where !(left <= right), also for NaN.
PYMARGIN_INLINE unsigned not_at_most(const Lanes& left, const Lanes& right) noexcept {
    return mask_of(_mm256_cmp_pd(left.v, right.v, _CMP_NLE_UQ));
}

PYMARGIN_INLINE bool any_greater(const Lanes& left, const Lanes& right) noexcept {
    return mask_of(_mm256_cmp_pd(left.v, right.v, _CMP_GT_OQ)) != 0;
}

/// left > right ? yes : no, lane by lane.
PYMARGIN_INLINE Lanes where_greater(const Lanes& left, const Lanes& right, const Lanes& yes,
                                    const Lanes& no) noexcept {
    return Lanes(_mm256_blendv_pd(no.v, yes.v, _mm256_cmp_pd(left.v, right.v, _CMP_GT_OQ)));
}

/// Lanes where !(left > right), also for NaN.
PYMARGIN_INLINE unsigned not_greater(const Lanes& left, const Lanes& right) noexcept {
    return mask_of(_mm256_cmp_pd(left.v, right.v, _CMP_NGT_UQ));
}

/// Lanes where !(left < right), also for NaN.
PYMARGIN_INLINE unsigned not_less(const Lanes& left, const Lanes& right) noexcept {
    return mask_of(_mm256_cmp_pd(left.v, right.v, _CMP_NLT_UQ));
}

/// Collects lanes where neither distance > error nor distance < -error, also for NaN.
class Unsettled {
  public:
    PYMARGIN_INLINE Unsettled() noexcept : lanes_(_mm256_setzero_pd()) {
    }

    PYMARGIN_INLINE void add_unless_outside(const Lanes& distance, const Lanes& error) noexcept {
        const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), distance.v);
        lanes_ = _mm256_or_pd(lanes_, _mm256_cmp_pd(size, error.v, _CMP_NGT_UQ));
    }
    PYMARGIN_INLINE unsigned mask() const noexcept {
        return mask_of(lanes_);
    }

  private:
    __m256d lanes_;
};

PYMARGIN_INLINE unsigned not_finite(const Lanes& value) noexcept {
    const __m256d zero = _mm256_mul_pd(value.v, _mm256_setzero_pd());
    return mask_of(_mm256_cmp_pd(zero, zero, _CMP_UNORD_Q));
}

PYMARGIN_INLINE Lanes load(const double* at) noexcept {
    return Lanes(_mm256_load_pd(at));
}
PYMARGIN_INLINE Lanes load_unaligned(const double* at) noexcept {
    return Lanes(_mm256_loadu_pd(at));
}
PYMARGIN_INLINE Lanes from_parts(double lane0, double lane1, double lane2, double lane3) noexcept {
    return Lanes(_mm256_set_pd(lane3, lane2, lane1, lane0));
}
PYMARGIN_INLINE void store(double* at, const Lanes& value) noexcept {
    _mm256_store_pd(at, value.v);
}
PYMARGIN_INLINE void store_unaligned(double* at, const Lanes& value) noexcept {
    _mm256_storeu_pd(at, value.v);
}

/// Four rows of four values in, four columns out.
PYMARGIN_INLINE void transpose(const double* row0, const double* row1, const double* row2,
                               const double* row3, Lanes* columns) noexcept {
    const __m256d a = _mm256_loadu_pd(row0);
    const __m256d b = _mm256_loadu_pd(row1);
    const __m256d c = _mm256_loadu_pd(row2);
    const __m256d d = _mm256_loadu_pd(row3);
    const __m256d ab_low = _mm256_unpacklo_pd(a, b);
    const __m256d ab_high = _mm256_unpackhi_pd(a, b);
    const __m256d cd_low = _mm256_unpacklo_pd(c, d);
    const __m256d cd_high = _mm256_unpackhi_pd(c, d);
    columns[0].v = _mm256_permute2f128_pd(ab_low, cd_low, 0x20);
    columns[1].v = _mm256_permute2f128_pd(ab_high, cd_high, 0x20);
    columns[2].v = _mm256_permute2f128_pd(ab_low, cd_low, 0x31);
    columns[3].v = _mm256_permute2f128_pd(ab_high, cd_high, 0x31);
}

/// ErrorBound::at of decide.hpp.
PYMARGIN_INLINE Lanes error_lanes(const ErrorBound& bound, const Lanes& relative,
                                  const Lanes& magnitude) noexcept {
    return relative * (Lanes(bound.per_magnitude()) * magnitude + Lanes(bound.per_term())) +
           Lanes(bound.absolute());
}

/// level_value of decide.hpp.
PYMARGIN_INLINE Lanes level_lanes(const Ratio<Lanes>& level) noexcept {
    const __m256d ratio = _mm256_div_pd(level.numerator.v, level.denominator.v);
    const __m256d is_zero_over_zero =
        _mm256_and_pd(_mm256_cmp_pd(ratio, ratio, _CMP_UNORD_Q),
                      _mm256_cmp_pd(level.denominator.v, _mm256_setzero_pd(), _CMP_EQ_OQ));
    return Lanes(_mm256_blendv_pd(ratio, _mm256_set1_pd(__builtin_inf()), is_zero_over_zero));
}

/// Writes each lane to a place of its own.
PYMARGIN_INLINE void scatter(const Lanes& value, double* to0, double* to1, double* to2,
                             double* to3) noexcept {
    const __m128d low = _mm256_castpd256_pd128(value.v);
    const __m128d high = _mm256_extractf128_pd(value.v, 1);
    _mm_storel_pd(to0, low);
    _mm_storeh_pd(to1, low);
    _mm_storel_pd(to2, high);
    _mm_storeh_pd(to3, high);
}

/// Test bits, collected at the low end of each lane.
class LaneBits {
  public:
    PYMARGIN_INLINE LaneBits() noexcept : bits_(_mm256_setzero_si256()) {
    }

    PYMARGIN_INLINE void set_where_negative(const Lanes& value, int bit) noexcept {
        const __m256i sign = _mm256_srli_epi64(_mm256_castpd_si256(value.v), 63);
        bits_ = _mm256_or_si256(bits_, _mm256_slli_epi64(sign, bit));
    }
    PYMARGIN_INLINE __m256i lanes_of_64() const noexcept {
        return bits_;
    }
    PYMARGIN_INLINE void take(std::uint64_t* bits) const noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(bits), bits_);
    }

  private:
    __m256i bits_;
};

/// The actions of every combination of test bits; with four tests all of them fit two registers.
template <bool has_four_tests>
class ActionTable {
  public:
    PYMARGIN_INLINE explicit ActionTable(const std::uint16_t* actions) noexcept
        : actions_(actions), low_(_mm256_setzero_si256()), high_(_mm256_setzero_si256()) {
        if constexpr (has_four_tests) {
            alignas(16) std::uint8_t low[16];
            alignas(16) std::uint8_t high[16];
            for (int bits = 0; bits < 16; ++bits) {
                low[bits] = static_cast<std::uint8_t>(actions[bits] & 255);
                high[bits] = static_cast<std::uint8_t>(actions[bits] >> 8);
            }
            low_ =
                _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(low)));
            high_ =
                _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(high)));
        }
    }

    PYMARGIN_INLINE void look_up(const LaneBits& bits, std::uint16_t* actions) const noexcept {
        const __m256i index = bits.lanes_of_64();
        if constexpr (has_four_tests) {
            // Bytes above the lowest of a lane have index 0: what they find is masked away.
            const __m256i byte = _mm256_set1_epi64x(255);
            const __m256i low = _mm256_and_si256(_mm256_shuffle_epi8(low_, index), byte);
            const __m256i high = _mm256_and_si256(_mm256_shuffle_epi8(high_, index), byte);
            const __m256i found = _mm256_or_si256(low, _mm256_slli_epi64(high, 8));
            const __m128i pairs =
                _mm_packus_epi32(_mm256_castsi256_si128(found), _mm256_extracti128_si256(found, 1));
            _mm_storel_epi64(reinterpret_cast<__m128i*>(actions), _mm_packus_epi32(pairs, pairs));
        } else {
            alignas(32) std::uint64_t lane[lanes];
            _mm256_store_si256(reinterpret_cast<__m256i*>(lane), index);
            for (int k = 0; k < lanes; ++k) {
                actions[k] = actions_[lane[k]];
            }
        }
    }

  private:
    const std::uint16_t* actions_;
    __m256i low_;
    __m256i high_;
};

}  // namespace

#include "grid.inl"
#include "kernels.inl"

// Full specialisations are ordinary functions: no weak symbol leaves this file.
#define PYMARGIN_DEFINE_FOR(AssetId, ...)                                   \
    template <>                                                             \
    void run_avx2(const SliceJob<__VA_ARGS__, AssetId>& job) noexcept {     \
        run(job);                                                           \
    }                                                                       \
    template <>                                                             \
    void run_grid_avx2(const GridJob<__VA_ARGS__, AssetId>& job) noexcept { \
        run_grid(job);                                                      \
    }
#define PYMARGIN_DEFINE(...)                        \
    PYMARGIN_DEFINE_FOR(std::uint16_t, __VA_ARGS__) \
    PYMARGIN_DEFINE_FOR(std::uint32_t, __VA_ARGS__)
PYMARGIN_FOR_EACH_MODE(PYMARGIN_DEFINE)
#undef PYMARGIN_DEFINE
#undef PYMARGIN_DEFINE_FOR

}  // namespace pymargin::kernels

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

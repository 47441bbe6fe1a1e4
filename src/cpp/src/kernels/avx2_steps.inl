// What the pass over pools asks of four float64, for AVX2; included within its target region.

namespace {

/// Four values from anywhere.
PYMARGIN_INLINE Lanes gather(const double* at0, const double* at1, const double* at2,
                             const double* at3) noexcept {
    const __m128d low = _mm_loadh_pd(_mm_load_sd(at0), at1);
    const __m128d high = _mm_loadh_pd(_mm_load_sd(at2), at3);
    return Lanes(_mm256_insertf128_pd(_mm256_castpd128_pd256(low), high, 1));
}

/// 1 / value, infinity for 0.
PYMARGIN_INLINE Lanes one_over(const Lanes& value) noexcept {
    return Lanes(_mm256_div_pd(_mm256_set1_pd(1.0), value.v));
}

/// Lanes whose sign is set.
PYMARGIN_INLINE unsigned negative_lanes(const Lanes& value) noexcept {
    return mask_of(value.v);
}

/// Where caps and steps are in a row of an instrument.
constexpr int caps_at = offsetof(InstrumentRow, caps) / sizeof(double);
constexpr int steps_at = offsetof(InstrumentRow, steps) / sizeof(double);

/// The values of four positions' notionals by the steps that their rows hold; tells whether one is
/// above its row's limit.
PYMARGIN_INLINE Lanes step_values(const double* const* rows, const Lanes& v,
                                  bool* is_beyond) noexcept {
    // Where the comparison of the limit, which comes after the caps, ends up.
    constexpr unsigned limit = 0x80;
    alignas(32) double values[lanes];
    store(values, v);
    const double* steps[lanes];
    unsigned any = 0;
#pragma GCC unroll 4
    for (int lane = 0; lane < lanes; ++lane) {
        const __m256d value = _mm256_broadcast_sd(values + lane);
        const double* const row = rows[lane];
        const __m256d first = _mm256_cmp_pd(value, _mm256_load_pd(row + caps_at), _CMP_GT_OQ);
        const __m256d last =
            _mm256_cmp_pd(value, _mm256_load_pd(row + caps_at + lanes), _CMP_GT_OQ);
        const auto above = static_cast<unsigned>(_mm256_movemask_ps(
            _mm256_shuffle_ps(_mm256_castpd_ps(first), _mm256_castpd_ps(last), 0x88)));
        any |= above;
        const auto step = static_cast<std::size_t>(__builtin_popcount(above & ~limit));
        steps[lane] = row + steps_at + 2 * step;
    }
    *is_beyond = (any & limit) != 0;
    Lanes step[2];
    transpose_pairs(steps[0], steps[1], steps[2], steps[3], step);
    return step[0] * v + step[1];
}

}  // namespace

// Four float64 for AVX2, and what the passes ask of them; included within its target region.

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
    /// Its absolute value.
    friend PYMARGIN_INLINE Lanes size_of(const Lanes& value) noexcept {
        return Lanes(_mm256_andnot_pd(_mm256_set1_pd(-0.0), value.v));
    }

    __m256d v;
};

/// (left > right) ? left : right, lane by lane.
PYMARGIN_INLINE Lanes greater(const Lanes& left, const Lanes& right) noexcept {
    return Lanes(_mm256_max_pd(left.v, right.v));
}

PYMARGIN_INLINE double least_lane(const Lanes& value) noexcept {
    const __m128d two =
        _mm_min_pd(_mm256_castpd256_pd128(value.v), _mm256_extractf128_pd(value.v, 1));
    return _mm_cvtsd_f64(_mm_min_sd(two, _mm_unpackhi_pd(two, two)));
}

PYMARGIN_INLINE double greatest_lane(const Lanes& value) noexcept {
    const __m128d two =
        _mm_max_pd(_mm256_castpd256_pd128(value.v), _mm256_extractf128_pd(value.v, 1));
    return _mm_cvtsd_f64(_mm_max_sd(two, _mm_unpackhi_pd(two, two)));
}

PYMARGIN_INLINE unsigned mask_of(__m256d lanes_set) noexcept {
    return static_cast<unsigned>(_mm256_movemask_pd(lanes_set));
}

/// Lanes where !(left <= right), also for NaN.
PYMARGIN_INLINE unsigned not_at_most(const Lanes& left, const Lanes& right) noexcept {
    return mask_of(_mm256_cmp_pd(left.v, right.v, _CMP_NLE_UQ));
}

/// Which of four lanes a statement holds for.
class LaneMask {
  public:
    /// A bit a lane.
    static PYMARGIN_INLINE LaneMask of_bits(unsigned bits) noexcept {
        // Moves each lane's bit, negated, to the sign.
        const __m256i all = _mm256_set1_epi64x(static_cast<long long>(~bits));
        return LaneMask(
            _mm256_castsi256_pd(_mm256_sllv_epi64(all, _mm256_setr_epi64x(63, 62, 61, 60))));
    }
    /// yes or no, lane by lane.
    friend PYMARGIN_INLINE Lanes choose(const LaneMask& which, const Lanes& yes,
                                        const Lanes& no) noexcept {
        return Lanes(_mm256_blendv_pd(yes.v, no.v, which.sign_));
    }

    friend PYMARGIN_INLINE bool holds_nowhere(const LaneMask& which) noexcept {
        return mask_of(which.sign_) == 15;
    }
    friend PYMARGIN_INLINE bool holds_everywhere(const LaneMask& which) noexcept {
        return mask_of(which.sign_) == 0;
    }

  private:
    PYMARGIN_INLINE explicit LaneMask(__m256d sign) noexcept : sign_(sign) {
    }

    __m256d sign_;  // negative where it does not hold
};

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
        lanes_ = _mm256_or_pd(lanes_, _mm256_cmp_pd(size_of(distance).v, error.v, _CMP_NGT_UQ));
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

/// The first two of four rows.
PYMARGIN_INLINE void transpose_pairs(const double* row0, const double* row1, const double* row2,
                                     const double* row3, Lanes* columns) noexcept {
    const __m256d even =
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(row0)), _mm_loadu_pd(row2), 1);
    const __m256d odd =
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(row1)), _mm_loadu_pd(row3), 1);
    columns[0].v = _mm256_unpacklo_pd(even, odd);
    columns[1].v = _mm256_unpackhi_pd(even, odd);
}

/// The value of one lane, in all.
PYMARGIN_INLINE Lanes lane_of(const Lanes& value, int lane) noexcept {
    alignas(32) static constexpr std::int32_t halves[lanes][2 * lanes] = {
        {0, 1, 0, 1, 0, 1, 0, 1},
        {2, 3, 2, 3, 2, 3, 2, 3},
        {4, 5, 4, 5, 4, 5, 4, 5},
        {6, 7, 6, 7, 6, 7, 6, 7},
    };
    const __m256i of_lane = _mm256_load_si256(reinterpret_cast<const __m256i*>(halves[lane]));
    return Lanes(_mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(value.v), of_lane)));
}

/// `value` with one lane of `other`.
PYMARGIN_INLINE Lanes with_lane(const Lanes& value, int lane, const Lanes& other) noexcept {
    const __m256i is_lane =
        _mm256_cmpeq_epi64(_mm256_set1_epi64x(lane), _mm256_set_epi64x(3, 2, 1, 0));
    return Lanes(_mm256_blendv_pd(value.v, other.v, _mm256_castsi256_pd(is_lane)));
}

/// How many of n caps (whole vectors of them) are less than a value.
PYMARGIN_INLINE std::int64_t count_less(const double* caps, std::int64_t n,
                                        const Lanes& value) noexcept {
    int count = 0;
    for (std::int64_t at = 0; at < n; at += lanes) {
        count += __builtin_popcount(
            mask_of(_mm256_cmp_pd(_mm256_loadu_pd(caps + at), value.v, _CMP_LT_OQ)));
    }
    return count;
}

/// How many of a lane's n caps (whole vectors of them) are less than its value.
PYMARGIN_INLINE void count_less(const double* caps0, const double* caps1, const double* caps2,
                                const double* caps3, std::int64_t n, const Lanes& value,
                                std::int64_t* counts) noexcept {
    const double* const caps[] = {caps0, caps1, caps2, caps3};
    const __m256d values[] = {
        _mm256_permute4x64_pd(value.v, 0x00), _mm256_permute4x64_pd(value.v, 0x55),
        _mm256_permute4x64_pd(value.v, 0xAA), _mm256_permute4x64_pd(value.v, 0xFF)};
    __m256i less[] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                      _mm256_setzero_si256()};
    for (std::int64_t at = 0; at < n; at += lanes) {
#pragma GCC unroll 4
        for (int lane = 0; lane < lanes; ++lane) {
            const __m256d is_less =
                _mm256_cmp_pd(_mm256_loadu_pd(caps[lane] + at), values[lane], _CMP_LT_OQ);
            less[lane] = _mm256_sub_epi64(less[lane], _mm256_castpd_si256(is_less));
        }
    }
    const __m256i pairs01 = _mm256_add_epi64(_mm256_unpacklo_epi64(less[0], less[1]),
                                             _mm256_unpackhi_epi64(less[0], less[1]));
    const __m256i pairs23 = _mm256_add_epi64(_mm256_unpacklo_epi64(less[2], less[3]),
                                             _mm256_unpackhi_epi64(less[2], less[3]));
    const __m256i sums = _mm256_add_epi64(_mm256_permute2x128_si256(pairs01, pairs23, 0x20),
                                          _mm256_permute2x128_si256(pairs01, pairs23, 0x31));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(counts), sums);
}

/// level_value of decide.hpp wherever no sum has overflowed: its one NaN is 0 / 0, which the
/// minimum turns into infinity. (Lanes that overflow are evaluated again by the row.)
PYMARGIN_INLINE Lanes level_lanes(const Ratio<Lanes>& level) noexcept {
    const __m256d ratio = _mm256_div_pd(level.numerator.v, level.denominator.v);
    return Lanes(_mm256_min_pd(ratio, _mm256_set1_pd(__builtin_inf())));
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

/// The actions of four accounts, 16 bits a lane from the lowest, by the signs of any number of
/// distances.
template <bool has_four_tests>
class ActionTable {
  public:
    PYMARGIN_INLINE explicit ActionTable(const std::uint16_t* actions) noexcept
        : actions_(actions) {
    }

    PYMARGIN_INLINE std::uint64_t of_negative(const Lanes* distances, int n_tests) const noexcept {
        LaneBits bits;
        for (int test = 0; test < n_tests; ++test) {
            bits.set_where_negative(distances[test], test);
        }
        std::uint64_t lane[lanes];
        bits.take(lane);
        std::uint64_t found = 0;
        for (int k = 0; k < lanes; ++k) {
            found |= static_cast<std::uint64_t>(actions_[lane[k]]) << (16 * k);
        }
        return found;
    }

  private:
    const std::uint16_t* actions_;
};

/// The same of four tests: one look-up for two accounts by their eight signs together.
template <>
class ActionTable<true> {
  public:
    PYMARGIN_INLINE explicit ActionTable(const std::uint16_t* actions) noexcept {
        for (unsigned signs = 0; signs < 256; ++signs) {
            unsigned bits[2] = {};
            for (unsigned k = 0; k < 8; ++k) {
                bits[k % 2] |= (signs >> k & 1U) << (k / 2);
            }
            pairs_[signs] = actions[bits[0]] | static_cast<std::uint32_t>(actions[bits[1]]) << 16;
        }
    }

    PYMARGIN_INLINE std::uint64_t of_negative(const Lanes* distances, int) const noexcept {
        // A sign stands in the upper half of its lane; packing with saturation keeps it: bytes of
        // tests 0 to 3, each for lanes 0 and 1, then, 16 bytes on, for lanes 2 and 3.
        const __m256i tests01 = upper_halves(distances[0], distances[1]);
        const __m256i tests23 = upper_halves(distances[2], distances[3]);
        const __m256i words = _mm256_packs_epi32(tests01, tests23);
        const auto signs =
            static_cast<unsigned>(_mm256_movemask_epi8(_mm256_packs_epi16(words, words)));
        return pairs_[signs & 255] | static_cast<std::uint64_t>(pairs_[signs >> 24]) << 32;
    }

  private:
    static PYMARGIN_INLINE __m256i upper_halves(const Lanes& left, const Lanes& right) noexcept {
        return _mm256_castps_si256(
            _mm256_shuffle_ps(_mm256_castpd_ps(left.v), _mm256_castpd_ps(right.v), 0xDD));
    }

    std::uint32_t pairs_[256];
};

/// A threshold of up to four classes, one of which each lane takes.
struct ClassChoice {
    /// From the classes of four accounts.
    PYMARGIN_INLINE explicit ClassChoice(const std::uint32_t* classes) noexcept {
        const __m256i of_lane =
            _mm256_cvtepu32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(classes)));
        // Lane by lane the numbers 2 c and 2 c + 1 of the halves to take.
        halves = _mm256_add_epi32(_mm256_shuffle_epi32(_mm256_add_epi32(of_lane, of_lane), 0xA0),
                                  _mm256_set1_epi64x(std::int64_t{1} << 32));
    }

    PYMARGIN_INLINE Lanes of(const Lanes& by_class) const noexcept {
        return Lanes(
            _mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(by_class.v), halves)));
    }

    __m256i halves;
};

}  // namespace

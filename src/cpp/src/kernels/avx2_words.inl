// Action words of a block of scenarios, for AVX2; included within its target region.

namespace {

/// The action words of sixteen scenarios.
class Words {
  public:
    PYMARGIN_INLINE explicit Words(std::uint16_t word) noexcept
        : words_(_mm256_set1_epi16(static_cast<short>(word))) {
    }
    PYMARGIN_INLINE explicit Words(__m256i words) noexcept : words_(words) {
    }

    static PYMARGIN_INLINE Words load(const std::uint16_t* at) noexcept {
        return Words(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    }
    PYMARGIN_INLINE void store(std::uint16_t* at) const noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), words_);
    }
    /// The scenarios, a bit each, whose word has a flag.
    PYMARGIN_INLINE unsigned having(std::uint16_t flag) const noexcept {
        // Packing keeps the halves of the register apart.
        const __m256i bytes = _mm256_packs_epi16(all_ones_where(flag), _mm256_setzero_si256());
        const auto mask = static_cast<unsigned>(_mm256_movemask_epi8(bytes));
        return (mask & 255U) | (mask >> 8 & 0xff00U);
    }
    /// Every flag that some word has.
    PYMARGIN_INLINE unsigned any() const noexcept {
        __m128i found =
            _mm_or_si128(_mm256_castsi256_si128(words_), _mm256_extracti128_si256(words_, 1));
        found = _mm_or_si128(found, _mm_unpackhi_epi64(found, found));
        const auto four = static_cast<std::uint64_t>(_mm_cvtsi128_si64(found));
        const std::uint64_t two = four | four >> 32;
        return static_cast<unsigned>((two | two >> 16) & 0xffffU);
    }
    /// Adds 1 to the count of each scenario whose word has flag number `flag`.
    PYMARGIN_INLINE void count(int flag, std::uint16_t* counts) const noexcept {
        auto* const at = reinterpret_cast<__m256i*>(counts);
        const __m256i found = all_ones_where(static_cast<std::uint16_t>(1U << flag));
        _mm256_storeu_si256(at, _mm256_sub_epi16(_mm256_loadu_si256(at), found));
    }

  private:
    PYMARGIN_INLINE __m256i all_ones_where(std::uint16_t flag) const noexcept {
        const __m256i flags = _mm256_set1_epi16(static_cast<short>(flag));
        return _mm256_cmpeq_epi16(_mm256_and_si256(words_, flags), flags);
    }

    __m256i words_;
};

/// The actions of every combination of test bits, for sixteen scenarios; with four tests all of
/// them fit two registers.
template <bool has_four_tests>
class WordTable {
  public:
    PYMARGIN_INLINE explicit WordTable(const std::uint16_t* actions) noexcept
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

    PYMARGIN_INLINE Words look_up(const LaneBits* bits) const noexcept {
        if constexpr (has_four_tests) {
            const __m256i index = pack(bits);
            // What the upper byte of each index, 0, finds is shifted or masked away.
            const __m256i low =
                _mm256_and_si256(_mm256_shuffle_epi8(low_, index), _mm256_set1_epi16(255));
            const __m256i high = _mm256_slli_epi16(_mm256_shuffle_epi8(high_, index), 8);
            return Words(_mm256_or_si256(low, high));
        } else {
            alignas(32) std::uint16_t words[grid_block];
            for (int k = 0; k < grid_block; k += lanes) {
                std::uint64_t of_lanes[lanes];
                bits[k / lanes].take(of_lanes);
                for (int lane = 0; lane < lanes; ++lane) {
                    words[k + lane] = actions_[of_lanes[lane]];
                }
            }
            return Words::load(words);
        }
    }

  private:
    /// The low 16 bits of each of sixteen lanes.
    static PYMARGIN_INLINE __m256i pack(const LaneBits* bits) noexcept {
        const __m256i low = _mm256_packus_epi32(bits[0].lanes_of_64(), bits[1].lanes_of_64());
        const __m256i high = _mm256_packus_epi32(bits[2].lanes_of_64(), bits[3].lanes_of_64());
        const __m256i pairs = _mm256_packus_epi32(low, high);
        // Packing keeps the halves of the register apart.
        return _mm256_permutevar8x32_epi32(pairs, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    }

    const std::uint16_t* actions_;
    __m256i low_;
    __m256i high_;
};

}  // namespace

#include "pymargin/limits.hpp"

#include <cstring>
#include <vector>

#include "pymargin/parallel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pymargin {
namespace {

/// Reads and writes alternate at this many slices: both streams stay open, the loop stays tight.
constexpr std::int64_t slices_per_block = 16;

/// The entries and accounts of a few slices. The three entry arrays are read as bytes, so that
/// sums of 64-bit words do for every type.
struct Block {
    const unsigned char* owned;
    const unsigned char* owed;
    const unsigned char* asset;
    std::int64_t n_slices_of_entries;  ///< four entries each
    double* level_a;                   ///< null: nothing is written
    double* level_b;
    std::uint16_t* actions;
    std::int64_t n_accounts;
};

std::uint64_t word_at(const unsigned char* bytes) noexcept {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

template <int id_size>
std::uint64_t read_entries(const Block& block, std::int64_t first) noexcept {
    constexpr int n_quantity_words = lanes * 8 / 8;
    constexpr int n_asset_words = lanes * id_size / 8;
    std::uint64_t sum = 0;
    for (std::int64_t at = first; at < block.n_slices_of_entries; ++at) {
        for (int word = 0; word < n_quantity_words; ++word) {
            sum += word_at(block.owned + (at * n_quantity_words + word) * 8) +
                   word_at(block.owed + (at * n_quantity_words + word) * 8);
        }
        for (int word = 0; word < n_asset_words; ++word) {
            sum += word_at(block.asset + (at * n_asset_words + word) * 8);
        }
    }
    return sum;
}

void write_accounts(const Block& block, std::int64_t first, std::uint64_t sum) noexcept {
    const auto level = static_cast<double>(sum);
    for (std::int64_t account = first; account < block.n_accounts; ++account) {
        block.level_a[account] = level;
        block.level_b[account] = level;
        block.actions[account] = static_cast<std::uint16_t>(sum);
    }
}

template <int id_size>
std::uint64_t run_generic(const Block& block, std::uint64_t sum) noexcept {
    sum += read_entries<id_size>(block, 0);
    if (block.level_a != nullptr) {
        write_accounts(block, 0, sum);
    }
    return sum;
}

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

__m256i load(const unsigned char* bytes) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

template <int id_size>
std::uint64_t run_avx2(const Block& block, std::uint64_t sum) noexcept {
    // Sixteen entries: 128 bytes of each quantity.
    constexpr int unrolled = 4;
    __m256i sums[unrolled] = {_mm256_setzero_si256(), _mm256_setzero_si256(),
                              _mm256_setzero_si256(), _mm256_setzero_si256()};
    std::int64_t at = 0;
    for (; at + unrolled <= block.n_slices_of_entries; at += unrolled) {
        for (int k = 0; k < unrolled; ++k) {
            sums[k] = _mm256_add_epi64(sums[k], load(block.owned + (at + k) * 32));
            sums[k] = _mm256_add_epi64(sums[k], load(block.owed + (at + k) * 32));
        }
        for (int k = 0; k < unrolled * lanes * id_size / 32; ++k) {
            sums[k] = _mm256_add_epi64(sums[k], load(block.asset + at * lanes * id_size + k * 32));
        }
    }
    alignas(32) std::uint64_t words[4];
    _mm256_store_si256(
        reinterpret_cast<__m256i*>(words),
        _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3])));
    sum += words[0] + words[1] + words[2] + words[3] + read_entries<id_size>(block, at);
    if (block.level_a == nullptr) {
        return sum;
    }
    const __m256d level = _mm256_set1_pd(static_cast<double>(sum));
    const __m256i actions = _mm256_set1_epi16(static_cast<short>(sum));
    std::int64_t account = 0;
    for (; account + 16 <= block.n_accounts; account += 16) {
        for (int k = 0; k < 16; k += 4) {
            _mm256_storeu_pd(block.level_a + account + k, level);
            _mm256_storeu_pd(block.level_b + account + k, level);
        }
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(block.actions + account), actions);
    }
    write_accounts(block, account, sum);
    return sum;
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

template <class AssetId>
Block block_at(const Slots<AssetId>& slots, const LimitOutputs& outputs, std::int64_t first_slice,
               std::int64_t last_slice) noexcept {
    const std::int64_t begin = slots.slice_begin[first_slice] * lanes;
    const std::int64_t account = first_slice * lanes;
    const std::int64_t last_account = last_slice * lanes;
    const bool writes = outputs.level_a != nullptr;
    return {reinterpret_cast<const unsigned char*>(slots.owned + begin),
            reinterpret_cast<const unsigned char*>(slots.owed + begin),
            reinterpret_cast<const unsigned char*>(slots.asset + begin),
            slots.slice_begin[last_slice] - slots.slice_begin[first_slice],
            writes ? outputs.level_a + account : nullptr,
            writes ? outputs.level_b + account : nullptr,
            writes ? outputs.actions + account : nullptr,
            (last_account < slots.n_accounts ? last_account : slots.n_accounts) - account};
}

template <class AssetId>
std::uint64_t run_blocks(const Slots<AssetId>& slots, const LimitOutputs& outputs,
                         std::int64_t first_block, std::int64_t last_block,
                         Implementation implementation) noexcept {
    std::uint64_t total = 0;
    for (std::int64_t block = first_block; block < last_block; ++block) {
        const std::int64_t first = block * slices_per_block;
        const std::int64_t last = first + slices_per_block;
        const Block here =
            block_at(slots, outputs, first, last < slots.n_slices() ? last : slots.n_slices());
#if defined(__x86_64__)
        if (implementation == Implementation::avx2) {
            total = run_avx2<sizeof(AssetId)>(here, total);
            continue;
        }
#endif
        static_cast<void>(implementation);
        total = run_generic<sizeof(AssetId)>(here, total);
    }
    return total;
}

}  // namespace

template <class AssetId>
std::uint64_t read_write_limit(const Slots<AssetId>& slots, const LimitOutputs& outputs,
                               int threads, Implementation implementation) {
    const std::int64_t n_blocks = (slots.n_slices() + slices_per_block - 1) / slices_per_block;
    const std::int64_t parts = part_count(slots.n_accounts, thread_count(threads));
    std::vector<std::uint64_t> sums(static_cast<std::size_t>(parts));
    run_parts(parts, [&](std::int64_t part) {
        sums[static_cast<std::size_t>(part)] = run_blocks(
            slots, outputs, n_blocks * part / parts, n_blocks * (part + 1) / parts, implementation);
    });
    std::uint64_t total = 0;
    for (const std::uint64_t sum : sums) {
        total += sum;
    }
    return total;
}

template <class AssetId>
std::uint64_t read_limit(const Slots<AssetId>& slots, int threads, Implementation implementation) {
    return read_write_limit(slots, LimitOutputs{nullptr, nullptr, nullptr}, threads,
                            implementation);
}

#define PYMARGIN_INSTANTIATE(AssetId)                                                            \
    template std::uint64_t read_limit<AssetId>(const Slots<AssetId>&, int, Implementation);      \
    template std::uint64_t read_write_limit<AssetId>(const Slots<AssetId>&, const LimitOutputs&, \
                                                     int, Implementation);
PYMARGIN_INSTANTIATE(std::uint16_t)
PYMARGIN_INSTANTIATE(std::uint32_t)
#undef PYMARGIN_INSTANTIATE

}  // namespace pymargin

#include "pymargin/slots.hpp"

#include <algorithm>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "pymargin/parallel.hpp"
#include "pymargin/row.hpp"

namespace pymargin {
namespace {

std::int64_t n_windows(std::int64_t n_accounts) noexcept {
    return (n_accounts + slot_window - 1) / slot_window;
}

/// Which accounts of a window owe anything. Debts are counted up entry by entry, and an account
/// owes where the count grows: how long its row is need not be foreseen.
template <class AssetId>
class Owing {
  public:
    Owing(const AccountArrays<AssetId>& accounts, std::int64_t first, std::int64_t last)
        : offsets_(accounts.balances.offsets),
          begin_(offsets_[first]),
          n_debts_(static_cast<std::size_t>(offsets_[last] - begin_ + 1)) {
        const auto& balances = accounts.balances;
        std::uint32_t n = 0;
        for (std::int64_t entry = begin_; entry < offsets_[last]; ++entry) {
            const bool owes = (balances.borrowed[entry] != 0) | (balances.interest[entry] != 0);
            n += owes ? 1 : 0;
            n_debts_[static_cast<std::size_t>(entry - begin_ + 1)] = n;
        }
    }

    bool operator()(std::int64_t account) const noexcept {
        return n_debts_[static_cast<std::size_t>(offsets_[account] - begin_)] !=
               n_debts_[static_cast<std::size_t>(offsets_[account + 1] - begin_)];
    }

  private:
    const std::int64_t* offsets_;
    std::int64_t begin_;
    std::vector<std::uint32_t> n_debts_;
};

/// Asks for the first entries of a row that is read in a while, which nothing else foresees.
template <class AssetId>
void prefetch(const Balances<AssetId>& balances, std::int64_t at) noexcept {
    __builtin_prefetch(balances.asset + at);
    __builtin_prefetch(balances.free + at);
    __builtin_prefetch(balances.locked + at);
    __builtin_prefetch(balances.borrowed + at);
    __builtin_prefetch(balances.interest + at);
}

}  // namespace

void* allocate_bytes(std::size_t size) {
    constexpr std::size_t page = std::size_t{2} << 20;
    const bool is_large = size >= 2 * page;
    void* const memory = is_large ? std::aligned_alloc(page, (size + page - 1) / page * page)
                                  : std::malloc(std::max<std::size_t>(size, 1));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
#if defined(MADV_HUGEPAGE)
    if (is_large) {
        // Advice: without it the pass is slower, no more.
        static_cast<void>(madvise(memory, (size + page - 1) / page * page, MADV_HUGEPAGE));
    }
#endif
    return memory;
}

template <class AssetId>
template <class T>
LargeArray<T> SlotBook<AssetId>::allocate(std::int64_t count) {
    size_bytes_ += static_cast<std::size_t>(count) * sizeof(T);
    return large_array<T>(count);
}

template <class AssetId>
SlotBook<AssetId>::SlotBook(const AccountArrays<AssetId>& accounts, int threads)
    : n_accounts_(accounts.n_accounts) {
    const std::int64_t n_slices = (n_accounts_ + lanes - 1) / lanes;
    slice_begin_ = allocate<std::int64_t>(n_slices + 1);
    place_ = allocate<std::uint16_t>(n_slices * lanes);
    owes_ = allocate<std::uint8_t>(n_slices);
    slice_begin_[0] = 0;
    const auto for_each_window = [&](const auto& work) {
        // A window is work enough for a thread, so they are counted as that many accounts.
        parallel_for(n_windows(n_accounts_), thread_count(threads), work, 1);
    };
    for_each_window([&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t window = begin; window < end; ++window) {
            place_window(accounts, window);
        }
    });
    for (std::int64_t slice = 0; slice < n_slices; ++slice) {
        longest_ = std::max(longest_, slice_begin_[slice + 1]);
        slice_begin_[slice + 1] += slice_begin_[slice];
    }
    const std::int64_t n_entries = slice_begin_[n_slices] * lanes;
    asset_ = allocate<AssetId>(n_entries);
    owned_ = allocate<double>(n_entries);
    owed_ = allocate<double>(n_entries);
    for_each_window([&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t window = begin; window < end; ++window) {
            fill_window(accounts, window);
        }
    });
    take_losses(accounts.open_order_loss);
    if (accounts.orders.offsets != nullptr) {
        take_orders(accounts.orders.offsets);
    }
}

/// Counting-sorts a window's accounts, stable: those that owe, by number of balances, descending,
/// then the others, ascending, so that accounts of one length stand together and a pass finds what
/// is owed in one piece. Notes how wide each slice is where its begin will be, and whether one of
/// it owes.
template <class AssetId>
void SlotBook<AssetId>::place_window(const AccountArrays<AssetId>& accounts, std::int64_t window) {
    const std::int64_t* const offsets = accounts.balances.offsets;
    const std::int64_t first = window * slot_window;
    const std::int64_t last = std::min(first + slot_window, n_accounts_);
    const auto length_of = [&](std::int64_t account) {
        return offsets[account + 1] - offsets[account];
    };
    std::int64_t longest = 0;
    for (std::int64_t account = first; account < last; ++account) {
        longest = std::max(longest, length_of(account));
    }
    const auto owes = Owing<AssetId>(accounts, first, last);
    std::size_t bucket_of[slot_window];
    // slots[bucket] becomes the next free slot of it.
    std::vector<std::int64_t> slots(2 * static_cast<std::size_t>(longest) + 3, 0);
    for (std::int64_t account = first; account < last; ++account) {
        const std::int64_t length = length_of(account);
        const auto bucket =
            static_cast<std::size_t>(owes(account) ? longest - length : longest + 1 + length);
        bucket_of[account - first] = bucket;
        ++slots[bucket + 1];
    }
    for (std::size_t k = 1; k < slots.size(); ++k) {
        slots[k] += slots[k - 1];
    }
    const std::int64_t n_owing = slots[static_cast<std::size_t>(longest) + 1];
    for (std::int64_t slice = first / lanes; slice < (last + lanes - 1) / lanes; ++slice) {
        slice_begin_[slice + 1] = 0;
        owes_[slice] = slice * lanes < first + n_owing ? 1 : 0;
    }
    for (std::int64_t account = first; account < last; ++account) {
        const std::int64_t slot = first + slots[bucket_of[account - first]]++;
        place_[slot] = static_cast<std::uint16_t>(account - first);
        std::int64_t& width = slice_begin_[slot / lanes + 1];
        width = std::max(width, length_of(account));
    }
}

template <class AssetId>
void SlotBook<AssetId>::fill_window(const AccountArrays<AssetId>& accounts,
                                    std::int64_t window) noexcept {
    const std::int64_t first_slice = window * slot_window / lanes;
    const std::int64_t last_slice =
        std::min(first_slice + slot_window / lanes, (n_accounts_ + lanes - 1) / lanes);
    const Balances<AssetId>& balances = accounts.balances;
    const std::int64_t* const offsets = balances.offsets;
    const std::int64_t end = std::min(last_slice * lanes, n_accounts_);
    for (std::int64_t slice = first_slice; slice < last_slice; ++slice) {
        const std::int64_t width = slice_begin_[slice + 1] - slice_begin_[slice];
        for (int lane = 0; lane < lanes; ++lane) {
            const std::int64_t slot = slice * lanes + lane;
            std::int64_t length = 0;
            std::int64_t entry = 0;
            if (slot < n_accounts_) {
                const std::int64_t account = window * slot_window + place_[slot];
                entry = offsets[account];
                length = offsets[account + 1] - entry;
            }
            constexpr std::int64_t n_ahead = 8 * lanes;
            if (slot + n_ahead < end) {
                prefetch(balances, offsets[window * slot_window + place_[slot + n_ahead]]);
            }
            std::int64_t at = slice_begin_[slice] * lanes + lane;
            for (std::int64_t j = entry; j < entry + length; ++j, at += lanes) {
                asset_[at] = balances.asset[j];
                owned_[at] = owned_of<double>(balances, j);
                owed_[at] = owed_of<double>(balances, j);
            }
            for (std::int64_t j = length; j < width; ++j, at += lanes) {
                asset_[at] = 0;
                owned_[at] = owed_[at] = 0;
            }
        }
    }
}

/// Open-order losses slot by slot, where there are any.
template <class AssetId>
void SlotBook<AssetId>::take_losses(const double* losses) {
    if (std::any_of(losses, losses + n_accounts_, [](double loss) { return loss != 0; })) {
        open_order_loss_ = allocate<double>((n_accounts_ + lanes - 1) / lanes * lanes);
        for (std::int64_t slot = 0; slot < n_accounts_; ++slot) {
            open_order_loss_[slot] = losses[view().account_of(slot)];
        }
    }
}

/// Marks the slots whose accounts have open orders.
template <class AssetId>
void SlotBook<AssetId>::take_orders(const std::int64_t* offsets) {
    if (offsets[n_accounts_] == offsets[0]) {
        return;
    }
    const std::int64_t n_slices = (n_accounts_ + lanes - 1) / lanes;
    has_orders_ = allocate<std::uint8_t>(n_slices);
    std::fill_n(has_orders_.get(), n_slices, std::uint8_t{0});
    for (std::int64_t slot = 0; slot < n_accounts_; ++slot) {
        const std::int64_t account = view().account_of(slot);
        if (offsets[account + 1] > offsets[account]) {
            has_orders_[slot / lanes] |= static_cast<std::uint8_t>(1U << (slot % lanes));
        }
    }
}

template class SlotBook<std::uint16_t>;
template class SlotBook<std::uint32_t>;

}  // namespace pymargin

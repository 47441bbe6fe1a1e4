#include "pymargin/slots.hpp"

#include <algorithm>
#include <vector>

#include "pymargin/parallel.hpp"
#include "pymargin/row.hpp"

namespace pymargin {
namespace {

std::int64_t n_windows(std::int64_t n_accounts) noexcept {
    return (n_accounts + slot_window - 1) / slot_window;
}

}  // namespace

template <class AssetId>
template <class T>
std::unique_ptr<T[]> SlotBook<AssetId>::allocate(std::int64_t count) {
    size_bytes_ += static_cast<std::size_t>(count) * sizeof(T);
    return std::unique_ptr<T[]>(new T[static_cast<std::size_t>(count)]);
}

template <class AssetId>
SlotBook<AssetId>::SlotBook(const AccountArrays<AssetId>& accounts, int threads)
    : n_accounts_(accounts.n_accounts) {
    const std::int64_t n_slices = (n_accounts_ + lanes - 1) / lanes;
    slice_begin_ = allocate<std::int64_t>(n_slices + 1);
    place_ = allocate<std::uint16_t>(n_slices * lanes);
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
    take_orders(accounts);
}

/// Counting-sorts a window's accounts by number of balances, descending and stable, and notes how
/// wide each slice is where its begin will be.
template <class AssetId>
void SlotBook<AssetId>::place_window(const AccountArrays<AssetId>& accounts, std::int64_t window) {
    const std::int64_t first = window * slot_window;
    const std::int64_t last = std::min(first + slot_window, n_accounts_);
    const std::int64_t* const offsets = accounts.balances.offsets;
    std::int64_t longest = 0;
    for (std::int64_t account = first; account < last; ++account) {
        longest = std::max(longest, offsets[account + 1] - offsets[account]);
    }
    // slots[k] becomes the next free slot of an account with longest - k balances.
    std::vector<std::int64_t> slots(static_cast<std::size_t>(longest) + 2, 0);
    const auto bucket = [&](std::int64_t account) {
        return static_cast<std::size_t>(longest - (offsets[account + 1] - offsets[account]));
    };
    for (std::int64_t account = first; account < last; ++account) {
        ++slots[bucket(account) + 1];
    }
    for (std::size_t k = 1; k < slots.size(); ++k) {
        slots[k] += slots[k - 1];
    }
    for (std::int64_t account = first; account < last; ++account) {
        const std::int64_t slot = first + slots[bucket(account)]++;
        place_[slot] = static_cast<std::uint16_t>(account - first);
        if (slot % lanes == 0) {
            slice_begin_[slot / lanes + 1] = offsets[account + 1] - offsets[account];
        }
    }
}

template <class AssetId>
void SlotBook<AssetId>::fill_window(const AccountArrays<AssetId>& accounts,
                                    std::int64_t window) noexcept {
    const std::int64_t first_slice = window * slot_window / lanes;
    const std::int64_t last_slice =
        std::min(first_slice + slot_window / lanes, (n_accounts_ + lanes - 1) / lanes);
    const auto& balances = accounts.balances;
    for (std::int64_t slice = first_slice; slice < last_slice; ++slice) {
        const std::int64_t width = slice_begin_[slice + 1] - slice_begin_[slice];
        for (int lane = 0; lane < lanes; ++lane) {
            const std::int64_t slot = slice * lanes + lane;
            std::int64_t length = 0;
            std::int64_t entry = 0;
            if (slot < n_accounts_) {
                const std::int64_t account = window * slot_window + place_[slot];
                entry = balances.offsets[account];
                length = balances.offsets[account + 1] - entry;
            }
            std::int64_t at = slice_begin_[slice] * lanes + lane;
            for (std::int64_t j = 0; j < width; ++j, at += lanes) {
                const bool is_padding = j >= length;
                asset_[at] = is_padding ? AssetId{0} : balances.asset[entry + j];
                owned_[at] = is_padding ? 0 : owned_of<double>(balances, entry + j);
                owed_[at] = is_padding ? 0 : owed_of<double>(balances, entry + j);
            }
        }
    }
}

template <class AssetId>
void SlotBook<AssetId>::take_orders(const AccountArrays<AssetId>& accounts) {
    const std::int64_t n_slices = (n_accounts_ + lanes - 1) / lanes;
    const double* const losses = accounts.open_order_loss;
    const std::int64_t* const offsets = accounts.orders.offsets;
    const bool has_losses =
        std::any_of(losses, losses + n_accounts_, [](double loss) { return loss != 0; });
    if (has_losses) {
        open_order_loss_ = allocate<double>(n_slices * lanes);
    }
    if (offsets[n_accounts_] > offsets[0]) {
        has_orders_ = allocate<std::uint8_t>(n_slices);
        std::fill_n(has_orders_.get(), n_slices, std::uint8_t{0});
    }
    if (!has_losses && has_orders_ == nullptr) {
        return;
    }
    for (std::int64_t slot = 0; slot < n_accounts_; ++slot) {
        const std::int64_t account = slot / slot_window * slot_window + place_[slot];
        if (has_losses) {
            open_order_loss_[slot] = losses[account];
        }
        if (has_orders_ != nullptr && offsets[account + 1] > offsets[account]) {
            has_orders_[slot / lanes] |= static_cast<std::uint8_t>(1U << (slot % lanes));
        }
    }
}

template class SlotBook<std::uint16_t>;
template class SlotBook<std::uint32_t>;

}  // namespace pymargin

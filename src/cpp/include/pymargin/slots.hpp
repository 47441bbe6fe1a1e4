#pragma once

#include <cstddef>
#include <cstdint>

#include "pymargin/accounts.hpp"
#include "pymargin/large_array.hpp"

namespace pymargin {

/// How many accounts advance together.
constexpr int lanes = 4;

/// Accounts are sorted by whether they owe and by number of balances within windows of this many:
/// wide enough that almost no padding remains, narrow enough that results scattered back to their
/// places stay in cache.
constexpr std::int64_t slot_window = 4096;

/// A book laid out for vectors: accounts in slots, four slots to a slice as wide as its longest
/// account; in each window those that owe come first. Entry j of lane l of slice s lies at
/// 4 * (slice_begin[s] + j) + l; padding has asset 0 and no quantity. An account's entries keep
/// their order, so its sums keep their bits.
template <class AssetId>
struct Slots {
    std::int64_t n_accounts;
    const std::int64_t* slice_begin;  ///< n_slices + 1
    const AssetId* asset;
    const double* owned;             ///< free + locked, rounded as the row-wise pass does
    const double* owed;              ///< borrowed + interest
    const double* open_order_loss;   ///< per slot; null where all are 0
    const std::uint8_t* has_orders;  ///< per slice, a bit a lane; null where no account has any
    const std::uint16_t* place;      ///< per slot: the account's place in its window
    const std::uint8_t* owes;        ///< per slice: whether an account owes
    std::int64_t longest;            ///< entries of the widest slice

    std::int64_t n_slices() const noexcept {
        return (n_accounts + lanes - 1) / lanes;
    }
    std::int64_t account_of(std::int64_t slot) const noexcept {
        return slot / slot_window * slot_window + place[slot];
    }
};

/// Owns the slots of a book. The book's own arrays must outlive it: exact decisions go back to
/// them, for the decimals of free, locked, borrowed and interest each by itself.
template <class AssetId>
class SlotBook {
  public:
    SlotBook(const AccountArrays<AssetId>& accounts, int threads);

    Slots<AssetId> view() const noexcept {
        return {n_accounts_,       slice_begin_.get(), asset_.get(),
                owned_.get(),      owed_.get(),        open_order_loss_.get(),
                has_orders_.get(), place_.get(),       owes_.get(),
                longest_};
    }

    /// Bytes held.
    std::size_t size_bytes() const noexcept {
        return size_bytes_;
    }

  private:
    template <class T>
    LargeArray<T> allocate(std::int64_t count);

    void place_window(const AccountArrays<AssetId>& accounts, std::int64_t window);
    void fill_window(const AccountArrays<AssetId>& accounts, std::int64_t window) noexcept;
    void take_losses(const double* losses);
    void take_orders(const std::int64_t* offsets);

    std::int64_t n_accounts_;
    std::int64_t longest_ = 0;
    std::size_t size_bytes_ = 0;
    LargeArray<std::int64_t> slice_begin_;
    LargeArray<AssetId> asset_;
    LargeArray<double> owned_;
    LargeArray<double> owed_;
    LargeArray<double> open_order_loss_;
    LargeArray<std::uint8_t> has_orders_;
    LargeArray<std::uint16_t> place_;
    LargeArray<std::uint8_t> owes_;
};

}  // namespace pymargin

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "pymargin/accounts.hpp"
#include "pymargin/pools.hpp"

namespace pymargin {

/// How many accounts advance together.
constexpr int lanes = 4;

/// Accounts are sorted by number of balances within windows of this many: wide enough that almost
/// no padding remains, narrow enough that results scattered back to their places stay in cache.
constexpr std::int64_t slot_window = 4096;

/// A book laid out for vectors: accounts in slots, four slots to a slice as wide as its longest
/// account. Entry j of lane l of slice s lies at 4 * (slice_begin[s] + j) + l; padding has asset 0
/// and no quantity. An account's entries keep their order, so its sums keep their bits.
template <class AssetId>
struct Slots {
    std::int64_t n_accounts;
    const std::int64_t* slice_begin;  ///< n_slices + 1
    const AssetId* asset;
    const double* owned;  ///< free + locked, rounded as the row-wise pass does; x of a leg
    const double* owed;   ///< borrowed + interest; y of a leg
    const double* z;      ///< of a leg; null where there are none
    const double* open_order_loss;   ///< per slot; null where all are 0
    const std::uint8_t* has_orders;  ///< per slice, a bit a lane; null where no account has any
    const std::uint16_t* place;      ///< per slot: the account's place in its window

    std::int64_t n_slices() const noexcept {
        return (n_accounts + lanes - 1) / lanes;
    }
    std::int64_t account_of(std::int64_t slot) const noexcept {
        return slot / slot_window * slot_window + place[slot];
    }
};

/// Owns the slots of a book, AccountArrays or Pools. The book's own arrays must outlive it: exact
/// decisions go back to them, for the decimals of free, locked, borrowed and interest each by
/// itself.
template <class AssetId>
class SlotBook {
  public:
    template <class Accounts>
    SlotBook(const Accounts& accounts, int threads);

    Slots<AssetId> view() const noexcept {
        return {n_accounts_, slice_begin_.get(),     asset_.get(),      owned_.get(), owed_.get(),
                z_.get(),    open_order_loss_.get(), has_orders_.get(), place_.get()};
    }

    /// Bytes held.
    std::size_t size_bytes() const noexcept {
        return size_bytes_;
    }

  private:
    // Not std::vector: every element is written once, so none need be zeroed first.
    template <class T>
    std::unique_ptr<T[]> allocate(std::int64_t count);

    void place_window(const std::int64_t* offsets, std::int64_t window);
    template <class Accounts>
    void fill_window(const Accounts& accounts, std::int64_t window) noexcept;
    void take_losses(const double* losses);
    void take_orders(const std::int64_t* offsets);

    std::int64_t n_accounts_;
    std::size_t size_bytes_ = 0;
    std::unique_ptr<std::int64_t[]> slice_begin_;
    std::unique_ptr<AssetId[]> asset_;
    std::unique_ptr<double[]> owned_;
    std::unique_ptr<double[]> owed_;
    std::unique_ptr<double[]> z_;
    std::unique_ptr<double[]> open_order_loss_;
    std::unique_ptr<std::uint8_t[]> has_orders_;
    std::unique_ptr<std::uint16_t[]> place_;
};

}  // namespace pymargin

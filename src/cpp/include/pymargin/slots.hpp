#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "pymargin/accounts.hpp"
#include "pymargin/pools.hpp"

namespace pymargin {

/// How many accounts advance together.
constexpr int lanes = 4;

/// Accounts are sorted by whether they owe and by number of balances within windows of this many:
/// wide enough that almost no padding remains, narrow enough that results scattered back to their
/// places stay in cache.
constexpr std::int64_t slot_window = 4096;

/// A book laid out for vectors: accounts in slots, four slots to a slice as wide as its longest
/// account; in each window those that owe come first. Entry j of lane l of slice s lies at 4 *
/// (slice_begin[s] + j) + l; padding has asset 0 and no quantity. An account's entries keep their
/// order, so its sums keep their bits.
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
    const std::uint8_t* owes;        ///< per slice: whether an account owes; null: any may
    std::int64_t longest;            ///< entries of the widest slice

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
                z_.get(),    open_order_loss_.get(), has_orders_.get(), place_.get(), owes_.get(),
                longest_};
    }

    /// Bytes held.
    std::size_t size_bytes() const noexcept {
        return size_bytes_;
    }

  private:
    struct Free {
        void operator()(void* memory) const noexcept {
            std::free(memory);
        }
    };
    // Not std::vector: every element is written once, so none need be zeroed first.
    template <class T>
    using Array = std::unique_ptr<T[], Free>;

    template <class T>
    Array<T> allocate(std::int64_t count);

    template <class Accounts>
    void place_window(const Accounts& accounts, std::int64_t window);
    template <class Accounts>
    void fill_window(const Accounts& accounts, std::int64_t window) noexcept;
    void take_losses(const double* losses);
    void take_orders(const std::int64_t* offsets);

    std::int64_t n_accounts_;
    std::int64_t longest_ = 0;
    std::size_t size_bytes_ = 0;
    Array<std::int64_t> slice_begin_;
    Array<AssetId> asset_;
    Array<double> owned_;
    Array<double> owed_;
    Array<double> z_;
    Array<double> open_order_loss_;
    Array<std::uint8_t> has_orders_;
    Array<std::uint16_t> place_;
    Array<std::uint8_t> owes_;
};

}  // namespace pymargin

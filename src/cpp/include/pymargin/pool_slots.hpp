#pragma once

#include <cstdint>

#include "pymargin/large_array.hpp"
#include "pymargin/market.hpp"
#include "pymargin/pools.hpp"
#include "pymargin/slots.hpp"

namespace pymargin {

/// Accounts are sorted by the kinds and sizes of their legs within windows of this many: wide
/// enough that most rows of four legs are of one kind, narrow enough that results scattered back to
/// their places stay in cache.
constexpr std::int64_t pool_window = 32'768;

/// What four legs that are added at once are, a bit a lane each: positions, assets; assets that end
/// their pool, and those of them whose pool is of an isolated position. What is padded is a
/// position of nothing.
struct LegRow {
    static constexpr std::uint32_t has_terms = 1U << 16;
    /// All are assets by themselves, none of a pool of several.
    static constexpr std::uint32_t are_single = 1U << 17;
    /// Some position was beyond its first bracket when the book was laid out, and probably is.
    static constexpr std::uint32_t has_large = 1U << 18;
    static constexpr std::uint32_t all_positions = 0x000f;
    static constexpr std::uint32_t all_assets = 0x00f0;
    static constexpr std::uint32_t all_cross_ends = 0x0ff0;
    static constexpr std::uint32_t all_isolated_ends = 0xfff0;

    static constexpr std::uint32_t position(int lane) noexcept {
        return 1U << lane | has_terms;
    }
    static constexpr std::uint32_t asset(int lane, bool ends_pool, bool is_isolated) noexcept {
        return 16U << lane | (ends_pool ? 256U << lane : 0) |
               (ends_pool && is_isolated ? 4096U << lane : 0);
    }
};

/// A book's pools laid out for vectors: accounts in slots, all the legs of an account in one slot,
/// pool by pool; four slots to a slice as wide as its longest account. In each window of
/// pool_window accounts those whose legs are of the same kinds stand together, so that the four
/// legs of a row mostly are; among them those whose positions are beyond their first bracket, so
/// that the four of a row mostly are valued alike. Leg j of lane l of slice s lies at
/// 4 * (slice_begin[s] + j) + l. Its y and z are stored only for rows with LegRow::has_terms, one
/// row after the other, of slice s from terms_begin[s] on; elsewhere they are 0. Legs keep their
/// order, so sums keep their bits.
struct PoolSlots {
    /// What a pass keeps of an instrument, in float64s.
    static constexpr std::uint32_t row_size = 28;

    std::int64_t n_accounts;
    const std::int64_t* slice_begin;  ///< n_slices + 1
    const std::int64_t* terms_begin;  ///< n_slices + 1
    const std::uint32_t* kinds;       ///< per row of legs: see LegRow
    const std::uint32_t* row;         ///< of the instrument: its number times row_size
    const double* x;
    const double* y;
    const double* z;
    const double* open_order_loss;   ///< per slot; null where all are 0
    const std::uint8_t* has_orders;  ///< per slice, a bit a lane; null where no account has any
    const std::uint16_t* place;      ///< per slot: the account's place in its window
    std::int64_t longest;            ///< legs of the widest slice

    std::int64_t account_of(std::int64_t slot) const noexcept {
        return slot / pool_window * pool_window + place[slot];
    }
};

/// Owns the slots of the pools of a book. The pools must outlive it: exact decisions go back to
/// them.
class PoolSlotBook {
  public:
    /// `market`: its prices and brackets tell how accounts are best sorted, no more than that;
    /// null: none is known.
    template <class RowId>
    PoolSlotBook(const Pools<RowId>& pools, const Market<1>* market, int threads);

    PoolSlots view() const noexcept {
        return {n_accounts_,       slice_begin_.get(), terms_begin_.get(),
                kinds_.get(),      row_.get(),         x_.get(),
                y_.get(),          z_.get(),           open_order_loss_.get(),
                has_orders_.get(), place_.get(),       longest_};
    }

  private:
    template <class RowId>
    void place_window(const Pools<RowId>& pools, const Market<1>* market, std::int64_t window);
    template <class RowId>
    void fill_slice(const Pools<RowId>& pools, const Market<1>* market,
                    std::int64_t slice) noexcept;
    template <class RowId>
    void take_losses(const Pools<RowId>& pools);
    template <class RowId>
    void take_orders(const Pools<RowId>& pools);

    std::int64_t n_accounts_;
    std::int64_t longest_ = 0;
    LargeArray<std::int64_t> slice_begin_;
    LargeArray<std::int64_t> terms_begin_;
    LargeArray<std::uint32_t> kinds_;
    LargeArray<std::uint32_t> row_;
    LargeArray<double> x_;
    LargeArray<double> y_;
    LargeArray<double> z_;
    LargeArray<double> open_order_loss_;
    LargeArray<std::uint8_t> has_orders_;
    LargeArray<std::uint16_t> place_;
};

}  // namespace pymargin

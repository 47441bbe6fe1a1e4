#include "pymargin/pool_slots.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pymargin/parallel.hpp"

namespace pymargin {
namespace {

/// Walks the legs of an account, pool by pool.
template <class RowId>
class LegCursor {
  public:
    LegCursor(const Pools<RowId>& pools, std::int64_t account) noexcept
        : pools_(pools),
          first_asset_of_positions_(2 * std::size_t{pools.book->n_assets}),
          pool_(pools.first_pool[account]),
          leg_(pools.offsets[pool_]),
          end_(pools.offsets[pools.first_pool[account + 1]]) {
        find_pool();
    }

    bool is_at_end() const noexcept {
        return leg_ == end_;
    }
    std::int64_t leg() const noexcept {
        return leg_;
    }
    bool is_position() const noexcept {
        return pools_.row[leg_] >= first_asset_of_positions_;
    }
    /// A pool ends with an asset.
    bool ends_pool() const noexcept {
        return leg_ + 1 == pools_.offsets[pool_ + 1];
    }
    bool is_isolated() const noexcept {
        return pools_.keys[pool_].isolated >= 0;
    }
    bool has_terms() const noexcept {
        return is_position() || pools_.y[leg_] != 0 || pools_.z[leg_] != 0;
    }
    std::uint32_t kind(int lane) const noexcept {
        if (is_position()) {
            return LegRow::position(lane);
        }
        return LegRow::asset(lane, ends_pool(), is_isolated()) |
               (has_terms() ? LegRow::has_terms : 0);
    }
    void advance() noexcept {
        ++leg_;
        find_pool();
    }

  private:
    void find_pool() noexcept {
        while (leg_ != end_ && leg_ == pools_.offsets[pool_ + 1]) {
            ++pool_;
        }
    }

    const Pools<RowId>& pools_;
    std::size_t first_asset_of_positions_;
    std::int64_t pool_;
    std::int64_t leg_;
    std::int64_t end_;
};

/// Whether a position is beyond its first bracket.
template <class RowId>
bool is_large(const Pools<RowId>& pools, const Market<1>* market, std::int64_t leg) noexcept {
    if (market == nullptr) {
        return false;
    }
    const MarketRow<1>& row = market->rows[pools.row[leg]];
    return std::fabs(pools.x[leg] * row.price) > row.tables[0].first_cap;
}

/// What accounts are sorted by: how many legs, then whether in multi-assets mode, then of which
/// kinds their first legs are, then which of these are large.
struct SortKey {
    std::uint64_t kinds;
    std::uint32_t large;
    std::uint16_t place;  ///< of the account in its window

    bool operator<(const SortKey& other) const noexcept {
        if (kinds != other.kinds) {
            return kinds < other.kinds;
        }
        return large != other.large ? large < other.large : place < other.place;
    }
};

template <class RowId>
SortKey sort_key(const Pools<RowId>& pools, const Market<1>* market,
                 std::int64_t account) noexcept {
    constexpr int n_kinds = 24;
    constexpr std::uint64_t most = 32'767;
    std::uint64_t n_legs = 0;
    std::uint64_t kinds = 0;
    std::uint32_t large = 0;
    for (LegCursor<RowId> at(pools, account); !at.is_at_end(); at.advance(), ++n_legs) {
        if (n_legs >= n_kinds) {
            continue;
        }
        const auto bit = static_cast<int>(n_kinds - 1 - n_legs);
        if (!at.is_position()) {
            const std::uint64_t ends = at.ends_pool() ? (at.is_isolated() ? 3 : 2) : 1;
            kinds |= ends << (2 * bit);
        } else if (is_large(pools, market, at.leg())) {
            large |= 1U << bit;
        }
    }
    const std::uint8_t* const multi_assets = pools.book->multi_assets;
    const std::uint64_t multi = multi_assets != nullptr && multi_assets[account] != 0 ? 1 : 0;
    kinds |= (most - std::min(n_legs, most)) << (2 * n_kinds + 1) | multi << (2 * n_kinds);
    return {kinds, large, 0};
}

template <class RowId>
std::int64_t n_legs(const Pools<RowId>& pools, std::int64_t account) noexcept {
    return pools.offsets[pools.first_pool[account + 1]] - pools.offsets[pools.first_pool[account]];
}

}  // namespace

template <class RowId>
PoolSlotBook::PoolSlotBook(const Pools<RowId>& pools, const Market<1>* market, int threads)
    : n_accounts_(pools.book->n_accounts) {
    const std::int64_t n_slices = (n_accounts_ + lanes - 1) / lanes;
    slice_begin_ = large_array<std::int64_t>(n_slices + 1);
    terms_begin_ = large_array<std::int64_t>(n_slices + 1);
    place_ = large_array<std::uint16_t>(n_slices * lanes);
    slice_begin_[0] = terms_begin_[0] = 0;
    const std::int64_t n_windows = (n_accounts_ + pool_window - 1) / pool_window;
    // A window is work enough for a thread, so they are counted as that many accounts.
    const auto for_each = [&](std::int64_t n, std::int64_t least, const auto& work) {
        parallel_for(
            n, thread_count(threads),
            [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t k = begin; k < end; ++k) {
                    work(k);
                }
            },
            least);
    };
    for_each(n_windows, 1, [&](std::int64_t window) { place_window(pools, market, window); });
    for (std::int64_t slice = 0; slice < n_slices; ++slice) {
        longest_ = std::max(longest_, slice_begin_[slice + 1]);
        slice_begin_[slice + 1] += slice_begin_[slice];
        terms_begin_[slice + 1] += terms_begin_[slice];
    }
    kinds_ = large_array<std::uint32_t>(slice_begin_[n_slices]);
    row_ = large_array<std::uint32_t>(slice_begin_[n_slices] * lanes);
    x_ = large_array<double>(slice_begin_[n_slices] * lanes);
    y_ = large_array<double>(terms_begin_[n_slices] * lanes);
    z_ = large_array<double>(terms_begin_[n_slices] * lanes);
    for_each(n_slices, pool_window / lanes,
             [&](std::int64_t slice) { fill_slice(pools, market, slice); });
    // An account with orders or a loss of them has one pool: pools are counted as accounts are.
    if (pools.book->pooling == Pooling::in_one) {
        take_losses(pools);
        take_orders(pools);
    }
}

/// Notes how many rows of legs, and how many of them with terms, each slice of a window has where
/// its begin will be.
template <class RowId>
void PoolSlotBook::place_window(const Pools<RowId>& pools, const Market<1>* market,
                                std::int64_t window) {
    const std::int64_t first = window * pool_window;
    const std::int64_t last = std::min(first + pool_window, n_accounts_);
    std::vector<SortKey> order;
    order.reserve(static_cast<std::size_t>(last - first));
    for (std::int64_t account = first; account < last; ++account) {
        order.push_back(sort_key(pools, market, account));
        order.back().place = static_cast<std::uint16_t>(account - first);
    }
    std::sort(order.begin(), order.end());
    std::vector<bool> has_terms;
    for (std::int64_t slot = first; slot < last; slot += lanes) {
        has_terms.clear();
        const std::int64_t end = std::min<std::int64_t>(slot + lanes, last);
        for (std::int64_t at = slot; at < end; ++at) {
            place_[at] = order[static_cast<std::size_t>(at - first)].place;
            std::size_t j = 0;
            LegCursor<RowId> leg(pools, first + place_[at]);
            for (; !leg.is_at_end(); leg.advance(), ++j) {
                if (j == has_terms.size()) {
                    has_terms.push_back(false);
                }
                has_terms[j] = has_terms[j] || leg.has_terms();
            }
        }
        // What is padded counts as a position; where it is, the row has terms.
        for (std::int64_t at = slot; at < slot + lanes; ++at) {
            const auto length =
                static_cast<std::size_t>(at < end ? n_legs(pools, first + place_[at]) : 0);
            std::fill(has_terms.begin() + static_cast<std::ptrdiff_t>(length), has_terms.end(),
                      true);
        }
        slice_begin_[slot / lanes + 1] = static_cast<std::int64_t>(has_terms.size());
        terms_begin_[slot / lanes + 1] = std::count(has_terms.begin(), has_terms.end(), true);
    }
}

template <class RowId>
void PoolSlotBook::fill_slice(const Pools<RowId>& pools, const Market<1>* market,
                              std::int64_t slice) noexcept {
    const std::int64_t first = slice_begin_[slice];
    const std::int64_t last = slice_begin_[slice + 1];
    std::fill(kinds_.get() + first, kinds_.get() + last, 0U);
    for (int lane = 0; lane < lanes; ++lane) {
        const std::int64_t slot = slice * lanes + lane;
        std::int64_t at = first;
        if (slot < n_accounts_) {
            for (LegCursor<RowId> leg(pools, view().account_of(slot)); !leg.is_at_end();
                 leg.advance(), ++at) {
                kinds_[at] |= leg.kind(lane);
                if (leg.is_position() && is_large(pools, market, leg.leg())) {
                    kinds_[at] |= LegRow::has_large;
                }
                row_[at * lanes + lane] = pools.row[leg.leg()] * PoolSlots::row_size;
                x_[at * lanes + lane] = pools.x[leg.leg()];
            }
        }
        for (; at < last; ++at) {
            kinds_[at] |= LegRow::position(lane);
            row_[at * lanes + lane] = 0;
            x_[at * lanes + lane] = 0;
        }
    }
    for (std::int64_t at = first; at < last; ++at) {
        bool are_single = true;
        for (int lane = 0; lane < lanes; ++lane) {
            are_single =
                are_single && row_[at * lanes + lane] < pools.book->n_assets * PoolSlots::row_size;
        }
        if (are_single && (kinds_[at] & 0x000f) == 0) {
            kinds_[at] |= LegRow::are_single;
        }
    }
    for (int lane = 0; lane < lanes; ++lane) {
        const std::int64_t slot = slice * lanes + lane;
        const std::int64_t account = slot < n_accounts_ ? view().account_of(slot) : -1;
        std::int64_t leg = account < 0 ? 0 : pools.offsets[pools.first_pool[account]];
        const std::int64_t end = account < 0 ? 0 : leg + n_legs(pools, account);
        std::int64_t to = terms_begin_[slice] * lanes + lane;
        for (std::int64_t at = first; at < last; ++at, ++leg) {
            if ((kinds_[at] & LegRow::has_terms) != 0) {
                y_[to] = leg < end ? pools.y[leg] : 0;
                z_[to] = leg < end ? pools.z[leg] : 0;
                to += lanes;
            }
        }
    }
}

/// Open-order losses slot by slot, where there are any.
template <class RowId>
void PoolSlotBook::take_losses(const Pools<RowId>& pools) {
    const double* const losses = pools.open_order_loss;
    if (std::any_of(losses, losses + n_accounts_, [](double loss) { return loss != 0; })) {
        open_order_loss_ = large_array<double>((n_accounts_ + lanes - 1) / lanes * lanes);
        for (std::int64_t slot = 0; slot < n_accounts_; ++slot) {
            open_order_loss_[slot] = losses[view().account_of(slot)];
        }
    }
}

/// Marks the slots whose accounts have open orders.
template <class RowId>
void PoolSlotBook::take_orders(const Pools<RowId>& pools) {
    const Holdings& book = *pools.book;
    const std::int64_t* const offsets = book.orders.offsets;
    if (offsets == nullptr || offsets[n_accounts_] == offsets[0]) {
        return;
    }
    const std::int64_t n_slices = (n_accounts_ + lanes - 1) / lanes;
    has_orders_ = large_array<std::uint8_t>(n_slices);
    std::fill_n(has_orders_.get(), n_slices, std::uint8_t{0});
    for (std::int64_t slot = 0; slot < n_accounts_; ++slot) {
        if (book.n_orders(view().account_of(slot)) > 0) {
            has_orders_[slot / lanes] |= static_cast<std::uint8_t>(1U << (slot % lanes));
        }
    }
}

template PoolSlotBook::PoolSlotBook(const Pools<std::uint16_t>&, const Market<1>*, int);
template PoolSlotBook::PoolSlotBook(const Pools<std::uint32_t>&, const Market<1>*, int);

}  // namespace pymargin

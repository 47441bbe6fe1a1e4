#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pymargin/few.hpp"
#include "pymargin/holdings.hpp"
#include "pymargin/number.hpp"

namespace pymargin {

/// What one level is computed on is a pool: a list of legs, for each asset first the positions
/// settled in it, then the asset's own leg, which closes them. A leg is three numbers:
///
///   position:  x = base quantity (COIN-M: -quantity * size), y = x times what it was entered at,
///              negative, z = 1 / leverage; its notional is |x k| and its profit x k + y with
///              k = the mark price (COIN-M: size / mark price, x k + y = q size (1/entry - 1/mark))
///   asset:     x = the net balance, y and z = maintenance and initial margin of a margin loan
template <class Number>
struct Leg {
    Number x;
    Number y;
    Number z;
};

/// Where a leg comes from: a position, or an asset's balance and wallet (-1: there is none), or
/// the wallet of an isolated position.
struct LegSource {
    bool is_position;
    std::uint32_t row;  ///< in the table of instruments, see PoolRows
    std::int64_t balance;
    std::int64_t wallet;
    std::int64_t position;
};

/// Rows of instruments: assets by themselves, assets in multi-assets mode, symbols.
struct PoolRows {
    std::uint32_t n_assets;

    std::uint32_t asset(std::uint32_t id, bool multi_assets) const noexcept {
        return multi_assets ? n_assets + id : id;
    }
    std::uint32_t symbol(std::uint32_t id) const noexcept {
        return 2 * n_assets + id;
    }
};

/// Which pool of an account: of one asset, of all of them, or of one isolated position.
struct PoolKey {
    std::uint32_t asset;    ///< what its figures are in, n_assets: USDT
    std::int64_t isolated;  ///< the position, -1: cross
};

/// Calls begin(PoolKey) and leg(LegSource) for all pools of an account, in the order in which its
/// assets appear in balances, wallets and positions; isolated positions last.
template <class Begin, class TakeLeg>
void for_each_leg(const Holdings& book, std::int64_t account, const Begin& begin,
                  const TakeLeg& leg) {
    const PoolRows rows{book.n_assets};
    const bool multi_assets = book.multi_assets != nullptr && book.multi_assets[account] != 0;
    const bool in_one = book.pooling == Pooling::in_one || multi_assets;
    constexpr std::size_t usual = 8;
    Few<LegSource, usual> assets;
    const auto asset_leg = [&](std::uint32_t asset) -> LegSource& {
        for (LegSource& known : assets) {
            if (known.row == rows.asset(asset, multi_assets)) {
                return known;
            }
        }
        return assets.add({false, rows.asset(asset, multi_assets), -1, -1, -1});
    };
    const auto& positions = book.positions;
    const std::int64_t first = positions.offsets[account];
    const std::int64_t last = positions.offsets[account + 1];
    const auto settlement = [&](std::int64_t position) {
        return book.contracts[positions.symbol[position]].settlement;
    };
    const auto is_cross = [&](std::int64_t position) {
        return std::isnan(positions.isolated_margin[position]);
    };
    if (book.pooling == Pooling::in_one) {
        for (auto k = book.balances.offsets[account]; k < book.balances.offsets[account + 1]; ++k) {
            asset_leg(book.balances.asset[k]).balance = k;
        }
    }
    for (auto k = book.wallets.offsets[account]; k < book.wallets.offsets[account + 1]; ++k) {
        asset_leg(book.wallets.asset[k]).wallet = k;
    }
    for (std::int64_t k = first; k < last; ++k) {
        if (is_cross(k)) {
            asset_leg(settlement(k));
        }
    }
    // Futures without anything in cross margin have no cross pool.
    if (book.pooling == Pooling::in_one || (in_one && !assets.empty())) {
        begin(PoolKey{book.n_assets, -1});
    }
    for (const LegSource& asset : assets) {
        const std::uint32_t id = asset.row - (multi_assets ? book.n_assets : 0);
        if (!in_one) {
            begin(PoolKey{id, -1});
        }
        for (std::int64_t k = first; k < last; ++k) {
            if (is_cross(k) && settlement(k) == id) {
                leg(LegSource{true, rows.symbol(positions.symbol[k]), -1, -1, k});
            }
        }
        leg(asset);
    }
    for (std::int64_t k = first; k < last; ++k) {
        if (!is_cross(k)) {
            begin(PoolKey{settlement(k), k});
            leg(LegSource{true, rows.symbol(positions.symbol[k]), -1, -1, k});
            leg(LegSource{false, rows.asset(settlement(k), false), -1, -1, k});
        }
    }
}

/// The numbers of a leg: for double, Quotient, and where the contract is linear Exact128 and
/// FineLine, there without z. For double each within 4 roundings of the decimals, relative to
/// itself.
template <class Number>
Leg<Number> leg_of(const Holdings& book, const LegSource& source);

/// A view of the pools of a book.
template <class RowId>
struct Pools {
    std::int64_t n_accounts;  ///< of pools: each is evaluated as an account is
    const std::int64_t* offsets;
    const RowId* row;
    const double* x;
    const double* y;
    const double* z;
    const std::uint16_t* gaps;  ///< per pool: unpriced whatever the prices; null: none is
    const double* open_order_loss;
    const Holdings* book;
    const std::int64_t* account;     ///< of each pool
    const std::int64_t* first_pool;  ///< of each account
    const PoolKey* keys;             ///< of each pool
};

/// Owns the pools of a book, whose own arrays must outlive it.
template <class RowId>
class PoolBook {
  public:
    explicit PoolBook(const Holdings& book);

    Pools<RowId> view() const noexcept;

    const std::vector<PoolKey>& keys() const noexcept {
        return keys_;
    }

  private:
    Holdings book_;
    std::vector<std::int64_t> offsets_;
    std::vector<RowId> row_;
    std::vector<double> x_;
    std::vector<double> y_;
    std::vector<double> z_;
    std::vector<std::uint16_t> gaps_;
    std::vector<double> open_order_loss_;
    std::vector<std::int64_t> account_;
    std::vector<std::int64_t> first_pool_;
    std::vector<PoolKey> keys_;
    bool has_gaps_ = false;
};

}  // namespace pymargin

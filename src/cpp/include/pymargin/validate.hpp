#pragma once

#include <cstdint>
#include <vector>

#include "pymargin/accounts.hpp"

namespace pymargin {

/// What is wrong with one entry of a book; the values are part of the Python interface.
enum class Fault : int {
    free = 1,
    locked,
    borrowed,
    interest,
    duplicate_asset,
    offsets,
    asset_id,
    wallet_balance,
    duplicate_wallet,
    quantity,
    entry_price,
    position_leverage,
    side,
    isolated_margin,
    side_sign,
    duplicate_position,
    mixed_sides,
    symbol_id,
};

struct FoundFault {
    Fault fault;
    std::int64_t account;
    std::int64_t entry;
};

/// Every fault of a book's balances, at most `limit` of them: offsets that fall or run past
/// `n_entries`, quantities that are negative or not finite, an asset twice in one account.
/// After a fault of the offsets nothing else is looked at.
template <class AssetId>
std::vector<FoundFault> check_balances(const Balances<AssetId>& balances, std::int64_t n_accounts,
                                       std::int64_t n_entries, std::int64_t n_assets,
                                       std::size_t limit);

/// Every fault of a book's wallets likewise: a balance that is not finite, an asset twice.
template <class AssetId>
std::vector<FoundFault> check_wallets(const Wallets<AssetId>& wallets, std::int64_t n_accounts,
                                      std::int64_t n_entries, std::int64_t n_assets,
                                      std::size_t limit);

/// Every fault of a book's positions likewise: numbers that no position has, a quantity against
/// its side, a symbol and side twice in one account, a symbol in one-way and hedge mode at once.
/// Here a leverage not given is NaN, not 0. An entry of quantity 0 is no position: its symbol,
/// side and numbers must be sound, but for the entry price, and it is no duplicate.
template <class SymbolId>
std::vector<FoundFault> check_positions(const Positions<SymbolId>& positions,
                                        std::int64_t n_accounts, std::int64_t n_entries,
                                        std::int64_t n_symbols, std::size_t limit);

/// Per asset: how many accounts hold some of it, and how many owe some.
template <class AssetId>
void count_holders(const Balances<AssetId>& balances, std::int64_t n_accounts,
                   std::int64_t* holders, std::int64_t* owers) noexcept;

}  // namespace pymargin

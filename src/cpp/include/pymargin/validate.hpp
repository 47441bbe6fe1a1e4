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

/// Per asset: how many accounts hold some of it, and how many owe some.
template <class AssetId>
void count_holders(const Balances<AssetId>& balances, std::int64_t n_accounts,
                   std::int64_t* holders, std::int64_t* owers) noexcept;

}  // namespace pymargin

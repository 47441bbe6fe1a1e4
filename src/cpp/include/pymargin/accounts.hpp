#pragma once

#include <cstdint>

namespace pymargin {

/// CSR views of a book: account i holds entries offsets[i] to offsets[i + 1] of each list.
/// Everything is checked before a view is made (validate.hpp), and no entry is all zero (its asset
/// would need a price); nothing is owned.
template <class AssetId>
struct Balances {
    const std::int64_t* offsets;
    const AssetId* asset;
    const double* free;  ///< units of the asset, as the three below
    const double* locked;
    const double* borrowed;
    const double* interest;
};

/// Open orders: what each gives away and what it gets, in units of the assets.
template <class AssetId>
struct Orders {
    const std::int64_t* offsets;
    const AssetId* give_asset;
    const AssetId* get_asset;
    const double* give_quantity;
    const double* get_quantity;
};

/// One book of accounts.
template <class AssetId>
struct AccountArrays {
    std::int64_t n_accounts;
    Balances<AssetId> balances;
    Orders<AssetId> orders;
    const double* open_order_loss;  ///< USDT >= 0; used where an account has no orders
};

}  // namespace pymargin

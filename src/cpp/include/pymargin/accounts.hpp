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

/// Futures wallets: per asset, in its units, negative where it is owed.
template <class AssetId>
struct Wallets {
    const std::int64_t* offsets;
    const AssetId* asset;
    const double* balance;
};

/// Futures positions, none of quantity 0.
template <class SymbolId>
struct Positions {
    const std::int64_t* offsets;
    const SymbolId* symbol;
    const double* quantity;         ///< < 0 short; units of the base asset, or contracts in COIN-M
    const double* entry_price;      ///< > 0
    const double* leverage;         ///< an integer from 1; 0 where not given
    const std::int8_t* side;        ///< 0 both, 1 long, 2 short
    const double* isolated_margin;  ///< units of the settlement asset; NaN for a cross position
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

#pragma once

#include <cstdint>

#include "pymargin/accounts.hpp"
#include "pymargin/types.hpp"

namespace pymargin {

/// What a symbol's contract says of a position in it.
struct Contract {
    std::uint32_t settlement;  ///< the asset that profit and margin are counted in
    double size;               ///< base units (USDⓈ-M) or quote units (COIN-M) of one contract
    bool is_inverse;           ///< COIN-M: the value of a contract goes with 1 / price
};

/// What a margin loan needs at its leverage (portfolio margin). Leverages that occur are in a list;
/// 0 stands for an unknown one.
struct LoanRate {
    int leverage;
    Decimal maintenance;  ///< maintenance margin over the loan
};

/// How an account's wallets and positions come together in pools.
enum class Pooling {
    by_asset,  ///< futures: one pool a settlement asset, or one in all in multi-assets mode
    in_one,    ///< portfolio margin
};

/// One book of accounts with wallets and positions, and the contracts that these rest on. Checked
/// before it is made; nothing is owned.
struct Holdings {
    std::int64_t n_accounts;
    Pooling pooling;
    std::uint32_t n_assets;
    Balances<std::uint32_t> balances;   ///< empty for futures
    const std::uint8_t* loan_leverage;  ///< per balance
    Wallets<std::uint32_t> wallets;
    Positions<std::uint32_t> positions;
    const std::uint8_t* multi_assets;  ///< per account: 1 in multi-assets mode; null: none is
    const Contract* contracts;         ///< per symbol
    const LoanRate* loan_rates;
    int n_loan_rates;
    const double* open_order_loss;  ///< USDT >= 0
    /// Portfolio margin, where an account is one pool; null offsets: there are none.
    Orders<std::uint32_t> orders{};

    std::int64_t n_orders(std::int64_t account) const noexcept {
        return orders.offsets == nullptr ? 0
                                         : orders.offsets[account + 1] - orders.offsets[account];
    }

    /// Null where no loan can be had at the leverage.
    const LoanRate* loan_rate(int leverage) const noexcept {
        for (int k = 0; k < n_loan_rates; ++k) {
            if (loan_rates[k].leverage == leverage) {
                return loan_rates + k;
            }
        }
        return nullptr;
    }
};

}  // namespace pymargin

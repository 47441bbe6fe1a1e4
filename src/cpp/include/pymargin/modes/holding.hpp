#pragma once

#include "pymargin/number.hpp"

namespace pymargin {

/// What a collateral ratio is applied to.
enum class Reading {
    gross,  ///< the whole holding of an asset
    net,    ///< what remains of it after the account's own debt in the same asset
};

/// What an account holds and owes of one asset, at its price.
///
/// Net (Binance FAQ "Binance Margin Level and Margin Call", updated 2026-06-18): the part of a
/// holding that is matched by debt in the same asset counts in full, the rest through the ratio:
/// min(A, D) p + CR(max(A - D, 0) p), our compact form of the published sum.
template <class Number, Reading reading>
class Holding {
  public:
    PYMARGIN_INLINE Holding(const Number& owned, const Number& owed, const Number& price) noexcept
        : value_(owned * price), debt_(owed * price) {
        if constexpr (reading == Reading::net) {
            matched_ = smaller(owned, owed) * price;
            unmatched_ = positive_part(owned - owed) * price;
        }
    }

    PYMARGIN_INLINE const Number& value() const noexcept {
        return value_;
    }
    PYMARGIN_INLINE const Number& debt() const noexcept {
        return debt_;
    }

    /// The holding's collateral value under a table of `asset`, in USDT.
    template <int table, class Asset>
    PYMARGIN_INLINE Number under(const Asset& asset) const noexcept {
        if constexpr (reading == Reading::net) {
            return matched_ + asset.template value<table>(unmatched_, value_ + debt_);
        } else {
            return asset.template value<table>(value_);
        }
    }

  private:
    Number value_;
    Number debt_;
    Number matched_{};
    Number unmatched_{};
};

}  // namespace pymargin

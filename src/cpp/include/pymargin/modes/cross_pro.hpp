#pragma once

#include "pymargin/modes/holding.hpp"
#include "pymargin/number.hpp"

namespace pymargin {

/// How an order's loss of collateral is taken where the exchange's text is silent.
enum class OrderLoss {
    marginal,    ///< on top of the whole holding of each asset
    standalone,  ///< as if the order's quantities were the only holding
};

/// Cross Margin Pro, since 2025-01-21.
///
/// margin level = (net collateral - open order loss) / maintenance margin, where net collateral =
/// sum of collateral value - sum of (liability + interest), and maintenance and initial margin are
/// progressive over each liability's USDT value.
/// available margin = max(0, net collateral - open order loss - initial margin) [our reading: the
/// FAQ says only that open-order loss may affect it].
/// Source: Binance FAQ "How to Calculate the Margin Level on Cross Margin Pro" (12a78d8a) and the
/// margin-data page. Collateral on gross holdings as published; Reading::net is the other reading.
template <Reading reading, OrderLoss order_loss>
struct CrossPro {
    /// The methodology as the rules name it, then the two readings.
    static constexpr const char* name =
        reading == Reading::gross
            ? (order_loss == OrderLoss::marginal ? "pro_2025/gross/marginal"
                                                 : "pro_2025/gross/standalone")
            : (order_loss == OrderLoss::marginal ? "pro_2025/net/marginal"
                                                 : "pro_2025/net/standalone");
    static constexpr bool has_positions = false;
    static constexpr bool counts_orders = true;

    /// Whether every level of an account that owes nothing is infinite, so that no test fires.
    static constexpr bool is_free_without_debt = false;

    enum Table { collateral, maintenance, initial };
    static constexpr int n_tables = 3;
    static constexpr int n_held_tables = 1;  ///< those asked of holdings, not of debts

    enum Level { margin_level, available_margin, n_levels };

    static constexpr int usual_tests[] = {margin_level, margin_level, available_margin,
                                          margin_level};

    /// Whether a level is a ratio to what is owed: infinite where nothing is.
    static constexpr bool is_over_debt(int level) noexcept {
        return level == margin_level;
    }

    enum Total { net_collateral, open_order_loss, maintenance_margin, initial_margin, n_totals };

    static constexpr int n_sums = 5;

    template <class Number>
    struct Sums {
        Number collateral{};
        Number liability{};
        Number maintenance{};
        Number initial{};
        Number open_order_loss{};
        Number magnitude{};
    };

    /// One asset of an account, as the formula reads it.
    template <class Number>
    using Position = Holding<Number, reading>;

    template <class Number, class Asset>
    static PYMARGIN_INLINE void add(Sums<Number>& sums, const Number& owned, const Number& owed,
                                    const Asset& asset) noexcept {
        const Position<Number> holding(owned, owed, asset.price());
        add_held(sums, holding, asset);
        add_owed(sums, holding, asset);
        add_magnitude(sums, holding);
    }

    /// The part of `add` that is nothing where nothing is owned, but for the magnitude.
    template <class Number, class Asset>
    static PYMARGIN_INLINE void add_held(Sums<Number>& sums, const Position<Number>& holding,
                                         const Asset& asset) noexcept {
        sums.collateral += holding.template under<collateral>(asset);
    }

    /// The part of `add` that is nothing where nothing is owed, but for the magnitude.
    template <class Number, class Asset>
    static PYMARGIN_INLINE void add_owed(Sums<Number>& sums, const Position<Number>& holding,
                                         const Asset& asset) noexcept {
        sums.liability += holding.debt();
        sums.maintenance += asset.template value<maintenance>(holding.debt());
        sums.initial += asset.template value<initial>(holding.debt());
    }

    /// What a bound on every partial sum grows by.
    template <class Number>
    static PYMARGIN_INLINE void add_magnitude(Sums<Number>& sums,
                                              const Position<Number>& holding) noexcept {
        if constexpr (!is_exact<Number>) {
            sums.magnitude += holding.value() + holding.debt();
        }
    }

    /// What an account has of one side of an order: the asset, and how much it holds and owes.
    template <class Number, class Asset>
    struct OrderSide {
        const Asset& asset;
        Number owned;
        Number owed;
        Number quantity;
    };

    /// The collateral that one order would cost once filled, never less than 0: orders are not
    /// netted [our reading of "sum of max(0, ...)"; quantities at the index price].
    template <class Number, class Asset>
    static PYMARGIN_INLINE void add_order(Sums<Number>& sums, const OrderSide<Number, Asset>& give,
                                          const OrderSide<Number, Asset>& get) noexcept {
        sums.open_order_loss += positive_part(given_up(give) - gained(get));
        if constexpr (!is_exact<Number>) {
            sums.magnitude += extent(give) + extent(get);
        }
    }

    template <class Number>
    static PYMARGIN_INLINE void add_order_loss(Sums<Number>& sums, const Number& loss) noexcept {
        sums.open_order_loss += loss;
        if constexpr (!is_exact<Number>) {
            sums.magnitude += loss;
        }
    }

    template <class Number>
    static PYMARGIN_INLINE Number magnitude(const Sums<Number>& sums) noexcept {
        return sums.magnitude;
    }

    template <class Number>
    static PYMARGIN_INLINE Ratio<Number> level(const Sums<Number>& sums, int level) noexcept {
        const Number equity = sums.collateral - sums.liability - sums.open_order_loss;
        if (level == margin_level) {
            return {equity, sums.maintenance};
        }
        // A margin in USDT is the ratio of itself to 1.
        return {equity - sums.initial, Number(1.0)};
    }

    /// A level as it is published: available margin never falls below 0.
    template <class Number>
    static PYMARGIN_INLINE Number shown(int level, const Number& value) noexcept {
        return level == available_margin ? positive_part(value) : value;
    }

    template <class Number>
    static PYMARGIN_INLINE Number total(const Sums<Number>& sums, int total) noexcept {
        switch (total) {
            case net_collateral:
                return sums.collateral - sums.liability;
            case open_order_loss:
                return sums.open_order_loss;
            case maintenance_margin:
                return sums.maintenance;
            default:
                return sums.initial;
        }
    }

  private:
    template <class Number, class Asset>
    static PYMARGIN_INLINE Number collateral_of(const Number& owned, const Number& owed,
                                                const Asset& asset) noexcept {
        return Holding<Number, reading>(owned, owed, asset.price())
            .template under<collateral>(asset);
    }

    template <class Number, class Asset>
    static PYMARGIN_INLINE Number given_up(const OrderSide<Number, Asset>& give) noexcept {
        if constexpr (order_loss == OrderLoss::standalone) {
            return collateral_of(give.quantity, Number{}, give.asset);
        } else {
            return collateral_of(give.owned, give.owed, give.asset) -
                   collateral_of(positive_part(give.owned - give.quantity), give.owed, give.asset);
        }
    }

    template <class Number, class Asset>
    static PYMARGIN_INLINE Number gained(const OrderSide<Number, Asset>& get) noexcept {
        if constexpr (order_loss == OrderLoss::standalone) {
            return collateral_of(get.quantity, Number{}, get.asset);
        } else {
            return collateral_of(get.owned + get.quantity, get.owed, get.asset) -
                   collateral_of(get.owned, get.owed, get.asset);
        }
    }

    /// Both collateral terms of a side are at most this, twice over.
    template <class Number, class Asset>
    static PYMARGIN_INLINE Number extent(const OrderSide<Number, Asset>& side) noexcept {
        return Number(2.0) * (side.owned + side.owed + side.quantity) * side.asset.price();
    }
};

}  // namespace pymargin

#pragma once

#include "pymargin/modes/pool.hpp"

namespace pymargin {

/// USDⓈ-M and COIN-M futures: margin level = margin balance / maintenance margin, the inverse of
/// the exchange's margin ratio; liquidation at 1. Margin balance = wallet balance + unrealised
/// profit; available balance = margin balance - initial margin [our reading: open orders are not
/// known]. Figures of a pool of one asset are in units of that asset, else in USD.
/// Source: Binance FAQ "Leverage and Margin of USDⓈ-M Futures" (b3c689c1).
struct Futures {
    static constexpr const char* name = "futures";
    static constexpr bool has_positions = true;
    static constexpr bool is_one_pool = false;  ///< of an account
    static constexpr bool counts_orders = false;

    enum Table { collateral };  ///< of a position: its brackets
    static constexpr int n_tables = 1;

    enum Level { margin_level, available_balance, n_levels };
    static constexpr int usual_tests[] = {margin_level, available_balance, margin_level,
                                          available_balance};

    enum Total { margin_balance, unrealized_pnl, maintenance_margin, initial_margin, n_totals };

    static constexpr int n_sums = 6;

    template <class Number>
    using Sums = PoolSums<Number>;

    template <class Number, class Instrument>
    static PYMARGIN_INLINE void add(Sums<Number>& sums, const Leg<Number>& leg,
                                    const Instrument& instrument) noexcept {
        add_leg(sums, leg, instrument);
    }

    template <class Number>
    static PYMARGIN_INLINE Number magnitude(const Sums<Number>& sums) noexcept {
        return sums.magnitude;
    }

    template <class Number>
    static PYMARGIN_INLINE Ratio<Number> level(const Sums<Number>& sums, int level) noexcept {
        if (level == margin_level) {
            return {sums.equity, sums.maintenance};
        }
        return {sums.equity - sums.initial, Number(1.0)};
    }

    template <class Number>
    static PYMARGIN_INLINE Number shown(int /*level*/, const Number& value) noexcept {
        return value;
    }

    template <class Number>
    static PYMARGIN_INLINE Number total(const Sums<Number>& sums, int total) noexcept {
        switch (total) {
            case margin_balance:
                return sums.equity;
            case unrealized_pnl:
                return sums.profit;
            case maintenance_margin:
                return sums.maintenance;
            default:
                return sums.initial;
        }
    }
};

}  // namespace pymargin

#pragma once

#include "pymargin/modes/pool.hpp"

namespace pymargin {

/// What the largest withdrawal leaves: 1.2 times the maintenance margin, or [the other reading] the
/// initial margin.
enum class Withdrawal { leaves_maintenance, leaves_initial };

/// Portfolio Margin and Portfolio Margin Pro: uniMMR = (account equity - open order loss) /
/// maintenance margin; available balance = account equity - open order loss - initial margin [our
/// reading where orders are open]. The two differ in their collateral rates, flat or tiered.
/// Sources: Binance FAQ "Portfolio Margin Mode" (4868b2f1, 2025-02-06) and "Portfolio Margin Pro"
/// (5e33af8e); of the largest withdrawal FAQ 446ce2c3.
struct Portfolio {
    static constexpr const char* name = "portfolio";
    static constexpr bool has_positions = true;
    static constexpr bool is_one_pool = true;  ///< of an account
    static constexpr bool counts_orders = true;

    enum Table { collateral };  ///< of a position: its brackets
    static constexpr int n_tables = 1;

    enum Level { uni_mmr, available_balance, n_levels };
    static constexpr int usual_tests[] = {uni_mmr, uni_mmr, uni_mmr, uni_mmr};

    enum Total {
        account_equity,
        actual_equity,
        unrealized_pnl,
        open_order_loss,
        maintenance_margin,
        initial_margin,
        left_by_maintenance,  ///< largest withdrawal that leaves 1.2 times the maintenance margin
        left_by_initial,      ///< the other reading: that leaves the initial margin
        n_totals
    };

    static constexpr int n_sums = 7;

    template <class Number>
    using Sums = PoolSums<Number>;

    template <class Number, class Instrument>
    static PYMARGIN_INLINE void add(Sums<Number>& sums, const Leg<Number>& leg,
                                    const Instrument& instrument) noexcept {
        add_leg(sums, leg, instrument);
    }

    template <class Number, class Instrument>
    using OrderSide = PoolOrderSide<Number, Instrument>;

    /// The counted equity that one order would cost once filled, never less than 0 [our reading:
    /// at index prices, each order on the whole equity, not netted].
    template <class Number, class Instrument>
    static void add_order(Sums<Number>& sums, const OrderSide<Number, Instrument>& give,
                          const OrderSide<Number, Instrument>& get) noexcept {
        sums.open_order_loss +=
            positive_part(Number{} - (equity_change(give) + equity_change(get)));
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
        const Number equity = sums.equity - sums.open_order_loss;
        if (level == uni_mmr) {
            return {equity, sums.maintenance};
        }
        return {equity - sums.initial, Number(1.0)};
    }

    template <class Number>
    static PYMARGIN_INLINE Number shown(int /*level*/, const Number& value) noexcept {
        return value;
    }

    template <class Number>
    static PYMARGIN_INLINE Number total(const Sums<Number>& sums, int total) noexcept {
        switch (total) {
            case account_equity:
                return sums.equity;
            case actual_equity:
                return sums.actual_equity;
            case unrealized_pnl:
                return sums.profit;
            case open_order_loss:
                return sums.open_order_loss;
            case maintenance_margin:
                return sums.maintenance;
            case initial_margin:
                return sums.initial;
            case left_by_maintenance:
                return positive_part(withdrawable(sums, Withdrawal::leaves_maintenance));
            default:
                return positive_part(withdrawable(sums, Withdrawal::leaves_initial));
        }
    }

    /// What an account may withdraw before it is cut off at 0.
    template <class Number>
    static PYMARGIN_INLINE Number withdrawable(const Sums<Number>& sums,
                                               Withdrawal withdrawal) noexcept {
        const Number equity = sums.equity - sums.open_order_loss;
        return withdrawal == Withdrawal::leaves_maintenance
                   ? equity - Number(1.2) * sums.maintenance
                   : equity - sums.initial;
    }

  private:
    /// Both counted equities of a side are at most half of this.
    template <class Instrument>
    static double extent(const OrderSide<double, Instrument>& side) noexcept {
        return 2 * (side.gross + size_of(side.quantity)) *
               (side.asset.price() + side.asset.weight());
    }
};

}  // namespace pymargin

#pragma once

#include "pymargin/modes/holding.hpp"
#include "pymargin/number.hpp"

namespace pymargin {

/// How Cross Margin Classic takes an account, by the date of the rules.
enum class ClassicMethodology {
    since_2023,     ///< margin level on gross assets, one collateral ratio
    since_2026_01,  ///< three collateral ratios: liquidation, borrow, transfer-out
    since_2026_06,  ///< the margin level itself on net positions with the liquidation ratio
};

/// Cross Margin Classic.
///
/// margin level = total asset / (total liability + interest), from 2026-06-15 collateral value /
/// (total liability + interest); collateral, borrow and transfer-out margin level =
/// sum of CR(value) / (total liability + interest) with the ratio of each.
/// Sources: Binance FAQ "Binance Margin Level and Margin Call" (360030493931); notice "Binance
/// Margin Will Update the Collateral Ratio of Multiple Parameters for Cross Margin Mode"
/// (2026-01-21). That borrow and transfer-out levels net as the margin level does from 2026-06-15
/// is our reading.
template <ClassicMethodology methodology>
struct CrossClassic {
    /// As the methodologies are named in the rules.
    static constexpr const char* name =
        methodology == ClassicMethodology::since_2023      ? "classic_2023"
        : methodology == ClassicMethodology::since_2026_01 ? "classic_2026_01"
                                                           : "classic_2026_06";
    static constexpr bool has_three_ratios = methodology != ClassicMethodology::since_2023;
    static constexpr Reading reading =
        methodology == ClassicMethodology::since_2026_06 ? Reading::net : Reading::gross;
    static constexpr bool has_positions = false;
    static constexpr bool counts_orders = false;

    /// Whether every level of an account that owes nothing is infinite, so that no test fires.
    static constexpr bool is_free_without_debt = true;

    enum Table { collateral, borrow, transfer_out };
    static constexpr int n_tables = has_three_ratios ? 3 : 1;
    static constexpr int n_held_tables = n_tables;  ///< those asked of holdings, not of debts

    enum Level {
        margin_level,
        collateral_margin_level,
        borrow_margin_level,
        transfer_out_margin_level,
        n_levels,
    };

    /// Which level each test of the exchange's own thresholds asks for.
    static constexpr int usual_tests[] = {margin_level, margin_level, borrow_margin_level,
                                          transfer_out_margin_level};

    /// Whether a level is a ratio to what is owed: infinite where nothing is.
    static constexpr bool is_over_debt(int /*level*/) noexcept {
        return true;
    }

    enum Total { total_asset, total_liability, collateral_value, n_totals };

    /// How many of the sums are kept up by `add`.
    static constexpr int n_sums = has_three_ratios ? 5 : 3;

    template <class Number>
    struct Sums {
        Number asset{};
        Number liability{};
        Number collateral{};
        Number borrow{};
        Number transfer_out{};
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
    }

    /// The part of `add` that is nothing where nothing is owned.
    template <class Number, class Asset>
    static PYMARGIN_INLINE void add_held(Sums<Number>& sums, const Position<Number>& holding,
                                         const Asset& asset) noexcept {
        sums.asset += holding.value();
        sums.collateral += holding.template under<collateral>(asset);
        if constexpr (has_three_ratios) {
            sums.borrow += holding.template under<borrow>(asset);
            sums.transfer_out += holding.template under<transfer_out>(asset);
        }
    }

    /// The part of `add` that is nothing where nothing is owed.
    template <class Number, class Asset>
    static PYMARGIN_INLINE void add_owed(Sums<Number>& sums, const Position<Number>& holding,
                                         const Asset& /*asset*/) noexcept {
        sums.liability += holding.debt();
    }

    /// The magnitude is made of the sums.
    template <class Number>
    static PYMARGIN_INLINE void add_magnitude(Sums<Number>& /*sums*/,
                                              const Position<Number>& /*holding*/) noexcept {
    }

    /// A bound on every partial sum, which the error bound of a decision is relative to.
    template <class Number>
    static PYMARGIN_INLINE Number magnitude(const Sums<Number>& sums) noexcept {
        return sums.asset + sums.liability;
    }

    template <class Number>
    static PYMARGIN_INLINE Ratio<Number> level(const Sums<Number>& sums, int level) noexcept {
        switch (level) {
            case margin_level:
                return {reading == Reading::net ? sums.collateral : sums.asset, sums.liability};
            case borrow_margin_level:
                return {has_three_ratios ? sums.borrow : sums.collateral, sums.liability};
            case transfer_out_margin_level:
                return {has_three_ratios ? sums.transfer_out : sums.collateral, sums.liability};
            default:
                return {sums.collateral, sums.liability};
        }
    }

    /// A level as it is published.
    template <class Number>
    static PYMARGIN_INLINE Number shown(int /*level*/, const Number& value) noexcept {
        return value;
    }

    template <class Number>
    static PYMARGIN_INLINE Number total(const Sums<Number>& sums, int total) noexcept {
        switch (total) {
            case total_asset:
                return sums.asset;
            case total_liability:
                return sums.liability;
            default:
                return sums.collateral;
        }
    }
};

}  // namespace pymargin

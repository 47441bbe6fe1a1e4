#pragma once

#include "pymargin/number.hpp"
#include "pymargin/pools.hpp"

namespace pymargin {

/// Equity, maintenance and initial margin of a pool: futures and portfolio margin have them alike.
///
/// A position of notional n = |x k| has profit x k + y, maintenance margin n * rate - cum by the
/// bracket of n, and initial margin n / leverage. Each asset closes what is settled in it: with
/// E = its balance + the profit of its positions, equity is CR(E k) where E >= 0 (CR: 1 for
/// futures, the collateral rate for portfolio margin) and E w where E < 0; margins count at w.
/// k and w are both the index price (portfolio margin), the bid and the ask rate (multi-assets
/// mode) or 1 (a pool of one asset).
/// Sources: Binance FAQ "Leverage and Margin of USDⓈ-M Futures" (b3c689c1) and "Leverage and
/// Margin of COIN-M Futures" (ceccfcfb) for the margins; "Portfolio Margin Mode" (4868b2f1,
/// 2025-02-06) and "Portfolio Margin Pro" (5e33af8e) for equity and uniMMR. Our reading: a negative
/// E counts at the ask rate.
template <class Number>
struct PoolSums {
    Number equity{};
    Number actual_equity{};  ///< with every collateral rate 1
    Number profit{};
    Number maintenance{};
    Number initial{};
    Number open_order_loss{};
    Number magnitude{};

    /// Of the positions since the last asset: units of the asset that will close them.
    Number open_profit{};
    Number open_maintenance{};
    Number open_initial{};
    Number open_magnitude{};
};

/// Begins new sums where `which` holds.
template <class Number, class Mask>
PYMARGIN_INLINE void begin_again(PoolSums<Number>& sums, const Mask& which) noexcept {
    const Number none{};
    sums.equity = choose(which, none, sums.equity);
    sums.actual_equity = choose(which, none, sums.actual_equity);
    sums.profit = choose(which, none, sums.profit);
    sums.maintenance = choose(which, none, sums.maintenance);
    sums.initial = choose(which, none, sums.initial);
    sums.open_order_loss = choose(which, none, sums.open_order_loss);
    sums.magnitude = choose(which, none, sums.magnitude);
    sums.open_profit = choose(which, none, sums.open_profit);
    sums.open_maintenance = choose(which, none, sums.open_maintenance);
    sums.open_initial = choose(which, none, sums.open_initial);
    sums.open_magnitude = choose(which, none, sums.open_magnitude);
}

/// What the legs are that are added at once: what a lane is not need not be computed.
enum class LegKind { position, asset, either };

template <LegKind kind, class Number, class Instrument>
PYMARGIN_INLINE void add_legs(PoolSums<Number>& sums, const Leg<Number>& leg,
                              const Instrument& instrument) noexcept {
    constexpr bool has_positions = kind != LegKind::asset;
    constexpr bool has_assets = kind != LegKind::position;
    [[maybe_unused]] const auto closes = instrument.is_asset();
    // Of an asset, of a position; known where all legs are of a kind.
    const auto pick = [&](const Number& of_asset, const Number& of_position) -> Number {
        if constexpr (kind == LegKind::either) {
            return choose(closes, of_asset, of_position);
        } else {
            return has_assets ? of_asset : of_position;
        }
    };
    const Number none{};
    const Number price = instrument.price();
    [[maybe_unused]] const Number weight = instrument.weight();
    Number signed_notional{};
    Number notional{};
    if constexpr (has_positions) {
        signed_notional = leg.x * price;
        notional = size_of(signed_notional);
    }
    [[maybe_unused]] Number units{};
    Number equity{};
    if constexpr (has_assets) {
        units = leg.x + sums.open_profit;
        equity = positive_part(units) * price;
    }
    Number extent = notional;
    if constexpr (!is_exact<Number>) {
        if constexpr (has_assets) {
            const Number gross = size_of(leg.x) + sums.open_magnitude;
            extent = pick(gross * price, notional);
            sums.magnitude += (gross + leg.y + leg.z) * pick(price + weight, none);
        }
        sums.open_magnitude = pick(none, sums.open_magnitude + notional + size_of(leg.y));
    }
    const Number value = instrument.template value<0>(pick(equity, notional), extent);
    if constexpr (has_assets) {
        [[maybe_unused]] const auto valued = [&](const Number& amount) {
            return positive_part(amount) * price - positive_part(none - amount) * weight;
        };
        const Number shortage = positive_part(none - units) * weight;
        sums.equity += pick(value - shortage, none);
        sums.maintenance += pick((sums.open_maintenance + leg.y) * weight, none);
        if constexpr (has_totals<Number>) {
            sums.actual_equity += pick(equity - shortage, none);
            sums.profit += pick(valued(sums.open_profit), none);
            sums.initial += pick((sums.open_initial + leg.z) * weight, none);
        }
    }
    sums.open_profit = pick(none, sums.open_profit + (signed_notional + leg.y));
    sums.open_maintenance = pick(none, sums.open_maintenance + value);
    if constexpr (has_totals<Number>) {
        sums.open_initial = pick(none, sums.open_initial + notional * leg.z);
    }
}

/// Which of four legs a kind fits decides once for all: mostly it fits all of them. A sum is never
/// -0, so that nothing added is the same as 0 added.
template <class Number, class Instrument>
PYMARGIN_INLINE void add_leg(PoolSums<Number>& sums, const Leg<Number>& leg,
                             const Instrument& instrument) noexcept {
    const auto closes = instrument.is_asset();
    if (holds_nowhere(closes)) {
        add_legs<LegKind::position>(sums, leg, instrument);
    } else if (holds_everywhere(closes)) {
        add_legs<LegKind::asset>(sums, leg, instrument);
    } else {
        add_legs<LegKind::either>(sums, leg, instrument);
    }
}

/// One side of an open order: the asset, what the pool's equity in it is, and what the order moves.
template <class Number, class Instrument>
struct PoolOrderSide {
    const Instrument& asset;
    Number units;     ///< of equity before the order is filled
    Number gross;     ///< the size of what they are the sum of; not kept in exact numbers
    Number quantity;  ///< < 0: given away
};

/// What a pool's equity in an asset counts, as add_leg counts it when the asset closes.
template <class Number, class Instrument>
Number counted_equity(const Number& units, const Number& gross, const Instrument& asset) noexcept {
    const Number price = asset.price();
    const Number value = asset.template value<0>(positive_part(units) * price, gross * price);
    return value - positive_part(Number{} - units) * asset.weight();
}

/// What filling the order adds to the equity that its side counts.
template <class Number, class Instrument>
Number equity_change(const PoolOrderSide<Number, Instrument>& side) noexcept {
    const Number gross = side.gross + size_of(side.quantity);
    return counted_equity(side.units + side.quantity, gross, side.asset) -
           counted_equity(side.units, gross, side.asset);
}

}  // namespace pymargin

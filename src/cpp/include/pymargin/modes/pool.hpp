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

/// Adds an amount where a statement holds, and 0 elsewhere.
template <class Number, class Where>
PYMARGIN_INLINE void add_where(const Where& which, Number& sum, const Number& amount) noexcept {
    sum += choose(which, amount, Number{});
}

template <class Number, class Instrument>
PYMARGIN_INLINE void add_leg(PoolSums<Number>& sums, const Leg<Number>& leg,
                             const Instrument& instrument) noexcept {
    const auto closes = instrument.is_asset();
    const Number none{};
    const Number price = instrument.price();
    const Number signed_notional = leg.x * price;
    const Number notional = size_of(signed_notional);
    const Number units = leg.x + sums.open_profit;
    const Number equity = positive_part(units) * price;
    Number extent = notional;
    if constexpr (!is_exact<Number>) {
        const Number gross = size_of(leg.x) + sums.open_magnitude;
        extent = choose(closes, gross * price, notional);
        const Number weight = choose(closes, price + instrument.weight(), none);
        sums.magnitude += (gross + leg.y + leg.z) * weight;
        sums.open_magnitude = choose(closes, none, sums.open_magnitude + notional + size_of(leg.y));
    }
    const Number value = instrument.template value<0>(choose(closes, equity, notional), extent);
    const Number weight = instrument.weight();
    const auto valued = [&](const Number& amount) {
        return positive_part(amount) * price - positive_part(none - amount) * weight;
    };
    const Number shortage = positive_part(none - units) * weight;
    add_where(closes, sums.equity, value - shortage);
    add_where(closes, sums.actual_equity, equity - shortage);
    add_where(closes, sums.profit, valued(sums.open_profit));
    add_where(closes, sums.maintenance, (sums.open_maintenance + leg.y) * weight);
    add_where(closes, sums.initial, (sums.open_initial + leg.z) * weight);
    sums.open_profit = choose(closes, none, sums.open_profit + (signed_notional + leg.y));
    sums.open_maintenance = choose(closes, none, sums.open_maintenance + value);
    sums.open_initial = choose(closes, none, sums.open_initial + notional * leg.z);
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

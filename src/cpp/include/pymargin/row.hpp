#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "pymargin/accounts.hpp"
#include "pymargin/decide.hpp"
#include "pymargin/market.hpp"
#include "pymargin/number.hpp"
#include "pymargin/pools.hpp"

namespace pymargin {

/// How a number type reads an input and sees an asset.
template <class Number, class Mode>
using AssetOf = std::conditional_t<is_exact<Number>, ExactAsset<Mode::n_tables, Number>,
                                   FloatAsset<Mode::n_tables>>;

template <class Number, class AssetId>
PYMARGIN_INLINE Number owned_of(const Balances<AssetId>& balances, std::int64_t entry) noexcept {
    return sum_of<Number>(balances.free[entry], balances.locked[entry]);
}

template <class Number, class AssetId>
PYMARGIN_INLINE Number owed_of(const Balances<AssetId>& balances, std::int64_t entry) noexcept {
    return sum_of<Number>(balances.borrowed[entry], balances.interest[entry]);
}

/// Adds the open-order loss of an account: of its orders, or as given where it has none.
template <class Mode, class Number, class AssetId>
void add_orders(typename Mode::template Sums<Number>& sums, const AccountArrays<AssetId>& accounts,
                const Market<Mode::n_tables>& market, std::int64_t account) noexcept {
    const std::int64_t first = accounts.balances.offsets[account];
    const std::int64_t last = accounts.balances.offsets[account + 1];
    const auto owned_and_owed = [&](AssetId asset, Number& owned, Number& owed) {
        for (std::int64_t entry = first; entry < last; ++entry) {
            if (accounts.balances.asset[entry] == asset) {
                owned = owned_of<Number>(accounts.balances, entry);
                owed = owed_of<Number>(accounts.balances, entry);
            }
        }
    };
    const auto& orders = accounts.orders;
    // What an order would hold beyond closed tiers is not held: its notes are not the account's.
    Notes unused;
    for (std::int64_t order = orders.offsets[account]; order < orders.offsets[account + 1];
         ++order) {
        using Asset = AssetOf<Number, Mode>;
        using Side = typename Mode::template OrderSide<Number, Asset>;
        const Asset give_asset(market, market.rows[orders.give_asset[order]], unused);
        const Asset get_asset(market, market.rows[orders.get_asset[order]], unused);
        Side give{give_asset, Number{}, Number{}, Number(orders.give_quantity[order])};
        Side get{get_asset, Number{}, Number{}, Number(orders.get_quantity[order])};
        owned_and_owed(orders.give_asset[order], give.owned, give.owed);
        owned_and_owed(orders.get_asset[order], get.owned, get.owed);
        Mode::add_order(sums, give, get);
    }
    Mode::add_order_loss(sums, Number(accounts.open_order_loss[account]));
}

template <class Mode, class AssetId>
std::int64_t n_terms(const AccountArrays<AssetId>& accounts, std::int64_t account) noexcept {
    const auto& balances = accounts.balances.offsets;
    std::int64_t n = balances[account + 1] - balances[account];
    if constexpr (Mode::counts_orders) {
        const auto& orders = accounts.orders.offsets;
        n += orders[account + 1] - orders[account] + 1;
    }
    return n;
}

/// The sums of one account, left to right in input order.
template <class Mode, class Number, class AssetId>
PYMARGIN_INLINE typename Mode::template Sums<Number> sum_row(const AccountArrays<AssetId>& accounts,
                                                             const Market<Mode::n_tables>& market,
                                                             std::int64_t account,
                                                             Notes& notes) noexcept {
    typename Mode::template Sums<Number> sums;
    const auto& balances = accounts.balances;
    for (std::int64_t entry = balances.offsets[account]; entry < balances.offsets[account + 1];
         ++entry) {
        const AssetOf<Number, Mode> asset(market, market.rows[balances.asset[entry]], notes);
        Mode::add(sums, owned_of<Number>(balances, entry), owed_of<Number>(balances, entry), asset);
    }
    if constexpr (Mode::counts_orders) {
        add_orders<Mode, Number>(sums, accounts, market, account);
    }
    return sums;
}

/// An instrument as a formula over positions sees it.
template <class Number>
class Instrument;

template <>
class Instrument<double> : public FloatAsset<1> {
  public:
    Instrument(const Market<1>& market, std::size_t row, Notes& notes) noexcept
        : FloatAsset<1>(market, market.rows[row], notes), terms_(market.terms[row]) {
    }
    bool is_asset() const noexcept {
        return terms_.weight >= 0;
    }
    double weight() const noexcept {
        return terms_.weight;
    }

  private:
    const InstrumentTerms& terms_;
};

template <>
class Instrument<Quotient> {
  public:
    Instrument(const Market<1>& market, std::size_t row, Notes& notes)
        : market_(market), terms_(market.terms[row]), row_(market.rows[row]), notes_(notes) {
    }
    bool is_asset() const noexcept {
        return terms_.weight >= 0;
    }
    Quotient price() const {
        const Quotient price(terms_.price);
        return terms_.contract_size > 0 ? Quotient(terms_.contract_size) / price : price;
    }
    Quotient weight() const {
        return Quotient(terms_.weight);
    }
    template <int table>
    Quotient value(const Quotient& v, const Quotient& /*extent*/) const {
        const int schedule = row_.tables[table].schedule;
        return v.sign() == 0 ? Quotient() : market_.schedules->value(schedule, v, notes_);
    }

  private:
    const Market<1>& market_;
    const InstrumentTerms& terms_;
    const MarketRow<1>& row_;
    Notes& notes_;
};

/// Calls visit(row of the instrument, leg) for the legs of a pool, in their order.
template <class Number, class RowId, class Visit>
PYMARGIN_INLINE void visit_legs(const Pools<RowId>& pools, std::int64_t pool,
                                const Visit& visit) noexcept {
    if constexpr (is_exact<Number>) {
        std::int64_t at = pools.first_pool[pools.account[pool]] - 1;
        for_each_leg(
            *pools.book, pools.account[pool], [&](const PoolKey&) { ++at; },
            [&](const LegSource& source) {
                if (at == pool) {
                    visit(source.row, leg_of<Number>(*pools.book, source));
                }
            });
    } else {
        for (std::int64_t leg = pools.offsets[pool]; leg < pools.offsets[pool + 1]; ++leg) {
            visit(pools.row[leg], Leg<Number>{pools.x[leg], pools.y[leg], pools.z[leg]});
        }
    }
}

/// Adds the losses of an account's open orders; it has one pool.
template <class Mode, class Number, class RowId>
__attribute__((noinline)) void add_pool_orders(typename Mode::template Sums<Number>& sums,
                                               const Pools<RowId>& pools, const Market<1>& market,
                                               std::int64_t pool) noexcept {
    // What an order would hold beyond closed tiers is not held: its notes are not the account's.
    Notes unused;
    using Side = typename Mode::template OrderSide<Number, Instrument<Number>>;
    const auto take_equity = [&](std::uint32_t asset, Side& side) {
        typename Mode::template Sums<Number> before;
        visit_legs<Number>(pools, pool, [&](std::uint32_t row, const Leg<Number>& leg) {
            if (row == asset) {
                side.units = leg.x + before.open_profit;
                side.gross = size_of(leg.x) + before.open_magnitude;
            }
            Mode::add(before, leg, Instrument<Number>(market, row, unused));
        });
    };
    const auto& orders = pools.book->orders;
    const std::int64_t account = pools.account[pool];
    for (auto order = orders.offsets[account]; order < orders.offsets[account + 1]; ++order) {
        const Instrument<Number> give_asset(market, orders.give_asset[order], unused);
        const Instrument<Number> get_asset(market, orders.get_asset[order], unused);
        Side give{give_asset, Number{}, Number{}, Number{} - Number(orders.give_quantity[order])};
        Side get{get_asset, Number{}, Number{}, Number(orders.get_quantity[order])};
        take_equity(orders.give_asset[order], give);
        take_equity(orders.get_asset[order], get);
        Mode::add_order(sums, give, get);
    }
}

/// The sums of one pool.
template <class Mode, class Number, class RowId>
PYMARGIN_INLINE typename Mode::template Sums<Number> sum_row(const Pools<RowId>& pools,
                                                             const Market<1>& market,
                                                             std::int64_t pool,
                                                             Notes& notes) noexcept {
    typename Mode::template Sums<Number> sums;
    visit_legs<Number>(pools, pool, [&](std::uint32_t row, const Leg<Number>& leg) {
        Mode::add(sums, leg, Instrument<Number>(market, row, notes));
    });
    if constexpr (Mode::counts_orders) {
        if (pools.book->n_orders(pools.account[pool]) > 0) {
            add_pool_orders<Mode, Number>(sums, pools, market, pool);
        }
        Mode::add_order_loss(sums, Number(pools.open_order_loss[pool]));
    }
    return sums;
}

template <class Mode, class RowId>
std::int64_t n_terms(const Pools<RowId>& pools, std::int64_t pool) noexcept {
    std::int64_t n = pools.offsets[pool + 1] - pools.offsets[pool];
    if constexpr (Mode::counts_orders) {
        n += pools.book->n_orders(pools.account[pool]) + 1;
    }
    return n;
}

/// Which of the unpriced actions a pool has. An asset that is only owed needs no schedule.
template <class Mode, class RowId>
std::uint16_t gaps_of(const Pools<RowId>& pools, const std::uint16_t* gaps,
                      std::int64_t pool) noexcept {
    unsigned found = pools.gaps == nullptr ? 0U : pools.gaps[pool];
    const auto& balances = pools.book->balances;
    bool settles_positions = false;
    std::int64_t at = pools.first_pool[pools.account[pool]] - 1;
    for_each_leg(
        *pools.book, pools.account[pool], [&](const PoolKey&) { ++at; },
        [&](const LegSource& source) {
            if (at != pool) {
                return;
            }
            const unsigned gap = gaps[source.row];
            if (source.is_position) {
                settles_positions = true;
                found |= gap;
                return;
            }
            const std::int64_t balance = source.balance;
            const bool has = balance >= 0;
            const bool is_held =
                has && (balances.free[balance] > 0 || balances.locked[balance] > 0);
            const bool is_owed =
                has && (balances.borrowed[balance] > 0 || balances.interest[balance] > 0);
            if (is_held || source.wallet >= 0 || settles_positions) {
                found |= gap & action_unpriced_asset;
            }
            if (is_owed) {
                found |= gap & action_unpriced_debt;
            }
            settles_positions = false;
        });
    if constexpr (Mode::counts_orders) {
        const auto& orders = pools.book->orders;
        const std::int64_t account = pools.account[pool];
        const std::int64_t first = orders.offsets == nullptr ? 0 : orders.offsets[account];
        for (std::int64_t k = first; k < first + pools.book->n_orders(account); ++k) {
            found |=
                (gaps[orders.give_asset[k]] | gaps[orders.get_asset[k]]) & action_unpriced_asset;
        }
    }
    return static_cast<std::uint16_t>(found);
}

/// Which of the unpriced actions an account has: it holds or owes what cannot be valued.
template <class Mode, class AssetId>
std::uint16_t gaps_of(const AccountArrays<AssetId>& accounts, const std::uint16_t* gaps,
                      std::int64_t account) noexcept {
    unsigned found = 0;
    const auto& balances = accounts.balances;
    for (std::int64_t entry = balances.offsets[account]; entry < balances.offsets[account + 1];
         ++entry) {
        const unsigned gap = gaps[balances.asset[entry]];
        if (balances.free[entry] > 0 || balances.locked[entry] > 0) {
            found |= gap & action_unpriced_asset;
        }
        if (balances.borrowed[entry] > 0 || balances.interest[entry] > 0) {
            found |= gap & action_unpriced_debt;
        }
    }
    if constexpr (Mode::counts_orders) {
        const auto& orders = accounts.orders;
        for (std::int64_t order = orders.offsets[account]; order < orders.offsets[account + 1];
             ++order) {
            found |= (gaps[orders.give_asset[order]] | gaps[orders.get_asset[order]]) &
                     action_unpriced_asset;
        }
    }
    return static_cast<std::uint16_t>(found);
}

/// What one account's evaluation yields.
template <class Mode>
struct RowResult {
    typename Mode::template Sums<double> sums;
    double levels[Mode::n_levels];
    std::uint16_t actions;
};

/// The decision by exact arithmetic in one number type; false, and nothing done, where the account
/// does not fit it. Levels are taken from it after an overflow of the sums in float64, and where it
/// is the judge of owing nothing.
template <class Number, class Mode, class Accounts>
__attribute__((noinline)) bool settle_in(const Accounts& accounts,
                                         const Market<Mode::n_tables>& market,
                                         const DecisionTable& table, std::int64_t account,
                                         RowResult<Mode>& result) noexcept {
    if constexpr (may_overflow<Number>) {
        Number::clear_overflow();
    }
    Notes notes;
    const auto sums = sum_row<Mode, Number>(accounts, market, account, notes);
    Ratio<Number> levels[Mode::n_levels];
    for (int level = 0; level < Mode::n_levels; ++level) {
        levels[level] = Mode::level(sums, level);
    }
    const unsigned bits = decide_exactly(table, table.row(account), levels);
    if constexpr (may_overflow<Number>) {
        if (Number::has_overflowed()) {
            return false;
        }
    }
    result.actions = static_cast<std::uint16_t>(table.actions[bits] |
                                                (notes.beyond_tiers ? action_beyond_tiers : 0));
    const bool has_overflowed = !std::isfinite(market.steepest * Mode::magnitude(result.sums));
    for (int level = 0; level < Mode::n_levels; ++level) {
        const bool owes_nothing = levels[level].denominator.sign() == 0 ||
                                  Mode::level(result.sums, level).denominator == 0;
        if (has_overflowed || owes_nothing) {
            result.levels[level] = level_value(levels[level]);
        }
    }
    return true;
}

/// The decision for the rare account that float64 does not settle: in 128 bits where it fits them,
/// as nearly all do, otherwise in integers of any size; with positions, which divide, in quotients.
template <class Mode, class Accounts>
__attribute__((noinline)) void settle_exactly(const Accounts& accounts,
                                              const Market<Mode::n_tables>& market,
                                              const DecisionTable& table, std::int64_t account,
                                              RowResult<Mode>& result) noexcept {
    if constexpr (Mode::has_positions) {
        settle_in<Quotient, Mode>(accounts, market, table, account, result);
    } else if (!settle_in<Exact128, Mode>(accounts, market, table, account, result)) {
        settle_in<Exact, Mode>(accounts, market, table, account, result);
    }
}

/// Which levels are to be computed, a bit a level.
constexpr unsigned all_levels = ~0U;

/// Levels and actions of one account whose assets can all be valued. `is_usual`: the table asks
/// the mode's usual tests (has_usual_tests).
template <class Mode, bool is_usual, class Accounts>
PYMARGIN_INLINE RowResult<Mode> evaluate_row(const Accounts& accounts,
                                             const Market<Mode::n_tables>& market,
                                             const DecisionTable& table, const ErrorBound& bound,
                                             std::int64_t account,
                                             unsigned wanted_levels) noexcept {
    RowResult<Mode> result;
    Notes notes;
    result.sums = sum_row<Mode, double>(accounts, market, account, notes);
#pragma GCC unroll 8
    for (int level = 0; level < Mode::n_levels; ++level) {
        if ((wanted_levels >> level & 1U) != 0) {
            result.levels[level] = level_value(Mode::level(result.sums, level));
        }
    }
    const double error = bound.at(n_terms<Mode>(accounts, account), Mode::magnitude(result.sums));
    unsigned bits = 0;
    if (decide_fast<is_usual, Mode>(table, table.row(account), result.sums, error, &bits) &&
        !notes.ambiguous) {
        result.actions = static_cast<std::uint16_t>(table.actions[bits] |
                                                    (notes.beyond_tiers ? action_beyond_tiers : 0));
    } else {
        settle_exactly<Mode>(accounts, market, table, account, result);
    }
    return result;
}

/// The same for a single account, with all its levels.
template <class Mode, class Accounts>
RowResult<Mode> evaluate_row(const Accounts& accounts, const Market<Mode::n_tables>& market,
                             const DecisionTable& table, std::int64_t account) noexcept {
    const ErrorBound bound(table.greatest_theta, market.steepest);
    return evaluate_row<Mode, false>(accounts, market, table, bound, account, all_levels);
}

}  // namespace pymargin

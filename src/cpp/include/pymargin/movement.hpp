#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "pymargin/far_line.hpp"
#include "pymargin/fine_line.hpp"
#include "pymargin/line.hpp"
#include "pymargin/moving.hpp"
#include "pymargin/row.hpp"

namespace pymargin {

/// Of a lambda: what PYMARGIN_INLINE is to a function.
#define PYMARGIN_INLINED __attribute__((always_inline))
/// What is large and rarely called, and would be laid into each of its callers.
#define PYMARGIN_APART __attribute__((noinline))

/// A number with its slope in the one variable of a question, in float64. Of a formula that is
/// linear piece by piece these are those of the piece: value + slope * distance.
struct Tangent {
    double value = 0;
    double slope = 0;

    Tangent() noexcept = default;
    PYMARGIN_INLINE explicit Tangent(double constant) noexcept : value(constant) {
    }
    PYMARGIN_INLINE Tangent(double at, double rise) noexcept : value(at), slope(rise) {
    }

    PYMARGIN_INLINE Tangent& operator+=(const Tangent& other) noexcept {
        value += other.value;
        slope += other.slope;
        return *this;
    }
    friend PYMARGIN_INLINE Tangent operator+(Tangent left, const Tangent& right) noexcept {
        return left += right;
    }
    friend PYMARGIN_INLINE Tangent operator-(const Tangent& left, const Tangent& right) noexcept {
        return {left.value - right.value, left.slope - right.slope};
    }
    friend PYMARGIN_INLINE Tangent operator*(const Tangent& left, const Tangent& right) noexcept {
        return {left.value * right.value, left.slope * right.value + left.value * right.slope};
    }
};

PYMARGIN_INLINE Tangent smaller(const Tangent& left, const Tangent& right) noexcept {
    return left.value < right.value ? left : right;
}

/// At 0 the slope is that on the way up: what is held and what is owed of 0 then go on as it does.
PYMARGIN_INLINE Tangent positive_part(const Tangent& value) noexcept {
    // Without a branch, as in size_of.
    const bool counts = (value.value > 0) | ((value.value == 0) & (value.slope > 0));
    return {counts ? value.value : 0.0, counts ? value.slope : 0.0};
}

/// Without a branch: which way a position goes is not to be foreseen.
PYMARGIN_INLINE Tangent size_of(const Tangent& value) noexcept {
    return {std::abs(value.value), value.slope * std::copysign(1.0, value.value)};
}

PYMARGIN_INLINE Tangent choose(bool which, const Tangent& yes, const Tangent& no) noexcept {
    return which ? yes : no;
}

/// What a question moves with its one variable x: prices, or what is held and owed of one asset.
///
/// Price p of a row becomes p (1 + weight (x / base - 1) / scale): with base the price of a name
/// and scale its weight, x is that price; with both 1 it is a factor on all prices.
struct Movement {
    const double* weights = nullptr;  ///< per row of the market, 0: stands; null: all stand
    double base = 1;                  ///< > 0, or 0 of one name alone, whose price is x itself
    double scale = 1;                 ///< > 0
    double per_scale = 1;             ///< 1 / scale, and 1 / (scale * base), for float64
    double per_share = 1;
    /// x stands for base / x where float64 walks: what depends on inverse contracts is linear then.
    bool is_inverse = false;

    std::int64_t row = -1;  ///< of the asset whose quantities move, -1: none
    double held = 0;        ///< how much more is held per unit of x, in units
    double owed = 0;        ///< likewise owed

    const Pair* fine_prices = nullptr;  ///< per row of the market; null: not known

    unsigned tables = ~0U;  ///< which tables of a mode the question depends on, a bit each

    double weight_of(std::size_t market_row) const noexcept {
        return weights == nullptr ? 0 : weights[market_row];
    }

    const Pair* fine_price_of(std::size_t market_row) const noexcept {
        return fine_prices == nullptr ? nullptr : fine_prices + market_row;
    }

    /// Whether a price changes with x: 0 has no shares, but is x itself of a name at base 0.
    bool moves(double price, double weight) const noexcept {
        return weight != 0 && (price != 0 || base == 0);
    }

    /// Whether prices of rows are decimals wherever x is one.
    bool is_decimal(double price, double weight) const noexcept {
        return weight == 0 || (base == 1 && scale == 1) || (weight == scale && price == base);
    }

    /// The price that takes the place of `price`, of which `fine` is the decimal where it is known.
    template <class Number>
    PYMARGIN_INLINE Number price_at(double price, double weight, const Number& x,
                                    [[maybe_unused]] const Pair* fine = nullptr) const {
        const auto given = [&]() PYMARGIN_INLINED {
            if constexpr (std::is_same_v<Number, FineLine>) {
                if (fine != nullptr) {
                    return FineLine(*fine);
                }
            }
            return Number(price);
        };
        if constexpr (std::is_same_v<Number, Tangent> || std::is_same_v<Number, FarLine>) {
            if (base != 0) {
                // Whatever the weight: which names move is not to be foreseen.
                const double turn = price * weight * per_share;
                const double stays = weight == scale ? 0 : price * (1 - weight * per_scale);
                return {stays + turn * x.value, turn * x.slope};
            }
        }
        if (weight == 0) {
            return given();
        }
        if (base == 0 || (weight == scale && price == base)) {
            return x;
        }
        const Number was = given();
        if (weight == scale) {
            return was * over(x, base);
        }
        const Number share = over(over(x, base) - Number(1.0), scale);
        return was + was * Number(weight) * share;
    }

  private:
    template <class Number>
    static Number over(const Number& x, double divisor) {
        if constexpr (std::is_same_v<Number, Quotient> || std::is_same_v<Number, Moving>) {
            return divisor == 1 ? x : x / Number(divisor);
        } else {
            return x;  // is_decimal: there is nothing to divide by
        }
    }
};

/// An asset under a movement, as a formula sees it; of Tangent or of a number that does not round.
template <int n_tables, class Number>
class MovedAsset {
  public:
    PYMARGIN_INLINE MovedAsset(const Market<n_tables>& market, const Movement& movement,
                               std::size_t row, const Number& x, Notes& notes)
        : market_(market),
          row_(market.rows[row]),
          price_(movement.price_at(row_.price, movement.weight_of(row), x,
                                   movement.fine_price_of(row))),
          tables_(movement.tables),
          notes_(notes) {
    }

    const Number& price() const noexcept {
        return price_;
    }

    template <int table>
    PYMARGIN_INLINE Number value(const Number& v) const {
        if ((tables_ >> table & 1U) == 0) {
            return {};
        }
        return schedule_value(*market_.schedules, row_.tables[table], v, notes_);
    }

    template <int table>
    PYMARGIN_INLINE Number value(const Number& v, const Number& /*extent*/) const {
        return value<table>(v);
    }

    static PYMARGIN_INLINE Number schedule_value(const ScheduleTable& schedules,
                                                 const TableEntry& entry, const Number& v,
                                                 Notes& notes) {
        [[maybe_unused]] const int schedule = entry.schedule;
        if constexpr (std::is_same_v<Number, Tangent>) {
            if (v.value <= entry.first_cap) {
                return {entry.first_rate * v.value, entry.first_rate * v.slope};
            }
            if (schedule < 0) {
                return {};
            }
            const Step& step = schedules.step_at(schedule, v.value);
            return {step.rate * v.value + step.offset, step.rate * v.slope};
        } else if constexpr (std::is_same_v<Number, FarLine>) {
            if (schedule < 0) {
                return {};
            }
            const Step& step =
                v.slope > 0 ? schedules.last_step(schedule) : schedules.step_at(schedule, v.value);
            return {step.rate * v.value + step.offset, step.rate * v.slope};
        } else if constexpr (std::is_same_v<Number, Line> || std::is_same_v<Number, FineLine>) {
            return v.under(schedules, schedule);
        } else {
            return exact_value(schedules, schedule, v, notes);
        }
    }

  private:
    /// By itself: laid into every formula it would be compiled several times a mode.
    PYMARGIN_APART static Number exact_value(const ScheduleTable& schedules, int schedule,
                                             const Number& v, Notes& notes) {
        return v.sign() == 0 ? Number() : schedules.value(schedule, v, notes);
    }

    const Market<n_tables>& market_;
    const MarketRow<n_tables>& row_;
    const Number price_;
    const unsigned tables_;
    Notes& notes_;
};

/// An instrument of a pool under a movement.
template <class Number>
class MovedInstrument {
  public:
    MovedInstrument(const Market<1>& market, const Movement& movement, std::size_t row,
                    const Number& x, Notes& notes)
        : market_(market),
          row_(market.rows[row]),
          terms_(market.terms[row]),
          movement_(movement),
          x_(x),
          share_(movement.weight_of(row)),
          notes_(notes) {
    }

    bool is_asset() const noexcept {
        return terms_.weight >= 0;
    }
    PYMARGIN_INLINE Number price() const {
        if (terms_.contract_size > 0) {
            if constexpr (std::is_same_v<Number, Tangent>) {
                return inverse_price();
            } else if constexpr (std::is_same_v<Number, Quotient> ||
                                 std::is_same_v<Number, Moving>) {
                return Number(terms_.contract_size) / movement_.price_at(terms_.price, share_, x_);
            }
        }
        return movement_.price_at(terms_.price, share_, x_);
    }
    PYMARGIN_INLINE Number weight() const {
        return is_asset() ? movement_.price_at(terms_.weight, share_, x_) : Number(terms_.weight);
    }
    template <int table>
    PYMARGIN_INLINE Number value(const Number& v, const Number& /*extent*/) const {
        return MovedAsset<1, Number>::schedule_value(*market_.schedules, row_.tables[table], v,
                                                     notes_);
    }

  private:
    Tangent inverse_price() const noexcept {
        if (share_ == 0) {
            return Tangent(row_.price);
        }
        if (movement_.is_inverse) {
            return x_ * Tangent(row_.price);
        }
        const Tangent mark = movement_.price_at(terms_.price, share_, x_);
        const double price = terms_.contract_size / mark.value;
        return {price, -price / mark.value * mark.slope};
    }

    const Market<1>& market_;
    const MarketRow<1>& row_;
    const InstrumentTerms& terms_;
    const Movement& movement_;
    const Number& x_;
    const double share_;
    Notes& notes_;
};

/// The loss of an account's open orders at the prices as they are, and what float64 rounds it
/// relative to.
template <class Mode, class Number, class AssetId>
Number frozen_loss(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                   std::int64_t account, Number* extent = nullptr) noexcept {
    if constexpr (Mode::counts_orders) {
        typename Mode::template Sums<Number> sums;
        add_orders<Mode, Number>(sums, accounts, market, account);
        if (extent != nullptr) {
            *extent = Mode::magnitude(sums);
        }
        return sums.open_order_loss;
    } else {
        return Number();
    }
}

/// The sums of one account where the variable is x.
template <class Mode, class Number, class AssetId>
PYMARGIN_INLINE typename Mode::template Sums<Number> sum_moved(
    const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
    const Movement& movement, std::int64_t account, const Number& x, const Number& loss) {
    typename Mode::template Sums<Number> sums;
    Notes notes;
    const auto& balances = accounts.balances;
    bool has_row = movement.row < 0;
    for (std::int64_t entry = balances.offsets[account]; entry < balances.offsets[account + 1];
         ++entry) {
        const std::size_t row = balances.asset[entry];
        const MovedAsset<Mode::n_tables, Number> asset(market, movement, row, x, notes);
        Number held = owned_of<Number>(balances, entry);
        Number owed = owed_of<Number>(balances, entry);
        if (static_cast<std::int64_t>(row) == movement.row) {
            has_row = true;
            held += Number(movement.held) * x;
            owed += Number(movement.owed) * x;
        }
        Mode::add(sums, held, owed, asset);
    }
    if (!has_row) {
        const auto row = static_cast<std::size_t>(movement.row);
        const MovedAsset<Mode::n_tables, Number> asset(market, movement, row, x, notes);
        Mode::add(sums, Number(movement.held) * x, Number(movement.owed) * x, asset);
    }
    if constexpr (Mode::counts_orders) {
        Mode::add_order_loss(sums, loss);
    }
    return sums;
}

/// The sums of one pool where the variable is x.
template <class Mode, class Number, class RowId>
PYMARGIN_INLINE typename Mode::template Sums<Number> sum_moved(const Pools<RowId>& pools,
                                                               const Market<1>& market,
                                                               const Movement& movement,
                                                               std::int64_t pool, const Number& x) {
    typename Mode::template Sums<Number> sums;
    Notes notes;
    const auto add = [&](std::size_t row, Leg<Number> leg) PYMARGIN_INLINED {
        if (static_cast<std::int64_t>(row) == movement.row) {
            leg.x += Number(movement.held) * x;
        }
        Mode::add(sums, leg, MovedInstrument<Number>(market, movement, row, x, notes));
    };
    // The legs as they are read: constants of the number type, or what it is made from.
    using Source = std::conditional_t<
        std::is_same_v<Number, Tangent>, double,
        std::conditional_t<std::is_same_v<Number, Moving>, Quotient,
                           std::conditional_t<std::is_same_v<Number, Line>, Exact128, Number>>>;
    visit_legs<Source>(pools, pool, [&](std::size_t row, const Leg<Source>& leg) PYMARGIN_INLINED {
        add(row, {Number(leg.x), Number(leg.y), Number(leg.z)});
    });
    if constexpr (Mode::counts_orders) {
        if constexpr (std::is_same_v<Source, double> || std::is_same_v<Source, Quotient>) {
            if (pools.book->n_orders(pools.account[pool]) > 0) {
                typename Mode::template Sums<Source> frozen;
                add_pool_orders<Mode, Source>(frozen, pools, market, pool);
                Mode::add_order_loss(sums, Number(frozen.open_order_loss));
            }
        }
        Mode::add_order_loss(sums, Number(pools.open_order_loss[pool]));
    }
    return sums;
}

}  // namespace pymargin

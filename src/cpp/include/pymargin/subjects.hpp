#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "pymargin/roots.hpp"

namespace pymargin {

// What a question is put to: an account, or the pools of one. A subject tells, at any value of the
// variable, whether the decision fires (exactly) and how much margin is left (in float64).

namespace detail {

/// Whether the lines' tests of one account or pool, on its sums, make the decision fire.
template <class Mode, class Number>
bool fires(const DecisionTable& due, std::int64_t row,
           const typename Mode::template Sums<Number>& sums) {
    Ratio<Number> levels[Mode::n_levels];
    for (int level = 0; level < Mode::n_levels; ++level) {
        levels[level] = Mode::level(sums, level);
    }
    return due.actions[decide_exactly(due, due.row(row), levels)] != 0;
}

/// Lowers `left` to the least distance N - theta D of one account or pool.
template <class Mode>
PYMARGIN_INLINE void take_least(const DecisionTable& due, std::int64_t row,
                                const typename Mode::template Sums<Tangent>& sums, double error,
                                MarginLeft* left) noexcept {
    const Threshold* const thresholds = due.row(row);
    for (int test = 0; test < due.n_tests; ++test) {
        if (due.actions[std::size_t{1} << test] == 0) {
            continue;
        }
        const Ratio<Tangent> level = Mode::level(sums, due.test_level[test]);
        const Tangent distance =
            level.numerator - Tangent(thresholds[test].value) * level.denominator;
        if (distance.value < left->value) {
            left->value = distance.value;
            left->slope = distance.slope;
        }
        left->error = error > left->error ? error : left->error;
    }
}

/// The value of a number to within a few ulp.
inline double rounded_value(const Exact128& number) noexcept {
    auto value = static_cast<double>(number.coefficient());
    int places = number.places();
    for (; places > greatest_power_of_ten; places -= greatest_power_of_ten) {
        value /= static_cast<double>(power_of_ten[greatest_power_of_ten]);
    }
    return value / static_cast<double>(power_of_ten[places]);
}

/// The least distance N - theta D of one account or pool, rounded once it is known exactly.
template <class Mode, class Number>
double exact_least(const DecisionTable& due, std::int64_t row,
                   const typename Mode::template Sums<Number>& sums) {
    const Threshold* const thresholds = due.row(row);
    double least = std::numeric_limits<double>::infinity();
    for (int test = 0; test < due.n_tests; ++test) {
        if (due.actions[std::size_t{1} << test] == 0) {
            continue;
        }
        const Ratio<Number> level = Mode::level(sums, due.test_level[test]);
        const Number distance =
            level.numerator - Number(thresholds[test].decimal) * level.denominator;
        double rounded = 0;
        if constexpr (std::is_same_v<Number, Exact128>) {
            rounded = rounded_value(distance);
        } else {
            rounded = distance.rounded();
        }
        least = rounded < least ? rounded : least;
    }
    return least;
}

/// How a margin of this slope far up goes on for ever: 1 where it cannot fall, -1 where it falls, 0
/// where float64 does not tell.
inline int trend_of(double slope, double error) noexcept {
    if (slope > error) {
        return 1;
    }
    return slope < -error ? -1 : 0;
}

}  // namespace detail

/// One account of a book of balances.
template <class Mode, class AssetId>
class AccountSubject {
  public:
    using Accounts = AccountArrays<AssetId>;

    AccountSubject(const Accounts& accounts, const Market<Mode::n_tables>& market,
                   const Question& question, std::int64_t account) noexcept
        : accounts_(accounts), market_(market), question_(question), account_(account) {
        survey();
    }

    std::uint16_t gaps() const noexcept {
        return market_.gaps == nullptr ? std::uint16_t{0}
                                       : gaps_of<Mode>(accounts_, market_.gaps, account_);
    }
    bool is_exposed() const noexcept {
        return is_exposed_;
    }
    /// Whether the account owes nothing and no test can fire.
    bool is_free() const noexcept {
        return !owes_ && Mode::is_free_without_debt;
    }
    /// Whether the margin left is a concave function of the variable: holdings count at falling
    /// rates, debts ask for rising ones.
    bool is_concave() const noexcept {
        return is_concave_;
    }
    static constexpr bool has_pole() noexcept {
        return false;
    }
    const Reach& reach() const noexcept {
        return reach_;
    }

    template <class Number>
    bool is_due(const Number& x) const {
        const auto loss = frozen_loss<Mode, Number>(accounts_, market_, account_);
        return detail::fires<Mode, Number>(
            question_.due, account_,
            sum_moved<Mode, Number>(accounts_, market_, question_.movement, account_, x, loss));
    }

    /// The same at the shortest decimal of a float64, by the fastest numbers that do not round.
    bool is_due_at(double x) const {
        if (!question_.is_decimal) {
            return is_due(Quotient(x));
        }
        Exact128::clear_overflow();
        const bool due = is_due(Exact128(x));
        return Exact128::has_overflowed() ? is_due(Exact(x)) : due;
    }

    /// N - theta D at the shortest decimal of x, rounded once; NaN where that is not to be had
    /// fast.
    double exact_margin_at(double x) const {
        if (!question_.is_decimal) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        Exact128::clear_overflow();
        const auto loss = frozen_loss<Mode, Exact128>(accounts_, market_, account_);
        const auto sums = sum_moved<Mode, Exact128>(accounts_, market_, question_.movement,
                                                    account_, Exact128(x), loss);
        const double least = detail::exact_least<Mode, Exact128>(question_.due, account_, sums);
        return Exact128::has_overflowed() ? std::numeric_limits<double>::quiet_NaN() : least;
    }

    MarginLeft margin_left(double x) const noexcept {
        double moving = 0;
        return margin_left(x, &moving);
    }

    /// How the margin goes on above the caps of what moves; `start` is where the variable is now.
    int trend(double start) const noexcept {
        if (!moves_debt_) {
            return 1;
        }
        double moving = 0;
        const MarginLeft far = margin_left(std::ldexp(start, far_doublings), &moving);
        return detail::trend_of(far.slope, 4 * relative_error() * std::abs(moving));
    }

  private:
    void survey() noexcept {
        const Movement& movement = question_.movement;
        const auto& balances = accounts_.balances;
        const bool has_own_reach = !question_.reach;
        for (auto k = balances.offsets[account_]; k < balances.offsets[account_ + 1]; ++k) {
            const std::size_t row = balances.asset[k];
            const double weight = movement.weight_of(row);
            const bool moves = weight != 0 || static_cast<std::int64_t>(row) == movement.row;
            const bool owes = balances.borrowed[k] > 0 || balances.interest[k] > 0;
            is_exposed_ = is_exposed_ || moves;
            is_concave_ = is_concave_ && (!moves || question_.is_fit[row] != 0);
            owes_ = owes_ || owes;
            moves_debt_ = moves_debt_ || (moves && owes);
            if (has_own_reach) {
                reach_.include(weight);
            }
        }
        if (movement.row >= 0) {
            const auto row = static_cast<std::size_t>(movement.row);
            is_exposed_ = true;
            owes_ = owes_ || movement.owed != 0;
            moves_debt_ = moves_debt_ || movement.owed != 0;
            is_concave_ = is_concave_ && question_.is_fit[row] != 0;
        }
        if (!has_own_reach) {
            reach_ = *question_.reach;
        }
        loss_ = frozen_loss<Mode, double>(accounts_, market_, account_, &loss_extent_);
    }

    double relative_error() const noexcept {
        return ErrorBound::relative(n_terms<Mode>(accounts_, account_) + 1) * market_.steepest *
               (1 + question_.due.greatest_theta);
    }

    /// `moving` becomes the slope of the magnitude: what of it moves.
    MarginLeft margin_left(double x, double* moving) const noexcept {
        const ErrorBound bound(question_.due.greatest_theta, market_.steepest);
        const auto sums = sum_moved<Mode, Tangent>(accounts_, market_, question_.movement, account_,
                                                   Tangent(x, 1), Tangent(loss_));
        const Tangent magnitude = Mode::magnitude(sums);
        *moving = magnitude.slope;
        const double error =
            4 * question_.cancellation(reach_, x) *
            bound.at(n_terms<Mode>(accounts_, account_) + 1, magnitude.value + loss_extent_);
        MarginLeft left;
        detail::take_least<Mode>(question_.due, account_, sums, error, &left);
        return left;
    }

    const Accounts& accounts_;
    const Market<Mode::n_tables>& market_;
    const Question& question_;
    std::int64_t account_;
    double loss_ = 0;
    double loss_extent_ = 0;  ///< what the loss was rounded relative to
    Reach reach_{};
    bool is_exposed_ = false;
    bool is_concave_ = true;
    bool owes_ = false;
    bool moves_debt_ = false;
};

/// Some pools of one account: it is due where one of them is.
template <class Mode, class RowId>
class PoolSubject {
  public:
    /// Pools `first` to `last`; those up to `last_exposed` count as what the account is exposed to.
    PoolSubject(const Pools<RowId>& pools, const Market<1>& market, const Question& question,
                std::int64_t first, std::int64_t last, std::int64_t last_exposed) noexcept
        : pools_(pools),
          market_(market),
          question_(question),
          first_(first),
          last_(last),
          last_exposed_(last_exposed) {
        survey();
    }

    std::uint16_t gaps() const noexcept {
        unsigned found = 0;
        for (std::int64_t pool = first_; pool < last_exposed_ && market_.gaps != nullptr; ++pool) {
            found |= gaps_of<Mode>(pools_, market_.gaps, pool);
        }
        return static_cast<std::uint16_t>(found);
    }
    bool is_exposed() const noexcept {
        return is_exposed_;
    }
    static constexpr bool is_free() noexcept {
        return false;
    }
    /// Whether the margin left is a concave function of the variable: every equity counts at
    /// falling rates and no less where it is negative, positions ask for rising ones; products of
    /// two prices that move are allowed of an inverse contract and its coin, in proportion.
    bool is_concave() const noexcept {
        return is_concave_;
    }
    /// Whether a price of 0 is none to the account.
    bool has_pole() const noexcept {
        return has_pole_;
    }
    const Reach& reach() const noexcept {
        return reach_;
    }

    template <class Number>
    bool is_due(const Number& x) const {
        if constexpr (std::is_same_v<Number, Quotient>) {
            if (is_at_pole(x)) {
                return false;
            }
        }
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            if (detail::fires<Mode, Number>(
                    question_.due, pool,
                    sum_moved<Mode, Number>(pools_, market_, question_.movement, pool, x))) {
                return true;
            }
        }
        return false;
    }

    /// The same at the shortest decimal of a float64: without a division in the fastest numbers.
    bool is_due_at(double x) const {
        if (!has_only_decimals_) {
            return is_due(Quotient(x));
        }
        Exact128::clear_overflow();
        const bool due = is_due(Exact128(x));
        return Exact128::has_overflowed() ? is_due(Quotient(x)) : due;
    }

    /// N - theta D at the shortest decimal of x, rounded once; NaN where that is not to be had.
    double exact_margin_at(double x) const {
        if (has_only_decimals_) {
            Exact128::clear_overflow();
            const double least = exact_least(Exact128(x));
            if (!Exact128::has_overflowed()) {
                return least;
            }
        }
        const Quotient exact(x);
        return is_at_pole(exact) ? std::numeric_limits<double>::quiet_NaN() : exact_least(exact);
    }

    MarginLeft margin_left(double x) const noexcept {
        MarginLeft left;
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            take_pool(pool, x, &left);
        }
        return left;
    }

    /// How the margin goes on above the caps of what moves; `start` is where the variable is now.
    int trend(double start) const noexcept {
        if (only_rises_) {
            return 1;
        }
        int least = 1;
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            MarginLeft far;
            const double moving = take_pool(pool, std::ldexp(start, far_doublings), &far);
            const int trend =
                moving == 0 ? 1
                            : detail::trend_of(far.slope, 4 * relative_error() * std::abs(moving));
            // One pool that falls decides, whatever is not known of another.
            if (trend < 0) {
                return -1;
            }
            least = trend < least ? trend : least;
        }
        return least;
    }

  private:
    const InstrumentTerms& terms_of(std::int64_t leg) const noexcept {
        return market_.terms[pools_.row[leg]];
    }
    double weight_of(std::int64_t leg) const noexcept {
        return question_.movement.weight_of(pools_.row[leg]);
    }

    template <class Number>
    double exact_least(const Number& x) const {
        double least = std::numeric_limits<double>::infinity();
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            const double of_pool = detail::exact_least<Mode, Number>(
                question_.due, pool,
                sum_moved<Mode, Number>(pools_, market_, question_.movement, pool, x));
            least = of_pool < least ? of_pool : least;
        }
        return least;
    }

    void survey() noexcept {
        const bool has_own_reach = !question_.reach;
        reach_ = question_.reach.value_or(Reach{});
        has_only_decimals_ = question_.is_decimal;
        for (int test = 0; test < question_.due.n_tests; ++test) {
            // Available balances are of initial margins, which are divided by leverages.
            has_only_decimals_ = has_only_decimals_ && question_.due.test_level[test] == 0;
        }
        for (std::int64_t pool = first_; pool < last_ && Mode::counts_orders; ++pool) {
            has_only_decimals_ =
                has_only_decimals_ && pools_.book->n_orders(pools_.account[pool]) == 0;
        }
        std::int64_t begin = pools_.offsets[first_];
        const std::int64_t end = pools_.offsets[last_];
        for (std::int64_t leg = begin; leg < pools_.offsets[last_exposed_]; ++leg) {
            const std::size_t row = pools_.row[leg];
            const InstrumentTerms& terms = market_.terms[row];
            const double weight = question_.movement.weight_of(row);
            const bool moves_units = static_cast<std::int64_t>(row) == question_.movement.row;
            const bool is_asset = terms.weight >= 0;
            const bool has_any = leg > begin || pools_.x[leg] != 0 || pools_.y[leg] != 0 ||
                                 pools_.z[leg] != 0 || moves_units;
            is_exposed_ = is_exposed_ || ((weight != 0 || moves_units) && (!is_asset || has_any));
            has_pole_ = has_pole_ || (weight != 0 && terms.contract_size > 0);
            if (has_own_reach) {
                reach_.include(weight);
            }
            if (leg < end) {
                has_only_decimals_ = has_only_decimals_ && !(terms.contract_size > 0);
                const bool fits = !is_asset || fit_together(begin, leg);
                is_concave_ = is_concave_ && question_.is_fit[row] != 0 && fits;
                only_rises_ =
                    only_rises_ && (weight == 0 || (is_asset && leg == begin && !moves_units &&
                                                    pools_.x[leg] >= 0 && pools_.y[leg] == 0));
            }
            if (is_asset) {
                begin = leg + 1;
            }
        }
    }

    /// Positions `begin` to `asset`, and the asset that they are settled in.
    bool fit_together(std::int64_t begin, std::int64_t asset) const noexcept {
        const double of_asset = weight_of(asset);
        for (std::int64_t leg = begin; leg < asset; ++leg) {
            const double of_position = weight_of(leg);
            if (of_position == 0) {
                continue;
            }
            const bool is_inverse = terms_of(leg).contract_size > 0;
            if (of_asset != 0 && !(is_inverse && of_position == of_asset)) {
                return false;
            }
            // Of an inverse contract alone the profit of a long position is concave in its price.
            if (of_asset == 0 && is_inverse && !question_.movement.is_inverse &&
                !(pools_.x[leg] < 0)) {
                return false;
            }
        }
        return true;
    }

    /// Whether nothing that decides is divided: of linear contracts, by the maintenance margin.
    bool has_only_decimals() const noexcept {
        for (int test = 0; test < question_.due.n_tests; ++test) {
            if (question_.due.test_level[test] != 0) {
                return false;
            }
        }
        for (std::int64_t leg = pools_.offsets[first_]; leg < pools_.offsets[last_]; ++leg) {
            if (terms_of(leg).contract_size > 0) {
                return false;
            }
        }
        for (std::int64_t pool = first_; pool < last_ && Mode::counts_orders; ++pool) {
            if (n_orders_of(pool) > 0) {
                return false;
            }
        }
        return question_.is_decimal;
    }
    std::int64_t n_orders_of(std::int64_t pool) const noexcept {
        return pools_.book->n_orders(pools_.account[pool]);
    }

    bool is_at_pole(const Quotient& x) const {
        for (std::int64_t leg = pools_.offsets[first_];
             question_.has_inverse && leg < pools_.offsets[last_exposed_]; ++leg) {
            const InstrumentTerms& terms = terms_of(leg);
            if (weight_of(leg) != 0 && terms.contract_size > 0 &&
                question_.movement.price_at(terms.price, weight_of(leg), x).sign() <= 0) {
                return true;
            }
        }
        return false;
    }

    double relative_error() const noexcept {
        return ErrorBound::relative(pools_.offsets[last_] - pools_.offsets[first_] + 1) *
               market_.steepest * (1 + question_.due.greatest_theta);
    }

    /// Lowers `left` to what is left of a pool; returns the slope of its magnitude: what moves.
    double take_pool(std::int64_t pool, double x, MarginLeft* left) const noexcept {
        const ErrorBound bound(question_.due.greatest_theta, market_.steepest);
        const auto sums =
            sum_moved<Mode, Tangent>(pools_, market_, question_.movement, pool, Tangent(x, 1));
        const Tangent magnitude = Mode::magnitude(sums);
        const double error = 4 * question_.cancellation(reach_, x) *
                             bound.at(n_terms<Mode>(pools_, pool) + 1, magnitude.value);
        detail::take_least<Mode>(question_.due, pool, sums, error, left);
        return magnitude.slope;
    }

    const Pools<RowId>& pools_;
    const Market<1>& market_;
    const Question& question_;
    std::int64_t first_;
    std::int64_t last_;
    std::int64_t last_exposed_;
    Reach reach_{};
    bool is_exposed_ = false;
    bool is_concave_ = true;
    bool has_pole_ = false;
    bool has_only_decimals_ = true;
    bool only_rises_ = true;
};

}  // namespace pymargin

#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "pymargin/fine_crossing.hpp"
#include "pymargin/roots.hpp"

namespace pymargin {

// What a question is put to: an account, or the pools of one. A subject tells, at any value of the
// variable, whether the decision fires (exactly) and how much margin is left (in float64).

/// Which tables of a mode over holdings the tests that count are computed of, a bit each.
template <class Mode>
unsigned tables_asked(const DecisionTable& due) noexcept {
    unsigned tables = 0;
    for (int test = 0; test < due.n_tests; ++test) {
        const int level = due.test_level[test];
        if constexpr (Mode::counts_orders) {
            tables |= 1U << Mode::collateral;
            tables |= 1U << (level == Mode::margin_level ? Mode::maintenance : Mode::initial);
        } else {
            tables |= 1U << (level == Mode::borrow_margin_level         ? Mode::borrow
                             : level == Mode::transfer_out_margin_level ? Mode::transfer_out
                                                                        : Mode::collateral);
            // Without tables of their own these levels are of the collateral.
            tables |= Mode::has_three_ratios ? 0U : 1U;
        }
    }
    return tables;
}

namespace detail {

/// Whether the lines' tests of one account or pool, on its sums, make the decision fire.
template <class Mode, class Number>
PYMARGIN_APART bool fires(const DecisionTable& due, std::int64_t row,
                          const typename Mode::template Sums<Number>& sums) {
    Ratio<Number> levels[Mode::n_levels];
    for (int level = 0; level < Mode::n_levels; ++level) {
        levels[level] = Mode::level(sums, level);
    }
    return due.actions[decide_exactly(due, due.row(row), levels)] != 0;
}

/// The least distance N - theta D of one account beyond every number.
template <class Mode>
PYMARGIN_INLINE FarLine least_far_line(const DecisionTable& due, std::int64_t row,
                                       const typename Mode::template Sums<FarLine>& sums) noexcept {
    const Threshold* const thresholds = due.row(row);
    FarLine least(0, std::numeric_limits<double>::infinity());
    for (int test = 0; test < due.n_tests; ++test) {
        if (due.actions[std::size_t{1} << test] != 0) {
            const Ratio<FarLine> level = Mode::level(sums, due.test_level[test]);
            least = smaller(level.numerator - FarLine(thresholds[test].value) * level.denominator,
                            least);
        }
    }
    return least;
}

/// Whether every test that counts is of a level over debts, which is infinite without them.
template <class Mode>
bool asks_of_debts(const DecisionTable& due) noexcept {
    bool is_so = true;
    for (int test = 0; test < due.n_tests; ++test) {
        const bool counts = due.actions[std::size_t{1} << test] != 0;
        is_so = is_so && (!counts || Mode::is_over_debt(due.test_level[test]));
    }
    return is_so;
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

template <class AnyLine>
PYMARGIN_INLINE AnyLine line_of_threshold(const Threshold& threshold) noexcept {
    if constexpr (std::is_same_v<AnyLine, FineLine>) {
        return FineLine(pair_of(threshold.decimal, threshold.value));
    } else {
        return AnyLine(threshold.decimal);
    }
}

/// Makes `least` the line of the least distance N - theta D of one account or pool. False where D
/// may be 0, or where it is not surely the only one that can be 0 beside the place.
template <class Mode, class AnyLine>
PYMARGIN_INLINE bool take_least_line(const DecisionTable& due, std::int64_t row,
                                     const typename Mode::template Sums<AnyLine>& sums,
                                     AnyLine* least, bool* has_any) {
    const Threshold* const thresholds = due.row(row);
    for (int test = 0; test < due.n_tests; ++test) {
        if (due.actions[std::size_t{1} << test] == 0) {
            continue;
        }
        const Ratio<AnyLine> level = Mode::level(sums, due.test_level[test]);
        const AnyLine theta = line_of_threshold<AnyLine>(thresholds[test]);
        AnyLine other = level.numerator - theta * level.denominator;
        if (!*has_any || other.value() < least->value()) {
            std::swap(*least, other);
            if (level.denominator.sign() <= 0) {
                return false;
            }
        }
        if (*has_any && other.sign() <= 0) {
            return false;
        }
        *has_any = true;
    }
    return true;
}

/// Brings a line in a share of the variable to one in the variable; false where it is none.
inline bool is_line_of(const Question& question, const Line::Place& place, Line* line) noexcept {
    if (question.shared_base != 1) {
        *line = line->stretched(question.shared_base);
    }
    return place.is_settled && !Line::has_overflowed() && !Exact128::has_overflowed();
}

/// How a margin of this slope goes on: 1 where it cannot fall, -1 where it falls, 0
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
    /// Whether the margin left never rises with the variable.
    bool only_falls() const noexcept {
        return only_falls_;
    }

    /// Whether it is plain that nothing is due where the variable is 0: nothing is owed there, and
    /// every test is of a level over what is owed.
    bool is_safe_at_zero() const noexcept {
        return !owes_at_zero_ && loss_extent_ == 0 && detail::asks_of_debts<Mode>(question_.due);
    }

    template <class Number>
    PYMARGIN_APART bool is_due(const Number& x) const {
        const auto loss = frozen_loss<Mode, Number>(accounts_, market_, account_);
        return detail::fires<Mode, Number>(
            question_.due, account_,
            sum_moved<Mode, Number>(accounts_, market_, question_.movement, account_, x, loss));
    }

    /// The same at the shortest decimal of a float64, by the fastest numbers that do not round.
    PYMARGIN_APART bool is_due_at(double x) const {
        if (!question_.is_decimal) {
            return is_due(Quotient(x));
        }
        Exact128::clear_overflow();
        const bool due = is_due(Exact128(x));
        return Exact128::has_overflowed() ? is_due(Exact(x)) : due;
    }

    /// The line of the margin left near x; false where that is not settled in 128 bits.
    PYMARGIN_APART bool margin_line(double x, Line* line) const {
        if (!question_.has_lines) {
            return false;
        }
        Exact128::clear_overflow();
        Line::clear_overflow();
        Line::Place place{x / question_.shared_base};
        const Line loss(frozen_loss<Mode, Exact128>(accounts_, market_, account_));
        const auto sums = sum_moved<Mode, Line>(accounts_, market_, question_.shared, account_,
                                                Line::variable(place), loss);
        bool has_any = false;
        return detail::take_least_line<Mode, Line>(question_.due, account_, sums, line, &has_any) &&
               detail::is_line_of(question_, place, line);
    }

    /// Where the line of the margin left near x is 0, in pairs; false where that is not settled.
    PYMARGIN_APART bool crossing(double x, FineCrossing* zero) const {
        if (!question_.has_lines) {
            return false;
        }
        const double place = x / question_.shared_base;
        const auto sums = sum_moved<Mode, FineLine>(accounts_, market_, question_.shared, account_,
                                                    FineLine::variable(place), fine_loss());
        FineLine line;
        bool has_any = false;
        if (!detail::take_least_line<Mode, FineLine>(question_.due, account_, sums, &line,
                                                     &has_any)) {
            return false;
        }
        *zero = FineCrossing(line, place, question_.shared_base,
                             ErrorBound::relative(n_terms<Mode>(accounts_, account_) + 1));
        return true;
    }

    MarginLeft margin_left(double x) const noexcept {
        double moving = 0;
        return margin_left(x, &moving);
    }

    bool only_rises() const noexcept {
        return !moves_debt_;
    }

    /// Whether the margin mostly is one line between where it is and where it is 0.
    static constexpr bool has_few_pieces = false;
    /// Whether it is known where the margin is a line for good.
    static constexpr bool has_far_margin = true;
    FarMargin far_margin() const noexcept {
        const auto sums = sum_moved<Mode, FarLine>(accounts_, market_, question_.movement, account_,
                                                   FarLine(0, 1), FarLine(loss_));
        const FarLine least = detail::least_far_line<Mode>(question_.due, account_, sums);
        const double error = 4 * relative_error() * std::abs(Mode::magnitude(sums).slope);
        return {detail::trend_of(least.slope, error), -least.value / least.slope};
    }
    /// Which way the margin goes from x: 1 where it does not fall, -1 where it falls, 0 where
    /// float64 does not tell; and whether the account has nothing of a value there.
    int direction(double x, bool* is_nothing) const noexcept {
        double moving = 0;
        const MarginLeft left = margin_left(x, &moving);
        *is_nothing = left.is_nothing;
        return detail::trend_of(left.slope, 4 * relative_error() * std::abs(moving));
    }

  private:
    FineLine fine_loss() const noexcept {
        if constexpr (Mode::counts_orders) {
            const auto& orders = accounts_.orders.offsets;
            if (orders[account_] != orders[account_ + 1]) {
                Exact128::clear_overflow();
                const auto loss = frozen_loss<Mode, Exact128>(accounts_, market_, account_);
                return Exact128::has_overflowed() ? FineLine(Pair{HUGE_VAL, 0})
                                                  : FineLine(pair_of(loss));
            }
            return FineLine(accounts_.open_order_loss[account_]);
        } else {
            return {};
        }
    }

    void survey() noexcept {
        const Movement& movement = question_.movement;
        const auto& balances = accounts_.balances;
        const bool has_own_reach = !question_.reach;
        // Without branches: what an account has is not to be foreseen.
        bool moves_any = false;
        bool is_fit = true;
        bool owes_moving = false;
        bool owes = false;
        bool owes_at_zero = false;
        bool falls = true;
        for (auto k = balances.offsets[account_]; k < balances.offsets[account_ + 1]; ++k) {
            const std::size_t row = balances.asset[k];
            const double weight = movement.weight_of(row);
            const bool moves = (weight != 0) | (static_cast<std::int64_t>(row) == movement.row);
            const bool owes_this = (balances.borrowed[k] > 0) | (balances.interest[k] > 0);
            const bool holds = (balances.free[k] > 0) | (balances.locked[k] > 0);
            moves_any |= movement.moves(market_.rows[row].price, weight);
            is_fit &= !moves | (question_.is_fit[row] != 0);
            owes |= owes_this;
            owes_moving |= moves & owes_this;
            owes_at_zero |= (weight != movement.scale) & owes_this;
            falls &= (weight == 0) | ((weight > 0) & !holds);
            if (has_own_reach) {
                reach_.include(weight);
            }
        }
        is_exposed_ = moves_any;
        is_concave_ = is_fit;
        owes_ = owes;
        owes_at_zero_ = owes_at_zero;
        moves_debt_ = owes_moving;
        only_falls_ = falls;
        if (movement.row >= 0) {
            only_falls_ = false;
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
        const auto sums = sums_at(x);
        const Tangent magnitude = Mode::magnitude(sums);
        *moving = magnitude.slope;
        MarginLeft left;
        left.is_nothing = magnitude.value == 0 && loss_extent_ == 0;
        detail::take_least<Mode>(question_.due, account_, sums, error_at(x, magnitude.value),
                                 &left);
        return left;
    }

    typename Mode::template Sums<Tangent> sums_at(double x) const noexcept {
        return sum_moved<Mode, Tangent>(accounts_, market_, question_.movement, account_,
                                        Tangent(x, 1), Tangent(loss_));
    }

    /// Bounds the rounding of the margin left. Where prices are nearly 0 that is by the parts that
    /// they are computed from, and those by the prices at the start.
    double error_at(double x, double magnitude) const noexcept {
        const ErrorBound bound(question_.due.greatest_theta, market_.steepest);
        const std::int64_t terms = n_terms<Mode>(accounts_, account_) + 1;
        const PriceParts parts = question_.price_parts(reach_, x);
        const double error = 4 * parts.of_price * bound.at(terms, magnitude + loss_extent_);
        if (!parts.cancel()) {
            return error;
        }
        const double at_start = Mode::magnitude(sums_at(question_.movement.base)).value;
        return std::fmin(error, 4 * parts.of_start * bound.at(terms, at_start + loss_extent_));
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
    bool owes_at_zero_ = false;  ///< what has a value where the variable is 0
    bool moves_debt_ = false;
    bool only_falls_ = true;
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
    /// Whether the margin left never rises with the variable.
    bool only_falls() const noexcept {
        return only_falls_;
    }
    static constexpr bool is_safe_at_zero() noexcept {
        return false;
    }

    template <class Number>
    PYMARGIN_APART bool is_due(const Number& x) const {
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
    PYMARGIN_APART bool is_due_at(double x) const {
        if (!has_lines_ || !question_.is_decimal) {
            return is_due(Quotient(x));
        }
        Exact128::clear_overflow();
        const bool due = is_due(Exact128(x));
        return Exact128::has_overflowed() ? is_due(Quotient(x)) : due;
    }

    /// The line of the margin left near x; false where that is not settled in 128 bits.
    PYMARGIN_APART bool margin_line(double x, Line* line) const {
        if (!has_lines_) {
            return false;
        }
        Exact128::clear_overflow();
        Line::clear_overflow();
        Line::Place place{x / question_.shared_base};
        bool has_any = false;
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            const auto sums = sum_moved<Mode, Line>(pools_, market_, question_.shared, pool,
                                                    Line::variable(place));
            if (!detail::take_least_line<Mode, Line>(question_.due, pool, sums, line, &has_any)) {
                return false;
            }
        }
        return detail::is_line_of(question_, place, line);
    }

    /// Where the line of the margin left near x is 0, in pairs; false where that is not settled.
    PYMARGIN_APART bool crossing(double x, FineCrossing* zero) const {
        if (!has_lines_) {
            return false;
        }
        const double place = x / question_.shared_base;
        FineLine line;
        bool has_any = false;
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            const auto sums = sum_moved<Mode, FineLine>(pools_, market_, question_.shared, pool,
                                                        FineLine::variable(place));
            if (!detail::take_least_line<Mode, FineLine>(question_.due, pool, sums, &line,
                                                         &has_any)) {
                return false;
            }
        }
        *zero =
            FineCrossing(line, place, question_.shared_base,
                         ErrorBound::relative(pools_.offsets[last_] - pools_.offsets[first_] + 1));
        return true;
    }

    MarginLeft margin_left(double x) const noexcept {
        MarginLeft left;
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            take_pool(pool, x, &left);
        }
        return left;
    }

    bool only_rises() const noexcept {
        return only_rises_;
    }
    static constexpr bool has_few_pieces = true;
    static constexpr bool has_far_margin = false;
    /// Which way the margin goes from x: 1 where it does not fall, -1 where it falls, 0 where
    /// float64 does not tell; pools are never known to have nothing of a value.
    int direction(double x, bool* is_nothing) const noexcept {
        *is_nothing = false;
        int least = 1;
        for (std::int64_t pool = first_; pool < last_; ++pool) {
            MarginLeft left;
            const double moving = take_pool(pool, x, &left);
            const int direction =
                moving == 0 ? 1
                            : detail::trend_of(left.slope, 4 * relative_error() * std::abs(moving));
            // One pool that falls decides, whatever is not known of another.
            if (direction < 0) {
                return -1;
            }
            least = direction < least ? direction : least;
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

    void survey() noexcept {
        const bool has_own_reach = !question_.reach;
        reach_ = question_.reach.value_or(Reach{});
        has_lines_ = question_.has_lines;
        for (int test = 0; test < question_.due.n_tests; ++test) {
            // Available balances are of initial margins, which are divided by leverages.
            has_lines_ = has_lines_ && question_.due.test_level[test] == 0;
        }
        for (std::int64_t pool = first_; pool < last_ && Mode::counts_orders; ++pool) {
            has_lines_ = has_lines_ && pools_.book->n_orders(pools_.account[pool]) == 0;
        }
        std::int64_t begin = pools_.offsets[first_];
        const std::int64_t end = pools_.offsets[last_];
        bool moves_long = false;  // of the positions since the last asset
        for (std::int64_t leg = begin; leg < pools_.offsets[last_exposed_]; ++leg) {
            const std::size_t row = pools_.row[leg];
            const InstrumentTerms& terms = market_.terms[row];
            const double weight = question_.movement.weight_of(row);
            const bool moves_units = static_cast<std::int64_t>(row) == question_.movement.row;
            const bool is_asset = terms.weight >= 0;
            const bool has_any = leg > begin || pools_.x[leg] != 0 || pools_.y[leg] != 0 ||
                                 pools_.z[leg] != 0 || moves_units;
            const bool moves_price = question_.movement.moves(terms.price, weight) ||
                                     (is_asset && question_.movement.moves(terms.weight, weight));
            is_exposed_ = is_exposed_ || ((moves_price || moves_units) && (!is_asset || has_any));
            has_pole_ = has_pole_ || (weight != 0 && terms.contract_size > 0);
            if (has_own_reach) {
                reach_.include(weight);
            }
            if (leg < end) {
                has_lines_ = has_lines_ && !(terms.contract_size > 0);
                const bool fits = !is_asset || fit_together(begin, leg);
                is_concave_ = is_concave_ && question_.is_fit[row] != 0 && fits;
                take_direction(
                    row, weight,
                    leg == begin && !moves_units && pools_.x[leg] >= 0 && pools_.y[leg] == 0, leg,
                    &moves_long);
            }
            if (is_asset) {
                begin = leg + 1;
                moves_long = false;
            }
        }
    }

    /// Notes which way the margin goes with a leg as the variable rises: with a holding alone it
    /// does not fall, with a short position it does not rise, and with a long one it does not fall
    /// where profit counts in full and the brackets ask for less than all of it.
    void take_direction(std::size_t row, double weight, bool is_held_alone, std::int64_t leg,
                        bool* moves_long) noexcept {
        const InstrumentTerms& terms = market_.terms[row];
        const bool is_asset = terms.weight >= 0;
        if (is_asset) {
            const bool counts_in_full = terms.price == terms.weight &&
                                        market_.rows[row].tables[0].first_rate == 1 &&
                                        std::isinf(market_.rows[row].tables[0].first_cap);
            only_rises_ =
                only_rises_ && (weight == 0 ? counts_in_full || !*moves_long : is_held_alone);
            only_falls_ = only_falls_ && weight == 0 &&
                          !(static_cast<std::int64_t>(row) == question_.movement.row);
            return;
        }
        if (weight != 0) {
            const bool is_linear = !(terms.contract_size > 0) && weight > 0;
            const bool is_long = pools_.x[leg] > 0;
            only_rises_ = only_rises_ && is_linear && is_long &&
                          question_.due.greatest_theta * question_.steepest_bracket < 1;
            only_falls_ = only_falls_ && is_linear && !is_long;
            *moves_long = true;
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
        const auto sums = sums_at(pool, x);
        const Tangent magnitude = Mode::magnitude(sums);
        detail::take_least<Mode>(question_.due, pool, sums, error_at(pool, x, magnitude.value),
                                 left);
        return magnitude.slope;
    }

    typename Mode::template Sums<Tangent> sums_at(std::int64_t pool, double x) const noexcept {
        return sum_moved<Mode, Tangent>(pools_, market_, question_.movement, pool, Tangent(x, 1));
    }

    /// As of an account. A position's part may be a product of two prices that move; that of an
    /// inverse contract is a price's inverse, which the price at the start does not bound.
    double error_at(std::int64_t pool, double x, double magnitude) const noexcept {
        const ErrorBound bound(question_.due.greatest_theta, market_.steepest);
        const std::int64_t terms = n_terms<Mode>(pools_, pool) + 1;
        const PriceParts parts = question_.price_parts(reach_, x);
        const double error = 4 * parts.of_price * bound.at(terms, magnitude);
        if (!parts.cancel() || has_pole_) {
            return error;
        }
        const double at_start = Mode::magnitude(sums_at(pool, question_.movement.base)).value;
        return std::fmin(error, 4 * parts.of_start * parts.of_start * bound.at(terms, at_start));
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
    bool has_lines_ = true;   ///< nothing that decides is divided
    bool only_rises_ = true;  ///< the margin left, with the variable
    bool only_falls_ = true;
};

}  // namespace pymargin

#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "pymargin/movement.hpp"

namespace pymargin {

/// The least and the greatest of the weights that move, 0 among them.
struct Reach {
    double least = 0;
    double greatest = 0;

    void include(double weight) noexcept {
        least = weight < least ? weight : least;
        greatest = weight > greatest ? weight : greatest;
    }
};

/// The parts that a price is the sum of, as multiples: of that price, which may be nearly 0, and of
/// the price at the start.
struct PriceParts {
    double of_price = 1;
    double of_start = 1;

    /// Whether they nearly cancel each other.
    bool cancel() const noexcept {
        return of_price > 2;
    }
};

/// The values that the variable of a question may take; without `high` they have no end.
struct Range {
    Quotient low;
    std::optional<Quotient> high{};
};

/// Which schedules have rates that never rise, and which rates that never fall; none has both.
class Shapes {
  public:
    explicit Shapes(const ScheduleTable& schedules);

    bool falls(int schedule) const noexcept {
        return schedule < 0 || falls_[static_cast<std::size_t>(schedule)] != 0;
    }
    bool rises(int schedule) const noexcept {
        return schedule < 0 || rises_[static_cast<std::size_t>(schedule)] != 0;
    }

    /// Of the last step; 0 without a schedule.
    double last_rate(int schedule) const noexcept {
        return schedule < 0 ? 0 : last_rate_[static_cast<std::size_t>(schedule)];
    }

  private:
    std::vector<double> last_rate_;
    std::vector<std::uint8_t> falls_;
    std::vector<std::uint8_t> rises_;
};

/// A question to all accounts of a book: what moves, and over which range.
///
/// `due` has the tests of the threshold lines; its actions say for every combination of bits
/// whether the decision fires. Where it fires exactly if one of the tests does, float64 may look
/// for the root first (`is_any_test`).
struct Question {
    /// Of the market's tables the first `n_held_tables` are asked of holdings.
    template <int n_tables>
    Question(const Movement& moved, const std::optional<Reach>& given_reach,
             const Market<n_tables>& market, std::int64_t n_rows, int n_held_tables,
             const DecisionTable& due_table, bool wants_exact_floats)
        : Question(moved, given_reach, due_table, wants_exact_floats) {
        const Shapes shapes(*market.schedules);
        is_fit.reserve(static_cast<std::size_t>(n_rows));
        fine_prices.reserve(static_cast<std::size_t>(n_rows));
        for (std::int64_t row = 0; row < n_rows; ++row) {
            const auto at = static_cast<std::size_t>(row);
            const double weight = movement.weight_of(at);
            const MarketRow<n_tables>& known = market.rows[at];
            bool fits = true;
            bool stays_decimal = movement.is_decimal(known.price, weight);
            for (int table = 0; table < n_tables; ++table) {
                const int schedule = known.tables[table].schedule;
                fits = fits &&
                       (table < n_held_tables ? shapes.falls(schedule) : shapes.rises(schedule));
            }
            if (market.terms != nullptr) {
                const InstrumentTerms& terms = market.terms[at];
                const bool is_asset = terms.weight >= 0;
                // Equity counts at a rate of at most 1 where it is positive, at no less where it
                // is negative; positions ask for margin at rising rates.
                if (!is_asset && weight != 0) {
                    steepest_bracket =
                        std::fmax(steepest_bracket, shapes.last_rate(known.tables[0].schedule));
                }
                fits = is_asset
                           ? fits && terms.weight >= terms.price && known.tables[0].first_rate <= 1
                           : shapes.rises(known.tables[0].schedule);
                stays_decimal = movement.is_decimal(terms.price, weight) &&
                                (!is_asset || movement.is_decimal(terms.weight, weight));
                has_inverse = has_inverse || (weight != 0 && terms.contract_size > 0);
            }
            is_fit.push_back(fits ? 1 : 0);
            if (market.terms == nullptr) {
                fine_prices.push_back(pair_of(known.price));
            }
            is_decimal = is_decimal && stays_decimal;
            has_lines =
                has_lines && (weight == 0 || weight == movement.scale || movement.scale == 1);
        }
        if (!fine_prices.empty()) {
            movement.fine_prices = fine_prices.data();
            shared.fine_prices = fine_prices.data();
        }
        if (is_decimal) {
            has_lines = true;
        } else {
            shared.base = 1;
            shared_base = movement.base;
        }
    }

    Movement movement;
    DecisionTable due;
    bool is_exact;  ///< roots are boundary floats; else the floats nearest to the roots
    bool is_any_test = true;
    double steepest_bracket = 0;  ///< of the positions that move: the greatest rate
    bool is_decimal = true;       ///< prices are decimals wherever the variable is one
    bool has_inverse = false;     ///< the price of an inverse contract moves
    /// Prices are decimals wherever a share of the variable is one, that of `shared_base`: the
    /// movement by which a share moves them.
    bool has_lines = true;
    Movement shared;
    double shared_base = 1;
    /// The weights that the range goes by; nothing: each account's own.
    std::optional<Reach> reach;
    Quotient start;
    std::vector<Pair> fine_prices;     ///< per row, of prices as they are; of holdings only
    std::vector<std::uint8_t> is_fit;  ///< per row: what it counts for is concave in a price

    /// The range of the variable in which no price is below 0.
    Range range_of(const Reach& own) const;

    /// Whether the range is that from 0 on, without end.
    bool is_usual(const Reach& own) const noexcept {
        return own.greatest == movement.scale && own.least == 0;
    }

    /// How much greater the parts are, at most, that a price is computed from.
    PriceParts price_parts(const Reach& own, double x) const noexcept;

  private:
    Question(const Movement& moved, const std::optional<Reach>& given_reach,
             const DecisionTable& due_table, bool wants_exact_floats);
};

/// N - theta D, the least of all tests of an account, with its slope: the decision fires where this
/// is below 0. `error` bounds the rounding of the value.
struct MarginLeft {
    double value = std::numeric_limits<double>::infinity();
    double slope = 0;
    double error = 0;
    bool is_nothing = false;  ///< nothing is held or owed, at the prices that there are
};

/// How the margin left goes on beyond every number: 1 where it does not fall, -1 where it falls, 0
/// where float64 does not tell; and where the line that it is there is 0.
struct FarMargin {
    int trend;
    double zero;
};

/// Far enough that every cap of a moved value lies within, and near enough not to overflow.
constexpr int far_doublings = 160;

}  // namespace pymargin

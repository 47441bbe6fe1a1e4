#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "pymargin/movement.hpp"
#include "pymargin/parallel.hpp"

namespace pymargin {

/// Why a side may be without a root; values as in pymargin.RootReason.
enum class RootReason : std::uint8_t { ok, never, no_exposure, already, unpriced };

/// Where a decision changes on the way down and on the way up; NaN where no price does it.
struct Root {
    double below = std::numeric_limits<double>::quiet_NaN();
    double above = std::numeric_limits<double>::quiet_NaN();
    RootReason reason = RootReason::never;
};

/// The least and the greatest of the weights that move, 0 among them.
struct Reach {
    double least = 0;
    double greatest = 0;

    void include(double weight) noexcept {
        least = weight < least ? weight : least;
        greatest = weight > greatest ? weight : greatest;
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

  private:
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
                fits = is_asset
                           ? fits && terms.weight >= terms.price && known.tables[0].first_rate <= 1
                           : shapes.rises(known.tables[0].schedule);
                stays_decimal = movement.is_decimal(terms.price, weight) &&
                                (!is_asset || movement.is_decimal(terms.weight, weight));
                has_inverse = has_inverse || (weight != 0 && terms.contract_size > 0);
            }
            is_fit.push_back(fits ? 1 : 0);
            is_decimal = is_decimal && stays_decimal;
        }
    }

    Movement movement;
    DecisionTable due;
    bool is_exact;  ///< roots are boundary floats; else the floats nearest to the roots
    bool is_any_test = true;
    bool is_decimal = true;    ///< prices are decimals wherever the variable is one
    bool has_inverse = false;  ///< the price of an inverse contract moves
    /// The weights that the range goes by; nothing: each account's own.
    std::optional<Reach> reach;
    Quotient start;
    std::vector<std::uint8_t> is_fit;  ///< per row: what it counts for is concave in a price

    /// The range of the variable in which no price is below 0.
    Range range_of(const Reach& own) const;

    /// Whether the range is that from 0 on, without end.
    bool is_usual(const Reach& own) const noexcept {
        return own.greatest == movement.scale && own.least == 0;
    }

    /// How much greater than a price the parts are that it is computed from.
    double cancellation(const Reach& own, double x) const noexcept;

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
};

/// Far enough that every cap of a moved value lies within, and near enough not to overflow.
constexpr int far_doublings = 160;

namespace detail {

enum class Side : std::uint8_t { none, root, unsettled };

constexpr int most_newton_steps = 64;
constexpr int most_float_steps = 16;

/// Newton's method on a concave function from a point where it is below 0 towards `end`: it stays
/// on that side of the zero, and on pieces of lines it ends.
template <class Margin>
Side find_zero(const Margin& margin, double z, double end, double* zero, double* slope) {
    const double direction = end > z ? 1 : -1;
    for (int step = 0; step < most_newton_steps; ++step) {
        const MarginLeft left = margin(z);
        if (!std::isfinite(left.value) || left.value > left.error) {
            return Side::unsettled;
        }
        *slope = left.slope;
        const bool rises = left.slope * direction > 0;
        const bool is_flat = std::abs(left.slope * z) <= left.error;
        if (left.value >= -left.error) {
            *zero = z - left.value / left.slope;
            return rises && !is_flat && std::isfinite(*zero) ? Side::root : Side::unsettled;
        }
        if (!rises) {
            return is_flat && left.slope != 0 ? Side::unsettled : Side::none;
        }
        const double at_end = left.value + left.slope * (end - z);
        if (!(at_end > 2 * left.error)) {
            return at_end < -2 * left.error ? Side::none : Side::unsettled;
        }
        const double next = z - left.value / left.slope;
        if (next == z) {
            *zero = z;
            return Side::root;
        }
        z = next;
    }
    return Side::unsettled;
}

/// A point above or below `start` (direction 1 or -1) where a concave function that is above 0
/// there is below 0.
template <class Margin>
bool find_below_zero(const Margin& margin, double start, int direction, double* z) {
    for (int doublings = 1; doublings < far_doublings; doublings = 2 * doublings + 1) {
        *z = std::ldexp(start, direction * doublings);
        const MarginLeft left = margin(*z);
        if (left.value < -left.error) {
            return true;
        }
    }
    return false;
}

/// The float64 at which a decision fires and beyond which, on the safe side, it does not; NaN where
/// no float64 has such a neighbour. Walks float by float from near the root.
template <class Fires>
double boundary_float(double x, const Fires& fires, bool safe_is_up, int steps = most_float_steps) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double safe = safe_is_up ? infinity : -infinity;
    const double due = -safe;
    // Whether x fires is known from its neighbour after the first step.
    bool is_known = false;
    for (int step = 0; step < steps && std::isfinite(x); ++step) {
        if (!is_known && !fires(x)) {
            x = std::nextafter(x, due);
            continue;
        }
        const double neighbour = std::nextafter(x, safe);
        if (std::isinf(neighbour) || !fires(neighbour)) {
            return x;
        }
        x = neighbour;
        is_known = true;
    }
    return std::numeric_limits<double>::quiet_NaN();
}

/// The float64 nearest to a root that lies between one at which the decision fires and its
/// neighbour on the safe side.
template <class IsDue>
double nearer_of(double due, bool safe_is_up, const IsDue& is_due) {
    const double safe = std::nextafter(due, safe_is_up ? HUGE_VAL : -HUGE_VAL);
    const Quotient middle = (binary_value(due) + binary_value(safe)) * Quotient(0.5);
    return is_due(middle) ? safe : due;
}

/// Where one exact value of the margin puts a root: x + offset to far more digits than a float has.
struct Located {
    long double root;
    bool is_sure;
};

/// The root of a margin of this value and slope near x, an exact value at its shortest decimal.
inline Located locate(double x, double value, double slope) noexcept {
    const Decimal decimal = shortest_decimal(x);
    if (decimal.exponent > 0 || decimal.exponent < -greatest_power_of_ten ||
        !std::isfinite(value) || slope == 0) {
        return {0, false};
    }
    const long double at = static_cast<long double>(decimal.coefficient) /
                           static_cast<long double>(power_of_ten[-decimal.exponent]);
    const double offset = -value / slope;
    return {at + static_cast<long double>(offset),
            std::abs(offset) < 64 * unit_roundoff * std::abs(x)};
}

/// How near, in floats, a root may lie to where the answer would change before it is left to
/// exact numbers: the slope may change at an edge in between.
constexpr long double sure_distance = 0.0625L;

/// The root's nearest float64, if that is sure.
inline bool nearest_of(const Located& located, double* nearest) noexcept {
    *nearest = static_cast<double>(located.root);
    const double next = std::nextafter(*nearest, located.root > *nearest ? HUGE_VAL : -HUGE_VAL);
    const long double step = std::abs(static_cast<long double>(next) - *nearest);
    const long double off = std::abs(located.root - *nearest);
    return located.is_sure && off < (0.5L - sure_distance) * step;
}

/// The boundary float of a root, if that is sure: the last on the due side whose decimal has not
/// passed it.
inline bool boundary_of(const Located& located, bool safe_is_up, double* boundary) noexcept {
    double x = static_cast<double>(located.root);
    const double towards_safe = safe_is_up ? HUGE_VAL : -HUGE_VAL;
    for (int step = 0; step < 4 && located.is_sure; ++step) {
        const double next = std::nextafter(x, towards_safe);
        const long double width = std::abs(static_cast<long double>(next) - x);
        const auto beyond = [&](double candidate) {
            const Located at = locate(candidate, 0, 1);
            const long double past = safe_is_up ? at.root - located.root : located.root - at.root;
            return at.is_sure ? past / width : 0;
        };
        const long double here = beyond(x);
        const long double there = beyond(next);
        if (std::abs(here) < sure_distance || std::abs(there) < sure_distance) {
            return false;
        }
        if (here < 0 && there > 0) {
            *boundary = x;
            return true;
        }
        x = here > 0 ? std::nextafter(x, -towards_safe) : next;
    }
    return false;
}

/// The float64 that answers for a root near x; NaN where there is none.
template <class Subject>
double settle(const Subject& subject, double x, double slope, bool safe_is_up, bool is_exact) {
    const Located located = locate(x, subject.exact_margin_at(x), slope);
    double found = 0;
    if (is_exact ? boundary_of(located, safe_is_up, &found) : nearest_of(located, &found)) {
        return found;
    }
    found = boundary_float(x, [&](double at) { return subject.is_due_at(at); }, safe_is_up);
    if (is_exact || std::isnan(found)) {
        return found;
    }
    return nearer_of(found, safe_is_up, [&](const Quotient& at) { return subject.is_due(at); });
}

}  // namespace detail

/// The roots of one account (a subject: see below) by walking from edge to edge in exact numbers.
/// Right for every movement and every rule, and slow. False where the roots would be zeros of
/// polynomials of degree above 2.
template <class Subject>
bool walk_exactly(const Subject& subject, const Question& question, Root* root) {
    const Range range = question.range_of(subject.reach());
    const auto holds = [&](const auto& x) { return subject.is_due(x); };
    const bool is_due = holds(question.start);
    bool is_solvable = true;
    bool has_root = false;
    const auto side = [&](bool up, const std::optional<Quotient>& end) {
        const auto found = first_change(holds, question.start, up, end, &is_solvable);
        if (!found) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        has_root = true;
        const double nearest = nearest_float(*found);
        if (!question.is_exact) {
            return nearest;
        }
        // From a safe start what is due lies beyond the root; from one that is due, before it.
        return detail::boundary_float(
            nearest, [&](double x) { return subject.is_due(Quotient(x)); }, up == is_due);
    };
    root->below = side(false, range.low);
    root->above = side(true, range.high);
    root->reason = is_due ? RootReason::already : has_root ? RootReason::ok : RootReason::never;
    return is_solvable;
}

/// The same, by float64 where the account's margin is concave in the variable: a float is a root
/// where the exact decision fires at it and not at its neighbour. False where it does not settle.
template <class Subject>
bool find_by_newton(const Subject& subject, const Question& question, Root* root) {
    using detail::Side;
    const Movement& movement = question.movement;
    const bool is_inverse = movement.is_inverse;
    const double start = is_inverse ? 1 : movement.base;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double low = 0;
    double high = infinity;
    if (!is_inverse && !question.is_usual(subject.reach())) {
        const Range range = question.range_of(subject.reach());
        low = range.low.rounded();
        high = range.high ? range.high->rounded() : infinity;
    }
    if (!(start > low) || !(start > 0)) {
        return false;
    }
    const auto margin = [&](double z) { return subject.margin_left(z); };
    const MarginLeft now = margin(start);
    if (!(std::abs(now.value) > now.error)) {
        return false;
    }
    const bool is_due = now.value < 0;
    double zeros[2] = {0, 0};
    double slopes[2] = {0, 0};
    Side sides[2] = {Side::none, Side::none};
    if (is_due) {
        const double farthest = high < infinity ? high : std::ldexp(start, 1000);
        const int up = now.slope > 0 ? 1 : 0;
        sides[up] =
            detail::find_zero(margin, start, up == 1 ? farthest : low, &zeros[up], &slopes[up]);
    } else {
        // At a price of 0 an inverse contract has no value; near it the margin goes on in a line.
        const bool has_pole = !is_inverse && subject.has_pole();
        if (has_pole && low != 0) {
            return false;
        }
        const MarginLeft at_low = margin(has_pole ? std::ldexp(start, -far_doublings) : low);
        if (has_pole && at_low.value < -at_low.error &&
            !detail::find_below_zero(margin, start, -1, &low)) {
            return false;
        }
        if (at_low.value < -at_low.error) {
            sides[0] = detail::find_zero(margin, low, start, &zeros[0], &slopes[0]);
            sides[0] = sides[0] == Side::none ? Side::unsettled : sides[0];
        } else if (!(at_low.value > at_low.error)) {
            return false;
        }
        double beyond = high;
        const int trend = high < infinity ? 0 : subject.trend(start);
        if (high < infinity) {
            const MarginLeft at_high = margin(high);
            sides[1] = at_high.value > at_high.error    ? Side::none
                       : at_high.value < -at_high.error ? Side::root
                                                        : Side::unsettled;
        } else if (trend < 0) {
            sides[1] =
                detail::find_below_zero(margin, start, 1, &beyond) ? Side::root : Side::unsettled;
        } else if (trend == 0) {
            sides[1] = Side::unsettled;
        }
        if (sides[1] == Side::root) {
            sides[1] = detail::find_zero(margin, beyond, start, &zeros[1], &slopes[1]);
            sides[1] = sides[1] == Side::none ? Side::unsettled : sides[1];
        }
    }
    bool has_root = false;
    for (int k = 0; k < 2; ++k) {
        if (sides[k] == Side::unsettled) {
            return false;
        }
        if (sides[k] == Side::none) {
            continue;
        }
        has_root = true;
        const bool is_up = is_inverse ? k == 0 : k == 1;
        const double near = is_inverse ? movement.base / zeros[k] : zeros[k];
        // du / dx = -u / x where u is base / x.
        const double slope = is_inverse ? -slopes[k] * zeros[k] / near : slopes[k];
        const double found =
            detail::settle(subject, near, slope, is_up == is_due, question.is_exact);
        if (std::isnan(found)) {
            return false;
        }
        (is_up ? root->above : root->below) = found;
    }
    root->reason = is_due ? RootReason::already : has_root ? RootReason::ok : RootReason::never;
    return true;
}

/// Where the roots of n accounts go.
struct RootArrays {
    double* below;
    double* above;
    std::uint8_t* reason;
    std::uint16_t* gaps;  ///< action bits of accounts that are unpriced, else 0
};

/// The roots of subjects 0 to n, subject(k) being one. The number of one whose roots would be zeros
/// of a polynomial of degree above 2, or -1.
template <class SubjectOf>
std::int64_t find_roots(std::int64_t n, const SubjectOf& subject_of, const Question& question,
                        const RootArrays& out, int threads) {
    std::atomic<std::int64_t> unsolvable{-1};
    const auto find = [&](const auto& subject, std::int64_t k) {
        Root root;
        out.gaps[k] = subject.gaps();
        if (out.gaps[k] != 0) {
            root.reason = RootReason::unpriced;
        } else if (!subject.is_exposed()) {
            root.reason = RootReason::no_exposure;
        } else if (subject.is_free()) {
            root.reason = RootReason::never;
        } else if (!question.is_any_test || !subject.is_concave() ||
                   !find_by_newton(subject, question, &root)) {
            root = {};
            if (!walk_exactly(subject, question, &root)) {
                unsolvable = k;
            }
        }
        out.below[k] = root.below;
        out.above[k] = root.above;
        out.reason[k] = static_cast<std::uint8_t>(root.reason);
    };
    constexpr std::int64_t least_per_thread = 256;
    parallel_for(
        n, thread_count(threads),
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t k = begin; k < end; ++k) {
                find(subject_of(k), k);
            }
        },
        least_per_thread);
    return unsolvable;
}

}  // namespace pymargin

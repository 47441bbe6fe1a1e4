#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "pymargin/modes/portfolio.hpp"
#include "pymargin/subjects.hpp"

namespace pymargin {

// How much of one asset may be borrowed or taken out. The question's variable is a quantity, its
// table says whether an account that has moved it is refused. An answer is the largest float64 up
// to which nothing on the way is refused, each decided exactly: never an amount that is.

/// A pool of portfolio margin from which something is taken out: it may not leave a largest
/// withdrawal below 0, either.
template <class RowId>
class WithdrawalSubject {
  public:
    WithdrawalSubject(const Pools<RowId>& pools, const Market<1>& market, const Question& question,
                      Withdrawal withdrawal, std::int64_t pool) noexcept
        : pools_(pools),
          market_(market),
          question_(question),
          withdrawal_(withdrawal),
          pool_(pool),
          lines_(pools, market, question, pool, pool + 1, pool + 1) {
    }

    std::uint16_t gaps() const noexcept {
        return lines_.gaps();
    }
    bool is_concave() const noexcept {
        return lines_.is_concave();
    }

    template <class Number>
    bool is_due(const Number& x) const {
        return lines_.is_due(x) || left(x).sign() < 0;
    }
    bool is_due_at(double x) const {
        return is_due(Quotient(x));
    }

    /// A withdrawal that leaves exactly 0 is not refused, as one on a line is: there is no one
    /// line.
    static bool margin_line(double /*x*/, Line* /*line*/) noexcept {
        return false;
    }
    static bool crossing(double /*x*/, FineCrossing* /*zero*/) noexcept {
        return false;
    }

    MarginLeft margin_left(double x) const noexcept {
        MarginLeft least = lines_.margin_left(x);
        const Tangent withdrawable = left(Tangent(x, 1));
        if (withdrawable.value < least.value) {
            least.value = withdrawable.value;
            least.slope = withdrawable.slope;
        }
        return least;
    }

  private:
    template <class Number>
    Number left(const Number& x) const {
        return Portfolio::withdrawable(
            sum_moved<Portfolio, Number>(pools_, market_, question_.movement, pool_, x),
            withdrawal_);
    }

    const Pools<RowId>& pools_;
    const Market<1>& market_;
    const Question& question_;
    Withdrawal withdrawal_;
    std::int64_t pool_;
    PoolSubject<Portfolio, RowId> lines_;
};

namespace detail {

/// The largest float64 at most `end` whose decimal is not above it and is permitted.
template <class Permits>
double permitted_below(const Quotient& end, const Permits& permits) {
    // An end may lie beyond the greatest float64, which has a decimal, as infinity has not.
    double x =
        std::fmin(std::nextafter(nearest_float(end), HUGE_VAL), std::numeric_limits<double>::max());
    while (x > 0 && (end < Quotient(x) || !permits(Quotient(x)))) {
        x = std::nextafter(x, 0);
    }
    return x;
}

/// Walks from edge to edge in exact numbers; for every rule.
template <class Subject>
double room_by_walk(const Subject& subject, double most) {
    const auto permits = [&](const auto& x) { return !subject.is_due(x); };
    std::optional<Quotient> end;
    if (std::isfinite(most)) {
        end = Quotient(most);
    }
    bool is_solvable = true;
    std::optional<Quotient> found = first_change(permits, Quotient(), true, end, &is_solvable);
    if (!found && end && !permits(*end)) {
        found = end;
    }
    return found ? permitted_below(*found, permits) : most;
}

/// The largest float64 that is permitted, where 0 is, `refused` is not and one change lies between:
/// from near it, by steps that double until it is passed, then by halves; each decided exactly.
template <class Refuses>
double last_permitted(double near, double refused, const Refuses& refuses) {
    // Floats from 0 up are ordered as the integers of their bits are.
    const auto place_of = [](double x) {
        std::int64_t place = 0;
        std::memcpy(&place, &x, sizeof x);
        return place;
    };
    const auto at = [](std::int64_t place) {
        double x = 0;
        std::memcpy(&x, &place, sizeof x);
        return x;
    };
    std::int64_t low = 0;
    std::int64_t high = place_of(refused);
    std::int64_t place = place_of(near);
    std::int64_t step = 1;
    while (high - low > 1) {
        if (place <= low || place >= high) {
            place = low + (high - low) / 2;
        }
        const bool is_refused = refuses(at(place));
        (is_refused ? high : low) = place;
        // A step of half the rest and more would say no more than the middle does.
        if (step < (high - low) / 2) {
            place += is_refused ? -step : step;
            step *= 2;
        }
    }
    return at(low);
}

/// A quantity that is refused, out from 1 by powers of four; false where none is near enough.
template <class Subject>
bool find_refused(const Subject& subject, double* x) {
    for (int power = 0; power < far_doublings; power += 2) {
        *x = std::ldexp(1.0, power);
        const MarginLeft left = subject.margin_left(*x);
        if (left.value < -left.error) {
            return true;
        }
    }
    return false;
}

/// Near the zero of a concave margin that is above 0 at 0 and not at `x`, by Newton's method from
/// there: on pieces of lines it ends. What it gives is looked at exactly, so it need not be exact.
template <class Subject>
double near_zero(const Subject& subject, double x) {
    constexpr int most_steps = 64;
    for (int step = 0; step < most_steps; ++step) {
        const MarginLeft left = subject.margin_left(x);
        const double next = x - left.value / left.slope;
        if (!(left.value < 0) || !(left.slope < 0) || !(next < x)) {
            break;
        }
        x = next > 0 ? next : 0;
    }
    return x;
}

/// The same by float64 where the margin left is concave in the quantity: what is permitted at two
/// points is permitted between them. False where no quantity is known to be refused.
template <class Subject>
bool room_by_newton(const Subject& subject, double most, double* room) {
    double refused = most;
    if (std::isfinite(most)) {
        const MarginLeft left = subject.margin_left(most);
        if (left.value > left.error || (!(left.value < -left.error) && !subject.is_due_at(most))) {
            *room = most;
            return true;
        }
    } else if (!find_refused(subject, &refused)) {
        return false;
    }
    const double near = near_zero(subject, refused);
    double first_refused = 0;
    if ((settle_in_pairs(subject, near, false, true, &first_refused) ||
         settle_on_line(subject, near, false, true, &first_refused)) &&
        first_refused > 0 && first_refused <= refused) {
        *room = std::nextafter(first_refused, 0);
        return true;
    }
    *room = last_permitted(near, refused, [&](double x) { return subject.is_due_at(x); });
    return true;
}

}  // namespace detail

/// How much a subject may move, at most `most` (infinite: without end).
template <class Subject>
double room_of(const Subject& subject, const Question& question, double most) {
    if (subject.gaps() != 0) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    if (!(most > 0)) {
        return 0;
    }
    const bool is_fast = question.is_any_test && subject.is_concave();
    const MarginLeft now = is_fast ? subject.margin_left(0) : MarginLeft{0, 0, 1};
    if (now.value < -now.error || (!(now.value > now.error) && subject.is_due_at(0))) {
        return 0;
    }
    double room = 0;
    return is_fast && detail::room_by_newton(subject, most, &room)
               ? room
               : detail::room_by_walk(subject, most);
}

/// The rooms of subjects 0 to n, subject(k) being one, of which no more than most[k] may be moved.
template <class SubjectOf>
void find_rooms(std::int64_t n, const SubjectOf& subject_of, const Question& question,
                const double* most, double* out, int threads) {
    constexpr std::int64_t least_per_thread = 256;
    parallel_for(
        n, thread_count(threads),
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t k = begin; k < end; ++k) {
                out[k] = room_of(subject_of(k), question, most[k]);
            }
        },
        least_per_thread);
}

/// USDT that a loan of portfolio margin may ask for: what may be withdrawn beyond the initial
/// margin of the loans there are. A loan at leverage L then may be (L - 1) times as large (FAQ
/// 446ce2c3).
template <class Number, class RowId>
Number loan_room(const Pools<RowId>& pools, const Market<1>& market, Withdrawal withdrawal,
                 std::int64_t pool, double* magnitude) {
    Notes unused;
    Number lent{};
    const auto sums = sum_row<Portfolio, Number>(pools, market, pool, unused);
    visit_legs<Number>(pools, pool, [&](std::uint32_t row, const Leg<Number>& leg) {
        const Instrument<Number> instrument(market, row, unused);
        if (instrument.is_asset()) {
            lent += leg.z * instrument.weight();
        }
    });
    if constexpr (!is_exact<Number>) {
        *magnitude = Portfolio::magnitude(sums);
    }
    return positive_part(Portfolio::withdrawable(sums, withdrawal)) - lent;
}

/// The largest loan of an asset at `price`, in its units; 0 where there is none, NaN where the pool
/// cannot be valued.
template <class RowId>
double largest_loan(const Pools<RowId>& pools, const Market<1>& market, Withdrawal withdrawal,
                    int leverage, double price, std::int64_t pool) {
    if (market.gaps != nullptr && gaps_of<Portfolio>(pools, market.gaps, pool) != 0) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    double magnitude = 0;
    const double near = loan_room<double>(pools, market, withdrawal, pool, &magnitude);
    const ErrorBound bound(2, market.steepest);
    if (near < -bound.at(n_terms<Portfolio>(pools, pool), magnitude)) {
        return 0;
    }
    const Quotient room = loan_room<Quotient>(pools, market, withdrawal, pool, nullptr);
    if (room.sign() <= 0) {
        return 0;
    }
    const Quotient units = room * Quotient(static_cast<double>(leverage - 1)) / Quotient(price);
    return detail::permitted_below(units, [](const Quotient&) { return true; });
}

}  // namespace pymargin

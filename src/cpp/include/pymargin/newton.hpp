#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "pymargin/settle.hpp"

namespace pymargin {

/// Why a side may be without a root; values as in pymargin.RootReason.
enum class RootReason : std::uint8_t { ok, never, no_exposure, already, unpriced };

/// Where a decision changes on the way down and on the way up; NaN where no price does it.
struct Root {
    double below = std::numeric_limits<double>::quiet_NaN();
    double above = std::numeric_limits<double>::quiet_NaN();
    RootReason reason = RootReason::never;
    int passes = 0;  ///< how often float64 went over the account
};

namespace detail {

/// What is known of a side: there is no root, one near a place, one that is settled, or nothing.
enum class Side : std::uint8_t { none, root, settled, unsettled };

/// Looks for the roots of one subject by Newton's method in float64, where its margin is concave:
/// from a point where it is below 0 it stays on that side of the zero, and on pieces of lines it
/// ends. A point is where the margin's tangent meets 0, or an end of the range.
template <class Subject>
class NewtonSearch {
  public:
    NewtonSearch(const Subject& subject, const Question& question) noexcept
        : subject_(subject),
          question_(question),
          is_inverse_(question.movement.is_inverse),
          start_(is_inverse_ ? 1 : question.movement.base) {
        if (!is_inverse_ && !question.is_usual(subject.reach())) {
            const Range range = question.range_of(subject.reach());
            low_ = range.low.rounded();
            high_ = range.high ? range.high->rounded() : infinity;
        }
    }

    /// False where float64 does not settle it.
    bool run(Root* root) {
        if (!(start_ > low_) || !(start_ > 0)) {
            return false;
        }
        now_ = at(start_);
        if (!(std::abs(now_.value) > now_.error)) {
            return false;
        }
        const bool is_due = now_.value < 0;
        bool has_root = false;
        for (const bool is_up : {false, true}) {
            double zero = 0;
            const Side side = is_due ? leave(is_up, &zero) : reach(is_up, &zero);
            if (side == Side::unsettled) {
                return false;
            }
            if (side != Side::none) {
                has_root = true;
                if (side == Side::root) {
                    zero = settle_near(zero, is_up, is_due);
                }
                if (!take(zero, is_up, root)) {
                    return false;
                }
            }
        }
        root->reason = is_due ? RootReason::already : has_root ? RootReason::ok : RootReason::never;
        return true;
    }

    /// How often the margin was evaluated.
    int passes() const noexcept {
        return passes_;
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    /// So far up that most caps lie within, so near that float64 still sees what does not move.
    static constexpr int near_doublings = 20;

    MarginLeft at(double z) noexcept {
        ++passes_;
        return subject_.margin_left(z);
    }

    /// From a start that is due: it rises to one side at most.
    Side leave(bool is_up, double* zero) noexcept {
        if ((now_.slope > 0) != is_up) {
            return Side::none;
        }
        const double farthest = high_ < infinity ? high_ : std::ldexp(start_, 1000);
        return find_zero(start_, now_, is_up ? farthest : low_, zero);
    }

    /// From a start that is safe: by where its tangent meets 0, at or beyond the root, or from the
    /// end of the range.
    Side reach(bool is_up, double* zero) {
        const Side side = reach_from(start_ - now_.value / now_.slope, is_up, zero);
        return side != Side::unsettled ? side : is_up ? reach_up(zero) : reach_down(zero);
    }

    /// From where a tangent meets 0, if it does on this side.
    Side reach_from(double met, bool is_up, double* zero) {
        if (!is_beyond_start(met, is_up)) {
            return Side::unsettled;
        }
        if constexpr (Subject::has_few_pieces) {
            // Mostly the way there lies on one piece: at once in pairs.
            if (!is_inverse_ && settle_in_pairs(subject_, met, !is_up, question_.is_exact, zero)) {
                return Side::settled;
            }
        }
        const MarginLeft there = at(met);
        return there.value <= there.error ? approach(met, there, zero) : Side::unsettled;
    }

    bool is_beyond_start(double z, bool is_up) const noexcept {
        return is_up ? z > start_ && z < high_ && z < std::ldexp(start_, far_doublings)
                     : z > low_ && z < start_;
    }

    Side reach_down(double* zero) {
        if (subject_.only_falls() || (low_ == 0 && subject_.is_safe_at_zero())) {
            return Side::none;
        }
        // At a price of 0 an inverse contract has no value; near it the margin goes on in a line.
        const bool has_pole = !is_inverse_ && subject_.has_pole();
        if (has_pole && low_ != 0) {
            return Side::unsettled;
        }
        double end = has_pole ? std::ldexp(start_, -far_doublings) : low_;
        MarginLeft there = at(end);
        if (has_pole && there.value < -there.error && !find_below_zero(false, &end, &there)) {
            return Side::unsettled;
        }
        if (there.value < -there.error) {
            return approach(end, there, zero);
        }
        return there.value > there.error || is_safe_at_zero(end, there) ? Side::none
                                                                        : Side::unsettled;
    }

    /// Whether the decision does not fire at 0, where float64 does not tell: nothing of what moves
    /// has a value there. Of a concave function nothing is below 0 between two that are not.
    bool is_safe_at_zero(double end, const MarginLeft& there) const {
        return end == 0 && (there.is_nothing || !subject_.is_due_at(0));
    }

    Side reach_up(double* zero) {
        double end = high_;
        MarginLeft there;
        if (high_ < infinity) {
            there = at(high_);
            if (there.value > there.error) {
                return Side::none;
            }
        } else {
            if (subject_.only_rises()) {
                return Side::none;
            }
            if constexpr (Subject::has_far_margin) {
                const Side side = reach_from_afar(zero);
                if (side != Side::unsettled) {
                    return side;
                }
            }
            end = std::ldexp(start_, near_doublings);
            there = at(end);
            if (!(there.value < -there.error)) {
                ++passes_;
                bool unused = false;
                const int trend = subject_.direction(std::ldexp(start_, far_doublings), &unused);
                if (trend > 0) {
                    return Side::none;
                }
                if (trend == 0 || !find_below_zero(true, &end, &there)) {
                    return Side::unsettled;
                }
            }
        }
        return there.value < -there.error ? approach(end, there, zero) : Side::unsettled;
    }

    Side reach_from_afar(double* zero) {
        ++passes_;
        const FarMargin far = subject_.far_margin();
        return far.trend > 0   ? Side::none
               : far.trend < 0 ? reach_from(far.zero, true, zero)
                               : Side::unsettled;
    }

    /// From where the margin is below 0 back to the start, where it is above.
    Side approach(double z, const MarginLeft& there, double* zero) noexcept {
        const Side side = find_zero(z, there, start_, zero);
        return side == Side::none ? Side::unsettled : side;
    }

    /// From z, where the margin is below 0 or nearly 0, towards `end`. Rounding far away may lead
    /// to the other side, from where the tangent leads back.
    Side find_zero(double z, MarginLeft left, double end, double* zero) noexcept {
        constexpr int most_steps = 64;
        const double direction = end > z ? 1 : -1;
        for (int step = 0; step < most_steps; ++step) {
            if (!std::isfinite(left.value) || (step == 0 && left.value > left.error)) {
                return Side::unsettled;
            }
            const bool rises = left.slope * direction > 0;
            const bool is_flat = std::abs(left.slope * z) <= left.error;
            const double next = z - left.value / left.slope;
            if (std::abs(left.value) <= left.error || next == z) {
                *zero = next;
                return rises && !is_flat && std::isfinite(next) ? Side::root : Side::unsettled;
            }
            if (!rises) {
                return is_flat && left.slope != 0 ? Side::unsettled : Side::none;
            }
            const double at_end = left.value + left.slope * (end - z);
            if (left.value < 0 && !(at_end > 2 * left.error)) {
                const Side side = at_end < -2 * left.error ? Side::none : beside_zero(end);
                if (side != Side::root) {
                    return side;
                }
            }
            z = next;
            left = at(z);
        }
        return Side::unsettled;
    }

    /// Whether there is a root on the way down to 0, where nothing is held or owed any more: the
    /// margin goes from 0 there with the slope of all first steps.
    Side beside_zero(double end) noexcept {
        if (end != 0) {
            return Side::unsettled;
        }
        ++passes_;
        bool is_nothing = false;
        const int direction = subject_.direction(0, &is_nothing);
        if (!is_nothing || direction == 0) {
            return Side::unsettled;
        }
        return direction < 0 ? Side::none : Side::root;
    }

    /// A point beyond the start where the margin is below 0, which it is in the end.
    bool find_below_zero(bool is_up, double* z, MarginLeft* there) noexcept {
        for (int doublings = 1; doublings < far_doublings; doublings = 2 * doublings + 1) {
            *z = std::ldexp(start_, is_up ? doublings : -doublings);
            *there = at(*z);
            if (there->value < -there->error) {
                return true;
            }
        }
        return false;
    }

    /// The float64 that answers for a zero, as a value of the question's variable; NaN where there
    /// is none.
    double settle_near(double zero, bool zero_is_up, bool is_due) {
        const bool is_up = is_inverse_ ? !zero_is_up : zero_is_up;
        const double near = is_inverse_ ? question_.movement.base / zero : zero;
        return settle(subject_, near, is_up == is_due, question_.is_exact);
    }

    /// Puts down a root; false where it is none in the range.
    bool take(double found, bool zero_is_up, Root* root) const noexcept {
        if (std::isnan(found) || (low_ != 0 && !(found > low_)) || !(found < high_)) {
            return false;
        }
        const bool is_up = is_inverse_ ? !zero_is_up : zero_is_up;
        (is_up ? root->above : root->below) = found;
        return true;
    }

    const Subject& subject_;
    const Question& question_;
    bool is_inverse_;
    double start_;
    double low_ = 0;
    double high_ = infinity;
    MarginLeft now_;
    int passes_ = 0;
};

}  // namespace detail

/// The roots of one account (a subject: see subjects.hpp) by float64 where its margin is concave in
/// the variable; each is settled in numbers that do not round. False where it does not settle.
template <class Subject>
bool find_by_newton(const Subject& subject, const Question& question, Root* root) {
    detail::NewtonSearch<Subject> search(subject, question);
    const bool is_settled = search.run(root);
    root->passes += search.passes();
    return is_settled;
}

}  // namespace pymargin

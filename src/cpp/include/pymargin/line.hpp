#pragma once

#include <cmath>

#include "pymargin/compact.hpp"
#include "pymargin/number.hpp"
#include "pymargin/schedule.hpp"

namespace pymargin {

/// (constant + slope * x) * 10^-places exactly, in two integers of 128 bits: what a formula is near
/// one place of its variable.
///
/// Given to a formula in place of a number it gives the formula's line there. Where the formula
/// compares, the outcome has to hold on the whole neighbourhood of the place, by far more than
/// float64 rounds, or the place says that it is not settled: no edge is near, and no value of the
/// line but its zero is in doubt. What does not fit raises a flag of the thread, as of Exact128.
class Line {
  public:
    struct Place {
        double x;
        bool is_settled = true;
    };

    /// Outcomes hold for every x' with |x' - x| <= neighbourhood |x|.
    static constexpr double neighbourhood = 0x1p-41;

    Line() noexcept = default;
    PYMARGIN_INLINE explicit Line(const Exact128& value) noexcept
        : constant_(value.coefficient()), places_(value.places()) {
    }
    PYMARGIN_INLINE explicit Line(Decimal value) noexcept : Line(Exact128(value)) {
    }
    PYMARGIN_INLINE explicit Line(double value) noexcept : Line(compact(value)) {
    }
    /// The variable at a place, which must outlive every line made from it.
    static PYMARGIN_INLINE Line variable(Place& place) noexcept {
        Line x;
        x.slope_ = 1;
        x.place_ = &place;
        return x;
    }

    PYMARGIN_INLINE Line& operator+=(const Line& other) noexcept {
        return *this = sum(*this, other, false);
    }
    friend PYMARGIN_INLINE Line operator+(const Line& left, const Line& right) noexcept {
        return sum(left, right, false);
    }
    friend PYMARGIN_INLINE Line operator-(const Line& left, const Line& right) noexcept {
        return sum(left, right, true);
    }
    friend PYMARGIN_INLINE Line operator*(const Line& left, const Line& right) noexcept {
        if (right.is_one()) {
            return left;
        }
        if (left.is_one()) {
            return right;
        }
        if (left.place_ != nullptr && right.place_ != nullptr) {
            // A product of two lines is none.
            left.place_->is_settled = false;
        }
        const Line& line = left.place_ != nullptr ? left : right;
        const Integer128 factor = (left.place_ != nullptr ? right : left).constant_;
        Line product;
        product.place_ = line.place_;
        product.places_ = left.places_ + right.places_;
        product.constant_ = times(line.constant_, factor);
        product.slope_ = times(line.slope_, factor);
        return product;
    }

    /// -1, 0 or 1, throughout the neighbourhood.
    PYMARGIN_INLINE int sign() const noexcept {
        if (moves()) {
            return settled_sign(estimate());
        }
        return constant_ == 0 ? 0 : (constant_ < 0 ? -1 : 1);
    }
    friend PYMARGIN_INLINE bool operator<(const Line& left, const Line& right) noexcept {
        if (!left.moves() && !right.moves()) {
            return (left - right).constant_ < 0;
        }
        const Line& moving = left.moves() ? left : right;
        const Estimate a = left.estimate();
        const Estimate b = right.estimate();
        return moving.settled_sign({a.value - b.value, a.size + b.size}) < 0;
    }
    friend PYMARGIN_INLINE bool operator>(const Line& left, const Line& right) noexcept {
        return right < left;
    }

    /// The schedule's value of this line, which is at least 0.
    PYMARGIN_INLINE Line under(const ScheduleTable& schedules, int schedule) const noexcept {
        if (schedule < 0 || (constant_ == 0 && slope_ == 0)) {
            return {};
        }
        if (!moves()) {
            Notes unused;
            return schedules.value(schedule, *this, unused);
        }
        const DecimalStep* rule = schedules.decimals(schedule);
        const Step* step = schedules.steps(schedule);
        Line offset;
        if (std::isfinite(step->cap)) {
            const Estimate at = estimate();
            const auto is_beyond = [&](double cap) {
                return settled_sign({at.value - cap, at.size + cap}) > 0;
            };
            for (; std::isfinite(step->cap) && is_beyond(step->cap); ++step, ++rule) {
                offset += Line(rule->cap) * (Line(rule->rate) - Line(rule[1].rate));
            }
        }
        return *this * Line(rule->rate) + offset;
    }

    /// A positive multiple of the same in a variable `factor` times as large: their zeros agree.
    Line stretched(double factor) const noexcept {
        Line moved = *this;
        moved.constant_ = 0;
        Line still = *this;
        still.slope_ = 0;
        still.place_ = nullptr;
        return still * Line(factor) + moved;
    }

    PYMARGIN_INLINE bool moves() const noexcept {
        return slope_ != 0;
    }
    /// The line is (constant() + slope() * x) * 10^-places: it is 0 where the sum is.
    Integer128 constant() const noexcept {
        return constant_;
    }
    Integer128 slope() const noexcept {
        return slope_;
    }
    /// The value at the place, about.
    PYMARGIN_INLINE double value() const noexcept {
        return estimate().value;
    }

    static void clear_overflow() noexcept;
    static bool has_overflowed() noexcept;

  private:
    /// The value at the place, and the size of what it is the sum of: the rounding is relative to
    /// that, and the neighbourhood moves the value by no more than its part of that.
    struct Estimate {
        double value;
        double size;
    };

    __attribute__((cold, noinline)) static void raise_overflow() noexcept;

    static PYMARGIN_INLINE Integer128 times(Integer128 a, Integer128 b) noexcept {
        const auto low_a = static_cast<std::int64_t>(a);
        const auto low_b = static_cast<std::int64_t>(b);
        if (low_a == a && low_b == b) {
            return Integer128{low_a} * low_b;
        }
        Integer128 product = 0;
        if (__builtin_mul_overflow(a, b, &product)) {
            raise_overflow();
        }
        return product;
    }
    static PYMARGIN_INLINE Integer128 plus(Integer128 a, Integer128 b) noexcept {
        Integer128 sum = 0;
        if (__builtin_add_overflow(a, b, &sum)) {
            raise_overflow();
        }
        return sum;
    }

    /// The same value with more places.
    PYMARGIN_INLINE void scale_to(int places) noexcept {
        int digits = places - places_;
        places_ = places;
        for (; digits > greatest_power_of_ten; digits -= greatest_power_of_ten) {
            multiply(greatest_power_of_ten);
        }
        multiply(digits);
    }
    PYMARGIN_INLINE void multiply(int digits) noexcept {
        const auto power = Integer128{power_of_ten[digits]};
        constant_ = times(constant_, power);
        slope_ = times(slope_, power);
    }

    static PYMARGIN_INLINE Line sum(Line left, Line right, bool is_difference) noexcept {
        if (is_difference) {
            // Of 128 bits but the least, which nothing that fits comes to.
            right.constant_ = -right.constant_;
            right.slope_ = -right.slope_;
        }
        if (left.constant_ == 0 && left.slope_ == 0) {
            return right;
        }
        if (right.constant_ == 0 && right.slope_ == 0) {
            return left;
        }
        if (left.places_ < right.places_) {
            left.scale_to(right.places_);
        } else if (right.places_ < left.places_) {
            right.scale_to(left.places_);
        }
        left.constant_ = plus(left.constant_, right.constant_);
        left.slope_ = plus(left.slope_, right.slope_);
        left.place_ = left.place_ != nullptr ? left.place_ : right.place_;
        return left;
    }

    PYMARGIN_INLINE bool is_one() const noexcept {
        return place_ == nullptr && constant_ == 1 && places_ == 0;
    }

    PYMARGIN_INLINE static double as_float(Integer128 value) noexcept {
        const auto low = static_cast<std::int64_t>(value);
        return low == value ? static_cast<double>(low) : static_cast<double>(value);
    }

    PYMARGIN_INLINE Estimate estimate() const noexcept {
        double unit = 1;
        int places = places_;
        for (; places > greatest_power_of_ten; places -= greatest_power_of_ten) {
            unit *= 1e-19;
        }
        unit *= part_of_ten[places];
        const double still = as_float(constant_) * unit;
        const double moved = moves() ? as_float(slope_) * unit * place_->x : 0;
        return {still + moved, std::abs(still) + std::abs(moved)};
    }
    /// Twice the neighbourhood is far more than that and the rounding.
    PYMARGIN_INLINE int settled_sign(const Estimate& at) const noexcept {
        place_->is_settled = place_->is_settled && std::abs(at.value) > 2 * neighbourhood * at.size;
        return at.value < 0 ? -1 : 1;
    }

    static constexpr double part_of_ten[greatest_power_of_ten + 1] = {
        1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,  1e-8,  1e-9,
        1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19};

    Integer128 constant_ = 0;
    Integer128 slope_ = 0;
    int places_ = 0;
    Place* place_ = nullptr;  ///< null: a constant
};

template <>
inline constexpr bool is_exact<Line> = true;

template <>
inline constexpr bool has_totals<Line> = false;

}  // namespace pymargin

#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "pymargin/line.hpp"
#include "pymargin/pair.hpp"
#include "pymargin/schedule.hpp"

namespace pymargin {

/// What a formula is near one place of its variable, as Line, but at the place and in pairs: its
/// value there, and in float64 its slope and the size of what it is the sum of. Far cheaper than
/// integers, and of enough digits to tell the float64 nearest to nearly every zero.
///
/// Errors: call an operation's `depth` one more than the depths of its operands together (of sums:
/// than the greater). By induction the rest is at most depth u of the size, and the pair within 2
/// depth^2 u^2 of the size from what it stands for; the slope within 3 depth u of the size per
/// place. No formula is deeper than ErrorBound::relative(n terms) u^-1.
///
/// Where the formula compares, the outcome has to hold on the whole neighbourhood of the place, as
/// of Line: of what does not the size is not a number, nor is that of what depends on it.
class FineLine {
  public:
    /// Outcomes hold for every x' with |x' - x| <= neighbourhood |x|.
    static constexpr double neighbourhood = Line::neighbourhood;

    FineLine() noexcept = default;
    PYMARGIN_INLINE explicit FineLine(const Pair& value) noexcept
        : value_(value), size_(std::abs(value.value)) {
    }
    PYMARGIN_INLINE explicit FineLine(double value) noexcept : FineLine(pair_of(value)) {
    }
    PYMARGIN_INLINE explicit FineLine(Decimal value) noexcept : FineLine(pair_of(value)) {
    }
    /// The variable at a place.
    static PYMARGIN_INLINE FineLine variable(double place) noexcept {
        FineLine x(Pair{place, 0});
        x.slope_ = 1;
        return x;
    }

    PYMARGIN_INLINE FineLine& operator+=(const FineLine& other) noexcept {
        // What is held and owed of an asset is mostly one of the two.
        if (other.size_ == 0) {
            return *this;
        }
        value_ = value_ + other.value_;
        slope_ += other.slope_;
        size_ += other.size_;
        return *this;
    }
    friend PYMARGIN_INLINE FineLine operator+(FineLine left, const FineLine& right) noexcept {
        return left += right;
    }
    friend PYMARGIN_INLINE FineLine operator-(FineLine left, const FineLine& right) noexcept {
        return left += right.negative();
    }
    friend PYMARGIN_INLINE FineLine operator*(const FineLine& left,
                                              const FineLine& right) noexcept {
        FineLine product;
        if (left.size_ == 0) {
            return product;
        }
        product.value_ = left.value_ * right.value_;
        product.slope_ = left.slope_ * right.value_.value + left.value_.value * right.slope_;
        product.size_ = left.size_ * right.size_;
        // A product of two lines is none.
        product.spoil((left.slope_ != 0) & (right.slope_ != 0));
        return product;
    }

    /// -1 or 1, throughout the neighbourhood; 0 where that is not known, and of 0.
    PYMARGIN_INLINE int sign() const noexcept {
        const double doubt = 2 * neighbourhood * size_;
        return value_.value > doubt ? 1 : value_.value < -doubt ? -1 : 0;
    }

    /// The schedule's value of this line, which is at least 0.
    FineLine under(const ScheduleTable& schedules, int schedule) const noexcept;

    double value() const noexcept {
        return value_.value;
    }
    const Pair& pair() const noexcept {
        return value_;
    }
    double slope() const noexcept {
        return slope_;
    }
    double size() const noexcept {
        return size_;
    }

    friend PYMARGIN_INLINE FineLine smaller(const FineLine& left, const FineLine& right) noexcept {
        const double difference = left.value_.value - right.value_.value;
        const double size = left.size_ + right.size_;
        if (left.size_ == 0 || right.size_ == 0) {
            // Both are at least 0.
            return {};
        }
        FineLine least = difference < 0 ? left : right;
        least.spoil(!(std::abs(difference) > 2 * neighbourhood * size) & (size != 0));
        return least;
    }
    friend PYMARGIN_INLINE FineLine positive_part(const FineLine& line) noexcept {
        // Without branches: which of two is greater is not to be foreseen.
        const double counts = line.value_.value > 0 ? 1 : 0;
        FineLine part;
        part.value_ = {line.value_.value * counts, line.value_.rest * counts};
        part.slope_ = line.slope_ * counts;
        part.size_ = line.size_ * counts;
        part.spoil(line.is_doubtful());
        return part;
    }
    friend PYMARGIN_INLINE FineLine size_of(const FineLine& line) noexcept {
        const double sign = std::copysign(1.0, line.value_.value);
        FineLine size;
        size.value_ = {line.value_.value * sign, line.value_.rest * sign};
        size.slope_ = line.slope_ * sign;
        size.size_ = line.size_;
        size.spoil(line.is_doubtful());
        return size;
    }

  private:
    PYMARGIN_INLINE FineLine negative() const noexcept {
        FineLine line;
        line.value_ = {-value_.value, -value_.rest};
        line.slope_ = -slope_;
        line.size_ = size_;
        return line;
    }
    PYMARGIN_INLINE bool is_doubtful() const noexcept {
        return !(std::abs(value_.value) > 2 * neighbourhood * size_) & (size_ != 0);
    }
    PYMARGIN_INLINE bool is_near(double cap) const noexcept {
        return !(std::abs(value_.value - cap) > 2 * neighbourhood * (size_ + cap));
    }
    PYMARGIN_INLINE void spoil(bool which) noexcept {
        size_ = which ? std::numeric_limits<double>::quiet_NaN() : size_;
    }

    Pair value_;
    double slope_ = 0;
    double size_ = 0;
};

template <>
inline constexpr bool is_exact<FineLine> = true;

template <>
inline constexpr bool has_totals<FineLine> = false;

/// Where there is nothing, nothing need be read.
template <>
PYMARGIN_INLINE FineLine sum_of<FineLine>(double quantity, double other) noexcept {
    FineLine sum;
    if (quantity != 0) {
        sum = FineLine(quantity);
    }
    if (other != 0) {
        sum += FineLine(other);
    }
    return sum;
}

/// A step of a schedule in pairs.
struct FineStep {
    FineLine rate;
    FineLine offset;  ///< USDT
};

inline const FineStep* ScheduleTable::fine(int schedule) const noexcept {
    return fine_ + begin_[schedule];
}

/// The steps of all schedules, of which s owns begin[s] to begin[s + 1].
std::vector<FineStep> fine_steps(const std::vector<std::int32_t>& begin,
                                 const std::vector<Step>& steps,
                                 const std::vector<DecimalStep>& decimals);

PYMARGIN_INLINE FineLine FineLine::under(const ScheduleTable& schedules,
                                         int schedule) const noexcept {
    if (schedule < 0 || size_ == 0) {
        return {};
    }
    const Step* const first = schedules.steps(schedule);
    const Step* const step = &schedules.step_at(schedule, value_.value);
    const FineStep& fine = schedules.fine(schedule)[step - first];
    FineLine value = *this * fine.rate + fine.offset;
    value.spoil((std::isfinite(step->cap) && is_near(step->cap)) ||
                (step != first && is_near(step[-1].cap)));
    return value;
}

}  // namespace pymargin

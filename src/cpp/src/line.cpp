#include "pymargin/line.hpp"

#include <cmath>
#include <cstdint>

#include "pymargin/compact.hpp"

namespace pymargin {
namespace {

thread_local bool has_overflow = false;

constexpr double part_of_ten[greatest_power_of_ten + 1] = {
    1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,  1e-8,  1e-9,
    1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19};

double as_float(Integer128 value) noexcept {
    const auto low = static_cast<std::int64_t>(value);
    return low == value ? static_cast<double>(low) : static_cast<double>(value);
}

}  // namespace

void Line::clear_overflow() noexcept {
    has_overflow = false;
}

bool Line::has_overflowed() noexcept {
    return has_overflow;
}

void Line::raise_overflow() noexcept {
    has_overflow = true;
}

Line::Line(double value) noexcept : Line(compact(value)) {
}

PYMARGIN_INLINE Integer128 Line::times(Integer128 a, Integer128 b) noexcept {
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

PYMARGIN_INLINE Integer128 Line::plus(Integer128 a, Integer128 b) noexcept {
    Integer128 sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        raise_overflow();
    }
    return sum;
}

PYMARGIN_INLINE void Line::multiply(int digits) noexcept {
    const auto power = Integer128{power_of_ten[digits]};
    constant_ = times(constant_, power);
    slope_ = times(slope_, power);
}

PYMARGIN_INLINE void Line::scale_to(int places) noexcept {
    int digits = places - places_;
    places_ = places;
    for (; digits > greatest_power_of_ten; digits -= greatest_power_of_ten) {
        multiply(greatest_power_of_ten);
    }
    multiply(digits);
}

Line Line::sum(Line left, Line right, bool is_difference) noexcept {
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

Line operator*(const Line& left, const Line& right) noexcept {
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
    product.constant_ = Line::times(line.constant_, factor);
    product.slope_ = Line::times(line.slope_, factor);
    return product;
}

PYMARGIN_INLINE Line::Estimate Line::estimate() const noexcept {
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

PYMARGIN_INLINE int Line::settled_sign(const Estimate& at) const noexcept {
    place_->is_settled = place_->is_settled && std::abs(at.value) > 2 * neighbourhood * at.size;
    return at.value < 0 ? -1 : 1;
}

double Line::value() const noexcept {
    return estimate().value;
}

int Line::sign() const noexcept {
    if (moves()) {
        return settled_sign(estimate());
    }
    return constant_ == 0 ? 0 : (constant_ < 0 ? -1 : 1);
}

bool operator<(const Line& left, const Line& right) noexcept {
    if (!left.moves() && !right.moves()) {
        return (left - right).constant_ < 0;
    }
    const Line& moving = left.moves() ? left : right;
    const Line::Estimate a = left.estimate();
    const Line::Estimate b = right.estimate();
    return moving.settled_sign({a.value - b.value, a.size + b.size}) < 0;
}

Line Line::under(const ScheduleTable& schedules, int schedule) const noexcept {
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

Line Line::stretched(double factor) const noexcept {
    Line moved = *this;
    moved.constant_ = 0;
    Line still = *this;
    still.slope_ = 0;
    still.place_ = nullptr;
    return still * Line(factor) + moved;
}

}  // namespace pymargin

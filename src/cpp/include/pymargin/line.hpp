#pragma once

#include "pymargin/exact128.hpp"
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
///
/// Its arithmetic is compiled once, in line.cpp: laid into every formula of every mode it would
/// take a compiler minutes.
class Line {
  public:
    struct Place {
        double x;
        bool is_settled = true;
    };

    /// Outcomes hold for every x' with |x' - x| <= neighbourhood |x|.
    static constexpr double neighbourhood = 0x1p-41;

    Line() noexcept = default;
    explicit Line(const Exact128& value) noexcept
        : constant_(value.coefficient()), places_(value.places()) {
    }
    explicit Line(Decimal value) noexcept : Line(Exact128(value)) {
    }
    explicit Line(double value) noexcept;
    /// The variable at a place, which must outlive every line made from it.
    static Line variable(Place& place) noexcept {
        Line x;
        x.slope_ = 1;
        x.place_ = &place;
        return x;
    }

    Line& operator+=(const Line& other) noexcept {
        return *this = sum(*this, other, false);
    }
    friend Line operator+(const Line& left, const Line& right) noexcept {
        return sum(left, right, false);
    }
    friend Line operator-(const Line& left, const Line& right) noexcept {
        return sum(left, right, true);
    }
    friend Line operator*(const Line& left, const Line& right) noexcept;

    /// -1, 0 or 1, throughout the neighbourhood.
    int sign() const noexcept;
    friend bool operator<(const Line& left, const Line& right) noexcept;
    friend bool operator>(const Line& left, const Line& right) noexcept {
        return right < left;
    }

    /// The schedule's value of this line, which is at least 0.
    Line under(const ScheduleTable& schedules, int schedule) const noexcept;

    /// A positive multiple of the same in a variable `factor` times as large: their zeros agree.
    Line stretched(double factor) const noexcept;

    bool moves() const noexcept {
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
    double value() const noexcept;

    static void clear_overflow() noexcept;
    static bool has_overflowed() noexcept;

  private:
    /// The value at the place, and the size of what it is the sum of: the rounding is relative to
    /// that, and the neighbourhood moves the value by no more than its part of that.
    struct Estimate {
        double value;
        double size;
    };

    static void raise_overflow() noexcept;
    static Integer128 times(Integer128 a, Integer128 b) noexcept;
    static Integer128 plus(Integer128 a, Integer128 b) noexcept;
    static Line sum(Line left, Line right, bool is_difference) noexcept;
    /// The same value with more places.
    void scale_to(int places) noexcept;
    void multiply(int digits) noexcept;
    bool is_one() const noexcept {
        return place_ == nullptr && constant_ == 1 && places_ == 0;
    }
    Estimate estimate() const noexcept;
    /// Twice the neighbourhood is far more than that and the rounding.
    int settled_sign(const Estimate& at) const noexcept;

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

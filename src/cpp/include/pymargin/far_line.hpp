#pragma once

#include "pymargin/number.hpp"

namespace pymargin {

/// value + slope * x in float64 where the variable x is beyond every number: what a formula that is
/// linear piece by piece ends in. Where it compares, slopes count before values.
struct FarLine {
    double value = 0;
    double slope = 0;

    FarLine() noexcept = default;
    PYMARGIN_INLINE explicit FarLine(double constant) noexcept : value(constant) {
    }
    PYMARGIN_INLINE FarLine(double constant, double rise) noexcept : value(constant), slope(rise) {
    }

    PYMARGIN_INLINE FarLine& operator+=(const FarLine& other) noexcept {
        value += other.value;
        slope += other.slope;
        return *this;
    }
    friend PYMARGIN_INLINE FarLine operator+(FarLine left, const FarLine& right) noexcept {
        return left += right;
    }
    friend PYMARGIN_INLINE FarLine operator-(const FarLine& left, const FarLine& right) noexcept {
        return {left.value - right.value, left.slope - right.slope};
    }
    /// Of two of which one does not move.
    friend PYMARGIN_INLINE FarLine operator*(const FarLine& left, const FarLine& right) noexcept {
        return {left.value * right.value, left.slope * right.value + left.value * right.slope};
    }
    friend PYMARGIN_INLINE bool operator<(const FarLine& left, const FarLine& right) noexcept {
        return (left.slope < right.slope) |
               ((left.slope == right.slope) & (left.value < right.value));
    }
};

PYMARGIN_INLINE FarLine smaller(const FarLine& left, const FarLine& right) noexcept {
    return left < right ? left : right;
}

PYMARGIN_INLINE FarLine positive_part(const FarLine& line) noexcept {
    return FarLine() < line ? line : FarLine();
}

}  // namespace pymargin

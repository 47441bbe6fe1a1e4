#pragma once

#include <cstdint>

#include "pymargin/decimal.hpp"
#include "pymargin/exact128.hpp"

namespace pymargin {

/// A decimal number of any size that a margin formula can reach, held exactly, without allocation.
///
/// The value is +-magnitude * 10^exponent. The magnitude is an integer of at most `capacity`
/// limbs, of which only the used ones are ever read or written. Overflow cannot happen: with
/// quantities and prices anywhere in float64's range (shortest decimals between 10^-324 and
/// 10^309), rates and thresholds of at most 18 places on either side of the point and fewer than
/// 2^32 terms, theta * rate * quantity * price is a multiple of 10^-684 below 10^665; that is
/// 1,349 digits, or 71 limbs.
class Exact {
  public:
    static constexpr int capacity = 80;

    Exact() noexcept : size_(0), exponent_(0), negative_(false) {
    }
    explicit Exact(Decimal decimal) noexcept;
    explicit Exact(double value) noexcept : Exact(shortest_decimal(value)) {
    }
    explicit Exact(const Exact128& value) noexcept;
    Exact(const Exact& other) noexcept {
        copy_from(other);
    }
    Exact& operator=(const Exact& other) noexcept {
        if (this != &other) {
            copy_from(other);
        }
        return *this;
    }

    Exact& operator+=(const Exact& other) noexcept;
    friend Exact operator+(Exact left, const Exact& right) noexcept {
        return left += right;
    }
    friend Exact operator-(const Exact& left, Exact right) noexcept {
        right.negative_ = !right.negative_;
        return right += left;
    }
    friend Exact operator*(const Exact& left, const Exact& right) noexcept;

    /// -1, 0 or 1.
    int sign() const noexcept {
        return size_ == 0 ? 0 : (negative_ ? -1 : 1);
    }
    friend bool operator<(const Exact& left, const Exact& right) noexcept {
        return (left - right).sign() < 0;
    }
    friend bool operator>(const Exact& left, const Exact& right) noexcept {
        return right < left;
    }

    /// numerator / denominator to within a few ulp, also where either is outside float64's range;
    /// denominator is not 0.
    static double ratio(Exact numerator, Exact denominator) noexcept;

    /// The parts, for a caller that compares further: magnitude limbs, least significant first.
    int size() const noexcept {
        return size_;
    }
    const std::uint64_t* limbs() const noexcept {
        return limbs_;
    }
    int exponent() const noexcept {
        return exponent_;
    }

  private:
    void copy_from(const Exact& other) noexcept;
    void scale_to(int exponent) noexcept;
    void multiply_small(std::uint64_t factor) noexcept;
    double leading(int* binary_exponent) const noexcept;

    std::uint64_t limbs_[capacity];
    int size_;
    int exponent_;
    bool negative_;
};

}  // namespace pymargin

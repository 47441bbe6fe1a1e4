#pragma once

#include <cstdint>
#include <vector>

#include "pymargin/types.hpp"

namespace pymargin {

/// A rational number of any size: +-numerator * 10^exponent / denominator, integers on the heap.
///
/// What Exact is to the cross-margin modes this is to positions, whose terms have prices (COIN-M)
/// and leverages in their denominators. Never on a fast path.
class Quotient {
  public:
    Quotient() noexcept = default;
    explicit Quotient(Decimal decimal);
    /// The shortest decimal that reads back as `value`, which is finite.
    explicit Quotient(double value);

    Quotient& operator+=(const Quotient& other);
    friend Quotient operator+(Quotient left, const Quotient& right) {
        return left += right;
    }
    friend Quotient operator-(const Quotient& left, Quotient right) {
        right.negative_ = !right.negative_;
        return right += left;
    }
    friend Quotient operator*(const Quotient& left, const Quotient& right);
    /// `right` is not 0.
    friend Quotient operator/(const Quotient& left, const Quotient& right);

    /// -1, 0 or 1.
    int sign() const noexcept {
        return numerator_.empty() ? 0 : (negative_ ? -1 : 1);
    }
    friend bool operator<(const Quotient& left, const Quotient& right) {
        return (left - right).sign() < 0;
    }
    friend bool operator>(const Quotient& left, const Quotient& right) {
        return right < left;
    }

    /// The same value in lowest terms. Arithmetic does not reduce by itself: a formula's few
    /// operations cost less than divisors do, but chains of them grow.
    Quotient reduced() const;

    /// A number of so many leading bits, no nearer to 0 and hardly farther from it.
    Quotient shortened(int bits) const;

    /// How many limbs the value takes.
    std::size_t size() const noexcept {
        return numerator_.size() + denominator_.size();
    }

    /// The square root of a number >= 0: exact where it is a rational, else to `bits` bits.
    Quotient square_root(int bits) const;

    /// The value to within a few ulp; infinite or 0 where float64's range ends.
    double rounded() const;
    /// numerator / denominator to within a few ulp; denominator is not 0.
    static double ratio(const Quotient& numerator, const Quotient& denominator) {
        return (numerator / denominator).rounded();
    }

    /// Limbs of an integer, least significant first, none at the top 0.
    using Integer = std::vector<std::uint64_t>;

    /// The parts, for a caller that compares further.
    const Integer& numerator() const noexcept {
        return numerator_;
    }
    /// At least 1.
    const Integer& denominator() const noexcept {
        return denominator_;
    }
    int exponent() const noexcept {
        return exponent_;
    }

  private:
    Integer numerator_;
    Integer denominator_{1};
    int exponent_ = 0;
    bool negative_ = false;
};

}  // namespace pymargin

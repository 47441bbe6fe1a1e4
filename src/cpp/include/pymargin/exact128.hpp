#pragma once

#include "pymargin/decimal.hpp"
#include "pymargin/types.hpp"

namespace pymargin {

__extension__ typedef __int128 Integer128;

/// A decimal as accounts usually have them, held exactly in 128 bits: coefficient * 10^-places.
///
/// What does not fit raises a flag of the thread, as float64 arithmetic raises those of <cfenv>:
/// from then until clear_overflow() no value means anything, and no harm is done. Comparing never
/// overflows. `Exact` has the same operations and no bounds.
class Exact128 {
  public:
    Exact128() noexcept = default;
    PYMARGIN_INLINE explicit Exact128(Decimal decimal) noexcept
        : coefficient_(decimal.coefficient), places_(-decimal.exponent) {
        if (places_ < 0) {
            scale_to(0);
        }
    }
    PYMARGIN_INLINE explicit Exact128(double value) noexcept : Exact128(shortest_decimal(value)) {
    }

    PYMARGIN_INLINE Exact128& operator+=(Exact128 other) noexcept {
        if (other.coefficient_ == 0) {
            return *this;
        }
        if (places_ < other.places_) {
            scale_to(other.places_);
        } else if (other.places_ < places_) {
            other.scale_to(places_);
        }
        if (__builtin_add_overflow(coefficient_, other.coefficient_, &coefficient_)) {
            raise_overflow();
        }
        return *this;
    }
    friend PYMARGIN_INLINE Exact128 operator+(Exact128 left, const Exact128& right) noexcept {
        return left += right;
    }
    friend PYMARGIN_INLINE Exact128 operator-(Exact128 left, const Exact128& right) noexcept {
        Exact128 negative;
        negative.places_ = right.places_;
        if (__builtin_sub_overflow(Integer128{0}, right.coefficient_, &negative.coefficient_)) {
            raise_overflow();
        }
        return left += negative;
    }
    friend PYMARGIN_INLINE Exact128 operator*(const Exact128& left,
                                              const Exact128& right) noexcept {
        Exact128 product;
        if (__builtin_mul_overflow(left.coefficient_, right.coefficient_, &product.coefficient_)) {
            raise_overflow();
        }
        product.places_ = left.places_ + right.places_;
        return product;
    }

    /// -1, 0 or 1.
    PYMARGIN_INLINE int sign() const noexcept {
        return coefficient_ == 0 ? 0 : (coefficient_ < 0 ? -1 : 1);
    }
    friend PYMARGIN_INLINE bool operator<(const Exact128& left, const Exact128& right) noexcept {
        Integer128 a = left.coefficient_;
        Integer128 b = right.coefficient_;
        // What no longer fits once it is scaled is the greater of the two, or the lesser.
        if (left.places_ < right.places_ && !scale(a, right.places_ - left.places_)) {
            return a < 0;
        }
        if (right.places_ < left.places_ && !scale(b, left.places_ - right.places_)) {
            return b > 0;
        }
        return a < b;
    }
    friend PYMARGIN_INLINE bool operator>(const Exact128& left, const Exact128& right) noexcept {
        return right < left;
    }

    static void clear_overflow() noexcept;
    static bool has_overflowed() noexcept;

    /// numerator / denominator as Exact gives it; denominator is not 0.
    static double ratio(const Exact128& numerator, const Exact128& denominator) noexcept;

    /// The value is coefficient() * 10^-places().
    Integer128 coefficient() const noexcept {
        return coefficient_;
    }
    int places() const noexcept {
        return places_;
    }

  private:
    static constexpr int max_digits = 38;

    __attribute__((cold, noinline)) static void raise_overflow() noexcept;

    /// value * 10^digits for digits > 0; false, and nothing done, where that does not fit. All of
    /// it inlined: a value whose address is taken would live in memory.
    static PYMARGIN_INLINE bool scale(Integer128& value, int digits) noexcept {
        Integer128 scaled = value;
        if (digits > greatest_power_of_ten) {
            if (digits > max_digits) {
                return value == 0;
            }
            if (__builtin_mul_overflow(scaled, Integer128{power_of_ten[greatest_power_of_ten]},
                                       &scaled)) {
                return false;
            }
            digits -= greatest_power_of_ten;
        }
        if (__builtin_mul_overflow(scaled, Integer128{power_of_ten[digits]}, &scaled)) {
            return false;
        }
        value = scaled;
        return true;
    }

    PYMARGIN_INLINE void scale_to(int places) noexcept {
        if (!scale(coefficient_, places - places_)) {
            raise_overflow();
        }
        places_ = places;
    }

    Integer128 coefficient_ = 0;
    int places_ = 0;
};

}  // namespace pymargin

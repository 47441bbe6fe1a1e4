#include "pymargin/exact.hpp"

#include <cmath>
#include <cstring>

namespace pymargin {
namespace {

__extension__ typedef unsigned __int128 Wide;

int compare_magnitudes(const std::uint64_t* left, int left_size, const std::uint64_t* right,
                       int right_size) noexcept {
    if (left_size != right_size) {
        return left_size < right_size ? -1 : 1;
    }
    for (int i = left_size - 1; i >= 0; --i) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

/// out = large - small; out may be either operand; returns the size of the result.
int subtract_magnitudes(const std::uint64_t* large, int large_size, const std::uint64_t* small,
                        int small_size, std::uint64_t* out) noexcept {
    std::uint64_t borrow = 0;
    for (int i = 0; i < large_size; ++i) {
        const std::uint64_t subtrahend = i < small_size ? small[i] : 0;
        const Wide difference = static_cast<Wide>(large[i]) - subtrahend - borrow;
        out[i] = static_cast<std::uint64_t>(difference);
        borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
    }
    int size = large_size;
    while (size > 0 && out[size - 1] == 0) {
        --size;
    }
    return size;
}

}  // namespace

Exact::Exact(Decimal decimal) noexcept
    : size_(decimal.coefficient == 0 ? 0 : 1),
      exponent_(decimal.exponent),
      negative_(decimal.coefficient < 0) {
    const auto bits = static_cast<std::uint64_t>(decimal.coefficient);
    limbs_[0] = negative_ ? 0 - bits : bits;
}

Exact::Exact(const Exact128& value) noexcept
    : exponent_(-value.places()), negative_(value.coefficient() < 0) {
    auto magnitude = static_cast<Wide>(value.coefficient());
    if (negative_) {
        magnitude = 0 - magnitude;
    }
    for (size_ = 0; magnitude != 0; magnitude >>= 64) {
        limbs_[size_++] = static_cast<std::uint64_t>(magnitude);
    }
}

void Exact::copy_from(const Exact& other) noexcept {
    size_ = other.size_;
    exponent_ = other.exponent_;
    negative_ = other.negative_;
    std::memcpy(limbs_, other.limbs_, static_cast<std::size_t>(size_) * sizeof limbs_[0]);
}

void Exact::multiply_small(std::uint64_t factor) noexcept {
    std::uint64_t carry = 0;
    for (int i = 0; i < size_; ++i) {
        const Wide product = static_cast<Wide>(limbs_[i]) * factor + carry;
        limbs_[i] = static_cast<std::uint64_t>(product);
        carry = static_cast<std::uint64_t>(product >> 64);
    }
    if (carry != 0) {
        limbs_[size_++] = carry;
    }
}

void Exact::scale_to(int exponent) noexcept {
    int digits = exponent_ - exponent;
    for (; digits > greatest_power_of_ten; digits -= greatest_power_of_ten) {
        multiply_small(power_of_ten[greatest_power_of_ten]);
    }
    multiply_small(power_of_ten[digits]);
    exponent_ = exponent;
}

Exact& Exact::operator+=(const Exact& other) noexcept {
    if (other.size_ == 0) {
        return *this;
    }
    if (size_ == 0) {
        return *this = other;
    }
    if (other.exponent_ > exponent_) {
        Exact scaled(other);
        scaled.scale_to(exponent_);
        return *this += scaled;
    }
    if (exponent_ > other.exponent_) {
        scale_to(other.exponent_);
    }
    if (negative_ == other.negative_) {
        std::uint64_t carry = 0;
        const int size = size_ > other.size_ ? size_ : other.size_;
        for (int i = 0; i < size; ++i) {
            const Wide sum = static_cast<Wide>(i < size_ ? limbs_[i] : 0) +
                             (i < other.size_ ? other.limbs_[i] : 0) + carry;
            limbs_[i] = static_cast<std::uint64_t>(sum);
            carry = static_cast<std::uint64_t>(sum >> 64);
        }
        size_ = size;
        if (carry != 0) {
            limbs_[size_++] = carry;
        }
        return *this;
    }
    if (compare_magnitudes(limbs_, size_, other.limbs_, other.size_) >= 0) {
        size_ = subtract_magnitudes(limbs_, size_, other.limbs_, other.size_, limbs_);
    } else {
        size_ = subtract_magnitudes(other.limbs_, other.size_, limbs_, size_, limbs_);
        negative_ = other.negative_;
    }
    return *this;
}

Exact operator*(const Exact& left, const Exact& right) noexcept {
    Exact product;
    if (left.size_ == 0 || right.size_ == 0) {
        return product;
    }
    product.size_ = left.size_ + right.size_;
    product.exponent_ = left.exponent_ + right.exponent_;
    product.negative_ = left.negative_ != right.negative_;
    std::memset(product.limbs_, 0,
                static_cast<std::size_t>(product.size_) * sizeof product.limbs_[0]);
    for (int i = 0; i < left.size_; ++i) {
        std::uint64_t carry = 0;
        for (int j = 0; j < right.size_; ++j) {
            const Wide term =
                static_cast<Wide>(left.limbs_[i]) * right.limbs_[j] + product.limbs_[i + j] + carry;
            product.limbs_[i + j] = static_cast<std::uint64_t>(term);
            carry = static_cast<std::uint64_t>(term >> 64);
        }
        product.limbs_[i + right.size_] = carry;
    }
    if (product.limbs_[product.size_ - 1] == 0) {
        --product.size_;
    }
    return product;
}

double Exact::leading(int* binary_exponent) const noexcept {
    // Three limbs hold at least 129 significant bits: more than a float64 can take.
    double value = 0;
    const int lowest = size_ > 3 ? size_ - 3 : 0;
    for (int i = size_ - 1; i >= lowest; --i) {
        value = value * 0x1p64 + static_cast<double>(limbs_[i]);
    }
    *binary_exponent = 64 * lowest;
    return negative_ ? -value : value;
}

double Exact::ratio(Exact numerator, Exact denominator) noexcept {
    if (numerator.exponent_ > denominator.exponent_) {
        numerator.scale_to(denominator.exponent_);
    } else {
        denominator.scale_to(numerator.exponent_);
    }
    int numerator_shift = 0;
    int denominator_shift = 0;
    const double top = numerator.leading(&numerator_shift);
    const double bottom = denominator.leading(&denominator_shift);
    return std::ldexp(top / bottom, numerator_shift - denominator_shift);
}

}  // namespace pymargin

#include "pymargin/quotient.hpp"

#include <algorithm>
#include <cmath>

#include "pymargin/exact.hpp"

namespace pymargin {
namespace {

using Integer = Quotient::Integer;
__extension__ typedef unsigned __int128 Wide;

constexpr int limb_bits = 64;

void trim(Integer& value) noexcept {
    while (!value.empty() && value.back() == 0) {
        value.pop_back();
    }
}

void multiply_small(Integer& value, std::uint64_t factor) {
    std::uint64_t carry = 0;
    for (std::uint64_t& limb : value) {
        const Wide product = static_cast<Wide>(limb) * factor + carry;
        limb = static_cast<std::uint64_t>(product);
        carry = static_cast<std::uint64_t>(product >> limb_bits);
    }
    if (carry != 0) {
        value.push_back(carry);
    }
}

void multiply_by_power_of_ten(Integer& value, int power) {
    constexpr std::uint64_t ten_to_19 = 10000000000000000000ULL;
    constexpr int step = 19;
    for (; power >= step; power -= step) {
        multiply_small(value, ten_to_19);
    }
    for (; power > 0; --power) {
        multiply_small(value, 10);
    }
}

Integer product_of(const Integer& left, const Integer& right) {
    Integer product(left.size() + right.size(), 0);
    for (std::size_t i = 0; i < left.size(); ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < right.size(); ++j) {
            const Wide sum = static_cast<Wide>(left[i]) * right[j] + product[i + j] + carry;
            product[i + j] = static_cast<std::uint64_t>(sum);
            carry = static_cast<std::uint64_t>(sum >> limb_bits);
        }
        product[i + right.size()] = carry;
    }
    trim(product);
    return product;
}

bool is_smaller(const Integer& left, const Integer& right) noexcept {
    if (left.size() != right.size()) {
        return left.size() < right.size();
    }
    return std::lexicographical_compare(left.rbegin(), left.rend(), right.rbegin(), right.rend());
}

void add_to(Integer& sum, const Integer& other) {
    sum.resize(std::max(sum.size(), other.size()) + 1, 0);
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        const Wide total = static_cast<Wide>(sum[i]) + (i < other.size() ? other[i] : 0) + carry;
        sum[i] = static_cast<std::uint64_t>(total);
        carry = static_cast<std::uint64_t>(total >> limb_bits);
    }
    trim(sum);
}

/// large - small, both trimmed, large not the smaller.
Integer difference_of(Integer large, const Integer& small) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < large.size(); ++i) {
        const Wide subtrahend = static_cast<Wide>(i < small.size() ? small[i] : 0) + borrow;
        borrow = large[i] < subtrahend ? 1 : 0;
        large[i] -= static_cast<std::uint64_t>(subtrahend);
    }
    trim(large);
    return large;
}

/// The value's leading bits: value = result * 2^exponent, truncated far below an ulp.
double leading(const Integer& value, int* exponent) noexcept {
    double result = 0;
    const std::size_t used = std::min<std::size_t>(value.size(), 3);
    for (std::size_t i = 0; i < used; ++i) {
        const std::uint64_t limb = value[value.size() - used + i];
        result = result * 0x1p-64 + static_cast<double>(limb);
    }
    *exponent = static_cast<int>(value.empty() ? 0 : value.size() - 1) * limb_bits;
    return result;
}

}  // namespace

Quotient::Quotient(Decimal decimal)
    : exponent_(decimal.exponent), negative_(decimal.coefficient < 0) {
    const auto bits = static_cast<std::uint64_t>(decimal.coefficient);
    if (bits != 0) {
        numerator_.push_back(negative_ ? 0 - bits : bits);
    }
}

Quotient::Quotient(double value) : Quotient(shortest_decimal(value)) {
}

Quotient& Quotient::operator+=(const Quotient& other) {
    if (other.numerator_.empty()) {
        return *this;
    }
    if (numerator_.empty()) {
        return *this = other;
    }
    Integer addend = other.numerator_;
    // Sums of decimals keep the denominator 1; only divisions make it grow.
    if (denominator_ != other.denominator_) {
        numerator_ = product_of(numerator_, other.denominator_);
        addend = product_of(addend, denominator_);
        denominator_ = product_of(denominator_, other.denominator_);
    }
    multiply_by_power_of_ten(numerator_, exponent_ - other.exponent_);
    multiply_by_power_of_ten(addend, other.exponent_ - exponent_);
    exponent_ = std::min(exponent_, other.exponent_);
    if (negative_ == other.negative_) {
        add_to(numerator_, addend);
    } else if (is_smaller(numerator_, addend)) {
        numerator_ = difference_of(std::move(addend), numerator_);
        negative_ = other.negative_;
    } else {
        numerator_ = difference_of(std::move(numerator_), addend);
    }
    return *this;
}

Quotient operator*(const Quotient& left, const Quotient& right) {
    Quotient product;
    if (left.sign() != 0 && right.sign() != 0) {
        product.numerator_ = product_of(left.numerator_, right.numerator_);
        product.denominator_ = product_of(left.denominator_, right.denominator_);
        product.exponent_ = left.exponent_ + right.exponent_;
        product.negative_ = left.negative_ != right.negative_;
    }
    return product;
}

Quotient operator/(const Quotient& left, const Quotient& right) {
    Quotient inverse;
    inverse.numerator_ = right.denominator_;
    inverse.denominator_ = right.numerator_;
    inverse.exponent_ = -right.exponent_;
    inverse.negative_ = right.negative_;
    return left * inverse;
}

double Quotient::rounded() const {
    Integer numerator = numerator_;
    Integer denominator = denominator_;
    multiply_by_power_of_ten(exponent_ > 0 ? numerator : denominator, std::abs(exponent_));
    int above = 0;
    int below = 0;
    const double size = leading(numerator, &above) / leading(denominator, &below);
    return std::ldexp(negative_ ? -size : size, above - below);
}

}  // namespace pymargin

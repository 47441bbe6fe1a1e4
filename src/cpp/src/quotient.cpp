#include "pymargin/quotient.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

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

int bit_length(const Integer& value) noexcept {
    if (value.empty()) {
        return 0;
    }
    const int full = static_cast<int>(value.size() - 1) * limb_bits;
    return full + limb_bits - __builtin_clzll(value.back());
}

bool bit_of(const Integer& value, int bit) noexcept {
    const auto limb = static_cast<std::size_t>(bit / limb_bits);
    return limb < value.size() && (value[limb] >> (bit % limb_bits) & 1U) != 0;
}

Integer shifted(const Integer& value, int bits) {
    Integer result(value);
    multiply_small(result, std::uint64_t{1} << (bits % limb_bits));
    if (!result.empty()) {
        result.insert(result.begin(), static_cast<std::size_t>(bits / limb_bits), 0);
    }
    return result;
}

/// The greatest integer whose square is at most `value`, two bits at a time; tells what is left.
Integer integer_root(const Integer& value, Integer* rest) {
    Integer root;
    rest->clear();
    const auto append = [](Integer& number, int bits, std::uint64_t low) {
        number = shifted(number, bits);
        if (low != 0) {
            add_to(number, {low});
        }
    };
    for (int bit = (bit_length(value) + 1) / 2 * 2; bit > 0; bit -= 2) {
        append(*rest, 2, (bit_of(value, bit - 1) ? 2U : 0U) + (bit_of(value, bit - 2) ? 1U : 0U));
        Integer trial = root;
        append(trial, 2, 1);
        const bool fits = !is_smaller(*rest, trial);
        if (fits) {
            *rest = difference_of(std::move(*rest), trial);
        }
        append(root, 1, fits ? 1 : 0);
    }
    return root;
}

/// left / right by the schoolbook, a limb of the quotient at a time (Knuth's algorithm D); right is
/// not 0. `left` becomes the rest.
Integer divide(Integer& left, const Integer& right) {
    if (is_smaller(left, right)) {
        return {};
    }
    const int shift = __builtin_clzll(right.back());
    const Integer divisor = shifted(right, shift);
    Integer rest = shifted(left, shift);
    const std::size_t n = divisor.size();
    rest.resize(std::max(rest.size(), left.size()) + 1, 0);
    Integer quotient(rest.size() - n, 0);
    const std::uint64_t high = divisor[n - 1];
    const std::uint64_t next = n > 1 ? divisor[n - 2] : 0;
    for (std::size_t at = quotient.size(); at-- > 0;) {
        const Wide top = static_cast<Wide>(rest[at + n]) << limb_bits | rest[at + n - 1];
        const std::uint64_t third = n > 1 ? rest[at + n - 2] : 0;
        Wide guess = top / high;
        Wide over = top % high;
        while (guess >> limb_bits != 0 ||
               static_cast<std::uint64_t>(guess) * static_cast<Wide>(next) >
                   (over << limb_bits | third)) {
            --guess;
            over += high;
            if (over >> limb_bits != 0) {
                break;
            }
        }
        std::uint64_t carry = 0;
        std::uint64_t borrow = 0;
        const auto subtract = [&](std::size_t k, std::uint64_t amount) {
            const Wide subtrahend = static_cast<Wide>(amount) + borrow;
            borrow = rest[k] < subtrahend ? 1 : 0;
            rest[k] -= static_cast<std::uint64_t>(subtrahend);
        };
        for (std::size_t k = 0; k < n; ++k) {
            const Wide product = guess * divisor[k] + carry;
            carry = static_cast<std::uint64_t>(product >> limb_bits);
            subtract(at + k, static_cast<std::uint64_t>(product));
        }
        subtract(at + n, carry);
        if (borrow != 0) {
            --guess;
            std::uint64_t again = 0;
            for (std::size_t k = 0; k < n; ++k) {
                const Wide sum = static_cast<Wide>(rest[at + k]) + divisor[k] + again;
                rest[at + k] = static_cast<std::uint64_t>(sum);
                again = static_cast<std::uint64_t>(sum >> limb_bits);
            }
            rest[at + n] += again;
        }
        quotient[at] = static_cast<std::uint64_t>(guess);
    }
    trim(quotient);
    trim(rest);
    // Undo the shift: the low limbs move down.
    left.assign(rest.size(), 0);
    for (std::size_t k = 0; k < rest.size(); ++k) {
        const std::uint64_t from_above =
            shift == 0 || k + 1 == rest.size() ? 0 : rest[k + 1] << (limb_bits - shift);
        left[k] = rest[k] >> shift | from_above;
    }
    trim(left);
    return quotient;
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

Quotient Quotient::reduced() const {
    Quotient result = *this;
    multiply_by_power_of_ten(exponent_ > 0 ? result.numerator_ : result.denominator_,
                             std::abs(exponent_));
    result.exponent_ = 0;
    Integer divisor = result.numerator_;
    Integer rest = result.denominator_;
    while (!rest.empty()) {
        divide(divisor, rest);
        std::swap(divisor, rest);
    }
    for (Integer* part : {&result.numerator_, &result.denominator_}) {
        Integer value = std::move(*part);
        *part = divide(value, divisor);
    }
    return result;
}

Quotient Quotient::shortened(int bits) const {
    Quotient result = *this;
    multiply_by_power_of_ten(exponent_ > 0 ? result.numerator_ : result.denominator_,
                             std::abs(exponent_));
    result.exponent_ = 0;
    if (sign() == 0) {
        return result;
    }
    const int shift = bits - (bit_length(result.numerator_) - bit_length(result.denominator_));
    Integer scaled = shift > 0 ? shifted(result.numerator_, shift) : result.numerator_;
    if (shift <= 0) {
        return result;
    }
    result.numerator_ = divide(scaled, result.denominator_);
    add_to(result.numerator_, {1});
    result.denominator_ = shifted(Integer{1}, shift);
    return result;
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

Quotient Quotient::square_root(int bits) const {
    Integer numerator = numerator_;
    Quotient root;
    root.denominator_ = denominator_;
    multiply_by_power_of_ten(exponent_ > 0 ? numerator : root.denominator_, std::abs(exponent_));
    // The root of n / d is that of n d, over d.
    const Integer product = product_of(numerator, root.denominator_);
    Integer rest;
    root.numerator_ = integer_root(product, &rest);
    if (!rest.empty()) {
        const int shift = std::max(bits - bit_length(product) / 2, 0) + bits;
        root.numerator_ = integer_root(shifted(product, 2 * shift), &rest);
        root.denominator_ = shifted(root.denominator_, shift);
    }
    return root;
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

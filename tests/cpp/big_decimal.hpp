#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "pymargin/exact.hpp"
#include "pymargin/types.hpp"

namespace pymargin::test {

/// A decimal number of any size as a child would compute it: one digit a place, on the heap.
/// The reference for Exact; nothing of it is shared with the core.
class BigDecimal {
  public:
    BigDecimal() = default;
    BigDecimal(Decimal decimal) : exponent_(decimal.exponent), negative_(decimal.coefficient < 0) {
        auto rest = static_cast<std::uint64_t>(decimal.coefficient);
        for (rest = negative_ ? 0 - rest : rest; rest != 0; rest /= 10) {
            digits_.push_back(static_cast<int>(rest % 10));
        }
    }
    /// Reads "-12.5e-3".
    explicit BigDecimal(const std::string& text) {
        const std::size_t mark = text.find('e');
        exponent_ = mark == std::string::npos ? 0 : std::atoi(text.c_str() + mark + 1);
        bool in_fraction = false;
        for (const char c : text.substr(0, mark)) {
            negative_ = negative_ || c == '-';
            if (c >= '0' && c <= '9') {
                digits_.push_back(c - '0');
                exponent_ -= in_fraction ? 1 : 0;
            }
            in_fraction = in_fraction || c == '.';
        }
        std::reverse(digits_.begin(), digits_.end());
        trim();
    }
    /// Reads the parts that Exact shows.
    explicit BigDecimal(const Exact& value) {
        for (int i = value.size() - 1; i >= 0; --i) {
            const std::uint64_t limb = value.limbs()[i];
            for (int bit = 63; bit >= 0; --bit) {
                twice_plus(static_cast<int>(limb >> bit & 1));
            }
        }
        exponent_ = value.exponent();
        negative_ = value.sign() < 0;
    }

    int sign() const {
        return digits_.empty() ? 0 : (negative_ ? -1 : 1);
    }

    friend BigDecimal operator-(BigDecimal value) {
        value.negative_ = !value.negative_;
        return value;
    }
    friend BigDecimal operator+(BigDecimal left, BigDecimal right) {
        align(left, right);
        if (left.negative_ != right.negative_) {
            return left.is_smaller_in_size(right) ? less(right, left) : less(left, right);
        }
        int carry = 0;
        left.digits_.resize(std::max(left.digits_.size(), right.digits_.size()) + 1);
        right.digits_.resize(left.digits_.size());
        for (std::size_t i = 0; i < left.digits_.size(); ++i) {
            const int sum = left.digits_[i] + right.digits_[i] + carry;
            left.digits_[i] = sum % 10;
            carry = sum / 10;
        }
        left.trim();
        return left;
    }
    friend BigDecimal operator-(const BigDecimal& left, const BigDecimal& right) {
        return left + -right;
    }
    friend BigDecimal operator*(const BigDecimal& left, const BigDecimal& right) {
        BigDecimal product;
        product.digits_.resize(left.digits_.size() + right.digits_.size() + 1);
        product.exponent_ = left.exponent_ + right.exponent_;
        product.negative_ = left.negative_ != right.negative_;
        for (std::size_t i = 0; i < left.digits_.size(); ++i) {
            int carry = 0;
            for (std::size_t j = 0; j < right.digits_.size() || carry != 0; ++j) {
                const int digit = j < right.digits_.size() ? right.digits_[j] : 0;
                const int term = left.digits_[i] * digit + product.digits_[i + j] + carry;
                product.digits_[i + j] = term % 10;
                carry = term / 10;
            }
        }
        product.trim();
        return product;
    }
    BigDecimal& operator+=(const BigDecimal& other) {
        return *this = *this + other;
    }
    friend bool operator==(const BigDecimal& left, const BigDecimal& right) {
        return (left - right).sign() == 0;
    }
    friend bool operator<(const BigDecimal& left, const BigDecimal& right) {
        return (left - right).sign() < 0;
    }
    friend std::ostream& operator<<(std::ostream& out, const BigDecimal& value) {
        return out << value.text();
    }

    std::string text() const {
        std::string text = sign() < 0 ? "-" : "";
        for (auto digit = digits_.rbegin(); digit != digits_.rend(); ++digit) {
            text += static_cast<char>('0' + *digit);
        }
        return (digits_.empty() ? "0" : text) + "e" + std::to_string(exponent_);
    }
    /// The nearest float64.
    double rounded() const {
        return std::strtod(text().c_str(), nullptr);
    }

  private:
    static void align(BigDecimal& left, BigDecimal& right) {
        BigDecimal& coarser = left.exponent_ > right.exponent_ ? left : right;
        const int exponent = std::min(left.exponent_, right.exponent_);
        const auto places = static_cast<std::size_t>(coarser.exponent_ - exponent);
        if (!coarser.digits_.empty()) {
            coarser.digits_.insert(coarser.digits_.begin(), places, 0);
        }
        left.exponent_ = right.exponent_ = exponent;
    }
    bool is_smaller_in_size(const BigDecimal& other) const {
        if (digits_.size() != other.digits_.size()) {
            return digits_.size() < other.digits_.size();
        }
        return std::lexicographical_compare(digits_.rbegin(), digits_.rend(),
                                            other.digits_.rbegin(), other.digits_.rend());
    }
    /// large - small in size, with the sign of large.
    static BigDecimal less(BigDecimal large, BigDecimal small) {
        int borrow = 0;
        small.digits_.resize(large.digits_.size());
        for (std::size_t i = 0; i < large.digits_.size(); ++i) {
            const int difference = large.digits_[i] - small.digits_[i] - borrow;
            borrow = difference < 0 ? 1 : 0;
            large.digits_[i] = difference + 10 * borrow;
        }
        large.trim();
        return large;
    }
    void twice_plus(int bit) {
        int carry = bit;
        for (int& digit : digits_) {
            const int doubled = 2 * digit + carry;
            digit = doubled % 10;
            carry = doubled / 10;
        }
        if (carry != 0) {
            digits_.push_back(carry);
        }
    }
    void trim() {
        while (!digits_.empty() && digits_.back() == 0) {
            digits_.pop_back();
        }
    }

    std::vector<int> digits_;  // least significant first, no leading zero
    int exponent_ = 0;
    bool negative_ = false;
};

inline BigDecimal smaller(const BigDecimal& left, const BigDecimal& right) {
    return left < right ? left : right;
}

inline BigDecimal positive_part(const BigDecimal& value) {
    return value.sign() > 0 ? value : BigDecimal();
}

/// The shortest decimal of a finite float64 by trial: as few digits as read back.
inline BigDecimal shortest(double value) {
    char text[40];
    for (int places = 0; places < 17; ++places) {
        std::snprintf(text, sizeof text, "%.*e", places, value);
        if (std::strtod(text, nullptr) == value) {
            break;
        }
    }
    return BigDecimal(std::string(text));
}

}  // namespace pymargin::test

#include "pymargin/moving.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pymargin {
namespace {

/// Bits kept of a zero that is no fraction: four times a float64's.
constexpr int root_bits = 256;

/// Above so many limbs a coefficient is reduced.
constexpr std::size_t most_limbs = 8;

Quotient kept_short(Quotient value) {
    return value.size() > most_limbs ? value.reduced() : value;
}

void trim(Polynomial& p) {
    while (!p.empty() && p.back().sign() == 0) {
        p.pop_back();
    }
    for (Quotient& coefficient : p) {
        coefficient = kept_short(std::move(coefficient));
    }
}

Polynomial plus(const Polynomial& a, const Polynomial& b) {
    Polynomial sum = a;
    sum.resize(std::max(a.size(), b.size()));
    for (std::size_t k = 0; k < b.size(); ++k) {
        sum[k] += b[k];
    }
    trim(sum);
    return sum;
}

Polynomial negative(const Polynomial& p) {
    Polynomial result;
    result.reserve(p.size());
    for (const Quotient& coefficient : p) {
        result.push_back(Quotient() - coefficient);
    }
    return result;
}

Polynomial times(const Polynomial& a, const Polynomial& b) {
    if (a.empty() || b.empty()) {
        return {};
    }
    Polynomial product(a.size() + b.size() - 1);
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = 0; j < b.size(); ++j) {
            product[i + j] += a[i] * b[j];
        }
    }
    trim(product);
    return product;
}

/// The quotient of a over b, which is not 0; a becomes the rest.
Polynomial divide(Polynomial& a, const Polynomial& b) {
    Polynomial quotient(a.size() >= b.size() ? a.size() - b.size() + 1 : 0);
    for (std::size_t shift = quotient.size(); shift-- > 0;) {
        const Quotient factor = kept_short(a[shift + b.size() - 1] / b.back());
        quotient[shift] = factor;
        for (std::size_t k = 0; k < b.size(); ++k) {
            a[shift + k] = kept_short(a[shift + k] - factor * b[k]);
        }
    }
    trim(a);
    trim(quotient);
    return quotient;
}

Polynomial common_divisor(Polynomial a, Polynomial b) {
    while (!b.empty()) {
        divide(a, b);
        std::swap(a, b);
    }
    return a;
}

bool is_same(const Polynomial& a, const Polynomial& b) {
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t k = 0; k < a.size(); ++k) {
        if ((a[k] - b[k]).sign() != 0) {
            return false;
        }
    }
    return true;
}

/// p as a polynomial of the distance from a point in a direction.
Polynomial seen_from(const Polynomial& p, const Quotient& at, bool up) {
    Polynomial shifted;
    const Polynomial towards{at, up ? Quotient(1.0) : Quotient(-1.0)};
    for (std::size_t k = p.size(); k-- > 0;) {
        shifted = plus(times(shifted, towards), {p[k]});
    }
    return shifted;
}

/// The sign that p has right above 0.
int sign_beyond(const Polynomial& p) {
    for (const Quotient& coefficient : p) {
        if (coefficient.sign() != 0) {
            return coefficient.sign();
        }
    }
    return 0;
}

Quotient power_of_two(int exponent) {
    Quotient power(1.0);
    const Quotient block(std::ldexp(1.0, 48));
    for (; exponent >= 48; exponent -= 48) {
        power = power * block;
    }
    return power * Quotient(std::ldexp(1.0, exponent));
}

/// The least zero of p above 0, if there is one. Of a polynomial of degree 2 whose zero is no
/// fraction: a fraction just beyond it.
std::optional<Quotient> zero_beyond(Polynomial p, bool* is_solvable) {
    while (!p.empty() && p.front().sign() == 0) {
        p.erase(p.begin());
    }
    if (p.size() <= 1) {
        return std::nullopt;
    }
    if (p.size() == 2) {
        Quotient zero = Quotient() - p[0] / p[1];
        return zero.sign() > 0 ? std::optional<Quotient>(std::move(zero)) : std::nullopt;
    }
    if (p.size() > 3) {
        *is_solvable = false;
        return std::nullopt;
    }
    const Quotient inside = kept_short(p[1] * p[1] - Quotient(4.0) * p[2] * p[0]);
    if (inside.sign() < 0) {
        return std::nullopt;
    }
    const Quotient root = inside.square_root(root_bits);
    const bool is_exact_root = (root * root - inside).sign() == 0;
    // Of the two zeros take the one that does not cancel; their product gives the other.
    const Quotient sum = p[1].sign() < 0 ? p[1] - root : p[1] + root;
    const Quotient far = (Quotient() - sum) / Quotient(2.0);
    std::optional<Quotient> least;
    for (const Quotient& zero : {far / p[2], p[0] / far}) {
        if (zero.sign() > 0 && (!least || zero < *least)) {
            least = zero;
        }
    }
    if (least && !is_exact_root) {
        // Kept short: from here the next zero is taken, which has twice the digits.
        least = (*least + *least / power_of_two(root_bits - 8)).shortened(root_bits);
    }
    return least;
}

}  // namespace

void Path::note(const Quotient& distance) {
    const Quotient zero = kept_short(up ? at + distance : at - distance);
    if (!reach || (up ? zero < *reach : zero > *reach)) {
        reach = zero;
    }
}

Moving::Moving(const Quotient& value) {
    if (value.sign() != 0) {
        top_.push_back(value);
    }
}

Moving Moving::variable(Path& path) {
    return {{Quotient(), Quotient(1.0)}, {}, &path};
}

Moving::Moving(Polynomial top, Polynomial bottom, Path* path)
    : top_(std::move(top)), bottom_(std::move(bottom)), path_(path) {
    if (top_.empty()) {
        bottom_.clear();
    }
    if (!bottom_.empty()) {
        const Polynomial common = common_divisor(top_, bottom_);
        if (common.size() > 1) {
            top_ = divide(top_, common);
            bottom_ = divide(bottom_, common);
        }
        const Quotient leading = bottom_.back();
        for (Polynomial* part : {&top_, &bottom_}) {
            for (Quotient& coefficient : *part) {
                coefficient = kept_short(coefficient / leading);
            }
        }
        if (bottom_.size() == 1) {
            bottom_.clear();
        }
    }
}

Moving operator+(const Moving& left, const Moving& right) {
    Path* const path = left.path_ != nullptr ? left.path_ : right.path_;
    if (is_same(left.bottom_, right.bottom_)) {
        return {plus(left.top_, right.top_), left.bottom_, path};
    }
    const Polynomial one{Quotient(1.0)};
    const Polynomial& under_left = left.bottom_.empty() ? one : left.bottom_;
    const Polynomial& under_right = right.bottom_.empty() ? one : right.bottom_;
    return {plus(times(left.top_, under_right), times(right.top_, under_left)),
            times(under_left, under_right), path};
}

Moving operator-(const Moving& left, const Moving& right) {
    Moving opposite = right;
    opposite.top_ = negative(right.top_);
    return left + opposite;
}

Moving operator*(const Moving& left, const Moving& right) {
    Path* const path = left.path_ != nullptr ? left.path_ : right.path_;
    Polynomial bottom = left.bottom_.empty()    ? right.bottom_
                        : right.bottom_.empty() ? left.bottom_
                                                : times(left.bottom_, right.bottom_);
    return {times(left.top_, right.top_), std::move(bottom), path};
}

Moving operator/(const Moving& left, const Moving& right) {
    const Polynomial one{Quotient(1.0)};
    const Moving inverse(right.bottom_.empty() ? one : right.bottom_, right.top_, right.path_);
    return left * inverse;
}

int Moving::sign() const {
    if (path_ == nullptr || (top_.size() <= 1 && bottom_.empty())) {
        return top_.empty() ? 0 : top_.front().sign();
    }
    int signs = 1;
    for (const Polynomial* part : {&top_, &bottom_}) {
        if (part == &bottom_ && bottom_.empty()) {
            continue;
        }
        const Polynomial seen = seen_from(*part, path_->at, path_->up);
        if (const auto zero = zero_beyond(seen, &path_->is_solvable)) {
            path_->note(*zero);
        }
        signs *= sign_beyond(seen);
    }
    return signs;
}

Quotient binary_value(double value) {
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);
    // Of 53 bits the integer is its own shortest decimal to the last digit: it is below 10^16.
    const Decimal whole{static_cast<std::int64_t>(std::ldexp(fraction, 53)), 0};
    exponent -= 53;
    return exponent < 0 ? Quotient(whole) / power_of_two(-exponent)
                        : Quotient(whole) * power_of_two(exponent);
}

double nearest_float(const Quotient& value) {
    double x = value.rounded();
    if (value.sign() == 0 || !std::isfinite(x)) {
        return x;
    }
    constexpr int most_steps = 64;
    const Quotient half(0.5);
    const auto is_even = [](double number) {
        int exponent = 0;
        return std::fmod(std::ldexp(std::frexp(number, &exponent), 53), 2) == 0;
    };
    for (int step = 0; step < most_steps; ++step) {
        const bool is_above = value > binary_value(x);
        const double next = std::nextafter(x, is_above ? HUGE_VAL : -HUGE_VAL);
        if (!std::isfinite(next)) {
            return x;
        }
        const Quotient middle = (binary_value(x) + binary_value(next)) * half;
        const int beyond = is_above ? (value - middle).sign() : (middle - value).sign();
        if (beyond < 0 || (beyond == 0 && is_even(x))) {
            return x;
        }
        x = next;
    }
    return x;
}

}  // namespace pymargin

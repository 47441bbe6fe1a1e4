#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "big_decimal.hpp"
#include "check.hpp"
#include "draw.hpp"
#include "pymargin/decimal.hpp"

namespace {

using pymargin::Decimal;
using pymargin::shortest_decimal;
using pymargin::test::BigDecimal;
using pymargin::test::Draw;
using pymargin::test::shortest;

constexpr double largest = std::numeric_limits<double>::max();

/// coefficient and exponent without zeros at the end of the coefficient.
Decimal reduced(Decimal decimal) {
    while (decimal.coefficient != 0 && decimal.coefficient % 10 == 0) {
        decimal.coefficient /= 10;
        ++decimal.exponent;
    }
    return decimal;
}

/// What std::to_chars writes, read digit by digit.
Decimal from_text(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    const std::string all(text, end.ptr);
    const std::size_t e = all.find('e');
    const std::size_t point = all.find('.');
    std::string digits;
    for (const char sign_or_digit : all.substr(0, e)) {
        if (sign_or_digit != '.') {
            digits += sign_or_digit;
        }
    }
    const auto places = point == std::string::npos ? 0 : static_cast<int>(e - point - 1);
    return reduced({std::stoll(digits), std::stoi(all.substr(e + 1)) - places});
}

bool is_what_text_says(double value) {
    const Decimal expected = from_text(value);
    const Decimal inlined = reduced(shortest_decimal(value));
    const Decimal any = reduced(pymargin::detail::shortest_decimal_of_any(value));
    const auto is_same = [&](Decimal found) {
        return found.coefficient == expected.coefficient &&
               (found.exponent == expected.exponent || found.coefficient == 0);
    };
    if (!is_same(inlined) || !is_same(any)) {
        std::printf("     %.17g\n", value);
    }
    return is_same(inlined) && is_same(any);
}

}  // namespace

TEST(shortest_decimal_is_what_repr_prints) {
    const auto check = [](double value, std::int64_t coefficient, std::int32_t exponent) {
        const Decimal decimal = shortest_decimal(value);
        CHECK_EQ(BigDecimal(decimal), BigDecimal(Decimal{coefficient, exponent}));
    };
    check(0.1, 1, -1);
    check(1.1, 11, -1);
    check(-2.5, -25, -1);
    check(1e22, 1, 22);
    check(5e-324, 5, -324);
    check(largest, 17976931348623157, 292);
    check(2.2250738585072014e-308, 22250738585072014, -324);
    check(0.30000000000000004, 30000000000000004, -17);
    check(9007199254740993.0, 9007199254740992, 0);
    check(0x1p-44, 5684341886080802, -29);
    check(-0.0, 0, 0);
}

TEST(shortest_decimal_reads_back_in_the_fewest_digits) {
    Draw draw(1);
    for (int i = 0; i < 20000; ++i) {
        const double value = i % 2 == 0 ? draw.any_float() : draw.decimal(-30, 30);
        const BigDecimal decimal(shortest_decimal(value));
        CHECK_EQ(decimal.rounded(), value);
        if (i % 10 == 0) {
            CHECK_EQ(decimal, shortest(value));
        }
    }
}

TEST(shortest_decimal_agrees_with_text_around_every_power_of_two) {
    for (int exponent = -1074; exponent < 1024; ++exponent) {
        double up = std::ldexp(1.0, exponent);
        double down = up;
        for (int step = 0; step < 12; ++step) {
            CHECK(is_what_text_says(up));
            CHECK(is_what_text_says(-down));
            up = std::nextafter(up, largest);
            down = std::nextafter(down, 0);
        }
    }
}

TEST(shortest_decimal_agrees_with_text_around_short_decimals) {
    Draw draw(8);
    for (int i = 0; i < 100000; ++i) {
        const double value = draw.decimal(-15, 20);
        CHECK(is_what_text_says(value));
        CHECK(is_what_text_says(std::nextafter(value, largest)));
        CHECK(is_what_text_says(std::nextafter(value, 0)));
    }
}

TEST(shortest_decimal_agrees_with_text_where_two_decimals_are_as_near) {
    Draw draw(9);
    for (int i = 0; i < 100000; ++i) {
        // Many a number of few bits behind the point lies half way between two of 17 digits.
        const double value = std::ldexp(static_cast<double>(draw.bits() >> 11), -draw.below(40));
        CHECK(is_what_text_says(value));
    }
}

TEST(shortest_decimal_agrees_with_text_at_the_edge_of_fifteen_digits) {
    for (const double edge : {1e7, 99999999.0, 9999999.99999999, 1e15 - 1, 1e15, 0x1p53, 0x1p-30}) {
        double up = edge;
        double down = edge;
        for (int step = 0; step < 1000; ++step) {
            CHECK(is_what_text_says(up));
            CHECK(is_what_text_says(down));
            up = std::nextafter(up, largest);
            down = std::nextafter(down, 0);
        }
    }
}

#include <cmath>
#include <limits>

#include "big_decimal.hpp"
#include "check.hpp"
#include "draw.hpp"
#include "pymargin/exact.hpp"

namespace {

using pymargin::Decimal;
using pymargin::Exact;
using pymargin::test::BigDecimal;
using pymargin::test::Draw;
using pymargin::test::shortest;

__extension__ typedef __int128 Wide;

constexpr double largest = std::numeric_limits<double>::max();
constexpr double least = std::numeric_limits<double>::denorm_min();

Exact exact(std::int64_t coefficient, std::int32_t exponent) {
    return Exact(Decimal{coefficient, exponent});
}

double rounded(const Exact& value) {
    return Exact::ratio(value, exact(1, 0));
}

int sign(Wide value) {
    return value == 0 ? 0 : (value < 0 ? -1 : 1);
}

/// A rate or threshold: at most 18 digits, at most 18 of them behind the point.
Decimal figure(Draw& draw) {
    const auto limit = static_cast<std::uint64_t>(std::pow(10.0, 1 + draw.below(18)));
    return {static_cast<std::int64_t>(draw.bits() % limit), -draw.below(19)};
}

}  // namespace

TEST(sums_and_products_equal_a_plain_128_bit_reference) {
    Draw draw(2);
    for (int i = 0; i < 20000; ++i) {
        // Scaled to 10^-9 all three fit 128 bits.
        const auto coefficient = [&] {
            const auto value = static_cast<std::int64_t>(draw.bits() % 1000000000000ULL);
            return draw.one_in(2) ? value : -value;
        };
        Wide sum = 0;
        Exact exact_sum;
        for (int term = 1 + draw.below(12); term > 0; --term) {
            const std::int64_t left = coefficient();
            const std::int64_t right = coefficient() % 1000000;
            const int exponent = draw.below(10);
            Wide scaled = Wide{left} * right;
            for (int k = exponent; k < 9; ++k) {
                scaled *= 10;
            }
            sum += scaled;
            exact_sum += exact(left, -exponent) * exact(right, 0);
        }
        CHECK_EQ(exact_sum.sign(), sign(sum));
        // Both are integers after a shift by nine places: their difference must be exactly 0.
        const Exact high = exact(static_cast<std::int64_t>(sum / 1000000000000LL), 3);
        const Exact low = exact(static_cast<std::int64_t>(sum % 1000000000000LL), -9);
        CHECK_EQ((exact_sum - (high + low)).sign(), 0);
    }
}

TEST(any_two_floats_add_subtract_multiply_and_compare_as_decimals) {
    Draw draw(3);
    for (int i = 0; i < 1500; ++i) {
        const double a = draw.any_float();
        const double b = draw.one_in(3) ? draw.near(a) : draw.any_float();
        const BigDecimal big_a = shortest(a);
        const BigDecimal big_b = shortest(b);
        CHECK_EQ(BigDecimal(Exact(a) + Exact(b)), big_a + big_b);
        CHECK_EQ(BigDecimal(Exact(a) - Exact(b)), big_a - big_b);
        CHECK_EQ(BigDecimal(Exact(a) * Exact(-b)), -(big_a * big_b));
        CHECK_EQ(Exact(a) < Exact(b), a < b);
        CHECK_EQ(Exact(a) > Exact(b), a > b);
    }
}

TEST(long_sums_keep_every_digit) {
    Draw draw(4);
    for (int i = 0; i < 60; ++i) {
        Exact sum;
        BigDecimal reference;
        for (int term = 0; term < 40; ++term) {
            double value = draw.one_in(4) ? draw.any_float() : draw.decimal(-20, 20);
            value = draw.one_in(2) ? -value : value;
            sum += Exact(value);
            reference += shortest(value);
        }
        CHECK_EQ(BigDecimal(sum), reference);
        CHECK_EQ(sum.sign(), reference.sign());
    }
}

TEST(numbers_far_apart_do_not_swallow_each_other) {
    const Exact sum = Exact(largest) + Exact(least);
    CHECK_EQ((sum - Exact(largest) - Exact(least)).sign(), 0);
    CHECK_EQ((sum - Exact(largest)).sign(), 1);
    CHECK_EQ((Exact(least) - Exact(largest)).sign(), -1);
    CHECK_EQ((Exact(-largest) + Exact(least) + Exact(largest)).sign(), 1);
}

TEST(a_sum_that_cancels_is_zero_whatever_its_exponent) {
    const Exact zero = Exact(1.5e300) + Exact(7e-300) - Exact(1.5e300) - Exact(7e-300);
    CHECK_EQ(zero.sign(), 0);
    CHECK_EQ(zero.size(), 0);
    CHECK_EQ((zero + Exact(-2.5)).sign(), -1);
    CHECK_EQ((Exact(2.5) + zero - Exact(2.5)).sign(), 0);
    CHECK_EQ((zero * Exact(largest)).sign(), 0);
    CHECK_EQ((zero - zero).sign(), 0);
    CHECK_EQ(Exact(-0.0).sign(), 0);
    CHECK_EQ((exact(11, -1) - Exact(1.1)).sign(), 0);
}

TEST(tenths_add_up) {
    Exact sum;
    for (int i = 0; i < 10; ++i) {
        sum += Exact(0.1);
    }
    CHECK_EQ((sum - Exact(1.0)).sign(), 0);
}

TEST(carries_and_borrows_run_across_limbs) {
    // 2^64 - 1 in every limb, plus 1.
    const Exact two_to_32 = exact(std::int64_t{1} << 32, 0);
    Exact power = exact(1, 0);
    for (int limbs = 1; limbs <= 20; ++limbs) {
        power = power * two_to_32 * two_to_32;
        const Exact ones = power - exact(1, 0);
        CHECK_EQ(ones.size(), limbs);
        CHECK_EQ(ones.limbs()[limbs - 1], std::numeric_limits<std::uint64_t>::max());
        const Exact back = ones + exact(1, 0);
        CHECK_EQ(back.size(), limbs + 1);
        CHECK_EQ((back - power).sign(), 0);
        CHECK_EQ(BigDecimal(ones * ones), BigDecimal(ones) * BigDecimal(ones));
    }
}

TEST(an_operand_may_be_its_own_target) {
    Exact value(1.25);
    value += value;
    CHECK_EQ((value - Exact(2.5)).sign(), 0);
    const Exact& same = value;
    value = same;
    CHECK_EQ((value - Exact(2.5)).sign(), 0);
    value = value * value;
    CHECK_EQ((value - Exact(6.25)).sign(), 0);
    CHECK_EQ((value - value).sign(), 0);
}

TEST(the_least_coefficient_has_a_magnitude) {
    const Exact value = exact(std::numeric_limits<std::int64_t>::min(), 0);
    CHECK_EQ(value.sign(), -1);
    CHECK_EQ(BigDecimal(value), BigDecimal(std::string("-9223372036854775808")));
}

TEST(the_longest_chain_stays_within_capacity) {
    const Exact widest = exact(999999999999999999, 0);
    const Exact finest = exact(999999999999999999, -18) * exact(1, -18);
    const Exact large = widest * widest * Exact(largest) * Exact(largest);
    const Exact small = exact(1, -18) * exact(1, -18) * Exact(least) * Exact(least);
    Exact sum = large + small;
    CHECK(sum.size() <= 71);
    for (int doublings = 0; doublings < 32; ++doublings) {
        sum += sum;
    }
    CHECK(sum.size() <= 72);
    CHECK(sum.size() < Exact::capacity);
    CHECK_EQ((sum - large).sign(), 1);
    CHECK_EQ((small - sum + finest * Exact(least)).sign(), -1);
}

TEST(a_random_chain_equals_the_reference) {
    Draw draw(5);
    for (int i = 0; i < 300; ++i) {
        Exact sum;
        BigDecimal reference;
        for (int term = 0; term < 4; ++term) {
            const Decimal theta = figure(draw);
            const Decimal rate = figure(draw);
            const double quantity = draw.any_float();
            const double price = draw.any_float();
            const Exact chain = Exact(theta) * Exact(rate) * Exact(quantity) * Exact(price);
            const BigDecimal same =
                BigDecimal(theta) * BigDecimal(rate) * shortest(quantity) * shortest(price);
            const bool negative = draw.one_in(2);
            sum = negative ? sum - chain : sum + chain;
            reference += negative ? -same : same;
        }
        CHECK(sum.size() <= Exact::capacity);
        CHECK_EQ(BigDecimal(sum), reference);
    }
}

TEST(ratio_of_floats_is_within_a_few_ulp) {
    Draw draw(6);
    for (int i = 0; i < 20000; ++i) {
        const double a = draw.decimal(-40, 40);
        const double b = draw.decimal(-40, 40);
        const double ratio = Exact::ratio(Exact(a), Exact(-b));
        CHECK(std::fabs(ratio + a / b) <= 4 * 0x1p-52 * (a / b));
    }
}

TEST(ratio_holds_where_either_side_is_no_float) {
    const Exact huge = Exact(largest) * Exact(largest);
    const Exact tiny = Exact(least) * Exact(least);
    CHECK(std::fabs(Exact::ratio(huge * exact(11, -1), huge) - 1.1) <= 0x1p-51);
    CHECK(std::fabs(Exact::ratio(tiny * exact(-11, -1), tiny) + 1.1) <= 0x1p-51);
    CHECK_EQ(Exact::ratio(huge, tiny), std::numeric_limits<double>::infinity());
    CHECK_EQ(Exact::ratio(exact(-1, 0) * huge, tiny), -std::numeric_limits<double>::infinity());
    CHECK_EQ(Exact::ratio(tiny, huge), 0.0);
    CHECK_EQ(Exact::ratio(Exact(), huge), 0.0);
    CHECK_EQ(rounded(Exact(least)), least);
    CHECK(std::fabs(rounded(Exact(largest)) / largest - 1) <= 0x1p-51);
}

#include <cmath>
#include <limits>

#include "big_decimal.hpp"
#include "check.hpp"
#include "draw.hpp"
#include "pymargin/exact.hpp"
#include "pymargin/exact128.hpp"
#include "pymargin/row.hpp"
#include "scenario.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

constexpr std::int64_t largest_half = std::numeric_limits<std::int64_t>::max();

Exact128 number(std::int64_t coefficient, std::int32_t exponent) {
    return Exact128(Decimal{coefficient, exponent});
}

/// 2^126.
Exact128 quarter_of_all() {
    const Exact128 two_to_63 = number(largest_half, 0) + number(1, 0);
    return two_to_63 * two_to_63;
}

/// Whether `compute` overflows.
template <class Compute>
bool overflows(const Compute& compute) {
    Exact128::clear_overflow();
    compute();
    const bool found = Exact128::has_overflowed();
    Exact128::clear_overflow();
    return found;
}

/// Draws a decimal of any number of digits up to 18, most of them near what accounts hold.
Decimal any_decimal(Draw& draw) {
    const auto limit = static_cast<std::uint64_t>(std::pow(10.0, 1 + draw.below(18)));
    const auto coefficient = static_cast<std::int64_t>(draw.bits() % limit);
    return {draw.one_in(2) ? coefficient : -coefficient, draw.below(30) - 24};
}

/// The same account in 128 bits and without bounds.
template <class Mode>
void compare_account(const Scenario& scenario, const Account& account, int& n_fit, int& n_not) {
    const MarketOf<Mode> market(scenario.rules, scenario.assets);
    const Decisions<Mode> decisions;
    const DecisionTable table = decisions.table();
    const Book<> book(account);
    RowResult<Mode> found{};
    Notes notes;
    found.sums = sum_row<Mode, double>(book.view(), market.market(), 0, notes);
    RowResult<Mode> expected = found;
    settle_in<Exact, Mode>(book.view(), market.market(), table, 0, expected);
    if (!settle_in<Exact128, Mode>(book.view(), market.market(), table, 0, found)) {
        ++n_not;
        CHECK_EQ(found.actions, 0);
        return;
    }
    ++n_fit;
    CHECK_EQ(found.actions, expected.actions);
    for (int level = 0; level < Mode::n_levels; ++level) {
        CHECK(found.levels[level] == expected.levels[level]);
    }
}

}  // namespace

TEST(what_does_not_overflow_equals_the_number_without_bounds) {
    Draw draw(1);
    int n_overflows = 0;
    for (int i = 0; i < 100000; ++i) {
        Exact128::clear_overflow();
        const Decimal parts[] = {any_decimal(draw), any_decimal(draw), any_decimal(draw),
                                 any_decimal(draw)};
        const Exact128 small =
            Exact128(parts[0]) * Exact128(parts[1]) + Exact128(parts[2]) - Exact128(parts[3]);
        const Exact large = Exact(parts[0]) * Exact(parts[1]) + Exact(parts[2]) - Exact(parts[3]);
        if (Exact128::has_overflowed()) {
            ++n_overflows;
            continue;
        }
        CHECK_EQ((Exact(small) - large).sign(), 0);
        CHECK_EQ(small.sign(), large.sign());
    }
    Exact128::clear_overflow();
    CHECK(n_overflows > 1000);
    CHECK(n_overflows < 99000);
}

TEST(comparing_is_right_however_far_the_places_are_apart) {
    Draw draw(2);
    for (int i = 0; i < 100000; ++i) {
        Decimal a = any_decimal(draw);
        Decimal b = draw.one_in(3) ? a : any_decimal(draw);
        a.exponent = -draw.below(draw.one_in(2) ? 20 : 400);
        b.exponent = draw.one_in(3) ? a.exponent : -draw.below(draw.one_in(2) ? 20 : 400);
        CHECK(!overflows([&] {
            CHECK_EQ(Exact128(a) < Exact128(b), Exact(a) < Exact(b));
            CHECK_EQ(Exact128(a) > Exact128(b), Exact(a) > Exact(b));
        }));
    }
    CHECK(!(number(0, -400) < number(0, 0)));
    CHECK(!(number(0, 0) < number(0, -400)));
}

TEST(a_sum_overflows_from_two_to_the_127_on) {
    const Exact128 quarter = quarter_of_all();
    CHECK(!overflows([&] { (quarter - number(1, 0)) + quarter; }));
    CHECK(overflows([&] { quarter + quarter; }));
    CHECK(!overflows([&] { number(0, 0) - quarter - quarter; }));
    CHECK(overflows([&] { number(0, 0) - quarter - quarter - number(1, 0); }));
    const Exact128 least = number(0, 0) - quarter - quarter;
    CHECK(overflows([&] { number(0, 0) - least; }));
    CHECK_EQ(least.sign(), -1);
    CHECK_EQ(BigDecimal(Exact(least)), -(BigDecimal(Exact(quarter)) + BigDecimal(Exact(quarter))));
}

TEST(a_product_overflows_from_two_to_the_127_on) {
    const Exact128 quarter = quarter_of_all();
    CHECK(overflows([&] { quarter* number(2, 0); }));
    CHECK(!overflows([&] { quarter* number(-2, 0); }));
    CHECK(overflows([&] { (quarter - number(1, 0)) * number(3, 0); }));
    CHECK(overflows([&] { quarter* quarter; }));
    CHECK(!overflows([&] { number(largest_half, 0) * number(largest_half, 0); }));
}

TEST(places_that_do_not_fit_overflow) {
    CHECK(!overflows([] { number(1, -38) + number(1, 0); }));
    CHECK(overflows([] { number(2, -38) + number(2, 0); }));
    CHECK(overflows([] { number(1, -39) + number(1, 0); }));
    CHECK(overflows([] { number(1, 0) + number(1, -39); }));
    CHECK(overflows([] { number(1, 39); }));
    CHECK(!overflows([] { number(1, 38); }));
    CHECK(!overflows([] { number(0, 300); }));
    CHECK(overflows([] { Exact128(1.7e308); }));
    CHECK(overflows([] { Exact128(5e-324) + Exact128(1.0); }));
}

TEST(the_flag_stays_up_until_it_is_cleared) {
    Exact128::clear_overflow();
    quarter_of_all() * number(4, 0);
    number(1, 0) + number(1, 0);
    CHECK(Exact128::has_overflowed());
    Exact128::clear_overflow();
    CHECK(!Exact128::has_overflowed());
}

TEST(an_account_is_decided_alike_in_128_bits_and_without_bounds) {
    int n_fit = 0;
    int n_not = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Scenario scenario(seed);
        for (int k = 0; k < 4; ++k) {
            const Account account = scenario.account();
            for_each_mode([&](auto mode) {
                using Mode = decltype(mode);
                compare_account<Mode>(scenario, account, n_fit, n_not);
                compare_account<Mode>(scenario, scenario.template balanced<Mode>(account), n_fit,
                                      n_not);
            });
        }
    }
    std::printf("     %d fit, %d do not\n", n_fit, n_not);
    CHECK(n_fit > 1000);
    CHECK(n_not > 1000);
}

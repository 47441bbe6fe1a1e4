#include <cmath>
#include <initializer_list>

#include "boundary.hpp"
#include "check.hpp"
#include "draw.hpp"
#include "pymargin/decide.hpp"
#include "pymargin/fine_crossing.hpp"
#include "pymargin/moving.hpp"
#include "rules.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

constexpr double u = unit_roundoff;

Quotient value_of(const Pair& pair) {
    return binary_value(pair.value) + binary_value(pair.rest);
}

/// |a - b| at most `bound`.
bool is_within(const Quotient& a, const Quotient& b, double bound) {
    const Quotient reach = binary_value(bound);
    return (a - b - reach).sign() <= 0 && (b - a - reach).sign() <= 0;
}

double amount(Draw& draw) {
    return (draw.one_in(2) ? 1 : -1) * draw.decimal(-4, 6);
}

TEST(a_pair_is_the_decimal_of_a_float) {
    Draw draw(1);
    for (int k = 0; k < 4000; ++k) {
        const double x = draw.one_in(2) ? amount(draw) : draw.near(draw.decimal(-4, 12));
        const Pair pair = pair_of(x);
        CHECK(is_within(value_of(pair), Quotient(x), 4 * u * u * std::abs(x)));
    }
    CHECK_EQ(pair_of(0.0).value, 0);
    CHECK_EQ(pair_of(3.0).rest, 0);
    // What it does not hold is not taken for nothing.
    CHECK(std::isnan(pair_of(1e-60).value) && std::isnan(FineLine(2.5e27).size()));
}

TEST(a_pair_is_a_decimal_of_the_rules) {
    for (const Decimal decimal : {Decimal{15, -2}, Decimal{-123456789012345678, -17},
                                  Decimal{1, -22}, Decimal{7, 22}, Decimal{0, 0}}) {
        const Pair pair = pair_of(decimal);
        CHECK(is_within(value_of(pair), Quotient(decimal), 4 * u * u * std::abs(pair.value)));
        const Exact128 wide = Exact128(decimal) * Exact128(Decimal{3, 0});
        CHECK(is_within(value_of(pair_of(wide)), Quotient(decimal) * Quotient(3.0),
                        16 * u * u * std::abs(pair.value)));
    }
}

TEST(a_formula_of_a_line_is_within_its_bounds) {
    Draw draw(2);
    for (int k = 0; k < 4000; ++k) {
        const double place = draw.decimal(-2, 4);
        const double a = amount(draw);
        const double b = amount(draw);
        const double c = amount(draw);
        const FineLine x = FineLine::variable(place);
        const FineLine line = (FineLine(a) + FineLine(b) * x) * FineLine(c) - x * FineLine(a);
        const Quotient slope = Quotient(b) * Quotient(c) - Quotient(a);
        const Quotient exact = Quotient(a) * Quotient(c) + slope * binary_value(place);
        // Of depth 6.
        CHECK(is_within(value_of(line.pair()), exact, 2 * 36 * u * u * line.size()));
        CHECK(is_within(binary_value(line.slope()), slope, 3 * 6 * u * line.size() / place));
    }
}

TEST(comparisons_hold_in_the_neighbourhood_or_are_not_settled) {
    Draw draw(4);
    int n_settled = 0;
    for (int k = 0; k < 4000; ++k) {
        const double place = draw.decimal(-2, 4);
        const double slope = amount(draw);
        // Near the line's zero, exactly there, and anywhere.
        const double near = -slope * place * (1 + (draw.one_in(2) ? 0x1p-44 : 0x1p-30));
        const double constant = draw.one_in(2) ? near : amount(draw);
        const FineLine line = FineLine(constant) + FineLine(slope) * FineLine::variable(place);
        if (line.sign() == 0) {
            CHECK(std::isnan(positive_part(line).size()) && std::isnan(size_of(line).size()));
            continue;
        }
        ++n_settled;
        CHECK_EQ(positive_part(line).size() > 0, line.sign() > 0);
        const Quotient reach = binary_value(place) * binary_value(FineLine::neighbourhood);
        for (const Quotient& x : {binary_value(place) - reach, binary_value(place) + reach}) {
            CHECK_EQ((Quotient(constant) + Quotient(slope) * x).sign(), line.sign());
        }
    }
    CHECK(n_settled > 2000);
}

TEST(what_is_not_settled_spoils_what_depends_on_it) {
    const FineLine x = FineLine::variable(3);
    const FineLine edge = positive_part(x - FineLine(3.0));
    CHECK(std::isnan(edge.size()));
    CHECK_EQ((edge + FineLine(1.0)).sign(), 0);
    CHECK_EQ((FineLine(2.0) * edge).sign(), 0);
    CHECK(std::isnan((x * x).size()));
    CHECK(std::isnan(smaller(x, FineLine(3.0)).size()));
    CHECK_EQ(smaller(x, FineLine(2.0)).slope(), 0);
    CHECK_EQ(FineLine().sign(), 0);
}

TEST(a_schedule_of_a_line_is_its_step) {
    Rules rules;
    const int brackets =
        rules.add({{{{100, 0}, {1, -2}}, {{200, 0}, {25, -3}}, {{5, 2}, {5, -2}}}, End::open});
    const int closed = rules.add({{{{100, 0}, {9, -1}}}, End::excess_is_zero});
    const ScheduleTable table = rules.table();
    for (const int schedule : {brackets, closed}) {
        for (const double x : {10.0, 49.0, 51.0, 99.0, 101.0, 1000.0}) {
            const FineLine value = (FineLine::variable(x) * FineLine(2.0)).under(table, schedule);
            Notes unused;
            const Quotient wanted = table.value(schedule, Quotient(2 * x), unused);
            CHECK(is_within(value_of(value.pair()), wanted, 2 * 64 * u * u * value.size()));
        }
        CHECK(std::isnan((FineLine::variable(50) * FineLine(2.0)).under(table, schedule).size()));
    }
    CHECK_EQ(FineLine(3.0).under(table, -1).size(), 0);
}

TEST(a_crossing_is_the_float_of_the_zero_or_none) {
    Draw draw(7);
    int n_found = 0;
    for (int k = 0; k < 4000; ++k) {
        const double constant = -draw.decimal(-2, 6);
        const double slope = draw.decimal(-2, 3);
        const double base = draw.one_in(2) ? 1 : draw.decimal(-2, 5);
        const Quotient share = Quotient(-constant) / Quotient(slope);
        const double place = share.rounded();
        const FineLine line = FineLine(constant) + FineLine(slope) * FineLine::variable(place);
        const FineCrossing crossing(line, place, base, ErrorBound::relative(2));
        if (!crossing.is_settled() || std::isnan(crossing.nearest())) {
            continue;
        }
        const Quotient zero = share * Quotient(base);
        CHECK_EQ(crossing.nearest(), nearest_float(zero));
        for (const bool safe_is_up : {false, true}) {
            const double boundary = crossing.boundary(safe_is_up);
            if (!std::isnan(boundary)) {
                ++n_found;
                CHECK_EQ(boundary, boundary_by_steps(zero, safe_is_up));
            }
        }
    }
    CHECK(n_found > 7000);
}

TEST(a_tie_is_left_to_exact_numbers) {
    // 0.5 x - 0.125 is 0 at 0.25, whose decimal it is.
    const FineLine line = FineLine(0.5) * FineLine::variable(0.25) - FineLine(0.125);
    const FineCrossing crossing(line, 0.25, 1, ErrorBound::relative(2));
    CHECK_EQ(crossing.nearest(), 0.25);
    CHECK(std::isnan(crossing.boundary(true)));
}

}  // namespace

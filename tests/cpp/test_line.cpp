#include <cmath>
#include <vector>

#include "boundary.hpp"
#include "check.hpp"
#include "draw.hpp"
#include "pymargin/crossing.hpp"
#include "pymargin/moving.hpp"
#include "rules.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

/// An integer of 128 bits as a fraction.
Quotient quotient(Integer128 value) {
    const Quotient half(std::ldexp(1.0, 32));
    Quotient sum;
    Quotient unit(1.0);
    for (; value != 0; value /= std::int64_t{1} << 32) {
        sum += unit * Quotient(static_cast<double>(value % (std::int64_t{1} << 32)));
        unit = unit * half;
    }
    return sum;
}

/// Where a line is 0.
Quotient zero_of(const Line& line) {
    return Quotient() - quotient(line.constant()) / quotient(line.slope());
}

Line line_of(Line::Place& place, double constant, double slope) {
    return Line(constant) + Line(slope) * Line::variable(place);
}

double amount(Draw& draw) {
    return (draw.one_in(2) ? 1 : -1) * draw.decimal(-4, 6);
}

TEST(a_formula_of_a_line_is_the_formula_at_any_point) {
    Draw draw(3);
    for (int k = 0; k < 2000; ++k) {
        Line::Place place{draw.decimal(-2, 4)};
        const double a = amount(draw);
        const double b = std::round(amount(draw) * 1e3) / 1e3;
        const double c = std::round(amount(draw) * 1e4) / 1e4;
        Line::clear_overflow();
        const Line x = Line::variable(place);
        const Line left = (Line(a) + Line(b) * x) * Line(c) - x * Line(a);
        if (Line::has_overflowed() || !left.moves()) {
            continue;
        }
        // (a + b x) c - a x is 0 at a c / (a - b c).
        const Quotient zero = Quotient(a) * Quotient(c) / (Quotient(a) - Quotient(b) * Quotient(c));
        CHECK_EQ((zero_of(left) - zero).sign(), 0);
        CHECK(place.is_settled);
    }
}

TEST(comparisons_hold_in_the_neighbourhood_or_are_not_settled) {
    Draw draw(4);
    for (int k = 0; k < 4000; ++k) {
        Line::Place place{draw.decimal(-2, 4)};
        const double slope = amount(draw);
        // Near the line's zero, exactly there, and anywhere.
        const double near = -slope * place.x * (1 + (draw.one_in(2) ? 0x1p-44 : 0x1p-30));
        const double constant = draw.one_in(2) ? near : amount(draw);
        Line::clear_overflow();
        const Line line = line_of(place, constant, slope);
        const int sign = line.sign();
        if (Line::has_overflowed() || !place.is_settled) {
            continue;
        }
        const Quotient reach = binary_value(place.x) * binary_value(Line::neighbourhood);
        for (const Quotient& x : {binary_value(place.x) - reach, binary_value(place.x) + reach}) {
            CHECK_EQ((Quotient(constant) + Quotient(slope) * x).sign(), sign);
        }
    }
}

TEST(an_edge_beside_the_place_is_not_settled) {
    Line::Place place{3};
    CHECK_EQ(line_of(place, -3, 1).sign(), 1);
    CHECK(!place.is_settled);
    Line::Place far{3};
    CHECK(line_of(far, -2, 1) > Line(0.5));
    CHECK(Line(1.5) > line_of(far, -2, 1));
    CHECK(far.is_settled);
    CHECK(!(Line(1.0) > line_of(far, -2, 1)));
    CHECK(!far.is_settled);
}

TEST(a_product_of_two_lines_is_not_settled) {
    Line::Place place{3};
    const Line x = Line::variable(place);
    CHECK(place.is_settled);
    static_cast<void>(x * x);
    CHECK(!place.is_settled);
}

TEST(what_does_not_fit_is_told) {
    Line::Place place{1};
    Line::clear_overflow();
    const Line big = line_of(place, 1e15 + 0.125, 1e15 + 0.125);
    const Line square = big * Line(1e15 + 0.125);
    CHECK(!Line::has_overflowed());
    static_cast<void>(square * Line(1e15 + 0.125));
    CHECK(Line::has_overflowed());
}

TEST(a_schedule_of_a_line_is_its_step) {
    Rules rules;
    const int brackets =
        rules.add({{{{100, 0}, {1, -2}}, {{200, 0}, {25, -3}}, {{5, 2}, {5, -2}}}, End::open});
    const int closed = rules.add({{{{100, 0}, {9, -1}}}, End::excess_is_zero});
    const ScheduleTable table = rules.table();
    for (const int schedule : {brackets, closed}) {
        for (const double x : {10.0, 49.0, 51.0, 99.0, 101.0, 1000.0}) {
            Line::Place place{x};
            const Line value = (Line::variable(place) * Line(2.0)).under(table, schedule);
            CHECK(place.is_settled);
            Notes unused;
            const Quotient wanted = table.value(schedule, Quotient(2 * x), unused);
            CHECK(std::abs(value.value() - wanted.rounded()) <= 1e-12);
            const Line still = Line(2 * x).under(table, schedule);
            CHECK(std::abs(still.value() - wanted.rounded()) <= 1e-12);
        }
        Line::Place at_cap{50};
        static_cast<void>((Line::variable(at_cap) * Line(2.0)).under(table, schedule));
        CHECK(!at_cap.is_settled);
    }
    CHECK_EQ(Line(3.0).under(table, -1).sign(), 0);
}

void check_crossing(const Line& line) {
    const Crossing crossing(line);
    const Quotient zero = zero_of(line);
    CHECK_EQ(crossing.nearest(), nearest_float(zero));
    CHECK_EQ(crossing.boundary(true), boundary_by_steps(zero, true));
    CHECK_EQ(crossing.boundary(false), boundary_by_steps(zero, false));
}

TEST(a_crossing_is_the_fraction_rounded_once) {
    Draw draw(5);
    for (int k = 0; k < 3000; ++k) {
        Line::Place place{1};
        const double slope = amount(draw);
        const double constant = (slope < 0 ? 1 : -1) * draw.decimal(-4, 6);
        check_crossing(line_of(place, constant, slope));
    }
}

TEST(a_crossing_at_a_decimal_or_between_two_floats_is_told_exactly) {
    Draw draw(6);
    for (int k = 0; k < 500; ++k) {
        Line::Place place{1};
        // The zero is x itself, then the middle of x and the next float64, of few enough bits to be
        // written as decimals.
        const double x = draw.decimal(-3, 5);
        check_crossing(line_of(place, -x, 1));
        check_crossing(line_of(place, x, -1));
        const double power = std::ldexp(1.0, draw.below(20));
        const double last_bit = std::nextafter(power, 2 * power) - power;
        Line::clear_overflow();
        // power + (n + 1/2) last bits, times 2 / last_bit: an integer.
        const double n = draw.below(1000);
        const Line middle = line_of(place, -(2 * power / last_bit), 2 / last_bit) - Line(2 * n + 1);
        if (!Line::has_overflowed()) {
            check_crossing(middle);
        }
        // The middle of the greatest float64 below a power of two and the power.
        check_crossing(line_of(place, -(4 * power / last_bit), 4 / last_bit) + Line(1.0));
    }
}

}  // namespace

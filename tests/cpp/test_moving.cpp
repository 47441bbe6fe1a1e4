#include <cmath>

#include "check.hpp"
#include "draw.hpp"
#include "pymargin/moving.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

bool is_same(const Quotient& a, const Quotient& b) {
    return (a - b).sign() == 0;
}

Quotient ratio(double numerator, double denominator) {
    return Quotient(numerator) / Quotient(denominator);
}

/// A tent: x up to 4, then 8 - x; and of a Moving with an edge at 4.
template <class Number>
Number tent(const Number& x) {
    return x > Number(4.0) ? Number(8.0) - x : x;
}

TEST(a_fraction_is_reduced_to_lowest_terms) {
    const Quotient big = ratio(6, 4) * ratio(10, 15);
    CHECK(is_same(big.reduced(), Quotient(1.0)));
    CHECK_EQ(big.reduced().numerator().size(), std::size_t{1});
    CHECK_EQ(big.reduced().denominator()[0], std::uint64_t{1});
    CHECK(is_same((Quotient() - big).reduced(), Quotient(-1.0)));
}

TEST(reducing_changes_no_value_of_any_size) {
    Draw draw(7);
    for (int k = 0; k < 300; ++k) {
        Quotient value(1.0);
        for (int part = 0; part < 9; ++part) {
            const double by = std::ldexp(1.0 + draw.unit(), static_cast<int>(40 * draw.unit()));
            value = part % 2 == 0 ? value * Quotient(by) : value / Quotient(by + 1);
        }
        CHECK(is_same(value.reduced(), value));
        CHECK(value.reduced().size() <= value.size() + 8);
    }
}

TEST(square_roots_are_exact_where_they_can_be) {
    CHECK(is_same(ratio(9, 16).square_root(256), ratio(3, 4)));
    CHECK(is_same(Quotient(0.0).square_root(256), Quotient()));
    const Quotient root = Quotient(2.0).square_root(256);
    const Quotient error = root * root - Quotient(2.0);
    CHECK(error.sign() < 0);
    CHECK(error.rounded() > -1e-75);
}

TEST(the_nearest_float_rounds_to_even) {
    CHECK_EQ(nearest_float(ratio(1, 3)), 1.0 / 3);
    CHECK_EQ(nearest_float(Quotient()), 0.0);
    const Quotient half_step = binary_value(0x1p-53);
    CHECK_EQ(nearest_float(Quotient(1.0) + half_step), 1.0);
    CHECK_EQ(nearest_float(Quotient(1.0) + half_step + half_step + half_step), 1 + 0x1p-51);
    CHECK_EQ(nearest_float(Quotient() - ratio(2, 3)), -2.0 / 3);
}

TEST(a_walk_goes_from_edge_to_edge) {
    bool is_solvable = true;
    const auto above_three = [](const auto& x) {
        using Number = std::decay_t<decltype(x)>;
        return tent(x) > Number(3.0);
    };
    const auto up = first_change(above_three, Quotient(1.0), true, std::nullopt, &is_solvable);
    CHECK(up && is_same(*up, Quotient(3.0)));
    const auto on = first_change(above_three, Quotient(4.0), true, std::nullopt, &is_solvable);
    CHECK(on && is_same(*on, Quotient(5.0)));
    const auto none = first_change(above_three, Quotient(6.0), true, std::nullopt, &is_solvable);
    CHECK(!none);
    const auto ended = first_change(above_three, Quotient(1.0), true, Quotient(2.0), &is_solvable);
    CHECK(!ended);
    CHECK(is_solvable);
}

TEST(what_holds_for_a_single_point_has_not_changed) {
    bool is_solvable = true;
    const auto at_least_four = [](const auto& x) {
        using Number = std::decay_t<decltype(x)>;
        return !(tent(x) < Number(4.0));
    };
    CHECK(!first_change(at_least_four, Quotient(1.0), true, std::nullopt, &is_solvable));
    // But at the very end of the way it counts.
    const auto end = first_change(at_least_four, Quotient(1.0), true, Quotient(4.0), &is_solvable);
    CHECK(end && is_same(*end, Quotient(4.0)));
}

TEST(reciprocals_and_squares_are_solved) {
    bool is_solvable = true;
    // 12 / x + x < 7 between 3 and 4.
    const auto below = [](const auto& x) {
        using Number = std::decay_t<decltype(x)>;
        return Number(12.0) / x + x < Number(7.0);
    };
    const auto first = first_change(below, Quotient(1.0), true, std::nullopt, &is_solvable);
    CHECK(first && is_same(*first, Quotient(3.0)));
    // x * x > 2 from the square root of 2 on, which no fraction is.
    const auto beyond = [](const auto& x) {
        using Number = std::decay_t<decltype(x)>;
        return x * x > Number(2.0);
    };
    const auto root = first_change(beyond, Quotient(1.0), true, std::nullopt, &is_solvable);
    CHECK(root && nearest_float(*root) == std::sqrt(2.0));
    CHECK(is_solvable);
}

TEST(a_degree_above_two_is_said_not_to_be_solvable) {
    bool is_solvable = true;
    const auto cube = [](const auto& x) {
        using Number = std::decay_t<decltype(x)>;
        return x * x * x > x + Number(1.0);
    };
    CHECK(!first_change(cube, Quotient(1.0), true, std::nullopt, &is_solvable));
    CHECK(!is_solvable);
}

}  // namespace

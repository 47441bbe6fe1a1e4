#include <cmath>
#include <limits>

#include "check.hpp"
#include "draw.hpp"
#include "pymargin/schedule.hpp"
#include "rules.hpp"

namespace {

using pymargin::Exact;
using pymargin::Notes;
using pymargin::ScheduleTable;
using pymargin::test::BigDecimal;
using pymargin::test::Draw;
using pymargin::test::End;
using pymargin::test::Rules;
using pymargin::test::Schedule;
using pymargin::test::shortest;
using pymargin::test::Tier;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Falls from 0.95; the excess above 5000 counts nothing.
Schedule collateral() {
    return {{{{1000, 0}, {95, -2}}, {{2500, 0}, {8, -1}}, {{5000, 0}, {5, -1}}},
            End::excess_is_zero};
}

/// Rises from 0.02; the last rate goes on.
Schedule maintenance(End end) {
    return {{{{100, 0}, {2, -2}}, {{1000, 0}, {5, -2}}, {{20000, 0}, {1, -1}}}, end};
}

Schedule random_schedule(Draw& draw) {
    Schedule schedule;
    schedule.end = draw.any_of({End::open, End::excess_is_zero, End::excess_goes_on});
    const int n = 1 + draw.below(draw.one_in(10) ? 64 : 6);
    const bool falls = schedule.end == End::excess_is_zero;
    std::int64_t cap = 0;
    std::int64_t rate = falls ? 1000000 : draw.below(1000);
    const int places = draw.below(7);
    for (int k = 0; k < n; ++k) {
        cap += 1 + draw.below(draw.one_in(3) ? 3 : 100000000);
        schedule.tiers.push_back({{cap, -places}, {rate, -6}});
        const std::int64_t change = draw.below(20000);
        rate = falls ? std::max<std::int64_t>(0, rate - change) : rate + change;
    }
    return schedule;
}

/// A value at a cap, beside one, or anywhere.
double random_value(Draw& draw, const Schedule& schedule) {
    const int n = static_cast<int>(schedule.tiers.size());
    const auto& tier = schedule.tiers[static_cast<std::size_t>(draw.below(n))];
    const double cap = BigDecimal(tier.cap).rounded();
    return draw.one_in(4) ? draw.decimal(-3, 12) : draw.near(draw.one_in(3) ? 2 * cap : cap);
}

}  // namespace

TEST(values_are_the_sum_of_their_slices) {
    Rules rules;
    const int falling = rules.add(collateral());
    const int rising = rules.add(maintenance(End::open));
    const ScheduleTable table = rules.table();
    CHECK_EQ(table.value(falling, 0), 0.0);
    CHECK_EQ(table.value(falling, 1000), 950.0);
    CHECK_EQ(table.value(falling, 2000), 950.0 + 800.0);
    CHECK_EQ(table.value(falling, 5000), 950.0 + 1200.0 + 1250.0);
    CHECK_EQ(table.value(falling, 1e9), 3400.0);
    CHECK_EQ(table.value(rising, 100), 2.0);
    CHECK_EQ(table.value(rising, 1000), 2.0 + 45.0);
    CHECK_EQ(table.value(rising, 40000), 2.0 + 45.0 + 3900.0);
}

TEST(upper_edge_belongs_to_its_tier) {
    Rules rules;
    const int s = rules.add(collateral());
    const ScheduleTable table = rules.table();
    CHECK_EQ(table.rate(s, 0), 0.95);
    CHECK_EQ(table.rate(s, 1000), 0.95);
    CHECK_EQ(table.rate(s, std::nextafter(1000, infinity)), 0.8);
    CHECK_EQ(table.rate(s, 5000), 0.5);
    CHECK_EQ(table.rate(s, std::nextafter(5000, infinity)), 0.0);
    CHECK_EQ(table.rate(s, infinity), 0.0);
}

TEST(rate_above_a_cap_is_the_next_one) {
    Rules rules;
    const int s = rules.add(collateral());
    const ScheduleTable table = rules.table();
    CHECK_EQ(table.rate_above(s, std::nextafter(1000, 0)), 0.95);
    CHECK_EQ(table.rate_above(s, 1000), 0.8);
    CHECK_EQ(table.rate_above(s, 5000), 0.0);
    CHECK_EQ(table.rate_above(s, 1e300), 0.0);
}

TEST(counts_belong_to_each_schedule) {
    Rules rules;
    const int falling = rules.add(collateral());
    const int open = rules.add(maintenance(End::open));
    const int closed = rules.add(maintenance(End::excess_goes_on));
    const ScheduleTable table = rules.table();
    CHECK_EQ(table.size(), 3);
    CHECK_EQ(table.step_count(falling), 4);
    CHECK_EQ(table.step_count(open), 3);
    CHECK_EQ(table.last_cap(falling), 5000.0);
    CHECK_EQ(table.last_cap(open), infinity);
    CHECK_EQ(table.last_cap(closed), 20000.0);
    CHECK_EQ(table.value(open, 1e6), table.value(closed, 1e6));
}

TEST(inverse_undoes_value_where_the_schedule_rises) {
    Rules rules;
    Draw draw(11);
    for (int i = 0; i < 300; ++i) {
        rules.add(random_schedule(draw));
    }
    const ScheduleTable table = rules.table();
    for (int s = 0; s < table.size(); ++s) {
        for (int i = 0; i < 20; ++i) {
            const double v = random_value(draw, rules.schedule(s));
            const double y = table.value(s, v);
            const double back = table.inverse(s, y);
            // Offsets cancel: the rounding of a value is relative to v at the steepest rate.
            const double slack = 64 * 0x1p-52 * v * std::max(1.0, rules.steepest());
            CHECK(std::fabs(table.value(s, back) - y) <= slack);
            if (table.rate(s, v) > 0) {
                CHECK(back <= v + slack / table.rate(s, v));
            }
        }
    }
}

TEST(inverse_is_infinite_where_no_value_reaches) {
    Rules rules;
    const int s = rules.add(collateral());
    const int none = rules.add({{{{0, 0}, {0, 0}}}, End::open});
    const ScheduleTable table = rules.table();
    CHECK_EQ(table.inverse(s, 0), 0.0);
    CHECK_EQ(table.inverse(s, -1), 0.0);
    CHECK_EQ(table.inverse(s, 3400), 5000.0);
    CHECK_EQ(table.inverse(s, 3400.1), infinity);
    CHECK_EQ(table.inverse(s, infinity), infinity);
    CHECK_EQ(table.inverse(none, 1e-300), infinity);
    CHECK_EQ(table.inverse(none, 0), 0.0);
}

TEST(exact_values_equal_the_slices_exactly) {
    Draw draw(12);
    for (int i = 0; i < 500; ++i) {
        Rules rules;
        const Schedule schedule = random_schedule(draw);
        const int s = rules.add(schedule);
        for (int k = 0; k < 5; ++k) {
            const double v = random_value(draw, schedule);
            Notes notes;
            const Exact value = rules.table().value(s, Exact(v), notes);
            CHECK_EQ(BigDecimal(value), schedule.value(shortest(v)));
            CHECK_EQ(notes.beyond_tiers, schedule.is_beyond(shortest(v)));
            CHECK(!notes.ambiguous);
        }
    }
}

TEST(float_values_are_near_the_slices) {
    Draw draw(13);
    double worst = 0;
    for (int i = 0; i < 500; ++i) {
        Rules rules;
        const Schedule schedule = random_schedule(draw);
        const int s = rules.add(schedule);
        for (int k = 0; k < 5; ++k) {
            const double v = random_value(draw, schedule);
            const double exact = schedule.value(shortest(v)).rounded();
            const double error = std::fabs(rules.table().value(s, v) - exact);
            worst = std::max(worst, error / (0x1p-53 * rules.steepest() * v));
        }
    }
    std::printf("     largest error of a value: %.2f u of steepest * v\n", worst);
    CHECK(worst <= 8);
}

TEST(caps_that_share_a_float_are_kept_apart_exactly) {
    // Both caps round to 1e6; the tier between them is a decimal's width.
    const Schedule schedule{{{{100000000000000001, -11}, {9, -1}},
                             {{100000000000000002, -11}, {5, -1}},
                             {{2000000, 0}, {1, -1}}},
                            End::excess_is_zero};
    Rules rules;
    const int s = rules.add(schedule);
    const ScheduleTable table = rules.table();
    for (const double v : {1e6, std::nextafter(1e6, 0), std::nextafter(1e6, infinity), 1.5e6}) {
        Notes notes;
        CHECK_EQ(BigDecimal(table.value(s, Exact(v), notes)), schedule.value(shortest(v)));
        CHECK(std::fabs(table.value(s, v) - schedule.value(shortest(v)).rounded()) <= 1e-9);
    }
}

TEST(the_longest_figures_stay_exact) {
    const std::int64_t nines = 999999999999999999;
    const Schedule schedule{{{{1, -18}, {1, -18}}, {{nines, 0}, {nines, 0}}}, End::excess_goes_on};
    Rules rules;
    const int s = rules.add(schedule);
    for (const double v : {5e-324, 1e-18, 1.0, 1e18, 1.7976931348623157e308}) {
        Notes notes;
        CHECK_EQ(BigDecimal(rules.table().value(s, Exact(v), notes)), schedule.value(shortest(v)));
        CHECK_EQ(notes.beyond_tiers, v >= 1e18);
    }
}

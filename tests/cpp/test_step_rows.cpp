#include <cmath>
#include <limits>

#include "check.hpp"
#include "kernels/step_rows.hpp"
#include "pymargin/slots.hpp"
#include "rules.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;
using kernels::StepRows;
using kernels::StepRowTable;

constexpr double no_end = std::numeric_limits<double>::infinity();

/// Of five tiers, so that the caps of the others are padded; of one; of leading rate 0.
struct Tables {
    Tables() {
        five = rules.add({{{{1, 3}, {1, 0}},
                           {{2, 3}, {9, -1}},
                           {{3, 3}, {8, -1}},
                           {{4, 3}, {7, -1}},
                           {{5, 3}, {6, -1}}},
                          End::excess_is_zero});
        one = rules.add({{{{0, 0}, {5, -1}}}, End::open});
        late = rules.add(
            {{{{1, 2}, {0, 0}}, {{7, 2}, {1, -2}}, {{9, 2}, {5, -2}}}, End::excess_goes_on});
    }

    Rules rules;
    int five;
    int one;
    int late;
};

/// What a kernel makes of a row: the step that follows the caps below v.
double value(const StepRows& rows, int schedule, double v) {
    const double* const caps = rows.row(schedule) + StepRows::caps;
    std::int64_t below = 0;
    for (std::int64_t k = 0; k < rows.n_caps; ++k) {
        below += caps[k] < v ? 1 : 0;
    }
    const double* const step = caps + rows.n_caps + 2 * below;
    return step[0] * v + step[1];
}

}  // namespace

TEST(a_row_values_as_its_schedule_does) {
    const Tables tables;
    const StepRowTable table(tables.rules.table());
    for (const int schedule : {tables.five, tables.one, tables.late}) {
        for (const double edge : {0.0, 100.0, 700.0, 900.0, 1e3, 2e3, 3e3, 4e3, 5e3, 1e12}) {
            for (const double v : {edge, std::nextafter(edge, no_end)}) {
                CHECK_EQ(value(table.view(), schedule, v), tables.rules.table().value(schedule, v));
            }
        }
    }
}

TEST(no_schedule_is_a_row_of_nothing) {
    const Tables tables;
    const StepRowTable table(tables.rules.table());
    for (const double v : {0.0, 1.0, 1e300}) {
        CHECK_EQ(value(table.view(), -1, v), 0.0);
    }
}

TEST(rows_are_whole_vectors_of_caps_padded_with_infinity) {
    const Tables tables;
    const StepRowTable table(tables.rules.table());
    const StepRows rows = table.view();
    CHECK_EQ(rows.n_caps % lanes, 0);
    CHECK_EQ(rows.length, StepRows::caps + rows.n_caps + 2 * (rows.n_caps + 1));
    CHECK_EQ(rows.row(tables.one)[StepRows::caps], no_end);
    CHECK_EQ(rows.row(tables.five)[StepRows::caps + rows.n_caps - 1], no_end);
}

TEST(a_row_begins_with_what_float64_settles_values_between) {
    const Tables tables;
    const StepRowTable table(tables.rules.table());
    const StepRows rows = table.view();
    CHECK_EQ(rows.row(tables.late)[0], 100.0);
    CHECK_EQ(rows.row(tables.late)[1], 900.0);
    CHECK_EQ(rows.row(tables.five)[0], -no_end);
    CHECK_EQ(rows.row(tables.five)[1], 5e3);
    CHECK_EQ(rows.row(tables.one)[1], no_end);
}

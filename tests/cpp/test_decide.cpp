#include <cmath>
#include <limits>

#include "check.hpp"
#include "pymargin/decide.hpp"
#include "scenario.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Seen {
    double worst = 0;  ///< error over bound
    int settled = 0;
    int unsettled = 0;
};

/// The float64 sums of one account against the exact ones: nothing outside the bound, nothing
/// settled that exact arithmetic decides otherwise.
template <class Mode>
void compare(const Scenario& scenario, const Account& account, Seen& seen) {
    const MarketOf<Mode> market(scenario.rules, scenario.assets);
    const Decisions<Mode> decisions;
    const DecisionTable table = decisions.table();
    const Book<> book(account);
    Notes notes;
    Notes exact_notes;
    const auto sums = sum_row<Mode, double>(book.view(), market.market(), 0, notes);
    const auto exact_sums = sum_row<Mode, Exact>(book.view(), market.market(), 0, exact_notes);
    const auto level_of = [&](int level) { return Mode::level(sums, level); };
    const auto exact_level_of = [&](int level) { return Mode::level(exact_sums, level); };
    const double bound = ErrorBound(table.greatest_theta, market.market().steepest)
                             .at(n_terms<Mode>(book.view(), 0), Mode::magnitude(sums));

    bool is_settled = true;
    for (int test = 0; test < table.n_tests; ++test) {
        const Threshold& limit = table.thresholds[test];
        const auto level = level_of(table.test_level[test]);
        const auto exact = exact_level_of(table.test_level[test]);
        const double distance = level.numerator - limit.value * level.denominator;
        const Exact exact_distance = exact.numerator - Exact(limit.decimal) * exact.denominator;
        if (distance > bound || distance < -bound) {
            CHECK_EQ(exact_distance.sign(), distance > 0 ? 1 : -1);
        } else {
            is_settled = false;
        }
        if (!std::isfinite(distance) || !std::isfinite(bound)) {
            continue;
        }
        const Exact error = Exact(distance) - exact_distance;
        const double ratio = std::fabs(Exact::ratio(error, Exact(bound)));
        CHECK(ratio <= 1);
        seen.worst = std::max(seen.worst, ratio);
    }
    is_settled = is_settled && !notes.ambiguous;
    if (is_settled) {
        CHECK_EQ(notes.beyond_tiers, exact_notes.beyond_tiers);
    }
    ++(is_settled ? seen.settled : seen.unsettled);
}

template <class Mode>
void compare_many(const char* name, std::uint64_t seed) {
    Seen seen;
    for (std::uint64_t i = 0; i < 100; ++i) {
        Scenario scenario(1000 * seed + i);
        for (int k = 0; k < 10; ++k) {
            const Account account = scenario.account();
            compare<Mode>(scenario, account, seen);
            compare<Mode>(scenario, scenario.balanced<Mode>(account), seen);
        }
    }
    std::printf("     %s: largest error %.4f of the bound; %d settled, %d not\n", name, seen.worst,
                seen.settled, seen.unsettled);
    CHECK(seen.settled > 500);
    CHECK(seen.unsettled > 100);
}

Ratio<Exact> exact_ratio(double numerator, double denominator) {
    return {Exact(numerator), Exact(denominator)};
}

}  // namespace

TEST(a_threshold_is_inclusive_and_decimal) {
    const Exact limit(Decimal{11, -1});
    CHECK(is_at_most(exact_ratio(1.1, 1), limit));
    CHECK(is_at_most(exact_ratio(3.3, 3), limit));
    CHECK(!is_at_most(exact_ratio(std::nextafter(1.1, 2), 1), limit));
    CHECK(is_at_most(exact_ratio(std::nextafter(1.1, 1), 1), limit));
    CHECK(!is_at_most(exact_ratio(1.1, std::nextafter(1, 0)), limit));
}

TEST(nothing_owed_fires_only_on_a_deficit) {
    const Exact limit(Decimal{11, -1});
    CHECK(!is_at_most(exact_ratio(0, 0), limit));
    CHECK(!is_at_most(exact_ratio(5e-324, 0), limit));
    CHECK(is_at_most(exact_ratio(-5e-324, 0), limit));
    CHECK(is_at_most(exact_ratio(0, 5e-324), limit));
    CHECK(is_at_most(exact_ratio(0, 1), Exact()));
}

TEST(level_values_at_the_edges) {
    CHECK_EQ(level_value(Ratio<double>{3, 2}), 1.5);
    CHECK_EQ(level_value(Ratio<double>{0, 0}), infinity);
    CHECK_EQ(level_value(Ratio<double>{1, 0}), infinity);
    CHECK_EQ(level_value(Ratio<double>{-1, 0}), -infinity);
    CHECK_EQ(level_value(exact_ratio(3, 2)), 1.5);
    CHECK_EQ(level_value(exact_ratio(0, 0)), infinity);
    CHECK_EQ(level_value(exact_ratio(-1, 0)), -infinity);
    CHECK_EQ(level_value(exact_ratio(-3, 2)), -1.5);
}

TEST(the_bound_is_never_zero) {
    CHECK(ErrorBound(0, 1).at(0, 0) > 0);
    CHECK(ErrorBound(0, 1).at(0, 5e-324) > 0);
    CHECK(ErrorBound(2, 1).at(1, 1) >= 256 * 0x1p-53);
    CHECK(ErrorBound(2, 1).at(1, 1) <= 0x1p-40);
    CHECK(ErrorBound(2, 10).at(1, 1) > ErrorBound(2, 1).at(1, 1));
    CHECK(ErrorBound(3, 1).at(1, 1) > ErrorBound(2, 1).at(1, 1));
    CHECK(ErrorBound(2, 1).at(2, 1) > ErrorBound(2, 1).at(1, 1));
}

TEST(thresholds_are_those_of_the_class) {
    const Threshold thresholds[] = {{1, {1, 0}}, {2, {2, 0}}, {3, {3, 0}}, {4, {4, 0}}};
    const std::uint32_t class_of[] = {1, 0};
    DecisionTable table{};
    table.n_tests = 2;
    table.thresholds = thresholds;
    CHECK_EQ(table.row(1)[1].value, 2.0);
    table.class_of = class_of;
    CHECK_EQ(table.row(0)[1].value, 4.0);
    CHECK_EQ(table.row(1)[0].value, 1.0);
}

TEST(errors_stay_within_the_bound_classic_2023) {
    compare_many<Classic2023>("classic_2023", 1);
}

TEST(errors_stay_within_the_bound_classic_2026_01) {
    compare_many<Classic2026January>("classic_2026_01", 2);
}

TEST(errors_stay_within_the_bound_classic_2026_06) {
    compare_many<Classic2026June>("classic_2026_06", 3);
}

TEST(errors_stay_within_the_bound_pro_gross) {
    compare_many<ProGross>("pro gross", 4);
}

TEST(errors_stay_within_the_bound_pro_gross_standalone) {
    compare_many<ProGrossStandalone>("pro gross, standalone", 5);
}

TEST(errors_stay_within_the_bound_pro_net) {
    compare_many<ProNet>("pro net", 6);
}

TEST(errors_stay_within_the_bound_pro_net_standalone) {
    compare_many<ProNetStandalone>("pro net, standalone", 7);
}

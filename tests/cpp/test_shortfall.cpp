#include <cmath>
#include <limits>

#include "check.hpp"
#include "pymargin/modes/cross_classic.hpp"
#include "pymargin/modes/cross_pro.hpp"
#include "pymargin/shortfall.hpp"
#include "scenario.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

using Classic = CrossClassic<ClassicMethodology::since_2023>;
using Pro = CrossPro<Reading::gross, OrderLoss::marginal>;

constexpr int usdt = 0;

/// One test: the margin level at or below a threshold.
struct OneLine {
    explicit OneLine(Decimal at) : threshold{value_of(at), at} {
    }

    static double value_of(Decimal at) {
        return static_cast<double>(at.coefficient) * std::pow(10.0, at.exponent);
    }
    DecisionTable table() const {
        DecisionTable made{};
        made.n_tests = 1;
        made.test_level[0] = 0;
        made.n_classes = 1;
        made.greatest_theta = std::fabs(threshold.value);
        made.thresholds = &threshold;
        made.actions = actions;
        return made;
    }

    Threshold threshold;
    std::uint16_t actions[2] = {0, 1};
};

template <class Mode>
double lacking_to(Decimal at, const Account& account) {
    Rules rules;
    const int whole = rules.add({{{{1, 0}, {1, 0}}}, End::open});
    const int twentieth = rules.add({{{{1, 0}, {5, -2}}}, End::open});
    const std::vector<Asset> assets{{1, whole, whole, whole, twentieth, twentieth},
                                    {1, whole, whole, whole, twentieth, twentieth}};
    const MarketOf<Mode> market(rules, assets);
    const OneLine line(at);
    const Book<> book(account);
    double found = 0;
    shortfalls<Mode>(book.view(), market.market(), line.table(), &found, 1);
    return found;
}

/// `owned` USDT against a debt of another asset at 1 USDT.
Account holding(double owned, double owed) {
    return {{{usdt, owned, 0, 0, 0}, {1, 0, 0, owed, 0}}, {}, 0};
}

TEST(exactly_at_the_threshold_nothing_is_lacking) {
    const Decimal at{11, -1};
    CHECK_EQ(lacking_to<Classic>(at, holding(1.1, 1)), 0.0);
    CHECK_EQ(lacking_to<Classic>(at, holding(std::nextafter(1.1, 2), 1)), 0.0);
    CHECK(std::fabs(lacking_to<Classic>(at, holding(1, 1)) - 0.1) < 1e-14);
}

TEST(a_unit_of_the_last_place_is_lacking_in_full) {
    const double owned = std::nextafter(1.1, 0);
    const double found = lacking_to<Classic>({11, -1}, holding(owned, 1));
    CHECK(std::fabs(found - 1.0e-16) < 1e-24);
}

TEST(a_deficit_is_lacking_where_nothing_asks_for_margin) {
    Account account;
    account.open_order_loss = 3;
    CHECK_EQ(lacking_to<Pro>({1, 0}, account), 3.0);
    account.entries = {{usdt, 5, 0, 0, 0}};
    CHECK_EQ(lacking_to<Pro>({1, 0}, account), 0.0);
}

TEST(a_threshold_may_be_below_0) {
    // Equity 4 - 10, maintenance 0.5: the level is -12.
    CHECK_EQ(lacking_to<Pro>({-10, 0}, holding(4, 10)), 1.0);
    CHECK_EQ(lacking_to<Pro>({-12, 0}, holding(4, 10)), 0.0);
}

TEST(what_overflows_float64_is_lacking_all_the_same) {
    const double huge = std::numeric_limits<double>::max();
    CHECK(lacking_to<Classic>({11, -1}, holding(1, huge)) > 1e308);
    CHECK_EQ(lacking_to<Classic>({5, -1}, holding(huge, huge)), 0.0);
}

TEST(what_rounds_to_nothing_is_not_nothing) {
    const double least = std::numeric_limits<double>::denorm_min();
    CHECK(lacking_to<Classic>({11, -1}, holding(least, least)) > 0);
}

TEST(shortfalls_follow_the_exact_sign_everywhere) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        Scenario scenario(seed);
        const Account account = scenario.balanced<Pro>(scenario.account());
        const MarketOf<Pro> market(scenario.rules, scenario.assets);
        const OneLine line({1, 0});
        const Book<> book(account);
        double found = 0;
        shortfalls<Pro>(book.view(), market.market(), line.table(), &found, 1);
        Notes unused;
        const auto sums = sum_row<Pro, Exact>(book.view(), market.market(), 0, unused);
        const Ratio<Exact> level = Pro::level(sums, Pro::margin_level);
        CHECK_EQ(found > 0, level.denominator > level.numerator);
    }
}

}  // namespace

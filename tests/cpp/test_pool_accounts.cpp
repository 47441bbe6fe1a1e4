#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "pymargin/pool_accounts.hpp"

using namespace pymargin;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::uint16_t grants_nothing = 128;
constexpr std::uint16_t grants_transfer = 129;
constexpr std::uint16_t liquidates = 1;

/// Two assets, the second worth 3 USDT; one line that liquidates, one grant (4) beside trade (1).
struct Combined {
    std::vector<PoolKey> keys;
    std::vector<std::int64_t> first_pool;
    std::vector<double> levels;
    std::vector<double> amounts;
    std::vector<std::uint16_t> codes;
    double unit[3] = {1, 3, 1};
    std::vector<std::uint16_t> actions_of_grants = std::vector<std::uint16_t>(128, 1);
    std::uint16_t actions_of_line[2] = {0, 16};
    double level = 0;
    double ratio = 0;
    double amount = 0;
    std::uint16_t actions = 0;

    void run() {
        for (std::size_t mask = 1; mask < 128; mask += 2) {
            actions_of_grants[mask] = 1 | 4;
        }
        std::vector<std::uint8_t> is_isolated;
        for (const PoolKey& key : keys) {
            is_isolated.push_back(key.isolated >= 0 ? 1 : 0);
        }
        first_pool = {0, static_cast<std::int64_t>(keys.size())};
        const double* const of_pools[] = {amounts.data()};
        double* const of_accounts[] = {&amount};
        const PoolFigures pools{
            first_pool.data(), keys.data(), is_isolated.data(), unit, 3, levels.data(),
            of_pools,          1,           codes.data()};
        const PoolCodes table{actions_of_line, 1, actions_of_grants.data()};
        combine_pools(1, pools, table, {&level, &ratio, of_accounts, &actions}, 1);
    }
};

TEST(the_worst_cross_pool_decides) {
    Combined two{{{0, -1}, {1, -1}}, {}, {5, 0.5}, {10, 2}, {grants_transfer, liquidates}};
    two.run();
    CHECK(two.level == 0.5);
    CHECK(two.ratio == 2);
    CHECK(two.amount == 16);
    CHECK(two.actions == 16);
}

TEST(any_pool_grants_where_no_line_matches) {
    Combined two{{{0, -1}, {1, -1}}, {}, {5, 4}, {1, 1}, {grants_nothing, grants_transfer}};
    two.run();
    CHECK(two.actions == (1 | 4));
    CHECK(two.level == 4);
}

TEST(an_isolated_position_is_beside_the_account) {
    Combined two{{{0, -1}, {0, 7}}, {}, {5, 0.5}, {10, 2}, {grants_nothing, liquidates}};
    two.run();
    CHECK(two.level == 5);
    CHECK(two.amount == 10);
    CHECK(two.actions == (1 | 128));
}

TEST(without_a_cross_pool_nothing_is_due_or_granted) {
    Combined one{{{0, 3}}, {}, {2}, {10}, {grants_transfer | action_beyond_tiers}};
    one.run();
    CHECK(one.level == infinity);
    CHECK(one.ratio == 0);
    CHECK(one.amount == 0);
    CHECK(one.actions == (1 | action_beyond_tiers));
}

TEST(what_is_not_valued_has_no_figures) {
    Combined two{{{0, -1}, {1, -1}}, {}, {5, nan}, {10, nan}, {1, action_unpriced_debt}};
    two.run();
    CHECK(std::isnan(two.level));
    CHECK(std::isnan(two.ratio));
    CHECK(std::isnan(two.amount));
    CHECK(two.actions == action_unpriced_debt);
}

TEST(a_cross_pool_needs_the_price_of_its_asset) {
    Combined one{{{1, -1}}, {}, {5}, {10}, {grants_transfer}};
    one.unit[1] = nan;
    one.run();
    CHECK(one.actions == action_unpriced_asset);
    Combined isolated{{{1, 0}}, {}, {5}, {10}, {grants_transfer}};
    isolated.unit[1] = nan;
    isolated.run();
    CHECK(isolated.actions == 1);
}

}  // namespace
